// What is wrong with a configuration file: collected, not thrown, so that a person sees everything at once.
#pragma once
#include <string>
#include <vector>

#include "runtime/ports/config_values.h"

namespace weir::yaml {

/// Not thread-safe; one per configuration that is read.
class Findings {
 public:
  /// A finding beyond the first kFindingsMax is counted only: a broken generator must not print a book.
  static constexpr std::size_t kFindingsMax = 200;

  /// The findings of this file come behind those of the files before.
  void file(const std::string& name) { files_.push_back(name); }
  /// Dropped without a word when the place is muted.
  void add(const ConfigPlace& place, std::string text);
  /// What stands at this place is known to be wrong: nothing more is said about it.
  void mute(const ConfigPlace& place);
  [[nodiscard]] bool empty() const { return items_.empty(); }
  [[nodiscard]] std::size_t size() const { return items_.size(); }
  /// One per line, file by file in the order of their lines (those of `--set` last), each once: `file:line:column:
  /// text`.
  [[nodiscard]] std::string text() const;

 private:
  struct Item {
    ConfigPlace place;
    std::string text;
  };
  std::vector<Item> items_;
  std::vector<ConfigPlace> muted_;
  std::vector<std::string> files_;
};

}  // namespace weir::yaml
