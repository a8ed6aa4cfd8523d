// Reads the files of a pipeline's stages again when they change: tables, schemas, scripts.
#pragma once
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "cluster/node/compiled_pipeline.h"
#include "cluster/node/repeated_look.h"
#include "runtime/ports/file_looks.h"
#include "runtime/ports/logbook.h"

namespace weir {

/// What the metrics say of it.
struct RulesGauges {
  std::atomic<std::uint64_t> changes{0};   // new rules since the start
  std::atomic<std::uint64_t> refusals{0};  // states of the files that could not be used
  std::atomic<bool> stale{false};          // the files hold such a state now
};

/// What is watched. The pointers outlive the watch, as does what `read` needs.
struct WatchedRules {
  const PipelineConfig* config = nullptr;
  const ViewSet* views = nullptr;
  CompiledRules compiled;  // of the pipeline that runs
  ReadFile read;
  const FileLooks* looks = nullptr;
  Logbook* logbook = nullptr;
  RulesGauges* gauges = nullptr;
};

/// Decides when there is something new. A file is read again when it looks otherwise than when it was read and has
/// settled, which is: all files look the same twice in a row, since one that is being written may well read as a whole.
/// What then cannot be used (gone, cut off, a column missing) leaves the rules as they are, with one warning for each
/// state of the files. Not thread-safe.
class RulesWatch {
 public:
  /// Files that do not come to rest for so many looks are named once.
  static constexpr std::uint32_t kRestlessLooks = 60;

  /// Looks at the files at once; what changed between their reading and now the next look finds by its content.
  explicit RulesWatch(WatchedRules watched);

  /// One look at every file, to be repeated about once a second. The new rules, where the content of some file is
  /// another; else null. Reads only what looks otherwise, and compiles only what has another content.
  [[nodiscard]] std::shared_ptr<const ChainRules> look();

 private:
  struct File {
    RuleFile used;         // what the rules were made of
    FileLook read;         // when it was read
    FileLook last;         // at the last look
    bool differs = false;  // its content, when it was read, from what is used
  };
  [[nodiscard]] bool something_settled();
  [[nodiscard]] std::string different_files();
  [[nodiscard]] Result<CompiledRules> compile() const;
  void refuse(const std::string& names, const Error& error);
  void use(CompiledRules fresh);

  WatchedRules watched_;
  std::vector<File> files_;
  bool first_ = true;
  std::uint32_t restless_ = 0;
};

/// Looks every `interval` on a thread of its own, because reading and compiling take as long as the files are big. When it goes,
/// nothing is published any more; it waits for a compilation that is under way.
class RulesWatcher {
 public:
  /// `publish` gets new rules on that thread.
  RulesWatcher(RulesWatch watch, std::chrono::milliseconds interval,
               std::function<void(std::shared_ptr<const ChainRules>)> publish);

 private:
  RepeatedLook looking_;
};

}  // namespace weir
