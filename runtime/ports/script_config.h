// A script of a stage as a pipeline file names it: plain data, already checked by the loader.
#pragma once
#include <cstdint>
#include <string>

namespace weir {

struct ScriptConfig {
  std::string file;  // resolved against the pipeline file's folder
  /// Range 1'000..1'000'000'000 instructions per event; a long text counts more (see runtime/adapters/lua/meter.h). The
  /// default is some 5 ms of work: a hundred times what a script of a few hundred lines needs.
  std::uint64_t instructions_max = 1'000'000;
  /// Range 256 KiB..1 GiB per partition and script, and a quarter of it for what one event becomes. The default holds
  /// an event of event_bytes_max (900 KiB) as tables.
  std::uint64_t memory_bytes_max = 16ull << 20;
};

}  // namespace weir
