#include "cluster/cli/bench_path_data.h"

#include <algorithm>
#include <condition_variable>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <vector>

#include "actors/doors/input_feed.h"
#include "cluster/node/views_file.h"
#include "runtime/adapters/embedded_log/embedded_log.h"
#include "runtime/adapters/system/data_directory.h"
#include "runtime/adapters/system/system_clock.h"
#include "runtime/base/invariant.h"

namespace weir::cli {

namespace fs = std::filesystem;

namespace {

/// The generator as an input. Its maker keeps it, to ask it for the truth.
class OrdersStream final : public InputStream {
 public:
  explicit OrdersStream(OrdersGenerator& generator) : generator_(generator) {}
  Result<std::size_t> read(char* to, std::size_t size) override {
    if (at_ == text_.size()) {
      text_.clear();
      at_ = 0;
      if (generator_.fill(text_, 1024 * 1024) == 0) return 0;
    }
    const std::size_t count = std::min(size, text_.size() - at_);
    std::memcpy(to, text_.data() + at_, count);
    at_ += count;
    place_ += count;
    return count;
  }
  Result<void> skip_to(std::uint64_t) override {
    return fail(Errc::internal, "generated orders are read from the beginning");
  }
  std::uint64_t place() const override { return place_; }

 private:
  OrdersGenerator& generator_;
  std::string text_;
  std::size_t at_ = 0;
  std::uint64_t place_ = 0;
};

InputFeedConfig orders_feed(const PipelineConfig& pipeline, OrdersGenerator& generator) {
  InputFeedConfig config;
  config.door.input = "orders";
  config.door.framing.framing = Framing::lines;
  config.door.framing.limits.event_bytes_max = pipeline.limits.event_bytes_max;
  config.door.router.partitions = pipeline.partitions;
  config.door.router.format = FrameFormat::json;
  config.door.router.id = event_id_rule(pipeline.record.id, FrameFormat::json);
  config.door.router.door = "file:orders.ndjson";
  config.open = [&generator]() -> Result<OpenedInput> {
    OpenedInput opened;
    opened.stream = std::make_unique<OrdersStream>(generator);
    return opened;
  };
  return config;
}

/// Hands everything of a feed to the log, a few groups at a time, and waits for the last one.
Result<void> append_all(EventLog& log, DoorFeed& feed, const Clock& clock) {
  constexpr int kOutstandingMax = 8;
  std::mutex mutex;
  std::condition_variable changed;
  int outstanding = 0;
  Result<void> result;
  const auto wait_below = [&](int limit) {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return outstanding < limit; });
    return result;
  };
  Result<void> ended;
  while (ended) {
    auto group = feed.next(clock.wall());
    if (!group) ended = fail(std::move(group.error()));
    if (!group || !*group) break;
    ended = wait_below(kOutstandingMax);
    if (!ended) break;
    {
      const std::scoped_lock lock(mutex);
      ++outstanding;
    }
    auto receipt = log.append(std::move((*group)->group), [&](Result<void> done) {
      const std::scoped_lock lock(mutex);
      --outstanding;
      if (!done) result = std::move(done);
      changed.notify_one();
    });
    if (!receipt) {
      const std::scoped_lock lock(mutex);
      --outstanding;
      ended = fail(std::move(receipt.error()));
    }
  }
  Result<void> last = wait_below(1);
  return ended ? last : ended;
}

}  // namespace

Result<OrdersTruth> prefill_orders(const PipelineConfig& pipeline, const std::string& data, std::uint64_t events) {
  OrdersOptions options;
  options.events = events;
  WEIR_ASSIGN(OrdersGenerator generator, OrdersGenerator::create(options));
  const SystemClock clock;
  SystemRng rng;
  DataIdentity identity;
  identity.pipeline = pipeline.name;
  identity.partitions = pipeline.partitions;
  identity.wall_text = wall_text(pipeline);
  auto directory = DataDirectory::open(data, identity, clock, rng);
  if (!directory) return fail(std::move(directory.error()));
  WEIR_TRY(write_views_file(*directory, pipeline));
  EmbeddedLogOptions log_options;
  log_options.directory = log_directory(data);
  log_options.partitions = pipeline.partitions;
  WEIR_ASSIGN(const auto log, open_embedded_log(log_options, clock, rng));
  const DoorFeedOpener open = make_input_feed(orders_feed(pipeline, generator));
  WEIR_ASSIGN(const auto feed, open(*log));
  WEIR_TRY(append_all(*log, *feed, clock));
  log->close();
  return generator.truth();
}

Result<void> read_through(const std::string& directory) {
  std::vector<char> buffer(1 << 20);
  try {
    for (const auto& entry : fs::recursive_directory_iterator(directory)) {
      if (!entry.is_regular_file()) continue;
      std::ifstream file(entry.path(), std::ios::binary);
      while (file.read(buffer.data(), static_cast<std::streamsize>(buffer.size()))) {
      }
      if (!file.eof()) return fail(Errc::io_failed, "cannot read {}", entry.path().string());
    }
  } catch (const fs::filesystem_error& e) {
    return fail(Errc::io_failed, "{}", e.what());
  }
  return {};
}

Result<void> copy_prefilled(const std::string& from, const std::string& to) {
  try {
    fs::remove_all(to);
    for (const auto& entry : fs::recursive_directory_iterator(from)) {
      const fs::path target = fs::path(to) / fs::relative(entry.path(), from);
      if (entry.is_directory()) {
        fs::create_directories(target);
        continue;
      }
      fs::create_directories(target.parent_path());
      const std::string name = entry.path().filename().string();
      if (name.starts_with("spare-")) continue;  // would be written
      if (name.starts_with("segment-")) {
        fs::create_hard_link(entry.path(), target);
      } else {
        fs::copy_file(entry.path(), target);
      }
    }
  } catch (const fs::filesystem_error& e) {
    return fail(Errc::io_failed, "{}", e.what());
  }
  return {};
}

}  // namespace weir::cli
