#include "runtime/engine/dedupe_block.h"

#include <cstring>

#include "runtime/base/bytes.h"
#include "runtime/base/invariant.h"

namespace weir {

namespace {
constexpr std::uint8_t kVersion = 2;
constexpr std::size_t kIdMax = 512;
constexpr std::size_t kReasonMax = 255;
static_assert(kDedupeBlockEntries <= 255);
static_assert(kDedupeBlockEntries * (kIdMax + kReasonMax) <= 0xffff);
}  // namespace

void DedupeBlock::add(const DedupeEntry& entry) {
  INVARIANT(!full(), "a full dedupe block takes no more entries");
  INVARIANT(entry.id.size() <= kIdMax, "an id is at most 512 bytes");
  const std::string_view reason = entry.reason.substr(0, kReasonMax);
  if (empty()) {
    bytes_.resize(kText + kDedupeBlockEntries * (entry.id.size() + 1));  // ids of one kind are of one length, mostly
    end_ = kText;
  }
  const std::size_t text = entry.id.size() + reason.size();
  if (end_ + text > bytes_.size()) bytes_.resize(end_ + text + (kDedupeBlockEntries - count_) * text);
  Fixed fixed{};
  fixed.digest = entry.digest;
  fixed.accepted_at = entry.accepted_at;
  fixed.offset = entry.offset.value;
  fixed.text_offset = static_cast<std::uint16_t>(end_ - kText);
  fixed.id_length = static_cast<std::uint16_t>(entry.id.size());
  fixed.reason_length = static_cast<std::uint8_t>(reason.size());
  fixed.state = entry.state;
  std::memcpy(bytes_.data() + sizeof(Head) + count_ * sizeof fixed, &fixed, sizeof fixed);
  copy_short(bytes_.data() + end_, entry.id.data(), entry.id.size());
  copy_short(bytes_.data() + end_ + entry.id.size(), reason.data(), reason.size());
  end_ += text;
  ++count_;
  const Head head{kVersion, static_cast<std::uint8_t>(count_), 0, static_cast<std::uint32_t>(end_ - kText)};
  std::memcpy(bytes_.data(), &head, sizeof head);
}

DedupeBlock::Fixed DedupeBlock::fixed(std::size_t index) const noexcept {
  return load<Fixed>(bytes_.data() + sizeof(Head) + index * sizeof(Fixed));
}

DedupeEntry DedupeBlock::entry(std::size_t index) const noexcept {
  const Fixed fixed = this->fixed(index);
  const std::string_view text = std::string_view(bytes_).substr(kText + fixed.text_offset);
  DedupeEntry entry;
  entry.id = text.substr(0, fixed.id_length);
  entry.reason = text.substr(fixed.id_length, fixed.reason_length);
  entry.digest = fixed.digest;
  entry.accepted_at = fixed.accepted_at;
  entry.offset = Offset{fixed.offset};
  entry.state = fixed.state;
  return entry;
}

std::string_view DedupeBlock::stored() const noexcept {
  INVARIANT(full(), "only a full dedupe block lies in memory as it is stored");
  return std::string_view(bytes_).substr(0, end_);
}

std::string DedupeBlock::encode() const {
  if (empty()) {
    std::string out(sizeof(Head), '\0');
    out[0] = static_cast<char>(kVersion);
    return out;
  }
  std::string out = bytes_.substr(0, sizeof(Head) + count_ * sizeof(Fixed));
  out.append(bytes_, kText, end_ - kText);
  return out;
}

Result<DedupeBlock> DedupeBlock::decode(std::string_view bytes) {
  if (bytes.size() < sizeof(Head)) return fail(Errc::state_damaged, "dedupe block of {} bytes", bytes.size());
  const auto head = load<Head>(bytes.data());
  if (head.version != kVersion)
    return fail(Errc::format_newer, "dedupe block has version {}, this weir reads {}", head.version, kVersion);
  const std::size_t fixed = head.count * sizeof(Fixed);
  if (head.count > kDedupeBlockEntries || bytes.size() != sizeof(Head) + fixed + head.text)
    return fail(Errc::state_damaged, "dedupe block of {} bytes does not hold {} entries", bytes.size(), head.count);
  DedupeBlock block;
  block.count_ = head.count;
  if (block.empty()) return block;
  block.bytes_.reserve(kText + head.text);
  block.bytes_.assign(bytes.substr(0, sizeof(Head) + fixed));
  block.bytes_.resize(kText);
  block.bytes_.append(bytes.substr(sizeof(Head) + fixed));
  block.end_ = block.bytes_.size();
  for (std::size_t i = 0; i < block.count_; ++i) {
    const Fixed f = block.fixed(i);
    const auto state = static_cast<std::uint8_t>(f.state);
    if (std::size_t{f.text_offset} + f.id_length + f.reason_length > head.text || state < 1 || state > 4)
      return fail(Errc::state_damaged, "a dedupe entry is out of bounds");
  }
  return block;
}

}  // namespace weir
