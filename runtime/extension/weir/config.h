// The configuration of a stage: a struct, and one line for each key that says name, range and meaning. The default of a key is
// what the struct's own initialiser says.
#pragma once
#include <chrono>
#include <concepts>
#include <cstdint>
#include <deque>
#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <weir/abi.h>
#include <weir/decimal.h>

namespace weir {
inline namespace sdk {

/// Collects the keys of `Config`. A wrong key (a default outside its range, a name twice) refuses the plugin when it is loaded.
///
///   struct FraudScoreConfig {
///     std::int64_t threshold = 100;
///     static void keys(weir::Keys<FraudScoreConfig>& keys) {
///       keys.integer("threshold", &FraudScoreConfig::threshold, 0, 1'000'000, "amounts from here on are looked at");
///     }
///   };
template <class Config>
class Keys {
 public:
  template <std::integral Integer>
  Keys& integer(std::string_view name, Integer Config::* member, std::type_identity_t<Integer> min, std::type_identity_t<Integer> max, std::string_view doc) {
    return add(name, WEIR_KEY_INTEGER, doc, std::to_string(min), std::to_string(max), std::to_string(defaults_.*member),
               [member](Config& to, const weir_key_value& value) { to.*member = static_cast<Integer>(value.number); });
  }
  /// `min` and `max` as decimals; empty: no bound.
  Keys& decimal(std::string_view name, Decimal Config::* member, std::string_view min, std::string_view max, std::string_view doc) {
    return add(name, WEIR_KEY_DECIMAL, doc, std::string(min), std::string(max), (defaults_.*member).text(), [member](Config& to, const weir_key_value& value) {
      to.*member = Decimal::parse(detail::from_abi(value.text)).value();
    });
  }
  Keys& text(std::string_view name, std::string Config::* member, std::string_view doc) {
    return add(name, WEIR_KEY_TEXT, doc, "", "", defaults_.*member,
               [member](Config& to, const weir_key_value& value) { to.*member = detail::from_abi(value.text); });
  }
  /// One of these words.
  Keys& word(std::string_view name, std::string Config::* member, const std::vector<std::string>& words, std::string_view doc) {
    add(name, WEIR_KEY_WORD, doc, "", "", defaults_.*member,
        [member](Config& to, const weir_key_value& value) { to.*member = detail::from_abi(value.text); });
    for (const std::string& one : words) keys_.back().words.push_back(one);
    return *this;
  }
  Keys& boolean(std::string_view name, bool Config::* member, std::string_view doc) {
    return add(name, WEIR_KEY_BOOLEAN, doc, "", "", defaults_.*member ? "true" : "false",
               [member](Config& to, const weir_key_value& value) { to.*member = value.number != 0; });
  }
  /// Written with its unit: `50ms`, `7d`.
  template <class Duration>
  Keys& duration(std::string_view name, Duration Config::* member, std::type_identity_t<Duration> min, std::type_identity_t<Duration> max,
                 std::string_view doc) {
    using std::chrono::microseconds;
    const auto text = [](Duration time) { return std::to_string(std::chrono::duration_cast<microseconds>(time).count()); };
    return add(name, WEIR_KEY_DURATION, doc, text(min), text(max), text(defaults_.*member), [member](Config& to, const weir_key_value& value) {
      to.*member = std::chrono::duration_cast<Duration>(microseconds(value.number));
    });
  }
  /// Bytes, written with their unit: `64MiB`.
  Keys& size(std::string_view name, std::uint64_t Config::* member, std::uint64_t min, std::uint64_t max, std::string_view doc) {
    return add(name, WEIR_KEY_SIZE, doc, std::to_string(min), std::to_string(max), std::to_string(defaults_.*member),
               [member](Config& to, const weir_key_value& value) { to.*member = static_cast<std::uint64_t>(value.number); });
  }
  /// The key added last has no default: a pipeline file must give it.
  Keys& required() {
    if (keys_.empty()) throw std::logic_error("required() stands behind the key it is about");
    keys_.back().required = true;
    return *this;
  }

  /// For the registration: valid as long as this object is.
  [[nodiscard]] const std::vector<weir_key>& raw() {
    raw_.clear();
    for (Key& key : keys_) {
      key.raw_words.clear();
      for (const std::string& word : key.words) key.raw_words.push_back(detail::to_abi(word));
      raw_.push_back({detail::to_abi(key.name), detail::to_abi(key.doc), detail::to_abi(key.min), detail::to_abi(key.max), detail::to_abi(key.fallback),
                      key.raw_words.data(), key.raw_words.size(), key.type, key.required ? 1u : 0u});
    }
    return raw_;
  }
  [[nodiscard]] Config config(const weir_key_value* values) const {
    Config config{};
    for (const Key& key : keys_) key.assign(config, *values++);
    return config;
  }

 private:
  using Assign = std::function<void(Config&, const weir_key_value&)>;
  struct Key {
    std::string name, doc, min, max, fallback;
    std::deque<std::string> words;
    std::vector<weir_text> raw_words;
    std::uint32_t type = 0;
    bool required = false;
    Assign assign;
  };
  Keys& add(std::string_view name, std::uint32_t type, std::string_view doc, std::string min, std::string max, std::string fallback, Assign assign) {
    Key& key = keys_.emplace_back();
    key.name = name;
    key.doc = doc;
    key.min = std::move(min);
    key.max = std::move(max);
    key.fallback = std::move(fallback);
    key.type = type;
    key.assign = std::move(assign);
    return *this;
  }

  Config defaults_{};
  std::deque<Key> keys_;
  std::vector<weir_key> raw_;
};

/// Of a stage that needs none.
struct NoConfig {
  static void keys(Keys<NoConfig>&) {}
};

}  // namespace sdk
}  // namespace weir
