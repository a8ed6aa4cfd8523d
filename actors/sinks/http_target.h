// A sink to a server: each batch one POST, with an Idempotency-Key that is the same for the same records. Nothing can be hidden there, so
// a batch whose answer is lost is sent again; the server tells by the key, or by the ids of the records, what it has.
#pragma once
#include <functional>
#include <memory>
#include <string>

#include "runtime/ports/clock.h"
#include "runtime/ports/http_fetch.h"
#include "runtime/ports/sink_target.h"
#include "runtime/ports/sinks_config.h"

namespace weir {

/// What the answer to a batch means. Pure.
[[nodiscard]] SinkAnswer judge_answer(const HttpSinkConfig& config, const Result<HttpAnswer>& answer, UnixMicros wall);
/// "application/cloudevents-batch+json" and its like.
[[nodiscard]] std::string_view content_type_of(const SinkText& text);
/// What is sent. `read` reads the files of headers. Errors: config_invalid (a header's file).
[[nodiscard]] Result<HttpFetchRequest> request_of(const HttpSinkConfig& config, const SinkBatch& batch,
                                                  const std::function<Result<std::string>(const std::string&)>& read);

class HttpTarget final : public SinkTarget {
 public:
  struct Ports {
    HttpFetch* fetch = nullptr;  // outlives it, and calls that were started
    const Clock* clock = nullptr;
    std::function<Result<std::string>(const std::string& file)> read;  // for each request: a token may have been replaced
  };
  HttpTarget(HttpSinkConfig config, Ports ports) : config_(std::move(config)), ports_(std::move(ports)) {}
  [[nodiscard]] bool hides() const override { return false; }
  [[nodiscard]] Result<void> open(const std::string&) override { return {}; }
  void send(std::shared_ptr<const SinkBatch> batch, SinkAnswered answered) override;
  [[nodiscard]] Result<std::string> prepare() override { return std::string(); }
  [[nodiscard]] Result<void> publish(const std::string&) override { return {}; }

 private:
  HttpSinkConfig config_;
  Ports ports_;
};

}  // namespace weir
