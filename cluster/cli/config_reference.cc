// The page configs/reference.md.
#include <fmt/format.h>

#include <algorithm>

#include "cluster/cli/config_schema.h"

namespace weir::cli {

namespace {

using yaml::ConfigKeys;
using yaml::Key;
using yaml::Shape;

std::string cell(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '|') out += '\\';
    out += c;
  }
  return out;
}

std::string default_of(const Key& key) {
  if (key.required) return "required";
  if (!key.fallback.empty()) return "`" + cell(key.fallback) + "`";
  return cell(key.otherwise);
}

/// One table for each map of fixed keys, in the order they are met.
class Page {
 public:
  explicit Page(const ConfigKeys& keys) : keys_(keys) {}

  void section(const std::string& path, const Shape& shape) {
    std::string title = path.empty() ? "the file" : "`" + path + "`";
    if (!shape.what.empty()) title += ": " + shape.what;
    out_ += fmt::format("\n### {}\n\n", title);
    for (const auto& group : shape.one_of) out_ += fmt::format("Exactly one of {}.\n\n", quoted(group));
    for (const auto& group : shape.some_of) out_ += fmt::format("At least one of {}.\n\n", quoted(group));
    out_ += "| key | what may stand there | default | what it is for |\n|---|---|---|---|\n";
    for (const Key& key : *shape.keys) row(key);
    for (const Key& key : *shape.keys) inside(path.empty() ? key.name : path + "." + key.name, key.shape);
  }
  [[nodiscard]] std::string take() { return std::move(out_); }

 private:
  static std::string quoted(const std::vector<std::string>& words) {
    std::string out;
    for (const std::string& word : words) out += (out.empty() ? "`" : ", `") + word + "`";
    return out;
  }

  void row(const Key& key) {
    std::string doc = key.doc;
    for (const yaml::KeyRule& rule : key.rules) {
      if (!rule.together) doc += fmt::format("; not beside `{}`", rule.other);
      else if (rule.words.empty()) doc += fmt::format("; needs `{}`", rule.other);
      else doc += fmt::format("; needs `{}` {}", rule.other, fmt::join(rule.words, " or "));
    }
    if (!key.example.empty()) doc += fmt::format(", such as `{}: {}`", key.name, key.example);
    out_ += fmt::format("| `{}` | {} | {} | {} |\n", key.name, cell(yaml::describe(key.shape)), default_of(key), cell(doc));
  }

  /// A map with names of the user's own, and perhaps keys that mean something by themselves.
  void inside_names(const std::string& path, const Shape& shape) {
    const Shape& other = shape.parts->front();
    if (shape.keys == nullptr) return inside(path + ".*", other);
    out_ += fmt::format("\n### `{}`\n\n| key | what may stand there | default | what it is for |\n|---|---|---|---|\n", path);
    for (const Key& key : *shape.keys) row(key);
    // One of the same keys under another name: nothing to be said of it twice.
    const bool same = other.form == Shape::Form::map && std::all_of(other.keys->begin(), other.keys->end(), [&](const Key& key) {
                        return shape.find(key.name) != nullptr;
                      });
    if (same) {
      out_ += fmt::format("| a name of your own | a map of exactly one of {} | | the same, under another name |\n",
                          quoted(other.one_of.front()));
    } else {
      out_ += "| a name of your own | see below | | |\n";
      inside(path + ".*", other);
    }
    for (const Key& key : *shape.keys) inside(path + "." + key.name, key.shape);
  }

  /// Maps of fixed keys somewhere below; each named shape once.
  void inside(const std::string& path, const Shape& shape) {
    if (yaml::is_plain_value(shape.form)) return;
    switch (shape.form) {
      case Shape::Form::map:
        if (!shape.keys->empty()) section(path, shape);
        return;
      case Shape::Form::list: inside(path + "[]", shape.parts->front()); return;
      case Shape::Form::map_of: return inside_names(path, shape);
      case Shape::Form::either:
        for (const Shape& part : *shape.parts) {
          if (part.form != Shape::Form::list || part.parts->front().form != shape.parts->front().form) inside(path, part);
        }
        return;
      case Shape::Form::named:
        if (done_.find("|" + shape.what + "|") == std::string::npos) {
          done_ += "|" + shape.what + "|";
          inside(shape.what, keys_.shape(shape.what));
        }
        return;
      default: return;
    }
  }

  const ConfigKeys& keys_;
  std::string out_;
  std::string done_;
};

std::string page(const ConfigKeys& keys) {
  Page page(keys);
  page.section("", keys.root);
  return page.take();
}

}  // namespace

std::string config_reference() {
  std::string out =
      "# Configuration reference\n\n"
      "Written by `weir config reference`; a test compares this page with what weir knows.\n\n"
      "Durations and sizes carry their unit (`7d`, `50ms`, `512MiB`); counts may (`50M`). A field is a dotted path (`\\.` is a dot\n"
      "inside a name); `@id @time @type @source @partition` are the event's envelope. `${NAME}` and `${NAME:-default}` take an\n"
      "environment variable (`$${` is a plain `${`).\n\n"
      "`--overlay FILE` lays a file over the pipeline file, in order: maps merge by key, everything else (a list as a whole, too)\n"
      "takes the place of what stood there, `null` takes a key away. `--set path=value` comes last: `--set http.listen=…` changes\n"
      "the node file, `--set pipeline:stages.0.transform.drop=[a]` the pipeline file. File names are relative to the pipeline file,\n"
      "whichever file they stand in. `weir config show FILE` prints what holds in the end.\n\n"
      "## Pipeline file\n";
  out += page(yaml::pipeline_keys());
  out += "\n## Node file\n";
  out += page(yaml::node_keys());
  out +=
      "\n## What a JSON Schema cannot say\n\n"
      "`weir lint --schema` prints a JSON Schema (draft 7) of pipeline files, `weir lint --schema=node` one of node files, for\n"
      "editors. `weir lint FILE` says more:\n\n";
  for (const yaml::Unsayable& item : yaml::unsayable()) out += "- " + item.what + "\n";
  return out;
}

}  // namespace weir::cli
