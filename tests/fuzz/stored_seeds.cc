// Writes seeds for the targets of stored bytes: real ones, made by what the product writes with.
//   fuzz_stored_seeds FOLDER RETAIL.csv     into FOLDER/journal and FOLDER/state
#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

#include "actors/doors/source_position.h"
#include "runtime/adapters/embedded_log/frame_builder.h"
#include "runtime/adapters/embedded_log/index_checkpoint.h"
#include "runtime/base/hash.h"
#include "runtime/engine/dedupe_block.h"
#include "runtime/engine/letters.h"
#include "runtime/engine/parked_state.h"
#include "runtime/engine/read_token.h"
#include "runtime/engine/view_value.h"
#include "runtime/event/commit_body.h"
#include "runtime/event/data_identity.h"
#include "runtime/event/ingest_batch.h"
#include "runtime/event/snapshot_manifest.h"
#include "runtime/event/state_cursor.h"

using namespace weir;

namespace {

std::string folder;

/// The first byte says which kind it is (journal_target.cc, state_target.cc).
void write(const std::string& target, char kind, const std::string& name, std::string_view bytes) {
  std::ofstream file(folder + "/" + target + "/" + name, std::ios::binary);
  file.put(kind);
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

void write_batches(const std::vector<std::string>& lines) {
  IngestBatchBuilder builder;
  OutcomeBatchBuilder outcomes(Offset{7});
  for (std::size_t i = 1; i < lines.size() && i < 40; ++i) {
    const std::string id = "id" + std::to_string(i);
    builder.add({lines[i], id, static_cast<std::uint16_t>(i % 3 == 0 ? frame_flag::bad_frame : 0),
                 i % 3 == 0 ? "a stray quote" : "", i});
    const OutcomeBatchBuilder::Event event{id, xxh3_128(lines[i]), static_cast<std::int64_t>(i)};
    if (i % 3 == 0) {
      outcomes.add(event, Outcome::dead_lettered);
      LetterView letter;
      letter.original = lines[i];
      letter.stage = "validate";
      letter.reason = "field_range";
      letter.details = "[\"price\"]";
      letter.door = "http";
      outcomes.letter(letter);
    } else {
      outcomes.add(event, i % 3 == 1 ? Outcome::served : Outcome::duplicate);
      if (i % 3 != 1) continue;
      const std::uint16_t attributes = outcomes.attributes("sale", "shop");
      outcomes.begin_record().append("{\"line\":" + std::to_string(i) + "}");
      outcomes.end_record(static_cast<std::int64_t>(i), attributes);
    }
  }
  write("journal", 0, "ingest",
        builder.finish({FrameFormat::csv, 1'700'000'000'000'000, 0, "file:retail.csv", lines[0]}).view());
  CommitBody body;
  body.batches.push_back(outcomes.finish());
  std::string bytes;
  for (const SharedBytes& piece : body.encode()) bytes.append(piece.view());
  write("journal", 1, "commit", bytes);
}

/// A segment of a few frames, as it lies on the disk, and its first frame alone.
void write_segment(const std::vector<std::string>& lines) {
  journal::FrameHeader header;
  header.generation = 1;
  header.nonce = 1001;
  header.log_tag = 7;
  header.oldest = 1;
  std::string segment;
  // Lives until the frames are built.
  const std::string position = journal::encode_source("file:retail.csv", write_progress({Framing::csv, {}, false}));
  for (std::uint64_t sequence = 1; sequence <= 5; ++sequence) {
    journal::FrameBuilder builder;
    header.kind = sequence == 1   ? journal::FrameKind::head
                  : sequence == 5 ? journal::FrameKind::seal
                                  : journal::FrameKind::data;
    if (header.kind == journal::FrameKind::data) {
      journal::DirectoryEntry batch;
      batch.first = sequence;
      batch.count = 1;
      builder.add(batch, std::string_view(lines[sequence]));
      journal::DirectoryEntry source;
      source.kind = journal::EntryKind::source;
      builder.add(source, std::string_view(position));
    }
    header.sequence = sequence;
    header.predecessor = sequence == 1 ? journal::FrameRef{} : header.ref();
    segment += builder.build(header);
    if (sequence == 2)
      write("journal", 2, "frame", std::string_view(segment).substr(segment.size() - header.frame_bytes));
  }
  write("journal", 3, "segment", segment);
  write("journal", 3, "torn", std::string_view(segment).substr(0, segment.size() - 5'000));
  const journal::JournalIdentity identity{journal::JournalKind::ingest, 7, 8};
  write("journal", 4, "index",
        journal::encode_checkpoint(identity, journal::Catalog(journal::JournalKind::ingest, 8), header.ref(), 1, {}));
}

void write_view_values() {
  const AggregateLayout layout(1, {MeasureKind::count, MeasureKind::sum, MeasureKind::min, MeasureKind::average});
  std::string both;
  for (const char* number : {"-1.50", "2.5"}) {
    std::string value(layout.size(), '\0');
    layout.init(value.data());
    const std::uint8_t scales[] = {2};
    layout.add_row(value.data(), scales);
    for (std::size_t i = 1; i < 4; ++i) layout.add(value.data(), i, Decimal::parse(number).value());
    both += value;
  }
  write("state", 0, "aggregate", std::string_view(both).substr(0, both.size() / 2));
  write("state", 0, "aggregates", both);
  std::string rows;
  for (const char* id : {"o1", "o2"}) {
    LatestValue latest;
    latest.event_time = 1'700'000'000'000'000;
    latest.id = id;
    latest.body = R"({"amount":1.50})";
    std::string value(latest_size(latest), '\0');
    write_latest(latest, value.data());
    rows += value;
  }
  write("state", 0, "latest", rows);
}

void write_state() {
  DedupeBlock block;
  for (int i = 0; i < 5; ++i) {
    DedupeEntry entry;
    const std::string id = "id" + std::to_string(i);
    entry.id = id;
    entry.digest = xxh3_128(id);
    block.add(entry);
  }
  write("state", 0, "dedupe", block.encode());
  StoredLetter letter;
  letter.id = "id";
  letter.letter.original = "a,b";
  letter.letter.stage = "validate";
  letter.letter.reason = "time";
  write("state", 0, "letter", encode_letter(letter));
  ParkedEvent parked;
  parked.id = "id";
  parked.original = "a,b";
  parked.stage = "lookup";
  parked.reason = "timeout";
  parked.key = "customer";
  write("state", 0, "parked", encode_parked(parked));
  ReadToken token(Digest128{1, 2});
  token.note_offset(PartitionId{3}, Offset{500});
  token.note_sequence(PartitionId{9}, CommitSequence{70'000});
  write("state", 1, "token", token.encode());
  StateCursor cursor;
  cursor.sequence = CommitSequence{3};
  cursor.views.push_back({"revenue", Digest128{5, 6}, 1, kNoTime, CommitSequence{3}});
  write("state", 2, "cursor", cursor.encode());
  DataIdentity identity;
  identity.pipeline = "retail";
  identity.partitions = 8;
  identity.wall_text = "wall";
  write("state", 3, "identity", identity.encode());
  SnapshotManifest manifest;
  manifest.pipeline = "retail";
  manifest.views = {{"revenue", {1, 2}}};
  manifest.files = {{"CURRENT", 16, {3, 4}}, {"000012.sst", 4096, {5, 6}}};
  write("state", 3, "manifest", manifest.encode());
  write("state", 3, "snapshot", manifest.id());
  write("state", 3, "progress", write_progress({Framing::csv, {}, false}));
  write("state", 3, "finished", write_progress({Framing::lines, {}, true}));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  folder = argv[1];
  std::ifstream file(argv[2], std::ios::binary);
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  if (lines.size() < 10) return 2;
  write_batches(lines);
  write_segment(lines);
  write_state();
  write_view_values();
  return 0;
}
