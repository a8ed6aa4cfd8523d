// A text that nobody may read in a log, a message or a listing.
#pragma once
#include <fmt/format.h>

#include <ostream>
#include <string>
#include <utility>

namespace weir {

/// Printed, it is `***`, whatever it holds; only reveal() gives the text away, so that every place that does is found by name.
class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string text) : text_(std::move(text)) {}
  [[nodiscard]] const std::string& reveal() const noexcept { return text_; }
  [[nodiscard]] bool empty() const noexcept { return text_.empty(); }

 private:
  std::string text_;
};

inline std::ostream& operator<<(std::ostream& out, const Secret&) { return out << "***"; }

}  // namespace weir

template <>
struct fmt::formatter<weir::Secret> : fmt::formatter<fmt::string_view> {
  template <class Context>
  auto format(const weir::Secret&, Context& context) const {
    return fmt::formatter<fmt::string_view>::format("***", context);
  }
};
