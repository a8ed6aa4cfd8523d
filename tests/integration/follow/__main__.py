"""A node that follows directories: each line is accepted exactly once, whatever writers and kills do.

  python3 tests/integration/follow [--binary PATH] [--faults PATH] [--seed S] [--only NAME]

Exit: 0 PASS, 1 FAIL, 3 INVALID (a kill did not hit, or found nothing to interrupt).
"""

import argparse
import json
import os
import random
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.dirname(HERE)]
import account  # noqa: E402
from outside import weir as outside  # noqa: E402
from outside.node import Node  # noqa: E402
from writers import Archiver, Writer  # noqa: E402

Broken, Hang = outside.Broken, outside.Hang

PIPELINE = """pipeline: followed
partitions: 4
record: {format: ndjson, id: id}
views:
  by_id: {group_by: [id], measures: {lines: count}}
inputs:
%s
  files: {include: ["logs/*.log*"], exclude: ["*.tmp"], follow: true, poll: 50ms, settle: 1s, close_after: 2s, open_max: 3}
  archive: {files: {include: "incoming/**", exclude: "*.tmp", follow: true, poll: 50ms, settle: 1s}}
"""


class Invalid(Exception):
    """A fault that did not happen proves nothing."""


def make(folder, http=""):
    for name in ("logs", "incoming"):
        os.mkdir(os.path.join(folder, name))
    with open(os.path.join(folder, "p.yaml"), "w", encoding="utf-8") as f:
        f.write(PIPELINE % http)


def start(weir, folder, env=None):
    node = Node(weir, os.path.join(folder, "p.yaml"), os.path.join(folder, "data"), env=env)
    node.until_ready()
    return node


def until(what, wanted, timeout=120):
    """Asks again and again; its last answer."""
    end = time.monotonic() + timeout
    while not wanted(got := what()):
        if time.monotonic() > end:
            raise Hang(f"it is still {got} after {timeout} s")
        threading.Event().wait(0.02)
    return got


def total(node):
    return node.get("/v1/ledger").json()["total"]


def settled(node, count, timeout=120):
    """Until so many are accepted and decided; then nothing more may come, however long it looks."""
    until(lambda: total(node), lambda t: t["accepted"] >= count and t["in_flight"] == 0, timeout)
    looks = metric(node, "weir_input_unread_bytes")
    until(lambda: metric(node, "weir_input_unread_bytes"), lambda m: all(v == 0 for v in m.values()))
    return looks


def metric(node, name):
    """By input."""
    out = {}
    for line in node.get("/metrics").body.decode().splitlines():
        if line.startswith(name + "{"):
            out[line.split('input="')[1].split('"')[0]] = float(line.rsplit(" ", 1)[1])
    return out


class CaughtUp:
    """Whether the node has everything of a writer; the node may be another one by the time it answers."""

    def __init__(self):
        self.node, self.others = None, []

    @staticmethod
    def pause(seconds):
        threading.Event().wait(seconds)

    def __call__(self, writer):
        last = sorted(writer.written)
        for _ in range(200):
            try:
                rows = self.node.rows("by_id", limit=5000)
                names = {row["id"] for row in rows}
                if names.issuperset(last):
                    return True
            except Exception:  # noqa: BLE001: it is being killed
                pass
            self.pause(0.05)
        return False


