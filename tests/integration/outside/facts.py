"""Facts of the contract, written again: ids, partitions, number texts, times."""

import datetime
import decimal
import hashlib
import json
import re

# Sums are exact in the product (256 bits); 120 digits are exact for everything these checkers feed it.
EXACT = decimal.Context(
    prec=120, rounding=decimal.ROUND_HALF_EVEN, traps=[decimal.InvalidOperation, decimal.Inexact, decimal.Overflow]
)
ROUNDING = decimal.Context(prec=120, rounding=decimal.ROUND_HALF_EVEN)
EPOCH = datetime.datetime(1970, 1, 1)
RFC3339 = re.compile(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?Z")
NUMBER_MARK = "\x00number "


def digest_id(raw: bytes) -> str:
    """The id of a frame without a findable id: the first 128 bits of SHA-256, 32 lower-case hex characters."""
    return hashlib.sha256(raw).hexdigest()[:32]


def murmur2(data: bytes) -> int:
    """Kafka's murmur2 of the default partitioner, before its sign bit is cleared."""
    length = len(data)
    h = 0x9747B28C ^ length
    whole = length & ~3
    for i in range(0, whole, 4):
        k = int.from_bytes(data[i : i + 4], "little") * 0x5BD1E995 & 0xFFFFFFFF
        k = (k ^ (k >> 24)) * 0x5BD1E995 & 0xFFFFFFFF
        h = (h * 0x5BD1E995 & 0xFFFFFFFF) ^ k
    rest = data[whole:]
    if rest:
        h = (h ^ int.from_bytes(rest, "little")) * 0x5BD1E995 & 0xFFFFFFFF
    h = (h ^ (h >> 13)) * 0x5BD1E995 & 0xFFFFFFFF
    return h ^ (h >> 15)


def partition_of(event_id: str, partitions: int) -> int:
    return (murmur2(event_id.encode()) & 0x7FFFFFFF) % partitions


def number(text: str) -> str:
    """A JSON number as these checkers compare it: by its text, and never equal to the string of the same text."""
    return NUMBER_MARK + text


def parse_json(text):
    """JSON with numbers kept as text and duplicate keys refused: what is compared is what was written."""

    def pairs(items):
        out = dict(items)
        if len(out) != len(items):
            raise ValueError("duplicate keys in " + repr([k for k, _ in items]))
        return out

    def constant(name):
        raise ValueError(name + " is not JSON")

    return json.loads(text, parse_float=number, parse_int=number, parse_constant=constant, object_pairs_hook=pairs)


def number_text(value) -> str:
    """The text of a JSON number read by parse_json; anything else is a finding of the caller."""
    if isinstance(value, str) and value.startswith(NUMBER_MARK):
        return value[len(NUMBER_MARK) :]
    raise ValueError("not a JSON number: " + repr(value))


def whole(value) -> int:
    return int(number_text(value))


def decimal_text(value: decimal.Decimal) -> str:
    """Plain notation, trailing zeros kept."""
    return format(value, "f")


def average_text(total: decimal.Decimal, count: int) -> str:
    """average = sum / count with six more digits than the sum, half-even."""
    scale = -total.as_tuple().exponent + 6
    return decimal_text(
        ROUNDING.divide(total, decimal.Decimal(count)).quantize(decimal.Decimal(1).scaleb(-scale), context=ROUNDING)
    )


def time_us(text) -> int:
    """Microseconds since 1970 of an RFC 3339 UTC time as the product prints it; ValueError for anything else."""
    match = RFC3339.fullmatch(text) if isinstance(text, str) else None
    if not match:
        raise ValueError("not an RFC 3339 UTC time: " + repr(text))
    year, month, day, hour, minute, second = (int(x) for x in match.groups()[:6])
    fraction = (match.group(7) or "").ljust(9, "0")
    if fraction[6:] != "000":
        raise ValueError("finer than a microsecond: " + text)
    since = datetime.datetime(year, month, day, hour, minute, second) - EPOCH
    return (since.days * 86400 + since.seconds) * 1_000_000 + int(fraction[:6])
