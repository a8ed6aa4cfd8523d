// The one full parse of an event. Strict RFC 8259 (every value is walked, escapes and UTF-8 checked, duplicate keys
// rejected on every level) or RFC 4180; the wanted paths of a FieldPlan come out as slots.
#pragma once
#include <cstdint>
#include <memory>
#include <string_view>

#include "runtime/event/chain_arena.h"
#include "runtime/event/cloud_event.h"
#include "runtime/event/document.h"
#include "runtime/event/field_plan.h"

namespace weir {

/// JSON deeper than this is malformed; the top-level object counts as 1.
inline constexpr unsigned kDepthMax = 64;

/// Why a frame cannot be read.
struct ParseProblem {
  /// The last three are of CloudEvents alone: `what` then names the attribute.
  enum class Kind : std::uint8_t { malformed, encoding, attribute_missing, attribute_type, attribute_range };
  Kind kind = Kind::malformed;
  std::uint32_t at = 0;               // byte of the frame, 0-based
  const char* what = "";              // e.g. "expected ',' or '}'"; static text
  std::uint32_t fields = 0;           // CSV with another number of fields than its header: how many,
  std::uint32_t fields_expected = 0;  // and how many there should be; both 0 otherwise
};

struct ParserOptions {
  char csv_separator = ',';
};

/// Learns the keys of the stream it reads: each key is first compared with the one that followed its predecessor last
/// time. Memory is bounded (about 16'384 distinct keys; beyond that keys are compared per event). The result never
/// depends on what was parsed before. One per partition or view; not thread-safe. `plan` must outlive the parser and
/// not grow any more.
class DocumentParser {
 public:
  explicit DocumentParser(const FieldPlan& plan, ParserOptions options = {});
  ~DocumentParser();
  DocumentParser(DocumentParser&&) noexcept;
  DocumentParser& operator=(DocumentParser&&) noexcept;

  /// One JSON object, white space around it allowed. kBlockPadding bytes behind `frame` must be readable. The document
  /// points into `frame` and `arena`. False: `problem` says why and `document` is not to be used.
  [[nodiscard]] bool parse_json(std::string_view frame, ChainArena& arena, Document& document, ParseProblem& problem);
  /// One CSV record without its line end. `header` is the header line. Empty fields are missing, all others are text.
  [[nodiscard]] bool parse_csv(std::string_view frame, std::string_view header, ChainArena& arena, Document& document,
                               ParseProblem& problem);

  /// A CloudEvent: one JSON object, its attributes into `envelope`, its `data` as the document (no data, or null: an
  /// empty one). `specversion` must be 1.0, `id`, `source` and `type` texts that are not empty, `data` an object. The
  /// frame is walked whole, its data a second time.
  [[nodiscard]] bool parse_cloud_event(std::string_view frame, ChainArena& arena, CloudEvent& envelope,
                                       Document& document, ParseProblem& problem);

  /// Call where no document of this parser is in use any more (between batches): forgets keys when they became too
  /// many.
  void between_batches();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace weir
