// A node as its file describes it: plain data, already checked by the loader. Every default is written here once.
#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "runtime/ports/config_values.h"
#include "runtime/ports/services_config.h"
#include "runtime/ports/snapshot_config.h"
#include "runtime/ports/supervision_config.h"

namespace weir {

enum class LogFormat : std::uint8_t { automatic, text, json };  // automatic: text on a terminal, else JSON lines

/// A file that the node file names, and where: resolved against the folder of the node file, not opened by the loader.
struct NamedFile {
  std::string name;
  ConfigPlace place;
};
/// What the node shows to those who speak TLS with it.
struct HttpTlsConfig {
  NamedFile certificate;  // PEM: its own, then those that signed it
  NamedFile key;          // PEM
};

/// The node file.
struct NodeConfig {
  std::string node = "n1";
  std::string data;                                              // empty: chosen by the command
  std::uint64_t segment_bytes = 64ull * 1024 * 1024;             // 4 MiB .. 1 GiB
  std::chrono::microseconds commit_interval{20'000};             // 1 ms .. 10 s
  std::uint64_t commit_bytes_max = 4ull * 1024 * 1024;           // 64 KiB .. 64 MiB
  std::optional<std::chrono::microseconds> retain = std::chrono::hours(24 * 7);   // nullopt: all
  std::uint64_t memory_max = 2ull * 1024 * 1024 * 1024;          // 256 MiB .. 1 TiB
  std::uint64_t disk_max = 100ull * 1024 * 1024 * 1024;          // 256 MiB .. 1 PiB
  std::string http_address = "127.0.0.1";                        // IPv4, or IPv6 without brackets; loopback unless there are tokens and TLS
  std::uint16_t http_port = 7070;                                // 0: a free one
  std::uint64_t http_body_max = 16ull * 1024 * 1024;             // 1 KiB .. 1 GiB
  std::uint32_t http_connections_max = 1'000;                    // 1 .. 100'000
  std::optional<NamedFile> http_tokens;                          // none: whoever reaches the node may ask everything
  std::optional<HttpTlsConfig> http_tls;                         // none: plain HTTP
  std::chrono::microseconds shutdown_max = std::chrono::seconds(30);   // 1 s .. 1 h: drain and commit, then end all the same
  SupervisionConfig supervision;
  SnapshotConfig snapshots;
  std::vector<NamedFile> plugins;                                // shared objects with what is not weir's own; loaded at start, never later
  std::vector<ServiceConfig> services;                           // of plugins; at most 64
  std::string logging_level = "info";                            // trace, debug, info, warn, error
  LogFormat logging_format = LogFormat::automatic;
};

}  // namespace weir
