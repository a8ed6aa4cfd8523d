#include "runtime/ports/http_lookup_config.h"

namespace weir {

Result<void> HttpLookupConfig::validate() const {
  using std::chrono::milliseconds;
  const auto within = [](std::string_view name, Result<void> checked) -> Result<void> {
    if (checked) return {};
    return fail(checked.error().code, "{}.{}", name, checked.error().context);
  };
  if (answer.empty() || answer.size() > 256)
    return fail(Errc::config_invalid, "answer: {} fields are not between 1 and 256", answer.size());
  for (const FieldPath& path : answer)
    if (path.parts.empty() || path.envelope())
      return fail(Errc::config_invalid, "answer: '{}' is not a path in the answer", path.text);
  if (answer_bytes_max < 1 || answer_bytes_max > std::uint64_t{64} << 20)
    return fail(Errc::config_invalid, "answer_bytes_max: {} is not between 1 and 64 MiB", answer_bytes_max);
  if (calls_max < 1 || calls_max > 1'000)
    return fail(Errc::config_invalid, "calls_max: {} is not between 1 and 1000", calls_max);
  if (retry_after_max < milliseconds(0) || retry_after_max > milliseconds(3'600'000))
    return fail(Errc::config_invalid, "retry_after_max: {} ms is not between 0 and 1 h", retry_after_max.count());
  for (const int status : temporary_statuses)
    if (status < 400 || status > 499 || status == 404)
      return fail(Errc::config_invalid, "temporary_statuses: {} is not between 400 and 499, or is 404", status);
  WEIR_TRY(within("retry", retry.validate()));
  WEIR_TRY(within("budget", budget.validate()));
  WEIR_TRY(within("breaker", breaker.validate()));
  return within("cache", cache.validate());
}

}  // namespace weir
