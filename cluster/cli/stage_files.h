// The files of a new stage, as `weir new stage` writes them. Made of actors/template_stage.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/result.h"

namespace weir::cli {

struct NewFile {
  std::string name;
  std::string text;
};
enum class StageLanguage : std::uint8_t { cpp, lua };

/// A name that is good for files, classes, targets and pipeline files: a lower-case letter, then lower-case letters, digits and `_`, at
/// most 48. Error invalid_argument: it is none, or somebody else's.
[[nodiscard]] Result<void> check_stage_name(std::string_view name);
/// `name` is good.
[[nodiscard]] std::vector<NewFile> stage_files(const std::string& name, StageLanguage language);

/// What stands in actors/template_stage: text by its place there.
struct StageTemplate {
  std::string_view place;
  std::string_view text;
};
[[nodiscard]] const std::vector<StageTemplate>& stage_templates();

}  // namespace weir::cli
