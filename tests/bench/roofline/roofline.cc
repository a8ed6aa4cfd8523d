// The roofline of `weir bench path`: the orders workload in one plain thread, from a prefilled ingest journal to a
// durable output journal, the two states and the dead letters. It knows the workload; weir does not.
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <vector>

#include "runtime/adapters/embedded_log/journal.h"
#include "runtime/adapters/embedded_log/log_opening.h"
#include "runtime/adapters/system/system_clock.h"
#include "runtime/base/hash.h"
#include "runtime/base/int256.h"
#include "runtime/event/ingest_batch.h"
#include "tests/bench/roofline/order_tables.h"
#include "tests/bench/roofline/order_text.h"
#include "tests/bench/roofline/packed_output.h"
#include "tests/bench/roofline/seen_ids.h"
#include "tests/bench/roofline/summaries.h"

namespace weir::roofline {

namespace {

using journal::BatchPlace;

/// What is wrong with the input is not this program's to handle: it stops.
[[noreturn]] void stop(const std::string& why) {
  throw std::runtime_error(why);
}
template <class T>
T must(Result<T> result) {
  if (!result) stop(describe(result.error()));
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

/// 36 characters in four groups; another id is none of this workload.
std::pair<std::uint64_t, std::uint64_t> id_bits(std::string_view id) {
  static constexpr std::uint8_t kPlaces[32] = {0,  1,  2,  3,  4,  5,  6,  7,  9,  10, 11, 12, 14, 15, 16, 17,
                                               19, 20, 21, 22, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35};
  if (id.size() != 36) stop("an id of another workload");
  std::uint64_t bits[2] = {0, 0};
  int bad = 0;
  for (unsigned i = 0; i < 32; ++i) {
    const int digit = hex_digit(id[kPlaces[i]]);
    bad |= digit;
    bits[i / 16] = bits[i / 16] << 4 | static_cast<unsigned>(digit & 15);
  }
  if (bad < 0) stop("an id of another workload");
  return {bits[0], bits[1]};
}

/// `-? digits [. one or two digits]` in hundredths.
bool hundredths(std::string_view text, std::int64_t& value) {
  std::size_t i = !text.empty() && text[0] == '-' ? 1 : 0;
  value = 0;
  int behind = -1;
  for (; i < text.size(); ++i) {
    if (text[i] == '.') {
      behind = 0;
      continue;
    }
    if (text[i] < '0' || text[i] > '9' || behind == 2 || value > 1'000'000'000'000)
      stop("an amount of another workload");
    value = value * 10 + (text[i] - '0');
    if (behind >= 0) ++behind;
  }
  for (; behind < 2; behind = behind < 0 ? 1 : behind + 1) value *= 10;
  if (text[0] == '-') value = -value;
  return value > 0;
}

/// The first three parts of a dotted address, or 0 where it is none.
std::size_t ip_prefix(std::string_view ip) {
  std::size_t at = 0, prefix = 0;
  for (int part = 0; part < 4; ++part) {
    unsigned value = 0;
    const std::size_t start = at;
    while (at < ip.size() && ip[at] >= '0' && ip[at] <= '9' && at - start < 3)
      value = value * 10 + static_cast<unsigned>(ip[at++] - '0');
    if (at == start || value > 255 || (ip[start] == '0' && at - start > 1)) return 0;
    if (part == 3) return at == ip.size() ? prefix : 0;
    if (at == ip.size() || ip[at] != '.') return 0;
    prefix = at++;
  }
  return 0;
}

struct Reject {
  std::string_view stage, reason;
};

/// The rules of configs/pipelines/orders.yaml, in their order.
bool check(const OrderText& order, Reject& reject, std::int64_t& cents, std::uint32_t& rate,
           const OrderTables& tables) {
  const auto refuse = [&reject](std::string_view reason) {
    reject = {"validate", reason};
    return false;
  };
  const Span& ts = order.members[kTs];
  if (ts.data == nullptr || ts.text || ts.length != 13) {
    reject = {"parse", "time"};
    return false;
  }
  for (const Member member : {kId, kType, kUser, kAmount, kCurrency, kCountry, kIp}) {
    const Span& value = order.members[member];
    if (value.data == nullptr) return refuse("field_missing");
    if (value.text != (member != kAmount)) return refuse("field_type");
    if (member == kAmount && !hundredths(value.view(), cents)) return refuse("field_range");
    if (member == kCurrency && (rate = tables.eur_micros(value.view())) == 0) return refuse("field_range");
  }
  return true;
}

char* put(char* to, std::string_view text) {
  std::memcpy(to, text.data(), text.size());
  return to + text.size();
}
/// Writes up to 31 bytes more.
char* put_long(char* to, const char* from, const char* end) {
  const auto size = static_cast<std::size_t>(end - from);
  for (std::size_t i = 0; i < size; i += 32) std::memcpy(to + i, from + i, 32);
  return to + size;
}

class Roofline {
 public:
  Roofline(std::string data, const std::string& tables, std::uint64_t group_events)
      : data_(std::move(data)), group_events_(group_events), tables_(must(OrderTables::load(tables))) {
    EmbeddedLogOptions options;
    options.directory = data_ + "/log";
    journal::FileOps& files = journal::system_file_ops();
    identity_ = must(journal::load_identity(files, options.directory));
    ingest_.emplace(must(journal::open_journal(files, options, identity_, journal::JournalKind::ingest, {})));
    auto output = must(journal::open_journal(files, options, identity_, journal::JournalKind::output, {}));
    const auto listing = must(output.store->list());
    must(output.store->adopt_spares(listing));
    output_ = std::make_unique<journal::Journal>(std::move(output.store), output.identity, std::move(output.recovered),
                                                 1, clock_);
    must(output_->begin());
    parts_.resize(identity_.partitions);
  }

  void drain() {
    state_ = must(Summaries::open(data_ + "/roofline-state"));
    fence();
    struct Place {
      BatchPlace batch;
      std::uint32_t partition;
    };
    std::vector<Place> places;
    for (std::uint32_t p = 0; p < identity_.partitions; ++p)
      for (const BatchPlace& batch : ingest_->recovered.catalog.partition(p).batches) places.push_back({batch, p});
    std::sort(places.begin(), places.end(), [](const Place& a, const Place& b) {
      return std::tie(a.batch.generation, a.batch.frame_place, a.batch.body) <
             std::tie(b.batch.generation, b.batch.frame_place, b.batch.body);
    });
    ByteArena frame;
    for (std::size_t i = 0; i < places.size();) {
      std::size_t last = i;
      while (last + 1 < places.size() && places[last + 1].batch.generation == places[i].batch.generation &&
             places[last + 1].batch.frame_place == places[i].batch.frame_place)
        ++last;
      const std::uint64_t start = places[i].batch.body;
      const std::uint64_t bytes = places[last].batch.body + places[last].batch.length - start;
      frame.clear();
      char* to = frame.extend(bytes + kBlockPadding);
      auto file = must(ingest_->store->reader(places[i].batch.generation, false, 0));
      if (must(read_all(*file, to, bytes, places[i].batch.frame_place + start)) != bytes)
        stop("the ingest journal ends too early");
      std::memset(to + bytes, 0, kBlockPadding);
      for (; i <= last; ++i) {
        const std::string_view body{to + places[i].batch.body - start, places[i].batch.length};
        if (crc32c(body) != places[i].batch.checksum) stop("a checksum of the ingest journal is wrong");
        batch(places[i].partition, places[i].batch.first, must(IngestBatch::decode({body, nullptr})));
      }
      if (group_count_ >= group_events_) commit();
    }
    if (group_count_ != 0) commit();
    must(state_->flush(cursor()));
    output_->close();
  }

  [[nodiscard]] nlohmann::ordered_json report();

 private:
  struct Part {
    PackedOutput output;
    CommitMeta meta;
    std::uint64_t sequence = 0, committed = 0, decided = 0, epoch = 0;
  };

  void fence() {
    frame_.clear();
    for (std::uint32_t p = 0; p < parts_.size(); ++p) {
      const journal::PartitionLog& log = output_->catalog().partition(p);
      Part& part = parts_[p];
      part.epoch = log.epoch + 1;
      part.sequence = log.end;
      part.committed = part.decided = log.committed;
      journal::DirectoryEntry entry;
      entry.kind = journal::EntryKind::epoch;
      entry.partition = p;
      entry.epoch = part.epoch;
      entry.first = part.sequence;
      entry.to = part.committed;
      frame_.add(entry);
    }
    write_frame();
  }

  void write_frame() {
    const auto written = output_->write(frame_, {}, {}, {});
    if (written.kind != journal::WriteResult::Kind::durable) stop(describe(written.error));
  }

  void batch(std::uint32_t partition, std::uint64_t first, const IngestBatch& input) {
    Part& part = parts_[partition];
    const std::int64_t accepted_at = input.header().accepted_at;
    part.meta.partition_time = std::max(part.meta.partition_time, accepted_at);
    part.output.begin(first, input.header().door);
    hashes_.resize(input.count());
    for (std::uint32_t i = 0; i < input.count(); ++i) {
      const FrameEntry& entry = input.entry(i);
      hashes_[i] = xxh3_64({input.area() + entry.id_offset, entry.id_length});
      seen_.prefetch(hashes_[i]);
    }
    for (std::uint32_t i = 0; i < input.count(); ++i) event(part, input, i, accepted_at);
    part.output.end();
    part.decided = first + input.count();
    group_count_ += input.count();
  }

  void event(Part& part, const IngestBatch& input, std::uint32_t i, std::int64_t accepted_at) {
    const RawEvent raw = input.event(i);
    const auto [id_high, id_low] = id_bits(raw.id);
    OutcomeEntry head{};
    head.digest = xxh3_128(raw.raw);
    head.accepted_at = accepted_at;
    head.id_length = static_cast<std::uint16_t>(raw.id.size());
    if (const Seen* seen = seen_.find(hashes_[i], {id_high, id_low, head.digest})) {
      if (seen->digest != head.digest) stop("an id with other bytes: not in this workload");
      part.output.duplicate(head, raw.id);
      ++part.meta.ledger.duplicate;
      return;
    }
    OrderText order;
    Reject reject{"parse", "malformed"};
    std::int64_t amount = 0;
    std::uint32_t rate = 0;
    if (!read_order(raw.raw, order) || !check(order, reject, amount, rate, tables_)) {
      part.output.dead_letter(head, raw.raw, static_cast<std::size_t>(raw.id.data() - raw.raw.data()), reject.stage,
                              reject.reason, "[]", raw.line);
      ++part.meta.ledger.dead_lettered;
      add_state(part, raw.id, Outcome::dead_lettered, reject.reason);
      state_->letter(fmt::format("l{}", raw.id), std::string(raw.raw));
      return;
    }
    serve(part, raw, order, head, static_cast<std::uint64_t>(amount), rate, {id_high, id_low});
  }

  void serve(Part& part, const RawEvent& raw, const OrderText& order, const OutcomeEntry& head, std::uint64_t amount,
             std::uint32_t rate, std::pair<std::uint64_t, std::uint64_t> id) {
    const Span& ip = order.members[kIp];
    const Span& country = order.members[kCountry];
    const Span& type = order.members[kType];
    const std::size_t prefix = ip_prefix(ip.view());
    std::int64_t ts = 0;
    const Span& time = order.members[kTs];
    std::from_chars(time.data, time.data + time.length, ts);
    if (prefix == 0 || country.length != 2 || type.length > 8 || order.ua_begin < ip.data)
      stop("an order of another workload");
    const User& user = tables_.user(order.members[kUser].view());
    const std::uint64_t micros = amount * rate;
    std::uint64_t cents = micros / 1'000'000;
    const std::uint64_t rest = micros % 1'000'000;
    if (rest > 500'000 || (rest == 500'000 && cents % 2 == 1)) ++cents;  // half to even

    char* const begin = part.output.room(raw.raw.size() + 512);
    char* to = put_long(begin, raw.raw.data(), ip.data + prefix);
    to = put(to, ".0/24");
    to = put_long(to, ip.data + ip.length, order.ua_begin);
    to = put_long(to, order.ua_end, order.close);
    const std::string_view risk{user.risk, user.risk_length};
    to = put(put(to, R"(,"tier":")"), tables_.tier(user.tier));
    to = put(put(to, R"(","region":")"), tables_.region(user.region));
    to = put(put(to, R"(","risk":")"), risk);
    to = put(to, R"(","cents":)");
    to = std::to_chars(to, to + 20, cents).ptr;
    to = put(put(to, R"(,"lane":")"), country.view());
    *to++ = '/';
    to = put(put(to, type.view()), R"(","flags":")");
    to = put(to, risk);
    *to++ = '-';
    to = put(put(to, order.members[kCurrency].view()), R"(","base":"EUR"})");
    const auto size = static_cast<std::size_t>(to - begin);
    part.output.taken(size);
    part.output.served(head, size, static_cast<std::size_t>(raw.id.data() - raw.raw.data()), ts * 1000);
    ++part.meta.ledger.served;
    ++part.meta.ledger.records;
    part.meta.event_time_max = std::max(part.meta.event_time_max, ts * 1000);
    add_state(part, raw.id, Outcome::served, {});

    Summary row;
    row.id_high = id.first;
    row.id_low = id.second;
    row.event_time = ts * 1000;
    row.cents = cents;
    row.tier = user.tier;
    row.region = user.region;
    row.risk_length = user.risk_length;
    std::memcpy(row.risk.data(), user.risk, sizeof user.risk);
    std::memcpy(row.currency.data(), order.members[kCurrency].data, 3);
    state_->add(row);
    state_->count(country.view(), type.view(), user.tier, cents);
  }

  /// The commit's order-free sum over the states of ids, part of the format.
  static void add_state(Part& part, std::string_view id, Outcome outcome, std::string_view reason) {
    char text[2 + 32 + 36];
    text[0] = static_cast<char>(outcome);
    text[1] = static_cast<char>(reason.size());
    if (!reason.empty()) std::memcpy(text + 2, reason.data(), reason.size());
    std::memcpy(text + 2 + reason.size(), id.data(), 36);
    part.meta.state_sum += xxh3_128({text, 2 + reason.size() + 36});
  }

  void commit() {
    frame_.clear();
    for (std::uint32_t p = 0; p < parts_.size(); ++p) {
      Part& part = parts_[p];
      if (part.output.empty()) continue;
      part.meta.committed_at = clock_.wall();
      journal::DirectoryEntry entry;
      entry.kind = journal::EntryKind::commit;
      entry.partition = p;
      entry.count = 1;
      entry.first = ++part.sequence;
      entry.from = part.committed;
      entry.to = part.committed = part.decided;
      entry.epoch = part.epoch;
      const std::string_view pieces[] = {part.output.head(part.meta), part.output.bytes()};
      frame_.add(entry, pieces);
    }
    bytes_ += frame_.bytes();
    write_frame();
    ++groups_;
    for (Part& part : parts_) part.output.clear();
    group_count_ = 0;
    if (state_->wants_flush()) must(state_->flush(cursor()));
  }

  [[nodiscard]] std::string cursor() const {
    std::string text;
    for (const Part& part : parts_) text.append(reinterpret_cast<const char*>(&part.sequence), 8);
    return text;
  }

  std::string data_;
  std::uint64_t group_events_;
  OrderTables tables_;
  SystemClock clock_;
  journal::LogIdentity identity_;
  std::optional<journal::OpenedJournal> ingest_;
  std::unique_ptr<journal::Journal> output_;
  std::unique_ptr<Summaries> state_;
  SeenIds seen_;
  std::vector<Part> parts_;
  std::vector<std::uint64_t> hashes_;
  journal::FrameBuilder frame_;
  std::uint64_t group_count_ = 0, groups_ = 0, bytes_ = 0;
};

/// What the states say, read back from the database.
nlohmann::ordered_json Roofline::report() {
  Digest128 ids, cents_by_id;
  std::uint64_t served = 0, letters = 0;
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  must(state_->scan([&](std::string_view key, std::string_view value) {
    if (key[0] == 'l') ++letters;
    if (key[0] == 'g') {
      const std::size_t type = std::min<std::size_t>(8, key.substr(3, 8).find('\0'));
      rows.push_back({{"country", key.substr(1, 2)},
                      {"type", key.substr(3, type)},
                      {"tier", tables_.tier(static_cast<std::uint8_t>(key[11]))},
                      {"orders", load<std::uint64_t>(value.data())},
                      {"cents", load<std::uint64_t>(value.data() + 8)}});
    }
    if (key[0] != 'i') return;
    ++served;
    const std::uint64_t high = __builtin_bswap64(load<std::uint64_t>(key.data() + 1));
    const std::uint64_t low = __builtin_bswap64(load<std::uint64_t>(key.data() + 9));
    ids += Digest128{low, high};
    const UInt128 product = ((static_cast<UInt128>(high) << 64) | low) * load<std::uint64_t>(value.data() + 8);
    cents_by_id += Digest128{static_cast<std::uint64_t>(product), static_cast<std::uint64_t>(product >> 64)};
  }));
  Ledger ledger;
  for (const Part& part : parts_) ledger += part.meta.ledger;
  nlohmann::ordered_json json;
  json["served"] = served;
  json["duplicate"] = ledger.duplicate;
  json["dead_lettered"] = letters;
  json["served_ids"] = to_hex(ids);
  json["cents_by_id"] = to_hex(cents_by_id);
  json["by_country_type_tier"] = std::move(rows);
  json["groups"] = groups_;
  json["state_flushes"] = state_->flushes();
  return json;
}

double cpu_seconds() {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  return static_cast<double>(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
         static_cast<double>(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

std::uint64_t written_bytes() {
  std::ifstream file("/proc/self/io");
  std::string name;
  std::uint64_t value = 0;
  while (file >> name >> value)
    if (name == "write_bytes:") return value;
  return 0;
}

int run(int argc, char** argv) {
  if (argc != 4) {
    fmt::print(stderr, "usage: weir-roofline DATA TABLES GROUP_EVENTS\n");
    return 2;
  }
  Roofline roofline(argv[1], argv[2], std::strtoull(argv[3], nullptr, 10));
  const double cpu = cpu_seconds();
  const std::uint64_t written = written_bytes();
  const auto start = std::chrono::steady_clock::now();
  roofline.drain();
  const double wall = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  const double used = cpu_seconds() - cpu;
  rusage peak{};
  getrusage(RUSAGE_SELF, &peak);
  nlohmann::ordered_json json = {{"cpu_seconds", used},
                                 {"wall_seconds", wall},
                                 {"peak_kib", peak.ru_maxrss},
                                 {"bytes_written", written_bytes() - written}};
  json["answers"] = roofline.report();
  fmt::print("{}\n", json.dump());
  return 0;
}

}  // namespace

}  // namespace weir::roofline

int main(int argc, char** argv) {
  try {
    return weir::roofline::run(argc, argv);
  } catch (const std::exception& e) {
    fmt::print(stderr, "weir-roofline: {}\n", e.what());
    return 1;
  }
}
