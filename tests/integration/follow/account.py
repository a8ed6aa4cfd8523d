"""What was written, and whether exactly that was accepted."""

from outside.weir import Broken


def differences(written, rows, total) -> list:
    """`written`: the ids of all lines, each written once. `rows`: the node's rows by id with how often each was served.
    `total`: its ledger."""
    out = []
    served = {row["id"]: row["lines"] for row in rows}
    if len(served) != len(rows):
        out.append("an id has two rows")
    if lost := written - served.keys():
        out.append(f"{len(lost)} lines are lost: {sorted(lost)[:5]}")
    if strange := served.keys() - written:
        out.append(f"{len(strange)} ids were never written: {sorted(strange)[:5]}")
    if twice := [name for name, lines in served.items() if lines != 1]:
        out.append(f"{len(twice)} lines were served more than once: {sorted(twice)[:5]}")
    # A line that is read twice is a duplicate, which the views would not show.
    wanted = {"accepted": len(written), "served": len(written), "duplicate": 0, "dead_lettered": 0, "filtered": 0, "in_flight": 0}
    for name, count in wanted.items():
        if total[name] != count:
            out.append(f"the ledger has {total[name]} {name}, wanted {count}")
    return out


def check(written, rows, total):
    if found := differences(written, rows, total):
        raise Broken("; ".join(found))
