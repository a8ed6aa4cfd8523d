#include "runtime/adapters/rocksdb_state/file_checksum.h"

#include <cstdint>
#include <string>
#include <string_view>

#include "runtime/base/bytes.h"
#include "runtime/base/hash.h"

namespace weir {

namespace {

constexpr const char* kName = "weir.crc32c";  // part of the stored format

class Checksum final : public rocksdb::FileChecksumGenerator {
 public:
  void Update(const char* data, std::size_t n) override { sum_ = crc32c({data, n}, sum_); }
  void Finalize() override {}
  std::string GetChecksum() const override {
    std::string bytes(sizeof sum_, '\0');
    store(bytes.data(), sum_);
    return bytes;
  }
  const char* Name() const override { return kName; }

 private:
  std::uint32_t sum_ = 0;
};

class Factory final : public rocksdb::FileChecksumGenFactory {
 public:
  std::unique_ptr<rocksdb::FileChecksumGenerator> CreateFileChecksumGenerator(
      const rocksdb::FileChecksumGenContext& context) override {
    // A name that is asked for and not known is an error of the library's, as it should be.
    if (!context.requested_checksum_func_name.empty() && context.requested_checksum_func_name != kName) return nullptr;
    return std::make_unique<Checksum>();
  }
  const char* Name() const override { return "weir.crc32c.factory"; }
};

}  // namespace

std::shared_ptr<rocksdb::FileChecksumGenFactory> make_file_checksums() {
  return std::make_shared<Factory>();
}

}  // namespace weir
