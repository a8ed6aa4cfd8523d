"""Random orders of a shop, and what configs/pipelines/shop.yaml must make of them: computed line by line with Python's own
decimals, hashes, calendar and addresses."""

import csv
import datetime
import decimal
import hashlib
import ipaddress
import json
import random

EXACT = decimal.Context(prec=200, rounding=decimal.ROUND_HALF_EVEN)
COUNTRIES = ["DE", "FR", "XX", "GB", "ZZ", "SE"]
SKUS = ["ab-1", "cd-20", "ef-300", "gh-4", "new-5", "  spaced-6 ", "é-漢-7"]


class Reject(Exception):
    """The event is a dead letter with this reason."""


def prices(path) -> dict:
    with open(path, encoding="utf-8", newline="") as f:
        return {row["sku"]: row["price"] for row in csv.DictReader(f)}


def random_line(chance) -> dict:
    line = {"sku": chance.choice(SKUS), "units": chance.choice([1, 2, 3, 17, 0, -1, "4", "07", 2.5, 500])}
    if line["sku"] not in SKUS[:4] or chance.random() < 0.3:
        line["price"] = chance.choice([1, 0.05, 12.345, "7.10", "0.335"])
    if chance.random() < 0.3:
        line["paid"] = chance.choice([1, 2.55, None])
    if chance.random() < 0.3:
        line["pieces"] = chance.choice([3, 7, None])
    if chance.random() < 0.7:
        line["days"] = chance.choice([0, 1.99, 2, 6.5, 7, 30, None])
    wrong = chance.random()
    if wrong < 0.01:
        del line["sku"]
    elif wrong < 0.02:
        line["units"] = chance.choice(["many", None, True, "1e40"])
    elif wrong < 0.03:
        line["sku"] = "unpriced"
        line.pop("price", None)
    elif wrong < 0.04:
        line["pieces"] = 0
    elif wrong < 0.05:
        line["days"] = "soon"
    return line


def random_order(chance, number) -> dict:
    first = datetime.datetime(1950, 1, 1, tzinfo=datetime.timezone.utc)
    placed = first + datetime.timedelta(seconds=chance.randrange(100 * 365 * 86400))
    due = placed + datetime.timedelta(days=chance.randrange(60))
    order = {
        "order": f"o{number}",
        "placed": placed.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "due": due.strftime("%d.%m.%Y"),
        "customer": {
            "country": chance.choice(COUNTRIES),
            "mail": chance.choice(["Ann@Example.org", "bob@example.org", "É@example.org", "\"q\"@x"]),
            "card": str(chance.randrange(10**15, 10**16)) if chance.random() < 0.9 else chance.choice(["1234", "12345", ""]),
            "ip": str(ipaddress.ip_address(chance.randrange(2**32) if chance.random() < 0.7 else chance.randrange(2**128))),
        },
        "lines": [random_line(chance) for _ in range(chance.choice([0, 1, 1, 2, 3, 5, 20]))],
    }
    wrong = chance.random()
    if wrong < 0.05:
        order["test"] = True
    elif wrong < 0.07:
        order["due"] = chance.choice(["31.02.2010", "tomorrow", "2010-01-01"])
    elif wrong < 0.09:
        order["customer"]["ip"] = "localhost"
    elif wrong < 0.11:
        order["lines"] = chance.choice(["none", {"sku": "ab-1"}])
    elif wrong < 0.12:
        del order["customer"]["mail"]
    elif wrong < 0.13:
        order["lines"] = [{"sku": "ab-1", "units": 1}] * 201
    return order


def orders(seed, count) -> list:
    chance = random.Random(seed)
    return [random_order(chance, number) for number in range(count)]


def number(value):
    if value is None:
        raise Reject("field_missing")
    if isinstance(value, bool) or isinstance(value, (str, dict, list)):
        raise Reject("field_type")
    return value if isinstance(value, decimal.Decimal) else decimal.Decimal(repr(value))


def to_number(value):
    if not isinstance(value, str):
        return number(value)
    try:
        result = decimal.Decimal(value)
    except decimal.InvalidOperation:
        raise Reject("field_type") from None
    if result.adjusted() >= 38:
        raise Reject("number_range")
    return result


def text(value) -> str:
    if value is None:
        raise Reject("field_missing")
    return value


def scaled(value, scale):
    return value.quantize(decimal.Decimal(1).scaleb(-scale), context=EXACT)


