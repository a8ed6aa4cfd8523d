// CloudEvents, and JSON against another parser: what one takes the other takes.
#include <nlohmann/json.hpp>

#include "runtime/event/document_parser.h"
#include "tests/fuzz/target.h"

namespace weir::fuzz {

namespace {

bool has_exponent(std::string_view text) {
  for (std::size_t at = 1; at < text.size(); ++at)
    if ((text[at] | 0x20) == 'e' && text[at - 1] >= '0' && text[at - 1] <= '9') return true;
  return false;
}

}  // namespace

void run(std::string_view input) {
  static FieldPlan plan = [] {
    FieldPlan made;
    static_cast<void>(made.want("n"));
    return made;
  }();
  static DocumentParser parser(plan);
  parser.between_batches();
  ChainArena arena;
  Document document;
  ParseProblem problem;
  CloudEvent envelope;
  const bool event = parser.parse_cloud_event(input, arena, envelope, document, problem);
  promise(event || problem.at <= input.size(), "a problem lies within its frame");
  const bool json = parser.parse_json(input, arena, document, problem);
  promise(!event || json, "a CloudEvent is JSON");
  // nlohmann takes duplicate keys, any depth, and values that are no objects: one direction only. And it refuses
  // numbers that no double can hold, which are legal JSON: without exponents none of them is that long here.
  if (json && !has_exponent(input)) promise(nlohmann::json::accept(input), "what is taken for JSON is JSON");
}

}  // namespace weir::fuzz
