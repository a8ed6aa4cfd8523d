#include "runtime/ports/url_template.h"

#include <algorithm>

#include "runtime/base/invariant.h"
#include "runtime/ports/http_client.h"

namespace weir {

namespace {

/// Of the path alone: in a query dots are dots.
bool goes_up(std::string_view url, std::size_t path) {
  const std::string_view text = url.substr(path, url.find('?', path) - path);
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find('/', begin), text.size());
    const std::string_view segment = text.substr(begin, end - begin);
    if (segment == "." || segment == "..") return true;
    begin = end + 1;
  }
  return false;
}

}  // namespace

Result<UrlTemplate> UrlTemplate::compile(std::string_view text) {
  UrlTemplate made;
  made.server_ = server_of_url(text);
  if (made.server_.find('{') != std::string::npos)
    return fail(Errc::config_invalid,
                "url: '{}' has a field in the server's name; which server is asked is not for events to say", text);
  if (text.find('#') != std::string_view::npos)
    return fail(Errc::config_invalid, "url: '{}' has a '#'; servers never see what follows it", text);
  for (std::size_t at = 0; at < text.size() || made.pieces_.empty();) {
    const std::size_t open = std::min(text.find('{', at), text.size());
    Piece piece{std::string(text.substr(at, open - at)), kNone};
    if (piece.text.find('}') != std::string::npos)
      return fail(Errc::config_invalid, "url: '{}' has a '}}' without its '{{'", text);
    at = open;
    if (open < text.size()) {
      const std::size_t close = text.find('}', open);
      const std::string_view name =
          close == std::string_view::npos ? std::string_view() : text.substr(open + 1, close - open - 1);
      if (name.empty() || name.find('{') != std::string_view::npos)
        return fail(Errc::config_invalid, "url: '{}': write a field as {{NAME}}", text);
      const auto known = std::ranges::find(made.names_, name);
      piece.part = static_cast<std::size_t>(known - made.names_.begin());
      if (known == made.names_.end()) made.names_.emplace_back(name);
      at = close + 1;
    }
    made.pieces_.push_back(std::move(piece));
  }
  if (made.names_.empty()) return fail(Errc::config_invalid, "url: '{}' has no {{FIELD}} of the event in it", text);
  return made;
}

Result<std::string> UrlTemplate::fill(std::span<const std::string_view> key) const {
  INVARIANT(key.size() == names_.size(), "a key has one part for each name");
  std::string url;
  for (const Piece& piece : pieces_) {
    url += piece.text;
    if (piece.part != kNone && key[piece.part].size() <= kUrlBytesMax) url += percent_encoded(key[piece.part]);
    if (url.size() > kUrlBytesMax || (piece.part != kNone && key[piece.part].size() > kUrlBytesMax))
      return fail(Errc::malformed_event, "the address for this key has more than {} bytes", kUrlBytesMax);
  }
  if (goes_up(url, server_.size()))
    return fail(Errc::malformed_event, "a key of '.' or '..' cannot be a part of a path");
  return url;
}

}  // namespace weir
