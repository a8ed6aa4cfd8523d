#include "runtime/engine/view_value.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <tuple>

#include "runtime/base/bytes.h"
#include "runtime/base/int256.h"
#include "runtime/base/invariant.h"

namespace weir {

namespace {

constexpr char kVersion = 1;
constexpr char kAggregate = 'a';
constexpr char kLatest = 'l';
constexpr std::size_t kAggregateHead = 4;

constexpr std::uint8_t kIdInKey = 1;
constexpr std::uint8_t kProjected = 2;

// sum, average: how many numbers, then their sum. min, max: 1 when there is a number, then it.
constexpr std::size_t kSumState = 8 + DecimalSum::kEncodedSize;
constexpr std::size_t kExtremeState = 1 + Decimal::kEncodedSize;

constexpr std::size_t state_size(MeasureKind kind) noexcept {
  switch (kind) {
    case MeasureKind::count:
      return 0;
    case MeasureKind::sum:
    case MeasureKind::average:
      return kSumState;
    case MeasureKind::min:
    case MeasureKind::max:
      return kExtremeState;
  }
  return 0;
}

/// Whether `a` goes in front of `b`; of equal values the one with the longer spelling stays, whatever the order.
bool replaces(MeasureKind kind, const Decimal& a, const Decimal& b) noexcept {
  const auto order = a <=> b;
  if (order == 0) return a.scale() > b.scale();
  return kind == MeasureKind::min ? order < 0 : order > 0;
}

/// The places inside an aggregate, read from its first bytes. False: no aggregate, or cut off.
struct AggregateShape {
  std::size_t parts = 0;
  std::size_t measures = 0;
  std::size_t size = 0;
  [[nodiscard]] std::size_t scales() const noexcept { return kAggregateHead + measures; }
  [[nodiscard]] std::size_t rows() const noexcept { return scales() + parts; }
  [[nodiscard]] std::size_t states() const noexcept { return rows() + 8; }

