// How far long work on a log is.
#pragma once
#include <cstdint>
#include <functional>
#include <string_view>

namespace weir {

/// `what` is said in a few words that stay ("reading the ingest journal"), `done` of `total` are `unit`s. Called on the
/// thread that asked for the work, often, so it must be short; may be empty.
using LogProgress =
    std::function<void(std::string_view what, std::string_view unit, std::uint64_t done, std::uint64_t total)>;

}  // namespace weir
