// Every key of pipeline and node files, said once: what may stand there, its range, its default, what it is for. The
// JSON Schema
// (`weir lint --schema`), the reference page (configs/reference.md) and `weir config show` are made of it. The loader
// does its own, sharper checking; tests hold the two together (tests/unit/config_keys).
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "runtime/ports/plugin_kinds.h"

namespace weir::yaml {

/// Why one key of a map is not allowed beside, or not without, another one.
struct KeyRule {
  std::string other;
  bool together = true;            // needs `other`; else: contradicts it
  std::vector<std::string> words;  // of needs: `other` must be one of these
};

struct Key;
/// No upper bound but that of a file's size.
inline constexpr std::size_t kAny = SIZE_MAX;

/// What may stand at a place. A value type; copies share what is below.
struct Shape {
  enum class Form : std::uint8_t {
    text,  // not empty
    name,  // a letter, then letters, digits, _ and -; at most 64
    path,  // a field path; `envelope` allows @id and its like
    boolean,
    integer,   // `min` to `max`
    count,     // an integer, or one with K, M, G: 50M
    duration,  // 7d
    size,      // 64MiB
    decimal,
    constant,  // text, number, true, false, null
    words,     // one of `words`
    pattern,   // text that matches `regex` (ECMAScript), called `what` for people
    file,      // the name of a file, relative to the pipeline file
    list,      // `items_min` to `items_max` of `parts[0]`
    map,       // `keys`
    map_of,    // any keys (of the form `parts[1]`), each with a value like `parts[0]`; but `keys` have their own
    either,    // one of `parts`; the first one is what people usually write
    named,     // the shape called `what` in ConfigKeys::shapes: what contains itself
  };
  Form form = Form::text;
  std::string min, max;  // as written in the file
  std::vector<std::string> words;
  std::string regex, what;
  bool envelope = true;
  std::size_t items_min = 1, items_max = kAny;
  std::vector<std::vector<std::string>> one_of;   // of a map: exactly one key of each group is there
  std::vector<std::vector<std::string>> some_of;  // of a map: at least one key of each group
  std::shared_ptr<const std::vector<Key>> keys;
  std::shared_ptr<const std::vector<Shape>> parts;

  [[nodiscard]] const Key* find(std::string_view key) const;
};

struct Key {
  std::string name;
  Shape shape;
  std::string doc;  // one line, for people
  bool required = false;
  std::string fallback;   // what holds when the key is not there, as it would be written; "": see `otherwise`
  bool shown = true;      // else `config show` writes the fallback only where the loader takes it
  std::string otherwise;  // the default in words, where it cannot be written: "for ever"
  std::string example;
  std::vector<KeyRule> rules;
};

struct ConfigKeys {
  Shape root;
  std::vector<std::pair<std::string, Shape>> shapes;  // by name
  [[nodiscard]] const Shape& shape(const std::string& name) const;
};

/// Whether one plain value stands there, in whatever form: nothing to walk into.
[[nodiscard]] bool is_plain_value(Shape::Form form) noexcept;

/// Made at the first call; safe from several threads.
[[nodiscard]] const ConfigKeys& pipeline_keys();
/// With the kinds that plugins bring.
[[nodiscard]] ConfigKeys pipeline_keys(const PluginKinds& plugins);
[[nodiscard]] const ConfigKeys& node_keys();
/// With the kinds of services that plugins bring.
[[nodiscard]] ConfigKeys node_keys(const PluginKinds& plugins);

/// The shape in words, as the reference page and messages have it: "a duration, 1m to 3650d".
[[nodiscard]] std::string describe(const Shape& shape);

/// What a JSON Schema cannot say and the loader refuses all the same, for people; the tests hold the list together with
/// what they find.
struct Unsayable {
  std::string what;
  std::string finding;  // part of every finding of this kind
};
[[nodiscard]] const std::vector<Unsayable>& unsayable();

}  // namespace weir::yaml
