#include "actors/partition/window.h"

#include <algorithm>

#include "runtime/base/fail_point.h"
#include "runtime/base/hash.h"
#include "runtime/base/invariant.h"

namespace weir {

PartitionWindow::PartitionWindow(PartitionId partition, WindowLimits limits, WindowRules rules,
                                 std::shared_ptr<const RulesVersion> version, DedupeIndex& index, PoisonBook* poison, RetrySet* retries)
    : partition_(partition), limits_(limits), rules_(std::move(rules)), version_(std::move(version)), index_(&index),
      own_poison_(poison == nullptr ? std::make_unique<PoisonBook>() : nullptr), poison_(poison == nullptr ? own_poison_.get() : poison),
      own_retries_(retries == nullptr ? std::make_unique<RetrySet>() : nullptr),
      parking_(rules_.retry, rules_.csv_separator, retries == nullptr ? *own_retries_ : *retries), batch_events_(limits.batch_events_max) {}

bool PartitionWindow::uses(const RulesVersion& version) const noexcept {
  if (version_.get() == &version) return true;
  return std::any_of(batches_.begin() + static_cast<std::ptrdiff_t>(sealed_batches_), batches_.end(),
                     [&](const Batch& batch) { return batch.version.get() == &version; });
}

namespace {
/// The deliberate defect: what the log gets says of every outcome that it owns no dedupe entry.
[[maybe_unused]] void forget_entries(std::vector<SharedBytes>& pieces) {
  for (std::size_t piece = 1; piece < pieces.size(); ++piece) {
    ByteArena copy(pieces[piece].size());
    copy.append(pieces[piece].view());
    const auto batch = OutcomeBatch::decode(pieces[piece]);
    for (std::uint32_t i = 0; i < batch->outcomes(); ++i) {
      const auto at = reinterpret_cast<const char*>(&batch->outcome(i).flags) - batch->bytes().data();
      copy.data()[at] = static_cast<char>(copy.data()[at] | outcome_flag::conflict);
    }
    pieces[piece] = SharedBytes::take(std::move(copy));
  }
}
}  // namespace

void PartitionWindow::restart(const PartitionPosition& position, const CommitMeta& meta, CommitOwner owner) {
  INVARIANT(meta.ledger.decided() == position.committed.value, "the ledger counts every offset below the committed position");
  position_ = position;
  meta_ = meta;
  owner_ = std::move(owner);
  expected_ = position.committed;
  durable_ = std::max(durable_, position.committed);
  ++drive_;
  batches_.clear();
  prepared_batches_ = sealed_batches_ = 0;
  prepared_.reset();
  in_flight_.clear();
  ready_.clear();
  driving_ = 0;
  events_ = 0;
  bytes_ = 0;
  parking_.restart();
  changed_ids_.clear();
}

std::string_view PartitionWindow::id_of(const Batch& batch, std::uint32_t index) const {
  const FrameEntry& entry = batch.input.entry(batch.skipped + index);
  return {batch.input.area() + entry.id_offset, entry.id_length};
}

Result<void> PartitionWindow::admit(Offset first, IngestBatch input, UnixMicros wall) {
  INVARIANT(first <= expected_ && expected_ < first + input.count(), "a batch continues what was admitted");
  set_time(wall);
  // One door's wrong clock moves partition time not further than the owner's own clock plus slack, and never back.
  const std::int64_t stamp = std::min(input.header().accepted_at, wall + kPartitionTimeSlack.count());
  const std::int64_t partition_time = std::max(last_partition_time(), stamp);
  std::uint32_t skip = static_cast<std::uint32_t>(expected_ - first);
  while (skip < input.count()) {
    std::uint32_t count = std::min(input.count() - skip, batch_events_);
    // What took the process along as a batch is not driven as one any more.
    if (count > 1 && !poison_->empty() && poison_->must_part(expected_, expected_ + count)) count = 1;
    Batch& batch = add_batch(input, skip, count);
    batch.partition_time = partition_time;
    std::vector<std::uint32_t> run;
    run.reserve(count);
    for (std::uint32_t i = 0; i < count; ++i) WEIR_TRY(judge(batch, i, run));
    expected_ = expected_ + count;
    skip += count;
    start_round(batch, std::move(run));
  }
  return advance();
}

/// A new batch at the back, of events that are not judged yet.
PartitionWindow::Batch& PartitionWindow::add_batch(const IngestBatch& input, std::uint32_t skip, std::uint32_t count) {
  Batch& batch = batches_.emplace_back();
  batch.serial = next_serial_++;
  batch.first = expected_;
  batch.skipped = skip;
  batch.input = input;
  batch.version = version_;
  batch.events.resize(count);
  batch.hashes.resize(count);
  if (parking_.keyed()) batch.keys.resize(count);
  for (std::uint32_t i = 0; i < count; ++i) {
    const FrameEntry& entry = input.entry(skip + i);
    batch.hashes[i] = index_->hash_of({input.area() + entry.id_offset, entry.id_length});
    batch.events[i].digest = xxh3_128({input.area() + entry.raw_offset, entry.raw_length});
    if (parking_.keyed()) batch.keys[i] = parking_.key_of(input, skip + i);
    index_->prefetch(batch.hashes[i]);
    in_flight_.prefetch(batch.hashes[i]);
  }
  events_ += count;
  bytes_ += bytes_of(batch);
  return batch;
}

/// Of the newest batch, or of what stands behind none.
std::int64_t PartitionWindow::last_partition_time() const noexcept {
  if (!batches_.empty()) return batches_.back().partition_time;
  return prepared_ ? prepared_->body->meta.partition_time : meta_.partition_time;
}

std::vector<ChainRound> PartitionWindow::take_rounds() {
  std::vector<ChainRound> taken;
  // What is sealed waits in memory for its commit, and may be much longer than it was: then the stages wait with it.
  std::size_t waiting = 0;
  for (std::size_t i = 0; i < sealed_batches_; ++i) waiting += batches_[i].sealed->size();
  if (waiting > 2 * limits_.bytes_max) return taken;
  while (!ready_.empty() && driving_ < limits_.rounds_max) {
    const auto [serial, number] = ready_.front();
    ready_.pop_front();
    Round& round = at(serial).rounds[number];
    fill(round, at(serial));
    taken.push_back({drive_, serial, number, round.batch, at(serial).version});
    ++driving_;
  }
  return taken;
}

std::shared_ptr<ChainBatch> PartitionWindow::fresh_chain_batch() {
  // A chain batch is used again only when nobody else holds it: not even a message of an old drive.
  for (auto& spare : pool_) {
    if (spare.use_count() == 1) return spare;
  }
  return pool_.emplace_back(std::make_shared<ChainBatch>());
}

void PartitionWindow::fill(Round& round, Batch& batch) {
  round.batch = fresh_chain_batch();
  RetryHistory history;
  // Its neighbours have as many attempts behind them.
  if (const ParkedEvent* const parked = parked_of(batch, 0)) history = {parked->attempts, parked->first_at};
  round.batch->begin(batch.input, partition_, Offset{batch.first.value - batch.skipped}, history, batch.again);
  const auto add = [&](std::uint32_t index) { round.batch->add(batch.skipped + index, given_fingerprint(batch, index)); };
  if (round.parted) return add(round.events[round.next_alone]);
  for (const std::uint32_t index : round.events) {
    if (!is_poison(batch, index)) add(index);
  }
}

void PartitionWindow::start_round(Batch& batch, std::vector<std::uint32_t> events) {
  Round& round = batch.rounds.emplace_back();
  round.events = std::move(events);
  const auto number = static_cast<std::uint32_t>(batch.rounds.size() - 1);
  for (const std::uint32_t index : round.events) batch.events[index].round = number;
  if (round.events.size() > 1 && !poison_->empty())
    round.parted = poison_->must_part(batch.offset(round.events.front()), batch.offset(round.events.back()) + 1);
  if (left_to_drive(batch, round)) {
    ready_.emplace_back(batch.serial, number);
  } else {
    round.done = true;  // decided as it stands
  }
}

Result<void> PartitionWindow::round_done(std::uint64_t drive, std::uint64_t serial, std::uint32_t round) {
  if (drive != drive_ || !in_window(serial)) return {};
  Batch& batch = at(serial);
  INVARIANT(round < batch.rounds.size() && !batch.rounds[round].done, "a round comes back once per drive");
  --driving_;
  Round& driven = batch.rounds[round];
  if (driven.parted) {
    ++driven.next_alone;
    if (left_to_drive(batch, driven)) {
      ready_.emplace_back(serial, round);
      return {};
    }
  }
  driven.done = true;
  return advance();
}

std::uint64_t PartitionWindow::given_fingerprint(const Batch& batch, std::uint32_t index) const {
  const ParkedEvent* const parked = parked_of(batch, index);
  return parked == nullptr || parked->edited.empty() ? batch.events[index].digest.low : xxh3_128(parked->edited).low;
}

bool PartitionWindow::is_poison(Batch& batch, std::uint32_t index) const {
  if (!batch.poison.empty() && batch.poison.contains(index)) return true;
  const Suspect* suspect = poison_->empty() ? nullptr : poison_->poison(given_fingerprint(batch, index));
  if (suspect != nullptr) batch.poison.emplace(index, *suspect);
  return suspect != nullptr;
}

/// Of a round that is not done; ends the part where it goes event by event.
bool PartitionWindow::left_to_drive(Batch& batch, Round& round) {
  if (round.parted) {
    while (round.next_alone < round.events.size() && is_poison(batch, round.events[round.next_alone])) ++round.next_alone;
    if (round.next_alone < round.events.size()) return true;
    round.parted = false;
    poison_->parted(batch.offset(round.events.front()), batch.offset(round.events.back()) + 1);
  }
  return std::any_of(round.events.begin(), round.events.end(), [&](std::uint32_t index) { return !is_poison(batch, index); });
}

CrashBlame PartitionWindow::crashed(const StageCrash& crash) {
  if (crash.drive != drive_ || !in_window(crash.serial)) return {};
  Batch& batch = at(crash.serial);
  INVARIANT(crash.round < batch.rounds.size() && !batch.rounds[crash.round].done, "a round that crashes has not come back");
  Round& round = batch.rounds[crash.round];
  std::optional<std::uint32_t> blamed;
  if (round.parted) {
    blamed = round.events[round.next_alone];
  } else if (round.events.size() == 1) {
    blamed = round.events.front();
  } else if (crash.event) {
    for (const std::uint32_t index : round.events) {
      if (batch.offset(index) == *crash.event) blamed = index;
    }
  }
  Suspect suspect;
  suspect.stage = crash.stage;
  suspect.cause = crash.cause;
  suspect.crashes = 1;
  if (blamed) {
    suspect.first = batch.offset(*blamed);
    suspect.fingerprint = given_fingerprint(batch, *blamed);
    if (!poison_->crashed(suspect)) return {true, std::nullopt};
    return {true, std::string(id_of(batch, *blamed))};
  }
  suspect.first = batch.offset(round.events.front());
  suspect.count = static_cast<std::uint32_t>(batch.offset(round.events.back()) - suspect.first) + 1;
  (void)poison_->crashed(suspect);
  round.parted = poison_->must_part(suspect.first, suspect.first + suspect.count);
  round.next_alone = 0;
  return {};
}

Result<void> PartitionWindow::redrive() {
  drive_again();
  return advance();
}

void PartitionWindow::drive_again() {
  ++drive_;
  driving_ = 0;
  ready_.clear();
  for (std::size_t i = sealed_batches_; i < batches_.size(); ++i) {
    Batch& batch = batches_[i];
    for (std::size_t r = 0; r < batch.rounds.size(); ++r) {
      // Filled again when it is taken: the dead stage may have left the old chain batch half changed.
      if (batch.rounds[r].done) continue;
      if (left_to_drive(batch, batch.rounds[r])) {
        ready_.emplace_back(batch.serial, static_cast<std::uint32_t>(r));
      } else {
        batch.rounds[r].done = true;
      }
    }
  }
}

Result<void> PartitionWindow::advance() {
  while (sealed_batches_ < batches_.size()) {
    Batch& batch = batches_[sealed_batches_];
    if (!batch.rounds.back().done) return {};
    WEIR_ASSIGN(const bool resolved, resolve_waiting(batch));
    if (!resolved) {
      if (!batch.rounds.back().done) return {};
      continue;  // everything that waited was judged without the stages
    }
    if (const std::uint32_t fit = seal(batch); fit != batch.events.size()) {
      batch_events_ = fit;  // these are sealed when they come again
      drop_from(sealed_batches_);
      return {};
    }
    if (!parking_.fits(batch.parks, batch.events.size())) {
      batch_events_ = std::max<std::uint32_t>(1, static_cast<std::uint32_t>(batch.events.size() / 2));
      drop_from(sealed_batches_);
      parking_.refuse();
      return {};
    }
    if (batch.parks.events != 0) WEIR_FAIL_POINT_TRY("retry_parked");
    parking_.sealed(batch.parks);
    ++sealed_batches_;
    if (batch.sealed->size() <= limits_.batch_bytes_max / 4) batch_events_ = std::min(limits_.batch_events_max, batch_events_ * 2);
  }
  return {};
}

void PartitionWindow::withdraw(Offset from) {
  for (std::size_t i = 0; i < batches_.size(); ++i) {
    if (batches_[i].is_again() || batches_[i].first < from) continue;
    return drop_from(i);
  }
}

/// Forgets the batches at `position` and behind it.
void PartitionWindow::drop_from(std::size_t position) {
  INVARIANT(position >= prepared_batches_, "what is prepared is durable and cannot be withdrawn");
  while (batches_.size() > position) {
    Batch& batch = batches_.back();
    for (std::size_t i = batch.events.size(); i-- > 0;) {
      const WindowEvent& event = batch.events[i];
      if (!event.tracked) continue;
      // Give the place back to the event this one stood behind.
      if (in_flight_.erase(batch.hashes[i], {batch.serial, static_cast<std::uint32_t>(i)}) && in_window(event.predecessor.serial))
        in_flight_.insert(batch.hashes[i], event.predecessor);
    }
    events_ -= static_cast<std::uint32_t>(batch.events.size());
    bytes_ -= bytes_of(batch);
    expected_ = batch.first;
    for (const Offset offset : batch.again) parking_.admitted_gone(offset);
    if (batches_.size() <= sealed_batches_) {
      parking_.gone(batch.parks);
      --sealed_batches_;
    }
    next_serial_ = batch.serial;
    batches_.pop_back();
  }
  drive_again();  // serials are given out again: results of the old drive must not match them
}

void PartitionWindow::durable(Offset end) noexcept { durable_ = std::max(durable_, end); }

std::optional<PreparedCommit> PartitionWindow::prepare(UnixMicros wall) {
  set_time(wall);
  if (prepared_ || sealed_batches_ == 0) return std::nullopt;
  std::vector<std::shared_ptr<const TokenTable>> tables;
  auto body = std::make_shared<CommitBody>();
  CommitMeta meta = meta_;
  std::size_t bytes = 0;
  std::size_t count = 0;
  Offset to = position_.committed;
  for (; count < sealed_batches_; ++count) {
    const Batch& batch = batches_[count];
    // What ack_before_sync acknowledged it also takes for durable.
    const bool early = WEIR_DEFECT("commit_past_durable_ingest") || WEIR_DEFECT("ack_before_sync");
    if (!batch.is_again() && batch.end() > durable_ && !early) break;
    if (count != 0 && batch.version->hash != batches_.front().version->hash) break;
    if (count != 0 && bytes + batch.sealed->size() > limits_.commit_bytes_max) break;
    bytes += batch.sealed->size();
    meta.partition_time = batch.partition_time;
    meta.event_time_max = batch.event_time_max;
    meta.ledger += batch.sums.ledger;
    meta.state_sum += batch.sums.state_sum;
    body->batches.push_back(*batch.sealed);
    tables.push_back(batch.tokens);
    if (!batch.is_again()) to = batch.end();
  }
  if (count == 0) return std::nullopt;
  body->meta = meta;
  prepared_batches_ = count;
  PreparedCommit commit = prepare_to(to, std::move(body), wall);
  commit.tables = std::move(tables);
  commit.bytes += bytes;
  prepared_ = std::move(commit);
  return prepared_;
}

std::optional<PreparedCommit> PartitionWindow::let_time_pass(UnixMicros wall) {
  if (prepared_ || !idle() || wall <= meta_.partition_time || !index_->would_forget(wall)) return std::nullopt;
  auto body = std::make_shared<CommitBody>();
  body->meta = meta_;
  body->meta.partition_time = wall;
  prepared_ = prepare_to(position_.committed, std::move(body), wall);
  return prepared_;
}

/// `body`: its batches, and what they make of ledger and times.
PreparedCommit PartitionWindow::prepare_to(Offset to, std::shared_ptr<CommitBody> body, UnixMicros wall) {
  CommitMeta& meta = body->meta;
  meta.incarnation = owner_.incarnation;
  meta.node = owner_.node;
  meta.code = owner_.code;
  const bool kept = WEIR_DEFECT("rules_hash_kept") && meta.rules_hash != Digest128{};
  if (!kept) meta.rules_hash = (batches_.empty() ? version_ : batches_.front().version)->hash;
  meta.committed_at = wall;
  meta.batches = static_cast<std::uint32_t>(body->batches.size());
  INVARIANT(meta.ledger.decided() == to.value, "the ledger counts every offset below the position it is committed at");
  PreparedCommit prepared;
  prepared.part.partition = partition_;
  prepared.part.epoch = position_.epoch;
  prepared.part.sequence = next(position_.sequence);
  prepared.part.from = position_.committed;
  prepared.part.to = to;
  prepared.part.body = body->encode();
  if (WEIR_DEFECT("dedupe_not_in_commit")) forget_entries(prepared.part.body);
  prepared.bytes = prepared.part.body.front().size();
  prepared.body = std::move(body);
  return prepared;
}

PreparedCommit PartitionWindow::outstanding() const {
  INVARIANT(prepared_.has_value(), "a commit is outstanding");
  return *prepared_;
}

PreparedCommit PartitionWindow::committed() {
  INVARIANT(prepared_.has_value(), "a commit is outstanding");
  PreparedCommit commit = std::move(*prepared_);
  prepared_.reset();
  position_.sequence = commit.part.sequence;
  position_.committed = commit.part.to;
  meta_ = commit.body->meta;
  std::vector<std::vector<std::uint64_t>> hashes;
  hashes.reserve(prepared_batches_);
  for (; prepared_batches_ != 0; --prepared_batches_, --sealed_batches_) {
    Batch& batch = batches_.front();
    for (std::size_t i = 0; i < batch.events.size(); ++i) {
      constexpr std::size_t kAhead = 8;
      if (i + kAhead < batch.events.size()) in_flight_.prefetch(batch.hashes[i + kAhead]);
      if (batch.events[i].tracked) in_flight_.erase(batch.hashes[i], {batch.serial, static_cast<std::uint32_t>(i)});
    }
    if (!poison_->empty()) {
      for (std::uint32_t i = 0; i < batch.events.size(); ++i) poison_->decided(given_fingerprint(batch, i));
      poison_->parted(batch.offset(0), batch.offset(static_cast<std::uint32_t>(batch.events.size()) - 1) + 1);
    }
    parking_.gone(batch.parks);
    for (const Offset offset : batch.again) parking_.admitted_gone(offset);
    for (auto& [index, suspect] : batch.poison) poisoned_.push_back({std::string(id_of(batch, index)), std::move(suspect)});
    hashes.push_back(std::move(batch.hashes));
    events_ -= static_cast<std::uint32_t>(batch.events.size());
    bytes_ -= bytes_of(batch);
    batches_.pop_front();
  }
  parking_.committed(*commit.body);
  // What came while an order was on its way was judged by what its id was before.
  const auto ids = std::exchange(changed_ids_, {});
  const bool judged_too_early = std::any_of(ids.begin(), ids.end(), [this](const std::string& id) { return on_its_way(id); });
  commit.dedupe = std::make_shared<const DedupeBlocks>(index_->apply(*commit.body, hashes));
  if (judged_too_early) drop_from(0);
  return commit;
}

}  // namespace weir
