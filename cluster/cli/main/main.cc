// The one executable: parses the command line and calls one subcommand.
#include <fmt/format.h>
#include <librdkafka/rdkafka.h>
#include <malloc.h>
#include <openssl/crypto.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <string_view>
#include <thread>
#include <vector>

#include "cluster/cli/commands.h"
#include "cluster/node/versions.h"
#include "runtime/base/fail_point.h"
#include "weir_version.h"

namespace {

std::string versions() {
  return fmt::format("weir {} ({})\nCAF {}, librdkafka {}, RocksDB {}, Cap'n Proto {}, {}", WEIR_VERSION, WEIR_GIT_HASH,
                     weir::caf_version(), rd_kafka_version_str(), weir::rocksdb_version(), weir::capnp_version(),
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

#if defined(WEIR_FAULTS)
/// `weir-faults fail-points`: one a line, what belongs together one after the other.
int list_fail_points() {
  for (const weir::faults::FailPoint& point : weir::faults::kFailPoints) fmt::print("{:32} {:10} {}\n", point.name, point.area, point.meaning);
  return weir::cli::kDone;
}
#endif

}  // namespace

int main(int argc, char** argv) {
  namespace cli = weir::cli;
  keep_memory();
#if defined(WEIR_FAULTS)
  if (argc == 2 && std::string_view(argv[1]) == "fail-points") return list_fail_points();
#endif
  CLI::App root;
  root.set_version_flag("--version", versions);
  const std::vector<cli::Command> commands = cli::add_commands(root);
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
    return code == 0 ? cli::kDone : cli::kUsage;
  }
  for (const cli::Command& command : commands) {
    if (command.level.parsed()) return command.run();
  }
  return cli::kUsage;
}
