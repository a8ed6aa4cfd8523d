#include <random>

#include "actors/doors/follow_position.h"
#include "tests/unit/follow/world.h"

namespace weir {
namespace {

using namespace test;

TEST_CASE("a growing file is read as it grows, and half a line waits for its other half", "[follow]") {
  World world;
  world.files.write("/logs/app.log", "1\n2\n");
  world.start();
  world.drain();
  CHECK(world.taken() == Texts{"1", "2"});
  world.files.append("/logs/app.log", "3\nfo");
  world.drain();
  CHECK(world.taken().empty());  // not before it looks again
  world.pass(1s);
  CHECK(world.taken() == Texts{"3"});
  for (const char* part : {"u", "r", "\n5\nsi"}) {
    world.files.append("/logs/app.log", part);
    world.pass(1s);
  }
  CHECK(world.taken() == Texts{"four", "5"});
  world.pass(10min);
  CHECK(world.taken().empty());
  world.restart();
  world.drain();
  CHECK(world.taken().empty());
  world.files.append("/logs/app.log", "x\n");
  world.pass(1s);
  CHECK(world.taken() == Texts{"six"});
}

TEST_CASE("new files appear, and a pattern without files is told once", "[follow]") {
  World world({"/in/*.ndjson"});
  world.files.make_directory("/in");
  world.start();
  world.pass(0s);
  world.pass(1s);
  CHECK(world.told("no file matches /in/*.ndjson; it is looked for again every 1s") == 1);
  world.files.write("/in/a.ndjson", "a\n");
  world.files.write("/in/other.txt", "no\n");
  world.pass(1s);
  world.files.write("/in/b.ndjson", "b\n");
  world.pass(1s);
  CHECK(world.taken() == Texts{"a", "b"});
  CHECK(world.logbook.lines.size() == 2);  // that, and what was there at first
  CHECK(world.gauges->files == 2);
  CHECK(world.gauges->events == 2);
}

TEST_CASE("a renamed file goes on where it was, in this run and in the next", "[follow]") {
  World world({"/logs/app.log*"});
  world.files.write("/logs/app.log", "1\n");
  world.start();
  world.drain();
  world.files.append("/logs/app.log", "2\n");
  world.files.rename("/logs/app.log", "/logs/app.log.1");
  world.files.write("/logs/app.log", "3\n");
  world.files.append("/logs/app.log.1", "late\n");
  world.pass(1s);
  Texts all = world.taken();
  std::sort(all.begin(), all.end());
  CHECK(all == Texts{"1", "2", "3", "late"});
  world.kill();
  world.files.rename("/logs/app.log.1", "/logs/app.log.2");
  world.files.rename("/logs/app.log", "/logs/app.log.1");
  world.files.append("/logs/app.log.1", "4\n");
  world.files.write("/logs/app.log", "5\n");
  world.start();
  world.drain();
  all = world.taken();
  std::sort(all.begin(), all.end());
  CHECK(all == Texts{"4", "5"});
}

TEST_CASE("a file renamed out of the pattern is read until it stops growing; then its last line counts", "[follow]") {
  World world;
  world.files.write("/logs/app.log", "1\n");
  world.start();
  world.drain();
  world.files.append("/logs/app.log", "2\nunfini");
  world.files.rename("/logs/app.log", "/logs/app.log.1");
  world.files.write("/logs/app.log", "new 1\n");
  world.pass(1s);
  world.files.append("/logs/app.log.1", "shed\n3");
  world.pass(30s);
  CHECK(world.taken() == Texts{"1", "2", "new 1", "unfinished"});
  CHECK(world.positions() == 2);
  world.pass(59s);
  world.pass(1s);
  CHECK(world.taken() == Texts{"3"});
  CHECK(world.files.open_count() == 1);
  CHECK(world.gauges->files == 1);
  CHECK(world.positions() == 2);
  world.pass(25h);
  CHECK(world.positions() == 1);
}

TEST_CASE("a file rotated away while nobody looked is found by its inode and read to its end", "[follow]") {
  for (const bool killed : {false, true}) {
    World world;
    world.config.open_max = 1;
    world.config.include.emplace_back("/logs/other.log");
    world.config.exclude = {"*.1"};
    world.files.write("/logs/app.log", "1\n");
    world.start();
    world.drain();
    CHECK(world.taken() == Texts{"1"});
    world.files.write("/logs/other.log", "x\n");
    world.pass(1s);  // and app.log is closed
    CHECK(world.taken() == Texts{"x"});
    if (killed) world.kill();
    world.files.append("/logs/app.log", "2\n3");
    world.files.rename("/logs/app.log", "/logs/app.log.1");
    world.files.write("/logs/app.log", "4\n");
    if (killed) world.start();
    world.pass(1s);
    Texts all = world.taken();
    std::sort(all.begin(), all.end());
    CHECK(all == Texts{"2", "4"});
    world.files.append("/logs/app.log.1", "3\n5\n");
    world.pass(1s);
    CHECK(world.taken() == Texts{"33", "5"});
    world.files.append("/logs/app.log.1", "last");
    world.pass(30s);
    CHECK(world.taken().empty());
    world.pass(61s);
    world.pass(1s);
    CHECK(world.taken() == Texts{"last"});
    world.pass(10min);
    CHECK(world.taken().empty());
    CHECK(world.gauges->files == 2);
  }
}

TEST_CASE("a file of no pattern that has the inode of a followed one is not read", "[follow]") {
  for (const bool births : {false, true}) {
    World world;
    world.files.tell_births(births);
    world.files.write("/logs/app.log", "1\n2\n");
    world.start();
    world.drain();
    world.kill();
    world.files.remove("/logs/app.log");
    world.files.write("/logs/secret", "no\nno\nno\n");
    world.files.write("/logs/app.log", "3\n");
    world.start();
    world.pass(1s);
    world.pass(2min);
    CHECK(world.taken() == Texts{"1", "2", "3"});
    CHECK(world.positions() == 1);
  }
}

TEST_CASE("a truncated file is read from its start, its last half line is an event that shows it", "[follow]") {
  World world;
  world.files.write("/logs/app.log", "1\n2\n3\nhal");
  world.start();
  world.drain();
  CHECK(world.taken() == Texts{"1", "2", "3"});
  world.files.write("/logs/app.log", "4\n");
  world.pass(1s);
  CHECK(world.taken() == Texts{"hal", "4"});
  CHECK(world.told("it was truncated or written anew") == 1);
  world.restart();
  world.drain();
  CHECK(world.taken().empty());
}

TEST_CASE("a file truncated while nobody looked is read from its start, also where it is longer by now", "[follow]") {
  const std::string header(2'000, 'h');  // longer than what is kept of the start
  for (const bool killed : {false, true}) {
    World world;
    world.files.write("/logs/app.log", header + "\n1\n2\n3\n");
    world.start();
    world.drain();
    CHECK(world.taken() == Texts{header, "1", "2", "3"});
    if (killed) world.kill();
    world.files.write("/logs/app.log", header + "\n4\n5\n6\n7\n8\n9\n");
    if (killed) world.start();
    world.pass(1s);
    CHECK(world.taken() == Texts{header, "4", "5", "6", "7", "8", "9"});
    CHECK(world.told("it was truncated or written anew") == 1);
  }
}

TEST_CASE("another file with the inode of one that is gone is another file", "[follow]") {
  World world;
  world.files.write("/logs/app.log", "old 1\nold 2\n");
  world.start();
  world.drain();
  world.kill();
  world.files.remove("/logs/app.log");
  world.files.write("/logs/app.log", "new 1\nnew 2\nnew 3\n");
  world.taken();
  world.start();
  world.drain();
  CHECK(world.taken() == Texts{"new 1", "new 2", "new 3"});
  CHECK(world.positions() == 1);
}

TEST_CASE("the same content in a file made anew is read again, where the file system says when files were made",
          "[follow]") {
  for (const bool births : {true, false}) {
    World world;
    world.files.tell_births(births);
    world.files.write("/logs/app.log", "1\n2\n");
    world.start();
    world.drain();
    world.kill();
    CHECK(world.taken() == Texts{"1", "2"});
    world.files.remove("/logs/app.log");
    world.files.write("/logs/app.log", "1\n2\n3\n");
    world.start();
    world.drain();
    CHECK(world.taken() == (births ? Texts{"1", "2", "3"} : Texts{"3"}));
  }
}

TEST_CASE("a share that is away for hours goes on where it was", "[follow]") {
  World world({"/share/*"});
  world.files.write("/share/a", "1\n");
  world.start();
  world.drain();
  world.files.rename("/share/a", "/elsewhere/a");
  world.pass(1s);
  world.pass(2h);
  CHECK(world.gauges->files == 0);
  CHECK(world.files.open_count() == 0);
  world.files.append("/elsewhere/a", "2\n");
  world.files.rename("/elsewhere/a", "/share/a");
  world.pass(1s);
  CHECK(world.taken() == Texts{"1", "2"});
}

TEST_CASE("positions stay good when the machine gives its devices other numbers", "[follow]") {
  World world({"/logs/*"});
  world.files.write("/logs/a", "a1\n");
  world.files.write("/logs/b", "b1\n");
  world.start();
  world.drain();
  world.kill();
  world.taken();
  world.files.set_device(77);
  world.files.append("/logs/a", "a2\n");
  world.start();
  world.drain();
  CHECK(world.taken() == Texts{"a2"});
  world.pass(2min);
  CHECK(world.taken().empty());
  for (const SourcePosition& position : world.log->source_positions("follow:"))
    CHECK(position.source.starts_with("follow:files:77:"));
}

TEST_CASE("positions of files that are gone are forgotten after a day, of files that cannot be seen they are not",
          "[follow]") {
  World world({"/a/*", "/b/*"});
  for (int i = 0; i < 20; ++i) world.files.write("/a/" + std::to_string(i), "x\n");
  world.files.write("/b/1", "y\n");
  world.start();
  world.drain();
  CHECK(world.positions() == 21);
  world.kill();
  for (int i = 0; i < 10; ++i) world.files.remove("/a/" + std::to_string(i));
  world.files.break_path("/b", "not mounted");
  world.start();
  world.drain();
  world.pass(25h);
  CHECK(world.positions() == 21);
  CHECK(world.told("directory /b: not mounted") == 1);
  CHECK(world.gauges->failing == 1);
  world.files.break_path("/b", "");
  world.pass(1s);
  CHECK(world.positions() == 11);
  CHECK(world.gauges->failing == 0);
  for (int i = 10; i < 15; ++i) world.files.remove("/a/" + std::to_string(i));
  world.pass(1s);
  world.pass(61s);
  CHECK(world.gauges->files == 6);
  CHECK(world.positions() == 11);
  world.pass(25h);
  CHECK(world.positions() == 6);
  CHECK(world.taken().size() == 21);
}

TEST_CASE("a file that cannot be read is told once, the others go on, and it is read as soon as it can be",
          "[follow]") {
  World world({"/in/*"});
  world.files.write("/in/a", "a\n");
  world.files.write("/in/b", "b\n");
  world.files.break_path("/in/a", "permission to read it is denied");
  world.start();
  for (int i = 0; i < 5; ++i) world.pass(1s);
  CHECK(world.taken() == Texts{"b"});
  CHECK(world.told("permission to read it is denied; it is tried again every 1s; the other files go on") == 1);
  world.files.break_path("/in/a", "");
  world.pass(1s);
  CHECK(world.taken() == Texts{"a"});
  // While it is open.
  world.files.append("/in/a", "2\n");
  world.files.break_path("/in/a", "the disk is broken");
  world.pass(1s);
  world.pass(1s);
  CHECK(world.told("the disk is broken") == 1);
  world.files.break_path("/in/a", "");
  world.pass(1s);
  CHECK(world.taken() == Texts{"2"});
}

TEST_CASE("a file deleted while it is read is read to its end", "[follow]") {
  World world;
  world.files.write("/logs/app.log", "1\n2\n3\n4\n5\n6\n7\n8\n9\n");
  world.start();
  REQUIRE(world.step());
  CHECK(world.taken() == Texts{"1", "2", "3", "4"});
  world.files.remove("/logs/app.log");
  world.pass(1s);
  CHECK(world.taken() == Texts{"5", "6", "7", "8", "9"});
  world.pass(61s);
  CHECK(world.files.open_count() == 0);
  world.pass(25h);
  CHECK(world.positions() == 0);
}

TEST_CASE("CSV files that grow keep their header", "[follow]") {
  World world({"/in/*.csv"});
  world.config.open_max = 1;
  world.files.write("/in/a.csv", "id,x\n1,\"two\n");
  world.files.write("/in/b.csv", "x,id\n5,6\n");
  world.start();
  world.drain();
  CHECK(world.taken() == Texts{"5,6"});
  world.files.append("/in/a.csv", "lines\"\n2,y\n");
  world.pass(1s);
  CHECK(world.taken() == Texts{"1,\"two\nlines\"", "2,y"});
}

TEST_CASE("positions of followed files are read back, and foreign ones are refused", "[follow]") {
  FollowPosition position;
  position.progress = {Framing::csv, {77, 4, 1}, false};
  position.extent = 77;
  position.born = 5;
  position.head = {77, {1, 2}};
  position.tail = {77, {3, 4}};
  const std::string text = write_follow_position(position);
  CHECK(text == "1 csv 77 4 1|0 77 5 77 00000000000000020000000000000001 77 00000000000000040000000000000003");
  const auto back = parse_follow_position(text).value();
  CHECK(back.progress.place == position.progress.place);
  CHECK(back.head == position.head);
  CHECK(back.tail == position.tail);
  CHECK(parse_follow_position("2 csv 77 4 1|").error().code == Errc::format_newer);
  for (const std::string& wrong :
       {std::string(), std::string("1 csv 77 4 1"), text + " ", text + "x", text.substr(0, text.size() - 1),
        std::string("1 finished|") + text.substr(13), std::string("1 csv 77 4 1|2") + text.substr(14),
        std::string("1 csv 77 4 1|0 76") + text.substr(17)}) {
    INFO(wrong);
    CHECK(parse_follow_position(wrong).error().code == Errc::state_damaged);
  }
  CHECK(follow_source("in", {7, 8}) == "follow:in:7:8");
  CHECK(file_key_of("follow:in:7:8", "in") == FileKey{7, 8});
  CHECK_FALSE(file_key_of("follow:inn:7:8", "in"));
  CHECK_FALSE(file_key_of("follow:in:7:8x", "in"));
}

}  // namespace
}  // namespace weir
