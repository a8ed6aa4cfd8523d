"""The test of the comparison that every case ends with: right answers pass, each planted wrong one fails."""

import os
import random
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.dirname(HERE)]
import ground  # noqa: E402
from outside import compare, facts  # noqa: E402

LETTER = b'{"id":"e-7","at":'


class Told:
    """A product that tells what it is told to tell: events 0..9 served, one dead letter, two duplicates."""

    def __init__(self):
        total = dict(dict.fromkeys(compare.COUNTS, 0), accepted=13, served=10, dead_lettered=1, duplicate=2)
        self.book = {"balanced": True, "total": total}
        self.views = {
            "by_id": [dict(id=f"e-{i}", n=facts.number(str(i)), kind=f"k{i % 5}") for i in range(10)],
            "by_kind": [
                dict(kind=f"k{k}", total=facts.number(str(2 * k + 5)), events=facts.number("2")) for k in range(5)
            ],
        }
        self.open = [dict(original=LETTER, reason="malformed")]

    def ledger(self, _):
        return self.book

    def rows(self, view, _):
        return self.views[view]

    def letters(self, _):
        return self.open


class Answers(unittest.TestCase):
    def answers(self, plant=lambda told: None):
        told = Told()
        plant(told)
        ground.Ground(told, "nowhere", random.Random(1)).answers(range(10), [(LETTER, {"malformed"})], duplicates=2)

    def test_right_answers_pass(self):
        self.answers()

    def test_planted_wrong_answers_fail(self):
        rows = lambda told: told.views["by_id"]
        for plant in (
            lambda t: rows(t).pop(),
            lambda t: rows(t).append(rows(t)[0]),
            lambda t: rows(t).__setitem__(1, rows(t)[2]),
            lambda t: rows(t)[3].update(n=facts.number("4")),
            lambda t: rows(t)[3].update(kind="k0"),
            lambda t: t.views["by_kind"][0].update(total=facts.number("6")),
            lambda t: t.views["by_kind"].pop(),
            lambda t: t.open.clear(),
            lambda t: t.open.append(t.open[0]),
            lambda t: t.open[0].update(original=LETTER[:-1]),
            lambda t: t.open[0].update(reason="encoding"),
            lambda t: t.book.update(balanced=False),
            lambda t: t.book["total"].update(served=9, duplicate=3),
            lambda t: t.book["total"].update(in_flight=1, served=9),
            lambda t: t.book["total"].pop("expired"),
        ):
            with self.assertRaises(ground.Failed):
                self.answers(plant)

    def test_a_number_is_no_text(self):
        with self.assertRaises(ValueError):
            self.answers(lambda t: t.views["by_id"][0].update(n="0"))


class Trees(unittest.TestCase):
    def test_a_changed_a_new_and_a_missing_file_are_seen(self):
        import tempfile

        with tempfile.TemporaryDirectory() as folder:
            for name in "ab":
                with open(os.path.join(folder, name), "w", encoding="ascii") as f:
                    f.write(name)
            before = ground.tree_of(folder)
            ground.unchanged(before, folder, "nothing")
            with open(os.path.join(folder, "a"), "w", encoding="ascii") as f:
                f.write("c")
            with self.assertRaisesRegex(ground.Failed, "a"):
                ground.unchanged(before, folder, "a test")
            os.rename(os.path.join(folder, "b"), os.path.join(folder, "c"))
            with self.assertRaisesRegex(ground.Failed, "a, b, c"):
                ground.unchanged(before, folder, "a test")


if __name__ == "__main__":
    unittest.main()
