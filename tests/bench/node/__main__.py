"""How long a node's clients wait: for answers while it takes in all it can, and for the node after SIGKILL.

  python3 tests/bench/node queries [--binary PATH] [--events N] [--rate N] [--clients N]
  python3 tests/bench/node start   [--binary PATH] [--ids N] [--keys N] [--kills N]

queries: `weir ingest` sends orders as fast as the node takes them; meanwhile, at a fixed rate and whatever became of the ones
before, one row of `latest` by key is asked for. Latency counts from the time a question was due. Every answer is checked.
start: a node that remembers so many ids and holds so many keys is killed while it takes events in, and started again: the time
from the start of the process until it says that it is ready. The ledger must balance and hold every event.

Figures are of the machine and of what else runs on it; nothing here is part of the tests.
"""

import argparse
import json
import os
import queue
import random
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(HERE)))
sys.path[:0] = [os.path.join(ROOT, "tests", "integration")]
from outside import weir as outside  # noqa: E402
from outside.node import Node  # noqa: E402

KEYED = """pipeline: keyed
partitions: 8
record: {format: ndjson, id: id}
stages:
  - validate: {fields: {id: {type: string}, key: {type: integer}, amount: {type: decimal}}}
views:
  by_key: {latest: key}
  by_group: {group_by: [key], measures: {amount: {sum: amount}, events: count}}
"""


def per_mille(sorted_values, share):
    return sorted_values[min(len(sorted_values) - 1, int(len(sorted_values) * share))]


def until_decided(node, events, timeout):
    """Waits until so many events are accepted and none is in flight; returns the ledger's total."""
    end = time.monotonic() + timeout
    while True:
        total = node.get("/v1/ledger").json()["total"]
        if total["accepted"] >= events and total["in_flight"] == 0:
            return total
        if time.monotonic() > end:
            raise outside.Hang(f"still in flight: {total}")
        threading.Event().wait(0.1)


# ---- queries while the node works


class Asking:
    """Questions that are due at fixed times, answered by a few connections."""

    def __init__(self, node, ids, rate, connections):
        self.node, self.ids, self.rate = node, ids, rate
        self.due, self.seconds, self.missing, self.wrong = queue.Queue(), [], 0, []
        self.done = threading.Event()
        self.lock = threading.Lock()
        self.threads = [threading.Thread(target=self._answer, daemon=True) for _ in range(connections)]
        self.clock = threading.Thread(target=self._ask, daemon=True)

    def _ask(self):
        chance = random.Random(1)
        start = time.monotonic()
        for number in range(10**9):
            at = start + number / self.rate
            if self.done.wait(max(0.0, at - time.monotonic())):
                break
            self.due.put((at, chance.choice(self.ids)))
        for _ in self.threads:
            self.due.put(None)

    def _answer(self):
        connection = self.node.connect()
        while (question := self.due.get()) is not None:
            at, key = question
            reply = self.node.call("GET", f"/v1/views/by_id/{key}", connection=connection)
            seconds = time.monotonic() - at
            with self.lock:
                self.seconds.append(seconds)
                if reply.status != 200:
                    self.wrong.append(str(reply))
                elif not (rows := reply.json()["rows"]):
                    self.missing += 1  # not accepted yet, or a dead letter
                elif rows[0]["id"] != key:
                    self.wrong.append(str(reply))

    def start(self):
        for thread in [*self.threads, self.clock]:
            thread.start()

    def end(self):
        self.done.set()
        for thread in [self.clock, *self.threads]:
            thread.join()
        return sorted(self.seconds)


