#include "runtime/adapters/embedded_log/recovery.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "runtime/base/fail_point.h"
#include "runtime/base/hash.h"

namespace weir::journal {

namespace {

constexpr std::size_t kSearchChunk = std::size_t{1} << 20;

/// What lies at a place where a frame could begin.
struct Probe {
  enum class Kind : std::uint8_t { frame, nothing, bad } kind = Kind::nothing;
  Frame frame;
  std::string reason;
};

class Scanner {
 public:
  Scanner(SegmentBytes& bytes, const SegmentIdentity& identity, const ScanStart& start)
      : bytes_(bytes), identity_(identity), place_(start.place), last_(start.last), nonce_(start.nonce) {}

  [[nodiscard]] std::uint64_t place() const noexcept { return place_; }
  [[nodiscard]] const FrameRef& last() const noexcept { return last_; }
  [[nodiscard]] std::uint64_t nonce() const noexcept { return nonce_; }

  [[nodiscard]] Result<Probe> probe();
  void accept(const Frame& frame) {
    place_ = frame.place + frame.header.frame_bytes;
    last_ = frame.header.ref();
    nonce_ = frame.header.nonce;
  }
  /// A whole frame of this segment behind `from`, later than `after`.
  [[nodiscard]] Result<std::optional<std::pair<std::uint64_t, std::uint64_t>>> find_successor(std::uint64_t from,
                                                                                              std::uint64_t after);
  [[nodiscard]] tl::unexpected<Error> damage(std::uint64_t place, std::uint64_t sequence,
                                             const std::string& why) const {
    return fail(Errc::log_damaged, "{} journal, {}, byte {}, frame {}: {}", to_string(identity_.journal), bytes_.name(),
                place, sequence, why);
  }

 private:
  [[nodiscard]] std::string misfit(const FrameHeader& header) const;
  [[nodiscard]] Result<bool> read_sources(Frame& frame);

