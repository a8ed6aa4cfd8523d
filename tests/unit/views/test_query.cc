// Asking views: keys, fields, times, pages, formats.
#include "tests/unit/state/scene.h"

namespace weir::test {
namespace {

using Rows = std::vector<std::string>;

/// Twelve shops' days in two partitions.
struct Shop {
  ViewSet views;
  TestLog logs[2];
  std::vector<std::unique_ptr<Partition>> partitions;
  std::vector<PartitionPicture> pictures;

  Shop() : views(make_views()) {
    for (int i = 0; i < 12; ++i) {
      Decided event = decided("e" + std::to_string(100 + i));
      event.time = kNewYear + i * kDay / 2;
      const char* const country = i % 3 == 0 ? "\"France\"" : i % 3 == 1 ? "\"Spain\"" : "17";
      event.records = {fmt::format(R"({{"country":{},"kind":"k{}","amount":{}.50,"deep":{{"er":"x{}"}}}})", country,
                                   i % 2, i, i % 4)};
      logs[i % 2].commit({event});
    }
    for (std::uint32_t p = 0; p < 2; ++p) {
      partitions.push_back(std::make_unique<Partition>(p, views, logs[p]));
      partitions[p]->apply();
      pictures.push_back(partitions[p]->picture());
    }
  }
  static ViewSet make_views() {
    ViewConfig by_id;
    by_id.name = "by_id";
    by_id.latest = path("@id");
    ViewConfig totals;
    totals.name = "totals";
    totals.group_by = {path("country"), path("kind")};
    totals.measures = {{"lines", MeasureKind::count, {}}, {"amount", MeasureKind::sum, path("amount")}};
    ViewConfig days;
    days.name = "days";
    days.windows = {window(WindowConfig::Unit::day, "day"), window(WindowConfig::Unit::month, "month")};
    days.group_by = {path("country")};
    days.measures = {{"lines", MeasureKind::count, {}}};
    ViewConfig kept = by_id;
    kept.name = "kept";
    kept.fields = {path("amount"), path("deep.er"), path("nothing")};
    ViewConfig kinds = kept;
    kinds.name = "kinds";
    kinds.latest = path("kind");
    kinds.fields = {path("amount")};
    ViewConfig amounts = kinds;
    amounts.name = "amounts";
    amounts.latest = path("amount");
    amounts.fields = {path("kind"), path("amount")};
    ViewConfig dear = kinds;
    dear.name = "dear";
    dear.latest = path("amount");
    dear.fields = {path("kind")};
    ViewConfig missing = kinds;
    missing.name = "missing";
    missing.latest = path("id");
    ViewConfig types = kinds;
    types.name = "types";
    types.latest = path("@type");
    ViewConfig times = kinds;
    times.name = "times";
    times.latest = path("@time");
    return ViewSet::compile({by_id, totals, days, kept, kinds, amounts, dear, missing, types, times}).value();
  }
  [[nodiscard]] Rows ask(const QueryRequest& request) { return rows(pictures, views, request); }
  [[nodiscard]] std::string print(const QueryRequest& request, RowFormat format) {
    std::string text;
    REQUIRE(write_query(pictures, views, request, format, [&](std::string_view piece) {
      text.append(piece);
      return true;
    }));
    return text;
  }
};

QueryRequest request(const std::string& view) {
  QueryRequest made;
  made.view = view;
  return made;
}

}  // namespace

TEST_CASE("rows are found by key, by leading key parts, by value or text", "[query]") {
  Shop shop;
  QueryRequest ask = request("totals");
  ask.key = {"France", "k0"};
  CHECK(shop.ask(ask) == Rows{R"({"country":"France","kind":"k0","lines":2,"amount":7.00})"});
  ask.key = {"France"};
  CHECK(shop.ask(ask).size() == 2);
  ask.key = {"17"};  // a number here
  CHECK(shop.ask(ask) == Rows{R"({"country":17,"kind":"k0","lines":2,"amount":11.00})",
                              R"({"country":17,"kind":"k1","lines":2,"amount":17.00})"});
  ask.key = {"17.0", "k1"};
  CHECK(shop.ask(ask).size() == 1);
  ask.key = {"Nowhere"};
  CHECK(shop.ask(ask).empty());
  ask = request("by_id");
  ask.key = {"e103"};
  CHECK(
      shop.ask(ask) ==
      Rows{
          R"({"id":"e103","time":"2024-01-02T12:00:00Z","country":"France","kind":"k1","amount":3.50,"deep":{"er":"x3"}})"});
  ask = request("days");
  ask.key = {"Spain"};
  CHECK(shop.ask(ask).size() == 5);  // 4 days, 1 month
}

TEST_CASE("where compares any field of a row, and paths into a record", "[query]") {
  Shop shop;
  QueryRequest ask = request("by_id");
  ask.where = {{"deep.er", "x1"}, {"kind", "k1"}};
  CHECK(shop.ask(ask).size() == 3);
  ask.where = {{"amount", "3.5"}};
  CHECK(shop.ask(ask).size() == 1);
  ask.where = {{"id", "e104"}};
  CHECK(shop.ask(ask).size() == 1);
  ask.where = {{"nothing", "null"}};
  CHECK(shop.ask(ask).size() == 12);
  ask.where = {{"nothing", "x"}};
  CHECK(shop.ask(ask).empty());
  ask = request("totals");
  ask.where = {{"lines", "2"}, {"country", "Spain"}};
  CHECK(shop.ask(ask).size() == 2);
  ask = request("days");
  ask.where = {{"window", "month"}};
  CHECK(shop.ask(ask) ==
        Rows{R"({"country":17,"window":"month","window_start":"2024-01-01T00:00:00Z","lines":4})",
             R"({"country":"France","window":"month","window_start":"2024-01-01T00:00:00Z","lines":4})",
             R"({"country":"Spain","window":"month","window_start":"2024-01-01T00:00:00Z","lines":4})"});
}

TEST_CASE("from is inside, to is outside, of window starts and event times", "[query]") {
  Shop shop;
  QueryRequest ask = request("days");
  ask.from = kNewYear + kDay;
  ask.to = kNewYear + 3 * kDay;
  CHECK(shop.ask(ask).size() == 4);  // two days with two shops each; the month begins before
  ask.key = {"France"};
  CHECK(shop.ask(ask) ==
        Rows{R"({"country":"France","window":"day","window_start":"2024-01-02T00:00:00Z","lines":1})"});
  ask = request("by_id");
  ask.from = kNewYear + kDay / 2;
  ask.to = kNewYear + 2 * kDay;
  CHECK(shop.ask(ask).size() == 3);
  ask.from = kNewYear + kDay;
  ask.to = kNewYear + kDay;
  CHECK(shop.ask(ask).empty());
}

TEST_CASE("what cannot be asked is refused with what is allowed", "[query]") {
  Shop shop;
  const auto refused = [&](const QueryRequest& ask) {
    return query_view(shop.pictures, shop.views, ask, [](const Row&) { return true; }).error();
  };
  CHECK(refused(request("none")).code == Errc::not_found);
  CHECK(refused(request("none")).context.find("by_id, totals, days") != std::string::npos);
  QueryRequest ask = request("totals");
  ask.key = {"a", "b", "c"};
  CHECK(refused(ask).code == Errc::invalid_argument);
  ask = request("totals");
  ask.from = 0;
  CHECK(refused(ask).code == Errc::invalid_argument);
  ask = request("totals");
  ask.cursor = "0011";
  CHECK(refused(ask).code == Errc::invalid_argument);
  ask.cursor = "00112233zz";
  CHECK(refused(ask).code == Errc::invalid_argument);
}

TEST_CASE("pages put together are the whole, without a row twice, and the first one tells the total", "[query]") {
  Shop shop;
  for (const char* view : {"by_id", "totals", "days"}) {
    const Rows whole = all_rows(shop.pictures, shop.views, view);
    for (const std::uint64_t limit : {1u, 2u, 5u, 100u}) {
      INFO(view << ", pages of " << limit);
      QueryRequest ask = request(view);
      ask.limit = limit;
      Rows together;
      for (int page = 0;; ++page) {
        REQUIRE(page < 20);
        const auto answer = query_view(shop.pictures, shop.views, ask, [&](const Row& row) {
          append_row_json(together.emplace_back(), row);
          return true;
        });
        REQUIRE(answer);
        if (page == 0) CHECK(answer->total == whole.size());
        if (page != 0) CHECK_FALSE(answer->total);
        if (!answer->next) break;
        CHECK(answer->rows == limit);
        ask.cursor = *answer->next;
      }
      CHECK(together == whole);
    }
  }
  QueryRequest ask = request("by_id");
  ask.limit = 2;
  ask.where = {{"kind", "k1"}};
  const auto answer = query_view(shop.pictures, shop.views, ask, [](const Row&) { return true; }).value();
  CHECK(answer.rows == 2);
  CHECK(answer.total == 6);
  CHECK(answer.sequence_min.value == 6);
  CHECK(with_separators(4'070) == "4,070");
  CHECK(with_separators(100) == "100");
  CHECK(with_separators(1'234'567) == "1,234,567");
}

TEST_CASE("a key in a view with windows is found by jumping over the other groups", "[query]") {
  // Goal: the jump skips nothing. Method: many groups a day; every third day lacks the one asked for.
  ViewConfig days;
  days.name = "days";
  days.windows = {window(WindowConfig::Unit::day, "day")};
  days.group_by = {path("g")};
  days.measures = {{"lines", MeasureKind::count, {}}};
  const ViewSet views = ViewSet::compile({days}).value();
  TestLog log;
  std::vector<Decided> events;
  for (int day = 0; day < 10; ++day)
    for (int group = 0; group < 100; ++group) {
      if (day % 3 == 0 && group == 70) continue;
      Decided event = decided(std::to_string(day * 100 + group));
      event.time = kNewYear + day * kDay;
      event.records = {fmt::format(R"({{"g":"g{:03}"}})", group)};
      events.push_back(event);
    }
  log.commit(events);
  Partition partition(0, views, log);
  partition.apply();
  QueryRequest ask = request("days");
  ask.key = {"g070"};
  CHECK(rows({partition.picture()}, views, ask).size() == 6);
  ask.key = {"g099"};
  CHECK(rows({partition.picture()}, views, ask).size() == 10);
  ask.key = {"g000"};
  CHECK(rows({partition.picture()}, views, ask).size() == 10);
  ask.key = {"h"};
  CHECK(rows({partition.picture()}, views, ask).empty());
}

TEST_CASE("rows print as JSON, CSV and a table", "[query]") {
  Shop shop;
  QueryRequest ask = request("totals");
  ask.key = {"France"};
  CHECK(shop.print(ask, RowFormat::json) ==
        "{\"view\":\"totals\",\"rows\":[\n{\"country\":\"France\",\"kind\":\"k0\",\"lines\":2,\"amount\":7.00},\n"
        "{\"country\":\"France\",\"kind\":\"k1\",\"lines\":2,\"amount\":13.00}\n],\"next\":null}\n");
  CHECK(shop.print(ask, RowFormat::csv) == "country,kind,lines,amount\nFrance,k0,2,7.00\nFrance,k1,2,13.00\n");
  CHECK(shop.print(ask, RowFormat::table) ==
        "country  kind  lines  amount\nFrance   k0        2    7.00\nFrance   k1        2   13.00\n");
  ask.key = {"Nowhere"};
  CHECK(shop.print(ask, RowFormat::json) == "{\"view\":\"totals\",\"rows\":[],\"next\":null}\n");
  CHECK(shop.print(ask, RowFormat::csv) == "country,kind,lines,amount\n");
  ask = request("by_id");
  ask.limit = 1;
  CHECK(shop.print(ask, RowFormat::csv) ==
        "id,time,country,kind,amount,deep\ne100,2024-01-01T00:00:00Z,France,k0,0.50,\"{\"\"er\"\":\"\"x0\"\"}\"\n");
  ask = request("kept");
  ask.limit = 1;
  CHECK(shop.print(ask, RowFormat::csv) == "id,time,amount,deep.er,nothing\ne100,2024-01-01T00:00:00Z,0.50,x0,\n");
  CHECK(shop.print(ask, RowFormat::json)
            .find(R"({"id":"e100","time":"2024-01-01T00:00:00Z","amount":0.50,"deep.er":"x0"})") != std::string::npos);
  ask = request("none");
  CHECK_FALSE(write_query(shop.pictures, shop.views, ask, RowFormat::json, [](std::string_view) { return true; }));
}

TEST_CASE("rows of a latest view that keeps fields have their key, once", "[query]") {
  Shop shop;
  QueryRequest ask = request("kinds");
  CHECK(shop.ask(ask) == Rows{R"({"id":"e110","time":"2024-01-06T00:00:00Z","kind":"k0","amount":10.50})",
                              R"({"id":"e111","time":"2024-01-06T12:00:00Z","kind":"k1","amount":11.50})"});
  CHECK(shop.print(ask, RowFormat::csv) ==
        "id,time,kind,amount\ne110,2024-01-06T00:00:00Z,k0,10.50\ne111,2024-01-06T12:00:00Z,k1,11.50\n");
  ask.where = {{"kind", "k1"}};
  CHECK(shop.ask(ask).size() == 1);
  // Among the fields it is there already, as the record spells it; else as rows are told apart by it.
  ask = request("amounts");
  ask.key = {"0.5"};
  CHECK(shop.ask(ask) == Rows{R"({"id":"e100","time":"2024-01-01T00:00:00Z","kind":"k0","amount":0.50})"});
  ask = request("dear");
  ask.key = {"0.50"};
  CHECK(shop.ask(ask) == Rows{R"({"id":"e100","time":"2024-01-01T00:00:00Z","amount":0.5,"kind":"k0"})"});
  // A record without it; a field called as the record's id; the envelope.
  CHECK(shop.ask(request("missing")) ==
        Rows{R"({"id":"e111","time":"2024-01-06T12:00:00Z","record.id":null,"amount":11.50})"});
  CHECK(shop.print(request("missing"), RowFormat::csv).starts_with("id,time,record.id,amount\n"));
  CHECK(shop.ask(request("types")) ==
        Rows{R"({"id":"e111","time":"2024-01-06T12:00:00Z","@type":"sale","amount":11.50})"});
  CHECK(shop.print(request("times"), RowFormat::csv).starts_with("id,time,amount\n"));
}

TEST_CASE("a table has a column for the record's own id where a row has one, programs always", "[query]") {
  const auto text = [](RowFormat format, const std::vector<Row>& rows) {
    std::string out;
    const auto writer = make_row_writer(format, {"id", "record.id", "n", "note"}, [&out](std::string_view part) {
      out += part;
      return true;
    });
    for (const Row& row : rows) writer->row(row);
    CHECK(writer->finish());
    return out;
  };
  const Row same{{{"id", "\"a\""}, {"n", "1"}}};
  const Row other{{{"id", "\"b\""}, {"record.id", "\"B\""}, {"n", "20"}}};
  CHECK(text(RowFormat::table, {same}) == "id  n  note\na   1      \n");
  CHECK(text(RowFormat::table, {same, other}) == "id  record.id   n  note\na               1      \nb   B          20      \n");
  CHECK(text(RowFormat::csv, {same}) == "id,record.id,n,note\na,,1,\n");
  // Behind the rows that a table is measured by one may have it.
  CHECK(text(RowFormat::table, std::vector<Row>(1'000, same)).starts_with("id  record.id  n"));
}

TEST_CASE("a table shows which distinct counts are estimates, programs get a field that says so", "[query]") {
  ViewConfig config;
  config.name = "d";
  config.group_by = {path("g")};
  config.measures = {{"ids", MeasureKind::distinct, path("@id")}, {"lines", MeasureKind::count, {}}};
  const ViewSet views = ViewSet::compile({config}).value();
  TestLog log;
  std::vector<Decided> events;
  for (int i = 0; i < 1'030; ++i) {
    Decided event = decided("e" + std::to_string(i));
    event.records = {R"({"g":"many"})"};
    if (i < 6) event.records.push_back(R"({"g":"few"})");
    events.push_back(event);
  }
  log.commit(events);
  Partition partition(0, views, log);
  partition.apply();
  QueryRequest ask;
  ask.view = "d";
  const auto print = [&](RowFormat format) {
    std::string text;
    REQUIRE(write_query({partition.picture()}, views, ask, format, [&](std::string_view piece) {
      text.append(piece);
      return true;
    }));
    return text;
  };
  const std::string csv = print(RowFormat::csv);
  REQUIRE(csv.starts_with("g,ids,ids_approximate,lines\nfew,6,false,6\nmany,"));
  const std::string estimate = csv.substr(csv.rfind("many,") + 5, 4);
  CHECK(csv.ends_with("many," + estimate + ",true,1030\n"));
  CHECK(std::abs(std::stoi(estimate) - 1'030) < 50);
  CHECK(print(RowFormat::table) == "g       ids  lines\nfew       6      6\nmany  ~" + estimate + "   1030\n");
  CHECK(print(RowFormat::json).find(R"({"g":"many","ids":)" + estimate + R"(,"ids_approximate":true,"lines":1030})") !=
        std::string::npos);
  // The same of rows that a node has answered with.
  std::vector<Row> answered;
  REQUIRE(query_view({partition.picture()}, views, ask, [&](const Row& row) {
    answered.push_back(row);
    return true;
  }));
  std::vector<std::string> columns = row_columns(views.views()[0]);
  show_estimates(columns, 1, answered);
  std::string table;
  const auto writer = make_row_writer(RowFormat::table, columns, [&](std::string_view piece) {
    table.append(piece);
    return true;
  });
  for (const Row& row : answered) writer->row(row);
  CHECK(writer->finish());
  CHECK(table == print(RowFormat::table));
  ask.where = {{"ids_approximate", "true"}};
  CHECK(rows({partition.picture()}, views, ask).size() == 1);
}

TEST_CASE("only what a distinct count says of itself is taken out of a table", "[query]") {
  std::vector<std::string> columns = {"n", "n_approximate", "m", "m_approximate", "d", "d_approximate"};
  std::vector<Row> rows(1);
  rows[0].fields = {{"n", "1"}, {"n_approximate", "true"}, {"m", "2"}, {"m_approximate", "3"}, {"d", "4"}, {"d_approximate", "true"}};
  show_estimates(columns, 2, rows);
  CHECK(columns == std::vector<std::string>{"n", "n_approximate", "m", "m_approximate", "d"});
  CHECK(*rows[0].find("n") == "1");
  CHECK(*rows[0].find("m") == "2");
  CHECK(*rows[0].find("d") == "\"~4\"");
}

TEST_CASE("a table cuts long lines at the width it is given, between characters", "[query]") {
  const std::vector<std::string> columns{"id", "name"};
  const auto table = [&](std::size_t width) {
    std::string text;
    const auto writer = make_row_writer(
        RowFormat::table, columns,
        [&](std::string_view piece) {
          text.append(piece);
          return true;
        },
        width);
    writer->row({{{"id", "\"a\""}, {"name", "\"Côte d'Ivoire\""}}});
    CHECK(writer->finish());
    return text;
  };
  const std::string whole = "id  name\na   Côte d'Ivoire\n";
  CHECK(table(0) == whole);
  CHECK(table(17) == whole);  // exactly as wide as its longest line
  CHECK(table(16) == "id  name\na   Côte d'Ivoi…\n");
  CHECK(table(7) == "id  na…\na   Cô…\n");
  CHECK(table(6) == "id  n…\na   C…\n");
  CHECK(table(1) == "…\n…\n");
}

TEST_CASE("a writer keeps every text readable: quotes, empty strings, control characters, wide letters", "[query]") {
  Row row;
  row.fields = {{"a", R"("x,\"y\"")"},   {"b", R"("")"},        {"c", "null"},
                {"d", R"("line\nend")"}, {"e", "\"\xc3\xa4\""}, {"f", R"([1,"q"])"}};
  const auto print = [&](RowFormat format) {
    std::string text;
    const auto writer = make_row_writer(format, {"a", "b", "c", "d", "e", "f", "missing"}, [&](std::string_view piece) {
      text.append(piece);
      return true;
    });
    writer->row(row);
    CHECK(writer->finish());
    return text;
  };
  CHECK(print(RowFormat::csv) ==
        "a,b,c,d,e,f,missing\n\"x,\"\"y\"\"\",\"\",,\"line\nend\",\xc3\xa4,\"[1,\"\"q\"\"]\",\n");
  CHECK(print(RowFormat::table) ==
        "a      b  c  d          e  f        missing\nx,\"y\"        line\\nend  \xc3\xa4  [1,\"q\"]         \n");
  const auto writer = make_row_writer(RowFormat::csv, {"a"}, [](std::string_view) { return false; });
  CHECK_FALSE(writer->finish());
  CHECK_FALSE(writer->wanted());
}

TEST_CASE("members are found in any well-formed object, and nothing outside a damaged one is read", "[query]") {
  const std::string text = R"( { "a" : 1 , "b\"c" : { "d" : [ 1 , "]" , { "e" : "}" } ] } , "f" : "x\\" , "g":null} )";
  const auto find = [&](const std::string& dotted) { return find_member(text, split_path(dotted)); };
  CHECK(find("a") == "1");
  CHECK(find("b\"c.d") == R"([ 1 , "]" , { "e" : "}" } ])");
  CHECK(find("f") == R"("x\\")");
  CHECK(find("g") == "null");
  CHECK_FALSE(find("a.b"));
  CHECK_FALSE(find("h"));
  CHECK(split_path(R"(a\.b.c)") == std::vector<std::string>{"a.b", "c"});
  for (std::size_t size = 0; size < text.size(); ++size) {
    const std::string cut = text.substr(0, size);
    for_each_member(cut, [](std::string_view, std::string_view) { return true; });
  }
  CHECK_FALSE(for_each_member("[1]", [](std::string_view, std::string_view) { return true; }));
}

}  // namespace weir::test
