#include "cluster/node/log_reader.h"

#include <future>

namespace weir {

Result<std::vector<IngestSlice>> LiveLogReader::read_ingest(const IngestRead& request) const {
  std::promise<Result<std::vector<IngestSlice>>> answer;
  auto future = answer.get_future();
  log_.read_ingest(request,
                   [&answer](Result<std::vector<IngestSlice>> slices) { answer.set_value(std::move(slices)); });
  return future.get();
}

Result<std::vector<CommitRecord>> LiveLogReader::read_output(const OutputRead& request) const {
  std::promise<Result<std::vector<CommitRecord>>> answer;
  auto future = answer.get_future();
  log_.read_output(request,
                   [&answer](Result<std::vector<CommitRecord>> records) { answer.set_value(std::move(records)); });
  return future.get();
}

}  // namespace weir
