"""The log lets go of what no snapshot and no sink needs, and of nothing else."""

import json
import os
import shutil

from ground import PARTITIONS, Shop, check, until
from restoring import LOST, check_restored, state
from trying import tried

SETTINGS = ("--set", "log.embedded.segment=4MiB", "--set", "log.embedded.retain=1s")
NOTE = "n" * 4_000
SEGMENT = 4 << 20


def fill(shop, orders=6_000, wait="30s"):
    """Some 12 MB for each partition in both journals."""
    for _ in range(orders // 500):
        shop.send(500, NOTE, wait)


def size_of(path):
    """Of a file that may go, or get another name, meanwhile."""
    try:
        return os.path.getsize(path)
    except FileNotFoundError:
        return 0


def log_bytes(shop, kind="segment-"):
    """Of what the two journals hold in files of this kind."""
    return sum(size_of(os.path.join(folder, n)) for folder, _, names in os.walk(os.path.join(shop.data, "log")) for n in names if n.startswith(kind))


def trimmed(shop):
    return [r["trimmed_commit"] for r in shop.recovery()]


def let_go(shop, enough):
    """Tries snapshots out until `enough()`: what is young goes when it is old."""
    def look():
        shop.node.call("POST", "/v1/snapshots/verify")
        return enough()
    until("the log lets go", look)


def what_nobody_needs_goes(weir, _, folder):
    shop = Shop(weir, folder)
    shop.up(*SETTINGS)
    fill(shop)
    check([r["held_by"] for r in shop.recovery()], ["there is no snapshot yet"] * PARTITIONS, "before a snapshot")
    shop.create()
    check(trimmed(shop), [0] * PARTITIONS, "nothing goes before a snapshot was tried out")
    before = log_bytes(shop)
    check(before > 40 << 20, True, f"the log: {before}")
    sequence = {s["partition"]: s["sequence"] for s in shop.listed()}
    # One frame holds both partitions: the end of the newest segment is young.
    let_go(shop, lambda: log_bytes(shop) <= 2 * 3 * SEGMENT)
    for p, recovery in enumerate(shop.recovery()):
        check(0 < recovery["trimmed_commit"] <= sequence[p], True, f"no more than the snapshot has: {recovery}")
        # What was young a moment ago may go meanwhile.
        until("the metrics say the same", lambda p=p: all(shop.metric(f"weir_log_{name}", p) == shop.recovery()[p][name] for name in ("trimmed_commit", "trimmed_offset")))
        check(shop.metric("weir_recovery_possible", p), 1, "it can be recovered")
    shop.send(100)
    shop.check_answers()
    life = shop.node.get("/v1/events/o1").json()
    check((life["id"], life["attempts"][-1]["outcome"]), ("o1", "served"), f"an event that has left the log: {life}")
    zero = tried(weir, 0, "replay", "--verify", "--node", shop.node.url)
    check([(t["good"], t["base"] != "zero", t["from"]) for t in zero], [(True, True, sequence[p]) for p in range(PARTITIONS)], "the oldest there is to begin with")
    wanted = shop.digests()
    shop.node.process.kill()
    shop.node.process.finish(60)
    shutil.rmtree(state(shop))
    shop.up(*SETTINGS)
    check_restored(shop, wanted, next(s["id"] for s in shop.listed() if s["partition"] == LOST))
    # A look at stopped data says it as well.
    shop.stop()
    listed = json.loads(weir.expect(0, "snapshot", "list", "--data", shop.data, "--output", "json").out)["recovery"]
    check(all(r["trimmed_commit"] > 0 and r["base"] and r["held_by"] is None for r in listed), True, f"of a stopped node: {listed}")
    # Without the snapshots nothing could bring a state back: that is told while the state still stands, and ends with the next snapshot.
    shop.up(*SETTINGS)
    shutil.rmtree(os.path.join(shop.data, "snapshots"))
    tried(weir, 1, "snapshot", "verify", "--node", shop.node.url)
    check([(r["base"], r["events"], r["held_by"]) for r in shop.recovery()], [(None, None, "there is no snapshot yet")] * PARTITIONS, "nothing to begin with")
    check([shop.metric("weir_recovery_possible", p) for p in range(PARTITIONS)], [0] * PARTITIONS, "as a metric")
    told = weir.expect(0, "snapshot", "list", "--node", shop.node.url).err.decode()
    check(told.count("nothing could bring it back"), PARTITIONS, f"told to people: {told}")
    shop.create()
    check([shop.metric("weir_recovery_possible", p) for p in range(PARTITIONS)], [1] * PARTITIONS, "and again")
    shop.check_answers()
    shop.stop()


def a_partition_that_lags_pins_nobody(weir, _, folder):
    shop = Shop(weir, folder)
    shop.up(*SETTINGS)
    fill(shop)
    shop.create()
    let_go(shop, lambda: log_bytes(shop) <= 2 * 3 * SEGMENT)
    shop.stop()
    # It has lost its state, and the snapshots are elsewhere.
    shutil.rmtree(state(shop))
    elsewhere = os.path.join(folder, "elsewhere")
    shutil.move(os.path.join(shop.data, "snapshots", str(LOST)), elsewhere)
    shop.up(*SETTINGS)
    check(shop.node.get("/readyz").json()["quarantined"], [LOST], "quarantined")
    stood = trimmed(shop)[LOST]
    for _ in range(3):
        fill(shop, wait="")
        until("the other one goes on", lambda: (p := shop.node.get("/v1/partitions").json()["partitions"][0])["committed"] == p["accepted"])
        shop.create()
    # The verified one of before is kept until another one is verified, and goes with the next that is made.
    shop.node.call("POST", "/v1/snapshots/verify")
    check(trimmed(shop)[0] < min(s["sequence"] for s in shop.listed()[:3]), True, "the verified one is the oldest")
    shop.send(100, wait="")
    until("the other one goes on", lambda: (p := shop.node.get("/v1/partitions").json()["partitions"][0])["committed"] == p["accepted"])
    shop.create()
    let_go(shop, lambda: log_bytes(shop) <= 2 * 3 * SEGMENT)
    check(trimmed(shop)[LOST], stood, "nothing of its own goes")
    carried = log_bytes(shop, f"carry-{LOST}-")
    check(carried > 8 << 20, True, f"what it needs lies in files of its own: {carried}")
    check(log_bytes(shop, "carry-0-"), 0, "the other one has none")
    shop.node.process.kill()
    shop.node.process.finish(60)
    # The snapshots are found again.
    shop.up(*SETTINGS)
    shutil.move(elsewhere, os.path.join(shop.data, "snapshots", str(LOST)))
    weir.expect(0, "partition", "release", str(LOST), "--node", shop.node.url)
    until("it has caught up", lambda: all(p["state"] == "running" and p["committed"] == p["accepted"] for p in shop.node.get("/v1/partitions").json()["partitions"]))
    shop.check_answers()
    for _ in range(3):
        shop.send(100)
        shop.create()
        shop.node.call("POST", "/v1/snapshots/verify")
    let_go(shop, lambda: log_bytes(shop, "carry-") == 0)
    shop.check_answers()
    check([t["good"] for t in tried(weir, 0, "replay", "--verify", "--node", shop.node.url)], [True] * PARTITIONS, "the log that is left leads to the present")
    shop.stop()


def what_a_sink_has_not_taken_stays(weir, _, folder):
    shop = Shop(weir, folder, "sinks: {hook: {http: {url: 'http://127.0.0.1:9/'}, from: curated}}\n")
    shop.up(*SETTINGS)
    fill(shop)
    shop.create()
    let_go(shop, lambda: all(r["trimmed_offset"] > 0 for r in shop.recovery()))
    check([(r["trimmed_commit"], r["held_by"]) for r in shop.recovery()], [(0, "sink hook")] * PARTITIONS, "kept for the sink")
    shop.node.process.kill()
    shop.node.process.finish(60)
    # A pipeline without it keeps nothing for it.
    Shop(weir, folder)
    shop.up(*SETTINGS)
    let_go(shop, lambda: all(commit > 0 for commit in trimmed(shop)))
    shop.check_answers()
    shop.stop()
