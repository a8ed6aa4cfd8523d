// A service alone, in a test: no node, one thread, time that the test moves. The same test gives the same answers, always; nothing waits.
//
//   weir::TestService<Alarm> alarm({.quiet_max = std::chrono::seconds(30)});
//   alarm.rows_are("total", R"({"view":"total","rows":[]})").advance(std::chrono::minutes(1));
//   assert(alarm.log().at(0) == "warn: nothing has come for 30 s");
//   alarm.stop();
//   assert(!alarm.running());
//
// Needs CAF alone (weir::service), nothing of a weir.
#pragma once
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <caf/actor_system_config.hpp>
#include <caf/atom.hpp>
#include <caf/scheduler/test_coordinator.hpp>

#include <weir/service.h>

namespace weir {
inline namespace sdk {

namespace detail {

/// What the node is for the service: what it was told, and what it says.
struct TestNode {
  struct Said {
    std::uint32_t status;
    std::string text;
  };
  std::vector<std::string> lines, asked, puts;
  std::map<std::string, Said> rows;
  Said put{202, R"({"accepted":1})"};
  std::string note, error;
  std::uint64_t waiting = 0, crashes = 0;
  bool crashed = false, over = false;
  caf::actor service;
  std::function<void(caf::event_based_actor*)> order;  // what only the supervisor may do; run when it gets a number

  static TestNode& of(weir_service_life* life) { return *reinterpret_cast<TestNode*>(life); }
  [[nodiscard]] weir_service_life* life() { return reinterpret_cast<weir_service_life*>(this); }
  [[nodiscard]] static const weir_service_host& host() {
    static constexpr weir_service_host functions = {
        [](weir_service_life*) {},
        [](weir_service_life* life, std::uint32_t level, weir_text text) {
          static constexpr const char* kLevels[] = {"debug", "info", "warn", "error"};
          of(life).lines.push_back(std::string(kLevels[level]) + ": " + std::string(from_abi(text)));
        },
        [](weir_service_life* life, weir_text text) { of(life).note = from_abi(text); },
        [](weir_service_life* life, std::uint64_t count) { of(life).waiting = count; },
        [](weir_service_life* life, weir_text why) { of(life).error = from_abi(why); },
        [](weir_service_life* life, weir_text view, const weir_text* key, std::uint64_t key_count, const weir_parameter* parameters, std::uint64_t count,
           weir_service_answer answer, void* to) {
          std::string asked(from_abi(view));
          for (std::uint64_t i = 0; i < key_count; ++i) asked.append("/").append(from_abi(key[i]));
          for (std::uint64_t i = 0; i < count; ++i)
            asked.append(i == 0 ? "?" : "&").append(from_abi(parameters[i].name)).append("=").append(from_abi(parameters[i].value));
          of(life).asked.push_back(asked);
          const auto known = of(life).rows.find(std::string(from_abi(view)));
          const Said none{404, "the test has said nothing of this view"};
          const Said& said = known == of(life).rows.end() ? none : known->second;
          answer(to, said.status, to_abi(said.text));
        },
        [](weir_service_life* life, weir_text events, weir_text, const weir_parameter*, std::uint64_t, weir_service_answer answer, void* to) {
          of(life).puts.emplace_back(from_abi(events));
          answer(to, of(life).put.status, to_abi(of(life).put.text));
        }};
    return functions;
  }
};

class TestSupervisor : public caf::event_based_actor {
 public:
  TestSupervisor(caf::actor_config& actor, TestNode* node) : caf::event_based_actor(actor), node_(node) {
    set_down_handler([node](caf::scheduled_actor*, caf::down_msg& down) {
      node->service = nullptr;
      node->note.clear();
      node->waiting = 0;
      node->over = down.reason == caf::exit_reason::normal || down.reason == caf::exit_reason::user_shutdown || down.reason == caf::exit_reason::kill;
      node->crashed = !node->over;
      if (node->crashed) ++node->crashes;
    });
  }
  caf::behavior make_behavior() override {
    return {[this](int) { node_->order(this); }};
  }

 private:
  TestNode* node_;
};

}  // namespace detail

/// Not thread-safe. Ends the service where it is when it goes.
template <ServiceOfYours T>
class TestService {
 public:
  using Config = typename T::Config;
  /// Starts it, and lets happen what happens at once. Throws what `Config::check()` throws.
  explicit TestService(Config config = {}) : config_(std::move(config)) {
    if constexpr (requires { config_.check(); }) config_.check();
    settings_.set("scheduler.policy", caf::atom("testing"));
    system_.emplace(settings_);
    supervisor_ = system_->template spawn<detail::TestSupervisor>(node_.get());
    start();
  }
  TestService(const TestService&) = delete;
  TestService& operator=(const TestService&) = delete;
  ~TestService() {
    end(caf::exit_reason::kill);
    caf::anon_send_exit(supervisor_, caf::exit_reason::kill);
    run();
    coordinator().clock().cancel_all();
    supervisor_ = nullptr;
  }

  /// Time passes, timer by timer, and everything happens that is due. One that has crashed is started again, after a moment.
  TestService& advance(std::chrono::nanoseconds by) {
    auto& clock = coordinator().clock();
    const auto until = clock.now() + by;
    run();
    while (true) {
      if (node_->crashed && clock.now() + kPause <= until) {
        clock.advance_time(kPause);
        start();
      } else if (!clock.schedule().empty() && clock.schedule().begin()->first <= until) {
        clock.advance_time(std::max(clock.schedule().begin()->first - clock.now(), std::chrono::nanoseconds(0)));
      } else {
        break;
      }
      run();
    }
    clock.advance_time(until - clock.now());
    run();
    return *this;
  }
  /// A message to it, and what comes of that.
  template <class... Ts>
  TestService& send(Ts&&... message) {
    if (node_->service) caf::anon_send(node_->service, std::forward<Ts>(message)...);
    run();
    return *this;
  }
  /// What the node answers from now on when this view is read.
  TestService& rows_are(const std::string& view, std::string json) {
    node_->rows[view] = {200, std::move(json)};
    return *this;
  }
  TestService& rows_fail(const std::string& view, std::uint32_t status, std::string why) {
    node_->rows[view] = {status, std::move(why)};
    return *this;
  }
  /// What it answers to events that are put; accepted, else.
  TestService& puts_fail(std::uint32_t status, std::string why) {
    node_->put = {status, std::move(why)};
    return *this;
  }
  /// The node asks it to end.
  TestService& stop() {
    end(caf::exit_reason::user_shutdown);
    return *this;
  }

  [[nodiscard]] bool running() const noexcept { return static_cast<bool>(node_->service); }
  /// Lines as "warn: its text".
  [[nodiscard]] const std::vector<std::string>& log() const noexcept { return node_->lines; }
  [[nodiscard]] const std::string& note() const noexcept { return node_->note; }
  [[nodiscard]] std::uint64_t queue() const noexcept { return node_->waiting; }
  /// What was read, as "total?where.currency=EUR".
  [[nodiscard]] const std::vector<std::string>& asked() const noexcept { return node_->asked; }
  /// What was put, text by text.
  [[nodiscard]] const std::vector<std::string>& puts() const noexcept { return node_->puts; }
  [[nodiscard]] std::uint64_t crashes() const noexcept { return node_->crashes; }
  /// Of the last crash.
  [[nodiscard]] const std::string& last_error() const noexcept { return node_->error; }

 private:
  static constexpr std::chrono::milliseconds kPause{10};  // as the default of supervision.service.backoff_min

  [[nodiscard]] caf::scheduler::test_coordinator& coordinator() { return dynamic_cast<caf::scheduler::test_coordinator&>(system_->scheduler()); }
  void run() { coordinator().run(); }
  void order(std::function<void(caf::event_based_actor*)> what) {
    node_->order = std::move(what);
    caf::anon_send(supervisor_, 0);
    run();
  }
  void end(caf::exit_reason reason) {
    order([this, reason](caf::event_based_actor* supervisor) {
      if (node_->service) supervisor->send_exit(node_->service, reason);
    });
  }
  void start() {
    order([this](caf::event_based_actor* supervisor) {
      node_->crashed = false;
      const weir_text name = detail::to_abi("test");
      const weir_service_start start{&detail::TestNode::host(), node_->life(), name, name, name, supervisor, nullptr, 0, 0};
      try {
        node_->service = supervisor->template spawn<T, caf::monitored>(ServiceContext(start), config_);
      } catch (const std::exception& thrown) {
        node_->error = thrown.what();
        node_->crashed = true;
        ++node_->crashes;
      }
    });
  }

  Config config_;
  std::unique_ptr<detail::TestNode> node_ = std::make_unique<detail::TestNode>();
  caf::actor_system_config settings_;
  std::optional<caf::actor_system> system_;
  caf::actor supervisor_;
};

}  // namespace sdk
}  // namespace weir
