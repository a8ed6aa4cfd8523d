#include "runtime/adapters/yaml/retention_keys.h"

#include "runtime/adapters/yaml/config_shapes.h"
#include "runtime/ports/pipeline_config.h"

namespace weir::yaml {

using Form = Shape::Form;

Key dead_letters_key() {
  return key("dead_letters",
             map({
                 key("retain", between(Form::duration, "1s", "36500d"), "how long one is kept after it became one").otherwise("for ever"),
                 key("bytes_max", between(Form::size, "1MiB", "1TiB"), "what all of a partition may take; the oldest leave").otherwise("no bound"),
             }),
             "how long dead letters are kept; those that leave are counted as expired")
      .otherwise("all are kept until they are redriven or dropped")
      .example("{retain: 90d, bytes_max: 1GiB}");
}

Key biography_key() {
  const BiographyConfig defaults;
  return key("biography",
             map({
                 key("retain", between(Form::duration, "1m", "36500d"), "how long, after what was last done with an event")
                     .by_default(format_duration(defaults.retain)),
                 key("bytes_max", between(Form::size, "1MiB", "1TiB"),
                     "what the index of all partitions may take, some 25 bytes for each time that something is decided of an event; the oldest leave")
                     .by_default(format_size(defaults.bytes_max)),
             }),
             "how long `weir where` knows events; of one whose bytes have left the log it tells what became of it, without records and details")
      .example("{retain: 30d, bytes_max: 20GiB}");
}

}  // namespace weir::yaml
