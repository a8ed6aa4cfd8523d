#include <random>
#include <string>
#include <vector>

#include "actors/doors/framer.h"
#include "tests/support/catch.h"
#include "tests/unit/doors/drive.h"

namespace weir {
namespace {

using test::chunks_of;
using test::drive;
using test::Framed;
using test::raws;
using test::split_at;
using Texts = std::vector<std::string>;
using Make = std::function<std::unique_ptr<Framer>(const FramerLimits&, const std::optional<FramePlace>&)>;

const Make kLines = [](const auto& limits, const auto& resume) { return make_line_framer(limits, resume); };
const Make kCsv = [](const auto& limits, const auto& resume) { return make_csv_framer(limits, {',', 4}, resume); };
const Make kJson = [](const auto& limits, const auto& resume) { return make_json_framer(limits, resume); };
const Make kGeoJson = [](const auto& limits, const auto& resume) { return make_geojson_framer(limits, resume); };

Framed frames_of(const Make& make, std::string_view input, const FramerLimits& limits = {}) {
  const auto framer = make(limits, std::nullopt);
  return drive(*framer, input, chunks_of(input.size()));
}

TEST_CASE("each line of NDJSON is a frame without its line end, empty lines are none", "[framer]") {
  const Framed framed = frames_of(kLines, "{\"a\":1}\r\nbad\n\n\r\n \nlast\r");
  CHECK(raws(framed) == Texts{"{\"a\":1}", "bad", " ", "last\r"});
  CHECK(framed.last == FrameStep::end);
  REQUIRE(framed.frames.size() == 4);
  CHECK(framed.frames[0].line == 1);
  CHECK(framed.frames[1].line == 2);
  CHECK(framed.frames[2].line == 5);
  CHECK(framed.frames[3].line == 6);
  CHECK(framed.frames[1].place.bytes == 13);
  CHECK(framed.frames[3].place.bytes == 23);
  CHECK(raws(frames_of(kLines, "")).empty());
  CHECK(raws(frames_of(kLines, "\n\n")).empty());
}

TEST_CASE("a byte order mark belongs to no frame", "[framer]") {
  CHECK(raws(frames_of(kLines, "\xef\xbb\xbf{}\n{}")) == Texts{"{}", "{}"});
  CHECK(frames_of(kCsv, "\xef\xbb\xbfid,x\n1,2\n").header == "id,x");
  CHECK(raws(frames_of(kJson, "\xef\xbb\xbf[1,2]")) == Texts{"1", "2"});
  CHECK(raws(frames_of(kLines, "\xef\xbb")) == Texts{"\xef\xbb"});
  CHECK(raws(frames_of(kLines, "{}\n\xef\xbb\xbf{}")) == Texts{"{}", "\xef\xbb\xbf{}"});
}

TEST_CASE("an input that broke off gives no unfinished last frame", "[framer]") {
  const auto lines = kLines({}, std::nullopt);
  CHECK(raws(drive(*lines, "1\n2\n3", chunks_of(4), true)) == Texts{"1", "2"});
  const auto csv = kCsv({}, std::nullopt);
  CHECK(raws(drive(*csv, "h\n1\n2\n3", chunks_of(4), true)) == Texts{"1", "2"});
  const auto json = kJson({}, std::nullopt);
  CHECK(raws(drive(*json, "[1,2,3", chunks_of(4), true)) == Texts{"1", "2"});
}

TEST_CASE("frames over event_bytes_max are whole and marked, over frame_bytes_max cut with length, digest and place",
          "[framer]") {
  const FramerLimits limits{.event_bytes_max = 5, .frame_bytes_max = 10, .frame_bytes_kept = 4};
  const Framed framed = frames_of(kLines, "12345\n123456\n1234567890\r\n12345678901\r\nx", limits);
  REQUIRE(raws(framed) == Texts{"12345", "123456", "1234567890", "1234", "x"});
  CHECK(framed.frames[0].flags == 0);
  CHECK(framed.frames[1].flags == frame_flag::oversize);
  CHECK(framed.frames[2].flags == frame_flag::oversize);
  CHECK(framed.frames[3].flags == (frame_flag::oversize | frame_flag::cut));
  CHECK(framed.frames[3].digest == digest_id("12345678901"));
  CHECK(framed.frames[3].note ==
        "11 bytes from byte 25 of the input, digest " + digest_id("12345678901") + "; the first 4 were kept");
  CHECK(framed.frames[4].flags == 0);
}

TEST_CASE("CSV records follow RFC 4180", "[framer]") {
  const Framed framed =
      frames_of(kCsv, "id,\"na\"\"me\"\r\n1,plain\r\n\r\n2,\"a,b\"\n3,\"two\r\nlines\"\"quoted\"\"\"\n\"\",\n4,end");
  CHECK(framed.header == "id,\"na\"\"me\"");
  CHECK(raws(framed) == Texts{"1,plain", "2,\"a,b\"", "3,\"two\r\nlines\"\"quoted\"\"\"", "\"\",", "4,end"});
  REQUIRE(framed.frames.size() == 5);
  const std::uint64_t lines[] = {2, 4, 5, 7, 8};
  for (std::size_t i = 0; i < 5; ++i) {
    CHECK(framed.frames[i].line == lines[i]);
    CHECK(framed.frames[i].flags == 0);
  }
  CHECK(framed.last == FrameStep::end);
  const auto framer = kCsv({}, std::nullopt);
  (void)drive(*framer, "id,\"na\"\"me\"\n", chunks_of(3));
  CHECK(framer->columns() == Texts{"id", "na\"me"});
}

TEST_CASE("a stray quote costs one line of CSV", "[framer]") {
  const struct {
    const char* line;
    const char* note;
  } kStray[] = {
      {"1,x\"y", "a quote stands inside a field that does not begin with one"},
      {"1,\"x\"y", "text stands behind the closing quote of a field"},
      {"1,\"x\" ", "text stands behind the closing quote of a field"},
      {"1,\"x\"\rz", "text stands behind the closing quote of a field"},
      {"1, \"x\"", "a quote stands inside a field that does not begin with one"},
  };
  for (const auto& stray : kStray) {
    INFO(stray.line);
    const Framed framed = frames_of(kCsv, std::string("h,i\n0,a\n") + stray.line + "\r\n2,b\n3,\"c\"\n");
    CHECK(raws(framed) == Texts{"0,a", stray.line, "2,b", "3,\"c\""});
    REQUIRE(framed.frames.size() == 4);
    CHECK(framed.frames[1].flags == frame_flag::bad_frame);
    CHECK(framed.frames[1].note == stray.note);
    CHECK(framed.frames[1].line == 3);
    CHECK(framed.frames[2].line == 4);
    CHECK(framed.frames[2].flags == 0);
  }
}

TEST_CASE("a quote nobody closes costs one line of CSV, wherever the next quote or the end is", "[framer]") {
  // Four lines are allowed here.
  const Framed far = frames_of(kCsv, "h\n\"open\n1\n2\n3\n4\n5\n");
  CHECK(raws(far) == Texts{"\"open", "1", "2", "3", "4", "5"});
  CHECK(far.frames.at(0).flags == frame_flag::bad_frame);
  CHECK(far.frames.at(0).note == "a quoted field spans too many lines");
  CHECK(far.frames.at(5).line == 7);
  const Framed at_limit = frames_of(kCsv, "h\n\"1\n2\n3\n4\"\n5\n");
  CHECK(raws(at_limit) == Texts{"\"1\n2\n3\n4\"", "5"});
  CHECK(at_limit.frames.at(1).line == 6);
  const Framed at_end = frames_of(kCsv, "h\n1\n\"open\r\n2");
  CHECK(raws(at_end) == Texts{"1", "\"open", "2"});
  CHECK(at_end.frames.at(1).note == "a quoted field does not end");
  const Framed near = frames_of(kCsv, "h\n\"open\n1,\"x\"\n2\n");
  CHECK(raws(near) == Texts{"\"open", "1,\"x\"", "2"});
  CHECK(near.frames.at(0).note == "text stands behind the closing quote of a field");
}

TEST_CASE("an endless CSV line is cut at its line end, whatever its quotes say", "[framer]") {
  const FramerLimits limits{.event_bytes_max = 10, .frame_bytes_max = 20, .frame_bytes_kept = 6};
  const std::string open = "1,\"" + std::string(30, 'c');
  const Framed framed = frames_of(kCsv, "h,i\n" + open + "\r\n2,b\n" + std::string(21, 'd') + "\n3,c\n", limits);
  REQUIRE(raws(framed) == Texts{"1,\"ccc", "2,b", "dddddd", "3,c"});
  CHECK(framed.frames[0].flags == (frame_flag::oversize | frame_flag::cut));
  CHECK(framed.frames[0].digest == digest_id(open));
  CHECK(framed.frames[2].digest == digest_id(std::string(21, 'd')));
  // Several lines that are too long together: the first line alone is bad, nothing is lost.
  const Framed several = frames_of(kCsv, "h,i\n1,\"aaaaaaaa\nbbbbbbbbbbb\"\n2,b\n", limits);
  REQUIRE(raws(several) == Texts{"1,\"aaaaaaaa", "bbbbbbbbbbb\"", "2,b"});
  CHECK(several.frames[0].flags == (frame_flag::oversize | frame_flag::bad_frame));
  CHECK(several.frames[0].note == "a record is longer than a frame may be");
  CHECK(several.frames[1].flags == (frame_flag::oversize | frame_flag::bad_frame));
}

TEST_CASE("a CSV input without a usable header is refused", "[framer]") {
  CHECK(frames_of(kCsv, "").error == "there is no header line: a CSV input begins with one");
  CHECK(frames_of(kCsv, "\n\r\n").error == "there is no header line: a CSV input begins with one");
  CHECK(frames_of(kCsv, "a,b,a\n1,2,3\n").error ==
        "line 1: the header line names 'a' twice, in columns 1 and 3; every column needs a name of its own");
  CHECK(frames_of(kCsv, "a,\"b\n1,2\n").error == "line 1: the header line is not CSV: a quoted field does not end");
  CHECK(frames_of(kCsv, "a,b\"c\n1,2\n").error ==
        "line 1: the header line is not CSV: a quote stands inside a field that does not begin with one");
  CHECK(frames_of(kCsv, "a,caf\xe9\n").error == "line 1: the header line is not UTF-8");
  CHECK(frames_of(kCsv, std::string(65'537, 'a').append("\n")).error ==
        "line 1: the header line has 65537 bytes; at most 65536 are allowed");
  CHECK(frames_of(kCsv, "a,b").last == FrameStep::end);
}

TEST_CASE("a JSON document is a frame, an array's elements are frames", "[framer]") {
  const Framed one = frames_of(kJson, " {\"a\":[1,{\"b\":\"}\\\"]\"}]} \n");
  CHECK(raws(one) == Texts{"{\"a\":[1,{\"b\":\"}\\\"]\"}]}"});
  CHECK(one.last == FrameStep::end);
  const Framed many = frames_of(kJson, "[ {\"a\":\"],\"} ,\n\"s,]\",[ 1,2 ],-1.5 ,tru,{} ]");
  CHECK(raws(many) == Texts{"{\"a\":\"],\"}", "\"s,]\"", "[ 1,2 ]", "-1.5", "tru", "{}"});
  CHECK(many.last == FrameStep::end);
  CHECK(many.frames.at(5).line == 6);
  CHECK(raws(frames_of(kJson, "[]")).empty());
  CHECK(frames_of(kJson, " [ ] ").last == FrameStep::end);
  // What is wrong inside an element is the chain's to find.
  CHECK(raws(frames_of(kJson, "[{\"a\":[1}},{\"b\"]]")) == Texts{"{\"a\":[1}}", "{\"b\"]"});
}

TEST_CASE("JSON that cannot be framed is refused with its place, and what came before stands", "[framer]") {
  const auto refused = [](std::string_view input, Texts before, std::string_view error) {
    const Framed framed = frames_of(kJson, input);
    INFO(input);
    CHECK(framed.last == FrameStep::refused);
    CHECK(raws(framed) == before);
    CHECK(framed.error == error);
  };
  refused("", {}, "there is no JSON in it");
  refused("17", {}, "byte 0 (behind 0 elements): an object or an array of objects is expected, not '1'");
  refused("[1 2]", {"1"}, "byte 3 (behind 1 elements): a comma or ] is expected, not '2'");
  refused("[1,]", {"1"}, "byte 3 (behind 1 elements): a value is expected, not ']'");
  refused("[,1]", {}, "byte 1 (behind 0 elements): a value is expected, not ','");
  refused("[{}", {"{}"}, "cut off: the input ends at byte 3 inside the document (behind 1 elements)");
  refused("[{},{\"a\":[", {"{}"}, "cut off: the input ends at byte 10 inside an element (behind 1 elements)");
  refused("{\"a\":\"}", {}, "cut off: the input ends at byte 7 inside an element (behind 0 elements)");
  refused("{}\n{}", {"{}"},
          "byte 3 (behind 1 elements): nothing behind the end of the document (lines of one document each are ndjson) "
          "is expected, not '{'");
  refused("[1]\xff", {"1"},
          "byte 3 (behind 1 elements): nothing behind the end of the document (lines of one document each are ndjson) "
          "is expected, not byte 0xff");
}

TEST_CASE("a long element of an array is cut, its neighbours are whole", "[framer]") {
  const FramerLimits limits{.event_bytes_max = 10, .frame_bytes_max = 20, .frame_bytes_kept = 6};
  const std::string element = "{\"a\":\"" + std::string(40, ']') + "\\\"\"}";
  const Framed framed = frames_of(kJson, "[1, " + element + " ,2]", limits);
  REQUIRE(raws(framed) == Texts{"1", "{\"a\":\"", "2"});
  CHECK(framed.frames[1].flags == (frame_flag::oversize | frame_flag::cut));
  CHECK(framed.frames[1].digest == digest_id(element));
  CHECK(framed.frames[1].note ==
        "50 bytes from byte 4 of the input, digest " + digest_id(element) + "; the first 6 were kept");
}

TEST_CASE("the features of a GeoJSON collection are frames, its other members are passed over", "[framer]") {
  const std::string input = R"({"type":"FeatureCollection", "meta":{"features":[0],"n":"]"},"bbox":[1,2], )"
                            R"("features" : [ {"id":1}, {"id":2,"g":{"c":[1,2]}} ], "x":-1 } )";
  const Framed framed = frames_of(kGeoJson, input);
  CHECK(raws(framed) == Texts{"{\"id\":1}", "{\"id\":2,\"g\":{\"c\":[1,2]}}"});
  CHECK(framed.last == FrameStep::end);
  CHECK(raws(frames_of(kGeoJson, R"({"features":[]})")).empty());
  CHECK(raws(frames_of(kGeoJson, R"({"features":[1],"features":[2]})")) == Texts{"1"});
  const auto error = [](std::string_view text) { return frames_of(kGeoJson, text).error; };
  CHECK(error("[]") == "byte 0 (behind 0 elements): a FeatureCollection, an object, is expected, not '['");
  const std::string no_collection =
      "the object has no array `features`: it is not a FeatureCollection (Features one a line are of the format ndjson, "
      "one alone is json)";
  CHECK(error("{}") == no_collection);
  CHECK(error(R"({"type":"Feature","id":1})") == no_collection);
  CHECK(error(R"({"features":{}})") == "byte 12 (behind 0 elements): the array of features is expected, not '{'");
  CHECK(error(R"({"a":})") == "byte 5 (behind 0 elements): a value is expected, not '}'");
  CHECK(error(R"({"a" 1})") == "byte 5 (behind 0 elements): a colon is expected, not '1'");
  CHECK(error(R"({"features":[1)") == "cut off: the input ends at byte 14 inside an element (behind 0 elements)");
}

struct Sample {
  const char* name;
  const Make* make;
  std::string input;
};
std::vector<Sample> samples() {
  return {
      {"lines", &kLines, "\xef\xbb\xbf{\"a\":1}\r\n\n" + std::string(30, 'x') + "\r\n\r\r\nshort\nlast\r"},
      {"csv", &kCsv,
       "\xef\xbb\xbfid,\"n\"\"a\"\r\n1,a\r\n2,\"x,\"\"y\"\"\r\nz\"\r\n\r\n3,\"op\"en\n4,st\"ray\n5,"
       "\"a\nb\nc\nd\ne\"\n" +
           std::string(30, 'x') + "\"\r\n\"6\"\n7,\"open\n8,\"\""},
      {"json", &kJson,
       "\xef\xbb\xbf [ {\"a\":\"}\\\\\\\"\"} ,12.5,\"s\\\"]\", [1,[2,3]] ," + std::string("{\"k\":\"") +
           std::string(30, '\\') + "\"}, true ] \n"},
      {"geojson", &kGeoJson,
       "{ \"m\" : {\"features\":[1]}, \"features\" : [ {\"id\":1} , {\"p\":\"" + std::string(30, ']') +
           "\"},3 ] , \"x\":[true] } "},
  };
}
const FramerLimits kSmall{.event_bytes_max = 12, .frame_bytes_max = 24, .frame_bytes_kept = 8};

TEST_CASE("how the input was cut into reads never changes its frames", "[framer]") {
  int compared = 0;
  for (const Sample& sample : samples()) {
    INFO(sample.name);
    const auto whole_framer = (*sample.make)(kSmall, std::nullopt);
    const Framed whole = drive(*whole_framer, sample.input, chunks_of(sample.input.size()));
    CHECK(whole.last == FrameStep::end);
    CHECK(whole.frames.size() >= 3);
    for (std::size_t first = 1; first < sample.input.size(); ++first) {
      const auto framer = (*sample.make)(kSmall, std::nullopt);
      REQUIRE(drive(*framer, sample.input, split_at(first)) == whole);
      ++compared;
    }
    for (std::size_t size = 1; size <= 8; ++size) {
      const auto framer = (*sample.make)(kSmall, std::nullopt);
      REQUIRE(drive(*framer, sample.input, chunks_of(size)) == whole);
      ++compared;
    }
  }
  CHECK(compared > 300);
}

TEST_CASE("a framer that goes on behind any frame gives the frames that followed", "[framer]") {
  int resumed = 0;
  int jumps = 0;
  for (const Sample& sample : samples()) {
    INFO(sample.name);
    const auto whole_framer = (*sample.make)(kSmall, std::nullopt);
    const Framed whole = drive(*whole_framer, sample.input, chunks_of(sample.input.size()));
    for (std::size_t i = 0; i < whole.frames.size(); ++i) {
      for (const std::size_t size : {std::size_t{5}, std::size_t{1000}}) {
        const auto framer = (*sample.make)(kSmall, whole.frames[i].place);
        const Framed rest = drive(*framer, sample.input, chunks_of(size));
        REQUIRE(rest.frames == std::vector<test::OwnedFrame>(whole.frames.begin() + static_cast<std::ptrdiff_t>(i) + 1,
                                                             whole.frames.end()));
        REQUIRE(rest.last == FrameStep::end);
        REQUIRE(rest.header == whole.header);
        ++resumed;
        jumps += static_cast<int>(rest.jumps);
      }
    }
  }
  CHECK(resumed > 30);
  CHECK(jumps > 15);
}

TEST_CASE("random bytes frame the same however they are read, and never do harm", "[framer]") {
  constexpr std::uint64_t kSeed = 4180;
  INFO("seed " << kSeed);
  std::mt19937_64 rng(kSeed);
  const Make* makes[] = {&kLines, &kCsv, &kJson, &kGeoJson};
  const std::string_view alphabets[] = {"a\n\r", "a,\"\n\r", "[]{},\":\\ 1", "[]{},\":\\ 1"};
  const std::string_view starts[] = {"", "h,i\n", "[", "{\"features\":["};
  int frames = 0;
  int refused = 0;
  for (int round = 0; round < 30'000; ++round) {
    const std::size_t kind = rng() % 4;
    std::string input(rng() % 4 == 0 ? "" : starts[kind]);
    for (std::uint64_t n = rng() % 120; n != 0; --n)
      input.push_back(rng() % 40 == 0 ? static_cast<char>(rng()) : alphabets[kind][rng() % alphabets[kind].size()]);
    const auto whole_framer = (*makes[kind])(kSmall, std::nullopt);
    const Framed whole = drive(*whole_framer, input, chunks_of(input.size() + 1));
    const auto framer = (*makes[kind])(kSmall, std::nullopt);
    const Framed parts = drive(*framer, input, [&] { return rng() % 20; });
    INFO(input);
    REQUIRE(parts == whole);
    REQUIRE((whole.last == FrameStep::end || whole.last == FrameStep::refused));
    frames += static_cast<int>(whole.frames.size());
    refused += whole.last == FrameStep::refused ? 1 : 0;
  }
  CHECK(frames > 50'000);
  CHECK(refused > 10'000);
  CHECK(refused < 25'000);
}

TEST_CASE("every byte of a random CSV input is in a frame, a line end or an empty line", "[framer]") {
  // Goal: nothing is lost. Method: the frames, put back between their places, give the input again, except \r and \n.
  constexpr std::uint64_t kSeed = 64;
  INFO("seed " << kSeed);
  std::mt19937_64 rng(kSeed);
  for (int round = 0; round < 5'000; ++round) {
    std::string input = "h\n";
    for (std::uint64_t n = rng() % 200; n != 0; --n) input.push_back("a,\"\n"[rng() % 4]);
    const Framed framed = frames_of(kCsv, input, kSmall);
    std::size_t at = 2;
    for (const auto& frame : framed.frames) {
      while (input[at] == '\n') ++at;
      REQUIRE(input.substr(at, frame.raw.size()) == frame.raw);
      const std::uint64_t length = (frame.flags & frame_flag::cut) != 0 ? std::stoull(frame.note) : frame.raw.size();
      if ((frame.flags & frame_flag::cut) != 0) REQUIRE(frame.digest == digest_id(input.substr(at, length)));
      at += length;
      REQUIRE((at == input.size() || input[at] == '\n'));
      REQUIRE(frame.place.bytes == std::min(at + 1, input.size()));
    }
    while (at < input.size() && input[at] == '\n') ++at;
    REQUIRE(at == input.size());
  }
}

TEST_CASE("an endless line is held in bounded memory", "[framer]") {
  const auto framer =
      kLines({.event_bytes_max = 100, .frame_bytes_max = 1024 * 1024, .frame_bytes_kept = 16}, std::nullopt);
  DigestId digest;
  digest.begin();
  Frame frame;
  std::size_t largest = 0;
  constexpr std::size_t kTotal = 64 * 1024 * 1024;
  for (std::size_t sent = 0; sent < kTotal;) {
    REQUIRE(framer->next(frame) == FrameStep::more);
    const auto space = framer->space();
    largest = std::max(largest, space.size());
    const std::size_t count = std::min(space.size(), kTotal - sent);
    std::memset(space.data(), 'e', count);
    digest.add({space.data(), count});
    framer->filled(count);
    sent += count;
  }
  REQUIRE(framer->next(frame) == FrameStep::more);
  framer->ended();
  REQUIRE(framer->next(frame) == FrameStep::frame);
  CHECK(frame.raw == std::string(16, 'e'));
  CHECK(frame.digest == digest.finish());
  CHECK(largest <= 2 * 1024 * 1024);
  CHECK(framer->next(frame) == FrameStep::end);
}

}  // namespace
}  // namespace weir
