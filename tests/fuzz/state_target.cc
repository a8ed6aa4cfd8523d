// Bytes from a state, and those that a client or a file brings back: values of views, blocks of ids, letters, cursors,
// identities, tokens, manifests and ids of snapshots, progress marks. Damaged ones are named, never trusted.
#include "actors/doors/source_position.h"
#include "runtime/engine/dedupe_block.h"
#include "runtime/engine/letters.h"
#include "runtime/engine/parked_state.h"
#include "runtime/engine/read_token.h"
#include "runtime/engine/view_value.h"
#include "runtime/event/data_identity.h"
#include "runtime/event/snapshot_manifest.h"
#include "runtime/event/state_cursor.h"
#include "tests/fuzz/target.h"

namespace weir::fuzz {

namespace {

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
  if (const auto letter = decode_letter(input)) {
    const std::string again = encode_letter(*letter);
    const auto twice = decode_letter(again);
    promise(twice && twice->id == letter->id && twice->letter.original == letter->letter.original &&
                encode_letter(*twice) == again,
            "a letter that is written again is the same");
  }
  if (const auto parked = decode_parked(Offset{7}, input)) {
    const std::string again = encode_parked(*parked);
    const auto twice = decode_parked(Offset{7}, again);
    promise(twice && twice->original == parked->original && twice->key == parked->key && encode_parked(*twice) == again,
            "a parked event that is written again is the same");
  }
}

}  // namespace

void run(std::string_view input) {
  if (input.empty()) return;
  // The first byte chooses, so that seeds of one kind stay of that kind.
  const Padded bytes(input.substr(1));
  switch (static_cast<unsigned char>(input.front()) % 4) {
    case 0:
      return check_values(bytes.view());
    case 1: {
      if (const auto token = ReadToken::decode(bytes.view()))
        promise(token->encode() == bytes.view(), "a token has one text");
      return;
    }
    case 2: {
      if (const auto cursor = StateCursor::decode(bytes.view())) static_cast<void>(cursor->encode());
      return;
    }
    default:
      static_cast<void>(DataIdentity::decode(bytes.view()));
      if (const auto manifest = SnapshotManifest::decode(bytes.view())) promise(SnapshotManifest::decode(manifest->encode()) == *manifest, "a manifest that is written again is the same");
      if (const auto name = parse_snapshot_id(bytes.view())) promise(bytes.view().starts_with(fmt::format("{}-{}-", name->partition.value, name->sequence.value)), "an id has one text");
      if (const auto progress = parse_progress(bytes.view()))
        promise(parse_progress(write_progress(*progress)).has_value(), "a place that was read can be written");
  }
}

}  // namespace weir::fuzz
