// A source of your own: where events come from. weir asks it for records, appends them to its durable log together with your place behind
// them, slows it down when it is behind, and after a crash opens it again at the newest place that is durable.
//
//   class Tail {
//    public:
//     using Config = TailConfig;                            // weir::NoConfig, if there is nothing to say
//     explicit Tail(const Config& config);                  // throws: the pipeline file is refused with what it says
//     void open(const weir::InputPlace& place, std::string_view position);  // here is where to connect. All up to `position` is durable
//     weir::Polled poll(weir::Out out) {
//       out.add(R"({"id": 7, …})", "place 7");              // an event as JSON, and the place behind it
//       return weir::more();
//     }
//     void durable(std::string_view position);              // may be left out: everything up to here is safe, and never asked for again
//   };
//   WEIR_SOURCE("tail", Tail)
//
// One object for each input, called by one thread, one call at a time. Constructors only look at their configuration: they are also called
// to check a pipeline file. A call may wait for data, but only for about a second: the node stops between two of them. What is thrown is a
// crash: another object is opened at the newest durable place. Nothing is lost, since a record counts as read when it and its place are
// durable; what comes twice all the same is told by its id.
#pragma once
#include <chrono>
#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <weir/plugin.h>

namespace weir {
inline namespace sdk {

/// When to ask again. Made by the functions below.
class [[nodiscard]] Polled {
 public:
  Polled(std::uint32_t kind, std::string reason, std::chrono::microseconds pause) : kind_(kind), reason_(std::move(reason)), pause_(pause) {}
  void give(weir_source_answer* to) const noexcept {
    to->kind = kind_;
    to->pause = pause_.count();
    detail::say(&to->reason, reason_);
  }

 private:
  std::uint32_t kind_;
  std::string reason_;
  std::chrono::microseconds pause_;
};

/// There may be more: at once.
inline Polled more() { return {WEIR_SOURCE_MORE, {}, {}}; }
/// There is nothing at the moment: ask again after `pause`, 1 ms to 1 h.
inline Polled idle(std::chrono::microseconds pause = std::chrono::milliseconds(500)) { return {WEIR_SOURCE_IDLE, {}, pause}; }
/// It could not be asked, for a reason that may pass: after `pause`. People are told `reason` once, until it goes on.
inline Polled unreachable(std::string_view reason, std::chrono::microseconds pause = std::chrono::seconds(1)) {
  return {WEIR_SOURCE_FAILED, std::string(reason), pause};
}
/// Nothing comes any more until the next start, which asks again.
inline Polled ended() { return {WEIR_SOURCE_ENDED, {}, {}}; }

/// Where a poll puts what it has: as much as it likes, some thousand records at once are good.
class Out {
 public:
  explicit Out(weir_source_out* out) noexcept : out_(out) {}
  /// `event`: a JSON object, or a CloudEvent where `record.format` is cloudevents; what is broken becomes a dead letter. `position`: your
  /// place behind it, at most 4 KiB; empty: this place cannot be gone back to, and after a crash the records behind the last one that has
  /// one come again. At most 16 MiB in one poll.
  void add(std::string_view event, std::string_view position = {}) const { detail::host->source_add(out_, detail::to_abi(event), detail::to_abi(position)); }

 private:
  weir_source_out* out_;
};

/// Which input of a pipeline file this object is.
struct InputPlace {
  std::string_view pipeline, input;
};

/// What WEIR_SOURCE takes.
template <class T>
concept SourceOfYours = std::constructible_from<T, const typename T::Config&> && requires(T& source, Out out, const InputPlace& place, std::string_view position) {
  { source.poll(out) } -> std::same_as<Polled>;
  source.open(place, position);
};

#pragma GCC visibility push(hidden)
namespace detail {

template <SourceOfYours T>
class SourceKind {
 public:
  static weir_source_kind describe(std::string_view name) {
    const std::vector<weir_key>& keys = Maker<T>::keys();
    return {to_abi(name), keys.data(), keys.size(), Maker<T>::create, Maker<T>::destroy, open, poll, durable};
  }

 private:
  static std::uint32_t open(void* source, const weir_input_place* place, weir_text position, weir_message* why) noexcept {
    return guarded(why, [&] { static_cast<T*>(source)->open(InputPlace{from_abi(place->pipeline), from_abi(place->input)}, from_abi(position)); });
  }
  static std::uint32_t poll(void* source, weir_source_out* out, weir_source_answer* answer, weir_message* why) noexcept {
    return guarded(why, [&] { static_cast<T*>(source)->poll(Out(out)).give(answer); });
  }
  static std::uint32_t durable(void* source, weir_text position, weir_message* why) noexcept {
    return guarded(why, [&] {
      if constexpr (requires(T& self, std::string_view at) { self.durable(at); }) static_cast<T*>(source)->durable(from_abi(position));
    });
  }
};

}  // namespace detail
#pragma GCC visibility pop
}  // namespace sdk
}  // namespace weir

/// Makes `TYPE` a kind of input, which pipeline files write as `inputs: {orders: {NAME: {…}}}`.
#define WEIR_SOURCE(NAME, TYPE)                                                                               \
  [[maybe_unused]] static const ::weir::detail::Registration<weir_source_kind> WEIR_REGISTERED_NAME(__LINE__)( \
      NAME, &::weir::detail::SourceKind<TYPE>::describe);
