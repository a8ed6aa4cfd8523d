#include "runtime/adapters/rocksdb_state/flush_job.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>
#include <vector>

#include "runtime/base/bytes.h"
#include "runtime/base/fail_point.h"

namespace weir {

namespace {
constexpr std::size_t kPrefetchAhead = 8;
}  // namespace

Result<void> sync_directory(const std::string& directory) {
  const int fd = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return fail(Errc::io_failed, "state {}: cannot open to sync: {}", directory, std::strerror(errno));
  const int synced = ::fsync(fd);
  const int why = errno;
  ::close(fd);
  if (synced != 0) return fail(Errc::io_failed, "state {}: fsync of the directory: {}", directory, std::strerror(why));
  return {};
}

Result<void> StateFlushJob::run() {
  rocksdb::Env* env = database_.shared->env;
  // Never written over: until it is known to be gone it may be the same file as a table of the database.
  if (const auto gone = env->DeleteFile(path()); !gone.ok() && !gone.IsNotFound() && !gone.IsPathNotFound())
    return fail(to_error(gone, database_.directory));
  if (const auto written = write_table(); !written.ok()) {
    static_cast<void>(env->DeleteFile(path()));
    return fail(to_error(written, database_.directory));
  }
  WEIR_FAIL_POINT_TRY("flush_table_written");
  // After an error here the file stays: the MANIFEST may name it although the library has taken its own link away.
  handed_over_ = true;
  if (const auto taken = take_in(); !taken.ok()) return fail(to_error(taken, database_.directory));
  WEIR_FAIL_POINT_TRY("flush_taken_in");
  return sync_directory(database_.directory);
}

rocksdb::Status StateFlushJob::write_table() {
  rocksdb::Options options = database_.db->GetOptions();
  // Written once, rewritten soon by a compaction, which compresses it.
  options.compression = rocksdb::kNoCompression;
  options.bottommost_compression = rocksdb::kDisableCompressionOption;
  rocksdb::EnvOptions io(options);
  io.use_direct_writes = database_.shared->direct_writes;
  std::optional<rocksdb::SstFileWriter> writer(std::in_place, io, options, nullptr, !io.use_direct_writes);
  rocksdb::Status status = writer->Open(path());
  if (!status.ok() && io.use_direct_writes) {
    io.use_direct_writes = false;
    writer.emplace(io, options);
    status = writer->Open(path());
    if (status.ok()) database_.shared->direct_writes = false;  // not every file system can
  }
  if (status.ok()) status = writer->Put(kCursorKey, flush_.cursor);
  if (status.ok()) status = write_entries(*writer);
  if (status.ok()) status = writer->Finish(&info_);  // syncs the file
  return status;
}

rocksdb::Status StateFlushJob::write_entries(rocksdb::SstFileWriter& writer) {
  const std::vector<StateEntry> entries = flush_.entries();
  rocksdb::Status status;
  for (std::size_t i = 0; status.ok() && i < entries.size(); ++i) {
    if (i + kPrefetchAhead < entries.size()) {
      const char* const row = entries[i + kPrefetchAhead].key.data();  // most values stand behind their key
      fetch_ahead(row);
      fetch_ahead(row + 64);
    }
    const StateEntry& entry = entries[i];
    switch (entry.op) {
      case StateOp::put:
        status = writer.Put(entry.key, entry.value);
        break;
      case StateOp::merge:
        status = writer.Merge(entry.key, entry.value);
        break;
      case StateOp::erase:
        status = writer.Delete(entry.key);
        break;
    }
  }
  return status;
}

rocksdb::Status StateFlushJob::take_in() {
  rocksdb::IngestExternalFileArg arg;
  arg.column_family = database_.db->DefaultColumnFamily();
  arg.external_files = {path()};
  arg.files_checksums = {info_.file_checksum};
  arg.files_checksum_func_names = {info_.file_checksum_func_name};
  arg.options.move_files = true;
  arg.options.failed_move_fall_back_to_copy = true;
  arg.options.snapshot_consistency = true;
  arg.options.allow_global_seqno = true;
  arg.options.allow_blocking_flush = false;
  arg.options.ingest_behind = false;
  arg.options.write_global_seqno = false;
  arg.options.verify_checksums_before_ingest = false;
  arg.options.verify_file_checksum = false;  // computed while it was written
  arg.options.fail_if_not_bottommost_level = false;
  return database_.db->IngestExternalFiles({arg});
}

}  // namespace weir
