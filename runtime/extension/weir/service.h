// A service of your own: an actor of CAF's that runs in a node beside the pipeline, for what is no stage, source, sink or view: something
// that watches a view and tells somebody, that asks a server now and then and puts what it says in as events, that speaks another protocol.
//
//   class Alarm : public weir::Service {
//    public:
//     using Config = AlarmConfig;                          // weir::NoConfig, if there is nothing to say
//     Alarm(caf::actor_config& actor, weir::ServiceContext context, const Config& config) : Service(actor, std::move(context)), config_(config) {}
//     caf::behavior make_behavior() override {             // what is thrown anywhere here is a crash: another one is started
//       rows("total");
//       return {[this](const weir::RowsAnswer& total) { … }};
//     }
//   };
//   WEIR_SERVICE("alarm", Alarm)
//
// Raw CAF: what an actor may do there, it may do here; CAF's own rules hold (no state shared with other actors, messages are values). It
// has a thread of its own, so a call that waits holds up nobody but itself, and the end of the node; its constructor has not, and only looks
// at its configuration. Actors that it spawns share the node's threads; link them (caf::linked), so that they end with it: when it dies, and with end(). Names, log, board,
// rows and events of the node: the functions of weir::Service, all of which may be called in its handlers only, and none of which waits.
//
// It keeps nothing that is durable: after a crash, as after a restart of the node, another object begins from its configuration.
#pragma once
#include <concepts>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <caf/actor.hpp>
#include <caf/actor_addr.hpp>
#include <caf/actor_cast.hpp>
#include <caf/actor_clock.hpp>
#include <caf/actor_system.hpp>
#include <caf/behavior.hpp>
#include <caf/config.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/exit_reason.hpp>
#include <caf/sec.hpp>
#include <caf/send.hpp>
#include <caf/system_messages.hpp>

#include <weir/plugin.h>
#include <weir/service_messages.h>

