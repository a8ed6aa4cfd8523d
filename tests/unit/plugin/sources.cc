// Sources as authors write them: this file includes nothing of weir's own but weir/source.h.
#include <weir/source.h>

#include <fstream>
#include <stdexcept>

namespace {

struct TapeConfig {
  std::string file;
  std::int64_t most = 100;
  static void keys(weir::Keys<TapeConfig>& keys) {
    keys.text("file", &TapeConfig::file, "a line for each event; lines that begin with ! are orders").required();
    keys.integer("most", &TapeConfig::most, 1, 1'000, "events of one poll");
  }
};

/// Lines of a file; positions are the number of lines. What is durable is written behind FILE.durable, what is opened behind FILE.opened.
class Tape {
 public:
  using Config = TapeConfig;
  explicit Tape(const Config& config) : config_(config) {
    if (config.most == 13) throw std::invalid_argument("13 brings bad luck; take 12 or 14");
  }
  void open(const weir::InputPlace& place, std::string_view position) {
    note(".opened", std::string(place.pipeline) + " " + std::string(place.input) + " \"" + std::string(position) + "\"");
    if (!position.empty()) at_ = std::stoull(std::string(position));
  }
  weir::Polled poll(weir::Out out) {
    std::ifstream in(config_.file);
    std::string line;
    for (std::uint64_t i = 0; i < at_; ++i) std::getline(in, line);
    for (std::int64_t i = 0; i < config_.most; ++i) {
      if (!std::getline(in, line)) return weir::idle(std::chrono::milliseconds(20));
      if (line == "!throw") throw std::runtime_error("thrown behind line " + std::to_string(at_));
      if (line == "!nonsense") return {77, "what is this", {}};
      if (line == "!ended") return weir::ended();
      if (line == "!unreachable") return weir::unreachable("nobody is there", std::chrono::seconds(3));
      if (line == "!long") out.add("{}", std::string(5'000, 'x'));
      if (line == "!huge") out.add(std::string(17 << 20, 'x'));
      ++at_;
      if (line.starts_with("!")) continue;
      if (line.starts_with("?")) {
        out.add(line.substr(1));  // without a position
      } else {
        out.add(line, std::to_string(at_));
      }
    }
    return weir::more();
  }
  void durable(std::string_view position) { note(".durable", std::string(position)); }

 private:
  void note(const char* where, const std::string& text) const { std::ofstream(config_.file + where, std::ios::app) << text << '\n'; }
  Config config_;
  std::uint64_t at_ = 0;
};

/// Without durable(): one event, then the end.
class Once {
 public:
  using Config = weir::NoConfig;
  explicit Once(const Config&) {}
  void open(const weir::InputPlace&, std::string_view position) { over_ = !position.empty(); }
  weir::Polled poll(weir::Out out) {
    if (!over_) out.add(R"({"id": "once"})", "over");
    return weir::ended();
  }

 private:
  bool over_ = false;
};

}  // namespace

WEIR_SOURCE("tape", Tape)
WEIR_SOURCE("once", Once)
