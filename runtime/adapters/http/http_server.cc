#include "runtime/adapters/http/http_server.h"

#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>

#include "runtime/adapters/http/connection.h"

namespace weir {

namespace {

using namespace std::chrono_literals;
using asio_error = boost::system::error_code;
namespace asio = boost::asio;
using asio::ip::tcp;
using http::Connection;
using http::Loop;
using http::Moment;

constexpr std::uint64_t kRefusingMax = 128;  // told 503 at the same time; more are closed without a word
constexpr std::uint64_t kOtherFiles = 512;   // what the rest of the process may have open (arbitrary)
constexpr auto kAcceptPause = 100ms;         // when the system has no more files or memory
constexpr auto kSweepMax = 250ms;            // deadlines are kept to this
constexpr auto kWarnEvery = 10s;

std::string text_of(const tcp::endpoint& endpoint) {
  const std::string address = endpoint.address().to_string();
  return endpoint.address().is_v6() ? fmt::format("[{}]:{}", address, endpoint.port())
                                    : fmt::format("{}:{}", address, endpoint.port());
}

/// Deadlines are looked at four times within the shortest of them.
std::chrono::milliseconds sweep_period(const HttpServerConfig& config) {
  const auto shortest = std::min({config.greeting_timeout, config.header_timeout, config.idle_timeout, config.body_stall_timeout,
                                  config.body_timeout, config.write_timeout, std::max(config.bodies_wait, 40ms)});
  return std::clamp<std::chrono::milliseconds>(shortest / 4, 10ms, kSweepMax);
}

void allow_open_files(std::uint64_t connections_max, Logbook& logbook) {
  rlimit limit{};
  const rlim_t wanted = connections_max + kRefusingMax + kOtherFiles;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY || limit.rlim_cur >= wanted) return;
  limit.rlim_cur = limit.rlim_max == RLIM_INFINITY ? wanted : std::min(wanted, limit.rlim_max);
  setrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_cur < wanted) {
    logbook.write(LogLevel::warn, "http",
                  fmt::format("http.connections_max {} needs {} open files and the system allows {} (ulimit -n); "
                              "beyond that, connections wait",
                              connections_max, wanted, limit.rlim_cur));
  }
}

class AsioServer final : public HttpServer {
 public:
  AsioServer(const HttpServerConfig& config, HttpHandler handler, Logbook& logbook, HttpGate gate, std::shared_ptr<const TlsIdentities> tls)
      : shared_(std::make_shared<http::Shared>(config, std::move(handler), logbook, std::move(gate), std::move(tls))) {
    for (std::uint32_t i = 0; i < config.threads; ++i) loops_.push_back(std::make_shared<Loop>());
    acceptor_.emplace(loops_.front()->io);
    pause_.emplace(loops_.front()->io);
  }
  AsioServer(const AsioServer&) = delete;
  AsioServer& operator=(const AsioServer&) = delete;
  ~AsioServer() override { AsioServer::close(0ms); }

  [[nodiscard]] Result<void> listen() {
    const HttpServerConfig& config = shared_->config;
    asio_error error;
    const auto address = asio::ip::make_address(config.address, error);
    if (error) return fail(Errc::config_invalid, "http.listen: '{}' is not an IPv4 or IPv6 address", config.address);
    const tcp::endpoint wanted(address, config.port);
    acceptor_->open(wanted.protocol(), error);
    if (!error) acceptor_->set_option(tcp::acceptor::reuse_address(true), error);
    if (!error) acceptor_->bind(wanted, error);
    if (!error) acceptor_->listen(4096, error);
    if (error == asio::error::address_in_use) {
      return fail(Errc::config_invalid,
                  "http.listen: {} is in use by another process; stop that one, or listen on another port (port 0 "
                  "takes a free one)",
                  text_of(wanted));
    }
    if (error == asio::error::access_denied)
      return fail(Errc::config_invalid, "http.listen: {} is not allowed to this user; ports from 1024 on are",
                  text_of(wanted));
    if (error == boost::system::errc::address_not_available)
      return fail(Errc::config_invalid, "http.listen: {} is not an address of this machine", config.address);
    if (error) return fail(Errc::io_failed, "http.listen: {}: {}", text_of(wanted), error.message());
    endpoint_ = acceptor_->local_endpoint();
    return {};
  }

  void run() {
    for (const auto& loop : loops_) {
      guards_.emplace_back(loop->io.get_executor());
      sweep_later(*loop);
    }
    accept();
    for (const auto& loop : loops_) loop->thread = std::thread([loop] { loop->io.run(); });
  }

  [[nodiscard]] std::uint16_t port() const override { return endpoint_.port(); }
  [[nodiscard]] std::string address() const override { return text_of(endpoint_); }
  [[nodiscard]] HttpServerStatus status() const override {
    HttpServerStatus status;
    status.connections = shared_->connections;
    status.connections_refused = shared_->connections_refused;
    status.requests = shared_->requests;
    status.requests_in_flight = shared_->in_flight;
    status.bodies_bytes = shared_->bodies->held();
    status.answers_bytes = shared_->answers.held();
    status.refused = shared_->refused;
    status.greetings_failed = shared_->greetings_failed;
    return status;
  }

