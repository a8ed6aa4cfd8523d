#include "cluster/cli/orders_generator.h"

#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

#include "cluster/cli/orders_tables.h"
#include "runtime/base/int256.h"

namespace weir {
namespace {

using namespace orders;

constexpr std::int64_t kFirstTs = 1'767'225'600'000;   // 2026-01-01T00:00:00Z
constexpr std::uint64_t kEventsPerSecond = 20'000;     // of event time: what "within a second" means for duplicates
constexpr std::uint64_t kDuplicateReach = 10'000'000;  // distinct events a far duplicate may lie back
constexpr std::uint64_t kUnknownPer1000 = 5;           // users that are in no table
constexpr std::size_t kLineMax = 512;                  // longest event by far: 340 bytes

/// A fraction as a threshold for 32 random bits, so that no floating point decides about an event.
std::uint64_t threshold(double fraction) {
  return static_cast<std::uint64_t>(fraction * 4294967296.0);
}

enum class Fault : std::uint8_t { none, cut, amount, missing, currency };
enum class Field : std::uint8_t { user, amount, currency, country };

/// An event before it is text.
struct Order {
  std::uint64_t id_high;
  std::uint64_t id_low;
  std::int64_t ts;
  std::uint64_t device;
  std::int64_t amount_cents;  // negative or zero only as a fault
  std::uint32_t user;
  std::uint32_t ip;
  std::uint32_t sku;
  std::uint32_t cut;  // of Fault::cut: which byte of the line is the last, before it is known how long it gets
  std::uint8_t type, currency, country, agent, campaign, quantity;
  bool known_user;
  Fault fault;
  Field missing;
};

char* put(char* to, std::string_view text) {
  std::memcpy(to, text.data(), text.size());
  return to + text.size();
}
char* put_digits(char* to, std::uint64_t value, int width) {
  for (int i = width; i-- > 0; value /= 10) to[i] = static_cast<char>('0' + value % 10);
  return to + width;
}
char* put_number(char* to, std::uint64_t value) {
  int width = 1;
  for (std::uint64_t rest = value / 10; rest != 0; rest /= 10) ++width;
  return put_digits(to, value, width);
}
char* put_hex(char* to, std::uint64_t bits, int digits) {
  for (int i = digits; i-- > 0; bits >>= 4) to[i] = "0123456789abcdef"[bits & 15];
  return to + digits;
}
char* put_id(char* to, std::uint64_t high, std::uint64_t low) {
  to = put_hex(to, high >> 32, 8);
  *to++ = '-';
  to = put_hex(to, high >> 16, 4);
  *to++ = '-';
  to = put_hex(to, high, 4);
  *to++ = '-';
  to = put_hex(to, low >> 48, 4);
  *to++ = '-';
  return put_hex(to, low, 12);
}
char* put_amount(char* to, std::int64_t cents) {
  if (cents < 0) *to++ = '-';
  const auto value = static_cast<std::uint64_t>(cents < 0 ? -cents : cents);
  to = put_number(to, value / 100);
  *to++ = '.';
  return put_digits(to, value % 100, 2);
}

/// Skewed towards the first ones: the lesser of two draws.
std::uint8_t skewed(std::uint64_t bits, std::uint32_t count) {
  const std::uint64_t a = ((bits & 0xffffffff) * count) >> 32;
  const std::uint64_t b = ((bits >> 32) * count) >> 32;
  return static_cast<std::uint8_t>(std::min(a, b));
}

/// EUR cents, half to even, as configs/pipelines/orders.yaml rounds amount * rate * 100.
std::uint64_t eur_cents(const Order& order) {
  const std::uint64_t micros = static_cast<std::uint64_t>(order.amount_cents) * kCurrencies[order.currency].eur_micros;
  const std::uint64_t whole = micros / 1'000'000;
  const std::uint64_t rest = micros % 1'000'000;
  return whole + (rest > 500'000 || (rest == 500'000 && whole % 2 == 1) ? 1 : 0);
}

Digest128 times(std::uint64_t high, std::uint64_t low, std::uint64_t factor) {
  const UInt128 id = (static_cast<UInt128>(high) << 64) | low;
  const UInt128 product = id * factor;
  return Digest128{static_cast<std::uint64_t>(product), static_cast<std::uint64_t>(product >> 64)};
}

std::string hex(const Digest128& digest) {
  return fmt::format("{:016x}{:016x}", digest.high, digest.low);
}

}  // namespace

class OrdersGenerator::Impl {
 public:
  explicit Impl(const OrdersOptions& options)
      : options_(options),
        duplicate_below_(threshold(options.duplicates)),
        invalid_below_(threshold(options.invalid)),
        lines_(mix(options.seed ^ 0x6c696e6573ull)) {
    tiers_.reserve(kUsers);
    for (std::uint32_t user = 0; user < kUsers; ++user) tiers_.push_back(user_row(user).tier);
  }

