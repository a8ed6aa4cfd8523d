// Values of view rows: the bytes on disks, and that merging knows no order.
#include <random>

#include "runtime/base/hash.h"
#include "runtime/engine/view_value.h"
#include "tests/support/catch.h"

namespace weir::test {
namespace {

const ViewMerger kMerger;

std::string merged(std::optional<std::string_view> a, std::string_view b) {
  std::string out;
  REQUIRE(kMerger.merge("k", a, b, out));
  return out;
}
Decimal number(std::string_view text) {
  return Decimal::parse(text).value();
}

AggregateLayout all_kinds() {
  return AggregateLayout(
      2, {MeasureKind::count, MeasureKind::sum, MeasureKind::min, MeasureKind::max, MeasureKind::average});
}

std::string one_row(const AggregateLayout& layout, const std::optional<Decimal>& value, std::uint8_t scale) {
  std::string bytes(layout.size(), '\0');
  layout.init(bytes.data());
  const std::uint8_t scales[] = {scale, 0};
  layout.add_row(bytes.data(), scales);
  if (value)
    for (std::size_t i = 1; i < 5; ++i) layout.add(bytes.data(), i, *value);
  return bytes;
}

std::string latest(std::int64_t time, const std::string& id, std::uint16_t index, const std::string& body,
                   bool in_key = false) {
  LatestValue value;
  value.event_time = time;
  value.id = id;
  value.index = index;
  value.id_in_key = in_key;
  value.body = body;
  std::string bytes(latest_size(value), '\0');
  write_latest(value, bytes.data());
  return bytes;
}

}  // namespace

TEST_CASE("the bytes of values are what older states have", "[view_value]") {
  const AggregateLayout layout(1, {MeasureKind::count, MeasureKind::sum, MeasureKind::min});
  std::string bytes(layout.size(), '\0');
  layout.init(bytes.data());
  const std::uint8_t scales[] = {2};
  layout.add_row(bytes.data(), scales);
  layout.add(bytes.data(), 1, number("-1.50"));
  layout.add(bytes.data(), 2, number("2.5"));
  CHECK(to_hex(bytes) ==
        "01610103"  // version, kind, parts, measures
        "000102"
        "02"
        "0100000000000000"  // count, sum, min; scale; rows
        "0100000000000000"
        "6affffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
        "02"
        "01"
        "19000000000000000000000000000000"
        "01");
  CHECK(to_hex(latest(1, "ab", 3, "xyz")) ==
        "016c00"
        "0100000000000000"
        "0300"
        "0200"
        "6162"
        "78797a");
  CHECK(to_hex(latest(-1, "", 0, "", true)) ==
        "016c01"
        "ffffffffffffffff"
        "0000"
        "0000");
  std::string body;
  append_token(body, "");
  append_token(body, "17");
  append_token(body, std::string(130, 'x'));
  CHECK(to_hex(body.substr(0, 6)) == "000231378201");
}

TEST_CASE("the bytes of distinct counts are what older states have", "[view_value]") {
  const AggregateLayout layout(0, {MeasureKind::distinct, MeasureKind::count, MeasureKind::distinct});
  std::string bytes(layout.size(), '\0');
  layout.init(bytes.data());
  layout.add_row(bytes.data(), {});
  const auto add = [&](std::size_t measure, std::uint64_t hash) {
    const auto growth = layout.growth(bytes, measure, hash);
    if (!growth) return;
    const std::size_t size = bytes.size();
    bytes.resize(size + *growth);
    layout.add_distinct(bytes.data(), size, measure, hash);
  };
  add(2, 0x0807060504030201);
  add(0, 0x1122334455667788);
  add(0, 0x1122334455667787);
  add(0, 0x1122334455667788);
  CHECK(to_hex(bytes) ==
        "01610003"  // version, kind, parts, measures
        "050005"    // distinct, count, distinct
        "0100000000000000"
        "02000000"  // two hashes
        "01000000"  // one
        "8777665544332211"
        "8877665544332211"
        "0102030405060708");
  const auto view = AggregateView::read(bytes);
  REQUIRE(view);
  CHECK(view->token(0) == "2");
  CHECK(view->token(1) == "1");
  CHECK(view->token(2) == "1");
  CHECK_FALSE(view->approximate(0));
  // What is cut off, goes on too long, does not ascend or announces more than there may be is damage.
  const ViewMerger merger;
  std::string merged;
  for (std::size_t size = 0; size < bytes.size(); ++size) CHECK_FALSE(AggregateView::read(bytes.substr(0, size)));
  CHECK_FALSE(AggregateView::read(bytes + '\0'));
  std::string turned = bytes;
  std::swap(turned[23], turned[31]);
  CHECK_FALSE(AggregateView::read(turned));
  CHECK_FALSE(merger.merge("v", bytes, turned, merged));
  std::string more = bytes;
  more[15] = 3;
  CHECK_FALSE(AggregateView::read(more));
  more[15] = '\xff';
  more[16] = more[17] = more[18] = '\xff';
  CHECK_FALSE(AggregateView::read(more));
  // Beyond the limit: registers, and the other measure untouched behind them.
  for (std::uint64_t i = 0; i < 2'000; ++i) add(0, i * 0x9e3779b97f4a7c15);
  CHECK(bytes.size() == layout.size() + 8'192 + 8);
  const auto large = AggregateView::read(bytes);
  REQUIRE(large);
  CHECK(large->approximate(0));
  CHECK_FALSE(large->approximate(2));
  CHECK(large->token(2) == "1");
  REQUIRE(merger.merge("v", bytes, bytes, merged));
  CHECK(AggregateView::read(merged)->token(0) == large->token(0));
  CHECK(AggregateView::read(merged)->token(1) == "2");
  CHECK(merged.substr(layout.size()) == bytes.substr(layout.size()));
}

TEST_CASE("an aggregate prints exact numbers, and null where there is none", "[view_value]") {
  const AggregateLayout layout = all_kinds();
  std::string bytes = one_row(layout, std::nullopt, 0);
  auto view = AggregateView::read(bytes).value();
  CHECK(view.rows() == 1);
  CHECK(view.token(0) == "1");
  for (std::size_t i = 1; i < 5; ++i) CHECK(view.token(i) == "null");
  for (const char* text : {"0.1", "0.20", "-7", "0.1"}) bytes = merged(bytes, one_row(layout, number(text), 0));
  view = AggregateView::read(bytes).value();
  CHECK(view.token(0) == "5");
  CHECK(view.token(1) == "-6.60");
  CHECK(view.token(2) == "-7");
  CHECK(view.token(3) == "0.20");
  CHECK(view.token(4) == "-1.65000000");
}

TEST_CASE("merging aggregates is associative and commutative to the byte", "[view_value]") {
  const auto seed = GENERATE(1u, 2u, 3u);
  INFO("seed " << seed);
  std::mt19937_64 random(seed);
  const AggregateLayout layout = all_kinds();
  for (int round = 0; round < 60; ++round) {
    std::vector<std::string> values;
    for (std::uint64_t n = 2 + random() % 12; n != 0; --n) {
      const auto scale = static_cast<std::uint32_t>(random() % 4);
      // Few values, so that equal numbers with other spellings meet.
      const auto value = Decimal::make(static_cast<Int128>(random() % 5) * (scale == 0 ? 1 : 10), scale).value();
      values.push_back(
          one_row(layout, random() % 5 == 0 ? std::nullopt : std::optional(random() % 2 == 0 ? value : value.negated()),
                  static_cast<std::uint8_t>(scale)));
    }
    std::string straight;
    for (const std::string& value : values)
      straight = straight.empty() ? merged(std::nullopt, value) : merged(straight, value);
    for (int again = 0; again < 5; ++again) {
      std::vector<std::string> pool = values;
      while (pool.size() > 1) {
        std::shuffle(pool.begin(), pool.end(), random);
        const std::string last = pool.back();
        pool.pop_back();
        pool.back() = merged(pool.back(), last);
      }
      REQUIRE(to_hex(pool[0]) == to_hex(straight));
    }
  }
}

TEST_CASE("the latest is the greatest by time, id, index, in any order", "[view_value]") {
  const std::vector<std::string> rising = {latest(1, "z", 9, "a"), latest(2, "a", 0, "b"), latest(2, "a", 1, "b"),
                                           latest(2, "b", 0, "b"), latest(2, "b", 0, "c"), latest(3, "", 0, "a")};
  for (std::size_t i = 0; i < rising.size(); ++i)
    for (std::size_t j = 0; j < rising.size(); ++j) {
      INFO(i << ", " << j);
      CHECK(merged(rising[i], rising[j]) == rising[std::max(i, j)]);
    }
  CHECK(merged(std::nullopt, rising[0]) == rising[0]);
}

TEST_CASE("damaged values are refused, whatever is cut or turned", "[view_value]") {
  const AggregateLayout layout = all_kinds();
  const std::string good = one_row(layout, number("1.5"), 1);
  std::string out;
  for (std::size_t size = 0; size < good.size(); ++size) {
    CHECK_FALSE(AggregateView::read(good.substr(0, size)));
    CHECK_FALSE(kMerger.merge("k", good, good.substr(0, size), out));
    CHECK_FALSE(kMerger.merge("k", good.substr(0, size), good, out));
  }
  CHECK_FALSE(kMerger.merge("k", good + "x", good, out));
  CHECK_FALSE(kMerger.merge("k", latest(1, "a", 0, ""), good, out));
  CHECK_FALSE(kMerger.merge("k", good, latest(1, "a", 0, ""), out));
  CHECK_FALSE(kMerger.merge("k", std::nullopt, "garbage", out));
  // Whatever byte is turned: both orders say the same, a value or a refusal.
  for (const std::string& row : {good, one_row(layout, std::nullopt, 0)}) {
    for (std::size_t at = 0; at < good.size(); ++at) {
      for (const char turned : {'\x00', '\x01', '\x02', '\x7f', '\xfd'}) {
        std::string bad = good;
        bad[at] = turned;
        INFO("byte " << at << " is " << static_cast<int>(turned));
        std::string back;
        const bool merged = kMerger.merge("k", bad, row, out);
        REQUIRE(merged == kMerger.merge("k", row, bad, back));
        if (merged) REQUIRE(out == back);
      }
    }
  }
  const AggregateLayout other(2, {MeasureKind::count});
  CHECK_FALSE(kMerger.merge("k", good, one_row(other, std::nullopt, 0), out));
  const std::string record = latest(1, "abc", 0, "xyz");
  for (std::size_t size = 0; size < kLatestHead + 3; ++size) CHECK_FALSE(read_latest(record.substr(0, size)));
  std::string turned = record;
  turned[2] = static_cast<char>(turned[2] ^ 1);
  std::string back;
  REQUIRE(kMerger.merge("k", record, turned, out));
  REQUIRE(kMerger.merge("k", turned, record, back));
  CHECK(out == back);
  std::string_view body =
      "\x05"
      "abc";
  CHECK_FALSE(take_token(body));
  body = "\xff\xff\xff\xff\xff\xff";
  CHECK_FALSE(take_token(body));
}

}  // namespace weir::test
