#include "runtime/ports/pipeline_tests.h"

#include "runtime/base/json_text.h"

namespace weir {

const TestValue* TestValue::find(std::string_view key) const noexcept {
  for (const auto& [name, value] : fields) {
    if (name == key) return &value;
  }
  return nullptr;
}

void append_json(std::string& to, const TestValue& value) {
  switch (value.kind) {
    case TestValue::Kind::null:
      to += "null";
      return;
    case TestValue::Kind::boolean:
    case TestValue::Kind::number:
      to += value.text;
      return;
    case TestValue::Kind::string:
      append_json_string(to, value.text);
      return;
    case TestValue::Kind::list:
      to += '[';
      for (const TestValue& item : value.items) {
        if (&item != &value.items.front()) to += ',';
        append_json(to, item);
      }
      to += ']';
      return;
    case TestValue::Kind::map:
      to += '{';
      for (const auto& field : value.fields) {
        if (&field != &value.fields.front()) to += ',';
        append_json_string(to, field.name);
        to += ':';
        append_json(to, field.value);
      }
      to += '}';
      return;
  }
}

}  // namespace weir
