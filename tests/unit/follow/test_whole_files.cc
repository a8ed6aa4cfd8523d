// Files that are read whole, and the bounds: memory, open files, files known.
#include "tests/unit/follow/world.h"

namespace weir {
namespace {

using namespace test;

TEST_CASE("files that come and go leave no more than files_max positions, and those beyond files_max wait",
          "[follow]") {
  World world({"/in/*"});
  world.config.files_max = 5;
  world.start();
  for (int i = 0; i < 40; ++i) {
    const std::string path = "/in/" + std::to_string(i);
    world.files.write(path, std::to_string(i) + "\n");
    world.pass(1s);
    world.files.remove(path);
  }
  world.pass(61s);
  world.pass(1s);
  CHECK(world.taken().size() == 40);
  CHECK(world.positions() <= 5);
  for (int i = 100; i < 107; ++i) world.files.write("/in/" + std::to_string(i), std::to_string(i) + "\n");
  world.pass(1s);
  CHECK(world.taken() == Texts{"100", "101", "102", "103", "104"});
  CHECK(world.told("more files match than files_max, 5") == 1);
  world.files.remove("/in/100");
  world.files.remove("/in/101");
  world.pass(1s);
  world.pass(61s);
  world.pass(1s);
  CHECK(world.taken() == Texts{"105", "106"});
}

TEST_CASE("compressed files and documents are read whole, once they do not change any more", "[follow]") {
  World world({"/in/*"});
  world.files.write("/in/a.ndjson", "Z:1\n2\n");  // half of it
  world.files.write("/in/b.json", R"([{"id":1},{"id":2})");
  world.start();
  world.drain();
  world.pass(4s);
  world.files.write("/in/a.ndjson", "Z:1\n2\n3\n4\n5\n6.");
  CHECK(world.taken().empty());
  world.pass(1s);  // b has stood still for 5 s by now, and is not whole
  CHECK(world.taken() == Texts{R"({"id":1})", R"({"id":2})"});
  CHECK(world.told("b.json") == 1);
  world.pass(4s);
  CHECK(world.taken().empty());
  world.pass(1s);
  CHECK(world.taken() == Texts{"1", "2", "3", "4", "5", "6"});
  world.files.append("/in/b.json", R"(,{"id":3}])");
  world.pass(1s);
  world.pass(5s);
  CHECK(world.taken() == Texts{R"({"id":3})"});
  world.restart();
  world.pass(10s);
  CHECK(world.taken().empty());
}

TEST_CASE("a compressed file that was killed in the middle goes on there", "[follow]") {
  World world({"/in/*.ndjson"});
  world.files.write("/in/a.ndjson", "Z:1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n.");
  world.start();
  world.drain();
  world.clock.at += 5s;
  REQUIRE(world.step());
  CHECK(world.taken() == Texts{"1", "2", "3", "4"});
  world.restart();
  world.pass(1s);
  world.pass(5s);
  CHECK(world.taken() == Texts{"5", "6", "7", "8", "9", "10"});
}

TEST_CASE("without follow everything there is read once to its end, and the door has ended", "[follow]") {
  World world({"/in/*"});
  world.config.follow = false;
  world.files.write("/in/a", "a1\na2");
  world.files.write("/in/b", "Z:b1\nb2.");
  world.files.write("/in/empty", "");
  world.start();
  world.drain();
  CHECK(world.ended);
  CHECK(world.taken() == Texts{"a1", "a2", "b1", "b2"});
  world.files.write("/in/c", "c\n");
  world.drain();
  CHECK(world.taken().empty());
  world.restart();
  world.drain();
  CHECK(world.ended);
  CHECK(world.taken() == Texts{"c"});
}

TEST_CASE("no more than open_max files are open, and none is left out", "[follow]") {
  World world({"/in/*"});
  world.config.open_max = 3;
  for (int i = 0; i < 40; ++i) world.files.write("/in/" + std::to_string(100 + i), std::to_string(i) + "\n");
  world.start();
  world.drain();
  CHECK(world.taken().size() == 40);
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 40; ++i) world.files.append("/in/" + std::to_string(100 + i), "more\n");
    world.pass(1s);
    CHECK(world.taken().size() == 40);
    CHECK(world.files.open_count() <= 3);
  }
}

