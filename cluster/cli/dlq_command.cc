#include <memory>
#include <utility>
#include <vector>

#include "cluster/cli/dlq_options.h"

namespace weir::cli {

namespace {

void add_change(Level command, LetterOptions& options) {
  add_node(command, options.source.node);
  command.add_option("--data", options.source.data, "Refused: stages must run for this; weir up PIPELINE.yaml --data DIR runs them").type_name("DIR");
  add_trust(command, options.source.trust);
  command.add_option("--why", options.why, "Why, for the audit log: at most 1 KiB").type_name("TEXT");
}

void add_choice(Level command, LetterOptions& options) {
  add_filters(command, options);
  add_change(command, options);
  command.add_flag("--all", options.all, "Every open dead letter; without a filter this must be said");
  command.add_option("--tries", options.tries, "How often those are asked for that cannot be changed yet").type_name("N").between(1, 10'000).shown_default("10");
  command.add_option("--pause", options.pause, "Between those tries").type_name("DURATION").shown_default("1s");
}

/// The subcommands, and what each does.
using Actions = std::vector<std::pair<Level, Run>>;

void add_reading(Level root, const std::shared_ptr<LetterOptions>& shared, Actions& actions) {
  LetterOptions& options = *shared;
  const Level lister = root.add_command("list", "Dead letters by reason, stage, time, id, field");
  lister.footer("Example: weir dlq list --data ./sales --reason field_range --limit 10\n"
                "         weir dlq list --where Country=Oz --from 2026-03-01");
  add_source(lister, options.source);
  add_filters(lister, options);
  lister.add_option("--limit", options.limit, "Letters printed; 0: all").shown_default("100").type_name("N");
  add_output(lister, options.output);

  const Level shower = root.add_command("show", "Everything about the dead letters of one event");
  shower.footer("Example: weir dlq show 1bcaaf794c6c55336c1b28bf68317c07 --data ./sales");
  shower.add_option("id", options.id, "Event id").required().type_name("ID");
  add_source(shower, options.source);
  add_output(shower, options.output);

  const Level exporter = root.add_command("export", "All letters as NDJSON, or only their frames, to be mended and read again; unchanged they are duplicates while their ids are remembered");
  exporter.footer("Example: weir dlq export --data ./sales --raw > again.csv\n"
                  "         weir dlq export --headers spring > letters.ndjson\n"
                  "With --headers each line is a message: topic, partition, offset, timestamp, key, headers, value. Spring's partition, offset and\n"
                  "timestamp are binary, big-endian, and come as value_base64.");
  add_source(exporter, options.source);
  add_filters(exporter, options);
  const Option raw = exporter.add_flag("--raw", options.raw, "Only the original frames, edited ones as they were edited");
  exporter.add_option("--headers", options.headers, "Messages with the headers that dead-letter topics of this tool have").one_of({"kafka-connect", "spring"}).excludes(raw);
  actions.emplace_back(lister, [shared] { return list_letters(*shared); });
  actions.emplace_back(shower, [shared] { return show_letters(*shared); });
  actions.emplace_back(exporter, [shared] { return export_letters(*shared); });
}

void add_changing(Level root, const std::shared_ptr<LetterOptions>& shared, Actions& actions) {
  LetterOptions& options = *shared;
  const Level redriver = root.add_command("redrive", "Send dead letters through all stages again, edited ones as they were edited; each is served at most once");
  redriver.footer("Example: weir dlq redrive --reason enrich_miss --why 'countries.csv has Oz now'\n"
                  "         weir dlq redrive --all\n"
                  "Of a running node, page by page. Exit code 1: nothing is there to be redriven; 3: some could not be redriven yet, after all tries;\n"
                  "4: some are in conflict with another event of their id: they can be shown, exported and dropped.");
  add_choice(redriver, options);

  const Level editor = root.add_command("edit", "Write other bytes in place of the original ones of a dead letter; the original ones are kept");
  editor.footer("Example: weir dlq edit B-000002 --payload mended.json --why 'guests were 2'\n"
                "         echo '3,apple,1,3.20,2026-03-02 10:00:00' | weir dlq edit 3 --payload -\n"
                "A redrive then uses them. They must have the id of the event. Exit code 1: there is no such letter; 4: it is in conflict with\n"
                "another event of its id.");
  editor.add_option("id", options.id, "Event id").required().type_name("ID");
  editor.add_option("--payload", options.payload, "File with the new bytes, - for stdin: a frame in the format of the old one, CSV without its header line").required().type_name("FILE");
  editor.add_option("--offset", options.offset, "Which one, where the id has several").type_name("N");
  add_change(editor, options);

  const Level dropper = root.add_command("drop", "Close dead letters for good: they are neither served nor shown any more, and count as dropped");
  dropper.footer("Example: weir dlq drop --id 3 --why 'a test order'\n"
                 "Of a running node, page by page. Exit code 1: nothing is there to be dropped; 3: some could not be dropped yet, after all tries.");
  add_choice(dropper, options);
  actions.emplace_back(redriver, [shared] { return change_letters(*shared, LetterChange::redrive); });
  actions.emplace_back(editor, [shared] { return edit_letter(*shared); });
  actions.emplace_back(dropper, [shared] { return change_letters(*shared, LetterChange::drop); });
}

}  // namespace

Command make_dlq(Level root) {
  auto options = std::make_shared<LetterOptions>();
  const Level app = root.add_command("dlq", "Dead letters: events that could not be served, with their original bytes");
  app.require_command();
  app.footer("Example: weir dlq list --data ./sales --reason field_range");
  Actions actions;
  add_reading(app, options, actions);
  add_changing(app, options, actions);
  return {app, [actions = std::move(actions)] {
            for (const auto& [level, act] : actions)
              if (level.parsed()) return act();
            return kUsage;  // not reached: one of them is required
          }};
}

}  // namespace weir::cli
