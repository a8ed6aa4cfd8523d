#include "actors/doors/source_feed.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace weir {

namespace {

constexpr std::chrono::milliseconds kPauseMin{1};
constexpr std::chrono::milliseconds kPauseMax = std::chrono::hours(1);
/// Of a failure that does not say when to ask again.
constexpr std::chrono::milliseconds kFailurePause{1'000};

class SourceFeed final : public DoorFeed {
 public:
  explicit SourceFeed(const SourceFeedConfig& config) : config_(config), router_(config.router), source_(config.make()) {}

  void open(const std::string& position) { source_->open(position); }
  [[nodiscard]] const std::string& name() const override { return config_.router.door; }

  [[nodiscard]] Result<std::optional<DoorGroup>> next(UnixMicros accepted_at) override {
    if (at_ == polled_.records.size()) {
      if (polled_.ended) return std::nullopt;
      if (const auto pause = std::exchange(polled_.pause, {}); pause.count() > 0) {
        if (config_.ends_when_idle) return std::nullopt;
        return rest(std::clamp(pause, kPauseMin, kPauseMax));
      }
      poll();
      if (polled_.records.empty()) {
        // Asked at once for ever, it would never let the door have its turn.
        if (!polled_.ended && polled_.pause.count() == 0) return rest(kPauseMin);
        return next(accepted_at);
      }
    }
    return collect(accepted_at);
  }

  void durable(const AppendGroup& group) override {
    for (const SourcePosition& position : group.positions) source_->durable(position.position);
  }

 private:
  void poll() {
    at_ = 0;
    polled_ = {};  // first: what is thrown leaves nothing half done
    polled_ = source_->poll();
    if (!polled_.failed.empty()) {
      polled_.pause = std::max(polled_.pause.count() == 0 ? kFailurePause : polled_.pause, kPauseMin);
      if (!std::exchange(failing_, true)) tell(LogLevel::warn, "it cannot be asked, and is asked again: " + polled_.failed);
    } else if (std::exchange(failing_, false)) {
      tell(LogLevel::info, "it goes on");
    }
  }

  [[nodiscard]] static std::optional<DoorGroup> rest(std::chrono::milliseconds pause) {
    DoorGroup wait;
    wait.ask_again = pause;
    return wait;
  }

  [[nodiscard]] std::optional<DoorGroup> collect(UnixMicros accepted_at) {
    std::optional<std::string> position;
    while (at_ < polled_.records.size()) {
      const PolledRecord& record = polled_.records[at_++];
      Frame frame;
      text_.assign(record.frame);
      text_.resize(record.frame.size() + kBlockPadding, '\0');
      frame.raw = std::string_view(text_).substr(0, record.frame.size());
      frame.line = ++line_;
      if (frame.raw.size() > config_.event_bytes_max) frame.flags = frame_flag::oversize;
      if (record.position) position = record.position;
      if (router_.add(frame)) break;
    }
    DoorGroup group;
    group.events = router_.events();
    group.group = router_.take(accepted_at);
    if (position) group.group.positions.push_back({config_.source, std::move(*position)});
    return group;
  }

  void tell(LogLevel level, const std::string& text) const { config_.logbook->write(level, "door/" + config_.router.door, text); }

  SourceFeedConfig config_;
  Router router_;
  std::unique_ptr<RecordSource> source_;
  PolledRecords polled_;
  std::size_t at_ = 0;  // of what was polled
  std::string text_;
  std::uint64_t line_ = 0;
  bool failing_ = false;
};

}  // namespace

std::string source_of_input(const std::string& input, const std::string& kind) { return fmt::format("source:{}:{}", input, kind); }

DoorFeedOpener make_source_feed(SourceFeedConfig config) {
  return [config = std::move(config)](const EventLog& log) -> Result<std::unique_ptr<DoorFeed>> {
    auto feed = std::make_unique<SourceFeed>(config);
    feed->open(log.source_position(config.source).value_or(""));
    return feed;
  };
}

}  // namespace weir
