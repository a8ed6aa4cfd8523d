#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "actors/doors/file_door.h"
#include "cluster/cli/data_options.h"
#include "cluster/cli/ingest_sender.h"
#include "cluster/cli/node_client.h"
#include "cluster/cli/progress.h"
#include "cluster/cli/signals.h"
#include "cluster/node/input_meter.h"
#include "runtime/adapters/compress/open_input.h"
#include "runtime/adapters/curl/curl_client.h"
#include "runtime/adapters/system/system_clock.h"
#include "runtime/base/units.h"

namespace weir::cli {

namespace {

struct Options {
  std::vector<std::string> files;
  std::string format, acked_to, node = kNodeDefault, give_up_after = "10m";
  std::uint32_t in_flight = 4;
  NodeTrust trust;
};

/// The ids of acknowledged events, one a line, behind what the file has already.
class AckedFile {
 public:
  [[nodiscard]] Result<void> open(const std::string& name) {
    file_ = std::fopen(name.c_str(), "ae");
    if (file_ == nullptr) return fail(Errc::invalid_argument, "--acked-to {}: {}", name, std::strerror(errno));
    name_ = name;
    return {};
  }
  ~AckedFile() {
    if (file_ != nullptr) std::fclose(file_);
  }
  [[nodiscard]] Result<void> write(const IngestRequest& request) {
    if (file_ == nullptr) return {};
    text_.clear();
    for (const IngestRequest::Event& event : request.events) {
      // An id is text and may hold a line end: one a line is what readers count on.
      for (const char c : event.id) c == '\n' ? text_ += "\\n" : c == '\r' ? text_ += "\\r" : text_ += c;
      text_ += '\n';
    }
    if (std::fwrite(text_.data(), 1, text_.size(), file_) != text_.size() || std::fflush(file_) != 0)
      return fail(Errc::io_failed, "--acked-to {}: {}", name_, std::strerror(errno));
    return {};
  }

