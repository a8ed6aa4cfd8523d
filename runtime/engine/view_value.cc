#include "runtime/engine/view_value.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <tuple>

#include "runtime/base/bytes.h"
#include "runtime/base/int256.h"
#include "runtime/base/invariant.h"
#include "runtime/engine/distinct.h"
#include "runtime/engine/plugin_value.h"

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
// distinct: the head (runtime/engine/distinct.h); what belongs to it follows behind the states of all measures, in
// their order.
constexpr std::size_t kDistinctState = sizeof(std::uint32_t);

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
    case MeasureKind::distinct:
      return kDistinctState;
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
  std::size_t tails = 0;  // where those of distinct measures begin: the size of all else
  bool distinct = false;
  [[nodiscard]] std::size_t scales() const noexcept { return kAggregateHead + measures; }
  [[nodiscard]] std::size_t rows() const noexcept { return scales() + parts; }
  [[nodiscard]] std::size_t states() const noexcept { return rows() + 8; }

  [[nodiscard]] bool read(std::string_view value) noexcept {
    if (value.size() < kAggregateHead || value[0] != kVersion || value[1] != kAggregate) return false;
    parts = static_cast<unsigned char>(value[2]);
    measures = static_cast<unsigned char>(value[3]);
    if (value.size() < states()) return false;
    tails = states();
    for (std::size_t i = 0; i < measures; ++i) {
      const auto kind = static_cast<std::uint8_t>(value[kAggregateHead + i]);
      if (kind > static_cast<std::uint8_t>(MeasureKind::distinct)) return false;
      distinct = distinct || kind_of(value, i) == MeasureKind::distinct;
      tails += state_size(kind_of(value, i));
    }
    return distinct ? read_tails(value) : tails == value.size();
  }
  [[nodiscard]] static MeasureKind kind_of(std::string_view value, std::size_t measure) noexcept {
    return static_cast<MeasureKind>(value[kAggregateHead + measure]);
  }

 private:
  [[nodiscard]] bool read_tails(std::string_view value) const noexcept {
    if (value.size() < tails) return false;
    std::size_t end = tails;
    std::size_t state = states();
    for (std::size_t i = 0; i < measures; ++i) {
      if (kind_of(value, i) == MeasureKind::distinct) {
        const auto bytes = distinct_bytes(load<std::uint32_t>(value.data() + state));
        if (!bytes || *bytes > value.size() - end) return false;
        end += *bytes;
      }
      state += state_size(kind_of(value, i));
    }
    return end == value.size();
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

/// A number behind a 1, or nothing at all. What else stands there was never written, and which of two such states stayed would
/// depend on the order.
bool read_extreme(const char* state, std::optional<Decimal>& number) noexcept {
  if (state[0] == 1) return (number = Decimal::decode({state + 1, Decimal::kEncodedSize})).has_value();
  return std::all_of(state, state + kExtremeState, [](char c) { return c == 0; });
}

bool merge_extreme(MeasureKind kind, char* into, const char* operand) noexcept {
  std::optional<Decimal> held;
  std::optional<Decimal> other;
  if (!read_extreme(into, held) || !read_extreme(operand, other)) return false;
  if (other && (!held || replaces(kind, *other, *held))) std::memcpy(into, operand, kExtremeState);
  return true;
}

/// The distinct sets of a value, one after the other.
class Tails {
 public:
  Tails(std::string_view value, std::size_t begin) : value_(value), at_(begin) {}
  [[nodiscard]] DistinctSet next(std::size_t state) {
    const auto head = load<std::uint32_t>(value_.data() + state);
    const std::size_t size = distinct_bytes(head).value_or(0);  // read_tails has seen it
    at_ += size;
    return {head, value_.substr(at_ - size, size)};
  }

 private:
  std::string_view value_;
  std::size_t at_;
};

/// Puts the united sets behind what `out` has of the other measures.
bool merge_distinct(const AggregateShape& shape, std::string_view existing, std::string_view operand,
                    std::string& out) {
  out.resize(shape.tails);
  Tails held(existing, shape.tails);
  Tails added(operand, shape.tails);
  std::string bytes;
  std::size_t state = shape.states();
  for (std::size_t i = 0; i < shape.measures; ++i) {
    const MeasureKind kind = AggregateShape::kind_of(existing, i);
    if (kind == MeasureKind::distinct) {
      const DistinctSet a = held.next(state);
      const DistinctSet b = added.next(state);
      if (!a.valid() || !b.valid()) return false;
      store(out.data() + state, DistinctSet::unite(a, b, bytes));
      out.append(bytes);
    }
    state += state_size(kind);
  }
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
  return !shape.distinct || merge_distinct(shape, existing, operand, out);
}

}  // namespace

