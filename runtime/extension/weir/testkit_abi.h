// The line between a test and the engine behind weir/testkit.h: plain C, as weir/abi.h.
#pragma once
#include <stdint.h>

#include <weir/plugin_abi.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct weir_testkit weir_testkit;

/// One field of a row: its text (strings without quotes, everything else as JSON) and the same as JSON. Behind the last field of a
/// row it is called once more with an empty name.
typedef void (*weir_testkit_field)(void* to, weir_text name, weir_text text, weir_text json);
/// What the rows are of.
enum { WEIR_TESTKIT_RECORDS = 0, WEIR_TESTKIT_DEAD_LETTERS = 1, WEIR_TESTKIT_VIEW = 2, WEIR_TESTKIT_LEDGER = 3, WEIR_TESTKIT_SINK = 4 };

/// `text` in place of the file's content, or empty: then `file` is read. `plugin` opens what is linked in; may be NULL.
/// Never NULL; ask weir_testkit_error at once.
__attribute__((visibility("default"))) weir_testkit* weir_testkit_open(weir_text file, weir_text text, weir_plugin_opener plugin);
__attribute__((visibility("default"))) void weir_testkit_close(weir_testkit* kit);
/// What went wrong first; empty: nothing. Nothing works any more then.
__attribute__((visibility("default"))) weir_text weir_testkit_error(const weir_testkit* kit);
__attribute__((visibility("default"))) void weir_testkit_feed(weir_testkit* kit, weir_text events, weir_text format);
__attribute__((visibility("default"))) void weir_testkit_advance(weir_testkit* kit, int64_t microseconds);
__attribute__((visibility("default"))) void weir_testkit_poll(weir_testkit* kit);
/// What answers led to: without more time, and with as much time as it takes, as it passes outside, until nothing is pending.
__attribute__((visibility("default"))) void weir_testkit_run(weir_testkit* kit);
__attribute__((visibility("default"))) void weir_testkit_wait(weir_testkit* kit);
__attribute__((visibility("default"))) uint64_t weir_testkit_pending(const weir_testkit* kit);
__attribute__((visibility("default"))) void weir_testkit_crash(weir_testkit* kit, weir_text name, uint64_t nth);
__attribute__((visibility("default"))) uint64_t weir_testkit_crashes(const weir_testkit* kit);
__attribute__((visibility("default"))) void weir_testkit_rows(weir_testkit* kit, uint32_t what, weir_text name, weir_testkit_field field, void* to);

#ifdef __cplusplus
}
#endif
