"""A storm of requests against a node with limits.memory_max: never above it, nothing acknowledged lost, and afterwards as fast as before.

  python3 tests/integration/limits [--binary PATH] [--seconds N] [--batches-max N] [--memory MIB] [--connections N]

The node runs in a control group whose limit is memory_max: the kernel kills it when it goes over. Needs root and version 1 of the
memory controller; skipped where it cannot be had. Its speed before and after is its processor time per event, so that what else
the machine does counts little.
The storm ends after so many seconds or batches, whichever comes first. A larger one (--seconds 60 --batches-max 1000000) fills the
memory with ids: doors close, and open again as ids leave dedupe.remember, one minute here.
Exit: 0 PASS, 1 FAIL, 3 INVALID (the storm was none), 77 skipped.
"""

import argparse
import http.client
import os
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.dirname(HERE)]
from outside import weir as outside  # noqa: E402
from outside.node import Node  # noqa: E402

GROUPS = "/sys/fs/cgroup/memory"
BATCH = 500
# Ids are remembered for a minute: what the storm leaves behind goes by itself.
PIPELINE = """pipeline: storm
partitions: 8
record: {id: id}
dedupe: {remember: 1m}
stages:
  - validate: {fields: {batch: {type: integer}, amount: {type: decimal, above: 0}, text: {type: string}}}
  - transform: {set: {double: {multiply: [amount, 2]}}}
views:
  batches: {group_by: [batch], measures: {events: count}}
"""
NDJSON = {"Content-Type": "application/x-ndjson"}
TEXT = "x" * 180


class Group:
    """A control group of this test's own."""

    def __init__(self, limit):
        self.path = os.path.join(GROUPS, f"weir-limits-{os.getpid()}")
        os.mkdir(self.path)
        self._write("memory.limit_in_bytes", limit)

    def _write(self, name, value):
        with open(os.path.join(self.path, name), "w", encoding="ascii") as f:
            f.write(str(value))

    def read(self, name):
        with open(os.path.join(self.path, name), encoding="ascii") as f:
            return f.read()

    def take(self, pid):
        self._write("cgroup.procs", pid)

    def close(self):
        os.rmdir(self.path)


def body(batch):
    lines = (f'{{"id":"{batch}-{i}","batch":{batch},"amount":1.25,"text":"{TEXT}"}}\n' for i in range(BATCH))
    return "".join(lines).encode()


class Storm:
    """Connections that each send their next batch when the one before is answered; refused ones are sent again after a moment."""

    def __init__(self, node, connections, seconds, batches_max):
        self.node, self.end, self.batches_max = node, time.monotonic() + seconds, batches_max
        self.lock = threading.Lock()
        self.next, self.acknowledged, self.unknown, self.refused, self.errors = 1_000, set(), set(), 0, []
        self.threads = [threading.Thread(target=self.run, daemon=True) for _ in range(connections)]

    def run(self):
        connection = None
        batch, data = None, None
        pause = threading.Event()
        while time.monotonic() < self.end:
            if batch is None:
                with self.lock:
                    if self.next == 1_000 + self.batches_max:
                        return
                    batch, self.next = self.next, self.next + 1
                data = body(batch)
            connection = connection or self.node.connect(60)
            try:
                reply = self.node.call("POST", "/v1/events", data, NDJSON, connection)
            except (OSError, http.client.HTTPException):
                with self.lock:
                    self.unknown.add(batch)
                connection, batch = None, None
                continue
            if reply.status == 202:
                with self.lock:
                    self.acknowledged.add(batch)
                batch = None
            elif reply.status in (429, 503):
                with self.lock:
                    self.refused += 1
                if reply.headers.get("connection") == "close":
                    connection = None
                pause.wait(0.05)
            else:
                self.errors.append(str(reply))
                return

    def rage(self):
        for thread in self.threads:
            thread.start()
        for thread in self.threads:
            thread.join()
        return self


def settle(node, timeout):
    end = time.monotonic() + timeout
    while (total := node.get("/v1/ledger").json()["total"])["in_flight"]:
        if time.monotonic() > end:
            raise outside.Hang(f"still in flight: {total}")
        threading.Event().wait(0.2)
    return total


def calm(node, limit, timeout):
    """Waits until the node is away from its limit: ids of the storm have expired, doors do not slow down any more."""
    end = time.monotonic() + timeout
    while (used := resident(node)) > limit * 0.65:
        if time.monotonic() > end:
            raise outside.Hang(f"{used >> 20} MiB are still in use")
        threading.Event().wait(0.2)


