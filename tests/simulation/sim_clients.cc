#include "tests/simulation/sim_clients.h"

#include <fmt/format.h>

#include <algorithm>

namespace weir::sim {

namespace {

std::optional<std::string> header(const HttpResponse& response, std::string_view name) {
  for (const auto& [key, value] : response.headers)
    if (key == name) return value;
  return std::nullopt;
}

/// What only says "not now", without a doubt that nothing was taken.
bool nothing_taken(const HttpResponse& response) {
  if (response.status == 429 || response.status == 507) return true;
  return response.status == 503 && (response.body.find("nothing was accepted") != std::string::npos ||
                                    response.body.find("the node is st") != std::string::npos);
}

}  // namespace

Clients::Clients(const Workload& workload, SeededRng& rng, History& history, Witness& witness)
    : workload_(workload), rng_(rng), history_(history), witness_(witness), clients_(workload.clients) {
  for (std::uint32_t i = 0; i < clients_.size(); ++i) {
    clients_[i].number = i;
    clients_[i].requests = 3 + rng_.below(20);
  }
}

void Clients::serve(MemoryHttpServer& server, std::vector<CommitSequence> at_start) {
  server_ = &server;
  at_start_ = std::move(at_start);
}

void Clients::node_gone() {
  for (Client& client : clients_) {
    if (client.asks == Asks::nothing) continue;
    if (rng_.chance(2) && finish(client)) continue;
    unanswered(client);
  }
  server_ = nullptr;
}

std::size_t Clients::busy() const {
  return static_cast<std::size_t>(
      std::count_if(clients_.begin(), clients_.end(), [](const Client& client) { return !client.done; }));
}

bool Clients::act() {
  return !clients_.empty() && act(clients_[rng_.below(clients_.size())]);
}

bool Clients::act_anybody() {
  return std::any_of(clients_.begin(), clients_.end(), [this](Client& client) { return act(client); });
}

bool Clients::act(Client& client) {
  if (client.done || server_ == nullptr) return false;
  if (client.asks == Asks::nothing) {
    begin(client);
    return true;
  }
  if (finish(client)) return true;
  if (calm_ || !rng_.chance(300)) return false;
  ++witness_.broken_off;
  unanswered(client);
  return true;
}

/// Takes the answer, if there is one.
bool Clients::finish(Client& client) {
  if (client.answer.wait_for(std::chrono::seconds(0)) != std::future_status::ready) return false;
  const HttpResponse response = client.answer.get();
  const Asks asked = std::exchange(client.asks, Asks::nothing);
  asked == Asks::post ? on_posted(client, response) : on_read(client, response);
  return true;
}

void Clients::unanswered(Client& client) {
  if (client.asks == Asks::post) {
    ++history_.posted[*client.request].unknown;
    if (client.repeats) client.request.reset();
  }
  client.asks = Asks::nothing;
  client.read.reset();
}

void Clients::begin(Client& client) {
  if (client.written) return read(client, std::exchange(client.written, std::nullopt), true);
  if (rng_.chance(4)) return read(client, rng_.chance(4) ? std::nullopt : client.session, false);
  if (!client.request && !calm_ && !client.acknowledged.empty() && rng_.chance(5)) {
    ++witness_.repeated;
    client.request = client.acknowledged[rng_.below(client.acknowledged.size())];
    client.repeats = true;
  }
  if (!client.request && client.sent == client.requests) return read(client, client.session, false);
  if (!client.request) {
    Posted posted;
    const std::uint64_t events = 1 + rng_.below(12);
    for (std::uint64_t i = 0; i < events; ++i)
      posted.events.push_back(posted_event(workload_, client.number, client.sent, i));
    client.request = history_.posted.size();
    client.repeats = false;
    history_.posted.push_back(std::move(posted));
    ++client.sent;
  }
  post(client);
}

void Clients::post(Client& client) {
  const Posted& posted = history_.posted[*client.request];
  ++witness_.requests;
  client.buffered = rng_.chance(6);
  client.waits = rng_.chance(3);
  std::string target = "/v1/events";
  if (client.buffered) target += "?durability=buffered";
  if (client.waits) target += fmt::format("{}wait={}ms", client.buffered ? '&' : '?', rng_.chance(3) ? 1 : 500);
  const bool single = posted.events.size() == 1 && rng_.chance(2);
  const bool array = !single && rng_.chance(3);
  std::string body = array ? "[" : "";
  for (std::size_t i = 0; i < posted.events.size(); ++i)
    body += posted.events[i].raw + (array ? (i + 1 == posted.events.size() ? "]" : ",") : single ? "" : "\n");
  client.asks = Asks::post;
  client.answer = server_->ask("POST", target,
                               {{"content-type", single || array ? "application/json" : "application/x-ndjson"}}, body);
}

void Clients::read(Client& client, std::optional<ReadToken> token, bool of_own) {
  Seen read;
  read.at_start = at_start_;
  read.asked = std::move(token);
  if (of_own || (!history_.posted.empty() && rng_.chance(2))) {
    const std::size_t request = of_own ? client.acknowledged.back() : rng_.below(history_.posted.size());
    const std::vector<SimEvent>& events = history_.posted[request].events;
    read.id = events[rng_.below(events.size())].id;
  }
  const std::string target = (read.id.empty() ? std::string("/v1/views/by_kind") : "/v1/views/by_id/" + read.id) +
                             fmt::format("?wait={}ms", rng_.chance(4) ? 0 : 200);
  MemoryHttpServer::Headers headers;
  if (read.asked) headers.emplace_back("weir-token", read.asked->encode());
  client.asks = Asks::read;
  client.read = std::move(read);
  client.answer = server_->ask("GET", target, std::move(headers));
}

void Clients::complain(const char* what, const HttpResponse& response) {
  if (wrong_.empty()) wrong_ = fmt::format("{} was answered {}: {}", what, response.status, response.body);
}

void Clients::on_posted(Client& client, const HttpResponse& response) {
  if (response.status == 202) return on_acknowledged(client, response);
  Posted& posted = history_.posted[*client.request];
  const bool too_large = response.status == 413;
  if (too_large || nothing_taken(response)) {
    ++posted.refused;
    ++witness_.refused;
    if (too_large) ++witness_.too_large;
  } else {
    ++posted.unknown;
    if (response.status != 503) complain("a request", response);
  }
  if (too_large || client.repeats) client.request.reset();
}

void Clients::on_acknowledged(Client& client, const HttpResponse& response) {
  Posted& posted = history_.posted[*client.request];
  const nlohmann::json json = nlohmann::json::parse(response.body, nullptr, false);
  const auto token = json.is_object() ? ReadToken::decode(json.value("token", ""))
                                      : Result<ReadToken>(fail(Errc::invalid_argument, "no JSON"));
  if (!token || json.value("accepted", std::uint64_t{0}) != posted.events.size() ||
      json.value("durability", "") != (client.buffered ? "buffered" : "durable") ||
      json.contains("outcomes") != client.waits)
    return complain("a request", response);
  Acknowledged acknowledged{*client.request, !client.buffered, *token, std::nullopt};
  if (client.waits) {
    acknowledged.outcomes = json["outcomes"].get<std::map<std::string, std::uint64_t>>();
    ++witness_.waited;
  }
  history_.acknowledged.push_back(std::move(acknowledged));
  client.buffered ? ++posted.unknown : ++witness_.acknowledged;
  if (!client.repeats) client.acknowledged.push_back(*client.request);
  // The events of a buffered one may be lost; a token that asks for them would wait for ever.
  if (!client.buffered && !client.repeats && rng_.chance(2)) client.written = *token;
  client.request.reset();
}

void Clients::on_read(Client& client, const HttpResponse& response) {
  Seen read = std::move(*client.read);
  client.read.reset();
  if (response.status == 503) {
    ++witness_.reads_refused;
    return;
  }
  if (response.status != 200) return complain("a read", response);
  const auto token = ReadToken::decode(header(response, "Weir-Token").value_or(""));
  nlohmann::json json = nlohmann::json::parse(response.body, nullptr, false);
  if (!token || !json.is_object() || !json.contains("rows") || json.contains("filled"))
    return complain("a read", response);
  read.answered = *token;
  read.rows = std::move(json["rows"]);
  ++(read.asked ? witness_.reads_with_token : witness_.reads);
  client.session = *token;
  history_.seen.push_back(std::move(read));
  if (client.sent == client.requests && !client.request && !client.written) client.done = true;
}

}  // namespace weir::sim
