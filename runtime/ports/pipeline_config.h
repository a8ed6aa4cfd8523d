// A pipeline as its file describes it: plain data, already checked by the loader (runtime/adapters/yaml). Every default is
// written here once; the loader, `weir config show` and the reference page read it from here.
#pragma once
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/ports/config_values.h"
#include "runtime/ports/http_lookup_config.h"
#include "runtime/ports/inputs_config.h"
#include "runtime/ports/sinks_config.h"
#include "runtime/ports/transform_config.h"

namespace weir {

struct IdRule {
  bool digest = true;             // SHA-256 of the raw frame, first 128 bits, 32 lower-case hex characters
  std::vector<FieldPath> fields;  // one or several, joined with ':'
};

struct TimeRule {
  TimeFormat format = TimeFormat::acceptance;
  FieldPath field;             // empty for acceptance
  std::string strptime;        // of TimeFormat::strptime, e.g. "%Y-%m-%d %H:%M:%S"
  std::string zone = "UTC";    // UTC or a fixed offset such as +02:00
};

struct CsvRule {
  std::uint32_t record_lines_max = 64;  // range 1..10'000: lines a quoted field may span
  char separator = ',';
};

struct RecordConfig {
  RecordFormat format = RecordFormat::any;
  IdRule id;
  TimeRule time;
  std::string type;       // constant type; empty: CloudEvents type, else ""
  CsvRule csv;
};

enum class OnConflict : std::uint8_t { dead_letter, ignore };
struct DedupeConfig {
  std::chrono::microseconds remember = std::chrono::hours(24 * 7);  // 1 min .. 10 years
  std::uint64_t ids_max = 50'000'000;                               // 1'000 .. 4'000'000'000
  OnConflict on_conflict = OnConflict::dead_letter;
};

/// What becomes of late events: those whose time lies more than `after` below M, the greatest event time served before
/// them in their partition, capped by partition time. Such an event is judged by nothing else: late comes before every
/// stage, but an event that cannot be read is a dead letter of its own kind.
enum class OnLate : std::uint8_t { accept, expire, dead_letter };
struct LateConfig {
  std::chrono::microseconds after{0};           // 1 s .. 36'500 d; required where `late` is written
  OnLate then = OnLate::accept;                 // accept: they update the windows they belong to
};

enum class FieldType : std::uint8_t { any, string, integer, decimal, boolean, object, array };
struct FieldRule {
  FieldPath path;
  FieldType type = FieldType::any;
  bool required = true;
  bool nullable = false;
  std::optional<bool> coerce;                 // default: on for CSV only
  std::optional<std::string> min, max;        // inclusive; decimals as written
  std::optional<std::string> above, below;    // exclusive
  std::optional<std::uint32_t> length_min, length_max;  // of strings, in code points
  std::vector<Constant> one_of;               // empty: anything
  std::optional<std::string> pattern;         // of strings: found somewhere in the text (RE2); ^ and $ make it the whole
  ConfigPlace pattern_place;
  std::string pattern_key;                    // "stages.0.validate.fields.code.pattern", for messages
  ConfigPlace place;
};

/// A named rule of validate: one check over one or more fields. It never changes the event.
struct NamedRule {
  enum class Kind : std::uint8_t {
    field,          // one field, with the keys of validate.fields
    compare,        // two operands
    at_least_one, at_most_one, exactly_one, all_or_none   // which of `paths` are there (neither missing nor null)
  };
  enum class Relation : std::uint8_t { equal, unequal, less, less_equal, greater, greater_equal };
  /// How sides are read. automatic: as numbers where both are, else as texts where both are, else only equal or not.
  enum class As : std::uint8_t { automatic, number, text, time };
  struct Operand {
    std::optional<FieldPath> path;   // the record's or the envelope's; else the constant
    Constant constant;
  };
  std::string name;                  // reason: rule:NAME
  Kind kind = Kind::field;
  FieldRule field;                   // of field
  Operand left, right;               // of compare
  Relation relation = Relation::equal;
  As as = As::automatic;
  bool required = true;              // of compare: a side that is missing violates the rule; else nothing is compared
  bool nullable = false;             // of compare: likewise for null
  std::vector<FieldPath> paths;      // of the last four: 2..32
  std::optional<WhenConfig> when;
  ConfigPlace place;
};

/// At least one of its parts is given. The checks of one event: fields in file order, then rules in file order, then the
/// script, then the schema; the reason is that of the first violation.
struct ValidateConfig {
  std::vector<FieldRule> fields;
  std::vector<NamedRule> rules;         // at most 256, names differ
  std::optional<ScriptConfig> script;   // rules.lua: `function validate(e)`
  std::optional<std::string> schema;    // file of a JSON Schema (draft 7), resolved against the pipeline file's folder
  ConfigPlace schema_place;
};

/// Exactly one of a table and `http`.
struct EnrichConfig {
  TableConfig table;
  std::optional<HttpLookupConfig> http;                         // its `retry` is the pipeline's, for who makes the lookup to fill in
  std::vector<FieldPath> key;                                   // event fields, one per key column; of http one per part of the address
  std::vector<std::pair<std::string, std::string>> add;         // output field <- column, or path in the answer; in file order
  OnMissing missing = OnMissing::pass;
  std::vector<std::pair<std::string, Constant>> fill;           // of OnMissing::fill
};

struct PluginStageKind;
/// A stage of a plugin.
struct PluginStageConfig {
  std::shared_ptr<const PluginStageKind> kind;
  std::vector<std::string> values;  // one for each key of the kind, canonical: given or its default
};

struct StageConfig {
  // Here and in PipelineConfig: made once, in the .cc; made anew in every file that holds one, they were seconds of each.
  StageConfig();
  StageConfig(const StageConfig& other);
  StageConfig(StageConfig&& other) noexcept;
  StageConfig& operator=(const StageConfig& other);
  StageConfig& operator=(StageConfig&& other) noexcept;
  ~StageConfig();

