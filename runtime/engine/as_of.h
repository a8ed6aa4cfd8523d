// A moment of the past, as people and programs name it.
#pragma once
#include <cstdint>
#include <string_view>

#include "runtime/base/ids.h"
#include "runtime/base/result.h"
#include "runtime/engine/read_token.h"

namespace weir {

struct AsOf {
  enum class Kind : std::uint8_t {
    time,    // everything committed up to and with it, by the clocks of the owners
    commit,  // one partition stands at this commit, the others where they stood when it was made
    token,   // what an answer read, or an acknowledgement promised
  };
  Kind kind = Kind::time;
  std::int64_t time = 0;     // microseconds since 1970
  PartitionId partition;
  CommitSequence sequence;
  ReadToken token = ReadToken();
};

/// "2026-11-27T10:00:00Z", "2026-11-27", "3:17" (partition 3, commit 17), or a token. Errors: invalid_argument (says what is allowed),
/// format_newer (a token).
[[nodiscard]] Result<AsOf> parse_as_of(std::string_view text);

}  // namespace weir
