#include "cluster/cli/new_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "runtime/ports/plugin_kinds.h"

namespace weir::cli {

namespace {

constexpr std::size_t kNameMax = 48;  // its class and its library are named after it
// Of targets that CMake makes itself.
constexpr std::array<std::string_view, 8> kTargets = {"all", "clean", "depend", "edit_cache", "help", "install", "rebuild_cache", "test"};

template <class Words>
bool holds(const Words& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

/// fraud_score -> FraudScore
std::string type_name(const std::string& name) {
  std::string out;
  bool upper = true;
  for (const char c : name) {
    if (c == '_') {
      upper = true;
    } else {
      out += upper && c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
      upper = false;
    }
  }
  return out;
}

void replace_all(std::string& text, std::string_view what, const std::string& with) {
  for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += with.size()) text.replace(at, what.size(), with);
}

/// template_stage/cpp/stage.cc.in -> fraud_score.cc, test.cc.in -> fraud_score_test.cc, README.md.in -> README.md
std::string file_name(std::string_view place, const NewKind& kind, const std::string& name) {
  std::string file(place.substr(place.rfind('/') + 1));
  file.resize(file.size() - std::string_view(".in").size());
  const std::size_t dot = file.find('.');
  const std::string_view first = std::string_view(file).substr(0, dot);
  if (first == kind.name) return name + file.substr(dot);
  if (first == "test" || first == "rules") return name + "_" + file;
  return file;
}

}  // namespace

const std::vector<NewKind>& new_kinds() {
  static const std::vector<NewKind> kinds = {
      {"stage", "A stage in C++, built against the installed weir and loaded as a plugin; or in Lua", "fraud_score", {"validate", "enrich", "transform"}, true},
      {"source", "A source in C++: where events come from", "orders_queue", {"files", "http", "kafka"}, false},
      {"sink", "A sink in C++: where records or dead letters are written to", "warehouse", {"files", "http", "stdout"}, false},
      {"view", "A view in C++: what the rows of a view keep and show", "top_amounts", own_view_keys(), false},
      {"service", "A service in C++: an actor of CAF's beside the pipeline", "totals_watch", {}, false},
  };
  return kinds;
}

Result<void> check_new_name(const NewKind& kind, std::string_view name) {
  const auto lower = [](char c) { return c >= 'a' && c <= 'z'; };
  const bool good = !name.empty() && name.size() <= kNameMax && lower(name.front()) && name.back() != '_' && name.find("__") == std::string_view::npos &&
                    std::all_of(name.begin(), name.end(), [&](char c) { return lower(c) || (c >= '0' && c <= '9') || c == '_'; });
  if (!good)
    return fail(Errc::invalid_argument,
                "\"{}\" cannot name a {}: write a lower-case letter, then lower-case letters, digits and single '_', at most {}, such as {}",
                name.substr(0, 2 * kNameMax), kind.name, kNameMax, kind.example);
  if (holds(kind.taken, name)) return fail(Errc::invalid_argument, "\"{}\" is one of weir's own {}s; choose another name, such as my_{}", name, kind.name, name);
  if (holds(kTargets, name)) return fail(Errc::invalid_argument, "\"{}\" is a target of CMake's own; choose another name, such as my_{}", name, name);
  return {};
}

std::vector<NewFile> new_files(const NewKind& kind, const std::string& name, NewLanguage language) {
  const std::string folder = fmt::format("template_{}/{}/", kind.name, language == NewLanguage::cpp ? "cpp" : "lua");
  std::vector<NewFile> files;
  for (const FileTemplate& one : file_templates()) {
    if (!one.place.starts_with(folder)) continue;
    std::string text(one.text);
    replace_all(text, "@name@", name);
    replace_all(text, "@Type@", type_name(name));
    files.push_back({file_name(one.place, kind, name), std::move(text)});
  }
  return files;
}

}  // namespace weir::cli
