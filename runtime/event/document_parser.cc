#include "runtime/event/document_parser.h"

#include <array>
#include <cstring>
#include <deque>
#include <optional>

#include "runtime/event/csv_parse.h"
#include "runtime/event/document_keys.h"
#include "runtime/event/json_parse.h"

namespace weir {

namespace {
constexpr std::size_t kCsvShapesMax =
    64;  // headers remembered; more files with more headers than that only cost a rebuild

struct Attribute {
  std::string_view CloudEvent::*place;
  bool required;
  std::size_t bytes_max;
  const char* name;
  const char* missing;
  const char* type;
  const char* range;
};
/// An id that is too long is replaced by the digest at the door; a time is read as one afterwards.
constexpr std::array<Attribute, 4> kAttributes = {{
    {&CloudEvent::id, true, ~std::size_t{0}, "id", "id: a CloudEvent has one", "id: must be a text", ""},
    {&CloudEvent::source, true, kCloudAttributeMax, "source", "source: a CloudEvent has one", "source: must be a text",
     "source: longer than 1024 bytes"},
    {&CloudEvent::type, true, kCloudAttributeMax, "type", "type: a CloudEvent has one", "type: must be a text",
     "type: longer than 1024 bytes"},
    {&CloudEvent::time, false, ~std::size_t{0}, "time", "", "time: must be a text", ""},
}};
static_assert(kCloudAttributeMax == 1024, "the messages above say so");

/// Reads the envelope of CloudEvents; their data is the business of the pipeline's own plan.
class EnvelopeReader {
 public:
  EnvelopeReader() {
    for (std::size_t i = 0; i < kAttributes.size(); ++i) slots_[i] = plan_.want(std::string_view(kAttributes[i].name));
    version_ = plan_.want("specversion");
    data_ = plan_.want("data");
    base64_ = plan_.want("data_base64");
    parser_.emplace(plan_);
  }
  void between_batches() { parser_->between_batches(); }

  /// `data` is absent where the event has none.
  [[nodiscard]] bool read(std::string_view frame, ChainArena& arena, CloudEvent& envelope, Value& data,
                          ParseProblem& problem) {
    using Kind = ParseProblem::Kind;
    const auto wrong = [&problem](Kind kind, const char* what) {
      problem = {kind, 0, what};
      return false;
    };
    Document document;
    if (!parser_->parse_json(frame, arena, document, problem)) return false;
    const Value& version = document[version_];
    if (version.absent()) return wrong(Kind::attribute_missing, "specversion: a CloudEvent has one");
    if (!version.is_text()) return wrong(Kind::attribute_type, "specversion: must be a text");
    if (version.span() != "1.0") return wrong(Kind::attribute_range, "specversion: only 1.0 is known");
    for (std::size_t i = 0; i < kAttributes.size(); ++i) {
      const Attribute& attribute = kAttributes[i];
      const Value& value = document[slots_[i]];
      std::string_view& text = envelope.*attribute.place;
      text = {};
      if (!value.absent() && !value.is_text()) return wrong(Kind::attribute_type, attribute.type);
      if (!value.absent()) text = plain_text(value, arena);
      if (text.empty() && attribute.required) return wrong(Kind::attribute_missing, attribute.missing);
      if (text.size() > attribute.bytes_max) return wrong(Kind::attribute_range, attribute.range);
    }
    if (!document[base64_].absent())
      return wrong(Kind::attribute_type, "data_base64: binary data is no record; send data, a JSON object");
    data = document[data_];
    if (!data.absent() && data.kind != ValueKind::object)
      return wrong(Kind::attribute_type, "data: must be a JSON object, it is the record");
    return true;
  }

 private:
  FieldPlan plan_;
  std::array<Slot, kAttributes.size()> slots_{};
  Slot version_ = kNoSlot;
  Slot data_ = kNoSlot;
  Slot base64_ = kNoSlot;
  std::optional<DocumentParser> parser_;
};

/// The record of an event without data.
const PaddedText& no_data() {
  static const PaddedText text("{}");
  return text;
}

}  // namespace

struct DocumentParser::Impl {
  Impl(const FieldPlan& wanted, ParserOptions with) : plan(wanted), options(with), keys(wanted), walker(keys) {}

  void prepare(Document& document, ChainArena& arena) const {
    document = Document{};
    const std::size_t slots = plan.size() * sizeof(Value);
    const std::size_t origins = plan.touched().size() * sizeof(Origin);
    char* place = arena.take(slots + origins);
    std::memset(place, 0, slots + origins);
    document.slots = reinterpret_cast<Value*>(place);
    document.origins = reinterpret_cast<Origin*>(place + slots);
  }

  const CsvShape& shape(std::string_view header) {
    if (last_shape != nullptr && last_shape->header == header) return *last_shape;
    for (const CsvShape& known : shapes) {
      if (known.header == header) return *(last_shape = &known);
    }
    shapes.push_back(make_csv_shape(header, plan, options.csv_separator));
    return *(last_shape = &shapes.back());
  }

  const FieldPlan& plan;
  ParserOptions options;
  KeyTable keys;
  JsonWalker walker;
  std::deque<CsvShape> shapes;
  const CsvShape* last_shape = nullptr;
  std::unique_ptr<EnvelopeReader> envelopes;  // made for the first CloudEvent
};

DocumentParser::DocumentParser(const FieldPlan& plan, ParserOptions options)
    : impl_(std::make_unique<Impl>(plan, options)) {}
DocumentParser::~DocumentParser() = default;
DocumentParser::DocumentParser(DocumentParser&&) noexcept = default;
DocumentParser& DocumentParser::operator=(DocumentParser&&) noexcept = default;

bool DocumentParser::parse_json(std::string_view frame, ChainArena& arena, Document& document, ParseProblem& problem) {
  impl_->prepare(document, arena);
  return impl_->walker.walk(frame, document, problem);
}

bool DocumentParser::parse_csv(std::string_view frame, std::string_view header, ChainArena& arena, Document& document,
                               ParseProblem& problem) {
  const CsvShape& shape = impl_->shape(header);
  impl_->prepare(document, arena);
  document.begin = frame.data();
  document.end = frame.data() + frame.size();
  document.csv = &shape;
  document.columns = arena.take_array<Value>(shape.unslotted);
  std::memset(static_cast<void*>(document.columns), 0, shape.unslotted * sizeof(Value));
  return split_csv(frame, shape, impl_->options.csv_separator, arena, document, problem);
}

bool DocumentParser::parse_cloud_event(std::string_view frame, ChainArena& arena, CloudEvent& envelope,
                                       Document& document, ParseProblem& problem) {
  if (impl_->envelopes == nullptr) impl_->envelopes = std::make_unique<EnvelopeReader>();
  Value data;
  if (!impl_->envelopes->read(frame, arena, envelope, data, problem)) return false;
  return parse_json(data.absent() ? no_data().view() : data.span(), arena, document, problem);
}

void DocumentParser::between_batches() {
  if (impl_->envelopes != nullptr) impl_->envelopes->between_batches();
  if (impl_->keys.full()) impl_->keys.clear();
  if (impl_->shapes.size() > kCsvShapesMax) {
    impl_->shapes.clear();
    impl_->last_shape = nullptr;
  }
}

}  // namespace weir
