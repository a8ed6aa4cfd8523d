// Requests: the header, its meaning, bodies in chunks, targets.
#include "runtime/adapters/http/request_head.h"
#include "tests/fuzz/target.h"

namespace weir::fuzz {

void run(std::string_view input) {
  http::HeadScan scan;
  // As bytes come: the scan sees more and more of the same text.
  auto found = http::HeadScan::Found::more;
  for (std::size_t size = 0; size <= input.size() && found == http::HeadScan::Found::more; size += 1 + size / 7)
    found = scan.scan(input.substr(0, size));
  if (found == http::HeadScan::Found::more) found = scan.scan(input);
  http::HeadScan at_once;
  promise(at_once.scan(input) == found, "the end of a header depends on how the bytes come");
  if (found != http::HeadScan::Found::end) return;
  promise(scan.end() == at_once.end() && scan.end() <= input.size(), "a header ends within its bytes");
  HttpRequest request;
  http::RequestHead head;
  const auto refused = http::read_head(input.substr(0, scan.end()), 8'192, request, head);
  if (refused) {
    promise(refused->status >= 400 && refused->status < 600 && !refused->detail.empty(),
            "a refusal has a status and a reason");
    return;
  }
  promise(!(head.chunked && head.content_length != 0), "a body has one length");
  if (!head.chunked) return;
  http::ChunkReader reader;
  ByteArena body;
  std::string_view rest = input.substr(scan.end());
  while (!rest.empty() && !reader.done()) {
    const auto used = reader.read(rest, body);
    if (!used || *used == 0) break;
    promise(*used <= rest.size(), "no more is used than there is");
    rest.remove_prefix(*used);
  }
  promise(body.size() <= input.size(), "a body is not larger than its chunks");
}

}  // namespace weir::fuzz
