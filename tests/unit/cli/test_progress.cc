#include "cluster/cli/progress.h"

#include "tests/support/catch.h"

using namespace weir::cli;

namespace {

ProgressFacts verifying(std::uint64_t done, std::optional<double> part, double seconds,
                        std::optional<double> left = {}) {
  return {"verifying", "events", done, part, seconds, left};
}

}  // namespace

TEST_CASE("a line has a bar, a rate and the time that is left", "[progress]") {
  CHECK(progress_line(verifying(1'500, 0.5, 3, 3.0), 0) ==
        "verifying [===============>              ]  50 %  1,500 events, 500 per second, 3 s left");
  CHECK(progress_line(verifying(0, 0.0, 0), 0) ==
        "verifying [>                             ]   0 %  0 events, 0.0 per second");
  CHECK(progress_line(verifying(3'000, 1.0, 6), 0) ==
        "verifying [==============================] 100 %  3,000 events, 500 per second");
}

TEST_CASE("where the whole is not known a line counts", "[progress]") {
  CHECK(progress_line(verifying(1'500, {}, 3), 0) == "verifying 1,500 events, 500 per second");
  CHECK(progress_line({"sending", "bytes", 3 << 20, {}, 2, {}}, 0) == "sending 3.0 MiB, 1.5 MiB per second");
  CHECK(progress_line({"measuring", "runs", 3, 0.3, 10, {}}, 0).find("3 runs, 0.3 per second") != std::string::npos);
}

TEST_CASE("a line is never wider than its terminal", "[progress]") {
  // "verifying " and what stands behind the bar take 62 columns.
  const ProgressFacts facts = verifying(1'234'567, 0.25, 10, 30.0);
  const std::string whole = progress_line(facts, 0);
  CHECK(progress_line(facts, 200) == whole);
  for (std::size_t columns = 1; columns < 120; ++columns) {
    const std::string line = progress_line(facts, columns);
    INFO(columns << ": " << line);
    CHECK(line.size() <= columns);
    // The bar goes before anything else is cut.
    if (line.find("left") == std::string::npos) CHECK(line.find('[') == std::string::npos);
  }
}

TEST_CASE("the time that is left is told from what was done since it began", "[progress]") {
  CHECK(seconds_left(0, 0.25, 10) == 30.0);
  // Half was done before: the other half takes as long per part.
  CHECK(seconds_left(0.5, 0.75, 10) == 10.0);
  CHECK_FALSE(seconds_left(0, 0.25, 0.4));
  CHECK_FALSE(seconds_left(0.25, 0.25, 10));
  CHECK_FALSE(seconds_left(0, 1, 10));
  CHECK(time_left(0.2) == "1 s");
  CHECK(time_left(59.5) == "1 min 0 s");
  CHECK(time_left(125) == "2 min 5 s");
  CHECK(time_left(7'260) == "2 h 1 min");
}
