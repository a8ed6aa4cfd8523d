"""A shop and its node, and what is known of it from outside."""

import json
import os
import re
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.dirname(HERE)]
from outside.node import Node  # noqa: E402
from outside.weir import Broken, Hang  # noqa: E402

PARTITIONS = 2
PIPELINE = f"""pipeline: shop
partitions: {PARTITIONS}
record: {{format: ndjson, id: id}}
stages:
  - validate: {{fields: {{id: {{type: string}}, item: {{type: string}}, amount: {{type: decimal, above: 0}}}}}}
views:
  by_id: {{latest: "@id"}}
  by_item: {{group_by: [item], measures: {{amount: {{sum: amount}}, orders: count}}}}
"""
NDJSON = {"Content-Type": "application/x-ndjson"}
ITEMS = ("apple", "pear", "plum")


def check(got, wanted, what):
    if got != wanted:
        raise Broken(f"{what}: {got!r}, wanted {wanted!r}")


def order(number, note=""):
    """Every tenth is no order."""
    return {"id": f"o{number}", "item": ITEMS[number % 3], "amount": 0 if number % 10 == 0 else number % 7 + 1, **({"note": note} if note else {})}


class Shop:
    def __init__(self, weir, folder, more=""):
        """`more`: lines behind those of the pipeline."""
        self.weir, self.folder = weir, folder
        self.data = os.path.join(folder, "data")
        self.pipeline = os.path.join(folder, "shop.yaml")
        with open(self.pipeline, "w", encoding="utf-8") as f:
            f.write(PIPELINE + more)
        self.node = None
        self.sent = 0

    def up(self, *args, weir=None, env=None, ready=True):
        self.node = Node(weir or self.weir, self.pipeline, self.data, *args, env=env)
        if ready:
            self.node.until_ready()
        return self.node

    def send(self, count, note="", wait="30s"):
        """So many orders more; all of them decided, unless `wait` is empty."""
        body = "".join(json.dumps(order(n, note)) + "\n" for n in range(self.sent, self.sent + count)).encode()
        reply = self.node.call("POST", "/v1/events" + (f"?wait={wait}" if wait else ""), body, NDJSON)
        check(reply.status, 202, f"orders: {reply}")
        self.sent += count

    def check_answers(self):
        """Everything sent, each once."""
        good = [order(n) for n in range(self.sent) if order(n)["amount"]]
        wanted = {item: [sum(o["amount"] for o in good if o["item"] == item), sum(o["item"] == item for o in good)] for item in ITEMS}
        check({r["item"]: [r["amount"], r["orders"]] for r in self.node.rows("by_item")}, wanted, "sums")
        total = self.node.get("/v1/ledger").json()
        check((total["balanced"], total["total"]["accepted"], total["total"]["served"], total["total"]["dead_lettered"]),
              (True, self.sent, len(good), self.sent - len(good)), "ledger")

    def create(self):
        reply = self.node.call("POST", "/v1/snapshots")
        check(reply.status, 200, f"snapshots: {reply}")
        return reply.json()["partitions"]

    def listed(self):
        return self.node.get("/v1/snapshots").json()["snapshots"]

    def recovery(self):
        return self.node.get("/v1/snapshots").json()["recovery"]

    def digests(self):
        return self.node.get("/v1/digest", state="true").json()["partitions"]

    def stored(self, partition, kind):
        """Paths of what the store has of a partition: files or manifests."""
        folder = os.path.join(self.data, "snapshots", str(partition), kind)
        return sorted(os.path.join(folder, name) for name in os.listdir(folder))

    def metrics(self):
        return self.node.get("/metrics").body.decode()

    def metric(self, name, partition):
        found = re.search(rf'^{name}{{partition="{partition}"}} (\S+)$', self.metrics(), re.M)
        return float(found.group(1)) if found else None

    def stop(self):
        check(self.node.stop().code, 0, "exit code of a stop")


def until(what, look, timeout=60):
    end = time.monotonic() + timeout
    while not (found := look()):
        if time.monotonic() > end:
            raise Hang(f"{what}: not within {timeout} s")
    return found


def flip(path, byte=None):
    """One bit of the file, in its middle unless told."""
    with open(path, "r+b") as f:
        size = f.seek(0, 2)
        f.seek(size // 2 if byte is None else byte)
        old = f.read(1)
        f.seek(-1, 1)
        f.write(bytes([old[0] ^ 4]))
