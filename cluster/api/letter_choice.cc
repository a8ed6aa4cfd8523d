#include "cluster/api/letter_choice.h"

#include "cluster/api/parameters.h"
#include "runtime/engine/view_key.h"

namespace weir::api {

namespace {

/// Letters, which letter owns an id, and conflicts: what query_letters() reads.
const std::vector<char> kLetterSpaces{key_space::letter, key_space::letter_id, key_space::letter_conflict};

void read(const Call& call, const std::vector<char>& key_spaces, std::function<void(const std::vector<PartitionPicture>&)> use) {
  const auto token = token_of(*call.request);
  if (!token) return call.reply(error_response(token.error()));
  const auto wait = duration_parameter(*call.request, "wait", call.limits.wait_max);
  if (!wait) return call.reply(error_response(wait.error()));
  const auto ranges = [key_spaces](PartitionId, const StateCursor&) -> Result<std::vector<StateRange>> {
    std::vector<StateRange> wanted;
    for (const char space : key_spaces) wanted.push_back({std::string(1, space), std::string(1, static_cast<char>(space + 1))});
    return wanted;
  };
  call.node->pictures(ranges, *token, wait->value_or(call.limits.wait_default),
                      [call, use = std::move(use)](Result<std::vector<PartitionPicture>> pictures) {
                        if (!pictures) return call.reply(error_response(pictures.error()));
                        use(*pictures);
                      });
}

std::function<void(const std::vector<PartitionPicture>&)> answering(const Call& call, PicturesAnswer answer) {
  return [call, answer = std::move(answer)](const std::vector<PartitionPicture>& pictures) {
    auto response = answer(pictures);
    call.reply(response ? std::move(*response) : error_response(response.error()));
  };
}

}  // namespace

Result<LetterFilter> letter_filter(const Call& call, std::uint64_t limit_default, std::uint64_t limit_max) {
  const HttpRequest& request = *call.request;
  LetterFilter filter;
  const auto text = [&request](std::string_view name) -> std::optional<std::string> {
    if (const auto value = request.parameter(name)) return std::string(*value);
    return std::nullopt;
  };
  filter.id = text("id");
  filter.stage = text("stage");
  filter.reason = text("reason");
  WEIR_ASSIGN(filter.accepted_from, time_parameter(request, "from"));
  WEIR_ASSIGN(filter.accepted_to, time_parameter(request, "to"));
  filter.separator = call.node->pipeline().record.csv.separator;
  for (const auto& [name, value] : request.query) {
    if (!name.starts_with(kWherePrefix)) continue;
    WEIR_ASSIGN(filter.where.emplace_back(), field_condition(std::string_view(name).substr(kWherePrefix.size()), value));
  }
  WEIR_ASSIGN(const auto limit, number_parameter(request, "limit", 1, limit_max));
  filter.limit = limit.value_or(limit_default);
  return filter;
}

bool chooses(const LetterFilter& filter) {
  return filter.id || filter.stage || filter.reason || filter.accepted_from || filter.accepted_to || !filter.where.empty();
}

void with_ranges(const Call& call, std::vector<char> key_spaces, PicturesAnswer answer) {
  read(call, key_spaces, answering(call, std::move(answer)));
}

void with_letters(const Call& call, std::function<void(const std::vector<PartitionPicture>&)> use) {
  read(call, kLetterSpaces, std::move(use));
}

void answer_with_letters(const Call& call, PicturesAnswer answer) {
  read(call, kLetterSpaces, answering(call, std::move(answer)));
}

}  // namespace weir::api
