// A stage of your own: a pure function from an event to a verdict. No clock, no chance, no files, no state from one event to the
// next: weir may run it again, elsewhere, and must get the same answer.
//
//   class FraudScore {
//    public:
//     using Config = FraudScoreConfig;                                    // weir::NoConfig, if there is nothing to say
//     FraudScore(const Config& config, weir::Fields fields)               // throws: the pipeline file is refused with what it says
//         : threshold_(config.threshold), amount_(fields.read("amount")), score_(fields.write("score")) {}
//     weir::Verdict decide(weir::Event event) const {
//       const auto amount = event[amount_].decimal();
//       if (!amount) return weir::reject("no_amount", "amount is no number");
//       event.set(score_, *amount >= threshold_ ? 100 : 0);
//       return weir::pass();
//     }
//    private:
//     …
//   };
//   WEIR_STAGE("fraud_score", FraudScore)
//
// One object serves all partitions and threads at once. What decide() throws is a crash of the stage: it is started again, and an
// event that crashes it again and again becomes a dead letter with reason `poison`, its neighbours go on.
#pragma once
#include <concepts>
#include <cstring>
#include <exception>
#include <memory>
#include <new>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <weir/abi.h>
#include <weir/config.h>
#include <weir/decimal.h>
#include <weir/event.h>
#include <weir/version.h>

