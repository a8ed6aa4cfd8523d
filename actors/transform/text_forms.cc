// Forms that make a text of a text: lower, upper, trim, substring, replace, mask, hash, ip_prefix, to_string.
#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "actors/transform/ip_prefix.h"
#include "actors/transform/operand_form.h"
#include "runtime/base/hash.h"
#include "runtime/engine/field_ref.h"
#include "runtime/event/json_scan.h"

namespace weir {

bool text_of_value(const Value& value, std::string_view called, FormulaRun& run, std::string_view& text) {
  if (value.absent()) {
    run.fault = {"field_missing", fmt::format("{} is {}", called, to_string(value.kind))};
    return false;
  }
  if (value.kind == ValueKind::object || value.kind == ValueKind::array) {
    run.fault = {"field_type", fmt::format("{} is of type {}, which has no text", called, to_string(value.kind))};
    return false;
  }
  text = plain_text(value, run.batch.arena());
  return true;
}

namespace {

using Kind = Expression::Kind;

bool continues(char c) noexcept {
  return (static_cast<unsigned char>(c) & 0xc0) == 0x80;  // not the first byte of a character
}
std::size_t characters(std::string_view text) noexcept {
  return text.size() - static_cast<std::size_t>(std::count_if(text.begin(), text.end(), continues));
}
/// Where character `count` begins, counted from `at`; the end of the text when there are fewer.
std::size_t skip(std::string_view text, std::size_t at, std::size_t count) noexcept {
  for (; count != 0 && at < text.size(); --count) {
    ++at;
    while (at < text.size() && continues(text[at])) ++at;
  }
  return at;
}

class TextForm : public OperandForm {
 public:
  std::string_view makes() const final { return "the text computed"; }
  bool make(const Value& operand, std::string_view called, FormulaRun& run, Value& value) const final {
    std::string_view text;
    return text_of_value(operand, called, run, text) && make_of(text, called, run, value);
  }

 private:
  /// kBlockPadding bytes behind `text` are readable; those behind what comes out must be.
  [[nodiscard]] virtual bool make_of(std::string_view text, std::string_view called, FormulaRun& run,
                                     Value& value) const = 0;
};

/// ASCII letters only: what other letters become depends on language.
class CaseForm final : public TextForm {
 public:
  explicit CaseForm(bool lower) : first_(lower ? 'A' : 'a') {}

 private:
  bool make_of(std::string_view text, std::string_view, FormulaRun& run, Value& value) const override {
    char* const to = run.batch.arena().take(text.size());
    std::transform(text.begin(), text.end(), to, [first = first_](char c) {
      return static_cast<unsigned char>(c - first) < 26 ? static_cast<char>(c ^ 0x20) : c;
    });
    value = make_text({to, text.size()});
    return true;
  }
  char first_;
};

/// Spaces, tabs and line ends at both ends.
class TrimForm final : public TextForm {
  bool make_of(std::string_view text, std::string_view, FormulaRun&, Value& value) const override {
    const auto white = [](char c) { return c == ' ' || (c >= '\t' && c <= '\r'); };
    while (!text.empty() && white(text.front())) text.remove_prefix(1);
    while (!text.empty() && white(text.back())) text.remove_suffix(1);
    value = make_text(text);
    return true;
  }
};

class SubstringForm final : public TextForm {
 public:
  SubstringForm(std::int32_t start, std::optional<std::uint32_t> length) : start_(start), length_(length) {}

 private:
  bool make_of(std::string_view text, std::string_view, FormulaRun&, Value& value) const override {
    std::size_t start = static_cast<std::size_t>(start_);
    if (start_ < 0) {
      const std::size_t count = characters(text);
      const auto back = static_cast<std::size_t>(-std::int64_t{start_});
      start = back < count ? count - back : 0;
    }
    const std::size_t begin = skip(text, 0, start);
    const std::size_t end = length_ ? skip(text, begin, *length_) : text.size();
    value = make_text(text.substr(begin, end - begin));
    return true;
  }
  std::int32_t start_;
  std::optional<std::uint32_t> length_;
};

class ReplaceForm final : public TextForm {
 public:
  ReplaceForm(std::string find, std::string with) : find_(std::move(find)), with_(std::move(with)) {}

 private:
  bool make_of(std::string_view text, std::string_view called, FormulaRun& run, Value& value) const override {
    std::size_t count = 0;
    for (std::size_t at = text.find(find_); at != std::string_view::npos; at = text.find(find_, at + find_.size()))
      ++count;
    if (count == 0) {
      value = make_text(text);
      return true;
    }
    const std::size_t size = text.size() - count * find_.size() + count * with_.size();
    if (size > kComputedTextMax) {
      run.fault = {"output_too_large", fmt::format("{} would become longer than {} bytes", called, kComputedTextMax)};
      return false;
    }
    char* const to = run.batch.arena().take(size);
    char* write = to;
    const auto put = [&](std::string_view part) { write = std::copy(part.begin(), part.end(), write); };
    std::size_t from = 0;
    for (std::size_t at = text.find(find_); at != std::string_view::npos; at = text.find(find_, from)) {
      put(text.substr(from, at - from));
      put(with_);
      from = at + find_.size();
    }
    put(text.substr(from));
    value = make_text({to, size});
    return true;
  }
  std::string find_;
  std::string with_;
};

class MaskForm final : public TextForm {
 public:
  MaskForm(std::uint32_t keep_first, std::uint32_t keep_last, std::string with)
      : keep_first_(keep_first), keep_last_(keep_last), with_(std::move(with)) {}

