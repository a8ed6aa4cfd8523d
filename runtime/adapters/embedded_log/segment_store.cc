#include "runtime/adapters/embedded_log/segment_store.h"

#include <algorithm>
#include <charconv>
#include <optional>

namespace weir::journal {

namespace {

std::optional<std::uint64_t> number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code != std::errc{} || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return value;
}

std::optional<std::string_view> after(std::string_view name, std::string_view prefix) {
  if (!name.starts_with(prefix)) return std::nullopt;
  return name.substr(prefix.size());
}

std::optional<CarryName> parse_carry(std::string_view rest) {
  const std::size_t dash = rest.find('-');
  if (dash == std::string_view::npos) return std::nullopt;
  const auto partition = number(rest.substr(0, dash));
  const auto generation = number(rest.substr(dash + 1));
  if (!partition || !generation) return std::nullopt;
  return CarryName{static_cast<std::uint32_t>(*partition), *generation};
}

class FileSegmentBytes final : public SegmentBytes {
 public:
  FileSegmentBytes(std::unique_ptr<File> file, std::uint64_t size, std::string name)
      : file_(std::move(file)), size_(size), name_(std::move(name)) {}
  std::uint64_t size() const override { return size_; }
  std::string name() const override { return name_; }
  Result<std::string_view> read(std::uint64_t place, std::size_t bytes) override {
    // The window serves the many small reads of headers that lie close together.
    const std::uint64_t end = std::min<std::uint64_t>(place + bytes, size_);
    if (place < window_place_ || end > window_place_ + window_bytes_) {
      const std::size_t wanted = align_up(std::max<std::size_t>(bytes, kWindow), kFrameAlign);
      window_bytes_ = 0;
      WEIR_ASSIGN(window_bytes_, read_all(*file_, buffer_.grow(wanted), wanted, place));
      window_place_ = place;
    }
    if (place >= window_place_ + window_bytes_) return std::string_view();
    const std::size_t skip = place - window_place_;
    return std::string_view(buffer_.data() + skip, std::min(bytes, window_bytes_ - skip));
  }

 private:
  static constexpr std::size_t kWindow = 16 * 1024;
  std::unique_ptr<File> file_;
  std::uint64_t size_;
  std::string name_;
  AlignedBuffer buffer_;
  std::uint64_t window_place_ = 0;
  std::size_t window_bytes_ = 0;
};

}  // namespace

std::string SegmentStore::segment_name(std::uint64_t generation) {
  return fmt::format("segment-{:012}", generation);
}
std::string SegmentStore::carry_name(const CarryName& name) {
  return fmt::format("carry-{}-{:012}", name.partition, name.generation);
}

Result<StoreListing> SegmentStore::list() {
  WEIR_ASSIGN(const std::vector<std::string> names, files_.list(options_.directory));
  StoreListing listing;
  for (const std::string& name : names) {
    if (const auto rest = after(name, "segment-")) {
      if (const auto generation = number(*rest)) listing.segments.push_back(*generation);
    } else if (const auto carry = after(name, "carry-")) {
      if (const auto parsed = parse_carry(*carry)) listing.carries.push_back(*parsed);
    } else if (name.starts_with("spare-")) {
      listing.spares.push_back(name);
    } else if (name == "index") {
      listing.checkpoint = true;
    }
  }
  std::sort(listing.segments.begin(), listing.segments.end());
  std::sort(listing.carries.begin(), listing.carries.end());
  std::sort(listing.spares.begin(), listing.spares.end());
  return listing;
}

Result<void> SegmentStore::adopt_spares(const StoreListing& listing) {
  for (const std::string& name : listing.spares) {
    if (const auto value = number(std::string_view(name).substr(6))) spare_number_ = std::max(spare_number_, *value);
    std::uint64_t size = 0;
    {
      WEIR_ASSIGN(const auto file, files_.open(path(name), OpenMode::read));
      WEIR_ASSIGN(size, file->size());
    }
    if (size == options_.segment_bytes && spares_.size() < options_.spares_max) {
      spares_.push_back(name);
    } else {
      WEIR_TRY(files_.unlink(path(name)));
    }
  }
  return {};
}

