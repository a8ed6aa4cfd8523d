// The line between weir and a service of a plugin. The functions are of plain C; a service is an actor, though, so behind two of the pointers
// C++ and CAF cross the line. Authors include weir/service.h.
#pragma once
#include <weir/abi.h>

#ifdef __cplusplus
extern "C" {
#endif

/// Of weir_service_host::log.
enum { WEIR_LOG_DEBUG = 0, WEIR_LOG_INFO = 1, WEIR_LOG_WARN = 2, WEIR_LOG_ERROR = 3 };

typedef struct weir_service_life weir_service_life;  // one life of a service, as the node knows it

typedef struct weir_parameter {
  weir_text name, value;
} weir_parameter;
/// What the node answers: a status and a text as over HTTP. Called exactly once, on any thread, perhaps before the question returns.
typedef void (*weir_service_answer)(void* to, uint32_t status, weir_text text);

/// What a node does for a service: on any thread, also after the service has ended, until `release`. Nothing blocks, nothing throws.
typedef struct weir_service_host {
  /// Once, last: whoever was started is done with `life`.
  void (*release)(weir_service_life* life);
  void (*log)(weir_service_life* life, uint32_t level, weir_text text);
  /// What it does, for people; empty: nothing to be said.
  void (*note)(weir_service_life* life, weir_text text);
  /// What waits for it.
  void (*queue)(weir_service_life* life, uint64_t count);
  /// What it dies of, before it does.
  void (*failed)(weir_service_life* life, weir_text why);
  /// GET /v1/views/VIEW/KEY…?PARAMETERS
  void (*rows)(weir_service_life* life, weir_text view, const weir_text* key, uint64_t key_count, const weir_parameter* parameters,
               uint64_t parameter_count, weir_service_answer answer, void* to);
  /// POST /v1/events?PARAMETERS
  void (*put)(weir_service_life* life, weir_text events, weir_text content_type, const weir_parameter* parameters, uint64_t parameter_count,
              weir_service_answer answer, void* to);
} weir_service_host;

typedef struct weir_service_start {
  const weir_service_host* host;
  weir_service_life* life;
  weir_text node, pipeline, service;
  void* supervisor;  // a caf::event_based_actor, on whose thread `start` is called: what it spawns, it monitors
  void* started;     // a caf::actor, empty: where `start` puts it
  uint32_t own_thread;  // 1: of its own (caf::detached)
  uint32_t reserved;
} weir_service_start;

/// One kind of service. Here C++ and CAF cross the line, so a plugin that has one also says how it was built (WEIR_SERVICE_STAMP), and works
/// with the weir that was built alike, and with no other.
struct weir_service_kind {
  weir_text name;  // as the node file writes it
  const weir_key* keys;
  uint64_t key_count;
  /// WEIR_THREW: the configuration is refused, `why` says why.
  uint32_t (*check)(const weir_key_value* values, weir_message* why);
  /// WEIR_THREW with what was thrown in `why`: a crash of the service. It owns `life` in any case.
  uint32_t (*start)(const weir_service_start* start, const weir_key_value* values, weir_message* why);
  /// A function of CAF's core as the plugin sees it: both must have the same one.
  const void* (*core)(void);
};

#ifdef __cplusplus
}
#endif
