// What Cap'n Proto's headers of Debian 12 lack for clang 16 in C++20: they leave `"text" == StringPtr` to the rewriting
// of operators, which the compiler no longer does there (P2468). Included ahead of everything, by the build, with clang
// alone.
#pragma once
#include <kj/string.h>

namespace kj {

inline bool operator==(const char* a, const StringPtr& b) {
  return b == a;
}

}  // namespace kj
