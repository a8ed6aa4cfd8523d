// Marks of stages in a mapped file: when the process dies of a signal, of the kernel's hand or of its own, the next one can read
// which events its stages had in their hands.
//
// File: header of 128 bytes (magic "weirmark", version, slots, life, boot, end), then slots of 128: a CodeMark and whose it is. In the
// machine's own byte order: it never leaves the machine. After the machine itself was started again it says nothing: what of it had
// reached the disk is of any moment.
#pragma once
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
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
  std::chrono::milliseconds stay{0};  // how long the call had lasted, as far as anybody watched
};

class MappedMarks final : public CodeMarks {
 public:
  /// `slots`: stages at work at the same time. Errors: io_failed, disk_full.
  [[nodiscard]] static Result<std::unique_ptr<MappedMarks>> open(const std::string& file, std::uint32_t slots);
  /// The same without a file, where there is no room for one: it does not outlive the process.
  [[nodiscard]] static Result<std::unique_ptr<MappedMarks>> in_memory(std::uint32_t slots);
  MappedMarks(const MappedMarks&) = delete;
  MappedMarks& operator=(const MappedMarks&) = delete;
  ~MappedMarks() override;

  /// As it was found; empty after an orderly end.
  [[nodiscard]] const std::vector<FormerMark>& former() const noexcept { return former_; }
  /// A number of that life; 0: there was none.
  [[nodiscard]] std::uint64_t former_life() const noexcept { return former_life_; }
  /// It ended outside of any stage, or on purpose (kOnPurpose): the signal. 0: nobody knows.
  [[nodiscard]] std::uint64_t former_end() const noexcept { return former_end_; }
  static constexpr std::uint64_t kOnPurpose = 1'002;
  /// What was found is remembered elsewhere: it is erased, and life `life` begins. Before the first take(). From now on a signal that
  /// kills (SEGV, BUS, ILL, FPE, ABRT) is noted in the mark of the thread that it strikes, or, where that runs no stage, as the end
  /// of this life; the process dies of it all the same.
  void begin(std::uint64_t life);
  /// Somebody ends the process at once, on purpose: nobody is to be blamed for it. From a signal handler, too.
  static void ends_on_purpose() noexcept;

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
  std::uint64_t former_end_ = 0;
  mutable std::mutex mutex_;  // whose a slot is
};

}  // namespace weir
