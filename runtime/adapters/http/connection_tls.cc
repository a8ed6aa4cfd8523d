// The bytes of a connection: as they stand on the socket, or inside TLS.
#include <boost/asio/post.hpp>

#include "runtime/adapters/http/connection.h"

namespace weir::http {

namespace {

using asio::ip::tcp;
using Step = TlsWire::Step;

tcp::socket::wait_type wait_of(Step step) {
  return step == Step::wait_write ? tcp::socket::wait_write : tcp::socket::wait_read;
}

}  // namespace

void Connection::greet() {
  const Step step = wire_->greet();
  switch (step) {
    case Step::done:
      return begin();
    case Step::wait_read:
    case Step::wait_write:
      return socket_.async_wait(wait_of(step), [self = shared_from_this()](const boost::system::error_code& error) {
        if (self->state_ != State::greeting) return;
        error ? self->greeting_failed() : self->greet();
      });
    case Step::plain_http:
      shared_->greetings_failed.fetch_add(1);
      wire_.reset();
      return refuse(400, "this port speaks HTTPS, and was asked in plain HTTP; write https:// in front of its address");
    case Step::ended:
    case Step::failed:
      return greeting_failed();
  }
}

void Connection::greeting_failed() {
  shared_->greetings_failed.fetch_add(1);
  // The alert that says why is on its way: closing at once would reset it away.
  wire_.reset();
  linger();
}

void Connection::read_wire(char* to, std::size_t size, ReadDone done) {
  boost::system::error_code error;
  std::size_t count = 0;
  // Without the wire the connection lingers since this read began to wait.
  const Step step = wire_ ? wire_->read(to, size, count) : Step::done;
  switch (step) {
    case Step::wait_read:
    case Step::wait_write:
      return socket_.async_wait(wait_of(step), [self = shared_from_this(), to, size,
                                                done = std::move(done)](const boost::system::error_code& failed) {
        failed ? done(failed, 0) : self->read_wire(to, size, done);
      });
    case Step::done:
      break;
    case Step::ended:
      error = asio::error::eof;
      break;
    case Step::plain_http:
    case Step::failed:
      error = asio::error::connection_reset;
      break;
  }
  // Never from within: a body that is there already would be one call deep for each of its records.
  asio::post(loop_.io, [done = std::move(done), error, count] { done(error, count); });
}

std::size_t Connection::write_some(std::string_view first, std::string_view second, boost::system::error_code& error) {
  waits_for_ = tcp::socket::wait_write;
  if (!wire_) {
    const std::array<asio::const_buffer, 2> both{asio::buffer(first.data(), first.size()),
                                                 asio::buffer(second.data(), second.size())};
    return socket_.write_some(both, error);
  }
  std::size_t count = 0;
  const Step step = wire_->write(first, second, count);
  switch (step) {
    case Step::done:
      return count;
    case Step::wait_read:
    case Step::wait_write:
      waits_for_ = wait_of(step);
      error = asio::error::would_block;
      return 0;
    case Step::ended:
    case Step::plain_http:
    case Step::failed:
      error = asio::error::connection_reset;
      return 0;
  }
  return 0;
}

}  // namespace weir::http
