#include "actors/plugin/plugin_sink.h"

#include <fmt/format.h>

#include <chrono>
#include <new>
#include <stdexcept>
#include <utility>
#include <vector>

namespace weir {

namespace {

/// What Retry-After may say of http, too: longer pauses are the plugin's mistake.
constexpr std::chrono::hours kPauseMax{1};

weir_text to_abi(std::string_view text) { return {text.data(), text.size()}; }
weir_position to_abi(const SinkPosition& at) { return {at.through.value, at.taken}; }

}  // namespace

PluginSinkTarget::PluginSinkTarget(const SinkConfig& config, std::string pipeline, PartitionId partition)
    : name_(config.name), pipeline_(std::move(pipeline)), partition_(partition), config_(std::get<PluginSinkConfig>(config.body)) {}

PluginSinkTarget::~PluginSinkTarget() {
  if (made_ != nullptr) config_.kind->raw.destroy(made_);
}

Result<void> PluginSinkTarget::check(const SinkConfig& config) { return PluginSinkTarget(config, {}, PartitionId{0}).create(); }

Result<void> PluginSinkTarget::create() {
  const std::vector<weir_key_value> values = key_values(*config_.kind, config_.values);
  PluginMessage why;
  made_ = config_.kind->raw.create(&fields_, values.data(), &why.raw);
  if (made_ != nullptr) return {};
  return fail(Errc::config_invalid, "sink \"{}\": {}", name_, fields_.wrong.empty() ? why.view() : std::string_view(fields_.wrong));
}

template <class Call>
SinkAnswer PluginSinkTarget::ask(Call call) const {
  PluginMessage reason, why;
  weir_sink_answer answer{WEIR_SINK_DONE, 0, 0, reason.raw};
  const std::uint32_t how = call(&answer, &why.raw);
  if (how == WEIR_NO_MEMORY) throw std::bad_alloc();
  if (how != WEIR_DECIDED) throw std::runtime_error(shown(why.view()));
  reason.raw = answer.reason;
  SinkAnswer out;
  out.reason = shown(reason.view());
  if (answer.pause > 0) out.pause = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::microseconds(answer.pause));
  out.pause = std::min<std::chrono::milliseconds>(out.pause, kPauseMax);
  switch (answer.kind) {
    case WEIR_SINK_DONE:
      return out;
    case WEIR_SINK_FAILED:
      out.kind = SinkAnswer::Kind::failed;
      break;
    case WEIR_SINK_REFUSED:
      out.kind = SinkAnswer::Kind::refused;
      break;
    case WEIR_SINK_UNUSABLE:
      out.kind = SinkAnswer::Kind::unusable;
      break;
    default:
      throw std::logic_error(fmt::format("it answers {}, which is no answer", answer.kind));
  }
  if (out.reason.empty()) out.reason = "it does not say why";
  return out;
}

Result<void> PluginSinkTarget::open(const std::string&) {
  if (made_ == nullptr) {
    if (const auto created = create(); !created) throw std::runtime_error(created.error().context);
  }
  const weir_sink_place place{to_abi(pipeline_), to_abi(name_), partition_.value, 0};
  const SinkAnswer answer = ask([&](weir_sink_answer* to, weir_message* why) { return config_.kind->raw.open(made_, &place, to, why); });
  if (answer.kind == SinkAnswer::Kind::failed) return fail(Errc::io_failed, "{}", answer.reason);
  // There is no batch that could be refused.
  if (answer.kind == SinkAnswer::Kind::refused) throw std::logic_error("open() answers refused, and there is no batch yet: " + answer.reason);
  if (answer.kind == SinkAnswer::Kind::unusable) unusable_ = answer.reason;
  return {};
}

void PluginSinkTarget::send(std::shared_ptr<const SinkBatch> batch, SinkAnswered answered) {
  if (!unusable_.empty()) return answered({SinkAnswer::Kind::unusable, unusable_, {}});
  arena_.clear();
  std::vector<PluginRecord> records;
  std::vector<weir_event> events(batch->items.size());
  std::vector<const weir_event*> pointers;
  std::vector<weir_position> behind;
  records.reserve(events.size());
  for (const SinkItem& item : batch->items) {
    records.push_back({arena_.copy(item.text), arena_.copy(item.id), arena_.copy(item.type), arena_.copy(item.source), item.event_time, partition_, &arena_, {}});
    weir_event& event = events[pointers.size()];
    event.fields = &fields_;
    event.record = &records.back();
    pointers.push_back(&event);
    behind.push_back(to_abi(item.behind));
  }
  const weir_sink_batch raw{to_abi(batch->key), pointers.data(), behind.data(), pointers.size(), to_abi(batch->from), to_abi(batch->to)};
  answered(ask([&](weir_sink_answer* to, weir_message* why) { return config_.kind->raw.write(made_, &raw, to, why); }));
}

}  // namespace weir
