"""The truth about configs/pipelines/retail.yaml, recomputed from the raw CSV file.

Written from interface.md with Python's csv, decimal, hashlib and gzip; shares no code with the product. Where the
contract leaves a choice open, `Letter.reasons` holds every reason it allows; an input on which it leaves the outcome
itself open makes truth raise `NotSpecified` instead of guessing.
"""

import csv
import datetime
import gzip
import re
from decimal import Decimal

from outside import facts

PARTITIONS = 8
RECORD_LINES_MAX = 64
EVENT_BYTES_MAX = 900 * 1024
RETAIN_US = 400 * 86400 * 1_000_000
COLUMNS = ["InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID", "Country"]
# What a served record holds, in no promised order; the numbers of it.
FIELDS = (
    "InvoiceNo",
    "StockCode",
    "Quantity",
    "InvoiceDate",
    "UnitPrice",
    "CustomerID",
    "Country",
    "region",
    "amount",
    "currency",
)
NUMBERS = {"Quantity", "UnitPrice", "amount"}
EXACT = facts.EXACT
DECIMAL = re.compile(r"-?(\d*)(?:\.(\d+))?")


class NotSpecified(Exception):
    """The contract does not say what becomes of this input: it has no place in a file that is compared."""


class Letter:
    """A dead letter that must be there."""

    def __init__(self, partition, offset, reasons, original, stage=None):
        self.partition, self.offset, self.reasons, self.original, self.stage = (
            partition,
            offset,
            reasons,
            original,
            stage,
        )


class Reject(Exception):
    def __init__(self, *reasons, stage=None):
        super().__init__(*reasons)
        self.reasons, self.stage = set(reasons), stage


def read_file(path) -> bytes:
    opener = gzip.open if path.endswith(".gz") else open
    with opener(path, "rb") as f:
        return f.read()


def line_end(data, at):
    """(end of the physical line that begins at `at`, without its line end; start of the next line)"""
    end = data.find(b"\n", at)
    if end < 0:
        return len(data), len(data)
    return (end - 1 if end > at and data[end - 1] == 13 else end), end + 1


def quoted_record(data, start):
    """Walks a record that holds a quote: (end, next start, well formed). RFC 4180, by its letter.

    A quote opens a field only at the field's first byte. A record that is not well formed is its first physical line
    alone.
    """
    first_end, first_next = line_end(data, start)
    lines, at, quoted, field_start = 1, start, False, True
    while True:
        if at >= len(data):
            return (first_end, first_next, False) if quoted else (at, at, True)
        byte = data[at]
        if quoted:
            if byte == 34:
                if data[at + 1 : at + 2] == b'"':
                    at += 1
                else:
                    quoted = False
                    if data[at + 1 : at + 2] not in (b",", b"\n", b"") and data[at + 1 : at + 3] != b"\r\n":
                        return malformed_line(lines, first_end, first_next)
            elif byte == 10:
                lines += 1
                if lines > RECORD_LINES_MAX:
                    return first_end, first_next, False
        elif byte == 34:
            if not field_start:
                return malformed_line(lines, first_end, first_next)
            quoted = True
        elif byte == 10:
            end = at - 1 if at > start and data[at - 1] == 13 else at
            return end, at + 1, True
        field_start = not quoted and byte == 44
        at += 1


def malformed_line(lines, first_end, first_next):
    if lines > 1:
        raise NotSpecified("a stray quote behind a line break inside quotes")
    return first_end, first_next, False


def frames(data):
    """Yields (raw frame without its line end, well formed) of every record, the header line first."""
    at = 0
    while at < len(data):
        end, following = line_end(data, at)
        good = True
        if b'"' in data[at:end]:
            end, following, good = quoted_record(data, at)
        raw = data[at:end]
        if not raw:
            raise NotSpecified("an empty line")
        yield raw, good
        at = following


