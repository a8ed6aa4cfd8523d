#!/usr/bin/env python3
"""`weir ingest` loses nothing and reports nothing too early, though the node is killed in the middle of it.

A file is sent to a node that is killed (SIGKILL) when a part is acknowledged, and started again. Judged outside: every line's id
(its digest, recomputed here) is acknowledged exactly once, every id has a biography, and the answers are those of `weir run`
over the same file.
"""
import argparse
import csv
import hashlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

PIPELINE = """pipeline: ingested
record: {format: csv, id: digest, time: {field: at, format: unix}}
stages:
  - validate: {fields: {amount: {type: decimal}}}
views:
  by_shop: {group_by: [shop], measures: {lines: count, sum: {sum: amount}}}
  latest: {latest: shop}
"""
ROWS = 60_000
ACKNOWLEDGED_BEFORE_KILL = 5_000


def write_input(path):
    with open(path, "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["at", "shop", "amount", "text"])
        for i in range(ROWS):
            # Every 50th is the same event again; some fields hold line ends.
            n = i - 1 if i % 50 == 49 else i
            writer.writerow([1_300_000_000 + n, f"shop {n % 37}", f"{n % 1000}.{n % 100:02}", f"two\nlines {n}" if n % 10 == 0 else n])


def ids_of(path):
    """The digest of each record, as it stands between its line ends."""
    with open(path, "rb") as file:
        text = file.read()
    begin, quoted, ids = text.index(b"\n") + 1, False, []
    for at in range(begin, len(text)):
        byte = text[at:at + 1]
        if byte == b'"':
            quoted = not quoted
        elif byte == b"\n" and not quoted:
            ids.append(hashlib.sha256(text[begin:at]).hexdigest()[:32])
            begin = at + 1
    return ids


class Node:
    def __init__(self, binary, folder, port):
        self.process = subprocess.Popen(
            [binary, "up", f"{folder}/pipeline.yaml", "--data", f"{folder}/up", "--set", f"http.listen=127.0.0.1:{port}"],
            stdout=subprocess.PIPE, stderr=open(f"{folder}/up.log", "a"), text=True)
        line = self.process.stdout.readline()
        if not line.startswith("weir ready "):
            sys.exit(f"no ready line but {line!r}; see {folder}/up.log: " + open(f"{folder}/up.log").read()[-2000:])
        self.port = int(line.split("http=127.0.0.1:")[1].split()[0])

    def get(self, path):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=30) as answer:
            return json.load(answer)

    def end(self, number):
        self.process.send_signal(number)
        return self.process.wait(timeout=60)


def until(condition, what):
    end = time.monotonic() + 60
    while not condition():
        if time.monotonic() > end:
            sys.exit(f"did not come true within 60 s: {what}")
        os.sched_yield()


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--binary", required=True)
    binary = arguments.parse_args().binary
    with tempfile.TemporaryDirectory() as folder:
        with open(f"{folder}/pipeline.yaml", "w") as file:
            file.write(PIPELINE)
        rows, acked = f"{folder}/rows.csv", f"{folder}/acked"
        write_input(rows)
        expected = ids_of(rows)
        assert len(expected) == ROWS

        nobody = subprocess.run([binary, "ingest", rows, "--node", "http://127.0.0.1:1"], capture_output=True, text=True)
        assert nobody.returncode == 3 and "weir up PIPELINE.yaml" in nobody.stderr, nobody

        subprocess.run([binary, "run", f"{folder}/pipeline.yaml", rows, "--data", f"{folder}/run"], check=True, stdout=subprocess.DEVNULL)
        truth = json.loads(subprocess.run([binary, "digest", "--data", f"{folder}/run", "--output", "json"], check=True,
                                          capture_output=True).stdout)

        node = Node(binary, folder, 0)
        sending = subprocess.Popen([binary, "ingest", rows, "--acked-to", acked, "--node", f"http://127.0.0.1:{node.port}"],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        until(lambda: os.path.exists(acked) and os.path.getsize(acked) >= 33 * ACKNOWLEDGED_BEFORE_KILL, "a part is acknowledged")
        node.end(signal.SIGKILL)
        assert sending.poll() is None, "all was sent before the node was killed: ROWS is too small for this machine"
        before = open(acked).read().split("\n")[:-1]
        node = Node(binary, folder, node.port)
        for id in before[:: len(before) // 50]:
            assert node.get(f"/v1/events/{id}"), id
        out, err = sending.communicate(timeout=200)
        assert sending.returncode == 0, (sending.returncode, out, err)
        assert f"{ROWS:,} events acknowledged" in out and "trying again" in err and "going on after" in err, (out, err)

        lines = open(acked).read().split("\n")[:-1]
        assert sorted(lines) == sorted(expected), "the acknowledged ids are not those of the file"
        until(lambda: node.get("/v1/ledger")["total"]["in_flight"] == 0, "nothing is in flight")
        ledger = node.get("/v1/ledger")
        assert ledger["balanced"] and ledger["total"]["served"] == len(set(expected)), ledger
        assert ledger["total"]["accepted"] >= ROWS, ledger
        assert node.get("/v1/digest")["answer"] == truth["answer"], (node.get("/v1/digest"), truth)

        # What the node refuses is refused with its reason.
        with open(f"{folder}/bad.json", "w") as file:
            file.write('{"a": [1')
        broken = subprocess.run([binary, "ingest", f"{folder}/bad.json", "--node", f"http://127.0.0.1:{node.port}"], capture_output=True,
                                text=True)
        assert broken.returncode == 5 and "bad.json" in broken.stderr, broken
        assert node.end(signal.SIGTERM) == 0
    print(f"{ROWS} events acknowledged once, {ledger['total']['accepted'] - ROWS} sent twice, answers equal")


if __name__ == "__main__":
    main()
