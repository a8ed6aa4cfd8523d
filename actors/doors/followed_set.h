// The files of one input and what is known of each: what a look finds is compared with it.
#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "actors/doors/file_finder.h"
#include "actors/doors/followed_file.h"
#include "runtime/ports/clock.h"
#include "runtime/ports/event_log.h"

namespace weir {

struct Followed {
  enum class Where : std::uint8_t {
    listed,     // under a name that a pattern means
    elsewhere,  // under another one, beside such names: rotated away
    gone,
  };
  std::string path;  // the newest
  Where where = Where::listed;
  FileStatus seen;  // by the newest listing, or by the file itself where it is not listed any more
  TimePoint changed_at{};
  std::string source;                   // its position's name in the log
  std::optional<std::string> position;  // the newest that was given out
  std::unique_ptr<FollowedFile> open;
  std::optional<bool> whole;  // how it is read; unknown until it is looked into, and again when it changed
  std::uint64_t read_to = 0;  // bytes as stored
  std::uint64_t used = 0;     // order of use, for closing
  std::size_t memory = 0;     // of `open`
  bool queued = false;
  bool pending = false;  // there may be something to read
  bool told = false;     // that it cannot be read
  bool ending = false;   // elsewhere, and not grown for long: what is left is read, its last line counts

  [[nodiscard]] std::uint64_t unread() const noexcept { return seen.size > read_to ? seen.size - read_to : 0; }
  /// Its path leads to it.
  [[nodiscard]] bool reachable() const noexcept { return where != Where::gone; }
};

/// Positions whose files are not there, or were not found yet.
struct Orphan {
  std::string position;
  TimePoint since{};
  bool read_out = false;  // it was read to its end, and is of no interest under a name that no pattern means
};

/// A decider: no I/O but what FollowedFile::look asks. Not thread-safe.
class FollowedSet {
 public:
  using Files = std::map<FileKey, Followed>;

  /// Takes what the log has for the input. Errors, of a position that cannot be read: format_newer, state_damaged.
  [[nodiscard]] static Result<FollowedSet> of_log(const EventLog& log, std::string input, std::size_t files_max,
                                                  TimePoint now);

  [[nodiscard]] Files& files() noexcept { return files_; }
  [[nodiscard]] const std::map<FileKey, Orphan>& orphans() const noexcept { return orphans_; }

  /// For the finder: what is looked for under every name, and how many files may join.
  [[nodiscard]] FinderQuestion question() const;
  /// Compares with what was found. Afterwards a file that may have something to read is `pending`.
  void see(const Finding& finding, TimePoint now);

  /// Where the machine gives its devices other numbers, a position of the same inode is the file's own when its bytes
  /// are what was read: the caller finds that out, and then calls adopt.
  [[nodiscard]] std::optional<FileKey> orphan_of_inode(const FileKey& key) const;
  /// The position of `from` becomes the file's own, in the log, too.
  void adopt(const FileKey& from, Followed& file);

  /// The file is gone, or of no interest any more: its position is an orphan.
  void retire(const FileKey& key, TimePoint now, bool read_out);
  /// The position says nothing about the file that has its inode now.
  void forget(const FileKey& key);
  /// Forgets orphans that are too many and, unless something was in the way of looking for them, those that are old.
  void forget_old(TimePoint now, bool all_seen);

  /// What has to be in the log before anything else; taken away, at most `max`, in order.
  [[nodiscard]] std::vector<SourcePosition> take_notes(std::size_t max);
  [[nodiscard]] bool has_notes() const noexcept { return next_note_ < notes_.size(); }

 private:
  FollowedSet(std::string input, std::size_t files_max) : input_(std::move(input)), files_max_(files_max) {}
  void see_file(const FoundFile& found, Followed::Where where, TimePoint now);

  std::string input_;
  std::size_t files_max_;
  Files files_;
  std::map<FileKey, Orphan> orphans_;
  std::vector<SourcePosition> notes_;
  std::size_t next_note_ = 0;
};

}  // namespace weir
