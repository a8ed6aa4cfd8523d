#include "runtime/event/commit_body.h"

#include <capnp/message.h>
#include <capnp/serialize.h>
#include <kj/exception.h>

#include <cstring>

#include "runtime/event/formats.capnp.h"

namespace weir {

Ledger& Ledger::operator+=(const Ledger& o) noexcept {
  served += o.served;
  filtered += o.filtered;
  duplicate += o.duplicate;
  shed += o.shed;
  expired += o.expired;
  dropped += o.dropped;
  superseded += o.superseded;
  dead_lettered += o.dead_lettered;
  retrying += o.retrying;
  redriven += o.redriven;
  edited += o.edited;
  records += o.records;
  conflicts += o.conflicts;
  return *this;
}

namespace {

constexpr std::uint32_t kBodyMagic = 0x31424357;  // "WCB1"

void put(wire::Digest::Builder to, const Digest128& from) {
  to.setLow(from.low);
  to.setHigh(from.high);
}
std::string text_of(capnp::Text::Reader from) { return {from.cStr(), from.size()}; }
Digest128 get(wire::Digest::Reader from) { return {from.getLow(), from.getHigh()}; }

void put(wire::Ledger::Builder to, const Ledger& from) {
  to.setServed(from.served);
  to.setFiltered(from.filtered);
  to.setDuplicate(from.duplicate);
  to.setShed(from.shed);
  to.setExpired(from.expired);
  to.setDropped(from.dropped);
  to.setSuperseded(from.superseded);
  to.setDeadLettered(from.dead_lettered);
  to.setRetrying(from.retrying);
  to.setRedriven(from.redriven);
  to.setEdited(from.edited);
  to.setRecords(from.records);
  to.setConflicts(from.conflicts);
}

Ledger get(wire::Ledger::Reader from) {
  Ledger to;
  to.served = from.getServed();
  to.filtered = from.getFiltered();
  to.duplicate = from.getDuplicate();
  to.shed = from.getShed();
  to.expired = from.getExpired();
  to.dropped = from.getDropped();
  to.superseded = from.getSuperseded();
  to.dead_lettered = from.getDeadLettered();
  to.retrying = from.getRetrying();
  to.redriven = from.getRedriven();
  to.edited = from.getEdited();
  to.records = from.getRecords();
  to.conflicts = from.getConflicts();
  return to;
}

void put(capnp::List<wire::LetterOrder>::Builder to, const std::vector<LetterOrder>& from) {
  for (unsigned i = 0; i < from.size(); ++i) {
    auto order = to[i];
    order.setKind(static_cast<std::uint8_t>(from[i].kind));
    order.setWho(from[i].who);
    order.setRole(from[i].role);
    order.setWhy(from[i].why);
    auto offsets = order.initOffsets(static_cast<unsigned>(from[i].offsets.size()));
    for (unsigned o = 0; o < from[i].offsets.size(); ++o) offsets.set(o, from[i].offsets[o].value);
  }
}

LetterOrder get(wire::LetterOrder::Reader from) {
  LetterOrder to;
  to.kind = static_cast<LetterOrder::Kind>(from.getKind());
  to.who = text_of(from.getWho());
  to.role = text_of(from.getRole());
  to.why = text_of(from.getWhy());
  for (const std::uint64_t offset : from.getOffsets()) to.offsets.push_back(Offset{offset});
  return to;
}

}  // namespace

std::string_view to_string(LetterOrder::Kind kind) noexcept {
  switch (kind) {
    case LetterOrder::Kind::redrive: return "redrive";
    case LetterOrder::Kind::edit: return "edit";
    case LetterOrder::Kind::drop: return "drop";
    case LetterOrder::Kind::expire: return "expire";
  }
  return "unknown";
}

std::vector<SharedBytes> CommitBody::encode() const {
  capnp::word scratch[128] = {};
  capnp::MallocMessageBuilder message{kj::ArrayPtr<capnp::word>(scratch, 128)};
  auto root = message.initRoot<wire::CommitMeta>();
  root.setIncarnation(meta.incarnation);
  root.setPartitionTime(meta.partition_time);
  put(root.initLedger(), meta.ledger);
  put(root.initStateSum(), meta.state_sum);
  root.setEventTimeMax(meta.event_time_max);
  put(root.initRulesHash(), meta.rules_hash);
  root.setBatches(static_cast<std::uint32_t>(batches.size()));
  root.setCommittedAt(meta.committed_at);
  if (!meta.node.empty()) root.setNode(meta.node);
  if (!meta.code.empty()) root.setCode(meta.code);
  if (!orders.empty()) put(root.initOrders(static_cast<unsigned>(orders.size())), orders);
  const kj::Array<capnp::word> words = capnp::messageToFlatArray(message);
  const auto bytes = words.asBytes();

  ByteArena head(16 + bytes.size());
  char* prefix = head.extend(8);
  store(prefix, kBodyMagic);
  store(prefix + 4, static_cast<std::uint32_t>(words.size()));
  head.append({reinterpret_cast<const char*>(bytes.begin()), bytes.size()});
  std::vector<SharedBytes> pieces;
  pieces.reserve(1 + batches.size());
  pieces.push_back(SharedBytes::take(std::move(head)));
  for (const OutcomeBatch& batch : batches) pieces.push_back(batch.bytes());
  return pieces;
}

Result<CommitBody> CommitBody::decode(const SharedBytes& bytes) {
  const std::string_view all = bytes.view();
  if (all.size() < 8 || load<std::uint32_t>(all.data()) != kBodyMagic) return fail(Errc::log_damaged, "commit body: no head");
  const std::size_t head = std::size_t{load<std::uint32_t>(all.data() + 4)} * sizeof(capnp::word);
  if (head > all.size() - 8) return fail(Errc::log_damaged, "commit body: the head is cut off");
  CommitBody body;
  std::uint32_t batches = 0;
  try {
    // Copied: the log gives no promise about alignment, and Cap'n Proto throws on unaligned input.
    auto words = kj::heapArray<capnp::word>(head / sizeof(capnp::word));
    std::memcpy(words.begin(), all.data() + 8, head);
    capnp::ReaderOptions limits;
    limits.traversalLimitInWords = 4 * words.size() + 64;
    limits.nestingLimit = 16;
    capnp::FlatArrayMessageReader reader(words, limits);
    const auto root = reader.getRoot<wire::CommitMeta>();
    body.meta.incarnation = root.getIncarnation();
    body.meta.partition_time = root.getPartitionTime();
    body.meta.ledger = get(root.getLedger());
    body.meta.state_sum = get(root.getStateSum());
    body.meta.event_time_max = root.getEventTimeMax();
    body.meta.rules_hash = get(root.getRulesHash());
    body.meta.committed_at = root.getCommittedAt();
    body.meta.node = text_of(root.getNode());
    body.meta.code = text_of(root.getCode());
    if (root.getRedecided() != 0 || root.getRetryPuts() != 0 || root.getRetryDones() != 0 || root.getStageStateBytes() != 0)
      return fail(Errc::format_newer, "commit body holds retries or stage state, which this weir does not read");
    batches = body.meta.batches = root.getBatches();
    for (const auto order : root.getOrders()) {
      if (order.getKind() < 1 || order.getKind() > 3) return fail(Errc::format_newer, "commit body has an order of kind {}", order.getKind());
      body.orders.push_back(get(order));
    }
  } catch (const kj::Exception& e) {
    return fail(Errc::log_damaged, "commit body: the head cannot be read: {}", e.getDescription().cStr());
  }
  std::size_t at = 8 + head;
  for (std::uint32_t i = 0; i < batches; ++i) {
    auto batch = OutcomeBatch::decode(bytes.part(at, all.size() - at));
    if (!batch) return fail(std::move(batch.error()));
    at += batch->size();
    body.batches.push_back(std::move(*batch));
  }
  if (at != all.size()) return fail(Errc::log_damaged, "commit body: {} bytes behind the last batch", all.size() - at);
  return body;
}

}  // namespace weir
