#include "cluster/node/expectation.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "runtime/base/decimal.h"
#include "runtime/engine/query_json.h"

namespace weir {

namespace {

/// Rows shown of each kind (missing, unexpected). Arbitrary: a terminal page.
constexpr std::size_t kRowsShown = 10;

/// Builds the tree from nlohmann's events: its own values would turn decimals into binary numbers.
class TreeBuilder final : public nlohmann::json::json_sax_t {
 public:
  explicit TreeBuilder(TestValue& root) : root_(root) {}
  bool null() override { return add(TestValue::Kind::null, {}); }
  bool boolean(bool value) override { return add(TestValue::Kind::boolean, value ? "true" : "false"); }
  bool number_integer(number_integer_t value) override { return add(TestValue::Kind::number, std::to_string(value)); }
  bool number_unsigned(number_unsigned_t value) override { return add(TestValue::Kind::number, std::to_string(value)); }
  bool number_float(number_float_t, const string_t& text) override { return add(TestValue::Kind::number, text); }
  bool string(string_t& value) override { return add(TestValue::Kind::string, value); }
  bool binary(binary_t&) override { return false; }
  bool start_object(std::size_t) override { return open(TestValue::Kind::map); }
  bool start_array(std::size_t) override { return open(TestValue::Kind::list); }
  bool key(string_t& name) override {
    open_.back()->fields.emplace_back(name, TestValue{});
    return true;
  }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }
  bool parse_error(std::size_t, const std::string&, const nlohmann::json::exception&) override { return false; }

 private:
  TestValue& place() {
    if (open_.empty()) return root_;
    TestValue& parent = *open_.back();
    if (parent.kind == TestValue::Kind::map) return parent.fields.back().value;
    return parent.items.emplace_back();
  }
  bool add(TestValue::Kind kind, std::string text) {
    TestValue& value = place();
    value.kind = kind;
    value.text = std::move(text);
    return true;
  }
  // A parent's list grows only while it is the innermost open one, so the pointers hold.
  bool open(TestValue::Kind kind) {
    TestValue& value = place();
    value.kind = kind;
    open_.push_back(&value);
    return true;
  }
  bool close() {
    open_.pop_back();
    return true;
  }

  TestValue& root_;
  std::vector<TestValue*> open_;
};

bool equal_numbers(const std::string& a, const std::string& b) {
  const auto left = Decimal::parse(a);
  const auto right = Decimal::parse(b);
  return left && right ? *left == *right : a == b;
}

bool absent(const TestValue* value) {
  return value == nullptr || value->kind == TestValue::Kind::null;
}

/// `details: TEXT` is looked for in each of a letter's details.
bool meets_field(const std::string& name, const TestValue& expected, const TestValue& row) {
  const TestValue* actual = field_of(row, name);
  if (absent(actual)) return absent(&expected);
  if (name == "details" && expected.kind == TestValue::Kind::string && actual->kind == TestValue::Kind::list) {
    return std::any_of(actual->items.begin(), actual->items.end(),
                       [&](const TestValue& item) { return item.text.find(expected.text) != std::string::npos; });
  }
  return meets(expected, *actual);
}

std::size_t fields_met(const TestValue& expected, const TestValue& row) {
  return static_cast<std::size_t>(std::count_if(expected.fields.begin(), expected.fields.end(), [&](const auto& field) {
    return meets_field(field.name, field.value, row);
  }));
}
bool meets_row(const TestValue& expected, const TestValue& row) {
  return fields_met(expected, row) == expected.fields.size();
}

std::string shown(const TestValue* value) {
  std::string text;
  if (value != nullptr) append_json(text, *value);
  return text;
}

std::string note_of(const TestValue& expected, const TestValue* actual) {
  if (actual == nullptr) return {};
  if (expected.kind == TestValue::Kind::number && actual->kind == TestValue::Kind::string)
    return "a text is never equal to a number: put the expected value into quotes, or declare the field a number in "
           "validate";
  if (expected.kind == TestValue::Kind::string && actual->kind == TestValue::Kind::number)
    return "a number is never equal to a text: leave the quotes out";
  return {};
}

/// Which expected row is met by which actual one, each once: as many pairs as there can be (augmenting paths), because
/// rows that name few fields may fit several.
class Matching {
 public:
  Matching(const std::vector<TestValue>& expected, const std::vector<TestValue>& actual)
      : expected_(expected), actual_(actual), of_expected_(expected.size(), kNone), of_actual_(actual.size(), kNone) {
    for (std::size_t e = 0; e < expected.size(); ++e) {
      tried_.assign(actual.size(), false);
      (void)augment(e);
    }
  }
  static constexpr std::size_t kNone = static_cast<std::size_t>(-1);
  [[nodiscard]] bool met(std::size_t expected) const { return of_expected_[expected] != kNone; }
  [[nodiscard]] bool used(std::size_t actual) const { return of_actual_[actual] != kNone; }

 private:
  bool take(std::size_t e, std::size_t a) {
    of_expected_[e] = a;
    of_actual_[a] = e;
    return true;
  }
  bool augment(std::size_t e) {
    for (std::size_t a = 0; a < actual_.size(); ++a) {
      if (!used(a) && !tried_[a] && meets_row(expected_[e], actual_[a])) return take(e, a);
    }
    for (std::size_t a = 0; a < actual_.size(); ++a) {
      if (tried_[a] || !meets_row(expected_[e], actual_[a])) continue;
      tried_[a] = true;
      if (augment(of_actual_[a])) return take(e, a);
    }
    return false;
  }

