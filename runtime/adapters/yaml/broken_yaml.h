// What a person can do about a file that is no YAML: the library says where it gave up, this says where it began.
#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace weir::yaml {

/// A place in the text, 1-based.
struct YamlPlace {
  int line = 1;
  int column = 1;
};

/// The first tab that indents a line: the library's own message for it names neither the tab nor its place.
[[nodiscard]] std::optional<YamlPlace> indenting_tab(std::string_view text);

/// Whether the quoted text that begins at `quote` has no end. The library takes the end of the file for it. Where no
/// quote stands at that place (a file in another encoding): false.
[[nodiscard]] bool never_closed(std::string_view text, YamlPlace quote);

/// What to add to the library's `message` about `at`, with a leading "; ": the bracket or quote that is still open there
/// and where it began, or how to write what was meant. "": nothing is known.
[[nodiscard]] std::string yaml_hint(std::string_view text, YamlPlace at, std::string_view message);

}  // namespace weir::yaml
