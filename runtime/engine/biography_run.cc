#include "runtime/engine/biography_run.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "runtime/base/bytes.h"
#include "runtime/base/hash.h"

namespace weir {

namespace {

constexpr std::uint32_t kVersion = 1;
constexpr std::size_t kLeafItems = 128;
constexpr unsigned kBitsMax = 20;
constexpr std::uint64_t kOffsetMask = (std::uint64_t{1} << 48) - 1;
constexpr std::size_t kTextMax = 0xffff;

struct Head {
  std::uint32_t version;
  std::uint32_t commits;
  std::uint32_t rows;
  std::uint32_t texts;
};
struct LeafHead {
  std::uint32_t version;
  std::uint32_t items;
};

template <class T>
void append_all(std::string& out, const std::vector<T>& all) {
  if (!all.empty()) out.append(reinterpret_cast<const char*>(all.data()), all.size() * sizeof(T));
}
template <class T>
bool take_all(std::string_view& rest, std::size_t count, std::vector<T>& all) {
  if (count > rest.size() / sizeof(T)) return false;
  all.resize(count);
  if (count != 0) std::memcpy(all.data(), rest.data(), count * sizeof(T));
  rest.remove_prefix(count * sizeof(T));
  return true;
}

tl::unexpected<Error> damaged(std::string_view what) { return fail(Errc::state_damaged, "biography index: {}", what); }

Result<std::string_view> items_of(std::string_view leaf, std::size_t item_size) {
  if (leaf.size() < sizeof(LeafHead)) return damaged("a leaf is cut off");
  const auto head = load<LeafHead>(leaf.data());
  if (head.version != kVersion) return fail(Errc::format_newer, "biography index: a leaf has version {}, this weir reads {}", head.version, kVersion);
  leaf.remove_prefix(sizeof(LeafHead));
  if (leaf.size() != head.items * item_size) return damaged("a leaf does not hold what it says");
  return leaf;
}

}  // namespace

std::uint64_t biography_fingerprint(std::string_view id, std::uint64_t seed) noexcept { return xxh3_64(id, seed); }

std::size_t BiographyRun::Encoded::bytes() const noexcept {
  std::size_t sum = head.size();
  for (const auto& [number, leaf] : leaves) sum += leaf.size();
  return sum;
}

std::uint32_t BiographyRun::text(std::string_view text) {
  text = text.substr(0, kTextMax);
  if (const auto found = numbers_.find(text); found != numbers_.end()) return found->second;
  const auto number = static_cast<std::uint32_t>(texts_.size());
  texts_.emplace_back(text);
  numbers_.emplace(text, number);
  text_bytes_ += 2 * (text.size() + sizeof(std::string)) + 64;
  return number;
}

std::uint16_t BiographyRun::cause_of(const LetterView& letter) {
  cause_.assign(letter.stage).append(1, '\0').append(letter.reason);
  // A closed list times the stages; rules that invent reasons without end are told as none.
  const std::uint32_t number = text(cause_);
  return static_cast<std::uint16_t>(number <= 0xffff ? number : 0);
}

void BiographyRun::add(CommitSequence sequence, const CommitBody& body, std::uint64_t seed) {
  if (body.batches.empty()) return;
  (void)text({});  // number 0 is no text
  commits_.push_back({sequence.value, body.meta.committed_at, body.meta.incarnation, body.meta.rules_hash.low, body.meta.rules_hash.high,
                      text(body.meta.node), text(body.meta.code)});
  const auto commit = static_cast<std::uint32_t>(commits_.size() - 1);
  for (const OutcomeBatch& batch : body.batches) {
    const std::uint32_t door = text(batch.door());
    for (std::uint32_t i = 0; i < batch.outcomes(); ++i) {
      const OutcomeEntry& outcome = batch.outcome(i);
      Row row{outcome.accepted_at, commit, door};
      std::uint16_t cause = 0, records = 0;
      if (outcome.outcome == Outcome::served) {
        records = static_cast<std::uint16_t>(std::min<std::uint32_t>(outcome.record_count, 0xffff));
      } else if (outcome.outcome == Outcome::dead_lettered || outcome.outcome == Outcome::retrying) {
        const LetterView letter = batch.letter(outcome.first_record);
        row.door = text(letter.door);
        const bool tried = outcome.outcome == Outcome::dead_lettered || !batch.park(outcome.record_count).held;
        if (tried) cause = cause_of(letter);
      }
      if (rows_.empty() || rows_.back() != row) rows_.push_back(row);
      const std::uint64_t place = (batch.offset(i).value & kOffsetMask) | std::uint64_t{static_cast<std::uint8_t>(outcome.outcome)} << 48 |
                                  std::uint64_t{outcome.flags} << 56;
      items_.push_back({biography_fingerprint(batch.id(i), seed), place, static_cast<std::uint32_t>(rows_.size() - 1), cause, records});
    }
  }
}

BiographyRun::Encoded BiographyRun::encode() const {
  Encoded out;
  const Head head{kVersion, static_cast<std::uint32_t>(commits_.size()), static_cast<std::uint32_t>(rows_.size()),
                  static_cast<std::uint32_t>(texts_.size())};
  out.head.reserve(sizeof head + commits_.size() * sizeof(Commit) + rows_.size() * sizeof(Row));
  out.head.append(reinterpret_cast<const char*>(&head), sizeof head);
  append_all(out.head, commits_);
  append_all(out.head, rows_);
  for (const std::string& text : texts_) {
    const auto length = static_cast<std::uint16_t>(text.size());
    out.head.append(reinterpret_cast<const char*>(&length), sizeof length).append(text);
  }
  const std::size_t wanted = (items_.size() + kLeafItems - 1) / kLeafItems;
  out.bits = std::min<unsigned>(kBitsMax, wanted <= 1 ? 0 : static_cast<unsigned>(std::bit_width(wanted - 1)));
  std::vector<std::uint32_t> counts(std::size_t{1} << out.bits);
  for (const Item& item : items_) ++counts[biography_leaf_of(item.fingerprint, out.bits)];
  std::vector<char*> next(counts.size());
  for (std::uint32_t leaf = 0; leaf < counts.size(); ++leaf) {
    if (counts[leaf] == 0) continue;
    const LeafHead leaf_head{kVersion, counts[leaf]};
    std::string& bytes = out.leaves.emplace_back(leaf, std::string(sizeof leaf_head + counts[leaf] * sizeof(Item), '\0')).second;
    std::memcpy(bytes.data(), &leaf_head, sizeof leaf_head);
  }
  for (auto& [leaf, bytes] : out.leaves) next[leaf] = bytes.data() + sizeof(LeafHead);
  for (const Item& item : items_) {
    char*& at = next[biography_leaf_of(item.fingerprint, out.bits)];
    std::memcpy(at, &item, sizeof item);
    at += sizeof item;
  }
  return out;
}

Result<BiographyRun> BiographyRun::decode_head(std::string_view bytes) {
  if (bytes.size() < sizeof(Head)) return damaged("a head is cut off");
  const auto head = load<Head>(bytes.data());
  if (head.version != kVersion) return fail(Errc::format_newer, "biography index: a head has version {}, this weir reads {}", head.version, kVersion);
  bytes.remove_prefix(sizeof(Head));
  BiographyRun run;
  if (!take_all(bytes, head.commits, run.commits_) || !take_all(bytes, head.rows, run.rows_)) return damaged("a head is cut off");
  for (std::uint32_t i = 0; i < head.texts; ++i) {
    if (bytes.size() < 2) return damaged("the texts of a head are cut off");
    const std::size_t length = load<std::uint16_t>(bytes.data());
    if (bytes.size() < 2 + length) return damaged("the texts of a head are cut off");
    if (run.text(bytes.substr(2, length)) != i) return damaged("a head has a text twice");
    bytes.remove_prefix(2 + length);
  }
  if (!bytes.empty()) return damaged("a head is longer than what it holds");
  for (const Commit& commit : run.commits_)
    if (commit.node >= head.texts || commit.code >= head.texts) return damaged("a commit names a text that is not there");
  for (const Row& row : run.rows_)
    if (row.commit >= head.commits || row.door >= head.texts) return damaged("a row names what is not there");
  return run;
}

bool BiographyRun::fits(const Item& item) const noexcept {
  const auto outcome = static_cast<std::uint8_t>(item.place >> 48 & 0xff);
  return item.row < rows_.size() && item.cause < texts_.size() && outcome >= 1 && outcome <= static_cast<std::uint8_t>(Outcome::dropped);
}

Result<void> BiographyRun::add_leaf(std::string_view bytes) {
  WEIR_ASSIGN(const std::string_view items, items_of(bytes, sizeof(Item)));
  for (std::size_t at = 0; at < items.size(); at += sizeof(Item)) {
    items_.push_back(load<Item>(items.data() + at));
    if (!fits(items_.back())) return damaged("an item names what is not there");
  }
  return {};
}

Result<bool> BiographyRun::leaf_has(std::string_view leaf, std::uint64_t fingerprint) {
  WEIR_ASSIGN(const std::string_view items, items_of(leaf, sizeof(Item)));
  for (std::size_t at = 0; at < items.size(); at += sizeof(Item))
    if (load<std::uint64_t>(items.data() + at) == fingerprint) return true;
  return false;
}

std::vector<BiographyEntry> BiographyRun::entries(std::uint64_t fingerprint) const {
  std::vector<BiographyEntry> found;
  for (const Item& item : items_) {
    if (item.fingerprint != fingerprint) continue;
    const Row& row = rows_[item.row];
    const Commit& commit = commits_[row.commit];
    BiographyEntry entry;
    entry.sequence = CommitSequence{commit.sequence};
    entry.offset = Offset{item.place & kOffsetMask};
    entry.outcome = static_cast<Outcome>(item.place >> 48 & 0xff);
    entry.flags = static_cast<std::uint8_t>(item.place >> 56);
    entry.records = item.records;
    entry.accepted_at = row.accepted_at;
    entry.committed_at = commit.committed_at;
    entry.incarnation = commit.incarnation;
    entry.rules = {commit.rules_low, commit.rules_high};
    entry.node = texts_[commit.node];
    entry.code = texts_[commit.code];
    entry.door = texts_[row.door];
    const std::string& cause = texts_[item.cause];
    if (const std::size_t end = cause.find('\0'); end != std::string::npos) {
      entry.stage = cause.substr(0, end);
      entry.reason = cause.substr(end + 1);
    }
    found.push_back(std::move(entry));
  }
  std::stable_sort(found.begin(), found.end(), [](const BiographyEntry& a, const BiographyEntry& b) { return a.sequence < b.sequence; });
  return found;
}

}  // namespace weir