std::string SegmentStore::fresh_spare_name() {
  return fmt::format("spare-{:06}", ++spare_number_);
}

Result<void> SegmentStore::prepare_spare() {
  if (!spares_.empty()) return {};
  const std::string name = fresh_spare_name();
  const auto make = [&]() -> Result<void> {
    WEIR_ASSIGN(const auto file, files_.open(path(name), OpenMode::write_buffered));
    WEIR_TRY(file->allocate(options_.segment_bytes));
    return file->sync();
  };
  if (auto made = make(); !made) {
    static_cast<void>(files_.unlink(path(name)));  // the first error is the one to tell
    return made;
  }
  spares_.push_back(name);
  return {};
}

Result<std::unique_ptr<File>> SegmentStore::begin(std::uint64_t generation, std::uint64_t bytes, std::uint64_t& size) {
  const std::string name = path(segment_name(generation));
  const OpenMode mode = options_.direct ? OpenMode::write_direct : OpenMode::write_buffered;
  size = std::max(bytes, options_.segment_bytes);
  if (size == options_.segment_bytes) {
    WEIR_TRY(prepare_spare());
    WEIR_TRY(files_.rename(path(spares_.back()), name));
    spares_.pop_back();
    // Before any frame in it counts, the file must be found under its name after a crash.
    WEIR_TRY(files_.sync_directory(options_.directory));
    return files_.open(name, mode);
  }
  // A group larger than a segment gets a file of its own size, removed instead of recycled.
  WEIR_ASSIGN(auto file, files_.open(name, mode));
  if (auto allocated = file->allocate(size); !allocated) {
    static_cast<void>(files_.unlink(name));
    return fail(std::move(allocated.error()));
  }
  WEIR_TRY(files_.sync_directory(options_.directory));
  return file;
}

Result<bool> SegmentStore::retire(std::uint64_t generation) {
  const std::string name = segment_name(generation);
  {
    const std::scoped_lock lock(readers_mutex_);
    const auto reader = readers_.find(name);
    if (reader != readers_.end()) {
      if (reader->second.use_count() > 1) return false;
      readers_.erase(reader);
    }
  }
  std::uint64_t size = 0;
  {
    WEIR_ASSIGN(const auto file, files_.open(path(name), OpenMode::read));
    WEIR_ASSIGN(size, file->size());
  }
  if (size == options_.segment_bytes && spares_.size() < options_.spares_max) {
    const std::string spare = fresh_spare_name();
    WEIR_TRY(files_.rename(path(name), path(spare)));
    spares_.push_back(spare);
  } else {
    WEIR_TRY(files_.unlink(path(name)));
  }
  WEIR_TRY(files_.sync_directory(options_.directory));
  return true;
}

Result<void> SegmentStore::remove_carry(const CarryName& name) {
  {
    const std::scoped_lock lock(readers_mutex_);
    readers_.erase(carry_name(name));
  }
  return files_.unlink(path(carry_name(name)));
}

Result<std::shared_ptr<File>> SegmentStore::reader(std::uint64_t generation, bool carried, std::uint32_t partition) {
  const std::string name = carried ? carry_name({partition, generation}) : segment_name(generation);
  const std::scoped_lock lock(readers_mutex_);
  if (const auto known = readers_.find(name); known != readers_.end()) return known->second;
  WEIR_ASSIGN(auto file, files_.open(path(name), OpenMode::read));
  std::shared_ptr<File> shared = std::move(file);
  readers_.emplace(name, shared);
  return shared;
}

Result<std::unique_ptr<SegmentBytes>> SegmentStore::verifier(const std::string& name) {
  WEIR_ASSIGN(auto file, files_.open(path(name), options_.direct ? OpenMode::read_direct : OpenMode::read));
  WEIR_ASSIGN(const std::uint64_t size, file->size());
  std::unique_ptr<SegmentBytes> bytes = std::make_unique<FileSegmentBytes>(std::move(file), size, name);
  return bytes;
}

}  // namespace weir::journal
