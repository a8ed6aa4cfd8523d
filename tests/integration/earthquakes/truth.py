"""The truth about the two earthquake pipelines, recomputed from the raw GeoJSON.

Written from interface.md with a small scanner of its own and Python's decimal; shares no code with the product. An input on
which the contract leaves the outcome open makes it raise `NotSpecified` instead of guessing.
"""

import re
from decimal import Decimal

from outside import facts

PARTITIONS = 8
DAY_US = 86_400_000_000
SPACE = b" \t\r\n"
NUMBER = re.compile(rb"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?")
WORDS = {b"null": None, b"true": True, b"false": False}


class NotSpecified(Exception):
    """The contract does not say what becomes of this input: it has no place in a file that is compared."""


class Broken(Exception):
    """The frame is not JSON from here on."""


class Reject(Exception):
    def __init__(self, stage, reason):
        super().__init__(stage, reason)
        self.stage, self.reason = stage, reason


class Scan:
    """Reads JSON from the left. Objects become lists of (key, value), numbers marked texts (facts.number)."""

    def __init__(self, data, at=0):
        self.data, self.at = data, at

    def skip(self):
        while self.data[self.at : self.at + 1] and self.data[self.at] in SPACE:
            self.at += 1
        return self.data[self.at : self.at + 1]

    def take(self, byte):
        if self.skip() != byte:
            raise Broken(f"{byte!r} is expected at byte {self.at}")
        self.at += 1

    def string(self):
        self.take(b'"')
        start = self.at
        while True:
            end = self.data.find(b'"', self.at)
            if end < 0:
                raise Broken("a text without an end")
            slashes = 0
            while self.data[end - 1 - slashes : end - slashes] == b"\\" and end - 1 - slashes >= start:
                slashes += 1
            self.at = end + 1
            if slashes % 2 == 0:
                return facts.parse_json(self.data[start - 1 : end + 1])

    def members(self):
        """Yields (key) with the scan standing before its value; the caller reads the value."""
        self.take(b"{")
        if self.skip() == b"}":
            self.at += 1
            return
        while True:
            key = self.string()
            self.take(b":")
            yield key
            if self.skip() == b"}":
                self.at += 1
                return
            self.take(b",")
            if self.skip() != b'"':
                raise Broken("a key is expected behind a comma")

    def value(self):
        byte = self.skip()
        if byte == b"{":
            return [(key, self.value()) for key in self.members()]
        if byte == b"[":
            self.at += 1
            out = []
            if self.skip() == b"]":
                self.at += 1
                return out
            while True:
                out.append(self.value())
                if self.skip() == b"]":
                    self.at += 1
                    return tuple(out)
                self.take(b",")
        if byte == b'"':
            return self.string()
        for word, meant in WORDS.items():
            if self.data.startswith(word, self.at):
                self.at += len(word)
                return meant
        match = NUMBER.match(self.data, self.at)
        if not match or self.data[match.end() : match.end() + 1] not in (b",", b"}", b"]", b" ", b"\n", b"\r", b"\t"):
            raise Broken(f"no value at byte {self.at}")
        self.at = match.end()
        return facts.number(match.group().decode())


def element_end(data, at):
    """One past the element that begins at `at`: by brackets and quotes alone, whatever else is wrong with it."""
    if data[at] not in b'{["':
        while data[at] not in b",]} \n":
            at += 1
        return at
    depth, quoted = 0, False
    while True:
        byte = data[at]
        at += 1
        if quoted:
            if byte == 92:
                at += 1
            quoted = byte != 34
        elif byte == 34:
            quoted = True
        elif byte in b"{[":
            depth += 1
        elif byte in b"}]":
            depth -= 1
        if depth == 0 and not quoted:
            return at


def frames(data):
    """The raw features of a collection, or the raw elements of an array."""
    scan = Scan(data)
    if scan.skip() == b"{":
        for key in scan.members():
            scan.skip()
            if key == "features":
                break
            scan.at = element_end(data, scan.at)
        else:
            raise NotSpecified("no features")
    scan.take(b"[")
    while scan.skip() != b"]":
        start, scan.at = scan.at, element_end(data, scan.at)
        yield data[start : scan.at]
        if scan.skip() == b",":
            scan.at += 1
            if scan.skip() == b"]":
                raise NotSpecified("a comma behind the last feature")


