// The walk over one JSON object. Written by hand because it beat simdjson's On-Demand interface here: a key that was
// predicted costs one 16-byte comparison and a value is walked, checked and located in the same pass (figures:
// tests/bench/path_micro). simdjson checks UTF-8, and nlohmann's parser is the oracle of the tests. Internal to
// runtime/event.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/ids.h"
#include "runtime/event/document.h"
#include "runtime/event/document_keys.h"
#include "runtime/event/document_parser.h"

namespace weir {

/// Writes what the inside of a checked JSON string means to `to` (at most raw.size() bytes).
[[nodiscard]] std::string_view unescape_json(std::string_view raw, char* to) noexcept;

class JsonWalker {
 public:
  explicit JsonWalker(KeyTable& keys) : keys_(keys) {}
  JsonWalker(const JsonWalker&) = delete;
  JsonWalker& operator=(const JsonWalker&) = delete;

  /// Fills `document` (its slots and origins are there and cleared). False: `problem` is set.
  [[nodiscard]] bool walk(std::string_view frame, Document& document, ParseProblem& problem);

 private:
  // All return the place behind what they read, or nullptr after fail(). Reading may run up to 63 bytes past the frame;
  // a place past its end is found out at the next check.
  const char* object(const char* p, KeyContext* context, unsigned depth);
  const char* array(const char* p, KeyContext* context, unsigned depth);
  template <class Below>
  const char* value(const char* p, unsigned depth, Value& found, Below below);
  const char* string_inside(const char* p, bool& escapes);
  const char* escape(const char* p);
  const char* key_slow(const char* p, KeyContext* context, Key** link, Key*& key);
  const char* white(const char* p);
  const char* fail(const char* at, const char* what);
  const char* fail_within(const char* at, std::size_t looked_at, const char* what);
  [[nodiscard]] bool unique_loose_keys(std::size_t first);

  KeyTable& keys_;
  const char* begin_ = nullptr;
  const char* end_ = nullptr;
  Document* document_ = nullptr;
  std::uint32_t high_ = 0;        // some byte of a string was not ASCII
  std::uint32_t spaces_ = 0;      // white space met outside strings
  std::uint64_t instances_ = 0;   // objects opened so far: never reset, so stamps never lie
  std::vector<Digest128> loose_;  // keys that had no room in the table, of all open objects
  std::string key_text_;          // a key without its escapes
  const char* error_at_ = nullptr;
  const char* error_ = nullptr;
};

}  // namespace weir
