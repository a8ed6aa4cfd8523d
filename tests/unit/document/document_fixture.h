// A frame as the chain sees it: inside a shared block, with other bytes directly behind it.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/bytes.h"
#include "runtime/event/document.h"
#include "runtime/event/document_parser.h"
#include "runtime/event/field_plan.h"
#include "runtime/event/splice.h"

namespace weir::test {

/// Keeps the bytes of all frames it was given. What follows a frame is chosen to mislead a reader that runs over its
/// end.
class Frames {
 public:
  std::string_view add(std::string_view frame, std::string_view follows = "\"}]}1234567890,\"a\":1}") {
    ByteArena arena;
    arena.append(frame);
    arena.append(follows);
    blocks_.push_back(SharedBytes::take(std::move(arena)));
    return blocks_.back().view().substr(0, frame.size());
  }

 private:
  std::vector<SharedBytes> blocks_;
};

struct Parsed {
  bool good = false;
  Document document;
  ParseProblem problem;
};

/// One parser with its plan, arena and frames.
struct Bench {
  using Path = std::vector<std::string>;
  explicit Bench(std::initializer_list<Path> wanted = {}, ParserOptions options = {}) : options_(options) {
    for (const auto& parts : wanted) (void)plan.want(parts);
  }
  Parsed json(std::string_view frame) {
    Parsed parsed;
    parsed.good = parser().parse_json(frames.add(frame), arena, parsed.document, parsed.problem);
    return parsed;
  }
  Parsed csv(std::string_view frame, std::string_view header) {
    Parsed parsed;
    parsed.good = parser().parse_csv(frames.add(frame, "\",x,\"\n"), header, arena, parsed.document, parsed.problem);
    return parsed;
  }
  [[nodiscard]] std::string encode(const Document& document) const {
    ByteArena out;
    encode_document(document, plan, out);
    return std::string(out.view());
  }
  DocumentParser& parser() {
    if (!parser_) parser_.emplace(plan, options_);
    return *parser_;
  }

  FieldPlan plan;
  ChainArena arena;
  Frames frames;

 private:
  ParserOptions options_;
  std::optional<DocumentParser> parser_;
};

[[nodiscard]] inline Value text_value(ChainArena& arena, std::string_view text) {
  return make_text(arena.copy(text));
}
[[nodiscard]] inline Value number_value(ChainArena& arena, std::string_view text) {
  return make_value(ValueKind::number, arena.copy(text));
}

}  // namespace weir::test
