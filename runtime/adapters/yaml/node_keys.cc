// The keys of a node file. Their defaults are those of NodeConfig.
#include <fmt/format.h>

#include "runtime/adapters/yaml/config_shapes.h"
#include "runtime/adapters/yaml/plugin_keys.h"
#include "runtime/ports/node_config.h"

namespace weir::yaml {
namespace {

using Form = Shape::Form;

Shape embedded(const NodeConfig& defaults) {
  return map({
      key("segment", between(Form::size, "4MiB", "1GiB"), "bytes of one file of the log")
          .by_default(format_size(defaults.segment_bytes)),
      key("commit_interval", between(Form::duration, "1ms", "10s"), "how long results are gathered for one commit")
          .by_default(format_duration(defaults.commit_interval)),
      key("commit_bytes_max", between(Form::size, "64KiB", "64MiB"), "a commit of that size does not wait")
          .by_default(format_size(defaults.commit_bytes_max)),
      key("retain", either({words({"all"}), between(Form::duration, "1s", "36500d")}), "how long the log is kept at least")
          .by_default(defaults.retain ? format_duration(*defaults.retain) : "all"),
  });
}

Shape http(const NodeConfig& defaults) {
  return map({
      key("listen",
          pattern("^(localhost|[0-9.]+|\\[[0-9A-Fa-f:.]+\\]):[0-9]{1,5}$",
                  "an address and a port, loopback unless there are `tokens_file` and `tls`; port 0 is a free one"),
          "where the node answers")
          .by_default(fmt::format("\"{}:{}\"", defaults.http_address, defaults.http_port)),
      key("body_max", between(Form::size, "1KiB", "1GiB"), "bytes of one request")
          .by_default(format_size(defaults.http_body_max)),
      key("connections_max", integer(1, 100'000), "open connections; with `tls` each takes some 20 KiB of memory")
          .by_default(std::to_string(defaults.http_connections_max)),
      key("tokens_file", shape(Form::file),
          "who may ask: one token a line, `ROLE NAME TOKEN` with a role of ingest, read, operate, admin and for the token "
          "itself or `sha256:` and its digest; read again when it changes; closed to others (chmod 640)")
          .otherwise("everybody on this machine may do everything")
          .example("tokens"),
      key("tls",
          map({
              key("certificate_file", shape(Form::file),
                  "PEM: the node's certificate, then those that signed it; read again when it changes")
                  .required()
                  .example("node.crt"),
              key("key_file", shape(Form::file),
                  "PEM: its private key, without a passphrase; closed to others (chmod 640); read again when it changes")
                  .required()
                  .example("node.key"),
          }),
          "TLS 1.2 and 1.3 instead of plain HTTP")
          .otherwise("plain HTTP"),
  });
}

Shape limits(const NodeConfig& defaults) {
  return map({
      key("memory_max", between(Form::size, "256MiB", "1TiB"), "memory of the node")
          .by_default(format_size(defaults.memory_max)),
      key("disk_max", between(Form::size, "256MiB", "1PiB"), "bytes of the data directory")
          .by_default(format_size(defaults.disk_max)),
      key("shutdown_max", between(Form::duration, "1s", "1h"),
          "time to drain and commit when stopped; then the node ends all the same")
          .by_default(format_duration(defaults.shutdown_max)),
  });
}

Shape restarts(const RestartLimits& defaults) {
  return map({
      key("restarts_max", integer(0, 1'000), "that many crashes are answered by a restart, the next one escalates")
          .by_default(std::to_string(defaults.restarts_max)),
      key("window", between(Form::duration, "1s", "1h"), "crashes are remembered that long, and until there was progress")
          .by_default(format_duration(defaults.window)),
      key("backoff_min", between(Form::duration, "1ms", "1h"), "pause before the first restart; it doubles, and chance takes up to half off")
          .by_default(format_duration(defaults.backoff_min)),
      key("backoff_max", between(Form::duration, "1ms", "1h"), "the longest pause; at least backoff_min")
          .by_default(format_duration(defaults.backoff_max)),
  });
}

Shape supervision(const SupervisionConfig& defaults) {
  return map({
      key("stage", restarts(defaults.stage), "each stage of a partition; beyond it the partition is rebuilt"),
      key("partition", restarts(defaults.partition), "each partition; beyond it the partition is quarantined"),
      key("door", restarts(defaults.door), "each input; beyond it the input is tried again every `window`"),
      key("sink", restarts(defaults.sink), "each sink in a partition; beyond it, it is broken until `weir sink release`"),
      key("service", restarts(defaults.service), "each service; beyond it the service is tried again every `window`"),
      key("committer", restarts(defaults.committer), "the committer; beyond it the node ends"),
  });
}

Shape snapshots(const SnapshotConfig& defaults) {
  return map({
      key("directory", shape(Form::file), "where they are kept, relative to the node file; on another disk they survive the loss of this one")
          .otherwise("`snapshots` in the data directory")
          .example("/backup/retail"),
      key("interval", either({words({"never"}), between(Form::duration, "10s", "30d")}),
          "how often one is made of a partition with new commits; never: only by command")
          .by_default(format_duration(defaults.interval)),
      key("keep", integer(3, 1'000), "that many usable ones of each partition, and the newest verified one").by_default(std::to_string(defaults.keep)),
      key("verify_interval", either({words({"never"}), between(Form::duration, "10s", "365d")}),
          "how often the newest one is restored aside, replayed and compared; never: only by command")
          .by_default(format_duration(defaults.verify_interval)),
  });
}

/// Weir has none of its own; where no plugin is known, only how one is written.
Shape services(const PluginKinds& plugins) {
  std::vector<Key> keys;
  std::vector<std::string> kinds;
  for (const auto& kind : plugins.services) {
    keys.push_back(key(kind->name, map(plugin_keys(*kind)), "a service of " + kind->file));
    kinds.push_back(kind->name);
  }
  Shape service = map_of(shape(Form::name), map_of(shape(Form::name), shape(Form::constant), 0, kAny), 1, 1);
  if (!kinds.empty()) {
    service = map(std::move(keys));
    service.one_of.push_back(std::move(kinds));
  }
  return map_of(shape(Form::name), std::move(service), 0, 64);
}

}  // namespace

ConfigKeys node_keys(const PluginKinds& plugins) {
  const NodeConfig defaults;
  ConfigKeys made;
  made.root = map({
      key("node", shape(Form::name), "its name").by_default(defaults.node),
      key("data", shape(Form::text), "data directory of the pipeline")
          .otherwise("chosen by the command")
          .example("./weir-data/retail"),
      key("log", map({key("embedded", embedded(defaults), "the log in the data directory")}),
          "where events are kept"),
      key("http", http(defaults), "the door and the questions over HTTP"),
      key("limits", limits(defaults), "what the node may use"),
      key("supervision", supervision(defaults.supervision), "how patiently what dies is started again"),
      key("snapshots", snapshots(defaults.snapshots), "copies of the state, from which a partition is rebuilt"),
      key("logging",
          map({
              key("level", words({"trace", "debug", "info", "warn", "error"}), "the least that is logged")
                  .by_default(defaults.logging_level),
              key("format", words({"auto", "text", "json"}), "auto: text on a terminal, else JSON lines")
                  .by_default("auto"),
          }),
          "what the node says"),
      key("plugins", list(shape(Form::file), 0, 64), "shared objects with stages, sinks, sources, views and services of your own, loaded at start; relative to the node file")
          .by_default("[]")
          .example("[libfraud_score.so]"),
      key("services", services(plugins), "actors of your own beside the pipeline, of kinds that plugins have: a name, and in it the kind with its keys; only `weir up` runs them")
          .otherwise("none")
          .example("{alarm: {totals_watch: {every: 10s}}}"),
  });
  return made;
}

const ConfigKeys& node_keys() {
  static const ConfigKeys keys = node_keys(PluginKinds{});
  return keys;
}

}  // namespace weir::yaml
