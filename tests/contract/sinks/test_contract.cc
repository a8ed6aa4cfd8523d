// What every target that hides, every one that does not, and every store of cursors promises.
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <set>

#include "runtime/adapters/memory/memory_sink.h"
#include "runtime/adapters/sink_files/cursor_files.h"
#include "runtime/adapters/sink_files/files_target.h"
#include "runtime/adapters/sink_files/stdout_target.h"
#include "tests/support/catch.h"
#include "tests/unit/data_directory/scratch.h"

using namespace weir;
namespace fs = std::filesystem;
using weir::test::Scratch;

namespace {

/// Texts into folders: "kind=a:{...}".
std::shared_ptr<const SinkBatch> batch_of(const std::vector<std::pair<std::string, std::string>>& items, std::string header = {}) {
  auto batch = std::make_shared<SinkBatch>();
  auto keep = std::make_shared<const std::vector<std::pair<std::string, std::string>>>(items);
  for (const auto& [folder, text] : *keep) batch->items.push_back({text, text, folder});
  batch->keep = keep;
  batch->header = std::move(header);
  return batch;
}

SinkAnswer sent(SinkTarget& target, const std::shared_ptr<const SinkBatch>& batch) {
  std::optional<SinkAnswer> answer;
  target.send(batch, [&](SinkAnswer given) { answer = std::move(given); });
  REQUIRE(answer);
  return *answer;
}

/// One kind of target that hides, its life after life on the same store, and what somebody sees from outside.
struct Hiding {
  std::string name;
  std::function<std::unique_ptr<SinkTarget>()> make;
  std::function<std::multiset<std::string>()> seen;
};

std::multiset<std::string> lines_below(const std::string& directory) {
  std::multiset<std::string> lines;
  for (auto at = fs::recursive_directory_iterator(directory); at != fs::recursive_directory_iterator(); ++at) {
    if (at->path().filename().string().starts_with('.')) {
      at.disable_recursion_pending();
      continue;
    }
    if (!at->is_regular_file()) continue;
    std::ifstream in(at->path());
    for (std::string line; std::getline(in, line);) lines.insert(line);
  }
  return lines;
}

FilesTargetOptions options(const std::string& directory, std::uint32_t open_max = 64) {
  FilesTargetOptions options;
  options.directory = directory + "/out";
  options.partition = PartitionId{3};
  options.log_id = {0, 0xabcdef0123456789};
  options.open_max = open_max;
  return options;
}

std::vector<Hiding> all_hiding(const Scratch& scratch, const std::shared_ptr<MemorySinkStore>& memory) {
  memory->hides = true;
  return {{"files", [path = scratch.path()] { return std::make_unique<FilesTarget>(options(path)); }, [path = scratch.path()] { return lines_below(path); }},
          {"memory", [memory] { return std::make_unique<MemorySinkTarget>(memory); },
           [memory] { return std::multiset<std::string>(memory->shown.begin(), memory->shown.end()); }}};
}

using Lines = std::multiset<std::string>;

}  // namespace

TEST_CASE("what is sent shows when it is published, whole, and once however often that is said", "[sink]") {
  const Scratch scratch;
  for (const Hiding& kind : all_hiding(scratch, std::make_shared<MemorySinkStore>())) {
    INFO(kind.name);
    const auto target = kind.make();
    CHECK(target->hides());
    REQUIRE(target->open(""));
    CHECK(sent(*target, batch_of({{"", "1"}, {"k=a", "2"}})).kind == SinkAnswer::Kind::taken);
    CHECK(sent(*target, batch_of({{"k=a", "3"}, {"k=b", "4"}})).kind == SinkAnswer::Kind::taken);
    CHECK(kind.seen().empty());
    const std::string state = target->prepare().value();
    CHECK(kind.seen().empty());
    REQUIRE(target->publish(state));
    CHECK(kind.seen() == Lines{"1", "2", "3", "4"});
    REQUIRE(target->publish(state));
    REQUIRE(kind.make()->open(state));
    CHECK(kind.seen() == Lines{"1", "2", "3", "4"});
    sent(*target, batch_of({{"k=a", "5"}}));
    REQUIRE(target->publish(target->prepare().value()));
    CHECK(kind.seen() == Lines{"1", "2", "3", "4", "5"});
  }
}

