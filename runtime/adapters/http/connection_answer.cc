// Answers: written as fast as the client takes them, counted while they wait.
#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/post.hpp>

#include "runtime/adapters/http/connection.h"

namespace weir::http {

namespace {

using namespace std::chrono_literals;
constexpr auto kStalled = 1s;  // a client that took nothing for so long may be reset when answers_bytes_max is reached

bool legal(std::string_view text) {
  return std::none_of(text.begin(), text.end(),
                      [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

}  // namespace

bool AnswersHeld::add(const std::shared_ptr<Connection>& connection, Loop& loop, std::uint64_t bytes, Moment now) {
  const std::scoped_lock lock(mutex_);
  for (auto at = writers_.begin(); held_ != 0 && held_ + bytes > bytes_max_ && at != writers_.end();) {
    if (now - at->second.progress < kStalled) {
      ++at;
      continue;
    }
    at->second.loop->post([stalled = at->second.connection] {
      if (const auto held = stalled.lock()) held->abort();
    });
    held_ -= at->second.bytes;
    at = writers_.erase(at);
  }
  if (held_ != 0 && held_ + bytes > bytes_max_) return false;
  held_ += bytes;
  writers_[connection.get()] = Writer{connection, &loop, bytes, now};
  return true;
}

void AnswersHeld::progress(const Connection* connection, Moment now) {
  const std::scoped_lock lock(mutex_);
  if (const auto at = writers_.find(connection); at != writers_.end()) at->second.progress = now;
}

void AnswersHeld::remove(const Connection* connection) {
  const std::scoped_lock lock(mutex_);
  const auto at = writers_.find(connection);
  if (at == writers_.end()) return;
  held_ -= at->second.bytes;
  writers_.erase(at);
}

std::uint64_t AnswersHeld::held() const {
  const std::scoped_lock lock(mutex_);
  return held_;
}

void Shared::busy_ends() {
  if (busy.fetch_sub(1) != 1 || !draining) return;
  const std::scoped_lock lock(mutex);
  drained.notify_all();
}

void Loop::post(std::function<void()> task) {
  const std::scoped_lock lock(mutex);
  if (!closed) asio::post(io, std::move(task));
}

const std::string& Loop::date() {
  const auto seconds = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  if (seconds != date_second) {
    date_second = seconds;
    date_text = fmt::format("{:%a, %d %b %Y %H:%M:%S} GMT", fmt::gmtime(seconds));
  }
  return date_text;
}

void Connection::refuse(int status, std::string_view detail) {
  HttpResponse response = problem(status, detail);
  if (status == 429) response.headers.emplace_back("Retry-After", "1");
  if (status == 415) response.headers.emplace_back("Accept-Encoding", "identity");
  refuse_with(std::move(response));
}

void Connection::refuse_with(HttpResponse response) {
  shared_->refused.fetch_add(1);
  if (line_number_ != 0) shared_->bodies->cancel(std::exchange(line_number_, 0));
  close_after_ = true;
  answer(std::move(response));
}

void Connection::answer(HttpResponse response) {
  const auto sound = [](const auto& field) { return legal(field.first) && legal(field.second); };
  if (!legal(response.content_type) || !std::all_of(response.headers.begin(), response.headers.end(), sound)) {
    shared_->logbook.write(LogLevel::error, "http",
                           "an answer with a control character in a header was replaced by 500");
    response = problem(500, "the node made an answer that cannot be sent; its log says so");
  }
  const Moment at = std::chrono::steady_clock::now();
  if (!shared_->answers.add(shared_from_this(), loop_, response.body.capacity(), at)) {
    shared_->refused.fetch_add(1);
    response =
        problem(503, fmt::format("answers that other clients do not take fill the {} bytes kept for them; ask again",
                                 shared_->config.answers_bytes_max));
    response.headers.emplace_back("Retry-After", "1");
  }
  make_head(response);
  out_body_ = request_.method == "HEAD" ? std::string() : std::move(response.body);
  out_done_ = 0;
  enter(State::writing, at + shared_->config.write_timeout);
  write_on();
}

void Connection::make_head(const HttpResponse& response) {
  close_after_ = close_after_ || shared_->draining;
  out_head_.clear();
  auto out = std::back_inserter(out_head_);
  fmt::format_to(out, "HTTP/1.1 {} {}\r\nDate: {}\r\n", response.status, status_title(response.status), loop_.date());
  const bool bodiless = response.status == 204 || response.status == 304;
  if (!bodiless)
    fmt::format_to(out, "Content-Type: {}\r\nContent-Length: {}\r\n", response.content_type, response.body.size());
  for (const auto& [name, value] : response.headers) fmt::format_to(out, "{}: {}\r\n", name, value);
  if (close_after_) {
    out_head_ += "Connection: close\r\n";
  } else if (head_.old_client) {
    out_head_ += "Connection: keep-alive\r\n";
  }
  out_head_ += "\r\n";
}

void Connection::write_on() {
  for (std::size_t turn = 0; turn < kTurnBytes;) {
    const std::size_t head_done = std::min(out_done_, out_head_.size()), body_done = out_done_ - head_done;
    boost::system::error_code error;
    const std::size_t count = write_some(std::string_view(out_head_).substr(head_done), std::string_view(out_body_).substr(body_done), error);
    if (error == asio::error::would_block || error == asio::error::try_again) break;
    if (error) return close();
    turn += count;
    out_done_ += count;
    if (out_done_ == out_head_.size() + out_body_.size()) return written();
  }
  socket_.async_wait(waits_for_,
                     [self = shared_from_this()](const boost::system::error_code& error) {
                       if (self->state_ != State::writing) return;
                       if (error) return self->close();
                       const Moment at = std::chrono::steady_clock::now();
                       self->deadline_ = at + self->shared_->config.write_timeout;
                       self->shared_->answers.progress(self.get(), at);
                       self->write_on();
                     });
}

void Connection::written() {
  shared_->answers.remove(this);
  out_body_ = {};
  if (std::exchange(busy_, false)) shared_->busy_ends();
  if (close_after_ || shared_->draining) return linger();
  if (filled_ == 0 && buffer_.size() > 4096) buffer_ = {};
  request_ = {};
  enter(State::idle, std::chrono::steady_clock::now() + shared_->config.idle_timeout);
  read_head();
}

}  // namespace weir::http
