#include "runtime/adapters/compress/open_input.h"

#include "runtime/adapters/compress/decoding_stream.h"
#include "runtime/adapters/compress/raw_source.h"
#include "runtime/base/invariant.h"

namespace weir {

namespace {

class PlainStream final : public InputStream {
 public:
  explicit PlainStream(RawSource source) : source_(std::move(source)) {}

  [[nodiscard]] Result<std::size_t> read(char* to, std::size_t size) override {
    INVARIANT(size != 0, "a read asks for at least one byte");
    return source_.read(to, size);
  }
  [[nodiscard]] Result<void> skip_to(std::uint64_t place) override {
    INVARIANT(place >= source_.place(), "a stream is read forwards");
    if (source_.size()) {
      if (place > *source_.size()) return ends_before(place, *source_.size());
      source_.seek(place);
      return {};
    }
    char scratch[4096];
    while (source_.place() < place) {
      WEIR_ASSIGN(const std::size_t count, source_.read(scratch, static_cast<std::size_t>(std::min<std::uint64_t>(
                                                                     sizeof scratch, place - source_.place()))));
      if (count == 0) return ends_before(place, source_.place());
    }
    return {};
  }
  [[nodiscard]] std::uint64_t place() const override { return source_.place(); }

 private:
  [[nodiscard]] Result<void> ends_before(std::uint64_t place, std::uint64_t size) const {
    return fail(Errc::input_unreadable, "input {}: it ends after {} bytes, before byte {} where reading was to go on",
                source_.name(), size, place);
  }
  RawSource source_;
};

}  // namespace

Result<std::unique_ptr<InputStream>> decoded_stream(RawSource source) {
  const std::string name = source.name();
  WEIR_ASSIGN(const std::string_view start, source.peek(4));
  const bool gzip = start.starts_with(kGzipMagic);
  const bool zstd = start.starts_with(kZstdMagic);
  const bool named_gzip = name.ends_with(".gz");
  const bool named_zstd = name.ends_with(".zst");
  if ((named_gzip && !gzip) || (named_zstd && !zstd)) {
    return fail(Errc::input_unreadable,
                "input {}: its name says {}, its {} bytes do not begin like it; rename it or compress it again", name,
                named_gzip ? "gzip" : "zstd", source.size().value_or(0));
  }
  if (gzip) return make_gzip_stream(std::move(source));
  if (zstd) return make_zstd_stream(std::move(source));
  return std::make_unique<PlainStream>(std::move(source));
}

Result<OpenedInput> open_input(const std::string& name) {
  WEIR_ASSIGN(RawSource source, RawSource::open(name));
  OpenedInput opened;
  WEIR_ASSIGN(opened.identity, source.identity());
  WEIR_ASSIGN(opened.stream, decoded_stream(std::move(source)));
  return opened;
}

}  // namespace weir