def bucket(value, bounds, last, missing=None):
    if value is None and missing is not None:
        return missing
    return next((name for bound, name in bounds if number(value) < bound), last)


def ascii_case(value, change) -> str:
    return "".join(change(c) if c.isascii() else c for c in value)


def network(address) -> str:
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        raise Reject("field_type") from None
    return str(ipaddress.ip_network((ip, 24), strict=False))


def due_time(value) -> str:
    try:
        return datetime.datetime.strptime(value, "%d.%m.%Y").strftime("%Y-%m-%dT00:00:00Z")
    except ValueError:
        raise Reject("time") from None


def record(order, line, table) -> dict:
    """The record of one line; None when the filter leaves it out."""
    at = datetime.datetime.strptime(order["placed"], "%Y-%m-%dT%H:%M:%SZ")
    local = at + datetime.timedelta(hours=1)
    customer, sku = order["customer"], line.get("sku")
    out = {k: v for k, v in order.items() if k not in ("lines", "customer")}
    out["sku"] = sku
    if sku is None:
        del out["sku"]
    out["units"] = units = to_number(line.get("units"))
    price = line.get("price")
    out["price"] = price = to_number(price if price is not None else table.get(sku))
    out["net"] = net = EXACT.multiply(units, price)
    out["vat"] = vat = scaled(EXACT.multiply(net, decimal.Decimal("0.19")), 2)
    out["gross"] = gross = EXACT.add(net, vat)
    paid = line.get("paid")
    out["saved"] = EXACT.subtract(gross, gross if paid is None else number(paid))
    pieces = number(1 if line.get("pieces") is None else line["pieces"])
    if pieces == 0:
        raise Reject("number_range")
    out["each"] = scaled(EXACT.divide(gross, pieces), 4)
    out["size"] = bucket(gross, [(10, "small"), (100, "medium")], "large")
    out["haste"] = bucket(line.get("days"), [(2, "express"), (7, "normal")], "slow", "unknown")
    out["day"] = local.strftime("%Y-%m-%d")
    out["week"] = "{0}-W{1:02}".format(*at.isocalendar())
    out["hour"] = decimal.Decimal(local.hour)
    out["due"] = due_time(order["due"])
    out["category"] = ascii_case(text(sku)[:2], str.upper)
    out["article"] = sku.replace("-", " ").strip(" ")
    out["person"] = hashlib.sha256(ascii_case(text(customer.get("mail")), str.lower).encode()).hexdigest()
    card = customer["card"]
    out["card"] = "*" * (len(card) - 4) + card[-4:] if len(card) > 4 else "*" * len(card)
    out["network"] = network(customer["ip"])
    out["currency"] = "EUR"
    out["count"] = spelled(units)
    out["line_id"] = f"{order['order']}/{sku}"
    return out if units > 0 and gross <= 1000 else None


def spelled(value) -> str:
    return format(value, "f")


class Truth:
    """outcome: order id -> served, filtered, or (reason of a dead letter, part that caused it or None).
    lines: line_id -> record (of the latest order line); sales: (day, size) -> [gross, lines]."""

    def __init__(self, some_orders, table):
        self.outcome, self.records, self.sales = {}, [], {}
        latest = {}
        for order in some_orders:
            self.outcome[order["order"]], records = self.judge(order, table)
            for index, one in enumerate(records):
                self.records.append(one)
                key = (order["placed"], order["order"], index)
                if one["line_id"] not in latest or latest[one["line_id"]][0] < key:
                    latest[one["line_id"]] = (key, one)
                group = self.sales.setdefault((one["day"], one["size"]), [decimal.Decimal(0), 0])
                group[0] = EXACT.add(group[0], one["gross"])
                group[1] += 1
        self.lines = {line_id: one for line_id, (_, one) in latest.items()}

    @staticmethod
    def judge(order, table):
        lines = order["lines"]
        if not isinstance(lines, list):
            return ("field_type", None), []
        if order.get("test") or order["customer"]["country"] in ("XX", "ZZ"):
            return "filtered", []
        records = []
        for part, line in enumerate(lines):
            if part == 200:
                return ("output_too_large", None), []
            try:
                records.append(record(order, line, table))
            except Reject as why:
                return (str(why), part), []
        records = [one for one in records if one is not None]
        return ("served" if records else "filtered"), records


def written(some_orders) -> bytes:
    return "".join(json.dumps(order, ensure_ascii=bool(i % 2)) + "\n" for i, order in enumerate(some_orders)).encode()
