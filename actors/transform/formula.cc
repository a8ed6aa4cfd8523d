#include "actors/transform/formula.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "actors/transform/ip_prefix.h"
#include "runtime/event/json_scan.h"

namespace weir {

using Kind = Expression::Kind;

Result<Formula> Formula::compile(const Expression& expression, StageContext& context) {
  Formula formula;
  WEIR_ASSIGN(const std::uint32_t root, formula.add(expression, context));
  (void)root;  // the last one
  return formula;
}

Result<std::uint32_t> Formula::add(const Expression& expression, StageContext& context) {
  Node node;
  node.kind = expression.kind;
  node.scale = static_cast<std::uint32_t>(expression.scale);
  node.bits = static_cast<std::uint32_t>(expression.bits);
  for (const Expression& argument : expression.arguments) {
    WEIR_ASSIGN(const std::uint32_t place, add(argument, context));
    node.arguments.push_back(place);
  }
  const auto arguments = [&](std::size_t least, std::size_t most) -> Result<void> {
    if (node.arguments.size() >= least && node.arguments.size() <= most) return {};
    return fail(Errc::config_invalid, "a transform form has {} operands, {} to {} are allowed", node.arguments.size(),
                least, most);
  };
  switch (expression.kind) {
    case Kind::path: {
      WEIR_ASSIGN(node.field, FieldRef::compile(expression.path, context.fields));
      break;
    }
    case Kind::constant:
      node.constant.emplace_back(expression.constant);
      node.value = node.constant.front().value();  // its text stays where it is when the node moves
      node.decimal = node.constant.front().decimal();
      if (SmallDecimal small; small.read(node.value)) node.small = small;
      if (expression.constant.kind == Constant::Kind::number && !node.constant.front().decimal())
        return fail(Errc::config_invalid, "the constant {} has more than 38 digits or 18 behind the point",
                    expression.constant.text);
      break;
    case Kind::add:
    case Kind::multiply:
    case Kind::concat:
      WEIR_TRY(arguments(1, 1'000));
      break;
    case Kind::subtract:
    case Kind::divide:
      WEIR_TRY(arguments(2, 2));
      break;
    case Kind::round:
    case Kind::lower:
    case Kind::upper:
    case Kind::ip_prefix:
      WEIR_TRY(arguments(1, 1));
      break;
    case Kind::lookup: {
      WEIR_TRY(arguments(expression.table.key.size(), expression.table.key.size()));
      WEIR_ASSIGN(node.table, context.tables.load(expression.table));
      const auto column = node.table->column(expression.column);
      if (!column) {
        return fail(Errc::config_invalid, "{} has no column \"{}\"; the columns are {}", expression.table.file,
                    expression.column, fmt::join(node.table->columns(), ", "));
      }
      node.column = *column;
      break;
    }
  }
  if (expression.kind == Kind::concat) {
    for (const std::uint32_t argument : node.arguments) {
      const Node& leaf = nodes_[argument];
      if (leaf.kind == Kind::path && leaf.field.slot() != kNoSlot && !leaf.field.nested())
        node.leaves.push_back({leaf.field.slot(), {}});
      if (leaf.kind == Kind::constant) node.leaves.push_back({kNoSlot, leaf.value});
    }
    if (node.leaves.size() != node.arguments.size()) node.leaves.clear();
  }
  nodes_.push_back(std::move(node));
  return static_cast<std::uint32_t>(nodes_.size() - 1);
}

bool Formula::evaluate(const ChainEvent& event, ChainBatch& batch, Value& value, FormulaFault& fault) const {
  Run run{event, batch, fault};
  const Node& root = nodes_.back();
  if (root.kind == Kind::path) {
    value = root.field.read_whole(event, batch);
    return true;
  }
  return value_of(root, run, value);
}

std::string_view Formula::called(const Node& node) {
  switch (node.kind) {
    case Kind::path:
      return node.field.text();
    case Kind::constant:
      return "the constant";
    case Kind::lookup:
      return "the value looked up";
    case Kind::add:
    case Kind::subtract:
    case Kind::multiply:
    case Kind::divide:
    case Kind::round:
      return "the number computed";
    case Kind::concat:
    case Kind::lower:
    case Kind::upper:
    case Kind::ip_prefix:
      return "the text computed";
  }
  return "the operand";
}

bool Formula::made_value(const Node& node, Run& run, Value& value) const {
  switch (node.kind) {
    case Kind::path:
    case Kind::constant:
      return value_of(node, run, value);
    case Kind::add:
    case Kind::subtract:
    case Kind::multiply:
    case Kind::divide:
    case Kind::round: {
      if (SmallDecimal small; small_of(node, run, small)) [[likely]] {
        char* const to = run.batch.arena().take(SmallDecimal::kTextMax);
        value = make_value(ValueKind::number, {to, small.write(to)});
        return true;
      }
      Decimal number;
      if (!arithmetic(node, run, number)) return false;
      char* to = run.batch.arena().take(Decimal::kTextMax);
      const std::size_t length = number.write_text(to);
      run.batch.arena().shrink_last(to, length);
      value = make_value(ValueKind::number, {to, length});
      return true;
    }
    case Kind::concat:
      return concat(node, run, value);
    case Kind::lower:
    case Kind::upper:
      return change_case(node, run, value);
    case Kind::ip_prefix:
      return ip_prefix(node, run, value);
    case Kind::lookup:
      return look_up(node, run, value);
  }
  return false;
}

bool Formula::number_of(const Node& node, Run& run, Decimal& number) const {
  switch (node.kind) {
    case Kind::add:
    case Kind::subtract:
    case Kind::multiply:
    case Kind::divide:
    case Kind::round:
      return arithmetic(node, run, number);
    case Kind::constant:
      if (node.decimal) {
        number = *node.decimal;
        return true;
      }
      break;
    case Kind::path:
    case Kind::concat:
    case Kind::lower:
    case Kind::upper:
    case Kind::ip_prefix:
    case Kind::lookup:
      break;
  }
  Value value;
  if (!value_of(node, run, value)) return false;
  const auto read = to_decimal(value, run.batch.arena());
  if (!read) [[unlikely]]
    return no_number(node, run, value, read.error());
  number = *read;
  return true;
}

bool Formula::small_of(const Node& node, Run& run, SmallDecimal& number) const {
  switch (node.kind) {
    case Kind::path:
      return number.read(node.field.read(run.event, run.batch));
    case Kind::constant:
      if (node.small) number = *node.small;
      return node.small.has_value();
    case Kind::lookup: {
      Value value;
      return look_up(node, run, value) && number.read(value);
    }
    case Kind::round:
      return small_of(nodes_[node.arguments.front()], run, number) && number.round(node.scale);
    case Kind::add:
    case Kind::subtract:
    case Kind::multiply:
      break;
    case Kind::divide:
    case Kind::concat:
    case Kind::lower:
    case Kind::upper:
    case Kind::ip_prefix:
      return false;
  }
  if (!small_of(nodes_[node.arguments.front()], run, number)) return false;
  for (std::size_t i = 1; i < node.arguments.size(); ++i) {
    SmallDecimal operand;
    if (!small_of(nodes_[node.arguments[i]], run, operand)) return false;
    const bool fits = node.kind == Kind::multiply   ? number.multiply(operand)
                      : node.kind == Kind::subtract ? number.subtract(operand)
                                                    : number.add(operand);
    if (!fits) return false;
  }
  return true;
}

bool Formula::no_number(const Node& node, Run& run, const Value& value, DecimalFault why) {
  if (value.absent()) {
    run.fault = {"field_missing", fmt::format("{} is {}", called(node), to_string(value.kind))};
  } else if (why == DecimalFault::range) {
    run.fault = {"number_range",
                 fmt::format("{} {} has more than 38 digits or 18 behind the point", called(node), shown(value))};
  } else {
    run.fault = {"field_type", fmt::format("{} {} is no number", called(node), shown(value))};
  }
  return false;
}

bool Formula::arithmetic(const Node& node, Run& run, Decimal& number) const {
  if (!number_of(nodes_[node.arguments.front()], run, number)) return false;
  const auto take = [&](const DecimalResult<Decimal>& result) {
    if (result) [[likely]] {
      number = *result;
      return true;
    }
    run.fault = {"number_range", result.error() == DecimalFault::divided_by_zero
                                     ? std::string("division by zero")
                                     : std::string("the result has more than 38 digits or 18 behind the point")};
    return false;
  };
  if (node.kind == Kind::round) return take(number.round(node.scale));
  for (std::size_t i = 1; i < node.arguments.size(); ++i) {
    Decimal operand;
    if (!number_of(nodes_[node.arguments[i]], run, operand)) return false;
    bool good = false;
    switch (node.kind) {
      case Kind::add:
        good = take(Decimal::add(number, operand));
        break;
      case Kind::subtract:
        good = take(Decimal::subtract(number, operand));
        break;
      case Kind::multiply:
        good = take(Decimal::multiply(number, operand));
        break;
      case Kind::divide:
        good = take(Decimal::divide(number, operand, node.scale));
        break;
      case Kind::path:
      case Kind::constant:
      case Kind::round:
      case Kind::concat:
      case Kind::lower:
      case Kind::upper:
      case Kind::ip_prefix:
      case Kind::lookup:
        break;
    }
    if (!good) return false;
  }
  return true;
}

bool Formula::text_of(const Node& node, Run& run, std::string_view& text, bool& plain) const {
  Value value;
  if (!value_of(node, run, value)) return false;
  if (value.absent()) {
    run.fault = {"field_missing", fmt::format("{} is {}", called(node), to_string(value.kind))};
    return false;
  }
  if (value.kind == ValueKind::object || value.kind == ValueKind::array) {
    run.fault = {"field_type", fmt::format("{} is of type {}, which has no text", called(node), to_string(value.kind))};
    return false;
  }
  plain = plain && !value.has(value_flag::escapes);
  text = plain_text(value, run.batch.arena());
  return true;
}

/// False: some operand needs more than a copy.
bool Formula::concat_leaves(const Node& node, Run& run, Value& value) const {
  constexpr unsigned kTexts =
      1u << static_cast<unsigned>(ValueKind::boolean) | 1u << static_cast<unsigned>(ValueKind::number) |
      1u << static_cast<unsigned>(ValueKind::string) | 1u << static_cast<unsigned>(ValueKind::text);
  const Value* const slots = run.event.document.slots;
  std::size_t length = 0;
  for (const Leaf& leaf : node.leaves) {
    const Value& part = leaf.slot != kNoSlot ? slots[leaf.slot] : leaf.value;
    if ((kTexts >> static_cast<unsigned>(part.kind) & 1u) == 0 || part.has(value_flag::escapes)) return false;
    length += part.length;
  }
  char* const to = run.batch.arena().take(length);
  char* at = to;
  for (const Leaf& leaf : node.leaves) {
    const Value& part = leaf.slot != kNoSlot ? slots[leaf.slot] : leaf.value;
    json_scan::copy_over(at, part.data, part.length);
    at += part.length;
  }
  value = make_value(ValueKind::text, {to, length});
  return true;
}

bool Formula::concat(const Node& node, Run& run, Value& value) const {
  if (!node.leaves.empty() && concat_leaves(node, run, value)) return true;
  // Room for most, left as it is: clearing it would cost more than the copies.
  struct Part {
    const char* data;
    std::size_t size;
  };
  constexpr std::size_t kFew = 16;
  std::array<Part, kFew> few;
  std::vector<Part> more;
  if (node.arguments.size() > kFew) more.resize(node.arguments.size());
  Part* const parts = more.empty() ? few.data() : more.data();
  const std::size_t count = node.arguments.size();
  std::size_t length = 0;
  bool plain = true;
  for (std::size_t i = 0; i < count; ++i) {
    std::string_view text;
    if (!text_of(nodes_[node.arguments[i]], run, text, plain)) return false;
    parts[i] = {text.data(), text.size()};
    length += text.size();
  }
  // Operands and the arena have padding, so short texts need no exact copy.
  char* const to = run.batch.arena().take(length);
  char* at = to;
  for (std::size_t i = 0; i < count; ++i) {
    json_scan::copy_over(at, parts[i].data, parts[i].size);
    at += parts[i].size;
  }
  value = plain ? make_value(ValueKind::text, {to, length}) : make_text({to, length});
  return true;
}

bool Formula::change_case(const Node& node, Run& run, Value& value) const {
  std::string_view text;
  bool plain = true;
  if (!text_of(nodes_[node.arguments.front()], run, text, plain)) return false;
  char* const to = run.batch.arena().take(text.size());
  const char first = node.kind == Kind::lower ? 'A' : 'a';
  std::transform(text.begin(), text.end(), to, [first](char c) {
    return static_cast<unsigned char>(c - first) < 26 ? static_cast<char>(c ^ 0x20) : c;
  });
  value = make_text({to, text.size()});
  return true;
}

bool Formula::look_up(const Node& node, Run& run, Value& value) const {
  std::string_view key;
  bool plain = true;
  if (node.arguments.size() == 1) {
    if (!text_of(nodes_[node.arguments.front()], run, key, plain)) return false;
  } else {
    std::string joined;
    for (const std::uint32_t argument : node.arguments) {
      std::string_view part;
      if (!text_of(nodes_[argument], run, part, plain)) return false;
      ReferenceTable::append_key_part(joined, part);
    }
    key = run.batch.arena().copy(joined);
  }
  const ReferenceTable::Row row = node.table->find(key);
  if (row != ReferenceTable::kNone) [[likely]] {
    value = node.table->value(row, node.column);
    return true;
  }
  std::string text;
  for (const std::uint32_t argument : node.arguments) {
    std::string_view part;
    (void)text_of(nodes_[argument], run, part, plain);
    text += fmt::format("{}{}", text.empty() ? "" : ", ", shown(make_text(run.batch.arena().copy(part))));
  }
  run.fault = {"enrich_miss", text + " is not in the table"};
  return false;
}

bool Formula::ip_prefix(const Node& node, Run& run, Value& value) const {
  std::string_view text;
  bool plain = true;
  const Node& argument = nodes_[node.arguments.front()];
  if (!text_of(argument, run, text, plain)) return false;
  char* const to = run.batch.arena().take(kIpPrefixMax);
  const std::size_t length = write_ip_prefix(text, node.bits, to);
  run.batch.arena().shrink_last(to, length);
  if (length == 0) {
    run.fault = {"field_type", fmt::format("{} {} is no IP address", called(argument),
                                           shown(make_text(run.batch.arena().copy(text))))};
    return false;
  }
  value = make_value(ValueKind::text, {to, length});
  return true;
}

}  // namespace weir
