#include "tests/bench/roofline/order_tables.h"

#include <algorithm>
#include <cstring>
#include <fstream>
#include <sstream>

namespace weir::roofline {

namespace {

std::uint8_t number_of(std::vector<std::string>& names, const std::string& name) {
  const auto found = std::find(names.begin(), names.end(), name);
  if (found != names.end()) return static_cast<std::uint8_t>(found - names.begin());
  names.push_back(name);
  return static_cast<std::uint8_t>(names.size() - 1);
}

Result<std::vector<std::vector<std::string>>> read_csv(const std::string& name, std::size_t columns) {
  std::ifstream file(name);
  if (!file) return fail(Errc::input_unreadable, "{}: cannot be opened", name);
  std::vector<std::vector<std::string>> rows;
  std::string line;
  std::getline(file, line);
  while (std::getline(file, line)) {
    std::vector<std::string>& row = rows.emplace_back();
    std::istringstream cells(line);
    for (std::string cell; std::getline(cells, cell, ',');) row.push_back(cell);
    if (row.size() != columns) return fail(Errc::invalid_argument, "{}: '{}' has not {} columns", name, line, columns);
  }
  return rows;
}

std::uint64_t eight(std::string_view name) noexcept {
  std::uint64_t key = 0;
  std::memcpy(&key, name.data(), 8);
  return key;
}

std::size_t letters(std::string_view code) noexcept {
  for (const char c : code)
    if (c < 'A' || c > 'Z') return SIZE_MAX;
  return static_cast<std::size_t>((code[0] - 'A') * 676 + (code[1] - 'A') * 26 + (code[2] - 'A'));
}

}  // namespace

Result<OrderTables> OrderTables::load(const std::string& directory) {
  OrderTables tables;
  WEIR_ASSIGN(const auto users, read_csv(directory + "/users.csv", 4));
  const auto fill = [&tables](User& user, const std::string& tier, const std::string& region, const std::string& risk) {
    user.tier = number_of(tables.tiers_, tier);
    user.region = number_of(tables.regions_, region);
    user.risk_length = static_cast<std::uint8_t>(risk.size());
    std::memcpy(user.risk, risk.data(), std::min<std::size_t>(risk.size(), sizeof user.risk));
  };
  for (const auto& row : users) {
    if (row[0].size() != 8 || row[3].size() > sizeof User{}.risk)
      return fail(Errc::invalid_argument, "user '{}' is none of this workload", row[0]);
    const std::uint64_t key = eight(row[0]);
    std::uint64_t at = slot(key);
    while (tables.users_[at].key != 0) at = (at + 1) & (tables.users_.size() - 1);
    tables.users_[at].key = key;
    fill(tables.users_[at], row[1], row[2], row[3]);
  }
  fill(tables.missing_, "default", "unknown", "50");
  WEIR_ASSIGN(const auto rates, read_csv(directory + "/currency_rates.csv", 2));
  for (const auto& row : rates) {
    const std::size_t point = std::min(row[1].find('.'), row[1].size());
    std::string digits = row[1].substr(0, point) + (point == row[1].size() ? "" : row[1].substr(point + 1));
    const std::size_t behind = digits.size() - point;
    if (row[0].size() != 3 || letters(row[0]) == SIZE_MAX || behind > 6)
      return fail(Errc::invalid_argument, "rate {} of '{}' is none of this workload", row[1], row[0]);
    digits.append(6 - behind, '0');
    tables.rates_[letters(row[0])] = static_cast<std::uint32_t>(std::stoul(digits));
  }
  return tables;
}

const User& OrderTables::user(std::string_view name) const noexcept {
  if (name.size() != 8) return missing_;
  const std::uint64_t key = eight(name);
  for (std::uint64_t at = slot(key);; at = (at + 1) & (users_.size() - 1)) {
    if (users_[at].key == key) return users_[at];
    if (users_[at].key == 0) return missing_;
  }
}

std::uint32_t OrderTables::eur_micros(std::string_view code) const noexcept {
  if (code.size() != 3) return 0;
  const std::size_t at = letters(code);
  return at == SIZE_MAX ? 0 : rates_[at];
}

}  // namespace weir::roofline
