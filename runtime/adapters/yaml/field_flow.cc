// Follows the fields of a record through the stages, as far as a file can tell, to find views that could never have a
// value. Silent where it cannot be sure: stages with `when`, JSON input with undeclared fields.
#include <algorithm>
#include <map>

#include "runtime/adapters/yaml/reader.h"

namespace weir::yaml {
namespace {

struct Known {
  bool dropped = false;
  FieldType type = FieldType::any;  // any: not known
  std::string stage;                // who says so
};

/// By path text of declared fields, and by name of top-level fields.
using Fields = std::map<std::vector<std::string>, Known>;

void forget(Fields& fields, const std::string& top) {
  std::erase_if(fields, [&](const auto& field) { return field.first.front() == top; });
}

FieldType type_of(const Constant& constant) {
  switch (constant.kind) {
    case Constant::Kind::string:
      return FieldType::string;
    case Constant::Kind::boolean:
      return FieldType::boolean;
    case Constant::Kind::number:
      return FieldType::decimal;
    case Constant::Kind::null:
      break;
  }
  return FieldType::any;
}

/// What all results of a bucket are, where they are the same.
FieldType type_of_bucket(const Expression& expression) {
  const FieldType type = type_of(expression.otherwise);
  for (const auto& bucket : expression.below) {
    if (type_of(bucket.second) != type) return FieldType::any;
  }
  return expression.missing && type_of(*expression.missing) != type ? FieldType::any : type;
}

FieldType type_of(const Expression& expression) {
  switch (expression.kind) {
    case Expression::Kind::constant:
      return type_of(expression.constant);
    case Expression::Kind::concat:
    case Expression::Kind::lower:
    case Expression::Kind::upper:
    case Expression::Kind::trim:
    case Expression::Kind::substring:
    case Expression::Kind::replace:
    case Expression::Kind::mask:
    case Expression::Kind::hash:
    case Expression::Kind::to_string:
    case Expression::Kind::ip_prefix:
      return FieldType::string;
    case Expression::Kind::add:
    case Expression::Kind::subtract:
    case Expression::Kind::multiply:
    case Expression::Kind::divide:
    case Expression::Kind::round:
    case Expression::Kind::to_number:
      return FieldType::decimal;
    case Expression::Kind::date_part:
      return FieldType::integer;
    case Expression::Kind::date_format:
      return expression.to.format == TimeFormat::unix_seconds || expression.to.format == TimeFormat::unix_ms ||
                     expression.to.format == TimeFormat::unix_us
                 ? FieldType::decimal
                 : FieldType::string;
    case Expression::Kind::bucket:
      return type_of_bucket(expression);
    case Expression::Kind::path:
    case Expression::Kind::lookup:
    case Expression::Kind::coalesce:
      return FieldType::any;
  }
  return FieldType::any;
}

/// `unknown` is set where fields may exist, of any type, that no stage names.
void apply(const StageConfig& stage, Fields& fields, bool& unknown) {
  if (const auto* validate = std::get_if<ValidateConfig>(&stage.body)) {
    for (const FieldRule& rule : validate->fields)
      fields[rule.path.parts] = Known{false, stage.when ? FieldType::any : rule.type, stage.name};
    return;
  }
  if (std::holds_alternative<PluginStageConfig>(stage.body)) {  // only its code knows
    fields.clear();
    unknown = true;
    return;
  }
  std::vector<std::pair<std::string, FieldType>> written;
  std::vector<std::string> dropped;
  std::vector<std::string> gone;  // before what is written
  if (const auto* enrich = std::get_if<EnrichConfig>(&stage.body)) {
    for (const auto& added : enrich->add) written.emplace_back(added.first, FieldType::any);
  } else {
    const auto& transform = std::get<TransformConfig>(stage.body);
    if (transform.script) {  // it may set and drop anything
      fields.clear();
      unknown = true;
      return;
    }
    if (const auto& split = transform.split) {
      if (split->field.parts.size() > 1) {
        std::erase_if(fields, [&](const auto& field) {
          return field.first.size() >= split->field.parts.size() &&
                 std::equal(split->field.parts.begin(), split->field.parts.end(), field.first.begin());
        });
      } else if (split->field.parts.front() != split->as && split->missing == OnMissing::reject) {
        gone.push_back(split->field.parts.front());
      } else {
        forget(fields, split->field.parts.front());
      }
      written.emplace_back(split->as, FieldType::any);
    }
    for (const auto& [name, expression] : transform.set) written.emplace_back(name, type_of(expression));
    dropped = transform.drop;
  }
  const auto drop = [&](const std::string& name) {
    forget(fields, name);
    if (!stage.when) fields[{name}] = Known{true, FieldType::any, stage.name};
  };
  for (const std::string& name : gone) drop(name);
  for (const auto& [name, type] : written) {
    forget(fields, name);
    fields[{name}] = Known{false, stage.when ? FieldType::any : type, stage.name};
  }
  for (const std::string& name : dropped) drop(name);
}

class Checker {
 public:
  Checker(Context& context, bool undeclared_are_text, const Fields& fields)
      : context_(context), undeclared_are_text_(undeclared_are_text), fields_(fields) {}

