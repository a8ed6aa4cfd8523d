#include "runtime/event/document_parser.h"

#include <cstring>
#include <deque>

#include "runtime/event/csv_parse.h"
#include "runtime/event/document_keys.h"
#include "runtime/event/json_parse.h"

namespace weir {

namespace {
constexpr std::size_t kCsvShapesMax =
    64;  // headers remembered; more files with more headers than that only cost a rebuild
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

void DocumentParser::between_batches() {
  if (impl_->keys.full()) impl_->keys.clear();
  if (impl_->shapes.size() > kCsvShapesMax) {
    impl_->shapes.clear();
    impl_->last_shape = nullptr;
  }
}

}  // namespace weir
