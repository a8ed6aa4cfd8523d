// A file system that fails on request: every write, sync or rename from the n-th call on, until it is mended.
#pragma once
#include <rocksdb/file_system.h>

#include <atomic>
#include <limits>
#include <memory>
#include <string>
#include <utility>

namespace weir::test {

class FaultyFiles final : public rocksdb::FileSystemWrapper {
 public:
  using rocksdb::FileSystemWrapper::FileSystemWrapper;
  const char* Name() const override { return "weir.test.faulty"; }

  /// From now on every changing call fails, `after` of them still succeed.
  void fail_writes(bool full, std::uint64_t after = 0) {
    full_ = full;
    left_ = after;
  }
  /// Only tables that the library writes itself (compactions) are meant, not those it takes in; before any other call.
  void only_compactions() { only_ = ".sst"; }
  void mend() { left_ = kNever; }
  /// As a file system without O_DIRECT.
  void refuse_direct() { refuse_direct_ = true; }
  /// Tables that were written past the page cache.
  [[nodiscard]] std::uint64_t direct_files() const { return direct_files_; }
  /// Changing calls seen since the last reset.
  [[nodiscard]] std::uint64_t calls() const { return calls_; }
  void reset_calls() { calls_ = 0; }

  rocksdb::IOStatus NewWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* result,
                                    rocksdb::IODebugContext* context) override {
    if (auto status = change(name); !status.ok()) return status;
    if (options.use_direct_writes && refuse_direct_) return rocksdb::IOStatus::IOError("injected: Invalid argument", name);
    auto status = target()->NewWritableFile(name, options, result, context);
    if (status.ok() && options.use_direct_writes) ++direct_files_;
    if (status.ok()) *result = std::make_unique<File>(std::move(*result), this, name);
    return status;
  }
  rocksdb::IOStatus ReopenWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                                       std::unique_ptr<rocksdb::FSWritableFile>* result,
                                       rocksdb::IODebugContext* context) override {
    if (!only_.empty()) return target()->ReopenWritableFile(name, options, result, context);
    if (auto status = change(name); !status.ok()) return status;
    auto status = target()->ReopenWritableFile(name, options, result, context);
    if (status.ok()) *result = std::make_unique<File>(std::move(*result), this, name);
    return status;
  }
  rocksdb::IOStatus RenameFile(const std::string& from, const std::string& to, const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* context) override {
    if (auto status = change(from); !status.ok()) return status;
    return target()->RenameFile(from, to, options, context);
  }
  rocksdb::IOStatus LinkFile(const std::string& from, const std::string& to, const rocksdb::IOOptions& options,
                             rocksdb::IODebugContext* context) override {
    if (auto status = change(from); !status.ok()) return status;
    return target()->LinkFile(from, to, options, context);
  }

 private:
  static constexpr std::uint64_t kNever = std::numeric_limits<std::uint64_t>::max();

  rocksdb::IOStatus change(const std::string& name) {
    if (name.find(only_) == std::string::npos) return rocksdb::IOStatus::OK();
    ++calls_;
    std::uint64_t left = left_;
    if (left == kNever) return rocksdb::IOStatus::OK();
    if (left != 0) {
      left_ = left - 1;
      return rocksdb::IOStatus::OK();
    }
    if (full_) return rocksdb::IOStatus::NoSpace("injected", name);
    return rocksdb::IOStatus::IOError("injected", name);
  }

  class File final : public rocksdb::FSWritableFileOwnerWrapper {
   public:
    File(std::unique_ptr<rocksdb::FSWritableFile> file, FaultyFiles* files, std::string name)
        : FSWritableFileOwnerWrapper(std::move(file)), files_(files), name_(std::move(name)) {}
    using FSWritableFileOwnerWrapper::Append;
    rocksdb::IOStatus Append(const rocksdb::Slice& data, const rocksdb::IOOptions& options,
                             rocksdb::IODebugContext* context) override {
      if (auto status = files_->change(name_); !status.ok()) return status;
      return FSWritableFileOwnerWrapper::Append(data, options, context);
    }
    rocksdb::IOStatus Append(const rocksdb::Slice& data, const rocksdb::IOOptions& options,
                             const rocksdb::DataVerificationInfo& info, rocksdb::IODebugContext* context) override {
      if (auto status = files_->change(name_); !status.ok()) return status;
      return FSWritableFileOwnerWrapper::Append(data, options, info, context);
    }
    using FSWritableFileOwnerWrapper::PositionedAppend;
    rocksdb::IOStatus PositionedAppend(const rocksdb::Slice& data, std::uint64_t offset, const rocksdb::IOOptions& options,
                                       rocksdb::IODebugContext* context) override {
      if (auto status = files_->change(name_); !status.ok()) return status;
      return FSWritableFileOwnerWrapper::PositionedAppend(data, offset, options, context);
    }
    rocksdb::IOStatus PositionedAppend(const rocksdb::Slice& data, std::uint64_t offset, const rocksdb::IOOptions& options,
                                       const rocksdb::DataVerificationInfo& info,
                                       rocksdb::IODebugContext* context) override {
      if (auto status = files_->change(name_); !status.ok()) return status;
      return FSWritableFileOwnerWrapper::PositionedAppend(data, offset, options, info, context);
    }
    rocksdb::IOStatus Truncate(std::uint64_t size, const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* context) override {
      if (auto status = files_->change(name_); !status.ok()) return status;
      return FSWritableFileOwnerWrapper::Truncate(size, options, context);
    }
    rocksdb::IOStatus Sync(const rocksdb::IOOptions& options, rocksdb::IODebugContext* context) override {
      if (auto status = files_->change(name_); !status.ok()) return status;
      return FSWritableFileOwnerWrapper::Sync(options, context);
    }
    rocksdb::IOStatus Fsync(const rocksdb::IOOptions& options, rocksdb::IODebugContext* context) override {
      if (auto status = files_->change(name_); !status.ok()) return status;
      return FSWritableFileOwnerWrapper::Fsync(options, context);
    }

   private:
    FaultyFiles* files_;
    std::string name_;
  };

  std::string only_;
  std::atomic<bool> refuse_direct_{false};
  std::atomic<std::uint64_t> direct_files_{0};
  std::atomic<bool> full_{false};
  std::atomic<std::uint64_t> left_{kNever};
  std::atomic<std::uint64_t> calls_{0};
};

}  // namespace weir::test
