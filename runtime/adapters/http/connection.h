// One connection: reads a request, hands it over, writes the answer, and so on. Everything of it runs on the thread of
// its loop.
#pragma once
#include <array>
#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "runtime/adapters/http/byte_budget.h"
#include "runtime/adapters/http/request_head.h"
#include "runtime/adapters/http/tls_wire.h"
#include "runtime/ports/http_server.h"
#include "runtime/ports/logbook.h"

namespace weir::http {

namespace asio = boost::asio;
using Moment = std::chrono::steady_clock::time_point;

class Connection;

/// One I/O thread and its connections. Outlives the server while somebody holds a reply.
struct Loop : std::enable_shared_from_this<Loop> {
  /// Runs `task` on the thread; not at all once the server is closed. Any thread.
  void post(std::function<void()> task);
  /// The value of the header Date; on the thread.
  [[nodiscard]] const std::string& date();

  asio::io_context io{1};
  asio::steady_timer sweep{io};
  std::thread thread;
  std::mutex mutex;
  bool closed = false;  // under mutex
  // Only on the thread:
  std::unordered_set<std::shared_ptr<Connection>> connections;
  std::array<char, 64 * 1024> scratch;  // for bytes nobody wants
  std::string date_text;
  std::int64_t date_second = 0;
};

/// Answers that are being written, of all connections: bounded together. Thread-safe.
class AnswersHeld {
 public:
  explicit AnswersHeld(std::uint64_t bytes_max) : bytes_max_(bytes_max) {}
  /// False: it does not fit, although everything whose client took nothing for a second is reset. One alone always
  /// fits.
  [[nodiscard]] bool add(const std::shared_ptr<Connection>& connection, Loop& loop, std::uint64_t bytes, Moment now);
  void progress(const Connection* connection, Moment now);
  void remove(const Connection* connection);
  [[nodiscard]] std::uint64_t held() const;

 private:
  struct Writer {
    std::weak_ptr<Connection> connection;
    Loop* loop;
    std::uint64_t bytes;
    Moment progress;
  };
  const std::uint64_t bytes_max_;
  mutable std::mutex mutex_;
  std::uint64_t held_ = 0;
  std::unordered_map<const Connection*, Writer> writers_;
};

/// What the connections of a server share, also with replies that come after it is gone.
struct Shared {
  Shared(HttpServerConfig settings, HttpHandler handle, Logbook& book, HttpGate keeper, std::shared_ptr<const TlsIdentities> identities)
      : config(std::move(settings)),
        handler(std::move(handle)),
        gate(std::move(keeper)),
        tls(std::move(identities)),
        logbook(book),
        bodies(std::make_shared<ByteBudget>(config.bodies_bytes_max)),
        answers(config.answers_bytes_max) {}
  /// A request was handed over, or its answer is written or given up.
  void busy_begins() { busy.fetch_add(1); }
  void busy_ends();

  const HttpServerConfig config;
  const HttpHandler handler;
  const HttpGate gate;                             // may be empty
  const std::shared_ptr<const TlsIdentities> tls;  // null: plain HTTP
  Logbook& logbook;  // used on the loops' threads only: a reply may come when it is gone
  const std::shared_ptr<ByteBudget> bodies;
  AnswersHeld answers;
  std::atomic<bool> draining{false};
  std::atomic<std::uint64_t> connections{0}, refusing{0}, connections_refused{0}, requests{0}, in_flight{0}, refused{0},
      greetings_failed{0}, busy{0};
  std::mutex mutex;
  std::condition_variable drained;  // busy is 0
};

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  /// `turned_away`: it is told 503 and closed, whatever it sends.
  Connection(std::shared_ptr<Shared> shared, Loop& loop, asio::ip::tcp::socket socket, std::string peer,
             bool turned_away);
  ~Connection();
  void start();
  /// Nothing that was not handed over is read any more.
  void drain();
  /// Resets the connection now.
  void abort();
  /// Called every now and then: acts on what is too late.
  void sweep(Moment now);
  void reply(HttpResponse response);

  void on_budget(ByteLease lease);

 private:
  enum class State { greeting, idle, head, budget, body, handling, writing, lingering, closed };
  using ReadDone = std::function<void(const boost::system::error_code&, std::size_t)>;
  void enter(State state, Moment deadline);
  // connection_tls.cc
  void greet();
  void greeting_failed();
  /// As async_read_some of the socket.
  void read_wire(char* to, std::size_t size, ReadDone done);
  /// As write_some of the socket; on would_block waits_for_ says for what.
  std::size_t write_some(std::string_view first, std::string_view second, boost::system::error_code& error);
  // connection.cc: header, handing over, end
  void begin();
  void read_head();
  void on_head(std::size_t end);
  void hand_over();
  void linger();
  void close();
  // connection_body.cc
  void begin_body();
  void take_budget(std::uint64_t size);
  void go_on_with_body();
  void read_length_body();
  void read_chunks();
  [[nodiscard]] bool chunks_need_budget();
  void refuse_too_large(std::uint64_t size);
  // connection_answer.cc
  void refuse(int status, std::string_view detail);
  void refuse_with(HttpResponse response);
  void answer(HttpResponse response);
  void make_head(const HttpResponse& response);
  void write_on();
  void written();

  /// Reads once and calls `then` with the number of bytes, unless the connection went on to something else.
  void read_some(char* to, std::size_t size, void (Connection::*then)(std::size_t));
  void on_head_bytes(std::size_t size);
  void on_body_bytes(std::size_t size);
  void on_chunk_bytes(std::size_t size);
  void on_unwanted_bytes(std::size_t size);
  void on_read_error(const boost::system::error_code& error);
  /// Room in the buffer for what comes next, `size` bytes in all if that is allowed; false: it is full.
  [[nodiscard]] bool make_room(std::size_t size);
  void consume(std::size_t size);
  [[nodiscard]] std::string_view unread() const noexcept { return {buffer_.data(), filled_}; }

  const std::shared_ptr<Shared> shared_;
  Loop& loop_;
  asio::ip::tcp::socket socket_;
  std::unique_ptr<TlsWire> wire_;  // null: plain
  asio::ip::tcp::socket::wait_type waits_for_ = asio::ip::tcp::socket::wait_write;
  const std::string peer_;
  const bool turned_away_;
  State state_ = State::idle;
  Moment deadline_ = Moment::max();
  bool reading_ = false;  // a read is under way: what it writes to must stay

  std::vector<char> buffer_;  // bytes of the client, filled_ of them not used yet
  std::size_t filled_ = 0;
  HeadScan scan_;
  HttpRequest request_;
  RequestHead head_;
  std::uint64_t line_number_ = 0;  // in the line for bodies_bytes_max; 0: in none
  ByteLease lease_;
  ByteArena body_;
  std::size_t body_filled_ = 0;
  bool body_begun_ = false;
  Moment body_deadline_{};
  std::optional<ChunkReader> chunks_;

  std::string out_head_, out_body_;
  std::size_t out_done_ = 0;
  bool busy_ = false;  // between hand_over and the answer's last byte
  bool close_after_ = false;
};

/// Bytes the reads of one turn take at most, so that one fast client does not hold the thread.
inline constexpr std::size_t kTurnBytes = 256 * 1024;

}  // namespace weir::http