def fields_of(raw, good):
    if len(raw) > EVENT_BYTES_MAX:
        raise Reject("too_large")
    if not good:
        raise Reject("malformed")
    if b"\0" in raw:
        raise Reject("malformed", "encoding")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        raise Reject("encoding") from None
    if '"' in text:
        rows = list(csv.reader([text] if "\n" not in text else text.splitlines(keepends=True), strict=True))
        if len(rows) != 1:
            raise NotSpecified("a record Python's csv reads otherwise: " + repr(text[:200]))
        row = rows[0]
    else:
        row = text.split(",")
    if len(row) != len(COLUMNS):
        raise Reject("malformed")
    return row


def integer(text):
    if not text:
        raise Reject("field_missing", stage="validate")
    if not re.fullmatch(r"-?\d+", text):
        raise Reject("field_type", stage="validate")
    value = int(text)
    if not -(2**63) <= value < 2**63:
        raise Reject("number_range", "field_type", "field_range")
    return value


def exact_decimal(text):
    """(value, its text as legal JSON): leading zeros go, a missing zero comes, trailing zeros stay."""
    if not text:
        raise Reject("field_missing", stage="validate")
    match = DECIMAL.fullmatch(text)
    if not match or not (match.group(1) or match.group(2)):
        raise Reject("field_type", stage="validate")
    scale = len(match.group(2) or "")
    digits = len(((match.group(1) or "") + (match.group(2) or "")).lstrip("0"))
    if digits > 38 or scale > 18:
        raise Reject("number_range")
    value = Decimal(text)
    whole = (match.group(1) or "").lstrip("0") or "0"
    legal = ("-" if text.startswith("-") else "") + whole + ("." + match.group(2) if match.group(2) else "")
    return value, legal


class Times:
    """%Y-%m-%d %H:%M:%S in UTC to microseconds; the same text is asked for thousands of times."""

    def __init__(self):
        self._known = {}

    def __call__(self, text):
        if text not in self._known:
            self._known[text] = self._parse(text)
        if self._known[text] is None:
            raise Reject("time")
        return self._known[text]

    @staticmethod
    def _parse(text):
        try:
            when = datetime.datetime.strptime(text, "%Y-%m-%d %H:%M:%S")
        except ValueError:
            return None
        if not 1900 <= when.year <= 2200:
            return None
        since = when - facts.EPOCH
        return (since.days * 86400 + since.seconds) * 1_000_000


