#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>
#include <iostream>

#include "actors/doors/frame_format.h"
#include "cluster/cli/config_options.h"
#include "cluster/cli/data_options.h"
#include "cluster/cli/terminal.h"
#include "cluster/cli/try_report.h"
#include "cluster/node/framed_input.h"
#include "runtime/adapters/system/system_clock.h"
#include "runtime/adapters/yaml/yaml_config_loader.h"

namespace weir::cli {

namespace {

struct Options {
  ConfigOptions config;
  std::string event, format, input;
  bool event_given = false;
  std::size_t events = 1;  // of `input`
  Output output = Output::table;
};

std::string_view what_to_type(RecordFormat format) {
  switch (format) {
    case RecordFormat::csv:
      return "the header line, then a line for each event";
    case RecordFormat::json:
      return "a JSON object, or an array of them";
    case RecordFormat::geojson:
      return "a GeoJSON Feature, or a FeatureCollection";
    case RecordFormat::cloudevents:
      return "a structured CloudEvent on each line";
    case RecordFormat::ndjson:
    case RecordFormat::any:
      break;
  }
  return "a JSON object on each line";
}

Result<std::string> read_stdin(RecordFormat format) {
  if (::isatty(STDIN_FILENO) != 0)
    fmt::print(stderr, "Type {}; end with Ctrl-D on a line of its own. (Or: weir try FILE --event TEXT)\n",
               what_to_type(format));
  std::string text;
  std::string piece(64 * 1024, '\0');
  while (std::cin.read(piece.data(), static_cast<std::streamsize>(piece.size())), std::cin.gcount() > 0) {
    text.append(piece, 0, static_cast<std::size_t>(std::cin.gcount()));
    if (text.size() > kFramedInputMax)
      return fail(Errc::limit_reached, "stdin: more than {} MiB are not looked at event by event; use `weir run`",
                  kFramedInputMax >> 20);
  }
  return text;
}

/// Of the command line, else of the pipeline; where neither says, what is typed is NDJSON, and a file has a name.
Result<RecordFormat> format_of(const Options& options, const PipelineConfig& pipeline) {
  if (!options.format.empty()) return parse_record_format(options.format);
  if (!options.input.empty()) return RecordFormat::any;
  return pipeline.record.format == RecordFormat::any ? RecordFormat::ndjson : pipeline.record.format;
}

bool is_object(const std::string& text, bool feature) {
  const auto value = parse_test_value(text);
  if (!value || value->kind != TestValue::Kind::map) return false;
  const TestValue* type = value->find("type");
  return !feature || (type != nullptr && type->text == "Feature");
}

/// What one copies out of a file is one object: a feature without its collection, lines that a tool has broken up. And
/// `weir dlq export --raw` writes features one a line.
RecordFormat format_of_text(const std::string& text, RecordFormat format) {
  const bool features = format == RecordFormat::geojson;
  if (!features && format != RecordFormat::ndjson) return format;
  if (is_object(text, features)) return RecordFormat::json;
  const bool lines = features && is_object(text.substr(0, text.find('\n')), true);
  return lines ? RecordFormat::ndjson : format;
}

struct FramedEvents {
  std::vector<DoorGroup> groups;
  std::string_view counted_by;
};

Result<FramedEvents> frame(const Options& options, const PipelineConfig& pipeline, RecordFormat format) {
  const SystemClock clock;
  FramedInputConfig config;
  config.door = "try";
  config.format = format;
  config.accepted_at = clock.wall();
  FramedEvents framed;
  const auto know_format = [&]() -> Result<void> {
    WEIR_ASSIGN(const InputFormat known, input_format_of_file(config.name, config.format, pipeline.record.format));
    framed.counted_by = counted_by(known.framing);
    return {};
  };
  if (!options.input.empty()) {
    config.name = options.input;
    config.events_enough = options.events;
    WEIR_TRY(know_format());
    WEIR_ASSIGN(framed.groups, frame_file(pipeline, config));
    return framed;
  }
  const bool given = options.event_given && options.event != "-";
  config.name = given ? "--event" : "stdin";
  WEIR_ASSIGN(const std::string text, given ? Result<std::string>(options.event) : read_stdin(format));
  config.format = format_of_text(text, format);
  WEIR_TRY(know_format());
  auto groups = frame_text(pipeline, text, config);
  if (!groups && format == RecordFormat::csv)
    return fail(groups.error().code, "{}; CSV begins with its header line", groups.error().context);
  if (!groups) return fail(std::move(groups.error()));
  framed.groups = std::move(*groups);
  return framed;
}

int run(const Options& options) {
  auto config = load_pipeline(options.config);
  if (!config) return report(config.error());
  const auto compiled = CompiledPipeline::compile(std::move(*config));
  if (!compiled) return report(compiled.error());
  const CompiledPipeline& pipeline = **compiled;
  const auto format = format_of(options, pipeline.config());
  if (!format) return report(format.error());
  const auto framed = frame(options, pipeline.config(), *format);
  if (!framed) return report(framed.error());
  const auto events = try_events(pipeline, framed->groups, options.input.empty() ? 0 : options.events);
  if (!events) return report(events.error());
  if (events->empty()) {
    return report(Error{Errc::invalid_argument,
                        fmt::format("there is no event in what was given; {} is wanted", what_to_type(*format))});
  }
  bool refused = false;
  const bool colours = may_decorate(STDOUT_FILENO);
  for (const TriedEvent& event : *events) {
    refused = refused || event.outcome == "dead_lettered";
    if (options.output == Output::json) continue;
    (void)to_stdout((&event == &events->front() ? "" : "\n") +
                    tried_text(event, framed->counted_by, pipeline.config().partitions, colours, table_width()));
  }
  if (options.output == Output::json) (void)to_stdout(tried_json(*events) + "\n");
  return refused ? kAnswerIsNo : kDone;
}

}  // namespace

Command make_try(Level root) {
  auto options = std::make_shared<Options>();
  const Level app = root.add_command(
      "try",
      "One event through all stages, in memory: the verdict and what changed after each, and the view rows it makes");
  app.footer(
      "Example: weir try configs/pipelines/count.yaml --event '{\"type\":\"click\"}'\n"
      "         head -n 3 sales.csv | weir try configs/pipelines/retail.yaml\n"
      "         weir try configs/pipelines/earthquakes.yaml --input earthquakes.geojson.gz\n"
      "Exit code 1: an event would become a dead letter.");
  add_pipeline(app, options->config);
  add_layers(app, options->config);
  const Option event = app.add_option("--event", options->event, "The event, in CSV behind its header line; - or nothing: stdin")
      .type_name("TEXT|-");
  const Option input =
      app.add_option("--input", options->input, "The first event of a file, .gz and .zst are read through")
          .type_name("FILE")
          .excludes(event);
  app.add_option("--events", options->events, "The first so many of the file")
      .type_name("N")
      .between(1, kTriedEventsMax)
      .needs(input)
      .shown_default("1");
  app.add_option("--format", options->format, "Of the event; the pipeline's unless given").one_of({"json", "ndjson", "csv", "cloudevents", "geojson"});
  const auto set = [options](const std::string& name) { options->output = name == "json" ? Output::json : Output::table; };
  app.add_option("--output", set, "For people, or for programs").one_of({"table", "json"})
      .shown_default("table");
  return {app, [options, event] {
            options->event_given = event.given();
            return run(*options);
          }};
}

}  // namespace weir::cli
