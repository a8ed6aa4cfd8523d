#include "runtime/engine/biography_index.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <utility>

#include "runtime/base/bytes.h"
#include "runtime/base/fail_point.h"
#include "runtime/base/invariant.h"
#include "runtime/engine/view_key.h"

namespace weir {

namespace {

constexpr std::uint32_t kVersion = 1;
constexpr std::int64_t kSpans = 16;     // of `retain`: a run holds what leaves together
constexpr std::size_t kDropsMax = 4;    // runs dropped in one flush: bounds the pause
constexpr std::size_t kLeavesAtOnce = 256;

struct RunsHead {
  std::uint32_t version;
  std::uint32_t runs;
  std::uint64_t seed, after, through, dropped, next;
  std::int64_t dropped_time;
};
static_assert(sizeof(RunsHead) == 56);

std::string runs_key() { return {key_space::biography, 'm'}; }

std::string run_key(char kind, std::uint64_t run) {
  std::string key{key_space::biography, kind};
  for (int shift = 56; shift >= 0; shift -= 8) key.push_back(static_cast<char>(run >> shift & 0xff));
  return key;
}

std::string leaf_key(std::uint64_t run, std::uint32_t leaf) {
  std::string key = run_key('l', run);
  for (int shift = 24; shift >= 0; shift -= 8) key.push_back(static_cast<char>(leaf >> shift & 0xff));
  return key;
}

void put_owned(DeltaWriter& delta, std::string_view key, std::string value) {
  const auto owner = std::make_shared<const std::string>(std::move(value));
  delta.put_shared(key, *owner, owner);
}

}  // namespace

std::string BiographyIndex::Runs::encode() const {
  const RunsHead head{kVersion, static_cast<std::uint32_t>(all.size()), seed, cover.after.value, cover.through.value, cover.dropped.value, next,
                      cover.dropped_time};
  std::string out(reinterpret_cast<const char*>(&head), sizeof head);
  if (!all.empty()) out.append(reinterpret_cast<const char*>(all.data()), all.size() * sizeof(Stored));
  return out;
}

Result<BiographyIndex::Runs> BiographyIndex::Runs::decode(std::string_view bytes) {
  if (bytes.size() < sizeof(RunsHead)) return fail(Errc::state_damaged, "biography index: its list of runs has {} bytes", bytes.size());
  const auto head = load<RunsHead>(bytes.data());
  if (head.version != kVersion)
    return fail(Errc::format_newer, "biography index: its list of runs has version {}, this weir reads {}", head.version, kVersion);
  bytes.remove_prefix(sizeof head);
  if (bytes.size() != std::size_t{head.runs} * sizeof(Stored))
    return fail(Errc::state_damaged, "biography index: {} bytes do not hold {} runs", bytes.size(), head.runs);
  Runs runs;
  runs.seed = head.seed;
  runs.cover.after = CommitSequence{head.after};
  runs.cover.through = CommitSequence{head.through};
  runs.cover.dropped = CommitSequence{head.dropped};
  runs.cover.dropped_time = head.dropped_time;
  runs.next = head.next;
  runs.all.resize(head.runs);
  if (head.runs != 0) std::memcpy(runs.all.data(), bytes.data(), bytes.size());
  for (const Stored& run : runs.all)
    if (run.bits > 20 || run.number >= runs.next) return fail(Errc::state_damaged, "biography index: run {} cannot be", run.number);
  return runs;
}

BiographyCover BiographyIndex::Runs::covered() const {
  BiographyCover sum = cover;
  for (const Stored& run : all) {
    sum.bytes += run.bytes;
    sum.items += run.items;
  }
  return sum;
}

Result<void> BiographyIndex::recover(const StateCursor& cursor, const StateReader& store) {
  runs_ = Runs{};
  run_.clear();
  unfit_.clear();
  collected_bytes_ = collected_items_ = 0;
  time_first_ = kNoTime;
  time_ = cursor.meta.partition_time;
  runs_.seed = cursor.log_id.low;
  runs_.cover.after = runs_.cover.through = cursor.sequence;
  WEIR_ASSIGN(const auto stored, store.get(runs_key()));
  if (!stored) return {};
  WEIR_ASSIGN(Runs runs, Runs::decode(*stored));
  if (runs.cover.through != cursor.sequence) {
    // A flush without the index: commits are missing in it, so it begins anew, behind them.
    unfit_ = std::move(runs.all);
    runs_.next = runs.next;
    return {};
  }
  runs_ = std::move(runs);
  if (runs_.all.empty() || runs_.all.back().open == 0) return {};
  const Stored& open = runs_.all.back();
  WEIR_ASSIGN(const auto head, store.get(run_key('h', open.number)));
  if (!head) return fail(Errc::state_damaged, "biography index: run {} has no head", open.number);
  WEIR_ASSIGN(run_, BiographyRun::decode_head(*head));
  const std::string begin = run_key('l', open.number);
  const auto scan = store.open_scan(begin, prefix_end(begin));
  for (; scan->valid(); scan->next()) WEIR_TRY(run_.add_leaf(scan->value()));
  WEIR_TRY(scan->status());
  if (run_.size() != open.items)
    return fail(Errc::state_damaged, "biography index: run {} holds {} items instead of {}", open.number, run_.size(), open.items);
  time_first_ = open.time_first;
  collected_bytes_ = run_.bytes();
  collected_items_ = run_.size();
  return {};
}

Result<void> BiographyIndex::on_commit(CommitSequence sequence, Offset, const CommitBody& body) {
  runs_.cover.through = sequence;
  time_ = body.meta.partition_time;
  if (WEIR_DEFECT("biography_skips_commits") && sequence.value % 16 == 0) return {};
  if (run_.empty()) time_first_ = time_;
  run_.add(sequence, body, runs_.seed);
  return {};
}

void BiographyIndex::erase(const Stored& run, DeltaWriter& delta) {
  for (std::uint32_t leaf = 0; leaf < std::uint32_t{1} << run.bits; ++leaf) delta.erase(leaf_key(run.number, leaf));
  delta.erase(run_key('h', run.number));
}

void BiographyIndex::drop_old(DeltaWriter& delta) {
  for (const Stored& run : std::exchange(unfit_, {})) erase(run, delta);
  std::uint64_t bytes = runs_.covered().bytes;
  std::size_t drops = 0;
  while (drops < kDropsMax && drops < runs_.all.size() && runs_.all[drops].open == 0) {
    const Stored& oldest = runs_.all[drops];
    const bool expired = time_ != kNoTime && oldest.time_last < time_ - bounds_.retain.count();
    if (!expired && bytes <= bounds_.bytes_max) break;
    erase(oldest, delta);
    bytes -= oldest.bytes;
    runs_.cover.dropped = CommitSequence{oldest.through};
    runs_.cover.dropped_time = oldest.time_last;
    ++drops;
  }
  runs_.all.erase(runs_.all.begin(), runs_.all.begin() + static_cast<std::ptrdiff_t>(drops));
}

void BiographyIndex::write_run(DeltaWriter& delta) {
  if (run_.size() == collected_items_) return;
  // Under a new number: the leaves are others when there are more items.
  if (!runs_.all.empty() && runs_.all.back().open != 0) {
    erase(runs_.all.back(), delta);
    runs_.all.pop_back();
  }
  BiographyRun::Encoded encoded = run_.encode();
  const bool whole = run_.size() >= bounds_.run_items || (time_ != kNoTime && time_first_ != kNoTime && time_ - time_first_ >= bounds_.retain.count() / kSpans);
  runs_.all.push_back({runs_.next++, runs_.cover.through.value, time_first_, time_, encoded.bytes(), static_cast<std::uint32_t>(run_.size()),
                       static_cast<std::uint16_t>(encoded.bits), static_cast<std::uint16_t>(whole ? 0 : 1)});
  const std::uint64_t number = runs_.all.back().number;
  put_owned(delta, run_key('h', number), std::move(encoded.head));
  for (auto& [leaf, bytes] : encoded.leaves) put_owned(delta, leaf_key(number, leaf), std::move(bytes));
  if (whole) run_.clear();
  collected_bytes_ = run_.bytes();
  collected_items_ = run_.size();
}

void BiographyIndex::collect(DeltaWriter& delta) {
  write_run(delta);
  drop_old(delta);
  delta.put(runs_key(), runs_.encode());
}

BiographyCover BiographyIndex::cover() const {
  BiographyCover cover = runs_.covered();
  cover.items += run_.size() - collected_items_;
  cover.bytes += run_.bytes() - collected_bytes_;
  return cover;
}

Result<BiographyCover> biography_cover(const StateReader& state) {
  WEIR_ASSIGN(const auto stored, state.get(runs_key()));
  if (!stored) return BiographyCover{};
  WEIR_ASSIGN(const auto runs, BiographyIndex::Runs::decode(*stored));
  return runs.covered();
}

Result<BiographyAnswer> look_up_biographies(const StateReader& state, const std::vector<std::string_view>& ids) {
  BiographyAnswer answer;
  answer.entries.resize(ids.size());
  WEIR_ASSIGN(const auto stored, state.get(runs_key()));
  if (!stored) return answer;
  WEIR_ASSIGN(const auto runs, BiographyIndex::Runs::decode(*stored));
  answer.cover = runs.covered();
  std::vector<std::uint64_t> fingerprints;
  for (const std::string_view id : ids) fingerprints.push_back(biography_fingerprint(id, runs.seed));
  struct Wanted {
    std::size_t run, id;
    std::string key;
  };
  std::vector<Wanted> wanted;
  const auto read = [&]() -> Result<void> {
    std::vector<std::string_view> keys;
    for (const Wanted& one : wanted) keys.push_back(one.key);
    WEIR_ASSIGN(const auto leaves, state.get_many(keys));
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      if (!leaves[i]) continue;
      const auto [run, id, key] = wanted[i];
      WEIR_ASSIGN(const bool there, BiographyRun::leaf_has(*leaves[i], fingerprints[id]));
      if (!there) continue;
      const std::uint64_t number = runs.all[run].number;
      WEIR_ASSIGN(const auto head, state.get(run_key('h', number)));
      if (!head) return fail(Errc::state_damaged, "biography index: run {} has no head", number);
      WEIR_ASSIGN(BiographyRun decoded, BiographyRun::decode_head(*head));
      WEIR_TRY(decoded.add_leaf(*leaves[i]));
      const auto entries = decoded.entries(fingerprints[id]);
      answer.entries[id].insert(answer.entries[id].end(), entries.begin(), entries.end());
    }
    wanted.clear();
    return {};
  };
  for (std::size_t run = 0; run < runs.all.size(); ++run) {
    for (std::size_t id = 0; id < ids.size(); ++id) {
      wanted.push_back({run, id, leaf_key(runs.all[run].number, biography_leaf_of(fingerprints[id], runs.all[run].bits))});
      if (wanted.size() == kLeavesAtOnce) WEIR_TRY(read());
    }
  }
  WEIR_TRY(read());
  return answer;
}

}  // namespace weir
