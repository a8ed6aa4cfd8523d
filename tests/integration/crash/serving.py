"""Runs a node under clients, ends it again and again, changes its pipeline in between, and judges what the clients know.

A round is one data directory and one pipeline that grows from version to version. The clients go on through all of it: what
was not acknowledged they send again to the next node. When the kills of a round are done they finish, and everything is
compared: every acknowledged id once, nothing else, sums and ledger exactly (serving_judge.py). What clients are told and
read on the way is checked at once (sessions.py).

Strikes come when the process has written so many bytes (campaign.py says why), at fail points, while it opens, or are a
stop by SIGTERM, which must lose nothing and leaves everything in the stores.
"""

import http.client
import json
import os
import random
import tempfile
import time
import urllib.parse

from outside import compare, weir as outside
from outside.node import Node
import campaign as campaigns
import faults
import serving_judge
import sessions
import versions

SMALL_SEGMENTS = ("--set", "log.embedded.segment=4MiB")
STOPS_SHARE = 0.25  # of the strikes: by SIGTERM
POINT_BYTES = 3 << 20
STALL_SECONDS = 2  # clients that wait for each other write nothing: then it is struck where it stands


class Witness:
    """What really happened. A campaign whose faults met nothing proves nothing."""

    def __init__(self):
        self.kills = 0  # nodes that ended by our hand or at a fail point
        self.noticed = 0  # … with requests on their way
        self.opening = self.stops = 0  # of them: before it was ready; by SIGTERM
        self.points = {}
        self.rounds = self.changes = self.lives = 0
        self.acked = self.buffered = self.again = self.waited = self.singles = 0
        self.own_reads = self.session_reads = self.sessions_through = self.reads_refused = 0
        self.decided_by = set()  # versions that made a record
        self.seen = {}

    def line(self):
        points = f", {len(self.points)} fail points hit" if self.points else ""
        return (
            f"{self.kills} ends ({self.noticed} under requests, {self.opening} while opening, {self.stops} stops{points}), "
            f"{self.rounds} data directories, {self.changes} changes of the pipeline, records of {len(self.decided_by)} versions, "
            f"{self.acked} events acknowledged, {self.buffered} buffered, {self.again} requests sent again, {self.waited} outcomes "
            f"checked, {self.own_reads} reads of own writes, {self.session_reads} of sessions ({self.sessions_through} across an end), "
            f"{self.lives} biographies, {self.seen}"
        )


def invalid_because(campaign, options):
    """Why this campaign proves nothing, or None."""
    w = campaign.witness
    if w.kills < options.kills:
        return f"only {w.kills} of {options.kills} ends met a running node within {options.seconds_max:.0f} s"
    if w.noticed * 3 < w.kills - w.opening:
        return f"only {w.noticed} of {w.kills - w.opening} ends came while requests were on their way"
    if w.acked < 100 * w.kills:
        return f"only {w.acked} events were acknowledged durably"
    never = [
        name
        for name, count in (
            ("a buffered acknowledgement", w.buffered),
            ("a single event", w.singles),
            ("a request sent again", w.again),
            ("an outcome that is known beforehand", w.waited),
            ("a read of an own write", w.own_reads),
            ("a session across an end", w.sessions_through),
            ("a change of the pipeline", w.changes),
            ("a biography", w.lives),
            *((f"an event that is a {kind}", w.seen.get(kind, 0)) for kind in ("repeat", "rival", "correction", "bad", "edge")),
        )
        if not count
    ]
    if never:
        return f"never met: {', '.join(never)}"
    if len(w.decided_by) < 2:
        return "one version of the pipeline made all records"
    return None


