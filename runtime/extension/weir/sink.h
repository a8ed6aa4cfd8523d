// A sink of your own: where records of the curated log, or dead letters, are written to. weir reads the log, makes batches, tries again
// what fails, remembers how far the sink is, and starts it again when it crashes; you write one batch at a time and say what became of it.
//
//   class Table {
//    public:
//     using Config = TableConfig;                                         // weir::NoConfig, if there is nothing to say
//     Table(const Config& config, weir::Fields fields);                   // throws: the pipeline file is refused with what it says
//     weir::Answer open(const weir::SinkPlace& place);                    // may be left out; here is where to connect
//     weir::Answer write(const weir::Records& records) {
//       for (weir::Record record : records) …
//       return weir::done();
//     }
//   };
//   WEIR_SINK("table", Table)
//
// Each partition has an object of its own, made in the node that runs it, and one thread of the sink calls them all, one at a time: a
// call may block, and should end by a deadline of its own. Constructors only look at their configuration: they are also called to check a
// pipeline file. Every record is written at least once: a batch comes again when its answer was `failed`, when write() throws, and when
// the process died before weir had noted the answer. Who must not have a record twice tells by its id, or by its position().
#pragma once
#include <chrono>
#include <compare>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <weir/plugin.h>

namespace weir {
inline namespace sdk {

/// What became of a batch, or of open(). Made by the functions below.
class [[nodiscard]] Answer {
 public:
  Answer(std::uint32_t kind, std::string reason, std::chrono::microseconds pause) : kind_(kind), reason_(std::move(reason)), pause_(pause) {}
  void give(weir_sink_answer* to) const noexcept;

 private:
  std::uint32_t kind_;
  std::string reason_;
  std::chrono::microseconds pause_;
};

/// It is where it belongs, and stays there.
inline Answer done() { return {WEIR_SINK_DONE, {}, {}}; }
/// It may be done later: weir tries it again, with growing pauses, none of them shorter than `pause`. For weeks, if it must
/// (`sink_lag_max`).
inline Answer failed(std::string_view reason, std::chrono::microseconds pause = {}) { return {WEIR_SINK_FAILED, std::string(reason), pause}; }
/// Something in the batch is not wanted, and never will be. weir finds out which record it is by sending halves; then `on_refused` of the
/// pipeline file decides: `stop` or `skip`.
inline Answer refused(std::string_view reason) { return {WEIR_SINK_REFUSED, std::string(reason), {}}; }
/// Not the batch's fault, and nothing that passes by itself: the sink stops, named, until `weir sink release`.
inline Answer unusable(std::string_view reason) { return {WEIR_SINK_UNUSABLE, std::string(reason), {}}; }

/// Which part of which sink of a pipeline file this object is.
struct SinkPlace {
  std::string_view pipeline, sink;
  std::uint32_t partition = 0;
};

/// A place in the log of a partition: everything in commits up to `commit` lies before it, and the first `taken` records of the next one.
/// It grows, but for `weir sink drop`, which begins again.
struct Position {
  std::uint64_t commit = 0;
  std::uint64_t taken = 0;
  friend auto operator<=>(const Position&, const Position&) = default;
};

/// One record, or one dead letter (`from: dead_letter`), whose fields are those of `weir dlq list`. id() tells it from all others of the
/// pipeline: the id of its event, with #INDEX behind it where stages split events.
class Record : public Readable {
 public:
  Record(const weir_sink_batch* batch, std::size_t index) noexcept : Readable(batch->records[index]), batch_(batch), index_(index) {}
  /// All of it: a JSON object on one line.
  [[nodiscard]] std::string_view json() const { return detail::from_abi(detail::host->json(batch_->records[index_])); }
  /// The place behind it in the partition's log, always the same, greater than that of every record before it. Who keeps that of the last
  /// record it has, in one transaction with the records, tells by it what it has already.
  [[nodiscard]] Position position() const noexcept { return {batch_->behind[index_].commit, batch_->behind[index_].taken}; }

 private:
  const weir_sink_batch* batch_;
  std::size_t index_;
};

/// A batch: at least one record, in the order of the log.
class Records {
 public:
  explicit Records(const weir_sink_batch* batch) noexcept : batch_(batch) {}
  class Iterator {
   public:
    Iterator(const weir_sink_batch* batch, std::size_t index) noexcept : batch_(batch), index_(index) {}
    Record operator*() const noexcept { return {batch_, index_}; }
    Iterator& operator++() noexcept {
      ++index_;
      return *this;
    }
    bool operator==(const Iterator&) const = default;

   private:
    const weir_sink_batch* batch_;
    std::size_t index_;
  };
  [[nodiscard]] Iterator begin() const noexcept { return {batch_, 0}; }
  [[nodiscard]] Iterator end() const noexcept { return {batch_, size()}; }
  [[nodiscard]] std::size_t size() const noexcept { return static_cast<std::size_t>(batch_->count); }
  [[nodiscard]] Record operator[](std::size_t index) const noexcept { return {batch_, index}; }
  /// Made of the records' ids alone: the same for the same records, whenever they are sent. A record that comes again may come among
  /// others, and then under another key.
  [[nodiscard]] std::string_view key() const { return detail::from_abi(batch_->key); }
  /// The part of the partition's log that this batch is, with what `when` leaves out.
  [[nodiscard]] Position from() const noexcept { return {batch_->from.commit, batch_->from.taken}; }
  [[nodiscard]] Position to() const noexcept { return {batch_->to.commit, batch_->to.taken}; }

 private:
  const weir_sink_batch* batch_;
};

/// What WEIR_SINK takes.
template <class T>
concept SinkOfYours = std::constructible_from<T, const typename T::Config&, Fields> && requires(T& sink, const Records& records) {
  { sink.write(records) } -> std::same_as<Answer>;
};

#pragma GCC visibility push(hidden)
namespace detail {

template <SinkOfYours T>
class SinkKind {
 public:
  static weir_sink_kind describe(std::string_view name) {
    const std::vector<weir_key>& keys = Maker<T>::keys();
    return {to_abi(name), keys.data(), keys.size(), Maker<T>::create, Maker<T>::destroy, open, write};
  }

 private:
  static std::uint32_t open(void* sink, const weir_sink_place* place, weir_sink_answer* answer, weir_message* why) noexcept {
    return guarded(why, [&] {
      if constexpr (requires(T& self, const SinkPlace& at) { self.open(at); }) {
        static_cast<T*>(sink)->open(SinkPlace{from_abi(place->pipeline), from_abi(place->sink), place->partition}).give(answer);
      } else {
        done().give(answer);
      }
    });
  }
  static std::uint32_t write(void* sink, const weir_sink_batch* batch, weir_sink_answer* answer, weir_message* why) noexcept {
    return guarded(why, [&] { static_cast<T*>(sink)->write(Records(batch)).give(answer); });
  }
};

}  // namespace detail
#pragma GCC visibility pop

inline void Answer::give(weir_sink_answer* to) const noexcept {
  to->kind = kind_;
  to->pause = pause_.count();
  detail::say(&to->reason, reason_);
}

}  // namespace sdk
}  // namespace weir

/// Makes `TYPE` a kind of sink, which pipeline files write as `sinks: {archive: {NAME: {…}}}`.
#define WEIR_SINK(NAME, TYPE)                                                                               \
  [[maybe_unused]] static const ::weir::detail::Registration<weir_sink_kind> WEIR_REGISTERED_NAME(__LINE__)( \
      NAME, &::weir::detail::SinkKind<TYPE>::describe);
