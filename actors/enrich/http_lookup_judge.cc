// What an answer, or its absence, means.
#include <algorithm>

#include "actors/enrich/http_lookup.h"
#include "runtime/engine/retry_after.h"
#include "runtime/base/backoff.h"

namespace weir {

HttpLookup::Verdict HttpLookup::judge(const Result<HttpAnswer>& result, TimePoint now, UnixMicros wall) {
  if (result) return judge_status(*result, now, wall);
  Verdict verdict{.kind = Verdict::Kind::temporary, .trouble = LookupTrouble::unreachable};
  verdict.detail = result.error().context;
  if (result.error().code == Errc::limit_reached) {
    // As large the next time.
    verdict.kind = Verdict::Kind::invalid;
    verdict.trouble = LookupTrouble::too_large;
  } else if (result.error().code == Errc::cancelled) {
    verdict.kind = Verdict::Kind::not_asked;
    verdict.trouble = LookupTrouble::stopping;
    verdict.not_before = now;
  }
  return verdict;
}

HttpLookup::Verdict HttpLookup::judge_status(const HttpAnswer& answer, TimePoint now, UnixMicros wall) {
  if (answer.status == 200) return read_row(answer);
  if (answer.status == 404) return {};
  Verdict verdict{.kind = Verdict::Kind::temporary, .trouble = LookupTrouble::bad_answer};
  verdict.detail = fmt::format("{} answered {}", url_.server(), answer.status);
  const bool overloaded =
      answer.status == 429 || (answer.status >= 500 && answer.status <= 599) ||
      std::ranges::find(config_.temporary_statuses, answer.status) != config_.temporary_statuses.end();
  if (overloaded) {
    verdict.trouble = LookupTrouble::overloaded;
    const auto asked = parse_retry_after(answer.header("retry-after").value_or(""), wall);
    verdict.not_before = later(now, std::min(asked.value_or(std::chrono::milliseconds(0)), config_.retry_after_max));
    // It is the server that wants to be left alone, not this key.
    held_until_ = std::max(held_until_, verdict.not_before);
  } else if (answer.status >= 400 && answer.status <= 499) {
    verdict.kind = Verdict::Kind::invalid;
    verdict.trouble = LookupTrouble::refused;
  }
  return verdict;
}

HttpLookup::Verdict HttpLookup::read_row(const HttpAnswer& answer) {
  Verdict verdict{.kind = Verdict::Kind::found};
  const PaddedText text(answer.body);
  Document document;
  ParseProblem problem;
  arena_.clear();
  if (!parser_->parse_json(text.view(), arena_, document, problem)) {
    verdict.kind = Verdict::Kind::temporary;
    verdict.trouble = LookupTrouble::bad_answer;
    verdict.detail = fmt::format("{} answered 200 with what is no JSON object: byte {}: {}", url_.server(), problem.at,
                                 problem.what);
    return verdict;
  }
  std::vector<Value> values;
  for (const Slot slot : slots_) values.push_back(document[slot]);
  verdict.row = std::make_shared<const LookupRow>(values);
  parser_->between_batches();
  return verdict;
}

}  // namespace weir
