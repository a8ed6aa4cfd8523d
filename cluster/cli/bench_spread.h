// Several runs of a benchmark as three numbers.
#pragma once
#include <nlohmann/json.hpp>
#include <vector>

namespace weir::cli {

struct Spread {
  double median = 0, min = 0, max = 0;
};
/// `values` is not empty.
[[nodiscard]] Spread spread(std::vector<double> values);
[[nodiscard]] nlohmann::ordered_json to_json(const Spread& spread);

}  // namespace weir::cli