 private:
  std::FILE* file_ = nullptr;
  std::string name_, text_;
};

FileDoorConfig door_config(const std::string& name, const InputFormat& format, const NodePipeline& pipeline) {
  FileDoorConfig config;
  config.input = name == "-" ? "stdin" : name;
  config.framing.framing = format.framing;
  config.framing.limits.event_bytes_max = pipeline.event_bytes_max;
  config.framing.csv.separator = pipeline.record.csv.separator;
  config.framing.csv.record_lines_max = pipeline.record.csv.record_lines_max;
  config.router.partitions = pipeline.partitions;
  config.router.format = format.frames;
  config.router.id = event_id_rule(pipeline.record.id, format.frames);
  config.router.separator = pipeline.record.csv.separator;
  config.router.door = "http";  // as the node's door: an id may be made of it
  return config;
}

/// What the door has collected, as requests.
Result<void> hand_on(const std::string& name, FileDoor& door, RequestMaker& maker) {
  const AppendGroup group = door.take(0);
  for (const PartitionBatch& batch : group.batches) {
    WEIR_ASSIGN(const IngestBatch decoded, IngestBatch::decode(batch.bytes));
    if (auto added = maker.add(batch.partition, decoded); !added)
      return fail(added.error().code, "input {}, {}", name, added.error().context);
  }
  return {};
}

/// Reads one input to its end, or until `sending` is false.
Result<void> read_input(const std::string& name, const InputFormat& format, const NodePipeline& pipeline,
                        RequestMaker& maker, const bool& sending, const std::shared_ptr<InputMeter>& meter, std::size_t number) {
  WEIR_ASSIGN(OpenedInput opened, open_input(name));
  opened = metered(std::move(opened), meter, number);
  WEIR_ASSIGN(FileDoor door, FileDoor::open(door_config(name, format, pipeline), std::nullopt));
  maker.begin(format, name == "-" ? "stdin" : name);
  while (sending) {
    switch (door.step()) {
      case FileDoorStep::more: {
        const auto space = door.space();
        const auto count = opened.stream->read(space.data(), space.size());
        if (!count) {
          // Whole frames before the damage are good.
          if (door.has_group()) WEIR_TRY(hand_on(name, door, maker));
          return fail(count.error());
        }
        *count == 0 ? door.ended() : door.filled(*count);
        break;
      }
      case FileDoorStep::group:
        WEIR_TRY(hand_on(name, door, maker));
        break;
      case FileDoorStep::jump:
      case FileDoorStep::finished:
        return {};
      case FileDoorStep::refused:
        return fail(door.error());
    }
  }
  return {};
}

/// Of a file; nullopt: it is none, or is told so when it is opened.
std::optional<std::uint64_t> stored_size(const std::string& name) {
  std::error_code code;
  if (name == "-" || !std::filesystem::is_regular_file(name, code)) return std::nullopt;
  const auto size = std::filesystem::file_size(name, code);
  return code ? std::nullopt : std::optional<std::uint64_t>(size);
}

struct Plan {
  CurlSettings client;
  NodePipeline pipeline;
  std::vector<InputFormat> formats;  // of each file
  std::chrono::microseconds give_up_after{0};
};

/// Everything that can be wrong before a byte is sent.
Result<Plan> make_plan(const Options& options) {
  Plan plan;
  RecordFormat format = RecordFormat::any;
  if (!options.format.empty()) {
    WEIR_ASSIGN(format, parse_record_format(options.format));
  }
  const auto time = parse_duration(options.give_up_after);
  if (!time) return fail(Errc::invalid_argument, "--give-up-after {}: {}", options.give_up_after, time.error().context);
  plan.give_up_after = *time;
  if (options.in_flight < 1 || options.in_flight > 64)
    return fail(Errc::invalid_argument, "--in-flight {}: allowed is 1 to 64", options.in_flight);
  WEIR_ASSIGN(plan.client, client_settings(options.trust));
  WEIR_ASSIGN(NodeClient node, NodeClient::open(options.node, options.trust));
  WEIR_ASSIGN(plan.pipeline, ask_pipeline(node));
  for (const std::string& name : options.files) {
    WEIR_ASSIGN(const InputFormat one, input_format_of_file(name, format, plan.pipeline.record.format));
    plan.formats.push_back(format_at_node(one, plan.pipeline.record.format));
  }
  return plan;
}

int run(const Options& options) {
  const std::atomic<int>& stop = watch_signals();
  const SystemClock clock;
  SystemRng rng;
  const auto plan = make_plan(options);
  if (!plan) return report(plan.error());
  AckedFile acked;
  if (!options.acked_to.empty())
    if (const auto opened = acked.open(options.acked_to); !opened) return report(opened.error());
  const TimePoint start = clock.now();
  Progress progress(clock, "sending", "events acknowledged");
  const auto meter = std::make_shared<InputMeter>();
  for (const std::string& file : options.files) meter->add(stored_size(file));
  IngestSenderConfig config;
  config.url = options.node;
  while (config.url.ends_with('/')) config.url.pop_back();
  config.lanes = options.in_flight;
  config.give_up_after = plan->give_up_after;
  config.client = [&plan] { return make_curl_client(plan->client); };
  config.acknowledged = [&acked](const IngestRequest& request) { return acked.write(request); };
  config.note = [&progress](const std::string& text) {
    progress.clear();
    fmt::print(stderr, "weir: {}\n", text);
  };
  IngestSender sender(std::move(config), clock, rng, stop);
  bool sending = true;
  RequestMaker maker({.lanes = options.in_flight}, [&](std::uint32_t lane, IngestRequest request) {
    sending = sending && sender.give(lane, std::move(request));
    progress.update_part(sender.totals().events, meter->part());
  });
  Result<void> read;
  for (std::size_t i = 0; i < options.files.size() && read && sending; ++i)
    read = read_input(options.files[i], plan->formats[i], plan->pipeline, maker, sending, meter, i);
  maker.flush();  // what was read before an error is sent
  const auto sent = sender.finish();
  progress.clear();
  const IngestTotals totals = sender.totals();
  const double seconds = std::chrono::duration<double>(clock.now() - start).count();
  fmt::print("{} events acknowledged by {} in {} requests, {:.2f} s, {} per second{}\n", with_separators(totals.events),
             options.node, with_separators(totals.requests), seconds,
             with_separators(static_cast<std::uint64_t>(static_cast<double>(totals.events) / std::max(seconds, 0.001))),
             totals.retries == 0 ? std::string() : fmt::format(", {} sent again", with_separators(totals.retries)));
  std::fflush(stdout);
  if (!sent && sent.error().code == Errc::cancelled && stop.load() != 0) {
    fmt::print(stderr,
               "weir: stopped by signal {}; what was acknowledged is kept, and sending all of it again does no harm\n",
               stop.load());
    return 128 + stop.load();
  }
  if (!sent) return report(sent.error());
  return read ? kDone : report(read.error());
}

}  // namespace

Command make_ingest(Level root) {
  auto options = std::make_shared<Options>();
  const Level app =
      root.add_command("ingest", "Send files to a running node, until everything in them is acknowledged");
  app.footer(
      "Example: weir ingest sales.csv.gz --acked-to acknowledged.txt\n"
      "         zcat sales.csv.gz | weir ingest - --format csv --node http://127.0.0.1:7070\n"
      "What is temporary is tried again: the node restarts, is overloaded, an answer is lost. An event that was sent "
      "twice counts\n"
      "as a duplicate. The order of the events of one id is kept.");
  app.add_option("files", options->files,
                  "Files to send, one after another; - is stdin; .gz and .zst are read through")
      .type_name("FILE")
      .shown_default("-");
  app.add_option("--format", options->format, "Of the files; else their names say it, else the pipeline").one_of({"json", "ndjson", "csv", "cloudevents", "geojson"});
  app.add_option("--acked-to", options->acked_to,
                  "Write the id of every acknowledged event to the end of this file, one a line")
      .type_name("FILE");
  app.add_option("--in-flight", options->in_flight, "Requests under way at the same time, 1 to 64")
      .type_name("N")
      .shown_default("4");
  app.add_option("--give-up-after", options->give_up_after, "How long one request is tried again")
      .type_name("DURATION")
      .shown_default("10m");
  add_node(app, options->node);
  add_trust(app, options->trust);
  return {app, [options] {
            if (options->files.empty()) options->files.emplace_back("-");
            return run(*options);
          }};
}

}  // namespace weir::cli
