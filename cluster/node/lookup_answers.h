// What servers answer where nobody is asked: the `lookups` of a test in place of a network.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "runtime/adapters/memory/memory_http_fetch.h"
#include "runtime/base/result.h"
#include "runtime/ports/pipeline_config.h"
#include "runtime/ports/pipeline_tests.h"

namespace weir {

/// Not thread-safe. Whatever is not among the answers is answered with 404, and noted. Two stages with the same address have the same server.
class LookupAnswers {
 public:
  /// `lookups` are those of a test of this pipeline, checked by the loader. Error malformed_event: a key that no address can have.
  [[nodiscard]] static Result<LookupAnswers> make(const PipelineConfig& pipeline, const std::vector<TestLookup>& lookups);

  [[nodiscard]] MemoryHttpAnswer answer(const HttpFetchRequest& request);
  /// The addresses that were asked for and are not among the answers, each once, in the order they came.
  [[nodiscard]] const std::vector<std::string>& unanswered() const noexcept { return unanswered_; }

 private:
  std::map<std::string, MemoryHttpAnswer> answers_;  // by address
  std::vector<std::string> unanswered_;
};

}  // namespace weir
