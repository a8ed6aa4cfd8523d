// Writes seeds for the target of stored bytes: real ones, made by what the product writes with.
//   fuzz_stored_seeds FOLDER RETAIL.csv
#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

#include "actors/doors/source_position.h"
#include "runtime/adapters/embedded_log/frame_builder.h"
#include "runtime/base/hash.h"
#include "runtime/engine/dedupe_block.h"
#include "runtime/engine/letters.h"
#include "runtime/engine/read_token.h"
#include "runtime/event/commit_body.h"
#include "runtime/event/data_identity.h"
#include "runtime/event/ingest_batch.h"
#include "runtime/event/state_cursor.h"

using namespace weir;

namespace {

std::string folder;

/// The first byte says which kind it is (stored_target.cc).
void write(char kind, const std::string& name, std::string_view bytes) {
  std::ofstream file(folder + "/" + name, std::ios::binary);
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
  write(0, "ingest", builder.finish({FrameFormat::csv, 1'700'000'000'000'000, 0, "file:retail.csv", lines[0]}).view());
  CommitBody body;
  body.batches.push_back(outcomes.finish());
  std::string bytes;
  for (const SharedBytes& piece : body.encode()) bytes.append(piece.view());
  write(1, "commit", bytes);
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
  write(3, "dedupe", block.encode());
  StoredLetter letter;
  letter.id = "id";
  letter.letter.original = "a,b";
  letter.letter.stage = "validate";
  letter.letter.reason = "time";
  write(3, "letter", encode_letter(letter));
  ReadToken token(Digest128{1, 2});
  token.note_offset(PartitionId{3}, Offset{500});
  token.note_sequence(PartitionId{9}, CommitSequence{70'000});
  write(4, "token", token.encode());
  StateCursor cursor;
  cursor.sequence = CommitSequence{3};
  cursor.views.push_back({"revenue", Digest128{5, 6}, 1, kNoTime, CommitSequence{3}});
  write(5, "cursor", cursor.encode());
  DataIdentity identity;
  identity.pipeline = "retail";
  identity.partitions = 8;
  identity.wall_text = "wall";
  write(6, "identity", identity.encode());
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
  write_state();
  return 0;
}
