#include "cluster/cli/ingest_requests.h"

namespace weir::cli {

namespace {

constexpr std::string_view kLines = "application/x-ndjson", kArray = "application/json";
constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
constexpr std::string_view kCloudEvents = "application/cloudevents-batch+json", kCsv = "text/csv";

/// A \r before a \n is part of the line's end: one that is part of the line needs another behind it.
std::string_view line_end(std::string_view line) {
  return line.ends_with('\r') ? "\r\n" : "\n";
}
std::string head_of(std::string_view csv_header) {
  return std::string(csv_header).append(line_end(csv_header));
}

}  // namespace

std::string IngestRequest::body() const {
  const bool array = head == "[";
  std::string text = head;
  text.reserve(head.size() + frames.size() + events.size() + 3);
  for (const Event& event : events) {
    const std::string_view frame = std::string_view(frames).substr(event.offset, event.size);
    if (array && text.size() > 1) text.push_back(',');
    // At the beginning of a body it would be passed over; an empty line in front is.
    if (text.empty() && frame.starts_with(kByteOrderMark)) text.push_back('\n');
    text += frame;
    if (!array) text += line_end(frame);
  }
  if (array) text.push_back(']');
  return text;
}

std::pair<IngestRequest, IngestRequest> IngestRequest::halves() const {
  std::pair<IngestRequest, IngestRequest> both;
  const std::size_t middle = events.size() / 2;
  for (std::size_t i = 0; i < events.size(); ++i) {
    IngestRequest& half = i < middle ? both.first : both.second;
    half.content_type = content_type;
    half.head = head;
    half.input = input;
    half.events.push_back({half.frames.size(), events[i].size, events[i].id});
    half.frames.append(frames, events[i].offset, events[i].size);
  }
  return both;
}

InputFormat format_at_node(InputFormat format, RecordFormat pipeline) noexcept {
  if (pipeline == RecordFormat::cloudevents && format.frames == FrameFormat::json) format.frames = FrameFormat::cloudevents;
  return format;
}

RequestMaker::RequestMaker(const IngestRequestLimits& limits, Give give)
    : limits_(limits), give_(std::move(give)), lanes_(limits.lanes) {}

void RequestMaker::begin(const InputFormat& format, std::string input) {
  flush();
  format_ = format;
  input_ = std::move(input);
}

Result<void> RequestMaker::add(PartitionId partition, const IngestBatch& batch) {
  const std::uint32_t lane = partition.value % limits_.lanes;
  for (std::uint32_t i = 0; i < batch.count(); ++i) {
    const RawEvent event = batch.event(i);
    if ((event.flags & frame_flag::cut) != 0)
      return fail(Errc::limit_reached, "line {}: {}; too long to be sent, `weir run` takes it as a dead letter",
                  event.line, event.note);
    add(lane, event, batch.header().csv_header);
  }
  return {};
}

void RequestMaker::add(std::uint32_t number, const RawEvent& event, std::string_view csv_header) {
  Lane& lane = lanes_[number];
  IngestRequest& request = lane.request;
  const bool csv = format_.framing == Framing::csv, bad = (event.flags & frame_flag::bad_frame) != 0;
  // What is no JSON would break the array that CloudEvents travel in.
  const bool alone = format_.frames == FrameFormat::cloudevents && !is_one_json_element(event.raw);
  const bool other_header = csv && !request.events.empty() && request.head != head_of(csv_header);
  const bool full = request.events.size() >= limits_.events_max ||
                    (!request.events.empty() && request.frames.size() + event.raw.size() > limits_.bytes_max);
  if (alone || other_header || full) flush(number);
  if (csv) request.head = head_of(csv_header);
  lane.breaks =
      lane.breaks || (format_.framing != Framing::lines && event.raw.find_first_of("\r\n") != std::string_view::npos);
  request.events.push_back({request.frames.size(), event.raw.size(), std::string(event.id)});
  request.frames += event.raw;
  if (alone) request.content_type = kLines;
  // A record whose quote is not closed stands last: the lines behind it are other ones than in its file.
  if (alone || (csv && bad)) flush(number);
}

void RequestMaker::flush() {
  for (std::uint32_t lane = 0; lane < limits_.lanes; ++lane) flush(lane);
}

void RequestMaker::flush(std::uint32_t number) {
  Lane lane = std::exchange(lanes_[number], {});
  IngestRequest& request = lane.request;
  if (request.events.empty()) return;
  request.input = input_;
  if (format_.framing == Framing::csv) {
    request.content_type = kCsv;
  } else if (request.content_type.empty()) {
    const bool cloudevents = format_.frames == FrameFormat::cloudevents;
    request.content_type = cloudevents ? kCloudEvents : lane.breaks ? kArray : kLines;
    if (cloudevents || lane.breaks) request.head = "[";
  }
  give_(number, std::move(request));
}

}  // namespace weir::cli
