// A door that follows files, without actors: files, time and kills are moved by hand, the log is the one in memory.
#pragma once
#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "actors/doors/follow_feed.h"
#include "runtime/adapters/memory/memory_event_log.h"
#include "runtime/adapters/memory/memory_input_files.h"
#include "tests/support/catch.h"

namespace weir::test {

using namespace std::chrono_literals;

class HandClock final : public Clock {
 public:
  [[nodiscard]] TimePoint now() const override { return at; }
  [[nodiscard]] UnixMicros wall() const override { return 1'700'000'000'000'000; }
  TimePoint at{0};
};
class LineLogbook final : public Logbook {
 public:
  void write(LogLevel, std::string_view, std::string_view text) noexcept override { lines.emplace_back(text); }
  std::vector<std::string> lines;
};
class CountingRng final : public Rng {
 public:
  [[nodiscard]] std::uint64_t next() override { return ++last_; }

 private:
  std::uint64_t last_ = 0;
};

struct World {
  explicit World(std::vector<std::string> include = {"/logs/app.log"}) {
    config.include = std::move(include);
    config.follow = true;
    log = open_memory_log(disk, [this](std::function<void()> task) { tasks.push_back(std::move(task)); });
  }

  void start() {
    FollowFeedConfig setup;
    setup.input = "files";
    setup.config = config;
    setup.files = &files;
    setup.clock = &clock;
    setup.logbook = &logbook;
    setup.gauges = gauges;
    setup.buffers_bytes_max = buffers_bytes_max;
    setup.format = [this](const std::string& path, std::optional<Framing> begun_as) -> Result<FollowedFormat> {
      WEIR_ASSIGN(const InputFormat format, input_format_of_file(path, config.format, RecordFormat::ndjson));
      FollowedFormat made;
      begun.push_back(begun_as);
      made.door.input = path;
      made.door.framing.framing = format.framing;
      made.door.router.partitions = 1;
      made.door.router.format = format.frames;
      made.door.router.batch_events_max = batch_events_max;
      made.door.router.door = "file:" + path;
      made.whole = format.framing == Framing::json || format.framing == Framing::geojson;
      return made;
    };
    auto opened = make_follow_feed(std::move(setup))(*log);
    REQUIRE(opened.has_value());
    feed = std::move(*opened);
  }
  /// What was given out and not appended is gone with it.
  void kill() { feed.reset(); }
  void restart() {
    kill();
    start();
  }

  /// One group into the log. False: the feed has nothing now, or has ended.
  bool step() {
    auto next = feed->next(clock.wall());
    REQUIRE(next.has_value());
    ended = !next->has_value();
    if (ended || (*next)->ask_again.count() > 0) return false;
    DoorGroup& group = **next;
    if (sabotage == Sabotage::positions_lost) group.group.positions.clear();
    if (sabotage == Sabotage::batches_lost && ++sabotaged % 7 == 0) group.group.batches.clear();
    if (group.group.batches.empty() && group.group.positions.empty()) return true;
    for (const PartitionBatch& part : group.group.batches) {
      const auto batch = IngestBatch::decode(part.bytes).value();
      for (std::uint32_t i = 0; i < batch.count(); ++i) events.emplace_back(batch.event(i).raw);
    }
    bool durable = false;
    const auto receipt =
        log->append(std::move(group.group), [&durable](Result<void> done) { durable = done.has_value(); });
    REQUIRE(receipt.has_value());
    while (!tasks.empty())
      for (auto& task : std::exchange(tasks, {})) task();
    REQUIRE(durable);
    ++groups;
    return true;
  }
  /// Everything there is to read now.
  void drain() {
    while (step()) {
    }
  }
  void pass(std::chrono::milliseconds duration) {
    clock.at += duration;
    drain();
  }
  /// Since the last call.
  std::vector<std::string> taken() { return std::exchange(events, {}); }
  std::size_t positions() { return log->source_positions("follow:").size(); }
  std::size_t told(std::string_view what) const {
    return static_cast<std::size_t>(
        std::count_if(logbook.lines.begin(), logbook.lines.end(),
                      [&](const std::string& line) { return line.find(what) != std::string::npos; }));
  }

  /// What is done to groups behind the feed's back, for tests of tests.
  enum class Sabotage : std::uint8_t { none, positions_lost, batches_lost } sabotage = Sabotage::none;
  int sabotaged = 0;
  FilesInputConfig config;
  std::shared_ptr<FilesGauges> gauges = std::make_shared<FilesGauges>();
  std::size_t buffers_bytes_max = 32 * 1024 * 1024;
  std::uint32_t batch_events_max = 4;
  MemoryInputFiles files;
  HandClock clock;
  LineLogbook logbook;
  CountingRng rng;
  std::vector<std::function<void()>> tasks;
  std::shared_ptr<MemoryDisk> disk = std::make_shared<MemoryDisk>(1, rng);
  std::unique_ptr<EventLog> log;
  std::unique_ptr<DoorFeed> feed;
  std::vector<std::string> events;
  std::vector<std::optional<Framing>> begun;  // what the feed asked formats with
  std::size_t groups = 0;
  bool ended = false;
};

using Texts = std::vector<std::string>;

}  // namespace weir::test
