#include "actors/plugin/plugin_stage.h"

#include <fmt/format.h>

#include <algorithm>
#include <new>
#include <span>
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

}  // namespace

/// Of one partition.
struct PluginStage::Work final : StageMemory {
  struct Place {
    std::size_t event;  // in the batch
    PluginAnswer answer;
    std::deque<weir_event> parts;
    weir_event raw;
  };
  std::deque<Place> places;  // of the events that this stage gets; the first `used` of them
  std::size_t used = 0;
  bool split = false;
  std::vector<weir_event*> all;
  PluginMessage message;

  Place& next(std::size_t event) {
    if (used == places.size()) places.emplace_back();
    Place& place = places[used++];
    place.event = event;
    place.answer = {};
    place.parts.clear();
    return place;
  }
};

PluginStage::PluginStage(const StageConfig& config) : name_(config.name), kind_(std::get<PluginStageConfig>(config.body).kind) {}

PluginStage::~PluginStage() {
  if (made_ != nullptr) kind_->raw.destroy(made_);
}

Result<std::unique_ptr<Stage>> PluginStage::compile(const StageConfig& config, StageContext& context) {
  auto stage = std::unique_ptr<PluginStage>(new PluginStage(config));
  WEIR_ASSIGN(stage->when_, Condition::compile(config.when, context.fields));
  stage->fields_.plan = &context.fields;
  WEIR_TRY(stage->create(std::get<PluginStageConfig>(config.body)));
  return std::unique_ptr<Stage>(std::move(stage));
}

Result<void> PluginStage::create(const PluginStageConfig& config) {
  const std::vector<weir_key_value> values = key_values(*kind_, config.values);
  PluginMessage why;
  made_ = kind_->raw.create(&fields_, values.data(), &why.raw);
  if (made_ != nullptr) return {};
  return fail(Errc::config_invalid, "stage \"{}\": {}", name_, fields_.wrong.empty() ? why.view() : std::string_view(fields_.wrong));
}

void PluginStage::process(ChainBatch& batch, StageScratch& scratch) const {
  auto& memory = scratch.own[this];
  if (memory == nullptr) memory = std::make_unique<Work>();
  auto& work = static_cast<Work&>(*memory);
  work.used = 0;
  work.split = false;
  work.all.clear();
  if (kind_->raw.decide_batch != nullptr) {
    decide_all(batch, scratch, work);
  } else {
    decide_each(batch, scratch, work);
  }
  if (work.split) split(batch, work);
}

void PluginStage::decide_each(ChainBatch& batch, StageScratch& scratch, Work& work) const {
  const bool splits = kind_->raw.splits != 0;
  const std::span<ChainEvent> events = batch.events();
  for (std::size_t i = 0; i < events.size(); ++i) {
    if (events[i].verdict != Verdict::pass || !when_.holds(events[i], batch)) continue;
    Work::Place& place = work.next(i);
    place.raw = {&batch, &events[i], &fields_, &place.answer, splits, &place.parts, {}};
    scratch.inside(batch, events[i]);
    work.message.raw.size = 0;
    const std::uint32_t how = kind_->raw.decide(made_, &place.raw, &work.message.raw);
    if (how == WEIR_NO_MEMORY) throw std::bad_alloc();
    if (how != WEIR_DECIDED) throw std::runtime_error(std::string(work.message.view()));
    take(batch, work, work.used - 1);
    if (!splits) work.used = 0;  // its memory for the next one
  }
  scratch.inside_all(batch);
}

void PluginStage::decide_all(ChainBatch& batch, StageScratch&, Work& work) const {
  const std::span<ChainEvent> events = batch.events();
  for (std::size_t i = 0; i < events.size(); ++i) {
    if (events[i].verdict != Verdict::pass || !when_.holds(events[i], batch)) continue;
    Work::Place& place = work.next(i);
    place.raw = {&batch, &events[i], &fields_, &place.answer, kind_->raw.splits != 0, &place.parts, {}};
    work.all.push_back(&place.raw);
  }
  if (work.all.empty()) return;
  work.message.raw.size = 0;
  const std::uint32_t how = kind_->raw.decide_batch(made_, work.all.data(), work.all.size(), &work.message.raw);
  if (how == WEIR_NO_MEMORY) throw std::bad_alloc();
  if (how != WEIR_DECIDED) throw std::runtime_error(std::string(work.message.view()));
  for (std::size_t i = 0; i < work.used; ++i) take(batch, work, i);
}

void PluginStage::take(ChainBatch& batch, Work& work, std::size_t at) const {
  Work::Place& place = work.places[at];
  ChainEvent& event = batch.events()[place.event];
  const PluginAnswer& answer = place.answer;
  if (!answer.mistake.empty()) throw std::logic_error(answer.mistake);
  if (!answer.no_text.empty()) return batch.reject(event, name_, "encoding", fmt::format("{}: the text is not valid UTF-8", answer.no_text));
  switch (answer.verdict) {
    case WEIR_PASS:
      if (answer.too_many) return batch.reject(event, name_, "output_too_large", fmt::format("the event has more than {} parts", kEventPartsMax));
      work.split = work.split || !place.parts.empty();
      return;
    case WEIR_FILTER:
      return batch.filter(event);
    case WEIR_REJECT_RANGE:
      return batch.reject(event, name_, "number_range", answer.detail);
    case WEIR_REJECT:
    case WEIR_RETRY:
      return give_reason(batch, event, answer);
    default:
      throw std::logic_error(fmt::format("it answers with verdict {}, which is none", answer.verdict));
  }
}

void PluginStage::give_reason(ChainBatch& batch, ChainEvent& event, const PluginAnswer& answer) const {
  if (!good_reason(answer.reason))
    throw std::logic_error(fmt::format("\"{}\" is no reason: write 1 to {} letters, digits, '_', '-' or '.'", answer.reason.substr(0, kReasonMax), kReasonMax));
  const std::string_view reason = batch.arena().copy("stage:" + answer.reason);
  std::string detail = answer.detail.substr(0, kDetailMax);
  if (!is_valid_utf8(detail)) {
    for (char& c : detail) {
      if (static_cast<unsigned char>(c) >= 0x80) c = '?';
    }
  }
  if (answer.verdict == WEIR_RETRY) return batch.retry(event, name_, reason, detail);
  batch.reject(event, name_, reason, detail);
}

void PluginStage::split(ChainBatch& batch, const Work& work) const {
  ChainSplit out(batch, *fields_.plan);
  std::size_t next = 0;
  const std::span<ChainEvent> events = batch.events();
  for (std::size_t i = 0; i < events.size(); ++i) {
    ChainEvent& event = events[i];
    while (next < work.used && work.places[next].event < i) ++next;
    const bool mine = next < work.used && work.places[next].event == i;
    if (!mine || event.verdict != Verdict::pass || work.places[next].parts.empty()) {
      if (event.verdict == Verdict::reject) {
        out.reject(event);
      } else {
        out.keep(event);
      }
      continue;
    }
    for (const weir_event& made : work.places[next].parts) {
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
