#include "runtime/adapters/embedded_log/frame_builder.h"

#include <cstring>

#include "runtime/base/hash.h"
#include "runtime/base/invariant.h"

namespace weir::journal {

namespace {

/// The frame is only read by the disk. The checksum reads the source while the copy has it in the cache.
std::uint32_t copy_and_sum(char* to, std::string_view bytes, std::uint32_t sum) {
  constexpr std::size_t kStep = 16 * 1024;
  for (std::size_t at = 0; at < bytes.size(); at += kStep) {
    const std::string_view step = bytes.substr(at, kStep);
    copy_out(to + at, step.data(), step.size());
    sum = crc32c(step, sum);
  }
  return sum;
}

}  // namespace

void FrameBuilder::clear() noexcept {
  entries_.clear();
  pieces_.clear();
  piece_counts_.clear();
  body_bytes_ = 0;
}

void FrameBuilder::add(DirectoryEntry entry, std::span<const std::string_view> pieces) {
  std::uint64_t length = 0;
  for (const std::string_view piece : pieces) {
    pieces_.push_back(piece);
    length += piece.size();
  }
  entry.length = static_cast<std::uint32_t>(length);
  entries_.push_back(entry);
  piece_counts_.push_back(static_cast<std::uint32_t>(pieces.size()));
  body_bytes_ += align_up(length, kBodyAlign);
}

void FrameBuilder::add(const DirectoryEntry& entry, std::span<const SharedBytes> pieces) {
  add(entry);
  std::uint64_t length = 0;
  for (const SharedBytes& piece : pieces) {
    pieces_.push_back(piece.view());
    length += piece.size();
  }
  entries_.back().length = static_cast<std::uint32_t>(length);
  piece_counts_.back() = static_cast<std::uint32_t>(pieces.size());
  body_bytes_ += align_up(length, kBodyAlign);
}

std::uint64_t FrameBuilder::bytes() const noexcept {
  const std::uint64_t front = front_bytes(static_cast<std::uint32_t>(entries_.size()));
  return align_up(align_up(front, kBodyAlign) + body_bytes_, kFrameAlign);
}

std::string_view FrameBuilder::build(FrameHeader& header) {
  const std::uint64_t total = bytes();
  INVARIANT(total <= kFrameBytesMax && entries_.size() <= kEntriesMax, "groups are limited before they are queued");
  char* frame = buffer_.grow(total);
  std::uint64_t place = align_up(front_bytes(static_cast<std::uint32_t>(entries_.size())), kBodyAlign);
  std::size_t piece = 0;
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    DirectoryEntry& entry = entries_[i];
    entry.place = static_cast<std::uint32_t>(place);
    std::uint64_t end = place;
    std::uint32_t sum = 0;
    for (std::uint32_t k = 0; k < piece_counts_[i]; ++k, ++piece) {
      sum = copy_and_sum(frame + end, pieces_[piece], sum);
      end += pieces_[piece].size();
    }
    entry.checksum = sum;
    const std::uint64_t next = align_up(end, kBodyAlign);
    if (next != end) std::memset(frame + end, 0, next - end);
    place = next;
    encode_entry(entry, frame + kHeaderBytes + i * kEntryBytes);
  }
  std::memset(frame + place, 0, total - place);
  directory_checksum_ = crc32c({frame + kHeaderBytes, entries_.size() * kEntryBytes});
  frame_bytes_ = static_cast<std::uint32_t>(total);
  return rehead(header);
}

std::string_view FrameBuilder::rehead(FrameHeader& header) {
  header.directory_checksum = directory_checksum_;
  header.entries = static_cast<std::uint32_t>(entries_.size());
  header.frame_bytes = frame_bytes_;
  encode_header(header, buffer_.data());
  return {buffer_.data(), frame_bytes_};
}

}  // namespace weir::journal
