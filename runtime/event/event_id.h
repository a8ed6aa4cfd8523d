// The id of an event, as a door finds it in the raw frame.
#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/event/sha256.h"

namespace weir {

inline constexpr std::size_t kEventIdMax = 512;
inline constexpr std::size_t kDigestIdSize = 32;

/// Digest ids: the first 128 bits of SHA-256 as 32 lower-case hex characters. Holds a hash context: 180 ns for a line of 90
/// bytes, 340 ns for 300. Not thread-safe; one per owner.
class DigestId {
 public:
  /// Of the whole frame, without its line end. Valid until the next call.
  [[nodiscard]] std::string_view of(std::string_view frame);

  /// The same for a frame that comes in parts: begin, add as often as needed, finish.
  void begin() { sha256_.begin(); }
  void add(std::string_view part) { sha256_.add(part); }
  [[nodiscard]] std::string_view finish();

 private:
  Sha256 sha256_;
  std::array<char, kDigestIdSize> text_{};
};
/// For one frame now and then.
[[nodiscard]] std::string digest_id(std::string_view frame);

/// Where ids come from: paths of one or several fields, or none for the digest.
struct EventIdRule {
  std::vector<std::vector<std::string>> fields;
  /// CloudEvents: a field that the envelope does not have is looked for in its `data`. So `id` and `source` are always
  /// the envelope's, and a field of the record is found under the name it has in every other format.
  bool in_data = false;
  /// What the path `@source` stands for: the name of the door. Of CloudEvents it is the envelope's own `source`.
  std::string source = {};
};

/// Finds ids by a rule. A field is findable when a scan from the left reaches its whole value (json_locate.h; for CSV:
/// the fields up to and with it are well-formed), and it is text in UTF-8 of 1 to 512 bytes. A string is its text, a
/// number or boolean its spelling; null, objects and arrays are no ids. Several fields are joined by `:`, with `:` and
/// `\` inside them escaped by
/// `\`, and findable when all are and the whole is at most 512 bytes. Where the rule finds nothing, the digest stands
/// in. Not thread-safe; one per door.
class EventIdFinder {
 public:
  explicit EventIdFinder(EventIdRule rule);

  struct Id {
    std::string_view text;    // valid as long as the frame, at most until the next call
    std::uint16_t flags = 0;  // frame_flag::id_digest, and id_missing where the rule names a field
  };
  /// kBlockPadding bytes behind the frame must be readable.
  [[nodiscard]] Id json(std::string_view frame);
  /// By the header set before; without one nothing is findable. Same padding.
  [[nodiscard]] Id csv(std::string_view frame);
  /// The digest alone, whatever the rule: for a frame whose bytes are not all there any more, `digest` computed on the
  /// way.
  [[nodiscard]] Id digest(std::string_view digest) const noexcept;

  /// The columns of the records that follow. Returns the rule's fields that are no column: their events get the digest.
  [[nodiscard]] std::vector<std::string> set_csv_columns(const std::vector<std::string>& columns, char separator);

 private:
  [[nodiscard]] std::optional<std::string_view> json_field(std::string_view frame, std::size_t index);
  template <class FieldOf>
  [[nodiscard]] Id find(std::string_view frame, FieldOf field_of);

  EventIdRule rule_;
  std::vector<std::uint8_t> is_source_;            // by field: it is the door's name
  std::vector<std::vector<std::string>> in_data_;  // by field, where rule_.in_data: its path below `data`
  std::vector<std::uint32_t> columns_;  // of each field of the rule; kNoColumn where there is none
  char separator_ = ',';
  DigestId digest_;
  std::string field_;  // one unescaped field
  std::string joined_;
};

/// Field `column` (0-based) of a CSV record, unquoted. nullopt: the record has fewer, or it or one before it is not
/// well-formed. `buffer` holds the text where quotes inside were doubled. kBlockPadding bytes behind the record must be
/// readable.
[[nodiscard]] std::optional<std::string_view> locate_csv(std::string_view record, std::uint32_t column, char separator,
                                                         std::string& buffer);

}  // namespace weir
