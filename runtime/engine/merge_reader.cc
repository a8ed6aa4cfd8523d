#include "runtime/engine/merge_reader.h"

#include <algorithm>
#include <utility>

namespace weir {

namespace {

tl::unexpected<Error> cannot_merge(std::string_view key) {
  return fail(Errc::state_damaged, "a state value of {} bytes key cannot be combined with what is pending for it",
              key.size());
}

/// One key's pending operation applied to what lies below it.
Result<std::optional<std::string>> on_top(const StateEntry& pending, std::optional<std::string_view> below,
                                          const StateMerger& merger) {
  switch (pending.op) {
    case StateOp::put:
      return std::string(pending.value);
    case StateOp::erase:
      return std::nullopt;
    case StateOp::merge:
      break;
  }
  std::string out;
  if (!merger.merge(pending.key, below, pending.value, out)) return cannot_merge(pending.key);
  return out;
}

/// The sorted entries of one delta in a range.
class DeltaScan {
 public:
  DeltaScan(const Delta* delta, std::string_view from, std::string_view to) {
    if (delta != nullptr) entries_ = delta->sorted(from, to);
  }
  [[nodiscard]] bool valid() const noexcept { return at_ < entries_.size(); }
  [[nodiscard]] const StateEntry& entry() const noexcept { return entries_[at_]; }
  void next() noexcept { ++at_; }
  void seek(std::string_view key) {
    at_ = static_cast<std::size_t>(
        std::lower_bound(entries_.begin(), entries_.end(), key,
                         [](const StateEntry& entry, std::string_view k) { return entry.key < k; }) -
        entries_.begin());
  }

 private:
  std::vector<StateEntry> entries_;
  std::size_t at_ = 0;
};

class LayeredScan final : public StateScan {
 public:
  LayeredScan(const Delta* active, const Delta* sealed, std::unique_ptr<StateScan> stored, const StateMerger& merger,
              std::string_view from, std::string_view to)
      : active_(active, from, to), sealed_(sealed, from, to), stored_(std::move(stored)), merger_(merger) {
    settle();
  }
  [[nodiscard]] bool valid() const override { return valid_; }
  [[nodiscard]] std::string_view key() const override { return key_; }
  [[nodiscard]] std::string_view value() const override { return value_; }
  void next() override {
    step();
    settle();
  }
  void seek(std::string_view key) override {
    active_.seek(key);
    sealed_.seek(key);
    stored_->seek(key);
    settle();
  }
  [[nodiscard]] Result<void> status() const override {
    if (!failed_) return stored_->status();
    return cannot_merge(key_);
  }

 private:
  /// Leaves the present key behind in every layer that stands on it.
  void step() {
    if (stored_->valid() && on_stored_) stored_->next();
    if (on_sealed_) sealed_.next();
    if (on_active_) active_.next();
  }
  /// Finds the next key that has a value.
  void settle() {
    for (valid_ = false; !valid_ && !failed_; step()) {
      if (stored_->valid()) {
        key_ = stored_->key();
      } else if (!stored_->status()) {
        return;
      } else if (sealed_.valid()) {
        key_ = sealed_.entry().key;
      } else if (active_.valid()) {
        key_ = active_.entry().key;
      } else {
        return;
      }
      if (sealed_.valid()) key_ = std::min(key_, sealed_.entry().key);
      if (active_.valid()) key_ = std::min(key_, active_.entry().key);
      on_stored_ = stored_->valid() && stored_->key() == key_;
      on_sealed_ = sealed_.valid() && sealed_.entry().key == key_;
      on_active_ = active_.valid() && active_.entry().key == key_;
      if (combine()) {
        valid_ = true;
        return;
      }
    }
  }
  /// False: the key is erased, or failed_.
  [[nodiscard]] bool combine() {
    std::optional<std::string_view> value;
    if (on_stored_) value = stored_->value();
    if (on_sealed_ && !lay(sealed_.entry(), value, sealed_text_)) return false;
    if (on_active_ && !lay(active_.entry(), value, active_text_)) return false;
    if (!value) return false;
    value_ = *value;
    return true;
  }
  [[nodiscard]] bool lay(const StateEntry& pending, std::optional<std::string_view>& value, std::string& text) {
    switch (pending.op) {
      case StateOp::put:
        value = pending.value;
        return true;
      case StateOp::erase:
        value.reset();
        return true;
      case StateOp::merge:
        text.clear();
        failed_ = !merger_.merge(pending.key, value, pending.value, text);
        value = text;
        return !failed_;
    }
    return false;
  }

