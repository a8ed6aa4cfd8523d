// Pipeline tests made of what a tap has seen: the events as they came, and what the node made of them.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "cluster/node/biography.h"
#include "runtime/base/result.h"

namespace weir::cli {

/// An event that was tapped at a door, or as a dead letter.
struct TappedEvent {
  std::string id;
  std::uint64_t offset = 0;
  std::string format;    // json, csv, cloudevents
  std::string header;    // of CSV
  std::string original;
  bool text = true;      // false: it is not UTF-8, which no test can hold
};
/// One item of a tap. Errors: invalid_argument (it has no original: another place was tapped).
[[nodiscard]] Result<TappedEvent> tapped_event(std::string_view item);

struct WrittenTests {
  std::string yaml;          // {tests: […]}, an overlay for the pipeline they were tapped at
  std::size_t events = 0;    // in them
  std::size_t left_out = 0;  // what became of them depends on more than on themselves, or no test can hold them
};
/// `lives`: of the same events, in the same order. An event is left out that is a repeat, a conflict, late, poison, given up, or not decided,
/// or whose id comes twice. `name` begins the names of the tests, one for each format and header.
[[nodiscard]] WrittenTests write_tests(const std::string& name, const std::vector<TappedEvent>& events, const std::vector<Biography>& lives);

}  // namespace weir::cli
