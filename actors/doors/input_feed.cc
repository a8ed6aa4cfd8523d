#include "actors/doors/input_feed.h"

#include <memory>

namespace weir {

namespace {

class InputFeed final : public DoorFeed {
 public:
  InputFeed(std::string name, std::unique_ptr<InputStream> stream, FileDoor door)
      : name_(std::move(name)), stream_(std::move(stream)), door_(std::move(door)) {}

  [[nodiscard]] const std::string& name() const override { return name_; }

  [[nodiscard]] Result<std::optional<DoorGroup>> next(UnixMicros accepted_at) override {
    while (!broken_) {
      switch (door_.step()) {
        case FileDoorStep::more:
          broken_ = read();
          break;
        case FileDoorStep::jump:
          if (auto skipped = stream_->skip_to(door_.jump_to()); !skipped) broken_ = std::move(skipped.error());
          break;
        case FileDoorStep::group:
          return take(accepted_at);
        case FileDoorStep::finished:
          return std::nullopt;
        case FileDoorStep::refused:
          return fail(door_.error());
      }
    }
    if (door_.has_group()) return take(accepted_at);
    return fail(*broken_);
  }

 private:
  [[nodiscard]] std::optional<Error> read() {
    const auto space = door_.space();
    auto count = stream_->read(space.data(), space.size());
    if (!count) return std::move(count.error());
    if (*count == 0) {
      door_.ended();
    } else {
      door_.filled(*count);
    }
    return std::nullopt;
  }
  [[nodiscard]] DoorGroup take(UnixMicros accepted_at) {
    const std::uint64_t before = door_.events();
    DoorGroup group;
    group.group = door_.take(accepted_at);
    group.events = door_.events() - before;
    return group;
  }

  std::string name_;
  std::unique_ptr<InputStream> stream_;
  FileDoor door_;
  std::optional<Error> broken_;  // the stream's; its whole frames are given first
};

}  // namespace

DoorFeedOpener make_input_feed(InputFeedConfig config) {
  return [config = std::move(config),
          opened_once = false](const EventLog& log) mutable -> Result<std::unique_ptr<DoorFeed>> {
    FileDoorConfig door_config = config.door;
    WEIR_ASSIGN(OpenedInput opened, config.open());
    std::optional<std::string> position;
    if (opened.identity) {
      door_config.source = source_name(*opened.identity, config.occurrence);
      position = log.source_position(*door_config.source);
    } else if (opened_once) {
      return fail(Errc::input_unreadable,
                  "input {}: it cannot be read a second time, and what was read of it before the door failed is gone",
                  door_config.input);
    } else {
      door_config.source.reset();
    }
    opened_once = true;
    std::string name = door_config.router.door;
    WEIR_ASSIGN(FileDoor door, FileDoor::open(std::move(door_config), position));
    return std::make_unique<InputFeed>(std::move(name), std::move(opened.stream), std::move(door));
  };
}

}  // namespace weir
