// Inputs as streams: plain files, gzip, zstd, stdin.
#pragma once
#include <memory>
#include <string>

#include "runtime/adapters/compress/raw_source.h"
#include "runtime/base/result.h"
#include "runtime/ports/input_stream.h"

namespace weir {

/// Opens `name` for reading from its beginning; `-` is stdin. What it is, its first bytes say: gzip (also several
/// members one behind the other) and zstd (also several frames) are read through, everything else is taken as it is. A
/// name that ends in `.gz` or
/// `.zst` over other content is refused, so that a broken download is not taken for text. An empty plain file is a
/// stream that is at its end. Opening reads the first 64 KiB; of stdin and pipes it waits for the first bytes. Errors,
/// input_unreadable: it does not exist, is a directory, may not be read, is not what its name says; each names it.
[[nodiscard]] Result<OpenedInput> open_input(const std::string& name);

/// The same of a source that stands at its beginning.
[[nodiscard]] Result<std::unique_ptr<InputStream>> decoded_stream(RawSource source);

}  // namespace weir
