// SHA-256 of texts on the path of an event.
#pragma once
#include <cstddef>
#include <memory>
#include <string_view>

namespace weir {

/// Holds a hash context, so that none is set up per text. Not thread-safe; one per owner.
class Sha256 {
 public:
  static constexpr std::size_t kSize = 32;
  static constexpr std::size_t kHexSize = 2 * kSize;
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;

  /// Writes kHexSize lower-case hex characters to `to`; no terminator. About 200 ns for a short text.
  void write_hex(std::string_view text, char* to);

  /// In pieces: begin, add for each, finish.
  void begin();
  void add(std::string_view part);
  /// Writes the first `bytes` of the digest, 1 to kSize, as twice as many lower-case hex characters to `to`.
  void finish_hex(char* to, std::size_t bytes = kSize);

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

}  // namespace weir
