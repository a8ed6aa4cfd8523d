"""A shop whose table of countries lacks one, and what is counted about it from outside."""

import json
import os
import re
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.dirname(HERE)]
from outside.node import Node  # noqa: E402
from outside.weir import Broken, Hang  # noqa: E402

PIPELINE = """pipeline: shop
partitions: 4
record: {format: ndjson, id: id}
stages:
  - validate: {fields: {id: {type: string}, country: {type: string}, amount: {type: decimal, above: 0}}}
  - enrich: {table: {file: countries.csv, key: country}, add: {region: region}, missing: reject}
views:
  by_id: {latest: "@id"}
  by_region: {group_by: [region], measures: {amount: {sum: amount}, orders: count}}
"""
TABLE = "country,region\nNorway,north\n"
WITH_OZ = TABLE + "Oz,far\n"
NDJSON = {"Content-Type": "application/x-ndjson"}


def check(got, wanted, what):
    if got != wanted:
        raise Broken(f"{what}: {got!r}, wanted {wanted!r}")


def write(folder, name, text):
    path = os.path.join(folder, name)
    with open(path + ".next", "w", encoding="utf-8") as f:
        f.write(text)
    os.rename(path + ".next", path)
    return path


def order(number, country="Oz", amount=2):
    return {"id": f"o{number}", "country": country, "amount": amount}


def lines(orders):
    return "".join(json.dumps(o) + "\n" for o in orders).encode()


class Shop:
    """A node over a folder, and its command line. Without `oz` its table lacks a country."""

    def __init__(self, weir, folder, oz=False):
        self.weir, self.folder = weir, folder
        self.data = os.path.join(folder, "data")
        self.table = write(folder, "countries.csv", WITH_OZ if oz else TABLE)
        self.pipeline = write(folder, "shop.yaml", PIPELINE)
        self.node = None

    def up(self, *args, weir=None, env=None):
        self.node = Node(weir or self.weir, self.pipeline, self.data, *args, env=env)
        self.node.until_ready()
        return self

    def down(self):
        check(self.node.stop().code, 0, "exit code of a stop")

    def call(self, *args, **more):
        return self.weir.call(*args, "--node", self.node.url, **more)

    def expect(self, code, *args, **more):
        return self.weir.expect(code, *args, "--node", self.node.url, **more).out.decode()

    def send(self, orders, wanted=None):
        reply = self.node.call("POST", "/v1/events?wait=30s", lines(orders), NDJSON)
        check(reply.status, 202, f"events: {reply}")
        if wanted is not None:
            check(reply.json()["outcomes"], wanted, "outcomes")

    def ledger(self):
        return self.node.get("/v1/ledger").json()["total"]

    def settled(self):
        """The ledger, when nothing is on its way any more."""
        end = time.monotonic() + 60
        while True:
            book = self.node.get("/v1/ledger").json()
            total = book["total"]
            if total["in_flight"] + total["retrying"] == 0:
                check(book["balanced"], True, "the ledger balances")
                return total
            if time.monotonic() > end:
                raise Hang(f"something is on its way for ever: {total}")
            time.sleep(0.02)

    def learn_oz(self):
        """The table gets the country; returns when the node decides by it."""
        before = self.node.get("/v1/pipeline").json()["rules"]
        write(self.folder, "countries.csv", WITH_OZ)
        end = time.monotonic() + 60
        while self.node.get("/v1/pipeline").json()["rules"] == before:
            if time.monotonic() > end:
                raise Hang("a new table is never read")
            time.sleep(0.05)

    def ids(self):
        return sorted(row["id"] for row in self.node.rows("by_id", limit=1000))

    def letters(self, **query):
        return self.node.get("/v1/dead-letters", limit=10_000, **query).json()["letters"]

    def records(self, **query):
        records, cursor = [], None
        while True:
            page = self.node.get("/v1/audit", limit=300, **query, **({"cursor": cursor} if cursor else {})).json()
            records += page["records"]
            if (cursor := page["next"]) is None:
                return records


COUNTS = re.compile(r"^(?:redriven|dropped) (\d+), gone (\d+), conflicts (\d+), later (\d+)$", re.M)


def counts_of(text):
    found = COUNTS.search(text)
    if not found:
        raise Broken(f"no counts in {text!r}")
    return tuple(map(int, found.groups()))
