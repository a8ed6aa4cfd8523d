# Formats of weir that must evolve: fields are only ever appended, ordinals never change.
@0xd2b1f0a7c3e84f61;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("weir::wire");

struct Digest {
  low @0 :UInt64;
  high @1 :UInt64;
}

# Counts of the ledger of one partition, cumulative up to and including the commit that carries it.
# served .. deadLettered count events by their terminal state; retrying is a gauge; the rest are cumulative transfers.
struct Ledger {
  served @0 :UInt64;
  filtered @1 :UInt64;
  duplicate @2 :UInt64;
  shed @3 :UInt64;
  expired @4 :UInt64;
  dropped @5 :UInt64;
  superseded @6 :UInt64;
  deadLettered @7 :UInt64;
  retrying @8 :UInt64;
  redriven @9 :UInt64;
  edited @10 :UInt64;
  records @11 :UInt64;      # records in the curated log
  conflicts @12 :UInt64;    # dead letters with reason conflict: they own no dedupe entry
}

# Head of one partition's part of a commit group. The parts that are long lists follow it packed (commit_body.h).
struct CommitMeta {
  incarnation @0 :UInt64;
  partitionTime @1 :Int64;      # microseconds since 1970, monotonic per partition
  ledger @2 :Ledger;
  stateSum @3 :Digest;          # order-free sum over ids of hash(id, present state), for the answer digest
  eventTimeMax @4 :Int64;       # greatest event time committed in the partition, capped by partition time; min Int64: none
  rulesHash @5 :Digest;         # stages and tables that decided this commit
  batches @6 :UInt32;           # packed batches that follow
  redecided @7 :UInt32;         # outcomes for offsets below `from` (redrives, due retries, expiries)
  retryPuts @8 :UInt32;
  retryDones @9 :UInt32;
  stageStateBytes @10 :UInt64;  # reserved for keyed stage state; 0
  committedAt @11 :Int64;       # owner's wall time, microseconds; for people, and for how far sinks lag: nothing else is decided by it
  orders @12 :List(LetterOrder);  # what people did with dead letters
  node @13 :Text;               # the owner's name
  code @14 :Text;               # version of weir that decided, with its commit
}

struct LetterOrder {
  kind @0 :UInt8;               # 1: redrive, 2: edit, 3: drop
  who @1 :Text;
  role @2 :Text;
  why @3 :Text;
  offsets @4 :List(UInt64);
}

# Identity of a data directory: what must never differ between two openings (the wall hash) and who made it.
struct DataIdentity {
  formatVersion @0 :UInt32;
  pipeline @1 :Text;
  partitions @2 :UInt32;
  wallHash @3 :Digest;
  logId @4 :Digest;
  createdAt @5 :Int64;
  wallText @6 :Text;            # what the wall hash was taken over, for messages
}

# Cursor of a partition's state: it holds everything up to and including this commit.
struct StateCursor {
  sequence @0 :UInt64;
  committed @1 :UInt64;
  meta @2 :CommitMeta;
  dedupeBegin @3 :UInt64;       # dedupe entries with a lower number have expired
  dedupeEnd @4 :UInt64;         # number of the next dedupe entry
  viewsHash @5 :Digest;         # views this state was computed for
  logId @6 :Digest;
  viewList @7 :List(ViewState);
  epoch @8 :UInt64;             # of the commit `sequence`
  flushes @9 :UInt64;           # flushes of this state so far: no two cursors are equal
  letterBytes @10 :UInt64;      # of all open dead letters, as they are kept
}

struct ViewState {
  name @0 :Text;                # empty: rows of a view that was replaced, being erased
  hash @1 :Digest;
  prefix @2 :UInt32;            # key prefix inside the store
  completeSince @3 :Int64;      # min Int64: complete from the first event
  through @4 :UInt64;           # commits applied to this view; below `sequence` while it is being filled
  droppedBefore @5 :Int64 = -9223372036854775808;  # windows that end before this event time may be gone; the default: none
}

# What a snapshot of one partition's state is (snapshot_manifest.h): written last, read first.
struct SnapshotManifest {
  formatVersion @0 :UInt32;     # of this manifest
  pipeline @1 :Text;
  partition @2 :UInt32;
  logId @3 :Digest;
  sequence @4 :UInt64;          # the state holds everything up to and including this commit
  committed @5 :UInt64;         # and everything below this offset of ingest
  epoch @6 :UInt64;             # of that commit
  partitionTime @7 :Int64;      # microseconds since 1970, as that commit says
  createdAt @8 :Int64;          # wall time of who made it; for people and for intervals
  wallHash @9 :Digest;
  rulesHash @10 :Digest;        # of that commit
  views @11 :List(SnapshotView);
  stateFormat @12 :UInt32;      # of what the files hold
  digestVersion @13 :UInt32;    # how the two digests were made
  stateDigest @14 :Digest;
  answerDigest @15 :Digest;     # of this partition alone
  files @16 :List(SnapshotFile);
}

struct SnapshotView {
  name @0 :Text;
  hash @1 :Digest;
}

struct SnapshotFile {
  name @0 :Text;                # inside the directory of the state
  size @1 :UInt64;
  checksum @2 :Digest;          # XXH3-128 of the content; with the size it is the name in the store
}
