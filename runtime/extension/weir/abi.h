// The line between weir and a plugin: plain C. Nothing of a compiler, a standard library or of weir's own types crosses it, so
// a plugin need not be built by the compiler that built weir. Authors include weir/stage.h, weir/sink.h or weir/source.h, which are made of this.
#pragma once
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// Raised when anything below changes: a plugin works with the weir that has its number, and with no other.
#define WEIR_ABI_VERSION 3

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
typedef struct weir_fields weir_fields;  // of a stage or sink that is being made; valid until `create` returns

/// Of weir_host::verdict.
enum { WEIR_PASS = 0, WEIR_FILTER = 1, WEIR_REJECT = 2, WEIR_RETRY = 3, WEIR_REJECT_RANGE = 4 };

/// What weir does for a plugin. All of it may be called inside a function of a kind only, with what that got; nothing throws.
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
  /// Of a record: all of it, a JSON object on one line. Of an event in a stage: nothing.
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

  /// One event of a source, and its position behind it; an empty one: this place cannot be gone back to.
  void (*source_add)(weir_source_out* out, weir_text event, weir_text position);

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

/// One key of the configuration of a stage, a sink or a source. Numbers, durations and sizes are written as plain numbers.
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

/// What became of a call into a plugin.
enum { WEIR_DECIDED = 0, WEIR_THREW = 1, WEIR_NO_MEMORY = 2 };

/// One kind of stage. One object made by `create` serves all partitions and threads, so the others get it as it is.
typedef struct weir_stage_kind {
  weir_text name;  // as the pipeline file writes it
  const weir_key* keys;
  uint64_t key_count;
  uint64_t splits;  // 1: it may add records
  /// NULL: refused, `why` says why.
  void* (*create)(weir_fields* fields, const weir_key_value* values, weir_message* why);
  void (*destroy)(void* stage);
  /// One event. WEIR_THREW with what was thrown in `why`: a crash of the stage.
  uint32_t (*decide)(const void* stage, weir_event* event, weir_message* why);
  /// Several at once; NULL: there is no such form, and `decide` is called for each.
  uint32_t (*decide_batch)(const void* stage, weir_event* const* events, uint64_t count, weir_message* why);
} weir_stage_kind;

/// Which part of which sink of a pipeline file an object of a sink is.
typedef struct weir_sink_place {
  weir_text pipeline, sink;
  uint32_t partition;
  uint32_t reserved;
} weir_sink_place;

/// Everything in commits up to `commit` is done, and the first `taken` records of the one behind it. Grows with the log of a partition.
typedef struct weir_position {
  uint64_t commit;
  uint64_t taken;
} weir_position;

typedef struct weir_sink_batch {
  weir_text key;  // the same for the same records, whenever they are sent
  const weir_event* const* records;
  const weir_position* behind;  // of each record: the place behind it
  uint64_t count;
  weir_position from, to;
} weir_sink_batch;

/// Of weir_sink_answer::kind.
enum {
  WEIR_SINK_DONE = 0,
  WEIR_SINK_FAILED = 1,   // may pass: weir tries it again
  WEIR_SINK_REFUSED = 2,  // something in the batch is not wanted, and never will be
  WEIR_SINK_UNUSABLE = 3  // nothing that passes by itself
};
typedef struct weir_sink_answer {
  uint32_t kind;
  uint32_t reserved;
  int64_t pause;        // of failed: leave it alone for so many microseconds, at least
  weir_message reason;  // room for it is there
} weir_sink_answer;

/// One kind of sink. An object made by `create` is of one sink in one partition; its functions are called one at a time, on any thread, and
/// may block.
typedef struct weir_sink_kind {
  weir_text name;  // as the pipeline file writes it
  const weir_key* keys;
  uint64_t key_count;
  /// NULL: refused, `why` says why. Also called, and the object destroyed at once, to check a pipeline file.
  void* (*create)(weir_fields* fields, const weir_key_value* values, weir_message* why);
  void (*destroy)(void* sink);
  /// Once, before anything is written; again only where it failed. WEIR_DECIDED: `answer` says what became of it.
  uint32_t (*open)(void* sink, const weir_sink_place* place, weir_sink_answer* answer, weir_message* why);
  /// WEIR_THREW with what was thrown in `why`: a crash of the sink. The batch comes again, to another object.
  uint32_t (*write)(void* sink, const weir_sink_batch* batch, weir_sink_answer* answer, weir_message* why);
} weir_sink_kind;

typedef struct weir_input_place {
  weir_text pipeline, input;
} weir_input_place;

/// Of weir_source_answer::kind.
enum {
  WEIR_SOURCE_MORE = 0,    // ask again at once
  WEIR_SOURCE_IDLE = 1,    // after `pause`
  WEIR_SOURCE_FAILED = 2,  // it could not be asked: again after `pause`
  WEIR_SOURCE_ENDED = 3    // not before the next start
};
typedef struct weir_source_answer {
  uint32_t kind;
  uint32_t reserved;
  int64_t pause;  // microseconds
  weir_message reason;  // of failed; room for it is there
} weir_source_answer;

/// One kind of source. An object made by `create` is of one input; its functions are called one at a time, on any thread. Each may answer
/// WEIR_THREW with what was thrown in `why`: a crash of the door; another object is opened at the newest durable position.
typedef struct weir_source_kind {
  weir_text name;  // as the pipeline file writes it
  const weir_key* keys;
  uint64_t key_count;
  /// NULL: refused, `why` says why. Also called, and the object destroyed at once, to check a pipeline file. There are no fields to name.
  void* (*create)(weir_fields* fields, const weir_key_value* values, weir_message* why);
  void (*destroy)(void* source);
  /// Once, before anything else. `position`: of the newest durable event that had one; empty: there is none.
  uint32_t (*open)(void* source, const weir_input_place* place, weir_text position, weir_message* why);
  uint32_t (*poll)(void* source, weir_source_out* out, weir_source_answer* answer, weir_message* why);
  /// Everything up to this position is durable.
  uint32_t (*durable)(void* source, weir_text position, weir_message* why);
} weir_source_kind;

typedef struct weir_plugin {
  uint32_t abi;
  uint32_t reserved;
  uint64_t stage_count;
  const weir_stage_kind* stages;
  uint64_t sink_count;
  const weir_sink_kind* sinks;
  uint64_t source_count;
  const weir_source_kind* sources;
} weir_plugin;

/// The one function that a plugin exports, as `weir_plugin_open`. `host` outlives the plugin. NULL: it cannot be opened, `why` says why.
typedef const weir_plugin* (*weir_plugin_opener)(const weir_host* host, weir_message* why);

#ifdef __cplusplus
}
#endif
