#include "cluster/node/rules_watch.h"

#include <fmt/format.h>

#include <algorithm>
#include <exception>

#include "runtime/base/hash.h"

namespace weir {

RulesWatch::RulesWatch(WatchedRules watched) : watched_(std::move(watched)) {
  for (RuleFile& file : watched_.compiled.files) {
    const FileLook look = watched_.looks->look(file.name);
    files_.push_back({std::move(file), look, look});
  }
}

std::shared_ptr<const ChainRules> RulesWatch::look() {
  if (!something_settled()) return nullptr;
  const std::string names = different_files();
  if (names.empty()) {
    if (watched_.gauges->stale.exchange(false))
      watched_.logbook->write(LogLevel::info, "rules", "the files of the stages are again what decides events");
    return nullptr;
  }
  auto fresh = compile();
  if (!fresh) {
    refuse(names, fresh.error());
    return nullptr;
  }
  const Digest128 before = watched_.compiled.rules->version.hash;
  use(std::move(*fresh));
  const auto& rules = watched_.compiled.rules;
  if (rules->version.hash == before) return nullptr;
  watched_.gauges->changes.fetch_add(1);
  watched_.logbook->write(
      LogLevel::info, "rules",
      fmt::format("{} changed; from the next batch on rules {} decide", names, to_hex(rules->version.hash)));
  return rules;
}

/// Whether a file must be read again, and all are at rest.
bool RulesWatch::something_settled() {
  bool settled = true;
  // The first time all are: what changed while the pipeline was compiled may look as it does now.
  bool any = first_ && !files_.empty();
  const File* restless = nullptr;
  for (File& file : files_) {
    const FileLook now = watched_.looks->look(file.used.name);
    if (now != file.last) {
      settled = false;
      restless = &file;
    }
    file.last = now;
    any = any || now != file.read;
  }
  if (settled) {
    restless_ = 0;
    return any;
  }
  if (++restless_ == kRestlessLooks)
    watched_.logbook->write(
        LogLevel::warn, "rules",
        fmt::format("{} has not been at rest for {} looks; files are read when all are left alone from one look to the "
                    "next: write it elsewhere and move it here when it is whole",
                    restless->used.name, kRestlessLooks));
  return false;
}

/// Reads those that look otherwise. The names of all whose content is not what is used, with ", " between them.
std::string RulesWatch::different_files() {
  std::string names;
  for (File& file : files_) {
    if (first_ || file.last != file.read) {
      file.read = file.last;  // if it is written while it is read, the next look is another one
      const auto content = watched_.read(file.used.name);
      file.differs = !content || xxh3_128(*content) != file.used.content;
    }
    if (file.differs) names += (names.empty() ? "" : ", ") + file.used.name;
  }
  first_ = false;
  return names;
}

Result<CompiledRules> RulesWatch::compile() const {
  try {
    return compile_rules(*watched_.config, watched_.views->paths(), watched_.read);
  } catch (const std::exception& error) {  // no memory for it, or a broken promise: the old rules are still good
    return fail(Errc::internal, "{}", error.what());
  }
}

void RulesWatch::refuse(const std::string& names, const Error& error) {
  watched_.gauges->refusals.fetch_add(1);
  watched_.gauges->stale.store(true);
  std::string why = error.context;
  for (std::size_t at = 0; (at = why.find('\n', at)) != std::string::npos; at += 2) why.replace(at, 1, "; ");
  watched_.logbook->write(LogLevel::warn, "rules",
                          fmt::format("{} changed and cannot be used: {}. What was read before goes on deciding; a "
                                      "mended file is read within seconds",
                                      names, why));
}

void RulesWatch::use(CompiledRules fresh) {
  watched_.gauges->stale.store(false);
  watched_.compiled.rules = std::move(fresh.rules);
  std::vector<File> files;
  for (RuleFile& used : fresh.files) {
    const auto known =
        std::find_if(files_.begin(), files_.end(), [&](const File& f) { return f.used.name == used.name; });
    FileLook look = known == files_.end() ? FileLook{} : known->last;
    FileLook read = known == files_.end() ? FileLook{} : known->read;
    files.push_back({std::move(used), read, look});
  }
  files_ = std::move(files);
}

RulesWatcher::RulesWatcher(RulesWatch watch, std::chrono::milliseconds interval,
                           std::function<void(std::shared_ptr<const ChainRules>)> publish)
    : looking_(interval, [watch = std::make_shared<RulesWatch>(std::move(watch)), publish = std::move(publish)] {
        if (auto rules = watch->look()) publish(std::move(rules));
      }) {}

}  // namespace weir
