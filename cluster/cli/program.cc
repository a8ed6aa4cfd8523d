#include "cluster/cli/program.h"

#include <fmt/format.h>
#include <librdkafka/rdkafka.h>
#include <malloc.h>
#include <openssl/crypto.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "cluster/cli/commands.h"
#include "cluster/node/versions.h"
#include "weir_version.h"

namespace weir::cli {

namespace {

std::string versions() {
  return fmt::format("weir {} ({})\nCAF {}, librdkafka {}, RocksDB {}, Cap'n Proto {}, {}", WEIR_VERSION, WEIR_GIT_HASH,
                     caf_version(), rd_kafka_version_str(), rocksdb_version(), capnp_version(),
                     OpenSSL_version(OPENSSL_VERSION));
}

/// Batches of 100 KB to 1 MB come and go all the time. Left alone, the allocator takes each from the system and gives it back, and
/// every page of it is a fault and a clearing by the kernel: a fifth of the path.
void keep_memory() {
  ::mallopt(M_MMAP_THRESHOLD, 32 * 1024 * 1024);
  ::mallopt(M_TRIM_THRESHOLD, 512 * 1024 * 1024);
  // What one thread frees another asks for next: with an arena each, every arena grows to the size of all; with one for all they
  // wait for each other.
  ::mallopt(M_ARENA_MAX, static_cast<int>(2 * std::max(1u, std::thread::hardware_concurrency())));
}

}  // namespace

int run_program(int argc, char** argv, const LinkedKinds* linked) {
  keep_memory();
  CLI::App root;
  root.set_version_flag("--version", versions);
  const std::vector<Command> commands = add_commands(root, linked);
  if (linked != nullptr && argc > 0) root.name(std::filesystem::path(argv[0]).filename().string());
  try {
    // Of a command that is not there --help says nothing, not what it says of all.
    const auto top = root.get_subcommands([](const CLI::App*) { return true; });
    if (argc > 2 && argv[1][0] != '-' &&
        std::none_of(top.begin(), top.end(), [argv](const CLI::App* command) { return command->get_name() == argv[1]; })) {
      argc = 2;
    }
    root.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    const int code = root.exit(e);
    return code == 0 ? kDone : kUsage;
  }
  for (const Command& command : commands) {
    if (command.level.parsed()) return command.run();
  }
  return kUsage;
}

}  // namespace weir::cli
