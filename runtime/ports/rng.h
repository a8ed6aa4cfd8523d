// Chance comes in through here and nowhere else.
#pragma once
#include <cstdint>

namespace weir {

/// Not thread-safe; one per owner.
class Rng {
 public:
  virtual ~Rng() = default;
  /// Uniform over all 64-bit values.
  [[nodiscard]] virtual std::uint64_t next() = 0;
};

}  // namespace weir
