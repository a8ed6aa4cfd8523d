#include "actors/validate/named_check.h"

#include <fmt/format.h>

#include "runtime/base/time_text.h"
#include "runtime/ports/config_words.h"

namespace weir {

namespace {

std::string_view wanted(NamedRule::As as) noexcept {
  switch (as) {
    case NamedRule::As::automatic:
      return "two numbers or two texts";
    case NamedRule::As::number:
      return "numbers";
    case NamedRule::As::text:
      return "texts";
    case NamedRule::As::time:
      return "RFC 3339 times";
  }
  return "";
}

/// A number, or text that reads as one.
DecimalResult<Decimal> number_in(const Value& value, ChainArena& arena) {
  return value.is_text() ? Decimal::parse(plain_text(value, arena)) : to_decimal(value, arena);
}

}  // namespace

Result<NamedCheck> NamedCheck::compile(const NamedRule& rule, StageContext& context) {
  NamedCheck check;
  check.name_ = rule.name;
  check.reason_ = "rule:" + rule.name;
  check.kind_ = rule.kind;
  check.relation_ = rule.relation;
  check.as_ = rule.as;
  check.required_ = rule.required;
  check.nullable_ = rule.nullable;
  WEIR_ASSIGN(check.when_, Condition::compile(rule.when, context.fields));
  if (rule.kind == NamedRule::Kind::field) {
    WEIR_ASSIGN(check.field_, FieldCheck::compile(rule.field, context, Converts::no));
  }
  if (rule.kind == NamedRule::Kind::compare) {
    for (auto [operand, side] : {std::pair{&rule.left, &check.left_}, std::pair{&rule.right, &check.right_}}) {
      if (operand->path) {
        WEIR_ASSIGN(side->field, FieldRef::compile(*operand->path, context.fields));
      } else {
        side->constant.emplace(operand->constant);
      }
    }
  }
  for (const FieldPath& path : rule.paths) {
    WEIR_ASSIGN(FieldRef field, FieldRef::compile(path, context.fields));
    check.paths_.push_back(std::move(field));
  }
  return check;
}

std::string NamedCheck::Side::name(const ChainEvent& event, ChainBatch& batch) const {
  const std::string value = shown(read(event, batch));
  return field ? fmt::format("{} {}", field->text(), value) : value;
}

bool NamedCheck::holds(std::weak_ordering order) const noexcept {
  switch (relation_) {
    case NamedRule::Relation::equal:
      return order == 0;
    case NamedRule::Relation::unequal:
      return order != 0;
    case NamedRule::Relation::less:
      return order < 0;
    case NamedRule::Relation::less_equal:
      return order <= 0;
    case NamedRule::Relation::greater:
      return order > 0;
    case NamedRule::Relation::greater_equal:
      return order >= 0;
  }
  return false;
}

std::optional<std::weak_ordering> NamedCheck::order(const Value& left, const Value& right, ChainArena& arena) const {
  switch (as_) {
    case NamedRule::As::automatic: {
      const auto a = to_decimal(left, arena);
      const auto b = to_decimal(right, arena);
      if (a && b) return *a <=> *b;
      if (left.is_text() && right.is_text()) return plain_text(left, arena) <=> plain_text(right, arena);
      const bool ordered = relation_ != NamedRule::Relation::equal && relation_ != NamedRule::Relation::unequal;
      if (ordered) return std::nullopt;
      // Of what has no order only whether it is the same.
      const bool same = left.kind == right.kind && left.kind == ValueKind::boolean && left.span() == right.span();
      return same ? std::weak_ordering::equivalent : std::weak_ordering::less;
    }
    case NamedRule::As::number: {
      const auto a = number_in(left, arena);
      const auto b = number_in(right, arena);
      if (!a || !b) return std::nullopt;
      return *a <=> *b;
    }
    case NamedRule::As::text:
      if (!left.is_text() || !right.is_text()) return std::nullopt;
      return plain_text(left, arena) <=> plain_text(right, arena);
    case NamedRule::As::time: {
      if (!left.is_text() || !right.is_text()) return std::nullopt;
      const auto a = parse_rfc3339(plain_text(left, arena));
      const auto b = parse_rfc3339(plain_text(right, arena));
      if (!a || !b) return std::nullopt;
      return *a <=> *b;
    }
  }
  return std::nullopt;
}

NamedCheck::Fault NamedCheck::compare(const ChainEvent& event, ChainBatch& batch) const {
  const Value left = left_.read(event, batch);
  const Value right = right_.read(event, batch);
  if (left.kind == ValueKind::missing || right.kind == ValueKind::missing)
    return required_ ? Fault::missing : Fault::none;
  if (left.absent() || right.absent()) return nullable_ ? Fault::none : Fault::null;
  const auto found = order(left, right, batch.arena());
  if (!found) return Fault::not_comparable;
  return holds(*found) ? Fault::none : Fault::relation;
}

std::size_t NamedCheck::count(const ChainEvent& event, ChainBatch& batch) const {
  std::size_t there = 0;
  for (const FieldRef& path : paths_) there += path.read(event, batch).absent() ? 0 : 1;
  return there;
}

bool NamedCheck::count_fits(std::size_t there) const noexcept {
  switch (kind_) {
    case NamedRule::Kind::at_least_one:
      return there >= 1;
    case NamedRule::Kind::at_most_one:
      return there <= 1;
    case NamedRule::Kind::exactly_one:
      return there == 1;
    case NamedRule::Kind::all_or_none:
      return there == 0 || there == paths_.size();
    case NamedRule::Kind::field:
    case NamedRule::Kind::compare:
      break;
  }
  return true;
}

bool NamedCheck::pass(ChainBatch& batch, ChainEvent& event, bool csv) const {
  if (!when_.holds(event, batch)) return true;
  if (kind_ == NamedRule::Kind::field) return field_->pass(batch, event, csv);
  if (kind_ == NamedRule::Kind::compare) return compare(event, batch) == Fault::none;
  return count_fits(count(event, batch));
}

std::string NamedCheck::explain_compare(Fault fault, const ChainEvent& event, ChainBatch& batch) const {
  for (const Side* side : {&left_, &right_}) {
    if (!side->field) continue;
    const ValueKind kind = side->read(event, batch).kind;
    if (fault == Fault::missing && kind == ValueKind::missing) return fmt::format("{} is missing", side->field->text());
    if (fault == Fault::null && kind == ValueKind::null) return fmt::format("{} is null", side->field->text());
  }
  const std::string left = left_.name(event, batch);
  const std::string right = right_.name(event, batch);
  if (fault == Fault::not_comparable)
    return fmt::format("{} and {} cannot be compared as {}", left, right, wanted(as_));
  return fmt::format("{} is not {} {}", left, word(relation_), right);
}

std::string NamedCheck::explain_count(const ChainEvent& event, ChainBatch& batch) const {
  std::vector<std::string_view> all;
  std::vector<std::string_view> there;
  for (const FieldRef& path : paths_) {
    all.push_back(path.text());
    if (!path.read(event, batch).absent()) there.push_back(path.text());
  }
  const std::string names = fmt::format("{}", fmt::join(all, ", "));
  const std::string found =
      there.empty() ? "none is" : fmt::format("{} {}", fmt::join(there, ", "), there.size() == 1 ? "is" : "are");
  switch (kind_) {
    case NamedRule::Kind::at_least_one:
      return fmt::format("at least one of {} must be there, {}", names, found);
    case NamedRule::Kind::at_most_one:
      return fmt::format("at most one of {} may be there, {}", names, found);
    case NamedRule::Kind::exactly_one:
      return fmt::format("exactly one of {} must be there, {}", names, found);
    case NamedRule::Kind::all_or_none:
      return fmt::format("all or none of {} must be there, {}", names, found);
    case NamedRule::Kind::field:
    case NamedRule::Kind::compare:
      break;
  }
  return names;
}

void NamedCheck::explain(ChainBatch& batch, ChainEvent& event, bool csv, std::vector<Violation>& to) const {
  if (pass(batch, event, csv)) return;
  if (kind_ == NamedRule::Kind::field) {
    std::vector<Violation> found;
    field_->explain(batch, event, csv, found);
    for (Violation& violation : found) to.push_back({reason_, fmt::format("{}: {}", name_, violation.text)});
  } else if (kind_ == NamedRule::Kind::compare) {
    to.push_back({reason_, fmt::format("{}: {}", name_, explain_compare(compare(event, batch), event, batch))});
  } else {
    to.push_back({reason_, fmt::format("{}: {}", name_, explain_count(event, batch))});
  }
}

}  // namespace weir
