// Views as authors write them: this file includes nothing of weir's own but weir/view.h.
#include <weir/view.h>

#include <algorithm>
#include <array>
#include <climits>
#include <csignal>
#include <stdexcept>
#include <string>

namespace {

struct ExtremesConfig {
  std::string field = "amount";
  std::int64_t most = 1'000;
  static void keys(weir::Keys<ExtremesConfig>& keys) {
    keys.text("field", &ExtremesConfig::field, "whose values are compared");
    keys.integer("most", &ExtremesConfig::most, 1, 1'000'000, "greater values are too much for it");
  }
};

/// A state that is kept as it lies in memory.
class Extremes {
 public:
  using Config = ExtremesConfig;
  static constexpr std::array<std::string_view, 3> columns{"least", "spread", "last"};
  static constexpr std::uint64_t version = 4;
  struct State {
    std::int64_t least = INT64_MAX, greatest = INT64_MIN, last = INT64_MIN;
  };
  Extremes(const Config& config, weir::Fields fields) : most_(config.most), value_(fields.read(config.field)), time_(fields.read("@time")) {
    if (config.most == 13) throw std::invalid_argument("13 brings bad luck; take 12 or 14");
  }
  void add(State& state, weir::Readable record) const {
    const auto value = record[value_].integer();
    if (!value) return;
    if (*value > most_) throw std::runtime_error("too much");
    if (*value == -1) throw std::bad_alloc();
    if (*value == -2) std::raise(SIGSEGV);
    merge(state, {*value, *value, record[time_].time().value().time_since_epoch().count()});
  }
  static void merge(State& into, const State& other) {
    if (other.least == -77) throw std::runtime_error("they do not fit");
    into.least = std::min(into.least, other.least);
    into.greatest = std::max(into.greatest, other.greatest);
    into.last = std::max(into.last, other.last);
  }
  void show(const State& state, weir::ViewRow row) const {
    if (state.greatest == 999) throw std::runtime_error("nobody shall see it");
    if (state.greatest == 997) throw std::bad_alloc();
    if (state.greatest == 998) row.set("spread", "\xff");
    if (state.least > state.greatest) return;
    row.set("least", state.least);
    row.set("spread", state.greatest - state.least);
    row.set("last", weir::Time(std::chrono::microseconds(state.last)));
  }

 private:
  std::int64_t most_;
  weir::Field value_, time_;
};

/// A state that saves itself, of any length: the last word by the alphabet.
class Words {
 public:
  using Config = weir::NoConfig;
  static constexpr std::array<std::string_view, 3> columns{"word", "some", "sum"};
  struct State {
    std::string word;
    weir::Decimal sum;
    void save(weir::Writer& writer) const {
      writer.text(word);
      writer.decimal(sum);
    }
    static State load(weir::Reader& reader) {
      State state;
      state.word = reader.text();
      state.sum = reader.decimal();
      return state;
    }
  };
  Words(const Config&, weir::Fields fields) : word_(fields.read("word")), amount_(fields.read("order.amount")), type_(fields.read("@type")) {}
  void add(State& state, weir::Readable record) const {
    const std::string_view word = record[word_].text().value_or("");
    if (word == "bad") throw std::runtime_error("a bad word");
    if (word == "long") state.word.assign(std::size_t{2} << 20, 'x');
    merge(state, {std::string(word), record[amount_].decimal().value_or(weir::Decimal(0))});
    if (record[type_].spelled() != record.type()) throw std::logic_error("the type is not the type");
  }
  static void merge(State& into, const State& other) {
    into.word = std::max(into.word, other.word);
    into.sum = into.sum + other.sum;
  }
  void show(const State& state, weir::ViewRow row) const {
    row.set("word", state.word);
    row.set("some", !state.word.empty());
    row.set("sum", state.sum);
    if (state.word == "unknown") row.set("unknown", 1);
  }

 private:
  weir::Field word_, amount_, type_;
};

}  // namespace

WEIR_VIEW("extremes", Extremes)
WEIR_VIEW("words", Words)
