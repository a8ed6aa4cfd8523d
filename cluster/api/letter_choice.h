// Which dead letters a call is about, and the reading of them: shared by the calls that show letters and those that change them.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "cluster/api/calls.h"
#include "runtime/engine/letters_query.h"

namespace weir::api {

/// Parameters whose names begin so choose by a field of the original record.
inline constexpr std::string_view kWherePrefix = "where.";

/// id, stage, reason, from, to, where.FIELD and `limit` of 1 to `limit_max`; without the cursor. Error invalid_argument.
[[nodiscard]] Result<LetterFilter> letter_filter(const Call& call, std::uint64_t limit_default, std::uint64_t limit_max);
/// Whether something chooses: not every letter is meant.
[[nodiscard]] bool chooses(const LetterFilter& filter);

using PicturesAnswer = std::function<Result<HttpResponse>(const std::vector<PartitionPicture>&)>;
/// Reads these parts of every partition's state, at least as far as Weir-Token says, and answers the call with what `answer` makes of it.
void with_ranges(const Call& call, std::vector<char> key_spaces, PicturesAnswer answer);
/// The same of letters; of the first one, `use` answers the call itself.
void with_letters(const Call& call, std::function<void(const std::vector<PartitionPicture>&)> use);
void answer_with_letters(const Call& call, PicturesAnswer answer);

}  // namespace weir::api
