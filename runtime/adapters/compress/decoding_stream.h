// What all decoders share: stored bytes in, decoded bytes out, an error held back until everything before it was given.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "runtime/adapters/compress/raw_source.h"
#include "runtime/ports/input_stream.h"

namespace weir {

class DecodingStream : public InputStream {
 public:
  [[nodiscard]] Result<std::size_t> read(char* to, std::size_t size) final;
  [[nodiscard]] Result<void> skip_to(std::uint64_t place) final;
  [[nodiscard]] std::uint64_t place() const final { return place_; }
  [[nodiscard]] std::uint64_t stored_place() const final { return source_.place() - (end_ - begin_); }

 protected:
  /// `zero_padding`: zero bytes may stand behind a part, as tapes and block devices leave them.
  DecodingStream(RawSource source, std::string format, bool zero_padding);

  /// What one step of a decoder came to.
  enum class Step : std::uint8_t {
    going,       // wants more output space or more input
    part_ended,  // a gzip member or a zstd frame is complete; another one may follow
    damaged,     // wrong() says how
  };
  /// Decodes from [in, in + in_size) to [to, to + size); says how much of both it used. `in_size` may be 0.
  struct Used {
    std::size_t in = 0;
    std::size_t out = 0;
    Step step = Step::going;
  };
  [[nodiscard]] virtual Used decode(const char* in, std::size_t in_size, char* to, std::size_t size) = 0;
  /// A new part begins with these bytes (at least 4 where there are as many). False: they are none, which is damage.
  [[nodiscard]] virtual bool begin_part(std::string_view start) = 0;
  [[nodiscard]] virtual std::string wrong() const = 0;

 private:
  [[nodiscard]] bool refill();
  [[nodiscard]] bool find_next_part();
  void fail_with(std::string what);

  RawSource source_;
  std::string format_;
  bool zero_padding_;
  std::unique_ptr<char[]> buffer_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::uint64_t place_ = 0;
  std::optional<Error> error_;
  bool inside_ = false;  // a part
  bool ended_ = false;   // everything was given
};

[[nodiscard]] std::unique_ptr<InputStream> make_gzip_stream(RawSource source);
[[nodiscard]] std::unique_ptr<InputStream> make_zstd_stream(RawSource source);

inline constexpr std::string_view kGzipMagic = "\x1f\x8b";
inline constexpr std::string_view kZstdMagic = "\x28\xb5\x2f\xfd";

}  // namespace weir
