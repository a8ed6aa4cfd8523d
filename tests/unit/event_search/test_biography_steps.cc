// The life of an event that somebody changed by hand, as text and as JSON.
#include "cluster/node/biography.h"
#include "tests/support/catch.h"

using namespace weir;

namespace {

constexpr std::int64_t kNewYear = 1'704'067'200'000'000;

Biography redriven() {
  Biography life;
  life.id = "e1";
  Attempt& attempt = life.attempts.emplace_back();
  attempt.door = "http";
  attempt.accepted_at = kNewYear;
  attempt.decided_at = kNewYear + 5'000'000;
  attempt.sequence = CommitSequence{5};
  attempt.outcome = "served";
  attempt.rules = "0123456789abcdef0123456789abcdef";
  attempt.node = "n1";
  attempt.incarnation = 77;
  attempt.code = "0.1.0+1a2b3c4d";
  attempt.records_count = 1;
  attempt.first_record = 3;
  attempt.records = {R"({"n":1.50})"};
  attempt.changes.push_back({kNewYear + 2'000'000, CommitSequence{2}, "edit", "anna", "operate", "n was 0\n\x1b[31m", {}});
  attempt.changes.push_back({kNewYear + 4'000'000, CommitSequence{4}, "redrive", "bo", "admin", "",
                             DeadLettered{kNewYear + 1'000'000, CommitSequence{1}, "validate", "field_range", R"(["n"])", 1, "fedcba9876543210fedcba9876543210"}});
  return life;
}

}  // namespace

TEST_CASE("a life tells every step in the order of the commits, each on a line", "[biography]") {
  CHECK(biography_text(redriven()) ==
        "event e1\npartition 0\n\n"
        "2024-01-01T00:00:00Z  accepted by http, offset 0\n"
        "2024-01-01T00:00:01Z  dead_lettered in commit 1 after 1 s, rules fedcba98\n"
        "  stage validate, reason field_range: [\"n\"]\n"
        "2024-01-01T00:00:02Z  edited in commit 2 after 1 s by anna: n was 0\\n\\u001b[31m\n"
        "2024-01-01T00:00:04Z  redriven in commit 4 after 2 s by bo\n"
        "2024-01-01T00:00:05Z  served in commit 5 after 1 s, by n1, rules 01234567, weir 0.1.0+1a2b3c4d\n"
        "  record {\"n\":1.50}\n");
}

TEST_CASE("a letter that was dropped, or is redriven and not decided yet, has no verdict behind the change", "[biography]") {
  Biography life = redriven();
  Attempt& attempt = life.attempts.front();
  attempt.records.clear();
  attempt.outcome = "retrying";
  attempt.sequence = CommitSequence{4};
  CHECK(biography_text(life).ends_with("redriven in commit 4 after 2 s by bo\n"));
  attempt.outcome = "dropped";
  attempt.changes.back().change = "drop";
  CHECK(biography_text(life).ends_with("dropped in commit 4 after 2 s by bo\n"));
  attempt.outcome = "expired";
  attempt.changes.back() = {kNewYear, CommitSequence{4}, "expire", "", "", "", attempt.changes.back().was};
  CHECK(biography_text(life).ends_with("expired in commit 4 after 0 us\n"));
}

TEST_CASE("changes in JSON have who, why, and the letter that was taken away", "[biography]") {
  const std::string json = biography_json(redriven());
  CHECK(json.find(R"("changes":[{"at":"2024-01-01T00:00:02Z","after_ms":1000.0,"commit":2,"change":"edit","who":"anna","role":"operate","why":"n was 0\n\u001b[31m"},)"
                  R"({"at":"2024-01-01T00:00:04Z","after_ms":2000.0,"commit":4,"change":"redrive","who":"bo","role":"admin","why":"","was":{"decided_at":"2024-01-01T00:00:01Z","after_ms":1000.0,)"
                  R"("commit":1,"rules":"fedcba9876543210fedcba9876543210","stage":"validate","reason":"field_range","details":["n"]}}])") != std::string::npos);
  CHECK(json.find(R"("records":[{"n":1.50}])") != std::string::npos);
  CHECK(json.find(R"("commit":5,"owner":{"node":"n1","incarnation":77},"code":"0.1.0+1a2b3c4d","rules":"0123456789abcdef0123456789abcdef",)"
                  R"("output":{"commit":5,"record":3,"records":1})") != std::string::npos);
}
