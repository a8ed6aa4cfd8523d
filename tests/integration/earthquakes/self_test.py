"""The test of the test: hand-made truths, and planted wrong answers that the comparison must report."""

import os
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.dirname(HERE)]
from outside import compare, facts  # noqa: E402
import check_earthquakes as check  # noqa: E402
import truth as truths  # noqa: E402


def feature(mag, event_id='"a"', time=1517966773840, updated=1, more=""):
    return (
        '{"type":"Feature","properties":{"mag":%s,"place":"p","time":%s,"updated":%s,"net":"n","type":"earthquake"%s},'
        '"geometry":null,"id":%s}' % (mag, time, updated, more, event_id)
    ).encode()


def collection(*features):
    return b'{"type":"FeatureCollection","features":[' + b",".join(features) + b"]}"


class Product:
    """Answers as the product would give them, for a truth."""

    def __init__(self, truth):
        self.truth = truth
        self.views = {view: [self.json_row(view, row) for row in rows] for view, rows in truth.views.items()}
        self.letters_ = [dict(zip(("id", "stage", "reason", "original"), letter)) for letter in truth.letters]

    @staticmethod
    def json_row(view, row):
        when = lambda us: str(facts.EPOCH + facts.datetime.timedelta(microseconds=us)).replace(" ", "T") + "Z"
        if view in check.AGGREGATES:
            out = {}
            for name, value in zip(check.AGGREGATES[view], row):
                text = name in ("window", "class", "network")
                out[name] = when(value) if name == "window_start" else value if text or value is None else facts.number(value)
            return out
        return {key: when(value) if key == "time" else value for key, value in row}

    def rows(self, view, _):
        return self.views[view]

    def letters(self, _):
        return self.letters_

    def ledger(self, _):
        rows = [dict({c: 0 for c in compare.COUNTS}, partition=p, **book) for p, book in enumerate(self.truth.partitions)]
        total = {c: sum(row[c] for row in rows) for c in compare.COUNTS}
        return {"pipeline": "earthquakes", "balanced": True, "total": total, "partitions": rows}


def small():
    with open(check.SMALL, "rb") as f:
        return f.read()


class PlantedWrongAnswers(unittest.TestCase):
    def findings(self, plant, kind=truths.Quakes):
        truth = kind().read(small())
        product = Product(truth)
        plant(product)
        return check.judge(product, truth, None)

    def test_right_answers_pass(self):
        self.assertEqual([], self.findings(lambda p: None))
        self.assertEqual([], self.findings(lambda p: None, truths.Corrections))

    def test_a_lost_row_is_found_in_each_view(self):
        for kind in (truths.Quakes, truths.Corrections):
            for view in kind().read(small()).views:
                self.assertTrue(self.findings(lambda p: p.views[view].pop(0), kind), view)
        self.assertTrue(self.findings(lambda p: p.letters_.pop()))

    def test_one_more_digit_of_a_magnitude_is_found(self):
        def plant(product):
            at = next(row for row in product.views["quake_by_id"] if row["mag"] == facts.number("2"))
            at["mag"] = facts.number("2.0")

        self.assertTrue(self.findings(plant))

    def test_a_magnitude_that_became_text_is_found(self):
        def plant(product):
            at = next(row for row in product.views["quake_by_id"] if row["mag"] == facts.number("1.6"))
            at["mag"] = "1.6"

        self.assertTrue(self.findings(plant))

    def test_a_null_magnitude_that_counts_as_zero_is_found(self):
        def plant(product):
            at = next(row for row in product.views["by_day"] if row["average"] is None)
            at["average"] = facts.number("0.000000")

        self.assertTrue(self.findings(plant))

    def test_the_older_version_as_newest_is_found(self):
        def plant(product):
            at = next(row for row in product.views["newest"] if row["quake"] == "ci1")
            at["mag"] = facts.number("1.9")

        self.assertTrue(self.findings(plant, truths.Corrections))

    def test_a_changed_byte_of_a_dead_letter_is_found(self):
        self.assertTrue(self.findings(lambda p: p.letters_[0].update(original=b"{}")))

    def test_a_row_with_a_field_too_many_is_found(self):
        self.assertTrue(self.findings(lambda p: p.views["by_day"][0].update(sum=facts.number("1"))))


class TruthItself(unittest.TestCase):
    def test_brackets_and_quotes_inside_texts_end_nothing(self):
        one = feature(1, more=',"x":"}]\\\\\\""')
        self.assertEqual([one, b"7"], list(truths.frames(collection(one, b"7"))))

    def test_an_id_is_found_only_as_far_as_the_scan_gets(self):
        self.assertEqual("a", truths.find_text(b'{"id":"a",oh', ["id"]))
        self.assertIsNone(truths.find_text(b'{"x":01,"id":"a"}', ["id"]))
        self.assertIsNone(truths.find_text(b'{"id":7', ["id"]))
        self.assertEqual("7", truths.find_text(b'{"p":{"id":7}', ["p", "id"]))
        self.assertIsNone(truths.find_text(b'{"id":null}', ["id"]))

    def test_the_same_feature_is_a_duplicate_and_a_changed_one_a_conflict(self):
        truth = truths.Quakes().read(collection(feature(1), feature(1), feature("1.0")))
        self.assertEqual([("a", "dedupe", "conflict")], [letter[:3] for letter in truth.letters])
        self.assertEqual(1, sum(p["duplicate"] for p in truth.partitions))

    def test_with_a_composite_id_a_changed_feature_is_a_new_event(self):
        truth = truths.Corrections().read(collection(feature(1, updated=5), feature(2, updated=9), feature(3, updated=7)))
        self.assertEqual({"a:5", "a:7", "a:9"}, set(truth.served))
        self.assertEqual([facts.number("2")], [dict(row)["mag"] for row in truth.views["newest"]])

    def test_null_magnitudes_count_and_are_nothing_else(self):
        truth = truths.Quakes().read(collection(feature("null"), feature("2", '"b"'), feature("3.5", '"c"')))
        self.assertEqual([("3", "3.5", "2", "2.7500000")], [row[2:] for row in truth.views["by_day"]])
        truth = truths.Quakes().read(collection(feature("null")))
        self.assertEqual([("1", None, None, None)], [row[2:] for row in truth.views["by_day"]])

    def test_the_small_sample_reaches_every_reason(self):
        found = {letter[2] for letter in truths.Quakes().read(small()).letters}
        self.assertEqual(
            {"conflict", "field_missing", "field_type", "malformed", "number_range", "time"}, found
        )


if __name__ == "__main__":
    unittest.main()
