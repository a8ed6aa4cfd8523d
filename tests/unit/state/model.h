// What the views should say, computed in the plainest way: one pass over all records, integers and maps.
#pragma once
#include <map>
#include <random>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "runtime/base/json_text.h"
#include "runtime/base/time_text.h"
#include "tests/unit/state/scene.h"

namespace weir::test {

/// views: by_id (projected), by_shop (whole records), totals (two group fields, all measures), days (windows), big
/// (with `when`).
inline std::vector<ViewConfig> model_views() {
  ViewConfig by_id;
  by_id.name = "by_id";
  by_id.latest = path("@id");
  by_id.fields = {path("shop"), path("amount"), path("deep.er")};
  ViewConfig by_shop;
  by_shop.name = "by_shop";
  by_shop.latest = path("shop");
  ViewConfig totals;
  totals.name = "totals";
  totals.group_by = {path("shop"), path("kind")};
  totals.measures = {{"lines", MeasureKind::count, {}},
                     {"sum", MeasureKind::sum, path("amount")},
                     {"least", MeasureKind::min, path("amount")},
                     {"most", MeasureKind::max, path("amount")},
                     {"mean", MeasureKind::average, path("amount")},
                     {"deeps", MeasureKind::distinct, path("deep.er")},
                     {"amounts", MeasureKind::distinct, path("amount")}};
  ViewConfig days;
  days.name = "days";
  days.windows = {window(WindowConfig::Unit::day, "day"), window(WindowConfig::Unit::month, "month"),
                  window(WindowConfig::Unit::fixed, "6h", 6 * 3600)};
  days.group_by = {path("shop")};
  days.measures = {{"sum", MeasureKind::sum, path("amount")}};
  ViewConfig big;
  big.name = "big";
  big.when = WhenConfig{path("kind"), {Constant::Kind::string, "big"}};
  big.measures = {{"lines", MeasureKind::count, {}}};
  return {by_id, by_shop, totals, days, big};
}

/// One record of the model's world. Amounts in hundredths, spelled with 0, 1 or 2 digits behind the point where they
/// allow it.
struct Sale {
  std::string id;
  std::uint16_t index = 0;
  std::int64_t time = 0;
  std::string shop;  // empty: missing
  std::string kind;
  std::optional<int> amount;  // none: null or missing
  int scale = 2;
  bool amount_missing = false;
  int deep = 0;

  [[nodiscard]] std::string amount_text() const {
    int value = *amount;
    std::string text = value < 0 ? "-" : "";
    if (value < 0) value = -value;
    text += std::to_string(value / 100);
    if (scale == 1) text += "." + std::to_string(value / 10 % 10);
    if (scale == 2) text += "." + std::to_string(value / 10 % 10) + std::to_string(value % 10);
    return text;
  }
  [[nodiscard]] std::string payload() const {
    std::string text = "{";
    if (!shop.empty()) text += "\"shop\":\"" + shop + "\",";
    if (amount) text += "\"amount\":" + amount_text() + ",";
    if (!amount && !amount_missing) text += "\"amount\":null,";
    text += "\"deep\":{\"er\":" + std::to_string(deep) + "},\"kind\":\"" + kind + "\"}";
    return text;
  }
};

inline std::string decimal(std::int64_t hundredths, int scale) {
  Sale sale;
  sale.amount = static_cast<int>(hundredths);
  sale.scale = scale;
  return sale.amount_text();
}

/// Rows of each view as the product should print them, keyed by what they sort by.
class ViewModel {
 public:
  void add(const Sale& sale) { sales_.push_back(sale); }

