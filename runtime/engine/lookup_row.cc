#include "runtime/engine/lookup_row.h"

#include <limits>
#include <string>

#include "runtime/base/invariant.h"
#include "runtime/event/splice.h"

namespace weir {

LookupRow::LookupRow(std::span<const Value> values) : text_(gather(values, cells_)) {}

std::string LookupRow::gather(std::span<const Value> values, std::vector<Cell>& cells) {
  std::string text;
  cells.reserve(values.size());
  for (const Value& value : values) {
    const std::size_t begin = text.size();
    std::uint8_t flags = value.flags & value_flag::escapes;
    if (value.kind == ValueKind::object || value.kind == ValueKind::array) {
      ByteArena out;
      encode_value(value, out);
      text += out.view();
      flags = 0;
    } else {
      text += value.span();
    }
    INVARIANT(text.size() <= std::numeric_limits<std::uint32_t>::max(), "a row is smaller than 4 GiB");
    cells.push_back(
        {static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(text.size() - begin), value.kind, flags});
  }
  return text;
}

}  // namespace weir
