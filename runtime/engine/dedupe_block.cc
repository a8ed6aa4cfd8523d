#include "runtime/engine/dedupe_block.h"

#include <cstring>

#include "runtime/base/bytes.h"
#include "runtime/base/invariant.h"

namespace weir {

namespace {
constexpr std::uint8_t kVersion = 1;
struct Head {
  std::uint8_t version;
  std::uint8_t count;
  std::uint16_t reserved;
  std::uint32_t text;
};
static_assert(sizeof(Head) == 8);
static_assert(kDedupeBlockEntries <= 255);
}  // namespace

void DedupeBlock::add(const DedupeEntry& entry) {
  INVARIANT(!full(), "a full dedupe block takes no more entries");
  INVARIANT(entry.id.size() <= 512, "an id is at most 512 bytes");
  Fixed fixed{};
  fixed.digest = entry.digest;
  fixed.accepted_at = entry.accepted_at;
  fixed.offset = entry.offset.value;
  fixed.sequence = entry.sequence.value;
  fixed.text_offset = static_cast<std::uint32_t>(text_.size());
  fixed.id_length = static_cast<std::uint16_t>(entry.id.size());
  fixed.reason_length = static_cast<std::uint8_t>(entry.reason.size() < 255 ? entry.reason.size() : 255);
  fixed.state = entry.state;
  if (fixed_.empty()) {
    fixed_.reserve(kDedupeBlockEntries);
    text_.reserve(kDedupeBlockEntries * 40);
  }
  fixed_.push_back(fixed);
  text_.append(entry.id);
  text_.append(entry.reason.substr(0, fixed.reason_length));
}

DedupeEntry DedupeBlock::entry(std::size_t index) const noexcept {
  const Fixed& fixed = fixed_[index];
  DedupeEntry entry;
  entry.id = std::string_view(text_).substr(fixed.text_offset, fixed.id_length);
  entry.reason = std::string_view(text_).substr(fixed.text_offset + fixed.id_length, fixed.reason_length);
  entry.digest = fixed.digest;
  entry.accepted_at = fixed.accepted_at;
  entry.offset = Offset{fixed.offset};
  entry.sequence = CommitSequence{fixed.sequence};
  entry.state = fixed.state;
  return entry;
}

std::string DedupeBlock::encode() const {
  std::string out(sizeof(Head) + fixed_.size() * sizeof(Fixed), '\0');
  const Head head{kVersion, static_cast<std::uint8_t>(fixed_.size()), 0, static_cast<std::uint32_t>(text_.size())};
  std::memcpy(out.data(), &head, sizeof head);
  if (!fixed_.empty()) std::memcpy(out.data() + sizeof head, fixed_.data(), fixed_.size() * sizeof(Fixed));
  out.append(text_);
  return out;
}

Result<DedupeBlock> DedupeBlock::decode(std::string_view bytes) {
  if (bytes.size() < sizeof(Head)) return fail(Errc::state_damaged, "dedupe block of {} bytes", bytes.size());
  const auto head = load<Head>(bytes.data());
  if (head.version != kVersion) return fail(Errc::format_newer, "dedupe block has version {}, this weir reads {}", head.version, kVersion);
  const std::size_t fixed = head.count * sizeof(Fixed);
  if (head.count > kDedupeBlockEntries || bytes.size() != sizeof(Head) + fixed + head.text)
    return fail(Errc::state_damaged, "dedupe block of {} bytes does not hold {} entries", bytes.size(), head.count);
  DedupeBlock block;
  block.fixed_.resize(head.count);
  if (head.count != 0) std::memcpy(block.fixed_.data(), bytes.data() + sizeof(Head), fixed);
  block.text_.assign(bytes.substr(sizeof(Head) + fixed));
  for (const Fixed& f : block.fixed_) {
    const auto state = static_cast<std::uint8_t>(f.state);
    if (std::uint64_t{f.text_offset} + f.id_length + f.reason_length > block.text_.size() || state < 1 || state > 4)
      return fail(Errc::state_damaged, "a dedupe entry is out of bounds");
  }
  return block;
}

}  // namespace weir
