#include "cluster/node/input_meter.h"

#include <algorithm>

namespace weir {

namespace {

class MeteredStream final : public InputStream {
 public:
  MeteredStream(std::unique_ptr<InputStream> stream, std::shared_ptr<InputMeter> meter, std::size_t input)
      : stream_(std::move(stream)), meter_(std::move(meter)), input_(input) {}

  [[nodiscard]] Result<std::size_t> read(char* to, std::size_t size) override {
    auto count = stream_->read(to, size);
    meter_->reached(input_, stream_->stored_place());
    return count;
  }
  [[nodiscard]] Result<void> skip_to(std::uint64_t place) override {
    auto skipped = stream_->skip_to(place);
    meter_->reached(input_, stream_->stored_place());
    return skipped;
  }
  [[nodiscard]] std::uint64_t place() const override { return stream_->place(); }
  [[nodiscard]] std::uint64_t stored_place() const override { return stream_->stored_place(); }

 private:
  std::unique_ptr<InputStream> stream_;
  std::shared_ptr<InputMeter> meter_;
  std::size_t input_;
};

}  // namespace

void InputMeter::add(std::optional<std::uint64_t> size) {
  places_.emplace_back(0);
  known_ = known_ && size.has_value();
  total_ += size.value_or(0);
}

std::optional<double> InputMeter::part() const noexcept {
  if (!known_ || total_ == 0) return std::nullopt;
  std::uint64_t read = 0;
  for (const auto& place : places_) read += place.load(std::memory_order_relaxed);
  return std::min(1.0, static_cast<double>(read) / static_cast<double>(total_));
}

OpenedInput metered(OpenedInput opened, std::shared_ptr<InputMeter> meter, std::size_t input) {
  opened.stream = std::make_unique<MeteredStream>(std::move(opened.stream), std::move(meter), input);
  return opened;
}

}  // namespace weir