  const std::vector<TestValue>& expected_;
  const std::vector<TestValue>& actual_;
  std::vector<std::size_t> of_expected_, of_actual_;
  std::vector<bool> tried_;
};

class RowReport {
 public:
  RowReport(const RowNames& names, std::vector<Difference>& to) : names_(names), to_(to) {}

  void missing(const TestValue& row) {
    if (++missing_ <= kRowsShown) to_.push_back({names_.where, shown(&row), "", "no such row", true});
  }
  void unexpected(const TestValue& row) {
    if (++unexpected_ <= kRowsShown) to_.push_back({names_.where, "", shown_row(names_, row), "not expected", true});
  }
  /// Field by field, against the row that comes nearest.
  void differs(const TestValue& expected, const TestValue& row) {
    const TestValue* reason = names_.reason.empty() ? nullptr : field_of(row, names_.reason);
    for (const auto& [name, value] : expected.fields) {
      if (meets_field(name, value, row)) continue;
      const TestValue* actual = field_of(row, name);
      std::string note = note_of(value, actual);
      if (note.empty() && reason != nullptr && name != names_.reason)
        note = fmt::format("its {}: {}", names_.reason, shown(reason));
      to_.push_back(
          {fmt::format("{} {} {}", names_.where, key_of(expected, row), name), shown(&value), shown(actual), note});
    }
  }
  void finish() {
    if (missing_ > kRowsShown)
      to_.push_back({names_.where, "", "", fmt::format("and {} more rows are missing", missing_ - kRowsShown), true});
    if (unexpected_ > kRowsShown)
      to_.push_back(
          {names_.where, "", "", fmt::format("and {} more rows are not expected", unexpected_ - kRowsShown), true});
  }

 private:
  /// The row's key, or, where it has none, what it has in common with what is expected.
  [[nodiscard]] std::string key_of(const TestValue& expected, const TestValue& row) const {
    TestValue key;
    key.kind = TestValue::Kind::map;
    for (const std::string& name : names_.key) {
      if (const TestValue* value = field_of(row, name)) key.fields.emplace_back(name, *value);
    }
    if (key.fields.empty()) {
      for (const auto& [name, value] : expected.fields) {
        if (meets_field(name, value, row)) key.fields.emplace_back(name, value);
      }
    }
    return shown(&key);
  }
  const RowNames& names_;
  std::vector<Difference>& to_;
  std::size_t missing_ = 0;
  std::size_t unexpected_ = 0;
};

}  // namespace

Result<TestValue> parse_test_value(std::string_view json) {
  TestValue value;
  TreeBuilder builder(value);
  if (!nlohmann::json::sax_parse(json, &builder)) return fail(Errc::malformed_event, "not JSON: {}", json);
  return value;
}

const TestValue* field_of(const TestValue& row, std::string_view name) {
  if (const TestValue* value = row.find(name)) return value;
  const TestValue* value = &row;
  for (const std::string& part : split_path(name)) {
    value = value->find(part);
    if (value == nullptr) return nullptr;
  }
  return value;
}

bool meets(const TestValue& expected, const TestValue& actual) {
  if (expected.kind != actual.kind) return false;
  switch (expected.kind) {
    case TestValue::Kind::null:
      return true;
    case TestValue::Kind::boolean:
    case TestValue::Kind::string:
      return expected.text == actual.text;
    case TestValue::Kind::number:
      return equal_numbers(expected.text, actual.text);
    case TestValue::Kind::list:
      return std::equal(expected.items.begin(), expected.items.end(), actual.items.begin(), actual.items.end(), meets);
    case TestValue::Kind::map:
      return std::all_of(expected.fields.begin(), expected.fields.end(), [&](const auto& field) {
        const TestValue* value = actual.find(field.name);
        return absent(value) ? absent(&field.value) : meets(field.value, *value);
      });
  }
  return false;
}

std::string shown_row(const RowNames& names, const TestValue& row) {
  if (names.shown.empty()) return shown(&row);
  TestValue some;
  some.kind = TestValue::Kind::map;
  for (const auto& field : row.fields) {
    if (std::find(names.shown.begin(), names.shown.end(), field.name) != names.shown.end())
      some.fields.push_back(field);
  }
  return shown(&some);
}

void compare_rows(const RowNames& names, const ExpectedRows& expected, const std::vector<TestValue>& actual,
                  std::vector<Difference>& to) {
  if (expected.count && *expected.count != actual.size()) {
    to.push_back({names.where + ".count", std::to_string(*expected.count), std::to_string(actual.size()), ""});
  }
  if (!expected.exact() && !expected.contains) return;
  const Matching matching(expected.rows, actual);
  std::vector<bool> used(actual.size());
  for (std::size_t a = 0; a < actual.size(); ++a) used[a] = matching.used(a);
  RowReport report(names, to);
  for (std::size_t e = 0; e < expected.rows.size(); ++e) {
    if (matching.met(e)) continue;
    const TestValue& row = expected.rows[e];
    std::size_t best = actual.size();
    std::size_t best_met = 0;
    for (std::size_t a = 0; a < actual.size(); ++a) {
      const std::size_t met = used[a] ? 0 : fields_met(row, actual[a]);
      if (met > best_met) {
        best = a;
        best_met = met;
      }
    }
    if (best == actual.size()) {
      report.missing(row);
    } else {
      used[best] = true;
      report.differs(row, actual[best]);
    }
  }
  if (expected.exact()) {
    for (std::size_t a = 0; a < actual.size(); ++a) {
      if (!used[a]) report.unexpected(actual[a]);
    }
  }
  report.finish();
}

}  // namespace weir
