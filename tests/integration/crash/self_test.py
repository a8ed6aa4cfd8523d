"""The test of the crash test: against a stand-in that is right it passes, against one with a planted mistake it
fails, and where the faults meet nothing it says INVALID.
"""

import argparse
import os
import pickle
import stat
import sys
import tempfile
import unittest
from unittest import mock

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.dirname(HERE)]
import campaign as campaigns  # noqa: E402
import faults  # noqa: E402
import model as models  # noqa: E402
import workload  # noqa: E402
from outside import facts  # noqa: E402

sys.dont_write_bytecode = True
STAND_IN = os.path.join(HERE, "stand_in.py")
POINTS = ["between_append_and_commit", "after_commit"]
entry = __import__("runpy").run_path(os.path.join(HERE, "__main__.py"), run_name="crash")


def write_file(path, events):
    with open(path, "wb") as f:
        f.writelines(e.raw + b"\n" for e in events)
    with open(path + ".events", "wb") as f:
        pickle.dump(events, f)


def options_for(kills=8, points=tuple(POINTS), **more):
    options = dict(
        seed=11,
        events=400,
        kills=kills,
        kills_per_round=4,
        defect=None,
        disturb=None,
        faults=STAND_IN if points else None,
        binary=STAND_IN,
        power_cuts=False,
        seconds_max=100,
        verbose=False,
    )
    return argparse.Namespace(**dict(options, **more))


def campaign(bug=None, kills=8, points=tuple(POINTS), patience=60, **more):
    options = options_for(kills, points, **more)
    # A module that is compiled on the way would count among the bytes written.
    switches = {"STAND_IN_BUG": bug or "", "PYTHONDONTWRITEBYTECODE": "1"}
    with mock.patch.dict(os.environ, switches), mock.patch.object(workload, "write_file", write_file):
        run = campaigns.Campaign(options, list(points))
        run.patience = patience
        run.run()
    return run, options


class CampaignAgainstAStandIn(unittest.TestCase):
    def test_a_right_program_passes_and_every_fail_point_was_hit(self):
        run, options = campaign(kills=8)
        self.assertIsNone(entry["invalid_because"](run, options))
        self.assertEqual(set(POINTS), set(run.witness.points))
        self.assertGreaterEqual(run.witness.pictures, run.witness.rounds)

    def test_each_planted_mistake_is_found(self):
        for bug, words in (
            ("skips_one_after_a_restart", "expected|no prefix"),
            ("repeats_some_after_a_restart", "expected|no prefix|were sent"),
            ("forgets_ids_at_a_restart", "duplicate is"),
            ("position_goes_back", "position|decided"),
            ("is_never_late", "served|dead_lettered"),
            ("counts_one_too_many", "served"),
            ("loses_one_and_doubles_one", "lost"),
            ("alters_a_row", "altered"),
            ("changes_a_dead_letter", "altered"),
            ("ends_with_an_error", "ended with 70"),
        ):
            with self.subTest(bug=bug):
                with self.assertRaises(campaigns.Finding) as found:
                    campaign(bug, kills=6)
                self.assertRegex("\n".join(found.exception.findings), words)

    def test_a_run_that_does_not_end_is_found(self):
        with self.assertRaises(campaigns.outside.Hang):
            campaign("stands_still", kills=2, points=(), patience=2)

    def test_a_campaign_whose_kills_meet_nothing_is_invalid(self):
        with mock.patch.object(campaigns.outside.Running, "kill", lambda self: False):
            run, options = campaign(points=(), seconds_max=1.5, kills=3)
        self.assertIn("met a running process", entry["invalid_because"](run, options))

    def test_a_fail_point_that_is_never_reached_makes_a_long_run_invalid(self):
        options = options_for(kills=12)
        run = campaigns.Campaign(options, POINTS + ["nowhere"])
        run.witness.kills = run.witness.middle = 12
        run.witness.seen = dict.fromkeys(("duplicate", "conflict", "superseded", "rejected", "served", "late"), 1)
        run.witness.points = dict.fromkeys(POINTS, 6)
        self.assertIn("nowhere", entry["invalid_because"](run, options))
        run.witness.points["nowhere"] = 1
        self.assertIsNone(entry["invalid_because"](run, options))

    def test_power_cuts_find_a_program_that_never_syncs_and_pass_one_that_does(self):
        with tempfile.TemporaryDirectory() as folder:
            why_not = faults.power_cut_possible(folder)
        if why_not:
            self.skipTest(why_not)
        run, options = campaign(points=(), power_cuts=True, kills=3)
        self.assertIsNone(entry["invalid_because"](run, options))
        with self.assertRaises(campaigns.Finding):
            campaign("never_syncs", points=(), power_cuts=True, kills=12)