def find_text(raw, path):
    """The text of a field as an id, found by a scan from the left: None where it does not get there, or it is no id."""
    scan = Scan(raw)
    try:
        for depth, name in enumerate(path):
            for key in scan.members():
                if key == name:
                    break
                scan.value()
            else:
                return None
            if depth + 1 == len(path):
                value = scan.value()
                text = value.removeprefix(facts.NUMBER_MARK) if isinstance(value, str) else None
                return text if text and len(text.encode()) <= 512 else None
    except Broken:
        return None


def parse(raw):
    """The feature as a dict of dicts; duplicate keys and everything that is not RFC 8259 are malformed."""
    if raw[:1] != b"{":
        raise Reject("parse", "malformed")
    try:
        return facts.parse_json(raw)
    except UnicodeDecodeError:
        raise Reject("parse", "encoding") from None
    except ValueError:
        raise Reject("parse", "malformed") from None


def is_number(value):
    return isinstance(value, str) and value.startswith(facts.NUMBER_MARK)


def unix_ms(value):
    text = facts.number_text(value) if is_number(value) else value
    if not isinstance(text, str) or not re.fullmatch(r"-?\d{1,15}", text):
        raise Reject("parse", "time")
    return int(text) * 1000


def magnitude(properties):
    """The magnitude's text, or None where it is null."""
    if not isinstance(properties, dict) or "mag" not in properties:
        raise Reject("validate", "field_missing")
    mag = properties["mag"]
    if mag is None:
        return None
    if not is_number(mag):
        raise Reject("validate", "field_type")
    text = facts.number_text(mag)
    if "e" in text.lower():
        raise NotSpecified("a magnitude with an exponent")
    digits, _, behind = text.lstrip("-").partition(".")
    if len((digits + behind).lstrip("0")) > 38 or len(behind) > 18:
        raise Reject("validate", "number_range")
    return text


CLASSES = ((2, "micro"), (4, "minor"), (5, "light"), (6, "moderate"))


def class_of(mag):
    if mag is None:
        return "unknown"
    for bound, name in CLASSES:
        if Decimal(mag) < bound:
            return name
    return "strong"


class Truth:
    """What can be asked about a pipeline after `data`. served: id -> (time, record); letters: sorted (id, stage, reason,
    original); partitions: ledger rows; views: name -> rows, numbers as plain texts."""

    def __init__(self):
        self.served, self.letters, self.views = {}, [], {}
        self.partitions = [dict(accepted=0, served=0, duplicate=0, dead_lettered=0) for _ in range(PARTITIONS)]
        self._first = {}  # id -> (raw, served)

    def read(self, data):
        for raw in frames(data):
            self._accept(raw)
        self.make_views()
        return self

    def _accept(self, raw):
        event_id = self.id_of(raw)
        book = self.partitions[facts.partition_of(event_id, PARTITIONS)]
        book["accepted"] += 1
        first = self._first.get(event_id)
        if first and first[0] == raw:
            book["duplicate"] += 1
            return
        try:
            if first and first[1]:
                raise Reject("dedupe", "conflict")
            if first:
                raise NotSpecified("a changed feature behind a dead letter of the same id")
            self.served[event_id] = self.decide(parse(raw))
        except Reject as no:
            book["dead_lettered"] += 1
            self.letters.append((event_id, no.stage, no.reason, raw))
            self._first.setdefault(event_id, (raw, False))
            return
        book["served"] += 1
        self._first[event_id] = (raw, True)


