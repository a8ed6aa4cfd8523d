// Bytes of an input from its beginning, decompressed: a file, or what comes on stdin.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "runtime/base/ids.h"
#include "runtime/base/result.h"

namespace weir {

/// One reader, one thread; reading blocks, so never call it in an actor's handler without a thread of its own.
class InputStream {
 public:
  virtual ~InputStream() = default;

  /// Up to `size` (at least 1) next bytes; 0 at the end, again and again. Error input_unreadable: the input is damaged
  /// or cut off; the context names the input, the place in its own (compressed) bytes and what to do. Everything before
  /// that place has been returned by earlier calls, and every later call gives the same error.
  [[nodiscard]] virtual Result<std::size_t> read(char* to, std::size_t size) = 0;

  /// Goes on at `place`, counted in decompressed bytes from the beginning, not below place(). Plain files seek; others
  /// read and drop. Errors: as read, and input_unreadable when the input ends before `place`.
  [[nodiscard]] virtual Result<void> skip_to(std::uint64_t place) = 0;

  /// Decompressed bytes read or skipped so far.
  [[nodiscard]] virtual std::uint64_t place() const = 0;

  /// Bytes of the input as it is stored that are behind that: of InputIdentity::size, to say how far reading is.
  [[nodiscard]] virtual std::uint64_t stored_place() const { return place(); }
};

/// What tells one input from another, wherever it lies: the size of the file and the XXH3-128 of its first 64 KiB, as
/// stored.
struct InputIdentity {
  std::uint64_t size = 0;
  Digest128 head;
  friend bool operator==(const InputIdentity&, const InputIdentity&) = default;
};

struct OpenedInput {
  std::unique_ptr<InputStream> stream;
  std::optional<InputIdentity> identity;  // none: the input cannot be read twice (stdin, a pipe)
};

}  // namespace weir
