// CPU of a transform stage per event, as a script and as formulas: batches of 512 orders of some 300 bytes, one thread,
// warm. Reading the events is not counted.
#include <benchmark/benchmark.h>
#include <time.h>

#include <cstdlib>
#include <iostream>
#include <memory>

#include "actors/transform/script_transformer.h"
#include "actors/transform/transformer.h"
#include "runtime/adapters/lua/lua_engine.h"

namespace {

using namespace weir;

template <class T>
T must(Result<T> result) {
  if (result) return std::move(*result);
  std::cerr << describe(result.error()) << "\n";
  std::exit(2);
}

std::int64_t cpu_ns() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return now.tv_sec * 1'000'000'000ll + now.tv_nsec;
}

IngestBatch orders() {
  IngestBatchBuilder builder(kChainEventsMax);
  for (std::uint32_t i = 0; i < kChainEventsMax; ++i) {
    const std::string id = fmt::format("o-{:08}", i);
    builder.add(
        {fmt::format(R"({{"order_id":"{}","user_id":"u-{}","sku":"SKU-{:05}","quantity":{},"unit_price":{}.{:02},)"
                     R"("currency":"EUR","status":"paid","ip":"10.0.{}.{}","email":"someone{}@example.org",)"
                     R"("address":{{"city":"Bonn","zip":"53111","lines":["Markt 1","2nd floor"]}},)"
                     R"("tags":["new","web"],"note":"leave it at the door"}})",
                     id, i * 7 % 1000, i * 31 % 1000, 1 + i % 9, 1 + i % 300, i % 100, i % 256, i * 3 % 256, i),
         id,
         0,
         {},
         i});
  }
  IngestHeader header;
  header.door = "file:bench";
  return must(IngestBatch::decode(builder.finish(header)));
}

/// Runs the stage over whole batches and counts nothing else.
void run(benchmark::State& state, const Stage& stage, const FieldPlan& plan) {
  const IngestBatch input = orders();
  DocumentParser parser(plan);
  auto scratch = std::make_unique<StageScratch>();
  ChainBatch batch;
  std::int64_t counted = 0;
  std::int64_t events = 0;
  for (auto _ : state) {
    batch.begin(input, PartitionId{0});
    for (std::uint32_t i = 0; i < kChainEventsMax; ++i) {
      batch.add(i);
      ChainEvent& event = batch.events().back();
      ParseProblem problem;
      if (!parser.parse_json(batch.raw(event).raw, batch.arena(), event.document, problem)) std::exit(2);
    }
    const std::int64_t begin = cpu_ns();
    stage.process(batch, *scratch);
    counted += cpu_ns() - begin;
    events += kChainEventsMax;
    for (const ChainEvent& event : batch.events()) {
      if (event.verdict == Verdict::reject) {
        std::cerr << event.rejection->details << "\n";
        std::exit(2);
      }
    }
  }
  state.counters["ns_per_event"] = static_cast<double>(counted) / static_cast<double>(events);
}

struct Compiled {
  FieldPlan plan;
  ReadFile read;
  LuaEngine engine;
  std::unique_ptr<Stage> stage;

  Compiled(const TransformConfig& transform, const std::string& text)
      : read([text](const std::string&) -> Result<std::string> { return text; }) {
    ReferenceTables tables(read);
    StageContext context{plan, tables, read, &engine};
    StageConfig config;
    config.name = "transform";
    config.body = transform;
    stage = transform.script ? must(ScriptTransformer::compile(config, context))
                             : must(Transformer::compile(config, context));
  }
};

void script(benchmark::State& state, const std::string& body) {
  TransformConfig transform;
  transform.script.emplace().file = "bench.lua";
  const Compiled compiled(transform, "local vat = decimal('0.19') function transform(e) " + body + " end");
  run(state, *compiled.stage, compiled.plan);
}

void formulas(benchmark::State& state) {
  // The same as the script `amount`.
  const auto field = [](const std::string& name) {
    Expression path;
    path.kind = Expression::Kind::path;
    path.path = {{name}, name};
    return path;
  };
  Expression product;
  product.kind = Expression::Kind::multiply;
  product.arguments = {field("quantity"), field("unit_price")};
  Expression key;
  key.kind = Expression::Kind::concat;
  key.arguments = {field("currency"), field("user_id")};
  TransformConfig transform;
  transform.set = {{"amount", product}, {"key", key}};
  const Compiled compiled(transform, "");
  run(state, *compiled.stage, compiled.plan);
}

const std::string kAmount = "e.amount = e.quantity * e.unit_price e.key = e.currency .. e.user_id ";

}  // namespace

BENCHMARK(formulas);
BENCHMARK_CAPTURE(script, nothing, "return e");
BENCHMARK_CAPTURE(script, amount, kAmount + "return e");
BENCHMARK_CAPTURE(script, tier,
                  kAmount +
                      "if e.amount > 100 then e.tier = 'gold' else e.tier = 'std' end "
                      "e.net = e.amount:div(1 + vat, 2) return e");
BENCHMARK_CAPTURE(script, nested, "e.city = e.address.city return e");
BENCHMARK_CAPTURE(script, nested_write, "e.address.city = 'Trier' return e");
BENCHMARK_CAPTURE(script, made_up_name, "e['am' .. 'ount'] = e.quantity return e");
BENCHMARK_CAPTURE(script, whole_as_table, "local t = copy(e) return e");
BENCHMARK_CAPTURE(script, whole_table_back, "local t = copy(e) t.amount = t.quantity * t.unit_price return t");
BENCHMARK_CAPTURE(script, filter, "return nil");
BENCHMARK_MAIN();
