#include <fmt/format.h>

#include <cstdio>
#include <filesystem>
#include <fstream>

#include "cluster/cli/data_options.h"
#include "cluster/cli/orders_generator.h"
#include "cluster/cli/progress.h"
#include "runtime/adapters/system/system_clock.h"

namespace weir::cli {

namespace {

struct Options {
  OrdersOptions orders;
  double rate = 0;
  std::string truth, tables;
  bool events_given = false;
};

Result<void> write_file(const std::string& name, const std::string& text) {
  std::ofstream file(name, std::ios::binary | std::ios::trunc);
  file << text;
  file.flush();
  if (!file) return fail(Errc::io_failed, "cannot write {}", name);
  return {};
}

Result<void> write_tables(const std::string& directory) {
  std::error_code code;
  std::filesystem::create_directories(directory, code);
  if (code) return fail(Errc::io_failed, "cannot make {}: {}", directory, code.message());
  WEIR_TRY(write_file(directory + "/users.csv", orders_users_csv()));
  return write_file(directory + "/currency_rates.csv", orders_rates_csv());
}

int run(const Options& options) {
  if (!options.tables.empty()) {
    if (const auto written = write_tables(options.tables); !written) return report(written.error());
    if (!options.events_given) return kDone;
  }
  auto generator = OrdersGenerator::create(options.orders);
  if (!generator) return report(generator.error());
  const SystemClock clock;
  const TimePoint start = clock.now();
  Progress progress(clock, "generating", "lines", Stdout::meanwhile);
  std::string chunk;
  std::uint64_t made = 0;
  const std::size_t bytes = options.rate > 0 ? 32 * 1024 : 1024 * 1024;
  while (const std::uint64_t lines = generator->fill(chunk, bytes)) {
    made += lines;
    if (!to_stdout(chunk)) return kUnreadable;
    chunk.clear();
    progress.update(made, options.orders.events);
    if (options.rate <= 0) continue;
    std::fflush(stdout);
    const auto due = start + std::chrono::duration_cast<TimePoint>(std::chrono::duration<double>(static_cast<double>(made) / options.rate));
    clock.wait_until(due);
  }
  std::fflush(stdout);
  if (options.truth.empty()) return kDone;
  const auto written = write_file(options.truth, generator->truth().to_json() + "\n");
  return written ? kDone : report(written.error());
}

}  // namespace

Command make_generate(Level root) {
  auto options = std::make_shared<Options>();
  const Level app = root.add_command("generate", "Makes a workload and what must come out of it");
  app.require_command();
  app.footer("Example: weir generate orders --events 100000 --truth truth.json > orders.ndjson");
  const Level orders = app.add_command("orders", "Order events of about 300 bytes, with duplicates and invalid ones, to stdout");
  orders.footer("Example: weir generate orders --tables ./weir-data/orders-tables\n         weir generate orders --events 100000 --seed 7 --truth truth.json > orders.ndjson");
  const Option events = orders.add_option("--events", options->orders.events, "Lines, duplicates included").type_name("N");
  orders.add_option("--seed", options->orders.seed, "The same seed gives the same bytes").type_name("S");
  orders.add_option("--rate", options->rate, "Lines per second; 0: as fast as possible").type_name("R");
  orders.add_option("--duplicates", options->orders.duplicates, "Part of the lines that repeat an earlier one, 0 to 0.9").type_name("F");
  orders.add_option("--invalid", options->orders.invalid, "Part of the distinct events that are invalid, 0 to 1").type_name("F");
  orders.add_option("--truth", options->truth, "Writes what a correct run must answer, as JSON").type_name("FILE");
  orders.add_option("--tables", options->tables, "Writes the reference tables of orders.yaml; alone, makes no events").type_name("DIR");
  return {app, [=] {
            options->events_given = events.given();
            return run(*options);
          }};
}

}  // namespace weir::cli
