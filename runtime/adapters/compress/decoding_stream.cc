#include "runtime/adapters/compress/decoding_stream.h"

#include <algorithm>
#include <cstring>

#include "runtime/base/invariant.h"

namespace weir {

namespace {
constexpr std::size_t kBufferSize = 256 * 1024;
constexpr std::size_t kStartSize = 4;  // what tells a part from something else
}  // namespace

DecodingStream::DecodingStream(RawSource source, std::string format, bool zero_padding)
    : source_(std::move(source)),
      format_(std::move(format)),
      zero_padding_(zero_padding),
      buffer_(std::make_unique_for_overwrite<char[]>(kBufferSize)) {}

void DecodingStream::fail_with(std::string what) {
  const std::string of = source_.size() ? fmt::format(" of {}", *source_.size()) : "";
  error_ =
      Error{Errc::input_unreadable,
            fmt::format("input {}: {} at byte {}{} of the {} data, behind {} decoded bytes; what came before was read",
                        source_.name(), what, stored_place(), of, format_, place_)};
}

/// More stored bytes behind those that are there. False: there are no more, or error_ is set.
bool DecodingStream::refill() {
  if (begin_ != 0) {
    std::memmove(buffer_.get(), buffer_.get() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  auto count = source_.read(buffer_.get() + end_, kBufferSize - end_);
  if (!count) {
    error_ = std::move(count.error());
    return false;
  }
  end_ += *count;
  return *count != 0;
}

/// Between two parts. True: the next one begins at begin_. False: the end, or error_ is set.
bool DecodingStream::find_next_part() {
  do {
    while (zero_padding_ && place_ != 0 && begin_ != end_ && buffer_[begin_] == '\0') ++begin_;
  } while (end_ - begin_ < kStartSize && refill());
  if (error_) return false;
  if (begin_ == end_) {
    ended_ = true;
    return false;
  }
  if (!begin_part({buffer_.get() + begin_, end_ - begin_})) {
    fail_with(fmt::format("there is something that is no {}", format_));
    return false;
  }
  inside_ = true;
  return true;
}

Result<std::size_t> DecodingStream::read(char* to, std::size_t size) {
  INVARIANT(size != 0, "a read asks for at least one byte");
  std::size_t given = 0;
  while (given == 0 && !error_ && !ended_) {
    if (!inside_ && !find_next_part()) break;
    const Used used = decode(buffer_.get() + begin_, end_ - begin_, to, size);
    begin_ += used.in;
    given = used.out;
    place_ += given;
    if (used.step == Step::part_ended) inside_ = false;
    if (used.step == Step::damaged) fail_with(fmt::format("it is damaged ({})", wrong()));
    if (used.step != Step::going || used.in != 0 || given != 0) continue;
    // Nothing went in or came out though there was room: only more stored bytes can help.
    if (begin_ != end_) fail_with("it is damaged (the decoder stands still)");
    if (!error_ && !refill() && !error_) fail_with("it is cut off");
  }
  if (given == 0 && error_) return fail(*error_);
  return given;
}

Result<void> DecodingStream::skip_to(std::uint64_t place) {
  INVARIANT(place >= place_, "a stream is read forwards");
  const auto scratch = std::make_unique_for_overwrite<char[]>(kBufferSize);
  while (place_ < place) {
    WEIR_ASSIGN(const std::size_t count,
                read(scratch.get(), static_cast<std::size_t>(std::min<std::uint64_t>(kBufferSize, place - place_))));
    if (count == 0)
      return fail(Errc::input_unreadable, "input {}: it ends after {} bytes, before byte {} where reading was to go on",
                  source_.name(), place_, place);
  }
  return {};
}

}  // namespace weir
