// What a writer was promised or a reader has seen: per partition, how far. A read that carries it sees at least that.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/ids.h"
#include "runtime/base/result.h"

namespace weir {

/// An acknowledgement fills offsets, an answer the sequences it read. Not thread-safe.
class ReadToken {
 public:
  struct Part {
    PartitionId partition;
    Offset offset;            // everything below was acknowledged; 0: nothing asked for
    CommitSequence sequence;  // seen by an earlier answer; 0: nothing asked for
    friend bool operator==(const Part&, const Part&) = default;
  };
  explicit ReadToken(Digest128 log_id = {}) : log_id_(log_id) {}

  void note_offset(PartitionId partition, Offset end);
  void note_sequence(PartitionId partition, CommitSequence sequence);
  /// What is asked of this partition.
  [[nodiscard]] Part part(PartitionId partition) const noexcept;
  /// Drawn once when the log was created: offsets and sequences of another log mean nothing here.
  [[nodiscard]] const Digest128& log_id() const noexcept { return log_id_; }
  /// By partition, each once.
  [[nodiscard]] const std::vector<Part>& parts() const noexcept { return parts_; }

  /// Letters, digits, `-` and `_`: some 12 characters a partition.
  [[nodiscard]] std::string encode() const;
  /// Errors: invalid_argument (not such a text), format_newer.
  [[nodiscard]] static Result<ReadToken> decode(std::string_view text);

 private:
  [[nodiscard]] Part& at(PartitionId partition);
  Digest128 log_id_;
  std::vector<Part> parts_;
};

}  // namespace weir
