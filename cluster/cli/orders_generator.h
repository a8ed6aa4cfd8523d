// The orders workload: JSON order events of about 300 bytes with known duplicates, known invalid ones and a known
// truth.
//
// Everything follows from the seed: the same options give the same bytes on every machine. An event's content is a
// function of (seed, its number), so a duplicate is made again instead of remembered and memory does not grow with the
// stream.
#pragma once
#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "runtime/base/ids.h"
#include "runtime/base/result.h"

namespace weir {

struct OrdersOptions {
  std::uint64_t events = 1'000'000;  // lines, duplicates included; 1 .. 10^12
  std::uint64_t seed = 1;
  double duplicates = 0.05;  // 0 .. 0.9 of the lines repeat an earlier one: half of them within a second of event time,
                             // half uniformly over the last 10 million events
  double invalid =
      0.01;  // 0 .. 1 of the distinct events: half cut off, half break a rule (amount, missing field, currency)
};

/// What a correct run of configs/pipelines/orders.yaml over the whole stream must answer; computed from what the
/// generator knows, without any code of the path it judges.
struct OrdersTruth {
  static constexpr std::size_t kCountries = 50;
  static constexpr std::size_t kTypes = 8;
  static constexpr std::size_t kTiers = 5;
  struct Group {
    std::uint64_t orders = 0;
    std::uint64_t cents = 0;
  };

  std::uint64_t accepted = 0;
  std::uint64_t served = 0;
  std::uint64_t duplicate = 0;
  std::uint64_t malformed = 0;  // dead letters by reason
  std::uint64_t field_missing = 0;
  std::uint64_t field_range = 0;
  std::uint64_t unknown_users = 0;  // served with the default tier
  std::uint64_t bytes = 0;          // of all lines with their line ends
  std::int64_t ts_min = 0;
  std::int64_t ts_max = 0;
  /// Order-free: ids read as 128-bit numbers (their hex digits without the dashes), summed modulo 2^128.
  Digest128 served_ids;
  Digest128 dead_lettered_ids;
  /// The same sum over served events of id * cents.
  Digest128 cents_by_id;
  std::array<Group, kCountries * kTypes * kTiers> groups{};

  /// One JSON object; `by_country_type_tier` in the order of its group fields.
  [[nodiscard]] std::string to_json() const;
};

/// Not thread-safe. About 8 MB of tables.
class OrdersGenerator {
 public:
  /// Error invalid_argument: an option outside its range, named with it.
  [[nodiscard]] static Result<OrdersGenerator> create(const OrdersOptions& options);
  OrdersGenerator(OrdersGenerator&&) noexcept;
  OrdersGenerator& operator=(OrdersGenerator&&) noexcept;
  ~OrdersGenerator();

  /// Appends whole lines to `out` until it holds at least `bytes` more or the stream has ended. Returns the lines
  /// appended, 0 at the end.
  [[nodiscard]] std::uint64_t fill(std::string& out, std::size_t bytes);
  /// Of the lines made so far.
  [[nodiscard]] const OrdersTruth& truth() const;

 private:
  class Impl;
  explicit OrdersGenerator(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// The reference table users.csv of the orders pipeline: `user,tier,region,risk`, 100'000 rows, the same for every
/// seed.
[[nodiscard]] std::string orders_users_csv();
/// The reference table currency_rates.csv: `currency,eur`, 20 rows.
[[nodiscard]] std::string orders_rates_csv();

}  // namespace weir