  DeltaScan active_;
  DeltaScan sealed_;
  std::unique_ptr<StateScan> stored_;
  const StateMerger& merger_;
  std::string_view key_;
  std::string_view value_;
  std::string sealed_text_;
  std::string active_text_;
  bool on_active_ = false;
  bool on_sealed_ = false;
  bool on_stored_ = false;
  bool valid_ = false;
  bool failed_ = false;
};

/// One key, read by get(): a store that is behind has dozens of files, of which filters rule out nearly all. A scan looks into each.
class OneKeyScan final : public StateScan {
 public:
  OneKeyScan(std::string key, Result<std::optional<std::string>> found) : key_(std::move(key)), found_(std::move(found)) {
    valid_ = found_ && found_->has_value();
  }
  [[nodiscard]] bool valid() const override { return valid_; }
  [[nodiscard]] std::string_view key() const override { return key_; }
  [[nodiscard]] std::string_view value() const override { return **found_; }
  void next() override { valid_ = false; }
  void seek(std::string_view key) override { valid_ = found_ && found_->has_value() && key <= key_; }
  [[nodiscard]] Result<void> status() const override {
    if (!found_) return fail(found_.error());
    return {};
  }

 private:
  std::string key_;
  Result<std::optional<std::string>> found_;
  bool valid_ = false;
};

class LayeredReader final : public StateReader {
 public:
  LayeredReader(std::shared_ptr<const Delta> active, std::shared_ptr<const Delta> sealed,
                std::shared_ptr<const StateReader> stored, std::shared_ptr<const StateMerger> merger)
      : active_(std::move(active)), sealed_(std::move(sealed)), stored_(std::move(stored)), merger_(std::move(merger)) {}

  [[nodiscard]] Result<std::optional<std::string>> get(std::string_view key) const override {
    const auto top = active_->find(key);
    if (top && top->op != StateOp::merge) return on_top(*top, std::nullopt, *merger_);
    const auto middle = sealed_ ? sealed_->find(key) : std::nullopt;
    std::optional<std::string> value;
    if (!middle || middle->op == StateOp::merge) {
      WEIR_ASSIGN(value, stored_->get(key));
    }
    return lay_both(top, middle, std::move(value));
  }

  [[nodiscard]] Result<std::vector<std::optional<std::string>>> get_many(
      const std::vector<std::string_view>& keys) const override {
    WEIR_ASSIGN(auto values, stored_->get_many(keys));
    for (std::size_t i = 0; i < keys.size(); ++i) {
      WEIR_ASSIGN(values[i], lay_both(active_->find(keys[i]), sealed_ ? sealed_->find(keys[i]) : std::nullopt,
                                      std::move(values[i])));
    }
    return values;
  }

  [[nodiscard]] std::unique_ptr<StateScan> open_scan(std::string_view from, std::string_view to) const override {
    if (is_single_key(from, to)) return std::make_unique<OneKeyScan>(std::string(from), get(from));
    return std::make_unique<LayeredScan>(active_.get(), sealed_.get(), stored_->open_scan(from, to), *merger_, from, to);
  }

 private:
  [[nodiscard]] Result<std::optional<std::string>> lay_both(const std::optional<StateEntry>& top,
                                                            const std::optional<StateEntry>& middle,
                                                            std::optional<std::string> value) const {
    if (middle) {
      WEIR_ASSIGN(value, on_top(*middle, value ? std::optional<std::string_view>(*value) : std::nullopt, *merger_));
    }
    if (top) {
      WEIR_ASSIGN(value, on_top(*top, value ? std::optional<std::string_view>(*value) : std::nullopt, *merger_));
    }
    return value;
  }

  std::shared_ptr<const Delta> active_;
  std::shared_ptr<const Delta> sealed_;
  std::shared_ptr<const StateReader> stored_;
  std::shared_ptr<const StateMerger> merger_;
};

}  // namespace

std::shared_ptr<const StateReader> read_through(std::shared_ptr<const Delta> active,
                                                std::shared_ptr<const Delta> sealed,
                                                std::shared_ptr<const StateReader> stored,
                                                std::shared_ptr<const StateMerger> merger) {
  return std::make_shared<LayeredReader>(std::move(active), std::move(sealed), std::move(stored), std::move(merger));
}

}  // namespace weir
