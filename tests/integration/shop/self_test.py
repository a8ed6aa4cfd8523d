"""The test of the test: hand-made orders with known answers, and planted wrong answers that must be reported."""

import decimal
import os
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.dirname(HERE)]
import shop  # noqa: E402

TABLE = {"ab-1": "2.50"}
ORDER = {
    "order": "o1",
    "placed": "2010-12-31T23:30:00Z",
    "due": "05.01.2011",
    "customer": {"country": "DE", "mail": "Ann@X", "card": "4929123456781234", "ip": "10.1.2.3"},
    "lines": [{"sku": "ab-1", "units": "03", "paid": 5, "days": 2}, {"sku": "ab-1", "units": 0}],
}


class Truths(unittest.TestCase):
    def test_a_line_becomes_the_record_computed_by_hand(self):
        truth = shop.Truth([ORDER], TABLE)
        self.assertEqual(truth.outcome, {"o1": "served"})
        one = truth.lines["o1/ab-1"]
        numbers = {k: shop.spelled(v) for k, v in one.items() if isinstance(v, decimal.Decimal)}
        self.assertEqual(
            numbers,
            {
                "units": "3", "price": "2.50", "net": "7.50", "vat": "1.42", "gross": "8.92", "saved": "3.92",
                "each": "8.9200", "hour": "0",
            },
        )
        self.assertEqual(one["size"], "small")
        self.assertEqual(one["haste"], "normal")
        self.assertEqual((one["day"], one["week"], one["due"]), ("2011-01-01", "2010-W52", "2011-01-05T00:00:00Z"))
        self.assertEqual((one["category"], one["article"], one["count"]), ("AB", "ab 1", "3"))
        self.assertEqual((one["card"], one["network"]), ("************1234", "10.1.2.0/24"))
        self.assertEqual(truth.sales, {("2011-01-01", "small"): [decimal.Decimal("8.92"), 1]})

    def test_one_bad_line_is_the_orders_dead_letter(self):
        for change, expected in (
            ({"lines": [{"sku": "ab-1", "units": 1}, {"sku": "xy", "units": 1}]}, ("field_missing", 1)),
            ({"lines": {}}, ("field_type", None)),
            ({"due": "31.02.2010"}, ("time", 0)),
            ({"lines": [{"sku": "ab-1", "units": 1}] * 201}, ("output_too_large", None)),
            ({"lines": []}, "filtered"),
            ({"test": True}, "filtered"),
        ):
            truth = shop.Truth([{**ORDER, **change}], TABLE)
            self.assertEqual(truth.outcome, {"o1": expected})
            self.assertEqual(truth.lines, {})

    def test_random_orders_reach_every_outcome(self):
        truth = shop.Truth(shop.orders(7, 600), {**TABLE, "cd-20": "19.99", "ef-300": "0.05", "gh-4": "250"})
        reasons = {o if isinstance(o, str) else o[0] for o in truth.outcome.values()}
        self.assertEqual(
            reasons, {"served", "filtered", "field_type", "field_missing", "number_range", "time", "output_too_large"}
        )
        self.assertGreater(len(truth.records), 600)


if __name__ == "__main__":
    unittest.main()
