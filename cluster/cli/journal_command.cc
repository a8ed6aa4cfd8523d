#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "cluster/cli/data_options.h"
#include "cluster/cli/progress.h"
#include "runtime/adapters/embedded_log/journal_tools.h"
#include "runtime/adapters/system/data_directory.h"
#include "runtime/adapters/system/system_clock.h"
#include "runtime/base/hash.h"
#include "runtime/base/units.h"

namespace weir::cli {

namespace {

struct Options {
  std::string data;
  Output output = Output::table;
};

std::string mebibytes(std::uint64_t bytes) { return fmt::format("{:.1f} MiB", static_cast<double>(bytes) / (1024.0 * 1024.0)); }

int verify(const Options& options) {
  if (const auto there = DataDirectory::look(options.data, false); !there && there.error().code == Errc::not_found) return report(there.error());
  const SystemClock clock;
  Progress progress(clock, "verifying", "bytes");
  const auto found = verify_journals(log_directory(options.data), nullptr, progress.of_log());
  progress.clear();
  if (!found) return report(found.error());
  if (options.output == Output::json) {
    nlohmann::ordered_json json;
    json["segments"] = found->segments;
    json["frames"] = found->frames;
    json["batches"] = found->batches;
    json["bytes"] = found->bytes;
    json["damage"] = found->damage;
    json["notes"] = found->notes;
    (void)to_stdout(json.dump() + "\n");
  } else {
    for (const std::string& note : found->notes) fmt::print("note    {}\n", note);
    for (const std::string& damage : found->damage) fmt::print("DAMAGE  {}\n", damage);
    fmt::print("{} segments, {} frames, {} batches, {}: {}\n", found->segments, with_separators(found->frames), with_separators(found->batches),
               mebibytes(found->bytes), found->damage.empty() ? "everything is as it was written" : "damaged");
  }
  return found->damage.empty() ? kDone : kAnswerIsNo;
}

int stat(const Options& options) {
  const auto found = stat_journals(log_directory(options.data));
  if (!found) return report(found.error());
  nlohmann::ordered_json json;
  json["log_id"] = to_hex(found->log_id);
  json["segment_bytes"] = found->segment_bytes;
  for (const JournalStat::Journal* journal : {&found->ingest, &found->output}) {
    nlohmann::ordered_json one;
    one["segments"] = nlohmann::ordered_json::array();
    for (const auto& segment : journal->segments)
      one["segments"].push_back({{"file", segment.file}, {"first_sequence", segment.first_sequence}, {"used_bytes", segment.used_bytes}});
    one["spares"] = journal->spares;
    one["side_files"] = journal->side_files;
    one["last_sequence"] = journal->last_sequence;
    json[journal->name] = std::move(one);
  }
  json["partitions"] = nlohmann::ordered_json::array();
  std::vector<Row> rows;
  for (const auto& p : found->partitions) {
    json["partitions"].push_back({{"partition", p.partition},       {"epoch", p.epoch},
                                  {"ingest_begin", p.ingest_begin}, {"ingest_end", p.ingest_end},
                                  {"ingest_bytes", p.ingest_bytes}, {"committed", p.committed},
                                  {"output_begin", p.output_begin}, {"output_end", p.output_end},
                                  {"output_bytes", p.output_bytes}});
    rows.push_back({{number_cell("partition", p.partition), number_cell("epoch", p.epoch), number_cell("ingest_begin", p.ingest_begin),
                     number_cell("ingest_end", p.ingest_end), number_cell("committed", p.committed), number_cell("commits", p.output_end)}});
  }
  if (options.output == Output::json) {
    (void)to_stdout(json.dump() + "\n");
    return kDone;
  }
  if (options.output == Output::table) {
    fmt::print("log {}, segments of {}\n", to_hex(found->log_id), format_size(found->segment_bytes));
    for (const JournalStat::Journal* journal : {&found->ingest, &found->output}) {
      std::uint64_t used = 0;
      for (const auto& segment : journal->segments) used += segment.used_bytes;
      fmt::print("{}: {} segments, {}, {} spare, last frame {}, {}\n", journal->name, journal->segments.size(), mebibytes(used), journal->spares,
                 journal->last_sequence, journal->recovery.closed_cleanly ? "closed cleanly" : "not closed cleanly");
    }
    std::fflush(stdout);
  }
  write_rows(options.output, {"partition", "epoch", "ingest_begin", "ingest_end", "committed", "commits"}, rows);
  return kDone;
}

}  // namespace

Command make_journal(Level root) {
  auto options = std::make_shared<Options>();
  const Level app = root.add_command("journal", "Checks and describes the journal files of a stopped node");
  app.require_command();
  app.footer("Example: weir journal verify --data ./sales");
  const Level verifier = app.add_command("verify", "Reads every byte past the page cache and checks it; exit code 1: damage");
  verifier.footer("Example: weir journal verify --data ./sales");
  add_data(verifier, options->data, true);
  add_output(verifier, options->output);
  const Level describer = app.add_command("stat", "Segments, positions, sizes");
  describer.footer("Example: weir journal stat --data ./sales --output json");
  add_data(describer, options->data, true);
  add_output(describer, options->output);
  return {app, [=] { return verifier.parsed() ? verify(*options) : stat(*options); }};
}

}  // namespace weir::cli
