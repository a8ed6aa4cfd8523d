#include <zstd.h>

#include "runtime/adapters/compress/decoding_stream.h"
#include "runtime/base/invariant.h"

namespace weir {

namespace {

class ZstdStream final : public DecodingStream {
 public:
  explicit ZstdStream(RawSource source)
      : DecodingStream(std::move(source), "zstd", false), decoder_(ZSTD_createDCtx()) {
    INVARIANT(decoder_ != nullptr, "zstd gives a decoder");
    // 128 MiB, what `zstd -d` takes without being asked: bounds the memory a frame can make the decoder use.
    INVARIANT(!ZSTD_isError(ZSTD_DCtx_setParameter(decoder_, ZSTD_d_windowLogMax, 27)),
              "zstd takes the limit of its window");
  }
  ~ZstdStream() override { ZSTD_freeDCtx(decoder_); }

 protected:
  [[nodiscard]] Used decode(const char* in, std::size_t in_size, char* to, std::size_t size) override {
    ZSTD_inBuffer input{in, in_size, 0};
    ZSTD_outBuffer output{to, size, 0};
    const std::size_t code = ZSTD_decompressStream(decoder_, &output, &input);
    Used used{input.pos, output.pos, Step::going};
    if (code == 0) used.step = Step::part_ended;
    if (ZSTD_isError(code)) {
      used.step = Step::damaged;
      wrong_ = ZSTD_getErrorName(code);
    }
    return used;
  }
  [[nodiscard]] bool begin_part(std::string_view start) override {
    // Skippable frames (0x184d2a50 to 0x184d2a5f) hold no content and may stand anywhere.
    const bool skippable = start.size() >= 4 && (start[0] & 0xf0) == 0x50 && start.substr(1, 3) == "\x2a\x4d\x18";
    return (start.starts_with(kZstdMagic) || skippable) &&
           !ZSTD_isError(ZSTD_DCtx_reset(decoder_, ZSTD_reset_session_only));
  }
  [[nodiscard]] std::string wrong() const override { return wrong_; }

 private:
  ZSTD_DCtx* decoder_;
  std::string wrong_;
};

}  // namespace

std::unique_ptr<InputStream> make_zstd_stream(RawSource source) {
  return std::make_unique<ZstdStream>(std::move(source));
}

}  // namespace weir
