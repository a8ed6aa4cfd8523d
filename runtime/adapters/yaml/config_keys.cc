#include "runtime/adapters/yaml/config_keys.h"

#include <fmt/format.h>

#include <algorithm>

#include "runtime/base/invariant.h"

namespace weir::yaml {

namespace {

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) {
    const bool sign = word.size() == 1 && (word[0] < '0' || (word[0] > '9' && word[0] < 'A'));
    if (!out.empty()) out += ", ";
    out += word == "\t" ? "a tab" : sign || word == "|" ? fmt::format("\"{}\"", word) : word;
  }
  return out;
}

std::string count(std::size_t min, std::size_t max) {
  if (max == kAny) return min == 0 ? "" : fmt::format(" of at least {}", min);
  return min == max ? fmt::format(" of {}", min) : fmt::format(" of {} to {}", min, max);
}

std::string describe_parts(const Shape& shape) {
  std::vector<std::string> said;
  for (const Shape& part : *shape.parts) {
    std::string text = describe(part);
    if (std::find(said.begin(), said.end(), text) == said.end()) said.push_back(std::move(text));
  }
  return fmt::format("{}", fmt::join(said, "; or "));
}

std::string describe_own(const Shape& shape) {
  std::string out;
  if (shape.keys == nullptr) return out;
  for (const Key& key : *shape.keys) out += fmt::format("; but {}: {}", key.name, describe(key.shape));
  return out;
}

}  // namespace

const Key* Shape::find(std::string_view key) const {
  if (keys == nullptr) return nullptr;
  const auto found = std::find_if(keys->begin(), keys->end(), [&](const Key& known) { return known.name == key; });
  return found == keys->end() ? nullptr : &*found;
}

const Shape& ConfigKeys::shape(const std::string& name) const {
  const auto found = std::find_if(shapes.begin(), shapes.end(), [&](const auto& known) { return known.first == name; });
  NODE_INVARIANT(found != shapes.end(), "a named shape is one of the description's");
  return found->second;
}

bool is_plain_value(Shape::Form form) noexcept {
  switch (form) {
    case Shape::Form::text:
    case Shape::Form::name:
    case Shape::Form::path:
    case Shape::Form::boolean:
    case Shape::Form::integer:
    case Shape::Form::count:
    case Shape::Form::duration:
    case Shape::Form::size:
    case Shape::Form::decimal:
    case Shape::Form::constant:
    case Shape::Form::words:
    case Shape::Form::pattern:
    case Shape::Form::file:
      return true;
    case Shape::Form::list:
    case Shape::Form::map:
    case Shape::Form::map_of:
    case Shape::Form::either:
    case Shape::Form::named:
      return false;
  }
  return false;
}

std::string describe(const Shape& shape) {
  switch (shape.form) {
    case Shape::Form::text:
      return "text";
    case Shape::Form::name:
      return "a name";
    case Shape::Form::path:
      return shape.envelope ? "a field" : "a field of the record";
    case Shape::Form::boolean:
      return "true or false";
    case Shape::Form::integer:
      return fmt::format("an integer, {} to {}", shape.min, shape.max);
    case Shape::Form::count:
      return fmt::format("a count, {} to {}", shape.min, shape.max);
    case Shape::Form::duration:
      return fmt::format("a duration, {} to {}", shape.min, shape.max);
    case Shape::Form::size:
      return fmt::format("a size, {} to {}", shape.min, shape.max);
    case Shape::Form::decimal:
      return "a number";
    case Shape::Form::constant:
      return "a plain value";
    case Shape::Form::words:
      return joined(shape.words);
    case Shape::Form::pattern:
      return shape.what;
    case Shape::Form::file:
      return "a file";
    case Shape::Form::list:
      if (shape.items_max == 0) return "an empty list";
      return fmt::format("a list{}: {}", count(shape.items_min, shape.items_max), describe(shape.parts->front()));
    case Shape::Form::map:
      return "a map";
    case Shape::Form::map_of:
      return fmt::format("a map{}; each key {}, each value {}", count(shape.items_min, shape.items_max),
                         describe((*shape.parts)[1]), describe(shape.parts->front())) +
             describe_own(shape);
    case Shape::Form::either:
      return describe_parts(shape);
    case Shape::Form::named:
      return (std::string_view("aeiou").find(shape.what.front()) == std::string_view::npos ? "a " : "an ") + shape.what;
  }
  return "";
}

