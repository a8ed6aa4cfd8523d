#include "cluster/cli/orders_tables.h"

#include <fmt/format.h>

#include "cluster/cli/orders_generator.h"
#include "runtime/base/int256.h"

namespace weir::orders {
namespace {

/// rank^-0.9 in units of 2^-40. Newton's method on the tenth root uses only operations that IEEE 754 rounds the same
/// everywhere; std::pow may differ in the last digit between machines.
std::uint64_t weight(std::uint32_t rank) {
  const double k = rank;
  double root = 3.2;  // above every tenth root up to 100'000^0.1, from where the steps only go down
  for (int i = 0; i < 60; ++i) {
    const double r2 = root * root;
    const double r4 = r2 * r2;
    const double r9 = r4 * r4 * root;
    root = root - (r9 * root - k) / (10.0 * r9);
  }
  return static_cast<std::uint64_t>(root / k * 1099511627776.0);
}

}  // namespace

UserRow user_row(std::uint32_t user) noexcept {
  Random random(0x6f7264657273ull + user);
  const std::uint32_t percent = random.below(100);
  UserRow row{};
  row.tier = percent < 70 ? 0 : percent < 90 ? 1 : percent < 98 ? 2 : 3;
  row.region = static_cast<std::uint8_t>(random.below(kRegions.size()));
  row.risk = static_cast<std::uint8_t>(random.below(100));
  return row;
}

UserSampler::UserSampler() : slots_(kUsers) {
  std::vector<std::uint64_t> weights(kUsers);
  std::uint64_t total = 0;
  for (std::uint32_t i = 0; i < kUsers; ++i) total += weights[i] = weight(i + 1);
  // A slot holds `total`, a rank brings weight * kUsers: those below fill up with those above.
  std::vector<std::uint32_t> small;
  std::vector<std::uint32_t> large;
  for (std::uint32_t i = 0; i < kUsers; ++i) {
    weights[i] *= kUsers;
    (weights[i] < total ? small : large).push_back(i);
  }
  while (!small.empty() && !large.empty()) {
    const std::uint32_t less = small.back();
    const std::uint32_t more = large.back();
    small.pop_back();
    slots_[less] = {static_cast<std::uint32_t>((static_cast<UInt128>(weights[less]) << 32) / total), more};
    weights[more] -= total - weights[less];
    if (weights[more] < total) {
      large.pop_back();
      small.push_back(more);
    }
  }
  // What is left is full; an alias to itself makes the threshold meaningless.
  for (const std::uint32_t i : small) slots_[i] = {0, i};
  for (const std::uint32_t i : large) slots_[i] = {0, i};
}

}  // namespace weir::orders

namespace weir {

std::string orders_users_csv() {
  std::string out = "user,tier,region,risk\n";
  out.reserve(orders::kUsers * 40);
  for (std::uint32_t user = 0; user < orders::kUsers; ++user) {
    const orders::UserRow row = orders::user_row(user);
    fmt::format_to(std::back_inserter(out), "u{:07},{},{},{}\n", user, orders::kTiers[row.tier],
                   orders::kRegions[row.region], row.risk);
  }
  return out;
}

std::string orders_rates_csv() {
  std::string out = "currency,eur\n";
  for (const orders::Currency& currency : orders::kCurrencies)
    out += fmt::format("{},{}\n", currency.code, currency.eur);
  return out;
}

}  // namespace weir
