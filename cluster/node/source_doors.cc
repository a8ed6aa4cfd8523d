#include "cluster/node/source_doors.h"

#include <fmt/format.h>

#include <algorithm>

#include "actors/doors/door_actor.h"
#include "actors/doors/frame_format.h"
#include "actors/plugin/plugin_source.h"

namespace weir {

SourceFeedConfig source_feed_config(const PipelineConfig& pipeline, const InputConfig& input) {
  const auto& body = std::get<PluginInputConfig>(input.body);
  SourceFeedConfig config;
  config.source = source_of_input(input.name, body.kind_name);
  config.router.partitions = pipeline.partitions;
  config.router.format = pipeline.record.format == RecordFormat::cloudevents ? FrameFormat::cloudevents : FrameFormat::json;
  config.router.id = event_id_rule(pipeline.record.id, config.router.format);
  config.router.door = body.kind_name + ":" + input.name;
  config.event_bytes_max = pipeline.limits.event_bytes_max;
  config.make = [input, name = pipeline.name] { return std::make_unique<PluginSource>(input, name); };
  return config;
}

std::vector<PipelineDoor> source_doors(OpenPipeline& open, const Clock& clock, Logbook& logbook) {
  std::vector<PipelineDoor> doors;
  const std::vector<InputConfig>& inputs = open.config().inputs;
  const auto sources = std::count_if(inputs.begin(), inputs.end(), [](const InputConfig& input) { return std::holds_alternative<PluginInputConfig>(input.body); });
  for (const InputConfig& input : inputs) {
    if (!std::holds_alternative<PluginInputConfig>(input.body)) continue;
    SourceFeedConfig feed = source_feed_config(open.config(), input);
    feed.logbook = &logbook;
    DoorSetup door;
    door.log = &open.log();
    door.clock = &clock;
    door.logbook = &logbook;
    door.open = make_source_feed(feed);
    door.name = feed.router.door;
    door.ids_max = open.config().dedupe.ids_max;
    door.bytes_max = std::max<std::uint64_t>(1u << 20, open.memory().live_bytes_max / static_cast<std::uint64_t>(sources));
    door.pressure = &open.pressure();
    door.waits = true;
    doors.push_back({door.name, door_spawner(door)});
  }
  return doors;
}

}  // namespace weir
