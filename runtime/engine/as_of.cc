#include "runtime/engine/as_of.h"

#include <charconv>
#include <string>

#include "runtime/base/time_text.h"

namespace weir {

namespace {

template <class Number>
bool read_number(std::string_view text, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

}  // namespace

Result<AsOf> parse_as_of(std::string_view text) {
  AsOf as_of;
  if (const auto colon = text.find(':'); colon != std::string_view::npos && read_number(text.substr(0, colon), as_of.partition.value) &&
                                         read_number(text.substr(colon + 1), as_of.sequence.value)) {
    as_of.kind = AsOf::Kind::commit;
    return as_of;
  }
  std::string full(text);
  if (full.size() == 10) full.append("T00:00:00Z");
  if (const auto time = parse_rfc3339(full)) {
    as_of.time = *time;
    return as_of;
  }
  auto token = ReadToken::decode(text);
  if (!token && token.error().code == Errc::format_newer) return fail(std::move(token.error()));
  if (!token)
    return fail(Errc::invalid_argument,
                "'{}' is no moment: write a time (2026-11-27T10:00:00Z, 2026-11-27), PARTITION:COMMIT as weir where shows them (3:17), or the token of an answer", text);
  as_of.kind = AsOf::Kind::token;
  as_of.token = std::move(*token);
  return as_of;
}

}  // namespace weir
