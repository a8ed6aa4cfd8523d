// The judgement of what clients were told and what they saw, against what lies in the log.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "runtime/event/event_id.h"
#include "tests/simulation/sim_run.h"

namespace weir::sim {

namespace {

using Truths = std::vector<PartitionTruth>;

/// The events of a request that go to one partition, in order.
std::vector<const SimEvent*> part_of(const Posted& posted, PartitionId partition, std::size_t partitions) {
  std::vector<const SimEvent*> part;
  for (const SimEvent& event : posted.events)
    if (partition_of(event.id, static_cast<std::uint32_t>(partitions)) == partition) part.push_back(&event);
  return part;
}

/// Whole requests or nothing, each as often as it may have been accepted, and nothing else.
std::string judge_requests(const History& history, const Truths& truths) {
  std::map<std::string_view, std::uint64_t> counts;
  for (const PartitionTruth& truth : truths)
    for (const PartitionTruth::Logged& logged : truth.events)
      if (!logged.of_feed) ++counts[logged.event.raw];
  std::vector<std::uint64_t> durable(history.posted.size());
  for (const Acknowledged& acknowledged : history.acknowledged)
    durable[acknowledged.request] += acknowledged.durable ? 1 : 0;
  for (std::size_t i = 0; i < history.posted.size(); ++i) {
    const Posted& posted = history.posted[i];
    const std::uint64_t times = counts[posted.events.front().raw];
    for (const SimEvent& event : posted.events) {
      if (counts[event.raw] != times)
        return fmt::format("a request was accepted in part: {} is there {} times, {} {} times",
                           posted.events.front().raw, times, event.raw, counts[event.raw]);
    }
    if (times < durable[i])
      return fmt::format("I1 {} was acknowledged {} times and is there {} times", posted.events.front().raw, durable[i],
                         times);
    if (times > durable[i] + posted.unknown)
      return fmt::format(
          "I2 {} is there {} times; {} attempts were acknowledged, of {} nothing is known, {} were refused",
          posted.events.front().raw, times, durable[i], posted.unknown, posted.refused);
    for (const SimEvent& event : posted.events) counts.erase(event.raw);
  }
  return counts.empty() ? std::string() : fmt::format("I2 {} was never sent", counts.begin()->first);
}

/// The token of an acknowledgement names where its events lie.
std::string judge_place(const Acknowledged& acknowledged, const Posted& posted, const Truths& truths) {
  std::size_t found = 0;
  for (const ReadToken::Part& part : acknowledged.token.parts()) {
    const PartitionTruth& truth = truths.at(part.partition.value);
    const auto events = part_of(posted, part.partition, truths.size());
    found += events.size();
    if (part.offset.value < events.size() || part.offset.value > truth.events.size())
      return fmt::format("I1 {} was acknowledged up to offset {} of partition {}, which has {} events",
                         posted.events.front().raw, part.offset.value, part.partition.value, truth.events.size());
    for (std::size_t i = 0; i < events.size(); ++i) {
      const SimEvent& there = truth.events[part.offset.value - events.size() + i].event;
      if (there.raw != events[i]->raw)
        return fmt::format("I1 {} was acknowledged, in its place lies {}", events[i]->raw, there.raw);
    }
  }
  return found == posted.events.size() ? std::string()
                                       : fmt::format("the token of {} names {} of {} events", posted.events.front().raw,
                                                     found, posted.events.size());
}

/// What ?wait said became of the events. Those it counts are committed, so they cannot be lost any more.
std::string judge_outcomes(const Acknowledged& acknowledged, const Posted& posted, const Truths& truths) {
  std::map<std::string, std::uint64_t> actual;
  for (const ReadToken::Part& part : acknowledged.token.parts()) {
    const std::vector<Outcome>& decided = truths[part.partition.value].at_first;
    const std::size_t count = part_of(posted, part.partition, truths.size()).size();
    for (std::size_t offset = part.offset.value - count;
         offset < std::min<std::size_t>(part.offset.value, decided.size()); ++offset)
      ++actual[std::string(to_string(decided[offset]))];
  }
  std::uint64_t told = 0;
  for (const auto& [name, count] : *acknowledged.outcomes) {
    told += count;
    if (name != "in_flight" && count > actual[name])
      return fmt::format("I14 {}: {} were said to be {}, {} are", posted.events.front().raw, count, name, actual[name]);
  }
  return told == posted.events.size() ? std::string()
                                      : fmt::format("I14 {}: outcomes of {} of {} events", posted.events.front().raw,
                                                    told, posted.events.size());
}

/// The commit of each partition that a read has seen, by its token.
std::string judge_position(const Seen& seen, const Truths& truths, std::vector<std::uint64_t>& until) {
  for (std::uint32_t p = 0; p < truths.size(); ++p) {
    const std::uint64_t sequence = seen.answered.part(PartitionId{p}).sequence.value;
    if (sequence > truths[p].ends.size())
      return fmt::format("I6 partition {}: a read saw commit {}, of which nothing is left", p, sequence);
    until.push_back(sequence);
    const std::uint64_t end = sequence == 0 ? 0 : truths[p].ends[sequence - 1];
    if (sequence < seen.at_start[p].value)
      return fmt::format("I6 partition {}: a read saw commit {}, the node had begun with {}", p, sequence,
                         seen.at_start[p].value);
    if (!seen.asked) continue;
    const ReadToken::Part wanted = seen.asked->part(PartitionId{p});
    if (sequence < wanted.sequence.value || end < wanted.offset.value)
      return fmt::format(
          "I6 partition {}: a read whose token asks for commit {} and offset {} saw commit {}, offset {}", p,
          wanted.sequence.value, wanted.offset.value, sequence, end);
  }
  return {};
}

/// The bytes that were served.
const std::string& shown(const PartitionTruth& truth, std::uint64_t offset) {
  const std::string& given = truth.decided[offset].given;
  return given.empty() ? truth.events[offset].event.raw : given;
}

std::string judge_row_of(const Seen& seen, const Truths& truths, const std::vector<std::uint64_t>& until) {
  const std::uint32_t p = partition_of(seen.id, static_cast<std::uint32_t>(truths.size())).value;
  const std::string* expected = nullptr;
  for (std::uint64_t offset = 0; offset < truths[p].decided.size(); ++offset) {
    const SimEvent& event = truths[p].events[offset].event;
    if (truths[p].decided_in[offset] > until[p]) continue;
    if (event.id == seen.id && truths[p].decided[offset].outcome == Outcome::served) expected = &shown(truths[p], offset);
  }
  if (seen.rows.size() != (expected == nullptr ? 0u : 1u))
    return fmt::format("I6 by_id/{} answered {}, expected {}", seen.id, seen.rows.dump(),
                       expected == nullptr ? "nothing" : *expected);
  if (expected == nullptr) return {};
  const nlohmann::json frame = nlohmann::json::parse(*expected);
  for (const auto& [name, value] : frame.items())
    if (seen.rows[0].value(name, nlohmann::json()) != value)
      return fmt::format("I6 by_id/{} answered {}, expected {}", seen.id, seen.rows.dump(), *expected);
  return {};
}

std::string judge_rows(const Seen& seen, const Truths& truths, const std::vector<std::uint64_t>& until) {
  std::map<std::string, std::uint64_t> expected;
  for (std::size_t p = 0; p < truths.size(); ++p) {
    for (std::uint64_t offset = 0; offset < truths[p].decided.size(); ++offset)
      if (truths[p].decided_in[offset] <= until[p] && truths[p].decided[offset].outcome == Outcome::served)
        ++expected[nlohmann::json::parse(shown(truths[p], offset))["kind"]];
  }
  std::map<std::string, std::uint64_t> answered;
  for (const nlohmann::json& row : seen.rows) answered[row.at("kind")] += row.at("rows").get<std::uint64_t>();
  if (answered == expected) return {};
  return fmt::format("I6 by_kind answered {}, expected {}", nlohmann::json(answered).dump(),
                     nlohmann::json(expected).dump());
}

}  // namespace

std::string judge_clients(const History& history, const Truths& truths) {
  if (std::string wrong = judge_requests(history, truths); !wrong.empty()) return wrong;
  for (const Acknowledged& acknowledged : history.acknowledged) {
    const Posted& posted = history.posted[acknowledged.request];
    if (acknowledged.durable) {
      if (std::string wrong = judge_place(acknowledged, posted, truths); !wrong.empty()) return wrong;
    }
    if (acknowledged.outcomes) {
      if (std::string wrong = judge_outcomes(acknowledged, posted, truths); !wrong.empty()) return wrong;
    }
  }
  for (const Seen& seen : history.seen) {
    std::vector<std::uint64_t> until;
    if (std::string wrong = judge_position(seen, truths, until); !wrong.empty()) return wrong;
    if (std::string wrong = seen.id.empty() ? judge_rows(seen, truths, until) : judge_row_of(seen, truths, until);
        !wrong.empty())
      return wrong;
  }
  return {};
}

}  // namespace weir::sim
