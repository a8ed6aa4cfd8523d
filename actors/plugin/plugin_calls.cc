#include "actors/plugin/plugin_calls.h"

#include <fmt/format.h>

#include <algorithm>
#include <new>
#include <stdexcept>
#include <vector>

#include "runtime/base/json_text.h"

namespace weir {

namespace {

constexpr std::size_t kReasonMax = 64;
constexpr std::size_t kDetailMax = 1'024;

bool good_reason(std::string_view reason) {
  return !reason.empty() && reason.size() <= kReasonMax && std::all_of(reason.begin(), reason.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.';
  });
}

std::string good_detail(std::string_view text) {
  std::string detail(text.substr(0, kDetailMax));
  if (is_valid_utf8(detail)) return detail;
  for (char& c : detail) {
    if (static_cast<unsigned char>(c) >= 0x80) c = '?';
  }
  return detail;
}

void check_call(std::uint32_t how, const PluginMessage& message) {
  if (how == WEIR_NO_MEMORY) throw std::bad_alloc();
  if (how != WEIR_DECIDED) throw std::runtime_error(std::string(message.view()));
}

}  // namespace

PluginCalls::PluginCalls(const StageConfig& config) : name_(config.name), kind_(std::get<PluginStageConfig>(config.body).kind) {}

PluginCalls::~PluginCalls() {
  if (made_ != nullptr) kind_->raw.destroy(made_);
}

Result<std::unique_ptr<const PluginCalls>> PluginCalls::make(const StageConfig& config, StageContext& context) {
  auto calls = std::unique_ptr<PluginCalls>(new PluginCalls(config));
  WEIR_ASSIGN(calls->when_, Condition::compile(config.when, context.fields));
  calls->fields_.plan = &context.fields;
  WEIR_TRY(calls->create(std::get<PluginStageConfig>(config.body)));
  return std::unique_ptr<const PluginCalls>(std::move(calls));
}

Result<void> PluginCalls::create(const PluginStageConfig& config) {
  const std::vector<weir_key_value> values = key_values(*kind_, config.values);
  PluginMessage why;
  made_ = kind_->raw.create(&fields_, values.data(), &why.raw);
  if (made_ != nullptr) return {};
  return fail(Errc::config_invalid, "stage \"{}\": {}", name_, fields_.wrong.empty() ? why.view() : std::string_view(fields_.wrong));
}

PluginPlace& PluginCalls::place(ChainBatch& batch, std::size_t at, PluginPlaces& to) const {
  PluginPlace& place = to.next(at);
  place.raw = {&batch, &batch.events()[at], &fields_, &place.answer, splits(), &place.parts, {}};
  return place;
}

void PluginCalls::decide(PluginPlace& place, PluginMessage& message) const {
  message.raw.size = 0;
  check_call(kind_->raw.decide(made_, &place.raw, &message.raw), message);
}

void PluginCalls::decide_batch(std::span<weir_event* const> events, PluginMessage& message) const {
  message.raw.size = 0;
  check_call(kind_->raw.decide_batch(made_, events.data(), events.size(), &message.raw), message);
}

void PluginCalls::resume(PluginPlace& place, std::string_view answer, PluginMessage& message) const {
  place.answer = {};
  place.raw.mail = nullptr;
  message.raw.size = 0;
  check_call(kind_->raw.resume(made_, &place.raw, {answer.data(), answer.size()}, &message.raw), message);
}

bool PluginCalls::take(ChainBatch& batch, PluginPlace& place) const {
  ChainEvent& event = batch.events()[place.event];
  const PluginAnswer& answer = place.answer;
  if (!answer.mistake.empty()) throw std::logic_error(answer.mistake);
  if (!answer.no_text.empty()) {
    batch.reject(event, name_, "encoding", fmt::format("{}: the text is not valid UTF-8", answer.no_text));
    return false;
  }
  switch (answer.verdict) {
    case WEIR_PASS:
      if (answer.too_many) batch.reject(event, name_, "output_too_large", fmt::format("the event has more than {} parts", kEventPartsMax));
      return false;
    case WEIR_FILTER:
      batch.filter(event);
      return false;
    case WEIR_REJECT_RANGE:
      batch.reject(event, name_, "number_range", answer.detail);
      return false;
    case WEIR_REJECT:
    case WEIR_RETRY:
      give_reason(batch, event, answer);
      return false;
    case WEIR_PENDING:
      check_pending(place);
      return true;
    default:
      throw std::logic_error(fmt::format("it answers with verdict {}, which is none", answer.verdict));
  }
}

void PluginCalls::check_pending(const PluginPlace& place) const {
  if (kind_->raw.resume == nullptr)
    throw std::logic_error("it answers pending() and has no resume(); write weir::Verdict resume(weir::Event event, std::string_view answer) const");
  if (place.raw.mail == nullptr) throw std::logic_error("resume() answers pending(); what it has been asked for is to be decided now");
  if (!place.raw.completing) throw std::logic_error("it answers pending() and nobody can answer; take a weir::Completion of the event first");
  if (!place.parts.empty()) throw std::logic_error("it adds records and answers pending(); add them in resume()");
}

void PluginCalls::give_reason(ChainBatch& batch, ChainEvent& event, const PluginAnswer& answer) const {
  if (!good_reason(answer.reason))
    throw std::logic_error(fmt::format("\"{}\" is no reason: write 1 to {} letters, digits, '_', '-' or '.'", answer.reason.substr(0, kReasonMax), kReasonMax));
  const std::string_view reason = batch.arena().copy("stage:" + answer.reason);
  if (answer.verdict == WEIR_RETRY) return put_off(batch, event, reason, answer.detail);
  batch.reject(event, name_, reason, good_detail(answer.detail));
}

void PluginCalls::put_off(ChainBatch& batch, ChainEvent& event, std::string_view reason, std::string_view detail) const {
  batch.retry(event, name_, reason, good_detail(detail));
}

void PluginCalls::split(ChainBatch& batch, const PluginPlaces& places) const {
  ChainSplit out(batch, *fields_.plan);
  std::size_t next = 0;
  const std::span<ChainEvent> events = batch.events();
  for (std::size_t i = 0; i < events.size(); ++i) {
    ChainEvent& event = events[i];
    while (next < places.size() && places[next].event < i) ++next;
    const bool mine = next < places.size() && places[next].event == i;
    if (!mine || event.verdict != Verdict::pass || places[next].parts.empty()) {
      if (event.verdict == Verdict::reject) {
        out.reject(event);
      } else {
        out.keep(event);
      }
      continue;
    }
    for (const weir_event& made : places[next].parts) {
      ChainEvent* const part = out.add_part(event);
      if (part == nullptr) {
        batch.reject(event, name_, "output_too_large", fmt::format("the event has more than {} parts", kEventPartsMax));
        out.reject(event);
        break;
      }
      part->document = made.part.document;
    }
  }
  out.finish();
}

}  // namespace weir
