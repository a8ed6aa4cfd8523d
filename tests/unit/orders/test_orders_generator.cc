// The orders workload judges the benchmark, so it is judged here: its distribution, and its truth against a plain
// recount.
#include <cmath>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <unordered_map>

#include "cluster/cli/orders_generator.h"
#include "cluster/cli/orders_tables.h"
#include "runtime/adapters/yaml/yaml_config_loader.h"
#include "runtime/base/hash.h"
#include "tests/support/catch.h"

namespace weir {
namespace {

std::string generate(const OrdersOptions& options, OrdersTruth& truth, std::size_t chunk = 1 << 20) {
  auto generator = OrdersGenerator::create(options);
  if (!generator) FAIL(generator.error().context);
  std::string out;
  std::uint64_t lines = 0;
  while (const std::uint64_t made = generator->fill(out, chunk)) lines += made;
  CHECK(lines == options.events);
  truth = generator->truth();
  return out;
}
std::string generate(const OrdersOptions& options) {
  OrdersTruth truth;
  return generate(options, truth);
}
std::vector<std::string_view> lines_of(const std::string& text) {
  std::vector<std::string_view> lines;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text.find('\n', at);
    REQUIRE(end != std::string::npos);
    lines.emplace_back(text.data() + at, end - at);
    at = end + 1;
  }
  return lines;
}

TEST_CASE("the same options give the same bytes, for ever", "[orders]") {
  // Recorded figures belong to these bytes: whoever changes them starts the figures anew.
  const std::string text = generate({.events = 100'000, .seed = 1});
  CHECK(text == generate({.events = 100'000, .seed = 1}));
  CHECK(text.size() == 30'295'661);
  CHECK(to_hex(xxh3_128(text)) == "60286950fe94cd6248136c925ac8ef06");
}

TEST_CASE("the stream does not depend on how it is cut into pieces", "[orders]") {
  OrdersTruth whole;
  OrdersTruth pieces;
  const OrdersOptions options{.events = 20'000, .seed = 5};
  CHECK(generate(options, whole, 1 << 24) == generate(options, pieces, 1'000));
  CHECK(whole.to_json() == pieces.to_json());
}

TEST_CASE("another seed gives other events", "[orders]") {
  const std::string a = generate({.events = 1'000, .seed = 1});
  const std::string b = generate({.events = 1'000, .seed = 2});
  const auto first = lines_of(a);
  const std::set<std::string_view> known(first.begin(), first.end());
  for (const std::string_view line : lines_of(b)) CHECK(known.count(line) == 0);
}

TEST_CASE("whole events are 260 to 340 bytes, 300 in the mean", "[orders]") {
  const std::string text = generate({.events = 100'000, .seed = 3, .duplicates = 0, .invalid = 0});
  std::size_t bytes = 0;
  for (const std::string_view line : lines_of(text)) {
    CHECK((line.size() >= 260 && line.size() <= 340));
    bytes += line.size();
  }
  CHECK(bytes / 100'000 >= 297);
  CHECK(bytes / 100'000 <= 303);
}

TEST_CASE("duplicates repeat an earlier line byte for byte, half near and half far", "[orders]") {
  // With as many events as a near duplicate may lie back, both halves look alike; so a stream longer than that.
  OrdersTruth truth;
  const std::string text = generate({.events = 400'000, .seed = 7, .duplicates = 0.2, .invalid = 0}, truth);
  std::unordered_map<std::string_view, std::size_t> first;  // by line: the distinct event's number
  std::size_t repeats = 0;
  std::size_t near = 0;
  std::size_t late = 0;
  for (const std::string_view line : lines_of(text)) {
    const auto [at, fresh] = first.emplace(line, first.size());
    if (fresh) continue;
    ++repeats;
    if (first.size() < 200'000) continue;
    ++late;
    near += first.size() - at->second <= 20'000 ? 1 : 0;
  }
  CHECK(repeats == truth.duplicate);
  CHECK(std::abs(static_cast<double>(repeats) / 400'000 - 0.2) < 0.003);
  // Far ones fall near by chance as well, 20'000 of 200'000 to 320'000 distinct events: 0.5 + 0.5 * 0.08.
  CHECK(std::abs(static_cast<double>(near) / static_cast<double>(late) - 0.54) < 0.01);
}

TEST_CASE("users follow 1 / rank^0.9 over a hundred thousand", "[orders]") {
  double harmonic = 0;
  for (int rank = 1; rank <= 100'000; ++rank) harmonic += std::pow(rank, -0.9);
  orders::Random random(11);
  const orders::UserSampler users;
  std::map<std::uint32_t, std::size_t> drawn;
  constexpr std::size_t kDraws = 2'000'000;
  for (std::size_t i = 0; i < kDraws; ++i) ++drawn[users.draw(random)];
  for (const std::uint32_t rank : {1u, 2u, 10u, 100u, 1'000u}) {
    const double expected = std::pow(rank, -0.9) / harmonic * static_cast<double>(kDraws);
    const auto user = static_cast<std::uint32_t>((std::uint64_t{rank - 1} * 7919 + 4242) % orders::kUsers);
    INFO("rank " << rank << ", user " << user);
    CHECK(std::abs(static_cast<double>(drawn[user]) - expected) < 5 * std::sqrt(expected));
  }
}

/// What the pipeline must make of one line, written down a second time, slowly.
struct Recount {
  OrdersTruth truth;
  std::map<std::string, std::pair<std::uint64_t, std::uint64_t>> groups;
  std::set<std::string, std::less<>> seen;
  std::map<std::string, std::string> tier_of;

  static Digest128 number(const std::string& id) {
    std::string hex;
    for (const char c : id) {
      if (c != '-') hex += c;
    }
    return {std::stoull(hex.substr(16), nullptr, 16), std::stoull(hex.substr(0, 16), nullptr, 16)};
  }
  void dead(std::uint64_t& reason, const std::string& id) {
    ++reason;
    truth.dead_lettered_ids += number(id);
  }
  void add(std::string_view line) {
    ++truth.accepted;
    const std::string id(line.substr(7, 36));
    if (!seen.insert(id).second) {
      ++truth.duplicate;
      return;
    }
    const auto event = nlohmann::json::parse(line, nullptr, false);
    if (event.is_discarded()) return dead(truth.malformed, id);
    for (const char* field : {"id", "ts", "type", "user", "amount", "currency", "country", "ip"}) {
      if (!event.contains(field)) return dead(truth.field_missing, id);
    }
    const auto amount = std::llround(event["amount"].get<double>() * 100);
    const auto currency = std::find_if(orders::kCurrencies.begin(), orders::kCurrencies.end(),
                                       [&](const auto& c) { return c.code == event["currency"].get<std::string>(); });
    if (amount <= 0 || currency == orders::kCurrencies.end()) return dead(truth.field_range, id);
    ++truth.served;
    truth.served_ids += number(id);
    const long double exact = static_cast<long double>(amount) * std::stold(std::string(currency->eur));
    const auto cents = static_cast<std::uint64_t>(std::llround(exact));
    const auto user = tier_of.find(event["user"].get<std::string>());
    truth.unknown_users += user == tier_of.end() ? 1 : 0;
    const std::string tier = user == tier_of.end() ? "default" : user->second;
    auto& group = groups[event["country"].get<std::string>() + "/" + event["type"].get<std::string>() + "/" + tier];
    ++group.first;
    group.second += cents;
    for (std::uint64_t bit = 0; bit < 40; ++bit) {  // id * cents by doubling, without 128-bit multiplication
      Digest128 part = number(id);
      for (std::uint64_t i = 0; i < bit; ++i) part += Digest128(part);
      if ((cents >> bit & 1) != 0) truth.cents_by_id += part;
    }
  }
};

TEST_CASE("the truth equals a recount of the stream", "[orders]") {
  OrdersTruth truth;
  const std::string text = generate({.events = 60'000, .seed = 9, .duplicates = 0.1, .invalid = 0.1}, truth);
  Recount recount;
  std::istringstream users(orders_users_csv());
  for (std::string line; std::getline(users, line);) {
    const std::size_t comma = line.find(',');
    recount.tier_of[line.substr(0, comma)] = line.substr(comma + 1, line.find(',', comma + 1) - comma - 1);
  }
  CHECK(recount.tier_of.size() == 100'001);  // with the header
  for (const std::string_view line : lines_of(text)) recount.add(line);

  CHECK(truth.accepted == recount.truth.accepted);
  CHECK(truth.served == recount.truth.served);
  CHECK(truth.duplicate == recount.truth.duplicate);
  CHECK(truth.malformed == recount.truth.malformed);
  CHECK(truth.field_missing == recount.truth.field_missing);
  CHECK(truth.field_range == recount.truth.field_range);
  CHECK(truth.unknown_users == recount.truth.unknown_users);
  CHECK(truth.served_ids == recount.truth.served_ids);
  CHECK(truth.dead_lettered_ids == recount.truth.dead_lettered_ids);
  CHECK(truth.cents_by_id == recount.truth.cents_by_id);
  CHECK(truth.bytes == text.size());
  CHECK(truth.served + truth.duplicate + truth.malformed + truth.field_missing + truth.field_range == 60'000);
  // A tenth of the distinct events is invalid, half of those cut off; two thirds of the others are out of range.
  CHECK(std::abs(static_cast<double>(truth.malformed) - 2'700) < 200);
  CHECK(std::abs(static_cast<double>(truth.field_missing) - 900) < 120);
  CHECK(std::abs(static_cast<double>(truth.field_range) - 1'800) < 170);

  const auto json = nlohmann::json::parse(truth.to_json());
  CHECK(json["dead_lettered"] == truth.malformed + truth.field_missing + truth.field_range);
  REQUIRE(json["by_country_type_tier"].size() == recount.groups.size());
  auto expected = recount.groups.begin();
  for (const auto& row : json["by_country_type_tier"]) {
    INFO(row.dump());
    CHECK(row["country"].get<std::string>() + "/" + row["type"].get<std::string>() + "/" +
              row["tier"].get<std::string>() ==
          expected->first);
    CHECK(row["orders"] == expected->second.first);
    CHECK(row["cents"] == expected->second.second);
    ++expected;
  }
}

TEST_CASE("an option out of range is refused by name", "[orders]") {
  const auto refused = [](const OrdersOptions& options) {
    const auto generator = OrdersGenerator::create(options);
    REQUIRE(!generator);
    CHECK(generator.error().code == Errc::invalid_argument);
    return generator.error().context;
  };
  CHECK(refused({.events = 0}) == "--events must be from 1 to 1000000000000, found 0");
  CHECK(refused({.duplicates = 0.95}) == "--duplicates must be from 0 to 0.9, found 0.95");
  CHECK(refused({.duplicates = std::nan("")}) == "--duplicates must be from 0 to 0.9, found nan");
  CHECK(refused({.invalid = -0.1}) == "--invalid must be from 0 to 1, found -0.1");
}

TEST_CASE("the pipeline file knows the currencies and rates of the generator", "[orders]") {
  std::ifstream rates("configs/pipelines/currency_rates.csv");
  std::stringstream text;
  text << rates.rdbuf();
  CHECK(text.str() == orders_rates_csv());

  const YamlConfigLoader loader([](std::string_view) { return std::optional<std::string>("."); });
  const auto config =
      loader.pipeline("configs/pipelines/orders.yaml",
                      {"stages.1.enrich.table.file=currency_rates.csv", "stages.1.enrich.table.key=currency",
                       "stages.1.enrich.add={tier: eur}", "stages.1.enrich.missing={tier: default}"});
  if (!config) FAIL(config.error().context);
  const auto& fields = std::get<ValidateConfig>(config->stages[0].body).fields;
  const auto currency =
      std::find_if(fields.begin(), fields.end(), [](const auto& f) { return f.path.text == "currency"; });
  REQUIRE(currency != fields.end());
  REQUIRE(currency->one_of.size() == orders::kCurrencies.size());
  for (std::size_t i = 0; i < orders::kCurrencies.size(); ++i) {
    CHECK(currency->one_of[i].text == orders::kCurrencies[i].code);
    CHECK(static_cast<std::uint32_t>(std::lround(std::stod(std::string(orders::kCurrencies[i].eur)) * 1e6)) ==
          orders::kCurrencies[i].eur_micros);
  }
}

}  // namespace
}  // namespace weir
