// Stages as authors write them: this file includes nothing of weir's own but weir/stage.h.
#include <weir/stage.h>

#include <cstdlib>
#include <stdexcept>

namespace {

struct ScoreConfig {
  int threshold = 100;
  weir::Decimal rate{25, 2};
  std::string label;
  std::string mode = "strict";
  bool loud = false;
  std::chrono::milliseconds window{50};
  std::uint64_t room = 1024;
  static void keys(weir::Keys<ScoreConfig>& keys) {
    keys.integer("threshold", &ScoreConfig::threshold, -5, 1'000'000, "amounts from here on are scored");
    keys.decimal("rate", &ScoreConfig::rate, "0", "1", "of the amount");
    keys.text("label", &ScoreConfig::label, "written beside the score");
    keys.word("mode", &ScoreConfig::mode, {"strict", "lenient"}, "what becomes of events without an amount");
    keys.boolean("loud", &ScoreConfig::loud, "whatever");
    keys.duration("window", &ScoreConfig::window, std::chrono::milliseconds(1), std::chrono::hours(1), "whatever");
    keys.size("room", &ScoreConfig::room, 1, 1 << 20, "whatever");
  }
};

/// Every verdict, chosen by the field `do`.
class Score {
 public:
  using Config = ScoreConfig;
  Score(const Config& config, weir::Fields fields)
      : config_(config), amount_(fields.read("amount")), what_(fields.read("do")), score_(fields.write("score")), note_(fields.write("note")) {
    if (config.threshold == 13) throw std::invalid_argument("13 brings bad luck; take 12 or 14");
  }
  weir::Verdict decide(weir::Event event) const {
    const auto what = event[what_].text().value_or("");
    if (what == "filter") return weir::filter();
    if (what == "retry") return weir::retry("busy", "later");
    if (what == "retry twice" && event.attempts() < 2) return weir::retry("busy", "later");
    if (what == "throw") throw std::runtime_error("thrown on " + std::string(event.id()));
    if (what == "throw an int") throw 7;
    if (what == "die") std::abort();
    if (what == "bad reason") return weir::reject("not a reason", "");
    if (what == "bad text") event.set(note_, "\xff");
    if (what == "bad split") (void)event.add_record();
    if (what == "huge") event.set(score_, weir::Decimal(1'000'000'000'000'000'000, 18) * weir::Decimal(1, 18));
    const auto amount = event[amount_].decimal();
    if (!amount) return weir::reject("no_amount", "amount is \"" + std::string(event[amount_].spelled()) + "\"");
    event.set(score_, *amount >= config_.threshold ? *amount * config_.rate : weir::Decimal(0));
    if (!config_.label.empty()) event.set(note_, config_.label);
    return weir::pass();
  }

 private:
  Config config_;
  weir::Field amount_, what_;
  weir::Target score_, note_;
};

/// Reads and writes values of every type.
class Types {
 public:
  using Config = weir::NoConfig;
  Types(const Config&, weir::Fields fields)
      : in_(fields.read("in")), inner_(fields.read("in.text")), time_(fields.read("@time")), out_(fields.write("out")), gone_(fields.write("gone")),
        null_(fields.write("null")), flag_(fields.write("flag")), when_(fields.write("when")), item_(fields.write("item")), size_(fields.write("size")) {}
  weir::Verdict decide(weir::Event event) const {
    event.set(out_, std::string(event[inner_].text().value_or("none")) + "|" + std::string(event.id()) + "|" + std::string(event[time_].spelled()));
    event.drop(gone_);
    event.set_null(null_);
    event.set(flag_, event[in_].member("flag").boolean().value_or(false));
    event.set(when_, event.time() + std::chrono::hours(1));
    event.set(item_, event[in_].member("items").element(1));
    event.set(size_, event[in_].member("items").elements());
    return weir::pass();
  }

 private:
  weir::Field in_, inner_, time_;
  weir::Target out_, gone_, null_, flag_, when_, item_, size_;
};

/// One record for each line.
class Lines {
 public:
  using Config = weir::NoConfig;
  static constexpr bool splits = true;
  Lines(const Config&, weir::Fields fields) : lines_(fields.write("lines")), line_(fields.write("line")) {}
  weir::Verdict decide(weir::Event event) const {
    const weir::Value lines = event[lines_];
    if (!lines.is_array()) return weir::pass();
    for (std::uint64_t i = 0; i < lines.elements(); ++i) {
      weir::Event record = event.add_record();
      record.set(line_, lines.element(i));
      record.drop(lines_);
    }
    return lines.elements() == 3 ? weir::reject("three", "three lines") : weir::pass();
  }

 private:
  weir::Target lines_, line_;
};

/// The form for several events.
class Together {
 public:
  using Config = weir::NoConfig;
  Together(const Config&, weir::Fields fields) : what_(fields.read("do")), count_(fields.write("count")) {}
  void decide(weir::Batch batch) const {
    for (weir::Event event : batch) {
      const auto what = event[what_].text().value_or("");
      if (what == "throw") throw std::runtime_error("thrown among several");
      event.set(count_, static_cast<std::int64_t>(batch.size()));
      if (what == "reject") batch.give(event, weir::reject("asked", "for"));
    }
  }

 private:
  weir::Field what_;
  weir::Target count_;
};

/// Names a field that cannot be written.
class Inner {
 public:
  using Config = weir::NoConfig;
  Inner(const Config&, weir::Fields fields) : field_(fields.write("a.b")) {}
  weir::Verdict decide(weir::Event) const { return weir::pass(); }

 private:
  weir::Target field_;
};

}  // namespace

WEIR_STAGE("score", Score)
WEIR_STAGE("score_again", Score)
WEIR_STAGE("types", Types)
WEIR_STAGE("lines", Lines)
WEIR_STAGE("together", Together)
WEIR_STAGE("inner", Inner)
