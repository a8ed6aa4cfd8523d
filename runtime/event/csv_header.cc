#include "runtime/event/csv_header.h"

#include <unordered_map>

#include "runtime/base/json_text.h"

namespace weir {

namespace {

/// Reads one field; `at` then stands on its separator or at the end. False: a quote is where none may stand.
bool read_name(std::string_view header, char separator, std::size_t& at, std::string& name) {
  if (at == header.size() || header[at] != '"') {
    const std::size_t end = std::min(header.find(separator, at), header.size());
    name = header.substr(at, end - at);
    at = end;
    return name.find('"') == std::string::npos;
  }
  for (++at; at < header.size(); ++at) {
    if (header[at] == '"') {
      ++at;
      const bool doubled = at < header.size() && header[at] == '"';
      if (!doubled) return at == header.size() || header[at] == separator;
    }
    name.push_back(header[at]);
  }
  return false;
}

}  // namespace

Result<std::vector<std::string>> parse_csv_header(std::string_view header, char separator) {
  if (header.size() > kCsvHeaderMax)
    return fail(Errc::input_unreadable, "the header line has {} bytes; at most {} are allowed", header.size(),
                kCsvHeaderMax);
  if (!is_valid_utf8(header)) return fail(Errc::input_unreadable, "the header line is not UTF-8");
  std::vector<std::string> names;
  std::unordered_map<std::string, std::size_t> seen;
  std::size_t at = 0;
  for (;;) {
    std::string name;
    if (!read_name(header, separator, at, name))
      return fail(Errc::input_unreadable,
                  "the header line is not CSV: a quote in column {} stands where none may stand", names.size() + 1);
    names.push_back(std::move(name));
    const auto [first, fresh] = seen.emplace(names.back(), names.size());
    if (!fresh) {
      return fail(Errc::input_unreadable,
                  "the header line names '{}' twice, in columns {} and {}; every column needs a name of its own",
                  names.back(), first->second, names.size());
    }
    if (at == header.size()) return names;
    ++at;
  }
}

}  // namespace weir