class ModelRules(unittest.TestCase):
    """One partition's worth of hand-written histories."""

    def outcome(self, *events, late="dead_letter"):
        """Of (bytes, fault) or (bytes, fault, time in ms)."""
        model = models.Model(late)
        model.send([workload.Event(raw, "x", fault, "hand", *(at or [1000]), "acc-1", 150, 2) for raw, fault, *at in events])
        model.decide_until(model.sent_until(len(events)))
        counts = next(p for p in model.partitions if p.decided)
        return counts.counts, [(at, x.reasons) for at, x in counts.letters.items()], len(model.served)

    def check(self, events, letters, late="dead_letter", **counts):
        found, open_letters, served = self.outcome(*events, late=late)
        self.assertEqual(dict(dict(served=0, duplicate=0, dead_lettered=0, superseded=0, expired=0), **counts), found)
        self.assertEqual(letters, open_letters)
        self.assertEqual(counts.get("served", 0), served)

    bad = {"field_range"}

    def test_same_bytes_are_a_duplicate_after_success_and_after_rejection(self):
        self.check([(b"a", None), (b"a", None)], [], served=1, duplicate=1)
        self.check([(b"a", self.bad), (b"a", self.bad)], [(0, self.bad)], dead_lettered=1, duplicate=1)

    def test_other_bytes_after_success_are_a_conflict_each_time_and_own_nothing(self):
        self.check(
            [(b"a", None), (b"b", None), (b"b", None), (b"a", None)],
            [(1, {"conflict"}), (2, {"conflict"})],
            served=1,
            dead_lettered=2,
            duplicate=1,
        )

    def test_other_bytes_after_a_rejection_take_over_whatever_their_verdict(self):
        self.check(
            [(b"a", self.bad), (b"b", None), (b"a", self.bad)],
            [(2, {"conflict"})],
            served=1,
            superseded=1,
            dead_lettered=1,
        )
        self.check(
            [(b"a", self.bad), (b"b", {"time"}), (b"a", self.bad), (b"b", {"time"})],
            [(3, {"time"})],
            superseded=3,
            dead_lettered=1,
        )

    def test_what_lies_too_far_behind_the_served_ones_is_late_whatever_else_is_wrong_with_it(self):
        limit = 1_000_000 - workload.LATE_MS
        # The limit itself is not late; what cannot be read has no time; same id, other bytes is a conflict before anything else.
        self.behind(limit, None, set())
        self.behind(limit, self.bad, self.bad)
        self.behind(limit - 1, None, {"late"})
        self.behind(limit - 1, self.bad, {"late"})
        self.behind(0, {"time"}, {"time"})
        self.check([(b"b", None, 1_000_000), (b"c", None, limit - 1)], [(1, {"conflict"})], served=1, dead_lettered=1)
        # Only served events move the time.
        self.check([(b"a", self.bad, 2_000_000), (b"b", None, 1_000)], [], served=1, superseded=1)

    def behind(self, at, fault, reasons):
        """Of an event behind a served one of 1,000,000 ms, with another id of its partition."""
        other = next(f"x{i}" for i in range(1000) if facts.partition_of(f"x{i}", 4) == facts.partition_of("x", 4))

        def event(raw, event_id, fault, at):
            return workload.Event(raw, event_id, fault, "hand", at, "acc-1", 150, 2)

        first, then = event(b"a", "x", None, 1_000_000), event(b"b", other, fault, at)
        for late in ("dead_letter", "expire"):
            with self.subTest(at=at, fault=fault, late=late):
                expires = reasons == {"late"} and late == "expire"
                model = models.Model(late)
                model.send([first, then, then, event(b"c", other, None, 1_000_001)])
                model.decide_until(model.sent_until(2))
                part = next(p for p in model.partitions if p.decided)
                self.assertEqual(int(expires), part.counts["expired"])
                self.assertEqual([reasons] if reasons and not expires else [], [x.reasons for x in part.letters.values()])
                # The same once more is a duplicate; other bytes take over what is late.
                model.decide_until(model.sent_until(4))
                self.assertEqual(1, part.counts["duplicate"])
                self.assertEqual(2, part.counts["served"])
                self.assertEqual((int(bool(reasons) and not expires), int(expires)), (part.counts["superseded"], model.seen["reopened"]))

    def test_windows_that_ended_too_long_ago_are_hidden(self):
        model = models.Model()
        far = 100 * models.MINUTE_MS
        kept = far - models.RETAIN_MS - models.MINUTE_MS
        for at in (kept - models.MINUTE_MS, kept, far):
            model.partitions[0].greatest_ms = max(at, model.partitions[0].greatest_ms)
            model._serve(workload.Event(b"a", f"{at}", None, "hand", at, "acc-1", 150, 2))
        self.assertEqual([kept * 1000, far * 1000], [row[1] for row in model.minute_rows()])

    def test_the_workload_is_a_pure_function_and_has_every_outcome(self):
        first = [workload.event(5, i) for i in range(3000)]
        workload.event.cache_clear()
        self.assertEqual(first, [workload.event(5, i) for i in range(3000)])
        self.assertNotEqual(first, [workload.event(6, i) for i in range(3000)])
        model = models.Model()
        model.send(first)
        model.decide_until(model.sent_until(len(first)))
        self.assertGreater(min(count for name, count in model.seen.items() if name != "reopened"), 20)
        expiring = models.Model("expire")
        expiring.send(first)
        expiring.decide_until(expiring.sent_until(len(first)))
        self.assertGreater(expiring.seen["reopened"], 5)
        self.assertEqual(sum(p.counts["expired"] for p in expiring.partitions), expiring.seen["late"])
        reasons = set().union(*(x.reasons for p in model.partitions for x in p.letters.values()))
        self.assertLessEqual(
            {"malformed", "encoding", "conflict", "time", "field_range", "field_type", "field_missing", "number_range"},
            reasons,
        )

    def test_valid_events_are_json_with_the_id_the_model_says(self):
        for i in range(3000):
            event = workload.event(9, i)
            if event.fault is None and event.kind != "nameless":
                found = facts.parse_json(event.raw).get("id")
                if found is not None:
                    self.assertEqual(event.id, found.removeprefix(facts.NUMBER_MARK))

    def test_a_mean_has_six_more_digits_and_rounds_half_to_even(self):
        self.assertEqual("0.33333333", facts.average_text(models.Decimal("1.00"), 3))
        self.assertEqual("0.00390625", facts.average_text(models.Decimal("1.00"), 256))
        self.assertEqual("0.00195312", facts.average_text(models.Decimal("1.00"), 512))


if __name__ == "__main__":
    os.chmod(STAND_IN, os.stat(STAND_IN).st_mode | stat.S_IXUSR)
    unittest.main()
