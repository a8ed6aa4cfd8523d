"""The test of the serving campaign: against a stand-in that is right it passes, each planted mistake is found, and a campaign
whose faults met nothing is INVALID. Single checks are shown with histories written by hand.
"""

import argparse
import os
import sys
import unittest
from unittest import mock

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.dirname(HERE)]
import campaign as campaigns  # noqa: E402
import posts  # noqa: E402
import serving  # noqa: E402
import serving_judge  # noqa: E402
import serving_stand_in  # noqa: E402
import sessions  # noqa: E402
import versions  # noqa: E402
from outside import compare, facts  # noqa: E402

sys.dont_write_bytecode = True
serving.STALL_SECONDS = 0.3  # a client that was told something wrong has ended: nobody writes any more


def campaign(bug="", kills=6, **more):
    options = dict(seed=5, kills=kills, kills_per_round=kills, clients=3, power_cuts=False, seconds_max=60, defect=None, disturb=None)
    run = serving.Campaign(argparse.Namespace(**dict(options, **more)), [])
    run.ground = type("Planted", (serving_stand_in.StandInGround,), {"bug": bug})
    run.patience = 10
    run.run()
    return run


class CampaignAgainstAStandIn(unittest.TestCase):
    def test_a_right_node_passes(self):
        for power in (False, True):
            run = campaign(kills=8, power_cuts=power)
            self.assertIsNone(serving.invalid_because(run, run.options), run.witness.line())

    def test_each_planted_mistake_is_found(self):
        for bug, words in (
            ("loses_an_acknowledged_event_at_a_kill", "lost|were acknowledged|outcomes under"),
            ("accepts_in_part", "outcomes of|lost|were acknowledged"),
            ("forgets_ids_at_a_restart", "outcomes under|by_client|biography|ledger"),
            ("ignores_tokens", "I6: a read with the token"),
            ("shows_an_older_state_after_a_restart", "I6"),
            ("counts_what_is_accepted", "outcomes under"),
            ("keeps_old_rules", "its biography says rules"),
            ("uses_an_old_table", "altered|I6: the record|I6: a read of|in force"),
            ("rebuilds_without_the_first", "by_region"),
            ("loses_a_distinct_value", "by_rules: altered"),
            ("counts_twice", "by_client: altered"),
            ("invents_an_event", "served, never sent: 'nobody'"),
            ("alters_a_letter", "other bytes"),
            ("loses_a_conflict", "conflicts, its rival was accepted"),
            ("counts_one_too_many", "ledger of partition 1"),
            ("plans_nothing", "plan v0 -> v1"),
        ):
            with self.subTest(bug=bug):
                with self.assertRaises(campaigns.Finding) as found:
                    campaign(bug, kills=8)
                self.assertRegex("\n".join(found.exception.findings), words)

    def test_a_power_cut_finds_a_node_that_never_syncs(self):
        with self.assertRaises(campaigns.Finding) as found:
            campaign("never_syncs", power_cuts=True)
        self.assertRegex("\n".join(found.exception.findings), "lost|were acknowledged|I6|outcomes under")

    def test_what_a_buffered_acknowledgement_promises_is_asked_of_a_kill_and_not_of_a_power_cut(self):
        batch = next(b for b in (posts.batch("s", 0, n) for n in range(100)) if b.buffered)
        sent = serving_judge.Sent(batch, 0)
        sent.buffered = 1
        self.assertEqual((1, 1), (sent.least(power=False), sent.most()))
        self.assertEqual((0, 1), (sent.least(power=True), sent.most()))

    def test_a_campaign_whose_kills_meet_nothing_is_invalid(self):
        kill = serving_stand_in.Process.kill
        missing = mock.patch.object(serving_stand_in.Process, "kill", lambda self, number=9: kill(self, number) and number == 15)
        with missing, mock.patch.object(serving, "STOPS_SHARE", 0):
            run = campaign(kills=3, kills_per_round=3, seconds_max=1.5)
        self.assertIn("met a running node", serving.invalid_because(run, run.options))


