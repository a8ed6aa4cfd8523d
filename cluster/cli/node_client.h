// Asking a node over HTTP, for commands: its address, its errors as ours, its pipeline.
#pragma once
#include <memory>
#include <string>
#include <string_view>

#include "cluster/cli/parser.h"
#include "runtime/adapters/curl/curl_client.h"
#include "runtime/ports/http_client.h"
#include "runtime/ports/pipeline_config.h"

namespace weir::cli {

inline constexpr const char* kNodeDefault = "http://127.0.0.1:7070";

/// Adds `--node URL` (or WEIR_NODE).
Option add_node(Level command, std::string& url);

/// How a node that has tokens or TLS is asked.
struct NodeTrust {
  std::string token_file;  // empty: without a token
  std::string ca_file;     // empty: who this machine trusts
};
/// Adds `--token-file FILE` (or WEIR_TOKEN_FILE) and `--ca-file FILE` (or WEIR_CA_FILE).
void add_trust(Level command, NodeTrust& trust);
/// With the token read. Error config_invalid: the file cannot be read, or holds no token; nothing of it is in the message.
[[nodiscard]] Result<CurlSettings> client_settings(const NodeTrust& trust);

/// What an answer that is no success means: its problem document as an error. 400, 415: invalid_argument; 404:
/// not_found; 503: not_ready; 401, 403, 409, 413, 429, 507: limit_reached; 5xx: internal. `asked` is for the message.
[[nodiscard]] Error error_of_answer(const HttpAnswer& answer, std::string_view asked);

/// Not thread-safe.
class NodeClient {
 public:
  NodeClient(std::unique_ptr<HttpClient> http, std::string url);
  /// Over libcurl. Errors: internal, and those of client_settings().
  [[nodiscard]] static Result<NodeClient> open(const std::string& url, const NodeTrust& trust);
  /// The body of GET `target` ("/v1/ledger"). Errors: those of HttpClient::call and of error_of_answer.
  [[nodiscard]] Result<std::string> get(const std::string& target);
  /// The body of the answer to POST `target` without a body of its own. Errors: likewise.
  [[nodiscard]] Result<std::string> post(const std::string& target);
  /// The body of the answer to PUT `target` with these bytes. Errors: likewise.
  [[nodiscard]] Result<std::string> put(const std::string& target, std::string body);
  struct Page {
    std::string body;
    std::string next;  // the cursor of the next one; empty: there is none
  };
  /// The same of an answer that may be one of several (the header Weir-Next).
  [[nodiscard]] Result<Page> page(const std::string& target);
  [[nodiscard]] const std::string& url() const noexcept { return url_; }

 private:
  [[nodiscard]] Result<std::string> send(const std::string& method, const std::string& target, std::string body);
  std::unique_ptr<HttpClient> http_;
  std::string url_;  // without a slash at its end
};

/// What a client has to know to find the same frames and ids as the node.
struct NodePipeline {
  std::string name;
  std::uint32_t partitions = 1;
  RecordConfig record;  // format, id and csv
  std::uint64_t event_bytes_max = 0;
};
/// Reads what GET /v1/pipeline answers. Error internal: it is not that.
[[nodiscard]] Result<NodePipeline> parse_node_pipeline(std::string_view json);
[[nodiscard]] Result<NodePipeline> ask_pipeline(NodeClient& node);

}  // namespace weir::cli
