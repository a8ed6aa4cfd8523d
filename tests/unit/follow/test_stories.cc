// Random lives of log files and archives, with changes between any two calls to the file system, kills at any moment,
// and an exact account of what must have been taken.
#include <map>
#include <random>
#include <set>

#include "tests/unit/follow/world.h"

namespace weir {
namespace {

using namespace test;

/// Writers that rotate, truncate, compress and delete as people's do: what nobody could have read is never taken away.
class Story {
 public:
  Story(std::uint64_t seed, World::Sabotage sabotage = World::Sabotage::none)
      : random_(seed),
        rotated_match_(below(2) == 0),
        world_(rotated_match_ ? std::vector<std::string>{"/logs/app.log*", "/in/*"}
                              : std::vector<std::string>{"/logs/app.log", "/in/*"}) {
    world_.sabotage = sabotage;
    world_.config.open_max = 1 + static_cast<std::uint32_t>(below(4));
    world_.config.settle = 2s;
    world_.config.close_after = 1h;  // longer than any line stays unfinished
    world_.batch_events_max = 1 + static_cast<std::uint32_t>(below(5));
    world_.files.tell_births(below(3) != 0);
    world_.files.before_call = [this] {
      if (below(6) == 0) change();
    };
  }

  void tell(int chapters) {
    world_.start();
    for (int i = 0; i < chapters; ++i) {
      change();
      switch (below(6)) {
        case 0:
          look(1s);
          break;
        case 1:
          if (below(4) == 0) kill();
          break;
        default:
          for (std::uint64_t n = below(5); n > 0 && world_.step(); --n) {
          }
      }
      collect();
    }
    world_.files.before_call = {};
    for (Log& log : logs_)
      if (!log.partial.empty()) finish_line(log);
    for (int i = 0; i < 5; ++i) look(1s);
    look(2h);
    look(1s);
  }

  [[nodiscard]] std::string missing() const {
    std::string text;
    for (const std::string& line : written_)
      if (!taken_.contains(line)) text += line + "\n";
    return text;
  }
  /// Lines that were taken twice, or were never written.
  [[nodiscard]] std::string wrong() const {
    std::string text;
    for (const auto& [line, times] : taken_)
      if (times != 1 || !written_.contains(line)) text += fmt::format("{} times {}\n", times, line);
    return text;
  }
  [[nodiscard]] std::size_t lines() const { return written_.size(); }
  [[nodiscard]] std::size_t positions() { return world_.positions(); }

 private:
  struct Log {
    std::string path;
    std::string partial;  // of a line that is being written
    std::set<std::string> lines{};
  };

  std::uint64_t below(std::uint64_t n) { return random_() % n; }
  void look(std::chrono::milliseconds later) {
    world_.clock.at += later;
    // Writers may be faster than the feed, for ever.
    for (int i = 0; (i < 20 || !world_.files.before_call) && world_.step(); ++i) {
    }
    collect();
  }
  void collect() {
    for (std::string& line : world_.taken()) ++taken_[std::move(line)];
  }
  void kill() {
    if (below(2) == 0) (void)world_.feed->next(0);  // given out, never appended
    world_.restart();
  }
  /// Everything in it is durable: only then may it go. What was handed out a moment ago is not counted yet, which is as
  /// it should be.
  bool all_taken(const Log& log) {
    collect();
    return log.partial.empty() && std::all_of(log.lines.begin(), log.lines.end(),
                                              [&](const std::string& line) { return taken_.contains(line); });
  }

  void change() {
    if (logs_.empty()) begin_log();
    Log& now = logs_.back();
    switch (below(14)) {
      case 0:
      case 1:
      case 2:
        return write_lines(now, below(6));
      case 3:
      case 4:
        return write_piece(logs_[below(logs_.size())]);
      case 5:
      case 6:
        return finish_line(logs_[below(logs_.size())]);
      case 7:
        if (below(2) == 0) rotate();
        return;
      case 8:
      case 9:
        return truncate(now);
      case 10:
        return remove_oldest();
      case 11:
        if (below(2) == 0) archive();
        return;
      default:
        return write_lines(now, 1);
    }
  }

