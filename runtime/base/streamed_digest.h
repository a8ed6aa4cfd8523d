// XXH3-128 of content that does not fit into memory at once.
#pragma once
#include <memory>
#include <string_view>

#include "runtime/base/ids.h"

namespace weir {

/// xxh3_128 (runtime/base/hash.h) of what is added, in pieces. Moves only.
class StreamedDigest {
 public:
  StreamedDigest();
  void add(std::string_view piece) noexcept;
  /// Of everything added so far.
  [[nodiscard]] Digest128 digest() const noexcept;

 private:
  struct Drop {
    void operator()(void* state) const noexcept;
  };
  std::unique_ptr<void, Drop> state_;
};

}  // namespace weir
