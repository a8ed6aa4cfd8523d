#include "cluster/cli/biography_json.h"

#include <nlohmann/json.hpp>

#include "cluster/cli/raw_json.h"
#include "runtime/base/time_text.h"

namespace weir::cli {

namespace {

std::string member_of(std::string_view object, std::string_view wanted) {
  for (auto& [name, value] : members_of(object).value_or(std::vector<std::pair<std::string, std::string>>{}))
    if (name == wanted) return value;
  return "[]";
}

/// The records of one attempt as they are spelled: read as numbers, 15.30 would be 15.3.
std::vector<std::string> records_of(std::string_view biography, std::size_t attempt) {
  const auto attempts = elements_of(member_of(biography, "attempts"));
  if (!attempts || attempt >= attempts->size()) return {};
  return elements_of(member_of((*attempts)[attempt], "records")).value_or(std::vector<std::string>{});
}

std::string text_of(const nlohmann::ordered_json& one, const char* name) { return one.value(name, std::string()); }
std::int64_t time_of(const nlohmann::ordered_json& one, const char* name) { return parse_rfc3339(text_of(one, name)).value_or(0); }

std::string details_of(const nlohmann::ordered_json& one) { return one.contains("details") ? one.at("details").dump() : std::string(); }

Parked parked_of(const nlohmann::ordered_json& one) {
  Parked parked;
  parked.at = time_of(one, "at");
  parked.sequence = CommitSequence{one.at("commit")};
  parked.held = one.value("held", false);
  parked.attempts = one.value("attempts", 0u);
  if (parked.held) return parked;
  parked.due_at = time_of(one, "due_at");
  parked.stage = text_of(one, "stage");
  parked.reason = text_of(one, "reason");
  parked.details = details_of(one);
  return parked;
}

HandChange change_of(const nlohmann::ordered_json& one) {
  HandChange change{time_of(one, "at"), CommitSequence{one.at("commit")}, one.at("change"), one.at("who"), one.at("role"), one.at("why"), {}};
  if (!one.contains("was")) return change;
  const auto& was = one.at("was");
  change.was = DeadLettered{time_of(was, "decided_at"), CommitSequence{was.at("commit")}, text_of(was, "stage"), text_of(was, "reason"), details_of(was),
                            was.value("attempts", 1u), text_of(was, "rules")};
  return change;
}

const nlohmann::ordered_json& list_of(const nlohmann::ordered_json& one, const char* name) {
  static const nlohmann::ordered_json kNone = nlohmann::ordered_json::array();
  return one.contains(name) ? one.at(name) : kNone;
}

}  // namespace

Result<Biography> parse_biography(const std::string& text) {
  try {
    const auto json = nlohmann::ordered_json::parse(text);
    Biography biography;
    biography.id = json.at("id");
    biography.partition = PartitionId{json.at("partition")};
    if (json.contains("kept_since")) biography.kept_since = time_of(json, "kept_since");
    for (const auto& one : json.at("attempts")) {
      Attempt attempt;
      attempt.offset = Offset{one.at("offset")};
      attempt.door = one.at("door");
      attempt.line = one.value("line", std::uint64_t{0});
      attempt.accepted_at = parse_rfc3339(one.at("accepted_at").get<std::string>()).value_or(0);
      attempt.outcome = one.at("outcome");
      if (one.contains("commit")) {
        attempt.decided_at = parse_rfc3339(one.at("decided_at").get<std::string>()).value_or(0);
        attempt.sequence = CommitSequence{one.at("commit")};
        attempt.epoch = Epoch{one.value("epoch", std::uint64_t{0})};
        attempt.code = text_of(one, "code");
        attempt.rules = one.at("rules");
      }
      if (one.contains("reason")) {
        attempt.stage = one.at("stage");
        attempt.reason = one.at("reason");
        attempt.details = details_of(one);
      }
      if (one.contains("owner")) {
        attempt.node = one.at("owner").at("node");
        attempt.incarnation = one.at("owner").at("incarnation");
      }
      if (one.contains("output")) {
        attempt.records_count = one.at("output").at("records");
        if (one.at("output").contains("record")) attempt.first_record = one.at("output").at("record").get<std::uint64_t>();
      }
      attempt.summary = one.value("summary", false);
      attempt.tries = one.value("attempts", 0u);
      attempt.supersedes = one.value("supersedes", false);
      for (const auto& parked : list_of(one, "parked")) attempt.parked.push_back(parked_of(parked));
      for (const auto& change : list_of(one, "changes")) attempt.changes.push_back(change_of(change));
      attempt.records = records_of(text, biography.attempts.size());
      biography.attempts.push_back(std::move(attempt));
    }
    return biography;
  } catch (const nlohmann::json::exception& wrong) {
    return fail(Errc::invalid_argument,
                "the node answered with something that is no biography ({}); is it a weir node?", wrong.what());
  }
}

}  // namespace weir::cli
