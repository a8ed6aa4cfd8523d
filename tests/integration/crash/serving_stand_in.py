"""A stand-in for a node that serves, for the self test of the serving campaign only: the few calls it makes, over a log of its
own, in the process of the test. A bug, chosen by name, plants one mistake of the kind the campaign exists to find.

The log is what a disk would hold: events in the order of their acceptance, how many of them are synced, and the version that
decided each. What is decided is told by replaying it.
"""

import collections
import json
import re
import threading
import time
import urllib.parse
from decimal import Decimal

from outside import compare, facts
from outside.weir import Ended
import campaign
import posts
import serving_judge
import stand_in
import versions

LAG = 40  # accepted events that are not decided yet, unless a token asks for them


def event_of(raw):
    """The event in some bytes, as far as deciding it goes."""
    try:
        frame = facts.parse_json(raw)
    except ValueError:
        text = re.match(rb'\{"id":("(?:[^"\\]|\\.)*"|\d+)', raw).group(1)
        return posts.Event(raw, str(json.loads(text)), {"malformed"}, "", 0, "", 0, 0)
    cents = int(facts.number_text(frame["amount"]).replace(".", ""))
    event_id = frame["id"].removeprefix(facts.NUMBER_MARK)
    fault = None if cents else {"field_range"}
    return posts.Event(raw, event_id, fault, "", facts.whole(frame["at"]), frame["account"], cents, facts.whole(frame["quantity"]))


class Disk:
    def __init__(self, bug):
        self.bug = bug
        self.log, self.synced = [], 0  # events
        self.decided_by = []  # versions, by offset
        self.starts = []  # offsets decided when a node began

    def cut(self):
        """The power fails."""
        del self.log[self.synced :]
        del self.decided_by[self.synced :]


class State:
    """What the decided part of a log amounts to."""

    def __init__(self, bug, starts=()):
        self.bug, self.starts = bug, set(starts)
        self.entries = {}  # id -> (raw, its open letter or None)
        self.served, self.letters = {}, []  # id -> (event, version)
        self.counted = []  # (event, version) of every effect on a view
        self.orders = collections.Counter()  # by client
        self.lives = collections.defaultdict(list)
        self.ledger = [collections.Counter() for _ in range(versions.PARTITIONS)]
        self.offset = 0

    def take(self, event, version):
        if self.bug == "forgets_ids_at_a_restart" and self.offset in self.starts:
            self.entries.clear()
        count = self.ledger[posts.partition_of(event.id)]
        outcome = self._outcome(event, version, count)
        count[outcome] += 1
        rules = self.offset and version - (self.bug == "keeps_old_rules")
        self.lives[event.id].append({"outcome": outcome, "rules": f"hash{rules}"})
        self.offset += 1
        return outcome

    def _outcome(self, event, version, count):
        known = self.entries.get(event.id)
        if known and known[0] == event.raw:
            return "duplicate"
        if known and known[1] is None:
            if self.bug != "loses_a_conflict" or len(self.letters) < 3:
                self._letter(event, "conflict", "dedupe")
            return "dead_lettered"
        if known:
            self.letters.remove(known[1])
            count["dead_lettered"] -= 1
            count["superseded"] += 1
        if not versions.is_valid(event, version):
            reason = min(event.fault or {"field_range"})
            self.entries[event.id] = (event.raw, self._letter(event, reason, "validate"))
            return "dead_lettered"
        self.entries[event.id] = (event.raw, None)
        self.served[event.id] = (event, version - (self.bug == "uses_an_old_table" and version > 1 and len(self.served) % 50 == 0))
        self.orders[json.loads(event.raw)["client"]] += 1
        self.counted += [(event, version)] * (2 if self.bug == "counts_twice" and len(self.served) == 60 else 1)
        return "served"

    def _letter(self, event, reason, stage):
        original = event.raw + (b" " if self.bug == "alters_a_letter" and len(self.letters) == 4 else b"")
        letter = {
            "id": event.id, "partition": posts.partition_of(event.id), "reason": reason, "stage": stage, "original": original,
        }
        self.letters.append(letter)
        return letter


def row_of(event, version):
    record = versions.record_of(event, version)
    record.pop("id")
    return dict(record, id=event.id, time=stand_in.rfc3339(event.at_ms * 1000))


