// From frames to requests: what goes together, and how it is written so that the node finds the same frames, byte for
// byte.
//
// Events are divided into lanes by their partition. A lane's requests are sent one after another, so the order of an
// id's events is kept however many lanes there are.
#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "actors/doors/frame_format.h"
#include "runtime/base/ids.h"
#include "runtime/event/ingest_batch.h"

namespace weir::cli {

struct IngestRequest {
  std::string content_type;
  std::string head;    // before the first frame: the CSV header, or `[`
  std::string frames;  // one behind the other
  std::string input;   // its name for people
  struct Event {
    std::size_t offset = 0, size = 0;  // in `frames`
    std::string id;
  };
  std::vector<Event> events;
  [[nodiscard]] std::string body() const;
  /// The same in two, for a node that finds it too large. With at least two events.
  [[nodiscard]] std::pair<IngestRequest, IngestRequest> halves() const;
};

/// What a node makes of the requests for an input of `format`: what is JSON to us are CloudEvents to a pipeline of those.
[[nodiscard]] InputFormat format_at_node(InputFormat format, RecordFormat pipeline) noexcept;

struct IngestRequestLimits {
  std::uint32_t lanes = 4;
  std::uint32_t events_max = 500;
  std::size_t bytes_max = 1024 * 1024;  // one frame may go over it
};

/// Not thread-safe.
class RequestMaker {
 public:
  using Give = std::function<void(std::uint32_t lane, IngestRequest)>;
  RequestMaker(const IngestRequestLimits& limits, Give give);
  /// The frames that follow are from an input of this format and name.
  void begin(const InputFormat& format, std::string input = {});
  /// Error limit_reached: a frame is so long that only its start was kept; the context has its line.
  [[nodiscard]] Result<void> add(PartitionId partition, const IngestBatch& batch);
  /// Gives what was not given yet.
  void flush();

 private:
  void add(std::uint32_t lane, const RawEvent& event, std::string_view csv_header);
  void flush(std::uint32_t lane);
  IngestRequestLimits limits_;
  Give give_;
  InputFormat format_;
  std::string input_;
  struct Lane {
    IngestRequest request;
    bool breaks = false;  // a frame of JSON has line ends inside
  };
  std::vector<Lane> lanes_;
};

}  // namespace weir::cli
