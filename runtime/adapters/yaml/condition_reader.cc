// Conditions with comparisons, as filters have them: {FIELD: value, list or comparisons}, or a list of such maps.
#include <algorithm>
#include <tuple>

#include "runtime/adapters/yaml/reader.h"
#include "runtime/base/decimal.h"

namespace weir::yaml {
namespace {

constexpr std::size_t kListsMax = 64;
constexpr std::size_t kTestsMax = 64;
constexpr std::size_t kValuesMax = 1'000;

/// One value, or a list of different ones.
void read_values(Context& context, const Node& node, const std::string& name, std::vector<Constant>& out) {
  if (node.kind != Node::Kind::list) {
    Constant value;
    if (read_constant(context, node, name, value)) out.push_back(std::move(value));
    return;
  }
  if (node.items.empty() || node.items.size() > kValuesMax) {
    context.findings.add(node.place, fmt::format("\"{}\" must be a value or a list of 1 to {} values, found {}", name,
                                                 kValuesMax, describe_found(node)));
    return;
  }
  for (const Node& item : node.items) {
    Constant value;
    if (!read_constant(context, item, name, value)) continue;
    if (std::find(out.begin(), out.end(), value) != out.end()) {
      context.findings.add(item.place, fmt::format("\"{}\" holds {} twice", name, describe_found(item)));
    } else {
      out.push_back(std::move(value));
    }
  }
}

class ComparisonReader {
 public:
  ComparisonReader(Context& context, const Node& node, const std::string& name)
      : context_(context), node_(node), map_(context, node, name), name_(name) {}

  void read(FieldTest& test) {
    const Node* one_of = map_.take("one_of");
    const Node* none_of = map_.take("not");
    if (one_of != nullptr) read_values(context_, *one_of, map_.path("one_of"), test.one_of);
    if (none_of != nullptr) read_values(context_, *none_of, map_.path("not"), test.none_of);
    bound("min", test.min);
    bound("max", test.max);
    bound("above", test.above);
    bound("below", test.below);
    const Node* exists = map_.take("exists");
    bool there = true;
    if (exists != nullptr && read_boolean(context_, *exists, map_.path("exists"), there)) test.exists = there;
    map_.finish();
    if (node_.entries.empty()) {
      context_.findings.add(node_.place, fmt::format("\"{}\" compares with nothing; allowed: "
                                                     "one_of, not, min, max, above, "
                                                     "below, exists",
                                                     name_));
    }
    contradictions(test);
  }

 private:
  void bound(std::string_view key, std::optional<std::string>& out) {
    const Node* node = map_.take(key);
    std::string value;
    if (node != nullptr && read_decimal(context_, *node, map_.path(key), value)) out = std::move(value);
  }
  void contradictions(const FieldTest& test) {
    for (const auto& [exclusive, inclusive, both] :
         {std::tuple{"above", "min", test.above && test.min}, std::tuple{"below", "max", test.below && test.max}}) {
      if (!both) continue;
      context_.findings.add(map_.take(exclusive)->place,
                            fmt::format("\"{}\" (exclusive) and \"{}\" (inclusive) contradict "
                                        "each other; keep one of "
                                        "them",
                                        map_.path(exclusive), inclusive));
    }
    const auto& low = test.min ? test.min : test.above;
    const auto& high = test.max ? test.max : test.below;
    if (low && high) {
      const auto order = *Decimal::parse(*low) <=> *Decimal::parse(*high);  // read_decimal has let both pass
      if (order > 0 || (order == 0 && !(test.min && test.max)))
        context_.findings.add(
            node_.place, fmt::format("\"{}\" leaves no room between {} and {}: it never holds", name_, *low, *high));
    }
    const bool needs_value = !test.one_of.empty() || low || high;
    if (test.exists && !*test.exists && needs_value)
      context_.findings.add(map_.take("exists")->place,
                            fmt::format("\"{}\" wants no value and compares with one: it never holds", name_));
  }

  Context& context_;
  const Node& node_;
  MapReader map_;
  std::string name_;
};

void read_tests(Context& context, const Node& node, const std::string& name, std::vector<FieldTest>& out) {
  MapReader map(context, node, name);
  if (!map.valid()) return;
  if (node.entries.empty() || node.entries.size() > kTestsMax) {
    context.findings.add(node.place, fmt::format("\"{}\" must name 1 to {} fields, such as "
                                                 "{{Country: France}} or {{Quantity: "
                                                 "{{above: 0}}}}; found {}",
                                                 name, kTestsMax, node.entries.size()));
    return;
  }
  for (const Entry& entry : node.entries) {
    FieldTest test;
    const std::string inside = map.path(entry.key);
    // `type` is the event's type, as CloudEvents means it.
    const bool good = read_path(context, entry.place, entry.key == "type" ? "@type" : entry.key, name, test.path);
    if (entry.value.kind == Node::Kind::map) {
      ComparisonReader(context, entry.value, inside).read(test);
    } else {
      read_values(context, entry.value, inside, test.one_of);
    }
    if (good) out.push_back(std::move(test));
  }
}

}  // namespace

void read_condition(Context& context, const Node& node, const std::string& name, ConditionConfig& out) {
  if (node.kind != Node::Kind::list) {
    read_tests(context, node, name, out.any.emplace_back());
    return;
  }
  if (node.items.empty() || node.items.size() > kListsMax) {
    context.findings.add(
        node.place,
        fmt::format("\"{}\" must be a map of fields or a list "
                    "of 1 to {} such maps (one of "
                    "them must hold), found {}",
                    name, kListsMax, node.items.empty() ? "an empty list" : std::to_string(node.items.size())));
    return;
  }
  for (std::size_t i = 0; i < node.items.size(); ++i)
    read_tests(context, node.items[i], fmt::format("{}.{}", name, i), out.any.emplace_back());
}

}  // namespace weir::yaml
