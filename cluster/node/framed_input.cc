#include "cluster/node/framed_input.h"

#include <algorithm>
#include <cstring>

#include "actors/doors/file_door.h"
#include "runtime/adapters/compress/open_input.h"
#include "runtime/engine/required_columns.h"

namespace weir {

namespace {

class TextStream final : public InputStream {
 public:
  explicit TextStream(std::string_view text) : text_(text) {}
  [[nodiscard]] Result<std::size_t> read(char* to, std::size_t size) override {
    const std::size_t count = std::min(size, text_.size() - at_);
    std::memcpy(to, text_.data() + at_, count);
    at_ += count;
    return count;
  }
  [[nodiscard]] Result<void> skip_to(std::uint64_t place) override {
    at_ = std::min<std::size_t>(place, text_.size());
    return {};
  }
  [[nodiscard]] std::uint64_t place() const override { return at_; }

 private:
  std::string_view text_;
  std::size_t at_ = 0;
};

FileDoorConfig door_config(const PipelineConfig& pipeline, const FramedInputConfig& config, InputFormat format) {
  FileDoorConfig door;
  door.input = config.name;
  door.framing.framing = format.framing;
  door.framing.limits.event_bytes_max = pipeline.limits.event_bytes_max;
  door.framing.csv.separator = pipeline.record.csv.separator;
  door.framing.csv.record_lines_max = pipeline.record.csv.record_lines_max;
  door.router.partitions = pipeline.partitions;
  door.router.format = format.frames;
  door.router.id = event_id_rule(pipeline.record.id, format.frames);
  door.router.separator = pipeline.record.csv.separator;
  door.router.door = config.door;
  if (format.framing == Framing::csv) door.required_columns = required_columns(pipeline);
  return door;
}

Result<std::vector<DoorGroup>> frame(const PipelineConfig& pipeline, InputStream& stream,
                                     const FramedInputConfig& config) {
  WEIR_ASSIGN(const InputFormat format, input_format_of_file(config.name, config.format, pipeline.record.format));
  WEIR_ASSIGN(FileDoor door, FileDoor::open(door_config(pipeline, config, format), std::nullopt));
  std::vector<DoorGroup> groups;
  for (;;) {
    switch (door.step()) {
      case FileDoorStep::more: {
        const std::span<char> space = door.space();
        WEIR_ASSIGN(const std::size_t count, stream.read(space.data(), space.size()));
        if (stream.place() > kFramedInputMax) {
          return fail(Errc::limit_reached,
                      "{}: more than {} MiB are not held in memory; use `weir run` for large inputs", config.name,
                      kFramedInputMax >> 20);
        }
        if (count == 0) {
          door.ended();
        } else {
          door.filled(count);
        }
        break;
      }
      case FileDoorStep::jump:
        WEIR_TRY(stream.skip_to(door.jump_to()));
        break;
      case FileDoorStep::group: {
        const std::uint64_t before = door.events();
        AppendGroup group = door.take(config.accepted_at);
        groups.push_back({std::move(group), door.events() - before});
        if (config.events_enough != 0 && door.events() >= config.events_enough) return groups;
        break;
      }
      case FileDoorStep::finished:
        return groups;
      case FileDoorStep::refused:
        return fail(door.error());
    }
  }
}

}  // namespace

Result<std::vector<DoorGroup>> frame_text(const PipelineConfig& pipeline, std::string_view text,
                                          const FramedInputConfig& config) {
  TextStream stream(text);
  return frame(pipeline, stream, config);
}

Result<std::vector<DoorGroup>> frame_file(const PipelineConfig& pipeline, const FramedInputConfig& config) {
  WEIR_ASSIGN(OpenedInput opened, open_input(config.name));
  return frame(pipeline, *opened.stream, config);
}

}  // namespace weir