  std::uint64_t fill(std::string& out, std::size_t bytes) {
    const std::size_t begin = out.size();
    std::uint64_t made = 0;
    while (truth_.accepted < options_.events && out.size() - begin < bytes) {
      const std::size_t at = out.size();
      out.resize(std::max(std::min(begin + bytes, at + (std::size_t{1} << 20)), at) + kLineMax);
      char* to = out.data() + at;
      char* const stop = out.data() + out.size() - kLineMax;
      do {
        to = line(to);
        ++made;
      } while (to < stop && truth_.accepted < options_.events);
      out.resize(static_cast<std::size_t>(to - out.data()));
    }
    return made;
  }
  [[nodiscard]] const OrdersTruth& truth() const { return truth_; }

 private:
  char* line(char* to) {
    char* const begin = to;
    const std::uint64_t bits = lines_.next();
    ++truth_.accepted;
    if (distinct_ != 0 && (bits & 0xffffffff) < duplicate_below_) {
      ++truth_.duplicate;
      const bool near = (bits >> 32 & 1) != 0;
      const std::uint64_t reach = std::min(distinct_, near ? kEventsPerSecond : kDuplicateReach);
      const auto back = static_cast<std::uint64_t>((static_cast<UInt128>(lines_.next()) * reach) >> 64);
      to = write(to, order(distinct_ - 1 - back));
    } else {
      const Order fresh = order(distinct_++);
      count(fresh);
      to = write(to, fresh);
    }
    *to++ = '\n';
    truth_.bytes += static_cast<std::uint64_t>(to - begin);
    return to;
  }

