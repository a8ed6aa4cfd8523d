// One fuzz target: bytes from anywhere go in, and nothing may break. driver.cc feeds it.
#pragma once
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "runtime/base/bytes.h"

namespace weir::fuzz {

/// What every target defines. `input` may be read kBlockPadding bytes beyond, as all input of the product.
void run(std::string_view input);

/// A broken promise: said, and the process ends, which the driver takes for a finding.
inline void promise(bool kept, const char* what) {
  if (kept) return;
  std::fprintf(stderr, "broken promise: %s\n", what);
  std::abort();
}

/// A copy with its padding, in memory of its own size, so that a sanitizer sees a read behind it.
class Padded {
 public:
  explicit Padded(std::string_view text) : size_(text.size()), bytes_(text) { bytes_.append(kBlockPadding, '\0'); }
  [[nodiscard]] std::string_view view() const noexcept { return {bytes_.data(), size_}; }

 private:
  std::size_t size_;
  std::string bytes_;
};

}  // namespace weir::fuzz
