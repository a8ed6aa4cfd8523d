#include "runtime/base/streamed_digest.h"

#include <new>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace weir {

StreamedDigest::StreamedDigest() : state_(XXH3_createState()) {
  if (!state_) throw std::bad_alloc{};
  XXH3_128bits_reset(static_cast<XXH3_state_t*>(state_.get()));
}

void StreamedDigest::Drop::operator()(void* state) const noexcept { XXH3_freeState(static_cast<XXH3_state_t*>(state)); }

void StreamedDigest::add(std::string_view piece) noexcept {
  XXH3_128bits_update(static_cast<XXH3_state_t*>(state_.get()), piece.data(), piece.size());
}

Digest128 StreamedDigest::digest() const noexcept {
  const XXH128_hash_t hash = XXH3_128bits_digest(static_cast<const XXH3_state_t*>(state_.get()));
  return {hash.low64, hash.high64};
}

}  // namespace weir
