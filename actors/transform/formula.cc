#include "actors/transform/formula.h"

#include <fmt/format.h>

#include <array>

#include "runtime/event/json_scan.h"

namespace weir {

bool Formula::evaluate(const ChainEvent& event, ChainBatch& batch, Value& value, FormulaFault& fault) const {
  Run run{event, batch, fault};
  const Node& root = nodes_.back();
  if (root.way == Way::path) {
    value = root.field.read_whole(event, batch);
    return true;
  }
  return value_of(root, run, value);
}

std::string_view Formula::called(const Node& node) {
  switch (node.way) {
    case Way::path:
      return node.field.text();
    case Way::constant:
      return "the constant";
    case Way::form:
      return node.form->makes();
    case Way::lookup:
      return "the value looked up";
    case Way::coalesce:
      return "the value found";
    case Way::add:
    case Way::subtract:
    case Way::multiply:
    case Way::divide:
    case Way::round:
      return "the number computed";
    case Way::concat:
      return "the text computed";
  }
  return "the operand";
}

bool Formula::made_value(const Node& node, Run& run, Value& value) const {
  switch (node.way) {
    case Way::path:
    case Way::constant:
      return value_of(node, run, value);
    case Way::add:
    case Way::subtract:
    case Way::multiply:
    case Way::divide:
    case Way::round: {
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
    case Way::concat:
      return concat(node, run, value);
    case Way::form: {
      const Node& operand = nodes_[node.arguments.front()];
      Value from;
      return value_of(operand, run, from) && node.form->make(from, called(operand), run, value);
    }
    case Way::lookup:
      return look_up(node, run, value);
    case Way::coalesce:
      return coalesce(node, run, value);
  }
  return false;
}

bool Formula::number_of(const Node& node, Run& run, Decimal& number) const {
  switch (node.way) {
    case Way::add:
    case Way::subtract:
    case Way::multiply:
    case Way::divide:
    case Way::round:
      return arithmetic(node, run, number);
    case Way::constant:
      if (node.decimal) {
        number = *node.decimal;
        return true;
      }
      break;
    case Way::path:
    case Way::concat:
    case Way::form:
    case Way::lookup:
    case Way::coalesce:
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
  switch (node.way) {
    case Way::path:
      return number.read(node.field.read(run.event, run.batch));
    case Way::constant:
      if (node.small) number = *node.small;
      return node.small.has_value();
    case Way::lookup: {
      Value value;
      return look_up(node, run, value) && number.read(value);
    }
    case Way::form:
    case Way::coalesce: {
      Value value;
      return made_value(node, run, value) && number.read(value);
    }
    case Way::round:
      return small_of(nodes_[node.arguments.front()], run, number) && number.round(node.scale);
    case Way::add:
    case Way::subtract:
    case Way::multiply:
      break;
    case Way::divide:
    case Way::concat:
      return false;
  }
  if (!small_of(nodes_[node.arguments.front()], run, number)) return false;
  for (std::size_t i = 1; i < node.arguments.size(); ++i) {
    SmallDecimal operand;
    if (!small_of(nodes_[node.arguments[i]], run, operand)) return false;
    const bool fits = node.way == Way::multiply   ? number.multiply(operand)
                      : node.way == Way::subtract ? number.subtract(operand)
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
  if (node.way == Way::round) return take(number.round(node.scale));
  for (std::size_t i = 1; i < node.arguments.size(); ++i) {
    Decimal operand;
    if (!number_of(nodes_[node.arguments[i]], run, operand)) return false;
    bool good = false;
    switch (node.way) {
      case Way::add:
        good = take(Decimal::add(number, operand));
        break;
      case Way::subtract:
        good = take(Decimal::subtract(number, operand));
        break;
      case Way::multiply:
        good = take(Decimal::multiply(number, operand));
        break;
      case Way::divide:
        good = take(Decimal::divide(number, operand, node.scale));
        break;
      case Way::path:
      case Way::constant:
      case Way::round:
      case Way::concat:
      case Way::form:
      case Way::lookup:
      case Way::coalesce:
        break;
    }
    if (!good) return false;
  }
  return true;
}

bool Formula::text_of(const Node& node, Run& run, std::string_view& text, bool& plain) const {
  Value value;
  if (!value_of(node, run, value)) return false;
  if (!text_of_value(value, called(node), run, text)) return false;
  plain = plain && !value.has(value_flag::escapes);
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
  if (length > kComputedTextMax) return false;
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
  if (length > kComputedTextMax) return too_long(run);
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

/// What has no value is passed over: missing, null, and what a table does not know.
bool Formula::coalesce(const Node& node, Run& run, Value& value) const {
  for (const std::uint32_t argument : node.arguments) {
    run.fault = {};
    const bool good = value_of(nodes_[argument], run, value);
    if (good && !value.absent()) return true;
    if (!good && run.fault.reason != "field_missing" && run.fault.reason != "enrich_miss") return false;
    if (!good) value = {};
  }
  return true;
}

bool Formula::too_long(Run& run) {
  run.fault = {"output_too_large", fmt::format("the text computed is longer than {} bytes", kComputedTextMax)};
  return false;
}

}  // namespace weir
