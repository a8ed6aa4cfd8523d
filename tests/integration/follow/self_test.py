"""The test of the test: planted losses and repeats that the account must report."""

import os
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.dirname(HERE)]
import account  # noqa: E402

LEDGER = {"accepted": 2, "served": 2, "duplicate": 0, "dead_lettered": 0, "filtered": 0, "in_flight": 0}


def row(name, lines=1):
    return {"id": name, "lines": lines}


class AccountTest(unittest.TestCase):
    def test_what_is_right_passes(self):
        self.assertEqual(account.differences({"a", "b"}, [row("a"), row("b")], LEDGER), [])

    def test_what_is_wrong_is_named(self):
        for rows, ledger, word in [
            ([row("a")], LEDGER, "lost"),
            ([row("a"), row("b"), row("c")], LEDGER, "never written"),
            ([row("a"), row("b", 2)], LEDGER, "more than once"),
            ([row("a"), row("b"), row("b")], LEDGER, "two rows"),
            ([row("a"), row("b")], dict(LEDGER, accepted=3, duplicate=1), "1 duplicate"),
            ([row("a"), row("b")], dict(LEDGER, dead_lettered=1), "1 dead_lettered"),
            ([row("a"), row("b")], dict(LEDGER, in_flight=1), "1 in_flight"),
        ]:
            found = account.differences({"a", "b"}, rows, ledger)
            self.assertTrue(any(word in text for text in found), (word, found))


if __name__ == "__main__":
    unittest.main()
