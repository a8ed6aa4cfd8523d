#include "runtime/event/document_keys.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "runtime/base/hash.h"

namespace weir {

namespace {

constexpr std::size_t kTableAtStart = 256;  // a power of two, like all its sizes

bool needs_escape(std::string_view text) noexcept {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return c == '"' || c == '\\' || static_cast<unsigned char>(c) < 0x20; });
}

}  // namespace

KeyTable::KeyTable(const FieldPlan& plan) : plan_(plan) {
  clear();
}

void KeyTable::clear() {
  table_.assign(kTableAtStart, Entry{});
  keys_.clear();
  contexts_.clear();
  texts_.clear();
  bytes_ = 0;
  top_ = new_context(&plan_.root());
  add_wanted(*top_);
}

KeyContext* KeyTable::new_context(const FieldPlan::Node* node) {
  KeyContext& context = contexts_.emplace_back();
  context.node = node;
  context.seed = contexts_.size() * 0x9e3779b97f4a7c15ull;
  return &context;
}

// Wanted keys are there from the start, also when a flood of foreign keys has filled the table.
void KeyTable::add_wanted(KeyContext& context) {
  for (const auto& node : context.node->children) {
    Key* key = add(context, node->name, xxh3_64(node->name) ^ context.seed);
    if (!node->children.empty()) {
      key->in_object = new_context(node.get());
      add_wanted(*key->in_object);
    }
  }
}

Key* KeyTable::add(KeyContext& context, std::string_view text, std::uint64_t hash) {
  char* stored = texts_.take(std::max<std::size_t>(text.size() + 2, 16));
  std::memset(stored, 0, 16);
  if (!text.empty()) std::memcpy(stored, text.data(), text.size());
  stored[text.size()] = '"';
  stored[text.size() + 1] = ':';
  Key& key = keys_.emplace_back();
  std::memcpy(key.head, stored, 16);
  key.mask = text.size() + 2 >= 16 ? 0xffffu : (1u << (text.size() + 2)) - 1;
  key.length = static_cast<std::uint32_t>(text.size());
  key.text = stored;
  key.literal = !needs_escape(text);
  key.high = std::any_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) >= 0x80; });
  if (context.node != nullptr) {
    key.node = context.node->child(text);
    if (key.node != nullptr && key.node->slot != kNoSlot) {
      key.slot = key.node->slot;
      key.touch = plan_.field(key.slot).touch;
    }
  }
  bytes_ += text.size() + 2;
  if (keys_.size() * 2 > table_.size()) {
    const std::vector<Entry> old = std::exchange(table_, std::vector<Entry>(table_.size() * 2));
    for (const Entry& entry : old)
      if (entry.key != nullptr) place(entry);
  }
  place({hash, &key});
  return &key;
}

void KeyTable::place(const Entry& entry) {
  std::size_t i = entry.hash & (table_.size() - 1);
  while (table_[i].key != nullptr) i = (i + 1) & (table_.size() - 1);
  table_[i] = entry;
}

Key* KeyTable::find_or_add(KeyContext& context, std::string_view text) {
  // Equal texts in two contexts have hashes that differ by their seeds, so hash and text together name the context too.
  const std::uint64_t hash = xxh3_64(text) ^ context.seed;
  for (std::size_t i = hash & (table_.size() - 1); table_[i].key != nullptr; i = (i + 1) & (table_.size() - 1)) {
    Key* key = table_[i].key;
    if (table_[i].hash == hash && key->length == text.size() && std::memcmp(key->text, text.data(), text.size()) == 0)
      return key;
  }
  return full() ? nullptr : add(context, text, hash);
}

KeyContext* KeyTable::below(Key& key, bool array) {
  KeyContext*& context = array ? key.in_array : key.in_object;
  if (context == nullptr && !full()) context = new_context(array ? nullptr : key.node);
  return context;
}

}  // namespace weir
