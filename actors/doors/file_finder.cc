#include "actors/doors/file_finder.h"

#include <fnmatch.h>

#include <algorithm>

namespace weir {

namespace {

constexpr std::size_t kDepthMax = 64;
/// Entries of directories that are kept while one look goes on; what is beyond is listed again where it is needed
/// again. Arbitrary: some 30 MiB.
constexpr std::size_t kEntriesKept = 200'000;

/// The parts of a path; an absolute one begins with an empty part.
std::vector<std::string> parts_of(std::string_view path) {
  std::vector<std::string> parts;
  for (std::size_t begin = 0; begin <= path.size();) {
    const std::size_t slash = std::min(path.find('/', begin), path.size());
    const std::string_view part = path.substr(begin, slash - begin);
    if ((!part.empty() && part != ".") || (begin == 0 && path.starts_with('/'))) parts.emplace_back(part);
    begin = slash + 1;
  }
  return parts;
}
bool is_wild(const std::string& part) {
  return part.find_first_of("*?[") != std::string::npos;
}
bool part_matches(const std::string& pattern, const std::string& name) {
  return is_wild(pattern) ? ::fnmatch(pattern.c_str(), name.c_str(), FNM_PERIOD) == 0 : pattern == name;
}
bool parts_match(const std::vector<std::string>& pattern, const std::vector<std::string>& path) {
  // As a text with `*` is matched: on a mismatch the newest `**` takes one part more. No other path is needed.
  std::size_t i = 0;
  std::size_t k = 0;
  std::size_t star = std::string::npos;
  std::size_t taken = 0;
  while (k < path.size()) {
    if (i < pattern.size() && pattern[i] == "**") {
      star = i++;
      taken = k;
    } else if (i < pattern.size() && part_matches(pattern[i], path[k])) {
      ++i;
      ++k;
    } else if (star != std::string::npos) {
      i = star + 1;
      k = ++taken;
    } else {
      return false;
    }
  }
  while (i < pattern.size() && pattern[i] == "**") ++i;
  return i == pattern.size();
}
std::string below(const std::string& directory, const std::string& name) {
  if (directory.empty()) return name;
  return directory == "/" ? "/" + name : directory + "/" + name;
}

}  // namespace

bool path_matches(std::string_view pattern, std::string_view path) {
  return parts_match(parts_of(pattern), parts_of(path));
}

bool Finding::is_gone(std::string_view path) const {
  return std::none_of(unseen.begin(), unseen.end(), [&](const std::string& directory) {
    return directory == "." || directory == "/" ||
           (path.size() > directory.size() && path.starts_with(directory) && path[directory.size()] == '/');
  });
}

FileFinder::FileFinder(std::vector<std::string> include, std::vector<std::string> exclude)
    : include_(std::move(include)), exclude_(std::move(exclude)) {}

/// One look at the file system.
struct FileFinder::Walk {
  const FileFinder& finder;
  InputFiles& files;
  const FinderQuestion& question;
  Finding finding{};
  std::map<std::string, std::vector<DirectoryItem>> listed{};
  std::size_t kept = 0;                   // entries in `listed`
  std::set<FileKey> seen{};               // among the files
  std::map<FileKey, FoundFile> beside{};  // known ones under other names
  std::set<std::string> visited{};        // place in the pattern and directory: `**/**` would come by twice
  std::size_t new_files = 0;
  bool matched = false;          // the pattern in hand,
  bool names_directory = false;  // or it names one

  std::vector<DirectoryItem> list(const std::string& directory) {
    const std::string name = directory.empty() ? "." : directory;
    const auto known = listed.find(name);
    if (known != listed.end()) return known->second;
    auto items = files.list(name);
    if (!items) {
      const std::string& problem = items.error().context;
      if (std::find(finding.problems.begin(), finding.problems.end(), problem) == finding.problems.end()) {
        finding.problems.push_back(problem);
        if (items.error().code != Errc::not_found) finding.unseen.push_back(name);
      }
      return {};
    }
    if (kept + items->size() <= kEntriesKept) {
      kept += items->size();
      listed[name] = *items;
    }
    return std::move(*items);
  }

  [[nodiscard]] bool excluded(const std::string& path, const std::string& name) const {
    return std::any_of(finder.exclude_.begin(), finder.exclude_.end(), [&](const std::string& pattern) {
      return pattern.find('/') == std::string::npos ? part_matches(pattern, name) : path_matches(pattern, path);
    });
  }

  void take(const std::string& directory, const DirectoryItem& item) {
    const std::string path = below(directory, item.name);
    if (excluded(path, item.name)) return pass(directory, item);
    matched = true;
    const FileKey& key = item.status.key;
    if (seen.contains(key)) return;
    if (!question.known(key) && ++new_files > question.new_max) {
      finding.too_many = true;
      return;
    }
    seen.insert(key);
    finding.files.push_back({path, item.status});
  }

  /// No pattern means it, but it may be one that had another name before.
  void pass(const std::string& directory, const DirectoryItem& item) {
    if (question.known(item.status.key)) beside.try_emplace(item.status.key, below(directory, item.name), item.status);
  }

  void walk(const std::string& directory, const std::vector<std::string>& pattern, std::size_t i, std::size_t depth) {
    if (i == pattern.size() || !visited.insert(std::to_string(i) + " " + directory).second) return;
    const bool last = i + 1 == pattern.size();
    if (!last && !is_wild(pattern[i])) return walk(below(directory, pattern[i]), pattern, i + 1, depth);
    const bool any_depth = pattern[i] == "**";
    if (any_depth) walk(directory, pattern, i + 1, depth);
    for (const DirectoryItem& item : list(directory)) {
      const bool hidden = item.name.starts_with('.');
      if (any_depth) {
        if (item.kind == FileKind::directory && !hidden && !item.link && depth < kDepthMax)
          walk(below(directory, item.name), pattern, i, depth + 1);
        if (last && item.kind == FileKind::file) hidden ? pass(directory, item) : take(directory, item);
      } else if (last && item.kind == FileKind::directory) {
        names_directory |= part_matches(pattern[i], item.name);
      } else if (last && item.kind == FileKind::file) {
        part_matches(pattern[i], item.name) ? take(directory, item) : pass(directory, item);
      } else if (!last && item.kind == FileKind::directory && part_matches(pattern[i], item.name)) {
        walk(below(directory, item.name), pattern, i + 1, depth);
      }
    }
  }
};

Finding FileFinder::find(InputFiles& files, const FinderQuestion& question) const {
  Walk walk{*this, files, question};
  for (const std::string& text : include_) {
    std::vector<std::string> pattern = parts_of(text);
    const bool absolute = !pattern.empty() && pattern.front().empty();
    if (absolute) pattern.erase(pattern.begin());
    walk.matched = walk.names_directory = false;
    walk.visited.clear();
    walk.walk(absolute ? "/" : "", pattern, 0, 0);
    if (!walk.matched)
      walk.finding.nothing.push_back(
          walk.names_directory
              ? fmt::format("{} is a directory; write {}/* for the files in it, {}/** for all below it", text, text,
                            text)
              : fmt::format("no file matches {}", text));
  }
  for (auto& [key, file] : walk.beside)
    if (!walk.seen.contains(key)) walk.finding.elsewhere.push_back(std::move(file));
  return std::move(walk.finding);
}

}  // namespace weir
