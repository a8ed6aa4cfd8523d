#include "runtime/event/state_cursor.h"

#include <capnp/message.h>
#include <capnp/serialize.h>
#include <kj/exception.h>

#include <cstring>

#include "runtime/event/formats.capnp.h"

namespace weir {

namespace {

// What stands in front of the words of an encoded commit head (commit_body.cc). The meta inside a cursor goes through
// the commit's own encoder and decoder, so that there is one place that knows its fields.
constexpr std::size_t kHeadPrefix = 8;

void put(wire::Digest::Builder to, const Digest128& from) {
  to.setLow(from.low);
  to.setHigh(from.high);
}
Digest128 get(wire::Digest::Reader from) {
  return {from.getLow(), from.getHigh()};
}

kj::Array<capnp::word> words_of(std::string_view bytes) {
  auto words = kj::heapArray<capnp::word>(bytes.size() / sizeof(capnp::word));
  std::memcpy(words.begin(), bytes.data(), words.size() * sizeof(capnp::word));
  return words;
}

std::string text_of(const kj::Array<capnp::word>& words) {
  const auto bytes = words.asBytes();
  return {reinterpret_cast<const char*>(bytes.begin()), bytes.size()};
}

Result<CommitMeta> read_meta(wire::CommitMeta::Reader from, std::string_view prefix) {
  capnp::MallocMessageBuilder message;
  message.setRoot(from);
  std::string head(prefix);
  head += text_of(capnp::messageToFlatArray(message));
  const auto count = static_cast<std::uint32_t>((head.size() - kHeadPrefix) / sizeof(capnp::word));
  store(head.data() + 4, count);
  auto body = CommitBody::decode(SharedBytes::copy_of(head));
  if (!body) return fail(Errc::state_damaged, "state cursor: {}", body.error().context);
  return body->meta;
}

}  // namespace

std::string StateCursor::encode() const {
  capnp::MallocMessageBuilder message;
  auto root = message.initRoot<wire::StateCursor>();
  root.setSequence(sequence.value);
  root.setCommitted(committed.value);
  root.setEpoch(epoch.value);
  root.setFlushes(flushes);
  root.setLetterBytes(letter_bytes);
  const SharedBytes head = CommitBody{meta, {}}.encode().front();
  const auto head_words = words_of(head.view().substr(kHeadPrefix));
  capnp::FlatArrayMessageReader head_reader(head_words);
  root.setMeta(head_reader.getRoot<wire::CommitMeta>());
  put(root.initLogId(), log_id);
  auto list = root.initViewList(static_cast<unsigned>(views.size()));
  for (unsigned i = 0; i < list.size(); ++i) {
    const ViewState& view = views[i];
    list[i].setName(capnp::Text::Reader(view.name.c_str(), view.name.size()));
    put(list[i].initHash(), view.hash);
    list[i].setPrefix(view.prefix);
    list[i].setCompleteSince(view.complete_since);
    list[i].setThrough(view.through.value);
    list[i].setDroppedBefore(view.dropped_before);
  }
  return text_of(capnp::messageToFlatArray(message));
}

Result<StateCursor> StateCursor::decode(std::string_view bytes) {
  if (bytes.empty() || bytes.size() % sizeof(capnp::word) != 0)
    return fail(Errc::state_damaged, "state cursor: {} bytes are no whole words", bytes.size());
  StateCursor cursor;
  try {
    const auto words = words_of(bytes);
    capnp::ReaderOptions limits;
    limits.traversalLimitInWords = 4 * words.size() + 64;
    limits.nestingLimit = 16;
    capnp::FlatArrayMessageReader reader(words, limits);
    const auto root = reader.getRoot<wire::StateCursor>();
    cursor.sequence = CommitSequence{root.getSequence()};
    cursor.committed = Offset{root.getCommitted()};
    cursor.epoch = Epoch{root.getEpoch()};
    cursor.flushes = root.getFlushes();
    cursor.letter_bytes = root.getLetterBytes();
    cursor.log_id = get(root.getLogId());
    const SharedBytes prefix = CommitBody{}.encode().front();
    WEIR_ASSIGN(cursor.meta, read_meta(root.getMeta(), prefix.view().substr(0, kHeadPrefix)));
    for (const auto view : root.getViewList()) {
      ViewState state;
      state.name = {view.getName().cStr(), view.getName().size()};
      state.hash = get(view.getHash());
      state.prefix = view.getPrefix();
      state.complete_since = view.getCompleteSince();
      state.through = CommitSequence{view.getThrough()};
      state.dropped_before = view.getDroppedBefore();
      cursor.views.push_back(std::move(state));
    }
  } catch (const kj::Exception& e) {
    return fail(Errc::state_damaged, "state cursor cannot be read: {}", e.getDescription().cStr());
  }
  return cursor;
}

}  // namespace weir
