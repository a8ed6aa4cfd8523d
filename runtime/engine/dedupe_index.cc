#include "runtime/engine/dedupe_index.h"

#include "runtime/base/hash.h"
#include "runtime/base/invariant.h"

namespace weir {

namespace {
constexpr std::uint32_t kShiftAtStart = 32 - 12;  // 4'096 slots
}

DedupeIndex::DedupeIndex(std::chrono::microseconds remember, const DedupeReader& reader, std::uint64_t key)
    : reader_(&reader), numbers_(remember), slots_(std::size_t{1} << (32 - kShiftAtStart), 0), shift_(kShiftAtStart), key_(key) {}

Result<void> DedupeIndex::restore(const DedupeNumbers& numbers) {
  INVARIANT(used_ == 0 && numbers_.end() == 0, "an index is restored once, before anything is applied");
  numbers_ = numbers;
  base_ = marks_begin_ = numbers.begin();
  if (numbers.end() % kDedupeBlockEntries == 0) tail_.start(numbers.end());
  return {};
}

Result<void> DedupeIndex::add_block(std::uint64_t first_number, const DedupeBlock& block) {
  for (std::size_t i = 0; i < block.size(); ++i) {
    const std::uint64_t number = first_number + i;
    if (number < numbers_.begin() || number >= numbers_.end()) continue;
    const DedupeEntry entry = block.entry(i);
    insert(tag_of(xxh3_64(entry.id)), number);
    add_mark(number, mark_of(entry.id, entry.digest));
  }
  // The last, partly filled block is continued in memory.
  const std::uint64_t last = numbers_.end() / kDedupeBlockEntries;
  if (first_number / kDedupeBlockEntries == last && numbers_.end() % kDedupeBlockEntries != 0) {
    if (block.size() != numbers_.end() % kDedupeBlockEntries)
      return fail(Errc::state_damaged, "dedupe block {} holds {} entries, its cursor says {}", last, block.size(),
                  numbers_.end() % kDedupeBlockEntries);
    tail_.start(numbers_.end(), block);
  }
  return {};
}

DedupeBlocks DedupeIndex::apply(const CommitBody& body, std::span<const std::vector<std::uint64_t>> known) {
  INVARIANT(known.empty() || known.size() == body.batches.size(), "hashes come for all batches of a commit or for none");
  const std::uint64_t changed = tail_.open_block();
  numbers_.on_commit(body.meta.partition_time);
  for (; marks_begin_ < numbers_.begin() && !marks_.empty(); ++marks_begin_) marks_.pop_front();
  for (std::size_t b = 0; b < body.batches.size(); ++b) {
    const OutcomeBatch& batch = body.batches[b];
    // Two passes over short runs: first ask for the memory, then use it.
    constexpr std::uint32_t kRun = 32;
    std::uint64_t computed[kRun];
    for (std::uint32_t start = 0; start < batch.outcomes(); start += kRun) {
      const std::uint32_t end = std::min(start + kRun, batch.outcomes());
      const std::uint64_t* hashes = known.empty() ? computed : known[b].data() + start;
      for (std::uint32_t i = start; i < end; ++i) {
        __builtin_prefetch(batch.id(i).data());
        if (known.empty()) computed[i - start] = xxh3_64(batch.id(i));
        prefetch(hashes[i - start]);
      }
      for (std::uint32_t i = start; i < end; ++i) {
        DedupeEntry entry;
        if (!dedupe_entry_of(batch, i, entry)) continue;
        const std::uint64_t number = numbers_.take();
        tail_.add(entry);
        add_mark(number, mark_of(entry.id, entry.digest));
        const std::uint64_t hash = hashes[i - start];
        insert(tag_of(hash), number);
        if ((batch.outcome(i).flags & outcome_flag::supersedes) != 0) {
          const auto open = open_letters_.find(hash);
          if (open != open_letters_.end()) open_letters_.erase(open);
        }
        if (entry.state == DedupeState::dead_lettered) open_letters_.emplace(hash, number);
      }
    }
  }
  INVARIANT(tail_.end() == numbers_.end(), "dedupe entries are numbered without gaps");
  return tail_.since(changed);
}

void DedupeIndex::add_open_letter(std::string_view id) { open_letters_.emplace(xxh3_64(id), 0); }

/// The window has passed over the id: only an open dead letter still speaks for it.
Result<std::optional<FoundEntry>> DedupeIndex::find_open_letter(std::uint64_t hash, std::string_view id) const {
  const auto [first, last] = open_letters_.equal_range(hash);
  if (first == last) return std::optional<FoundEntry>{};
  for (auto open = first; open != last; ++open) {
    // Not flushed yet: blocks stay in memory until they are, whatever has expired.
    const DedupeBlock* memory = tail_.block(open->second / kDedupeBlockEntries);
    const std::size_t index = open->second % kDedupeBlockEntries;
    if (memory == nullptr || index >= memory->size()) continue;
    const DedupeEntry entry = memory->entry(index);
    if (entry.id == id && entry.state == DedupeState::dead_lettered)
      return FoundEntry{open->second, entry.digest, entry.accepted_at, entry.offset, entry.state, std::string(entry.reason)};
  }
  return reader_->open_letter(id);
}

Digest128 DedupeIndex::mark_of(std::string_view id, const Digest128& digest) const noexcept {
  // Equal digests with different ids (a CSV line under another header, bytes made to collide) still differ, and as the hash is
  // keyed nobody outside can look for two that do not.
  return {digest.low + xxh3_64(id, key_), digest.high};
}

void DedupeIndex::add_mark(std::uint64_t number, const Digest128& mark) {
  if (marks_.empty()) marks_begin_ = number;
  INVARIANT(marks_begin_ + marks_.size() == number, "dedupe entries are marked without gaps");
  marks_.push_back(mark);
}

bool DedupeIndex::holds(std::uint64_t hash, std::string_view id, const Digest128& digest) const noexcept {
  const std::uint32_t tag = tag_of(hash);
  std::uint64_t candidate = 0;
  int candidates = 0;
  for (std::size_t at = slot_of(tag); slots_[at] != 0; at = at + 1 == slots_.size() ? 0 : at + 1) {
    if (static_cast<std::uint32_t>(slots_[at] >> 32) != tag || !alive(slots_[at])) continue;
    candidate = number_of(slots_[at]);
    if (++candidates > 1) return false;  // which one is the id's newest only the entries can tell
  }
  return candidates == 1 && marks_[candidate - marks_begin_] == mark_of(id, digest);
}

void DedupeIndex::flushed(std::uint64_t number) { tail_.drop(number); }

bool DedupeIndex::alive(std::uint64_t slot) const noexcept { return number_of(slot) >= numbers_.begin(); }

std::uint64_t DedupeIndex::number_of(std::uint64_t slot) const noexcept { return base_ + (slot & 0xffffffffu) - 1; }

void DedupeIndex::insert(std::uint32_t tag, std::uint64_t number) {
  if ((used_ + 1) * 10 > slots_.size() * 6 || number - base_ >= 0xfffffff0u) grow();
  std::size_t at = slot_of(tag);
  while (slots_[at] != 0) at = at + 1 == slots_.size() ? 0 : at + 1;
  slots_[at] = std::uint64_t{tag} << 32 | (number - base_ + 1);
  ++used_;
}

void DedupeIndex::grow() {
  // Expired slots are left behind; only if that frees too little does the table double.
  std::size_t kept = 0;
  for (const std::uint64_t slot : slots_) kept += slot != 0 && alive(slot);
  if (kept * 10 > slots_.size() * 4) {
    INVARIANT(shift_ > 2, "a partition remembers fewer than 400 million ids");
    --shift_;
  }
  const std::vector<std::uint64_t> old = std::exchange(slots_, std::vector<std::uint64_t>(std::size_t{1} << (32 - shift_), 0));
  const std::uint64_t old_base = std::exchange(base_, numbers_.begin());
  used_ = 0;
  for (const std::uint64_t slot : old) {
    if (slot == 0) continue;
    const std::uint64_t number = old_base + (slot & 0xffffffffu) - 1;
    if (number < numbers_.begin()) continue;
    const auto tag = static_cast<std::uint32_t>(slot >> 32);
    std::size_t at = slot_of(tag);
    while (slots_[at] != 0) at = at + 1 == slots_.size() ? 0 : at + 1;
    slots_[at] = std::uint64_t{tag} << 32 | (number - base_ + 1);
    ++used_;
  }
}

Result<std::optional<FoundEntry>> DedupeIndex::find(std::uint64_t hash, std::string_view id) const {
  const std::uint32_t tag = tag_of(hash);
  std::optional<FoundEntry> newest;
  for (std::size_t at = slot_of(tag); slots_[at] != 0; at = at + 1 == slots_.size() ? 0 : at + 1) {
    if (static_cast<std::uint32_t>(slots_[at] >> 32) != tag || !alive(slots_[at])) continue;
    const std::uint64_t number = number_of(slots_[at]);
    if (newest && newest->number > number) continue;
    const std::uint64_t block = number / kDedupeBlockEntries;
    const DedupeBlock* from = tail_.block(block);
    if (from != nullptr) {
      // Not flushed yet.
    } else if (block == cached_number_) {
      from = cached_.get();
    } else {
      WEIR_ASSIGN(auto read, reader_->block(block));
      cached_ = std::make_unique<DedupeBlock>(std::move(read));
      cached_number_ = block;
      from = cached_.get();
    }
    const std::size_t index = number % kDedupeBlockEntries;
    if (index >= from->size()) return fail(Errc::state_damaged, "dedupe block {} has no entry {}", block, index);
    const DedupeEntry entry = from->entry(index);
    if (entry.id != id) continue;
    newest = FoundEntry{number, entry.digest, entry.accepted_at, entry.offset, entry.state, std::string(entry.reason)};
  }
  // Before anything has expired the table knows every letter's id: the second look is not free for the many fresh ids.
  if (!newest && numbers_.begin() != 0 && !open_letters_.empty()) return find_open_letter(hash, id);
  return newest;
}

std::size_t DedupeIndex::memory_bytes() const noexcept {
  std::size_t bytes = slots_.capacity() * sizeof(std::uint64_t);
  bytes += marks_.size() * sizeof(Digest128);
  bytes += tail_.bytes();
  bytes += open_letters_.size() * 40 + open_letters_.bucket_count() * sizeof(void*);
  return bytes;
}

}  // namespace weir