class Process:
    def __init__(self, disk):
        self.disk, self.bytes, self.code = disk, campaign.OPENING_BYTES, None
        self.changed = threading.Condition()

    def write(self, count):
        with self.changed:
            self.bytes += count
            self.changed.notify_all()

    def bytes_written(self):
        return None if self.code is not None else self.bytes

    def until_written(self, target, timeout, stalled_after=None):
        end = time.monotonic() + min(timeout, stalled_after or timeout)
        with self.changed:
            while self.bytes < target and time.monotonic() < end:
                self.changed.wait(0.05)
            return self.bytes

    def kill(self, number=9):
        with self.changed:
            if self.code is not None:
                return False
            self.code = 0 if number == 15 else -number
            return True

    def wait(self, _timeout):
        return None if self.code is None else self.finish(0)

    def finish(self, _timeout):
        return Ended(("up",), self.code, b"", b"", 0.0, 0)


class Node:
    """What outside.node.Node is, without a network."""

    def __init__(self, disk, version, lock):
        self.disk, self.version, self.struck, self.lock = disk, version, False, lock
        self.process = Process(disk)
        self.rules_of = {}
        self.state = State(disk.bug, disk.starts)
        for event, by in zip(disk.log, disk.decided_by):
            self.state.take(event, by)
        disk.starts.append(len(disk.decided_by))
        if disk.bug == "shows_an_older_state_after_a_restart":
            self.shown = State(disk.bug)
        else:
            self.shown = self.state

    def until_ready(self, _timeout):
        pass

    def connect(self):
        return None

    def stop(self, _timeout):
        with self.lock:
            self.disk.synced = len(self.disk.log)
            self.process.kill(15)
        return self.process.finish(0)

    def get(self, path, token=None, **parameters):
        return self.call("GET", path, headers={"Weir-Token": token} if token else {})

    def rows(self, view, **_):
        return [{"id": event.id, "rules": versions.rules_name(version)} for event, version in self.state.served.values()]

    def call(self, method, path, body=None, headers=None, connection=None):
        with self.lock:
            if self.process.code is not None:
                raise ConnectionResetError("the node is gone")
            path, _, query = path.partition("?")
            parts = [urllib.parse.unquote(part) for part in path.strip("/").split("/")]
            if method == "POST":
                return self._post(body, headers, urllib.parse.parse_qs(query))
            return self._get(parts[1:], int((headers or {}).get("Weir-Token", 0)))

    # ---- events

    def _post(self, body, headers, query):
        bug, disk = self.disk.bug, self.disk
        if headers["Content-Type"] == "application/x-ndjson":
            raws = body.splitlines()
        else:
            frames = json.loads(body)
            raws = [body] if isinstance(frames, dict) else re.findall(rb"\{[^}]*\}", body)
        events = [event_of(raw) for raw in raws]
        kept = events[:-1] if bug == "accepts_in_part" and len(events) > 3 and len(disk.log) > 200 else events
        disk.log += kept
        buffered = "durability" in query
        if not buffered and bug != "never_syncs":
            disk.synced = len(disk.log)
        self.process.write(20 * len(body))  # a node that does much with little
        answer = {"accepted": len(events), "durability": "buffered" if buffered else "durable", "token": str(len(disk.log))}
        if "wait" in query:
            before = len(disk.log) - len(kept)
            self._decide(before)
            outcomes = [self._decide_one() for _ in kept]
            answer["outcomes"] = {"served": len(events)} if bug == "counts_what_is_accepted" else collections.Counter(outcomes)
        elif len(disk.log) - len(disk.decided_by) > LAG:
            self._decide(len(disk.log) - LAG // 2)
        return self._reply(202, answer)

    def _decide(self, until):
        while len(self.disk.decided_by) < min(until, len(self.disk.log)):
            self._decide_one()

    def _decide_one(self):
        event = self.disk.log[len(self.disk.decided_by)]
        self.disk.decided_by.append(self.version)
        if self.disk.bug != "never_syncs":  # only what is on the disk is decided
            self.disk.synced = max(self.disk.synced, len(self.disk.decided_by))
        outcome = self.state.take(event, self.version)
        if self.shown is not self.state:
            self.shown.take(event, self.version)
        return outcome

    # ---- answers

    def _get(self, parts, token):
        if parts[0] == "pipeline":
            return self._reply(200, {"rules": f"hash{self.version}"})
        if parts[0] == "digest":
            return self._reply(200, {"answer": "digest"})
        if parts[0] == "ledger":
            self._decide(len(self.disk.log))
            return self._reply(200, {"total": {"in_flight": 0}})
        if parts[0] == "events":
            return self._reply(200, {"id": parts[1], "attempts": self.state.lives[parts[1]]})
        if self.disk.bug != "ignores_tokens":
            self._decide(token)
        if parts[1] == "order_by_id":
            found = self.shown.served.get(parts[2])
            rows = [row_of(*found)] if found else []
        else:
            orders = self.shown.orders[parts[2]]
            rows = [{"client": parts[2], "orders": facts.number(str(orders))}]
        answer = {"view": parts[1], "rows": stand_in.plain(rows), "next": None, "token": str(len(self.disk.decided_by))}
        return Reply(200, stand_in.encode(answer).encode())

    @staticmethod
    def _reply(status, answer):
        return Reply(status, json.dumps(answer).encode())


class Reply:
    def __init__(self, status, body):
        self.status, self.body = status, body

    def json(self):
        return json.loads(self.body)

    def __str__(self):
        return f"{self.status}: {self.body[:300]!r}"


class Striker:
    def __init__(self, power):
        self.durable_only, self.name = power, "power cut" if power else "kill"


class StandInGround:
    """In the place of serving.Ground."""

    bug = ""
    faults = None

    def __init__(self, run, _folder):
        self.disk, self.lock = Disk(self.bug), threading.Lock()
        self.striker = Striker(run.options.power_cuts)

    def start(self, version, _point=None):
        return Node(self.disk, version, self.lock)

    def strike(self, node):
        with self.lock:
            node.struck = True
            hit = node.process.kill()
            if self.striker.durable_only:
                self.disk.cut()
            if self.bug == "loses_an_acknowledged_event_at_a_kill" and self.disk.log:
                self.disk.log.pop()
                del self.disk.decided_by[len(self.disk.log) :]
        return hit, node.process.finish(0)

    def ended_well(self, ended):
        return ended.code == -9

    def plan(self, version):
        if self.bug == "plans_nothing":
            return [{"what": what, "change": "unchanged"} for what in versions.planned(version - 1, version, range(version))]
        return [{"what": what, "change": min(words)} for what, words in versions.planned(version - 1, version, range(version)).items()]

    def check_refusal(self, version):
        pass

    def observe(self, version, answer):
        state = State(self.bug, self.disk.starts)
        for event, by in zip(self.disk.log, self.disk.decided_by):
            state.take(event, by)
        rows = {view: [] for view in versions.views_of(version)}
        rows["order_by_id"] = [row_of(*served) for served in state.served.values()]
        if self.bug == "invents_an_event":
            rows["order_by_id"].append(dict(rows["order_by_id"][0], id="nobody"))
        wanted = serving_judge.expected_views(state.counted)
        largest = "largest" in versions.views_of(version).get("by_region", "")
        for view in rows.keys() - {"order_by_id"}:
            rows[view] = [printed(view, row) for row in wanted[view + "+" if view == "by_region" and largest else view]]
        if self.bug == "loses_a_distinct_value":
            rows["by_rules"][0]["accounts"] = facts.number(str(int(rows["by_rules"][0]["accounts"].removeprefix(facts.NUMBER_MARK)) - 1))
        if self.bug == "rebuilds_without_the_first" and "by_region" in rows and version:
            rows["by_region"][0]["orders"] = facts.number("1")
        return serving_judge.Observation(rows, state.letters, self._ledger(state))

    def _ledger(self, state):
        parts = []
        for p, counts in enumerate(state.ledger):
            row = dict(dict.fromkeys(compare.COUNTS, 0), **counts, partition=p)
            row["accepted"] = sum(counts.values())
            if self.bug == "counts_one_too_many" and p == 1:
                row["served"] += 1
                row["duplicate"] -= 1
            parts.append(row)
        return {"balanced": True, "total": {c: sum(row[c] for row in parts) for c in compare.COUNTS}, "partitions": parts}

    def close(self):
        pass


def printed(view, row):
    """A row of serving_judge.expected_views as the product prints it."""
    number = lambda value: facts.number(format(value, "f") if isinstance(value, Decimal) else str(value))
    key, orders, *rest = row
    if view == "by_client":
        return {"client": key, "orders": number(orders), "total": number(rest[0])}
    if view == "by_rules":
        return {"rules": key, "orders": number(orders), "accounts": number(rest[0]), "accounts_approximate": False}
    if view == "by_region":
        return dict({"region": key, "orders": number(orders)}, **({"largest": number(rest[0])} if rest else {}))
    return {"window": "1h", "window_start": stand_in.rfc3339(key), "orders": number(orders), "total": number(rest[0])}
