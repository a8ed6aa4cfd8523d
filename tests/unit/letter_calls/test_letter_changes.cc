// Redrive and drop over HTTP, of a node that is played: what partitions are asked, and what is made of their answers.
#include <map>

#include "cluster/api/http_api.h"
#include "cluster/api/wait_reasons.h"
#include "tests/unit/state/scene.h"

namespace weir::test {
namespace {

const ViewSet& no_views() {
  static const ViewSet views = ViewSet::compile({}).value();
  return views;
}

Decided dead(const std::string& id, const std::string& reason = "field_range", std::uint8_t flags = 0) {
  Decided event = decided(id, Outcome::dead_lettered, flags);
  event.reason = reason;
  return event;
}

/// Two partitions with letters; orders are kept until the test answers them.
class PlayedNode final : public NodeAccess {
 public:
  struct Order {
    PartitionId partition;
    LetterOrder order;
    std::function<void(Result<std::vector<LetterFate>>)> done;
  };
  explicit PlayedNode(const std::vector<Decided>& first, const std::vector<Decided>& second) {
    config.partitions = 2;
    logs_[0].commit(first);
    logs_[1].commit(second);
    for (std::uint32_t p = 0; p < 2; ++p) {
      partitions_.push_back(std::make_unique<Partition>(p, no_views(), logs_[p]));
      partitions_.back()->apply();
    }
  }
  const PipelineConfig& pipeline() const override { return config; }
  Digest128 log_id() const override { return {}; }
  void past(const AsOf&, Pictures) override {}
  Result<SnapshotList> snapshots() override { return {}; }
  void make_snapshots(std::function<void(Result<std::vector<SnapshotFate>>)>) override {}
  void verify_snapshots(const std::string&, std::function<void(Result<std::vector<TrialFate>>)>) override {}
  void change_letters(PartitionId partition, LetterOrder order, std::string, std::function<void(Result<std::vector<LetterFate>>)> done) override {
    orders.push_back({partition, std::move(order), std::move(done)});
  }
  void pictures(Ranges, const std::optional<ReadToken>&, std::chrono::milliseconds, Pictures done) override {
    done(std::vector<PartitionPicture>{partitions_[0]->picture(), partitions_[1]->picture()});
  }
  [[noreturn]] static void asked() { throw std::logic_error("asked"); }
  const std::string& node() const override { asked(); }
  const ViewSet& views() const override { asked(); }
  Digest128 rules_hash() const override { asked(); }
  Readiness readiness() const override { asked(); }
  LedgerReport ledger() const override { asked(); }
  std::vector<PartitionReport> partitions() const override { asked(); }
  std::vector<SinkReport> sinks() const override { asked(); }
  void release_sink(const std::string&, std::function<void(std::optional<std::size_t>)>) override { asked(); }
  std::vector<ActorLine> tree() const override { asked(); }
  void release(PartitionId, std::function<void(bool)>) override { asked(); }
  std::string metrics(bool) const override { asked(); }
  void ingest(HttpRequest, HttpReply) override { asked(); }
  void state_digests(std::function<void(Result<std::vector<Digest128>>)>) override { asked(); }
  bool work(std::function<void()>) override { asked(); }
  void biography(const std::string&, std::function<void(Result<EventLife>)>) override { asked(); }
  Result<TapAnswer> tap(const TapRequest&) override { asked(); }
  PartitionFacts partition_facts(PartitionId) const override { asked(); }
  void event_facts(const std::string&, std::function<void(Result<std::optional<EventFacts>>)>) override { asked(); }
  Result<SearchSlice> search(const std::vector<std::pair<std::string, std::string>>&, const SearchPlace&,
                             const std::function<bool(const FoundEvent&)>&) override {
    asked();
  }

  PipelineConfig config;
  std::vector<Order> orders;

 private:
  TestLog logs_[2];
  std::vector<std::unique_ptr<Partition>> partitions_;
};

struct NoClock final : Clock {
  TimePoint now() const override { return TimePoint{0}; }
  UnixMicros wall() const override { return 0; }
};
struct NoLog final : Logbook {
  void write(LogLevel, std::string_view, std::string_view) noexcept override {}
};

/// The API over a node. One request at a time.
class Api {
 public:
  explicit Api(NodeAccess& node) : api_(node, gate_) {}
  /// Nullopt: it waits for the partitions.
  std::optional<HttpResponse> ask(const std::string& target) {
    HttpRequest request;
    request.method = "POST";
    REQUIRE(read_target(target, request));
    request.principal = {"anna", Role::operate};
    answer.reset();
    answers = 0;
    api_(std::move(request), [this](HttpResponse response) {
      answer = std::move(response);
      ++answers;
    });
    return answer;
  }
  std::optional<HttpResponse> answer;
  int answers = 0;

