// What the state costs per record: applying to the delta, sealing, flushing, and three million random ids in all.
//   state_micro [--benchmark_filter=…]
#include <benchmark/benchmark.h>
#include <sys/resource.h>

#include <array>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <future>
#include <random>
#include <string>
#include <vector>

#include "runtime/adapters/rocksdb_state/rocksdb_states.h"
#include "runtime/engine/digest.h"
#include "runtime/engine/partition_state.h"
#include "runtime/engine/query.h"

namespace weir {
namespace {

constexpr std::uint32_t kBatch = 256;

FieldPath field(const std::string& name) {
  return {{name}, name};
}

/// The two views of the orders workload: a 64-byte summary per id, count and sum per country, type and tier.
ViewSet order_views() {
  ViewConfig by_id;
  by_id.name = "order_by_id";
  by_id.latest = FieldPath{{"@id"}, "@id"};
  by_id.fields = {field("ts"), field("cents"), field("tier"), field("region"), field("sku")};
  ViewConfig totals;
  totals.name = "totals";
  totals.group_by = {field("country"), field("type"), field("tier")};
  totals.measures = {{"orders", MeasureKind::count, {}}, {"cents", MeasureKind::sum, field("cents")}};
  return ViewSet::compile({by_id, totals}).value();
}

std::string uuid(std::mt19937_64& random) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string text(36, '-');
  std::uint64_t bits = 0;
  for (std::size_t i = 0, left = 0; i < 36; ++i) {
    if (i == 8 || i == 13 || i == 18 || i == 23) continue;
    if (left-- == 0) {
      bits = random();
      left = 15;
    }
    text[i] = kHex[bits & 15];
    bits >>= 4;
  }
  return text;
}

struct Commit {
  CommitBody body;
  std::vector<TokenTable> tables;
  std::vector<const TokenTable*> table_places;
};

/// One commit of `batches` batches of fresh random ids, with the places of the values as live code notes them.
Commit make_commit(const ViewSet& views, std::mt19937_64& random, Offset from, std::uint32_t batches) {
  static const char* const kTypes[] = {"order", "refund", "payment", "view", "click", "cart", "ship", "return"};
  static const char* const kTiers[] = {"gold", "silver", "basic"};
  Commit commit;
  std::string payload;
  for (std::uint32_t b = 0; b < batches; ++b) {
    OutcomeBatchBuilder builder(from + std::uint64_t{b} * kBatch, kBatch * 420);
    TokenTable table(views.paths().size());
    for (std::uint32_t i = 0; i < kBatch; ++i) {
      const std::string id = uuid(random);
      builder.add({id, Digest128{random(), random()}, 1}, Outcome::served);
      const std::uint16_t attributes = builder.attributes("order", "bench");
      payload = "{\"id\":\"" + id + "\"";
      const auto places = table.add_row();
      const auto add = [&](const std::string& name, const std::string& token) {
        payload += ",\"" + name + "\":";
        for (std::size_t c = 0; c < views.paths().size(); ++c)
          if (views.paths()[c].text == name)
            places[c] = {static_cast<std::uint32_t>(payload.size()), static_cast<std::uint32_t>(token.size())};
        payload += token;
      };
      add("ts", std::to_string(1'700'000'000'000 + random() % 1'000'000'000));
      add("cents", std::to_string(random() % 100'000) + ".50");
      add("tier", std::string("\"") + kTiers[random() % 3] + "\"");
      add("region", "\"north-" + std::to_string(random() % 10) + "\"");
      add("sku", "\"sku-" + std::to_string(random() % 100'000) + "\"");
      add("country", "\"C" + std::to_string(random() % 50) + "\"");
      add("type", std::string("\"") + kTypes[random() % 8] + "\"");
      add("user_agent", "\"" + std::string(120, 'u') + "\"");
      payload += "}";
      builder.begin_record().append(payload);
      builder.end_record(1'700'000'000'000'000 + static_cast<std::int64_t>(random() % 1'000'000'000), attributes);
    }
    commit.body.batches.push_back(builder.finish());
    commit.tables.push_back(std::move(table));
  }
  for (const TokenTable& table : commit.tables) commit.table_places.push_back(&table);
  return commit;
}

class NoExtractor final : public RecordExtractor {
 public:
  Result<void> extract(std::string_view, std::span<std::string_view>) override {
    return fail(Errc::internal, "not asked for");
  }
};

double cpu_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e-6;
}
double thread_seconds() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

double peak_mib() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

std::filesystem::path scratch(const char* name) {
  const auto path = std::filesystem::temp_directory_path() / name;
  std::filesystem::remove_all(path);
  return path;
}

/// Path and background of `events` fresh ids over `partitions`, everything through RocksDB.
void whole(benchmark::State& bench, std::uint64_t events, std::uint32_t partitions, std::size_t delta_bytes) {
  const ViewSet views = order_views();
  const ViewMerger merger;
  for (auto _ : bench) {
    const auto directory = scratch("weir-state-micro");
    RocksdbStates states({.block_cache_bytes = 32 * 1024 * 1024});
    std::vector<std::unique_ptr<StateStore>> stores;
    std::vector<std::unique_ptr<PartitionState>> parts;
    std::vector<std::unique_ptr<std::promise<Result<void>>>> flushes(partitions);
    for (std::uint32_t p = 0; p < partitions; ++p) {
      stores.push_back(states.open((directory / std::to_string(p)).string(), merger).value());
      parts.push_back(
          std::make_unique<PartitionState>(PartitionStateOptions{PartitionId{p}, delta_bytes, {}}, views, *stores[p]));
      static_cast<void>(parts[p]->recover().value());
    }
    const auto hear = [&](std::uint32_t p) {
      parts[p]->flushed(flushes[p]->get_future().get());
      flushes[p].reset();
    };
    const auto begin = [&](std::uint32_t p) {
      flushes[p] = std::make_unique<std::promise<Result<void>>>();
      stores[p]->flush(parts[p]->seal().value(),
                       [promise = flushes[p].get()](Result<void> r) { promise->set_value(std::move(r)); });
    };
    std::mt19937_64 random(1);
    NoExtractor none;
    double apply = 0;
    double seal = 0;
    double making = 0;
    const double start = cpu_seconds();
    std::uint64_t done = 0;
    std::uint64_t flushed = 0;
    std::vector<CommitSequence> sequences(partitions);
    while (done < events) {
      for (std::uint32_t p = 0; p < partitions && done < events; ++p) {
        double t = thread_seconds();
        const Offset from = parts[p]->committed();
        const Commit commit = make_commit(views, random, from, 4);
        making += thread_seconds() - t;
        sequences[p] = next(sequences[p]);
        const CommitRecord record{Epoch{1}, sequences[p], from, from + 4 * kBatch, {}};
        t = thread_seconds();
        if (!parts[p]->apply(record, commit.body, none, commit.table_places)) std::abort();
        apply += thread_seconds() - t;
        done += 4 * kBatch;
        if (parts[p]->bytes() < delta_bytes || (flushes[p] && parts[p]->bytes() < 2 * delta_bytes)) continue;
        if (flushes[p]) hear(p);
        if (!parts[p]->wants_flush()) continue;
        t = thread_seconds();
        begin(p);
        seal += thread_seconds() - t;
        ++flushed;
      }
    }
    for (std::uint32_t p = 0; p < partitions; ++p) {
      if (flushes[p]) hear(p);
      begin(p);
      hear(p);
    }
    const double before_close = cpu_seconds();
    const double total = before_close - start - making;
    const double scale = 1e9 / static_cast<double>(done);
    bench.counters["apply_ns"] = apply * scale;
    bench.counters["seal_ns"] = seal * scale;
    bench.counters["flush_and_compact_ns"] = (total - apply - seal) * scale;
    bench.counters["total_ns"] = total * scale;
    bench.counters["flushes"] = static_cast<double>(flushed + partitions);
    bench.counters["peak_MiB"] = peak_mib();
    std::vector<PartitionPicture> pictures;
    for (auto& part : parts) pictures.push_back(part->picture().value());
    const double read = cpu_seconds();
    benchmark::DoNotOptimize(answer_digest(pictures, views).value());
    bench.counters["digest_ns"] = (cpu_seconds() - read) * scale;
    pictures.clear();
    parts.clear();
    for (auto& store : stores) store->close();
    double bytes = 0;
    std::uint64_t tables = 0;
    for (const auto& file : std::filesystem::recursive_directory_iterator(directory)) {
      if (file.path().extension() != ".sst") continue;
      bytes += static_cast<double>(file.file_size());
      ++tables;
    }
    bench.counters["disk_B"] = bytes / static_cast<double>(done);
    bench.counters["tables"] = static_cast<double>(tables);
    stores.clear();
    std::filesystem::remove_all(directory);
  }
}

void apply_seal_flush_compact(benchmark::State& bench) {
  whole(bench, static_cast<std::uint64_t>(bench.range(0)), 8, static_cast<std::size_t>(bench.range(1)) * 1024 * 1024);
}
BENCHMARK(apply_seal_flush_compact)
    ->Args({1'000'000, 8})
    ->Args({3'000'000, 8})
    ->Args({5'000'000, 8})
    ->Args({3'000'000, 4})
    ->Args({3'000'000, 2})
    ->Iterations(1)
    ->Unit(benchmark::kMillisecond);

/// Reads every line of a batch: live code has just written it.
std::uint64_t warm(const OutcomeBatch& batch) {
  std::uint64_t sum = 0;
  for (std::size_t at = 0; at < batch.size(); at += 64) sum += static_cast<unsigned char>(batch.bytes().data()[at]);
  return sum;
}

/// The delta alone, over fresh ids until it is full; batches are in the cache as they are when they come from the
/// chain.
void apply_record(benchmark::State& bench) {
  const ViewSet views = order_views();
  const ViewMerger merger;
  std::mt19937_64 random(1);
  std::vector<Commit> commits;
  for (std::uint32_t c = 0; c < 56; ++c)
    commits.push_back(make_commit(views, random, Offset{std::uint64_t{c} * 4 * kBatch}, 4));
  std::vector<std::string_view> space(views.paths().size() * ViewWriter::kTogether);
  std::array<ViewRecord, ViewWriter::kTogether> records;
  std::uint64_t count = 0;
  double seconds = 0;
  std::size_t expected = 0;
  for (auto _ : bench) {
    Delta delta(merger, expected);  // as a partition begins one after the one before
    ViewWriter writer(views, PartitionId{0});
    writer.set_number(1, 1);
    double round = 0;
    for (const Commit& commit : commits) {
      for (std::size_t b = 0; b < commit.body.batches.size(); ++b) {
        const OutcomeBatch& batch = commit.body.batches[b];
        benchmark::DoNotOptimize(warm(batch));
        const double start = thread_seconds();
        for (std::uint32_t i = 0; i < batch.records(); ++i) {
          const RecordView view = batch.record(i);
          const auto places = commit.tables[b].row(i);
          const std::span<std::string_view> values(space.data() + i % ViewWriter::kTogether * views.paths().size(),
                                                   views.paths().size());
          for (std::size_t c = 0; c < values.size(); ++c)
            values[c] = view.payload.substr(places[c].offset, places[c].length);
          records[i % ViewWriter::kTogether] = {
              values, view.payload, batch.id(view.outcome_index), view.type, view.source, view.event_time, view.index};
          if (i % ViewWriter::kTogether == ViewWriter::kTogether - 1) writer.apply(records, delta);
          ++count;
        }
        round += thread_seconds() - start;
      }
    }
    bench.SetIterationTime(round);
    expected = delta.size();
    seconds += round;
  }
  bench.counters["ns_per_record"] = seconds * 1e9 / static_cast<double>(count);
}
BENCHMARK(apply_record)->UseManualTime()->Unit(benchmark::kMillisecond);

void sort_delta(benchmark::State& bench) {
  const ViewMerger merger;
  std::mt19937_64 random(1);
  Delta delta(merger);
  for (int i = 0; i < 60'000; ++i) delta.put("v\0\1\6" + uuid(random), std::string(70, 'x'));
  for (auto _ : bench) benchmark::DoNotOptimize(delta.sorted());
  bench.counters["ns_per_key"] =
      benchmark::Counter(60'000e-9, benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}
BENCHMARK(sort_delta)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace weir

BENCHMARK_MAIN();