def everything_is_taken_once(weir, _, folder, random):
    make(folder)
    caught_up = CaughtUp()
    writers = [Writer(os.path.join(folder, "logs"), f"{name}.log", 6000, random, caught_up) for name in "ab"]
    archiver = Archiver(os.path.join(folder, "incoming"), 12, random, caught_up.pause)
    threads = [*writers, archiver]
    node = caught_up.node = start(weir, folder)
    for thread in threads:
        thread.start()
    kills = hits = 0
    while any(t.is_alive() for t in threads) and kills < 8:
        before = node.process.bytes_written() or 0
        node.process.until_written(before + random.randrange(20_000, 400_000), timeout=60, stalled_after=1)
        written = sum(len(t.written) for t in threads)
        if node.process.kill():
            kills += 1
        node.process.finish(30)
        node = caught_up.node = start(weir, folder)
        hits += total(node)["accepted"] < written
    for thread in threads:
        thread.join(120)
        if thread.is_alive() or thread.error:
            raise Broken(f"a writer: {thread.error or 'it still waits'}")
    if kills < 3 or not hits:
        raise Invalid(f"{kills} kills, {hits} of them with something to read left")
    written = set().union(*(t.written for t in threads))
    settled(node, len(written))
    account.check(written, node.rows("by_id", limit=5000), total(node))
    if node.stop().code != 0:
        raise Broken("the last stop")
    # Nothing is read again, and what was decided stays.
    node = start(weir, folder)
    settled(node, len(written))
    account.check(written, node.rows("by_id", limit=5000), total(node))
    if node.stop().code != 0:
        raise Broken("the stop after that")
    weir.expect(0, "journal", "verify", "--data", os.path.join(folder, "data"))
    print(f"  {kills} kills, {len(written)} lines, {sum(w.rotations for w in writers)} rotations, "
          f"{sum(w.truncations for w in writers)} truncations")


def a_kill_behind_any_append(_, faults, folder, random):
    """The place in the file is in the append: whichever append is the last one, nothing is lost or repeated."""
    make(folder)
    written = set()
    path = os.path.join(folder, "logs", "x.log")
    for round_ in range(4):
        with open(path, "ab") as f:
            for i in range(8000):
                name = f"x-{round_}-{i}"
                written.add(name)
                f.write(f'{{"id":"{name}","pad":"{"y" * 300}"}}\n'.encode())
        # Each start begins with the barriers of its doors; the groups are of a mebibyte.
        node = Node(faults, os.path.join(folder, "p.yaml"), os.path.join(folder, "data"),
                    env={"WEIR_FAIL_POINT": f"door_after_append:{random.randrange(1, 3)}"})
        if node.process.finish(60).code != -9:
            raise Invalid("the fail point was not reached")
        os.rename(path, f"{path}.{round_}")
        with open(f"{path}.{round_}", "ab") as f:
            written.add(f"late-{round_}")
            f.write(f'{{"id":"late-{round_}"}}\n'.encode())
    node = start(faults, folder)
    settled(node, len(written))
    account.check(written, node.rows("by_id", limit=5000), total(node))
    if node.stop().code != 0:
        raise Broken("the last stop")


def inputs_without_http_take_no_events(weir, _, folder, __):
    make(folder)
    node = start(weir, folder)
    reply = node.call("POST", "/v1/events", b'{"id":"x"}', {"Content-Type": "application/json"})
    if reply.status != 404 or "add http: {}" not in reply.json()["detail"]:
        raise Broken(f"events over HTTP: {reply}")
    if node.get("/v1/views/by_id").status != 200 or node.get("/readyz").status != 200:
        raise Broken("queries without an http input")
    if node.stop().code != 0:
        raise Broken("the stop")
    os.mkdir(os.path.join(folder, "both"))
    make(os.path.join(folder, "both"), "  http: {}")
    node = start(weir, os.path.join(folder, "both"))
    with open(os.path.join(folder, "both", "logs", "a.log"), "wb") as f:
        f.write(b'{"id":"f"}\n')
    reply = node.call("POST", "/v1/events?wait=10s", b'{"id":"x"}', {"Content-Type": "application/json"})
    if reply.status != 202:
        raise Broken(f"events over HTTP beside files: {reply}")
    settled(node, 2)
    account.check({"x", "f"}, node.rows("by_id"), total(node))
    if node.stop().code != 0:
        raise Broken("the stop")