  [[nodiscard]] std::vector<std::string> by_id() const {
    return latest([](const Sale& s) { return s.id; },
                  [](const Sale& s) {
                    std::string text;
                    if (!s.shop.empty()) text += ",\"shop\":\"" + s.shop + "\"";
                    if (s.amount) text += ",\"amount\":" + s.amount_text();
                    if (!s.amount && !s.amount_missing) text += ",\"amount\":null";
                    return text + ",\"deep.er\":" + std::to_string(s.deep);
                  });
  }
  [[nodiscard]] std::vector<std::string> by_shop() const {
    return latest([](const Sale& s) { return s.shop; },
                  [](const Sale& s) {
                    const std::string payload = s.payload();
                    return "," + payload.substr(1, payload.size() - 2);
                  });
  }
  [[nodiscard]] std::vector<std::string> totals() const {
    std::map<std::tuple<std::string, std::string>, Totals> groups;
    for (const Sale& s : sales_) groups[{s.shop, s.kind}].add(s);
    std::vector<std::string> rows;
    for (const auto& [key, t] : groups) {
      std::string row = "{\"shop\":" + shop(std::get<0>(key)) + ",\"kind\":\"" + std::get<1>(key) +
                        "\",\"lines\":" + std::to_string(t.lines);
      if (t.numbers == 0) {
        row += ",\"sum\":null,\"least\":null,\"most\":null,\"mean\":null";
      } else {
        row += ",\"sum\":" + decimal(t.sum, t.scale) + ",\"least\":" + t.least + ",\"most\":" + t.most +
               ",\"mean\":" + mean(t);
      }
      row += ",\"deeps\":" + std::to_string(t.deeps.size()) +
             ",\"deeps_approximate\":false,\"amounts\":" + std::to_string(t.amounts.size()) +
             ",\"amounts_approximate\":false}";
      rows.push_back(row);
    }
    return rows;
  }
  [[nodiscard]] std::vector<std::string> days() const {
    std::map<std::tuple<int, std::int64_t, std::string>, Totals> groups;
    for (const Sale& s : sales_) {
      groups[{0, window_start(CalendarUnit::day, s.time), s.shop}].add(s);
      groups[{1, window_start(CalendarUnit::month, s.time), s.shop}].add(s);
      groups[{2, window_start(std::chrono::hours(6), s.time), s.shop}].add(s);
    }
    static const char* const kNames[] = {"day", "month", "6h"};
    std::vector<std::string> rows;
    for (const auto& [key, t] : groups) {
      rows.push_back("{\"shop\":" + shop(std::get<2>(key)) + ",\"window\":\"" + kNames[std::get<0>(key)] +
                     "\",\"window_start\":\"" + to_rfc3339(std::get<1>(key)) +
                     "\",\"sum\":" + (t.numbers == 0 ? "null" : decimal(t.sum, t.scale)) + "}");
    }
    return rows;
  }
  [[nodiscard]] std::vector<std::string> big() const {
    std::uint64_t lines = 0;
    for (const Sale& s : sales_) lines += s.kind == "big" ? 1 : 0;
    if (lines == 0) return {};
    return {"{\"lines\":" + std::to_string(lines) + "}"};
  }

 private:
  struct Totals {
    std::uint64_t lines = 0;
    std::int64_t numbers = 0;
    std::int64_t sum = 0;
    int scale = 0;
    int least_value = 0;
    int most_value = 0;
    int least_scale = 0;
    int most_scale = 0;
    std::string least;
    std::string most;
    std::set<int> deeps;
    std::set<int> amounts;  // by value, however spelled
    void add(const Sale& s) {
      ++lines;
      deeps.insert(s.deep);
      if (!s.amount) return;
      amounts.insert(*s.amount);
      if (numbers == 0 || *s.amount < least_value || (*s.amount == least_value && s.scale > least_scale)) {
        least_value = *s.amount;
        least_scale = s.scale;
        least = s.amount_text();
      }
      if (numbers == 0 || *s.amount > most_value || (*s.amount == most_value && s.scale > most_scale)) {
        most_value = *s.amount;
        most_scale = s.scale;
        most = s.amount_text();
      }
      ++numbers;
      sum += *s.amount;
      scale = std::max(scale, s.scale);
    }
  };

  /// sum / numbers with scale + 6 digits, half to even, in whole numbers.
  static std::string mean(const Totals& t) {
    std::int64_t unit = 1;
    for (int i = 0; i < t.scale + 6; ++i) unit *= 10;
    const std::int64_t magnitude = t.sum < 0 ? -t.sum : t.sum;
    const __int128_t numerator = static_cast<__int128_t>(magnitude) * unit;
    const __int128_t denominator = static_cast<__int128_t>(t.numbers) * 100;
    auto quotient = static_cast<std::int64_t>(numerator / denominator);
    const __int128_t twice = 2 * (numerator % denominator);
    if (twice > denominator || (twice == denominator && quotient % 2 != 0)) ++quotient;
    std::string behind = std::to_string(quotient % unit);
    behind.insert(0, static_cast<std::size_t>(t.scale + 6) - behind.size(), '0');
    return std::string(t.sum < 0 && quotient != 0 ? "-" : "") + std::to_string(quotient / unit) + "." + behind;
  }
  static std::string shop(const std::string& name) { return name.empty() ? "null" : "\"" + name + "\""; }

  template <class Key, class Body>
  [[nodiscard]] std::vector<std::string> latest(const Key& key, const Body& body) const {
    std::map<std::string, const Sale*> holders;
    for (const Sale& s : sales_) {
      const Sale*& holder = holders[key(s)];
      if (holder == nullptr || std::tuple(s.time, s.id, s.index) > std::tuple(holder->time, holder->id, holder->index))
        holder = &s;
    }
    std::vector<std::string> rows;
    for (const auto& [k, s] : holders)
      rows.push_back("{\"id\":\"" + s->id + "\",\"time\":\"" + to_rfc3339(s->time) + "\"" + body(*s) + "}");
    return rows;
  }

  std::vector<Sale> sales_;
};

}  // namespace weir::test
