#include "actors/plugin/service_actor.h"

#include <fmt/format.h>

#include <caf/actor_cast.hpp>
#include <caf/config.hpp>

#include "actors/plugin/plugin_host.h"

/// What a service has in its hands of the node, from its start until nothing of it is left.
struct weir_service_life {
  std::string service, who;
  std::shared_ptr<weir::ServiceDesk> desk;
  std::shared_ptr<weir::ActorEntry> entry;
  caf::actor_addr supervisor;
};

namespace weir {

namespace {

weir_text to_abi(std::string_view text) { return {text.data(), text.size()}; }
std::string text_of(weir_text text) { return {text.data, static_cast<std::size_t>(text.size)}; }

std::vector<std::pair<std::string, std::string>> parameters_of(const weir_parameter* parameters, std::uint64_t count) {
  std::vector<std::pair<std::string, std::string>> out;
  for (std::uint64_t i = 0; i < count; ++i) out.emplace_back(text_of(parameters[i].name), text_of(parameters[i].value));
  return out;
}

ServiceAnswer answer_to(weir_service_answer answer, void* to) {
  return [answer, to](std::uint32_t status, std::string_view text) { answer(to, status, to_abi(text)); };
}

void release(weir_service_life* life) { delete life; }

void log(weir_service_life* life, std::uint32_t level, weir_text text) {
  life->desk->log(static_cast<LogLevel>(std::min<std::uint32_t>(level, WEIR_LOG_ERROR)), life->who, shown(text_of(text)));
}

void note(weir_service_life* life, weir_text text) { life->entry->note(shown(text_of(text))); }

void queue(weir_service_life* life, std::uint64_t count) { life->entry->load(count, 0); }

void failed(weir_service_life* life, weir_text why) {
  if (const auto supervisor = caf::actor_cast<caf::actor>(life->supervisor))
    caf::anon_send(supervisor, ActorFailed{life->who, {Errc::internal, shown(text_of(why))}});
}

void rows(weir_service_life* life, weir_text view, const weir_text* key, std::uint64_t key_count, const weir_parameter* parameters,
          std::uint64_t parameter_count, weir_service_answer answer, void* to) {
  RowsQuestion question{life->service, text_of(view), {}, parameters_of(parameters, parameter_count)};
  for (std::uint64_t i = 0; i < key_count; ++i) question.key.push_back(text_of(key[i]));
  life->desk->rows(std::move(question), answer_to(answer, to));
}

void put(weir_service_life* life, weir_text events, weir_text content_type, const weir_parameter* parameters, std::uint64_t parameter_count,
         weir_service_answer answer, void* to) {
  life->desk->put({life->service, text_of(events), text_of(content_type), parameters_of(parameters, parameter_count)}, answer_to(answer, to));
}

constexpr weir_service_host kHost = {release, log, note, queue, failed, rows, put};
static_assert(WEIR_LOG_DEBUG == static_cast<int>(LogLevel::debug) && WEIR_LOG_ERROR == static_cast<int>(LogLevel::error), "the levels of both sides");

std::string placed(const ServiceConfig& config, std::string_view text) {
  const ConfigPlace& place = config.place;
  const std::string where = place.line == 0 ? place.file : fmt::format("{}:{}:{}", place.file, place.line, place.column);
  return fmt::format("{}: service \"{}\": {}", where, config.name, text);
}

}  // namespace

ServiceGround service_ground() {
  return {own_service_stamp(CAF_VERSION), reinterpret_cast<const void*>(&caf::scheduled_actor::default_exit_handler)};
}

Result<void> check_service(const ServiceConfig& config) {
  const std::vector<weir_key_value> values = key_values(*config.kind, config.values);
  PluginMessage why;
  if (config.kind->raw.check(values.data(), &why.raw) == WEIR_DECIDED) return {};
  return fail(Errc::config_invalid, "{}", placed(config, shown(why.view())));
}

Result<caf::actor> start_service(caf::event_based_actor* supervisor, const ServiceConfig& config, const ServicePlace& place,
                                 std::shared_ptr<ActorEntry> entry) {
  const std::vector<weir_key_value> values = key_values(*config.kind, config.values);
  PluginMessage why;
  caf::actor started;
  auto* const life = new weir_service_life{config.name, "service/" + config.name, place.desk, std::move(entry), supervisor->address()};
  const weir_service_start start{&kHost,     life, to_abi(place.node), to_abi(place.pipeline), to_abi(config.name), supervisor, &started,
                                 place.own_thread ? 1u : 0u, 0};
  if (config.kind->raw.start(&start, values.data(), &why.raw) == WEIR_DECIDED && started) return started;
  return fail(Errc::internal, "{}", why.raw.size == 0 ? "it could not be started" : shown(why.view()));
}

}  // namespace weir
