// The section `services` of a node file. All kinds come from plugins, so nothing here is weir's own but the names.
#include "runtime/adapters/yaml/reader.h"

namespace weir::yaml {
namespace {

constexpr std::size_t kServicesMax = 64;  // each has a thread

void unknown(Context& context, const Entry& found, const std::string& name) {
  std::vector<std::string> kinds;
  for (const auto& kind : context.plugins->services) kinds.push_back(kind->name);
  const std::string there = kinds.empty() ? "no plugin has one" : "the plugins have " + join(kinds);
  context.findings.add(found.place, fmt::format("unknown service \"{}\" in \"{}\"; {}{}; a service comes from a plugin: name its file under "
                                                "\"plugins\", or with --plugin",
                                                found.key, name, there, did_you_mean(found.key, kinds)));
}

/// A kind that is not known yet: what holds of all of them.
void read_shape(Context& context, const Entry& of_kind, const std::string& name) {
  (void)read_name(context, of_kind.place, of_kind.key, "the kind of a service");
  if (!MapReader(context, of_kind.value, name).valid()) return;
  for (const Entry& key : of_kind.value.entries) {
    (void)read_name(context, key.place, key.key, "the key of a service");
    Constant value;
    (void)read_constant(context, key.value, name + "." + key.key, value);
  }
}

/// {alarm: {totals_watch: {every: 10s}}}
void read_service(Context& context, const Entry& entry, std::vector<ServiceConfig>& out) {
  const std::string name = "services." + entry.key;
  const Node& node = entry.value;
  if (!read_name(context, entry.place, entry.key, "the name of a service")) return;
  if (node.kind != Node::Kind::map || node.entries.size() != 1) {
    const std::string found = node.kind == Node::Kind::map ? fmt::format("a map of {} keys", node.entries.size()) : describe_found(node);
    context.findings.add(node.place, fmt::format("\"{}\" must be a map of one kind of service with its keys, such as {{totals_watch: {{every: "
                                                 "10s}}}}; found {}",
                                                 name, found));
    return;
  }
  const Entry& of_kind = node.entries.front();
  ServiceConfig service{entry.key, of_kind.key, nullptr, {}, entry.place};
  if (context.plugins == nullptr) {
    read_shape(context, of_kind, name + "." + of_kind.key);
  } else {
    const auto* const kind = find_kind(context.plugins->services, of_kind.key);
    if (kind == nullptr) return unknown(context, of_kind, name);
    service.kind = *kind;
    MapReader map(context, of_kind.value, name + "." + of_kind.key);
    read_plugin_keys(context, map, **kind, service.values);
    map.finish();
  }
  out.push_back(std::move(service));
}

}  // namespace

void read_services(Context& context, const Node& node, std::vector<ServiceConfig>& out) {
  if (node.kind != Node::Kind::map || node.entries.size() > kServicesMax) {
    const std::string found = node.kind == Node::Kind::map ? fmt::format("{}", node.entries.size()) : describe_found(node);
    context.findings.add(node.place, fmt::format("\"services\" must be a map of at most {} services such as {{alarm: {{totals_watch: {{every: "
                                                 "10s}}}}}}, found {}",
                                                 kServicesMax, found));
    return;
  }
  for (const Entry& entry : node.entries) read_service(context, entry, out);
}

}  // namespace weir::yaml
