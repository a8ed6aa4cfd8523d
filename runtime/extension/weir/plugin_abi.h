// What a plugin says of itself: plain C, a table of functions for each kind that it has. What weir does for it is in weir/abi.h.
#pragma once
#include <weir/abi.h>

#ifdef __cplusplus
extern "C" {
#endif

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
  /// Decides an event whose verdict was WEIR_PENDING, with its answer, and not with WEIR_PENDING again; NULL: the stage answers at once.
  uint32_t (*resume)(const void* stage, weir_event* event, weir_text answer, weir_message* why);
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

/// One kind of view. Its functions are called on any thread, several at once, and give the same for the same. Each may answer WEIR_THREW with
/// what was thrown in `why`.
typedef struct weir_view_kind {
  weir_text name;  // as the pipeline file writes it
  const weir_key* keys;
  uint64_t key_count;
  const weir_text* columns;
  uint64_t column_count;
  uint64_t version;  // raised where rows, or their states, would be others: views of this kind are filled anew
  /// NULL: refused, `why` says why.
  void* (*create)(weir_fields* fields, const weir_key_value* values, weir_message* why);
  void (*destroy)(void* view);
  /// One record more. `state`: what the row has, not aligned; empty: nothing yet.
  uint32_t (*add)(const void* view, weir_text state, const weir_event* record, weir_bytes* out, weir_message* why);
  /// Two states of one row as one, whichever is which.
  uint32_t (*merge)(weir_text a, weir_text b, weir_bytes* out, weir_message* why);
  uint32_t (*show)(const void* view, weir_text state, weir_row* row, weir_message* why);
} weir_view_kind;

typedef struct weir_service_kind weir_service_kind;  // of services, which are actors: weir/service_abi.h

typedef struct weir_plugin {
  uint32_t abi;
  uint32_t reserved;
  uint64_t stage_count;
  const weir_stage_kind* stages;
  uint64_t sink_count;
  const weir_sink_kind* sinks;
  uint64_t source_count;
  const weir_source_kind* sources;
  uint64_t view_count;
  const weir_view_kind* views;
  uint64_t service_count;
  const weir_service_kind* services;
} weir_plugin;

/// The one function that a plugin exports, as `weir_plugin_open`. `host` outlives the plugin. NULL: it cannot be opened, `why` says why.
typedef const weir_plugin* (*weir_plugin_opener)(const weir_host* host, weir_message* why);

#ifdef __cplusplus
}
#endif
