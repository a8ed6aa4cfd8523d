#include "runtime/base/invariant.h"
#include "runtime/event/chain_batch.h"
#include "runtime/event/stage.h"
#include "tests/support/catch.h"

using namespace weir;

namespace {
IngestBatch three_events() {
  IngestBatchBuilder builder;
  for (const std::string_view id : {"a", "b", "c"}) builder.add({R"({"x":1})", id, 0, {}, 1});
  IngestHeader header;
  header.accepted_at = 77;
  return IngestBatch::decode(builder.finish(header)).value();
}
}  // namespace

TEST_CASE("a chain batch holds the events that were let through, in order, until it begins again", "[chain_batch]") {
  ChainBatch batch;
  batch.begin(three_events(), PartitionId{3});
  batch.add(0);
  batch.add(2);
  REQUIRE(batch.events().size() == 2);
  CHECK(batch.raw(batch.events()[1]).id == "c");
  CHECK(batch.events()[1].event_time == 77);
  CHECK_THROWS_AS(batch.add(1), InvariantError);
  CHECK_THROWS_AS(batch.add(3), InvariantError);
  batch.begin(three_events(), PartitionId{4});
  CHECK(batch.events().empty());
  CHECK(batch.partition() == PartitionId{4});
}

TEST_CASE("a rejection carries stage, reason and its details as a JSON array", "[chain_batch]") {
  ChainBatch batch;
  batch.begin(three_events(), PartitionId{0});
  batch.add(0);
  batch.add(1);
  const std::vector<std::string_view> details{"Quantity: 0 is not above 0", "Name: \"x\" is no number"};
  batch.reject(batch.events()[0], "validate", "field_range", details);
  batch.retry(batch.events()[1], "enrich", "lookup", "later");
  CHECK(batch.events()[0].verdict == Verdict::reject);
  CHECK(batch.events()[0].rejection->stage == "validate");
  CHECK(batch.events()[0].rejection->reason == "field_range");
  CHECK(batch.events()[0].rejection->details == R"(["Quantity: 0 is not above 0","Name: \"x\" is no number"])");
  CHECK(batch.events()[1].verdict == Verdict::retry);
  CHECK(batch.events()[1].rejection->details == R"(["later"])");
}

TEST_CASE("a retry says when it makes sense, and a batch what its event has behind it", "[chain_batch]") {
  ChainBatch batch;
  batch.begin(three_events(), PartitionId{0}, Offset{7}, {3, 1'000});
  batch.add(0);
  batch.add(1);
  CHECK(batch.history().attempts == 3);
  CHECK(batch.history().first_at == 1'000);
  batch.retry(batch.events()[0], "enrich", "lookup", "later", {5'000, false});
  batch.retry(batch.events()[1], "enrich", "lookup", "later");
  CHECK(batch.events()[0].rejection->retry.not_before == 5'000);
  CHECK_FALSE(batch.events()[0].rejection->retry.attempted);
  CHECK(batch.events()[1].rejection->retry.not_before == 0);
  CHECK(batch.events()[1].rejection->retry.attempted);
  batch.begin(three_events(), PartitionId{0});
  CHECK(batch.history().attempts == 0);
}

TEST_CASE("the arena keeps its blocks between batches and gives huge ones back", "[chain_batch]") {
  ChainArena arena;
  for (int i = 0; i < 1000; ++i) (void)arena.take(1000);
  const std::size_t grown = arena.capacity();
  arena.clear();
  CHECK(arena.capacity() == grown);
  for (int i = 0; i < 1000; ++i) (void)arena.take(1000);
  CHECK(arena.capacity() == grown);
  (void)arena.take(20'000'000);
  arena.clear();
  CHECK(arena.capacity() <= 8 * 1024 * 1024);
}
