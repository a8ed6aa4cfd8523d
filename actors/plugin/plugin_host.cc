#include "actors/plugin/plugin_host.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <new>
#include <string_view>

#include "actors/plugin/pending_mail.h"
#include "runtime/base/decimal.h"
#include "runtime/base/json_text.h"
#include "runtime/base/time_text.h"
#include "runtime/engine/query_json.h"

namespace weir {

namespace {

static_assert(sizeof(weir_value) == sizeof(Value));
static_assert(WEIR_MISSING == static_cast<int>(ValueKind::missing) && WEIR_NULL == static_cast<int>(ValueKind::null));
static_assert(WEIR_BOOLEAN == static_cast<int>(ValueKind::boolean) && WEIR_NUMBER == static_cast<int>(ValueKind::number));
static_assert(WEIR_STRING == static_cast<int>(ValueKind::string) && WEIR_PLAIN == static_cast<int>(ValueKind::text));
static_assert(WEIR_OBJECT == static_cast<int>(ValueKind::object) && WEIR_ARRAY == static_cast<int>(ValueKind::array));
static_assert(WEIR_ESCAPES == value_flag::escapes);

constexpr std::array<std::string_view, 5> kEnvelope = {"@id", "@time", "@type", "@source", "@partition"};

std::string_view view(weir_text text) { return {text.data, static_cast<std::size_t>(text.size)}; }
weir_text text_of(std::string_view text) { return {text.data(), text.size()}; }
weir_value to_abi(const Value& value) { return {value.data, value.length, static_cast<std::uint8_t>(value.kind), value.flags, 0}; }
Value from_abi(const weir_value& value) { return {value.data, value.length, static_cast<ValueKind>(value.kind), value.flags, 0}; }

weir_decimal to_abi(const Decimal& value) {
  const Int128 unscaled = value.unscaled();
  return {static_cast<std::uint64_t>(unscaled), static_cast<std::int64_t>(unscaled >> 64), value.scale(), 0};
}
/// Nothing: a plugin that made it up.
DecimalResult<Decimal> from_abi(const weir_decimal& value) {
  return Decimal::make((static_cast<Int128>(value.high) << 64) | static_cast<Int128>(value.low), value.scale);
}
std::uint32_t give(const DecimalResult<Decimal>& value, weir_decimal* out) {
  if (!value) return 0;
  *out = to_abi(*value);
  return 1;
}
template <class Compute>
std::uint32_t compute(const weir_decimal* a, const weir_decimal* b, weir_decimal* out, Compute compute) {
  const auto left = from_abi(*a), right = from_abi(*b);
  return left && right ? give(compute(*left, *right), out) : 0;
}

ChainArena& arena(const weir_event* event) { return event->record == nullptr ? event->batch->arena() : *event->record->arena; }

std::uint32_t name_field(weir_fields* fields, weir_text text, std::uint32_t written) {
  FieldPath path;
  path.text = view(text);
  const auto refuse = [&](std::string_view why) {
    fields->wrong = fmt::format("\"{}\" {}", path.text, why);
    return UINT32_MAX;
  };
  path.parts = path.envelope() ? std::vector<std::string>{path.text} : split_path(path.text);
  if (std::any_of(path.parts.begin(), path.parts.end(), [](const std::string& part) { return part.empty(); }) || path.parts.size() > 64)
    return refuse("is no field path such as Country or properties.mag (at most 64 parts; \"\\.\" is a dot inside a name)");
  if (!is_valid_utf8(path.text)) return refuse("is not valid UTF-8");
  if (written != 0 && fields->plan == nullptr) return refuse("cannot be written: what a sink or a view gets is final");
  if (written != 0 && path.envelope()) return refuse("cannot be written: it is part of the envelope");
  if (written != 0 && path.parts.size() != 1) return refuse("cannot be written: only top-level fields can");
  if (fields->plan == nullptr) {
    if (path.envelope() && std::find(kEnvelope.begin(), kEnvelope.end(), path.text) == kEnvelope.end())
      return refuse(fmt::format("is no part of the envelope; there are {}", fmt::join(kEnvelope, ", ")));
    fields->paths.push_back(std::move(path));
    return static_cast<std::uint32_t>(fields->paths.size() - 1);
  }
  auto field = FieldRef::compile(path, *fields->plan);
  if (!field) {
    fields->wrong = field.error().context;
    return UINT32_MAX;
  }
  fields->fields.push_back(std::move(*field));
  fields->written.push_back(written != 0 ? fields->plan->touch(path.parts.front()) : kNoSlot);
  return static_cast<std::uint32_t>(fields->fields.size() - 1);
}

Value read_record(const PluginRecord& record, const FieldPath& path, std::uint32_t field) {
  if (!path.envelope()) return record.tokens.empty() ? find_path(record.payload, path.parts) : token_value(record.tokens[field]);
  if (path.text == "@id") return make_text(record.id);
  if (path.text == "@type") return make_text(record.type);
  if (path.text == "@source") return make_text(record.source);
  if (path.text == "@partition") return make_value(ValueKind::number, record.arena->copy(std::to_string(record.partition.value)));
  char* to = record.arena->take(kRfc3339Max);
  return make_value(ValueKind::text, {to, write_rfc3339(record.event_time, to)});
}

weir_value read(const weir_event* event, std::uint32_t field) {
  if (event->record != nullptr) {
    const auto& paths = event->fields->paths;
    return to_abi(field < paths.size() ? read_record(*event->record, paths[field], field) : Value{});
  }
  if (field >= event->fields->fields.size()) return to_abi(Value{});
  const FieldRef& ref = event->fields->fields[field];
  const Value value = ref.read(*event->event, *event->batch);
  if (value.kind != ValueKind::object) [[likely]]
    return to_abi(value);
  return to_abi(ref.read_whole(*event->event, *event->batch));
}

weir_text plain(const weir_event* event, const weir_value* value) { return text_of(plain_text(from_abi(*value), arena(event))); }
std::uint32_t number(const weir_event* event, const weir_value* value, weir_decimal* out) {
  return give(to_decimal(from_abi(*value), arena(event)), out);
}
std::uint32_t time(const weir_event* event, const weir_value* value, std::int64_t* out) {
  const Value found = from_abi(*value);
  if (!found.is_text()) return 0;
  const auto time = parse_rfc3339(plain_text(found, arena(event)));
  if (time) *out = *time;
  return time ? 1 : 0;
}
weir_value member(const weir_event*, const weir_value* object, weir_text name) {
  const Value found = from_abi(*object);
  if (found.kind != ValueKind::object) return to_abi(Value{});
  const std::string part(view(name));
  return to_abi(find_path(found.span(), {&part, 1}));
}
weir_value element(const weir_event*, const weir_value* array, std::uint64_t index) {
  const Value found = from_abi(*array);
  Value value;
  if (found.kind != ValueKind::array) return to_abi(value);
  ArrayElements elements(found.span());
  for (std::uint64_t i = 0; elements.next(value); ++i) {
    if (i == index) return to_abi(value);
  }
  return to_abi(Value{});
}
std::uint64_t count(const weir_event*, const weir_value* array) {
  const Value found = from_abi(*array);
  std::uint64_t out = 0;
  if (found.kind != ValueKind::array) return out;
  ArrayElements elements(found.span());
  for (Value value; elements.next(value);) ++out;
  return out;
}

weir_text id(const weir_event* event) { return text_of(event->record == nullptr ? event->batch->raw(*event->event).id : event->record->id); }
weir_text type(const weir_event* event) { return text_of(event->record == nullptr ? event->batch->type(*event->event) : event->record->type); }
weir_text source(const weir_event* event) { return text_of(event->record == nullptr ? event->batch->source(*event->event) : event->record->source); }
std::int64_t event_time(const weir_event* event) { return event->record == nullptr ? event->event->event_time : event->record->event_time; }
std::uint32_t attempts(const weir_event* event) { return event->record == nullptr ? event->batch->history().attempts : 0; }
weir_text json(const weir_event* event) { return text_of(event->record == nullptr ? std::string_view{} : event->record->payload); }

void set(weir_event* event, std::uint32_t field, Value value) {
  const weir_fields& fields = *event->fields;
  if (field >= fields.written.size() || fields.written[field] == kNoSlot) {
    event->answer->mistake = "it writes a field that it did not ask for with Fields::write";
    return;
  }
  event->event->document.set(fields.written[field], value);
}
void set_kept(weir_event* event, std::uint32_t field, ValueKind kind, std::string_view text) {
  set(event, field, make_value(kind, arena(event).copy(text)));
}
void set_text(weir_event* event, std::uint32_t field, weir_text text) {
  if (!is_valid_utf8(view(text))) {
    event->answer->no_text = field < event->fields->fields.size() ? event->fields->fields[field].text() : "";
    return;
  }
  set(event, field, make_text(arena(event).copy(view(text))));
}
void set_integer(weir_event* event, std::uint32_t field, std::int64_t value) {
  char to[20];
  const auto end = fmt::format_to_n(to, sizeof to, "{}", value).out;
  set_kept(event, field, ValueKind::number, {to, static_cast<std::size_t>(end - to)});
}
void set_decimal(weir_event* event, std::uint32_t field, const weir_decimal* value) {
  const auto number = from_abi(*value);
  if (!number) {
    event->answer->mistake = "it writes a decimal of more than 38 digits";
    return;
  }
  char to[Decimal::kTextMax];
  set_kept(event, field, ValueKind::number, {to, number->write_text(to)});
}
void set_boolean(weir_event* event, std::uint32_t field, std::uint32_t value) {
  set_kept(event, field, ValueKind::boolean, value != 0 ? "true" : "false");
}
/// Of the years 0 to 9999.
bool is_written_time(std::int64_t value) { return value >= -62'167'219'200'000'000 && value <= 253'402'300'799'999'999; }
void set_time(weir_event* event, std::uint32_t field, std::int64_t value) {
  if (!is_written_time(value)) {
    event->answer->mistake = "it writes a time outside the years 0 to 9999";
    return;
  }
  char to[kRfc3339Max];
  set_kept(event, field, ValueKind::text, {to, write_rfc3339(value, to)});
}
void set_value(weir_event* event, std::uint32_t field, const weir_value* value) {
  Value copy = from_abi(*value);
  copy.flags &= static_cast<std::uint8_t>(~value_flag::edited);
  set(event, field, copy);
}
void set_null(weir_event* event, std::uint32_t field) { set_kept(event, field, ValueKind::null, "null"); }
void drop(weir_event* event, std::uint32_t field) { set(event, field, Value{}); }

weir_event* add_part(weir_event* event) {
  if (!event->splits) event->answer->mistake = "it adds records and does not say so; write static constexpr bool splits = true";
  // A part that nobody takes: the plugin goes on, and the event is decided without it.
  if (event->parts == nullptr) event->answer->mistake = "it adds a record to a record; add it to the event";
  if (!event->answer->mistake.empty()) return event;
  if (event->parts->size() == kEventPartsMax) {
    event->answer->too_many = true;
    return &event->parts->back();
  }
  weir_event& part = event->parts->emplace_back(*event);
  const std::size_t slots = event->fields->plan->size();
  part.parts = nullptr;
  part.part = *event->event;
  part.event = &part.part;
  part.part.document.slots = arena(event).take_array<Value>(slots);
  std::copy_n(event->event->document.slots, slots, part.part.document.slots);
  return &part;
}

void verdict(weir_event* event, std::uint32_t kind, weir_text reason, weir_text detail) {
  event->answer->verdict = kind;
  event->answer->reason = view(reason);
  event->answer->detail = view(detail);
}

weir_completion* completion(weir_event* event) {
  try {
    auto made = std::make_unique<weir_completion>();
    if (event->parts == nullptr) {
      event->answer->mistake = "it takes a completion of a record; take it of the event";
    } else if (event->mail == nullptr) {
      event->answer->mistake = "it takes a completion where nobody waits for an answer; only decide() of a stage with resume() may";
    } else if (event->completing) {
      event->answer->mistake = "it takes a second completion of an event, which is answered once";
    } else {
      made->mail = *event->mail;
      made->ticket = event->ticket;
      made->mail->expect(event->ticket);
      event->completing = true;
    }
    return made.release();
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}

void complete(weir_completion* completion, std::uint32_t how, weir_text text) {
  using Kind = PendingMail::Letter::Kind;
  const std::unique_ptr<weir_completion> ended(completion);
  if (ended->mail == nullptr) return;
  Kind kind = how == WEIR_ANSWERED ? Kind::answered : how == WEIR_FAILED ? Kind::failed : Kind::dropped;
  if (kind == Kind::answered && text.size > kPendingAnswerBytesMax) kind = Kind::too_large;
  try {
    ended->mail->put(ended->ticket, kind, kind == Kind::too_large ? std::string_view() : view(text));
  } catch (const std::bad_alloc&) {
    // There is no memory for the answer: it meets its deadline.
  }
}

void source_add(weir_source_out* out, weir_text event, weir_text position) {
  constexpr std::size_t kPollBytesMax = std::size_t{16} << 20;
  constexpr std::size_t kPositionMax = 4'096;
  out->bytes += event.size;
  if (out->bytes > kPollBytesMax) out->mistake = "one poll gives more than 16 MiB; answer more() and give the others in the next one";
  if (position.size > kPositionMax) out->mistake = fmt::format("a position of {} bytes; it has at most {}", position.size, kPositionMax);
  if (!out->mistake.empty()) return;
  weir::PolledRecord& record = out->records.emplace_back();
  record.frame = view(event);
  if (position.size != 0) record.position = view(position);
}

void bytes_put(weir_bytes* out, weir_text bytes) { out->text = view(bytes); }

void show(weir_row* row, std::uint32_t column, std::string token) {
  if (column >= row->tokens.size()) {
    row->mistake = "it shows a column that it does not have";
    return;
  }
  row->tokens[column] = std::move(token);
}
void row_text(weir_row* row, std::uint32_t column, weir_text text) {
  if (!is_valid_utf8(view(text))) {
    row->mistake = "it shows a text that is not valid UTF-8";
    return;
  }
  show(row, column, to_json_string(view(text)));
}
void row_integer(weir_row* row, std::uint32_t column, std::int64_t value) { show(row, column, std::to_string(value)); }
void row_decimal(weir_row* row, std::uint32_t column, const weir_decimal* value) {
  const auto number = from_abi(*value);
  if (!number) {
    row->mistake = "it shows a decimal of more than 38 digits";
    return;
  }
  show(row, column, number->to_text());
}
void row_boolean(weir_row* row, std::uint32_t column, std::uint32_t value) { show(row, column, value != 0 ? "true" : "false"); }
void row_time(weir_row* row, std::uint32_t column, std::int64_t value) {
  if (!is_written_time(value)) {
    row->mistake = "it shows a time outside the years 0 to 9999";
    return;
  }
  show(row, column, to_json_string(to_rfc3339(value)));
}

std::uint32_t decimal_parse(weir_text text, weir_decimal* out) { return give(Decimal::parse(view(text)), out); }
std::uint64_t decimal_text(const weir_decimal* value, char* to) {
  const auto number = from_abi(*value);
  return number ? number->write_text(to) : 0;
}
std::uint32_t decimal_add(const weir_decimal* a, const weir_decimal* b, weir_decimal* out) { return compute(a, b, out, Decimal::add); }
std::uint32_t decimal_subtract(const weir_decimal* a, const weir_decimal* b, weir_decimal* out) { return compute(a, b, out, Decimal::subtract); }
std::uint32_t decimal_multiply(const weir_decimal* a, const weir_decimal* b, weir_decimal* out) { return compute(a, b, out, Decimal::multiply); }
std::uint32_t decimal_divide(const weir_decimal* a, const weir_decimal* b, std::uint32_t scale, weir_decimal* out) {
  if (scale > kDecimalScaleMax) return 0;
  return compute(a, b, out, [scale](const Decimal& x, const Decimal& y) { return Decimal::divide(x, y, scale); });
}
std::uint32_t decimal_round(const weir_decimal* value, std::uint32_t scale, weir_decimal* out) {
  const auto number = from_abi(*value);
  return number && scale <= kDecimalScaleMax ? give(number->round(scale), out) : 0;
}
std::int32_t decimal_compare(const weir_decimal* a, const weir_decimal* b) {
  const auto left = from_abi(*a), right = from_abi(*b);
  if (!left || !right) return left ? 1 : right ? -1 : 0;
  return *left < *right ? -1 : *left > *right ? 1 : 0;
}
std::uint32_t decimal_integer(const weir_decimal* value, std::int64_t* out) {
  const auto number = from_abi(*value);
  const auto whole = number ? number->to_int64() : std::nullopt;
  if (whole) *out = *whole;
  return whole ? 1 : 0;
}

constexpr weir_host kHost = {
    WEIR_ABI_VERSION, 0,         name_field,   read,         plain,           number,           time,           member,        element,
    count,            id,        type,         source,       event_time,      attempts,     json,    set_text,       set_integer,   set_decimal,
    set_boolean,      set_time,  set_value,    set_null,     drop,            add_part,         verdict,        completion, complete, source_add, bytes_put, row_text, row_integer, row_decimal, row_boolean, row_time, decimal_parse, decimal_text,
    decimal_add,      decimal_subtract, decimal_multiply, decimal_divide, decimal_round, decimal_compare, decimal_integer,
};

}  // namespace

const weir_host& plugin_host() { return kHost; }

std::string shown(std::string_view reason) {
  std::string out;
  for (const char c : reason) out += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
  if (is_valid_utf8(out)) return out;
  for (char& c : out) {
    if (static_cast<unsigned char>(c) >= 0x80) c = '?';
  }
  return out;
}

std::vector<weir_key_value> key_values(const PluginKind& kind, const std::vector<std::string>& values) {
  std::vector<weir_key_value> out;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::string& value = values[i];
    std::int64_t number = 0;
    if (kind.keys[i].type == PluginKey::Type::boolean) {
      number = value == "true" ? 1 : 0;
    } else {
      std::from_chars(value.data(), value.data() + value.size(), number);
    }
    out.push_back({{value.data(), value.size()}, number});
  }
  return out;
}

}  // namespace weir
