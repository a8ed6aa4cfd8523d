// What only the store on a disk can get wrong: damage, missing files, locks, failing calls at every place.
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <set>
#include <thread>

#include "runtime/base/invariant.h"
#include "tests/contract/state_store/stores.h"
#include "tests/support/catch.h"

extern char** environ;

namespace weir::test {
namespace {

namespace fs = std::filesystem;

/// Where the child tells what it knows to be durable.
constexpr int kTold = 100;

std::string text(std::uint64_t n) {
  return std::to_string(n);
}

std::string read_file(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}
void write_file(const fs::path& path, const std::string& bytes) {
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

/// In place: writing a file anew would wait for the disk.
void write_byte(const fs::path& path, std::size_t at, char byte) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
  REQUIRE(::pwrite(fd, &byte, 1, static_cast<off_t>(at)) == 1);
  ::close(fd);
}

/// Fills a state with `flushes` overlapping flushes and closes it.
Model fill(RocksdbBench& bench, int flushes, int keys) {
  const auto store = bench.open();
  Model model;
  for (int f = 0; f < flushes; ++f) {
    Changes changes;
    for (int k = f; k < keys; k += 3)
      changes.merge("key " + text(static_cast<std::uint64_t>(k)), "[" + text(static_cast<std::uint64_t>(f)) + "]");
    changes.put("flush " + text(static_cast<std::uint64_t>(f)), std::string(50, 'x')).erase("key 1");
    REQUIRE(flush_now(*store, changes.flush("cursor " + text(static_cast<std::uint64_t>(f)))));
    changes.apply_to(model);
  }
  return model;
}

std::map<std::string, std::pair<std::uintmax_t, fs::file_time_type>> listing(const fs::path& directory) {
  std::map<std::string, std::pair<std::uintmax_t, fs::file_time_type>> files;
  for (const auto& entry : fs::directory_iterator(directory))
    files[entry.path().filename()] = {entry.file_size(), entry.last_write_time()};
  return files;
}

}  // namespace

TEST_CASE("a file system that cannot write past the page cache is written through it", "[rocksdb]") {
  for (const bool refuses : {true, false}) {
    RocksdbBench bench;
    if (refuses) bench.files().refuse_direct();
    const Model model = fill(bench, 3, 100);
    if (refuses) REQUIRE(bench.files().direct_files() == 0);
    const auto store = bench.open();
    REQUIRE(*everything(*store) == model);
    REQUIRE(store->verify());
  }
}

TEST_CASE("tables of any length are read back whole, also around the ends of what is written at once", "[rocksdb]") {
  RocksdbBench bench;
  Model model;
  {
    const auto store = bench.open();
    // A mebibyte at a time in pages of 4 KiB: values that end a few bytes before, at and behind such places.
    constexpr std::size_t kMiB = 1024 * 1024;
    for (const std::size_t bytes : {std::size_t{1}, std::size_t{4095}, std::size_t{4096}, std::size_t{4097}, kMiB - 700, kMiB - 1, kMiB,
                                    kMiB + 1, 2 * kMiB - 650, 3 * kMiB + 5}) {
      CAPTURE(bytes);
      Changes changes;
      std::string value(bytes, '\0');
      for (std::size_t i = 0; i < bytes; ++i) value[i] = static_cast<char>(i * 31 + i / 4096);
      changes.put("value " + text(bytes), value).merge("all", "[" + text(bytes) + "]");
      REQUIRE(flush_now(*store, changes.flush("cursor " + text(bytes))));
      changes.apply_to(model);
    }
  }
  const auto store = bench.open();
  REQUIRE(*everything(*store) == model);
  REQUIRE(store->verify());
}

TEST_CASE("a read-only store reads everything and writes nothing at all", "[state_store][rocksdb_state]") {
  RocksdbBench bench;
  const Model model = fill(bench, 4, 50);
  const auto before = listing(bench.directory());
  {
    const auto store = open_rocksdb_state(bench.shared(), bench.directory().string(), kAppend, true).value();
    CHECK(everything(*store).value() == model);
    CHECK(store->cursor().value() == "cursor 3");
    CHECK(store->verify());
    CHECK(flush_now(*store, Changes().put("a", "b").flush("x")).error().code == Errc::invalid_argument);
  }
  CHECK(listing(bench.directory()) == before);
}

TEST_CASE("read-only, a directory that is missing or empty is an empty state and stays as it is",
          "[state_store][rocksdb_state]") {
  RocksdbBench bench;
  {
    const auto store = open_rocksdb_state(bench.shared(), bench.directory().string(), kAppend, true).value();
    CHECK(store->cursor().value().empty());
    CHECK(everything(*store).value().empty());
    CHECK(store->get("k").value() == std::nullopt);
    CHECK(store->snapshot().value()->get_many({"a", "b"}).value().size() == 2);
    CHECK(store->verify());
  }
  CHECK_FALSE(fs::exists(bench.directory()));
}

TEST_CASE("a state that is open elsewhere is refused", "[state_store][rocksdb_state]") {
  RocksdbBench bench;
  const auto store = bench.open();
  const auto second = open_rocksdb_state(bench.shared(), bench.directory().string(), kAppend, false);
  REQUIRE_FALSE(second);
  CHECK(second.error().code == Errc::data_locked);
}

TEST_CASE("a missing file is damage, never a fresh start", "[state_store][rocksdb_state]") {
  RocksdbBench bench;
  fill(bench, 3, 30);
  const std::string kind = GENERATE("CURRENT", "MANIFEST", ".sst");
  INFO(kind);
  for (const auto& entry : fs::directory_iterator(bench.directory())) {
    if (entry.path().filename().string().find(kind) == std::string::npos) continue;
    fs::remove(entry.path());
    break;
  }
  const auto before = listing(bench.directory());
  for (const bool read_only : {true, false}) {
    const auto store = open_rocksdb_state(bench.shared(), bench.directory().string(), kAppend, read_only);
    if (!store) {
      CHECK(store.error().code == Errc::state_damaged);
      CHECK(store.error().context.find(bench.directory().string()) != std::string::npos);
    } else {
      CHECK(everything(**store).error().code == Errc::state_damaged);
    }
  }
  if (kind == "CURRENT") {
    CHECK(listing(bench.directory()) == before);
  }
}

TEST_CASE("a first opening that was cut short is made anew", "[state_store][rocksdb_state]") {
  RocksdbBench bench;
  fs::create_directories(bench.directory());
  write_file(bench.directory() / "MANIFEST-000001", "half");
  const auto store = bench.open();
  CHECK(store->cursor().value().empty());
  REQUIRE(flush_now(*store, Changes().put("a", "1").flush("one")));
  CHECK(everything(*store).value() == Model{{"a", "1"}});
}

TEST_CASE("what a killed flush left behind is thrown away", "[state_store][rocksdb_state]") {
  RocksdbBench bench;
  const Model model = fill(bench, 2, 20);
  write_file(bench.directory() / "incoming.flush", "half a table");
  const auto store = bench.open();
  CHECK(everything(*store).value() == model);
  CHECK_FALSE(fs::exists(bench.directory() / "incoming.flush"));
  REQUIRE(flush_now(*store, Changes().put("z", "1").flush("next")));
  CHECK(store->cursor().value() == "next");
}

TEST_CASE("a flipped bit gives the right answer or names the damage, never a wrong answer",
          "[state_store][rocksdb_state]") {
  // Method: every byte of CURRENT and MANIFEST and of the ends of the tables, every 5th byte elsewhere, one bit each.
  // Opening and reading all may fail with state_damaged; what succeeds must be right. verify() must find every flip in
  // a table.
  RocksdbBench bench;
  const Model model = fill(bench, 3, 90);
  std::size_t found = 0;
  std::size_t harmless = 0;
  std::size_t tables = 0;
  const auto older = [&](const Model& seen, const std::string& cursor) {
    // A flip in the last record of the MANIFEST looks like a torn tail: the state is then at an earlier flush, and says
    // so.
    return seen != model && cursor != "cursor 2";
  };
  for (const auto& entry : fs::directory_iterator(bench.directory())) {
    const std::string name = entry.path().filename();
    const bool table = name.ends_with(".sst");
    const bool manifest = name.starts_with("MANIFEST");
    if (!table && !manifest && name != "CURRENT") continue;
    tables += table ? 1 : 0;
    const std::string good = read_file(entry.path());
    for (std::size_t at = 0; at < good.size(); at += (table && at + 700 < good.size()) ? 5 : 1) {
      write_byte(entry.path(), at, static_cast<char>(good[at] ^ (1 << (at % 8))));
      INFO(name << " byte " << at << " of " << good.size());
      const auto store = open_rocksdb_state(bench.shared(), bench.directory().string(), kAppend, true);
      if (!store) {
        CHECK(store.error().code == Errc::state_damaged);
        CHECK(store.error().context.find(bench.directory().string()) != std::string::npos);
        ++found;
        write_byte(entry.path(), at, good[at]);
        continue;
      }
      const auto seen = everything(**store);
      const auto cursor = (*store)->cursor();
      if (seen && cursor) {
        if (table) {
          CHECK(*seen == model);
          CHECK(*cursor == "cursor 2");
        } else {
          CHECK((*seen == model || older(*seen, *cursor)));
        }
        ++harmless;
      } else {
        const Error& error = seen ? cursor.error() : seen.error();
        CHECK(error.code == Errc::state_damaged);
        CHECK(error.context.find(table ? name : bench.directory().string()) != std::string::npos);
        ++found;
      }
      if (table) CHECK((*store)->verify().error().code == Errc::state_damaged);
      write_byte(entry.path(), at, good[at]);
    }
  }
  CHECK(tables == 3);
  CHECK(found > 500);
  std::cout << "flipped bits: " << found << " named, " << harmless << " without effect on the answer\n";
  CHECK(everything(*bench.open()).value() == model);
}

TEST_CASE("a call that fails anywhere in a flush leaves all or nothing, and the flush can be repeated",
          "[state_store][rocksdb_state]") {
  const bool full = GENERATE(true, false);
  const bool reopen = GENERATE(true, false);
  // How many changing calls one flush makes.
  std::uint64_t calls = 0;
  {
    RocksdbBench bench;
    const auto store = bench.open();
    REQUIRE(flush_now(*store, Changes().merge("k", "0").flush("0")));
    bench.files().reset_calls();
    REQUIRE(flush_now(*store, Changes().merge("k", "1").flush("1")));
    calls = bench.files().calls();
  }
  REQUIRE(calls > 5);
  for (std::uint64_t fail_at = 0; fail_at < calls; ++fail_at) {
    INFO("full " << full << ", reopen " << reopen << ", call " << fail_at << " of " << calls);
    RocksdbBench bench;
    auto store = bench.open();
    REQUIRE(flush_now(*store, Changes().merge("k", "0").flush("0")));
    const Changes changes = Changes().merge("k", "1").put("new", "x");
    bench.files().fail_writes(full, fail_at);
    const auto failed = flush_now(*store, changes.flush("1"));
    REQUIRE_FALSE(failed);
    CHECK(failed.error().code == (full ? Errc::disk_full : Errc::io_failed));
    const auto seen = everything(*store);
    if (seen) CHECK((*seen == Model{{"k", "0"}} || *seen == Model{{"k", "01"}, {"new", "x"}}));
    bench.files().mend();
    if (reopen) {
      store->close();
      store = bench.open();
      const std::string cursor = store->cursor().value();
      CHECK(everything(*store).value() == (cursor == "1" ? Model{{"k", "01"}, {"new", "x"}} : Model{{"k", "0"}}));
    }
    const auto repeated = flush_now(*store, changes.flush("1"));
    INFO((repeated ? std::string("ok") : describe(repeated.error())));
    REQUIRE(repeated);
    CHECK(everything(*store).value() == Model{{"k", "01"}, {"new", "x"}});
    REQUIRE(flush_now(*store, Changes().merge("k", "2").flush("2")));
    store->close();
    store = bench.open();
    CHECK(everything(*store).value() == Model{{"k", "012"}, {"new", "x"}});
    CHECK(store->cursor().value() == "2");
    CHECK(store->verify());
  }
}

TEST_CASE("a call that fails anywhere in a checkpoint leaves no directory, and the store goes on", "[state_store][rocksdb_state]") {
  const bool full = GENERATE(true, false);
  RocksdbBench bench(64);  // a compaction would make calls of its own
  const auto store = bench.open();
  for (std::uint64_t f = 0; f < 3; ++f) REQUIRE(flush_now(*store, Changes().merge("k", text(f)).flush(text(f))));
  bench.files().reset_calls();
  REQUIRE(store->checkpoint(bench.checkpoint_place("whole")));
  const std::uint64_t calls = bench.files().calls();
  REQUIRE(calls > 5);
  for (std::uint64_t fail_at = 0; fail_at < calls; ++fail_at) {
    INFO("full " << full << ", call " << fail_at << " of " << calls);
    bench.files().fail_writes(full, fail_at);
    const auto failed = store->checkpoint(bench.checkpoint_place("c"));
    bench.files().mend();
    REQUIRE_FALSE(failed);
    CHECK(failed.error().code == (full ? Errc::disk_full : Errc::io_failed));
    for (const auto& entry : fs::directory_iterator(bench.directory().parent_path())) CHECK((entry.path().filename() == "p0" || entry.path().filename() == "whole"));
    REQUIRE(flush_now(*store, Changes().merge("k", ".").flush("after " + text(fail_at))));
  }
  REQUIRE(store->checkpoint(bench.checkpoint_place("c")));
  CHECK(bench.open_checkpoint("c")->get("k").value() == "012" + std::string(calls, '.'));
}

TEST_CASE("a checkpoint shares the tables of the store, and a read-only store makes none", "[state_store][rocksdb_state]") {
  RocksdbBench bench;
  fill(bench, 3, 50);
  {
    const auto store = bench.open();
    REQUIRE(store->checkpoint(bench.checkpoint_place("c")));
  }
  std::size_t tables = 0;
  for (const auto& entry : fs::directory_iterator(bench.checkpoint_place("c"))) {
    if (entry.path().extension() != ".sst") continue;
    CHECK(fs::hard_link_count(entry.path()) == 2);
    ++tables;
  }
  CHECK(tables == 3);
  const auto store = open_rocksdb_state(bench.shared(), bench.directory().string(), kAppend, true).value();
  CHECK(store->checkpoint(bench.checkpoint_place("d")).error().code == Errc::invalid_argument);
}

TEST_CASE("a compaction that meets a full or failing disk costs nothing, and flushes go on",
          "[state_store][rocksdb_state]") {
  const bool full = GENERATE(true, false);
  RocksdbBench bench(4);
  bench.files().only_compactions();
  auto store = bench.open();
  bench.files().fail_writes(full);
  bench.files().reset_calls();
  Model model;
  // The compaction runs beside: flushes go on until some came after it failed. A failing disk stops the library, a full
  // one not.
  for (int f = 0; f < 500 && bench.files().calls() < 3; ++f) {
    const Changes changes = Changes().merge("k", ".").put("n" + text(static_cast<std::uint64_t>(f)), "x");
    auto flushed = flush_now(*store, changes.flush(text(static_cast<std::uint64_t>(f))));
    if (!flushed) {
      CHECK(flushed.error().code == Errc::io_failed);
      CHECK_FALSE(full);
      CHECK(everything(*store).value() == model);
      bench.files().mend();
      REQUIRE(flush_now(*store, changes.flush(text(static_cast<std::uint64_t>(f)))));
    }
    changes.apply_to(model);
    CHECK(everything(*store).value() == model);
    if (!flushed) break;
  }
  CHECK(bench.files().calls() >= 1);
  bench.files().mend();
  REQUIRE(flush_now(*store, Changes().merge("k", "!").flush("last")));
  model["k"] += "!";
  CHECK(everything(*store).value() == model);
  store->close();
  store = bench.open();
  CHECK(everything(*store).value() == model);
  CHECK(store->verify());
}

TEST_CASE("partitions share one flush thread and a second flush of one partition is a broken promise",
          "[state_store][rocksdb_state]") {
  TemporaryDirectory directory;
  RocksdbStates states;
  const auto first = states.open((directory.path() / "p0").string(), kAppend).value();
  const auto second = states.open((directory.path() / "p1").string(), kAppend).value();
  std::promise<void> go;
  std::promise<std::thread::id> first_thread;
  first->flush(Changes().put("a", "1").flush("x"), [&](Result<void>) {
    first_thread.set_value(std::this_thread::get_id());
    go.get_future().wait();
  });
  std::promise<std::thread::id> second_thread;
  second->flush(Changes().put("a", "1").flush("x"),
                [&](Result<void>) { second_thread.set_value(std::this_thread::get_id()); });
  CHECK_THROWS_AS(second->flush(Changes().put("a", "2").flush("y"), [](Result<void>) {}), InvariantError);
  go.set_value();
  CHECK(first_thread.get_future().get() == second_thread.get_future().get());
  second->close();
  first->close();
}

TEST_CASE("[child] flushes until it is killed", "[.child]") {
  const std::string directory = std::getenv("WEIR_TEST_DIRECTORY");
  RocksdbStates states;
  const auto store = states.open(directory, kAppend).value();
  std::uint64_t at = store->cursor().value().empty() ? 0 : std::stoull(store->cursor().value());
  for (;;) {
    ++at;
    Changes changes;
    changes.merge("count", "+").put("last", text(at));
    for (std::uint64_t k = 0; k < 300; ++k) changes.put("k" + text((at * 7919 + k * 104'729) % 1'000), text(at));
    if (!flush_now(*store, changes.flush(text(at)))) std::_Exit(1);
    const std::string line = text(at) + "\n";
    if (::write(kTold, line.data(), line.size()) < 0) std::_Exit(1);
  }
}

TEST_CASE("a killed process leaves exactly a flushed state that has all it was told is durable",
          "[state_store][rocksdb_state]") {
  TemporaryDirectory directory;
  const std::string path = (directory.path() / "p0").string();
  const std::string variable = "WEIR_TEST_DIRECTORY=" + path;
  std::uint64_t durable = 0;
  RocksdbStates states;
  for (int round = 0; round < 12; ++round) {
    int pipe_ends[2];
    REQUIRE(::pipe2(pipe_ends, O_CLOEXEC) == 0);
    posix_spawn_file_actions_t actions{};
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, pipe_ends[1], kTold);
    std::vector<char*> environment;
    for (char** e = environ; *e != nullptr; ++e) environment.push_back(*e);
    environment.push_back(const_cast<char*>(variable.c_str()));
    environment.push_back(nullptr);
    std::string program = fs::read_symlink("/proc/self/exe");
    std::string filter = "[.child]";
    char* arguments[] = {program.data(), filter.data(), nullptr};
    pid_t child = 0;
    REQUIRE(::posix_spawn(&child, program.c_str(), &actions, nullptr, arguments, environment.data()) == 0);
    posix_spawn_file_actions_destroy(&actions);
    ::close(pipe_ends[1]);
    // Killed after it has told of some more flushes, somewhere inside a later one.
    std::string told;
    char buffer[256];
    const std::uint64_t until = durable + 3 + static_cast<std::uint64_t>(round);
    for (;;) {
      const auto count = ::read(pipe_ends[0], buffer, sizeof buffer);
      REQUIRE(count > 0);
      told.append(buffer, static_cast<std::size_t>(count));
      const std::size_t end = told.find_last_of('\n');
      if (end == std::string::npos) continue;
      const std::size_t begin = end == 0 ? std::string::npos : told.find_last_of('\n', end - 1);
      durable = std::stoull(told.substr(begin == std::string::npos ? 0 : begin + 1));
      if (durable >= until) break;
    }
    ::kill(child, SIGKILL);
    int status = 0;
    ::waitpid(child, &status, 0);
    ::close(pipe_ends[0]);
    CHECK(WIFSIGNALED(status));

    const auto store = states.open(path, kAppend).value();
    const std::uint64_t at = std::stoull(store->cursor().value());
    CHECK(at >= durable);
    CHECK(store->get("count").value()->size() == at);
    CHECK(store->get("last").value() == text(at));
    CHECK(store->verify());
    durable = at;
    store->close();
  }
}

}  // namespace weir::test
