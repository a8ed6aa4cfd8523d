// What the stages of later.cc ask, in the hands of a test that is linked with them, in the order in which they asked. Of weir's own types as
// free as the stages.
#pragma once
#include <cstddef>
#include <string>

namespace later {

[[nodiscard]] std::size_t asked();
[[nodiscard]] const std::string& id(std::size_t which);
void answer(std::size_t which, const std::string& text);
void fail(std::size_t which, const std::string& why);
/// What is not answered is dropped.
void clear();

}  // namespace later
