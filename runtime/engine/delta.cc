#include "runtime/engine/delta.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "runtime/base/hash.h"
#include "runtime/base/invariant.h"

namespace weir {

namespace {

constexpr std::size_t kBlockBytes = 256 * 1024;
constexpr std::uint32_t kFirstTableBits = 10;

/// What the sort looks at before it touches a key: 12 bytes of it, and where the entry is.
struct SortItem {
  std::uint64_t high;
  std::uint32_t low;
  std::uint32_t index;
};
using SortItems = std::vector<SortItem>;
constexpr std::size_t kSortBytes = 12;
constexpr std::size_t kSmallGroup = 64;   // below this comparing whole keys is cheaper than counting digits
constexpr std::size_t kSortDepth = 4096;  // bytes; keys equal so far are compared

std::uint64_t big_endian(std::string_view from) noexcept {
  std::uint64_t value = 0;
  std::memcpy(&value, from.data(), std::min<std::size_t>(from.size(), 8));
  if constexpr (std::endian::native == std::endian::little) value = __builtin_bswap64(value);
  return value;
}

/// Bytes `skip` .. `skip` + 12 of a key, zeros behind its end.
SortItem sort_item(std::string_view key, std::size_t skip, std::uint32_t index) noexcept {
  SortItem item{0, 0, index};
  if (key.size() > skip) item.high = big_endian(key.substr(skip));
  if (key.size() > skip + 8) item.low = static_cast<std::uint32_t>(big_endian(key.substr(skip + 8)) >> 32);
  return item;
}

/// Least significant digit first, a byte at a time; bytes that are the same everywhere cost nothing. About 25 ns an
/// item.
void radix_sort(SortItem* items, SortItem* other, std::size_t size) {
  const auto digit = [](const SortItem& item, std::size_t d) {
    return static_cast<std::uint8_t>(d < 4 ? item.low >> (8 * d) : item.high >> (8 * (d - 4)));
  };
  std::array<std::array<std::uint32_t, 256>, kSortBytes> counts{};
  for (std::size_t i = 0; i < size; ++i)
    for (std::size_t d = 0; d < kSortBytes; ++d) ++counts[d][digit(items[i], d)];
  SortItem* from = items;
  SortItem* to = other;
  for (std::size_t d = 0; d < kSortBytes; ++d) {
    auto& count = counts[d];
    if (count[digit(from[0], d)] == size) continue;
    std::uint32_t sum = 0;
    for (std::uint32_t& c : count) sum += std::exchange(c, sum);
    for (std::size_t i = 0; i < size; ++i) to[count[digit(from[i], d)]++] = from[i];
    std::swap(from, to);
  }
  if (from != items) std::copy(from, from + size, items);
}

}  // namespace

Delta::Delta(const StateMerger& merger, std::size_t expected) : merger_(&merger) {
  const std::size_t slots = std::max(std::size_t{1} << kFirstTableBits, std::bit_ceil(expected * 2));
  table_.resize(slots);
  shift_ = 64 - static_cast<std::uint32_t>(std::countr_zero(slots));
  entries_.reserve(expected);
}

std::uint64_t Delta::hash_of(std::string_view key) noexcept {
  return xxh3_64(key);
}

char* Delta::allocate(std::size_t bytes) {
  if (bytes > free_bytes_) {
    // A big value gets a block of its own, so that the rest of the current one is not lost.
    if (bytes > kBlockBytes / 8) {
      blocks_.push_back({std::make_unique_for_overwrite<char[]>(bytes), bytes});
      used_bytes_ += bytes;
      return blocks_.back().bytes.get();
    }
    blocks_.push_back({std::make_unique_for_overwrite<char[]>(kBlockBytes), kBlockBytes});
    free_ = blocks_.back().bytes.get();
    free_bytes_ = kBlockBytes;
    used_bytes_ += kBlockBytes;
  }
  char* place = free_;
  free_ += bytes;
  free_bytes_ -= bytes;
  return place;
}

void Delta::grow() {
  std::vector<std::uint64_t> bigger(table_.size() * 2);
  --shift_;
  const std::size_t mask = bigger.size() - 1;
  for (const std::uint64_t slot : table_) {
    if (slot == 0) continue;
    std::size_t place = place_of(slot & ~std::uint64_t{0xffffffff});
    while (bigger[place] != 0) place = (place + 1) & mask;
    bigger[place] = slot;
  }
  table_.swap(bigger);
}

Delta::Slot Delta::slot(std::string_view key, std::uint64_t hash, std::size_t room) {
  // The upper half of the hash both tags and places an entry, so at most 2^32 places are told apart: far above any
  // delta.
  hash &= ~std::uint64_t{0xffffffff};
  std::size_t mask = table_.size() - 1;
  std::size_t place = place_of(hash);
  for (; table_[place] != 0; place = (place + 1) & mask) {
    if ((table_[place] ^ hash) >> 32 != 0) continue;
    Entry& entry = entries_[(table_[place] & 0xffffffff) - 1];
    if (entry.key_length == key.size() && equal_short(entry.key, key.data(), key.size())) return {entry, false};
  }
  INVARIANT(!key.empty() && key.front() != '\0', "a state key is not empty and does not start with a zero byte");
  INVARIANT(entries_.size() < 0xfffffffe, "a delta counts its entries in 32 bits");
  if ((entries_.size() + 1) * 2 > table_.size()) {
    grow();
    mask = table_.size() - 1;
    place = place_of(hash);
    while (table_[place] != 0) place = (place + 1) & mask;
  }
  char* bytes = allocate(key.size() + room);
  copy_short(bytes, key.data(), key.size());
  entries_.push_back(
      {bytes, static_cast<std::uint32_t>(key.size()), 0, static_cast<std::uint32_t>(room), StateOp::merge});
  table_[place] = hash | entries_.size();
  return {entries_.back(), true};
}

void Delta::resize(Entry& entry, std::size_t length, bool keep) {
  const bool shared = entry.value_capacity == Entry::kShared;
  if (shared || length > entry.value_capacity) {
    const std::size_t room = length + (entry.value_length != 0 ? length / 4 : 0);  // what grew once may grow again
    INVARIANT(room < Entry::kShared, "a state value has less than 4 GiB");
    char* bytes = allocate(entry.key_length + room);
    std::memcpy(bytes, entry.key, entry.key_length);
    const std::string_view before = entry.value_view();
    if (keep && !before.empty()) std::memcpy(bytes + entry.key_length, before.data(), std::min(length, before.size()));
    entry.key = bytes;
    entry.value_capacity = static_cast<std::uint32_t>(room);
  }
  entry.value_length = static_cast<std::uint32_t>(length);
}

void Delta::put(std::string_view key, std::string_view value) {
  Entry& entry = slot(key, hash_of(key), value.size()).entry;
  resize(entry, value.size());
  if (!value.empty()) std::memcpy(entry.value(), value.data(), value.size());
  entry.op = StateOp::put;
}

void Delta::put_shared(std::string_view key, std::string_view value, std::shared_ptr<const void> owner) {
  INVARIANT(value.size() < Entry::kShared, "a state value has less than 4 GiB");
  Entry& entry = slot(key, hash_of(key), sizeof(const char*)).entry;
  entry.value_length = 0;
  resize(entry, sizeof(const char*));
  store(entry.value(), value.data());
  entry.value_capacity = Entry::kShared;
  entry.value_length = static_cast<std::uint32_t>(value.size());
  entry.op = StateOp::put;
  used_bytes_ += value.size();
  owners_.push_back(std::move(owner));
}

void Delta::merge(std::string_view key, std::string_view operand) {
  const Slot found = slot(key, hash_of(key), operand.size());
  Entry& entry = found.entry;
  std::optional<std::string_view> existing;
  if (!found.fresh && entry.op != StateOp::erase) existing = entry.value_view();
  // An operand over an erase starts from nothing and replaces what the store has. A first operand is kept as it is: a
  // single operand is a whole value.
  if (!existing) {
    entry.op = found.fresh ? StateOp::merge : StateOp::put;
    resize(entry, operand.size());
    if (!operand.empty()) std::memcpy(entry.value(), operand.data(), operand.size());
    return;
  }
  scratch_.clear();
  INVARIANT(merger_->merge(key, existing, operand, scratch_), "what the engine merges are values it made");
  resize(entry, scratch_.size());
  if (!scratch_.empty()) std::memcpy(entry.value(), scratch_.data(), scratch_.size());
}

void Delta::erase(std::string_view key) {
  Entry& entry = slot(key, hash_of(key), 0).entry;
  entry.value_length = 0;
  entry.op = StateOp::erase;
}

std::optional<StateEntry> Delta::find(std::string_view key) const noexcept {
  const std::uint64_t hash = hash_of(key) & ~std::uint64_t{0xffffffff};
  const std::size_t mask = table_.size() - 1;
  for (std::size_t place = place_of(hash); table_[place] != 0; place = (place + 1) & mask) {
    if ((table_[place] ^ hash) >> 32 != 0) continue;
    const Entry& entry = entries_[(table_[place] & 0xffffffff) - 1];
    if (entry.key_view() == key) return StateEntry{entry.key_view(), entry.value_view(), entry.op};
  }
  return std::nullopt;
}

namespace {

/// Sorts items whose keys are equal in their first `skip` bytes and whose digits are those behind them.
template <class KeyOf>
void sort_keys(SortItem* items, SortItem* other, std::size_t size, std::size_t skip, const KeyOf& key_of) {
  if (size < kSmallGroup || skip > kSortDepth) {
    std::sort(items, items + size, [&key_of](const SortItem& a, const SortItem& b) {
      if (a.high != b.high) return a.high < b.high;
      return a.low != b.low ? a.low < b.low : key_of(a.index) < key_of(b.index);
    });
    return;
  }
  radix_sort(items, other, size);
  for (std::size_t begin = 0; begin < size;) {
    std::size_t end = begin + 1;
    while (end < size && items[end].high == items[begin].high && items[end].low == items[begin].low) ++end;
    if (end - begin > 1) {
      // Only here a key itself is touched: those that agree (or differ in zeros behind their end) are told apart
      // further on.
      const std::size_t deeper = skip + kSortBytes;
      if (end - begin >= kSmallGroup)
        for (std::size_t i = begin; i < end; ++i) items[i] = sort_item(key_of(items[i].index), deeper, items[i].index);
      sort_keys(items + begin, other, end - begin, deeper, key_of);
    }
    begin = end;
  }
}

constexpr std::size_t kAhead = 12;  // keys lie where the events put them: fetch this many ahead of use

}  // namespace

void Delta::add_copy(const StateEntry& entry) {
  switch (entry.op) {
    case StateOp::put:
      return put(entry.key, entry.value);
    case StateOp::merge:
      return merge(entry.key, entry.value);  // the first operand of a key is kept as it is
    case StateOp::erase:
      return erase(entry.key);
  }
}

std::shared_ptr<const Delta> Delta::copy_of(std::span<const StateRange> ranges) const {
  auto copy = std::make_shared<Delta>(*merger_);
  std::vector<const StateRange*> walked;
  for (const StateRange& range : ranges) {
    if (!is_single_key(range.from, range.to)) {
      walked.push_back(&range);
    } else if (const auto entry = find(range.from)) {
      copy->add_copy(*entry);
    }
  }
  if (walked.empty()) return copy;
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    if (i + kAhead < entries_.size()) fetch_ahead(entries_[i + kAhead].key);
    const std::string_view key = entries_[i].key_view();
    const bool wanted = std::any_of(walked.begin(), walked.end(), [key](const StateRange* range) {
      return key >= range->from && (range->to.empty() || key < range->to);
    });
    // A key that was asked for alone as well is there already.
    if (wanted && !copy->find(key)) copy->add_copy({key, entries_[i].value_view(), entries_[i].op});
  }
  return copy;
}

