// CPU of the chain per event, step by step, on the orders workload and on configs/pipelines/orders.yaml itself: batches
// of 512 events of one partition, warm, one thread. Run it from the project's root. A step's figure contains no step
// before it.
#include <benchmark/benchmark.h>
#include <simdjson.h>
#include <time.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <sstream>

#include "actors/enrich/enricher.h"
#include "actors/transform/transformer.h"
#include "actors/validate/validator.h"
#include "cluster/cli/orders_generator.h"
#include "runtime/adapters/yaml/yaml_config_loader.h"
#include "runtime/engine/chain_plan.h"
#include "runtime/engine/view_set.h"

namespace {

using namespace weir;

constexpr std::uint32_t kBatches = 64;  // 64 x 512 x 300 bytes = 10 MB: out of the near caches, as in life

template <class T>
T must(Result<T> result) {
  if (result) return std::move(*result);
  std::cerr << describe(result.error()) << "\n";
  std::exit(2);
}

Result<std::string> read_file(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) return fail(Errc::input_unreadable, "{}: cannot be opened", file);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

Result<std::unique_ptr<Stage>> make_stage(const StageConfig& config, StageContext& context) {
  if (config.kind == "validate") return Validator::compile(config, context);
  if (config.kind == "enrich") return Enricher::compile(config, context);
  return Transformer::compile(config, context);
}

std::int64_t cpu_ns() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return now.tv_sec * 1'000'000'000ll + now.tv_nsec;
}

/// Everything the benchmarks share; made once.
struct World {
  std::vector<IngestBatch> batches;
  std::unique_ptr<const ChainPlan> plan;
  ViewSet views;
  std::uint64_t events = 0;

  World() {
    const auto folder = std::filesystem::temp_directory_path() / "weir-path-micro";
    std::filesystem::create_directories(folder);
    std::ofstream(folder / "users.csv", std::ios::binary) << orders_users_csv();
    const YamlConfigLoader loader([&](std::string_view name) -> std::optional<std::string> {
      if (name == "WEIR_ORDERS_TABLES") return folder.string();
      return std::nullopt;
    });
    const PipelineConfig config = must(loader.pipeline("configs/pipelines/orders.yaml", {}));
    views = must(ViewSet::compile(config.views));
    plan = must(ChainPlan::compile(config, views.paths(), make_stage, read_file));
    OrdersOptions options;
    options.events = std::uint64_t{kBatches} * kChainEventsMax;
    options.duplicates = 0;
    OrdersGenerator generator = must(OrdersGenerator::create(options));
    std::string lines;
    while (generator.fill(lines, 1 << 20) != 0) {
    }
    IngestBatchBuilder builder(kChainEventsMax);
    IngestHeader header;
    header.accepted_at = 1'700'000'000'000'000;
    header.door = "file:orders";
    std::string_view rest = lines;
    while (!rest.empty()) {
      const std::size_t end = rest.find('\n');
      const std::string_view raw = rest.substr(0, end);
      rest.remove_prefix(end + 1);
      builder.add({raw, raw.substr(0, std::min<std::size_t>(raw.size(), 36)), 0, {}, ++events});
      if (builder.full()) batches.push_back(must(IngestBatch::decode(builder.finish(header))));
    }
  }
};
World& world() {
  static World made;
  return made;
}

enum class Step { parse, validate, enrich, transform, encode, all };

