#include "runtime/engine/distinct.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>

#include "runtime/base/bytes.h"
#include "runtime/base/fail_point.h"
#include "runtime/base/invariant.h"

namespace weir {

namespace {

constexpr int kIndexBits = std::countr_zero(kDistinctRegisters);
constexpr int kHashBits = 64 - kIndexBits;  // that a register counts leading zeros of
constexpr std::size_t kHashSize = sizeof(std::uint64_t);
static_assert(kDistinctExactMax * kHashSize == kDistinctRegisters, "hashes turn into registers where they lie");

/// What the hash wants its register to be at least.
char rank_of(std::uint64_t hash) noexcept {
  const std::uint64_t rest = hash << kIndexBits;
  return static_cast<char>(rest == 0 ? kHashBits + 1 : std::countl_zero(rest) + 1);
}
void raise_register(char* registers, std::uint64_t hash) noexcept {
  char& held = registers[hash >> kHashBits];
  held = std::max(held, rank_of(hash));
}

// The estimator of O. Ertl, "New cardinality estimation algorithms for HyperLogLog sketches" (2017), algorithm 6: from
// the counts of the registers' values, unbiased over the whole range without tables. Only sums, products and square
// roots of doubles, so every machine gives the same.
double sigma(double x) noexcept {
  double power = 1;
  double sum = x;
  for (double before = -1; before != sum; power += power) {
    x *= x;
    before = sum;
    sum += x * power;
  }
  return sum;
}
double tau(double x) noexcept {
  if (x == 0 || x == 1) return 0;
  double power = 1;
  double sum = 1 - x;
  for (double before = 2; before != sum;) {
    x = std::sqrt(x);
    before = sum;
    power *= 0.5;
    sum -= (1 - x) * (1 - x) * power;
  }
  return sum / 3;
}

std::uint64_t estimate(std::string_view registers) noexcept {
  std::array<std::uint32_t, kHashBits + 2> counts{};
  for (const char value : registers)
    ++counts[std::min<std::size_t>(static_cast<unsigned char>(value), counts.size() - 1)];
  constexpr double kSize = kDistinctRegisters;
  if (counts[0] == kDistinctRegisters) return 0;
  double sum = kSize * tau(1 - counts[kHashBits + 1] / kSize);
  for (std::size_t k = kHashBits; k >= 1; --k) sum = 0.5 * (sum + counts[k]);
  sum += kSize * sigma(counts[0] / kSize);
  constexpr double kLimit = 0.72134752044448170368;  // 1 / (2 ln 2)
  return static_cast<std::uint64_t>(std::llround(kLimit * kSize * kSize / sum));
}

}  // namespace

DistinctSet::DistinctSet(std::uint32_t head, std::string_view bytes) : head_(head), bytes_(bytes) {
  INVARIANT(distinct_bytes(head) == bytes.size(), "a distinct state has the bytes its head announces");
}

std::uint64_t DistinctSet::hash(std::uint32_t index) const noexcept {
  return load<std::uint64_t>(bytes_.data() + index * kHashSize);
}

/// Of an exact state: how many hashes are smaller.
std::uint32_t DistinctSet::place_of(std::uint64_t wanted) const noexcept {
  std::uint32_t from = 0;
  for (std::uint32_t size = head_; size != 0;) {
    const std::uint32_t step = size / 2;
    if (hash(from + step) < wanted) {
      from += step + 1;
      size -= step + 1;
    } else {
      size = step;
    }
  }
  return from;
}

bool DistinctSet::valid() const noexcept {
  if (approximate())
    return std::all_of(bytes_.begin(), bytes_.end(),
                       [](char value) { return static_cast<unsigned char>(value) <= kHashBits + 1; });
  for (std::uint32_t i = 1; i < head_; ++i)
    if (hash(i - 1) >= hash(i)) return false;
  return true;
}

bool DistinctSet::covers(std::uint64_t wanted) const noexcept {
  if (approximate()) return bytes_[wanted >> kHashBits] >= rank_of(wanted);
  const std::uint32_t place = place_of(wanted);
  return place != head_ && hash(place) == wanted;
}

std::uint64_t DistinctSet::count() const noexcept {
  return approximate() ? estimate(bytes_) : head_;
}

void DistinctSet::raise(char* registers) const noexcept {
  if (approximate()) {
    for (std::size_t i = 0; i < bytes_.size(); ++i) registers[i] = std::max(registers[i], bytes_[i]);
  } else {
    for (std::uint32_t i = 0; i < head_; ++i) raise_register(registers, hash(i));
  }
}

std::uint32_t DistinctSet::unite(const DistinctSet& a, const DistinctSet& other, std::string& bytes) {
  const bool loses = WEIR_DEFECT("distinct_lost_on_merge") && !other.approximate() && other.head_ > 1;
  const DistinctSet b = loses ? DistinctSet(other.head_ - 1, other.bytes_.substr(kHashSize)) : other;
  bytes.clear();
  if (!a.approximate() && !b.approximate()) {
    bytes.resize(a.bytes_.size() + b.bytes_.size());
    std::uint32_t size = 0;
    for (std::uint32_t i = 0, j = 0; i < a.head_ || j < b.head_; ++size) {
      const bool left = j == b.head_ || (i < a.head_ && a.hash(i) <= b.hash(j));
      const std::uint64_t next = left ? a.hash(i) : b.hash(j);
      if (left && j < b.head_ && b.hash(j) == next) ++j;
      ++(left ? i : j);
      store(bytes.data() + size * kHashSize, next);
    }
    bytes.resize(size * kHashSize);
    if (size <= kDistinctExactMax) return size;
  }
  bytes.assign(kDistinctRegisters, '\0');
  a.raise(bytes.data());
  b.raise(bytes.data());
  return kDistinctApproximate;
}

std::uint32_t distinct_add(std::uint32_t head, char* bytes, std::uint64_t hash) {
  if (head == kDistinctApproximate) {
    raise_register(bytes, hash);
    return head;
  }
  const std::size_t size = std::size_t{head} * kHashSize;
  if (head == kDistinctExactMax) {
    std::array<char, kDistinctRegisters> registers{};
    for (std::size_t at = 0; at < size; at += kHashSize)
      raise_register(registers.data(), load<std::uint64_t>(bytes + at));
    raise_register(registers.data(), hash);
    std::memcpy(bytes, registers.data(), registers.size());
    return kDistinctApproximate;
  }
  char* const place = bytes + DistinctSet(head, {bytes, size}).place_of(hash) * kHashSize;
  std::memmove(place + kHashSize, place, static_cast<std::size_t>(bytes + size - place));
  store(place, hash);
  return head + 1;
}

}  // namespace weir
