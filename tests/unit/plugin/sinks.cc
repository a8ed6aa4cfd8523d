// Sinks as authors write them: this file includes nothing of weir's own but weir/sink.h.
#include <weir/sink.h>

#include <cstdio>
#include <stdexcept>

namespace {

struct ScrollConfig {
  std::string path;
  std::int64_t most = 100;
  static void keys(weir::Keys<ScrollConfig>& keys) {
    keys.text("path", &ScrollConfig::path, "what is written goes behind what is in this file").required();
    keys.integer("most", &ScrollConfig::most, 1, 1'000, "records of a batch that it takes");
  }
};

/// Each batch as lines of a file: the key, then what it sees of each record. The field `do` says what becomes of the batch.
class Scroll {
 public:
  using Config = ScrollConfig;
  Scroll(const Config& config, weir::Fields fields)
      : config_(config), what_(fields.read("do")), amount_(fields.read("order.amount")), time_(fields.read("@time")), partition_(fields.read("@partition")) {
    if (config.most == 13) throw std::invalid_argument("13 brings bad luck; take 12 or 14");
  }
  weir::Answer open(const weir::SinkPlace& place) {
    put("open " + std::string(place.pipeline) + " " + std::string(place.sink) + " " + std::to_string(place.partition));
    if (place.sink == "closed") return weir::failed("it is closed");
    if (place.sink == "gone") return weir::unusable("it is gone");
    if (place.sink == "picky") return weir::refused("whatever it is");
    if (place.sink == "angry") throw std::runtime_error("do not open me");
    return weir::done();
  }
  weir::Answer write(const weir::Records& records) {
    if (static_cast<std::int64_t>(records.size()) > config_.most) return weir::refused("too many");
    std::string lines = "key " + std::string(records.key());
    for (weir::Record record : records) {
      const auto what = record[what_].text().value_or("");
      if (what == "fail") return weir::failed("busy\nagain", std::chrono::milliseconds(1'500));
      if (what == "fail twice" && ++failed_ <= 2) return weir::failed("busy");
      if (what == "refuse") return weir::refused("not wanted");
      if (what == "unusable") return weir::unusable("broken for good");
      if (what == "throw") throw std::runtime_error("thrown on " + std::string(record.id()));
      if (what == "throw an int") throw 7;
      if (what == "nonsense") return {77, "what is this", {}};
      if (what == "long") return weir::failed(std::string(5'000, 'x') + "\xff");
      lines += "\n" + std::string(record.id()) + "|" + std::string(record[amount_].spelled()) + "|" + std::string(record[time_].spelled()) + "|" +
               std::string(record[partition_].spelled()) + "|" + std::string(record.type()) + "|" + std::string(record.source()) + "|" + std::string(record.json()) + " " + std::to_string(record.position().commit) + "." +
               std::to_string(record.position().taken);
    }
    put(lines + "\nto " + std::to_string(records.to().commit) + "." + std::to_string(records.to().taken));
    return weir::done();
  }

 private:
  void put(const std::string& text) const {
    if (config_.path == "none") return;
    std::FILE* const file = std::fopen(config_.path.c_str(), "a");
    if (file == nullptr) throw std::runtime_error(config_.path + " cannot be opened");
    std::fputs((text + "\n").c_str(), file);
    std::fclose(file);
  }
  Config config_;
  weir::Field what_, amount_, time_, partition_;
  int failed_ = 0;
};

/// Without open().
class Nowhere {
 public:
  using Config = weir::NoConfig;
  Nowhere(const Config&, weir::Fields) {}
  weir::Answer write(const weir::Records&) { return weir::done(); }
};

/// What it gets is final.
class Writes {
 public:
  using Config = weir::NoConfig;
  Writes(const Config&, weir::Fields fields) { (void)fields.write("a"); }
  weir::Answer write(const weir::Records&) { return weir::done(); }
};

}  // namespace

WEIR_SINK("scroll", Scroll)
WEIR_SINK("nowhere", Nowhere)
WEIR_SINK("writes", Writes)
