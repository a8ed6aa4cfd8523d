#include "actors/doors/follow_position.h"

#include <charconv>

#include "runtime/base/hash.h"

namespace weir {

namespace {

tl::unexpected<Error> damaged(std::string_view text) {
  return tl::unexpected(Error{Errc::state_damaged, fmt::format("the position of a followed file reads '{}'", text)});
}

/// Takes what stands before `divider`, or the rest.
std::string_view take_word(std::string_view& text, char divider) {
  const std::size_t end = std::min(text.find(divider), text.size());
  const std::string_view word = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return word;
}
template <class Number>
bool parse_number(std::string_view word, Number& out) {
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), out);
  return error == std::errc{} && end == word.data() + word.size();
}
bool take_print(std::string_view& text, std::uint32_t length_max, Fingerprint& out) {
  if (!parse_number(take_word(text, ' '), out.length) || out.length > length_max) return false;
  const auto digest = parse_digest(take_word(text, ' '));
  if (!digest) return false;
  out.digest = *digest;
  return true;
}

}  // namespace

std::string follow_source(std::string_view input, const FileKey& key) {
  return fmt::format("follow:{}:{}:{}", input, key.device, key.inode);
}

std::optional<FileKey> file_key_of(std::string_view source, std::string_view input) {
  const std::string start = fmt::format("follow:{}:", input);
  if (!source.starts_with(start)) return std::nullopt;
  std::string_view rest = source.substr(start.size());
  FileKey key;
  if (!parse_number(take_word(rest, ':'), key.device) || !parse_number(rest, key.inode)) return std::nullopt;
  return key;
}

std::string write_follow_position(const FollowPosition& position) {
  return fmt::format("{}|{} {} {} {} {} {} {}", write_progress(position.progress), position.read_out ? 1 : 0,
                     position.extent, position.born, position.head.length, to_hex(position.head.digest),
                     position.tail.length, to_hex(position.tail.digest));
}

Result<FollowPosition> parse_follow_position(std::string_view text) {
  std::string_view rest = text;
  FollowPosition position;
  WEIR_ASSIGN(position.progress, parse_progress(take_word(rest, '|')));
  std::uint32_t read_out = 0;
  if (position.progress.finished || !parse_number(take_word(rest, ' '), read_out) || read_out > 1 ||
      !parse_number(take_word(rest, ' '), position.extent) || !parse_number(take_word(rest, ' '), position.born) ||
      !take_print(rest, kHeadMax, position.head) || !take_print(rest, kTailMax, position.tail) || !rest.empty() ||
      text.ends_with(' ') || position.head.length > position.extent || position.tail.length > position.extent)
    return damaged(text);
  position.read_out = read_out == 1;
  return position;
}

}  // namespace weir
