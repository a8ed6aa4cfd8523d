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
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <weir/pending.h>
#include <weir/plugin.h>

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

/// It is decided when its weir::Completion is answered, by resume(); see weir/pending.h. The others go on meanwhile.
inline Verdict pending() { return {WEIR_PENDING, {}, {}}; }

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
/// Of a stage that may answer pending().
template <class T>
concept AnswersLater = requires(const T& stage, Event event, std::string_view answer) {
  { stage.resume(event, answer) } -> std::same_as<Verdict>;
};
/// What WEIR_STAGE takes.
template <class T>
concept StageOfYours = std::constructible_from<T, const typename T::Config&, Fields> && (DecidesOne<T> || DecidesBatch<T>);

#pragma GCC visibility push(hidden)
namespace detail {

template <StageOfYours T>
class StageKind {
 public:
  static weir_stage_kind describe(std::string_view name) {
    static_assert(AnswersLater<T> || !requires { &T::resume; }, "write weir::Verdict resume(weir::Event event, std::string_view answer) const");
    const std::vector<weir_key>& keys = Maker<T>::keys();
    return {to_abi(name), keys.data(), keys.size(), splits() ? 1u : 0u, Maker<T>::create, Maker<T>::destroy,
            decide, DecidesBatch<T> ? decide_batch : nullptr, AnswersLater<T> ? resume : nullptr};
  }

 private:
  static constexpr bool splits() {
    if constexpr (requires { T::splits; }) return T::splits;
    return false;
  }
  template <class Decide>
  static std::uint32_t decide_one(weir_event* event, weir_message* why, Decide decide) noexcept {
    return guarded(why, [&] {
      try {
        decide();
      } catch (const OutOfRange& thrown) {
        Verdict(WEIR_REJECT_RANGE, {}, thrown.what()).give(event);
      }
    });
  }
  static std::uint32_t decide(const void* stage, weir_event* event, weir_message* why) noexcept {
    return decide_one(event, why, [&] {
      const T& self = *static_cast<const T*>(stage);
      if constexpr (DecidesOne<T>) {
        self.decide(Event(event)).give(event);
      } else {
        self.decide(Batch(&event, 1));
      }
    });
  }
  static std::uint32_t resume(const void* stage, weir_event* event, weir_text answer, weir_message* why) noexcept {
    return decide_one(event, why, [&] {
      if constexpr (AnswersLater<T>) static_cast<const T*>(stage)->resume(Event(event), from_abi(answer)).give(event);
    });
  }
  static std::uint32_t decide_batch(const void* stage, weir_event* const* events, std::uint64_t count, weir_message* why) noexcept {
    return guarded(why, [&] {
      if constexpr (DecidesBatch<T>) static_cast<const T*>(stage)->decide(Batch(events, static_cast<std::size_t>(count)));
    });
  }
};

}  // namespace detail
#pragma GCC visibility pop
}  // namespace sdk
}  // namespace weir

/// Makes `TYPE` a kind of stage, which pipeline files write as `- NAME: {…}`.
#define WEIR_STAGE(NAME, TYPE)                                                                               \
  [[maybe_unused]] static const ::weir::detail::Registration<weir_stage_kind> WEIR_REGISTERED_NAME(__LINE__)( \
      NAME, &::weir::detail::StageKind<TYPE>::describe);
