// Keys of one map, each with its range: for sections that are mostly numbers.
#pragma once
#include <fmt/format.h>

#include <chrono>
#include <string>
#include <string_view>

#include "runtime/adapters/yaml/reader.h"
#include "runtime/base/units.h"

namespace weir::yaml {

/// Keys of one map, each with its range.
class Keys {
 public:
  Keys(Context& context, const Node& node, const std::string& name) : context_(context), map_(context, node, name) {}
  [[nodiscard]] MapReader& map() { return map_; }
  void duration(std::string_view key, Range<std::chrono::microseconds> range, std::chrono::milliseconds& out) {
    const Node* node = map_.take(key);
    std::chrono::microseconds value{};
    if (node == nullptr || !read_duration(context_, *node, map_.path(key), range, value)) return;
    out = std::chrono::duration_cast<std::chrono::milliseconds>(value);
    if (out != value)
      context_.findings.add(node->place, fmt::format("\"{}\" must be of whole milliseconds, found {}", map_.path(key), describe_found(*node)));
  }
  template <class Integer>
  void integer(std::string_view key, Range<Integer> range, Integer& out) {
    if (const Node* node = map_.take(key)) read_integer(context_, *node, map_.path(key), range, out);
  }
  template <class Integer>
  void count(std::string_view key, Range<std::uint64_t> range, Integer& out) {
    const Node* node = map_.take(key);
    std::uint64_t value = 0;
    if (node != nullptr && read_count(context_, *node, map_.path(key), range, value)) out = static_cast<Integer>(value);
  }
  void bytes(std::string_view key, Range<std::uint64_t> range, std::uint64_t& out) {
    if (const Node* node = map_.take(key)) read_bytes(context_, *node, map_.path(key), range, out);
  }
  /// Two durations of which the first must not be longer.
  void rising(std::string_view low, std::chrono::milliseconds& least, std::string_view high, std::chrono::milliseconds& most, Range<std::chrono::microseconds> range) {
    duration(low, range, least);
    duration(high, range, most);
    if (least <= most) return;
    const Node* node = map_.take(low);
    if (node == nullptr) node = map_.take(high);
    context_.findings.add(node->place, fmt::format("\"{}\" ({}) must not be longer than \"{}\" ({})", map_.path(low), format_duration(least),
                                                   map_.path(high), format_duration(most)));
  }
  void finish() { map_.finish(); }

 private:
  Context& context_;
  MapReader map_;
};

}  // namespace weir::yaml
