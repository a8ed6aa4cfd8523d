// The fixed words and tables of the orders workload.
#pragma once
#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

namespace weir::orders {

inline constexpr std::uint32_t kUsers = 100'000;

inline constexpr std::array<std::string_view, 8> kTypes = {"order",  "payment", "refund", "shipment",
                                                           "cancel", "return",  "quote",  "renewal"};
/// The last one is what a missing user gets (configs/pipelines/orders.yaml).
inline constexpr std::array<std::string_view, 5> kTiers = {"standard", "silver", "gold", "platinum", "default"};
inline constexpr std::uint8_t kDefaultTier = 4;
inline constexpr std::array<std::string_view, 8> kRegions = {
    "eu-west-dublin", "eu-north-stockholm", "eu-central-zurich", "us-east-virginia",
    "us-west-oregon", "ap-south-mumbai",    "ap-east-tokyo",     "sa-east-saopaulo"};
inline constexpr std::array<std::string_view, 50> kCountries = {
    "DE", "FR", "GB", "US", "NL", "ES", "IT", "PL", "SE", "CH", "AT", "BE", "DK", "NO", "FI", "IE", "PT",
    "CZ", "RO", "HU", "GR", "BG", "HR", "SK", "SI", "LT", "LV", "EE", "LU", "MT", "CY", "IS", "TR", "UA",
    "CA", "MX", "BR", "AR", "CL", "CO", "AU", "NZ", "JP", "CN", "KR", "IN", "SG", "ZA", "AE", "IL"};

struct Currency {
  std::string_view code;
  std::string_view eur;      // as the rate table spells it
  std::uint32_t eur_micros;  // the same times 10^6
};
inline constexpr std::array<Currency, 20> kCurrencies = {{
    {"EUR", "1", 1'000'000},        {"USD", "0.921432", 921'432}, {"GBP", "1.168915", 1'168'915},
    {"CHF", "1.043217", 1'043'217}, {"SEK", "0.087654", 87'654},  {"NOK", "0.085731", 85'731},
    {"DKK", "0.134062", 134'062},   {"PLN", "0.231849", 231'849}, {"CZK", "0.039563", 39'563},
    {"HUF", "0.002547", 2'547},     {"RON", "0.200931", 200'931}, {"BGN", "0.511292", 511'292},
    {"TRY", "0.028417", 28'417},    {"JPY", "0.006129", 6'129},   {"CNY", "0.127346", 127'346},
    {"INR", "0.010983", 10'983},    {"AUD", "0.603218", 603'218}, {"CAD", "0.673951", 673'951},
    {"BRL", "0.183427", 183'427},   {"ZAR", "0.048769", 48'769},
}};

inline constexpr std::array<std::string_view, 8> kUserAgents = {
    "Mozilla/5.0 (X11; Linux x86_64) Gecko/128",
    "Mozilla/5.0 (Windows NT 10.0) Edg/126.0",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5) Mobile/15E148",
    "OrdersApp/8.14 (Android 14; Pixel 8)",
    "OrdersApp/8.14 (iOS 17.5; iPhone15,2)",
    "partner-gateway/3.2 libcurl/7.88.1",
    "Mozilla/5.0 (Macintosh; Mac OS X 14_5) Safari/605",
    "kiosk/2.0.7 (terminal; store)"};
inline constexpr std::array<std::string_view, 8> kCampaigns = {
    "none", "spring-24", "newsletter-week-12", "affiliate-77", "search-brand", "retarget", "summer-sale", "app-push"};
inline constexpr std::array<std::string_view, 3> kBadCurrencies = {"XXX", "EURO", "eur"};

/// Order-independent scrambling of 64 bits: the finalizer of SplitMix64, a bijection.
[[nodiscard]] constexpr std::uint64_t mix(std::uint64_t x) noexcept {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
  return x ^ (x >> 31);
}

/// SplitMix64. Seeded, never the machine's chance.
class Random {
 public:
  explicit constexpr Random(std::uint64_t seed) noexcept : state_(seed) {}
  [[nodiscard]] constexpr std::uint64_t next() noexcept { return mix(state_ += 0x9e3779b97f4a7c15ull); }
  /// Uniform below `bound` up to 2^-32: `bound` stays far below 2^32.
  [[nodiscard]] constexpr std::uint32_t below(std::uint32_t bound) noexcept {
    return static_cast<std::uint32_t>(((next() >> 32) * bound) >> 32);
  }

 private:
  std::uint64_t state_;
};

struct UserRow {
  std::uint8_t tier;
  std::uint8_t region;
  std::uint8_t risk;  // 0..99
};
[[nodiscard]] UserRow user_row(std::uint32_t user) noexcept;

/// Draws users with frequency 1 / rank^0.9: a few dozen hot ones, a long tail. Walker's alias method over integers, so
/// that every machine draws the same.
class UserSampler {
 public:
  UserSampler();
  [[nodiscard]] std::uint32_t draw(Random& random) const noexcept {
    const std::uint64_t bits = random.next();
    const auto slot = static_cast<std::uint32_t>(((bits >> 32) * kUsers) >> 32);
    const Slot& chosen = slots_[slot];
    return static_cast<std::uint32_t>(bits) < chosen.threshold ? slot_user(slot) : slot_user(chosen.alias);
  }

 private:
  struct Slot {
    std::uint32_t threshold;
    std::uint32_t alias;
  };
  /// Spreads the hot ranks over the numbers (7919 and 100'000 have no common factor).
  [[nodiscard]] static std::uint32_t slot_user(std::uint32_t rank) noexcept {
    return static_cast<std::uint32_t>((std::uint64_t{rank} * 7919 + 4242) % kUsers);
  }
  std::vector<Slot> slots_;
};

}  // namespace weir::orders
