"""A stopped data directory as the product shows it, and its comparison with the model."""

import json

from outside import compare, facts
import model as models


class Picture:
    """orders: id -> … as lists of rows, so that a double shows; letters as Weir.letters gives them."""

    def __init__(self, ledger, orders, latest, accounts, hours, minutes, letters):
        self.ledger, self.orders, self.latest = ledger, orders, latest
        self.accounts, self.hours, self.minutes, self.letters = accounts, hours, minutes, letters

    @staticmethod
    def take(weir, data, ledger):
        return Picture(
            ledger,
            rows(weir, "order_by_id", data),
            rows(weir, "latest_by_account", data),
            rows(weir, "by_account", data),
            rows(weir, "by_hour", data),
            rows(weir, "by_minute", data),
            weir.letters(data),
        )


def rows(weir, view, data):
    ended = weir.expect(0, "query", view, "--data", data, "--limit", "0", "--output", "json", timeout=300)
    return json.loads(ended.out, parse_float=facts.number, parse_int=facts.number)["rows"]


def canonical(row):
    return json.dumps(row, sort_keys=True)


def compare_latest(name, events, found, findings):
    """`id` and `time` come first in a row, then the record; the record's own `id` shares its key with the row's."""
    expected = []
    for event in events:
        record = models.record_of(event)
        record.pop("id", None)
        expected.append((event.id, event.at_ms * 1000, canonical(record)))
    got = []
    for row in found:
        rest = dict(row)
        event_id, time = rest.pop("id"), facts.time_us(rest.pop("time"))
        got.append((event_id.removeprefix(facts.NUMBER_MARK), time, canonical(rest)))
    compare.multiset(name, expected, got, findings, lambda item: item[0])


def measures(row, keys, names):
    row = dict(row)
    out = tuple(row.pop(key) for key in keys) + tuple(facts.number_text(row.pop(name)) for name in names)
    if row:
        raise ValueError(f"fields nobody asked for: {row}")
    return out


def compare_ledger(model, ledger, accepted, findings):
    compare.ledger(ledger, model.ledger(accepted), findings)


def compare_picture(model, accepted, picture):
    """Everything, at the position the model has decided until."""
    findings = compare.Findings()
    compare_ledger(model, picture.ledger, accepted, findings)
    compare_latest("order_by_id", model.served.values(), picture.orders, findings)
    compare_latest("latest_by_account", model.latest.values(), picture.latest, findings)
    compare.multiset(
        "by_account",
        list(model.account_rows()),
        [measures(r, ("account",), ("total", "orders", "largest", "smallest", "mean")) for r in picture.accounts],
        findings,
        lambda item: item[0],
    )
    for name, expected, found in (
        ("by_hour", model.hour_rows(), picture.hours),
        ("by_minute", model.minute_rows(), picture.minutes),
    ):
        got = [measures(r, ("window", "window_start"), ("total", "orders")) for r in found]
        compare.multiset(
            name, list(expected), [(w, facts.time_us(at), *rest) for w, at, *rest in got], findings, lambda item: item[1]
        )
    compare_letters(model, picture.letters, findings)
    return findings


def compare_letters(model, found, findings):
    wanted = {(p, offset): letter for p, part in enumerate(model.partitions) for offset, letter in part.letters.items()}
    compare.multiset(
        "dead letters",
        [(place, w.id, w.original) for place, w in wanted.items()],
        [((x["partition"], x["offset"]), x["id"], x["original"]) for x in found],
        findings,
        lambda item: item[0],
    )
    for x in found:
        letter = wanted.get((x["partition"], x["offset"]))
        if letter and x["reason"] not in letter.reasons:
            findings.add(f"dead letter {x['id']}: reason {x['reason']!r}, allowed {sorted(letter.reasons)}")
        if letter and letter.stage and x["stage"] != letter.stage:
            findings.add(f"dead letter {x['id']}: stage {x['stage']!r}, expected {letter.stage!r}")