class Ground:
    """The real node on a real disk, as the campaign needs it. The stand-in of the self test is another one."""

    def __init__(self, campaign, folder):
        options = campaign.options
        switched = options.defect or options.disturb
        env = {"WEIR_DEFECT": switched} if switched else {}
        self.faults = outside.Weir(options.faults, env) if options.faults else None
        self.plain = self.faults if switched else outside.Weir(options.binary)
        self.folder = folder
        self.striker = (faults.PowerCut if options.power_cuts else faults.Kill)(folder)

    def start(self, version, point=None):
        """A node that may not be ready yet."""
        env = {"WEIR_FAIL_POINT": point} if point else None
        node = Node(self.faults if point else self.plain, versions.write(self.folder, version), self.striker.data, *SMALL_SEGMENTS, env=env)
        node.version, node.struck = version, False
        return node

    def strike(self, node):
        node.struck = True  # before it is: what it says in between may be anything
        hit = self.striker.strike(node.process)
        ended = node.process.finish(60)
        self.striker.recover()
        return hit, ended

    def ended_well(self, ended):
        return ended.code == -9 or self.striker.durable_only

    def plan(self, version):
        pipeline = versions.write(self.folder, version)
        return json.loads(self.plain.expect(0, "plan", pipeline, "--data", self.striker.data, "--output", "json").out)

    def check_refusal(self, version):
        """What may never change is refused, by plan and at the start, and nothing is touched."""
        pipeline = versions.write(self.folder, version, partitions=2 * versions.PARTITIONS)
        self.plain.expect(4, "plan", pipeline, "--data", self.striker.data)
        self.plain.expect(4, "up", pipeline, "--data", self.striker.data, "--set", "http.listen=127.0.0.1:0")

    def observe(self, version, answer):
        """Of a stopped node; `answer`: the digest it gave before."""
        ended = self.plain.expect(0, "digest", "--data", self.striker.data, "--output", "json")
        if json.loads(ended.out)["answer"] != answer:
            raise outside.Broken("the digest of the stopped node is not the running one's")
        self.plain.expect(0, "journal", "verify", "--data", self.striker.data)
        return serving_judge.Observation.take(self.plain, self.striker.data, version)

    def close(self):
        self.striker.close()


class Campaign:
    ground = Ground

    def __init__(self, options, points):
        self.options, self.points = options, points
        self.random = random.Random(options.seed)
        self.witness = Witness()
        self.patience = 60
        self.deadline = time.monotonic() + options.seconds_max

    def over(self):
        return time.monotonic() > self.deadline

    def run(self):
        while self.witness.kills < self.options.kills and not self.over():
            with tempfile.TemporaryDirectory(prefix="weir-crash-") as folder:
                ground = self.ground(self, folder)
                try:
                    Round(self, ground).run()
                finally:
                    ground.close()
            self.witness.rounds += 1


