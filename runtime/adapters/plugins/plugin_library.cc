#include "runtime/adapters/plugins/plugin_library.h"

#include <dlfcn.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "runtime/base/hash.h"

namespace weir {

namespace {

constexpr const char* kOpener = "weir_plugin_open";

Result<std::string> read_whole(const std::string& file) {
  std::error_code error;
  const auto status = std::filesystem::status(file, error);
  if (error || !std::filesystem::exists(status)) return fail(Errc::config_invalid, "there is no such file; build the plugin, or mend its name");
  if (!std::filesystem::is_regular_file(status)) return fail(Errc::config_invalid, "it is no regular file; name the shared object (.so) itself");
  errno = 0;
  std::ifstream in(file, std::ios::binary);
  if (!in) return fail(Errc::config_invalid, "{}", std::strerror(errno));
  std::ostringstream text;
  text << in.rdbuf();
  return std::move(text).str();
}

/// The loader's own words without the file's name in front, which stands before them anyway.
std::string why_not(const std::string& file) {
  const char* const said = ::dlerror();
  std::string text = said == nullptr ? "the system does not say why" : said;
  if (text.starts_with(file + ": ")) text.erase(0, file.size() + 2);
  return text;
}

constexpr std::string_view kMacros = "WEIR_STAGE, WEIR_SINK, WEIR_SOURCE, WEIR_VIEW or WEIR_SERVICE";

Result<PluginKinds> open_kinds(weir_plugin_opener open, const weir_host& host, const std::string& file, const Digest128& content) {
  std::array<char, 1'024> said;
  weir_message why{said.data(), said.size(), 0};
  const weir_plugin* const plugin = open(&host, &why);
  if (plugin == nullptr)
    return fail(Errc::config_invalid, "what it says about itself failed: {}", std::string_view(said.data(), std::min<std::size_t>(why.size, said.size())));
  return read_kinds(*plugin, file, content);
}

/// What services share with weir beside plain C; before anything of them runs.
Result<void> check_services(const std::optional<ServiceStamp>& stamp, const ServiceGround& ground) { return stamp ? check_service_stamp(*stamp, ground.stamp) : Result<void>(); }
/// And once they are opened.
Result<void> check_services(const PluginKinds& kinds, bool stamped, const ServiceGround& ground) {
  if (!kinds.services.empty() && !stamped)
    return fail(Errc::config_invalid, "it has a service and does not say how it was built; register it with WEIR_SERVICE of weir/service.h");
  for (const auto& service : kinds.services) {
    if (service->raw.core() != ground.core)
      return fail(Errc::config_invalid,
                  "its service \"{}\" has a CAF of its own; link it with the shared library of CAF that weir has (find_package(weir COMPONENTS "
                  "service)), not with another copy",
                  service->name);
  }
  return {};
}

Result<PluginKinds> load_one(const std::string& file, const weir_host& host, const ServiceGround& ground) {
  WEIR_ASSIGN(const std::string bytes, read_whole(file));
  if (!bytes.starts_with("\177ELF")) return fail(Errc::config_invalid, "it is no shared object; name the .so that the build of the plugin makes");
  const auto stamp = read_stamp(bytes);
  if (!stamp)
    return fail(Errc::config_invalid, "it is no plugin of weir: {}; write {}(\"name\", Type), or begin with weir new", stamp.error().context, kMacros);
  WEIR_TRY(check_stamp(*stamp, own_stamp()));
  const auto service_stamp = read_service_stamp(bytes);
  WEIR_TRY(check_services(service_stamp, ground));
  const Digest128 content = xxh3_128(bytes);
  // With a slash, or the loader would look for it elsewhere.
  const std::string path = std::filesystem::absolute(file).string();
  void* const handle = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (handle == nullptr)
    return fail(Errc::config_invalid, "it cannot be loaded: {}; it was built with {} and {}: build it on this system", why_not(path), stamp->compiler, stamp->library);
  const auto open = reinterpret_cast<weir_plugin_opener>(::dlsym(handle, kOpener));
  if (open == nullptr) return fail(Errc::config_invalid, "it does not export {}; include the header of its kinds, such as weir/stage.h, and do not hide it with a linker script", kOpener);
  WEIR_ASSIGN(PluginKinds kinds, open_kinds(open, host, file, content));
  // What is loaded must be what was looked at.
  const auto again = read_whole(file);
  if (!again || xxh3_128(*again) != content) return fail(Errc::config_invalid, "it changed while it was loaded; start again when it is whole");
  WEIR_TRY(check_services(kinds, service_stamp.has_value(), ground));
  return kinds;
}

std::string placed(const NamedFile& file, const std::string& text) {
  const ConfigPlace& place = file.place;
  const std::string where = place.line == 0 ? place.file : fmt::format("{}:{}:{}", place.file, place.line, place.column);
  return fmt::format("{}: the plugin \"{}\" cannot be used: {}", where, file.name, text);
}

/// That of the process: also where its file has been replaced since, it is this one that runs.
constexpr const char* kOwnFile = "/proc/self/exe";

std::string own_path() {
  std::error_code error;
  const std::string path = std::filesystem::read_symlink(kOwnFile, error).string();
  return error ? "this program" : path;
}

Result<PluginKinds> open_linked(const LinkedKinds& linked, const weir_host& host, const ServiceGround& ground) {
  auto stamp = read_stamp(linked.stamp);
  if (!stamp) return fail(Errc::config_invalid, "it does not say which weir it was built for; build it with weir_add_program() of the package");
  stamp->sanitizer = "none";  // its runtime is in the program from the start
  WEIR_TRY(check_stamp(*stamp, own_stamp()));
  WEIR_ASSIGN(const std::string bytes, read_whole(kOwnFile));
  const auto service_stamp = read_service_stamp(bytes);
  WEIR_TRY(check_services(service_stamp, ground));
  WEIR_ASSIGN(PluginKinds kinds, open_kinds(linked.open, host, own_path(), xxh3_128(bytes)));
  WEIR_TRY(check_services(kinds, service_stamp.has_value(), ground));
  return kinds;
}

}  // namespace

Result<PluginKinds> linked_kinds(const LinkedKinds& linked, const weir_host& host, const ServiceGround& ground) {
  auto kinds = open_linked(linked, host, ground);
  if (!kinds) return fail(Errc::config_invalid, "what is linked into {} cannot be used: {}", own_path(), kinds.error().context);
  return kinds;
}

Result<PluginKinds> load_plugins(std::span<const NamedFile> files, const weir_host& host, const ServiceGround& ground) {
  PluginKinds all;
  std::string findings;
  std::vector<std::filesystem::path> loaded;
  const auto find = [&](const NamedFile& file, const Error& error) { findings += (findings.empty() ? "" : "\n") + placed(file, error.context); };
  for (const NamedFile& file : files) {
    std::error_code error;
    const auto real = std::filesystem::weakly_canonical(file.name, error);
    if (std::find(loaded.begin(), loaded.end(), real) != loaded.end()) continue;
    loaded.push_back(real);
    auto kinds = load_one(file.name, host, ground);
    if (!kinds) {
      find(file, kinds.error());
    } else if (const auto added = add_kinds(all, std::move(*kinds)); !added) {
      find(file, added.error());
    }
  }
  if (!findings.empty()) return fail(Errc::config_invalid, "{}", findings);
  return all;
}

}  // namespace weir
