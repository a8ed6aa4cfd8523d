#include "actors/transform/formula.h"

#include <fmt/format.h>

#include <algorithm>

namespace weir {

using Kind = Expression::Kind;

Result<Formula> Formula::compile(const Expression& expression, StageContext& context) {
  Formula formula;
  WEIR_ASSIGN(const std::uint32_t root, formula.add(expression, context));
  (void)root;  // the last one
  return formula;
}

namespace {

/// How many operands a form has.
struct Operands {
  std::size_t least = 1;
  std::size_t most = 1;
};
Operands operands_of(const Expression& expression) {
  switch (expression.kind) {
    case Kind::path:
    case Kind::constant:
      return {0, 0};
    case Kind::add:
    case Kind::multiply:
    case Kind::concat:
    case Kind::coalesce:
      return {1, 1'000};
    case Kind::subtract:
    case Kind::divide:
      return {2, 2};
    case Kind::lookup:
      return {expression.table.key.size(), expression.table.key.size()};
    case Kind::round:
    case Kind::lower:
    case Kind::upper:
    case Kind::trim:
    case Kind::substring:
    case Kind::replace:
    case Kind::mask:
    case Kind::hash:
    case Kind::ip_prefix:
    case Kind::to_string:
    case Kind::to_number:
    case Kind::date_part:
    case Kind::date_format:
    case Kind::bucket:
      break;
  }
  return {1, 1};
}

}  // namespace

Result<void> Formula::compile_constant(const Constant& constant, Node& node) {
  node.constant.emplace_back(constant);
  node.value = node.constant.front().value();  // its text stays where it is when the node moves
  node.decimal = node.constant.front().decimal();
  if (SmallDecimal small; small.read(node.value)) node.small = small;
  if (constant.kind == Constant::Kind::number && !node.constant.front().decimal())
    return fail(Errc::config_invalid, "the constant {} has more than 38 digits or 18 behind the point", constant.text);
  return {};
}

Result<void> Formula::compile_lookup(const Expression& expression, StageContext& context, Node& node) {
  WEIR_ASSIGN(node.table, context.tables.load(expression.table));
  const auto column = node.table->column(expression.column);
  if (!column) {
    return fail(Errc::config_invalid, "{} has no column \"{}\"; the columns are {}", expression.table.file,
                expression.column, fmt::join(node.table->columns(), ", "));
  }
  node.column = *column;
  return {};
}

Result<void> Formula::compile_form(const Expression& expression, Node& node) {
  node.way = Way::form;
  for (const auto make : {make_text_form, make_time_form, make_number_form}) {
    WEIR_ASSIGN(node.form, make(expression));
    if (node.form != nullptr) return {};
  }
  return fail(Errc::internal, "a transform form is unknown here");
}

/// A concat of nothing but top-level fields and constants is copied without asking each operand.
void Formula::find_leaves(Node& node) const {
  for (const std::uint32_t argument : node.arguments) {
    const Node& leaf = nodes_[argument];
    if (leaf.way == Way::path && leaf.field.slot() != kNoSlot && !leaf.field.nested())
      node.leaves.push_back({leaf.field.slot(), {}});
    if (leaf.way == Way::constant) node.leaves.push_back({kNoSlot, leaf.value});
  }
  if (node.leaves.size() != node.arguments.size()) node.leaves.clear();
}

Result<std::uint32_t> Formula::add(const Expression& expression, StageContext& context) {
  Node node;
  node.scale = static_cast<std::uint32_t>(expression.scale);
  for (const Expression& argument : expression.arguments) {
    WEIR_ASSIGN(const std::uint32_t place, add(argument, context));
    node.arguments.push_back(place);
  }
  const auto [least, most] = operands_of(expression);
  if (node.arguments.size() < least || node.arguments.size() > most) {
    return fail(Errc::config_invalid, "a transform form has {} operands, {} to {} are allowed", node.arguments.size(),
                least, most);
  }
  switch (expression.kind) {
    case Kind::path: {
      node.way = Way::path;
      WEIR_ASSIGN(node.field, FieldRef::compile(expression.path, context.fields));
      break;
    }
    case Kind::constant:
      WEIR_TRY(compile_constant(expression.constant, node));
      break;
    case Kind::add:
      node.way = Way::add;
      break;
    case Kind::subtract:
      node.way = Way::subtract;
      break;
    case Kind::multiply:
      node.way = Way::multiply;
      break;
    case Kind::divide:
      node.way = Way::divide;
      break;
    case Kind::round:
      node.way = Way::round;
      break;
    case Kind::concat:
      node.way = Way::concat;
      find_leaves(node);
      break;
    case Kind::coalesce:
      node.way = Way::coalesce;
      break;
    case Kind::lookup:
      node.way = Way::lookup;
      WEIR_TRY(compile_lookup(expression, context, node));
      break;
    case Kind::lower:
    case Kind::upper:
    case Kind::trim:
    case Kind::substring:
    case Kind::replace:
    case Kind::mask:
    case Kind::hash:
    case Kind::ip_prefix:
    case Kind::to_string:
    case Kind::to_number:
    case Kind::date_part:
    case Kind::date_format:
    case Kind::bucket:
      WEIR_TRY(compile_form(expression, node));
      break;
  }
  nodes_.push_back(std::move(node));
  return static_cast<std::uint32_t>(nodes_.size() - 1);
}

}  // namespace weir
