// The functions of weir/testkit_abi.h: nothing that is thrown leaves them.
#include <weir/testkit_abi.h>

#include <exception>
#include <string>

#include "cluster/testkit/testkit_engine.h"

struct weir_testkit {
  weir::TestkitEngine engine;
  std::string error;
};

namespace {

std::string text_of(weir_text text) { return {text.data, static_cast<std::size_t>(text.size)}; }
weir_text to_abi(const std::string& text) { return {text.data(), text.size()}; }

template <class Work>
void guarded(weir_testkit& kit, Work work) noexcept {
  if (!kit.error.empty()) return;
  try {
    if (const weir::Result<void> done = work(); !done) kit.error = done.error().context.empty() ? describe(done.error()) : done.error().context;
  } catch (const std::exception& thrown) {
    kit.error = thrown.what();
  }
}

void give(const weir::TestValue& row, weir_testkit_field field, void* to) {
  for (const weir::TestField& one : row.fields) {
    std::string json;
    append_json(json, one.value);
    const bool text = one.value.kind == weir::TestValue::Kind::string;
    field(to, to_abi(one.name), to_abi(text ? one.value.text : json), to_abi(json));
  }
  field(to, {nullptr, 0}, {nullptr, 0}, {nullptr, 0});
}

}  // namespace

weir_testkit* weir_testkit_open(weir_text file, weir_text text, weir_plugin_opener plugin) {
  auto* const kit = new weir_testkit;
  guarded(*kit, [&] { return kit->engine.open(text_of(file), text.size == 0 ? std::nullopt : std::optional(text_of(text)), plugin); });
  return kit;
}

void weir_testkit_close(weir_testkit* kit) { delete kit; }
weir_text weir_testkit_error(const weir_testkit* kit) { return to_abi(kit->error); }
uint64_t weir_testkit_crashes(const weir_testkit* kit) { return kit->engine.crashes(); }

void weir_testkit_feed(weir_testkit* kit, weir_text events, weir_text format) {
  guarded(*kit, [&] { return kit->engine.feed(text_of(events), text_of(format)); });
}
void weir_testkit_advance(weir_testkit* kit, int64_t microseconds) {
  guarded(*kit, [&] { return kit->engine.advance(microseconds); });
}
void weir_testkit_poll(weir_testkit* kit) {
  guarded(*kit, [&] { return kit->engine.poll(); });
}
void weir_testkit_run(weir_testkit* kit) {
  guarded(*kit, [&] { return kit->engine.run(); });
}
void weir_testkit_wait(weir_testkit* kit) {
  guarded(*kit, [&] { return kit->engine.wait(); });
}
uint64_t weir_testkit_pending(const weir_testkit* kit) { return kit->engine.pending(); }
void weir_testkit_crash(weir_testkit* kit, weir_text name, uint64_t nth) {
  guarded(*kit, [&] { return kit->engine.crash(text_of(name), nth); });
}

void weir_testkit_rows(weir_testkit* kit, uint32_t what, weir_text name, weir_testkit_field field, void* to) {
  guarded(*kit, [&]() -> weir::Result<void> {
    WEIR_ASSIGN(const auto rows, kit->engine.rows(what, text_of(name)));
    for (const weir::TestValue& row : rows) give(row, field, to);
    return {};
  });
}
