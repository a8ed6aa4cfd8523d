// Small files whose content is nobody else's business: tokens, keys. And those that stand beside them.
#pragma once
#include <string>

#include "runtime/base/result.h"

namespace weir {

enum class Closed : std::uint8_t {
  to_others,  // refused when the permissions let everybody on the machine read or write it
  no,         // public: a certificate
};

/// Reads a file whole, at most `bytes_max`. Through links: mounted secrets are links. Error config_invalid: what is
/// wrong with the file, without its name, and what to do.
[[nodiscard]] Result<std::string> read_small_file(const std::string& file, std::size_t bytes_max, Closed closed);

}  // namespace weir
