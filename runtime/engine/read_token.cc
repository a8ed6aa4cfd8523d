#include "runtime/engine/read_token.h"

#include <algorithm>
#include <cstdint>
#include <optional>

#include "runtime/base/base64.h"

namespace weir {

namespace {

constexpr char kVersion = 1;
constexpr std::uint64_t kPartitionsMax = 1'024;

void put_number(std::string& to, std::uint64_t number) {
  for (; number >= 0x80; number >>= 7) to.push_back(static_cast<char>(number | 0x80));
  to.push_back(static_cast<char>(number));
}

std::optional<std::uint64_t> take_number(std::string_view& from) {
  std::uint64_t number = 0;
  for (unsigned shift = 0; shift < 64 && !from.empty(); shift += 7) {
    const auto byte = static_cast<unsigned char>(from.front());
    from.remove_prefix(1);
    if (shift == 63 && byte > 1) return std::nullopt;
    number |= std::uint64_t{byte & 0x7fu} << shift;
    if ((byte & 0x80) != 0) continue;
    if (byte == 0 && shift != 0) return std::nullopt;  // it could have been shorter: one text for each token
    return number;
  }
  return std::nullopt;
}

void put_fixed(std::string& to, std::uint64_t number) {
  for (int i = 0; i < 8; ++i) to.push_back(static_cast<char>(number >> (8 * i)));
}

std::uint64_t take_fixed(std::string_view& from) {
  std::uint64_t number = 0;
  for (unsigned i = 0; i < 8; ++i) number |= std::uint64_t{static_cast<unsigned char>(from[i])} << (8 * i);
  from.remove_prefix(8);
  return number;
}

}  // namespace

ReadToken::Part& ReadToken::at(PartitionId partition) {
  const auto place = std::lower_bound(parts_.begin(), parts_.end(), partition,
                                      [](const Part& part, PartitionId id) { return part.partition < id; });
  if (place != parts_.end() && place->partition == partition) return *place;
  return *parts_.insert(place, {partition, {}, {}});
}

void ReadToken::note_offset(PartitionId partition, Offset end) {
  Part& part = at(partition);
  part.offset = std::max(part.offset, end);
}

void ReadToken::note_sequence(PartitionId partition, CommitSequence sequence) {
  Part& part = at(partition);
  part.sequence = std::max(part.sequence, sequence);
}

ReadToken::Part ReadToken::part(PartitionId partition) const noexcept {
  for (const Part& part : parts_)
    if (part.partition == partition) return part;
  return {partition, {}, {}};
}

std::string ReadToken::encode() const {
  std::string bytes(1, kVersion);
  put_fixed(bytes, log_id_.low);
  put_fixed(bytes, log_id_.high);
  for (const Part& part : parts_) {
    put_number(bytes, part.partition.value);
    put_number(bytes, part.offset.value);
    put_number(bytes, part.sequence.value);
  }
  return to_base64url(bytes);
}

Result<ReadToken> ReadToken::decode(std::string_view text) {
  const auto broken = [] {
    return fail(Errc::invalid_argument, "the token is not one of weir's: send it as it was given, or leave it out");
  };
  const auto bytes = from_base64url(text);
  if (!bytes || bytes->size() < 17) return broken();
  std::string_view rest = *bytes;
  if (rest.front() > kVersion) return fail(Errc::format_newer, "the token was given by a newer weir");
  if (rest.front() != kVersion) return broken();
  rest.remove_prefix(1);
  ReadToken token;
  token.log_id_.low = take_fixed(rest);
  token.log_id_.high = take_fixed(rest);
  while (!rest.empty()) {
    const auto partition = take_number(rest);
    const auto offset = take_number(rest);
    const auto sequence = take_number(rest);
    if (!partition || !offset || !sequence || *partition >= kPartitionsMax) return broken();
    const PartitionId id{static_cast<std::uint32_t>(*partition)};
    if (!token.parts_.empty() && token.parts_.back().partition >= id) return broken();
    token.parts_.push_back({id, Offset{*offset}, CommitSequence{*sequence}});
  }
  return token;
}

}  // namespace weir