  void close(std::chrono::milliseconds patience) override {
    const std::scoped_lock one_at_a_time(closing_);
    if (std::exchange(closed_, true)) return;
    shared_->draining = true;
    loops_.front()->post([this] {
      asio_error ignored;
      acceptor_->close(ignored);
      pause_->cancel();
    });
    for (const auto& loop : loops_) on_all(*loop, &Connection::drain);
    {
      std::unique_lock lock(shared_->mutex);
      shared_->drained.wait_for(lock, patience, [this] { return shared_->busy == 0; });
    }
    shared_->bodies->close();
    for (const auto& loop : loops_) end(*loop);
  }

 private:
  static std::vector<std::shared_ptr<Connection>> all_of(const Loop& loop) {
    return {loop.connections.begin(), loop.connections.end()};
  }

  static void on_all(Loop& loop, void (Connection::*act)()) {
    loop.post([&loop, act] {
      for (const auto& connection : all_of(loop)) (connection.get()->*act)();
    });
  }

  static void end(Loop& loop) {
    on_all(loop, &Connection::abort);
    loop.post([&loop] { loop.io.stop(); });
    if (loop.thread.joinable()) loop.thread.join();
    {
      const std::scoped_lock lock(loop.mutex);
      loop.closed = true;
    }
    // What was posted between the two, and the ends of reads and writes that were cancelled. No request is read here.
    for (const auto& connection : all_of(loop)) connection->abort();
    loop.sweep.cancel();
    loop.io.restart();
    loop.io.poll();
  }

  void sweep_later(Loop& loop) {
    loop.sweep.expires_after(sweep_period(shared_->config));
    loop.sweep.async_wait([this, &loop](const asio_error& error) {
      if (error) return;
      const Moment at = std::chrono::steady_clock::now();
      // A copy: connections leave the set when they close.
      for (const auto& connection : all_of(loop)) connection->sweep(at);
      sweep_later(loop);
    });
  }

  void accept() {
    Loop& loop = *loops_[next_loop_++ % loops_.size()];
    acceptor_->async_accept(loop.io, [this, &loop](const asio_error& error, tcp::socket socket) {
      if (error == asio::error::operation_aborted || shared_->draining) return;
      if (!error) take(loop, std::move(socket));
      // The system has no more files or memory: those who wait stay in the backlog. Trying again at once would spin.
      const bool exhausted = error == boost::system::errc::too_many_files_open ||
                             error == boost::system::errc::too_many_files_open_in_system ||
                             error == boost::system::errc::no_buffer_space ||
                             error == boost::system::errc::not_enough_memory;
      return exhausted ? accept_later(error) : accept();
    });
  }

  void accept_later(const asio_error& error) {
    const Moment at = std::chrono::steady_clock::now();
    if (at >= warn_after_) {
      warn_after_ = at + kWarnEvery;
      shared_->logbook.write(LogLevel::warn, "http",
                             fmt::format("new connections wait: {} ({} are open; see ulimit -n)", error.message(),
                                         shared_->connections.load()));
    }
    pause_->expires_after(kAcceptPause);
    pause_->async_wait([this](const asio_error& cancelled) {
      if (!cancelled && !shared_->draining) accept();
    });
  }

  void take(Loop& loop, tcp::socket socket) {
    const bool turned_away = shared_->connections >= shared_->config.connections_max;
    if (turned_away) {
      shared_->connections_refused.fetch_add(1);
      if (shared_->refusing >= kRefusingMax) return;  // closed
    }
    asio_error gone;
    const tcp::endpoint peer = socket.remote_endpoint(gone);
    if (gone) return;
    auto connection = std::make_shared<Connection>(shared_, loop, std::move(socket), text_of(peer), turned_away);
    loop.post([connection] { connection->start(); });
  }

  const std::shared_ptr<http::Shared> shared_;
  std::vector<std::shared_ptr<Loop>> loops_;
  std::vector<asio::executor_work_guard<asio::io_context::executor_type>> guards_;
  std::optional<tcp::acceptor> acceptor_;
  std::optional<asio::steady_timer> pause_;
  tcp::endpoint endpoint_;
  std::size_t next_loop_ = 0;
  Moment warn_after_{};
  std::mutex closing_;
  bool closed_ = false;
};

}  // namespace

Result<std::unique_ptr<HttpServer>> start_http_server(const HttpServerConfig& config, HttpHandler handler,
                                                      Logbook& logbook, HttpGate gate,
                                                      std::shared_ptr<const TlsIdentities> tls) {
  WEIR_TRY(config.validate());
  auto server = std::make_unique<AsioServer>(config, std::move(handler), logbook, std::move(gate), std::move(tls));
  WEIR_TRY(server->listen());
  allow_open_files(config.connections_max, logbook);
  server->run();
  return server;
}

}  // namespace weir
