#include "actors/validate/text_pattern.h"

#include <fmt/format.h>
#include <re2/re2.h>

#include <charconv>

namespace weir {

namespace {

constexpr std::int64_t kMemoryMax = 8 << 20;

/// The four hex digits behind `\u` at `at`, or -1.
int code_unit(std::string_view pattern, std::size_t at) {
  int code = -1;
  if (at + 6 > pattern.size() || pattern.substr(at, 2) != "\\u") return -1;
  const char* const from = pattern.data() + at + 2;
  const auto read = std::from_chars(from, from + 4, code, 16);
  return read.ec == std::errc{} && read.ptr == from + 4 ? code : -1;
}

/// What JavaScript spells otherwise than RE2.
std::string as_re2(std::string_view pattern) {
  std::string out;
  for (std::size_t i = 0; i < pattern.size();) {
    if (pattern[i] != '\\') {
      if (pattern.substr(i, 3) == "(?<" && i + 3 < pattern.size() && pattern[i + 3] != '=' && pattern[i + 3] != '!') {
        out += "(?P<";
        i += 3;
      } else {
        out += pattern[i++];
      }
      continue;
    }
    if (int code = code_unit(pattern, i); code >= 0) {
      i += 6;
      if (const int low = code_unit(pattern, i); code >= 0xd800 && code < 0xdc00 && low >= 0xdc00 && low < 0xe000) {
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
        i += 6;
      }
      out += fmt::format("\\x{{{:x}}}", code);
    } else if (i + 2 < pattern.size() && pattern[i + 1] == 'c' &&
               ((pattern[i + 2] | 0x20) >= 'a' && (pattern[i + 2] | 0x20) <= 'z')) {
      out += fmt::format("\\x{{{:x}}}", pattern[i + 2] & 0x1f);
      i += 3;
    } else {
      out += pattern.substr(i, 2);
      i += 2;
    }
  }
  return out;
}

bool looks_around(std::string_view pattern) {
  for (const std::string_view form : {"(?=", "(?!", "(?<=", "(?<!"}) {
    if (pattern.find(form) != std::string_view::npos) return true;
  }
  return false;
}

}  // namespace

Result<TextPattern> TextPattern::compile(std::string_view pattern) {
  if (pattern.size() > kLengthMax)
    return fail(Errc::config_invalid, "a pattern may have {} bytes, this one has {}", kLengthMax, pattern.size());
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(kMemoryMax);
  options.set_encoding(re2::RE2::Options::EncodingUTF8);
  options.set_never_capture(true);
  auto compiled = std::make_shared<re2::RE2>(as_re2(pattern), options);
  if (!compiled->ok()) {
    std::string_view hint;
    if (looks_around(pattern)) {
      hint = "; look-around is not supported, because it can take for ever: write two patterns or rules instead";
    } else if (compiled->error_code() == re2::RE2::ErrorBadEscape) {
      hint = "; back-references and other escapes that RE2 does not know are not supported";
    }
    return fail(Errc::config_invalid, "the pattern \"{}\" is not understood: {}{}", pattern, compiled->error(), hint);
  }
  TextPattern out;
  out.compiled_ = std::move(compiled);
  out.text_ = pattern;
  return out;
}

bool TextPattern::found_in(std::string_view text) const {
  return re2::RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), *compiled_);
}

}  // namespace weir