class Verdicts(unittest.TestCase):
    """What a good campaign must have met; without each of it the verdict is INVALID."""

    def setUp(self):
        self.run_ = serving.Campaign(argparse.Namespace(seed=1, kills=6, seconds_max=60), [])
        w = self.run_.witness
        w.kills = w.noticed = 6
        w.acked = 10_000
        w.buffered = w.singles = w.again = w.waited = w.own_reads = w.sessions_through = w.changes = w.lives = 1
        w.seen = dict.fromkeys(("repeat", "rival", "correction", "bad", "edge"), 1)
        w.decided_by = {0, 1}

    def why(self):
        return serving.invalid_because(self.run_, self.run_.options)

    def test_a_whole_campaign_is_valid(self):
        self.assertIsNone(self.why())

    def test_whatever_is_missing_makes_it_invalid(self):
        for name, too_little, word in (
            ("kills", 5, "ends met"),
            ("noticed", 1, "requests were on their way"),
            ("acked", 599, "acknowledged durably"),
            ("buffered", 0, "buffered"),
            ("singles", 0, "single"),
            ("again", 0, "sent again"),
            ("waited", 0, "outcome"),
            ("own_reads", 0, "own write"),
            ("sessions_through", 0, "across an end"),
            ("changes", 0, "change of the pipeline"),
            ("lives", 0, "biography"),
            ("seen", {"repeat": 1}, "rival"),
            ("decided_by", {0}, "one version"),
        ):
            with self.subTest(name=name), mock.patch.object(self.run_.witness, name, too_little):
                self.assertIn(word, self.why())


def fresh(number=0, quantity=7, **more):
    dice = posts.chance("hand", number)
    event = posts.order(f"h{number}", 0, dice, "fresh")
    raw = event.raw.replace(b'"quantity":%d' % event.quantity, b'"quantity":%d' % quantity)
    return event._replace(raw=raw, quantity=quantity, **more)


def batch_of(*events, **more):
    return posts.Batch(**dict(dict(client=0, number=0, events=list(events), form="ndjson", buffered=False, wait=True), **more))


class WhatAClientIsTold(unittest.TestCase):
    def row(self, event, version):
        return serving_stand_in.row_of(event, version)

    def wrong(self, words, check, *args):
        with self.assertRaises(sessions.Wrong) as found:
            check(*args)
        self.assertRegex(str(found.exception), words)

    def test_a_read_of_an_own_write_sees_it_or_what_later_rules_make_of_it(self):
        event = fresh()
        for version in (2, 3, 4):
            sessions.check_own(event, 2, 4, [self.row(event, version)])
        self.wrong("does not see", sessions.check_own, event, 2, 4, [])
        self.wrong("the record", sessions.check_own, event, 2, 4, [self.row(event, 1)])
        self.wrong("the record", sessions.check_own, event, 2, 4, [dict(self.row(event, 2), region="r9")])
        self.wrong("valid under", sessions.check_own, event, 2, 4, [self.row(event, 2)] * 2)

    def test_an_event_that_some_rules_reject_may_be_seen_or_not(self):
        edge = fresh(quantity=80)
        sessions.check_own(edge, 0, 1, [])
        sessions.check_own(edge, 0, 1, [self.row(edge, 0)])
        self.wrong("does not see", sessions.check_own, edge, 0, 0, [])
        self.wrong("valid under", sessions.check_own, edge, 1, 1, [self.row(edge, 1)])

    def test_a_session_never_goes_back_and_never_counts_what_was_not_sent(self):
        session = sessions.Session()
        for count in (3, 3, 8):
            session.check_count([{"orders": facts.number(str(count))}], 10)
        self.wrong("now sees 7", session.check_count, [{"orders": facts.number("7")}], 10)
        self.wrong("now sees 0", session.check_count, [], 10)
        self.wrong("sent 10", session.check_count, [{"orders": facts.number("11")}], 10)

    def test_outcomes_are_those_of_the_rules_in_force(self):
        batch = batch_of(fresh(0), fresh(1, quantity=80), fresh(2, kind="repeat"), fresh(3, fault={"field_range"}))
        sessions.check_outcomes(batch, 0, True, {"served": 2, "duplicate": 1, "dead_lettered": 1})
        sessions.check_outcomes(batch, 1, True, {"served": 1, "duplicate": 1, "dead_lettered": 2})
        self.wrong("expected", sessions.check_outcomes, batch, 1, True, {"served": 2, "duplicate": 1, "dead_lettered": 1})
        self.wrong("of 3 of 4", sessions.check_outcomes, batch, 0, False, {"served": 3})
        # After an attempt of which nothing is known some of them may be duplicates.
        self.assertFalse(sessions.check_outcomes(batch, 0, False, {"duplicate": 4}))
        self.assertFalse(sessions.check_outcomes(batch, 0, True, {"served": 1, "in_flight": 3}))

    def test_an_acknowledgement_says_what_was_asked_for(self):
        batch, reply = batch_of(fresh(), wait=False), "a reply"
        good = {"accepted": 1, "durability": "durable", "token": "t"}
        sessions.check_acknowledgement(batch, reply, good)
        for change in ({"accepted": 2}, {"durability": "buffered"}, {"token": ""}, {"outcomes": {}}):
            self.wrong("a reply|were sent", sessions.check_acknowledgement, batch, reply, dict(good, **change))