/// Runs whole batches through the chain and counts only the step that is asked for.
void chain(benchmark::State& state, Step step) {
  World& w = world();
  DocumentParser parser(w.plan->fields(), w.plan->parser_options());
  auto scratch = std::make_unique<StageScratch>();
  ChainBatch batch;
  std::size_t next = 0;
  std::uint64_t events = 0;
  std::int64_t counted = 0;
  std::uint64_t bytes = 0;
  for (auto _ : state) {
    batch.begin(w.batches[next++ % w.batches.size()], PartitionId{0});
    for (std::uint32_t i = 0; i < batch.input().count(); ++i) batch.add(i);
    OutcomeBatchBuilder out(Offset{0}, 512 * 512);
    TokenTable table(w.views.paths().size());
    table.reserve(512);
    std::int64_t spent = 0;
    const auto timed = [&](Step which, auto work) {
      const std::int64_t before = cpu_ns();
      work();
      if (step == which || step == Step::all) spent += cpu_ns() - before;
    };
    timed(Step::parse, [&] { w.plan->read(batch, parser); });
    for (const auto& stage : w.plan->stages()) {
      const Step which = stage->kind() == "validate" ? Step::validate
                         : stage->kind() == "enrich" ? Step::enrich
                                                     : Step::transform;
      timed(which, [&] { stage->process(batch, *scratch); });
    }
    timed(Step::encode, [&] {
      for (const ChainEvent& event : batch.events()) {
        if (event.verdict != Verdict::pass) continue;
        out.add({batch.raw(event).id, Digest128{}, 0}, Outcome::served);
        benchmark::DoNotOptimize(w.plan->encode(batch, {&event, 1}, out, &table));
      }
    });
    bytes += out.size();
    events += batch.events().size();
    counted += spent;
    state.SetIterationTime(static_cast<double>(spent) * 1e-9);
  }
  state.counters["ns_per_event"] = static_cast<double>(counted) / static_cast<double>(events);
  state.counters["bytes_out"] = static_cast<double>(bytes) / static_cast<double>(events);
}
BENCHMARK_CAPTURE(chain, parse, Step::parse)->UseManualTime();
BENCHMARK_CAPTURE(chain, validate, Step::validate)->UseManualTime();
BENCHMARK_CAPTURE(chain, enrich, Step::enrich)->UseManualTime();
BENCHMARK_CAPTURE(chain, transform, Step::transform)->UseManualTime();
BENCHMARK_CAPTURE(chain, encode, Step::encode)->UseManualTime();
BENCHMARK_CAPTURE(chain, all, Step::all)->UseManualTime();

/// What simdjson's own interface needs only to walk the same events, numbers and nested objects: no wanted paths, no
/// duplicate keys, no escapes checked.
void simdjson_walk(benchmark::State& state) {
  World& w = world();
  simdjson::ondemand::parser parser;
  simdjson::ondemand::document document;
  std::size_t next = 0;
  std::uint64_t events = 0;
  std::size_t sum = 0;
  std::int64_t counted = 0;
  for (auto _ : state) {
    const IngestBatch& batch = w.batches[next++ % w.batches.size()];
    const std::int64_t before = cpu_ns();
    for (std::uint32_t i = 0; i < batch.count(); ++i) {
      const FrameEntry& entry = batch.entry(i);
      const simdjson::padded_string_view frame(batch.area() + entry.raw_offset, entry.raw_length,
                                               entry.raw_length + kBlockPadding);
      simdjson::ondemand::object object;
      if (parser.iterate(frame).get(document) || document.get_object().get(object)) continue;
      for (auto field : object) {
        simdjson::ondemand::value value;
        simdjson::ondemand::json_type type{};
        if (field.value().get(value) || value.type().get(type)) break;
        sum += value.raw_json_token().size();
        double number = 0;
        if (type == simdjson::ondemand::json_type::number && value.get_double().get(number)) break;
        if (type != simdjson::ondemand::json_type::object) continue;
        simdjson::ondemand::object inner;
        if (value.get_object().get(inner)) break;
        for (auto below : inner) {
          simdjson::ondemand::value part;
          if (below.value().get(part)) break;
          sum += part.raw_json_token().size();
        }
      }
    }
    counted += cpu_ns() - before;
    events += batch.count();
    state.SetIterationTime(static_cast<double>(cpu_ns() - before) * 1e-9);
  }
  benchmark::DoNotOptimize(sum);
  state.counters["ns_per_event"] = static_cast<double>(counted) / static_cast<double>(events);
}
BENCHMARK(simdjson_walk)->UseManualTime();

}  // namespace

BENCHMARK_MAIN();
