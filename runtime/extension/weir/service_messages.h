// What a node answers a service, as messages.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include <caf/allowed_unsafe_message_type.hpp>

namespace weir {
inline namespace sdk {

/// What became of rows(), as a message to whoever asked.
struct RowsAnswer {
  std::uint64_t question = 0;  // what rows() returned
  std::uint32_t status = 0;    // as over HTTP: 200
  std::string text;            // good(): the JSON of GET /v1/views/VIEW; else why not
  [[nodiscard]] bool good() const noexcept { return status == 200; }
  /// The list of rows alone, without what else the answer says of itself: equal as long as the rows are. good() only.
  [[nodiscard]] std::string_view rows() const noexcept {
    const std::string_view all = text;
    const std::size_t begin = all.find("\"rows\":[");
    if (begin == std::string_view::npos) return {};
    const std::string_view rows = all.substr(begin + 7);
    const std::size_t next = rows.rfind("],\"next\":");
    return rows.substr(0, (next == std::string_view::npos ? rows.rfind(']') : next) + 1);
  }
};
/// What became of put(), likewise.
struct PutAnswer {
  std::uint64_t question = 0;
  std::uint32_t status = 0;  // 202: accepted, durable. 429, 503: later. Others: these events never, as they are
  std::string text;          // accepted(): the JSON of POST /v1/events, with the token; else why not
  [[nodiscard]] bool accepted() const noexcept { return status == 202; }
};

}  // namespace sdk
}  // namespace weir

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weir::RowsAnswer)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weir::PutAnswer)
