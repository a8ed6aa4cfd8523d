#include "cluster/cli/node_client.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "actors/doors/frame_format.h"
#include "runtime/adapters/system/secret_file.h"
#include "runtime/ports/access.h"

namespace weir::cli {

namespace {

/// Dotted, `\.` escapes, as pipeline files write them.
FieldPath path_of(const std::string& text) {
  FieldPath path;
  path.text = text;
  path.parts.emplace_back();
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size()) {
      path.parts.back().push_back(text[++i]);
    } else if (text[i] == '.') {
      path.parts.emplace_back();
    } else {
      path.parts.back().push_back(text[i]);
    }
  }
  return path;
}

Errc code_of(int status) {
  switch (status) {
    case 400:
    case 405:
    case 415:
      return Errc::invalid_argument;
    case 404:
      return Errc::not_found;
    case 401:
    case 403:
    case 409:
    case 413:
    case 429:
    case 507:
      return Errc::limit_reached;
    case 503:
      return Errc::not_ready;
    case 410:
      return Errc::below_horizon;
    default:
      return Errc::internal;
  }
}

}  // namespace

Option add_node(Level command, std::string& url) {
  return command.add_option("--node", url, "A running node")
      .environment("WEIR_NODE")
      .type_name("URL")
      .shown_default(kNodeDefault);
}

void add_trust(Level command, NodeTrust& trust) {
  command.add_option("--token-file", trust.token_file, "File with the token for a node that wants one, alone on one line").environment("WEIR_TOKEN_FILE").type_name("FILE");
  command.add_option("--ca-file", trust.ca_file, "PEM file of those who may have signed the certificate of an https:// node, instead of those this machine trusts")
      .environment("WEIR_CA_FILE")
      .type_name("FILE");
}

Result<CurlSettings> client_settings(const NodeTrust& trust) {
  CurlSettings settings;
  settings.ca_file = trust.ca_file;
  if (trust.token_file.empty()) return settings;
  auto text = read_small_file(trust.token_file, 4'096, Closed::no);
  if (!text) return fail(Errc::config_invalid, "the token file {}: {}; check --token-file or WEIR_TOKEN_FILE", trust.token_file, text.error().context);
  if (text->ends_with('\n')) text->pop_back();
  if (text->ends_with('\r')) text->pop_back();
  // What is sent must be one header, whatever somebody put into the file.
  if (!is_token_text(*text))
    return fail(Errc::config_invalid, "the token file {}: it must hold the token alone, on one line: letters, digits, and - . _ ~ + / =; a node's tokens file is another one",
                trust.token_file);
  settings.token = Secret(std::move(*text));
  return settings;
}

Error error_of_answer(const HttpAnswer& answer, std::string_view asked) {
  const auto json = nlohmann::json::parse(answer.body, nullptr, false);
  std::string detail;
  if (json.is_object() && json.contains("detail") && json["detail"].is_string()) detail = json["detail"];
  if (detail.empty()) detail = fmt::format("status {} without a reason; is it a weir node?", answer.status);
  return {code_of(answer.status), fmt::format("{}: {}", asked, detail)};
}

NodeClient::NodeClient(std::unique_ptr<HttpClient> http, std::string url)
    : http_(std::move(http)), url_(std::move(url)) {
  while (url_.ends_with('/')) url_.pop_back();
}

Result<NodeClient> NodeClient::open(const std::string& url, const NodeTrust& trust) {
  WEIR_ASSIGN(CurlSettings settings, client_settings(trust));
  WEIR_ASSIGN(auto http, make_curl_client(std::move(settings)));
  return NodeClient(std::move(http), url);
}

Result<NodeClient::Page> NodeClient::page(const std::string& target) {
  HttpCall call;
  call.url = url_ + target;
  WEIR_ASSIGN(HttpAnswer answer, http_->call(call));
  if (answer.status != 200) return fail(error_of_answer(answer, url_));
  std::string next(answer.header("weir-next").value_or(std::string_view()));
  return Page{std::move(answer.body), std::move(next)};
}

Result<std::string> NodeClient::get(const std::string& target) {
  WEIR_ASSIGN(Page whole, page(target));
  return std::move(whole.body);
}

Result<std::string> NodeClient::post(const std::string& target) { return send("POST", target, {}); }

Result<std::string> NodeClient::put(const std::string& target, std::string body) { return send("PUT", target, std::move(body)); }

Result<std::string> NodeClient::send(const std::string& method, const std::string& target, std::string body) {
  HttpCall call;
  call.method = method;
  call.url = url_ + target;
  call.body = std::move(body);
  WEIR_ASSIGN(HttpAnswer answer, http_->call(call));
  if (answer.status < 200 || answer.status > 299) return fail(error_of_answer(answer, url_));
  return std::move(answer.body);
}

Result<NodePipeline> parse_node_pipeline(std::string_view text) {
  try {
    const auto json = nlohmann::json::parse(text);
    NodePipeline pipeline;
    pipeline.name = json.at("name");
    pipeline.partitions = json.at("partitions");
    const auto& record = json.at("record");
    if (const std::string format = record.at("format"); format != "any") {
      WEIR_ASSIGN(pipeline.record.format, parse_record_format(format));
    }
    if (const auto& id = record.at("id"); id.is_array()) {
      pipeline.record.id.digest = false;
      for (const auto& field : id) pipeline.record.id.fields.push_back(path_of(field.get<std::string>()));
    }
    const std::string separator = record.at("csv").at("separator");
    if (separator.size() != 1 || pipeline.partitions == 0)
      return fail(Errc::internal, "a pipeline has partitions and a separator");
    pipeline.record.csv.separator = separator.front();
    pipeline.record.csv.record_lines_max = record.at("csv").at("record_lines_max");
    pipeline.event_bytes_max = json.at("limits").at("event_bytes_max");
    return pipeline;
  } catch (const nlohmann::json::exception& wrong) {
    return fail(Errc::internal, "this does not describe a pipeline: {}", wrong.what());
  }
}

Result<NodePipeline> ask_pipeline(NodeClient& node) {
  WEIR_ASSIGN(const std::string text, node.get("/v1/pipeline"));
  auto pipeline = parse_node_pipeline(text);
  if (!pipeline)
    return fail(Errc::invalid_argument, "{} answered /v1/pipeline with something else ({}); is it a weir node?",
                node.url(), pipeline.error().context);
  return pipeline;
}

}  // namespace weir::cli
