// What people do with dead letters: redrive, drop, edit. Each is an order to the partitions that have them, carried out in a commit.
#include <fmt/format.h>

#include <map>
#include <mutex>

#include "cluster/api/letter_choice.h"
#include "cluster/api/parameters.h"
#include "runtime/base/hash.h"
#include "runtime/base/json_text.h"
#include "runtime/engine/letter_edit.h"

namespace weir::api {

namespace {

constexpr std::size_t kWhyMax = 1024;

/// Who orders it, and why.
Result<LetterOrder> order_of(const Call& call, LetterOrder::Kind kind) {
  const std::string_view why = call.request->parameter("why").value_or(std::string_view());
  if (why.size() > kWhyMax || !is_valid_utf8(why))
    return fail(Errc::invalid_argument, "why= has {} bytes: a text in UTF-8 of at most {} is wanted", why.size(), kWhyMax);
  LetterOrder order;
  order.kind = kind;
  order.who = call.request->principal.name;
  if (call.request->principal.role) order.role = to_string(*call.request->principal.role);
  order.why = why;
  return order;
}

/// What became of the letters of one request: collected from its partitions, and answered when the last one has said so.
class Changes {
 public:
  struct Asked {
    bool one_id = false;  // an id was named: nothing but conflicts is an answer of its own
    std::optional<std::pair<PartitionId, Offset>> next;
  };
  Changes(Call call, Asked asked, std::size_t partitions) : call_(std::move(call)), asked_(asked), left_(partitions) {}

  void add(PartitionId partition, std::size_t letters, const Result<std::vector<LetterFate>>& fates) {
    const std::scoped_lock lock(mutex_);
    if (!fates) {
      // What it did of it is done; the rest is still there to be asked for.
      later_ += letters;
      if (!first_error_) first_error_ = fates.error();
      errors_ += fmt::format(R"({}{{"partition":{},"detail":{}}})", errors_.empty() ? "" : ",", partition.value, to_json_string(fates.error().context));
      ++failed_;
    }
    for (const LetterFate fate : fates.value_or(std::vector<LetterFate>{})) {
      switch (fate) {
        case LetterFate::changed: ++changed_; break;
        case LetterFate::gone: ++gone_; break;
        case LetterFate::conflict: ++conflicts_; break;
        case LetterFate::later: ++later_; break;
      }
    }
    ++told_;
    if (told_ == left_) call_.reply(answer());
  }
  [[nodiscard]] HttpResponse answer() const {
    if (failed_ != 0 && failed_ == left_) return error_response(*first_error_);
    if (asked_.one_id && conflicts_ != 0 && changed_ + gone_ + later_ == 0)
      return problem(409, "this letter is in conflict with another event of its id and owns none: it can be shown, exported and dropped, not redriven");
    HttpResponse response;
    response.body = fmt::format(R"({{"changed":{},"gone":{},"conflicts":{},"later":{},"errors":[{}],"next":{}}})", changed_, gone_, conflicts_, later_,
                                errors_, asked_.next ? to_json_string(place_text(*asked_.next)) : "null") +
                    "\n";
    return response;
  }

