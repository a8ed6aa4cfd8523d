// SHA-256 of texts on the path of an event.
#pragma once
#include <cstddef>
#include <memory>
#include <string_view>

namespace weir {

/// Holds a hash context, so that none is set up per text. Not thread-safe; one per owner.
class Sha256 {
 public:
  static constexpr std::size_t kHexSize = 64;
  Sha256();
  ~Sha256();
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;

  /// Writes kHexSize lower-case hex characters to `to`; no terminator. About 200 ns for a short text.
  void write_hex(std::string_view text, char* to);

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

}  // namespace weir
