"""Comparisons that name what is lost, doubled, invented or altered. Multisets, never counts alone: one loss and one
double cancel out in a count.
"""

import collections

# A ledger row: what must be zero unless a checker says otherwise.
COUNTS = (
    "accepted",
    "served",
    "filtered",
    "duplicate",
    "dead_lettered",
    "shed",
    "expired",
    "dropped",
    "superseded",
    "retrying",
    "in_flight",
    "redriven",
)
TERMINAL = ("served", "filtered", "duplicate", "dead_lettered", "shed", "expired", "dropped", "superseded", "retrying")


class Findings(list):
    """What is wrong, one line each; long lists are shortened when printed, never when judged."""

    def add(self, text):
        self.append(text)

    def show(self, most=20):
        for line in self[:most]:
            print("  " + (line if len(line) <= 600 else line[:600] + "…"))
        if len(self) > most:
            print(f"  … and {len(self) - most} more")


def multiset(name, expected, found, findings, key=lambda item: item):
    """Compares two iterables of hashable items as multisets; `key` says which items are the same thing, altered."""
    missing = collections.Counter(expected)
    surplus = collections.Counter(found)
    missing, surplus = missing - surplus, surplus - missing
    if not missing and not surplus:
        return
    known = {key(item) for item in expected}
    open_by_key = collections.defaultdict(list)
    for item, count in missing.items():
        open_by_key[key(item)] += [item] * count
    for item, count in surplus.items():
        for _ in range(count):
            same = open_by_key.get(key(item))
            if same:
                findings.add(f"{name}: altered: expected {same.pop()!r}, found {item!r}")
            elif key(item) in known:
                findings.add(f"{name}: doubled: {item!r}")
            else:
                findings.add(f"{name}: invented: {item!r}")
    for items in open_by_key.values():
        for item in items:
            findings.add(f"{name}: lost: {item!r}")


def ledger(found, expected_partitions, findings, balanced=True):
    """`found` as Weir.ledger() gives it; `expected_partitions`: per partition the counts that are not zero."""
    if found["balanced"] is not balanced:
        findings.add(f"ledger: balanced is {found['balanced']!r}")
    rows = {}
    for row in found["partitions"]:
        if row["partition"] in rows:
            findings.add(f"ledger: partition {row['partition']} is listed twice")
        rows[row["partition"]] = row
        if row.get("balanced", balanced) is not balanced:
            findings.add(f"ledger: partition {row['partition']} says balanced {row['balanced']!r}")
    if set(rows) != set(range(len(expected_partitions))):
        findings.add(f"ledger: partitions {sorted(rows)} instead of 0..{len(expected_partitions) - 1}")
        return
    for p, expected in enumerate(expected_partitions):
        one_row(f"ledger of partition {p}", rows[p], expected, findings)
    total = {name: sum(e.get(name, 0) for e in expected_partitions) for name in COUNTS}
    one_row("ledger in total", found["total"], total, findings)


def one_row(name, row, expected, findings):
    for count in COUNTS:
        if count not in row:
            findings.add(f"{name}: {count} is missing")
        elif row[count] != expected.get(count, 0):
            findings.add(f"{name}: {count} is {row[count]}, expected {expected.get(count, 0)}")
    if all(count in row for count in COUNTS):
        decided = sum(row[count] for count in TERMINAL)
        if row["accepted"] != decided + row["in_flight"]:
            findings.add(f"{name}: accepted {row['accepted']} is not decided {decided} + in flight {row['in_flight']}")
