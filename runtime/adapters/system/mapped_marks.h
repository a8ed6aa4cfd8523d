// Marks of stages in a mapped file: when the process dies of a signal, of the kernel's hand or of its own, the next one can read
// which events its stages had in their hands.
//
// File: header of 64 bytes (magic "weirmark", version, slots, life, boot), then slots of 128: a CodeMark and whose it is. In the
// machine's own byte order: it never leaves the machine. After the machine itself was started again it says nothing: what of it had
// reached the disk is of any moment.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/ports/code_marks.h"

namespace weir {

/// What a former life of the process left inside a stage.
struct FormerMark {
  PartitionId partition;
  std::string stage;
  CodeMark::Inside inside;
  std::uint64_t cause = 0;  // CodeMark::cause; 0: nobody could say
};

class MappedMarks final : public CodeMarks {
 public:
  /// `slots`: stages at work at the same time. Errors: io_failed, disk_full.
  [[nodiscard]] static Result<std::unique_ptr<MappedMarks>> open(const std::string& file, std::uint32_t slots);
  MappedMarks(const MappedMarks&) = delete;
  MappedMarks& operator=(const MappedMarks&) = delete;
  ~MappedMarks() override;

  /// As it was found; empty after an orderly end.
  [[nodiscard]] const std::vector<FormerMark>& former() const noexcept { return former_; }
  /// A number of that life; it grows with every begin().
  [[nodiscard]] std::uint64_t former_life() const noexcept { return former_life_; }
  /// What was found is remembered elsewhere: it is erased, and a new life begins. Before the first take(). From now on a signal that
  /// kills (SEGV, BUS, ILL, FPE, ABRT) is noted in the mark of the thread that it strikes; the process dies of it all the same.
  void begin();

  [[nodiscard]] std::shared_ptr<CodeMark> take(PartitionId partition, std::string_view stage) override;
  void on_this_thread(CodeMark* mark) noexcept override;

  struct Working {
    PartitionId partition;
    std::string stage;
    CodeMark::Inside inside;
    CodeMark* mark = nullptr;  // as long as this lives
  };
  /// Who is inside a stage right now.
  [[nodiscard]] std::vector<Working> working() const;

 private:
  struct Slot;
  struct Header;
  MappedMarks() = default;
  [[nodiscard]] Slot* slots() const noexcept;
  char* map_ = nullptr;
  std::size_t size_ = 0;
  std::uint32_t count_ = 0;
  std::vector<FormerMark> former_;
  std::uint64_t former_life_ = 0;
  mutable std::mutex mutex_;  // whose a slot is
};

}  // namespace weir
