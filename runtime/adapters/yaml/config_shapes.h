// Builders that keep the tables of keys (pipeline_keys.cc, node_keys.cc) readable.
#pragma once
#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "runtime/adapters/yaml/config_keys.h"
#include "runtime/base/units.h"

namespace weir::yaml {

inline Shape shape(Shape::Form form) {
  Shape made;
  made.form = form;
  return made;
}
inline Shape path(bool envelope = true) {
  Shape made = shape(Shape::Form::path);
  made.envelope = envelope;
  return made;
}
inline Shape between(Shape::Form form, std::string min, std::string max) {
  Shape made = shape(form);
  made.min = std::move(min);
  made.max = std::move(max);
  return made;
}
inline Shape integer(std::uint64_t min, std::uint64_t max) {
  return between(Shape::Form::integer, std::to_string(min), std::to_string(max));
}
inline Shape words(std::vector<std::string> words) {
  Shape made = shape(Shape::Form::words);
  made.words = std::move(words);
  return made;
}
inline Shape pattern(std::string regex, std::string what) {
  Shape made = shape(Shape::Form::pattern);
  made.regex = std::move(regex);
  made.what = std::move(what);
  return made;
}
inline Shape named(std::string name) {
  Shape made = shape(Shape::Form::named);
  made.what = std::move(name);
  return made;
}
inline Shape with_parts(Shape::Form form, std::vector<Shape> parts) {
  Shape made = shape(form);
  made.parts = std::make_shared<const std::vector<Shape>>(std::move(parts));
  return made;
}
inline Shape either(std::vector<Shape> parts) {
  return with_parts(Shape::Form::either, std::move(parts));
}
inline Shape list(Shape item, std::size_t min, std::size_t max) {
  Shape made = with_parts(Shape::Form::list, {std::move(item)});
  made.items_min = min;
  made.items_max = max;
  return made;
}
/// One, or a list of 1 to `max`.
inline Shape some(const Shape& item, std::size_t max) {
  return either({item, list(item, 1, max)});
}
inline Shape map(std::vector<Key> keys) {
  Shape made = shape(Shape::Form::map);
  made.keys = std::make_shared<const std::vector<Key>>(std::move(keys));
  return made;
}
/// One of several maps that may stand at a place; `what` it is for, in the title of its section.
inline Shape titled(std::string what, Shape shape) {
  shape.what = std::move(what);
  return shape;
}
/// `own`: keys with values of their own, none of them required.
inline Shape map_of(Shape key, Shape value, std::size_t min, std::size_t max, std::vector<Key> own = {}) {
  Shape made = with_parts(Shape::Form::map_of, {std::move(value), std::move(key)});
  made.items_min = min;
  made.items_max = max;
  if (!own.empty()) made.keys = std::make_shared<const std::vector<Key>>(std::move(own));
  return made;
}
/// A map of exactly one of these keys.
inline Shape one_key(std::vector<Key> keys) {
  std::vector<std::string> names;
  for (const Key& key : keys) names.push_back(key.name);
  Shape made = map(std::move(keys));
  made.one_of.push_back(std::move(names));
  return made;
}

/// key("partitions", integer(1, 1024), "…").by_default("8")
class KeyBuilder {
 public:
  KeyBuilder(std::string name, Shape what, std::string doc) {
    key_.name = std::move(name);
    key_.shape = std::move(what);
    key_.doc = std::move(doc);
  }
  operator Key() const { return key_; }  // NOLINT(google-explicit-constructor): tables are lists of keys

  KeyBuilder required() && {
    key_.required = true;
    return std::move(*this);
  }
  KeyBuilder by_default(std::string text) && {
    key_.fallback = std::move(text);
    return std::move(*this);
  }
  /// A default that beside some other keys would be a contradiction: `config show` writes it only where the loader
  /// takes it.
  /// "" for a section.
  KeyBuilder silently(std::string text) && {
    key_.fallback = std::move(text);
    key_.shown = false;
    return std::move(*this);
  }
  KeyBuilder otherwise(std::string words) && {
    key_.otherwise = std::move(words);
    return std::move(*this);
  }
  KeyBuilder example(std::string text) && {
    key_.example = std::move(text);
    return std::move(*this);
  }
  KeyBuilder needs(std::string other, std::vector<std::string> allowed = {}) && {
    key_.rules.push_back({std::move(other), true, std::move(allowed)});
    return std::move(*this);
  }
  KeyBuilder contradicts(std::string other) && {
    key_.rules.push_back({std::move(other), false, {}});
    return std::move(*this);
  }

 private:
  Key key_;
};
inline KeyBuilder key(std::string name, Shape what, std::string doc) {
  return {std::move(name), std::move(what), std::move(doc)};
}

inline std::string text_of(std::chrono::microseconds duration) {
  return format_duration(duration);
}

}  // namespace weir::yaml