  [[nodiscard]] bool read(std::string_view value) noexcept {
    if (value.size() < kAggregateHead || value[0] != kVersion || value[1] != kAggregate) return false;
    parts = static_cast<unsigned char>(value[2]);
    measures = static_cast<unsigned char>(value[3]);
    if (value.size() < states()) return false;
    size = states();
    for (std::size_t i = 0; i < measures; ++i) {
      const auto kind = static_cast<std::uint8_t>(value[kAggregateHead + i]);
      if (kind > static_cast<std::uint8_t>(MeasureKind::average)) return false;
      size += state_size(static_cast<MeasureKind>(kind));
    }
    return size == value.size();
  }
};

bool merge_sum(char* into, const char* operand) noexcept {
  auto sum = DecimalSum::decode({into + 8, DecimalSum::kEncodedSize});
  const auto other = DecimalSum::decode({operand + 8, DecimalSum::kEncodedSize});
  if (!sum || !other) return false;
  sum->merge(*other);
  store(into, load<std::uint64_t>(into) + load<std::uint64_t>(operand));
  sum->encode(into + 8);
  return true;
}

bool merge_extreme(MeasureKind kind, char* into, const char* operand) noexcept {
  if (operand[0] == 0) return true;
  const auto other = Decimal::decode({operand + 1, Decimal::kEncodedSize});
  if (!other) return false;
  if (into[0] != 0) {
    const auto held = Decimal::decode({into + 1, Decimal::kEncodedSize});
    if (!held) return false;
    if (!replaces(kind, *other, *held)) return true;
  }
  std::memcpy(into, operand, kExtremeState);
  return true;
}

bool merge_aggregates(std::string_view existing, std::string_view operand, std::string& out) {
  AggregateShape shape;
  AggregateShape other;
  if (!shape.read(existing) || !other.read(operand)) return false;
  if (existing.substr(0, shape.scales()) != operand.substr(0, other.scales())) return false;
  out.assign(existing);
  for (std::size_t i = 0; i < shape.parts; ++i) {
    char& scale = out[shape.scales() + i];
    scale = std::max(scale, operand[shape.scales() + i]);
  }
  char* rows = out.data() + shape.rows();
  store(rows, load<std::uint64_t>(rows) + load<std::uint64_t>(operand.data() + shape.rows()));
  std::size_t at = shape.states();
  for (std::size_t i = 0; i < shape.measures; ++i) {
    const auto kind = static_cast<MeasureKind>(existing[kAggregateHead + i]);
    char* into = out.data() + at;
    const char* from = operand.data() + at;
    if ((kind == MeasureKind::sum || kind == MeasureKind::average) && !merge_sum(into, from)) return false;
    if ((kind == MeasureKind::min || kind == MeasureKind::max) && !merge_extreme(kind, into, from)) return false;
    at += state_size(kind);
  }
  return true;
}

}  // namespace

AggregateLayout::AggregateLayout(std::size_t parts, std::vector<MeasureKind> measures) : kinds_(std::move(measures)) {
  INVARIANT(parts <= 255 && kinds_.size() <= 255, "an aggregate counts its parts and measures in a byte each");
  empty_ = {kVersion, kAggregate, static_cast<char>(parts), static_cast<char>(kinds_.size())};
  for (const MeasureKind kind : kinds_) empty_.push_back(static_cast<char>(kind));
  empty_.append(parts + 8, '\0');
  for (const MeasureKind kind : kinds_) {
    offsets_.push_back(static_cast<std::uint32_t>(empty_.size()));
    empty_.append(state_size(kind), '\0');
  }
}

void AggregateLayout::init(char* to) const noexcept {
  std::memcpy(to, empty_.data(), empty_.size());
}

void AggregateLayout::add_row(char* value, std::span<const std::uint8_t> scales) const noexcept {
  char* at = value + kAggregateHead + kinds_.size();
  for (const std::uint8_t scale : scales) {
    if (scale > static_cast<std::uint8_t>(*at)) *at = static_cast<char>(scale);
    ++at;
  }
  store(at, load<std::uint64_t>(at) + 1);
}

void AggregateLayout::add(char* value, std::size_t index, const Decimal& number) const noexcept {
  char* state = value + offsets_[index];
  const MeasureKind kind = kinds_[index];
  if (kind == MeasureKind::min || kind == MeasureKind::max) {
    if (state[0] != 0 && !replaces(kind, number, *Decimal::decode({state + 1, Decimal::kEncodedSize}))) return;
    state[0] = 1;
    number.encode(state + 1);
    return;
  }
  store(state, load<std::uint64_t>(state) + 1);
  char* sum = state + 8;
  // Nearly always the scales are equal: then the limbs are added where they lie.
  if (static_cast<unsigned char>(sum[32]) == number.scale()) {
    Int256 total;
    std::memcpy(total.limb, sum, 32);
    total += Int256(number.unscaled());
    std::memcpy(sum, total.limb, 32);
    return;
  }
  auto total = DecimalSum::decode({sum, DecimalSum::kEncodedSize});
  total->add(number);
  total->encode(sum);
}

std::optional<AggregateView> AggregateView::read(std::string_view value) {
  AggregateShape shape;
  if (!shape.read(value)) return std::nullopt;
  AggregateView view;
  view.parts_ = shape.parts;
  view.scales_ = value.substr(shape.scales(), shape.parts);
  view.rows_ = load<std::uint64_t>(value.data() + shape.rows());
  std::size_t at = shape.states();
  for (std::size_t i = 0; i < shape.measures; ++i) {
    const auto kind = static_cast<MeasureKind>(value[kAggregateHead + i]);
    view.measures_.push_back({kind, value.substr(at, state_size(kind))});
    at += state_size(kind);
  }
  return view;
}

std::string AggregateView::token(std::size_t measure) const {
  const Measure& m = measures_[measure];
  switch (m.kind) {
    case MeasureKind::count:
      return std::to_string(rows_);
    case MeasureKind::sum:
    case MeasureKind::average: {
      const auto count = load<std::uint64_t>(m.state.data());
      const auto sum = DecimalSum::decode(m.state.substr(8));
      if (count == 0 || !sum) return "null";
      return m.kind == MeasureKind::sum ? sum->to_text() : sum->average_text(count);
    }
    case MeasureKind::min:
    case MeasureKind::max: {
      const auto number = Decimal::decode(m.state.substr(1));
      return m.state[0] == 0 || !number ? "null" : number->to_text();
    }
  }
  return "null";
}

void write_latest(const LatestValue& value, char* to) noexcept {
  to[0] = kVersion;
  to[1] = kLatest;
  to[2] = static_cast<char>((value.id_in_key ? kIdInKey : 0) | (value.projected ? kProjected : 0));
  store(to + 3, value.event_time);
  store(to + 11, value.index);
  store(to + 13, static_cast<std::uint16_t>(value.id.size()));
  if (!value.id.empty()) std::memcpy(to + kLatestHead, value.id.data(), value.id.size());
  if (value.body.data() != nullptr && !value.body.empty())
    std::memcpy(to + kLatestHead + value.id.size(), value.body.data(), value.body.size());
}

std::optional<LatestValue> read_latest(std::string_view value) noexcept {
  if (value.size() < kLatestHead || value[0] != kVersion || value[1] != kLatest) return std::nullopt;
  LatestValue latest;
  const auto flags = static_cast<std::uint8_t>(value[2]);
  latest.id_in_key = (flags & kIdInKey) != 0;
  latest.projected = (flags & kProjected) != 0;
  latest.event_time = load<std::int64_t>(value.data() + 3);
  latest.index = load<std::uint16_t>(value.data() + 11);
  const std::size_t id = load<std::uint16_t>(value.data() + 13);
  if (flags > 3 || id > value.size() - kLatestHead) return std::nullopt;
  latest.id = value.substr(kLatestHead, id);
  latest.body = value.substr(kLatestHead + id);
  return latest;
}

bool latest_wins(const LatestValue& a, const LatestValue& b) noexcept {
  if (a.event_time != b.event_time) return a.event_time > b.event_time;
  if (const int order = a.id.compare(b.id); order != 0) return order > 0;
  if (a.index != b.index) return a.index > b.index;
  return a.body > b.body;
}

// A token's length stands in front of it, 7 bits a byte, lowest first.
namespace {
std::size_t length_size(std::size_t length) noexcept {
  std::size_t size = 1;
  for (; length >= 128; length >>= 7) ++size;
  return size;
}
}  // namespace

std::size_t token_size(std::string_view token) noexcept {
  return length_size(token.size()) + token.size();
}

char* write_token(std::string_view token, char* to) noexcept {
  std::size_t length = token.size();
  for (; length >= 128; length >>= 7) *to++ = static_cast<char>((length & 127) | 128);
  *to++ = static_cast<char>(length);
  copy_short(to, token.data(), token.size());
  return to + token.size();
}

void append_token(std::string& body, std::string_view token) {
  const std::size_t at = body.size();
  body.resize(at + token_size(token));
  static_cast<void>(write_token(token, body.data() + at));
}

std::optional<std::string_view> take_token(std::string_view& body) noexcept {
  std::uint64_t length = 0;
  std::size_t at = 0;
  for (unsigned shift = 0;; shift += 7) {
    if (at == body.size() || shift > 28) return std::nullopt;
    const auto byte = static_cast<unsigned char>(body[at++]);
    length |= std::uint64_t{byte & 127u} << shift;
    if (byte < 128) break;
  }
  if (length > body.size() - at) return std::nullopt;
  const std::string_view token = body.substr(at, length);
  body.remove_prefix(at + length);
  return token;
}

bool ViewMerger::merge(std::string_view, std::optional<std::string_view> existing, std::string_view operand,
                       std::string& out) const {
  if (operand.size() < 2) return false;
  if (operand[1] == kAggregate) {
    if (existing) return merge_aggregates(*existing, operand, out);
    AggregateShape shape;
    if (!shape.read(operand)) return false;
    out.assign(operand);
    return true;
  }
  const auto candidate = read_latest(operand);
  if (!candidate) return false;
  if (existing) {
    const auto holder = read_latest(*existing);
    if (!holder) return false;
    if (!latest_wins(*candidate, *holder)) {
      out.assign(*existing);
      return true;
    }
  }
  out.assign(operand);
  return true;
}

}  // namespace weir
