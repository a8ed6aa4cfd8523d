"""Clients that keep the ids they were acknowledged, and a node that is killed under them."""

import http.client
import os
import threading

from answers import NDJSON, ndjson, order, start, until_decided
from outside import facts
from outside.weir import Broken


class Invalid(Exception):
    """A fault that did not happen proves nothing."""


class Client(threading.Thread):
    """Posts batches of its own ids, one after another; sends a batch again until it is acknowledged or told to stop."""

    def __init__(self, number, batches, size):
        super().__init__(daemon=True)
        self.number, self.batches, self.size = number, batches, size
        self.node = None
        self.changed = threading.Condition()
        self.acknowledged, self.sent, self.error, self.again = set(), set(), None, 0

    def serve(self, node):
        with self.changed:
            self.node = node
            self.changed.notify_all()

    def run(self):
        connection, node = None, None
        for batch in range(self.batches):
            ids = [self.number * 1_000_000 + batch * self.size + i for i in range(self.size)]
            self.sent |= {f"o{i}" for i in ids}
            while True:
                with self.changed:
                    while self.node is None:
                        self.changed.wait(60)
                    if self.node is not node:
                        node, connection = self.node, None
                connection = connection or node.connect()
                try:
                    reply = node.call("POST", "/v1/events", ndjson([order(i) for i in ids]), NDJSON, connection)
                except (OSError, http.client.HTTPException):
                    connection = None
                    self.again += 1
                    with self.changed:
                        if self.node is node:
                            self.node = None  # until the next one is there
                    continue
                if reply.status == 202:
                    self.acknowledged |= {f"o{i}" for i in ids}
                    break
                if reply.status not in (429, 503):
                    self.error = f"batch {batch}: {reply}"
                    return
                self.again += 1


def compare(node, clients):
    """Every acknowledged id is served, each once; nothing is served that nobody sent; the ledger says the same."""
    for client in clients:
        if client.error:
            raise Broken(f"client {client.number}: {client.error}")
    sent = set().union(*(c.sent for c in clients))
    acknowledged = set().union(*(c.acknowledged for c in clients))
    rows = node.rows("by_id", limit=5000)
    served = {r["id"] for r in rows}
    if len(rows) != len(served):
        raise Broken("an id has two rows")
    if acknowledged - served:
        raise Broken(f"{len(acknowledged - served)} acknowledged events are lost: {sorted(acknowledged - served)[:5]}")
    if served - sent:
        raise Broken(f"{len(served - sent)} events were served that nobody sent")
    total = sum(r["orders"] for r in node.rows("by_item"))
    if total != len(served):
        raise Broken(f"the view counts {total} orders, {len(served)} are served: some counted twice")
    ledger = node.get("/v1/ledger").json()
    if not ledger["balanced"] or ledger["total"]["served"] != len(served):
        raise Broken(f"the ledger: {ledger['total']}")
    return len(served)


def settle(node):
    """Until nothing is in flight."""
    token = node.call("POST", "/v1/events?wait=60s", ndjson([order(999_999_999)]), NDJSON)
    if token.status != 202 or "in_flight" in token.json()["outcomes"]:
        raise Broken(f"the last event: {token}")
    until_decided(node)


def acknowledged_events_survive_kills(weir, _, folder, random):
    clients = [Client(i + 1, batches=120, size=50) for i in range(4)]
    node = start(weir, folder)
    for client in clients:
        client.serve(node)
        client.start()
    kills = 0
    while any(c.is_alive() for c in clients):
        if kills < 6:
            written = node.process.bytes_written() or 0
            node.process.until_written(written + random.randrange(100_000, 1_500_000), timeout=60, stalled_after=2)
            if not any(c.is_alive() for c in clients):
                break
            if node.process.kill():
                kills += 1
            node.process.finish(30)
            node = start(weir, folder)
            for client in clients:
                client.serve(node)
        else:
            for client in clients:
                client.join(120)
            break
    for client in clients:
        client.join(120)
        if client.is_alive():
            raise Broken("a client still waits for its answer")
    if kills < 2 or not any(c.again for c in clients):
        raise Invalid(f"{kills} kills hit, no client noticed" if kills else "no kill hit")
    settle(node)
    for client in clients:
        client.sent.add("o999999999")
    served = compare(node, clients)
    live = node.get("/v1/digest").json()["answer"]
    if node.stop().code != 0:
        raise Broken("the last stop")
    stopped = facts.parse_json(weir.expect(0, "digest", "--data", os.path.join(folder, "data"), "--output", "json").out)
    if stopped["answer"] != live:
        raise Broken("the digest of the stopped node is not the running one's")
    weir.expect(0, "journal", "verify", "--data", os.path.join(folder, "data"))
    print(f"  {kills} kills, {served} events served, {sum(c.again for c in clients)} requests sent again")


def a_kill_at_every_point_of_the_door(_, faults, folder, random):
    """What may have been accepted is sent again: its ids make that harmless."""
    for point in ("http_door_after_append", "http_door_before_answer"):
        place = os.path.join(folder, point)
        os.mkdir(place)
        client = Client(1, batches=40, size=20)
        node = start(faults, place, env={"WEIR_FAIL_POINT": f"{point}:{random.randrange(3, 20)}"})
        client.serve(node)
        client.start()
        ended = node.process.finish(60)
        if ended.code != -9:
            raise Invalid(f"{point} was not reached: {ended}")
        node = start(faults, place)
        client.serve(node)
        client.join(120)
        if client.is_alive() or not client.again:
            raise Broken(f"{point}: the client {'still waits' if client.is_alive() else 'noticed nothing'}")
        settle(node)
        client.sent.add("o999999999")
        compare(node, [client])
        if node.stop().code != 0:
            raise Broken("the last stop")