class Round:
    """One data directory from its creation to the comparison."""

    def __init__(self, campaign, ground):
        self.c, self.ground, self.random, self.witness = campaign, ground, campaign.random, campaign.witness
        seed = f"{campaign.options.seed}/{self.witness.rounds}"
        self.clients = [
            sessions.Client(seed, number, random.Random(f"{seed}/{number}"), self.witness) for number in range(campaign.options.clients)
        ]
        self.version, self.ran, self.rules_of = 0, [0], {}
        self.point = None  # where the node kills itself, if it gets there
        self.kills, self.log = 0, []
        self.node = None

    def run(self):
        try:
            self._run()
        except (OSError, http.client.HTTPException) as broken:
            # Nobody had struck it.
            ended = self.node.process.wait(1)
            raise campaigns.Finding([f"{type(broken).__name__}: {broken}; {ended or 'it still runs'}"], "a node does not answer") from None

    def _run(self):
        self._start()
        for client in self.clients:
            client.start()
        while self._more():
            self._strike_once()
            self._start_again()
        self._finish_clients()
        self._settle()
        if self.ground.striker.durable_only:
            # Everything acknowledged must be on the disk by now.
            self.ground.strike(self.node)
            self._start()
            self._settle()
        self._judge()

    def _more(self):
        wanted = self.kills < self.c.options.kills_per_round and self.witness.kills < self.c.options.kills
        return wanted and not self.c.over()

    # ---- lives of the node

    def _start(self, point=None):
        self.node = self.ground.start(self.version, point)
        try:
            self.node.until_ready(self.c.patience)
        except outside.Broken:
            if not point or self.node.process.finish(self.c.patience).code != -9:
                raise
            self.witness.opening += 1
            self._hit_point(point)
            return self._start()
        self.point = point
        self.rules_of[self.version] = self.node.get("/v1/pipeline").json()["rules"]
        self._serve()

    def _serve(self):
        for client in self.clients:
            client.serve(self.node)

    def _start_again(self):
        if not self.version or self.random.random() < 0.6:
            self._change()
        if self.random.random() < 0.2:
            opening = self.ground.start(self.version)
            opening.process.until_written(self.random.randrange(1, campaigns.OPENING_BYTES), self.c.patience, STALL_SECONDS)
            hit, _ = self.ground.strike(opening)
            self.witness.opening += hit
            self._ended("struck while opening", hit)
        # Nothing may strike the last one: clients finish with it.
        self._start(self._point() if self._more() else None)

    def _point(self):
        """A fail point for the next life; it is struck anyway when it does not get there."""
        if not self.ground.faults or not self.c.points or self.ground.striker.durable_only or self.random.random() < 0.6:
            return None
        untried = [p for p in self.c.points if p not in self.witness.points]
        point = self.random.choice(untried or self.c.points)
        return f"{point}:{2 ** self.random.randrange(0, 7)}"

    def _change(self):
        before, self.version = self.version, self.version + 1
        findings = compare.Findings()
        try:
            versions.compare_plan(self.ground.plan(self.version), before, self.version, self.ran, findings)
            if self.version == 1:
                self.ground.check_refusal(self.version)
        except outside.Broken as wrong:
            findings.add(str(wrong))
        self._raise(findings)
        self.ran.append(self.version)
        self.witness.changes += 1
        self.log.append(f"changed to v{self.version}")

    def _strike_once(self):
        node = self.node
        written = node.process.bytes_written() or 0
        # One that has a fail point before it gets the time to come there.
        target = written + (POINT_BYTES if self.point else int(2 ** self.random.uniform(14, 20.5)))
        reached = node.process.until_written(target, self.c.patience, STALL_SECONDS)
        waiting = any(client.calling for client in self.clients)
        if reached is None:
            ended = node.process.finish(self.c.patience)
            if ended.code != -9:
                raise campaigns.Finding([str(ended)], "a node ended by itself")
            self._hit_point(self.point)
        elif not self.ground.striker.durable_only and self.random.random() < STOPS_SHARE:
            node.struck = True
            ended = node.stop(self.c.patience)
            if ended.code not in (0, -9):
                raise campaigns.Finding([str(ended)], "a stop under requests")
            self.witness.stops += ended.code == 0
            self._ended("stopped", True)
        else:
            hit, ended = self.ground.strike(node)
            if not self.ground.ended_well(ended):
                raise campaigns.Finding([str(ended)], "a node ended by itself")
            self._ended(f"{self.ground.striker.name} at {reached} bytes written", hit)
        self.witness.noticed += waiting
        self._raise_errors()

    def _hit_point(self, point):
        name = point.partition(":")[0]
        self.witness.points[name] = self.witness.points.get(name, 0) + 1
        self._ended(f"killed at {point}", True)

    def _ended(self, how, hit):
        self.log.append(how)
        self.kills += hit
        self.witness.kills += hit

    # ---- the end

    def _finish_clients(self):
        for client in self.clients:
            client.stop()
        end = time.monotonic() + self.c.patience
        for client in self.clients:
            client.join(max(0.0, end - time.monotonic()))
        self._raise_errors()
        if any(client.is_alive() for client in self.clients):
            raise outside.Hang(f"a client still waits for its answer; the last: {self.log[-3:]}")

    def _raise_errors(self):
        findings = compare.Findings()
        for client in self.clients:
            if client.error:
                findings.add(f"client {client.number}: {client.error}")
        self._raise(findings)

    def _settle(self):
        """Until nothing is in flight."""
        end = time.monotonic() + self.c.patience
        while self.node.get("/v1/ledger").json()["total"]["in_flight"]:
            if time.monotonic() > end:
                raise outside.Hang("events stay in flight after the last kill: " + str(self.node.get("/v1/ledger")))

    def _judge(self):
        answer = self.node.get("/v1/digest").json()["answer"]
        findings = self._lives()
        ended = self.node.stop(self.c.patience)
        if ended.code != 0:
            raise campaigns.Finding([str(ended)], "the last stop")
        try:
            seen = self.ground.observe(self.version, answer)
            history = [sent for client in self.clients for sent in client.history]
            judge = serving_judge.Judge(history, seen, self.version, self.ground.striker.durable_only)
            findings += judge.judge()
        except (outside.Broken, ValueError, KeyError, TypeError, AttributeError) as wrong:
            findings.add(f"{type(wrong).__name__}: {wrong}")
        self._raise(findings)
        self.witness.decided_by |= {version for _, version in judge.served}
        for sent in history:
            for event in sent.batch.events:
                self.witness.seen[event.kind] = self.witness.seen.get(event.kind, 0) + 1

    def _lives(self):
        """Biographies of some events of every version."""
        findings, by_version = compare.Findings(), {}
        for row in self.node.rows("order_by_id", limit=5000):
            by_version.setdefault(row["rules"], []).append(row["id"])
        for name, ids in by_version.items():
            for event_id in self.random.sample(ids, min(5, len(ids))):
                reply = self.node.get("/v1/events/" + urllib.parse.quote(event_id, safe=""))
                if reply.status != 200:
                    findings.add(f"the biography of {event_id!r}: {reply}")
                    continue
                findings += serving_judge.life_findings(reply.json(), versions.version_of(name), self.rules_of)
                self.witness.lives += 1
        return findings

    def _raise(self, findings):
        if findings:
            raise campaigns.Finding(findings, f"round {self.witness.rounds}, v{self.version}, after " + ("; ".join(self.log[-4:]) or "no end"))
