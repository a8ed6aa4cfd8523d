// A CloudEvent in its structured JSON form: an envelope of attributes, and in its `data` the record.
//
// The record of a CloudEvent is its data, so that an event is the same record whether it comes as a line of JSON or as
// a CloudEvent in any mode. The attributes are the event's envelope: `@id @time @type @source`.
#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace weir {

/// What the envelope of one event says. Texts without JSON escapes; they live as long as the frame and the arena they
/// were read with.
struct CloudEvent {
  std::string_view id;
  std::string_view source;
  std::string_view type;
  std::string_view time;  // as written; empty: none
};

/// Of `source` and `type`, in bytes: records carry them with 16 bits of length. Arbitrary; the specification says that
/// consumers should take at least 64 KiB events, and nothing of single attributes.
inline constexpr std::size_t kCloudAttributeMax = 1024;

/// One attribute of an event that came in binary mode: the name without its `ce-`, the value as text.
using CloudAttribute = std::pair<std::string_view, std::string_view>;

/// The structured form of an event whose attributes came beside its body (HTTP binary mode): what a door appends as its
/// frame. Attributes keep their order and become strings; `data` is JSON text and goes in as it is, empty: no data.
/// What is missing or wrong in it is found by the chain, as in every other frame. Pure.
[[nodiscard]] std::string structured_cloud_event(const std::vector<CloudAttribute>& attributes, std::string_view data);

}  // namespace weir
