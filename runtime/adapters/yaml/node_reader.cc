// The node file: where a node keeps its data, where it listens, what it may use.
#include <arpa/inet.h>

#include <charconv>
#include <filesystem>

#include "runtime/adapters/yaml/reader.h"
#include "runtime/base/units.h"

namespace weir::yaml {
namespace {

constexpr std::chrono::microseconds kDay = std::chrono::hours(24);

/// An address and its port as `http.listen` writes them: 127.0.0.1:7070, [::1]:7070, localhost:7070.
struct Listen {
  std::string address;  // without brackets
  std::uint16_t port = 0;
  bool loopback = false;
};

std::optional<Listen> parse_listen(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  Listen listen;
  std::string_view address = text.substr(0, colon);
  const std::string_view port = text.substr(colon + 1);
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), listen.port);
  if (error != std::errc{} || end != port.data() + port.size()) return std::nullopt;
  const bool brackets = address.size() > 2 && address.front() == '[' && address.back() == ']';
  if (brackets) address = address.substr(1, address.size() - 2);
  // Only this name: another one would mean asking a name server, and another answer tomorrow.
  listen.address = address == "localhost" && !brackets ? "127.0.0.1" : std::string(address);
  in_addr v4{};
  in6_addr v6{};
  if (brackets) {
    if (::inet_pton(AF_INET6, listen.address.c_str(), &v6) != 1) return std::nullopt;
    listen.loopback = IN6_IS_ADDR_LOOPBACK(&v6) != 0;
  } else {
    if (::inet_pton(AF_INET, listen.address.c_str(), &v4) != 1) return std::nullopt;
    listen.loopback = (ntohl(v4.s_addr) >> 24) == 127;
  }
  return listen;
}

std::optional<Listen> read_listen(Context& context, const Node& node, const std::string& name) {
  std::string text;
  if (!read_text(context, node, name, text)) return std::nullopt;
  std::optional<Listen> listen = parse_listen(text);
  if (!listen) {
    context.findings.add(node.place,
                         fmt::format("\"{}\" must be an address and a port from 0 (a free one) to 65535, such "
                                     "as 127.0.0.1:7070 or [::1]:7070; found {}",
                                     name, describe_found(node)));
  }
  return listen;
}

/// Beyond this machine a node is there for those who can prove who they are, and nobody on the way may listen.
void check_reach(Context& context, const Node& node, const Listen& listen, const MapReader& map, bool tokens, bool tls) {
  if (listen.loopback || (tokens && tls)) return;
  const std::string missing = !tokens && !tls ? fmt::format("neither \"{}\" nor \"{}\" is", map.path("tokens_file"), map.path("tls"))
                                              : fmt::format("\"{}\" is not", map.path(tokens ? "tls" : "tokens_file"));
  context.findings.add(node.place,
                       fmt::format("\"{}\" {} can be reached from other machines, and {} configured: {}; configure both, or listen "
                                   "on 127.0.0.1:{}",
                                   map.path("listen"), node.text, missing,
                                   tokens ? "anybody on the way could read tokens and events"
                                          : "anybody there could send events and read answers",
                                   listen.port));
}

bool read_named_file(Context& context, const Node& node, const std::string& name, NamedFile& out) {
  std::string file;
  if (!read_text(context, node, name, file)) return false;
  out.name = (std::filesystem::path(context.folder) / file).lexically_normal().string();  // an absolute name stays as it is
  out.place = node.place;
  return true;
}

void read_tls(Context& context, const Node& node, const std::string& name, NodeConfig& out) {
  MapReader map(context, node, name);
  HttpTlsConfig tls;
  bool whole = true;
  const Node* certificate = map.require("certificate_file", "node.crt");
  whole = certificate != nullptr && read_named_file(context, *certificate, map.path("certificate_file"), tls.certificate);
  const Node* key = map.require("key_file", "node.key");
  whole = key != nullptr && read_named_file(context, *key, map.path("key_file"), tls.key) && whole;
  map.finish();
  if (whole) out.http_tls = std::move(tls);
}