  std::string line() {
    std::string made = fmt::format("line {}{}", ++number_, std::string(below(3) == 0 ? below(2'000) : below(4), '.'));
    written_.insert(made);
    return made;
  }
  void begin_log() {
    logs_.push_back({"/logs/app.log", {}, {}});
    world_.files.write("/logs/app.log", "");
  }
  void write_lines(Log& log, std::uint64_t count) {
    if (!log.partial.empty()) finish_line(log);
    std::string text;
    for (; count > 0; --count) {
      const std::string made = line();
      log.lines.insert(made);
      text += made + "\n";
    }
    if (!text.empty()) world_.files.append(log.path, text);
  }
  /// As somebody writes who does not know of line ends.
  void write_piece(Log& log) {
    const std::string piece =
        log.partial.empty() ? fmt::format("pieces {} ", ++number_) : std::string(1 + below(5), 'p');
    log.partial += piece;
    world_.files.append(log.path, piece);
  }
  void finish_line(Log& log) {
    if (log.partial.empty()) return;
    written_.insert(log.partial);
    log.lines.insert(std::move(log.partial));
    log.partial.clear();
    world_.files.append(log.path, "\n");
  }
  bool any_taken(const Log& log) {
    collect();
    return std::any_of(log.lines.begin(), log.lines.end(),
                       [&](const std::string& line) { return taken_.contains(line); });
  }
  void rotate() {
    Log& now = logs_.back();
    // A file that nobody ever saw under its name cannot be known under another one that no pattern means.
    if (!rotated_match_ && !any_taken(now)) return;
    const std::string path = fmt::format("/logs/app.log.{}", ++rotations_);
    world_.files.rename(now.path, path);
    now.path = path;
    begin_log();
    if (below(2) == 0) write_lines(logs_.back(), 1 + below(4));
  }
  void truncate(Log& log) {
    if (log.lines.empty() || !all_taken(log)) return;
    log.lines.clear();
    if (below(2) == 0) {
      world_.files.write(log.path, "");
      return;
    }
    std::string text;  // and written before anybody looks, often longer than it was
    for (std::uint64_t n = 1 + below(6); n > 0; --n) {
      const std::string made = line();
      log.lines.insert(made);
      text += made + "\n";
    }
    world_.files.write(log.path, text);
  }
  void remove_oldest() {
    if (logs_.size() < 2 || !all_taken(logs_.front())) return;
    world_.files.remove(logs_.front().path);
    logs_.erase(logs_.begin());
  }
  /// Compressed, and moved to its place when it is whole.
  void archive() {
    std::string text = "Z:";
    for (std::uint64_t n = below(9); n > 0; --n) text += line() + "\n";
    const std::string name = fmt::format("{}.ndjson", ++archives_);
    world_.files.write("/tmp/" + name, text + ".");
    world_.files.rename("/tmp/" + name, "/in/" + name);
  }

  std::mt19937_64 random_;
  bool rotated_match_;
  World world_;
  std::vector<Log> logs_;  // the oldest first, the last one is app.log
  std::set<std::string> written_;
  std::map<std::string, int> taken_;
  int number_ = 0;
  int rotations_ = 0;
  int archives_ = 0;
};

/// Goal: every line is taken exactly once, whatever happens between any two calls, and whenever the node dies.
TEST_CASE("files that grow, rotate, shrink and go under kills lose nothing and double nothing", "[follow]") {
  const std::uint64_t seed = GENERATE(range(1u, 61u));
  INFO("seed " << seed);
  Story story(seed);
  story.tell(400);
  CHECK(story.lines() > 100);
  CHECK(story.missing() == "");
  CHECK(story.wrong() == "");
}

/// Goal: the account is one. A log that forgets positions doubles, one that keeps positions without their batches
/// loses.
TEST_CASE("the story of followed files tells what is lost and what is doubled", "[follow]") {
  int doubled = 0;
  int lost = 0;
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    Story forgets(seed, World::Sabotage::positions_lost);
    forgets.tell(400);
    if (!forgets.wrong().empty()) ++doubled;
    Story loses(seed, World::Sabotage::batches_lost);
    loses.tell(400);
    if (!loses.missing().empty()) ++lost;
  }
  CHECK(doubled == 10);
  CHECK(lost == 10);
}

}  // namespace
}  // namespace weir
