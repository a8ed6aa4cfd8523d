// The files of a new stage, sink, source, view or service, as `weir new` writes them. Made of actors/template_*.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/result.h"

namespace weir::cli {

/// What `weir new` can make.
struct NewKind {
  std::string_view name;   // "stage"; its templates are in actors/template_stage
  std::string_view about;  // for the help
  std::string_view example;
  std::vector<std::string_view> taken;  // names that are weir's own
  bool lua = false;                     // as scripts, too
};
[[nodiscard]] const std::vector<NewKind>& new_kinds();

struct NewFile {
  std::string name;
  std::string text;
};
enum class NewLanguage : std::uint8_t { cpp, lua };

/// A name that is good for files, classes, targets and pipeline files: a lower-case letter, then lower-case letters, digits and `_`, at
/// most 48. Error invalid_argument: it is none, or somebody else's.
[[nodiscard]] Result<void> check_new_name(const NewKind& kind, std::string_view name);
/// `name` is good.
[[nodiscard]] std::vector<NewFile> new_files(const NewKind& kind, const std::string& name, NewLanguage language);

/// What stands in actors: text by its place there, "template_stage/cpp/stage.h.in".
struct FileTemplate {
  std::string_view place;
  std::string_view text;
};
[[nodiscard]] const std::vector<FileTemplate>& file_templates();

}  // namespace weir::cli
