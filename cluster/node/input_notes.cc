#include "cluster/node/input_notes.h"

#include <fmt/format.h>

#include <map>

#include "actors/doors/file_finder.h"
#include "runtime/base/units.h"

namespace weir {

namespace {

class Notes {
 public:
  void add(const InputConfig& input, const std::string& text) {
    notes_.push_back(fmt::format("{}:{}:{}: warning: \"inputs.{}\": {}", input.place.file, input.place.line, input.place.column,
                                 input.name, text));
  }
  void look(const InputConfig& input, const FilesInputConfig& config, InputFiles& files) {
    const Finding finding = FileFinder(config.include, config.exclude).find(files);
    const std::string then =
        config.follow ? fmt::format("`weir up` looks again every {}", format_duration(config.poll))
                      : "`weir up` reads what is there when it starts, and without `follow: true` never looks again";
    for (const std::string& problem : finding.problems) add(input, fmt::format("{}; {}", problem, then));
    for (const std::string& nothing : finding.nothing) add(input, fmt::format("{} now; {}", nothing, then));
    share(input, config, finding);
  }
  std::vector<std::string> take() { return std::move(notes_); }

 private:
  void share(const InputConfig& input, const FilesInputConfig& config, const Finding& finding) {
    std::map<std::string, std::vector<std::string>> shared;  // what, by the other input
    for (const FoundFile& file : finding.files) {
      const auto [known, is_new] = readers_.try_emplace(file.status.key, input.name);
      if (!is_new) shared[known->second].push_back(file.path);
    }
    for (const std::string& pattern : config.include) {
      const auto [known, is_new] = patterns_.try_emplace(pattern, input.name);
      // Nothing matches it yet, or something else was said of it.
      if (!is_new && !shared.contains(known->second)) shared[known->second] = {pattern};
    }
    for (const auto& [other, what] : shared) {
      const std::string more = what.size() == 1 ? "" : fmt::format(" and {} more", what.size() - 1);
      add(input, fmt::format("\"inputs.{}\" reads {}{}, too: each event would come in twice, the second time as a duplicate "
                             "for as long as its id is remembered; leave what both read out of one of them (`exclude`)",
                             other, what.front(), more));
    }
  }

  std::vector<std::string> notes_;
  std::map<FileKey, std::string> readers_;
  std::map<std::string, std::string> patterns_;
};

}  // namespace

std::vector<std::string> input_notes(const PipelineConfig& pipeline, InputFiles& files) {
  Notes notes;
  for (const InputConfig& input : pipeline.inputs)
    if (const auto* config = std::get_if<FilesInputConfig>(&input.body)) notes.look(input, *config, files);
  return notes.take();
}

}  // namespace weir
