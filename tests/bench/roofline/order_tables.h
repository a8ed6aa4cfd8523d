// The two reference tables, laid out for this workload: users by their eight characters, currencies by their three
// letters.
#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/result.h"

namespace weir::roofline {

struct User {
  std::uint64_t key = 0;  // the eight characters; 0: free
  std::uint8_t tier = 0, region = 0;
  std::uint8_t risk_length = 0;
  char risk[5] = {};
};

class OrderTables {
 public:
  /// Reads users.csv and currency_rates.csv of a directory. Errors: input_unreadable, invalid_argument (not this
  /// workload).
  [[nodiscard]] static Result<OrderTables> load(const std::string& directory);

  /// What a user that is in no table gets, when there is none.
  [[nodiscard]] const User& user(std::string_view name) const noexcept;
  /// EUR per unit times 10^6; 0: no such currency.
  [[nodiscard]] std::uint32_t eur_micros(std::string_view code) const noexcept;
  [[nodiscard]] std::string_view tier(std::uint8_t number) const noexcept { return tiers_[number]; }
  [[nodiscard]] std::string_view region(std::uint8_t number) const noexcept { return regions_[number]; }

 private:
  static std::uint64_t slot(std::uint64_t key) noexcept { return key * 0x9e3779b97f4a7c15ull >> (64 - kUserBits); }
  static constexpr unsigned kUserBits = 18;
  std::vector<User> users_ = std::vector<User>(std::size_t{1} << kUserBits);
  User missing_;
  std::vector<std::uint32_t> rates_ = std::vector<std::uint32_t>(26 * 26 * 26);
  std::vector<std::string> tiers_, regions_;
};

}  // namespace weir::roofline
