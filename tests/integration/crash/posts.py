"""What the clients of the serving campaign send: batch `number` of `client` is a pure function of them and the seed.

Ids belong to one client, which sends one batch after the other and each until it is acknowledged, so what must become of an
id does not depend on the other clients. Repeats, conflicts and corrections refer to batches before.
"""

import collections
import functools
import hashlib

import workload
from outside import facts
import versions

BASE_MS = 1_700_000_000_000

# `fault`: None, or the reasons a dead letter of it may have, whatever the version. `kind`: fresh, edge (valid under some
# versions only), bad, broken, repeat, rival (of a served one: a conflict), correction (of a rejected one: takes over).
Event = collections.namedtuple("Event", "raw id fault kind at_ms account cents quantity")

# How a batch is sent. `form`: json (one event), array, ndjson. `buffered`: its acknowledgement promises less.
Batch = collections.namedtuple("Batch", "client number events form buffered wait")

SHARES = (("repeat", 140), ("rival", 60), ("correction", 150), ("bad", 150), ("broken", 25), ("edge", 90))
# How many batches lie between an event and its rival or correction, by client: at once, or when it is long decided.
DISTANCES = (1, 2, 9, 40)


def chance(*of):
    """Eight independent 16-bit numbers."""
    raw = hashlib.blake2b("/".join(map(str, of)).encode(), digest_size=16).digest()
    return [int.from_bytes(raw[i : i + 2], "big") for i in range(0, 16, 2)]


@functools.lru_cache(maxsize=20_000)
def batch(seed, client, number) -> Batch:
    dice = chance(seed, client, number)
    form = ("json", "array", "ndjson", "ndjson", "ndjson")[dice[0] % 5]
    size = 1 if form == "json" else 2 + dice[1] % 60
    buffered = dice[2] % 7 == 0
    wait = dice[3] % 4 == 0
    events = [event(seed, client, number, i, form, buffered) for i in range(size)]
    return Batch(client, number, events, form, buffered, wait)


def event(seed, client, number, i, form, buffered):
    dice = chance(seed, client, number, i)
    kind = kind_of(dice, form, buffered)
    if kind == "repeat":
        earlier = earlier_of(seed, client, number - 1 - dice[1] % 30, dice[2], "fresh", 0)
        if earlier:
            return earlier._replace(kind="repeat")
    elif kind in ("rival", "correction"):
        # The same place so many batches before: no two events ever have the same target.
        back = DISTANCES[client % len(DISTANCES)]
        earlier = earlier_of(seed, client, number - back, i, *(("fresh", 1) if kind == "rival" else ("bad", 1)))
        if earlier:
            return order(earlier.id, client, dice, kind)
    own = own_id(client, number, i, dice)
    if kind == "broken":
        raw = b'{"id":' + workload.id_text(own).encode() + b',"note":"cut off"'
        return Event(raw, own, {"malformed"}, kind, 0, "", 0, 0)
    return order(own, client, dice, kind if kind in ("bad", "edge") else "fresh")


def kind_of(dice, form, buffered):
    if buffered:
        return "fresh"  # nothing refers to what may be lost
    roll = dice[0] * 1000 >> 16
    for kind, share in SHARES:
        if roll < share:
            return "fresh" if kind == "broken" and form != "ndjson" else kind
        roll -= share
    return "fresh"


def earlier_of(seed, client, number, place, kind, parity):
    """The event of that kind at that place of an earlier batch. Even places are for repeats, odd ones for the others."""
    before = batch(seed, client, number) if number >= 0 else None
    if before is None or before.buffered:
        return None
    place = place % len(before.events) if kind == "fresh" and parity == 0 else place
    if place >= len(before.events) or place % 2 != parity or before.events[place].kind != kind:
        return None
    return before.events[place]


def own_id(client, number, i, dice):
    return (f"c{client}-{number}-{i}", f"{client + 1}{number:06d}{i:02d}", f"Auftrag/{client}.{number}.{i} é")[dice[7] % 3]


def order(event_id, client, dice, kind):
    at_ms = BASE_MS + dice[5] * 600 + dice[6]
    account = f"acc-{dice[6] % versions.ACCOUNTS}"
    cents = 0 if kind == "bad" else 1 + dice[4] * 31 % 99_999
    quantity = 51 + dice[5] % 50 if kind == "edge" else 1 + dice[5] % 50
    raw = (
        f'{{"id":{workload.id_text(event_id)},"client":"c{client}","account":"{account}",'
        f'"amount":{cents // 100}.{cents % 100:02d},"quantity":{quantity},"at":{at_ms},"note":"{"x" * (dice[7] % 80)}{kind}"}}'
    )
    fault = {"field_range"} if kind == "bad" else {"conflict"} if kind == "rival" else None
    return Event(raw.encode(), event_id, fault, kind, at_ms, account, cents, quantity)


def body_of(batch_):
    """(path, headers, body) of a request."""
    query = [q for q, there in (("durability=buffered", batch_.buffered), ("wait=5s", batch_.wait)) if there]
    path = "/v1/events" + ("?" + "&".join(query) if query else "")
    raws = [e.raw for e in batch_.events]
    if batch_.form == "ndjson":
        return path, {"Content-Type": "application/x-ndjson"}, b"".join(raw + b"\n" for raw in raws)
    body = raws[0] if batch_.form == "json" else b"[" + b",".join(raws) + b"]"
    return path, {"Content-Type": "application/json"}, body


def partition_of(event_id):
    return facts.partition_of(event_id, versions.PARTITIONS)