  [[nodiscard]] Order order(std::uint64_t number) const {
    Random random(mix(options_.seed * 0x9e3779b97f4a7c15ull ^ mix(number)));
    Order made{};
    made.id_high = (random.next() & ~0xf000ull) | 0x4000;        // UUID version 4
    made.id_low = (random.next() & ~(3ull << 62)) | 1ull << 63;  // its variant
    made.ts = kFirstTs + static_cast<std::int64_t>(number * 1'000 / kEventsPerSecond);
    const std::uint64_t words = random.next();
    made.type = skewed(words * 0x9e3779b97f4a7c15ull, kTypes.size());
    made.agent = static_cast<std::uint8_t>(words & 7);
    made.campaign = static_cast<std::uint8_t>(words >> 3 & 7);
    made.quantity = static_cast<std::uint8_t>(1 + (words >> 6 & 7));
    made.known_user = (words >> 32) % 1'000 >= kUnknownPer1000;
    made.user = users_.draw(random);
    const std::uint64_t places = random.next();
    made.country = skewed(places, kCountries.size());
    made.currency = skewed(mix(places), static_cast<std::uint32_t>(kCurrencies.size()));
    const std::uint64_t sizes = random.next();
    made.device = sizes % 100'000'000;
    // Amounts spread over orders of magnitude, as prices do: 0.01 to 5242.88.
    made.amount_cents = 1 + static_cast<std::int64_t>((sizes >> 32) & ((1u << (6 + (sizes >> 27) % 14)) - 1));
    const std::uint64_t rest = random.next();
    made.ip = static_cast<std::uint32_t>(rest);
    made.sku = static_cast<std::uint32_t>(rest >> 32) % 1'000'000;
    spoil(random, made);
    return made;
  }

  void spoil(Random& random, Order& order) const {
    const std::uint64_t bits = random.next();
    if ((bits & 0xffffffff) >= invalid_below_) return;
    order.cut = static_cast<std::uint32_t>(random.next());
    if ((bits >> 32 & 1) != 0) {
      order.fault = Fault::cut;
      return;
    }
    const auto kind = static_cast<std::uint32_t>(bits >> 33) % 3;
    order.fault = kind == 0 ? Fault::amount : kind == 1 ? Fault::missing : Fault::currency;
    order.missing = static_cast<Field>(order.cut & 3);
    if (kind == 0) order.amount_cents = (order.cut & 1) != 0 ? 0 : -order.amount_cents;
  }

  void count(const Order& order) {
    truth_.ts_min = truth_.ts_min == 0 ? order.ts : truth_.ts_min;
    truth_.ts_max = order.ts;
    switch (order.fault) {
      case Fault::none:
        break;
      case Fault::cut:
        ++truth_.malformed;
        break;
      case Fault::missing:
        ++truth_.field_missing;
        break;
      case Fault::amount:
      case Fault::currency:
        ++truth_.field_range;
        break;
    }
    if (order.fault != Fault::none) {
      truth_.dead_lettered_ids += Digest128{order.id_low, order.id_high};
      return;
    }
    const std::uint64_t cents = eur_cents(order);
    const std::uint8_t tier = order.known_user ? tiers_[order.user] : kDefaultTier;
    ++truth_.served;
    truth_.unknown_users += order.known_user ? 0 : 1;
    truth_.served_ids += Digest128{order.id_low, order.id_high};
    truth_.cents_by_id += times(order.id_high, order.id_low, cents);
    auto& group = truth_.groups[(order.country * kTypes.size() + order.type) * kTiers.size() + tier];
    ++group.orders;
    group.cents += cents;
  }

  static char* write(char* to, const Order& order) {
    const auto there = [&](Field field) { return order.fault != Fault::missing || order.missing != field; };
    to = put(to, R"({"id":")");
    to = put_id(to, order.id_high, order.id_low);
    *to++ = '"';
    char* const id_end = to;
    to = put(to, R"(,"ts":)");
    to = put_digits(to, static_cast<std::uint64_t>(order.ts), 13);
    to = put(put(put(to, R"(,"type":")"), kTypes[order.type]), "\"");
    if (there(Field::user)) {
      to = put(to, order.known_user ? R"(,"user":"u)" : R"(,"user":"x)");
      to = put(put_digits(to, order.user, 7), "\"");
    }
    to = put_digits(put(to, R"(,"device":"d)"), order.device, 8);
    *to++ = '"';
    if (there(Field::amount)) to = put_amount(put(to, R"(,"amount":)"), order.amount_cents);
    if (there(Field::currency)) {
      const std::string_view code = order.fault == Fault::currency ? kBadCurrencies[order.cut % kBadCurrencies.size()]
                                                                   : kCurrencies[order.currency].code;
      to = put(put(put(to, R"(,"currency":")"), code), "\"");
    }
    if (there(Field::country)) to = put(put(put(to, R"(,"country":")"), kCountries[order.country]), "\"");
    to = put(to, R"(,"ip":")");
    for (int shift = 24; shift >= 0; shift -= 8) {
      to = put_number(to, order.ip >> shift & 255);
      *to++ = shift == 0 ? '"' : '.';
    }
    to = put(put(put(to, R"(,"ua":")"), kUserAgents[order.agent]), R"(","attrs":{"sku":"SKU-)");
    to = put_digits(to, order.sku, 6);
    to = put_number(put(to, R"(","qty":)"), order.quantity);
    to = put(put(put(to, R"(,"campaign":")"), kCampaigns[order.campaign]), R"("},"v":1})");
    if (order.fault != Fault::cut) return to;
    // Cut anywhere behind the id, which stays findable, and before the closing brace.
    const auto room = static_cast<std::uint64_t>(to - id_end);
    return id_end + (std::uint64_t{order.cut} * room >> 32);
  }

  OrdersOptions options_;
  std::uint64_t duplicate_below_;
  std::uint64_t invalid_below_;
  Random lines_;
  UserSampler users_;
  std::vector<std::uint8_t> tiers_;
  std::uint64_t distinct_ = 0;
  OrdersTruth truth_;
};

OrdersGenerator::OrdersGenerator(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
OrdersGenerator::OrdersGenerator(OrdersGenerator&&) noexcept = default;
OrdersGenerator& OrdersGenerator::operator=(OrdersGenerator&&) noexcept = default;
OrdersGenerator::~OrdersGenerator() = default;

Result<OrdersGenerator> OrdersGenerator::create(const OrdersOptions& options) {
  if (options.events < 1 || options.events > 1'000'000'000'000)
    return fail(Errc::invalid_argument, "--events must be from 1 to 1000000000000, found {}", options.events);
  if (!(options.duplicates >= 0.0 && options.duplicates <= 0.9))
    return fail(Errc::invalid_argument, "--duplicates must be from 0 to 0.9, found {}", options.duplicates);
  if (!(options.invalid >= 0.0 && options.invalid <= 1.0))
    return fail(Errc::invalid_argument, "--invalid must be from 0 to 1, found {}", options.invalid);
  return OrdersGenerator(std::make_unique<Impl>(options));
}

std::uint64_t OrdersGenerator::fill(std::string& out, std::size_t bytes) {
  return impl_->fill(out, bytes);
}
const OrdersTruth& OrdersGenerator::truth() const {
  return impl_->truth();
}

std::string OrdersTruth::to_json() const {
  std::string out = fmt::format(
      R"({{"workload":"orders","accepted":{},"served":{},"duplicate":{},"dead_lettered":{},)"
      R"("dead_letters":{{"malformed":{},"field_missing":{},"field_range":{}}},"unknown_users":{},"bytes":{},)"
      R"("ts_min":{},"ts_max":{},"served_ids":"{}","dead_lettered_ids":"{}","cents_by_id":"{}","by_country_type_tier":[)",
      accepted, served, duplicate, malformed + field_missing + field_range, malformed, field_missing, field_range,
      unknown_users, bytes, ts_min, ts_max, hex(served_ids), hex(dead_lettered_ids), hex(cents_by_id));
  std::vector<std::string> rows;
  for (std::size_t i = 0; i < groups.size(); ++i) {
    if (groups[i].orders == 0) continue;
    rows.push_back(fmt::format(R"({{"country":"{}","type":"{}","tier":"{}","orders":{},"cents":{}}})",
                               orders::kCountries[i / kTiers / kTypes], orders::kTypes[i / kTiers % kTypes],
                               orders::kTiers[i % kTiers], groups[i].orders, groups[i].cents));
  }
  std::sort(rows.begin(), rows.end());
  for (std::size_t i = 0; i < rows.size(); ++i) out += (i == 0 ? "\n  " : ",\n  ") + rows[i];
  return out + "\n]}\n";
}

}  // namespace weir
