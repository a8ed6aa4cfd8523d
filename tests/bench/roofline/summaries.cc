#include "tests/bench/roofline/summaries.h"

#include <rocksdb/filter_policy.h>
#include <rocksdb/sst_file_writer.h>
#include <rocksdb/table.h>
#include <rocksdb/universal_compaction.h>

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <cstring>

#include "runtime/base/bytes.h"

namespace weir::roofline {

namespace {

tl::unexpected<Error> failed(const rocksdb::Status& status) {
  return fail(Errc::io_failed, "summaries: {}", status.ToString());
}

rocksdb::Options options() {
  rocksdb::BlockBasedTableOptions table;
  table.format_version = 5;
  table.checksum = rocksdb::kXXH3;
  table.block_size = 16 * 1024;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10, false));
  rocksdb::Options o;
  o.create_if_missing = true;
  o.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  o.compaction_style = rocksdb::kCompactionStyleUniversal;
  o.level0_file_num_compaction_trigger = 12;
  o.compression = rocksdb::kNoCompression;
  o.write_buffer_size = 64 * 1024;
  o.max_background_jobs = 1;
  o.stats_dump_period_sec = 0;
  o.bytes_per_sync = 1024 * 1024;
  return o;
}

}  // namespace

Result<std::unique_ptr<Summaries>> Summaries::open(const std::string& directory) {
  auto made = std::make_unique<Summaries>();
  made->directory_ = directory;
  rocksdb::DB* raw = nullptr;
  if (const auto status = rocksdb::DB::Open(options(), directory, &raw); !status.ok()) return failed(status);
  made->db_.reset(raw);
  made->rows_.reserve(kRowsMax + 65'536);
  return made;
}

void Summaries::count(std::string_view country, std::string_view type, std::uint8_t tier, std::uint64_t cents) {
  std::uint64_t eight = 0;
  std::memcpy(&eight, type.data(), type.size());
  const auto land = load<std::uint16_t>(country.data());
  const std::uint64_t hash =
      (eight ^ (std::uint64_t{land} << 32) ^ (std::uint64_t{tier} << 60)) * 0x9e3779b97f4a7c15ull;
  for (std::size_t at = hash >> (64 - std::countr_zero(kGroups));; at = (at + 1) % kGroups) {
    Group& group = groups_[at];
    if (!group.used) {
      group.used = true;
      group.type = eight;
      std::memcpy(group.country.data(), country.data(), 2);
      group.tier = tier;
    } else if (group.type != eight || load<std::uint16_t>(group.country.data()) != land || group.tier != tier) {
      continue;
    }
    ++group.orders;
    group.cents += cents;
    return;
  }
}

/// By the leading bits of the id in one pass, the few that share them by comparison.
void Summaries::sort_rows() {
  constexpr unsigned kBits = 16;
  std::vector<std::uint32_t> begin((1u << kBits) + 1);
  for (const Summary& row : rows_) ++begin[(row.id_high >> (64 - kBits)) + 1];
  for (std::size_t i = 1; i < begin.size(); ++i) begin[i] += begin[i - 1];
  order_.resize(rows_.size());
  std::vector<std::uint32_t> next(begin.begin(), begin.end() - 1);
  for (std::uint32_t i = 0; i < rows_.size(); ++i) order_[next[rows_[i].id_high >> (64 - kBits)]++] = i;
  for (std::size_t b = 0; b + 1 < begin.size(); ++b) {
    std::sort(order_.begin() + begin[b], order_.begin() + begin[b + 1], [this](std::uint32_t x, std::uint32_t y) {
      const Summary& a = rows_[x];
      const Summary& c = rows_[y];
      if (a.id_high != c.id_high) return a.id_high < c.id_high;
      return a.id_low != c.id_low ? a.id_low < c.id_low : x < y;
    });
  }
}

Result<void> Summaries::flush(std::string_view cursor) {
  sort_rows();
  std::sort(letters_.begin(), letters_.end());
  const std::string path = directory_ + "/incoming.flush";
  rocksdb::Options o = options();
  rocksdb::SstFileWriter writer(rocksdb::EnvOptions(o), o);
  rocksdb::Status status = writer.Open(path);
  if (status.ok()) status = writer.Put(std::string_view("\0cursor", 7), cursor);
  std::vector<const Group*> groups;
  for (const Group& group : groups_)
    if (group.used) groups.push_back(&group);
  const auto key_of = [](const Group& group) {
    std::string key = "g";
    key.append(group.country.data(), 2)
        .append(reinterpret_cast<const char*>(&group.type), 8)
        .push_back(static_cast<char>(group.tier));
    return key;
  };
  std::sort(groups.begin(), groups.end(), [&](const Group* a, const Group* b) { return key_of(*a) < key_of(*b); });
  for (const Group* group : groups) {
    const std::uint64_t totals[2] = {group->orders, group->cents};
    if (status.ok())
      status = writer.Put(key_of(*group), std::string_view(reinterpret_cast<const char*>(totals), sizeof totals));
  }
  char key[17] = {'i'};
  char value[kSummaryBytes] = {};
  constexpr std::size_t kAhead = 8;
  for (std::size_t i = 0; status.ok() && i < order_.size(); ++i) {
    if (i + kAhead < order_.size()) fetch_ahead(&rows_[order_[i + kAhead]]);
    const Summary& row = rows_[order_[i]];
    if (i + 1 < order_.size() && rows_[order_[i + 1]].id_high == row.id_high &&
        rows_[order_[i + 1]].id_low == row.id_low)
      continue;
    store(key + 1, __builtin_bswap64(row.id_high));
    store(key + 9, __builtin_bswap64(row.id_low));
    static_assert(sizeof(Summary) == 48);
    std::memcpy(value, &row.event_time, sizeof(Summary) - 16);
    status = writer.Put(std::string_view(key, sizeof key), std::string_view(value, sizeof value));
  }
  for (const auto& [letter, text] : letters_)
    if (status.ok()) status = writer.Put(letter, text);
  if (status.ok()) status = writer.Finish();  // syncs the file
  rocksdb::IngestExternalFileOptions take;
  take.move_files = true;
  take.write_global_seqno = false;
  if (status.ok()) status = db_->IngestExternalFile({path}, take);
  if (!status.ok()) return failed(status);
  rows_.clear();
  letters_.clear();
  ++flushes_;
  return {};
}

Result<void> Summaries::scan(const std::function<void(std::string_view, std::string_view)>& visit) const {
  const std::unique_ptr<rocksdb::Iterator> rows(db_->NewIterator({}));
  for (rows->SeekToFirst(); rows->Valid(); rows->Next())
    visit(rows->key().ToStringView(), rows->value().ToStringView());
  if (!rows->status().ok()) return failed(rows->status());
  return {};
}

}  // namespace weir::roofline
