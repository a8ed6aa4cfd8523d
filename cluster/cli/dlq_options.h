// What the subcommands of `weir dlq` have in common: which letters are meant, and where they are.
#pragma once
#include <string>
#include <vector>

#include "cluster/cli/data_source.h"
#include "runtime/engine/letters_query.h"

namespace weir::cli {

struct LetterOptions {
  std::string id, stage, reason;
  std::string from, to;            // as typed
  std::vector<std::string> where;  // FIELD=VALUE
  DataSource source;
  std::uint64_t limit = 100;
  bool raw = false;
  std::string headers;  // kafka-connect, spring; empty: letters
  Output output = Output::table;
  // of redrive, edit and drop
  std::string why;
  bool all = false;
  std::uint64_t tries = 10;
  std::string pause = "1s";
  std::string payload;  // a file, or "-"
  std::string offset;   // as typed; empty: not named
};

/// --stage, --reason, --from, --to, --where, and --id.
void add_filters(Level command, LetterOptions& options);
/// Errors: invalid_argument (--from, --to, --where).
[[nodiscard]] Result<LetterFilter> filter_of(const LetterOptions& options, std::uint64_t limit, char separator = ',');
/// The same as parameters of a call, each behind an `&`: what letter a node is asked for. Errors: likewise.
[[nodiscard]] Result<std::string> parameters_of(const LetterOptions& options);

/// The same over a running node and stopped data.
[[nodiscard]] int list_letters(const LetterOptions& options);
[[nodiscard]] int show_letters(const LetterOptions& options);
[[nodiscard]] int export_letters(const LetterOptions& options);

/// Of a running node.
enum class LetterChange : std::uint8_t { redrive, drop };
[[nodiscard]] int change_letters(const LetterOptions& options, LetterChange change);
[[nodiscard]] int edit_letter(const LetterOptions& options);

}  // namespace weir::cli
