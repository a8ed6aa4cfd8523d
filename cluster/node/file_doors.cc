#include "cluster/node/file_doors.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "actors/doors/door_actor.h"
#include "actors/doors/follow_feed.h"
#include "runtime/adapters/compress/input_directory.h"
#include "runtime/engine/required_columns.h"

namespace weir {

namespace {

/// Of a file whose new name says something else, or nothing.
InputFormat begun_format(Framing framing, RecordFormat pipeline) {
  if (framing == Framing::csv) return {framing, FrameFormat::csv};
  const bool cloudevents = pipeline == RecordFormat::cloudevents && framing != Framing::geojson;
  return {framing, cloudevents ? FrameFormat::cloudevents : FrameFormat::json};
}

FollowFeedConfig feed_config(OpenPipeline& open, const FilesInput& input, const FilesInputConfig& files,
                             const Clock& clock, Logbook& logbook) {
  FollowFeedConfig config;
  config.input = input.name;
  config.config = files;
  config.clock = &clock;
  config.logbook = &logbook;
  config.gauges = input.gauges;
  config.buffers_bytes_max = open.memory().files_bytes_max / open.files_inputs().size();
  config.format = [&pipeline = open.config(), named = files.format, name = input.name](
                      const std::string& path, std::optional<Framing> begun_as) -> Result<FollowedFormat> {
    auto format = input_format_of_file(path, named, pipeline.record.format);
    if (begun_as && named == RecordFormat::any && (!format || format->framing != *begun_as))
      format = begun_format(*begun_as, pipeline.record.format);
    if (!format)
      return fail(format.error().code,
                  "file {}: nothing says what it holds: its name ends in none of .ndjson .jsonl .csv .json .geojson; "
                  "say `format` at the input {}, or record.format (json, ndjson, csv, cloudevents, geojson)",
                  path, name);
    const bool whole = format->framing == Framing::json || format->framing == Framing::geojson;
    return FollowedFormat{file_door_config(pipeline, path, *format), whole};
  };
  return config;
}

/// The opener outlives the feeds it makes, and the files they read: all belong to the door.
DoorFeedOpener opener(FollowFeedConfig config) {
  const std::shared_ptr<InputFiles> files = make_input_files();
  config.files = files.get();
  return [files, open = make_follow_feed(std::move(config))](const EventLog& log) mutable { return open(log); };
}

}  // namespace

FileDoorConfig file_door_config(const PipelineConfig& pipeline, const std::string& input, const InputFormat& format) {
  FileDoorConfig door;
  door.input = input;
  door.framing.framing = format.framing;
  door.framing.limits.event_bytes_max = pipeline.limits.event_bytes_max;
  door.framing.csv.separator = pipeline.record.csv.separator;
  door.framing.csv.record_lines_max = pipeline.record.csv.record_lines_max;
  door.router.partitions = pipeline.partitions;
  door.router.format = format.frames;
  door.router.id = event_id_rule(pipeline.record.id, format.frames);
  door.router.separator = pipeline.record.csv.separator;
  // An event carries at most 1 KiB of it; the end of a long path says most.
  constexpr std::size_t kPathShown = 1'000;
  door.router.door = input == "stdin"             ? input
                     : input.size() <= kPathShown ? "file:" + input
                                                  : "file:…" + input.substr(input.size() - kPathShown);
  if (format.framing == Framing::csv) door.required_columns = required_columns(pipeline);
  return door;
}

std::vector<PipelineDoor> file_doors(OpenPipeline& open, const Clock& clock, Logbook& logbook) {
  std::vector<PipelineDoor> doors;
  for (const InputConfig& input : open.config().inputs) {
    const auto* files = std::get_if<FilesInputConfig>(&input.body);
    if (files == nullptr) continue;
    const FilesInput& known = open.files_inputs()[doors.size()];
    DoorSetup door;
    door.log = &open.log();
    door.clock = &clock;
    door.logbook = &logbook;
    door.open = opener(feed_config(open, known, *files, clock, logbook));
    door.name = "files:" + input.name;
    door.ids_max = open.config().dedupe.ids_max;
    door.bytes_max = std::max<std::uint64_t>(1u << 20, open.memory().live_bytes_max / open.files_inputs().size());
    door.pressure = &open.pressure();
    door.waits = true;
    doors.push_back({door.name, [spawn = door_spawner(door), gauges = known.gauges](caf::event_based_actor* supervisor, std::shared_ptr<ActorEntry> entry) {
                       gauges->running = true;
                       return spawn(supervisor, std::move(entry));
                     }});
  }
  return doors;
}

void note_finished(const OpenPipeline& open, const DoorFinished& finished, Logbook& logbook) {
  for (const InputConfig& input : open.config().inputs) {
    const auto* source = std::get_if<PluginInputConfig>(&input.body);
    if (source == nullptr || finished.door != source->kind_name + ":" + input.name) continue;
    const std::string who = "door/" + finished.door;
    if (finished.result) {
      logbook.write(LogLevel::info, who, fmt::format("it has ended, {} event{}; it is asked again at the next start", finished.events, finished.events == 1 ? "" : "s"));
    } else if (finished.result.error().code != Errc::cancelled) {
      logbook.write(LogLevel::error, who, "it reads no more until the next start: " + describe(finished.result.error()));
    }
  }
  for (const FilesInput& input : open.files_inputs()) {
    if (finished.door != "files:" + input.name) continue;
    input.gauges->running = false;
    const std::string who = "door/" + finished.door;
    if (finished.result) {
      const std::uint64_t failing = input.gauges->failing;
      logbook.write(failing == 0 ? LogLevel::info : LogLevel::warn, who,
                    fmt::format("{}, {} event{}; without `follow: true` it reads no more until the next start",
                                failing == 0 ? "everything there was read"
                                             : fmt::format("what could be read was read, {} file{} or director{} could not",
                                                           failing, failing == 1 ? "" : "s", failing == 1 ? "y" : "ies"),
                                finished.events, finished.events == 1 ? "" : "s"));
    } else if (finished.result.error().code != Errc::cancelled) {
      logbook.write(LogLevel::error, who,
                    "it reads no more until the next start: " + describe(finished.result.error()));
    }
  }
}

}  // namespace weir
