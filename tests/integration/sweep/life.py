"""The life of a shop, chapter by chapter: what is given to weir in each, and what must have become of all of it.

A chapter may be cut short by a death or an error anywhere and begun again: whoever gives events gives what was not acknowledged again.
"""

import collections
import http.client
import json
import os
import re
import shutil
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.dirname(HERE), os.path.join(os.path.dirname(HERE), "lookup")]
from outside.node import Node  # noqa: E402
from outside.weir import Broken, Hang  # noqa: E402
from place_server import Places  # noqa: E402

PARTITIONS = 2
PIPELINE = """pipeline: sweep
partitions: 2
record: {format: ndjson, id: id}
stages:
  - validate: {fields: {id: {type: string}, amount: {type: decimal, above: 0}}}
  - enrich:
      name: geo
      http:
        url: "URL/v1/places/{place}"
        deadline: 10s
        breaker: {failures_in_a_row_max: 0, calls_min: 1000000}
        budget: {retries_percent: 1000, burst_max: 1000}
      add: {region: region.name}
  - enrich: {table: {file: countries.csv, key: country}, add: {zone: zone}, missing: reject}
views:
  by_id: {latest: "@id"}
  by_zone: {group_by: [zone], measures: {amount: {sum: amount}, orders: count}}
VIEWS
retry: {attempts_max: 100, backoff_min: 5ms, backoff_max: 20ms}
sinks:
  archive: {files: {directory: out, partition_by: [zone], file_bytes_max: 2MiB, file_age_max: 100ms}, backoff_min: 10ms, backoff_max: 50ms}
"""
EXTRA_VIEW = "  by_place: {group_by: [place], measures: {orders: count}}"
NDJSON = {"Content-Type": "application/x-ndjson"}
SETTINGS = ("--set", "log.embedded.segment=4MiB")
# Of the first chapter, long enough for a journal to need another segment in the middle of it.
READ, PAD = 2_000, 2_600
POSTED, BATCH, CLIENTS = 240, 20, 2
GIVEN = READ + POSTED + 2 * BATCH
LOST = 1  # the partition whose state is lost


def order(number):
    """Every tenth is no order, every seventh is for a country that the table lacks at first; some are of places that are found late."""
    return {
        "id": f"o{number}",
        "amount": 0 if number % 10 == 3 else number % 7 + 1,
        "country": "Oz" if number % 7 == 5 else "Norway",
        "place": f"flaky{number}" if number % 100 in (1, 54) else f"p{number % 5}",
        "pad": "x" * (PAD if number < READ else 40),
    }


def is_order(o):
    return o["amount"] != 0


class Unfinished(Exception):
    """A process of the chapter has ended before it was done: the chapter begins again."""


