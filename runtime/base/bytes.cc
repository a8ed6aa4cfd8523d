#include "runtime/base/bytes.h"

#include <cstdlib>
#include <new>

#include "runtime/base/invariant.h"

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "formats are little-endian; a big-endian port needs load/store");

namespace weir {

namespace {
constexpr std::size_t kAlignment = 64;
}

void ByteArena::reserve(std::size_t capacity) {
  if (capacity <= capacity_) return;
  const std::size_t total = (capacity + kBlockPadding + kAlignment - 1) & ~(kAlignment - 1);
  auto* fresh = static_cast<char*>(std::aligned_alloc(kAlignment, total));
  if (fresh == nullptr) throw std::bad_alloc{};
  if (size_ != 0) std::memcpy(fresh, data_, size_);
  std::free(data_);
  data_ = fresh;
  capacity_ = total - kBlockPadding;
}

void ByteArena::release() noexcept {
  std::free(data_);
  data_ = nullptr;
}

SharedBytes SharedBytes::take(ByteArena arena) {
  if (arena.size() == 0) return {};
  std::memset(arena.data() + arena.size(), 0, kBlockPadding);
  auto owner = std::make_shared<ByteArena>(std::move(arena));
  const std::string_view view = owner->view();
  return SharedBytes{view, std::move(owner)};
}

SharedBytes SharedBytes::copy_of(std::string_view bytes) {
  ByteArena arena(bytes.size());
  arena.append(bytes);
  return take(std::move(arena));
}

}  // namespace weir
