// The same targets under libFuzzer (`./tests/run --fuzz SECONDS`): it looks for inputs that reach new code, where
// driver.cc only changes what it has.
#include <cstddef>
#include <cstdint>

#include "tests/fuzz/target.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const weir::fuzz::Padded input(std::string_view(reinterpret_cast<const char*>(data), size));
  weir::fuzz::run(input.view());
  return 0;
}
