// Events as a stage sees them, and records as others do. Nothing is copied: views live until the function that got them returns.
#pragma once
#include <chrono>
#include <concepts>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include <weir/abi.h>
#include <weir/decimal.h>

namespace weir {
inline namespace sdk {

/// A point in time, UTC.
using Time = std::chrono::sys_time<std::chrono::microseconds>;

/// A field that is read. Got from Fields in the constructor of whoever reads it, for every event of its life.
class Field {
 public:
  [[nodiscard]] std::uint32_t number() const noexcept { return number_; }

 private:
  friend class Fields;
  friend class Target;
  explicit Field(std::uint32_t number) noexcept : number_(number) {}
  std::uint32_t number_;
};

/// A field that a stage writes; it may read it as well.
class Target {
 public:
  operator Field() const noexcept { return Field(number_); }  // NOLINT(google-explicit-constructor)
  [[nodiscard]] std::uint32_t number() const noexcept { return number_; }

 private:
  friend class Fields;
  explicit Target(std::uint32_t number) noexcept : number_(number) {}
  std::uint32_t number_;
};

/// Names the fields of a stage or sink while it is made. A field that no stage names is never looked at.
class Fields {
 public:
  explicit Fields(weir_fields* fields) noexcept : fields_(fields) {}
  /// A path as in pipeline files: `amount`, `customer.country`, `a\.b`; `@id`, `@time`, `@type`, `@source`, `@partition`.
  [[nodiscard]] Field read(std::string_view path) const { return Field(number(path, false)); }
  /// A top-level field, which need not be there yet. Of stages only: what a sink gets is final.
  [[nodiscard]] Target write(std::string_view name) const { return Target(number(name, true)); }

 private:
  [[nodiscard]] std::uint32_t number(std::string_view path, bool written) const {
    const std::uint32_t number = detail::host->field(fields_, detail::to_abi(path), written ? 1 : 0);
    if (number == UINT32_MAX) throw std::invalid_argument("\"" + std::string(path) + "\" is no field that can be " + (written ? "written" : "read"));
    return number;
  }
  weir_fields* fields_;
};

/// What a field holds. Of CSV every field that is there is text, and text that reads as a number counts as one.
class Value {
 public:
  Value(const weir_event* event, weir_value raw) noexcept : event_(event), raw_(raw) {}

  /// Not there: it never was, is empty in CSV, or a stage dropped it.
  [[nodiscard]] bool missing() const noexcept { return raw_.kind == WEIR_MISSING; }
  [[nodiscard]] bool null() const noexcept { return raw_.kind == WEIR_NULL; }
  /// There, and not null.
  explicit operator bool() const noexcept { return raw_.kind > WEIR_NULL; }
  [[nodiscard]] bool is_text() const noexcept { return raw_.kind == WEIR_STRING || raw_.kind == WEIR_PLAIN; }
  [[nodiscard]] bool is_object() const noexcept { return raw_.kind == WEIR_OBJECT; }
  [[nodiscard]] bool is_array() const noexcept { return raw_.kind == WEIR_ARRAY; }

  /// Each of these is empty where the value is of another type.
  [[nodiscard]] std::optional<std::string_view> text() const {
    if (!is_text()) return std::nullopt;
    return spelled();
  }
  [[nodiscard]] std::optional<Decimal> decimal() const {
    weir_decimal out;
    if (detail::host->number(event_, &raw_, &out) == 0) return std::nullopt;
    return Decimal(out);
  }
  /// A whole number of 64 bits.
  [[nodiscard]] std::optional<std::int64_t> integer() const {
    const std::optional<Decimal> number = decimal();
    return number ? number->integer() : std::nullopt;
  }
  [[nodiscard]] std::optional<bool> boolean() const {
    if (raw_.kind != WEIR_BOOLEAN) return std::nullopt;
    return raw_.data[0] == 't';
  }
  /// Text as RFC 3339 writes times.
  [[nodiscard]] std::optional<Time> time() const {
    std::int64_t out = 0;
    if (detail::host->time(event_, &raw_, &out) == 0) return std::nullopt;
    return Time(std::chrono::microseconds(out));
  }
  /// As it is written, whatever it is: text without quotes and escapes, objects and arrays as JSON; missing and null are empty.
  [[nodiscard]] std::string_view spelled() const {
    if (raw_.kind <= WEIR_NULL) return {};
    if (raw_.kind != WEIR_STRING || (raw_.flags & WEIR_ESCAPES) == 0) return {raw_.data, raw_.length};
    return detail::from_abi(detail::host->text(event_, &raw_));
  }
  /// Of an object, a member; of an array, its elements. Missing where there is none.
  [[nodiscard]] Value member(std::string_view name) const { return {event_, detail::host->member(event_, &raw_, detail::to_abi(name))}; }
  [[nodiscard]] Value element(std::uint64_t index) const { return {event_, detail::host->element(event_, &raw_, index)}; }
  [[nodiscard]] std::uint64_t elements() const { return detail::host->count(event_, &raw_); }

  [[nodiscard]] const weir_value& raw() const noexcept { return raw_; }

 private:
  const weir_event* event_;
  weir_value raw_;
};

/// What can be read of an event or a record. A handle, as cheap as a pointer.
class Readable {
 public:
  explicit Readable(const weir_event* event) noexcept : event_(event) {}

  /// As the stages before have left it.
  [[nodiscard]] Value operator[](Field field) const { return {event_, detail::host->read(event_, field.number())}; }

  [[nodiscard]] std::string_view id() const { return detail::from_abi(detail::host->id(event_)); }
  [[nodiscard]] std::string_view type() const { return detail::from_abi(detail::host->type(event_)); }
  [[nodiscard]] std::string_view source() const { return detail::from_abi(detail::host->source(event_)); }
  [[nodiscard]] Time time() const { return Time(std::chrono::microseconds(detail::host->event_time(event_))); }

 private:
  const weir_event* event_;
};

/// One event on its way through the stages, or one record it was split into.
class Event : public Readable {
 public:
  explicit Event(weir_event* event) noexcept : Readable(event), event_(event) {}

  /// How often it was tried before in vain.
  [[nodiscard]] std::uint32_t attempts() const { return detail::host->attempts(event_); }

  /// Text that is not UTF-8 rejects the event with reason `encoding`.
  void set(Target field, std::string_view text) { detail::host->set_text(event_, field.number(), detail::to_abi(text)); }
  void set(Target field, const char* text) { set(field, std::string_view(text)); }
  template <std::same_as<bool> Boolean>
  void set(Target field, Boolean value) { detail::host->set_boolean(event_, field.number(), value ? 1 : 0); }
  template <std::integral Integer>
    requires(!std::same_as<Integer, bool>)
  void set(Target field, Integer value) {
    if (std::in_range<std::int64_t>(value)) return detail::host->set_integer(event_, field.number(), static_cast<std::int64_t>(value));
    set(field, Decimal(value));
  }
  /// Binary fractions are not exact: write a Decimal.
  template <std::floating_point Real>
  void set(Target field, Real value) = delete;
  void set(Target field, const Decimal& value) { detail::host->set_decimal(event_, field.number(), &value.raw()); }
  /// As RFC 3339.
  void set(Target field, Time value) { detail::host->set_time(event_, field.number(), value.time_since_epoch().count()); }
  /// A value of this event, or of the event it was split from.
  void set(Target field, const Value& value) { detail::host->set_value(event_, field.number(), &value.raw()); }
  void set_null(Target field) { detail::host->set_null(event_, field.number()); }
  void drop(Target field) { detail::host->drop(event_, field.number()); }

  /// Splits: one more record, a copy of the event as it is now. When the verdict is pass, the records take the event's place, in
  /// the order in which they were added. More than 4,096 of one event reject it with reason `output_too_large`. Only for stages
  /// that say so: `static constexpr bool splits = true;`.
  [[nodiscard]] Event add_record() { return Event(detail::host->add_part(event_)); }

  [[nodiscard]] weir_event* raw() const noexcept { return event_; }

 private:
  weir_event* event_;
};

}  // namespace sdk
}  // namespace weir
