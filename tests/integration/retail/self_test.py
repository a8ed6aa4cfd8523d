"""The test of the test: hand-made truths, and planted wrong answers that the comparison must report."""

import copy
import os
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.dirname(HERE)]
from outside import compare, facts  # noqa: E402
import answers  # noqa: E402
import truth as truths  # noqa: E402

SMALL = os.path.join(HERE, "..", "..", "data", "retail-small.csv")
HEADER = ",".join(truths.COLUMNS).encode() + b"\n"


def countries():
    f = tempfile.NamedTemporaryFile("w", suffix=".csv", encoding="utf-8")
    f.write("Country,region\nUnited Kingdom,Europe\nFrance,Europe\n")
    f.flush()
    return f


def small_truth():
    with countries() as f:
        return truths.Truth(f.name).read(truths.read_file(SMALL))


def right_answers(truth):
    """The answers of a product without a fault."""
    right = answers.Answers()
    rows = [
        dict({c: 0 for c in compare.COUNTS}, partition=p, epoch=1, **book) for p, book in enumerate(truth.partitions)
    ]
    total = {c: sum(row[c] for row in rows) for c in compare.COUNTS}
    right.ledger = {"pipeline": "retail", "balanced": True, "total": total, "partitions": rows}
    right.sale_by_id = [(i, t, v) for i, (t, v) in truth.served.items()]
    right.latest_by_stock = [(i.decode(), t, v) for t, i, v in truth.by_stock.values()]
    text = facts.decimal_text
    right.by_country = [(c, text(s), str(n)) for c, (s, n) in truth.by_country.items()]
    right.revenue = [(w, at, text(s), str(n)) for (w, at), (s, n) in truth.revenue().items()]
    right.letters = [
        dict(
            id=i,
            partition=x.partition,
            offset=x.offset,
            original=x.original,
            reason=min(x.reasons),
            stage=x.stage or "frame",
            attempts=1,
            details=[],
            door="file:small.csv",
            accepted_at="2026-01-01T00:00:00Z",
        )
        for i, x in truth.letters.items()
    ]
    return right


