#include "actors/doors/file_door.h"

#include <algorithm>

#include "runtime/base/suggest.h"

namespace weir {

Result<FileDoor> FileDoor::open(FileDoorConfig config, const std::optional<std::string>& position) {
  std::optional<FramePlace> resume;
  if (position && config.source) {
    const auto progress = parse_progress(*position);
    if (!progress) return fail(progress.error().code, "input {}: {}", config.input, progress.error().context);
    if (!progress->finished && progress->framing != config.framing.framing) {
      return fail(Errc::invalid_argument,
                  "input {} was begun in another format and not finished; go on with the format it was begun with, or "
                  "use another data directory",
                  config.input);
    }
    if (!progress->finished) resume = progress->place;
  }
  return FileDoor(std::move(config), resume);
}

FileDoor::FileDoor(FileDoorConfig config, const std::optional<FramePlace>& resume)
    : config_(std::move(config)),
      framer_(make_framer(config_.framing, resume)),
      router_(config_.router),
      reached_(resume.value_or(FramePlace{})),
      resumed_(resume.has_value()) {}

bool FileDoor::take_header() {
  const std::vector<std::string>& columns = framer_->columns();
  // Ids that are named and nowhere to be found are no better than missing fields: every event would get another one.
  std::vector<std::string> missing = router_.set_csv_header(framer_->header(), columns);
  for (const std::string& required : config_.required_columns) {
    if (std::find(columns.begin(), columns.end(), required) == columns.end() &&
        std::find(missing.begin(), missing.end(), required) == missing.end())
      missing.push_back(required);
  }
  if (missing.empty()) return true;
  std::string text;
  for (const std::string& name : missing) {
    text += fmt::format("{}'{}'", text.empty() ? "" : ", ", name);
    if (const auto near = nearest(name, columns)) text += fmt::format(" (there is '{}')", *near);
  }
  error_ = {Errc::input_unreadable, fmt::format("{}: the header line lacks {}, which the pipeline requires; it has {}",
                                                config_.input, text, framer_->header())};
  return false;
}

FileDoorStep FileDoor::step() {
  if (router_.ready()) return FileDoorStep::group;
  while (!refused_) {
    Frame frame;
    switch (framer_->next(frame)) {
      case FrameStep::frame:
        reached_ = framer_->place();
        if (router_.add(frame)) return FileDoorStep::group;
        break;
      case FrameStep::more:
        return FileDoorStep::more;
      case FrameStep::jump:
        return FileDoorStep::jump;
      case FrameStep::header:
        refused_ = !take_header();
        break;
      case FrameStep::end:
        return has_group() ? FileDoorStep::group : FileDoorStep::finished;
      case FrameStep::refused:
        error_ = {framer_->error().code, fmt::format("{}: {}", config_.input, framer_->error().context)};
        refused_ = true;
        break;
    }
  }
  return has_group() ? FileDoorStep::group : FileDoorStep::refused;
}

AppendGroup FileDoor::take(UnixMicros accepted_at) {
  events_ += router_.events();
  AppendGroup group = router_.take(accepted_at);
  if (config_.source)
    group.positions.push_back({*config_.source, write_progress({config_.framing.framing, reached_, false})});
  return group;
}

}  // namespace weir
