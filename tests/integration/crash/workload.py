"""The workload: event `index` of `seed` is a pure function of the two: nothing is stored to know what was sent.

Repeats (same id, same bytes), conflicts (same id, other bytes), corrections of rejected events, rule failures, frames
that cannot be read with and without a findable id, events that come late or nearly so, hot accounts, near and far references.
"""

import collections
import functools
import hashlib

from outside import facts

BASE_MS = 1_700_000_000_000
STEP_MS = 37  # from one event to the next, on the whole: each is up to a minute ahead of that
LATE_MS = 600_000  # `late.after` of pipeline.yaml
ACCOUNTS = 60

# What an event is. `fault`: None, or the set of reasons the contract allows; `cents`, `account` of a valid one; `at_ms` of one
# whose time can be read.
Event = collections.namedtuple("Event", "raw id fault kind at_ms account cents quantity")

# kind -> share of 1000. The rest are fresh valid events.
SHARES = (
    ("repeat", 110),
    ("rival", 70),
    ("bad_rule", 60),
    ("late", 40),
    ("late_rival", 20),
    ("bad_rival", 25),
    ("broken", 25),
    ("broken_rival", 12),
    ("nameless_broken", 10),
    ("nameless", 8),
    ("encoding", 8),
)


def chance(seed, index):
    """Eight independent 16-bit numbers."""
    raw = hashlib.blake2b(b"%d/%d" % (seed, index), digest_size=16).digest()
    return [int.from_bytes(raw[i : i + 2], "big") for i in range(0, 16, 2)]


def kind_of(dice, index):
    roll = dice[0] * 1000 >> 16
    for kind, share in SHARES:
        if roll < share:
            # The first event has nothing to refer to.
            return kind if index or kind not in ("repeat", "rival", "bad_rival", "broken_rival", "late_rival") else "fresh"
        roll -= share
    return "fresh"


def earlier(dice, index):
    """An earlier index: often a close one (both are in flight together), sometimes any."""
    reach = (8, 8, 600, 20_000, 1 << 60)[dice[1] % 5]
    return index - 1 - (dice[2] << 16 | dice[3]) % min(index, reach)


@functools.lru_cache(maxsize=50_000)
def event(seed, index) -> Event:
    dice = chance(seed, index)
    kind = kind_of(dice, index)
    if kind == "repeat":
        return event(seed, earlier(dice, index))._replace(kind="repeat")
    if kind in ("rival", "bad_rival", "broken_rival", "late_rival"):
        first = event(seed, earlier(dice, index))
        if first.kind.startswith("nameless"):  # its id is the digest of its bytes: nothing else can have it
            return first._replace(kind="repeat")
        event_id = first.id
    else:
        event_id = own_id(dice, index)
    if kind in ("nameless_broken", "nameless"):
        return nameless(kind, dice, index)
    if kind in ("bad_rule", "bad_rival"):
        return bad_rule(kind, event_id, dice, index)
    if kind in ("broken", "broken_rival"):
        return broken(kind, event_id, dice, index)
    if kind == "encoding":
        body, _ = order(event_id, dice, index, note=b"caf\xe9")
        return Event(body, event_id, {"encoding"}, kind, 0, "", 0, 0)
    # Around the limit, on either side of it: which of them are late, only the model can say.
    late_ms = LATE_MS - 60_000 + dice[3] * 3 if kind in ("late", "late_rival") else 0
    body, parts = order(event_id, dice, index, late_ms=late_ms)
    return Event(body, event_id, None, kind, *parts)


def own_id(dice, index):
    # Ids of several spellings; an id is text, whatever its type in the frame.
    return (f"o-{index}", f"{index}", f"Bestellung/{index} é", f"o-{index}", f'q"{index}\\')[dice[7] % 5]


def id_text(event_id):
    if event_id.isdigit():
        return event_id  # a JSON number: its spelling is the id
    text = event_id.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + text.replace("é", "\\u00e9") + '"'


def order(event_id, dice, index, note=b"", late_ms=0, **instead):
    """A valid order; `instead` replaces the text of a field, None drops it. The id stands first, last or behind a
    decoy.
    """
    at_ms = BASE_MS + index * STEP_MS % 50_000_000 + dice[4] - late_ms
    account = f"acc-{min(dice[5], dice[6]) * ACCOUNTS >> 16}"
    cents, quantity = 1 + dice[4] * 31 % 99_999, 1 + dice[6] % 100
    texts = {
        "account": f'"{account}"',
        "amount": f"{cents // 100}.{cents % 100:02d}",
        "quantity": str(quantity),
        "at": str(at_ms),
    }
    texts.update(instead)
    body = ",".join(f'"{name}":{text}' for name, text in texts.items() if text is not None)
    note = b'"note":"' + b"x" * (dice[7] % 90) + note + str(index).encode() + b'"'
    decoy = (
        b'"meta":{"id":"decoy","n":[1,{"id":null}]},"text":"\\"id\\":\\"decoy\\" \\u20ac",' if dice[5] % 7 == 0 else b""
    )
    own = b"" if event_id is None else b'"id":' + id_text(event_id).encode()
    parts = [own, decoy + body.encode(), note] if dice[4] % 3 else [decoy + body.encode(), note, own]
    return b"{" + b",".join(p for p in parts if p) + b"}", (at_ms, account, cents, quantity)


BAD_RULES = (
    (dict(amount="0.00"), {"field_range"}),
    (dict(amount="-3.10"), {"field_range"}),
    (dict(quantity="101"), {"field_range"}),
    (dict(quantity='"7"'), {"field_type"}),
    (dict(account="17"), {"field_type"}),
    (dict(amount='"1.50"'), {"field_type"}),
    (dict(account=None), {"field_missing"}),
    (dict(amount="1" * 39 + ".5"), {"number_range"}),
    (dict(at='"soon"'), {"time"}),
    (dict(at=None), {"time"}),
)


def bad_rule(kind, event_id, dice, index):
    instead, reasons = BAD_RULES[dice[3] % len(BAD_RULES)]
    late_ms = 2 * LATE_MS if dice[1] % 8 == 0 else 0  # then that is what it is
    body, parts = order(event_id, dice, index, late_ms=late_ms, **instead)
    return Event(body, event_id, reasons, kind, 0 if "at" in instead else parts[0], "", 0, 0)


def broken(kind, event_id, dice, index):
    """Not JSON, but a scan from the left still finds the id."""
    start = b'{"id":' + id_text(event_id).encode() + b',"n":%d,' % index
    body = (
        start + b'"account":"acc-1","amount":1.5',
        start + b'"ok":tru}',
        start + b'"account":1,"account":2}',
        start + b'"note":"x"} {}',
        start + b'"deep":' + b"[" * 70 + b"]" * 70 + b"}",
        start + b'"late":[1,2,03]}',
        start + b'"id":"another"}',
        start + b'"note":"tab\there"}',
    )[dice[3] % 8]
    return Event(body, event_id, {"malformed"}, kind, 0, "", 0, 0)


def nameless(kind, dice, index):
    """No findable id: the digest of the frame stands in."""
    if kind == "nameless":
        body, parts = order(None, dice, index)
        return Event(body, facts.digest_id(body), None, kind, *parts)
    body = (b"not json %d" % index, b'["id",%d]' % index, b'{"id":"cut off %d' % index, b"%d" % index)[dice[3] % 4]
    return Event(body, facts.digest_id(body), {"malformed", "field_type", "field_missing"}, kind, 0, "", 0, 0)


def write_file(path, events):
    with open(path, "wb") as f:
        f.writelines(e.raw + b"\n" for e in events)
