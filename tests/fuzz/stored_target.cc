// Bytes from a disk: batches, commits, frames, checkpoints, state values, tokens. Damaged ones are named, never
// trusted.
#include "actors/doors/source_position.h"
#include "runtime/adapters/embedded_log/frame_codec.h"
#include "runtime/engine/dedupe_block.h"
#include "runtime/engine/letters.h"
#include "runtime/engine/read_token.h"
#include "runtime/engine/view_value.h"
#include "runtime/event/commit_body.h"
#include "runtime/event/data_identity.h"
#include "runtime/event/ingest_batch.h"
#include "runtime/event/state_cursor.h"
#include "tests/fuzz/target.h"

namespace weir::fuzz {

namespace {

void check_ingest(std::string_view input) {
  const auto batch = IngestBatch::decode(SharedBytes::copy_of(input));
  if (!batch) return;
  std::size_t bytes = 0;
  for (std::uint32_t i = 0; i < batch->count(); ++i) {
    const RawEvent event = batch->event(i);
    promise(!event.id.empty(), "an event has an id");
    for (const char c : event.raw) bytes += static_cast<unsigned char>(c) & 1u;
    for (const char c : event.note) bytes += static_cast<unsigned char>(c) & 1u;
  }
  promise(bytes <= input.size() * (batch->count() + 1), "bits are counted");
}

void check_commit(std::string_view input) {
  const auto body = CommitBody::decode(SharedBytes::copy_of(input));
  if (!body) return;
  for (const OutcomeBatch& batch : body->batches) {
    for (std::uint32_t i = 0; i < batch.outcomes(); ++i) static_cast<void>(batch.id(i).size());
    for (std::uint32_t i = 0; i < batch.records(); ++i)
      promise(batch.record(i).outcome_index < batch.outcomes(), "a record belongs to an outcome");
    for (std::uint32_t i = 0; i < batch.letters(); ++i)
      promise(batch.letter(i).outcome_index < batch.outcomes(), "a letter belongs to an outcome");
  }
}

void check_frame(std::string_view input) {
  if (input.size() < journal::kHeaderBytes) return;
  journal::FrameHeader header;
  if (journal::decode_header(input, header) != journal::HeaderFault::none) return;
  if (input.size() < journal::front_bytes(header.entries)) return;
  static_cast<void>(journal::decode_directory(header, input.substr(0, journal::front_bytes(header.entries))));
}

void check_values(std::string_view input) {
  if (const auto aggregate = AggregateView::read(input)) {
    for (std::size_t i = 0; i < aggregate->measures(); ++i) static_cast<void>(aggregate->token(i));
  }
  static_cast<void>(read_latest(input));
  const std::size_t half = input.size() / 2;
  std::string out;
  const ViewMerger merger;
  if (merger.merge("vk", input.substr(0, half), input.substr(half), out)) {
    std::string other;
    promise(merger.merge("vk", input.substr(half), input.substr(0, half), other) && out == other,
            "merging does not depend on the order");
  }
  if (const auto block = DedupeBlock::decode(input)) {
    for (std::size_t i = 0; i < block->size(); ++i) static_cast<void>(block->entry(i));
  }
  if (const auto letter = decode_letter(input))
    promise(!letter->id.empty() || letter->id.empty(), "a letter can be looked at");
}

}  // namespace

void run(std::string_view input) {
  if (input.empty()) return;
  // The first byte chooses, so that seeds of one kind stay of that kind.
  const std::string_view rest = input.substr(1);
  const Padded bytes(rest);
  switch (static_cast<unsigned char>(input.front()) % 7) {
    case 0:
      return check_ingest(bytes.view());
    case 1:
      return check_commit(bytes.view());
    case 2:
      return check_frame(bytes.view());
    case 3:
      return check_values(bytes.view());
    case 4: {
      if (const auto token = ReadToken::decode(bytes.view()))
        promise(token->encode() == bytes.view(), "a token has one text");
      return;
    }
    case 5: {
      if (const auto cursor = StateCursor::decode(bytes.view())) static_cast<void>(cursor->encode());
      return;
    }
    default:
      static_cast<void>(DataIdentity::decode(bytes.view()));
      static_cast<void>(parse_progress(bytes.view()));
  }
}

}  // namespace weir::fuzz
