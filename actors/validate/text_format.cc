#include "actors/validate/text_format.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

namespace weir {

namespace {

constexpr std::array<std::pair<std::string_view, TextFormat>, 9> kFormats = {{{"date-time", TextFormat::date_time},
                                                                              {"date", TextFormat::date},
                                                                              {"time", TextFormat::time},
                                                                              {"email", TextFormat::email},
                                                                              {"hostname", TextFormat::hostname},
                                                                              {"ipv4", TextFormat::ipv4},
                                                                              {"ipv6", TextFormat::ipv6},
                                                                              {"uri", TextFormat::uri},
                                                                              {"uuid", TextFormat::uuid}}};

bool is_digit(char c) noexcept {
  return c >= '0' && c <= '9';
}
bool is_letter(char c) noexcept {
  return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}
bool is_hex(char c) noexcept {
  return is_digit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
}

/// `pattern`: a 0 stands for a digit, everything else for itself.
bool shaped(std::string_view text, std::string_view pattern) noexcept {
  return text.size() == pattern.size() && std::equal(text.begin(), text.end(), pattern.begin(),
                                                     [](char c, char p) { return p == '0' ? is_digit(c) : c == p; });
}
unsigned two(std::string_view text, std::size_t at) noexcept {
  return static_cast<unsigned>(text[at] - '0') * 10 + static_cast<unsigned>(text[at + 1] - '0');
}

bool is_date(std::string_view text) noexcept {
  if (!shaped(text, "0000-00-00")) return false;
  const std::chrono::year_month_day date{std::chrono::year(static_cast<int>(two(text, 0) * 100 + two(text, 2))),
                                         std::chrono::month(two(text, 5)), std::chrono::day(two(text, 8))};
  return date.ok();
}

bool is_time(std::string_view text) noexcept {
  if (text.size() < 9 || !shaped(text.substr(0, 8), "00:00:00")) return false;
  if (two(text, 0) > 23 || two(text, 3) > 59 || two(text, 6) > 60) return false;
  text.remove_prefix(8);
  if (text.front() == '.') {
    const std::size_t end = std::min(text.find_first_not_of("0123456789", 1), text.size());
    if (end == 1) return false;
    text.remove_prefix(end);
  }
  if (text.size() == 1) return (text.front() | 0x20) == 'z';
  return (shaped(text, "+00:00") || shaped(text, "-00:00")) && two(text, 1) <= 23 && two(text, 4) <= 59;
}

bool is_hostname(std::string_view text) noexcept {
  if (text.empty() || text.size() > 253) return false;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('.'), text.size());
    const std::string_view label = text.substr(0, end);
    if (label.empty() || label.size() > 63 || label.front() == '-' || label.back() == '-') return false;
    if (!std::all_of(label.begin(), label.end(), [](char c) { return is_letter(c) || is_digit(c) || c == '-'; }))
      return false;
    if (end + 1 == text.size()) return false;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return true;
}

bool is_email(std::string_view text) noexcept {
  const std::size_t at = text.rfind('@');
  if (at == std::string_view::npos || at == 0 || at > 64 || !is_hostname(text.substr(at + 1))) return false;
  const std::string_view local = text.substr(0, at);
  if (local.front() == '.' || local.back() == '.' || local.find("..") != std::string_view::npos) return false;
  return std::all_of(local.begin(), local.end(), [](char c) {
    return is_letter(c) || is_digit(c) || std::string_view("!#$%&'*+-/=?^_`{|}~.").find(c) != std::string_view::npos;
  });
}

bool is_ipv4(std::string_view text) noexcept {
  for (int part = 0; part < 4; ++part) {
    const std::size_t end = std::min(text.find('.'), text.size());
    const std::string_view digits = text.substr(0, end);
    if (digits.empty() || digits.size() > 3 || !std::all_of(digits.begin(), digits.end(), is_digit)) return false;
    if (digits.size() > 1 && digits.front() == '0') return false;
    unsigned value = 0;
    for (const char c : digits) value = value * 10 + static_cast<unsigned>(c - '0');
    if (value > 255 || (end == text.size()) != (part == 3)) return false;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return true;
}

bool is_ipv6(std::string_view text) noexcept {
  int groups = 0;
  bool shortened = false;
  if (text.starts_with("::")) {
    shortened = true;
    text.remove_prefix(2);
    if (text.empty()) return true;
  }
  for (;;) {
    const std::size_t end = std::min(text.find(':'), text.size());
    const std::string_view group = text.substr(0, end);
    if (end == text.size() && group.find('.') != std::string_view::npos) {
      groups += 2;
      return is_ipv4(group) && (shortened ? groups < 8 : groups == 8);
    }
    if (group.empty() || group.size() > 4 || !std::all_of(group.begin(), group.end(), is_hex)) return false;
    ++groups;
    if (end == text.size()) break;
    text.remove_prefix(end + 1);
    if (text.starts_with(':')) {
      if (std::exchange(shortened, true)) return false;
      text.remove_prefix(1);
      if (text.empty()) break;
    }
  }
  return shortened ? groups < 8 : groups == 8;
}

bool is_uri(std::string_view text) noexcept {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos || colon == 0 || !is_letter(text.front())) return false;
  const std::string_view scheme = text.substr(0, colon);
  if (!std::all_of(scheme.begin(), scheme.end(),
                   [](char c) { return is_letter(c) || is_digit(c) || c == '+' || c == '-' || c == '.'; }))
    return false;
  for (std::size_t i = colon + 1; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '%' && (i + 2 >= text.size() || !is_hex(text[i + 1]) || !is_hex(text[i + 2]))) return false;
    if (c <= ' ' || c == 0x7f || std::string_view("\"<>\\^`{|}").find(c) != std::string_view::npos)
      return false;  // not ASCII: below 0
  }
  return true;
}

bool is_uuid(std::string_view text) noexcept {
  if (text.size() != 36) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (i == 8 || i == 13 || i == 18 || i == 23 ? text[i] != '-' : !is_hex(text[i])) return false;
  }
  return true;
}

}  // namespace

std::optional<TextFormat> text_format(std::string_view name) noexcept {
  for (const auto& [known, format] : kFormats) {
    if (known == name) return format;
  }
  return std::nullopt;
}

std::string_view to_string(TextFormat format) noexcept {
  for (const auto& [name, known] : kFormats) {
    if (known == format) return name;
  }
  return "";
}

bool has_format(TextFormat format, std::string_view text) noexcept {
  switch (format) {
    case TextFormat::date_time:
      return text.size() > 11 && (text[10] | 0x20) == 't' && is_date(text.substr(0, 10)) && is_time(text.substr(11));
    case TextFormat::date:
      return is_date(text);
    case TextFormat::time:
      return is_time(text);
    case TextFormat::email:
      return is_email(text);
    case TextFormat::hostname:
      return is_hostname(text);
    case TextFormat::ipv4:
      return is_ipv4(text);
    case TextFormat::ipv6:
      return is_ipv6(text);
    case TextFormat::uri:
      return is_uri(text);
    case TextFormat::uuid:
      return is_uuid(text);
  }
  return false;
}

}  // namespace weir
