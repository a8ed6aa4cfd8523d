// The line between weir and a plugin: plain C. What weir does for a plugin is here, what a plugin says of itself in weir/plugin_abi.h. Nothing
// of a compiler, a standard library or of weir's own types crosses it, so a plugin need not be built by the compiler that built weir;
// services, which are actors, are the exception (weir/service_abi.h). Authors include weir/stage.h, weir/sink.h, weir/source.h, weir/view.h or
// weir/service.h, which are made of this.
#pragma once
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// Raised when anything here, in weir/plugin_abi.h or in weir/service_abi.h changes: a plugin works with the weir that has its number, and with no other.
#define WEIR_ABI_VERSION 4

/// Not terminated by a zero. Valid as long as the call it was given to or, of what weir gives about an event, until the plugin's
/// function that got the event returns.
typedef struct weir_text {
  const char* data;
  uint64_t size;
} weir_text;

/// Of weir_value::kind.
enum {
  WEIR_MISSING = 0,
  WEIR_NULL = 1,
  WEIR_BOOLEAN = 2,  // true or false
  WEIR_NUMBER = 3,   // spelled as it came
  WEIR_STRING = 4,   // inside of a JSON string
  WEIR_PLAIN = 5,    // text without JSON's escapes
  WEIR_OBJECT = 6,   // raw JSON
  WEIR_ARRAY = 7     // raw JSON
};
/// Of weir_value::flags; the other bits are weir's own.
#define WEIR_ESCAPES 1  // of a string: it has some; ask weir_host::text

/// A value of an event where it lies. Make none: only weir knows how.
typedef struct weir_value {
  const char* data;
  uint32_t length;
  uint8_t kind;
  uint8_t flags;
  uint16_t reserved;
} weir_value;

/// unscaled / 10^scale; `unscaled` in two halves. At most 38 digits, scale at most 18.
typedef struct weir_decimal {
  uint64_t low;
  int64_t high;
  uint32_t scale;
  uint32_t reserved;
} weir_decimal;

typedef struct weir_event weir_event;    // one event, or one part of it; of a sink a record or a dead letter, which is only read
typedef struct weir_source_out weir_source_out;  // what one poll of a source gives; valid until it returns
typedef struct weir_fields weir_fields;  // of a stage, sink or view that is being made; valid until `create` returns
typedef struct weir_bytes weir_bytes;    // where a view's function puts the state of a row; valid until it returns
typedef struct weir_row weir_row;        // where a view shows a row; valid until it returns

typedef struct weir_completion weir_completion;  // of a stage that answers later: where the answer about one event goes

/// Of weir_host::verdict.
enum { WEIR_PASS = 0, WEIR_FILTER = 1, WEIR_REJECT = 2, WEIR_RETRY = 3, WEIR_REJECT_RANGE = 4, WEIR_PENDING = 5 };
/// Of weir_host::complete.
enum { WEIR_ANSWERED = 0, WEIR_FAILED = 1, WEIR_DROPPED = 2 };

