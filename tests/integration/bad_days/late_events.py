"""Events that come late, against a count by hand of what the pipeline file asks for."""

import collections
import datetime
import json

from ground import *  # noqa: F403
from outside import facts

PIPELINE = b"""pipeline: late
partitions: 1
record: {format: ndjson, id: id, time: {field: at, format: unix_ms}}
late: {after: 1h, then: %s}
stages:
  - validate: {fields: {n: {type: integer, min: 0}}}
views:
  hours: {windows: [1h], measures: {n: {sum: n}, events: count}, retain: 2h}
"""
START, HOUR = 1_700_000_000_000, 3_600_000


def events(chance):
    """Time goes on by some 10 s an event; every fifth is up to 3 h behind, every ninth invalid."""
    for i in range(3_000):
        at = START + i * 10_000 - (chance.randrange(3 * HOUR) if i % 5 == 0 else 0)
        yield f"e-{i}", at, -1 if i % 9 == 0 else i


def expected(events, then):
    """Outcomes, and the rows of the windows that end at most two hours before the newest event."""
    count, rows, newest = collections.Counter(), collections.defaultdict(lambda: [0, 0]), None
    for _, at, n in events:
        if then != "accept" and newest is not None and newest - at > HOUR:
            count["expired" if then == "expire" else "late"] += 1
        elif n < 0:
            count["field_range"] += 1
        else:
            count["served"] += 1
            newest = at if newest is None else max(newest, at)
            row = rows[at // HOUR * HOUR]
            row[0] += n
            row[1] += 1
    kept = {start: row for start, row in rows.items() if start + HOUR >= newest - 2 * HOUR}
    check(len(kept) < len(rows) and sum(count.values()) == len(events), "the test is void")
    return count, kept


def start_of(row):
    return int(datetime.datetime.fromisoformat(row["window_start"].replace("Z", "+00:00")).timestamp() * 1000)


def late(g, then):
    sent = list(events(g.chance))
    count, kept = expected(sent, then)
    pipeline = g.file("late.yaml", PIPELINE % then.encode())
    path = g.file("in.ndjson", lines(json.dumps({"id": i, "at": at, "n": n}).encode() for i, at, n in sent))
    g.run(0, path, pipeline=pipeline)
    book = g.weir.ledger(g.data)
    check(book["balanced"] is True, "the ledger does not balance")
    wanted = dict(
        accepted=3_000,
        served=count["served"],
        expired=count["expired"],
        dead_lettered=count["late"] + count["field_range"],
    )
    found = {name: book["total"][name] for name in wanted}
    check(found == wanted, f"the ledger says {found}, by hand it is {wanted}")
    reasons = collections.Counter(x["reason"] for x in g.weir.letters(g.data))
    check(reasons == +collections.Counter({r: count[r] for r in ("late", "field_range")}), f"reasons {reasons}")
    rows = {start_of(r): [facts.whole(r["n"]), facts.whole(r["events"])] for r in g.weir.rows("hours", g.data)}
    check(rows == kept, f"hours: {rows}, by hand {kept}")


@case
def late_events_that_are_accepted_count_where_they_belong(g):
    late(g, "accept")


@case
def late_events_that_expire_are_in_the_ledger_and_nowhere_else(g):
    late(g, "expire")


@case
def late_events_are_dead_letters_where_the_pipeline_says_so(g):
    late(g, "dead_letter")