def what_is_wrong_is_named_and_stops_nobody(weir, _, folder, __):
    make(folder)
    logs = os.path.join(folder, "logs")
    with open(os.path.join(logs, "bad.log.gz"), "wb") as f:
        f.write(b"not compressed\n")
    os.symlink(logs, os.path.join(folder, "incoming", "loop"))
    os.symlink(os.path.join(folder, "incoming"), os.path.join(folder, "incoming", "self"))
    os.mkfifo(os.path.join(logs, "pipe.log"))
    with open(os.path.join(logs, "good.log"), "wb") as f:
        f.write(b'{"id":"g"}\nunfinished')
    node = start(weir, folder)
    settled(node, 1)
    until(lambda: metric(node, "weir_input_failing"), lambda m: m == {"files": 1, "archive": 0})
    if metric(node, "weir_input_errors_total") != {"files": 1, "archive": 0}:
        raise Broken(f"errors: {metric(node, 'weir_input_errors_total')}")
    if metric(node, "weir_input_running") != {"files": 1, "archive": 1}:
        raise Broken("a door does not run")
    lines = [json.loads(line) for line in node.process.errors_so_far().splitlines()]
    told = [line for line in lines if "bad.log.gz" in line["msg"]]
    if len(told) != 1 or told[0]["level"] != "warn" or "its name says gzip" not in told[0]["msg"]:
        raise Broken(f"the file that is no gzip was told as {told}")
    if not any("no file matches" in line["msg"] and "incoming" in line["msg"] for line in lines):
        raise Broken("a pattern without a file was not told")
    account.check({"g"}, node.rows("by_id"), total(node))
    if node.stop().code != 0:
        raise Broken("the stop")
    # Read once instead: the end says that not everything was.
    path = os.path.join(folder, "p.yaml")
    with open(path, encoding="utf-8") as f:
        text = f.read()
    with open(path, "w", encoding="utf-8") as f:
        f.write(text.replace("follow: true, poll: 50ms, settle: 1s, close_after: 2s, ", "").replace(", follow: true, poll: 50ms, settle: 1s", ""))
    node = start(weir, folder)

    def told_ends():
        whole = node.process.errors_so_far().rpartition("\n")[0]
        return {line["component"]: line for line in map(json.loads, whole.splitlines()) if "reads no more" in line["msg"]}

    ends = until(told_ends, lambda told: len(told) == 2)
    if metric(node, "weir_input_running") != {"files": 0, "archive": 0}:
        raise Broken("a door that has ended runs")
    wanted = {
        "door/files:files": ("warn", "what could be read was read, 1 file or directory could not, 1 event; "),
        "door/files:archive": ("info", "everything there was read, 0 events; "),
    }
    for who, (level, begin) in wanted.items():
        if ends[who]["level"] != level or not ends[who]["msg"].startswith(begin):
            raise Broken(f"the end of {who}: {ends[who]}")
    if node.stop().code != 0:
        raise Broken("the stop")


CASES = {
    "exactly_once": everything_is_taken_once,
    "fail_point": a_kill_behind_any_append,
    "without_http": inputs_without_http_take_no_events,
    "wrong_files": what_is_wrong_is_named_and_stops_nobody,
}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--binary")
    parser.add_argument("--faults")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    parser.add_argument("--only", choices=CASES)
    options = parser.parse_args()
    weir = outside.Weir(outside.find_binary(options.binary, "weir"))
    faults = outside.Weir(outside.find_binary(options.faults, "weir-faults"))
    print(f"seed {options.seed}", flush=True)
    for name, case in CASES.items():
        if options.only and name != options.only:
            continue
        with outside.Scratch() as folder:
            try:
                case(weir, faults, folder, random.Random(f"{options.seed} {name}"))
            except Invalid as e:
                print(f"INVALID {name}: {e}")
                return 3
            except (AssertionError, Broken, Hang) as e:
                print(f"FAIL {name}: {e}")
                return 1
        print(f"ok {name}", flush=True)
    print("PASS")
    return 0


if __name__ == "__main__":
    sys.exit(main())