  std::string kind;   // validate, enrich, transform, or a plugin's
  std::string name;   // unique; defaults to kind
  std::optional<WhenConfig> when;
  std::variant<ValidateConfig, EnrichConfig, TransformConfig, PluginStageConfig> body;
  ConfigPlace place;
};

// Append only: the numbers stand in stored rows.
enum class MeasureKind : std::uint8_t { count, sum, min, max, average, distinct };
struct MeasureConfig {
  std::string name;
  MeasureKind kind = MeasureKind::count;
  FieldPath path;     // of all but count
};
/// The field of a row that says whether a distinct count is an estimate.
[[nodiscard]] inline std::string approximate_column(const std::string& measure) { return measure + "_approximate"; }
struct WindowConfig {
  enum class Unit : std::uint8_t { fixed, day, week, month, year };
  Unit unit = Unit::fixed;
  std::chrono::microseconds size{0};   // of fixed: 1 s .. 366 d
  std::string text;                    // as written: "5m", "day"
};
struct PluginViewKind;
/// A view of a plugin, in place of measures.
struct PluginViewConfig {
  /// Null: of stored data whose plugin is not loaded; its rows are left as they are.
  std::shared_ptr<const PluginViewKind> kind;
  std::string kind_name;
  std::vector<std::string> values;  // one for each key of the kind, canonical: given or its default
};

/// Exactly one of `latest` (a key), measures and plugin.
struct ViewConfig {
  std::string name;
  std::optional<FieldPath> latest;
  std::vector<FieldPath> fields;       // of latest: keep only these fields of the record; empty: the whole record
  std::vector<FieldPath> group_by;
  std::vector<WindowConfig> windows;
  std::vector<MeasureConfig> measures;
  std::optional<PluginViewConfig> plugin;
  std::optional<std::chrono::microseconds> retain;
  std::optional<WhenConfig> when;
  ConfigPlace place;
};

struct LimitsConfig {
  std::uint64_t event_bytes_max = 900 * 1024;   // 1 KiB .. 16 MiB
  /// 1 .. 100: an event that crashed a stage so often is a dead letter. More than one, because a first crash may be an accident;
  /// each may cost the whole process.
  std::uint32_t poison_crashes_max = 3;
  /// 1 s .. 1 h. A stage that has one event for longer is taken for hung, and the process is aborted: nothing else stops a loop in
  /// C++. Scripts are stopped by their own `instructions_max` long before.
  std::chrono::microseconds stage_stall_max = std::chrono::seconds(30);
};

/// What happens to events that a stage cannot decide now, for a reason that may pass (the section `retry`).
enum class RetryOrder : std::uint8_t {
  blocking,  // later events of a held key wait behind the one that is tried again
  deferred,  // they go on: order is given up where events are tried again. Of one id they wait in both orders
};
struct RetrySettings {
  RetryOrder order = RetryOrder::blocking;
  /// Of blocking: events of a partition with the same value of this field are held together; nothing: those with the same id. As the
  /// event came, whatever the stages do to it.
  std::optional<FieldPath> order_by;
  std::uint32_t attempts_max = 20;                              // 1 .. 1000, the first one included
  std::chrono::milliseconds retry_age_max{3'600'000};           // 1 ms .. 7 d: no attempt later than this after the first
  std::chrono::milliseconds backoff_min{200};                   // 1 ms .. backoff_max: the longest pause after the first attempt
  std::chrono::milliseconds backoff_max{60'000};                // backoff_min .. 24 h
  /// Per partition: 1 .. 1'000'000. With more ids or ordering keys held, or more events or bytes parked, the partition decides nothing
  /// more until there are fewer: doors fill the log, nothing is lost.
  std::uint32_t held_keys_max = 10'000;
  std::uint32_t parked_events_max = 100'000;                    // 1 .. 10'000'000
  std::uint64_t parked_bytes_max = std::uint64_t{256} << 20;    // 1 MiB .. 64 GiB
};

/// How long dead letters are kept. Who leaves is counted as expired; without either all are kept.
struct DeadLettersConfig {
  std::optional<std::chrono::microseconds> retain;  // 1 s .. 100 years, since it became one
  std::optional<std::uint64_t> bytes_max;           // 1 MiB .. 1 TiB, of one partition: the oldest leave
};

/// How long `weir where` can tell the life of an event; of what leaves the log before it tells what is in the index.
struct BiographyConfig {
  std::chrono::microseconds retain{std::chrono::hours(7 * 24)};// 1 min .. 100 years, of partition time
  std::uint64_t bytes_max = std::uint64_t{4} << 30;    // 1 MiB .. 1 TiB, of all partitions together: the oldest leave
};

struct PipelineConfig {
  PipelineConfig();
  PipelineConfig(const PipelineConfig& other);
  PipelineConfig(PipelineConfig&& other) noexcept;
  PipelineConfig& operator=(const PipelineConfig& other);
  PipelineConfig& operator=(PipelineConfig&& other) noexcept;
  ~PipelineConfig();

