"""A client of the serving campaign: sends its batches, and reads what it wrote with the tokens it was given.

What it is told is checked at once, by pure functions: an acknowledgement, the outcomes of ?wait, a read of its own write
(I6: it sees that event or is refused), and a session's counts, which never go back.
"""

import http.client
import threading
import urllib.parse

from outside import facts
import posts
import serving_judge
import versions

BATCHES_MIN = 60  # of each client: then every kind of event was among them, also those that refer far back
SERVED, DEAD = "served", "dead_lettered"


class Wrong(Exception):
    """A node must not answer that."""


def check_acknowledgement(batch, reply, answer):
    if answer.get("accepted") != len(batch.events):
        raise Wrong(f"{len(batch.events)} events were sent: {reply}")
    if answer.get("durability") != ("buffered" if batch.buffered else "durable"):
        raise Wrong(f"a {'buffered' if batch.buffered else 'durable'} request: {reply}")
    if not answer.get("token") or ("outcomes" in answer) != batch.wait:
        raise Wrong(f"an acknowledgement: {reply}")


def check_outcomes(batch, version, first, outcomes):
    """`first`: no attempt before this one can have been accepted; then every outcome is known. True: it was checked so."""
    if sum(outcomes.values()) != len(batch.events):
        raise Wrong(f"outcomes of {sum(outcomes.values())} of {len(batch.events)} events: {outcomes}")
    if not first or "in_flight" in outcomes:
        return False
    expected = {}
    for event in batch.events:
        valid = event.fault is None and versions.is_valid(event, version)
        outcome = "duplicate" if event.kind == "repeat" else SERVED if valid else DEAD
        expected[outcome] = expected.get(outcome, 0) + 1
    if outcomes != expected:
        raise Wrong(f"outcomes under v{version}: {outcomes}, expected {expected}")
    return True


def check_own(event, since, version, rows):
    """A read of an acknowledged event with the token of its acknowledgement; `since` .. `version` may have decided it."""
    may = [v for v in range(since, version + 1) if versions.is_valid(event, v)]
    must = len(may) == version + 1 - since
    if not rows:
        if must:
            raise Wrong(f"I6: a read with the token of its acknowledgement does not see {event.id!r}")
        return
    if len(rows) != 1 or not may:
        raise Wrong(f"I6: a read of {event.id!r}, valid under {may}: {rows}")
    record = dict(rows[0])
    for name in ("id", "time"):
        record.pop(name, None)
    for v in may:
        expected = versions.record_of(event, v)
        expected.pop("id")
        if record == expected:
            return
    raise Wrong(f"I6: the record of {event.id!r} is {record}")


class Session:
    """The newest token, and the greatest count seen."""

    def __init__(self):
        self.token, self.orders, self.node = None, 0, None

    def check_count(self, rows, sent):
        orders = sum(facts.whole(row["orders"]) for row in rows)
        if orders < self.orders:
            raise Wrong(f"I6: a session that has seen {self.orders} orders now sees {orders}")
        if orders > sent:
            raise Wrong(f"the client sent {sent} events, its view counts {orders} orders")
        self.orders = orders


