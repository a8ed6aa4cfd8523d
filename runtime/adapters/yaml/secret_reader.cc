#include "runtime/adapters/yaml/secret_reader.h"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

namespace weir::yaml {
namespace {

constexpr std::size_t kSecretBytesMax = 64 * 1024;

/// What is wrong with the file, or "" and its content.
std::string read_content(const std::filesystem::path& path, std::string& text) {
  std::error_code error;
  const auto status = std::filesystem::status(path, error);  // through links: mounted secrets are links
  if (error || !std::filesystem::exists(status)) return "there is no such file";
  if (!std::filesystem::is_regular_file(status)) return "it is not a regular file";
  errno = 0;
  std::ifstream in(path, std::ios::binary);
  if (!in) return std::strerror(errno);
  text.assign(kSecretBytesMax + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(in.gcount()));
  if (text.size() > kSecretBytesMax) return "it is longer than 64KiB";
  if (text.ends_with('\n')) text.pop_back();
  if (text.ends_with('\r')) text.pop_back();
  if (text.empty()) return "it is empty";
  if (text.find_first_of(std::string_view("\n\r\0", 3)) != std::string::npos) return "it holds more than one line of text";
  return {};
}

}  // namespace

bool read_secret(Context& context, const Node& node, const std::string& name, Secret& out) {
  std::string file;
  if (!read_text(context, node, name, file)) return false;
  const std::filesystem::path path = std::filesystem::path(context.folder) / file;  // an absolute name stays as it is
  std::string text;
  if (const std::string problem = read_content(path, text); !problem.empty()) {
    context.findings.add(node.place, fmt::format("\"{}\": the secret in \"{}\" cannot be read: {}", name,
                                                 path.lexically_normal().string(), problem));
    return false;
  }
  out = Secret(std::move(text));
  return true;
}

}  // namespace weir::yaml