  void check(const ViewConfig& view) {
    if (view.latest) present(view, *view.latest, "latest");
    for (const FieldPath& path : view.fields) present(view, path, "fields");
    for (const FieldPath& path : view.group_by) present(view, path, "group_by");
    if (view.when) present(view, view.when->path, "when");
    for (const MeasureConfig& measure : view.measures) {
      if (measure.kind == MeasureKind::count) continue;
      const std::string key = fmt::format("measures.{}", measure.name);
      if (present(view, measure.path, key) && measure.kind != MeasureKind::distinct) numeric(view, measure.path, key);
    }
  }

 private:
  bool present(const ViewConfig& view, const FieldPath& path, std::string_view key) {
    const auto top = path.envelope() ? fields_.end() : fields_.find({path.parts.front()});
    if (top == fields_.end() || !top->second.dropped) return true;
    context_.findings.add(view.place, fmt::format("\"views.{}.{}\" reads \"{}\", which the stage \"{}\" drops",
                                                  view.name, key, path.text, top->second.stage));
    return false;
  }
  void numeric(const ViewConfig& view, const FieldPath& path, std::string_view key) {
    const std::string where = fmt::format("\"views.{}.{}\" needs a number", view.name, key);
    if (path.envelope()) {
      context_.findings.add(view.place, fmt::format("{}, \"{}\" is none", where, path.text));
      return;
    }
    const auto field = fields_.find(path.parts);
    if (field == fields_.end()) {
      if (!undeclared_are_text_) return;
      context_.findings.add(view.place,
                            fmt::format("{}, and fields of CSV are text until they are declared: give \"{}\" the type "
                                        "integer or decimal in a validate stage, or make it in a transform stage",
                                        where, path.text));
      return;
    }
    switch (field->second.type) {
      case FieldType::any:
      case FieldType::integer:
      case FieldType::decimal:
        return;
      case FieldType::string:
      case FieldType::boolean:
      case FieldType::object:
      case FieldType::array:
        break;
    }
    context_.findings.add(view.place, fmt::format("{}, but the stage \"{}\" makes \"{}\" something else", where,
                                                  field->second.stage, path.text));
  }

  Context& context_;
  bool undeclared_are_text_;
  const Fields& fields_;
};

}  // namespace

void check_views_against_stages(Context& context, const PipelineConfig& config) {
  Fields fields;
  bool unknown = false;
  for (const StageConfig& stage : config.stages) apply(stage, fields, unknown);
  Checker checker(context, config.record.format == RecordFormat::csv && !unknown, fields);
  for (const ViewConfig& view : config.views) checker.check(view);
}

}  // namespace weir::yaml
