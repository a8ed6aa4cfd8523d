#include "runtime/event/json_rows.h"

#include <algorithm>

#include "runtime/base/json_text.h"
#include "runtime/base/text_place.h"

namespace weir {

JsonRows::JsonRows(std::string_view text, Form form) : text_(text), form_(form) {
  if (text_.starts_with("\xEF\xBB\xBF")) at_ = counted_ = 3;
}

void JsonRows::white() noexcept {
  while (at_ < text_.size() && std::string_view(" \t\r\n").find(text_[at_]) != std::string_view::npos) ++at_;
}

std::uint64_t JsonRows::line_at(std::size_t place) noexcept {
  place = std::min(place, text_.size());
  if (place < counted_) return lines_;
  lines_ += static_cast<std::uint64_t>(std::count(text_.begin() + static_cast<std::ptrdiff_t>(counted_),
                                                  text_.begin() + static_cast<std::ptrdiff_t>(place), '\n'));
  counted_ = place;
  return lines_;
}

tl::unexpected<Error> JsonRows::wrong(std::size_t place, std::string_view what) const {
  const TextPlace at = place_in(text_, place);
  return fail(Errc::input_unreadable, "{}:{}: {}", at.line, at.column, what);
}

Result<bool> JsonRows::next() {
  if (!begun_) {
    begun_ = true;
    if (!is_valid_utf8(text_)) return wrong(0, "not UTF-8; save the table as UTF-8");
    if (form_ == Form::document) return begin();
  }
  if (form_ == Form::lines) return next_line();
  if (open_ == 0) return false;
  white();
  const char close = open_ == '[' ? ']' : '}';
  if (at_ < text_.size() && text_[at_] == close) return end();
  if (at_ >= text_.size() || text_[at_] != ',')
    return wrong(at_, open_ == '[' ? "expected ',' or ']'" : "expected ',' or '}'");
  ++at_;
  return next_member();
}

Result<bool> JsonRows::begin() {
  white();
  if (at_ >= text_.size()) return wrong(at_, "the table is empty; write an array of objects");
  open_ = text_[at_];
  if (open_ != '[' && open_ != '{')
    return wrong(at_, "the table must be an array of objects, or an object of rows under their keys");
  ++at_;
  white();
  if (at_ < text_.size() && text_[at_] == (open_ == '[' ? ']' : '}')) return end();
  return next_member();
}

Result<bool> JsonRows::end() {
  open_ = 0;
  ++at_;
  white();
  if (at_ < text_.size()) return wrong(at_, "something stands behind the table");
  return false;
}

Result<bool> JsonRows::next_member() {
  white();
  place_ = at_;
  line_ = line_at(at_);
  if (open_ == '{') {
    if (at_ >= text_.size() || text_[at_] != '"') return wrong(at_, "expected a key in quotes");
    WEIR_TRY(read_value());
    key_ = row_.text(0);
    white();
    if (at_ >= text_.size() || text_[at_] != ':') return wrong(at_, "expected ':'");
    ++at_;
    white();
  }
  const std::size_t value = at_;
  WEIR_TRY(read_value());
  if (open_ == '[' && row_[0].value.kind != ValueKind::object) return wrong(value, "a row must be an object");
  return true;
}

Result<bool> JsonRows::next_line() {
  white();
  if (at_ >= text_.size()) return false;
  place_ = at_;
  line_ = line_at(at_);
  const std::size_t line_end = std::min(text_.find('\n', at_), text_.size());
  WEIR_TRY(read_value());
  if (row_[0].value.kind != ValueKind::object) return wrong(place_, "a row must be an object");
  if (at_ > line_end) return wrong(at_, "a row must stand in one line");
  const std::size_t behind = text_.find_first_not_of(" \t\r", at_);
  if (behind < line_end) return wrong(behind, "something stands behind the row");
  return true;
}

Result<void> JsonRows::read_value() {
  ParseProblem problem;
  std::size_t used = 0;
  if (!row_.parse_first(text_.substr(at_), used, problem)) return wrong(at_ + problem.at, problem.what);
  at_ += used;
  return {};
}

}  // namespace weir
