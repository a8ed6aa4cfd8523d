"""Runs configs/pipelines/shop.yaml over random orders and compares records, sums, ledger and dead letters with shop.py.

  python3 tests/integration/shop [--binary PATH] [--orders N] [--seed S]

Exit: 0 PASS, 1 FAIL, 77 skipped.
"""

import argparse
import collections
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.dirname(HERE)]
from outside import facts, weir as outside  # noqa: E402
import shop  # noqa: E402

ROOT = outside.repository()
PIPELINE = os.path.join(ROOT, "configs", "pipelines", "shop.yaml")
PRICES = os.path.join(ROOT, "configs", "pipelines", "shop_prices.csv")


def differences(truth, rows, sales, ledger, letters) -> list:
    """What does not agree, as sentences."""
    wrong = []
    found = {}
    for row in rows:
        found[row["line_id"]] = {k: v for k, v in row.items() if k not in ("id", "time")}
    for line_id in sorted(set(found) | set(truth.lines)):
        expected = {k: wanted(v) for k, v in truth.lines.get(line_id, {}).items()}
        if found.get(line_id) != expected:
            wrong.append(f"record {line_id}: found {found.get(line_id)}, expected {expected}")
    groups = {(row["day"], row["size"]): (row["gross"], row["lines"]) for row in sales}
    for key in sorted(set(groups) | set(truth.sales)):
        gross, lines = truth.sales.get(key, (0, 0))
        if groups.get(key) != (wanted(gross), mark(str(lines))):
            wrong.append(f"sales {key}: found {groups.get(key)}, expected {gross}, {lines}")
    kinds = collections.Counter(o if isinstance(o, str) else "dead_lettered" for o in truth.outcome.values())
    for name in ("served", "filtered", "dead_lettered"):
        if ledger["total"][name] != kinds[name]:
            wrong.append(f"ledger: {name} is {ledger['total'][name]}, expected {kinds[name]}")
    dead = {k: v for k, v in truth.outcome.items() if not isinstance(v, str)}
    by_id = {letter["id"]: letter for letter in letters}
    for order in sorted(set(by_id) | set(dead)):
        letter = by_id.get(order, {"reason": None, "details": [""]})
        reason, part = dead.get(order, (None, None))
        says = letter["details"][0]
        if letter["reason"] != reason or (part is not None and not says.startswith(f"part {part}: ")):
            wrong.append(f"dead letter {order}: found {letter['reason']} ({says}), expected {reason} in part {part}")
    return wrong


def mark(text):
    return facts.parse_json(text.encode())


def wanted(value):
    """A value as facts.parse_json gives it: numbers by their spelling."""
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return value
    return mark(shop.spelled(value))


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--binary")
    parser.add_argument("--orders", type=int, default=600)
    parser.add_argument("--seed", type=int, default=7)
    args = parser.parse_args()
    weir = outside.Weir(outside.find_binary(args.binary, "weir"))
    print("seed", args.seed)
    orders = shop.orders(args.seed, args.orders)
    truth = shop.Truth(orders, shop.prices(PRICES))
    digests = []
    with outside.Scratch() as scratch:
        path = os.path.join(scratch, "orders.ndjson")
        with open(path, "wb") as f:
            f.write(shop.written(orders))
        for partitions in (4, 1):
            data = os.path.join(scratch, f"data{partitions}")
            weir.expect(0, "run", PIPELINE, path, "--data", data, "--set", f"pipeline:partitions={partitions}")
            wrong = differences(
                truth, weir.rows("lines", data), weir.rows("sales", data), weir.ledger(data), weir.letters(data)
            )
            for line in wrong[:20]:
                print(line)
            if wrong:
                print(f"FAIL: {len(wrong)} differences with {partitions} partitions")
                return 1
            digests.append(facts.parse_json(weir.expect(0, "digest", "--data", data, "--output", "json").out))
        weir.expect(0, "run", PIPELINE, path, "--data", data, "--set", "pipeline:partitions=1")
        if weir.ledger(data)["total"]["duplicate"] != len(orders):
            print("FAIL: the same file again is not all duplicates")
            return 1
    if digests[0]["answer"] != digests[1]["answer"]:
        print(f"FAIL: the answers depend on the partitions: {digests}")
        return 1
    print(f"PASS: {len(truth.records)} records of {len(orders)} orders, {len(truth.lines)} lines kept")
    return 0


sys.exit(main())
