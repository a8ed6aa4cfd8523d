#!/usr/bin/env python3
"""Changes a pipeline over existing data and compares what weir plan said with what then happens."""

import argparse
import json
import os
import signal
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
from outside.weir import Scratch, Weir, find_binary  # noqa: E402

EVENTS = 2_000
HEAD = "pipeline: changing\npartitions: 4\nrecord: {format: ndjson, id: id, time: {field: at, format: unix}}\n"
STAGES = "stages: [{transform: {set: {source: {const: FIRST}}}}]\n"
VIEWS = {
    "by_shop": "{group_by: [shop], measures: {sum: {sum: amount}}}",
    "newest": "{latest: shop}",
}


def views(**changed) -> str:
    """The section; None takes a view away."""
    wanted = {name: text for name, text in {**VIEWS, **changed}.items() if text}
    return "views:\n" + "".join(f"  {name}: {text}\n" for name, text in wanted.items())


def events(begin: int, end: int) -> str:
    lines = (json.dumps({"id": f"e{i}", "shop": f"s{i % 7}", "town": f"t{i % 3}", "amount": i % 10, "at": 1_700_000_000 + i}) for i in range(begin, end))
    return "".join(line + "\n" for line in lines)


class Changes(unittest.TestCase):
    weir: Weir
    faults: Weir

    def setUp(self):
        scratch = Scratch()
        self.folder = scratch.__enter__()
        self.addCleanup(scratch.__exit__, None, None, None)
        self.data = os.path.join(self.folder, "data")
        self.input = self.write("events.ndjson", events(0, EVENTS))
        self.first = self.write("first.yaml", HEAD + STAGES + views())
        self.weir.expect(0, "run", self.first, self.input, "--data", self.data)

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        return path

    def plan(self, pipeline, code=0):
        ended = self.weir.expect(code, "plan", pipeline, "--data", self.data, "--output", "json")
        return {row["what"]: row for row in json.loads(ended.out)}

    def fresh(self, pipeline, view, inputs):
        """The rows of a pipeline that saw all inputs from the start."""
        data = os.path.join(self.folder, f"fresh-{len(os.listdir(self.folder))}")
        self.weir.expect(0, "run", pipeline, *inputs, "--data", data)
        return self.weir.rows(view, data)

    def listed(self):
        ended = self.weir.expect(0, "view", "list", "--data", self.data, "--output", "json")
        return {row["view"]: row["state"] for row in json.loads(ended.out)}

    def test_the_same_pipeline_changes_nothing(self):
        comments = self.write("comments.yaml", "# the same\n" + HEAD + "dedupe: {remember: 168h}\n" + STAGES + views())
        self.assertEqual({row["change"] for row in self.plan(comments).values()}, {"unchanged"})

    def test_changed_stages_hold_from_the_next_batch_on(self):
        changed = self.write("changed.yaml", HEAD + STAGES.replace("FIRST", "SECOND") + views(newest="{latest: '@id', fields: [source]}"))
        plan = self.plan(changed)
        self.assertEqual(plan["stages"]["change"], "in place")
        self.assertEqual(plan["view newest"]["change"], "rebuilt")
        self.assertEqual(plan["view by_shop"]["change"], "unchanged")
        more = self.write("more.ndjson", events(EVENTS, EVENTS + 100))
        self.weir.expect(0, "run", changed, more, "--data", self.data)
        sources = {str(row["id"]): row["source"] for row in self.weir.rows("newest", self.data)}
        self.assertEqual(len(sources), EVENTS + 100)
        for i in range(EVENTS + 100):
            self.assertEqual(sources[f"e{i}"], "FIRST" if i < EVENTS else "SECOND", i)
        self.assertEqual({row["change"] for row in self.plan(changed).values()}, {"unchanged"})

    def test_a_changed_remember_and_a_changed_retain_rebuild_nothing(self):
        windows = "{windows: [day], measures: {n: count}}"
        first = self.write("windows.yaml", HEAD + STAGES + views(days=windows))
        self.weir.expect(0, "run", first, "--data", self.data)
        changed = self.write("retain.yaml", HEAD + "dedupe: {remember: 1d}\n" + STAGES + views(days=windows.replace("{windows", "{retain: 9d, windows")))
        plan = self.plan(changed)
        self.assertEqual(plan["dedupe.remember"]["change"], "in place")
        self.assertEqual(plan["view days"]["change"], "in place")

    def test_a_changed_remember_forgets_no_id_that_it_holds_for(self):
        duplicates = 0
        for end, remember in ((EVENTS + 8, "1d"), (EVENTS + 16, "30d")):
            changed = self.write(f"{remember}.yaml", HEAD + f"dedupe: {{remember: {remember}}}\n" + STAGES + views())
            # The new window is at work before the repeats come.
            self.weir.expect(0, "run", changed, self.write(f"new-{end}.ndjson", events(end - 8, end)), "--data", self.data)
            self.weir.expect(0, "run", changed, self.write(f"again-{end}.ndjson", events(0, end)), "--data", self.data)
            duplicates += end
            total = self.weir.ledger(self.data)["total"]
            self.assertEqual((total["served"], total["duplicate"]), (end, duplicates), remember)

    def test_new_and_changed_views_are_built_from_the_log(self):
        changed = self.write("changed.yaml", HEAD + STAGES + views(by_shop="{group_by: [shop, town], measures: {n: count}}", towns="{group_by: [town], measures: {sum: {sum: amount}}}"))
        plan = self.plan(changed)
        self.assertEqual(plan["view by_shop"]["change"], "rebuilt")
        self.assertEqual(plan["view towns"]["change"], "rebuilt")
        self.assertEqual(plan["view towns"]["complete_since"], "")
        self.assertEqual(plan["view newest"]["change"], "unchanged")
        self.weir.expect(0, "run", changed, "--data", self.data)
        for view in ("by_shop", "towns", "newest"):
            self.assertEqual(self.weir.rows(view, self.data), self.fresh(changed, view, [self.input]), view)
        self.assertEqual(self.listed(), {"by_shop": "answers", "newest": "answers", "towns": "answers"})

    def test_a_killed_rebuild_goes_on(self):
        changed = self.write("changed.yaml", HEAD + STAGES + views(towns="{group_by: [town], measures: {sum: {sum: amount}}}"))
        # Four partitions flush in any order, so at the third flush two partitions are not filled, and one flush is still to come.
        for point in ("views_before_flush:1", "views_before_flush:3", "views_after_flush:1"):
            ended = self.faults.call("run", changed, "--data", self.data, env={"WEIR_FAIL_POINT": point})
            self.assertEqual(ended.code, -signal.SIGKILL, f"{point}: {ended}")
        self.weir.expect(0, "run", changed, "--data", self.data)
        for view in ("by_shop", "towns", "newest"):
            self.assertEqual(self.weir.rows(view, self.data), self.fresh(changed, view, [self.input]), view)

    def test_a_removed_view_is_kept_until_it_is_dropped(self):
        removed = self.write("removed.yaml", HEAD + STAGES + views(by_shop=None))
        plan = self.plan(removed)
        self.assertEqual(plan["view by_shop"]["change"], "kept")
        self.assertIn("weir view drop by_shop", plan["view by_shop"]["do"])
        self.assertIn("take it out of the pipeline file", self.weir.expect(4, "view", "drop", "by_shop", "--data", self.data).text)
        self.weir.expect(0, "run", removed, "--data", self.data)
        self.assertEqual(self.listed(), {"by_shop": "removed, rows kept", "newest": "answers"})
        # It comes back and goes on where it stopped: what was committed meanwhile is in it.
        more = self.write("more.ndjson", events(EVENTS, EVENTS + 100))
        self.weir.expect(0, "run", removed, more, "--data", self.data)
        self.assertEqual(self.plan(self.first)["view by_shop"]["change"], "in place")
        self.weir.expect(0, "run", self.first, "--data", self.data)
        self.assertEqual(self.weir.rows("by_shop", self.data), self.fresh(self.first, "by_shop", [self.input, more]))
        # Dropped, it is gone, and built anew when it is wanted again.
        self.weir.expect(0, "run", removed, "--data", self.data)
        killed = self.faults.call("view", "drop", "by_shop", "--data", self.data, env={"WEIR_FAIL_POINT": "view_drop_partition_done:2"})
        self.assertEqual(killed.code, -signal.SIGKILL, str(killed))
        self.weir.expect(0, "view", "drop", "by_shop", "--data", self.data)
        self.assertEqual(self.listed(), {"newest": "answers"})
        self.assertIn("holds no rows", self.weir.expect(2, "view", "drop", "by_shop", "--data", self.data).text)
        self.assertEqual(self.plan(self.first)["view by_shop"]["change"], "rebuilt")
        self.weir.expect(0, "run", self.first, "--data", self.data)
        self.assertEqual(self.weir.rows("by_shop", self.data), self.fresh(self.first, "by_shop", [self.input, more]))

    def test_what_may_never_change_is_refused_with_both_values(self):
        for name, text, what, detail in (
            ("partitions", HEAD.replace("partitions: 4", "partitions: 8"), "partitions", "4 -> 8"),
            ("id", HEAD.replace("id: id", "id: {fields: [id, shop]}"), "record.id", "[id] -> [id, shop]"),
            ("digest", HEAD.replace("id: id", "id: digest"), "record.id", "[id] -> digest"),
            ("name", HEAD.replace("changing", "other"), "pipeline", "changing -> other"),
        ):
            changed = self.write(f"{name}.yaml", text + STAGES + views())
            before = self.weir.rows("by_shop", self.data)
            plan = self.plan(changed, 4)
            self.assertEqual(list(plan), [what])
            self.assertEqual(plan[what]["change"], "refused")
            self.assertTrue(plan[what]["detail"].startswith(detail), plan[what])
            self.assertTrue(plan[what]["do"], name)
            ended = self.weir.expect(4, "run", changed, "--data", self.data)
            old, new = detail.split(" -> ")
            self.assertIn(f"{what} cannot change from {old} to {new} under existing data", ended.text)
            self.assertEqual(self.weir.rows("by_shop", self.data), before)

    def test_plan_needs_data_and_a_good_file(self):
        self.weir.expect(2, "plan", self.first, "--data", os.path.join(self.folder, "none"))
        self.weir.expect(2, "plan", self.write("bad.yaml", "pipeline: p\npartitions: 0\n"), "--data", self.data)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--binary")
    parser.add_argument("--faults")
    arguments, rest = parser.parse_known_args()
    Changes.weir = Weir(find_binary(arguments.binary, "weir"))
    Changes.faults = Weir(find_binary(arguments.faults, "weir-faults"))
    unittest.main(argv=[sys.argv[0], *rest])
