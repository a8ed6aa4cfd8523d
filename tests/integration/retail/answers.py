"""What the product answers about a retail run, and the comparison with the truth."""

from outside import compare, facts
from truth import FIELDS, NUMBERS


class Answers:
    """One picture of a stopped data directory. Built from the command line, or by hand in the self test.

    sale_by_id, latest_by_stock: [(id, time in us, values of FIELDS, None where missing)];
    by_country: [(Country, revenue, lines)]; revenue: [(window, start in us, revenue, lines)]; letters: dicts.
    """

    def __init__(self):
        self.ledger, self.sale_by_id, self.latest_by_stock = None, [], []
        self.by_country, self.revenue, self.letters = [], [], []

    @staticmethod
    def ask(weir, data, form):
        """`form`: json or csv, the output form of the views."""
        read = read_json if form == "json" else read_csv
        found = Answers()
        found.ledger = weir.ledger(data)
        found.sale_by_id = [record_row(row, form) for row in read(weir, "sale_by_id", data)]
        found.latest_by_stock = [record_row(row, form) for row in read(weir, "latest_by_stock", data)]
        found.by_country = [aggregate_row(row, ("Country",), form) for row in read(weir, "revenue_by_country", data)]
        found.revenue = [
            (window, facts.time_us(start), *measures)
            for window, start, *measures in (
                aggregate_row(row, ("window", "window_start"), form) for row in read(weir, "revenue", data)
            )
        ]
        found.letters = weir.letters(data)
        return found


def read_json(weir, view, data):
    for row in weir.rows(view, data):
        yield row


def read_csv(weir, view, data):
    columns, rows = weir.rows_csv(view, data)
    if len(set(columns)) != len(columns):
        raise ValueError(f"{view}: a column twice: {columns}")
    for row in rows:
        if len(row) != len(columns):
            raise ValueError(f"{view}: {len(row)} fields under {len(columns)} columns: {row}")
        yield {c: v for c, v in zip(columns, row) if v != ""}


def aggregate_row(row, keys, form):
    """(keys…, revenue, lines); both measures are JSON numbers, and nothing else stands in the row."""
    row = dict(row)
    out = [row.pop(key) for key in keys]
    out += [facts.number_text(row.pop(m)) if form == "json" else row.pop(m) for m in ("revenue", "lines")]
    if row:
        raise ValueError(f"fields nobody asked for: {row}")
    return tuple(out)


def record_row(row, form):
    """(id, time, values): a number must be a JSON number, a text must not be one; a key of no field is an error."""
    row = dict(row)
    event_id, time = row.pop("id"), facts.time_us(row.pop("time"))
    values = []
    for field in FIELDS:
        value = row.pop(field, None)
        if value is not None and form == "json":
            if (field in NUMBERS) != value.startswith(facts.NUMBER_MARK):
                raise ValueError(f"{field} has the wrong JSON type in {event_id}: {value!r}")
            value = value.removeprefix(facts.NUMBER_MARK)
        values.append(value)
    if row:
        raise ValueError(f"fields nobody asked for in {event_id}: {row}")
    return event_id, time, tuple(values)


def compare_all(truth, found):
    """Every number of every view, the ledger, the dead letters byte for byte."""
    findings = compare.Findings()
    compare.ledger(found.ledger, truth.partitions, findings)
    first = lambda row: row[0]
    compare.multiset("sale_by_id", [(i, t, v) for i, (t, v) in truth.served.items()], found.sale_by_id, findings, first)
    compare.multiset(
        "latest_by_stock",
        [(i.decode(), t, v) for t, i, v in truth.by_stock.values()],
        found.latest_by_stock,
        findings,
        lambda row: row[2][1],
    )
    text = facts.decimal_text
    compare.multiset(
        "revenue_by_country",
        [(c, text(s), str(n)) for c, (s, n) in truth.by_country.items()],
        found.by_country,
        findings,
        first,
    )
    compare.multiset(
        "revenue",
        [(w, at, text(s), str(n)) for (w, at), (s, n) in truth.revenue().items()],
        found.revenue,
        findings,
        lambda row: row[:2],
    )
    letters(truth, found.letters, findings)
    return findings


def letters(truth, found, findings):
    place = lambda i, letter: (i, letter.partition, letter.offset, letter.original)
    compare.multiset(
        "dead letters",
        [place(i, letter) for i, letter in truth.letters.items()],
        [(x["id"], x["partition"], x["offset"], x["original"]) for x in found],
        findings,
        lambda item: item[0],
    )
    for x in found:
        wanted = truth.letters.get(x["id"])
        if wanted is None:
            continue
        if x["reason"] not in wanted.reasons:
            findings.add(f"dead letter {x['id']}: reason {x['reason']!r}, allowed {sorted(wanted.reasons)}")
        if wanted.stage and x["stage"] != wanted.stage:
            findings.add(f"dead letter {x['id']}: stage {x['stage']!r}, expected {wanted.stage!r}")
        if x["attempts"] < 1 or not isinstance(x["details"], list) or not x["door"]:
            findings.add(
                f"dead letter {x['id']}: attempts {x['attempts']}, details {x['details']!r}, door {x['door']!r}"
            )
        try:
            facts.time_us(x["accepted_at"])
        except ValueError as wrong:
            findings.add(f"dead letter {x['id']}: accepted_at: {wrong}")
