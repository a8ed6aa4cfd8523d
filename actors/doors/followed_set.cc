#include "actors/doors/followed_set.h"

#include <algorithm>

namespace weir {

namespace {

/// How long the position of a file that is gone is kept.
constexpr std::chrono::hours kOrphanKept{24};

}  // namespace

Result<FollowedSet> FollowedSet::of_log(const EventLog& log, std::string input, std::size_t files_max, TimePoint now) {
  FollowedSet set(std::move(input), files_max);
  for (SourcePosition& position : log.source_positions("follow:" + set.input_ + ":")) {
    const auto key = file_key_of(position.source, set.input_);
    if (!key) continue;
    if (const auto parsed = parse_follow_position(position.position); !parsed)
      return fail(parsed.error().code, "{}: {}", position.source, parsed.error().context);
    set.orphans_[*key] = {std::move(position.position), now, false};
  }
  return set;
}

FinderQuestion FollowedSet::question() const {
  FinderQuestion question;
  question.known = [this](const FileKey& key) {
    if (files_.contains(key)) return true;
    const auto orphan = orphans_.find(key);
    return orphan != orphans_.end() && !orphan->second.read_out;
  };
  // Those that are gone and still open are as many as files may be open.
  const auto there = static_cast<std::size_t>(std::count_if(
      files_.begin(), files_.end(), [](const auto& entry) { return entry.second.where != Followed::Where::gone; }));
  question.new_max = files_max_ - std::min(files_max_, there);
  return question;
}

void FollowedSet::see(const Finding& finding, TimePoint now) {
  for (auto& [key, file] : files_)
    if (finding.is_gone(file.path)) file.where = Followed::Where::gone;
  for (const FoundFile& found : finding.files) see_file(found, Followed::Where::listed, now);
  for (const FoundFile& found : finding.elsewhere) see_file(found, Followed::Where::elsewhere, now);
}

void FollowedSet::see_file(const FoundFile& found, Followed::Where where, TimePoint now) {
  const FileKey& key = found.status.key;
  const auto [at, is_new] = files_.try_emplace(key);
  Followed& file = at->second;
  // Another file may have been given the inode of one that is gone. Where the name does not say that it is wanted, the
  // time it was made must; what was read of it is compared when it is opened.
  const bool same = file.open || (file.seen.born == found.status.born &&
                                  (found.status.born != 0 || file.position || found.status.size >= file.seen.size));
  if (!is_new && where == Followed::Where::elsewhere && !same) {
    file.where = Followed::Where::gone;
    return;
  }
  file.path = found.path;
  file.where = where;
  if (is_new) {
    file.source = follow_source(input_, key);
    file.seen = found.status;
    file.changed_at = now;
    file.pending = true;
    const auto known = orphans_.find(key);
    if (known == orphans_.end()) return;
    const auto position = parse_follow_position(known->second.position);
    // Of a compressed file that was not read out nothing says how much of it is left.
    const bool all = position && (position->read_out || position->progress.place.bytes == position->extent);
    file.read_to = all ? position->extent : 0;
    file.position = std::move(known->second.position);
    orphans_.erase(known);
    return;
  }
  if (file.seen == found.status) return;
  file.seen = found.status;
  file.changed_at = now;
  file.pending = true;
  file.ending = false;
  if (!file.open) file.whole.reset();
}

std::optional<FileKey> FollowedSet::orphan_of_inode(const FileKey& key) const {
  // From one device to the next: there are few.
  for (auto at = orphans_.begin(); at != orphans_.end();) {
    const std::uint64_t device = at->first.device;
    const FileKey wanted{device, key.inode};
    if (device != key.device && orphans_.contains(wanted)) return wanted;
    if (device == UINT64_MAX) break;
    at = orphans_.lower_bound({device + 1, 0});
  }
  return std::nullopt;
}

void FollowedSet::adopt(const FileKey& from, Followed& file) {
  const auto orphan = orphans_.find(from);
  file.position = std::move(orphan->second.position);
  orphans_.erase(orphan);
  // In this order: between the two the file has both, never none.
  notes_.push_back({file.source, *file.position});
  notes_.push_back({follow_source(input_, from), {}});
}

void FollowedSet::retire(const FileKey& key, TimePoint now, bool read_out) {
  const auto at = files_.find(key);
  if (at->second.position) orphans_[key] = {std::move(*at->second.position), now, read_out};
  files_.erase(at);
}

void FollowedSet::forget(const FileKey& key) {
  const auto at = files_.find(key);
  if (at->second.position) notes_.push_back({at->second.source, {}});
  files_.erase(at);
}

void FollowedSet::forget_old(TimePoint now, bool all_seen) {
  const bool too_many = orphans_.size() > files_max_;
  const auto is_old = [&](TimePoint since) { return all_seen && now - since >= kOrphanKept; };
  std::vector<std::pair<TimePoint, FileKey>> going;
  for (const auto& [key, orphan] : orphans_)
    if (too_many || is_old(orphan.since)) going.emplace_back(orphan.since, key);
  std::sort(going.begin(), going.end());
  for (const auto& [since, key] : going) {
    if (!is_old(since) && orphans_.size() <= files_max_) break;
    notes_.push_back({follow_source(input_, key), {}});
    orphans_.erase(key);
  }
}

std::vector<SourcePosition> FollowedSet::take_notes(std::size_t max) {
  const auto begin = notes_.begin() + static_cast<std::ptrdiff_t>(next_note_);
  const auto end = begin + static_cast<std::ptrdiff_t>(std::min(max, notes_.size() - next_note_));
  std::vector<SourcePosition> taken(std::make_move_iterator(begin), std::make_move_iterator(end));
  next_note_ += taken.size();
  if (next_note_ == notes_.size()) {
    notes_.clear();
    next_note_ = 0;
  }
  return taken;
}

}  // namespace weir
