#include "actors/doors/follow_feed.h"

#include <algorithm>
#include <deque>
#include <set>

#include "actors/doors/file_finder.h"
#include "actors/doors/followed_set.h"
#include "runtime/base/units.h"

namespace weir {

namespace {

using Where = Followed::Where;

/// Without a group the feed answers at least so often, so that its door can be stopped.
constexpr std::chrono::milliseconds kAnswerWithin{100};
/// Positions that are written or forgotten in one append.
constexpr std::size_t kNotesAtOnce = 1'000;
/// A file that has nothing to read and holds more than this, the start of a long line, is closed and read again later.
constexpr std::size_t kIdleBytesMax = 1024 * 1024;

std::string counted(std::uint64_t count, std::string_view what) {
  return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

class FollowFeed final : public DoorFeed {
 public:
  FollowFeed(FollowFeedConfig config, FollowedSet set)
      : config_(std::move(config)),
        name_("files:" + config_.input),
        who_("door/" + name_),
        finder_(config_.config.include, config_.config.exclude),
        set_(std::move(set)) {}

  [[nodiscard]] const std::string& name() const override { return name_; }

  [[nodiscard]] Result<std::optional<DoorGroup>> next(UnixMicros accepted_at) override {
    const TimePoint began = config_.clock->now();
    for (;;) {
      if (set_.has_notes()) return notes();
      const TimePoint now = config_.clock->now();
      if (!looked_ || (config_.config.follow && now >= next_look_)) look(now);
      if (ready_.empty() && whole_.empty()) {
        if (set_.has_notes()) continue;
        show();
        if (!config_.config.follow) return std::nullopt;
        return rest(next_look_ - now);
      }
      if (auto group = work(now, accepted_at)) return group;
      if (config_.clock->now() - began >= kAnswerWithin) return rest(std::chrono::milliseconds(1));
    }
  }

 private:
  static Result<std::optional<DoorGroup>> rest(std::chrono::nanoseconds duration) {
    DoorGroup group;
    group.ask_again = std::max(std::chrono::ceil<std::chrono::milliseconds>(duration), std::chrono::milliseconds(1));
    return std::optional(std::move(group));
  }
  std::optional<DoorGroup> notes() {
    DoorGroup group;
    group.group.positions = set_.take_notes(kNotesAtOnce);
    return group;
  }

  // ---- what is said

  void tell(LogLevel level, const std::string& text) { config_.logbook->write(level, who_, text); }
  /// Of what is found at every look: once, and again when it had been away.
  void tell_news(std::set<std::string> now, bool error) {
    std::set<std::string>& told = error ? told_errors_ : told_notes_;
    if (error) config_.gauges->failing += now.size() - told.size();
    for (const std::string& text : now) {
      if (told.contains(text)) continue;
      tell(LogLevel::warn, text);
      if (error) ++config_.gauges->errors;
    }
    told = std::move(now);
  }
  [[nodiscard]] std::string nothing_now() const {
    return config_.config.follow ? fmt::format("; it is looked for again every {}", format_duration(config_.config.poll))
                                 : "; without `follow: true` it is not looked for again before the next start";
  }
  void tell_first_look(const Finding& finding) {
    std::uint64_t known = 0;
    for (const auto& [key, file] : set_.files())
      if (file.position) ++known;
    tell(LogLevel::info, fmt::format("{} found, {} of them known from before: read on where they were",
                                     counted(finding.files.size(), "file"), known));
  }
  void show() {
    FilesGauges& gauges = *config_.gauges;
    std::uint64_t unread = 0;
    for (const auto& [key, file] : set_.files())
      if (!file.told) unread += file.unread();
    gauges.unread_bytes = unread;
    gauges.files = set_.files().size();
    gauges.open = open_.size();
    gauges.buffers_bytes = memory_;
  }
  void set_told(Followed& file, bool told) {
    if (std::exchange(file.told, told) == told) return;
    told ? ++config_.gauges->failing : --config_.gauges->failing;
    if (told) ++config_.gauges->errors;
  }

  // ---- looking

  void queue(const FileKey& key, Followed& file) {
    if (std::exchange(file.queued, true)) return;
    (file.whole.value_or(false) ? whole_ : ready_).push_back(key);
  }

  void look(TimePoint now) {
    const Finding finding = finder_.find(*config_.files, set_.question());
    tell_news({finding.problems.begin(), finding.problems.end()}, true);
    std::set<std::string> notes;
    for (const std::string& nothing : finding.nothing) notes.insert(nothing + nothing_now());
    if (finding.too_many)
      notes.insert(
          fmt::format("more files match than files_max, {}: the rest is left alone; raise it or narrow the patterns",
                      config_.config.files_max));
    tell_news(std::move(notes), false);
    set_.see(finding, now);
    if (!looked_) tell_first_look(finding);
    for (auto at = set_.files().begin(); at != set_.files().end();) {
      const auto next = std::next(at);
      if (at->second.where != Where::listed)
        see_unlisted(at->first, at->second, now);
      else if (at->second.pending)
        queue(at->first, at->second);
      at = next;
    }
    set_.forget_old(now, finding.unseen.empty());
    looked_ = true;
    // At most half of the time is spent looking.
    const TimePoint done = config_.clock->now();
    next_look_ = done + std::max<std::chrono::nanoseconds>(config_.config.poll, done - now);
    show();
  }

  /// May erase the file.
  void see_unlisted(const FileKey& key, Followed& file, TimePoint now) {
    const bool quiet = now - file.changed_at >= config_.config.close_after;
    if (file.open) {
      const auto status = file.open->look();
      if (!status) return queue(key, file);  // reading it says what is wrong
      if (file.seen != *status) {
        file.seen = *status;
        file.changed_at = now;
        file.pending = true;
      } else if (quiet) {
        file.open->end();
        file.pending = true;
      }
      if (file.pending) queue(key, file);
    } else if (!file.queued && file.where == Where::gone) {
      leave(key, file, now);
    } else if (file.where == Where::elsewhere) {
      if (quiet) file.ending = file.pending = true;
      if (file.pending) queue(key, file);
    }
  }

  /// It is gone, and was not open.
  void leave(const FileKey& key, Followed& file, TimePoint now) {
    if (file.pending && file.unread() != 0 && !file.told) {
      ++config_.gauges->errors;
      tell(LogLevel::warn, fmt::format("file {}: it is gone, {} bytes of it were not read", file.path, file.unread()));
    }
    retire(key, file, now, false);
  }
  void retire(const FileKey& key, Followed& file, TimePoint now, bool read_out) {
    set_told(file, false);
    set_.retire(key, now, read_out);
  }

  // ---- reading

  /// One step of one file: a group, or nothing where it has none now.
  std::optional<DoorGroup> work(TimePoint now, UnixMicros accepted_at) {
    // In turn, so that neither a long archive nor many logs hold up the other.
    const bool from_whole = ready_.empty() || (!whole_.empty() && std::exchange(whole_turn_, !whole_turn_));
    std::deque<FileKey>& from = from_whole ? whole_ : ready_;
    const FileKey key = from.front();
    from.pop_front();
    Followed& file = set_.files().at(key);
    file.queued = false;
    file.used = ++uses_;
    if (!file.open) {
      auto opened = open(key, file, now);
      if (!opened) {
        give_up(key, file, opened.error(), now);
        return std::nullopt;
      }
      if (!*opened) return std::nullopt;
    }
    return read(key, file, now, accepted_at);
  }

  std::optional<DoorGroup> read(const FileKey& key, Followed& file, TimePoint now, UnixMicros accepted_at) {
    const std::uint64_t before = file.open->bytes();
    auto group = file.open->next(accepted_at);
    config_.gauges->bytes += file.open->bytes() - before;
    if (file.open->restarted()) {
      ++config_.gauges->restarts;
      tell(LogLevel::info, fmt::format("file {}: it was truncated or written anew; read from its start", file.path));
    }
    account(file);
    if (!group) {
      give_up(key, file, group.error(), now);
      return std::nullopt;
    }
    if (file.told) tell(LogLevel::info, fmt::format("file {}: it can be read again", file.path));
    set_told(file, false);
    if (*group) {
      file.position = file.open->position();
      if (!*file.whole) file.read_to = file.open->read_to();
      config_.gauges->events += (*group)->events;
      // A whole file goes on until it is read out, the others wait for their turn.
      file.queued = true;
      *file.whole ? whole_.push_front(key) : ready_.push_back(key);
      save_memory(key);
      return std::move(*group);
    }
    file.pending = false;
    file.read_to = *file.whole ? file.seen.size : file.open->read_to();
    if (file.open->done()) {
      finished(key, file, now);
    } else if (file.memory > kIdleBytesMax && file.reachable()) {
      close(key, file);
    }
    return std::nullopt;
  }

  void finished(const FileKey& key, Followed& file, TimePoint now) {
    if (*file.whole && file.open->bytes() != 0)
      tell(LogLevel::info,
           fmt::format("file {}: read to its end, {}", file.path, counted(file.open->events(), "event")));
    // What was written meanwhile the decoder may not have seen.
    const auto status = file.open->look();
    if (*file.whole && status && *status != file.open->status()) file.pending = true;
    close(key, file);
    if (file.where != Where::listed && !file.pending) retire(key, file, now, true);
  }

  /// False: not now.
  Result<bool> open(const FileKey& key, Followed& file, TimePoint now) {
    if (!file.reachable()) {
      leave(key, file, now);
      return false;
    }
    if (file.seen.size == 0) {
      file.pending = false;  // what an empty file is, its first bytes will say
      return false;
    }
    std::optional<Framing> begun_as;
    if (file.position) {
      WEIR_ASSIGN(const FollowPosition position, parse_follow_position(*file.position));
      begun_as = position.progress.framing;
    }
    WEIR_ASSIGN(FollowedFormat format, config_.format(file.path, begun_as));
    WEIR_ASSIGN(auto opened, config_.files->open(file.path));
    WEIR_ASSIGN(const FileStatus status, opened->status());
    if (status.key != key) return false;  // another file is there by now: the next look tells them apart
    if (!file.whole) {
      WEIR_ASSIGN(file.whole, is_whole(file.path, format.whole, *opened));
      // Those are read one at a time: each may need much memory.
      if (*file.whole) {
        queue(key, file);
        return false;
      }
    }
    const bool settled = now - file.changed_at >= config_.config.settle;
    if (*file.whole && config_.config.follow && !settled && !file.ending) return false;
    if (!make_room()) return false;
    return open_at_position(key, file, std::move(format), std::move(opened));
  }

  Result<bool> open_at_position(const FileKey& key, Followed& file, FollowedFormat format,
                                std::unique_ptr<OpenFile> opened) {
    FollowedFileConfig config{std::move(format.door), *file.whole};
    config.door.source = file.source;
    auto position = file.position;
    std::optional<FileKey> adopted;
    if (!position) {
      adopted = set_.orphan_of_inode(key);
      if (adopted) position = set_.orphans().at(*adopted).position;
    }
    WEIR_ASSIGN(auto followed, FollowedFile::open(std::move(opened), std::move(config), position));
    if (file.where != Where::listed && followed->misfit()) {
      // Not the one that was followed: it has its inode alone, and no pattern means it.
      set_told(file, false);
      set_.forget(key);
      return false;
    }
    if (adopted && !followed->misfit()) {
      set_.adopt(*adopted, file);
      queue(key, file);  // after what has to be written first
      return false;
    }
    if (adopted) (void)followed->restarted();  // a new file, of which the orphan is no part
    if (!config_.config.follow || file.ending) followed->end();
    file.open = std::move(followed);
    open_.insert(key);
    return true;
  }

  Result<bool> is_whole(const std::string& path, bool by_format, OpenFile& file) {
    if (by_format || path.ends_with(".gz") || path.ends_with(".zst")) return true;
    char start[4];
    std::size_t have = 0;
    while (have < sizeof start) {
      WEIR_ASSIGN(const std::size_t count, file.read(have, start + have, sizeof start - have));
      if (count == 0) break;
      have += count;
    }
    return config_.files->is_compressed({start, have});
  }

  // ---- closing

  void account(Followed& file) {
    const std::size_t memory = file.open->memory();
    memory_ += memory - file.memory;
    file.memory = memory;
    config_.gauges->buffers_bytes = memory_;
  }

  /// The one that was used longest ago and can be opened again; better one with nothing to read.
  std::optional<FileKey> closable(const FileKey* but) {
    std::optional<FileKey> best;
    std::tuple<bool, bool, std::uint64_t> best_rank;
    for (const FileKey& key : open_) {
      const Followed& file = set_.files().at(key);
      if (!file.reachable() || (but != nullptr && key == *but)) continue;
      const std::tuple rank{*file.whole, file.queued, file.used};
      if (best && rank >= best_rank) continue;
      best = key;
      best_rank = rank;
    }
    return best;
  }

  /// False: all that are open are gone otherwise, and must be read to their end first.
  bool make_room() {
    if (open_.size() < config_.config.open_max) return true;
    const auto key = closable(nullptr);
    if (key) close(*key, set_.files().at(*key));
    return key.has_value();
  }

  void save_memory(const FileKey& current) {
    while (memory_ > config_.buffers_bytes_max && open_.size() > 1) {
      const auto key = closable(&current);
      if (!key) break;
      close(*key, set_.files().at(*key));
    }
    if (memory_ <= config_.buffers_bytes_max) return;
    // What is left is gone but for its open file: nothing more is waited for.
    for (const FileKey& key : open_)
      if (!set_.files().at(key).reachable()) set_.files().at(key).open->end();
  }

  void close(const FileKey& key, Followed& file) {
    file.open.reset();
    memory_ -= std::exchange(file.memory, 0);
    open_.erase(key);
  }

  /// What becomes of a file that cannot be read (further), and what would help.
  [[nodiscard]] std::string what_now(const Followed& file) const {
    if (!file.reachable()) return "its name is gone, and so is what was not read of it";
    if (!config_.config.follow) return "it is tried again at the next start: mend it, or put a whole one in its place";
    if (file.pending) return fmt::format("it is tried again every {}", format_duration(config_.config.poll));
    return "it is tried again when it changes: if nobody writes it any more, mend it, or put a whole one in its place";
  }

  void give_up(const FileKey& key, Followed& file, const Error& error, TimePoint now) {
    // Content is tried again when it changes; the rest at every look, for permissions change without the file.
    file.pending = !file.open || !file.open->content_refused();
    if (!file.told) tell(LogLevel::warn, fmt::format("{}; {}; the other files go on", describe(error), what_now(file)));
    set_told(file, true);
    if (file.open) close(key, file);
    if (!file.reachable()) retire(key, file, now, false);
  }

  FollowFeedConfig config_;
  std::string name_;
  std::string who_;
  FileFinder finder_;
  FollowedSet set_;
  TimePoint next_look_{};
  bool looked_ = false;
  std::deque<FileKey> ready_;  // files that grow, or of which it is not known yet
  std::deque<FileKey> whole_;
  bool whole_turn_ = false;
  std::set<FileKey> open_;
  std::size_t memory_ = 0;  // of those
  std::set<std::string> told_errors_;
  std::set<std::string> told_notes_;
  std::uint64_t uses_ = 0;
};

}  // namespace

DoorFeedOpener make_follow_feed(FollowFeedConfig config) {
  return [config = std::move(config)](const EventLog& log) -> Result<std::unique_ptr<DoorFeed>> {
    WEIR_ASSIGN(FollowedSet set, FollowedSet::of_log(log, config.input, config.config.files_max, config.clock->now()));
    config.gauges->failing = 0;  // of a feed that is gone
    return std::make_unique<FollowFeed>(config, std::move(set));
  };
}

}  // namespace weir
