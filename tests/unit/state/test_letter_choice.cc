// Dead letters chosen by what their original record says, edited ones, and letters as messages of other tools. And the audit log.
#include "runtime/engine/audit.h"
#include "runtime/engine/letter_edit.h"
#include "runtime/engine/letter_headers.h"
#include "runtime/engine/letters_query.h"
#include "tests/unit/state/scene.h"

namespace weir::test {
namespace {

const ViewSet& no_views() {
  static const ViewSet views = ViewSet::compile({}).value();
  return views;
}

struct Frame {
  std::string id, original, edited, header;
};

/// One partition with these letters at offsets 0, 1, …
class Letters {
 public:
  explicit Letters(const std::vector<Frame>& frames) : partition_(0, no_views(), log_) {
    OutcomeBatchBuilder builder(Offset{0});
    for (const Frame& frame : frames) {
      builder.add({frame.id, {}, kNewYear + 1'999}, Outcome::dead_lettered);
      LetterView letter;
      letter.original = frame.original;
      letter.edited = frame.edited;
      letter.stage = "validate";
      letter.reason = "field_range";
      letter.details = R"(["amount"])";
      letter.door = "http";
      letter.attempts = 2;
      letter.csv_header = frame.header;
      letter.format = static_cast<std::uint32_t>(frame.header.empty() ? FrameFormat::json : FrameFormat::csv);
      builder.letter(letter);
    }
    CommitBody body;
    body.batches.push_back(builder.finish());
    REQUIRE(partition_.state().apply({Epoch{1}, CommitSequence{1}, Offset{0}, Offset{frames.size()}, {}}, body, partition_.extractor()));
  }
  [[nodiscard]] std::vector<PartitionPicture> pictures() { return {partition_.picture()}; }
  Partition& partition() { return partition_; }

 private:
  TestLog log_;
  Partition partition_;
};

std::vector<std::string> ids(const std::vector<PartitionPicture>& pictures, const LetterFilter& filter) {
  std::vector<std::string> found;
  const auto answer = query_letters(pictures, filter, [&](const PlacedLetter& letter) {
    found.emplace_back(letter.stored.id);
    return true;
  });
  REQUIRE(answer);
  return found;
}
using Ids = std::vector<std::string>;

LetterFilter where(const std::vector<std::string>& conditions, char separator = ',') {
  LetterFilter filter;
  for (const std::string& text : conditions) filter.where.push_back(parse_field_condition(text).value());
  filter.separator = separator;
  return filter;
}

}  // namespace

TEST_CASE("letters are chosen by fields of their original record, CSV and JSON beside each other", "[letters]") {
  Letters letters({{"a", R"({"land":"Oz","n":1.50})", R"({"land":"NL","n":1})", ""},
                   {"b", "Oz;2", "", "land;n"},
                   {"c", "2;Oz", "", "n;land"},
                   {"d", R"({"land":"NL")", "", ""},
                   {"e", R"({"land":)", "", ""}});
  // The original record counts, not what it was edited to; a broken one is found by what stands in front of the break.
  CHECK(ids(letters.pictures(), where({"land=Oz"}, ';')) == Ids{"a", "b", "c"});
  CHECK(ids(letters.pictures(), where({"land=NL"}, ';')) == Ids{"d"});
  CHECK(ids(letters.pictures(), where({"land=Oz", "n=2"}, ';')) == Ids{"b", "c"});
  CHECK(ids(letters.pictures(), where({"n=1.5"}, ';')) == Ids{"a"});
  CHECK(ids(letters.pictures(), where({"land=Oz"}, ',')) == Ids{"a"});
  LetterFilter filter = where({"land=Oz"}, ';');
  filter.id = "b";
  CHECK(ids(letters.pictures(), filter) == Ids{"b"});
  filter.id = "d";
  CHECK(ids(letters.pictures(), filter).empty());
}

TEST_CASE("without totals nothing behind the page is read, and the pages are the whole", "[letters]") {
  std::vector<Frame> frames;
  for (int i = 0; i < 7; ++i) frames.push_back({"e" + std::to_string(i), i % 2 == 0 ? R"({"k":"even"})" : R"({"k":"odd"})", "", ""});
  Letters letters(frames);
  LetterFilter filter = where({"k=even"});
  filter.limit = 2;
  filter.totals = false;
  Ids all;
  std::size_t pages = 0;
  for (bool more = true; more; ++pages) {
    const auto answer = query_letters(letters.pictures(), filter, [&](const PlacedLetter& letter) {
                          all.emplace_back(letter.stored.id);
                          return true;
                        }).value();
    CHECK(answer.given == 2);
    CHECK(answer.total == 2);
    filter.after = answer.next;
    more = answer.next.has_value();
  }
  CHECK(all == Ids{"e0", "e2", "e4", "e6"});
  CHECK(pages == 2);  // the last page is full, and says that it is the last
}

TEST_CASE("an edited letter says what it was edited to, and is exported so", "[letters]") {
  Letters letters({{"a", R"({"n":0})", R"({"n":1})", ""}, {"b", R"({"n":2})", std::string("\xff{}", 3), ""}, {"c", R"({"n":3})", "", ""}});
  std::vector<std::string> rows;
  REQUIRE(query_letters(letters.pictures(), {}, [&](const PlacedLetter& letter) {
    append_row_json(rows.emplace_back(), letter_row(letter));
    return true;
  }));
  REQUIRE(rows.size() == 3);
  CHECK(rows[0].ends_with(R"("attempts":2,"original":"{\"n\":0}","edited":"{\"n\":1}"})"));
  CHECK(rows[1].ends_with(R"("original":"{\"n\":2}","edited_base64":"/3t9"})"));
  CHECK(rows[2].ends_with(R"("original":"{\"n\":3}"})"));
  std::string text;
  CHECK(export_raw(letters.pictures(), {}, [&](std::string_view piece) {
          text.append(piece);
          return true;
        }).value().letters.given == 3);
  CHECK(text == "{\"n\":1}\n\xff{}\n{\"n\":3}\n");
}

TEST_CASE("a letter as a message has the header names of Kafka Connect, or of Spring with its binary numbers", "[letters]") {
  Letters letters({{"a", "x\xff", "", ""}});
  std::string connect, spring;
  REQUIRE(query_letters(letters.pictures(), {}, [&](const PlacedLetter& letter) {
    append_letter_message(connect, letter, *header_style_of("kafka-connect"), "shop");
    append_letter_message(spring, letter, *header_style_of("spring"), "shop");
    return true;
  }));
  CHECK(connect ==
        R"({"topic":"shop.ingest","partition":0,"offset":0,"timestamp":1704067200001,"key":"a","headers":[)"
        R"({"name":"__connect.errors.topic","value":"shop.ingest"},{"name":"__connect.errors.partition","value":"0"},)"
        R"({"name":"__connect.errors.offset","value":"0"},{"name":"__connect.errors.connector.name","value":"shop"},)"
        R"({"name":"__connect.errors.task.id","value":"0"},{"name":"__connect.errors.stage","value":"validate"},)"
        R"({"name":"__connect.errors.class.name","value":"weir.validate"},{"name":"__connect.errors.exception.class.name","value":"field_range"},)"
        R"({"name":"__connect.errors.exception.message","value":"[\"amount\"]"},)"
        R"({"name":"weir.reason","value":"field_range"},{"name":"weir.attempts","value":"2"},{"name":"weir.door","value":"http"}],"value_base64":"eP8="})");
  // 0 in 4 and 8 bytes, and 1704067200001 = 0x18cc251f401.
  CHECK(spring ==
        R"({"topic":"shop.ingest","partition":0,"offset":0,"timestamp":1704067200001,"key":"a","headers":[)"
        R"({"name":"kafka_dlt-original-topic","value":"shop.ingest"},{"name":"kafka_dlt-original-partition","value_base64":"AAAAAA=="},)"
        R"({"name":"kafka_dlt-original-offset","value_base64":"AAAAAAAAAAA="},{"name":"kafka_dlt-original-timestamp","value_base64":"AAABjMJR9AE="},)"
        R"({"name":"kafka_dlt-original-timestamp-type","value":"LogAppendTime"},{"name":"kafka_dlt-original-consumer-group","value":"shop"},)"
        R"({"name":"kafka_dlt-exception-fqcn","value":"weir.validate"},{"name":"kafka_dlt-exception-cause-fqcn","value":"field_range"},)"
        R"({"name":"kafka_dlt-exception-message","value":"[\"amount\"]"},)"
        R"({"name":"weir.reason","value":"field_range"},{"name":"weir.attempts","value":"2"},{"name":"weir.door","value":"http"}],"value_base64":"eP8="})");
  CHECK_FALSE(header_style_of("Spring"));
}

TEST_CASE("new bytes must have the id of the event, unless the id is a digest", "[letters]") {
  RecordConfig record;
  record.id.digest = false;
  FieldPath path;
  path.text = "id";
  path.parts = {"id"};
  record.id.fields.push_back(path);
  StoredLetter letter;
  letter.id = "a1";
  letter.letter.format = static_cast<std::uint32_t>(FrameFormat::json);
  CHECK(check_same_id(record, letter, R"({"id":"a1","n":2})"));
  CHECK(check_same_id(record, letter, R"({"id":"a2"})").error().context.find("of event 'a2'") != std::string::npos);
  CHECK(check_same_id(record, letter, R"({"n":2})").error().context.find("have no id") != std::string::npos);
  letter.letter.frame_flags = frame_flag::id_digest;
  CHECK(check_same_id(record, letter, R"({"id":"a2"})"));
  letter.letter.frame_flags = 0;
  letter.letter.format = static_cast<std::uint32_t>(FrameFormat::csv);
  letter.letter.csv_header = "n,id";
  CHECK(check_same_id(record, letter, "7,a1"));
  CHECK(check_same_id(record, letter, "a1,7").error().code == Errc::invalid_argument);
}

TEST_CASE("the audit log is read by time and page by page, whoever asks for what", "[audit]") {
  // Goal: one record for each change, in order, never twice. Method: edits of three letters by two people, in four commits.
  Letters letters({{"a", "1", "", ""}, {"b", "2", "", ""}, {"c", "3", "", ""}});
  const auto edit = [&](std::uint64_t commit, const std::string& who, const std::vector<std::uint64_t>& offsets) {
    OutcomeBatchBuilder builder(Offset{3});
    LetterOrder order{LetterOrder::Kind::edit, who, "operate", "because", {}};
    for (const std::uint64_t offset : offsets) {
      builder.next_is(Offset{offset});
      builder.add({std::string(1, static_cast<char>('a' + offset)), {}, kNewYear}, Outcome::dead_lettered, outcome_flag::from_letter);
      LetterView letter;
      letter.original = std::to_string(offset + 1);
      letter.edited = "new";
      letter.reason = "field_range";
      letter.details = "[]";
      builder.letter(letter);
      order.offsets.push_back(Offset{offset});
    }
    CommitBody body;
    body.meta.committed_at = kNewYear + static_cast<std::int64_t>(commit);
    body.batches.push_back(builder.finish());
    body.orders.push_back(order);
    REQUIRE(letters.partition().state().apply({Epoch{1}, CommitSequence{commit}, Offset{3}, Offset{3}, {}}, body, letters.partition().extractor()));
  };
  edit(2, "alice", {0, 2});
  edit(3, "bob", {1});
  edit(4, "alice", {0});
  const auto read = [&](AuditFilter filter) {
    std::vector<std::string> found;
    std::optional<AuditPlace> next;
    do {
      next = query_audit(letters.pictures(), filter, [&](std::string_view json) {
               found.emplace_back(json);
               return true;
             }).value();
      filter.after = next;
    } while (next);
    return found;
  };
  for (const std::uint64_t limit : {0, 1, 2, 3, 4, 5}) {
    AuditFilter filter;
    filter.limit = limit;
    const auto all = read(filter);
    REQUIRE(all.size() == 4);
    CHECK(all[0].starts_with(R"({"at":"2024-01-01T00:00:00.000002Z","change":"edit","who":"alice","role":"operate","why":"because","id":"a","partition":0,"offset":0,"commit":2,)"));
    CHECK(all[1].find(R"("id":"c")") != std::string::npos);
    CHECK(all[2].find(R"("who":"bob")") != std::string::npos);
    CHECK(all[3].find(R"("edited":true,"payload":"new"},"after")") != std::string::npos);
    filter.who = "alice";
    CHECK(read(filter).size() == 3);
    filter.id = "a";
    CHECK(read(filter).size() == 2);
    filter.from = kNewYear + 3;
    CHECK(read(filter).size() == 1);
    filter.to = kNewYear + 4;
    CHECK(read(filter).empty());
  }
}

}  // namespace weir::test