class Client(threading.Thread):
    """Sends batches until told to stop, and so many at least; each is sent until it is acknowledged. `node` has call() and connect(), `version`
    and `struck`: from then on it may answer whatever a dying disk makes of it.
    """

    def __init__(self, seed, number, random, witness):
        super().__init__(daemon=True)
        self.seed, self.number, self.random, self.witness = seed, number, random, witness
        self.history, self.error, self.events = [], None, 0
        self.session = Session()
        self.stopping = self.calling = False
        self.node = self.used = self.connection = None
        self.changed = threading.Condition()

    def serve(self, node):
        with self.changed:
            self.node = node
            self.changed.notify_all()

    def stop(self):
        self.stopping = True

    def run(self):
        try:
            number = 0
            # The last one is durable, and with it everything before it: a buffered one may still be on its way to the disk.
            while not self.stopping or number < BATCHES_MIN or self.history[-1].batch.buffered:
                self._send(posts.batch(self.seed, self.number, number))
                number += 1
        except Wrong as wrong:
            self.error = str(wrong)
        except Exception as wrong:  # whatever it is: a client that ends in silence would prove nothing
            self.error = f"an answer is not of the promised form: {type(wrong).__name__}: {wrong}"

    # ---- one batch

    def _send(self, batch):
        path, headers, body = posts.body_of(batch)
        sent = None
        while sent is None or not sent.acked + sent.buffered:
            node = self._node()
            if sent is None:
                sent = serving_judge.Sent(batch, node.version)
                self.history.append(sent)
                self.events += len(batch.events)
            reply = self._call("POST", path, body, headers)
            if reply is None:
                sent.unknown += 1
                self.witness.again += 1
            elif reply.status == 202:
                self._acknowledged(node, sent, reply)
            elif reply.status in (429, 507):
                sent.refused += 1
            elif reply.status == 503 or node.struck:
                sent.unknown += 1
                self.witness.again += 1
            else:
                raise Wrong(f"batch {batch.number} of client {self.number}: {reply}")

    def _acknowledged(self, node, sent, reply):
        batch, answer = sent.batch, reply.json()
        check_acknowledgement(batch, reply, answer)
        if batch.wait:
            self.witness.waited += check_outcomes(batch, node.version, not sent.unknown, answer["outcomes"])
        if batch.buffered:
            sent.buffered += 1
            self.witness.buffered += len(batch.events)
        else:
            sent.acked += 1
            self.witness.acked += len(batch.events)
            self.witness.singles += batch.form == "json"
            self._read_own(sent, answer["token"])
        self._read_session()

    # ---- reads

    def _read_own(self, sent, token):
        events = [e for e in sent.batch.events if e.kind in ("fresh", "edge", "bad", "broken", "correction")]
        if not events or self.random.random() < 0.4:
            return
        event = self.random.choice(events)
        found = self._read("order_by_id/" + urllib.parse.quote(event.id, safe=""), token)
        if found:
            node, rows = found
            check_own(event, sent.version, node.version, rows)
            self.witness.own_reads += 1

    def _read_session(self):
        if self.random.random() < 0.6:
            return
        started_with = self.session.token
        found = self._read(f"by_client/c{self.number}", started_with if self.random.random() < 0.7 else None)
        if found:
            node, rows = found
            self.session.check_count(rows, self.events)
            self.witness.session_reads += 1
            if self.session.node is not None and self.session.node is not node:
                self.witness.sessions_through += 1
            self.session.node = node

    def _read(self, place, token):
        """(node, rows) or None: refused, or no answer."""
        node = self._node()
        headers = {"Weir-Token": token} if token else {}
        reply = self._call("GET", f"/v1/views/{place}?wait=5s", None, headers)
        if reply is None or reply.status == 503 or (node.struck and reply.status >= 500):
            self.witness.reads_refused += 1
            return None
        if reply.status != 200:
            raise Wrong(f"a read of {place}: {reply}")
        answer = facts.parse_json(reply.body)
        if "filled" in answer or answer["next"] is not None:
            raise Wrong(f"a read of {place} is not whole: {reply}")
        self.session.token = answer["token"]
        return node, answer["rows"]

    # ---- the connection

    def _node(self):
        with self.changed:
            while self.node is None:
                self.changed.wait(60)
            if self.node is not self.used:
                self.used, self.connection = self.node, None
            return self.used

    def _call(self, method, path, body, headers):
        """None: broken off without an answer; the next node is waited for."""
        self.connection = self.connection or self.used.connect()
        self.calling = True
        try:
            return self.used.call(method, path, body, headers, self.connection)
        except (OSError, http.client.HTTPException):
            self.connection = None
            with self.changed:
                if self.node is self.used:
                    self.node = None
            return None
        finally:
            self.calling = False
