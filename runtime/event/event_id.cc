#include "runtime/event/event_id.h"

#include <algorithm>
#include <bit>

#include "runtime/base/invariant.h"
#include "runtime/base/json_text.h"
#include "runtime/event/ingest_batch.h"
#include "runtime/event/json_locate.h"
#include "runtime/event/json_scan.h"

namespace weir {

std::string_view DigestId::finish() {
  sha256_.finish_hex(text_.data(), kDigestIdSize / 2);
  return {text_.data(), text_.size()};
}
std::string_view DigestId::of(std::string_view frame) {
  begin();
  add(frame);
  return finish();
}

std::string digest_id(std::string_view frame) {
  return std::string(DigestId{}.of(frame));
}

namespace {

constexpr std::uint32_t kNoColumn = ~std::uint32_t{0};

bool is_id_text(std::string_view text) noexcept {
  return !text.empty() && text.size() <= kEventIdMax && is_valid_utf8(text);
}

/// The end of a field without quotes: a separator or `end`. nullptr: a quote stands inside.
const char* plain_end(const char* p, const char* end, char separator) noexcept {
  for (;; p += 16) {
    const json_scan::SplitBlock block = json_scan::split_block(p, separator);
    std::uint32_t stop = block.separator | block.special;
    for (; stop != 0; stop &= stop - 1) {
      const char* const at = p + std::countr_zero(stop);
      if (at >= end) return end;
      if (*at == separator) return at;
      if (*at == '"') return nullptr;
    }
    if (end - p <= 16) return end;
  }
}

/// The closing quote of a field whose text begins at `p`, or nullptr. `doubled`: quotes inside stand twice.
const char* quoted_end(const char* p, const char* end, bool& doubled) noexcept {
  while (p < end) {
    const auto* quote = static_cast<const char*>(std::memchr(p, '"', static_cast<std::size_t>(end - p)));
    if (quote == nullptr) return nullptr;
    if (quote + 1 >= end || quote[1] != '"') return quote;
    doubled = true;
    p = quote + 2;
  }
  return nullptr;
}

}  // namespace

std::optional<std::string_view> locate_csv(std::string_view record, std::uint32_t column, char separator,
                                           std::string& buffer) {
  const char* p = record.data();
  const char* const end = p + record.size();
  for (std::uint32_t index = 0;; ++index) {
    std::string_view text;
    bool doubled = false;
    if (p < end && *p == '"') {
      const char* const close = quoted_end(p + 1, end, doubled);
      if (close == nullptr || (close + 1 < end && close[1] != separator)) return std::nullopt;
      text = {p + 1, static_cast<std::size_t>(close - p - 1)};
      p = close + 1;
    } else {
      const char* const stop = plain_end(p, end, separator);
      if (stop == nullptr) return std::nullopt;
      text = {p, static_cast<std::size_t>(stop - p)};
      p = stop;
    }
    if (index == column) {
      if (!doubled) return text;
      buffer.clear();
      for (std::size_t i = 0; i < text.size(); ++i) {
        buffer.push_back(text[i]);
        if (text[i] == '"') ++i;
      }
      return buffer;
    }
    if (p >= end) return std::nullopt;
    ++p;
  }
}

EventIdFinder::EventIdFinder(EventIdRule rule) : rule_(std::move(rule)) {
  for (const auto& path : rule_.fields) {
    INVARIANT(!path.empty(), "a field's path has at least one part");
    is_source_.push_back(path.size() == 1 && path.front() == "@source");
    if (!rule_.in_data) continue;
    if (is_source_.back()) {
      rule_.fields[is_source_.size() - 1] = {"source"};
      is_source_.back() = false;
    }
    auto& below = in_data_.emplace_back(rule_.fields[is_source_.size() - 1]);
    below.insert(below.begin(), "data");
  }
}

std::optional<std::string_view> EventIdFinder::json_field(std::string_view frame, std::size_t index) {
  if (is_source_[index]) return rule_.source;
  auto piece = locate_json(frame, rule_.fields[index]);
  if (!piece && rule_.in_data) piece = locate_json(frame, in_data_[index]);
  if (!piece || piece->text.empty()) return std::nullopt;
  if (!piece->escapes) return piece->text;
  // No escape is longer than 6 bytes for each byte it means.
  if (piece->text.size() > kEventIdMax * 6) return std::nullopt;
  field_.clear();
  if (!append_unescaped(field_, piece->text)) return std::nullopt;
  return field_;
}

template <class FieldOf>
EventIdFinder::Id EventIdFinder::find(std::string_view frame, FieldOf field_of) {
  if (rule_.fields.empty()) return {digest_.of(frame), frame_flag::id_digest};
  const Id missing{{}, frame_flag::id_digest | frame_flag::id_missing};
  if (rule_.fields.size() == 1) {
    const auto text = field_of(std::size_t{0});
    if (text && is_id_text(*text)) return {*text, 0};
    return {digest_.of(frame), missing.flags};
  }
  joined_.clear();
  for (std::size_t i = 0; i < rule_.fields.size(); ++i) {
    const auto text = field_of(i);
    if (!text || !is_id_text(*text)) return {digest_.of(frame), missing.flags};
    if (i != 0) joined_.push_back(':');
    for (const char c : *text) {
      if (c == ':' || c == '\\') joined_.push_back('\\');
      joined_.push_back(c);
    }
  }
  if (joined_.size() > kEventIdMax) return {digest_.of(frame), missing.flags};
  return {joined_, 0};
}

EventIdFinder::Id EventIdFinder::json(std::string_view frame) {
  return find(frame, [&](std::size_t i) { return json_field(frame, i); });
}

EventIdFinder::Id EventIdFinder::csv(std::string_view frame) {
  return find(frame, [&](std::size_t i) -> std::optional<std::string_view> {
    if (is_source_[i]) return rule_.source;
    if (i >= columns_.size() || columns_[i] == kNoColumn) return std::nullopt;
    return locate_csv(frame, columns_[i], separator_, field_);
  });
}

EventIdFinder::Id EventIdFinder::digest(std::string_view digest) const noexcept {
  const std::uint16_t missing = rule_.fields.empty() ? std::uint16_t{0} : frame_flag::id_missing;
  return {digest, static_cast<std::uint16_t>(frame_flag::id_digest | missing)};
}

std::vector<std::string> EventIdFinder::set_csv_columns(const std::vector<std::string>& columns, char separator) {
  separator_ = separator;
  columns_.clear();
  std::vector<std::string> absent;
  for (const auto& path : rule_.fields) {
    const auto found = path.size() == 1 ? std::find(columns.begin(), columns.end(), path.front()) : columns.end();
    columns_.push_back(found == columns.end() ? kNoColumn : static_cast<std::uint32_t>(found - columns.begin()));
    if (found != columns.end() || is_source_[columns_.size() - 1]) continue;
    std::string& name = absent.emplace_back(path.front());
    for (std::size_t i = 1; i < path.size(); ++i) name.append(".").append(path[i]);
  }
  return absent;
}

}  // namespace weir
