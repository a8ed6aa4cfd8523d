#include "runtime/engine/id_state.h"

#include <cstring>

#include "runtime/base/bytes.h"
#include "runtime/base/hash.h"
#include "runtime/base/invariant.h"

namespace weir {

Digest128 id_state_hash(std::string_view id, Outcome state, std::string_view reason) {
  INVARIANT(state != Outcome::duplicate, "duplicate is no state of an id");
  // state | reason length | reason | id: no two different triples write the same bytes.
  char buffer[2 + 255 + 512];
  const std::size_t reason_length = reason.size() < 255 ? reason.size() : 255;
  const std::size_t id_length = id.size() < 512 ? id.size() : 512;
  // The hash reads eight bytes at once: what it reads first is written by one store (no wait for store forwarding).
  const std::uint64_t head = static_cast<std::uint64_t>(state) | reason_length << 8;
  if (reason_length == 0 && id_length >= 8) {
    store(buffer, head | load<std::uint64_t>(id.data()) << 16);
    std::memcpy(buffer + 8, id.data() + 6, id_length - 6);
  } else {
    store(buffer, static_cast<std::uint16_t>(head));
    if (reason_length != 0) std::memcpy(buffer + 2, reason.data(), reason_length);
    std::memcpy(buffer + 2 + reason_length, id.data(), id_length);
  }
  return xxh3_128({buffer, 2 + reason_length + id_length});
}

}  // namespace weir
