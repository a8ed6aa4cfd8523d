// The section `inputs` of a pipeline file: where `weir up` takes events from.
#pragma once
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "runtime/ports/config_values.h"

namespace weir {

/// The HTTP door of the node: nothing of it is said here.
struct HttpInputConfig {};

/// Files found by patterns. Durations by the door's own clock.
struct FilesInputConfig {
  /// 1..64; `*` `?` `[...]` within a part, `**` for directories; resolved against the pipeline file's folder.
  std::vector<std::string> include;
  /// 0..64, likewise; without a slash: compared with the names of files alone.
  std::vector<std::string> exclude;
  /// false: what is there at the start is read once; true: new files and growth, until the node stops.
  bool follow = false;
  /// any: by the file's name, else record.format.
  RecordFormat format = RecordFormat::any;
  /// 50 ms .. 1 h: how often it looks; a look lists every directory of the patterns.
  std::chrono::microseconds poll{1'000'000};
  /// 0 .. 1 h: compressed, JSON and GeoJSON files are read once they did not change so long.
  std::chrono::microseconds settle{5'000'000};
  /// 1 s .. 7 d: a file that is gone is read until it has not grown so long.
  std::chrono::microseconds close_after{60'000'000};
  /// 1 .. 4'096 files open at once, each with 256 KiB of buffer, and more where lines are long.
  std::uint32_t open_max = 64;
  /// 1 .. 100'000 files known; what is found beyond is told and left alone. The log keeps some 250 bytes of each.
  std::uint32_t files_max = 10'000;
};

struct PluginSourceKind;
/// A source of a plugin.
struct PluginInputConfig {
  std::shared_ptr<const PluginSourceKind> kind;
  std::string kind_name;
  std::vector<std::string> values;  // one for each key of the kind, canonical: given or its default
};

struct InputConfig {
  std::string name;  // the key under `inputs`; its kind, or any name over a map with the kind
  std::variant<HttpInputConfig, FilesInputConfig, PluginInputConfig> body;
  ConfigPlace place;
};

}  // namespace weir
