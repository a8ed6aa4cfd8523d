#include "runtime/base/bytes.h"

#include <cstdlib>
#include <new>

#if defined(__x86_64__)
#include <emmintrin.h>
#endif

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

#if defined(__x86_64__)
void copy_out(char* to, const char* from, std::size_t count) noexcept {
  constexpr std::size_t kLine = 64;  // a whole line at once, or the write combining buffer goes out half full
  const std::size_t head = (kLine - reinterpret_cast<std::uintptr_t>(to) % kLine) % kLine;
  if (count < head + kLine) {
    if (count != 0) std::memcpy(to, from, count);
    return;
  }
  if (head != 0) std::memcpy(to, from, head);
  to += head;
  from += head;
  count -= head;
  for (; count >= kLine; count -= kLine, to += kLine, from += kLine) {
    const auto part = [from](std::size_t at) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(from + at)); };
    const __m128i a = part(0), b = part(16), c = part(32), d = part(48);
    _mm_stream_si128(reinterpret_cast<__m128i*>(to), a);
    _mm_stream_si128(reinterpret_cast<__m128i*>(to + 16), b);
    _mm_stream_si128(reinterpret_cast<__m128i*>(to + 32), c);
    _mm_stream_si128(reinterpret_cast<__m128i*>(to + 48), d);
  }
  _mm_sfence();
  if (count != 0) std::memcpy(to, from, count);
}
#else
void copy_out(char* to, const char* from, std::size_t count) noexcept {
  if (count != 0) std::memcpy(to, from, count);
}
#endif

}  // namespace weir
