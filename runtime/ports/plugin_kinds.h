// Stages, sinks, sources, views and services that are not weir's own: what a plugin says about itself and its kinds, checked, as plain data.
#pragma once
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <weir/plugin_abi.h>
#include <weir/service_abi.h>

#include "runtime/base/ids.h"
#include "runtime/base/result.h"

/// Where a plugin puts the state of a row.
struct weir_bytes {
  std::string text;
};

namespace weir {

/// One key of a plugin's kind, as its author declared it. Values are canonical texts: integers, durations (in microseconds) and
/// sizes (in bytes) are plain integers, booleans `true` or `false`.
struct PluginKey {
  enum class Type : std::uint8_t { integer, decimal, text, boolean, duration, size, word };
  std::string name, doc;
  Type type = Type::text;
  bool required = false;
  std::string min, max;            // inclusive; of decimals empty: no bound
  std::string fallback;            // of a key that is not required
  std::vector<std::string> words;  // of Type::word
};

/// What every kind has. Immutable; shared by the configurations that use it. The tables of functions are the plugin's own: they stay
/// valid, since plugins are never unloaded.
struct PluginKind {
  std::string name;
  std::vector<PluginKey> keys;
  std::string file;   // of the plugin, for messages
  Digest128 content;  // of that file: other bytes are other rules
};
struct PluginStageKind : PluginKind {
  weir_stage_kind raw{};
};
struct PluginSinkKind : PluginKind {
  weir_sink_kind raw{};
};
struct PluginSourceKind : PluginKind {
  weir_source_kind raw{};
};
/// What a row of a plugin's view says beside the columns of its kind: how many records its kind failed on.
inline constexpr std::string_view kFailedColumn = "failed";
/// The keys of a view that are weir's own: no kind may be called so.
[[nodiscard]] const std::vector<std::string_view>& own_view_keys();
struct PluginViewKind : PluginKind {
  std::vector<std::string> columns;  // 1 to 64
  weir_view_kind raw{};
};
/// A kind that may answer later has two keys of weir's own behind those of its author.
struct PendingKeys {
  /// Range 1 ms..10 min. From decide() to its answer; as a lookup's call has.
  std::chrono::microseconds deadline = std::chrono::seconds(5);
  /// Range 1..1'000 events of one partition whose answers are awaited; the next ones are decided when there is room. Arbitrary: more than
  /// most services do at once, and each is an event that is in memory anyway.
  std::uint32_t pending_max = 64;
};
[[nodiscard]] inline bool answers_later(const PluginStageKind& kind) noexcept { return kind.raw.resume != nullptr; }
/// `values` are those of a stage of this kind, one that answers later.
[[nodiscard]] PendingKeys pending_keys(const PluginStageKind& kind, const std::vector<std::string>& values);

struct PluginServiceKind : PluginKind {
  weir_service_kind raw{};
};
template <class Kind>
using KindList = std::vector<std::shared_ptr<const Kind>>;
struct PluginKinds {
  KindList<PluginStageKind> stages;
  KindList<PluginSinkKind> sinks;
  KindList<PluginSourceKind> sources;
  KindList<PluginViewKind> views;
  KindList<PluginServiceKind> services;
};

/// The kind of this name, else null.
template <class Kind>
[[nodiscard]] const std::shared_ptr<const Kind>* find_kind(const KindList<Kind>& kinds, std::string_view name) {
  for (const auto& kind : kinds) {
    if (kind->name == name) return &kind;
  }
  return nullptr;
}

/// How a plugin was built, as it says itself.
struct PluginStamp {
  std::uint32_t abi = 0;
  std::string weir, compiler, library, build, sanitizer;
};
/// What stands in the bytes of a plugin's file. Error not_found: nothing does, so it is no plugin.
[[nodiscard]] Result<PluginStamp> read_stamp(std::string_view file);

/// Whether a plugin so built works with a weir so built. Compiler, standard library and optimisation may differ: nothing of them
/// crosses the line between the two. Error config_invalid: what does not fit, what would, what to do.
[[nodiscard]] Result<void> check_stamp(const PluginStamp& plugin, const PluginStamp& weir);
/// Of this build.
[[nodiscard]] PluginStamp own_stamp();

/// How a plugin with services was built, or a weir: of those C++ and CAF cross the line between the two.
struct ServiceStamp {
  std::string weir, caf, compiler, library, sanitizer;  // caf: "0.17.6"; compiler: "GCC 12"
};
/// What stands in the bytes of a plugin's file. Nothing: it has no services.
[[nodiscard]] std::optional<ServiceStamp> read_service_stamp(std::string_view file);
/// Whether services so built work in a weir so built: everything must be the same. Error config_invalid: all that does not fit, what would,
/// what to do.
[[nodiscard]] Result<void> check_service_stamp(const ServiceStamp& plugin, const ServiceStamp& weir);
/// Of this build; `caf`: its CAF_VERSION, which only those know who have CAF.
[[nodiscard]] ServiceStamp own_service_stamp(unsigned caf);
/// What a weir has for services.
struct ServiceGround {
  ServiceStamp stamp;
  const void* core = nullptr;  // a function of its CAF, as weir_service_kind::core
};

/// Checks what an opened plugin says about its kinds. `file` and `content` are theirs. Errors, config_invalid: no kind at all, a
/// name that is none or is weir's own or comes twice, a key that contradicts itself.
[[nodiscard]] Result<PluginKinds> read_kinds(const weir_plugin& plugin, const std::string& file, const Digest128& content);
/// Adds the kinds of one more plugin. Error config_invalid: a name that another one has.
[[nodiscard]] Result<void> add_kinds(PluginKinds& all, PluginKinds more);

}  // namespace weir
