#include "runtime/adapters/memory/memory_sink.h"

#include <fmt/format.h>

namespace weir {

namespace {
/// The next fault of a kind, if one is armed.
template <class Fault>
std::optional<Fault> armed(std::deque<Fault>& faults) {
  if (faults.empty()) return std::nullopt;
  Fault first = std::move(faults.front());
  faults.pop_front();
  return first;
}
}  // namespace

Result<void> MemorySinkTarget::open(const std::string& state) {
  if (auto fault = armed(store_->open_errors)) return fail(std::move(*fault));
  staged_.clear();
  WEIR_TRY(publish(state));
  store_->prepared.clear();
  return {};
}

void MemorySinkTarget::send(std::shared_ptr<const SinkBatch> batch, SinkAnswered answered) {
  SinkAnswer answer;
  if (auto fault = armed(store_->answers)) answer = std::move(*fault);
  if (answer.kind == SinkAnswer::Kind::taken || answer.kind == SinkAnswer::Kind::full) {
    store_->keys.push_back(batch->key);
    for (const SinkItem& item : batch->items) (store_->hides ? staged_ : store_->shown).emplace_back(item.text);
  }
  answered(std::move(answer));
}

Result<std::string> MemorySinkTarget::prepare() {
  if (auto fault = armed(store_->prepare_errors)) return fail(std::move(*fault));
  const std::string state = fmt::format("{}", ++store_->prepares);
  store_->prepared[state] = std::exchange(staged_, {});
  return state;
}

Result<void> MemorySinkTarget::publish(const std::string& state) {
  if (auto fault = armed(store_->publish_errors)) return fail(std::move(*fault));
  for (std::string& text : std::exchange(store_->prepared[state], {})) store_->shown.push_back(std::move(text));
  return {};
}

Result<std::optional<SinkCursor>> MemorySinkCursors::load(const std::string& sink, PartitionId partition) {
  const std::scoped_lock lock(mutex_);
  const auto known = cursors_.find({sink, partition.value});
  if (known == cursors_.end()) return std::optional<SinkCursor>{};
  WEIR_ASSIGN(SinkCursor cursor, decode_cursor(known->second));
  return std::optional<SinkCursor>(std::move(cursor));
}

Result<void> MemorySinkCursors::store(const std::string& sink, PartitionId partition, const SinkCursor& cursor) {
  const std::scoped_lock lock(mutex_);
  if (auto fault = armed(errors_)) return fail(std::move(*fault));
  cursors_[{sink, partition.value}] = encode_cursor(cursor);
  return {};
}

Result<std::vector<std::string>> MemorySinkCursors::sinks() {
  const std::scoped_lock lock(mutex_);
  std::vector<std::string> names;
  for (const auto& [place, cursor] : cursors_) {
    if (names.empty() || names.back() != place.first) names.push_back(place.first);
  }
  return names;
}

Result<void> MemorySinkCursors::remove(const std::string& sink) {
  const std::scoped_lock lock(mutex_);
  const auto gone = std::erase_if(cursors_, [&](const auto& entry) { return entry.first.first == sink; });
  if (gone == 0) return fail(Errc::not_found, "there is no cursor of a sink {}", sink);
  return {};
}

}  // namespace weir
