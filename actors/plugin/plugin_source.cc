#include "actors/plugin/plugin_source.h"

#include <fmt/format.h>

#include <chrono>
#include <new>
#include <stdexcept>
#include <utility>
#include <vector>

namespace weir {

namespace {

weir_text to_abi(std::string_view text) { return {text.data(), text.size()}; }

void check_call(std::uint32_t how, const PluginMessage& why) {
  if (how == WEIR_NO_MEMORY) throw std::bad_alloc();
  if (how != WEIR_DECIDED) throw std::runtime_error(std::string(why.view()));
}

}  // namespace

PluginSource::PluginSource(const InputConfig& config, std::string pipeline)
    : name_(config.name), pipeline_(std::move(pipeline)), config_(std::get<PluginInputConfig>(config.body)) {}

PluginSource::~PluginSource() {
  if (made_ != nullptr) config_.kind->raw.destroy(made_);
}

Result<void> PluginSource::check(const InputConfig& config) { return PluginSource(config, {}).create(); }

Result<void> PluginSource::create() {
  const std::vector<weir_key_value> values = key_values(*config_.kind, config_.values);
  PluginMessage why;
  made_ = config_.kind->raw.create(&fields_, values.data(), &why.raw);
  if (made_ != nullptr) return {};
  return fail(Errc::config_invalid, "input \"{}\": {}", name_, why.view());
}

void PluginSource::open(const std::string& position) {
  if (const auto created = create(); !created) throw std::runtime_error(created.error().context);
  const weir_input_place place{to_abi(pipeline_), to_abi(name_)};
  PluginMessage why;
  check_call(config_.kind->raw.open(made_, &place, to_abi(position), &why.raw), why);
}

PolledRecords PluginSource::poll() {
  weir_source_out out;
  PluginMessage reason, why;
  weir_source_answer answer{WEIR_SOURCE_MORE, 0, 0, reason.raw};
  check_call(config_.kind->raw.poll(made_, &out, &answer, &why.raw), why);
  if (!out.mistake.empty()) throw std::logic_error(out.mistake);
  reason.raw = answer.reason;
  PolledRecords polled;
  polled.records = std::move(out.records);
  // Rounded up: a pause of less than a millisecond is one.
  if (answer.pause > 0) polled.pause = std::chrono::ceil<std::chrono::milliseconds>(std::chrono::microseconds(answer.pause));
  switch (answer.kind) {
    case WEIR_SOURCE_MORE:
      polled.pause = {};
      return polled;
    case WEIR_SOURCE_IDLE:
      if (polled.pause.count() == 0) polled.pause = std::chrono::milliseconds(1);
      return polled;
    case WEIR_SOURCE_ENDED:
      polled.ended = true;
      return polled;
    case WEIR_SOURCE_FAILED:
      polled.failed = reason.view().empty() ? "it does not say why" : reason.view();
      return polled;
    default:
      throw std::logic_error(fmt::format("it answers {}, which is no answer", answer.kind));
  }
}

void PluginSource::durable(const std::string& position) {
  PluginMessage why;
  check_call(config_.kind->raw.durable(made_, to_abi(position), &why.raw), why);
}

}  // namespace weir
