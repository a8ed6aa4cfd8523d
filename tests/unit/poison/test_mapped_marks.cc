// Processes that die in a stage, and what the next one reads of it.
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>

#include "runtime/adapters/system/mapped_marks.h"
#include "tests/support/catch.h"
#include "tests/unit/config/files.h"

using namespace weir;

namespace {

/// What `life` left behind, and how it ended. It runs in a process of its own.
struct Ended {
  int signal = 0;
  std::vector<FormerMark> marks;
  std::uint64_t life = 0;
  std::uint64_t end = 0;
};
Ended die(const std::string& file, const std::function<void(MappedMarks&)>& life) {
  const pid_t child = ::fork();
  if (child == 0) {
    const rlimit none{0, 0};
    ::setrlimit(RLIMIT_CORE, &none);
    auto marks = MappedMarks::open(file, 4);
    if (!marks) ::_exit(9);
    (*marks)->begin((*marks)->former_life() + 1);
    life(**marks);
    ::_exit(0);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  const auto marks = MappedMarks::open(file, 4);
  REQUIRE(marks);
  return {WIFSIGNALED(status) ? WTERMSIG(status) : 0, (*marks)->former(), (*marks)->former_life(), (*marks)->former_end()};
}

[[gnu::noinline]] int overflow(volatile int* deeper) {
  volatile int here = *deeper + 1;
  return *deeper < 0 ? 0 : overflow(&here) + here;
}

}  // namespace

TEST_CASE("a process that dies of a signal leaves the event that its thread had, with the signal", "[marks]") {
  ScratchFolder folder;
  const std::string file = folder.write("x", "") + ".marks";
  for (const int number : {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT}) {
    const Ended ended = die(file, [number](MappedMarks& marks) {
      const auto bystander = marks.take(PartitionId{1}, "validate");
      const auto guilty = marks.take(PartitionId{2}, "fraud_score");
      bystander->enter(Offset{10}, 512, 7);
      guilty->enter(Offset{41}, 1, 8);
      guilty->enter(Offset{42}, 1, 9);
      marks.on_this_thread(guilty.get());
      ::raise(number);
    });
    INFO("signal " << number);
    CHECK(ended.signal == number);
    REQUIRE(ended.marks.size() == 2);
    CHECK(ended.marks[0].cause == 0);
    CHECK(ended.marks[0].stage == "validate");
    CHECK(ended.marks[0].inside.count == 512);
    CHECK(ended.marks[1].cause == static_cast<std::uint64_t>(number));
    CHECK(ended.marks[1].partition == PartitionId{2});
    CHECK(ended.marks[1].stage == "fraud_score");
    CHECK(ended.marks[1].inside.first == Offset{42});
    CHECK(ended.marks[1].inside.count == 1);
    CHECK(ended.marks[1].inside.fingerprint == 9);
  }
}

TEST_CASE("a stack that runs over is noted, too", "[marks]") {
  ScratchFolder folder;
  const Ended ended = die(folder.write("x", "") + ".marks", [](MappedMarks& marks) {
    const auto guilty = marks.take(PartitionId{0}, "deep");
    guilty->enter(Offset{3}, 1, 9);
    marks.on_this_thread(guilty.get());
    volatile int first = 0;
    overflow(&first);
  });
  CHECK(ended.signal == SIGSEGV);
  REQUIRE(ended.marks.size() == 1);
  CHECK(ended.marks[0].cause == SIGSEGV);
}

TEST_CASE("a process that is killed leaves who was inside, and no cause", "[marks]") {
  ScratchFolder folder;
  const Ended ended = die(folder.write("x", "") + ".marks", [](MappedMarks& marks) {
    const auto inside = marks.take(PartitionId{0}, "validate");
    const auto outside = marks.take(PartitionId{1}, "validate");
    inside->enter(Offset{3}, 1, 9);
    outside->enter(Offset{4}, 1, 9);
    outside->leave();
    ::raise(SIGKILL);
  });
  CHECK(ended.signal == SIGKILL);
  REQUIRE(ended.marks.size() == 1);
  CHECK(ended.marks[0].cause == 0);
  CHECK(ended.marks[0].inside.first == Offset{3});
}

TEST_CASE("stages that have gone leave nothing, and every life has another number", "[marks]") {
  ScratchFolder folder;
  const std::string file = folder.write("x", "") + ".marks";
  const auto orderly = [](MappedMarks& marks) {
    for (int i = 0; i < 100; ++i) {  // far more than there are slots, one after another
      const auto mark = marks.take(PartitionId{0}, "validate");
      mark->enter(Offset{3}, 1, 9);
    }
  };
  const Ended first = die(file, orderly);
  CHECK(first.marks.empty());
  CHECK(die(file, orderly).life == first.life + 1);
}

TEST_CASE("where every slot is taken a stage gets a mark that does not outlive the process", "[marks]") {
  ScratchFolder folder;
  const Ended ended = die(folder.write("x", "") + ".marks", [](MappedMarks& marks) {
    std::vector<std::shared_ptr<CodeMark>> held;
    for (std::uint32_t p = 0; p < 6; ++p) {
      held.push_back(marks.take(PartitionId{p}, "validate"));
      held.back()->enter(Offset{p}, 1, p);
    }
    ::raise(SIGKILL);
  });
  CHECK(ended.marks.size() == 4);
}

TEST_CASE("a file that is none of ours, or of another format, says nothing and is written anew", "[marks]") {
  ScratchFolder folder;
  const std::string file = folder.write("m", std::string(10'000, 'x'));
  const auto marks = MappedMarks::open(file, 4);
  REQUIRE(marks);
  CHECK((*marks)->former().empty());
  (*marks)->begin(1);
  const auto mark = (*marks)->take(PartitionId{7}, std::string(100, 's'));
  mark->enter(Offset{1}, 1, 2);
  const auto working = (*marks)->working();
  REQUIRE(working.size() == 1);
  CHECK(working[0].partition == PartitionId{7});
  CHECK(working[0].stage == std::string(55, 's'));
}

TEST_CASE("a signal outside of any stage, and an end on purpose, are noted as the end of that life", "[marks]") {
  ScratchFolder folder;
  const std::string file = folder.write("x", "") + ".marks";
  const auto with_one_inside = [&](const std::function<void()>& then) {
    return die(file, [&](MappedMarks& marks) {
      const auto bystander = marks.take(PartitionId{0}, "validate");
      bystander->enter(Offset{3}, 1, 9);
      bystander->stayed(std::chrono::milliseconds(250), bystander->inside()->entries);
      then();
    });
  };
  const Ended crashed = with_one_inside([] { ::raise(SIGSEGV); });
  CHECK(crashed.signal == SIGSEGV);
  CHECK(crashed.end == SIGSEGV);
  REQUIRE(crashed.marks.size() == 1);
  CHECK(crashed.marks[0].cause == 0);
  CHECK(crashed.marks[0].stay == std::chrono::milliseconds(250));
  CHECK(with_one_inside([] { MappedMarks::ends_on_purpose(), ::_exit(130); }).end == MappedMarks::kOnPurpose);
  CHECK(with_one_inside([] { ::raise(SIGKILL); }).end == 0);
}

TEST_CASE("how long a call lasts is forgotten with the next one", "[marks]") {
  CodeMark mark;
  mark.enter(Offset{1}, 1, 1);
  mark.stayed(std::chrono::milliseconds(250), mark.inside()->entries);
  CHECK(mark.stay() == std::chrono::milliseconds(250));
  mark.enter(Offset{1}, 1, 1);
  CHECK(mark.stay() == std::chrono::milliseconds(0));
}
