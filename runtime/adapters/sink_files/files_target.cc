#include "runtime/adapters/sink_files/files_target.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cerrno>
#include <filesystem>
#include <set>

#include "runtime/base/fail_point.h"
#include "runtime/base/hash.h"

namespace weir {

using sinks::os_error;

namespace {

/// What prepare() says: `roll N`, then a line `NUMBER FOLDER` for each file.
struct Prepared {
  std::uint64_t roll = 0;
  std::vector<std::pair<std::uint32_t, std::string>> files;

  [[nodiscard]] std::string text() const {
    std::string out = fmt::format("roll {}\n", roll);
    for (const auto& [number, folder] : files) out += fmt::format("{} {}\n", number, folder);
    return out;
  }
  [[nodiscard]] static Result<Prepared> parse(std::string_view text) {
    Prepared prepared;
    const auto number = [](std::string_view digits, auto& out) {
      const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), out);
      return error == std::errc() && end == digits.data() + digits.size();
    };
    for (bool first = true; !text.empty(); first = false) {
      const std::size_t end = text.find('\n');
      const std::string_view line = text.substr(0, end);
      const std::size_t blank = line.find(' ');
      bool good = end != std::string_view::npos && blank != std::string_view::npos;
      if (good && first) good = line.starts_with("roll ") && number(line.substr(blank + 1), prepared.roll);
      if (good && !first) {
        prepared.files.emplace_back(0, line.substr(blank + 1));
        good = number(line.substr(0, blank), prepared.files.back().first);
      }
      if (!good) return fail(Errc::state_damaged, "what the cursor says of its files cannot be read: {}", line);
      text.remove_prefix(end + 1);
    }
    return prepared;
  }
};

}  // namespace

std::string FilesTarget::stem(std::uint64_t number) const {
  return fmt::format("part-{:04}-{:08}-{}", options_.partition.value, number, to_hex(options_.log_id).substr(0, 8));
}
std::string FilesTarget::hidden_name(std::uint64_t roll, std::uint32_t number) const { return fmt::format("{}/{}-{}.tmp", hidden(), stem(roll), number); }

Result<void> FilesTarget::open(const std::string& state) {
  files_.clear();
  open_ = 0;
  WEIR_TRY(sinks::make_directories(hidden()));
  WEIR_ASSIGN(const Prepared prepared, Prepared::parse(state));
  roll_ = prepared.roll;
  // What an earlier life prepared, and the cursor knows, is lost with its leftovers if nobody shows it.
  if (!WEIR_DEFECT("sink_prepared_forgotten")) WEIR_TRY(publish(state));
  return forget_leftovers();
}

/// Files under way of an earlier life, which the cursor does not know.
Result<void> FilesTarget::forget_leftovers() {
  namespace fs = std::filesystem;
  const std::string begin = fmt::format("part-{:04}-", options_.partition.value);
  const std::string log = "-" + to_hex(options_.log_id).substr(0, 8) + "-";
  std::error_code code;
  std::vector<fs::path> leftovers;
  for (const auto& entry : fs::directory_iterator(hidden(), code)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with(begin) && name.find(log) != std::string::npos) leftovers.push_back(entry.path());
  }
  for (const fs::path& path : leftovers) {
    if (!code) fs::remove(path, code);
  }
  if (code && code != std::errc::no_such_file_or_directory) return fail(Errc::io_failed, "cannot clear {}: {}", hidden(), code.message());
  return {};
}

Result<void> FilesTarget::ensure_open(File& file) {
  file.used = ++uses_;
  if (file.descriptor.open()) return {};
  if (open_ >= options_.open_max) {
    File* oldest = nullptr;
    for (auto& [folder, other] : files_) {
      if (other.descriptor.open() && (oldest == nullptr || other.used < oldest->used)) oldest = &other;
    }
    oldest->descriptor.reset();
    --open_;
  }
  WEIR_TRY(sinks::make_directories(hidden()));
  const std::string path = hidden_name(roll_ + 1, file.number);
  file.descriptor.reset(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0666));
  if (!file.descriptor.open()) return os_error("cannot write", path);
  ++open_;
  return {};
}