TEST_CASE("a life that ends before it published is brought to its end by the next one, by what the cursor says", "[sink]") {
  const Scratch scratch;
  for (const Hiding& kind : all_hiding(scratch, std::make_shared<MemorySinkStore>())) {
    INFO(kind.name);
    auto target = kind.make();
    REQUIRE(target->open(""));
    sent(*target, batch_of({{"", "1"}, {"k=a", "2"}}));
    const std::string state = target->prepare().value();
    sent(*target, batch_of({{"", "lost"}}));
    target = kind.make();
    REQUIRE(target->open(state));  // the cursor was stored
    CHECK(kind.seen() == Lines{"1", "2"});
    sent(*target, batch_of({{"", "3"}}));
    static_cast<void>(target->prepare().value());
    target = kind.make();
    REQUIRE(target->open(state));  // and this time it was not
    CHECK(kind.seen() == Lines{"1", "2"});
    sent(*target, batch_of({{"", "3"}}));
    REQUIRE(target->publish(target->prepare().value()));
    CHECK(kind.seen() == Lines{"1", "2", "3"});
  }
}

TEST_CASE("files have names that sort by number, the header first, and nothing beside them in the end", "[sink]") {
  const Scratch scratch;
  FilesTargetOptions csv = options(scratch.path());
  csv.csv = true;
  FilesTarget target(csv);
  REQUIRE(target.open(""));
  for (int i = 0; i < 11; ++i) {
    sent(target, batch_of({{"", std::to_string(i)}, {"", "x"}}, "h"));
    REQUIRE(target.publish(target.prepare().value()));
  }
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(csv.directory)) names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  REQUIRE(names.size() == 11);
  CHECK(names.front() == "part-0003-00000001-abcdef01.csv");
  CHECK(names.back() == "part-0003-00000011-abcdef01.csv");
  std::ifstream in(csv.directory + "/" + names.back());
  CHECK(std::string(std::istreambuf_iterator<char>(in), {}) == "h\n10\nx\n");
}

TEST_CASE("with more folders than may be open, each record is in its file all the same, and the target asks to be published", "[sink]") {
  const Scratch scratch;
  FilesTarget target(options(scratch.path(), 2));
  REQUIRE(target.open(""));
  Lines expected;
  for (int round = 0; round < 3; ++round) {
    std::vector<std::pair<std::string, std::string>> items;
    for (int folder = 0; folder < 7; ++folder) {
      items.emplace_back("k=" + std::to_string(folder), std::to_string(round * 10 + folder));
      expected.insert(items.back().second);
    }
    CHECK(sent(target, batch_of(items)).kind == SinkAnswer::Kind::full);
  }
  REQUIRE(target.publish(target.prepare().value()));
  CHECK(lines_below(scratch.path()) == expected);
}

TEST_CASE("files that were published and taken away are nobody's concern; a stranger's file is not written over", "[sink]") {
  const Scratch scratch;
  FilesTarget target(options(scratch.path()));
  REQUIRE(target.open(""));
  sent(target, batch_of({{"k=a", "1"}}));
  const std::string state = target.prepare().value();
  REQUIRE(target.publish(state));
  fs::remove_all(scratch.path() + "/out/k=a");
  REQUIRE(FilesTarget(options(scratch.path())).open(state));
  fs::create_directories(scratch.path() + "/out/k=b");
  std::ofstream(scratch.path() + "/out/k=b/part-0003-00000002-abcdef01.ndjson") << "theirs\n";
  sent(target, batch_of({{"k=b", "2"}}));
  const auto published = target.publish(target.prepare().value());
  REQUIRE_FALSE(published);
  CHECK(published.error().context.find("is there already") != std::string::npos);
  CHECK(lines_below(scratch.path()) == Lines{"theirs"});
}

