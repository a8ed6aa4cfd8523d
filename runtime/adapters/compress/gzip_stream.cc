#include <zlib.h>

#include <algorithm>
#include <limits>

#include "runtime/adapters/compress/decoding_stream.h"
#include "runtime/base/invariant.h"

namespace weir {

namespace {

class GzipStream final : public DecodingStream {
 public:
  explicit GzipStream(RawSource source) : DecodingStream(std::move(source), "gzip", true) {
    // 15: the largest window; 16: gzip alone, not zlib's own format.
    INVARIANT(inflateInit2(&zlib_, 15 + 16) == Z_OK, "zlib gives a decoder");
  }
  ~GzipStream() override { inflateEnd(&zlib_); }

 protected:
  [[nodiscard]] Used decode(const char* in, std::size_t in_size, char* to, std::size_t size) override {
    constexpr std::size_t kMax = std::numeric_limits<uInt>::max();
    zlib_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(in));
    zlib_.avail_in = static_cast<uInt>(std::min(in_size, kMax));
    zlib_.next_out = reinterpret_cast<Bytef*>(to);
    zlib_.avail_out = static_cast<uInt>(std::min(size, kMax));
    const uInt in_before = zlib_.avail_in;
    const uInt out_before = zlib_.avail_out;
    const int code = inflate(&zlib_, Z_NO_FLUSH);
    Used used{in_before - zlib_.avail_in, out_before - zlib_.avail_out, Step::going};
    if (code == Z_STREAM_END) used.step = Step::part_ended;
    // Z_BUF_ERROR says only that nothing could be done: more input is wanted.
    if (code != Z_OK && code != Z_STREAM_END && code != Z_BUF_ERROR) used.step = Step::damaged;
    return used;
  }
  [[nodiscard]] bool begin_part(std::string_view start) override {
    return start.starts_with(kGzipMagic) && inflateReset(&zlib_) == Z_OK;
  }
  [[nodiscard]] std::string wrong() const override { return zlib_.msg != nullptr ? zlib_.msg : "unknown"; }

 private:
  z_stream zlib_{};
};

}  // namespace

std::unique_ptr<InputStream> make_gzip_stream(RawSource source) {
  return std::make_unique<GzipStream>(std::move(source));
}

}  // namespace weir