  SegmentBytes& bytes_;
  SegmentIdentity identity_;
  std::uint64_t place_;
  FrameRef last_;
  std::uint64_t nonce_;
};

/// Why a whole frame does not belong behind the last one; empty if it does.
std::string Scanner::misfit(const FrameHeader& header) const {
  if (WEIR_DEFECT("stale_frame_accepted")) return {};
  const bool head = last_.sequence == 0;
  if (head != (header.kind == FrameKind::head))
    return head ? "the segment's first frame is no head" : "a head inside a segment";
  if (header.sequence != header.predecessor.sequence + 1) return "its predecessor is not the frame before it";
  if (!head && header.predecessor != last_) return "it does not name the frame before it";
  return {};
}

Result<Probe> Scanner::probe() {
  Probe probe;
  WEIR_ASSIGN(std::string_view front, bytes_.read(place_, kFrameAlign));
  if (front.size() < kHeaderBytes) return probe;
  Frame& frame = probe.frame;
  frame.place = place_;
  frame.generation = identity_.generation;
  const HeaderFault fault = decode_header(front, frame.header);
  if (fault == HeaderFault::absent) return probe;
  const FrameHeader& header = frame.header;
  const bool stale = header.generation != identity_.generation && !WEIR_DEFECT("stale_frame_accepted");
  if (fault == HeaderFault::bad) {
    if (!stale) probe = {Probe::Kind::bad, {}, "the header's checksum or a field is wrong"};
    return probe;
  }
  if (stale) return probe;
  if (fault == HeaderFault::newer) {
    return fail(Errc::format_newer, "{}, byte {}: written in a newer journal format", bytes_.name(), place_);
  }
  if (header.journal != identity_.journal || header.log_tag != identity_.log_tag) {
    return damage(place_, header.sequence, "the frame belongs to another log");
  }
  // Same generation, other nonce: left from before a cut by another run of this segment number.
  if (last_.sequence != 0 && header.nonce != nonce_ && !WEIR_DEFECT("stale_frame_accepted")) return probe;
  probe.kind = Probe::Kind::bad;
  if (probe.reason = misfit(header); !probe.reason.empty()) return probe;
  if (place_ + header.frame_bytes > bytes_.size()) {
    probe.reason = "it reaches beyond the end of the file";
    return probe;
  }
  const FrameHeader kept = header;
  if (front_bytes(kept.entries) > front.size()) {
    WEIR_ASSIGN(front, bytes_.read(place_, align_up(front_bytes(kept.entries), kFrameAlign)));
  }
  auto entries = decode_directory(kept, front);
  if (!entries) {
    probe.reason = "the directory's checksum is wrong";
    return probe;
  }
  frame.header = kept;
  frame.entries = std::move(*entries);
  WEIR_ASSIGN(const bool whole, read_sources(frame));
  if (whole) probe.kind = Probe::Kind::frame;
  if (!whole) probe.reason = "the checksum of a source position is wrong";
  return probe;
}

Result<bool> Scanner::read_sources(Frame& frame) {
  std::uint64_t end = 0;
  for (const DirectoryEntry& entry : frame.entries) {
    if (entry.kind == EntryKind::source) end = std::max(end, std::uint64_t{entry.place} + entry.length);
  }
  if (end == 0) return true;
  WEIR_ASSIGN(const std::string_view front, bytes_.read(frame.place, align_up(end, kFrameAlign)));
  if (front.size() < end) return false;
  for (const DirectoryEntry& entry : frame.entries) {
    if (entry.kind != EntryKind::source) continue;
    const std::string_view body = front.substr(entry.place, entry.length);
    if (crc32c(body) != entry.checksum) return false;
    auto source = decode_source(body);
    if (!source) return false;
    frame.sources.push_back(std::move(*source));
  }
  return true;
}

Result<std::optional<std::pair<std::uint64_t, std::uint64_t>>> Scanner::find_successor(std::uint64_t from,
                                                                                       std::uint64_t after) {
  for (std::uint64_t chunk = align_up(from, kFrameAlign); chunk < bytes_.size(); chunk += kSearchChunk) {
    WEIR_ASSIGN(const std::string_view block, bytes_.read(chunk, kSearchChunk));
    for (std::size_t at = 0; at + kHeaderBytes <= block.size(); at += kFrameAlign) {
      FrameHeader header;
      if (decode_header(block.substr(at, kHeaderBytes), header) != HeaderFault::none) continue;
      if (header.generation != identity_.generation || header.log_tag != identity_.log_tag) continue;
      if (header.journal != identity_.journal || (nonce_ != 0 && header.nonce != nonce_)) continue;
      if (header.sequence > after) return std::pair{chunk + at, header.sequence};
    }
  }
  return std::nullopt;
}

}  // namespace

Result<std::string> check_bodies(SegmentBytes& bytes, const Frame& frame, bool padding) {
  WEIR_ASSIGN(const std::string_view whole, bytes.read(frame.place, frame.header.frame_bytes));
  if (whole.size() < frame.header.frame_bytes) return std::string("the file ends inside it");
  std::uint64_t end = front_bytes(frame.header.entries);
  const auto zero_until = [&](std::uint64_t to) {
    return std::all_of(whole.begin() + static_cast<std::ptrdiff_t>(end),
                       whole.begin() + static_cast<std::ptrdiff_t>(to), [](char c) { return c == 0; });
  };
  for (const DirectoryEntry& entry : frame.entries) {
    if (entry.length == 0) continue;
    if (crc32c(whole.substr(entry.place, entry.length)) != entry.checksum) {
      return fmt::format("the checksum of a body of partition {} (first {}) is wrong", entry.partition, entry.first);
    }
    if (padding && (entry.place < end || !zero_until(entry.place))) return std::string("its padding is not zero");
    end = std::uint64_t{entry.place} + entry.length;
  }
  if (padding && !zero_until(frame.header.frame_bytes)) return std::string("its padding is not zero");
  return std::string();
}

Result<SegmentScan> scan_newest(SegmentBytes& bytes, const SegmentIdentity& identity, const ScanStart& start,
                                const FrameVisitor& visit) {
  Scanner scanner(bytes, identity, start);
  SegmentScan scan;
  scan.last = start.last;
  scan.end_place = start.place;
  std::optional<Frame> held;  // the last frame so far: it stays only if its bodies are whole or something valid follows
  Probe stop;
  for (;;) {
    WEIR_ASSIGN(Probe probe, scanner.probe());
    if (probe.kind != Probe::Kind::frame) {
      stop = std::move(probe);
      break;
    }
    if (held) {
      WEIR_TRY(visit(*held));
      ++scan.frames;
    }
    scan.last = scanner.last();
    scan.end_place = scanner.place();
    scanner.accept(probe.frame);
    held = std::move(probe.frame);
  }
  const std::uint64_t bad_place = scanner.place();
  WEIR_ASSIGN(const auto successor, scanner.find_successor(bad_place + kFrameAlign, scanner.last().sequence));
  if (successor) {
    return scanner.damage(
        bad_place, scanner.last().sequence + 1,
        fmt::format("{}, and frame {} follows at byte {}", stop.reason.empty() ? "no frame begins here" : stop.reason,
                    successor->second, successor->first));
  }
  scan.end = stop.kind == Probe::Kind::bad ? SegmentEnd::torn : SegmentEnd::open;
  scan.reason = stop.reason;
  if (held) {
    WEIR_ASSIGN(std::string fault, check_bodies(bytes, *held, false));
    if (!fault.empty()) {
      scan.end = SegmentEnd::torn;
      scan.reason = std::move(fault);
      scan.nonce = scanner.nonce();
      return scan;  // last and end_place still stand before it
    }
    WEIR_TRY(visit(*held));
    ++scan.frames;
    if (held->header.kind == FrameKind::seal && stop.kind != Probe::Kind::bad) {
      scan.end = held->header.closed ? SegmentEnd::closed : SegmentEnd::sealed;
    }
  }
  scan.last = scanner.last();
  scan.end_place = scanner.place();
  scan.nonce = scanner.nonce();
  return scan;
}

Result<SegmentScan> scan_older(SegmentBytes& bytes, const SegmentIdentity& identity, const ScanStart& start,
                               const FrameRef& until, const FrameVisitor& visit) {
  Scanner scanner(bytes, identity, start);
  SegmentScan scan;
  scan.end = SegmentEnd::sealed;
  while (scanner.last().sequence < until.sequence || WEIR_DEFECT("stale_frame_accepted")) {
    WEIR_ASSIGN(const Probe probe, scanner.probe());
    if (probe.kind != Probe::Kind::frame) {
      if (WEIR_DEFECT("stale_frame_accepted")) break;
      return scanner.damage(scanner.place(), scanner.last().sequence + 1,
                            fmt::format("{}; the next segment follows frame {}",
                                        probe.reason.empty() ? "the segment ends here" : probe.reason, until.sequence));
    }
    WEIR_TRY(visit(probe.frame));
    ++scan.frames;
    scanner.accept(probe.frame);
  }
  if (scanner.last() != until && !WEIR_DEFECT("stale_frame_accepted")) {
    return scanner.damage(scanner.place(), until.sequence, "the next segment follows another frame of this number");
  }
  scan.last = scanner.last();
  scan.end_place = scanner.place();
  scan.nonce = scanner.nonce();
  return scan;
}

Result<HeadRead> read_head(SegmentBytes& bytes, const SegmentIdentity& identity) {
  Scanner scanner(bytes, identity, {});
  HeadRead head;
  WEIR_ASSIGN(const Probe probe, scanner.probe());
  if (probe.kind == Probe::Kind::frame) {
    head.verdict = HeadVerdict::whole;
    head.header = probe.frame.header;
    return head;
  }
  WEIR_ASSIGN(const auto successor, scanner.find_successor(kFrameAlign, 0));
  if (!successor) return head;
  return scanner.damage(
      0, successor->second - 1,
      fmt::format("the segment's first frame is bad ({}), and frame {} follows at byte {}",
                  probe.reason.empty() ? "no frame begins here" : probe.reason, successor->second, successor->first));
}

}  // namespace weir::journal
