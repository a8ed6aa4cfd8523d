// One partition's part of a commit group, packed straight into the bytes that go to the journal: the body format of
// runtime/event/commit_body.h, without its builder. Ids lie inside the payloads, as the format allows.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/bytes.h"
#include "runtime/event/commit_body.h"

namespace weir::roofline {

class PackedOutput {
 public:
  /// The next packed batch, its first outcome at ingest offset `first`.
  void begin(std::uint64_t first, std::string_view source);
  /// Room for `bytes` more of the batch; what is written there is taken with taken().
  [[nodiscard]] char* room(std::size_t bytes) {
    bytes_.ensure(bytes);
    return bytes_.data() + bytes_.size();
  }
  void taken(std::size_t bytes) { static_cast<void>(bytes_.extend(bytes)); }

  /// `payload` bytes were taken last; the id stands `id_at` bytes into them.
  void served(const OutcomeEntry& head, std::size_t payload, std::size_t id_at, std::int64_t event_time);
  void duplicate(const OutcomeEntry& head, std::string_view id);
  void dead_letter(const OutcomeEntry& head, std::string_view original, std::size_t id_at, std::string_view stage,
                   std::string_view reason, std::string_view details, std::uint64_t line);
  void end();

  [[nodiscard]] bool empty() const noexcept { return batches_ == 0; }
  /// Bytes of all ended batches; they belong behind the head.
  [[nodiscard]] std::string_view bytes() const noexcept { return bytes_.view(); }
  /// The body's head. Valid until the next call.
  [[nodiscard]] std::string_view head(CommitMeta& meta);
  void clear();

 private:
  [[nodiscard]] std::uint32_t put(std::string_view text);
  [[nodiscard]] std::uint32_t here() const noexcept { return static_cast<std::uint32_t>(bytes_.size() - area_); }
  ByteArena bytes_{4 * 1024 * 1024};
  std::string head_;
  std::vector<OutcomeEntry> outcomes_;
  std::vector<RecordEntry> records_;
  std::vector<LetterEntry> letters_;
  std::uint64_t first_ = 0;
  std::size_t area_ = 0;
  std::uint32_t source_ = 0;
  std::uint16_t source_length_ = 0;
  std::uint32_t batches_ = 0;
};

}  // namespace weir::roofline