  std::string name;
  std::uint32_t partitions = 8;                 // 1..1024
  RecordConfig record;
  DedupeConfig dedupe;
  LateConfig late;
  RetrySettings retry;
  DeadLettersConfig dead_letters;
  BiographyConfig biography;
  std::vector<StageConfig> stages;
  std::vector<ViewConfig> views;
  std::vector<InputConfig> inputs{{"http", HttpInputConfig{}, {}}};  // what `weir up` reads; `weir run` reads what it is told
  std::vector<SinkConfig> sinks;                // where records and dead letters are written; each reads the log by itself
  LimitsConfig limits;
  std::string file;                             // where it was read from
};

/// Raised when bytes on disk (frames, batches, state keys) change so that an older weir could not read them.
inline constexpr std::uint32_t kStoredFormats = 1;

/// Canonical texts, to be hashed: equal texts mean equal meaning, whatever the file looked like (comments, quotes, defaults
/// written out or not). Places, and the file names of tables, are not part of them. Pure.
/// Never changed in place: a change of such a text refuses, or rebuilds, existing data.
///
/// What may never change for existing data: name, partitions, id rule, dedupe key, stored formats.
[[nodiscard]] std::string wall_text(const PipelineConfig& config);
/// What decides what becomes of an event: record, conflicts, limits, stages in their order. The content of tables and
/// scripts is for the caller to add.
[[nodiscard]] std::string rules_text(const PipelineConfig& config);
/// What decides a view's rows. `retain` is not part of it: it hides rows and rebuilds nothing.
[[nodiscard]] std::string view_text(const ViewConfig& view);
/// Whether some stage may make several records of one event.
[[nodiscard]] bool splits_events(const PipelineConfig& config);
/// Every stage that asks a server, in file order. Pointers into `config`.
[[nodiscard]] std::vector<const StageConfig*> lookups_of(const PipelineConfig& config);
/// Every table that stages read, in file order; one that is used twice comes twice. Pointers into `config`.
[[nodiscard]] std::vector<const TableConfig*> tables_of(const PipelineConfig& config);

}  // namespace weir