namespace weir {
inline namespace sdk {

/// error: data at risk or a human is needed. warn: something failed and was mended. info: lifecycle. debug: for developers.
enum class Log : std::uint32_t { debug = WEIR_LOG_DEBUG, info = WEIR_LOG_INFO, warn = WEIR_LOG_WARN, error = WEIR_LOG_ERROR };

/// Names and values of what a question has beside its address: {{"where.currency", "EUR"}, {"limit", "10"}}.
using Parameters = std::vector<std::pair<std::string, std::string>>;

/// What a service is told of where it runs: hand it on to weir::Service.
class ServiceContext {
 public:
  explicit ServiceContext(const weir_service_start& start) : life_(std::make_shared<const Life>(start)) {}

  /// Of the node, of its pipeline, and of this service: its key under `services`.
  [[nodiscard]] const std::string& node() const noexcept { return life_->node; }
  [[nodiscard]] const std::string& pipeline() const noexcept { return life_->pipeline; }
  [[nodiscard]] const std::string& name() const noexcept { return life_->name; }

 private:
  friend class Service;
  struct Life {
    explicit Life(const weir_service_start& start)
        : host(start.host),
          life(start.life),
          node(detail::from_abi(start.node)),
          pipeline(detail::from_abi(start.pipeline)),
          name(detail::from_abi(start.service)),
          supervisor(static_cast<caf::event_based_actor*>(start.supervisor)->address()) {}
    Life(const Life&) = delete;
    Life& operator=(const Life&) = delete;
    ~Life() { host->release(life); }

    const weir_service_host* host;
    weir_service_life* life;
    std::string node, pipeline, name;
    caf::actor_addr supervisor;
  };
  std::shared_ptr<const Life> life_;
};

/// What a service is made of. Its handlers are the house's: what is thrown, a message that nobody handles, an error and the unexpected end
/// of an actor that it watches are crashes, which `weir tree` and the log tell with their text. Who sets other ones answers for them.
class Service : public caf::event_based_actor {
 public:
  Service(caf::actor_config& actor, ServiceContext context) : caf::event_based_actor(actor), context_(std::move(context)) {
    set_default_handler([this](caf::scheduled_actor*, caf::message_view&) -> caf::result<caf::message> {
      crash("a message it does not know");
      return caf::sec::unexpected_message;
    });
    set_error_handler([this](caf::scheduled_actor*, caf::error& error) { crash(system().render(error)); });
    set_down_handler([this](caf::scheduled_actor*, caf::down_msg& down) {
      if (down.reason != caf::exit_reason::normal) crash("an actor that it monitors ended: " + system().render(down.reason));
    });
    set_exit_handler([this](caf::scheduled_actor*, caf::exit_msg& message) {
      if (message.source == context_.life_->supervisor && message.reason == caf::exit_reason::user_shutdown) return on_stop();
      if (message.reason != caf::exit_reason::normal) crash("an actor that it is linked with ended: " + system().render(message.reason));
    });
    set_exception_handler([this](caf::scheduled_actor*, std::exception_ptr& thrown) -> caf::error {
      failed(text_of(thrown));
      return caf::sec::runtime_error;
    });
  }

  const char* name() const override { return context_.name().c_str(); }

 protected:
  /// The node stops, and asks the service to end: with end(), at once or when it has finished what it has to. It has a quarter of
  /// `limits.shutdown_max` for that, in which the node still answers it; then it is killed.
  virtual void on_stop() { end(); }

  [[nodiscard]] const ServiceContext& context() const noexcept { return context_; }
  /// Into the node's log, under this service's name.
  void log(Log level, std::string_view text) const { host().log(life(), static_cast<std::uint32_t>(level), detail::to_abi(text)); }
  /// What it is at, for `weir tree`; empty: nothing to be said.
  void note(std::string_view text) const { host().note(life(), detail::to_abi(text)); }
  /// How much waits for it, likewise.
  void queue(std::uint64_t count) const { host().queue(life(), count); }
  /// Ends, and with it whoever is linked with it; quit() without a reason ends it alone.
  void end() { quit(caf::exit_reason::user_shutdown); }
  /// Ends with this text, as a crash: another one is started.
  void crash(const std::string& why) {
    failed(why);
    quit(caf::sec::runtime_error);
  }

  /// Reads rows of a view, as GET /v1/views/VIEW/KEY… does: filters `where.FIELD`, `from`, `to`, `limit`, `cursor`, `total`, `as_of`. A
  /// RowsAnswer with the number that is returned here comes as a message.
  std::uint64_t rows(std::string_view view, const Parameters& parameters = {}, const std::vector<std::string>& key = {}) {
    std::vector<weir_text> parts;
    for (const std::string& part : key) parts.push_back(detail::to_abi(part));
    const std::vector<weir_parameter> raw = raw_of(parameters);
    host().rows(life(), detail::to_abi(view), parts.data(), parts.size(), raw.data(), raw.size(), answered<RowsAnswer>, pending());
    return question_;
  }
  /// Gives events to the node's front door, as POST /v1/events does, which is there where the pipeline's `inputs` have `http`, or are left
  /// out. `content_type`: application/x-ndjson, application/json, text/csv, …; parameters: `wait`. A PutAnswer comes as a message. Events
  /// that have an id may be put again when none came: the second time is a duplicate.
  std::uint64_t put(std::string_view events, std::string_view content_type = "application/x-ndjson", const Parameters& parameters = {}) {
    const std::vector<weir_parameter> raw = raw_of(parameters);
    host().put(life(), detail::to_abi(events), detail::to_abi(content_type), raw.data(), raw.size(), answered<PutAnswer>, pending());
    return question_;
  }

  /// Of the clock that delayed_send() goes by: only differences mean something. A test moves it by hand.
  [[nodiscard]] caf::actor_clock::time_point now() { return system().clock().now(); }

 private:
  struct Pending {
    caf::actor_addr to;
    std::uint64_t question;
  };
  template <class Answer>
  static void answered(void* to, std::uint32_t status, weir_text text) noexcept {
    const std::unique_ptr<Pending> asked(static_cast<Pending*>(to));
    // Not kept alive by what it asked: who has ended hears nothing.
    if (const auto alive = caf::actor_cast<caf::actor>(asked->to))
      caf::anon_send(alive, Answer{asked->question, status, std::string(detail::from_abi(text))});
  }
  [[nodiscard]] Pending* pending() { return std::make_unique<Pending>(Pending{address(), ++question_}).release(); }
  [[nodiscard]] static std::vector<weir_parameter> raw_of(const Parameters& parameters) {
    std::vector<weir_parameter> raw;
    for (const auto& [name, value] : parameters) raw.push_back({detail::to_abi(name), detail::to_abi(value)});
    return raw;
  }
  [[nodiscard]] static std::string text_of(const std::exception_ptr& thrown) {
    try {
      std::rethrow_exception(thrown);
    } catch (const std::exception& known) {
      return known.what();
    } catch (...) {
      return "an exception that is no std::exception";
    }
  }
  void failed(const std::string& why) const { host().failed(life(), detail::to_abi(why)); }
  [[nodiscard]] const weir_service_host& host() const noexcept { return *context_.life_->host; }
  [[nodiscard]] weir_service_life* life() const noexcept { return context_.life_->life; }

  ServiceContext context_;
  std::uint64_t question_ = 0;
};

/// What WEIR_SERVICE takes. `Config` may have `void check() const`: what it throws refuses the node file.
template <class T>
concept ServiceOfYours = std::derived_from<T, Service> && std::constructible_from<T, caf::actor_config&, ServiceContext, const typename T::Config&>;

#pragma GCC visibility push(hidden)
namespace detail {

template <ServiceOfYours T>
class ServiceKind {
 public:
  using Config = typename T::Config;
  static weir_service_kind describe(std::string_view name) {
    static const std::vector<weir_key> raw = declared().raw();
    return {to_abi(name), raw.data(), raw.size(), check, start, core};
  }

 private:
  static Keys<Config>& declared() {
    static Keys<Config> keys = [] {
      Keys<Config> made;
      Config::keys(made);
      return made;
    }();
    return keys;
  }
  static std::uint32_t check(const weir_key_value* values, weir_message* why) noexcept {
    return guarded(why, [&] {
      const Config config = declared().config(values);
      if constexpr (requires { config.check(); }) config.check();
    });
  }
  static std::uint32_t start(const weir_service_start* start, const weir_key_value* values, weir_message* why) noexcept {
    return guarded(why, [&] {
      ServiceContext context(*start);  // it owns the life from here on
      auto* const supervisor = static_cast<caf::event_based_actor*>(start->supervisor);
      const Config config = declared().config(values);
      *static_cast<caf::actor*>(start->started) = start->own_thread != 0 ? supervisor->template spawn<T, caf::monitored + caf::detached>(std::move(context), config)
                                                                         : supervisor->template spawn<T, caf::monitored>(std::move(context), config);
    });
  }
  static const void* core() noexcept { return reinterpret_cast<const void*>(&caf::scheduled_actor::default_exit_handler); }
};

/// Read from the file before anything of it is loaded.
__attribute__((used)) inline const char service_stamp[] = WEIR_SERVICE_STAMP(CAF_VERSION);

}  // namespace detail
#pragma GCC visibility pop
}  // namespace sdk
}  // namespace weir

/// Makes `TYPE` a kind of service, which node files write as `services: {alarm: {NAME: {…}}}`.
#define WEIR_SERVICE(NAME, TYPE)                                                                                \
  [[maybe_unused]] static const ::weir::detail::Registration<weir_service_kind> WEIR_REGISTERED_NAME(__LINE__)( \
      NAME, &::weir::detail::ServiceKind<TYPE>::describe);
