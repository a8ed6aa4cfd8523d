#include "runtime/adapters/yaml/inputs_keys.h"

#include "runtime/adapters/yaml/config_shapes.h"
#include "runtime/adapters/yaml/plugin_keys.h"
#include "runtime/ports/pipeline_config.h"

namespace weir::yaml {
namespace {

using Form = Shape::Form;

Shape files_input() {
  const FilesInputConfig defaults;
  return map({
      key("include", some(shape(Form::text), 64),
          "which files: paths with `*` `?` `[...]` in their parts and `**` for directories, relative to the pipeline "
          "file")
          .required()
          .example("[\"incoming/*.csv.gz\"]"),
      key("exclude", either({shape(Form::text), list(shape(Form::text), 0, 64)}),
          "files left out, likewise; without a slash it is about the name alone")
          .otherwise("none")
          .example("[\"*.tmp\"]"),
      key("follow", shape(Form::boolean),
          "true: new files and what is written to files are read until the node stops; false: what is there when the "
          "node starts is read once")
          .by_default("false"),
      key("format", words({"json", "ndjson", "csv", "cloudevents", "geojson"}), "what is in the files")
          .otherwise("by the file's name, else record.format"),
      key("poll", between(Form::duration, "50ms", "1h"), "how often directories and files are looked at; with `follow`. A file that was made and rotated away between two "
          "looks is read where a pattern means its new name, too (`app.log*`)")
          .silently(format_duration(defaults.poll)),
      key("settle", between(Form::duration, "0s", "1h"),
          "compressed, JSON and GeoJSON files are read once they have not changed for so long; with `follow`")
          .silently(format_duration(defaults.settle)),
      key("close_after", between(Form::duration, "1s", "7d"),
          "a file that was renamed or removed is read until it has not grown for so long; with `follow`")
          .silently(format_duration(defaults.close_after)),
      key("open_max", integer(1, 4'096), "files open at once; the others are opened in turn")
          .by_default(std::to_string(defaults.open_max)),
      key("files_max", integer(1, 100'000), "files followed; what is found beyond is told and left alone")
          .by_default(std::to_string(defaults.files_max)),
  });
}

}  // namespace

Shape inputs_shape(const PluginKinds& plugins) {
  const Key http = key("http", map({}), "the HTTP door of the node, always `{}`; without it the node takes no events over HTTP");
  const Key files = key("files", files_input(), "files in directories");
  std::vector<Key> kinds = {http, files};
  for (const auto& kind : plugins.sources) kinds.push_back(key(kind->name, map(plugin_keys(*kind)), "a source of " + kind->file));
  return map_of(shape(Form::name), one_key(kinds), 1, 64, kinds);
}

}  // namespace weir::yaml
