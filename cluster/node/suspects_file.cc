#include "cluster/node/suspects_file.h"

#include <fmt/format.h>

#include <csignal>
#include <nlohmann/json.hpp>

#include <algorithm>

#include "runtime/base/fail_point.h"

namespace weir {

std::string cause_text(std::uint64_t cause) {
  switch (cause) {
    case 0: return "the process was killed while the stage had it (SIGKILL; out of memory?)";
    case SIGSEGV: return "SIGSEGV: the process died in the stage";
    case SIGBUS: return "SIGBUS: the process died in the stage";
    case SIGILL: return "SIGILL: the process died in the stage";
    case SIGFPE: return "SIGFPE: the process died in the stage";
    case SIGABRT: return "SIGABRT: the stage aborted the process";
    case CodeMark::kStalled: return "the stage did not come back within limits.stage_stall_max; the process was aborted";
    case CodeMark::kMemory: return "the process had used up limits.memory_max while the stage had it, and was aborted";
    default: return fmt::format("signal {}: the process died in the stage", cause);
  }
}

std::string Suspects::encode() const {
  nlohmann::ordered_json json{{"version", 1}, {"life", life}, {"suspects", nlohmann::ordered_json::array()}};
  for (std::size_t p = 0; p < partitions.size(); ++p) {
    for (const Suspect& one : partitions[p]) {
      json["suspects"].push_back({{"partition", p}, {"first", one.first.value}, {"count", one.count}, {"fingerprint", one.fingerprint},
                                  {"stage", one.stage}, {"crashes", one.crashes}, {"cause", one.cause}, {"quiet_lives", one.quiet_lives}});
    }
  }
  return json.dump(1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

Result<Suspects> Suspects::decode(std::string_view text, std::uint32_t partitions) {
  Suspects suspects;
  suspects.partitions.resize(partitions);
  try {
    const auto json = nlohmann::json::parse(text);
    if (json.at("version") != 1) return fail(Errc::format_newer, "suspects.json has version {}, this weir reads 1", json.at("version").dump());
    suspects.life = json.at("life");
    for (const auto& one : json.at("suspects")) {
      const std::uint64_t partition = one.at("partition");
      if (partition >= partitions) return fail(Errc::state_damaged, "suspects.json names partition {}, there are {}", partition, partitions);
      suspects.partitions[partition].push_back({Offset{one.at("first")}, one.at("count"), one.at("fingerprint"), one.at("stage"),
                                                one.at("crashes"), one.at("cause"), one.at("quiet_lives")});
    }
    return suspects;
  } catch (const nlohmann::json::exception& wrong) {
    return fail(Errc::state_damaged, "suspects.json is damaged ({}); it says which events crashed the process before: without it they are counted anew", wrong.what());
  }
}

bool is_view(const FormerMark& mark) { return mark.stage.starts_with("view "); }

void count_marks(Suspects& suspects, const FormerLife& former) {
  if (former.life <= suspects.life || WEIR_DEFECT("suspects_forgotten")) return;
  suspects.life = former.life;
  std::vector<const FormerMark*> blamed;
  for (const FormerMark& mark : former.marks) {
    if (mark.cause != 0 && !is_view(mark)) blamed.push_back(&mark);
  }
  const bool view = std::any_of(former.marks.begin(), former.marks.end(), [](const FormerMark& mark) { return mark.cause != 0 && is_view(mark); });
  if (blamed.empty() && !view && former.end == 0 && !former.marks.empty()) {
    const auto longest = std::max_element(former.marks.begin(), former.marks.end(), [](const FormerMark& a, const FormerMark& b) { return a.stay < b.stay; });
    if (longest->stay >= kUnexplainedStay && !is_view(*longest)) blamed.push_back(&*longest);
  }
  // While one event ends life after life the others wait for their turn, undecided: that says nothing for them.
  for (std::vector<Suspect>& known : suspects.partitions) {
    if (!blamed.empty()) break;
    for (Suspect& one : known) ++one.quiet_lives;
    std::erase_if(known, [](const Suspect& one) { return one.quiet_lives > kQuietLivesMax; });
  }
  for (const FormerMark* mark : blamed) {
    if (mark->partition.value >= suspects.partitions.size()) continue;
    std::vector<Suspect>& known = suspects.partitions[mark->partition.value];
    PoisonBook book;
    book.remember(std::move(known));
    const bool alone = mark->inside.count == 1;
    (void)book.crashed({mark->inside.first, mark->inside.count, alone ? mark->inside.fingerprint : 0, mark->stage,
                        alone ? 1 : PoisonBook::kBatchCrashesMax, cause_text(mark->cause), 0});
    known = book.suspects();
  }
}

}  // namespace weir
