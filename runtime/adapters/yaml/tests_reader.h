// Parts of the section `tests` that are read in files of their own.
#pragma once
#include <string>
#include <vector>

#include "runtime/adapters/yaml/reader.h"
#include "runtime/ports/pipeline_tests.h"

namespace weir::yaml {

[[nodiscard]] TestValue test_value(const Node& node);
/// `whole`: nothing of the pipeline itself was wrong, so that what it does not have is known.
void read_test_lookups(Context& context, const PipelineConfig& pipeline, bool whole, const Node& node, const std::string& name, std::vector<TestLookup>& out);

}  // namespace weir::yaml
