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
        run.witness.seen = dict.fromkeys(("duplicate", "conflict", "superseded", "rejected", "served"), 1)
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

    def outcome(self, *events):
        model = models.Model()
        model.send([workload.Event(raw, "x", fault, "hand", 1000, "acc-1", 150, 2) for raw, fault in events])
        model.decide_until(model.sent_until(len(events)))
        counts = next(p for p in model.partitions if p.decided)
        return counts.counts, [(at, x.reasons) for at, x in counts.letters.items()], len(model.served)

    def check(self, events, letters, **counts):
        found, open_letters, served = self.outcome(*events)
        self.assertEqual(dict(dict(served=0, duplicate=0, dead_lettered=0, superseded=0), **counts), found)
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

    def test_the_workload_is_a_pure_function_and_has_every_outcome(self):
        first = [workload.event(5, i) for i in range(3000)]
        workload.event.cache_clear()
        self.assertEqual(first, [workload.event(5, i) for i in range(3000)])
        self.assertNotEqual(first, [workload.event(6, i) for i in range(3000)])
        model = models.Model()
        model.send(first)
        model.decide_until(model.sent_until(len(first)))
        self.assertGreater(min(model.seen.values()), 20)
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
