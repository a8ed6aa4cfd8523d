#include <fmt/format.h>

#include "tests/simulation/sim_run.h"

namespace weir::sim {

namespace {

struct Counted {
  std::uint64_t Witness::*count;
  const char* what;
  bool must = true;  // in a hundred runs
};
constexpr Counted kCounted[] = {
    {&Witness::actors_killed, "actors killed"},
    {&Witness::nodes_killed, "nodes killed"},
    {&Witness::nodes_stopped, "nodes stopped"},
    {&Witness::appends_failed, "appends failed"},
    {&Witness::replies_lost, "replies lost"},
    {&Witness::disk_full, "times disk full"},
    {&Witness::flushes_failed, "flushes failed"},
    {&Witness::rules_changed, "times rules changed"},
    {&Witness::duplicates, "duplicates"},
    {&Witness::conflicts, "conflicts"},
    {&Witness::superseded, "superseded"},
    {&Witness::late, "late"},
    {&Witness::reopened, "reopened"},
    {&Witness::outages, "outages"},
    {&Witness::parked, "parked"},
    {&Witness::held, "held"},
    {&Witness::exhausted, "given up"},
    {&Witness::crashes, "stages crashed"},
    {&Witness::deaths, "of them with the process"},
    {&Witness::poisoned, "poisoned"},
    {&Witness::snapshots, "snapshots"},
    {&Witness::trims, "trims"},
    {&Witness::snapshots_failed, "snapshots failed"},
    {&Witness::snapshots_damaged, "damaged"},
    {&Witness::states_lost, "states lost"},
    {&Witness::restored, "restored"},
    {&Witness::restores_refused, "refused as a base"},
    {&Witness::from_zero, "made anew, as none of theirs was whole"},
    {&Witness::sinks_failed, "calls of sinks failed"},
    {&Witness::shown, "records shown"},
    {&Witness::shown_again, "of them again"},
    {&Witness::redriven, "redriven"},
    {&Witness::edited, "edited"},
    {&Witness::dropped, "dropped"},
    {&Witness::requests, "requests"},
    {&Witness::acknowledged, "of them acknowledged durably"},
    {&Witness::refused, "refused"},
    {&Witness::too_large, "of them too large"},
    {&Witness::broken_off, "broken off"},
    {&Witness::repeated, "sent again for nothing"},
    {&Witness::waited, "waited for"},
    {&Witness::reads_with_token, "reads with a token"},
    {&Witness::reads, "reads without"},
    {&Witness::reads_refused, "reads refused"},
    {&Witness::events, "events", false},
    {&Witness::steps, "steps", false},
};

}  // namespace

Witness& Witness::operator+=(const Witness& o) {
  for (const Counted& counted : kCounted) this->*counted.count += o.*counted.count;
  return *this;
}

std::string Witness::text() const {
  std::string text;
  for (const Counted& counted : kCounted)
    if (counted.must) text += fmt::format("{}{} {}", text.empty() ? "" : ", ", this->*counted.count, counted.what);
  return text;
}

std::string Witness::missing() const {
  std::string missing;
  for (const Counted& counted : kCounted)
    if (counted.must && this->*counted.count == 0)
      missing += fmt::format("{}{}", missing.empty() ? "" : ", ", counted.what);
  return missing;
}

}  // namespace weir::sim
