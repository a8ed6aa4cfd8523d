// Each deliberate defect of a snapshot store breaks the promise it is named after, where the same steps without it keep the promise.
#include "runtime/base/fail_point.h"
#include "tests/contract/snapshot_store/benches.h"
#include "tests/support/catch.h"

using namespace weir;
using namespace weir::test;

namespace {

/// Switched on for one scope.
class Defect {
 public:
  explicit Defect(const char* name) { faults::set_defect(name); }
  ~Defect() { faults::set_defect(""); }
  Defect(const Defect&) = delete;
  Defect& operator=(const Defect&) = delete;
};

SnapshotManifest manifest() {
  SnapshotManifest manifest;
  manifest.pipeline = "shop";
  manifest.sequence = CommitSequence{1};
  manifest.committed = Offset{10};
  return manifest;
}

MemoryFolder two_files() {
  MemoryFolder folder;
  folder.content = {{"a", std::string(5'000, 'a')}, {"b", "b"}};
  return folder;
}

/// Everything that is listed, and whole as it is listed, can be restored.
bool all_restored(SnapshotStore& store) {
  const std::vector<StoredSnapshot> listed = store.list(PartitionId{0}).value();
  for (const StoredSnapshot& one : listed) {
    MemoryFolder out;
    if (!one.trouble.empty() || !store.restore(one.id, out)) return false;
  }
  return true;
}

}  // namespace

TEST_CASE("snapshot_files_unsynced lists what a power cut has taken the files of", "[defects]") {
  const bool on = GENERATE(false, true);
  const Defect defect(on ? "snapshot_files_unsynced" : "");
  std::uint64_t cuts = 0, broken = 0;
  for (bool through = false; !through;) {
    DirectoryKeepsNothing bench;
    auto store = bench.open();
    bench.crash_at(++cuts);
    through = store->publish(manifest(), two_files()).has_value();
    bench.reboot();
    broken += all_restored(*bench.open()) ? 0 : 1;
  }
  CHECK(cuts > 5);
  CHECK((broken != 0) == on);
}

TEMPLATE_TEST_CASE("restore_unverified hands out a damaged file as good", "[defects]", MemorySnapshotBench, DirectoryKeepsAll) {
  const bool on = GENERATE(false, true);
  const Defect defect(on ? "restore_unverified" : "");
  TestType bench;
  const auto store = bench.open();
  const std::string id = store->publish(manifest(), two_files()).value();
  for (const std::string& content : bench.contents()) bench.flip(content, bench.size(content) / 2, 3);
  MemoryFolder out;
  const auto restored = store->restore(id, out);
  CHECK(restored.has_value() == on);
  if (!on) CHECK(restored.error().code == Errc::state_damaged);
}