namespace weir {
inline namespace sdk {

/// What becomes of an event. Made by the functions below.
class [[nodiscard]] Verdict {
 public:
  Verdict(std::uint32_t kind, std::string reason, std::string detail) : kind_(kind), reason_(std::move(reason)), detail_(std::move(detail)) {}
  void give(weir_event* event) const { detail::host->verdict(event, kind_, detail::to_abi(reason_), detail::to_abi(detail_)); }

 private:
  std::uint32_t kind_;
  std::string reason_, detail_;
};

/// It goes on, with what the stage changed; split, where records were added.
inline Verdict pass() { return {WEIR_PASS, {}, {}}; }
/// It ends here and leaves no record; the ledger counts it as filtered.
inline Verdict filter() { return {WEIR_FILTER, {}, {}}; }
/// A dead letter with reason `stage:REASON`. `reason`: 1 to 64 letters, digits, `_`, `-`, `.`, one of a handful, since reasons are
/// counted one by one; `detail` is for people.
inline Verdict reject(std::string_view reason, std::string_view detail) { return {WEIR_REJECT, std::string(reason), std::string(detail)}; }
/// It cannot be decided now, for a reason that will pass: to be tried again.
inline Verdict retry(std::string_view reason, std::string_view detail) { return {WEIR_RETRY, std::string(reason), std::string(detail)}; }

/// Several events at once, for stages that are faster so. Those that get no verdict pass.
///
///   void decide(weir::Batch batch) const {
///     for (weir::Event event : batch) { … batch.give(event, weir::reject("…", "…")); }
///   }
class Batch {
 public:
  Batch(weir_event* const* events, std::size_t count) noexcept : events_(events, count) {}
  class Iterator {
   public:
    explicit Iterator(weir_event* const* at) noexcept : at_(at) {}
    Event operator*() const noexcept { return Event(*at_); }
    Iterator& operator++() noexcept {
      ++at_;
      return *this;
    }
    bool operator==(const Iterator&) const = default;

   private:
    weir_event* const* at_;
  };
  [[nodiscard]] Iterator begin() const noexcept { return Iterator(events_.data()); }
  [[nodiscard]] Iterator end() const noexcept { return Iterator(events_.data() + events_.size()); }
  [[nodiscard]] std::size_t size() const noexcept { return events_.size(); }
  [[nodiscard]] Event operator[](std::size_t index) const noexcept { return Event(events_[index]); }
  void give(Event event, const Verdict& verdict) const { verdict.give(event.raw()); }

 private:
  std::span<weir_event* const> events_;
};

template <class T>
concept DecidesOne = requires(const T& stage, Event event) {
  { stage.decide(event) } -> std::same_as<Verdict>;
};
template <class T>
concept DecidesBatch = requires(const T& stage, Batch batch) { stage.decide(batch); };
/// What WEIR_STAGE takes.
template <class T>
concept StageOfYours = std::constructible_from<T, const typename T::Config&, Fields> && (DecidesOne<T> || DecidesBatch<T>);

// Hidden: each plugin of a process has its own.
#pragma GCC visibility push(hidden)
namespace detail {

inline void say(weir_message* to, std::string_view text) noexcept {
  to->size = text.size() < to->room ? text.size() : to->room;
  std::memcpy(to->data, text.data(), to->size);
}

/// Nothing that is thrown leaves the plugin.
template <class Call>
std::uint32_t guarded(weir_message* why, Call call) noexcept {
  try {
    call();
    return WEIR_DECIDED;
  } catch (const std::bad_alloc&) {
    return WEIR_NO_MEMORY;
  } catch (const std::exception& thrown) {
    say(why, thrown.what());
  } catch (...) {
    say(why, "an exception that is no std::exception");
  }
  return WEIR_THREW;
}

template <StageOfYours T>
class Kind {
 public:
  using Config = typename T::Config;
  /// Once, when the plugin is opened.
  static weir_stage_kind describe(std::string_view name) {
    // Once: several names may have the same type.
    static Keys<Config> keys = [] {
      Keys<Config> made;
      Config::keys(made);
      return made;
    }();
    static const std::vector<weir_key> raw = keys.raw();
    keys_ = &keys;
    return {to_abi(name), raw.data(), raw.size(), splits() ? 1u : 0u, create, destroy, decide, DecidesBatch<T> ? decide_batch : nullptr};
  }

 private:
  static void* create(weir_fields* fields, const weir_key_value* values, weir_message* why) noexcept {
    T* stage = nullptr;
    if (guarded(why, [&] { stage = new T(keys_->config(values), Fields(fields)); }) == WEIR_NO_MEMORY) say(why, "there is no memory");
    return stage;
  }
  static constexpr bool splits() {
    if constexpr (requires { T::splits; }) return T::splits;
    return false;
  }
  static void destroy(void* stage) noexcept { delete static_cast<T*>(stage); }
  static std::uint32_t decide(const void* stage, weir_event* event, weir_message* why) noexcept {
    return guarded(why, [&] {
      const T& self = *static_cast<const T*>(stage);
      try {
        if constexpr (DecidesOne<T>) {
          self.decide(Event(event)).give(event);
        } else {
          self.decide(Batch(&event, 1));
        }
      } catch (const OutOfRange& thrown) {
        Verdict(WEIR_REJECT_RANGE, {}, thrown.what()).give(event);
      }
    });
  }
  static std::uint32_t decide_batch(const void* stage, weir_event* const* events, std::uint64_t count, weir_message* why) noexcept {
    return guarded(why, [&] {
      if constexpr (DecidesBatch<T>) static_cast<const T*>(stage)->decide(Batch(events, static_cast<std::size_t>(count)));
    });
  }
  inline static Keys<Config>* keys_ = nullptr;
};

/// The stages of this plugin; made before it is opened, one by each WEIR_STAGE.
class Registration {
 public:
  using Describe = weir_stage_kind (*)(std::string_view name);
  Registration(const char* name, Describe describe) noexcept : name_(name), describe_(describe), next_(first_) { first_ = this; }
  Registration(const Registration&) = delete;
  Registration& operator=(const Registration&) = delete;

  static const weir_plugin* open(const weir_host* with, weir_message* why) noexcept {
    const weir_plugin* opened = nullptr;
    const std::uint32_t how = guarded(why, [&] {
      if (host == nullptr) host = with;
      static const std::vector<weir_stage_kind> kinds = described();
      static const weir_plugin plugin = {WEIR_ABI_VERSION, static_cast<std::uint32_t>(kinds.size()), kinds.data()};
      opened = &plugin;
    });
    if (how == WEIR_NO_MEMORY) say(why, "there is no memory");
    return opened;
  }

 private:
  static std::vector<weir_stage_kind> described() {
    std::vector<weir_stage_kind> kinds;
    for (const Registration* one = first_; one != nullptr; one = one->next_) kinds.insert(kinds.begin(), one->describe_(one->name_));
    return kinds;
  }
  const char* name_;
  Describe describe_;
  const Registration* next_;
  inline static const Registration* first_ = nullptr;
};

/// Read from the file before anything of it runs.
__attribute__((used)) inline const char stamp[] = WEIR_PLUGIN_STAMP;

}  // namespace detail
#pragma GCC visibility pop
}  // namespace sdk
}  // namespace weir

extern "C" __attribute__((weak, visibility("default"))) const weir_plugin* weir_plugin_open(const weir_host* host, weir_message* why) {
  return weir::detail::Registration::open(host, why);
}

#define WEIR_STAGE_NAME_INNER(line) weir_stage_registered_in_line_##line
#define WEIR_STAGE_NAME(line) WEIR_STAGE_NAME_INNER(line)
/// Makes `TYPE` a kind of stage, which pipeline files write as `- NAME: {…}`.
#define WEIR_STAGE(NAME, TYPE) \
  [[maybe_unused]] static const ::weir::detail::Registration WEIR_STAGE_NAME(__LINE__)(NAME, &::weir::detail::Kind<TYPE>::describe);
