// The sections `dead_letters` and `biography` in the description of all keys: how long things are kept.
#pragma once
#include "runtime/adapters/yaml/config_keys.h"

namespace weir::yaml {

[[nodiscard]] Key dead_letters_key();
[[nodiscard]] Key biography_key();

}  // namespace weir::yaml
