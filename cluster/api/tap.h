// What a tap is asked, and what it gives.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace weir {

inline constexpr std::string_view kTapStage = "stage:";

struct TapRequest {
  std::string on;  // doors, stage:NAME, curated, dead-letters
  /// Of the original record (doors, dead-letters), or of what the stages made of it: all must hold.
  std::vector<std::pair<std::string, std::string>> fields;
  double sample = 1;          // 0 .. 1: the share of the ids that are shown; the same ones at every place
  std::uint64_t limit = 100;  // items at once
  std::string cursor;         // TapAnswer::next of the answer before; empty: nothing is given yet, it begins now
};

struct TapAnswer {
  std::vector<std::string> items;  // JSON objects
  std::string next;
  std::uint64_t looked = 0;        // events, or records, that came by and were held against `fields` and `sample`
  std::uint64_t dropped = 0;       // events that came by and were not looked at: the tap was too slow for them
};

}  // namespace weir