def queries(weir, folder, options):
    tables = os.path.join(folder, "tables")
    weir.expect(0, "generate", "orders", "--tables", tables)
    weir.env["WEIR_ORDERS_TABLES"] = tables
    path = os.path.join(folder, "orders.ndjson")
    with open(path, "wb") as f:
        f.write(weir.expect(0, "generate", "orders", "--events", options.events, "--seed", 5, timeout=600).out)
    ids = []
    with open(path, "rb") as f:
        for number, line in enumerate(f):
            if number % 97 == 0 and line.startswith(b'{"id":"'):
                ids.append(line[7 : line.index(b'"', 7)].decode())
    node = Node(weir, os.path.join(ROOT, "configs", "pipelines", "orders.yaml"), os.path.join(folder, "data"))
    node.until_ready()
    node.get(f"/v1/views/by_id/{ids[0]}")
    quiet = Asking(node, ids, options.rate, options.clients)
    quiet.start()
    threading.Event().wait(2)
    quiet_seconds = quiet.end()
    asking = Asking(node, ids, options.rate, options.clients)
    asking.start()
    began = time.monotonic()
    sent = weir.expect(0, "ingest", path, "--format", "ndjson", "--node", f"http://{node.address[0]}:{node.address[1]}", timeout=600)
    until_decided(node, options.events, 600)
    took = time.monotonic() - began
    seconds = asking.end()
    for one in (quiet, asking):
        if one.wrong:
            raise outside.Broken(one.wrong[0])
    if len(seconds) < options.rate * took * 0.9:
        raise outside.Broken(f"{len(seconds)} answers in {took:.1f} s: the questions were not asked in time")
    print(f"{options.events:,} orders in {took:.1f} s ({options.events / took:,.0f} a second); {len(seconds)} questions, {asking.missing} without a row yet")
    for name, values in (("quiet", quiet_seconds), ("full load", seconds)):
        print(f"{name:<10} p50 {per_mille(values, 0.5) * 1e3:.2f} ms, p99 {per_mille(values, 0.99) * 1e3:.2f} ms, max {values[-1] * 1e3:.2f} ms")
    if node.stop().code != 0:
        raise outside.Broken("the node did not stop well")


# ---- starts


def lines(first, count, keys):
    return "".join(f'{{"id":"event-{i}","key":{i % keys},"amount":{i % 1000}.25}}\n' for i in range(first, first + count)).encode()


def start(weir, folder, options):
    pipeline = os.path.join(folder, "keyed.yaml")
    with open(pipeline, "w", encoding="utf-8") as f:
        f.write(KEYED)
    path = os.path.join(folder, "events.ndjson")
    with open(path, "wb") as f:
        for first in range(0, options.ids, 100_000):
            f.write(lines(first, min(100_000, options.ids - first), options.keys))
    data = os.path.join(folder, "data")
    weir.expect(0, "run", pipeline, path, "--data", data, timeout=1200)
    os.remove(path)
    sent = options.ids
    ready = []
    for kill in range(options.kills + 1):
        began = time.monotonic()
        node = Node(weir, pipeline, data)
        node.until_ready(300)
        ready.append(time.monotonic() - began)
        total = until_decided(node, sent, 300)
        if total["served"] != sent or total["accepted"] != sent:
            raise outside.Broken(f"{sent} events were acknowledged, the ledger says {json.dumps(total)}")
        if kill == options.kills:
            break
        # Killed in the middle of work: acknowledged batches that are neither applied nor flushed.
        connection = node.connect()
        for _ in range(100):
            reply = node.call("POST", "/v1/events", lines(sent, 1000, options.keys), {"Content-Type": "application/x-ndjson"}, connection)
            if reply.status != 202:
                raise outside.Broken(str(reply))
            sent += 1000
        node.process.kill()
        node.process.finish(30)
    print(f"{sent:,} ids, {options.keys:,} keys in two views: ready after {ready[0]:.2f} s at a clean start, after "
          + ", ".join(f"{seconds:.2f}" for seconds in ready[1:]) + " s after SIGKILL")
    node.stop(120)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["queries", "start"])
    parser.add_argument("--binary")
    parser.add_argument("--events", type=int, default=3_000_000)
    parser.add_argument("--rate", type=int, default=100, help="questions a second")
    parser.add_argument("--clients", type=int, default=4)
    parser.add_argument("--ids", type=int, default=5_000_000)
    parser.add_argument("--keys", type=int, default=1_000_000)
    parser.add_argument("--kills", type=int, default=3)
    options = parser.parse_args()
    weir = outside.Weir(outside.find_binary(options.binary, "weir"))
    with outside.Scratch() as folder:
        {"queries": queries, "start": start}[options.what](weir, folder, options)


if __name__ == "__main__":
    main()
