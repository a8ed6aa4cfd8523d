// Bodies: nothing of one is read before there is room for it in bodies_bytes_max.
#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "runtime/adapters/http/connection.h"

namespace weir::http {

namespace {

constexpr std::uint64_t kFirstChunked = 64 * 1024;  // of a body of unknown length; doubles as it grows

/// The owner of a body's bytes: they count until this goes.
struct HeldBody {
  ByteArena bytes;
  ByteLease lease;
};

SharedBytes hold(ByteArena bytes, ByteLease lease) {
  if (bytes.size() == 0) return {};
  std::memset(bytes.data() + bytes.size(), 0, kBlockPadding);
  auto owner = std::make_shared<HeldBody>(HeldBody{std::move(bytes), std::move(lease)});
  const std::string_view view = owner->bytes.view();
  return SharedBytes{view, std::move(owner)};
}

}  // namespace

void Connection::refuse_too_large(std::uint64_t size) {
  const std::uint64_t most = shared_->config.body_max;
  refuse(413, size == 0
                  ? fmt::format("the body has more than {} bytes (http.body_max); send smaller batches", most)
                  : fmt::format("the body has {} bytes; at most {} are taken (http.body_max); send smaller batches",
                                size, most));
}

void Connection::begin_body() {
  body_deadline_ = std::chrono::steady_clock::now() + shared_->config.body_timeout;
  body_filled_ = 0;
  body_begun_ = false;
  if (head_.chunked) chunks_.emplace();
  take_budget(head_.chunked ? std::min(kFirstChunked, shared_->config.body_max) : head_.content_length);
}

void Connection::take_budget(std::uint64_t size) {
  ByteLease lease;
  line_number_ = shared_->bodies->take(
      size, lease, [connection = weak_from_this(), loop = loop_.shared_from_this()](ByteLease granted) {
        loop->post([connection, carried = std::make_shared<ByteLease>(std::move(granted))] {
          if (const auto held = connection.lock()) held->on_budget(std::move(*carried));
        });
      });
  if (line_number_ != 0) return enter(State::budget, std::chrono::steady_clock::now() + shared_->config.bodies_wait);
  enter(State::budget, Moment::max());
  on_budget(std::move(lease));
}

void Connection::on_budget(ByteLease lease) {
  if (state_ != State::budget) return;  // it came too late: the lease goes back by itself
  line_number_ = 0;
  lease_.add(std::move(lease));
  if (!head_.chunked) {
    body_.reserve(head_.content_length);
    static_cast<void>(body_.extend(head_.content_length));
  } else {
    // What a last chunk brings beyond body_max is refused only when it is there.
    body_.reserve(lease_.size() + (lease_.size() == shared_->config.body_max ? buffer_.size() : 0));
  }
  if (!std::exchange(body_begun_, true) && head_.expects_continue && filled_ == 0) {
    static constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
    boost::system::error_code error;
    // 25 bytes always fit: whatever was answered before on this connection has been taken, or this would not be
    // reached.
    if (write_some(kContinue, {}, error) != kContinue.size() || error)
      return abort();
  }
  enter(State::body, std::min(body_deadline_, std::chrono::steady_clock::now() + shared_->config.body_stall_timeout));
  go_on_with_body();
}

void Connection::go_on_with_body() {
  head_.chunked ? read_chunks() : read_length_body();
}

void Connection::read_length_body() {
  const std::size_t here = std::min(filled_, body_.size() - body_filled_);
  if (here != 0) {
    std::memcpy(body_.data() + body_filled_, buffer_.data(), here);
    body_filled_ += here;
    consume(here);
  }
  if (body_filled_ == body_.size()) {
    request_.body = hold(std::exchange(body_, {}), std::exchange(lease_, {}));
    return hand_over();
  }
  read_some(body_.data() + body_filled_, std::min(kTurnBytes, body_.size() - body_filled_), &Connection::on_body_bytes);
}

void Connection::on_body_bytes(std::size_t size) {
  deadline_ = std::min(body_deadline_, std::chrono::steady_clock::now() + shared_->config.body_stall_timeout);
  body_filled_ += size;
  read_length_body();
}

bool Connection::chunks_need_budget() {
  const std::uint64_t most = shared_->config.body_max;
  if (body_.size() + filled_ <= lease_.size() || lease_.size() == most) return false;
  take_budget(std::min(lease_.size(), most - lease_.size()));
  return true;
}

void Connection::read_chunks() {
  if (filled_ != 0) {
    if (chunks_need_budget()) return;  // comes back here
    const auto used = chunks_->read(unread(), body_);
    if (!used) return refuse(400, "this is no HTTP/1.1 request: a chunk's size or end is wrong");
    consume(*used);
    if (body_.size() > shared_->config.body_max) return refuse_too_large(0);
    if (chunks_->done()) {
      chunks_.reset();
      request_.body = hold(std::exchange(body_, {}), std::exchange(lease_, {}));
      return hand_over();
    }
  }
  // A chunk's first line and the trailers have to fit.
  if (!make_room(shared_->config.header_bytes_max))
    return refuse(400, "a chunk's first line, or the trailers, are too long");
  read_some(buffer_.data() + filled_, buffer_.size() - filled_, &Connection::on_chunk_bytes);
}

void Connection::on_chunk_bytes(std::size_t size) {
  deadline_ = std::min(body_deadline_, std::chrono::steady_clock::now() + shared_->config.body_stall_timeout);
  filled_ += size;
  read_chunks();
}

}  // namespace weir::http