std::vector<StateEntry> Delta::sorted(std::string_view from, std::string_view to) const {
  if (is_single_key(from, to)) {
    std::vector<StateEntry> one;
    if (const auto entry = find(from)) one.push_back(*entry);
    return one;
  }
  SortItems items;
  if (from.empty() && to.empty()) items.reserve(entries_.size());
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    if (i + kAhead < entries_.size()) fetch_ahead(entries_[i + kAhead].key);
    const std::string_view key = entries_[i].key_view();
    if ((!from.empty() && key < from) || (!to.empty() && key >= to)) continue;
    items.push_back(sort_item(key, 0, static_cast<std::uint32_t>(i)));
  }
  SortItems other(items.size());
  sort_keys(items.data(), other.data(), items.size(), 0,
            [this](std::uint32_t index) { return entries_[index].key_view(); });
  std::vector<StateEntry> result;
  result.reserve(items.size());
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (i + kAhead < items.size()) fetch_ahead(&entries_[items[i + kAhead].index]);
    const Entry& entry = entries_[items[i].index];
    result.push_back({entry.key_view(), entry.value_view(), entry.op});
  }
  return result;
}

StateFlush Delta::seal(const std::shared_ptr<const Delta>& delta, std::string cursor) {
  return {[delta] { return delta->sorted(); }, std::move(cursor)};
}

}  // namespace weir
