#include "runtime/engine/dedupe_index.h"

#include <algorithm>

#include "runtime/base/bytes.h"
#include "runtime/base/fail_point.h"
#include "runtime/base/hash.h"
#include "runtime/base/invariant.h"

namespace weir {

namespace {
constexpr std::uint32_t kBitsAtStart = 12;  // 4'096 slots
constexpr std::uint32_t kBitsMax = 30;

/// 64 bits of a digest; a difference in either of its halves shows.
std::uint64_t half(const Digest128& digest) noexcept { return digest.low + digest.high; }
}  // namespace

DedupeIndex::DedupeIndex(std::chrono::microseconds remember, const DedupeReader& reader, std::uint64_t key)
    : reader_(&reader), numbers_(remember), slots_(std::size_t{1} << kBitsAtStart, 0), bits_(kBitsAtStart), key_(key) {}

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
    const std::uint64_t hash = hash_of(entry.id);
    add(number, WEIR_DEFECT("ids_not_read_back") ? ~hash : hash, entry.digest);
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
  if (numbers_.on_commit(body.meta.partition_time)) {
    const std::uint64_t gone = std::min<std::uint64_t>(numbers_.begin() - std::min(marks_begin_, numbers_.begin()), marks_.size());
    marks_.pop_front(gone);
    marks_begin_ += gone;
    shrink();
  }
  for (std::size_t b = 0; b < body.batches.size(); ++b) {
    const OutcomeBatch& batch = body.batches[b];
    // Two passes over short runs: first ask for the memory, three lines an entry, then use it.
    constexpr std::uint32_t kRun = 8;
    std::uint64_t computed[kRun];
    for (std::uint32_t start = 0; start < batch.outcomes(); start += kRun) {
      const std::uint32_t end = std::min(start + kRun, batch.outcomes());
      const std::uint64_t* hashes = known.empty() ? computed : known[b].data() + start;
      for (std::uint32_t i = start; i < end; ++i) {
        const std::string_view id = batch.id(i);
        fetch_ahead(id.data());
        fetch_ahead(id.data() + id.size() - 1);
        if (known.empty()) computed[i - start] = hash_of(id);
        prefetch(hashes[i - start]);
      }
      for (std::uint32_t i = start; i < end; ++i) {
        DedupeEntry entry;
        if (!dedupe_entry_of(batch, i, entry)) continue;
        const std::uint64_t number = numbers_.take();
        tail_.add(entry);
        const std::uint64_t hash = hashes[i - start];
        add(number, hash, entry.digest);
        if ((batch.outcome(i).flags & (outcome_flag::supersedes | outcome_flag::from_letter)) != 0) {
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

void DedupeIndex::add_open_letter(std::string_view id) { open_letters_.emplace(hash_of(id), 0); }

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

template <class Visit>
void DedupeIndex::each(std::uint64_t hash, const Visit& visit) const {
  const std::size_t mask = slots_.size() - 1;
  const std::uint32_t tag = tag_of(hash);
  for (std::size_t at = place_of(hash); slots_[at] != 0; at = (at + 1) & mask) {
    if ((slots_[at] ^ tag) >> bits_ != 0) continue;
    const std::uint64_t number = number_of(slots_[at]);
    if (number >= numbers_.begin() && mark(number).id == hash) visit(number);
  }
}

void DedupeIndex::add(std::uint64_t number, std::uint64_t hash, const Digest128& digest) {
  if (marks_.empty()) marks_begin_ = number;
  INVARIANT(marks_begin_ + marks_.size() == number, "dedupe entries are marked without gaps");
  if ((used_ + 1) * 4 > slots_.size() * 3 || (number - base_ + 1) >> bits_ != 0) grow();
  marks_.push_back({hash, half(digest)});
  place(number, hash);
}

void DedupeIndex::place(std::uint64_t number, std::uint64_t hash) noexcept {
  const std::size_t mask = slots_.size() - 1;
  std::size_t at = place_of(hash);
  while (slots_[at] != 0) at = (at + 1) & mask;
  slots_[at] = tag_of(hash) | static_cast<std::uint32_t>(number - base_ + 1);
  ++used_;
}

void DedupeIndex::grow() {
  // Expired slots are left behind; only if that frees too little does the table double.
  const std::uint64_t expired = numbers_.begin() > marks_begin_ ? numbers_.begin() - marks_begin_ : 0;
  const std::size_t kept = expired < marks_.size() ? marks_.size() - expired : 0;
  std::uint32_t bits = bits_;
  if (kept * 10 > slots_.size() * 4) {
    INVARIANT(bits_ < kBitsMax, "a partition remembers fewer than 600 million ids");
    ++bits;
  }
  build(bits, expired);
}

/// After a storm of ids the table goes back to what those that are left need.
void DedupeIndex::shrink() {
  std::uint32_t bits = kBitsAtStart;
  while (marks_.size() * 10 > (std::size_t{1} << bits) * 4) ++bits;
  if (bits + 3 <= bits_) build(bits + 1, 0);  // not to the brim: whoever had a storm may have another
}

/// The table with `bits` bits and all marks but the first `expired`.
void DedupeIndex::build(std::uint32_t bits, std::uint64_t expired) {
  bits_ = bits;
  std::vector<std::uint32_t>().swap(slots_);  // first, so that it makes room for its successor
  slots_.resize(std::size_t{1} << bits_);
  base_ = marks_begin_ + expired;
  used_ = 0;
  constexpr std::size_t kAhead = 16;
  for (std::size_t i = expired; i < marks_.size(); ++i) {
    if (i + kAhead < marks_.size()) prefetch(marks_[i + kAhead].id);
    place(marks_begin_ + i, marks_[i].id);
  }
}

DedupeIndex::Look DedupeIndex::look(std::uint64_t hash, const Digest128& digest) const noexcept {
  std::uint64_t found = 0;
  int candidates = 0;
  each(hash, [&](std::uint64_t number) {
    found = number;
    ++candidates;
  });
  if (candidates == 0) return letters_outlive() ? Look::unknown : Look::absent;
  // Of several which one is the id's newest only the entries can tell.
  return candidates == 1 && mark(found).digest == half(digest) ? Look::same : Look::unknown;
}

void DedupeIndex::flushed(std::uint64_t number) { tail_.drop(number); }

Result<FoundEntry> DedupeIndex::read(std::uint64_t number, std::string_view id, bool& same) const {
  const std::uint64_t block = number / kDedupeBlockEntries;
  const DedupeBlock* from = tail_.block(block);
  if (from == nullptr && block != cached_number_) {
    WEIR_ASSIGN(auto stored, reader_->block(block));
    cached_ = std::make_unique<DedupeBlock>(std::move(stored));
    cached_number_ = block;
  }
  if (from == nullptr) from = cached_.get();
  const std::size_t index = number % kDedupeBlockEntries;
  if (index >= from->size()) return fail(Errc::state_damaged, "dedupe block {} has no entry {}", block, index);
  const DedupeEntry entry = from->entry(index);
  same = entry.id == id;
  return FoundEntry{number, entry.digest, entry.accepted_at, entry.offset, entry.state, std::string(entry.reason)};
}

Result<std::optional<FoundEntry>> DedupeIndex::find(std::uint64_t hash, std::string_view id) const {
  std::optional<FoundEntry> newest;
  std::optional<Error> error;
  each(hash, [&](std::uint64_t number) {
    if (error || (newest && newest->number > number)) return;
    bool same = false;
    auto entry = read(number, id, same);
    if (!entry) {
      error = std::move(entry.error());
    } else if (same) {
      newest = std::move(*entry);
    }
  });
  if (error) return fail(std::move(*error));
  if (!newest && letters_outlive()) return find_open_letter(hash, id);
  return newest;
}

std::size_t DedupeIndex::memory_bytes() const noexcept {
  std::size_t bytes = slots_.capacity() * sizeof(std::uint32_t);
  bytes += marks_.bytes();
  bytes += tail_.bytes();
  bytes += open_letters_.size() * 40 + open_letters_.bucket_count() * sizeof(void*);
  return bytes;
}

}  // namespace weir