def resident(node):
    line = next(l for l in node.get("/metrics").body.decode().splitlines() if l.startswith("weir_memory_resident_bytes "))
    return int(float(line.split()[1]))


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def cost(node, first, batches):
    """Processor seconds per event, answered when it is processed."""
    connection = node.connect(120)
    bodies = [body(first + i) for i in range(batches)]
    before = cpu_seconds(node.process.popen.pid)
    for data in bodies:
        while (reply := node.call("POST", "/v1/events?wait=60s", data, NDJSON, connection)).status == 429:
            threading.Event().wait(0.5)
        if reply.status != 202 or reply.json()["outcomes"] != {"served": BATCH}:
            raise outside.Broken(f"a batch in quiet times: {reply}")
    return (cpu_seconds(node.process.popen.pid) - before) / (batches * BATCH)


def check(storm, node):
    if storm.errors:
        raise outside.Broken(f"a client was told {storm.errors[0]}")
    counts = {row["batch"]: row["events"] for row in node.rows("batches", limit=10_000)}
    short = [b for b in storm.acknowledged if counts.get(b) != BATCH]
    if short:
        raise outside.Broken(f"{len(short)} acknowledged batches are not whole, such as {short[0]}: {counts.get(short[0])} of {BATCH}")
    for batch, events in counts.items():
        if events != BATCH:
            raise outside.Broken(f"batch {batch} has {events} events of {BATCH}: a request is taken whole or not at all")


def run(weir, folder, options):
    limit = options.memory << 20
    group = Group(limit)
    try:
        path = os.path.join(folder, "storm.yaml")
        with open(path, "w", encoding="utf-8") as f:
            f.write(PIPELINE)
        node = Node(weir, path, os.path.join(folder, "data"), "--set", f"limits.memory_max={options.memory}MiB")
        group.take(node.process.popen.pid)
        node.until_ready()
        cost(node, 0, 20)  # warm
        before = cost(node, 100, 100)
        storm = Storm(node, options.connections, options.seconds, options.batches_max).rage()
        if ended := node.process.wait(0):
            raise outside.Broken(f"the node ended in the storm: {ended}; {group.read('memory.oom_control')}")
        try:
            total = settle(node, 180)
            check(storm, node)
            calm(node, limit, 180)
            after = cost(node, 400, 100)
        except (OSError, http.client.HTTPException) as e:
            raise outside.Broken(f"{e!r} after the storm; {node.process.wait(5)}; {group.read('memory.oom_control')}; {group.read('memory.stat')}") from e
        peak = int(group.read("memory.max_usage_in_bytes"))
        print(f"{len(storm.acknowledged) * BATCH:,} events acknowledged in {options.seconds} s, {storm.refused:,} requests refused, "
              f"{total['served']:,} served, group peak {peak >> 20} MiB of {options.memory}, "
              f"{before * 1e6:.2f} us of processor time an event before, {after * 1e6:.2f} after")
        if len(storm.acknowledged) < 100:
            print("INVALID: that was no storm")
            return 3
        if after > 3 * before:
            raise outside.Broken("after the storm an event costs more than three times what it did before")
        ended = node.stop()
        if ended.code != 0:
            raise outside.Broken(f"the stop: {ended}")
        print("PASS")
        return 0
    finally:
        if "node" in locals() and node.process.wait(0) is None:
            node.process.kill()
            node.process.finish(30)
        group.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary")
    parser.add_argument("--seconds", type=int, default=6)
    parser.add_argument("--batches-max", type=int, default=7_000)
    parser.add_argument("--memory", type=int, default=512)
    parser.add_argument("--connections", type=int, default=64)
    options = parser.parse_args()
    weir = outside.Weir(outside.find_binary(options.binary, "weir"))
    if os.geteuid() != 0 or not os.access(os.path.join(GROUPS, "memory.limit_in_bytes"), os.R_OK):
        print("skipped: no control group can be made here (root and version 1 of the memory controller)")
        return outside.SKIP
    if weir.sanitized():
        print("skipped: a sanitizer's own memory would count")
        return outside.SKIP
    with outside.Scratch() as folder:
        try:
            return run(weir, folder, options)
        except (outside.Broken, outside.Hang) as e:
            print(f"FAIL: {e}")
            return 1


if __name__ == "__main__":
    sys.exit(main())