namespace {

std::vector<Unsayable> unsayable_of_tests() {
  return {
      {"tests: their names are unique", "a second test is called"},
      {"tests: their names are short and of one line", "must be one line of at most"},
      {"tests: `after` stands behind another input", "needs an input before it"},
      {"tests: the times of inputs rise", "lies before"},
      {"tests: a time is one", "must be a time such as"},
      {"tests: a text has a format", "needs a format, because"},
      {"tests: `events` are ndjson or cloudevents", "are ndjson or cloudevents"},
      {"tests: the file of an input is there", "the input \""},
      {"tests: what is expected of a view, its fields, and the envelope of a record is there",
       "which is not there; allowed"},
      {"tests: `lookups` are of stages that ask a server", "which is no stage that asks a server"},
      {"tests: a key of `lookups` has all parts", "must have a part for each"},
      {"tests: views are the pipeline's", "which this pipeline does not have"},
      {"tests: stages are the pipeline's", "names no stage of this pipeline"},
      {"tests: rules are the pipeline's", ".reason\" must be one of"},
  };
}

}  // namespace

const std::vector<Unsayable>& unsayable() {
  static const std::vector<Unsayable> list = [] {
    std::vector<Unsayable> all = {
        {"the range of a duration", "must be a duration with its unit"},
        {"the range of a duration or window beside words", "with their unit from"},
        {"`backoff_min` is at most `backoff_max`", "the first pause cannot be longer"},
        {"`open_min` is at most `open_max`, and `backoff_min` of `retry` at most `backoff_max`", "must not be longer than"},
        {"durations of `http` and `retry` are whole milliseconds", "must be of whole milliseconds"},
        {"`order_by` is for `order: blocking`, which need not be written", "contradicts \"order: deferred\""},
        {"the address of `http` is one, with fields behind the server's name", ".url\": "},
        {"`add` beside `http` takes fields of the answer", "is part of the envelope"},
        {"headers that weir writes itself, and secrets in the file", ".headers."},
        {"the range of `retain`", "must be all or a duration with its unit"},
        {"the range of a size", "must be a size with its unit"},
        {"the range of a count with K, M or G", "must be a count such as"},
        {"38 digits, 18 of them behind the point", "at most 38 digits"},
        {"tables: the file is there and has the columns that are named", "the table \""},
        {"schemas and scripts: the file is there", "cannot be read"},
        {"`compare` has a relation between two operands, one of them a field", ".compare\""},
        {"a rule is about fields, not about two constants", "compares two constants"},
        {"the names of stages are unique", "a second stage is called"},
        {"the steps of weir's own keep their names", "is taken by a step of weir's own"},
        {"`when` of a stage stands beside it or inside, not both", "stands beside and inside the stage"},
        {"a path names nothing between two dots, and top-level fields have one part", "must name a top-level field"},
        {"paths have no holes", "must be a field path such as"},
        {"lists name nothing twice", "twice"},
        {"a node has one HTTP door", "a node has one HTTP door"},
        {"a node has no stdin", "a node has no stdin"},
        {"`poll`, `settle` and `close_after` belong to `follow: true`", "has no meaning without \"follow: true\""},
        {"lower bounds lie below upper ones", "no value can pass"},
        {"`length_min` lies below `length_max`", "no text can pass"},
        {"values of `one_of` fit the type", "which no"},
        {"`one_of` needs a plain type", "needs a plain type"},
        {"`coerce` needs a type that is not text", "turns text into"},
        {"fields that contain each other are objects", "lies inside"},
        {"`missing` fills what `add` adds", "which this stage does not add"},
        {"one field for each key column", "key columns, found"},
        {"`id` is made of fields of the record and @source", "cannot be made of"},
        {"a strptime format is understood", "record.time.format"},
        {"a zone beside a format that has one", "record.time.zone"},
        {"`csv` belongs to the format csv", "\"record.csv\" contradicts"},
        {"a row's own word on an estimate is no other field", "is an estimate"},
        {"a measure has no name of a row's own or a group field", "give it another name"},
        {"the same of group fields", "would hide the row's own"},
        {"views ask for fields that stages let through", "which the stage \""},
        {"sums and their like are of numbers", "needs a number"},
        {"comparisons leave room for a value", "it never holds"},
        {"`split` inside an object says where its elements go", "is inside an object"},
        {"`from` is not for @time", "which is a time already"},
        {"`from_zone` is for patterns", "needs a pattern in"},
        {"`zone` is not for numbers since 1970", "has no meaning for a number"},
        {"a pattern of `from` is understood", ".from\": "},
        {"a pattern of `to` is understood", ".to\": "},
        {"the bounds of a bucket rise", "must rise from bound to bound"},
        {"the length of a text in bytes", "must be a text of"},
        {"one character is one character", "must be one character"},
        {"forms are nested at most 16 deep", "is nested deeper than"},
        {"sinks: an envelope is for records or for dead letters, and not for CSV", ".envelope\""},
        {"sinks: CSV on stdout has columns, and each has a folder of its own, stdout only one", "sinks."},
        {"the parts of an address and a port, and that beyond loopback there are tokens and TLS", "\"http.listen\""},
    };
    const std::vector<Unsayable> tests = unsayable_of_tests();
    all.insert(all.end(), tests.begin(), tests.end());
    return all;
  }();
  return list;
}

}  // namespace weir::yaml
