// What parts of a pipeline are called where they are written, shown, or hashed: as in the pipeline file.
#pragma once
#include <string_view>

#include "runtime/ports/pipeline_config.h"

namespace weir {

[[nodiscard]] std::string_view word(NamedRule::Relation relation);
[[nodiscard]] std::string_view word(MeasureKind kind);
[[nodiscard]] std::string_view word(RecordFormat format);

}  // namespace weir
