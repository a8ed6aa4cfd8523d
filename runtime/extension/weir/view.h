// A view of your own: what the rows of a view are made of, where count, sum, min, max, average and distinct are not enough. weir groups the
// records, keeps the rows, merges what the partitions have, and answers queries; you say what a row keeps, what a record adds to it, and
// what it shows.
//
//   class Extremes {
//    public:
//     using Config = ExtremesConfig;                                      // weir::NoConfig, if there is nothing to say
//     static constexpr std::array<std::string_view, 1> columns{"spread"};  // what a row shows beside its group and its window
//     static constexpr std::uint64_t version = 1;                         // may be left out: 1
//     struct State {                                                      // what a row keeps; of no records as it is made
//       std::int64_t least = INT64_MAX, greatest = INT64_MIN;
//     };
//     Extremes(const Config& config, weir::Fields fields);                // throws: the pipeline file is refused with what it says
//     void add(State& state, weir::Readable record) const;                // one record more
//     static void merge(State& into, const State& other);                 // both together
//     void show(const State& state, weir::ViewRow row) const { row.set("spread", state.greatest - state.least); }
//   };
//   WEIR_VIEW("extremes", Extremes)
//
// A row is put together of pieces: records come in any order, are added in any grouping, and pieces are merged in any order. So the state
// must be the same, byte for byte, however its records came: merge() is commutative and associative, a record alone and merged is what add()
// makes of it. No clock, no chance, no files. A State is kept as it lies in memory where every bit of it counts (no padding, no pointers,
// no floating point); any other one has `void save(weir::Writer&) const` and `static State load(weir::Reader&)`. Its size counts for every
// row: 1 MiB at most, some hundred bytes are better.
//
// Raise `version` when you change what add(), merge(), save() or load() do: views of the kind are then filled anew from the log. What add()
// throws, because of the record and never because of the state, leaves the record out, and the row says so in its column `failed`. A row that
// merge() throws on, or whose state becomes too large, is broken for good: its columns are null, `failed` too.
#pragma once
#include <array>
#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <weir/plugin.h>

