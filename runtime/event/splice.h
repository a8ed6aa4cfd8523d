// Output encoding: a document becomes one line of JSON, spliced from the spans of its input and the values that stages
// set.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "runtime/base/bytes.h"
#include "runtime/event/document.h"
#include "runtime/event/field_plan.h"

namespace weir {

/// Where a value stands in an encoded document: its JSON token, from the document's `{` on. Length 0: it is not there.
struct TokenPlace {
  std::uint32_t offset;
  std::uint32_t length;
};

/// Appends the document as a JSON object without white space outside strings: the fields that are left, in their
/// original order, replaced values in place, added fields at the end in the plan's order of touch(). `plan` is the one
/// the document was parsed with. Numbers and strings of the input keep their spelling. `places`, where not null, gets
/// one entry for each of plan.noted().
void encode_document(const Document& document, const FieldPlan& plan, ByteArena& out, TokenPlace* places = nullptr);

/// Appends one value as JSON without white space outside strings; missing is written as null.
void encode_value(const Value& value, ByteArena& out);

/// When stages changed something inside `value`, an object of the document's input: appends it with these changes and
/// returns true. Else appends nothing.
[[nodiscard]] bool encode_edited_inside(const Document& document, const FieldPlan& plan, const Value& value,
                                        ByteArena& out);

}  // namespace weir
