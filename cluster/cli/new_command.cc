#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "cluster/cli/command.h"
#include "cluster/cli/new_files.h"

namespace weir::cli {

namespace {

struct Options {
  const NewKind* kind = nullptr;
  std::string name;
  std::string out;
  bool lua = false;
};

/// Nothing that is there is touched.
Result<void> make_folder(const std::filesystem::path& folder) {
  std::error_code error;
  if (std::filesystem::exists(folder, error) && (!std::filesystem::is_directory(folder, error) || !std::filesystem::is_empty(folder, error)))
    return fail(Errc::limit_reached, "{} is there already, and nothing is written over; name another folder with --out, or take it away", folder.string());
  std::filesystem::create_directories(folder, error);
  if (error) return fail(Errc::io_failed, "{}: the folder cannot be made: {}; name another one with --out", folder.string(), error.message());
  return {};
}

Result<void> write(const std::filesystem::path& file, const std::string& text) {
  errno = 0;
  std::ofstream out(file, std::ios::binary);
  out << text;
  out.close();
  if (!out) return fail(Errc::io_failed, "{}: cannot be written: {}", file.string(), std::strerror(errno));
  return {};
}

Result<void> make(const Options& options) {
  WEIR_TRY(check_new_name(*options.kind, options.name));
  const std::filesystem::path folder = options.out.empty() ? std::filesystem::path(options.name) : std::filesystem::path(options.out);
  WEIR_TRY(make_folder(folder));
  for (const NewFile& file : new_files(*options.kind, options.name, options.lua ? NewLanguage::lua : NewLanguage::cpp)) {
    WEIR_TRY(write(folder / file.name, file.text));
    fmt::print("{}\n", (folder / file.name).string());
  }
  if (options.lua) {
    fmt::print(stderr, "weir: two scripts, a pipeline that uses them, and its tests; next:\n  weir test {}\n", (folder / "pipeline.yaml").string());
  } else {
    fmt::print(stderr,
               "weir: a {1}, its tests, and a pipeline that uses it; next:\n  cmake -S {0} -B {0}/build && cmake --build {0}/build && ctest --test-dir {0}/build\n"
               "then README.md there says how it is used\n",
               folder.string(), options.kind->name);
  }
  return {};
}

}  // namespace

Command make_new(Level root) {
  auto options = std::make_shared<Options>();
  const Level app = root.add_command("new", "A folder with something of your own: code, tests, a pipeline that uses it");
  app.require_command();
  app.footer("Example: weir new stage fraud_score --out fraud_score");
  std::vector<std::pair<Level, const NewKind*>> levels;
  for (const NewKind& kind : new_kinds()) {
    const Level level = app.add_command(std::string(kind.name), std::string(kind.about));
    std::string example = fmt::format("Example: weir new {} {}\n", kind.name, kind.example);
    if (kind.lua) example += fmt::format("         weir new {0} {1} --lua --out scripts/{1}\n", kind.name, kind.example);
    level.footer(example + "Prints the files it writes; nothing that is there is written over (exit code 4).");
    level.add_option("name", options->name, "What pipeline files call it: lower-case letters, digits, _").required().type_name("NAME");
    level.add_option("--out", options->out, "The folder to make; else one called NAME").type_name("DIR");
    if (kind.lua) level.add_flag("--lua", options->lua, "Scripts instead, for transform and validate: nothing to build");
    levels.emplace_back(level, &kind);
  }
  return {app, [options, levels] {
            for (const auto& [level, kind] : levels) {
              if (level.parsed()) options->kind = kind;
            }
            const auto made = make(*options);
            return made ? kDone : report(made.error());
          }};
}

}  // namespace weir::cli
