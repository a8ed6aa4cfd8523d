// A sink into numbered files: DIRECTORY/FOLDER/part-PPPP-NNNNNNNN-LLLLLLLL.ndjson (partition, number, the first digits of the log's id). A
// file grows in DIRECTORY/.weir under another name, and gets its own when it is whole and durable, and the cursor says so: nobody ever
// sees a part of one, and each record stands in exactly one, whenever the process dies.
#pragma once
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "runtime/adapters/sink_files/durable_files.h"
#include "runtime/ports/sink_target.h"

namespace weir {

struct FilesTargetOptions {
  std::string directory;  // made when it is missing
  bool csv = false;       // the header line of each batch goes first into each file
  PartitionId partition;
  Digest128 log_id;
  std::uint32_t open_max = 64;  // descriptors; with more files under way send() answers `full`
};

class FilesTarget final : public SinkTarget {
 public:
  explicit FilesTarget(FilesTargetOptions options) : options_(std::move(options)) {}
  [[nodiscard]] bool hides() const override { return true; }
  [[nodiscard]] Result<void> open(const std::string& state) override;
  void send(std::shared_ptr<const SinkBatch> batch, SinkAnswered answered) override;
  [[nodiscard]] Result<std::string> prepare() override;
  [[nodiscard]] Result<void> publish(const std::string& state) override;

 private:
  struct File {
    std::uint32_t number = 0;  // among those under way
    std::uint64_t size = 0;    // of what counts; more may be written
    std::string pending;       // to be written at `size`
    std::uint64_t used = 0;    // when it was used last
    sinks::Descriptor descriptor;
  };
  [[nodiscard]] std::string hidden() const { return options_.directory + "/.weir"; }
  /// "part-0003-00000012-7f3a9c1e", of this target's files all with their number last.
  [[nodiscard]] std::string stem(std::uint64_t number) const;
  [[nodiscard]] std::string hidden_name(std::uint64_t roll, std::uint32_t number) const;
  [[nodiscard]] Result<void> forget_leftovers();
  [[nodiscard]] Result<void> show(std::uint64_t roll, std::uint32_t number, const std::string& folder);
  [[nodiscard]] Result<void> ensure_open(File& file);
  [[nodiscard]] Result<void> write(const SinkBatch& batch);

  FilesTargetOptions options_;
  std::uint64_t roll_ = 0;            // number of the newest files that were prepared
  std::map<std::string, File, std::less<>> files_;  // under way, by folder
  std::uint64_t uses_ = 0;
  std::uint32_t open_ = 0;
};

}  // namespace weir
