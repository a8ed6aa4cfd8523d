#include "actors/partition/open_state.h"

#include "actors/partition/store_reader.h"
#include "runtime/base/invariant.h"
#include "runtime/engine/letters.h"
#include "runtime/engine/parked_state.h"
#include "runtime/engine/view_key.h"

namespace weir {

namespace {

Result<void> read_ids(const StateReader& stored, const PartitionSetup& setup, DedupeIndex& index) {
  const auto nothing = [](std::uint64_t, const DedupeBlock&) -> Result<void> { return {}; };
  WEIR_ASSIGN(const auto numbers, read_dedupe_blocks(stored, setup.remember, nothing));
  WEIR_TRY(index.restore(numbers));
  WEIR_ASSIGN(const auto again, read_dedupe_blocks(stored, setup.remember, [&index](std::uint64_t first, const DedupeBlock& block) {
                return index.add_block(first, block);
              }));
  INVARIANT(again.end() == numbers.end(), "a snapshot of the store does not change");
  return {};
}

Result<void> read_open_letters(const StateReader& stored, DedupeIndex& index) {
  Result<void> good;
  WEIR_TRY(stored.scan(std::string(1, key_space::letter), std::string(1, key_space::letter + 1), [&](std::string_view, std::string_view bytes) {
    const auto letter = decode_letter(bytes);
    if (!letter) {
      good = fail(letter.error());
      return false;
    }
    if (!letter->conflict) index.add_open_letter(letter->id);
    return true;
  }));
  return good;
}

}  // namespace

Result<OpenedState> open_partition_state(const PartitionSetup& setup, DedupeIndex& index, RetrySet& retries) {
  OpenedState opened{std::make_shared<ViewsSetup>(), {}};
  ViewsSetup& views = *opened.views;
  views.partition = setup.partition;
  views.dedupe = std::make_unique<DedupeLog>(setup.remember);
  PartitionStateOptions options;
  options.partition = setup.partition;
  options.delta_bytes_max = setup.delta_bytes_max;
  options.log_id = setup.log->log_id();
  options.marks = setup.marks;
  views.state = std::make_unique<PartitionState>(options, *setup.views, *setup.store);
  views.state->join(*views.dedupe);
  views.biography = std::make_unique<BiographyIndex>(setup.biography);
  views.state->join(*views.biography);
  WEIR_ASSIGN(opened.views_through, views.state->recover(setup.log->status(setup.partition).output_begin));

  WEIR_ASSIGN(const auto stored, setup.store->snapshot());
  WEIR_TRY(read_ids(*stored, setup, index));
  WEIR_TRY(read_open_letters(*stored, index));
  WEIR_TRY(read_parked(*stored, retries));

  views.store = setup.store.get();
  views.keep = setup.keep;
  views.gauges = setup.gauges;
  views.extractor = setup.extractor();
  views.logbook = setup.logbook;
  return opened;
}

}  // namespace weir