/// What weir does for a plugin. All of it but `complete` may be called inside a function of a kind only, with what that got; nothing throws.
typedef struct weir_host {
  uint32_t abi;
  uint32_t reserved;

  /// A field that is read or, `written`, may be changed (by stages only): its number for what is being made. UINT32_MAX: the path is
  /// wrong, and `create` will be refused with what is wrong with it.
  uint32_t (*field)(weir_fields* fields, weir_text path, uint32_t written);

  weir_value (*read)(const weir_event* event, uint32_t field);
  /// Of a value: its text without JSON's escapes; of objects and arrays the raw JSON.
  weir_text (*text)(const weir_event* event, const weir_value* value);
  /// 1: it is a number (text counts where it comes from CSV, as everywhere in weir).
  uint32_t (*number)(const weir_event* event, const weir_value* value, weir_decimal* out);
  /// 1: it is a time as RFC 3339 writes them; microseconds since 1970.
  uint32_t (*time)(const weir_event* event, const weir_value* value, int64_t* out);
  /// A member of an object, an element of an array; missing where there is none.
  weir_value (*member)(const weir_event* event, const weir_value* object, weir_text name);
  weir_value (*element)(const weir_event* event, const weir_value* array, uint64_t index);
  uint64_t (*count)(const weir_event* event, const weir_value* array);

  weir_text (*id)(const weir_event* event);
  weir_text (*type)(const weir_event* event);
  weir_text (*source)(const weir_event* event);
  int64_t (*event_time)(const weir_event* event);
  uint32_t (*attempts)(const weir_event* event);
  /// Of a record: all of it, a JSON object on one line. Of an event in a stage, and of a record in a view: nothing.
  weir_text (*json)(const weir_event* event);

  /// `field` must be one that may be written. The event that goes on has them.
  void (*set_text)(weir_event* event, uint32_t field, weir_text text);
  void (*set_integer)(weir_event* event, uint32_t field, int64_t value);
  void (*set_decimal)(weir_event* event, uint32_t field, const weir_decimal* value);
  void (*set_boolean)(weir_event* event, uint32_t field, uint32_t value);
  void (*set_time)(weir_event* event, uint32_t field, int64_t value);
  /// A value of the same event (or of one it was split from).
  void (*set_value)(weir_event* event, uint32_t field, const weir_value* value);
  void (*set_null)(weir_event* event, uint32_t field);
  void (*drop)(weir_event* event, uint32_t field);

  /// One more record that takes the event's place: a copy of the event as it is now, which changes on its own. Of a kind that
  /// does not split it is a mistake, and the event counts as one that crashed the stage.
  weir_event* (*add_part)(weir_event* event);
  /// The last one counts; without any it is pass.
  void (*verdict)(weir_event* event, uint32_t kind, weir_text reason, weir_text detail);

  /// Of an event that a stage decides, once: to be given back with `complete`, where the verdict is WEIR_PENDING. NULL: there is no memory.
  weir_completion* (*completion)(weir_event* event);
  /// Once, at any time, on any thread, also when nobody waits any more; returns at once. `text`: of WEIR_ANSWERED the answer, of
  /// WEIR_FAILED why there is none.
  void (*complete)(weir_completion* completion, uint32_t how, weir_text text);

  /// One event of a source, and its position behind it; an empty one: this place cannot be gone back to.
  void (*source_add)(weir_source_out* out, weir_text event, weir_text position);

  /// The state of a row, in place of what was put before.
  void (*bytes_put)(weir_bytes* out, weir_text bytes);
  /// What a row shows in a column, by its place in the kind's list. A column that gets nothing is null.
  void (*row_text)(weir_row* row, uint32_t column, weir_text text);
  void (*row_integer)(weir_row* row, uint32_t column, int64_t value);
  void (*row_decimal)(weir_row* row, uint32_t column, const weir_decimal* value);
  void (*row_boolean)(weir_row* row, uint32_t column, uint32_t value);
  void (*row_time)(weir_row* row, uint32_t column, int64_t value);

  uint32_t (*decimal_parse)(weir_text text, weir_decimal* out);
  /// Writes at most 40 bytes to `to`.
  uint64_t (*decimal_text)(const weir_decimal* value, char* to);
  /// 0: out of range.
  uint32_t (*decimal_add)(const weir_decimal* a, const weir_decimal* b, weir_decimal* out);
  uint32_t (*decimal_subtract)(const weir_decimal* a, const weir_decimal* b, weir_decimal* out);
  uint32_t (*decimal_multiply)(const weir_decimal* a, const weir_decimal* b, weir_decimal* out);
  uint32_t (*decimal_divide)(const weir_decimal* a, const weir_decimal* b, uint32_t scale, weir_decimal* out);
  uint32_t (*decimal_round)(const weir_decimal* value, uint32_t scale, weir_decimal* out);
  int32_t (*decimal_compare)(const weir_decimal* a, const weir_decimal* b);
  /// 1: it is whole and fits.
  uint32_t (*decimal_integer)(const weir_decimal* value, int64_t* out);
} weir_host;

/// Of weir_key::type.
enum {
  WEIR_KEY_INTEGER = 0,
  WEIR_KEY_DECIMAL = 1,
  WEIR_KEY_TEXT = 2,
  WEIR_KEY_BOOLEAN = 3,
  WEIR_KEY_DURATION = 4,  // in microseconds
  WEIR_KEY_SIZE = 5,      // in bytes
  WEIR_KEY_WORD = 6       // one of `words`
};

/// One key of the configuration of a kind. Numbers, durations and sizes are written as plain numbers.
typedef struct weir_key {
  weir_text name;
  weir_text doc;       // one line, for people
  weir_text min, max;  // inclusive; empty: no bound. Of integers, durations and sizes both are there
  weir_text fallback;  // what holds where the key is not given; not looked at where `required`
  const weir_text* words;
  uint64_t word_count;
  uint32_t type;
  uint32_t required;
} weir_key;

/// What the pipeline file says, or the fallback: one for each key, in their order.
typedef struct weir_key_value {
  weir_text text;
  int64_t number;  // of integers, durations, sizes; 0 and 1 of booleans
} weir_key_value;

/// Where a plugin says why it could not: what does not fit is cut off.
typedef struct weir_message {
  char* data;
  uint64_t room;
  uint64_t size;
} weir_message;

#ifdef __cplusplus
}
#endif