 private:
  bool make_of(std::string_view text, std::string_view, FormulaRun& run, Value& value) const override {
    const std::size_t count = characters(text);
    // What is too short to have something left to hide is hidden whole.
    const bool kept = count > std::size_t{keep_first_} + keep_last_;
    const std::size_t begin = kept ? skip(text, 0, keep_first_) : 0;
    const std::size_t hidden = kept ? count - keep_first_ - keep_last_ : count;
    const std::size_t end = kept ? skip(text, begin, hidden) : text.size();
    const std::size_t size = begin + hidden * with_.size() + (text.size() - end);
    char* const to = run.batch.arena().take(size);
    char* write = std::copy_n(text.begin(), begin, to);
    for (std::size_t i = 0; i < hidden; ++i) write = std::copy(with_.begin(), with_.end(), write);
    std::copy(text.begin() + static_cast<std::ptrdiff_t>(end), text.end(), write);
    value = make_text({to, size});
    return true;
  }
  std::uint32_t keep_first_;
  std::uint32_t keep_last_;
  std::string with_;  // one character
};

class HashForm final : public TextForm {
 public:
  explicit HashForm(HashKind kind) : kind_(kind) {}

 private:
  bool make_of(std::string_view text, std::string_view, FormulaRun& run, Value& value) const override {
    switch (kind_) {
      case HashKind::sha256: {
        char* const to = run.batch.arena().take(Sha256::kHexSize);
        run.batch.sha256().write_hex(text, to);
        value = make_value(ValueKind::text, {to, Sha256::kHexSize});
        return true;
      }
      case HashKind::xxh3_128: {
        const Digest128 digest = xxh3_128(text);
        char bytes[16];
        for (int i = 0; i < 8; ++i) {
          bytes[i] = static_cast<char>(digest.high >> (56 - 8 * i));
          bytes[8 + i] = static_cast<char>(digest.low >> (56 - 8 * i));
        }
        char* const to = run.batch.arena().take(32);
        write_hex({bytes, sizeof bytes}, to);
        value = make_value(ValueKind::text, {to, 32});
        return true;
      }
    }
    return false;
  }
  HashKind kind_;
};

class IpPrefixForm final : public TextForm {
 public:
  explicit IpPrefixForm(std::uint32_t bits) : bits_(bits) {}

 private:
  bool make_of(std::string_view text, std::string_view called, FormulaRun& run, Value& value) const override {
    char* const to = run.batch.arena().take(kIpPrefixMax);
    const std::size_t length = write_ip_prefix(text, bits_, to);
    run.batch.arena().shrink_last(to, length);
    if (length == 0) {
      run.fault = {"field_type",
                   fmt::format("{} {} is no IP address", called, shown(make_text(run.batch.arena().copy(text))))};
      return false;
    }
    value = make_value(ValueKind::text, {to, length});
    return true;
  }
  std::uint32_t bits_;
};

class ToStringForm final : public TextForm {
  bool make_of(std::string_view text, std::string_view, FormulaRun&, Value& value) const override {
    value = make_text(text);
    return true;
  }
};

}  // namespace

Result<std::unique_ptr<const OperandForm>> make_text_form(const Expression& expression) {
  std::unique_ptr<const OperandForm> form;
  switch (expression.kind) {
    case Kind::lower:
    case Kind::upper:
      form = std::make_unique<CaseForm>(expression.kind == Kind::lower);
      break;
    case Kind::trim:
      form = std::make_unique<TrimForm>();
      break;
    case Kind::substring:
      form = std::make_unique<SubstringForm>(expression.start, expression.length);
      break;
    case Kind::replace:
      if (expression.find.empty()) return fail(Errc::config_invalid, "replace has nothing to look for");
      form = std::make_unique<ReplaceForm>(expression.find, expression.with);
      break;
    case Kind::mask:
      form = std::make_unique<MaskForm>(expression.keep_first, expression.keep_last, expression.with);
      break;
    case Kind::hash:
      form = std::make_unique<HashForm>(expression.hash);
      break;
    case Kind::ip_prefix:
      form = std::make_unique<IpPrefixForm>(static_cast<std::uint32_t>(expression.bits));
      break;
    case Kind::to_string:
      form = std::make_unique<ToStringForm>();
      break;
    case Kind::path:
    case Kind::constant:
    case Kind::add:
    case Kind::subtract:
    case Kind::multiply:
    case Kind::divide:
    case Kind::round:
    case Kind::concat:
    case Kind::lookup:
    case Kind::coalesce:
    case Kind::date_part:
    case Kind::date_format:
    case Kind::bucket:
    case Kind::to_number:
      break;
  }
  return form;
}

}  // namespace weir