 private:
  NoClock clock_;
  NoLog logbook_;
  AccessGate gate_{clock_, logbook_};
  HttpApi api_;
};

using Fates = std::vector<LetterFate>;

}  // namespace

TEST_CASE("a redrive asks each partition once for its letters, in order, and says who and why", "[letter_calls]") {
  PlayedNode node({dead("a"), decided("x"), dead("b"), dead("c", "time")}, {dead("d")});
  Api api(node);
  CHECK_FALSE(api.ask("/v1/dead-letters/redrive?reason=field_range&why=mended"));
  REQUIRE(node.orders.size() == 2);
  CHECK(node.orders[0].order == LetterOrder{LetterOrder::Kind::redrive, "anna", "operate", "mended", {Offset{0}, Offset{2}}});
  CHECK(node.orders[1].order == LetterOrder{LetterOrder::Kind::redrive, "anna", "operate", "mended", {Offset{0}}});
  CHECK(node.orders[1].partition == PartitionId{1});
  node.orders[1].done(Fates{LetterFate::gone});
  CHECK_FALSE(api.answer);
  node.orders[0].done(Fates{LetterFate::changed, LetterFate::later});
  REQUIRE(api.answers == 1);
  CHECK(api.answer->status == 200);
  CHECK(api.answer->body == R"({"changed":1,"gone":1,"conflicts":0,"later":1,"errors":[],"next":null})" "\n");
}

TEST_CASE("a partition that does not answer hides nothing of what the others did", "[letter_calls]") {
  PlayedNode node({dead("a"), dead("b")}, {dead("d")});
  Api api(node);
  CHECK_FALSE(api.ask("/v1/dead-letters/drop?all=true"));
  node.orders.at(0).done(fail(Errc::not_ready, "it is being rebuilt"));
  node.orders.at(1).done(Fates{LetterFate::changed});
  CHECK(api.answer->status == 200);
  CHECK(api.answer->body == R"({"changed":1,"gone":0,"conflicts":0,"later":2,"errors":[{"partition":0,"detail":"it is being rebuilt"}],"next":null})" "\n");
  // Nobody did anything: that is no success.
  node.orders.clear();
  CHECK_FALSE(api.ask("/v1/dead-letters/drop?all=true"));
  node.orders.at(0).done(fail(Errc::not_ready, "it is being rebuilt"));
  node.orders.at(1).done(fail(Errc::limit_reached, "too many wait"));
  CHECK(api.answer->status == 503);
}

TEST_CASE("pages of a redrive are the whole, and each begins behind the one before", "[letter_calls]") {
  std::vector<Decided> many;
  for (int i = 0; i < 5; ++i) many.push_back(dead("e" + std::to_string(i)));
  PlayedNode node(many, {dead("d"), dead("f")});
  Api api(node);
  std::map<std::uint32_t, std::vector<Offset>> asked;
  std::string cursor;
  int pages = 0;
  do {
    node.orders.clear();
    CHECK_FALSE(api.ask("/v1/dead-letters/redrive?all=true&limit=3" + (cursor.empty() ? "" : "&cursor=" + cursor)));
    for (auto& order : node.orders) {
      for (const Offset offset : order.order.offsets) asked[order.partition.value].push_back(offset);
      order.done(Fates(order.order.offsets.size(), LetterFate::changed));
    }
    ++pages;
    const std::string& body = api.answer->body;
    const std::size_t at = body.find(R"("next":")");
    cursor = at == std::string::npos ? "" : body.substr(at + 8, body.find('"', at + 8) - at - 8);
  } while (!cursor.empty());
  CHECK(pages == 3);
  CHECK(asked[0] == std::vector<Offset>{Offset{0}, Offset{1}, Offset{2}, Offset{3}, Offset{4}});
  CHECK(asked[1] == std::vector<Offset>{Offset{0}, Offset{1}});
}

TEST_CASE("what is no order asks nobody", "[letter_calls]") {
  PlayedNode node({dead("a"), dead("a", "conflict", outcome_flag::conflict)}, {});
  Api api(node);
  for (const char* target : {"redrive", "redrive?why=x", "redrive?all=true&stage=validate", "drop?all=1", "drop?limit=513&all=true", "drop?id=a&who=me",
                             "redrive?where.@id=a", "redrive?id=a&cursor=x", "redrive?id=a&why=%ff", "redrive?id=a&from=noon"}) {
    INFO(target);
    CHECK(api.ask(std::string("/v1/dead-letters/") + target).value().status == 400);
  }
  CHECK(api.ask("/v1/dead-letters/redrive?id=a&why=" + std::string(1025, 'x')).value().status == 400);
  CHECK(api.ask("/v1/dead-letters/redrive?id=b").value().status == 404);
  CHECK(api.ask("/v1/dead-letters/redrive?id=a&stage=enrich").value().status == 404);
  CHECK(api.ask("/v1/dead-letters/redrive?stage=enrich").value().status == 200);
  CHECK(node.orders.empty());
  // Only conflicts of one id are a refusal; beside others they are counted.
  CHECK_FALSE(api.ask("/v1/dead-letters/redrive?id=a&reason=conflict"));
  node.orders.at(0).done(Fates{LetterFate::conflict});
  CHECK(api.answer->status == 409);
  CHECK_FALSE(api.ask("/v1/dead-letters/redrive?id=a"));
  node.orders.at(1).done(Fates{LetterFate::changed, LetterFate::conflict});
  CHECK(api.answer->status == 200);
}

}  // namespace weir::test