TEST_CASE("what cannot be written fails and says where, and is whole when it can be", "[sink]") {
  if (::geteuid() == 0) return;  // nothing is forbidden to root
  const Scratch scratch;
  FilesTarget target(options(scratch.path()));
  REQUIRE(target.open(""));
  sent(target, batch_of({{"k=a", "1"}}));
  fs::permissions(scratch.path() + "/out/.weir", fs::perms::owner_read | fs::perms::owner_exec);
  const SinkAnswer answer = sent(target, batch_of({{"k=a", "2"}, {"k=b", "3"}}));
  CHECK(answer.kind == SinkAnswer::Kind::failed);
  CHECK(answer.reason.find("/out/.weir/part-0003-00000001-abcdef01-2.tmp") != std::string::npos);
  fs::permissions(scratch.path() + "/out/.weir", fs::perms::owner_all);
  CHECK(sent(target, batch_of({{"k=a", "2"}, {"k=b", "3"}})).kind == SinkAnswer::Kind::taken);
  REQUIRE(target.publish(target.prepare().value()));
  CHECK(lines_below(scratch.path()) == Lines{"1", "2", "3"});
}

TEST_CASE("what a cursor says of files is read whole, or is damage", "[sink]") {
  const Scratch scratch;
  for (const char* bad : {"roll", "roll x\n", "roll 1\n1", "roll 1\nx y\n", "1 a\n"}) {
    INFO(bad);
    const auto opened = FilesTarget(options(scratch.path())).open(bad);
    REQUIRE_FALSE(opened);
    CHECK(opened.error().code == Errc::state_damaged);
  }
}

TEST_CASE("a target that does not hide shows at once, in order", "[sink]") {
  auto memory = std::make_shared<MemorySinkStore>();
  int pipe[2];
  REQUIRE(::pipe(pipe) == 0);
  auto stream = std::make_shared<StdoutStream>();
  stream->descriptor = pipe[1];
  stream->csv = true;
  MemorySinkTarget in_memory(memory);
  StdoutTarget lines(stream), other_partition(stream);
  for (SinkTarget* target : std::initializer_list<SinkTarget*>{&in_memory, &lines}) {
    CHECK_FALSE(target->hides());
    REQUIRE(target->open(""));
    CHECK(sent(*target, batch_of({{"", "1"}, {"", "2"}}, "h")).kind == SinkAnswer::Kind::taken);
  }
  CHECK(sent(other_partition, batch_of({{"", "3"}}, "h")).kind == SinkAnswer::Kind::taken);
  CHECK(memory->shown == std::vector<std::string>{"1", "2"});
  char text[64];
  const ssize_t got = ::read(pipe[0], text, sizeof text);
  CHECK(std::string(text, static_cast<std::size_t>(got)) == "h\n1\n2\n3\n");
  // Nobody reads: it gives up when the process wants to end.
  stream->closing.store(true);
  CHECK(sent(lines, batch_of({{"", std::string(1 << 20, 'x')}}, "h")).kind == SinkAnswer::Kind::failed);
  ::close(pipe[0]);
  ::close(pipe[1]);
}

TEST_CASE("cursors are there when they were stored, for each sink and partition, and gone with their sink", "[sink]") {
  const Scratch scratch;
  SinkCursorFiles files(scratch.path() + "/deep/sinks");
  MemorySinkCursors memory;
  for (SinkCursors* cursors : std::initializer_list<SinkCursors*>{&files, &memory}) {
    CHECK_FALSE(cursors->load("a", PartitionId{0}).value());
    CHECK(cursors->sinks()->empty());
    CHECK(cursors->remove("a").error().code == Errc::not_found);
    SinkCursor cursor;
    cursor.records = 7;
    cursor.state = "x\ny";
    REQUIRE(cursors->store("b", PartitionId{1}, cursor));
    REQUIRE(cursors->store("a", PartitionId{0}, {}));
    cursor.records = 8;
    REQUIRE(cursors->store("b", PartitionId{1}, cursor));
    CHECK(cursors->load("b", PartitionId{1}).value() == cursor);
    CHECK_FALSE(cursors->load("b", PartitionId{0}).value());
    CHECK(cursors->sinks().value() == std::vector<std::string>{"a", "b"});
    REQUIRE(cursors->remove("b"));
    CHECK(cursors->sinks().value() == std::vector<std::string>{"a"});
    CHECK_FALSE(cursors->load("b", PartitionId{1}).value());
  }
  std::ofstream(scratch.path() + "/deep/sinks/a/0") << "nonsense";
  CHECK(files.load("a", PartitionId{0}).error().code == Errc::state_damaged);
}
