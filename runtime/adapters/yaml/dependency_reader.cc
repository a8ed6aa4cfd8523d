// `http` of enrich, and the section `retry`.
#include <algorithm>
#include <charconv>
#include <filesystem>

#include "runtime/adapters/yaml/key_values.h"
#include "runtime/adapters/yaml/reader.h"
#include "runtime/adapters/yaml/secret_reader.h"
#include "runtime/base/units.h"
#include "runtime/ports/http_fetch.h"
#include "runtime/ports/url_template.h"

namespace weir::yaml {
namespace {

using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::minutes;
constexpr microseconds kDay = hours(24);
constexpr std::size_t kHeadersMax = 64;

void read_cache(Context& context, const Node& node, const std::string& name, LookupCacheConfig& out) {
  Keys keys(context, node, name);
  keys.bytes("bytes_max", {4'096, std::uint64_t{1} << 40}, out.bytes_max);
  keys.count("entries_max", {1, 1'000'000'000}, out.entries_max);
  keys.duration("age_max", {microseconds(0), 7 * kDay}, out.age_max);
  keys.duration("missing_age_max", {microseconds(0), 7 * kDay}, out.missing_age_max);
  keys.duration("stale_max", {microseconds(0), 30 * kDay}, out.stale_max);
  keys.count("waiters_max", {1, 10'000'000}, out.waiters_max);
  keys.finish();
}

void read_budget(Context& context, const Node& node, const std::string& name, RetryBudgetConfig& out) {
  Keys keys(context, node, name);
  keys.integer<std::uint32_t>("retries_percent", {0, 1'000}, out.retries_percent);
  keys.integer<std::uint32_t>("retries_per_second_min", {1, 1'000}, out.retries_per_second_min);
  keys.integer<std::uint32_t>("burst_max", {1, 1'000'000}, out.burst_max);
  keys.finish();
}

/// What a server would be asked, as far as it is known: the fetcher says what it would not take.
Result<void> takes(std::string url, std::vector<std::pair<std::string, std::string>> headers) {
  HttpFetchRequest request;
  request.url = std::move(url);
  request.headers = std::move(headers);
  return request.validate();
}

/// `key` gets a field for each part of the address.
void read_url(Context& context, const Node& node, const std::string& name, std::string& out, std::vector<FieldPath>& key) {
  context.note(name, "", "an address with fields of the event in it, such as https://geo.example/v1/{country}");
  std::string text;
  if (!read_text(context, node, name, text)) return;
  const auto url = UrlTemplate::compile(text);
  if (!url) return context.findings.add(node.place, fmt::format("\"{}\": {}", name, url.error().context.substr(std::string_view("url: ").size())));
  const std::vector<std::string_view> parts(url->names().size(), "x");
  const auto filled = url->fill(parts);
  if (const auto good = filled ? takes(*filled, {}) : Result<void>(fail(filled.error())); !good)
    return context.findings.add(node.place, fmt::format("\"{}\": {}", name, good.error().context));
  std::vector<FieldPath> fields;
  for (const std::string& field : url->names()) {
    FieldPath path;
    if (read_path(context, node.place, field, name, path)) fields.push_back(std::move(path));
  }
  if (fields.size() != url->names().size()) return;
  out = std::move(text);
  key = std::move(fields);
}

std::string lower(std::string text) {
  for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return text;
}

void read_header(Context& context, const Entry& entry, const std::string& name, std::vector<HttpLookupHeader>& out) {
  HttpLookupHeader header{entry.key, {}, {}};
  const std::string called = lower(entry.key);
  if (entry.value.kind == Node::Kind::map) {
    MapReader map(context, entry.value, name);
    const Node* file = map.require("file", "FILE");
    map.finish();
    Secret secret;
    if (file == nullptr || !read_secret(context, *file, map.path("file"), secret)) return;
    const std::filesystem::path path(file->text);
    header.value_file = path.is_absolute() || context.folder.empty() ? file->text : (std::filesystem::path(context.folder) / path).lexically_normal().string();
  } else {
    if (!read_text(context, entry.value, name, header.value)) return;
    if (called == "authorization" || called == "proxy-authorization" || called == "cookie") {
      context.findings.add(entry.value.place, fmt::format("\"{}\" is a secret and must not stand in the file; write {}: {{file: FILE}}", name, entry.key));
      return;
    }
  }
  if (called == "host" || called == "content-length" || called == "user-agent" || called == "connection" || called == "transfer-encoding") {
    context.findings.add(entry.place, fmt::format("\"{}\" is for weir to say; leave it out", name));
    return;
  }
  if (const auto good = takes("http://geo.example/", {{header.name, header.value}}); !good) {
    context.findings.add(entry.place, fmt::format("\"{}\": {}", name, good.error().context.substr(good.error().context.find(": ") + 2)));
    return;
  }
  for (const HttpLookupHeader& other : out) {
    if (lower(other.name) != called) continue;
    context.findings.add(entry.place, fmt::format("\"{}\" stands there twice: case does not matter in the names of headers", name));
    return;
  }
  out.push_back(std::move(header));
}

void read_statuses(Context& context, const Node& node, const std::string& name, std::vector<int>& out) {
  constexpr std::size_t kStatusesMax = 99;
  if (node.kind != Node::Kind::list || node.items.size() > kStatusesMax)
    return context.findings.add(node.place, fmt::format("\"{}\" must be a list of at most {} statuses such as [408, 401], found {}", name, kStatusesMax,
                                                        describe_found(node)));
  std::vector<int> statuses;
  for (const Node& item : node.items) {
    int status = 0;
    const auto [end, error] = std::from_chars(item.text.data(), item.text.data() + item.text.size(), status);
    const bool number = is_number(item) && error == std::errc() && end == item.text.data() + item.text.size();
    if (number && status >= 400 && status <= 499 && status != 404) {
      statuses.push_back(status);
      continue;
    }
    context.findings.add(item.place, fmt::format("\"{}\" must be statuses from 400 to 499 and not 404, which says that there is no such key; found {}",
                                                 name, describe_found(item)));
    return;
  }
  out = std::move(statuses);
}

}  // namespace

void read_breaker(Context& context, const Node& node, const std::string& name, BreakerConfig& out) {
  Keys keys(context, node, name);
  keys.duration("window", {milliseconds(100), hours(1)}, out.window);
  keys.integer<std::uint32_t>("calls_min", {1, 1'000'000}, out.calls_min);
  keys.integer<std::uint32_t>("failures_percent_max", {1, 100}, out.failures_percent_max);
  keys.integer<std::uint32_t>("failures_in_a_row_max", {0, 1'000'000}, out.failures_in_a_row_max);
  keys.duration("slow_after", {microseconds(0), hours(1)}, out.slow_after);
  keys.rising("open_min", out.open_min, "open_max", out.open_max, {milliseconds(1), kDay});
  keys.integer<std::uint32_t>("probes_max", {1, 1'000}, out.probes_max);
  keys.finish();
}

void read_http_headers(Context& context, const Node& node, const std::string& name, std::vector<HttpLookupHeader>& out) {
  MapReader map(context, node, name);
  if (!map.valid()) return;
  if (node.entries.size() > kHeadersMax)
    return context.findings.add(node.place, fmt::format("\"{}\" must have at most {} headers, found {}", name, kHeadersMax, node.entries.size()));
  for (const Entry& entry : node.entries) read_header(context, entry, map.path(entry.key), out);
}

void read_http_lookup(Context& context, const Node& node, const std::string& name, HttpLookupConfig& out, std::vector<FieldPath>& key) {
  Keys keys(context, node, name);
  MapReader& map = keys.map();
  if (const Node* url = map.require("url", "\"https://geo.example/v1/{FIELD}\"")) read_url(context, *url, map.path("url"), out.url, key);
  if (const Node* headers = map.take("headers")) read_http_headers(context, *headers, map.path("headers"), out.headers);
  keys.duration("connect_timeout", {milliseconds(1), minutes(10)}, out.connect_timeout);
  keys.duration("deadline", {milliseconds(1), minutes(10)}, out.deadline);
  keys.bytes("answer_bytes_max", {1, std::uint64_t{64} << 20}, out.answer_bytes_max);
  keys.integer<std::uint32_t>("calls_max", {1, 1'000}, out.calls_max);
  keys.duration("retry_after_max", {microseconds(0), hours(1)}, out.retry_after_max);
  if (const Node* statuses = map.take("temporary_statuses")) read_statuses(context, *statuses, map.path("temporary_statuses"), out.temporary_statuses);
  if (const Node* cache = map.take("cache")) read_cache(context, *cache, map.path("cache"), out.cache);
  if (const Node* breaker = map.take("breaker")) read_breaker(context, *breaker, map.path("breaker"), out.breaker);
  if (const Node* budget = map.take("budget")) read_budget(context, *budget, map.path("budget"), out.budget);
  keys.finish();
}

void read_retry(Context& context, const Node& node, RetrySettings& out) {
  Keys keys(context, node, "retry");
  MapReader& map = keys.map();
  if (const Node* order = map.take("order"))
    read_enum(context, *order, map.path("order"),
              std::vector<std::pair<std::string, RetryOrder>>{{"blocking", RetryOrder::blocking}, {"deferred", RetryOrder::deferred}}, out.order);
  if (const Node* by = map.take("order_by")) {
    FieldPath path;
    if (read_path(context, *by, map.path("order_by"), path, false)) out.order_by = std::move(path);
    if (out.order == RetryOrder::deferred)
      context.findings.add(by->place, "\"retry.order_by\" contradicts \"order: deferred\", with which nothing waits; leave one of them out");
  }
  keys.integer<std::uint32_t>("attempts_max", {1, 1'000}, out.attempts_max);
  keys.duration("retry_age_max", {milliseconds(1), 7 * kDay}, out.retry_age_max);
  keys.rising("backoff_min", out.backoff_min, "backoff_max", out.backoff_max, {milliseconds(1), kDay});
  keys.count("held_keys_max", {1, 1'000'000}, out.held_keys_max);
  keys.count("parked_events_max", {1, 10'000'000}, out.parked_events_max);
  keys.bytes("parked_bytes_max", {std::uint64_t{1} << 20, std::uint64_t{64} << 30}, out.parked_bytes_max);
  keys.finish();
}

}  // namespace weir::yaml