namespace weir {
inline namespace sdk {

/// What is saved of a state, piece by piece.
class Writer {
 public:
  void integer(std::int64_t value) { bytes_.append(reinterpret_cast<const char*>(&value), sizeof value); }
  void text(std::string_view value) {
    integer(static_cast<std::int64_t>(value.size()));
    bytes_.append(value);
  }
  /// Equal numbers may have other digits (1.0 and 1): keep one spelling, whatever the order.
  void decimal(const Decimal& value) { bytes_.append(reinterpret_cast<const char*>(&value.raw()), sizeof value.raw()); }
  [[nodiscard]] const std::string& bytes() const noexcept { return bytes_; }

 private:
  std::string bytes_;
};

/// What was saved, in the same order.
class Reader {
 public:
  explicit Reader(std::string_view bytes) noexcept : bytes_(bytes) {}
  [[nodiscard]] std::int64_t integer() {
    std::int64_t value = 0;
    std::memcpy(&value, take(sizeof value).data(), sizeof value);
    return value;
  }
  /// Valid as long as the state it is read from.
  [[nodiscard]] std::string_view text() { return take(static_cast<std::size_t>(integer())); }
  [[nodiscard]] Decimal decimal() {
    weir_decimal raw;
    std::memcpy(&raw, take(sizeof raw).data(), sizeof raw);
    return Decimal(raw);
  }
  [[nodiscard]] bool done() const noexcept { return bytes_.empty(); }

 private:
  std::string_view take(std::size_t size) {
    if (size > bytes_.size()) throw std::out_of_range("the state of a row ends too soon: load() reads more than save() wrote");
    const std::string_view taken = bytes_.substr(0, size);
    bytes_.remove_prefix(size);
    return taken;
  }
  std::string_view bytes_;
};

/// What one row shows: each column once, by its name; one that gets nothing is null.
class ViewRow {
 public:
  ViewRow(weir_row* row, const std::string_view* columns, std::size_t count) noexcept : row_(row), columns_(columns), count_(count) {}

  /// Text that is not UTF-8 fails the query.
  void set(std::string_view column, std::string_view text) { detail::host->row_text(row_, number(column), detail::to_abi(text)); }
  void set(std::string_view column, const char* text) { set(column, std::string_view(text)); }
  template <std::same_as<bool> Boolean>
  void set(std::string_view column, Boolean value) { detail::host->row_boolean(row_, number(column), value ? 1 : 0); }
  template <std::integral Integer>
    requires(!std::same_as<Integer, bool>)
  void set(std::string_view column, Integer value) {
    if (std::in_range<std::int64_t>(value)) return detail::host->row_integer(row_, number(column), static_cast<std::int64_t>(value));
    set(column, Decimal(value));
  }
  /// Binary fractions are not exact: write a Decimal.
  template <std::floating_point Real>
  void set(std::string_view column, Real value) = delete;
  void set(std::string_view column, const Decimal& value) { detail::host->row_decimal(row_, number(column), &value.raw()); }
  /// As RFC 3339.
  void set(std::string_view column, Time value) { detail::host->row_time(row_, number(column), value.time_since_epoch().count()); }

 private:
  [[nodiscard]] std::uint32_t number(std::string_view column) const {
    for (std::size_t i = 0; i < count_; ++i) {
      if (columns_[i] == column) return static_cast<std::uint32_t>(i);
    }
    throw std::invalid_argument("\"" + std::string(column) + "\" is none of the view's columns");
  }
  weir_row* row_;
  const std::string_view* columns_;
  std::size_t count_;
};

/// A state that says itself how it is kept.
template <class State>
concept SavesItself = requires(const State& state, Writer& writer, Reader& reader) {
  state.save(writer);
  { State::load(reader) } -> std::same_as<State>;
};
/// What WEIR_VIEW takes.
template <class T>
concept ViewOfYours = std::constructible_from<T, const typename T::Config&, Fields> && std::default_initializable<typename T::State> &&
                      requires(const T& view, typename T::State& state, const typename T::State& other, Readable record, ViewRow row) {
                        view.add(state, record);
                        T::merge(state, other);
                        view.show(other, row);
                        { T::columns[0] } -> std::convertible_to<std::string_view>;
                      };

#pragma GCC visibility push(hidden)
namespace detail {

template <class State>
constexpr bool made_of_bytes() {
  const State zeros = std::bit_cast<State>(std::array<unsigned char, sizeof(State)>{});
  return sizeof zeros != 0;
}
/// Without pointers: bytes cannot be cast to them where everything is constant.
template <class State>
concept PlainBytes = requires { typename std::bool_constant<made_of_bytes<State>()>; };

/// How a state is kept.
template <class State>
class Kept {
 public:
  static State load(weir_text bytes) {
    if (bytes.size == 0) return State{};
    if constexpr (SavesItself<State>) {
      Reader reader(from_abi(bytes));
      State state = State::load(reader);
      if (!reader.done()) throw std::out_of_range("the state of a row goes on: load() reads less than save() wrote");
      return state;
    } else {
      static_assert(std::is_trivially_copyable_v<State> && std::has_unique_object_representations_v<State> && PlainBytes<State>,
                    "a State with padding, floating point, pointers (std::string_view has one) or members of its own memory needs save(weir::Writer&) const and static load(weir::Reader&)");
      if (bytes.size != sizeof(State)) throw std::out_of_range("the state of a row has another size: raise the view's version");
      State state;
      std::memcpy(&state, bytes.data, sizeof state);
      return state;
    }
  }
  static void save(const State& state, weir_bytes* out) {
    if constexpr (SavesItself<State>) {
      Writer writer;
      state.save(writer);
      host->bytes_put(out, to_abi(writer.bytes()));
    } else {
      host->bytes_put(out, {reinterpret_cast<const char*>(&state), sizeof state});
    }
  }
};

template <ViewOfYours T>
class ViewKind {
 public:
  static weir_view_kind describe(std::string_view name) {
    static_assert(std::endian::native == std::endian::little, "states are kept as they lie in memory");
    static const std::vector<weir_text> columns = [] {
      std::vector<weir_text> made;
      for (const std::string_view column : T::columns) made.push_back(to_abi(column));
      return made;
    }();
    const std::vector<weir_key>& keys = Maker<T>::keys();
    return {to_abi(name), keys.data(), keys.size(), columns.data(), columns.size(), version(), Maker<T>::create, Maker<T>::destroy, add, merge, show};
  }

 private:
  using State = typename T::State;
  static constexpr std::uint64_t version() {
    if constexpr (requires { T::version; }) return T::version;
    return 1;
  }
  static std::uint32_t add(const void* view, weir_text state, const weir_event* record, weir_bytes* out, weir_message* why) noexcept {
    return guarded(why, [&] {
      State now = Kept<State>::load(state);
      static_cast<const T*>(view)->add(now, Readable(record));
      Kept<State>::save(now, out);
    });
  }
  static std::uint32_t merge(weir_text a, weir_text b, weir_bytes* out, weir_message* why) noexcept {
    return guarded(why, [&] {
      State into = Kept<State>::load(a);
      T::merge(into, Kept<State>::load(b));
      Kept<State>::save(into, out);
    });
  }
  static std::uint32_t show(const void* view, weir_text state, weir_row* row, weir_message* why) noexcept {
    return guarded(why, [&] {
      const std::vector<std::string_view> columns(std::begin(T::columns), std::end(T::columns));
      static_cast<const T*>(view)->show(Kept<State>::load(state), ViewRow(row, columns.data(), columns.size()));
    });
  }
};

}  // namespace detail
#pragma GCC visibility pop
}  // namespace sdk
}  // namespace weir

/// Makes `TYPE` a kind of view, which pipeline files write as `views: {name: {group_by: […], NAME: {…}}}`.
#define WEIR_VIEW(NAME, TYPE)                                                                               \
  [[maybe_unused]] static const ::weir::detail::Registration<weir_view_kind> WEIR_REGISTERED_NAME(__LINE__)( \
      NAME, &::weir::detail::ViewKind<TYPE>::describe);
