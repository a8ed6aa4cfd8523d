// What this process and a directory use, as the operating system counts it.
#pragma once
#include <cstdint>
#include <string>

#include "runtime/base/result.h"

namespace weir {

/// Bytes of memory this process has in RAM that are its own (not shared files). 0 where the system does not say.
[[nodiscard]] std::uint64_t resident_bytes();
/// Gives memory that was freed back to the operating system. Takes a millisecond per some 10 MiB.
void give_memory_back();
/// Bytes on disk of everything below `directory`; files that go meanwhile are left out. Error io_failed.
[[nodiscard]] Result<std::uint64_t> directory_bytes(const std::string& directory);

}  // namespace weir