class Life:
    """One folder with its data, and the server of places."""

    def __init__(self, weir, faults, folder, places):
        self.weir, self.faults, self.folder, self.places = weir, faults, folder, places
        self.data = os.path.join(folder, "data")
        self.out = os.path.join(folder, "out")
        self.ended = None  # of the chapter's process, when it was not as it should be

    def write(self, name, text):
        with open(os.path.join(self.folder, name), "w", encoding="utf-8") as f:
            f.write(text)
        return name

    def pipeline(self, extra):
        text = PIPELINE.replace("URL", self.places.url).replace("VIEWS", EXTRA_VIEW if extra else "")
        return self.write("pipeline.yaml", text)

    def table(self, oz):
        self.write("countries.csv", "country,zone\nNorway,north\n" + ("Oz,far\n" if oz else ""))

    # -- chapters: each returns when its work is done and its process has ended well; Unfinished otherwise

    def read(self, env):
        """A run over a file; the table lacks a country."""
        self.table(oz=False)
        self.write("orders.ndjson", "".join(json.dumps(order(i)) + "\n" for i in range(READ)))
        self._run(env, "run", self.pipeline(extra=True), "orders.ndjson", "--data", "data", *SETTINGS)

    def serve(self, env):
        """A node under clients; the table is mended and what it had lacked is redriven; a snapshot is made."""
        self.table(oz=True)
        self._node(env, range(READ, READ + POSTED), self._mended)

    def restore(self, env):
        """The state of a partition is lost, and comes back from the snapshot."""
        mark = os.path.join(self.folder, "lost")
        if not os.path.exists(mark):  # once
            shutil.rmtree(os.path.join(self.data, "state", str(LOST)))
            self.write("lost", "")
        self._node(env, range(READ + POSTED, READ + POSTED + BATCH), self._copied)

    def trim(self, env):
        """The log lets go of what snapshots hold; a partition that has lost its snapshots lags, then makes others."""
        mark = os.path.join(self.folder, "trimmed")
        if not os.path.exists(mark):  # once
            shutil.rmtree(os.path.join(self.data, "snapshots", str(LOST)))
            self.write("trimmed", "")
        self._node(env, range(READ + POSTED + BATCH, GIVEN), self._trimmed, "--set", "log.embedded.retain=1s")

    def drop(self, env):
        """A view that the pipeline no longer has gives its rows up."""
        ended = self._call(env, "view", "drop", "by_place", "--data", self.data)
        # When it was cut short behind the last partition nothing is left to be dropped.
        if ended.code not in (0, 3) or (ended.code == 3 and self.ended is None):
            self.ended = ended
            raise Unfinished()

    def _call(self, env, *args):
        return self.faults.start(*args, cwd=self.folder, env=env).finish(60)

    def _run(self, env, *args):
        ended = self._call(env, *args)
        if ended.code != 0:
            self.ended = ended
            raise Unfinished()

    def _node(self, env, numbers, then, *settings):
        node = Node(self.faults, self.pipeline(extra=False), "data", *SETTINGS, *settings, env=env, cwd=self.folder)
        try:
            node.until_ready()
            self._post(node, numbers)
            then(node)
            self._repeat(node, lambda: self._settled(node, numbers), "the end of all work")
        except (OSError, http.client.HTTPException, Unfinished, Broken) as cut:
            # It broke off because it ended; of one that lives on that is a finding.
            self.ended = node.process.wait(30)
            if self.ended is None or isinstance(cut, Broken) and node.address is not None:
                raise Broken(f"{cut!r}: {node.process.errors_so_far()[-600:]}") from None
            raise Unfinished() from None
        finally:
            node.process.kill(15)
            ended = node.process.finish(60)
        if ended.code != 0:
            self.ended = ended
            raise Unfinished()

    def _mended(self, node):
        self._repeat(node, lambda: self._redriven(node), "the redrive")
        self._copied(node)

    def _copied(self, node):
        self._repeat(node, lambda: self._snapshot_made(node), "the snapshot")

    def _trimmed(self, node):
        """First of one partition alone, so that the other one's part is carried over; then of both."""
        begins = lambda: [r["trimmed_commit"] for r in node.get("/v1/snapshots").json()["recovery"]]
        lets_go = lambda of: self._tried_out(node) and all(begins()[p] > 0 for p in of)
        self._repeat(node, lambda: lets_go([p for p in range(PARTITIONS) if p != LOST]), "the horizon of one")
        self._copied(node)
        self._repeat(node, lambda: lets_go(range(PARTITIONS)) and not self._carried(), "the horizon of both")

    @staticmethod
    def _tried_out(node):
        """Whether good or not: of a partition without snapshots nothing can be tried out."""
        return node.call("POST", "/v1/snapshots/verify").status == 200

    def _carried(self):
        """Files that keep what the one that lags needs."""
        return [n for _, _, names in os.walk(os.path.join(self.data, "log")) for n in names if n.startswith(f"carry-{LOST}-")]

    def _post(self, node, numbers):
        """Clients side by side, each with its own batches, which it gives until they are acknowledged."""
        numbers, wrong = list(numbers), []
        batches = [numbers[i : i + BATCH] for i in range(0, len(numbers), BATCH)]

        def client(mine):
            connection = node.connect()
            try:
                for batch in mine:
                    body = "".join(json.dumps(order(i)) + "\n" for i in batch).encode()
                    self._repeat(node, lambda: node.call("POST", "/v1/events", body, NDJSON, connection).status == 202, "an acknowledgement")
            except (OSError, http.client.HTTPException, Hang) as cut:
                wrong.append(cut)
            finally:
                connection.close()

        threads = [threading.Thread(target=client, args=(batches[i::CLIENTS],)) for i in range(CLIENTS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if wrong:
            raise wrong[0]

    @staticmethod
    def _repeat(node, look, what, timeout=60):
        end = time.monotonic() + timeout
        while not look():
            if node.process.wait(0):
                raise Unfinished()
            if time.monotonic() > end:
                raise Hang(f"{what} does not come: {node.process.errors_so_far()[-600:]}")
            time.sleep(0.01)

    @staticmethod
    def _redriven(node):
        reply = node.call("POST", "/v1/dead-letters/redrive?reason=enrich_miss&why=mended&limit=512")
        if reply.status == 200:
            said = reply.json()
            return not said["changed"] and not said["later"] and not said["errors"] and not said["next"]
        return reply.status == 404 and b"no dead letter" in reply.body

    @staticmethod
    def _snapshot_made(node):
        reply = node.call("POST", "/v1/snapshots")
        return reply.status == 200 and all(fate["error"] is None and fate["id"] for fate in reply.json()["partitions"])

    def _settled(self, node, numbers):
        total = node.get("/v1/ledger").json()["total"]
        if total["in_flight"] or total["retrying"]:
            return False
        return len(records_below(self.out)) >= sum(is_order(order(i)) for i in range(numbers[-1] + 1))


CHAPTERS = ("read", "serve", "restore", "trim", "drop")


def records_below(folder):
    """Every record of every file that a reader would see; Broken when a line is none."""
    records = []
    for at, folders, names in os.walk(folder):
        folders[:] = [f for f in folders if not f.startswith(".")]
        for name in names:
            if name.startswith("."):
                continue
            with open(os.path.join(at, name), encoding="utf-8") as f:
                text = f.read()
            if text and not text.endswith("\n"):
                raise Broken(f"{at}/{name} ends within a line")
            records += [(json.loads(line), os.path.basename(at)) for line in text.splitlines()]
    return records


def told(text):
    """The last words, without what changes from time to time."""
    return re.sub(r"\s+", " ", " | ".join(text.strip().splitlines()[-3:]))[:300]


def judge(life, chapter):
    """Everything that was given, against what weir says and what lies in the files. Broken: what differs."""
    given = {"read": READ, "serve": READ + POSTED, "restore": READ + POSTED + BATCH}.get(chapter, GIVEN)
    orders = [order(i) for i in range(given)]
    mended = chapter != "read"
    served = [o for o in orders if is_order(o) and (mended or o["country"] != "Oz")]
    letters = [o for o in orders if not is_order(o) or (not mended and o["country"] == "Oz")]
    redriven = [o for o in orders[:READ] if is_order(o) and o["country"] == "Oz"] if mended else []
    weir, data = life.weir, life.data

    def same(got, wanted, what):
        if got != wanted:
            raise Broken(f"{what}: {got!r}, wanted {wanted!r}")

    def each_once(got, wanted, what):
        got, wanted = collections.Counter(got), collections.Counter(wanted)
        lost, more = wanted - got, got - wanted
        if lost or more:
            raise Broken(f"{what}: {sum(lost.values())} lost {list(lost)[:3]}, {sum(more.values())} too many {list(more)[:3]}")

    book = weir.ledger(data, codes=(0, 1))
    total = book["total"]
    same(book["balanced"], True, "the ledger balances")
    same(total["accepted"] >= given, True, f"accepted {total['accepted']} of {given}")
    wanted = {"served": len(served), "dead_lettered": len(letters), "duplicate": total["accepted"] - given, "redriven": len(redriven)}
    zero = ("filtered", "shed", "expired", "dropped", "superseded", "retrying", "in_flight")
    same({name: total[name] for name in (*wanted, *zero)}, {**wanted, **dict.fromkeys(zero, 0)}, "the ledger")
    each_once([row["id"] for row in weir.rows("by_id", data)], [o["id"] for o in served], "served ids")
    sums = {row["zone"]: (row["amount"], row["orders"]) for row in weir.rows("by_zone", data)}
    zones = {"north": [o for o in served if o["country"] == "Norway"], "far": [o for o in served if o["country"] == "Oz"]}
    number = "\x00number {}".format
    same(sums, {zone: (number(sum(o["amount"] for o in of)), number(len(of))) for zone, of in zones.items() if of}, "sums")
    each_once([letter["id"] for letter in weir.letters(data)], [o["id"] for o in letters], "letters")
    records = records_below(life.out)
    each_once([record["id"] for record, _ in records], [o["id"] for o in served], "what the sink wrote")
    by_id = {o["id"]: o for o in orders}
    for record, folder in records:
        zone = "far" if record["country"] == "Oz" else "north"
        # The service says of every place where it lies.
        same((record, folder), ({**by_id[record["id"]], "region": "of " + record["place"], "zone": zone}, "zone=" + zone), "a record of the sink")
    audit = weir.expect(0, "audit", "--data", data, "--output", "json").out.splitlines()
    each_once([json.loads(line)["id"] for line in audit], [o["id"] for o in redriven], "records of who changed what")
    weir.expect(0, "journal", "verify", "--data", data)
    weir.expect(0, "replay", "--verify", "--from", "zero", "--data", data, "--scratch", life.folder)
    if chapter != "read":
        weir.expect(0, "snapshot", "verify", "--data", data, "--scratch", life.folder)
    if chapter == "drop" and weir.call("query", "by_place", "--data", data).code == 0:
        raise Broken("the view that was dropped still answers")
