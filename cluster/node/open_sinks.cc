#include "cluster/node/open_sinks.h"

#include <algorithm>

#include "actors/plugin/plugin_sink.h"
#include "actors/sinks/http_target.h"
#include "actors/sinks/sink_actor.h"
#include "cluster/node/compiled_pipeline.h"
#include "runtime/adapters/curl/curl_fetcher.h"
#include "runtime/adapters/sink_files/files_target.h"

namespace weir {

namespace {

/// Connections to one server; of more partitions some wait.
constexpr std::uint32_t kConnectionsMax = 32;
/// Jobs of one sink: each partition has one at a time, and a few of actors that died.
constexpr std::size_t kJobsMax = 4'096;

HttpFetchConfig sinks_fetch(const PipelineConfig& pipeline) {
  std::uint32_t sinks = 0;
  for (const SinkConfig& sink : pipeline.sinks) sinks += std::holds_alternative<HttpSinkConfig>(sink.body) ? 1 : 0;
  HttpFetchConfig config;
  config.connections_per_host_max = std::clamp<std::uint32_t>(sinks * pipeline.partitions, 1, kConnectionsMax);
  config.connections_max = std::clamp<std::uint32_t>(sinks * kConnectionsMax, 1, 10'000);
  config.calls_outstanding_max = std::clamp<std::uint32_t>(sinks * pipeline.partitions, 1, 100'000);
  return config;
}

}  // namespace

std::string sinks_directory(const std::string& data) { return data + "/sinks"; }

bool writes_to_stdout(const PipelineConfig& pipeline) {
  return std::any_of(pipeline.sinks.begin(), pipeline.sinks.end(), [](const SinkConfig& sink) { return std::holds_alternative<StdoutSinkConfig>(sink.body); });
}

Result<std::unique_ptr<OpenSinks>> OpenSinks::open(const PipelineConfig& pipeline, const std::string& data, EventLog& log, const Clock& clock, Logbook& logbook) {
  std::unique_ptr<OpenSinks> made(new OpenSinks(pipeline, data, log, clock, logbook));
  const bool asks = std::any_of(pipeline.sinks.begin(), pipeline.sinks.end(), [](const SinkConfig& sink) { return std::holds_alternative<HttpSinkConfig>(sink.body); });
  if (asks) {
    WEIR_ASSIGN(made->fetch_, make_curl_fetcher(sinks_fetch(pipeline)));
  }
  return made;
}

OpenSinks::OpenSinks(const PipelineConfig& pipeline, const std::string& data, EventLog& log, const Clock& clock, Logbook& logbook)
    : pipeline_(std::make_shared<const PipelineConfig>(pipeline)), log_(log), clock_(clock), logbook_(logbook), cursors_(sinks_directory(data)) {
  for (const SinkConfig& sink : pipeline_->sinks) {
    for (std::uint32_t p = 0; p < pipeline_->partitions; ++p) gauges_.push_back(board_.add(sink.name, PartitionId{p}, kind_of(sink), sink.from == SinkFrom::dead_letter));
    const auto* lines = std::get_if<StdoutSinkConfig>(&sink.body);
    streams_.push_back(lines == nullptr ? nullptr : std::make_shared<StdoutStream>());
    if (lines != nullptr) streams_.back()->csv = lines->text.format == SinkFormat::csv;
    threads_.push_back(std::make_unique<WorkPool>(1, kJobsMax));
  }
}

std::unique_ptr<SinkTarget> OpenSinks::make_target(std::size_t sink, PartitionId partition) {
  const SinkConfig& config = pipeline_->sinks[sink];
  if (const auto* files = std::get_if<FilesSinkConfig>(&config.body)) {
    FilesTargetOptions options;
    options.directory = files->directory;
    options.csv = files->text.format == SinkFormat::csv;
    options.partition = partition;
    options.log_id = log_.log_id();
    options.open_max = files->open_max;
    return std::make_unique<FilesTarget>(std::move(options));
  }
  if (const auto* http = std::get_if<HttpSinkConfig>(&config.body)) return std::make_unique<HttpTarget>(*http, HttpTarget::Ports{fetch_.get(), &clock_, read_whole_file});
  if (std::holds_alternative<PluginSinkConfig>(config.body)) return std::make_unique<PluginSinkTarget>(config, pipeline_->name, partition);
  return std::make_unique<StdoutTarget>(streams_[sink]);
}

std::vector<PipelineSink> OpenSinks::sinks(std::uint64_t seed) {
  std::vector<PipelineSink> sinks;
  for (std::size_t i = 0; i < pipeline_->sinks.size(); ++i) {
    for (std::uint32_t p = 0; p < pipeline_->partitions; ++p) {
      SinkSetup setup;
      setup.pipeline = pipeline_;
      setup.sink = i;
      setup.partition = PartitionId{p};
      setup.log = &log_;
      setup.clock = &clock_;
      setup.logbook = &logbook_;
      setup.cursors = &cursors_;
      setup.make_target = [this, i, p] { return make_target(i, PartitionId{p}); };
      setup.post = [thread = threads_[i].get()](std::function<void()> job) { return thread->post(std::move(job)); };
      setup.gauges = gauges_[i * pipeline_->partitions + p];
      setup.seed = seed;
      PipelineSink sink{pipeline_->sinks[i].name, PartitionId{p}, {}, setup.gauges};
      sink.spawn = [setup](caf::event_based_actor* supervisor, std::shared_ptr<ActorEntry> entry) mutable {
        setup.entry = std::move(entry);
        return spawn_sink(supervisor, setup);
      };
      sinks.push_back(std::move(sink));
    }
  }
  return sinks;
}

void OpenSinks::close() {
  for (const auto& stream : streams_) {
    if (stream) stream->closing.store(true);
  }
  for (const auto& thread : threads_) thread->stop();
  fetch_.reset();
}

}  // namespace weir
