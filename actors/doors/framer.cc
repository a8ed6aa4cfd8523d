#include "actors/doors/framer.h"

#include <algorithm>

#include "runtime/base/bytes.h"

namespace weir {

Framer::Framer(const FramerLimits& limits, const std::optional<FramePlace>& resume)
    : limits_(limits), resume_(resume), buffer_(limits.frame_bytes_max + 3) {}

bool Framer::skip_byte_order_mark() {
  constexpr std::string_view kMark = "\xef\xbb\xbf";
  if (started_) return true;
  const std::string_view start = buffer_.view().substr(0, kMark.size());
  if (start.size() < kMark.size() && kMark.starts_with(start) && !ended_) return false;
  started_ = true;
  if (start == kMark) buffer_.consume(kMark.size());
  return true;
}

bool Framer::jump() {
  if (!resume_) return false;
  const std::uint64_t to = resume_->bytes;
  resume_.reset();
  started_ = true;
  return !buffer_.move_to(std::max(to, buffer_.place()));
}

FrameStep Framer::refuse(Error error) {
  error_ = std::move(error);
  return FrameStep::refused;
}

void Framer::give(std::string_view raw, std::uint64_t line, std::uint64_t begin, Frame& frame) {
  if (raw.size() > limits_.frame_bytes_max) {
    begin_cut(begin);
    add_cut(raw);
    give_cut(line, frame);
    return;
  }
  frame = Frame{raw, line, raw.size() > limits_.event_bytes_max ? frame_flag::oversize : std::uint16_t{0}, {}, {}};
}

void Framer::begin_cut(std::uint64_t begin) {
  cutting_ = true;
  if (!digest_) digest_.emplace();
  digest_->begin();
  kept_.resize(limits_.frame_bytes_kept + kBlockPadding);
  kept_size_ = 0;
  cut_bytes_ = 0;
  cut_begin_ = begin;
}

void Framer::add_cut(std::string_view part) {
  digest_->add(part);
  cut_bytes_ += part.size();
  const std::size_t more = std::min(part.size(), limits_.frame_bytes_kept - kept_size_);
  std::copy_n(part.data(), more, kept_.data() + kept_size_);
  kept_size_ += more;
}

void Framer::give_cut(std::uint64_t line, Frame& frame) {
  cutting_ = false;
  cut_digest_ = digest_->finish();
  note_ = fmt::format("{} bytes from byte {} of the input, digest {}; the first {} were kept", cut_bytes_, cut_begin_,
                      cut_digest_, kept_size_);
  frame = Frame{{kept_.data(), kept_size_}, line, frame_flag::oversize | frame_flag::cut, note_, cut_digest_};
}

}  // namespace weir
