// The two states of the workload: a summary per served id and orders and cents per (country, type, tier). Kept in
// memory, sorted into table files and taken into one RocksDB, as weir's flush does.
#pragma once
#include <rocksdb/db.h>

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "runtime/base/result.h"

namespace weir::roofline {

/// Under the id's 16 bytes, big-endian, so that keys sort as ids do.
struct Summary {
  std::uint64_t id_high = 0, id_low = 0;
  std::int64_t event_time = 0;
  std::uint64_t cents = 0;
  std::uint8_t tier = 0, region = 0, risk_length = 0;
  std::array<char, 5> risk{};
  std::array<char, 3> currency{};
};

struct Group {
  std::uint64_t type = 0;  // up to eight characters
  std::array<char, 2> country{};
  std::uint8_t tier = 0;
  bool used = false;
  std::uint64_t orders = 0, cents = 0;
};

class Summaries {
 public:
  /// Opens (makes) the database. Errors: io_failed.
  [[nodiscard]] static Result<std::unique_ptr<Summaries>> open(const std::string& directory);

  void add(const Summary& summary) { rows_.push_back(summary); }
  void count(std::string_view country, std::string_view type, std::uint8_t tier, std::uint64_t cents);
  void letter(std::string key, std::string value) { letters_.emplace_back(std::move(key), std::move(value)); }

  [[nodiscard]] bool wants_flush() const noexcept { return rows_.size() >= kRowsMax; }
  /// Everything in memory into one table with the cursor, durable when it returns. Errors: io_failed.
  [[nodiscard]] Result<void> flush(std::string_view cursor);
  [[nodiscard]] std::uint64_t flushes() const noexcept { return flushes_; }

  /// For the check: what the database says. Errors: io_failed.
  [[nodiscard]] Result<void> scan(const std::function<void(std::string_view key, std::string_view value)>& visit) const;

 private:
  // 64 MiB of eight partitions with 8 MiB each hold about as many in weir.
  static constexpr std::size_t kRowsMax = 512 * 1024;
  static constexpr std::size_t kGroups = 1u << 14;
  void sort_rows();

  std::unique_ptr<rocksdb::DB> db_;
  std::string directory_;
  std::vector<Summary> rows_;
  std::vector<std::uint32_t> order_;
  std::vector<Group> groups_ = std::vector<Group>(kGroups);
  std::vector<std::pair<std::string, std::string>> letters_;
  std::uint64_t flushes_ = 0;
};

inline constexpr std::size_t kSummaryBytes = 64;

}  // namespace weir::roofline
