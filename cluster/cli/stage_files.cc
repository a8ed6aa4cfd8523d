#include "cluster/cli/stage_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace weir::cli {

namespace {

constexpr std::size_t kNameMax = 48;  // its class and its library are named after it
// Of weir's own kinds; of targets that CMake makes itself.
constexpr std::array<std::string_view, 3> kKinds = {"validate", "enrich", "transform"};
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

/// stage.cc.in -> fraud_score.cc, test.cc.in -> fraud_score_test.cc, README.md.in -> README.md
std::string file_name(std::string_view place, const std::string& name) {
  std::string file(place.substr(place.find('/') + 1));
  file.resize(file.size() - std::string_view(".in").size());
  if (file.starts_with("stage.")) return name + file.substr(5);
  if (file.starts_with("test.")) return name + "_test" + file.substr(4);
  if (file.starts_with("rules.")) return name + "_rules" + file.substr(5);
  return file;
}

}  // namespace

Result<void> check_stage_name(std::string_view name) {
  const auto lower = [](char c) { return c >= 'a' && c <= 'z'; };
  const bool good = !name.empty() && name.size() <= kNameMax && lower(name.front()) && name.back() != '_' && name.find("__") == std::string_view::npos &&
                    std::all_of(name.begin(), name.end(), [&](char c) { return lower(c) || (c >= '0' && c <= '9') || c == '_'; });
  if (!good)
    return fail(Errc::invalid_argument,
                "\"{}\" cannot name a stage: write a lower-case letter, then lower-case letters, digits and single '_', at most {}, such as fraud_score",
                name.substr(0, 2 * kNameMax), kNameMax);
  if (holds(kKinds, name)) return fail(Errc::invalid_argument, "\"{}\" is one of weir's own stages; choose another name, such as my_{}", name, name);
  if (holds(kTargets, name)) return fail(Errc::invalid_argument, "\"{}\" is a target of CMake's own; choose another name, such as my_{}", name, name);
  return {};
}

std::vector<NewFile> stage_files(const std::string& name, StageLanguage language) {
  const std::string_view folder = language == StageLanguage::cpp ? "cpp/" : "lua/";
  std::vector<NewFile> files;
  for (const StageTemplate& one : stage_templates()) {
    if (!one.place.starts_with(folder)) continue;
    std::string text(one.text);
    replace_all(text, "@stage_name@", name);
    replace_all(text, "@StageType@", type_name(name));
    files.push_back({file_name(one.place, name), std::move(text)});
  }
  return files;
}

}  // namespace weir::cli
