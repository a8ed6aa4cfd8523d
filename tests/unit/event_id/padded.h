// A text with readable bytes behind it, as frames have in a block. They are digits and quotes, so that reading on by
// mistake shows.
#pragma once
#include <string>
#include <string_view>

#include "runtime/base/bytes.h"

namespace weir::test {

class Padded {
 public:
  explicit Padded(std::string_view text) : bytes_(text), size_(text.size()) {
    for (std::size_t i = 0; i < kBlockPadding; ++i) bytes_.push_back("7\"7}"[i % 4]);
    bytes_.shrink_to_fit();
  }
  [[nodiscard]] std::string_view view() const { return {bytes_.data(), size_}; }

 private:
  std::string bytes_;
  std::size_t size_;
};

}  // namespace weir::test
