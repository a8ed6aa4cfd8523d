// Walking JSON that is known to be well-formed (records, details): members and values as spans, nothing copied.
// Damaged text never makes it read outside; it then finds less.
#pragma once
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace weir {

/// Calls `visit(name, token)` for each member of the object, in order, until it returns false. `name` is the text
/// between the quotes, escapes as written; `token` has no white space around it. False: `object` is no object.
bool for_each_member(std::string_view object,
                     const std::function<bool(std::string_view name, std::string_view token)>& visit);

/// The value at a path of member names (already unescaped); nullopt: not there.
[[nodiscard]] std::optional<std::string_view> find_member(std::string_view object, std::span<const std::string> path);

/// What a token says to a person: a string's text, everything else as spelled; null: empty.
[[nodiscard]] std::string token_text(std::string_view token);

/// Whether a person who types `text` means this token: a string by its text, a number by value, null, true and false by
/// name.
[[nodiscard]] bool token_means(std::string_view token, std::string_view text);

/// Splits a dotted path; `\.` is a dot inside a name.
[[nodiscard]] std::vector<std::string> split_path(std::string_view text);

}  // namespace weir
