#include "cluster/node/open_pipeline.h"

#include <fmt/format.h>

#include "actors/serve/views_actor.h"
#include "cluster/node/views_file.h"

namespace weir {

Result<std::unique_ptr<OpenPipeline>> OpenPipeline::open(PipelineConfig pipeline, NodeConfig node, std::string data,
                                                         const Clock& clock, Logbook& logbook) {
  std::unique_ptr<OpenPipeline> made(new OpenPipeline(std::move(node), std::move(data), clock, logbook));
  WEIR_ASSIGN(made->pipeline_, CompiledPipeline::compile(std::move(pipeline)));
  const PipelineConfig& config = made->config();
  DataIdentity wanted;
  wanted.pipeline = config.name;
  wanted.partitions = config.partitions;
  wanted.wall_text = wall_text(config);
  auto directory = DataDirectory::open(made->data_, wanted, clock, made->rng_);
  if (!directory) return fail(std::move(directory.error()));
  made->directory_.emplace(std::move(*directory));
  WEIR_TRY(write_views_file(*made->directory_, config));
  WEIR_ASSIGN(made->log_, made->open_log_again());
  made->stores_ = std::make_unique<RocksdbStates>();
  return made;
}

Result<std::unique_ptr<EmbeddedLog>> OpenPipeline::open_log_again() {
  EmbeddedLogOptions options;
  options.directory = log_directory(data_);
  options.partitions = config().partitions;
  options.segment_bytes = node_.segment_bytes;
  options.retain = node_.retain;
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

PipelineSetup OpenPipeline::setup() {
  PipelineSetup setup;
  setup.partitions = config().partitions;
  PartitionSetup& partition = setup.partition;
  partition.log = log_.get();
  partition.clock = &clock_;
  partition.logbook = &logbook_;
  partition.views = &pipeline_->views();
  partition.encoder = &pipeline_->encoder();
  partition.steps = pipeline_->steps();
  partition.extractor = pipeline_->extractor();
  partition.spawn_views = spawn_views;
  partition.window.event_bytes_max = config().limits.event_bytes_max;
  if (splits_events(config())) partition.window.batch_events_max = kSplitEventsMax;
  partition.on_conflict = config().dedupe.on_conflict;
  partition.remember = config().dedupe.remember;
  partition.rules_hash = pipeline_->rules_hash();
  partition.incarnation = static_cast<std::uint64_t>(clock_.wall());
  setup.committer = {log_.get(), &clock_, {node_.commit_interval, node_.commit_bytes_max}};
  setup.open_store = [this](PartitionId p) -> Result<std::shared_ptr<StateStore>> {
    auto store = stores_->open(state_directory(data_, p), pipeline_->merger());
    if (!store) return fail(std::move(store.error()));
    return std::shared_ptr<StateStore>(std::move(*store));
  };
  return setup;
}

void OpenPipeline::close() {
  if (log_) log_->close();
  log_.reset();
  stores_.reset();
}

}  // namespace weir
