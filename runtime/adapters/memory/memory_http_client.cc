#include "runtime/adapters/memory/memory_http_client.h"

#include <algorithm>

namespace weir {

namespace {

std::string lower_case(std::string_view text) {
  std::string lower(text);
  for (char& c : lower)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c | 0x20);
  return lower;
}

}  // namespace

Result<HttpAnswer> MemoryHttpClient::call(const HttpCall& call) {
  const std::size_t scheme = call.url.find("://");
  if (!call.url.starts_with("http://"))
    return fail(Errc::invalid_argument, "'{}' is not the address of a node; write it like http://127.0.0.1:7070",
                call.url.substr(0, scheme));
  const std::size_t path = std::min(call.url.find('/', scheme + 3), call.url.size());
  const std::string server = call.url.substr(0, path), target = path == call.url.size() ? "/" : call.url.substr(path);
  const MemoryNetwork network = network_;
  if (network == MemoryNetwork::unreachable) return fail(Errc::not_ready, "nobody listens at {}", server);
  MemoryHttpServer::Headers headers;
  for (const auto& [name, value] : call.headers) headers.emplace_back(lower_case(name), value);
  const bool bodiless = call.method == "GET" || call.method == "HEAD";
  auto future = server_.ask(call.method, target, std::move(headers), bodiless ? std::string_view() : call.body);
  if (future.wait_for(call.timeout) != std::future_status::ready)
    return fail(Errc::not_ready, "{} did not answer within {} ms", server, call.timeout.count());
  HttpResponse response = future.get();
  if (network == MemoryNetwork::loses_reply)
    return fail(Errc::not_ready, "the connection to {} broke before the answer was whole", server);
  if (response.body.size() > call.answer_bytes_max)
    return fail(Errc::limit_reached, "the answer of {} has more than {} bytes", server, call.answer_bytes_max);
  HttpAnswer answer;
  answer.status = response.status;
  answer.headers.emplace_back("content-type", response.content_type);
  for (const auto& [name, value] : response.headers) answer.headers.emplace_back(lower_case(name), value);
  answer.body = std::move(response.body);
  return answer;
}

}  // namespace weir