 private:
  const Call call_;
  const Asked asked_;
  const std::size_t left_;
  std::mutex mutex_;
  std::size_t told_ = 0, failed_ = 0;
  std::uint64_t changed_ = 0, gone_ = 0, conflicts_ = 0, later_ = 0;
  std::string errors_;
  std::optional<Error> first_error_;
};

void order_letters(const Call& call, const LetterFilter& filter, const LetterOrder& order, const std::vector<PartitionPicture>& pictures) {
  std::map<PartitionId, std::vector<Offset>> chosen;
  const auto answer = query_letters(pictures, filter, [&](const PlacedLetter& letter) {
    chosen[letter.partition].push_back(letter.offset);
    return true;
  });
  if (!answer) return call.reply(error_response(answer.error()));
  if (chosen.empty() && filter.id && !filter.after)
    return call.reply(problem(404, fmt::format("there is no open dead letter of id '{}' that fits", *filter.id)));
  const auto changes = std::make_shared<Changes>(call, Changes::Asked{filter.id.has_value(), answer->next}, chosen.size());
  if (chosen.empty()) return call.reply(changes->answer());
  for (const auto& [partition, offsets] : chosen) {
    LetterOrder part = order;
    part.offsets = offsets;
    call.node->change_letters(partition, std::move(part), {}, [changes, partition = partition, count = offsets.size()](const Result<std::vector<LetterFate>>& fates) {
      changes->add(partition, count, fates);
    });
  }
}

Result<std::pair<LetterFilter, LetterOrder>> read_order(const Call& call, LetterOrder::Kind kind) {
  WEIR_TRY(check_parameters(*call.request, {"id", "stage", "reason", "from", "to", "all", "why", "limit", "cursor", "wait"}, kWherePrefix));
  WEIR_ASSIGN(LetterFilter filter, letter_filter(call, NodeAccess::kLettersAtOnce, NodeAccess::kLettersAtOnce));
  filter.totals = false;
  WEIR_ASSIGN(const bool all, flag_parameter(*call.request, "all"));
  if (!all && !chooses(filter))
    return fail(Errc::invalid_argument,
                "nothing chooses letters: id, stage, reason, from, to or where.FIELD=VALUE is wanted; where every open dead letter is meant, say all=true");
  if (all && chooses(filter)) return fail(Errc::invalid_argument, "all=true beside something that chooses letters: one of them is wanted");
  if (const auto cursor = call.request->parameter("cursor")) {
    WEIR_ASSIGN(filter.after, parse_place(*cursor));
  }
  WEIR_ASSIGN(LetterOrder order, order_of(call, kind));
  return std::pair(std::move(filter), std::move(order));
}

void change_chosen(const Call& call, LetterOrder::Kind kind) {
  auto read = read_order(call, kind);
  if (!read) return call.reply(error_response(read.error()));
  with_letters(call, [call, read = std::move(*read)](const std::vector<PartitionPicture>& pictures) {
    order_letters(call, read.first, read.second, pictures);
  });
}

/// The letter that an edit is about.
struct EditedPlace {
  PartitionId partition;
  Offset offset;
};

/// Without an offset the one that owns the id. An answer instead: there is none, or it may not be edited.
tl::expected<EditedPlace, HttpResponse> edited_place(const Call& call, const std::vector<PartitionPicture>& pictures, const LetterFilter& filter,
                                                     std::optional<std::uint64_t> offset, std::string_view frame) {
  std::optional<EditedPlace> found;
  std::optional<EditedPlace> conflict;
  Result<void> same = Result<void>();
  const auto seen = query_letters(pictures, filter, [&](const PlacedLetter& letter) {
    if (offset && letter.offset.value != *offset) return true;
    (letter.stored.conflict ? conflict : found) = EditedPlace{letter.partition, letter.offset};
    if (!letter.stored.conflict) same = check_same_id(call.node->pipeline().record, letter.stored, frame);
    return true;
  });
  if (!seen) return tl::unexpected(error_response(seen.error()));
  if (!found && conflict)
    return tl::unexpected(problem(409, fmt::format("the letter of id '{}' at offset {} is in conflict with another event of its id and owns none: it can be shown, exported and dropped, not edited",
                                                   *filter.id, conflict->offset.value)));
  if (!found) {
    const std::string at = offset ? fmt::format(" at offset {}", *offset) : "";
    return tl::unexpected(problem(404, fmt::format("there is no open dead letter of id '{}'{}", *filter.id, at)));
  }
  if (!same) return tl::unexpected(error_response(same.error()));
  return *found;
}

HttpResponse edit_response(const std::string& id, EditedPlace place, std::size_t bytes, const Result<std::vector<LetterFate>>& fates) {
  if (!fates) return error_response(fates.error());
  switch (fates->front()) {
    case LetterFate::changed: break;
    case LetterFate::gone: return problem(404, fmt::format("the dead letter of id '{}' at offset {} is not open any more", id, place.offset.value));
    case LetterFate::conflict: return problem(409, fmt::format("the letter of id '{}' at offset {} owns no id: it cannot be edited", id, place.offset.value));
    case LetterFate::later:
      return error_response({Errc::not_ready, fmt::format("an event of id '{}' is on its way, and what becomes of it may close the letter; ask again", id)});
  }
  HttpResponse response;
  response.body = fmt::format(R"({{"id":{},"partition":{},"offset":{},"bytes":{}}})", to_json_string(id), place.partition.value, place.offset.value, bytes) + "\n";
  return response;
}

void edit(const Call& call, const LetterFilter& filter, LetterOrder order, std::optional<std::uint64_t> offset, const std::string& frame,
          const std::vector<PartitionPicture>& pictures) {
  auto place = edited_place(call, pictures, filter, offset, frame);
  if (!place) return call.reply(std::move(place.error()));
  order.offsets = {place->offset};
  call.node->change_letters(place->partition, std::move(order), frame,
                            [call, id = *filter.id, place = *place, bytes = frame.size()](const Result<std::vector<LetterFate>>& fates) {
                              call.reply(edit_response(id, place, bytes, fates));
                            });
}

/// The frame of a body: the end of its line is none of it.
std::string_view frame_of(std::string_view body) {
  if (body.ends_with('\n')) body.remove_suffix(body.ends_with("\r\n") ? 2 : 1);
  return body;
}

}  // namespace

void redrive_dead_letters(const Call& call) { change_chosen(call, LetterOrder::Kind::redrive); }

void drop_dead_letters(const Call& call) { change_chosen(call, LetterOrder::Kind::drop); }

void edit_dead_letter(const Call& call) {
  const auto good = check_parameters(*call.request, {"why", "offset", "wait"});
  if (!good) return call.reply(error_response(good.error()));
  const auto offset = number_parameter(*call.request, "offset", 0, ~std::uint64_t{0});
  if (!offset) return call.reply(error_response(offset.error()));
  auto order = order_of(call, LetterOrder::Kind::edit);
  if (!order) return call.reply(error_response(order.error()));
  const std::string frame(frame_of(call.request->body.view()));
  if (frame.empty()) return call.reply(problem(400, "the body is empty: it is what the stages are given in place of the letter's original bytes; to be rid of a letter, drop it"));
  const std::uint64_t most = call.node->pipeline().limits.event_bytes_max;
  if (frame.size() > most)
    return call.reply(problem(413, fmt::format("the body has {} bytes, more than limits.event_bytes_max, {}: the event would be a dead letter again", frame.size(), most)));
  LetterFilter filter;
  filter.id = call.request->segments[2];
  with_letters(call, [call, filter, order = std::move(*order), offset = *offset, frame](const std::vector<PartitionPicture>& pictures) {
    edit(call, filter, order, offset, frame, pictures);
  });
}

}  // namespace weir::api
