#include "runtime/base/text_width.h"

#include "runtime/base/json_text.h"

namespace weir {

void cut_to_width(std::string& line, std::size_t width) {
  if (width == 0 || line.size() <= width || count_code_points(line) <= width) return;
  std::size_t end = 0;
  for (std::size_t kept = 0; kept + 1 < width; ++kept) {
    ++end;
    while (end < line.size() && (static_cast<unsigned char>(line[end]) & 0xC0) == 0x80) ++end;
  }
  line.resize(end);
  line.append("…");
}

}  // namespace weir
