// What the readers of the stage `validate` share.
#pragma once
#include <string>
#include <vector>

#include "runtime/adapters/yaml/reader.h"

namespace weir::yaml {

/// The keys of one field: type, required, nullable, coerce, bounds, lengths, one_of, pattern. `rule` holds what is
/// assumed where a key is missing. Whether a pattern is one only the stage can say.
void read_field_rule(Context& context, MapReader& map, FieldRule& rule);
/// The map `rules`: each entry a named rule, `lua` a script.
void read_rules(Context& context, const Node& node, const std::string& name, ValidateConfig& out);

}  // namespace weir::yaml