class Quakes(Truth):
    """configs/pipelines/earthquakes.yaml"""

    pipeline = "earthquakes"

    def id_of(self, raw):
        return find_text(raw, ["id"]) or facts.digest_id(raw)

    def decide(self, feature):
        properties = feature.get("properties")
        if not isinstance(properties, dict):
            raise NotSpecified("a feature without properties")
        time = unix_ms(properties.get("time"))
        mag = magnitude(properties)
        if "place" not in properties or not (properties["place"] is None or isinstance(properties["place"], str)):
            raise NotSpecified("no place")
        record = {
            "geometry": feature["geometry"],
            "mag": None if mag is None else facts.number(mag),
            "place": properties["place"],
            "kind": properties["type"],
            "network": properties["net"],
            "updated": properties["updated"],
            "class": class_of(mag),
        }
        return time, record

    def make_views(self):
        self.views["quake_by_id"] = [row(id=i, time=t, **r) for i, (t, r) in self.served.items()]
        for view, group in (
            ("by_day", lambda t, r: ("day", t - t % DAY_US)),
            ("by_class", lambda t, r: (r["class"],)),
            ("by_network", lambda t, r: (r["network"],)),
        ):
            groups = {}
            for time, record in self.served.values():
                groups.setdefault(group(time, record), []).append(record["mag"])
            self.views[view] = [key + measures(mags, view == "by_day") for key, mags in groups.items()]


def measures(mags, whole):
    """quakes, strongest[, weakest, average] of a group; null magnitudes count as quakes and are nothing else."""
    known = [Decimal(facts.number_text(mag)) for mag in mags if mag is not None]
    text = lambda value: None if value is None else facts.decimal_text(value)
    # Of equal values the one with more digits, so that the answer does not depend on the order of arrival.
    largest = max(known, default=None, key=lambda value: (value, -value.as_tuple().exponent))
    out = (str(len(mags)), text(largest))
    if not whole:
        return out
    smallest = min(known, default=None, key=lambda value: (value, value.as_tuple().exponent))
    total = sum(known, Decimal(0)) if known else None
    if total is not None:  # the largest scale of what was added
        total = total.quantize(Decimal(1).scaleb(min(value.as_tuple().exponent for value in known)))
    return out + (text(smallest), None if total is None else facts.average_text(total, len(known)))


class Corrections(Truth):
    """configs/pipelines/earthquake_corrections.yaml"""

    pipeline = "earthquake_corrections"

    def id_of(self, raw):
        parts = [find_text(raw, ["id"]), find_text(raw, ["properties", "updated"])]
        if None in parts:
            return facts.digest_id(raw)
        return ":".join(part.replace("\\", "\\\\").replace(":", "\\:") for part in parts)

    def decide(self, feature):
        properties = feature.get("properties")
        if not isinstance(properties, dict):
            raise NotSpecified("a feature without properties")
        time = unix_ms(properties.get("updated"))
        broken = None
        if not isinstance(feature.get("id"), str) or is_number(feature["id"]):
            broken = Reject("validate", "field_missing" if "id" not in feature else "field_type")
        try:
            mag = magnitude(properties)
        except Reject as no:
            if broken:
                raise NotSpecified("two broken fields") from None
            broken = no
        if broken:
            raise broken
        return time, {
            "quake": feature["id"],
            "mag": None if mag is None else facts.number(mag),
            "place": properties["place"],
            "happened": properties["time"],
        }

    def make_views(self):
        newest, days = {}, {}
        for event_id, (time, record) in self.served.items():
            best = newest.get(record["quake"])
            if best is None or (time, event_id.encode()) > best[0]:
                newest[record["quake"]] = ((time, event_id.encode()), row(id=event_id, time=time, **record))
            day = time - time % DAY_US
            days[day] = days.get(day, 0) + 1
        self.views["newest"] = [best for _, best in newest.values()]
        self.views["changes"] = [("day", day, str(count)) for day, count in days.items()]


def row(**fields):
    """A record as something that can be compared and hashed: numbers by their text, key order without meaning."""
    return tuple(sorted((key, frozen(value)) for key, value in fields.items()))


def frozen(value):
    if isinstance(value, dict):
        return tuple(sorted((key, frozen(item)) for key, item in value.items()))
    if isinstance(value, (list, tuple)):
        return tuple(frozen(item) for item in value)
    return value


# The known truth of earthquakes.geojson.gz: what its own metadata says, and what a look at it shows.
KNOWN = dict(features=1707, ids=1707, null_magnitudes=0, days=8, networks=12)