TEST_CASE("compressed files are read one at a time, and once", "[follow]") {
  World world({"/in/*"});
  for (int i = 100; i < 130; ++i)
    world.files.write("/in/" + std::to_string(i), "Z:" + std::string("1\n2\n3\n4\n5\n6\n."));
  world.files.write("/in/zz", "log\n");
  world.start();
  world.drain();
  CHECK(world.taken() == Texts{"log"});
  std::size_t most = 0;
  world.files.before_call = [&] { most = std::max(most, world.files.open_count()); };
  world.pass(5s);
  CHECK(world.taken().size() == 180);
  CHECK(most <= 3);  // the log, the one that is read, the one that is looked into
  CHECK(world.told("read to its end, 6 events") == 30);
  CHECK(world.gauges->unread_bytes == 0);
  const std::uint64_t bytes = world.gauges->bytes;
  world.restart();
  world.pass(10s);
  CHECK(world.taken().empty());
  CHECK(world.gauges->bytes == bytes);  // to see that they were read out they are not decompressed
  world.files.append("/in/100", "Z:");  // now it is cut off, but what was read stands
  world.pass(1s);
  world.pass(5s);
  CHECK(world.taken().empty());
  CHECK(world.told("/in/100") == 2);
  world.files.write("/in/101", "Z:7\n.");
  world.pass(1s);
  world.pass(5s);
  CHECK(world.taken() == Texts{"7"});
}

TEST_CASE("a file that cannot be read whole is named with what is wrong, what becomes of it, and what to do", "[follow]") {
  const std::string cut = "Z:1\n2\n";
  for (const bool follow : {true, false}) {
    World world({"/in/*.gz", "/out/*"});
    world.config.follow = follow;
    world.files.write("/in/a.gz", cut);
    world.files.make_directory("/out");
    world.start();
    world.drain();
    world.pass(5s);
    CHECK(world.taken() == Texts{"1", "2"});
    CHECK(world.gauges->failing == 1);
    const auto line = std::find_if(world.logbook.lines.begin(), world.logbook.lines.end(),
                                   [](const std::string& text) { return text.find("a.gz") != std::string::npos; });
    REQUIRE(line != world.logbook.lines.end());
    CHECK(*line == std::string("input_unreadable: input /in/a.gz: cut off; it is tried again ") +
                       (follow ? "when it changes: if nobody writes it any more," : "at the next start:") +
                       " mend it, or put a whole one in its place; the other files go on");
    CHECK(world.told(follow ? "no file matches /out/*; it is looked for again every 1s"
                            : "no file matches /out/*; without `follow: true` it is not looked for again before the next "
                              "start") == 1);
    if (!follow) continue;
    world.files.append("/in/a.gz", "3\n.");  // the rest of it
    world.pass(1s);
    world.pass(5s);
    CHECK(world.taken() == Texts{"3"});
    CHECK(world.told("it can be read again") == 1);
  }
}

TEST_CASE("long lines that are not finished do not fill the memory", "[follow]") {
  World world({"/in/*"});
  world.buffers_bytes_max = 4 * 1024 * 1024;
  for (int i = 10; i < 30; ++i)
    world.files.write("/in/" + std::to_string(i), "a\n" + std::string(3 * 1024 * 1024, static_cast<char>('a' + i)));
  world.start();
  std::uint64_t most = 0;
  const auto measure = [&] { most = std::max<std::uint64_t>(most, world.gauges->buffers_bytes); };
  while (world.step()) measure();
  CHECK(world.taken().size() == 20);
  for (int i = 10; i < 30; ++i) world.files.append("/in/" + std::to_string(i), "\n");
  world.clock.at += 1s;
  while (world.step()) measure();
  CHECK(world.taken().size() == 20);
  CHECK(most <= 12 * 1024 * 1024);
  CHECK(world.told("read from its start") == 0);
}

TEST_CASE("a file that is truncated and written anew while it is read gives no mixed lines", "[follow]") {
  // Between any two calls, once each: what was read then may be used, or not, but old and new must not meet.
  for (int at = 1; at < 12; ++at) {
    World world;
    world.batch_events_max = 100;
    world.files.write("/logs/app.log", "old 1\nold 2\nold 3\n");
    world.start();
    world.drain();
    world.taken();
    world.files.append("/logs/app.log", "old 4\nold 5\nol");
    int calls = 0;
    world.files.before_call = [&] {
      if (++calls == at)
        world.files.write("/logs/app.log", "the new content 1\nthe new content 2\nthe new content 3\n");
    };
    world.clock.at += 1s;
    world.drain();
    world.pass(1s);
    INFO("before call " << at);
    Texts all = world.taken();
    REQUIRE(all.size() >= 3);
    CHECK(Texts(all.end() - 3, all.end()) == Texts{"the new content 1", "the new content 2", "the new content 3"});
    const Texts before(all.begin(), all.end() - 3);
    for (const Texts& good : {Texts{}, Texts{"old 4", "old 5"}, Texts{"old 4", "old 5", "ol"}})
      if (before == good) all.clear();
    CHECK(all.empty());
  }
}

}  // namespace
}  // namespace weir
