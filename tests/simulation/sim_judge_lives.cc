// The index of biographies, which lay in the state through all crashes and flushes, against the log: it names every commit that decided
// something of an event, and nothing else.
#include <fmt/format.h>

#include <map>
#include <vector>

#include "runtime/adapters/memory/memory_disk.h"
#include "runtime/adapters/memory/memory_state.h"
#include "runtime/engine/biography_index.h"
#include "tests/simulation/sim_run.h"

namespace weir::sim {

namespace {

std::string step_text(CommitSequence sequence, Offset offset, Outcome outcome, std::string_view reason) {
  return fmt::format("{} {} {} {};", sequence.value, offset.value, to_string(outcome), reason);
}

/// By id, what the commits say.
Result<std::map<std::string, std::string>> lives_in(const MemoryPartition& log) {
  std::map<std::string, std::string> lives;
  for (const CommitRecord& commit : log.commits) {
    WEIR_ASSIGN(const CommitBody body, CommitBody::decode(commit.body));
    for (const OutcomeBatch& batch : body.batches) {
      for (std::uint32_t i = 0; i < batch.outcomes(); ++i) {
        const OutcomeEntry& outcome = batch.outcome(i);
        std::string_view reason;
        if (outcome.outcome == Outcome::dead_lettered) reason = batch.letter(outcome.first_record).reason;
        if (outcome.outcome == Outcome::retrying && !batch.park(outcome.record_count).held) reason = batch.letter(outcome.first_record).reason;
        lives[std::string(batch.id(i))] += step_text(commit.sequence, batch.offset(i), outcome.outcome, reason);
      }
    }
  }
  return lives;
}

}  // namespace

std::string judge_lives(const MemoryPartition& log, const std::shared_ptr<MemoryStateDisk>& disk, const StateMerger& merger) {
  const std::uint32_t partition = log.position.partition.value;
  const auto lives = lives_in(log);
  if (!lives) return describe(lives.error());
  MemoryState store{disk, merger, [](const std::function<void()>& task) { task(); }};
  std::vector<std::string_view> ids;
  for (const auto& [id, life] : *lives) ids.push_back(id);
  const auto picture = store.snapshot();
  if (!picture) return describe(picture.error());
  const auto answer = look_up_biographies(**picture, ids);
  if (!answer) return fmt::format("partition {}: the index of biographies: {}", partition, describe(answer.error()));
  if (answer->cover.after.value != 0 || answer->cover.through != log.position.sequence)
    return fmt::format("partition {}: the index of biographies covers {} to {}, the log ends at {}", partition, answer->cover.after.value,
                       answer->cover.through.value, log.position.sequence.value);
  for (std::size_t i = 0; i < ids.size(); ++i) {
    std::string told;
    for (const BiographyEntry& entry : answer->entries[i]) told += step_text(entry.sequence, entry.offset, entry.outcome, entry.reason);
    if (told != lives->at(std::string(ids[i])))
      return fmt::format("partition {}: the life of {} is told as \"{}\", the log says \"{}\"", partition, ids[i], told, lives->at(std::string(ids[i])));
  }
  return {};
}

}  // namespace weir::sim