class Truth:
    """Everything that can be asked about the pipeline after it has read `files`, one after the other.

    served: id -> (time, the values of FIELDS as texts, None where missing); letters: id -> Letter; ledger per
    partition.
    """

    def __init__(self, countries_csv):
        with open(countries_csv, newline="", encoding="utf-8") as f:
            self.regions = {row["Country"]: row["region"] for row in csv.DictReader(f)}
        self.served, self.letters = {}, {}
        self.partitions = [dict(accepted=0, served=0, duplicate=0, dead_lettered=0) for _ in range(PARTITIONS)]
        self.by_stock, self.by_country, self.windows = {}, {}, {}
        self.facts = dict(
            lines=0,
            distinct=0,
            invoices=set(),
            stock_codes=set(),
            countries=set(),
            customers=set(),
            no_customer=0,
            no_description=0,
            cancellations=0,
        )
        self._time = Times()
        self._partition_of = {}

    def read(self, data: bytes):
        records = frames(data)
        header, _ = next(records)
        if header.decode("utf-8").split(",") != COLUMNS:
            raise NotSpecified("another header line: " + repr(header))
        for raw, good in records:
            self._accept(raw, good)
        return self

    def _accept(self, raw, good):
        event_id = facts.digest_id(raw)
        try:
            row, unreadable = fields_of(raw, good), None
            self._count_facts(row)
        except Reject as no:
            row, unreadable = None, no
        self.facts["lines"] += 1
        home = self._partition_of.get(event_id)
        seen = home is not None
        if not seen:
            home = self._partition_of[event_id] = facts.partition_of(event_id, PARTITIONS)
        book = self.partitions[home]
        offset = book["accepted"]
        book["accepted"] += 1
        if (
            seen
        ):  # the id is the digest: the same id is the same bytes, and that is a duplicate whatever became of the first
            book["duplicate"] += 1
            return
        try:
            if unreadable:
                raise unreadable
            time, values = self._decide(row)
        except Reject as no:
            book["dead_lettered"] += 1
            self.letters[event_id] = Letter(home, offset, no.reasons, raw, no.stage)
            return
        book["served"] += 1
        self.served[event_id] = (time, values)
        self._into_views(event_id, time, values)

    def _decide(self, row):
        """validate, time, enrich, transform. Raises when more than one rule is broken: which wins is not promised."""
        invoice, stock, _, quantity, date, price, customer, country = row
        out, broken = [], []
        for check in (
            lambda: integer(quantity),
            lambda: self._price(price),
            lambda: self._time(date),
            lambda: self._required(country),
        ):
            try:
                out.append(check())
            except Reject as no:
                broken.append(no)
        if len(broken) > 1:
            raise NotSpecified("a record that breaks more than one rule: " + repr(row))
        if broken:
            raise broken[0]
        if not stock:
            raise NotSpecified("a record without StockCode: the key of a view is missing")
        units, (value, price_text), time, _ = out
        amount = EXACT.multiply(Decimal(units), value)
        return time, (
            invoice or None,
            stock,
            str(units),
            date,
            price_text,
            customer or None,
            country,
            self.regions.get(country, "unknown"),
            facts.decimal_text(amount),
            "GBP",
        )

    @staticmethod
    def _price(text):
        value, legal = exact_decimal(text)
        if not value > 0:
            raise Reject("field_range", stage="validate")
        return value, legal

    @staticmethod
    def _required(text):
        if not text:
            raise Reject("field_missing", stage="validate")

    def _into_views(self, event_id, time, values):
        best = self.by_stock.get(values[1])
        if best is None or (time, event_id.encode()) > best[:2]:
            self.by_stock[values[1]] = (time, event_id.encode(), values)
        amount = Decimal(values[8])
        day = time - time % 86_400_000_000
        month = us(datetime.datetime.utcfromtimestamp(time // 1_000_000).replace(day=1, hour=0, minute=0, second=0))
        for table, key in (
            (self.by_country, values[6]),
            (self.windows, ("day", day)),
            (self.windows, ("month", month)),
        ):
            total, lines = table.get(key, (None, 0))
            table[key] = (amount if total is None else EXACT.add(total, amount), lines + 1)

    def revenue(self):
        """(window, start) -> (sum, lines) of the windows that `retain` still shows."""
        if not self.served:
            return {}
        newest = max(time for time, _ in self.served.values())
        return {key: row for key, row in self.windows.items() if window_end(*key) >= newest - RETAIN_US}

    def ledger(self):
        return {name: sum(p[name] for p in self.partitions) for name in self.partitions[0]}

    def _count_facts(self, row):
        """What public analyses of the data set count: over all lines, repeats included, before any rule."""
        found = self.facts
        found["invoices"].add(row[0])
        found["stock_codes"].add(row[1])
        found["countries"].add(row[7])
        found["no_description"] += row[2] == ""
        found["cancellations"] += row[0].startswith("C")
        if row[6]:
            found["customers"].add(row[6])
        else:
            found["no_customer"] += 1


def us(when):
    since = when - facts.EPOCH
    return (since.days * 86400 + since.seconds) * 1_000_000


def window_end(window, start):
    if window == "day":
        return start + 86_400_000_000
    when = datetime.datetime.utcfromtimestamp(start // 1_000_000)
    return us(when.replace(year=when.year + when.month // 12, month=when.month % 12 + 1))


# The known truth of online-retail.csv.gz, from public analyses of the data set.
KNOWN = dict(
    lines=541_909,
    distinct=536_641,
    invoices=25_900,
    stock_codes=4_070,
    countries=38,
    customers=4_372,
    no_customer=135_080,
    no_description=1_454,
    cancellations=9_288,
)


def known_facts_of(truth):
    """The same figures as this script finds them."""
    found = {k: len(v) if isinstance(v, set) else v for k, v in truth.facts.items()}
    found["distinct"] = len(truth.served) + len(truth.letters)
    return found