AggregateLayout::AggregateLayout(std::size_t parts, std::vector<MeasureKind> measures) : kinds_(std::move(measures)) {
  INVARIANT(parts <= 255 && kinds_.size() <= 255, "an aggregate counts its parts and measures in a byte each");
  empty_ = {kVersion, kAggregate, static_cast<char>(parts), static_cast<char>(kinds_.size())};
  for (const MeasureKind kind : kinds_) empty_.push_back(static_cast<char>(kind));
  empty_.append(parts + 8, '\0');
  for (const MeasureKind kind : kinds_) {
    if (kind == MeasureKind::distinct) distincts_.push_back(static_cast<std::uint32_t>(offsets_.size()));
    offsets_.push_back(static_cast<std::uint32_t>(empty_.size()));
    empty_.append(state_size(kind), '\0');
  }
}

/// Where the hashes or registers of measure `index` begin.
std::size_t AggregateLayout::tail(const char* value, std::size_t index) const {
  std::size_t at = empty_.size();
  for (const std::uint32_t other : distincts_) {
    if (other == index) break;
    at += distinct_bytes(load<std::uint32_t>(value + offsets_[other])).value_or(0);
  }
  return at;
}

std::optional<std::size_t> AggregateLayout::growth(std::string_view value, std::size_t index,
                                                   std::uint64_t hash) const {
  const auto head = load<std::uint32_t>(value.data() + offsets_[index]);
  const std::size_t size = distinct_bytes(head).value_or(0);
  if (DistinctSet(head, value.substr(tail(value.data(), index), size)).covers(hash)) return std::nullopt;
  return head < kDistinctExactMax ? sizeof hash : 0;
}

void AggregateLayout::add_distinct(char* value, std::size_t size, std::size_t index, std::uint64_t hash) const {
  char* const head = value + offsets_[index];
  const auto held = load<std::uint32_t>(head);
  char* const begin = value + tail(value, index);
  char* const end = begin + distinct_bytes(held).value_or(0);
  // Room inside this measure's own bytes: those behind move on.
  if (held < kDistinctExactMax) std::memmove(end + sizeof hash, end, static_cast<std::size_t>(value + size - end));
  store(head, distinct_add(held, begin, hash));
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
  std::size_t tail = shape.tails;
  for (std::size_t i = 0; i < shape.measures; ++i) {
    const auto kind = static_cast<MeasureKind>(value[kAggregateHead + i]);
    Measure measure{kind, value.substr(at, state_size(kind)), {}};
    if (kind == MeasureKind::distinct) {
      const auto head = load<std::uint32_t>(measure.state.data());
      measure.tail = value.substr(tail, distinct_bytes(head).value_or(0));
      if (!DistinctSet(head, measure.tail).valid()) return std::nullopt;
      tail += measure.tail.size();
    }
    view.measures_.push_back(measure);
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
    case MeasureKind::distinct:
      return std::to_string(DistinctSet(load<std::uint32_t>(m.state.data()), m.tail).count());
  }
  return "null";
}

bool AggregateView::approximate(std::size_t measure) const {
  const Measure& m = measures_[measure];
  return DistinctSet(load<std::uint32_t>(m.state.data()), m.tail).approximate();
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
  if (a.body != b.body) return a.body > b.body;
  // Equal but for how they are written, which is damage: what stays must not depend on the order even then.
  return 2 * a.projected + a.id_in_key > 2 * b.projected + b.id_in_key;
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

ViewMerger::ViewMerger(const std::vector<ViewConfig>& views) {
  for (const ViewConfig& view : views) {
    if (view.plugin && view.plugin->kind != nullptr && find_kind(kinds_, view.plugin->kind_name) == nullptr) kinds_.push_back(view.plugin->kind);
  }
}

bool ViewMerger::settle(std::string& value) const { return !is_plugin_value(value) || settle_plugin_value(kinds_, value); }

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
  if (is_plugin_value(operand)) {
    if (existing) return merge_plugin_values(kinds_, *existing, operand, out);
    if (!PluginValue::read(operand)) return false;
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