class WhatIsLeft(unittest.TestCase):
    """Histories of one or two events and what may be found of them."""

    def findings(self, histories, rows=(), letters=(), newest=1, power=False, accepted=None):
        """`histories`: (event, least, unknown); `rows`: (event, version)."""
        history = []
        for event, acked, unknown in histories:
            sent = serving_judge.Sent(batch_of(event), 0)
            sent.acked, sent.unknown = acked, unknown
            history.append(sent)
        state = serving_stand_in.State("")
        state.letters = [serving_stand_in.State("")._letter(event, reason, "validate") for event, reason in letters]
        found = {view: [] for view in versions.views_of(newest)}
        found["order_by_id"] = [serving_stand_in.row_of(*row) for row in rows]
        for view, wanted in serving_judge.expected_views(rows).items():
            name = view.removesuffix("+")
            largest = "largest" in versions.views_of(newest).get("by_region", "")
            if name in found and (name != "by_region" or view.endswith("+") == largest):
                found[name] = [serving_stand_in.printed(name, row) for row in wanted]
        parts = [dict(dict.fromkeys(compare.COUNTS, 0), partition=p) for p in range(versions.PARTITIONS)]
        for event, acked, unknown in histories:
            parts[posts.partition_of(event.id)]["accepted"] += acked if accepted is None else accepted
        judge = serving_judge.Judge(history, serving_judge.Observation(found, state.letters, {"balanced": True, "partitions": parts, "total": {}}), newest, power)
        judge._ledger = lambda: None  # has tests of its own
        return "\n".join(judge.judge())

    def test_an_acknowledged_event_is_served_once(self):
        event = fresh()
        self.assertEqual("", self.findings([(event, 1, 0)], [(event, 0)]))
        self.assertEqual("", self.findings([(event, 2, 3)], [(event, 1)]))
        self.assertIn("lost", self.findings([(event, 1, 0)]))
        self.assertIn("served twice", self.findings([(event, 1, 0)], [(event, 0)] * 2))
        self.assertIn("served and dead-lettered", self.findings([(event, 1, 0)], [(event, 0)], [(event, "field_range")]))
        self.assertIn("no rules", self.findings([(event, 1, 0)], [], [(event, "field_range")]))

    def test_an_attempt_without_an_answer_may_have_done_it_or_not(self):
        event = fresh()
        self.assertEqual("", self.findings([(event, 0, 1)], [(event, 0)]))
        self.assertEqual("", self.findings([(event, 0, 1)]))
        self.assertIn("refused", self.findings([(event, 0, 0)], [(event, 0)]))

    def test_the_rules_that_a_record_names_were_in_force(self):
        event = fresh()
        self.assertIn("were in force", self.findings([(event, 1, 0)], [(event, 2)]))
        edge = fresh(quantity=80)
        self.assertEqual("", self.findings([(edge, 1, 0)], [(edge, 0)]))
        self.assertEqual("", self.findings([(edge, 1, 0)], [], [(edge, "field_range")]))
        self.assertIn("rejects it", self.findings([(edge, 1, 0)], [(edge, 1)]))

    def test_what_nobody_sent_is_an_invention(self):
        event, other = fresh(0), fresh(1)
        self.assertIn("never sent", self.findings([(event, 1, 0)], [(event, 0), (other, 0)]))
        self.assertIn("never sent", self.findings([(event, 1, 0)], [(event, 0)], [(other, "field_range")]))

    def test_a_rejected_event_is_one_letter_with_its_bytes(self):
        bad = fresh(fault={"field_range"}, kind="bad")
        self.assertEqual("", self.findings([(bad, 1, 0)], [], [(bad, "field_range")]))
        self.assertIn("2 times", self.findings([(bad, 1, 0)], [], [(bad, "field_range")] * 2))
        self.assertIn("reason", self.findings([(bad, 1, 0)], [], [(bad, "time")]))
        self.assertIn("other bytes", self.findings([(bad, 1, 0)], [], [(bad._replace(raw=bad.raw + b" "), "field_range")]))

    def test_a_conflict_is_a_letter_for_each_time_the_rival_was_accepted(self):
        event, rival = fresh(), fresh(quantity=9, kind="rival", fault={"conflict"})
        both = [(event, 1, 0), (rival, 1, 1)]
        self.assertEqual("", self.findings(both, [(event, 0)], [(rival, "conflict")]))
        self.assertEqual("", self.findings(both, [(event, 0)], [(rival, "conflict")] * 2))
        for count in (0, 3):
            self.assertIn(f"has {count} conflicts", self.findings(both, [(event, 0)], [(rival, "conflict")] * count))

    def test_a_correction_takes_over(self):
        bad, good = fresh(fault={"field_range"}, kind="bad"), fresh(quantity=9, kind="correction")
        both = [(bad, 1, 0), (good, 1, 0)]
        self.assertEqual("", self.findings(both, [(good, 0)]))
        self.assertIn("lost", self.findings(both, [], [(bad, "field_range")]))
        self.assertIn("served and dead-lettered", self.findings(both, [(good, 0)], [(bad, "field_range")]))
        self.assertEqual("", self.findings([(bad, 1, 0), (good, 0, 1)], [], [(bad, "field_range")]))

    def test_a_biography_has_one_effect_and_the_rules_that_made_the_record(self):
        rules = {1: "aa", 2: "bb"}
        life = {"id": "x", "attempts": [{"outcome": "served", "rules": "aa"}, {"outcome": "duplicate", "rules": "bb"}]}
        self.assertEqual([], serving_judge.life_findings(life, 1, rules))
        self.assertRegex(serving_judge.life_findings(life, 2, rules)[0], "says rules aa")
        twice = {"id": "x", "attempts": [{"outcome": "served", "rules": "aa"}] * 2}
        self.assertRegex(serving_judge.life_findings(twice, 1, rules)[0], "2 attempts")
        odd = {"id": "x", "attempts": [{"outcome": "served", "rules": "aa"}, {"outcome": "expired"}]}
        self.assertRegex(serving_judge.life_findings(odd, 1, rules)[0], "expired")


