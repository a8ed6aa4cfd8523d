// A service as authors write them: this file includes nothing of weir's own but weir/service.h.
#include <weir/service.h>

#include <chrono>
#include <future>
#include <stdexcept>
#include <string>

namespace pulse {
struct Tick {};
struct End {};
}  // namespace pulse
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(pulse::Tick)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(pulse::End)

namespace {

struct PulseConfig {
  std::chrono::milliseconds every{20};
  std::int64_t crash_at = 0;
  std::string stop = "quit";
  std::string view, put, do_what = "nothing";

  static void keys(weir::Keys<PulseConfig>& keys) {
    using std::chrono::milliseconds;
    keys.duration("every", &PulseConfig::every, milliseconds(1), std::chrono::hours(1), "time between two ticks");
    keys.integer("crash_at", &PulseConfig::crash_at, 0, 1'000, "it throws at this tick; 0: at none");
    keys.word("stop", &PulseConfig::stop, {"quit", "late", "never", "block"}, "what it does when it is asked to end");
    keys.text("view", &PulseConfig::view, "read with every tick");
    keys.text("put", &PulseConfig::put, "an event, put with the first tick");
    keys.word("do_what", &PulseConfig::do_what, {"nothing", "not_made", "no_behavior", "strange", "end", "linked", "family", "orphan"}, "what else it does");
  }
  void check() const {
    if (crash_at == 13) throw std::invalid_argument("13 brings bad luck; take 12 or 14");
  }
};

class Mortal : public caf::event_based_actor {
 public:
  explicit Mortal(caf::actor_config& actor) : caf::event_based_actor(actor) {}
  caf::behavior make_behavior() override {
    return {[this](const pulse::End&) { quit(caf::exit_reason::out_of_workers); }};
  }
};

/// Nobody ends it, and it does not end.
class Orphan : public caf::event_based_actor {
 public:
  explicit Orphan(caf::actor_config& actor) : caf::event_based_actor(actor) {}
  caf::behavior make_behavior() override {
    send(this, pulse::Tick{});
    return {[this](const pulse::Tick&) { delayed_send(this, std::chrono::milliseconds(10), pulse::Tick{}); }};
  }
};

class Pulse : public weir::Service {
 public:
  using Config = PulseConfig;
  Pulse(caf::actor_config& actor, weir::ServiceContext context, const Config& config) : Service(actor, std::move(context)), config_(config) {
    if (config_.do_what == "not_made") throw std::runtime_error("thrown while it is made");
  }

  caf::behavior make_behavior() override {
    if (config_.do_what == "no_behavior") throw std::runtime_error("thrown before it begins");
    log(weir::Log::info, context().node() + " " + context().pipeline() + " " + context().name());
    delayed_send(this, config_.every, pulse::Tick{});
    return {
        [this](const pulse::Tick&) { tick(); },
        [this](const pulse::End&) { quit(); },
        [this](const weir::RowsAnswer& answer) {
          log(answer.good() ? weir::Log::info : weir::Log::warn, std::to_string(answer.question) + " " + std::to_string(answer.status) + " " +
                                                                     (answer.good() ? std::string(answer.rows()) : answer.text));
        },
        [this](const weir::PutAnswer& answer) {
          log(answer.accepted() ? weir::Log::info : weir::Log::warn, "put " + std::to_string(answer.status) + " " + answer.text);
        },
    };
  }

  void on_stop() override {
    if (config_.stop == "quit") return end();
    if (config_.stop == "late") delayed_send(this, config_.every, pulse::End{});
    std::promise<void> never;
    if (config_.stop == "block") never.get_future().wait();
  }

 private:
  void tick() {
    queue(++ticks_);
    note("tick " + std::to_string(ticks_));
    if (config_.crash_at == ticks_) throw std::runtime_error("thrown at tick " + std::to_string(ticks_));
    if (!config_.view.empty()) rows(config_.view, {{"limit", "10"}});
    if (!config_.put.empty() && ticks_ == 1) put(config_.put, "application/x-ndjson", {{"wait", "20s"}});
    if (config_.do_what == "strange") send(this, 7, std::string("what is this"));
    if (config_.do_what == "end") send(this, pulse::End{});
    if (config_.do_what == "orphan" && ticks_ == 1) spawn<Orphan>();
    if (config_.do_what == "family" && ticks_ == 1) spawn<Orphan, caf::linked>();
    if (config_.do_what == "linked") send(spawn<Mortal, caf::linked>(), pulse::End{});
    delayed_send(this, config_.every, pulse::Tick{});
  }

  Config config_;
  std::int64_t ticks_ = 0;
};

}  // namespace

WEIR_SERVICE("pulse", Pulse)