Result<void> FilesTarget::write(const SinkBatch& batch) {
  for (auto& [folder, file] : files_) file.pending.clear();
  for (const SinkItem& item : batch.items) {
    auto known = files_.find(item.folder);
    if (known == files_.end()) {
      known = files_.try_emplace(std::string(item.folder)).first;
      known->second.number = static_cast<std::uint32_t>(files_.size());
    }
    File& file = known->second;
    if (options_.csv && file.size == 0 && file.pending.empty()) file.pending.append(batch.header).append("\n");
    file.pending.append(item.text).append("\n");
  }
  for (auto& [folder, file] : files_) {
    if (file.pending.empty()) continue;
    WEIR_TRY(ensure_open(file));
    WEIR_TRY(sinks::write_at(file.descriptor.get(), file.pending, file.size, hidden_name(roll_ + 1, file.number)));
  }
  // Only now: all of the batch counts, or nothing of it.
  for (auto& [folder, file] : files_) file.size += file.pending.size();
  return {};
}

void FilesTarget::send(std::shared_ptr<const SinkBatch> batch, SinkAnswered answered) {
  SinkAnswer answer;
  if (const auto written = write(*batch); !written) {
    answer.kind = SinkAnswer::Kind::failed;
    answer.reason = written.error().context;
  } else if (files_.size() >= options_.open_max) {
    answer.kind = SinkAnswer::Kind::full;
  }
  answered(std::move(answer));
}

Result<std::string> FilesTarget::prepare() {
  WEIR_FAIL_POINT_TRY("sink_before_prepare");
  Prepared prepared;
  prepared.roll = roll_ + 1;
  for (auto& [folder, file] : files_) {
    if (file.size == 0) continue;  // a batch that could not be written had made it
    WEIR_TRY(ensure_open(file));
    const std::string path = hidden_name(prepared.roll, file.number);
    if (::ftruncate(file.descriptor.get(), static_cast<off_t>(file.size)) != 0) return os_error("cannot cut", path);
    if (::fsync(file.descriptor.get()) != 0) return os_error("cannot sync", path);
    prepared.files.emplace_back(file.number, folder);
  }
  WEIR_TRY(sinks::sync_directory(hidden()));
  roll_ = prepared.roll;
  files_.clear();
  open_ = 0;
  std::string state = prepared.text();
  WEIR_FAIL_POINT_TRY("sink_prepared");
  return state;
}

Result<void> FilesTarget::show(std::uint64_t roll, std::uint32_t number, const std::string& folder) {
  const std::string from = hidden_name(roll, number);
  struct stat there {};
  // It was shown before; whoever reads the files may have taken it away since.
  if (::stat(from.c_str(), &there) != 0 && errno == ENOENT) return {};
  const std::string directory = folder.empty() ? options_.directory : options_.directory + "/" + folder;
  WEIR_TRY(sinks::make_directories(directory));
  const std::string to = fmt::format("{}/{}.{}", directory, stem(roll), options_.csv ? "csv" : "ndjson");
  if (::stat(to.c_str(), &there) == 0)
    return fail(Errc::io_failed, "{} is there already, and not written by this sink: move it away", to);
  if (::rename(from.c_str(), to.c_str()) != 0) return os_error("cannot rename to", to);
  WEIR_FAIL_POINT_TRY("sink_between_files");
  return {};
}

Result<void> FilesTarget::publish(const std::string& state) {
  WEIR_ASSIGN(const Prepared prepared, Prepared::parse(state));
  if (!prepared.files.empty()) WEIR_FAIL_POINT_TRY("sink_before_publish");
  std::set<std::string> directories;
  for (const auto& [number, folder] : prepared.files) {
    WEIR_TRY(show(prepared.roll, number, folder));
    directories.insert(folder.empty() ? options_.directory : options_.directory + "/" + folder);
  }
  for (const std::string& directory : directories) {
    struct stat there {};
    if (::stat(directory.c_str(), &there) == 0) WEIR_TRY(sinks::sync_directory(directory));  // else it was taken away with all that was in it
  }
  if (!directories.empty() && files_.empty()) ::rmdir(hidden().c_str());  // nobody needs it now, if it is empty
  return {};
}

}  // namespace weir
