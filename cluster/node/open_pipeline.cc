#include "cluster/node/open_pipeline.h"

#include <fmt/format.h>

#include <algorithm>

#include "actors/serve/views_actor.h"
#include "cluster/node/versions.h"
#include "cluster/node/views_file.h"
#include "runtime/adapters/curl/curl_fetcher.h"
#include "runtime/adapters/directory_snapshots/directory_snapshots.h"
#include "runtime/adapters/embedded_log/file_ops.h"
#include "runtime/base/units.h"

namespace weir {

namespace {
/// What lookups keep grows up to its bound and stays there, so it must leave room for everything else.
Result<void> check_lookup_memory(const PipelineConfig& config, std::uint64_t memory_max) {
  std::uint64_t bytes = 0;
  for (const StageConfig* stage : lookups_of(config)) {
    const std::uint64_t one = std::get<EnrichConfig>(stage->body).http->cache.bytes_max;
    bytes += std::min(one, memory_max) * config.partitions;  // a sum that fits, whatever is written
  }
  if (bytes <= memory_max / 4) return {};
  return fail(Errc::config_invalid,
              "cache.bytes_max of the stages with http is {} or more in {} partitions; with limits.memory_max {} it can be {} at most (a quarter): "
              "lower it, or raise limits.memory_max",
              format_size(bytes), config.partitions, format_size(memory_max), format_size(memory_max / 4));
}
}  // namespace

Result<std::unique_ptr<OpenPipeline>> OpenPipeline::open(PipelineConfig pipeline, NodeConfig node, std::string data,
                                                         const Clock& clock, Logbook& logbook, const LogProgress& opening) {
  std::unique_ptr<OpenPipeline> made(new OpenPipeline(std::move(node), std::move(data), clock, logbook));
  WEIR_ASSIGN(made->pipeline_, CompiledPipeline::compile(std::move(pipeline)));
  const PipelineConfig& config = made->config();
  WEIR_ASSIGN(made->memory_, plan_memory(made->node_.memory_max, config.partitions, made->node_.http_body_max));
  for (std::uint32_t p = 0; p < config.partitions; ++p) made->gauges_.push_back(std::make_shared<PartitionGauges>());
  WEIR_TRY(check_lookup_memory(config, made->node_.memory_max));
  if (!lookups_of(config).empty()) {
    WEIR_ASSIGN(made->fetch_, make_curl_fetcher(fetch_config(config)));
  }
  for (const InputConfig& input : config.inputs)
    if (std::holds_alternative<FilesInputConfig>(input.body)) made->files_inputs_.push_back({input.name});
  DataIdentity wanted;
  wanted.pipeline = config.name;
  wanted.partitions = config.partitions;
  wanted.wall_text = wall_text(config);
  auto directory = DataDirectory::open(made->data_, wanted, clock, made->rng_);
  if (!directory) return fail(std::move(directory.error()));
  made->directory_.emplace(std::move(*directory));
  WEIR_TRY(write_views_file(*made->directory_, config));
  WEIR_ASSIGN(made->log_, made->open_log_again(opening));
  WEIR_ASSIGN(made->sinks_, OpenSinks::open(config, made->data_, *made->log_, clock, logbook));
  RocksdbStatesOptions stores;
  stores.block_cache_bytes = made->memory_.block_cache_bytes;
  made->stores_ = std::make_unique<RocksdbStates>(stores);
  made->snapshots_ = make_directory_snapshots(journal::system_file_ops(), snapshot_directory(made->data_, made->node_.snapshots.directory));
  SnapshotGround ground = made->snapshot_ground();
  ground.ending = &made->ending_;
  made->opening_ = std::make_unique<StateOpening>(ground, [log = made->log_.get()](PartitionId p) { return log->status(p); }, logbook);
  WEIR_TRY(made->open_marks());  // last: whoever is refused has changed nothing
  return made;
}

namespace {
std::string events_of(const CodeMark::Inside& inside) {
  if (inside.count == 1) return fmt::format("the event of offset {}", inside.first.value);
  return fmt::format("the events of offsets {} to {}", inside.first.value, inside.first.value + inside.count - 1);
}
}  // namespace

/// What the last life of the process left inside its stages is written down before this one begins, so that each death counts once.
Result<void> OpenPipeline::open_marks() {
  constexpr const char* kFile = "suspects.json";
  const std::uint32_t partitions = config().partitions;
  const auto stages = static_cast<std::uint32_t>(config().stages.size() + config().views.size() + 1);
  // As many versions as may be at work, and again as many of stages that were given up and hang.
  auto marks = MappedMarks::open(data_ + "/marks", partitions * stages * 4);
  if (!marks && marks.error().code == Errc::disk_full) {
    logbook_.write(LogLevel::warn, "pipeline", describe(marks.error()) + ": events that take the process along are not counted until there is room");
    marks = MappedMarks::in_memory(partitions * stages * 4);
  }
  if (!marks) return fail(std::move(marks.error()));
  marks_ = std::move(*marks);
  const auto stored = DataDirectory::read_file(data_, kFile);
  if (!stored && stored.error().code != Errc::not_found) return fail(stored.error());
  suspects_.partitions.resize(partitions);
  if (stored) {
    auto known = Suspects::decode(*stored, partitions);
    if (known) suspects_ = std::move(*known);
    else logbook_.write(LogLevel::warn, "pipeline", known.error().context);
  }
  const bool any = !marks_->former().empty() || std::any_of(suspects_.partitions.begin(), suspects_.partitions.end(), [](const auto& of) { return !of.empty(); });
  if (any) {
    count_marks(suspects_, {marks_->former_life(), marks_->former_end(), marks_->former()});
    // A disk that is full must not keep a node from starting: then this death is counted for this life only.
    if (const auto written = directory_->write_file(kFile, suspects_.encode()); !written) logbook_.write(LogLevel::warn, "pipeline", describe(written.error()));
    for (const FormerMark& mark : marks_->former())
      logbook_.write(LogLevel::warn, fmt::format("{}/{}", mark.stage, mark.partition.value),
                     fmt::format("had {} in its hands when the process died: {}{}", events_of(mark.inside), cause_text(mark.cause),
                                 is_view(mark) && mark.cause != 0 ? "; they are committed: mend the plugin of this view, or take the view out of the pipeline file" : ""));
  }
  marks_->begin(std::max(marks_->former_life(), suspects_.life) + 1);
  return {};
}

Result<std::unique_ptr<EmbeddedLog>> OpenPipeline::open_log_again(const LogProgress& opening) {
  EmbeddedLogOptions options;
  options.directory = log_directory(data_);
  options.partitions = config().partitions;
  options.segment_bytes = node_.segment_bytes;
  options.retain = node_.retain;
  options.outstanding_bytes_max = memory_.log_outstanding_bytes_max;
  options.progress = opening;
  return open_embedded_log(options, clock_, rng_);
}

std::vector<std::string> OpenPipeline::recovery_notes() const {
  std::vector<std::string> notes;
  for (const LogRecovery::Journal* journal : {&log_->recovery().ingest, &log_->recovery().output}) {
    if (journal->torn_frames != 0)
      notes.push_back(fmt::format("{} journal: {} torn frame at the end was cut, never acknowledged ({})",
                                  journal->name, journal->torn_frames, journal->torn));
    for (const std::string& missing : journal->missing)
      notes.push_back(fmt::format("{} journal: {}", journal->name, missing));
  }
  return notes;
}

SnapshotGround OpenPipeline::snapshot_ground() const {
  SnapshotGround ground;
  ground.pipeline = &config();
  ground.views = &pipeline_->views();
  ground.merger = &pipeline_->merger();
  ground.states = stores_.get();
  ground.store = snapshots_.get();
  ground.files = &journal::system_file_ops();
  ground.clock = &clock_;
  ground.place = snapshot_place(config().partitions, wall_text(config()), log_->log_id());
  ground.data = data_;
  return ground;
}

PipelineSetup OpenPipeline::setup() {
  PipelineSetup setup;
  setup.partitions = config().partitions;
  PartitionSetup& partition = setup.partition;
  partition.log = log_.get();
  partition.clock = &clock_;
  partition.logbook = &logbook_;
  partition.views = &pipeline_->views();
  partition.rules = pipeline_->rules();
  partition.extractor = pipeline_->extractor();
  partition.spawn_views = spawn_views;
  partition.window.bytes_max = memory_.window_bytes_max;
  partition.delta_bytes_max = memory_.delta_bytes_max;
  partition.apply_bytes_max = memory_.apply_bytes_max;
  partition.read_bytes_max = memory_.read_bytes_max;
  setup.gauges = gauges_;
  partition.window = chain_limits(config(), partition.window);
  partition.window_rules = window_rules_of(config());
  partition.dead_letters = config().dead_letters;
  std::uint64_t& parked_max = partition.window_rules.retry.parked_bytes_max;
  parked_max = std::min<std::uint64_t>(parked_max, memory_.parked_bytes_max);
  partition.remember = config().dedupe.remember;
  partition.owner = {static_cast<std::uint64_t>(clock_.wall()), node_.node, weir_version()};
  partition.biography.retain = config().biography.retain;
  partition.biography.bytes_max = config().biography.bytes_max / config().partitions;
  partition.biography.run_items = std::min(partition.biography.run_items, memory_.delta_bytes_max / 128);
  setup.supervision = node_.supervision;
  setup.poison_crashes_max = config().limits.poison_crashes_max;
  setup.suspects = suspects_.partitions;
  partition.marks = marks_;
  setup.seed = rng_.next();
  partition.stage_ports = {{}, &clock_, &logbook_, fetch_.get(), rng_.next(), lookups_, taps_, pending_, {}};
  setup.board = board_;
  setup.committer = {log_.get(), &clock_, {node_.commit_interval, node_.commit_bytes_max}, commits_};
  setup.sinks = sinks_->sinks(rng_.next());
  setup.open_store = [this](PartitionId p) { return opening_->open(p); };
  setup.beside = [this](std::function<void()> job) { return beside_.post(std::move(job)); };
  setup.mend_state = [this](PartitionId p) { return opening_->mend(p); };
  return setup;
}

std::vector<MemoryUse> OpenPipeline::memory_use() const {
  MemoryUse in_flight{"in flight", 0}, dedupe{"dedupe", 0}, deltas{"deltas", 0}, parked{"parked", 0};
  for (const auto& gauges : gauges_) {
    in_flight.bytes += gauges->in_flight_bytes.load();
    dedupe.bytes += gauges->dedupe_bytes.load();
    deltas.bytes += gauges->delta_bytes.load();
    parked.bytes += gauges->parked_bytes.load();
  }
  MemoryUse files{"files", 0};
  for (const FilesInput& input : files_inputs_) files.bytes += input.gauges->buffers_bytes.load();
  std::vector<MemoryUse> use = {
      dedupe, deltas, in_flight, parked, {"log", log_->outstanding_bytes()}, {"stores", stores_->cache_bytes()}};
  if (!files_inputs_.empty()) use.push_back(files);
  MemoryUse answers{"lookups", 0};
  for (const LookupBoard::Line& line : lookups_->lines()) answers.bytes += line.gauges->cache_bytes.load();
  if (fetch_) use.push_back(answers);
  return use;
}

bool OpenPipeline::takes_http() const {
  const std::vector<InputConfig>& inputs = config().inputs;
  return std::any_of(inputs.begin(), inputs.end(),
                     [](const InputConfig& input) { return std::holds_alternative<HttpInputConfig>(input.body); });
}

std::uint64_t OpenPipeline::backlog() const {
  std::uint64_t events = 0;
  for (std::uint32_t p = 0; p < config().partitions; ++p) {
    const PartitionStatus status = log_->status(PartitionId{p});
    events += status.ingest_reserved - std::min(status.ingest_reserved, status.position.committed);
  }
  return events;
}

RulesWatch OpenPipeline::watch_rules(const FileLooks& looks) {
  return RulesWatch({&config(), &pipeline_->views(), pipeline_->take_rules(), read_whole_file, &looks, &logbook_, rules_gauges_.get()});
}

void OpenPipeline::end_beside() {
  ending_ = true;
  beside_.stop();
  sinks_->close();
}

void OpenPipeline::close() {
  ending_ = true;
  beside_.stop();
  fetch_.reset();
  if (sinks_) sinks_->close();
  if (log_) log_->close();
  log_.reset();
  stores_.reset();
}

}  // namespace weir
