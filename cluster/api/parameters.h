// The parameters of a call, read strictly: one that is not known is an answer 400 that names those that are.
#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "runtime/base/ids.h"
#include "runtime/base/result.h"
#include "runtime/ports/http_server.h"

namespace weir {

/// Every parameter is one of `known`, or begins with `prefix` (empty: none may), and comes once, those with the prefix
/// excepted. Error invalid_argument.
[[nodiscard]] Result<void> check_parameters(const HttpRequest& request, const std::vector<std::string>& known,
                                            std::string_view prefix = {});

/// Absent: nullopt. Errors: invalid_argument, with what is allowed.
[[nodiscard]] Result<std::optional<std::uint64_t>> number_parameter(const HttpRequest& request, std::string_view name,
                                                                    std::uint64_t least, std::uint64_t most);
/// 2011-12-01 or 2011-12-01T00:00:00Z.
[[nodiscard]] Result<std::optional<std::int64_t>> time_parameter(const HttpRequest& request, std::string_view name);
/// A duration with its unit.
[[nodiscard]] Result<std::optional<std::chrono::milliseconds>> duration_parameter(const HttpRequest& request,
                                                                                  std::string_view name,
                                                                                  std::chrono::milliseconds most);
[[nodiscard]] Result<bool> flag_parameter(const HttpRequest& request, std::string_view name);

/// A place in a log as a cursor, "3-517", and back. Error invalid_argument: `text` is none.
[[nodiscard]] std::string place_text(const std::pair<PartitionId, Offset>& place);
[[nodiscard]] Result<std::pair<PartitionId, Offset>> parse_place(std::string_view text);

}  // namespace weir
