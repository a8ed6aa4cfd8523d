#include "cluster/cli/bench_path_answers.h"

#include <fmt/format.h>

#include <charconv>
#include <nlohmann/json.hpp>

#include "cluster/cli/ledger.h"
#include "cluster/cli/orders_tables.h"
#include "cluster/node/stopped_data.h"
#include "runtime/adapters/system/data_directory.h"
#include "runtime/base/hash.h"
#include "runtime/base/int256.h"
#include "runtime/engine/query.h"

namespace weir::cli {

namespace {

std::uint64_t number(std::string_view text) {
  std::uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

std::string_view plain(std::string_view token) {
  return token.size() >= 2 && token.front() == '"' ? token.substr(1, token.size() - 2) : token;
}

Result<Digest128> id_number(std::string_view token) {
  std::string hex;
  for (const char c : plain(token))
    if (c != '-') hex.push_back(c);
  const auto id = parse_digest(hex);
  if (!id) return fail(Errc::internal, "{} is no id of an order", token);
  return *id;
}

Digest128 times(const Digest128& id, std::uint64_t factor) {
  const UInt128 product = ((static_cast<UInt128>(id.high) << 64) | id.low) * factor;
  return {static_cast<std::uint64_t>(product), static_cast<std::uint64_t>(product >> 64)};
}

Result<void> add_rows(const std::vector<PartitionPicture>& pictures, const ViewSet& views, const std::string& view,
                      const std::function<Result<void>(const Row&)>& add) {
  QueryRequest request;
  request.view = view;
  request.limit = 0;
  request.count_total = false;
  Result<void> result;
  auto answer = query_view(pictures, views, request, [&](const Row& row) {
    result = add(row);
    return result.has_value();
  });
  if (!answer) return fail(std::move(answer.error()));
  return result;
}

/// Lengths in front, so that no two lists of texts make the same bytes.
void add_text(std::string& to, std::string_view text) {
  const std::uint64_t size = text.size();
  to.append(reinterpret_cast<const char*>(&size), sizeof size).append(text);
}

void add_batch(OutputAnswers& answers, const OutcomeBatch& batch, std::string& text) {
  for (std::uint32_t i = 0; i < batch.outcomes(); ++i) {
    const OutcomeEntry& outcome = batch.outcome(i);
    text.clear();
    add_text(text, batch.id(i));
    text.append(reinterpret_cast<const char*>(&outcome.digest), sizeof outcome.digest);
    text.push_back(static_cast<char>(outcome.outcome));
    answers.outcomes += xxh3_128(text);
  }
  for (std::uint32_t i = 0; i < batch.records(); ++i) {
    const RecordView record = batch.record(i);
    text.clear();
    for (const std::string_view part : {batch.id(record.outcome_index), record.payload, record.type, record.source})
      add_text(text, part);
    text.append(reinterpret_cast<const char*>(&record.event_time), sizeof record.event_time);
    answers.records += xxh3_128(text);
  }
  for (std::uint32_t i = 0; i < batch.letters(); ++i) {
    const LetterView letter = batch.letter(i);
    text.clear();
    for (const std::string_view part : {batch.id(letter.outcome_index), letter.original, letter.stage, letter.reason})
      add_text(text, part);
    answers.letters += xxh3_128(text);
  }
}

}  // namespace

PathAnswers answers_of(const OrdersTruth& truth) {
  PathAnswers answers;
  answers.served = truth.served;
  answers.duplicate = truth.duplicate;
  answers.dead_lettered = truth.malformed + truth.field_missing + truth.field_range;
  answers.served_ids = truth.served_ids;
  answers.cents_by_id = truth.cents_by_id;
  for (std::size_t i = 0; i < truth.groups.size(); ++i) {
    if (truth.groups[i].orders == 0) continue;
    const std::string name = fmt::format(
        "{}/{}/{}", orders::kCountries[i / orders::kTiers.size() / orders::kTypes.size()],
        orders::kTypes[i / orders::kTiers.size() % orders::kTypes.size()], orders::kTiers[i % orders::kTiers.size()]);
    answers.groups[name] = {truth.groups[i].orders, truth.groups[i].cents};
  }
  return answers;
}

Result<PathAnswers> answers_of_data(const std::string& directory) {
  WEIR_ASSIGN(const auto data, StoppedData::open(directory, {}));
  const LedgerReport ledger = read_ledger(*data);
  if (!ledger.total.balanced || ledger.total.in_flight != 0) return fail(Errc::internal, "the ledger does not balance");
  PathAnswers answers;
  answers.duplicate = ledger.total.ledger.duplicate;
  answers.dead_lettered = ledger.total.ledger.dead_lettered;
  WEIR_ASSIGN(const auto pictures, data->pictures());
  WEIR_TRY(add_rows(pictures, data->views(), "by_id", [&](const Row& row) -> Result<void> {
    const std::string* id = row.find("id");
    const std::string* cents = row.find("cents");
    if (id == nullptr || cents == nullptr) return fail(Errc::internal, "a row of by_id has no id or no cents");
    WEIR_ASSIGN(const Digest128 value, id_number(*id));
    ++answers.served;
    answers.served_ids += value;
    answers.cents_by_id += times(value, number(*cents));
    return {};
  }));
  WEIR_TRY(add_rows(pictures, data->views(), "by_country_type_tier", [&](const Row& row) -> Result<void> {
    std::string name;
    for (const char* part : {"country", "type", "tier", "orders", "cents"}) {
      const std::string* token = row.find(part);
      if (token == nullptr) return fail(Errc::internal, "a row of by_country_type_tier has no {}", part);
      if (std::string_view(part) == "orders") break;
      name.append(name.empty() ? "" : "/").append(plain(*token));
    }
    answers.groups[name] = {number(*row.find("orders")), number(*row.find("cents"))};
    return {};
  }));
  if (answers.served != ledger.total.ledger.served)
    return fail(Errc::internal, "{} rows by id, {} events served", answers.served, ledger.total.ledger.served);
  return answers;
}

Result<PathAnswers> answers_of_roofline(const std::string& text) {
  try {
    const auto json = nlohmann::json::parse(text);
    PathAnswers answers;
    answers.served = json.at("served");
    answers.duplicate = json.at("duplicate");
    answers.dead_lettered = json.at("dead_lettered");
    const auto ids = parse_digest(json.at("served_ids").get<std::string>());
    const auto cents = parse_digest(json.at("cents_by_id").get<std::string>());
    if (!ids || !cents) return fail(Errc::internal, "the roofline's sums are no digests");
    answers.served_ids = *ids;
    answers.cents_by_id = *cents;
    for (const auto& row : json.at("by_country_type_tier")) {
      const std::string name = fmt::format("{}/{}/{}", row.at("country").get<std::string>(),
                                           row.at("type").get<std::string>(), row.at("tier").get<std::string>());
      answers.groups[name] = {row.at("orders"), row.at("cents")};
    }
    return answers;
  } catch (const nlohmann::json::exception& e) {
    return fail(Errc::internal, "the roofline's report: {}", e.what());
  }
}

Result<OutputAnswers> output_answers(const std::string& data) {
  WEIR_ASSIGN(const auto log, open_log_read_only(log_directory(data)));
  OutputAnswers answers;
  answers.frames = log->recovery().output.last_sequence;
  std::string text;
  for (std::uint32_t p = 0; p < log->partitions(); ++p) {
    CommitSequence after;
    const CommitSequence last = log->status(PartitionId{p}).position.sequence;
    while (after < last) {
      WEIR_ASSIGN(const auto records, log->read_output({PartitionId{p}, after, std::size_t{8} << 20}));
      if (records.empty()) return fail(Errc::log_damaged, "partition {}: no commit after {}", p, after.value);
      for (const CommitRecord& record : records) {
        WEIR_ASSIGN(const CommitBody body, CommitBody::decode(record.body));
        for (const OutcomeBatch& batch : body.batches) add_batch(answers, batch, text);
        after = record.sequence;
        if (after == last) answers.state_sum += body.meta.state_sum;
      }
    }
  }
  return answers;
}

Result<void> check_answers(const PathAnswers& truth, const PathAnswers& answers, std::string_view who) {
  const auto same = [who](const char* what, const auto& wanted, const auto& found) -> Result<void> {
    if (wanted == found) return {};
    return fail(Errc::internal, "{} answered {} {}, the truth is {}", who, found, what, wanted);
  };
  WEIR_TRY(same("served", truth.served, answers.served));
  WEIR_TRY(same("duplicates", truth.duplicate, answers.duplicate));
  WEIR_TRY(same("dead letters", truth.dead_lettered, answers.dead_lettered));
  WEIR_TRY(same("as the sum of ids", to_hex(truth.served_ids), to_hex(answers.served_ids)));
  WEIR_TRY(same("as the sum of id times cents", to_hex(truth.cents_by_id), to_hex(answers.cents_by_id)));
  if (truth.groups != answers.groups)
    return fail(Errc::internal, "{}: orders and cents by country, type and tier differ from the truth", who);
  return {};
}

}  // namespace weir::cli
