// What all subcommands share: exit codes, messages, output formats. One file per subcommand beside this one.
#pragma once
#include <CLI/CLI.hpp>
#include <functional>
#include <string>
#include <vector>

#include "runtime/base/error.h"
#include "runtime/base/result.h"

namespace weir::cli {

/// Exit codes are a contract with scripts.
inline constexpr int kDone = 0;         // done
inline constexpr int kAnswerIsNo = 1;   // done, and the answer is no: a ledger does not balance, damage was found
inline constexpr int kUsage = 2;        // usage or configuration is wrong
inline constexpr int kNotReady = 3;     // node not reachable or not ready
inline constexpr int kRefused = 4;      // not allowed, fenced, a limit
inline constexpr int kUnreadable = 5;   // input or data cannot be read
inline constexpr int kBroken = 70;      // weir itself is at fault (EX_SOFTWARE of sysexits.h); never "the answer is no"

[[nodiscard]] int exit_code(Errc code) noexcept;
/// Prints `weir: …` to stderr and gives the exit code.
[[nodiscard]] int report(const Error& error);
/// The same with the code chosen by the command.
[[nodiscard]] int report(const Error& error, int code);

enum class Output : std::uint8_t { table, json, csv };
/// What is wrong with a command line, in the words of this one: which command, what is allowed, where help is.
[[nodiscard]] std::string usage_message(const CLI::App* root, const CLI::Error& error);

/// The value is one of these words: what --help shows, what is checked and what completion offers are this one list.
CLI::Option* one_of(CLI::Option* option, const std::vector<std::string>& words);

/// Adds `--output table|json|csv`.
void add_output(CLI::App& command, Output& output);
/// Adds `--data DIR` (or WEIR_DATA).
void add_data(CLI::App& command, std::string& data, bool required);

/// Adds one subcommand; `run` is called after a successful parse and returns the exit code.
using Run = std::function<int()>;
struct Command {
  CLI::App* app = nullptr;
  Run run;
};

[[nodiscard]] Command make_up(CLI::App& root);
[[nodiscard]] Command make_run(CLI::App& root);
[[nodiscard]] Command make_ingest(CLI::App& root);
[[nodiscard]] Command make_ledger(CLI::App& root);
[[nodiscard]] Command make_query(CLI::App& root);
[[nodiscard]] Command make_dlq(CLI::App& root);
[[nodiscard]] Command make_digest(CLI::App& root);
[[nodiscard]] Command make_where(CLI::App& root);
[[nodiscard]] Command make_lint(CLI::App& root);
[[nodiscard]] Command make_config(CLI::App& root);
[[nodiscard]] Command make_plan(CLI::App& root);
[[nodiscard]] Command make_view(CLI::App& root);
[[nodiscard]] Command make_test(CLI::App& root);
[[nodiscard]] Command make_graph(CLI::App& root);
[[nodiscard]] Command make_try(CLI::App& root);
[[nodiscard]] Command make_journal(CLI::App& root);
[[nodiscard]] Command make_generate(CLI::App& root);
[[nodiscard]] Command make_bench(CLI::App& root);
[[nodiscard]] Command make_metrics(CLI::App& root);
[[nodiscard]] Command make_completion(CLI::App& root);

}  // namespace weir::cli
