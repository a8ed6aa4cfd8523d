#include "actors/doors/frame_format.h"

#include "tests/support/catch.h"

namespace weir {
namespace {

TEST_CASE("a file's name tells its format, whatever compressed it", "[format]") {
  CHECK(record_format_of_name("a/b.csv") == RecordFormat::csv);
  CHECK(record_format_of_name("b.CSV.GZ") == RecordFormat::csv);
  CHECK(record_format_of_name("b.ndjson.zst") == RecordFormat::ndjson);
  CHECK(record_format_of_name("b.jsonl") == RecordFormat::ndjson);
  CHECK(record_format_of_name("b.json.gz") == RecordFormat::json);
  CHECK(record_format_of_name("b.geojson") == RecordFormat::geojson);
  CHECK(record_format_of_name("b.gz") == RecordFormat::any);
  CHECK(record_format_of_name("csv") == RecordFormat::any);
  CHECK(record_format_of_name("-") == RecordFormat::any);
}

TEST_CASE("a Content-Type tells the format without its parameters", "[format]") {
  CHECK(record_format_of_content_type("application/json; charset=utf-8") == RecordFormat::json);
  CHECK(record_format_of_content_type("Text/CSV ;header=present") == RecordFormat::csv);
  CHECK(record_format_of_content_type("application/x-ndjson") == RecordFormat::ndjson);
  CHECK(record_format_of_content_type("application/cloudevents+json") == RecordFormat::cloudevents);
  CHECK(record_format_of_content_type("text/plain") == RecordFormat::any);
  CHECK(record_format_of_content_type("") == RecordFormat::any);
}

TEST_CASE("what rotation adds to a name says nothing about its format", "[format]") {
  for (const char* name : {"a.csv.1", "a.csv-20260131", "a.CSV.2026-01-31.2", "a.csv-20260131.gz", "a.csv.gz", "a.csv.12.zst"})
    CHECK(record_format_of_name(name) == RecordFormat::csv);
  for (const char* name : {"1", "-", "a.1", "a.csv1", "a.csv.", "a.csv-", "a.csv.1.2.3", "csv.1", ".1", ""})
    CHECK(record_format_of_name(name) == RecordFormat::any);
}

TEST_CASE("the command wins over the name, the name over the pipeline", "[format]") {
  const auto format = [](std::string_view name, RecordFormat command, RecordFormat pipeline) {
    return input_format_of_file(name, command, pipeline).value();
  };
  using F = RecordFormat;
  CHECK(format("a.csv", F::ndjson, F::json) == InputFormat{Framing::lines, FrameFormat::json});
  CHECK(format("a.csv", F::any, F::json) == InputFormat{Framing::csv, FrameFormat::csv});
  CHECK(format("-", F::any, F::json) == InputFormat{Framing::json, FrameFormat::json});
  CHECK(format("a.geojson.gz", F::any, F::any) == InputFormat{Framing::geojson, FrameFormat::json});
  CHECK(format("a.json", F::any, F::cloudevents) == InputFormat{Framing::json, FrameFormat::cloudevents});
  CHECK(format("a.ndjson", F::any, F::cloudevents) == InputFormat{Framing::lines, FrameFormat::cloudevents});
  CHECK(format("-", F::cloudevents, F::any) == InputFormat{Framing::lines, FrameFormat::cloudevents});
  CHECK(format("a.csv", F::any, F::cloudevents) == InputFormat{Framing::csv, FrameFormat::csv});
  const auto unknown = input_format_of_file("-", F::any, F::any);
  REQUIRE_FALSE(unknown.has_value());
  CHECK(unknown.error().code == Errc::invalid_argument);
}

TEST_CASE("formats are named as people name them", "[format]") {
  CHECK(parse_record_format("ndjson").value() == RecordFormat::ndjson);
  CHECK(parse_record_format("geojson").value() == RecordFormat::geojson);
  CHECK(parse_record_format("xml").error().context ==
        "'xml' is not a format; allowed: json, ndjson, csv, cloudevents, geojson");
}

}  // namespace
}  // namespace weir
