// CPU of one transform form per event: batches of 512 events of one partition, warm, one thread. The stage sets one
// field; `copy` is what setting a field costs at all.
#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <time.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>

#include "actors/transform/transformer.h"
#include "runtime/adapters/yaml/yaml_config_loader.h"
#include "runtime/engine/chain_plan.h"

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

IngestBatch events() {
  IngestBatchBuilder builder(kChainEventsMax);
  for (std::uint32_t i = 0; i < kChainEventsMax; ++i) {
    const std::string raw = fmt::format(
        R"({{"id":"e{}","name":"Ärmel-{:05} of cloth ","amount":{}.{:02},"text":"{}.50","card":"{:016}","at":"20{:02}-11-27T0{}:08:19Z","day":"{:02}.11.2026","none":null,"items":[{{"sku":"a"}},{{"sku":"b"}},{{"sku":"c"}},{{"sku":"d"}}]}})",
        i, i * 7, i % 9, i % 100, i, i * 1'000'003ull, i % 100, i % 10, 1 + i % 28);
    builder.add({raw, fmt::format("e{}", i), 0, {}, i + 1});
  }
  IngestHeader header;
  header.accepted_at = 1'700'000'000'000'000;
  header.door = "file:forms";
  return must(IngestBatch::decode(builder.finish(header)));
}

/// `stage`: what stands behind `transform:`.
void form(benchmark::State& state, const char* stage) {
  const auto file = std::filesystem::temp_directory_path() / fmt::format("weir-forms-{}.yaml", getpid());
  std::ofstream(file) << "pipeline: forms\nrecord: {format: ndjson, id: id}\nstages:\n  - transform: " << stage << "\n";
  const PipelineConfig config = must(YamlConfigLoader{}.pipeline(file.string(), {}));
  std::filesystem::remove(file);
  const auto plan =
      must(ChainPlan::compile(config, {}, Transformer::compile, [](const std::string& name) -> Result<std::string> {
        return fail(Errc::input_unreadable, "{}: there are no files here", name);
      }));
  const IngestBatch input = events();
  DocumentParser parser(plan->fields(), plan->parser_options());
  auto scratch = std::make_unique<StageScratch>();
  ChainBatch batch;
  std::int64_t counted = 0;
  std::uint64_t rounds = 0;
  for (auto _ : state) {
    batch.begin(input, PartitionId{0});
    for (std::uint32_t i = 0; i < input.count(); ++i) batch.add(i);
    plan->read(batch, parser);
    const std::int64_t before = cpu_ns();
    plan->stages().front()->process(batch, *scratch);
    const std::int64_t spent = cpu_ns() - before;
    for (const ChainEvent& event : batch.events()) {
      if (event.verdict == Verdict::reject) {
        std::cerr << stage << ": " << event.rejection->details << "\n";
        std::exit(2);
      }
    }
    counted += spent;
    ++rounds;
    state.SetIterationTime(static_cast<double>(spent) * 1e-9);
  }
  state.counters["ns_per_event"] = static_cast<double>(counted) / static_cast<double>(rounds * input.count());
}

#define FORM(name, text) BENCHMARK_CAPTURE(form, name, text)->UseManualTime()
FORM(copy, "{set: {x: {copy: name}}}");
FORM(multiply, "{set: {x: {multiply: [amount, 3]}}}");
FORM(concat, "{set: {x: {concat: [name, {const: /}, card]}}}");
FORM(lower, "{set: {x: {lower: name}}}");
FORM(trim, "{set: {x: {trim: name}}}");
FORM(substring, "{set: {x: {substring: {of: name, start: 2, length: 8}}}}");
FORM(substring_from_the_end, "{set: {x: {substring: {of: name, start: -8}}}}");
FORM(replace, "{set: {x: {replace: {of: name, find: \"-\", with: \" \"}}}}");
FORM(mask, "{set: {x: {mask: {of: card, keep_last: 4}}}}");
FORM(hash_sha256, "{set: {x: {hash: card}}}");
FORM(hash_xxh3_128, "{set: {x: {hash: {of: card, with: xxh3_128}}}}");
FORM(to_number, "{set: {x: {to_number: text}}}");
FORM(to_string, "{set: {x: {to_string: amount}}}");
FORM(bucket, "{set: {x: {bucket: {of: amount, below: {3: micro, 5: light}, else: strong, missing: unknown}}}}");
FORM(coalesce, "{set: {x: {coalesce: [none, missing, card]}}}");
FORM(date_part_of_event_time, "{set: {x: {date_part: {of: \"@time\", part: week}}}}");
FORM(date_part_rfc3339, "{set: {x: {date_part: {of: at, part: hour, zone: +02:00}}}}");
FORM(date_format, "{set: {x: {date_format: {of: at, to: \"%Y-%m-%d\"}}}}");
FORM(date_format_from_pattern, "{set: {x: {date_format: {of: day, from: \"%d.%m.%Y\", to: rfc3339}}}}");
FORM(filter, "{filter: {keep: {amount: {min: 1, below: 5}}}}");
FORM(filter_one_of, "{filter: {drop: {card: [\"1\", \"2\", \"3\"]}}}");
FORM(split_into_four, "{split: items}");

}  // namespace

BENCHMARK_MAIN();
