#include "runtime/adapters/http/connection.h"

#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>

namespace weir::http {

namespace {

using namespace std::chrono_literals;
constexpr std::size_t kFirstBuffer = 4 * 1024;  // most headers fit; idle connections hold no more
constexpr auto kLinger =
    2s;  // for the client to read the answer: closing with unread bytes of it would reset the answer away

Moment now() {
  return std::chrono::steady_clock::now();
}

/// Carries the one answer of a request from whatever thread to its connection.
class ReplySlot {
 public:
  ReplySlot(std::shared_ptr<Shared> shared, std::shared_ptr<Loop> loop, std::weak_ptr<Connection> connection)
      : shared_(std::move(shared)), loop_(std::move(loop)), connection_(std::move(connection)) {}
  ReplySlot(const ReplySlot&) = delete;
  ReplySlot& operator=(const ReplySlot&) = delete;
  ~ReplySlot() {
    answer(problem(500, "the node dropped this request without an answer; whether it took effect is not known"));
  }
  void answer(HttpResponse response) {
    if (answered_.exchange(true)) return;
    shared_->in_flight.fetch_sub(1);
    loop_->post([connection = connection_, response = std::move(response)]() mutable {
      if (const auto held = connection.lock()) held->reply(std::move(response));
    });
  }

 private:
  std::shared_ptr<Shared> shared_;
  std::shared_ptr<Loop> loop_;
  std::weak_ptr<Connection> connection_;
  std::atomic<bool> answered_{false};
};

}  // namespace

Connection::Connection(std::shared_ptr<Shared> shared, Loop& loop, asio::ip::tcp::socket socket, std::string peer,
                       bool turned_away)
    : shared_(std::move(shared)),
      loop_(loop),
      socket_(std::move(socket)),
      peer_(std::move(peer)),
      turned_away_(turned_away) {
  (turned_away_ ? shared_->refusing : shared_->connections).fetch_add(1);
}

Connection::~Connection() {
  (turned_away_ ? shared_->refusing : shared_->connections).fetch_sub(1);
}

void Connection::enter(State state, Moment deadline) {
  state_ = state;
  deadline_ = deadline;
}

void Connection::start() {
  loop_.connections.insert(shared_from_this());
  boost::system::error_code ignored;
  socket_.non_blocking(true, ignored);
  socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
  if (!shared_->tls) return begin();
  if (shared_->draining) return close();
  wire_ = std::make_unique<TlsWire>(shared_->tls->current(), socket_.native_handle());
  enter(State::greeting, now() + shared_->config.greeting_timeout);
  greet();
}

void Connection::begin() {
  if (turned_away_) {
    HttpResponse response =
        problem(503, fmt::format("all {} connections are in use (http.connections_max); try again soon, and keep "
                                 "connections open instead of making new ones",
                                 shared_->config.connections_max));
    response.headers.emplace_back("Retry-After", "1");
    close_after_ = true;
    return answer(std::move(response));
  }
  if (shared_->draining) return close();
  enter(State::idle, now() + shared_->config.header_timeout);
  read_head();
}

bool Connection::make_room(std::size_t size) {
  if (filled_ == buffer_.size()) size = std::max(size, 2 * buffer_.size());
  size = std::min<std::size_t>(size, std::max<std::size_t>(shared_->config.header_bytes_max, kFirstBuffer));
  if (size > buffer_.size()) buffer_.resize(size);
  return filled_ < buffer_.size();
}

void Connection::consume(std::size_t size) {
  filled_ -= size;
  if (filled_ != 0 && size != 0) std::memmove(buffer_.data(), buffer_.data() + size, filled_);
}

void Connection::read_some(char* to, std::size_t size, void (Connection::*then)(std::size_t)) {
  reading_ = true;
  const State reader = state_;
  auto done = [self = shared_from_this(), then, reader](const boost::system::error_code& error, std::size_t count) {
    self->reading_ = false;
    const bool lingers = self->state_ == State::lingering;  // answered in the meantime: too slow
    if (self->state_ != reader && !lingers) return;
    // After an end nothing would wake another read.
    if (error) return self->on_read_error(error);
    if (lingers) return self->on_unwanted_bytes(count);
    (self.get()->*then)(count);
  };
  if (wire_) return read_wire(to, size, std::move(done));
  socket_.async_read_some(asio::buffer(to, size), std::move(done));
}

void Connection::on_read_error(const boost::system::error_code& error) {
  // A client may close its side and still read.
  if (error == asio::error::eof && state_ == State::head && filled_ != 0)
    return refuse(400, "the request ends within its header");
  if (error == asio::error::eof && state_ == State::body) return refuse(400, "the request ends within its body");
  close();
}

void Connection::read_head() {
  const std::size_t limit = shared_->config.header_bytes_max;
  // An empty line before a request is allowed (RFC 9112, 2.2).
  if (state_ == State::idle && unread().starts_with("\r\n")) consume(2);
  if (state_ == State::idle && filled_ != 0 && unread() != "\r")
    enter(State::head, now() + shared_->config.header_timeout);
  if (state_ == State::head) {
    const HeadScan::Found found = scan_.scan(unread().substr(0, limit));
    if (found == HeadScan::Found::bad) return refuse(scan_.refusal().status, scan_.refusal().detail);
    if (found == HeadScan::Found::end) return on_head(scan_.end());
    if (filled_ >= limit) {
      return scan_.line_seen() ? refuse(431, fmt::format("the header has more than {} bytes", limit))
                               : refuse(414, fmt::format("the first line has more than {} bytes", limit));
    }
  }
  if (!make_room(kFirstBuffer)) return refuse(431, fmt::format("the header has more than {} bytes", limit));
  // In the state `head` from the first byte on; what is read first is read in `idle`.
  read_some(buffer_.data() + filled_, buffer_.size() - filled_, &Connection::on_head_bytes);
}

void Connection::on_head_bytes(std::size_t size) {
  filled_ += size;
  read_head();
}

void Connection::on_head(std::size_t end) {
  request_ = {};
  head_ = {};
  request_.peer = peer_;
  const HttpServerConfig& config = shared_->config;
  const auto refused = http::read_head(unread().substr(0, end), config.target_bytes_max, request_, head_);
  consume(end);
  scan_ = {};
  if (refused) return refuse(refused->status, refused->detail);
  if (shared_->gate)
    if (auto denied = shared_->gate(request_)) return refuse_with(std::move(*denied));
  if (head_.content_length > config.body_max) return refuse_too_large(head_.content_length);
  if (!head_.chunked && head_.content_length == 0) return hand_over();
  begin_body();
}

void Connection::hand_over() {
  enter(State::handling, Moment::max());
  close_after_ = !head_.keep_alive;
  busy_ = true;
  shared_->busy.fetch_add(1);
  shared_->requests.fetch_add(1);
  shared_->in_flight.fetch_add(1);
  // Beside `reply` there must be no holder left, so that dropping it answers.
  std::weak_ptr<ReplySlot> slot;
  HttpReply reply;
  {
    auto held = std::make_shared<ReplySlot>(shared_, loop_.shared_from_this(), weak_from_this());
    slot = held;
    reply = [held = std::move(held)](HttpResponse response) { held->answer(std::move(response)); };
  }
  // The method says whether the answer has a body.
  const std::string method = request_.method;
  HttpRequest request = std::exchange(request_, {});
  request_.method = method;
  try {
    shared_->handler(std::move(request), std::move(reply));
  } catch (const std::exception& thrown) {
    shared_->logbook.write(LogLevel::error, "http", fmt::format("a request was answered with 500: {}", thrown.what()));
    if (const auto held = slot.lock()) held->answer(problem(500, "the node failed on this request; its log says why"));
  }
}

void Connection::reply(HttpResponse response) {
  if (state_ == State::handling) answer(std::move(response));
}

void Connection::linger() {
  if (wire_) wire_->end();
  // What the other side still says is nobody's business, not even whether it is TLS.
  wire_.reset();
  boost::system::error_code error;
  socket_.shutdown(asio::ip::tcp::socket::shutdown_send, error);
  if (error) return close();
  enter(State::lingering, now() + kLinger);
  if (!reading_) on_unwanted_bytes(0);
}

void Connection::on_unwanted_bytes(std::size_t) {
  body_ = {};
  lease_ = {};
  read_some(loop_.scratch.data(), loop_.scratch.size(), &Connection::on_unwanted_bytes);
}

void Connection::drain() {
  close_after_ = true;
  if (state_ == State::greeting || state_ == State::idle || state_ == State::head || state_ == State::budget || state_ == State::body) close();
}

void Connection::sweep(Moment at) {
  if (at < deadline_) return;
  const HttpServerConfig& config = shared_->config;
  switch (state_) {
    case State::greeting:
      shared_->greetings_failed.fetch_add(1);
      return close();
    case State::idle:
    case State::lingering:
      return close();
    case State::head:
      return refuse(408, fmt::format("the header took longer than {} ms", config.header_timeout.count()));
    case State::body:
      return refuse(408, at >= body_deadline_
                             ? fmt::format("the body took longer than {} ms", config.body_timeout.count())
                             : fmt::format("no byte of the body came for {} ms", config.body_stall_timeout.count()));
    case State::budget:
      return refuse(429,
                    fmt::format("the bodies of other requests fill the {} bytes kept for them; send this one again",
                                config.bodies_bytes_max));
    case State::writing:
      return abort();
    case State::handling:
    case State::closed:
      return;
  }
}

void Connection::abort() {
  if (state_ == State::lingering) return close();  // a reset would take the answer away
  boost::system::error_code ignored;
  socket_.set_option(asio::socket_base::linger(true, 0), ignored);
  close();
}

void Connection::close() {
  if (state_ == State::closed) return;
  enter(State::closed, Moment::max());
  if (line_number_ != 0) shared_->bodies->cancel(std::exchange(line_number_, 0));
  shared_->answers.remove(this);
  if (wire_) wire_->end();  // else a client could not tell this end from one that somebody else made
  boost::system::error_code ignored;
  socket_.close(ignored);
  if (std::exchange(busy_, false)) shared_->busy_ends();
  loop_.connections.erase(shared_from_this());
}

}  // namespace weir::http