class PlantedWrongAnswers(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.truth = small_truth()
        cls.right = right_answers(cls.truth)

    def planted(self, plant, *expected):
        wrong = copy.deepcopy(self.right)
        plant(wrong)
        findings = answers.compare_all(self.truth, wrong)
        self.assertTrue(findings)
        for text in expected:
            self.assertTrue(any(text in line for line in findings), f"{text!r} is not in {findings[:3]}")

    def test_right_answers_pass(self):
        self.assertEqual([], answers.compare_all(self.truth, copy.deepcopy(self.right)))

    def test_a_lost_row_is_found_in_each_view(self):
        for view in ("sale_by_id", "latest_by_stock", "by_country", "revenue", "letters"):
            self.planted(lambda a: getattr(a, view).pop(3), "lost")

    def test_a_doubled_row_is_found_in_each_view(self):
        for view in ("sale_by_id", "latest_by_stock", "by_country", "revenue", "letters"):
            self.planted(lambda a: getattr(a, view).append(getattr(a, view)[5]), "doubled")

    def test_a_loss_and_a_double_that_cancel_in_every_count_are_found(self):
        def plant(a):
            a.sale_by_id[4] = a.sale_by_id[9]

        self.planted(plant, "lost", "doubled")
        self.planted(lambda a: a.letters.__setitem__(1, a.letters[2]), "lost", "doubled")

    def test_one_altered_digit_is_found(self):
        def plant(a):
            i, t, v = a.sale_by_id[7]
            a.sale_by_id[7] = (i, t, v[:8] + (v[8] + "0",) + v[9:])

        self.planted(plant, "altered")
        self.planted(lambda a: a.by_country.__setitem__(0, (a.by_country[0][0], "293.53", "20")), "altered")
        self.planted(
            lambda a: a.revenue.__setitem__(0, a.revenue[0][:2] + (a.revenue[0][2] + "0", a.revenue[0][3])), "altered"
        )

    def test_an_event_time_one_second_off_is_found(self):
        i, t, v = self.right.sale_by_id[7]
        self.planted(lambda a: a.sale_by_id.__setitem__(7, (i, t + 1_000_000, v)), "altered")

    def test_a_missing_value_that_became_an_empty_text_is_found(self):
        at, (i, t, v) = next((k, row) for k, row in enumerate(self.right.sale_by_id) if row[2][5] is None)
        self.planted(lambda a: a.sale_by_id.__setitem__(at, (i, t, v[:5] + ("",) + v[6:])), "altered")

    def test_an_invented_row_is_found(self):
        self.planted(lambda a: a.sale_by_id.append(("0" * 32,) + a.sale_by_id[0][1:]), "invented")

    def test_the_earlier_line_as_latest_is_found(self):
        at = next(k for k, row in enumerate(self.right.latest_by_stock) if row[2][1] == "L1")
        earlier = next(row for row in self.right.sale_by_id if row[2][1] == "L1" and row[2][4] == "1.00")
        self.planted(lambda a: a.latest_by_stock.__setitem__(at, earlier), "altered")

    def test_one_changed_byte_of_a_dead_letter_is_found(self):
        def plant(a):
            a.letters[4]["original"] = a.letters[4]["original"][:-1]

        self.planted(plant, "altered")
        at = next(k for k, x in enumerate(self.right.letters) if b"\xff" in x["original"])
        self.planted(
            lambda a: a.letters[at].update(original=a.letters[at]["original"].replace(b"\xff", b"\xef\xbf\xbd"))
        )

    def test_a_wrong_reason_or_stage_is_found(self):
        self.planted(lambda a: a.letters[0].update(reason="malformed"), "reason")
        at = next(k for k, x in enumerate(self.right.letters) if x["stage"] == "validate")
        self.planted(lambda a: a.letters[at].update(stage="enrich"), "stage")

    def test_a_dead_letter_at_another_offset_is_found(self):
        self.planted(lambda a: a.letters[0].update(offset=a.letters[0]["offset"] + 1), "altered")

    def test_a_ledger_that_balances_with_wrong_counts_is_found(self):
        def plant(a):
            for row in (a.ledger["total"], a.ledger["partitions"][1]):
                row["served"] -= 1
                row["duplicate"] += 1

        self.planted(plant, "ledger of partition 1: served", "ledger in total: duplicate")

    def test_counts_moved_between_partitions_are_found(self):
        def plant(a):
            for p, by in ((0, 1), (1, -1)):
                for count in ("accepted", "served"):
                    a.ledger["partitions"][p][count] += by

        self.planted(plant, "ledger of partition 0", "ledger of partition 1")

    def test_events_left_in_flight_are_found(self):
        self.planted(lambda a: a.ledger["total"].update(in_flight=1), "in_flight")


class TruthItself(unittest.TestCase):
    def read(self, *lines):
        with countries() as f:
            return truths.Truth(f.name).read(HEADER + b"\n".join(lines))

    def test_ids_are_the_first_half_of_sha256_of_the_line(self):
        self.assertEqual("ba7816bf8f01cfea414140de5dae2223", facts.digest_id(b"abc"))

    def test_partitions_are_those_of_kafka(self):
        for text, signed in (
            (b"21", -973932308),
            (b"foobar", -790332482),
            (b"abc", 479470107),
            (b"a-little-bit-long-string", -985981536),
            (b"a-little-bit-longer-string", -1486304829),
        ):
            self.assertEqual(signed & 0xFFFFFFFF, facts.murmur2(text))

    def test_the_free_line_example_of_the_manual(self):
        t = self.read(
            b"536365,A,x,6,2010-12-01 08:26:00,2.55,1,France",
            b"536365,A,x,6,2010-12-01 08:26:00,2.55,1,France",
            b"536366,A,x,6,2010-12-01 08:26:00,0,1,France",
        )
        self.assertEqual(dict(accepted=3, served=1, duplicate=1, dead_lettered=1), t.ledger())
        ((total, lines),) = t.by_country.values()
        self.assertEqual(("15.30", 1), (facts.decimal_text(total), lines))

    def test_a_sum_has_the_largest_scale_of_its_inputs(self):
        t = self.read(b"1,A,x,2,2010-12-01 08:26:00,2.5,1,France", b"1,A,x,1,2010-12-01 08:26:00,0.125,1,France")
        self.assertEqual("5.125", facts.decimal_text(t.by_country["France"][0]))

    def test_a_quoted_field_of_64_lines_is_read_and_one_of_65_is_not(self):
        t = self.read(
            b'1,A,"' + b"\n".join([b"y"] * 64) + b'",2,2010-12-01 08:26:00,2.5,1,France',
            b"1,A,x,1,2010-12-01 08:26:00,0.125,1,France",
        )
        self.assertEqual((2, 0), (len(t.served), len(t.letters)))
        raw = list(truths.frames(b'1,"' + b"y\n" * 65 + b'z"\n'))
        self.assertEqual((b'1,"y', False), raw[0])
        self.assertEqual((b"y", True), raw[1])

    def test_quotes_inside_quotes_and_line_ends_inside_quotes_stay_in_the_frame(self):
        raw = list(truths.frames(b'1,"a ""b"" c"\r\n2,"d\r\ne"\r\n3,f'))
        self.assertEqual([(b'1,"a ""b"" c"', True), (b'2,"d\r\ne"', True), (b"3,f", True)], raw)

    def test_a_stray_quote_costs_its_line_alone(self):
        raw = list(truths.frames(b'1,12" x\n2,y\n"3"z,\n4,"open\n5,v\n'))
        self.assertEqual(
            [(b'1,12" x', False), (b"2,y", True), (b'"3"z,', False), (b'4,"open', False), (b"5,v", True)], raw
        )

    def test_windows_older_than_retain_are_hidden(self):
        t = self.read(b"1,A,x,1,2010-10-01 10:00:00,1,1,France", b"1,A,x,1,2011-12-09 12:50:00,1,1,France")
        self.assertEqual(
            {"2011-12-09", "2011-12-01"},
            {str(facts.EPOCH + facts.datetime.timedelta(microseconds=at))[:10] for _, at in t.revenue()},
        )

    def test_the_small_sample_reaches_every_reason(self):
        reasons = set().union(*(x.reasons for x in small_truth().letters.values()))
        self.assertLessEqual(
            {"malformed", "encoding", "field_missing", "field_type", "field_range", "time", "number_range"}, reasons
        )


if __name__ == "__main__":
    unittest.main()
