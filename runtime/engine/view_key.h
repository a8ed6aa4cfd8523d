// Keys inside a partition's state. The first byte is the space; the parts of a view's key are encoded so that keys sort
// as the values do: null, false, true, numbers by value, strings by bytes, the rest by text. Part of the stored format.
//
//   view row         'v' | view number, 2 bytes | [window: its place in the view's list, 1 byte | start, 8 bytes] | part | part …
//   dead letter      'L' | offset, 8 bytes
//   letter of an id  'I' | id as a text part                    -> offset of the open letter that owns the id, 8 bytes
//   conflicts        'C' | id as a text part | offset, 8 bytes  -> nothing: letters that own no id
//   parked event     'R' | offset, 8 bytes
//   audit record     'A' | commit sequence, 8 bytes | number in the commit, 4 bytes
//   dedupe           'd' | …  (its own business)
//   biography index  'B' | …  (its own business)
// Rows of dropped views keep their prefix until they are erased.
// Integers are big-endian; signed ones have their sign bit flipped.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/ids.h"
#include "runtime/base/result.h"

namespace weir {

namespace key_space {
inline constexpr char view = 'v';
inline constexpr char letter = 'L';
inline constexpr char letter_id = 'I';
inline constexpr char letter_conflict = 'C';
inline constexpr char parked = 'R';
inline constexpr char audit = 'A';
inline constexpr char dedupe = 'd';
inline constexpr char biography = 'B';
}  // namespace key_space

/// Scratch for one key; reused without allocation. Not thread-safe.
class KeyBuffer {
 public:
  void clear() noexcept { size_ = 0; }
  void truncate(std::size_t size) noexcept { size_ = size; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] std::string_view view() const noexcept { return {bytes_.data(), size_}; }
  /// Room for `count` more bytes; they count after commit().
  [[nodiscard]] char* room(std::size_t count) {
    if (size_ + count > bytes_.size()) bytes_.resize(2 * (size_ + count));
    return bytes_.data() + size_;
  }
  void commit(std::size_t count) noexcept { size_ += count; }
  void append(std::string_view bytes);
  void append(char byte) {
    *room(1) = byte;
    ++size_;
  }

 private:
  std::string bytes_ = std::string(256, '\0');
  std::size_t size_ = 0;
};

inline constexpr std::size_t kViewPrefixSize = 3;
inline constexpr std::size_t kWindowSize = 9;

void append_view_prefix(KeyBuffer& key, std::uint16_t view);
/// `window` is the place in the view's list, `start` in microseconds since 1970.
void append_window(KeyBuffer& key, std::uint8_t window, std::int64_t start);
/// A JSON token, as it stands in a record; empty: missing, the same as null. Numbers of equal value give equal bytes;
/// returns the scale a number is spelled with (1.50: 2), else 0. Numbers that are no Decimal (over 38 digits) are told
/// apart by spelling.
std::uint8_t append_part(KeyBuffer& key, std::string_view token);
/// A string given as its text.
void append_text_part(KeyBuffer& key, std::string_view text);
void append_offset(KeyBuffer& key, Offset offset);

[[nodiscard]] std::string letter_key(Offset offset);
[[nodiscard]] std::string parked_key(Offset offset);
[[nodiscard]] std::string letter_id_key(std::string_view id);
/// The common start of all conflict letters of an id.
[[nodiscard]] std::string conflict_prefix(std::string_view id);
[[nodiscard]] std::string conflict_key(std::string_view id, Offset offset);
/// The last 8 bytes of a letter's or conflict's key, or a letter_id's value. nullopt: too short.
[[nodiscard]] std::optional<Offset> offset_at_end(std::string_view bytes) noexcept;

/// The smallest key that is greater than every key starting with `prefix`; empty: there is none.
[[nodiscard]] std::string prefix_end(std::string_view prefix);

struct DecodedWindow {
  std::uint8_t window = 0;
  std::int64_t start = 0;
};
/// Takes the window off the front of `rest`. nullopt: damaged.
[[nodiscard]] std::optional<DecodedWindow> take_window(std::string_view& rest) noexcept;
/// Takes one part off the front of `rest` and gives it back as a JSON token; numbers get at least `scale` digits behind
/// the point. nullopt: damaged.
[[nodiscard]] std::optional<std::string> take_part(std::string_view& rest, std::uint8_t scale);
/// Takes one part off and gives a string's bytes. nullopt: no string, or damaged.
[[nodiscard]] std::optional<std::string> take_text_part(std::string_view& rest);
/// Takes one part off without looking inside. False: damaged.
[[nodiscard]] bool skip_part(std::string_view& rest) noexcept;

/// What a person may mean who types `text` as one part of a key: the string, and the number, null, true or false of
/// that spelling. In key order.
[[nodiscard]] std::vector<std::string> parts_meant_by(std::string_view text);

}  // namespace weir