class ThePipelineAndTheWorkload(unittest.TestCase):
    def test_a_plan_that_says_something_else_is_found(self):
        for before, after in ((0, 1), (1, 2), (2, 3), (3, 4)):
            right = [{"what": what, "change": min(words)} for what, words in versions.planned(before, after, range(after)).items()]
            findings = compare.Findings()
            versions.compare_plan(right, before, after, range(after), findings)
            self.assertEqual([], findings)
            for i, row in enumerate(right):
                other = "rebuilt" if row["change"] == "unchanged" else "unchanged"
                versions.compare_plan(right[:i] + [dict(row, change=other)] + right[i + 1 :], before, after, range(after), findings)
                self.assertEqual(i + 1, len(findings))

    def test_the_workload_is_a_pure_function_and_has_every_kind(self):
        batches = [posts.batch("s", client, n) for client in range(4) for n in range(120)]
        posts.batch.cache_clear()
        self.assertEqual(batches, [posts.batch("s", client, n) for client in range(4) for n in range(120)])
        kinds = {e.kind for b in batches for e in b.events}
        self.assertEqual({"fresh", "edge", "bad", "broken", "repeat", "rival", "correction"}, kinds)
        self.assertEqual({"json", "array", "ndjson"}, {b.form for b in batches})
        for kind in ("rival", "correction"):
            ids = [e.id for b in batches for e in b.events if e.kind == kind]
            self.assertEqual(len(ids), len(set(ids)), f"one {kind} for each id")
        self.assertFalse([e for b in batches if b.buffered for e in b.events if e.kind != "fresh"])


if __name__ == "__main__":
    unittest.main()