void read_http(Context& context, const Node& node, NodeConfig& out) {
  MapReader map(context, node, "http");
  const Node* const listen = map.take("listen");
  std::optional<Listen> where;
  if (listen != nullptr) where = read_listen(context, *listen, map.path("listen"));
  if (const Node* body = map.take("body_max")) {
    read_bytes(context, *body, map.path("body_max"), {1u << 10, 1u << 30}, out.http_body_max);
  }
  if (const Node* connections = map.take("connections_max")) {
    read_integer(context, *connections, map.path("connections_max"), Range<std::uint32_t>{1, 100'000},
                 out.http_connections_max);
  }
  const Node* const tokens = map.take("tokens_file");
  NamedFile file;
  if (tokens != nullptr && read_named_file(context, *tokens, map.path("tokens_file"), file)) out.http_tokens = std::move(file);
  const Node* const tls = map.take("tls");
  if (tls != nullptr) read_tls(context, *tls, map.path("tls"), out);
  map.finish();
  if (!where) return;
  // What is there and wrong has a finding of its own.
  check_reach(context, *listen, *where, map, tokens != nullptr, tls != nullptr);
  out.http_address = where->address;
  out.http_port = where->port;
}

/// The files are opened by whoever loads them.
void read_plugins(Context& context, const Node& node, std::vector<NamedFile>& out) {
  constexpr std::size_t kPluginsMax = 64;  // arbitrary: one may have any number of stages
  if (node.kind != Node::Kind::list || node.items.size() > kPluginsMax) {
    context.findings.add(node.place, fmt::format("\"plugins\" must be a list of at most {} files (shared objects), such as [libfraud_score.so]; found {}",
                                                 kPluginsMax, node.kind == Node::Kind::list ? fmt::format("{}", node.items.size()) : describe_found(node)));
    return;
  }
  for (std::size_t i = 0; i < node.items.size(); ++i) {
    NamedFile file;
    if (read_named_file(context, node.items[i], fmt::format("plugins.{}", i), file)) out.push_back(std::move(file));
  }
}

void read_embedded_log(Context& context, const Node& node, NodeConfig& out) {
  MapReader map(context, node, "log.embedded");
  if (const Node* segment = map.take("segment")) {
    read_bytes(context, *segment, map.path("segment"), {4u << 20, 1u << 30}, out.segment_bytes);
  }
  if (const Node* interval = map.take("commit_interval")) {
    read_duration(context, *interval, map.path("commit_interval"),
                  {std::chrono::milliseconds(1), std::chrono::seconds(10)}, out.commit_interval);
  }
  if (const Node* bytes = map.take("commit_bytes_max")) {
    read_bytes(context, *bytes, map.path("commit_bytes_max"), {64u << 10, 64u << 20}, out.commit_bytes_max);
  }
  if (const Node* retain = map.take("retain")) {
    if (is_text(*retain) && retain->text == "all") {
      out.retain.reset();
    } else if (const auto value = duration_in(*retain, {std::chrono::seconds(1), 36'500 * kDay})) {
      out.retain = *value;
    } else {
      context.findings.add(retain->place,
                           fmt::format("\"log.embedded.retain\" must be all or a duration with its unit from 1s to "
                                       "36500d, such as 7d; found {}",
                                       describe_found(*retain)));
    }
  }
  map.finish();
}

void read_limits(Context& context, const Node& node, NodeConfig& out) {
  MapReader map(context, node, "limits");
  if (const Node* memory = map.take("memory_max")) {
    read_bytes(context, *memory, map.path("memory_max"), {256ull << 20, 1ull << 40}, out.memory_max);
  }
  if (const Node* disk = map.take("disk_max")) {
    read_bytes(context, *disk, map.path("disk_max"), {256ull << 20, 1ull << 50}, out.disk_max);
  }
  if (const Node* shutdown = map.take("shutdown_max")) {
    read_duration(context, *shutdown, map.path("shutdown_max"), {std::chrono::seconds(1), std::chrono::hours(1)},
                  out.shutdown_max);
  }
  map.finish();
}

void read_restarts(Context& context, const Node& node, const std::string& name, RestartLimits& out) {
  MapReader map(context, node, name);
  if (const Node* restarts = map.take("restarts_max"))
    read_integer(context, *restarts, map.path("restarts_max"), Range<std::uint32_t>{0, 1'000}, out.restarts_max);
  constexpr auto kHour = std::chrono::hours(1);
  if (const Node* window = map.take("window"))
    read_duration(context, *window, map.path("window"), {std::chrono::seconds(1), kHour}, out.window);
  const Node* longest = map.take("backoff_max");
  if (longest != nullptr) read_duration(context, *longest, map.path("backoff_max"), {std::chrono::milliseconds(1), kHour}, out.backoff_max);
  const Node* shortest = map.take("backoff_min");
  if (shortest != nullptr) read_duration(context, *shortest, map.path("backoff_min"), {std::chrono::milliseconds(1), kHour}, out.backoff_min);
  if (out.backoff_min > out.backoff_max) {
    const Node& place = shortest != nullptr ? *shortest : longest != nullptr ? *longest : node;
    context.findings.add(place.place, fmt::format("\"{}\" {} is longer than \"{}\" {}: the first pause cannot be longer than the longest",
                                                  map.path("backoff_min"), format_duration(out.backoff_min), map.path("backoff_max"),
                                                  format_duration(out.backoff_max)));
  }
  map.finish();
}

void read_supervision(Context& context, const Node& node, NodeConfig& out) {
  MapReader map(context, node, "supervision");
  SupervisionConfig& to = out.supervision;
  for (const auto& [name, limits] : {std::pair{"stage", &to.stage}, {"partition", &to.partition}, {"door", &to.door}, {"sink", &to.sink}, {"service", &to.service}, {"committer", &to.committer}}) {
    if (const Node* one = map.take(name)) read_restarts(context, *one, map.path(name), *limits);
  }
  map.finish();
}

/// A duration in the range, or `never` (0).
void read_pause(Context& context, const Node& node, const std::string& name, const Range<std::chrono::microseconds>& range, const char* example,
                std::chrono::microseconds& out) {
  if (is_text(node) && node.text == "never") {
    out = std::chrono::microseconds(0);
  } else if (const auto value = duration_in(node, range)) {
    out = *value;
  } else {
    context.findings.add(node.place, fmt::format("\"{}\" must be never or a duration with its unit from {} to {}, such as {}; found {}", name,
                                                 format_duration(range.min), format_duration(range.max), example, describe_found(node)));
  }
}

void read_snapshots(Context& context, const Node& node, SnapshotConfig& out) {
  MapReader map(context, node, "snapshots");
  NamedFile directory;
  if (const Node* place = map.take("directory"); place != nullptr && read_named_file(context, *place, map.path("directory"), directory)) {
    out.directory = std::move(directory.name);
    while (out.directory.size() > 1 && out.directory.ends_with('/')) out.directory.pop_back();
  }
  if (const Node* interval = map.take("interval")) read_pause(context, *interval, map.path("interval"), {std::chrono::seconds(10), 30 * kDay}, "10m", out.interval);
  if (const Node* keep = map.take("keep")) read_integer(context, *keep, map.path("keep"), Range<std::uint32_t>{3, 1'000}, out.keep);
  if (const Node* interval = map.take("verify_interval"))
    read_pause(context, *interval, map.path("verify_interval"), {std::chrono::seconds(10), 365 * kDay}, "1d", out.verify_interval);
  map.finish();
}

void read_logging(Context& context, const Node& node, NodeConfig& out) {
  MapReader map(context, node, "logging");
  if (const Node* level = map.take("level")) {
    std::vector<std::pair<std::string, std::string>> levels;
    for (const char* word : {"trace", "debug", "info", "warn", "error"}) levels.emplace_back(word, word);
    read_enum(context, *level, map.path("level"), levels, out.logging_level);
  }
  if (const Node* format = map.take("format")) {
    static const std::vector<std::pair<std::string, LogFormat>> kFormats = {
        {"auto", LogFormat::automatic}, {"text", LogFormat::text}, {"json", LogFormat::json}};
    read_enum(context, *format, map.path("format"), kFormats, out.logging_format);
  }
  map.finish();
}

}  // namespace

void read_node(Context& context, const Node& root, NodeConfig& out) {
  if (const std::string wrong = other_kind(root, ConfigKind::node); !wrong.empty())
    return context.findings.add(root.place, wrong);
  MapReader map(context, root, "");
  if (const Node* name = map.take("node"); name != nullptr && read_text(context, *name, "node", out.node)) {
    (void)read_name(context, name->place, out.node, "the node name");
  }
  if (const Node* data = map.take("data")) read_text(context, *data, "data", out.data);
  if (const Node* log = map.take("log")) {
    MapReader inside(context, *log, "log");
    if (const Node* embedded = inside.take("embedded")) read_embedded_log(context, *embedded, out);
    inside.finish();
  }
  if (const Node* http = map.take("http")) read_http(context, *http, out);
  if (const Node* limits = map.take("limits")) read_limits(context, *limits, out);
  if (const Node* supervision = map.take("supervision")) read_supervision(context, *supervision, out);
  if (const Node* snapshots = map.take("snapshots")) read_snapshots(context, *snapshots, out.snapshots);
  if (const Node* logging = map.take("logging")) read_logging(context, *logging, out);
  if (const Node* plugins = map.take("plugins")) read_plugins(context, *plugins, out.plugins);
  if (const Node* services = map.take("services")) read_services(context, *services, out.services);
  map.finish();
}

}  // namespace weir::yaml
