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
    case Expression::Kind::trim:
      return "trim";
    case Expression::Kind::substring:
      return "substring";
    case Expression::Kind::replace:
      return "replace";
    case Expression::Kind::mask:
      return "mask";
    case Expression::Kind::hash:
      return "hash";
    case Expression::Kind::to_string:
      return "to_string";
    case Expression::Kind::to_number:
      return "to_number";
    case Expression::Kind::date_part:
      return "date_part";
    case Expression::Kind::date_format:
      return "date_format";
    case Expression::Kind::bucket:
      return "bucket";
    case Expression::Kind::coalesce:
      return "coalesce";
  }
  return "constant";
}

std::string_view word(DatePart part) {
  switch (part) {
    case DatePart::year:
      return "year";
    case DatePart::quarter:
      return "quarter";
    case DatePart::month:
      return "month";
    case DatePart::week:
      return "week";
    case DatePart::week_year:
      return "week_year";
    case DatePart::day:
      return "day";
    case DatePart::day_of_year:
      return "day_of_year";
    case DatePart::weekday:
      return "weekday";
    case DatePart::hour:
      return "hour";
    case DatePart::minute:
      return "minute";
    case DatePart::second:
      return "second";
    case DatePart::microsecond:
      return "microsecond";
  }
  return "year";
}

void write(Canonical& out, const TimeText& text) {
  out.word(" ").word(word(text.format)).word(" ").text(text.pattern).word(" ").text(text.zone);
}

/// What later forms have beside their operands.
void write_options(Canonical& out, const Expression& expression) {
  switch (expression.kind) {
    case Expression::Kind::substring:
      out.word(expression.start < 0 ? " -" : " ");
      out.number(static_cast<std::uint64_t>(expression.start < 0 ? -std::int64_t{expression.start} : expression.start));
      out.word(" ").optional_number(expression.length);
      break;
    case Expression::Kind::replace:
      out.word(" ").text(expression.find).word(" ").text(expression.with);
      break;
    case Expression::Kind::mask:
      out.word(" ").number(expression.keep_first).word(" ").number(expression.keep_last);
      out.word(" ").text(expression.with);
      break;
    case Expression::Kind::hash:
      out.word(expression.hash == HashKind::sha256 ? " sha256" : " xxh3_128");
      break;
    case Expression::Kind::date_part:
      out.word(" ").word(word(expression.part));
      write(out, expression.from);
      out.word(" ").text(expression.to.zone);
      break;
    case Expression::Kind::date_format:
      write(out, expression.from);
      write(out, expression.to);
      break;
    case Expression::Kind::bucket:
      for (const auto& [bound, value] : expression.below) out.word(" ").text(bound).word(" ").constant(value);
      out.word(" else ").constant(expression.otherwise);
      if (expression.missing) out.word(" missing ").constant(*expression.missing);
      break;
    default:
      break;  // write() knows the others
  }
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
    case Expression::Kind::trim:
    case Expression::Kind::to_string:
    case Expression::Kind::to_number:
    case Expression::Kind::coalesce:
      break;
    case Expression::Kind::substring:
    case Expression::Kind::replace:
    case Expression::Kind::mask:
    case Expression::Kind::hash:
    case Expression::Kind::date_part:
    case Expression::Kind::date_format:
    case Expression::Kind::bucket:
      write_options(out, expression);
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

std::string_view word(TimeFormat format) {
  switch (format) {
    case TimeFormat::acceptance:
      return "acceptance";
    case TimeFormat::rfc3339:
      return "rfc3339";
    case TimeFormat::unix_seconds:
      return "unix";
    case TimeFormat::unix_ms:
      return "unix_ms";
    case TimeFormat::unix_us:
      return "unix_us";
    case TimeFormat::strptime:
      return "strptime";
  }
  return "acceptance";
}
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
  if (transform.script) {  // its text is the caller's to add
    out.key("script").number(transform.script->instructions_max).word(" ");
    out.number(transform.script->memory_bytes_max).end();
  }
}

void tables_of(const TransformConfig& transform, std::vector<const TableConfig*>& out) {
  for (const auto& field : transform.set) tables_of(field.second, out);
}

}  // namespace weir
