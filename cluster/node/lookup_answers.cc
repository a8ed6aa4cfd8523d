#include "cluster/node/lookup_answers.h"

#include <algorithm>

#include "runtime/base/invariant.h"
#include "runtime/ports/url_template.h"

namespace weir {

Result<LookupAnswers> LookupAnswers::make(const PipelineConfig& pipeline, const std::vector<TestLookup>& lookups) {
  LookupAnswers made;
  const std::vector<const StageConfig*> stages = lookups_of(pipeline);
  for (const TestLookup& lookup : lookups) {
    const auto stage = std::find_if(stages.begin(), stages.end(), [&](const StageConfig* one) { return one->name == lookup.stage; });
    INVARIANT(stage != stages.end(), "the loader knows the stages");
    WEIR_ASSIGN(const UrlTemplate url, UrlTemplate::compile(std::get<EnrichConfig>((*stage)->body).http->url));
    for (const TestLookup::Answer& answer : lookup.answers) {
      const std::vector<std::string_view> key(answer.key.begin(), answer.key.end());
      WEIR_ASSIGN(std::string address, url.fill(key));
      MemoryHttpAnswer said;
      said.status = answer.status;
      if (answer.status == 200) append_json(said.body, answer.value);
      made.answers_.insert_or_assign(std::move(address), std::move(said));
    }
  }
  return made;
}

MemoryHttpAnswer LookupAnswers::answer(const HttpFetchRequest& request) {
  if (const auto known = answers_.find(request.url); known != answers_.end()) return known->second;
  if (std::find(unanswered_.begin(), unanswered_.end(), request.url) == unanswered_.end()) unanswered_.push_back(request.url);
  MemoryHttpAnswer missing;
  missing.status = 404;
  return missing;
}

}  // namespace weir
