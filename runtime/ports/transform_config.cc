#include "runtime/ports/transform_config.h"

#include "runtime/ports/canonical_text.h"

namespace weir {
namespace {

// Words, not enum values: a reordered enum must not change a hash.
std::string_view word(Expression::Kind kind) {
  switch (kind) {
    case Expression::Kind::path:
      return "path";
    case Expression::Kind::constant:
      return "constant";
    case Expression::Kind::add:
      return "add";
    case Expression::Kind::subtract:
      return "subtract";
    case Expression::Kind::multiply:
      return "multiply";
    case Expression::Kind::divide:
      return "divide";
    case Expression::Kind::round:
      return "round";
    case Expression::Kind::concat:
      return "concat";
    case Expression::Kind::lower:
      return "lower";
    case Expression::Kind::upper:
      return "upper";
    case Expression::Kind::ip_prefix:
      return "ip_prefix";
    case Expression::Kind::lookup:
      return "lookup";
  }
  return "constant";
}

void write(Canonical& out, const Expression& expression) {
  out.word("(").word(word(expression.kind));
  switch (expression.kind) {
    case Expression::Kind::path:
      out.word(" ").path(expression.path);
      break;
    case Expression::Kind::constant:
      out.word(" ").constant(expression.constant);
      break;
    case Expression::Kind::divide:
    case Expression::Kind::round:
      out.word(" ").number(static_cast<std::uint64_t>(expression.scale));
      break;
    case Expression::Kind::ip_prefix:
      out.word(" ").number(static_cast<std::uint64_t>(expression.bits));
      break;
    case Expression::Kind::lookup:
      for (const std::string& column : expression.table.key) out.word(" ").text(column);
      out.word(" ").text(expression.column);
      break;
    case Expression::Kind::add:
    case Expression::Kind::subtract:
    case Expression::Kind::multiply:
    case Expression::Kind::concat:
    case Expression::Kind::lower:
    case Expression::Kind::upper:
      break;
  }
  for (const Expression& argument : expression.arguments) write(out, argument);
  out.word(")");
}

void write(Canonical& out, const ConditionConfig& condition) {
  for (const std::vector<FieldTest>& all : condition.any) {
    out.word(" (");
    for (const FieldTest& test : all) {
      out.word("(").path(test.path);
      for (const Constant& value : test.one_of) out.word(" one_of ").constant(value);
      for (const Constant& value : test.none_of) out.word(" not ").constant(value);
      out.word(" min ").optional(test.min).word(" max ").optional(test.max);
      out.word(" above ").optional(test.above).word(" below ").optional(test.below);
      out.word(" exists ").optional_number(test.exists).word(")");
    }
    out.word(")");
  }
}

void tables_of(const Expression& expression, std::vector<const TableConfig*>& out) {
  if (expression.kind == Expression::Kind::lookup) out.push_back(&expression.table);
  for (const Expression& argument : expression.arguments) tables_of(argument, out);
}

}  // namespace

void write(Canonical& out, const TransformConfig& transform) {
  if (const auto& split = transform.split) {
    out.key("split").path(split->field).word(" ").text(split->as).word(" ").number(split->parts_max);
    out.word(split->missing == OnMissing::pass ? " pass" : " reject").end();
  }
  for (const auto& [field, expression] : transform.set) {
    out.key("set").text(field).word(" ");
    write(out, expression);
    out.end();
  }
  if (const auto& filter = transform.filter) {
    out.key(filter->keep ? "keep" : "filter_out");
    write(out, filter->condition);
    out.end();
  }
  for (const std::string& field : transform.drop) out.key("drop").text(field).end();
}

void tables_of(const TransformConfig& transform, std::vector<const TableConfig*>& out) {
  for (const auto& field : transform.set) tables_of(field.second, out);
}

}  // namespace weir
