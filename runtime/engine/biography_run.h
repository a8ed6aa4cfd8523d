// A run of the biography index: what the commits of one stretch of a partition's log did with each event, in 24 bytes each, found by
// the fingerprint of its id. It says enough to tell the life of an event when the log no longer holds it; records, details and who
// changed what are in the log alone.
//
// A run is stored as a head (commits, rows, texts) and leaves: items whose fingerprints start alike, some 128 of them, so that a
// question reads one leaf of each run and the heads of those that know the id. Little-endian, part of the stored format.
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "runtime/base/ids.h"
#include "runtime/base/result.h"
#include "runtime/event/commit_body.h"

namespace weir {

/// What one commit did with one event, as far as the index knows it.
struct BiographyEntry {
  CommitSequence sequence;
  Offset offset;
  Outcome outcome = Outcome::served;
  std::uint8_t flags = 0;       // outcome_flag bits
  std::uint16_t records = 0;    // of served; 65'535: as many or more
  std::int64_t accepted_at = 0;
  std::int64_t committed_at = 0;
  std::uint64_t incarnation = 0;
  Digest128 rules;
  std::string node, code;
  std::string door;             // empty: not known to this commit
  std::string stage, reason;    // of dead_lettered, and of retrying that was tried
};

/// Of an id, as the index of this log takes it. `seed` is the log's own, so that nobody outside can choose ids that look alike.
[[nodiscard]] std::uint64_t biography_fingerprint(std::string_view id, std::uint64_t seed) noexcept;
/// The leaf that holds a fingerprint, of 2^bits.
[[nodiscard]] inline std::uint32_t biography_leaf_of(std::uint64_t fingerprint, unsigned bits) noexcept {
  return bits == 0 ? 0 : static_cast<std::uint32_t>(fingerprint >> (64 - bits));
}

/// Not thread-safe while it is filled.
class BiographyRun {
 public:
  /// Everything in `body`, of commit `sequence`.
  void add(CommitSequence sequence, const CommitBody& body, std::uint64_t seed);

  [[nodiscard]] bool empty() const noexcept { return items_.empty(); }
  [[nodiscard]] std::size_t size() const noexcept { return items_.size(); }
  /// Memory held, about.
  [[nodiscard]] std::size_t bytes() const noexcept {
    return items_.size() * sizeof(Item) + rows_.size() * sizeof(Row) + commits_.size() * sizeof(Commit) + text_bytes_;
  }
  /// Frees the memory, too.
  void clear() { *this = BiographyRun{}; }

  struct Encoded {
    unsigned bits = 0;  // leaves: 2^bits, at most 2^20; those without items are not there
    std::string head;
    std::vector<std::pair<std::uint32_t, std::string>> leaves;  // by number
    [[nodiscard]] std::size_t bytes() const noexcept;
  };
  [[nodiscard]] Encoded encode() const;
  /// The head alone: a run without items, to which leaves can be added. Errors: state_damaged, format_newer.
  [[nodiscard]] static Result<BiographyRun> decode_head(std::string_view bytes);
  /// Errors: state_damaged, format_newer.
  [[nodiscard]] Result<void> add_leaf(std::string_view bytes);
  /// Whether an item of a leaf has this fingerprint. Errors: state_damaged, format_newer.
  [[nodiscard]] static Result<bool> leaf_has(std::string_view leaf, std::uint64_t fingerprint);
  /// Of this fingerprint, among the leaves that were added, in the order of the log.
  [[nodiscard]] std::vector<BiographyEntry> entries(std::uint64_t fingerprint) const;

 private:
  struct Item {
    std::uint64_t fingerprint;
    std::uint64_t place;    // offset: 48 bits | outcome: 8 | flags: 8
    std::uint32_t row;
    std::uint16_t cause;    // text: stage, 0, reason
    std::uint16_t records;
  };
  static_assert(sizeof(Item) == 24);
  /// Events of one commit that came alike.
  struct Row {
    std::int64_t accepted_at;
    std::uint32_t commit;
    std::uint32_t door;     // text
    friend bool operator==(const Row&, const Row&) = default;
  };
  static_assert(sizeof(Row) == 16);
  struct Commit {
    std::uint64_t sequence;
    std::int64_t committed_at;
    std::uint64_t incarnation;
    std::uint64_t rules_low, rules_high;
    std::uint32_t node, code;  // texts
  };
  static_assert(sizeof(Commit) == 48);
  /// What an item or a leaf says of itself fits to this run. False: damaged.
  [[nodiscard]] bool fits(const Item& item) const noexcept;
  [[nodiscard]] std::uint32_t text(std::string_view text);
  [[nodiscard]] std::uint16_t cause_of(const LetterView& letter);
  std::vector<Item> items_;
  std::vector<Row> rows_;
  std::vector<Commit> commits_;
  std::vector<std::string> texts_;
  std::map<std::string, std::uint32_t, std::less<>> numbers_;  // of texts
  std::size_t text_bytes_ = 0;
  std::string cause_;  // scratch
};

}  // namespace weir
