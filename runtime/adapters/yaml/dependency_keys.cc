#include "runtime/adapters/yaml/dependency_keys.h"

#include "runtime/adapters/yaml/config_shapes.h"
#include "runtime/ports/pipeline_config.h"

namespace weir::yaml {
namespace {

using Form = Shape::Form;

KeyBuilder duration(std::string name, const char* min, const char* max, std::chrono::milliseconds fallback, std::string doc) {
  return key(std::move(name), between(Form::duration, min, max), std::move(doc)).by_default(format_duration(fallback));
}
KeyBuilder number(std::string name, std::uint64_t min, std::uint64_t max, std::uint64_t fallback, std::string doc) {
  return key(std::move(name), integer(min, max), std::move(doc)).by_default(std::to_string(fallback));
}
KeyBuilder count(std::string name, const char* min, const char* max, std::uint64_t fallback, std::string doc) {
  return key(std::move(name), between(Form::count, min, max), std::move(doc)).by_default(format_count(fallback));
}
KeyBuilder size(std::string name, const char* min, const char* max, std::uint64_t fallback, std::string doc) {
  return key(std::move(name), between(Form::size, min, max), std::move(doc)).by_default(format_size(fallback));
}

Shape cache() {
  const LookupCacheConfig defaults;
  return map({
      size("bytes_max", "4KiB", "1TiB", defaults.bytes_max, "memory of the answers that are kept, in each partition; in all together at most a quarter of the node's limits.memory_max"),
      count("entries_max", "1", "1G", defaults.entries_max, "answers that are kept, in each partition"),
      duration("age_max", "0s", "7d", defaults.age_max, "how long an answer serves; 0s: it is asked for anew every time"),
      duration("missing_age_max", "0s", "7d", defaults.missing_age_max, "the same of the answer that there is no such key"),
      duration("stale_max", "0s", "30d", defaults.stale_max, "how long after its age an answer may serve while there is no newer one to be had"),
      count("waiters_max", "1", "10M", defaults.waiters_max, "events that wait for answers, in each partition; further ones are retried"),
  });
}

Shape budget() {
  const RetryBudgetConfig defaults;
  return map({
      number("retries_percent", 0, 1'000, defaults.retries_percent, "retries for each hundred first questions"),
      number("retries_per_second_min", 1, 1'000, defaults.retries_per_second_min, "retries a second that there are whatever happens"),
      number("burst_max", 1, 1'000'000, defaults.burst_max, "retries that good times save up"),
  });
}

}  // namespace

Shape breaker_shape() {
  const BreakerConfig defaults;
  return map({
      duration("window", "100ms", "1h", defaults.window, "what the rate of failures is taken of"),
      number("calls_min", 1, 1'000'000, defaults.calls_min, "fewer calls in the window are no rate"),
      number("failures_percent_max", 1, 100, defaults.failures_percent_max, "it opens when so many of the window's calls failed"),
      number("failures_in_a_row_max", 0, 1'000'000, defaults.failures_in_a_row_max, "it opens after so many failures without a success; 0: off"),
      duration("slow_after", "0s", "1h", defaults.slow_after, "a success that took longer is a failure; 0s: off"),
      duration("open_min", "1ms", "1d", defaults.open_min, "how long nobody asks at least; doubles while the server does not come back"),
      duration("open_max", "1ms", "1d", defaults.open_max, "how long nobody asks at most"),
      number("probes_max", 1, 1'000, defaults.probes_max, "calls that try whether it is back; so many successes close it"),
  });
}

Shape headers_shape() {
  return map_of(shape(Form::text),
                either({shape(Form::text), map({key("file", shape(Form::file), "its text is the value: for secrets. Read again when it changes").required()})}), 0, 64);
}

Shape http_lookup_shape() {
  const HttpLookupConfig defaults;
  Shape status = either({integer(400, 403), integer(405, 499)});
  return map({
      key("url", pattern("^https?://.+\\{.+\\}", "an address with fields of the event in it, such as \"https://geo.example/v1/{country}\""),
          "what is asked with GET: each {FIELD} is a part of the key, percent-encoded; 200 with a JSON object is an answer, 404 means that there is no such key")
          .required()
          .example("\"https://geo.example/v1/{country}\""),
      key("headers", headers_shape(), "headers of every request").otherwise("none").example("{Accept: application/json, Authorization: {file: token.txt}}"),
      duration("connect_timeout", "1ms", "10m", defaults.connect_timeout, "for the name, the connection and TLS"),
      duration("deadline", "1ms", "10m", defaults.deadline, "for one call as a whole"),
      size("answer_bytes_max", "1B", "64MiB", defaults.answer_bytes_max, "an event whose answer is longer is a dead letter, reason stage:lookup"),
      number("calls_max", 1, 1'000, defaults.calls_max, "calls under way at once, in each partition; further questions wait for their turn"),
      duration("retry_after_max", "0s", "1h", defaults.retry_after_max, "what a Retry-After of more counts as"),
      key("temporary_statuses", list(std::move(status), 0, 99), "statuses of 400 to 499 that may pass, beside 429: such an event is retried; with any other it is a dead letter")
          .by_default("[408]")
          .example("[408, 401, 403]"),
      key("cache", cache(), "what was answered lately; events with the same key share one call"),
      key("breaker", breaker_shape(), "when a server that fails is left alone for a while"),
      key("budget", budget(), "how many retries there may be for first questions"),
  });
}

Shape retry_shape() {
  const RetrySettings defaults;
  return map({
      key("order", words({"blocking", "deferred"}), "what later events do while one is tried again: those of the same key wait behind it, or go on")
          .by_default("blocking"),
      key("order_by", path(false), "the field whose value is the key, as the event came; with `blocking` only").otherwise("the id of the event").example("account"),
      number("attempts_max", 1, 1'000, defaults.attempts_max, "attempts, the first one included; then it is a dead letter, reason retries_exhausted"),
      duration("retry_age_max", "1ms", "7d", defaults.retry_age_max, "no attempt is made longer than this after the first"),
      duration("backoff_min", "1ms", "1d", defaults.backoff_min, "the longest pause after the first attempt; doubles with each"),
      duration("backoff_max", "1ms", "1d", defaults.backoff_max, "the longest pause of all"),
      count("held_keys_max", "1", "1M", defaults.held_keys_max, "keys that events wait for, in each partition; with more it decides nothing more until there are fewer"),
      count("parked_events_max", "1", "10M", defaults.parked_events_max, "the same of events that are tried again or wait"),
      size("parked_bytes_max", "1MiB", "64GiB", defaults.parked_bytes_max, "the same of their bytes"),
  });
}

}  // namespace weir::yaml
