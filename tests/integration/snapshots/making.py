"""Snapshots are made, kept, listed; through kills."""

import json
import os

from ground import PARTITIONS, Shop, check, until

POINTS = ("snapshot_before_publish", "snapshot_published")


def made_kept_and_listed(weir, _, folder):
    shop = Shop(weir, folder)
    shop.up()
    check(shop.create(), [{"partition": p, "id": None, "made": False, "error": None} for p in range(PARTITIONS)], "nothing was committed")
    shop.send(300)
    fates = shop.create()
    check([(f["partition"], f["made"], f["error"]) for f in fates], [(p, True, None) for p in range(PARTITIONS)], "made")
    first = shop.listed()
    check([s["id"] for s in first], [f["id"] for f in fates], "listed")
    live = shop.digests()
    check([(s["state_digest"], s["answer_digest"]) for s in first], [(d["state"], d["answer"]) for d in live], "the digests of a snapshot are those of the node")
    check([(f["id"], f["made"]) for f in shop.create()], [(f["id"], False) for f in fates], "nothing is new")
    for _ in range(4):
        shop.send(50)
        check(all(f["made"] for f in shop.create()), True, "more of them")
    kept = shop.listed()
    check([[s["partition"] for s in kept].count(p) for p in range(PARTITIONS)], [3] * PARTITIONS, "three are kept")
    check(all(s["usable"] and s["verified_at"] is None and s["trouble"] is None for s in kept), True, f"usable: {kept}")
    for p in range(PARTITIONS):
        mine = [s for s in kept if s["partition"] == p]
        check([s["sequence"] for s in mine], sorted((s["sequence"] for s in mine), reverse=True), "newest first")
        check(len(shop.stored(p, "files")) < sum(s["files"] for s in mine), True, "what they have in common is stored once")
        check(shop.metric("weir_snapshots_kept", p), 3, "kept, as a metric")
        check(shop.metric("weir_snapshots_made_total", p), 5, "made, as a metric")
        check(shop.metric("weir_snapshots_failed_total", p), 0, "failed, as a metric")
        check(shop.metric("weir_snapshot_created_timestamp_seconds", p) > 1.7e9, True, "its time")
    check(os.path.exists(os.path.join(shop.data, "scratch")) and os.listdir(os.path.join(shop.data, "scratch")), [], "nothing is left aside")
    text = weir.expect(0, "snapshot", "list", "--node", shop.node.url, "--output", "json").out
    check(json.loads(text)["snapshots"], kept, "weir snapshot list asks the node")
    created = json.loads(weir.expect(0, "snapshot", "create", "--node", shop.node.url, "--output", "json").out)["partitions"]
    check([f["made"] for f in created], [False] * PARTITIONS, "weir snapshot create asks the node")
    table = weir.expect(0, "snapshot", "list", "--node", shop.node.url).out.decode()
    check(all(s["id"] in table for s in kept), True, f"the table: {table}")
    shop.check_answers()
    shop.stop()
    text = weir.expect(0, "snapshot", "list", "--data", shop.data, "--output", "json").out
    check(json.loads(text)["snapshots"], kept, "of a stopped node's data")
    # Another node on the same data goes on where this one was.
    shop.up()
    check(shop.listed(), kept, "after a start")
    check([(f["id"], f["made"]) for f in shop.create()], [(s["id"], False) for s in kept[::3]], "nothing is new after a start")
    shop.stop()


def on_their_interval(weir, _, folder):
    """And somewhere else than in the data directory."""
    shop = Shop(weir, folder)
    elsewhere = os.path.join(folder, "elsewhere")
    shop.up("--set", "snapshots.interval=10s", "--set", "snapshots.verify_interval=10s", "--set", f"snapshots.directory={elsewhere}")
    shop.send(100)
    made = until("a snapshot of each partition", lambda: (found := shop.listed()) and len(found) == PARTITIONS and found)
    check([(s["state_digest"]) for s in made], [d["state"] for d in shop.digests()], "digests")
    check(sorted(os.listdir(elsewhere)), [str(p) for p in range(PARTITIONS)], "where they are kept")
    check(os.path.exists(os.path.join(shop.data, "snapshots")), False, "and nowhere else")
    made = until("each is tried out", lambda: all(s["verified_at"] for s in shop.listed()) and shop.listed())
    check([shop.metric("weir_snapshot_bad", p) for p in range(PARTITIONS)], [0] * PARTITIONS, "and good")
    shop.stop()
    text = weir.expect(0, "snapshot", "list", "--data", shop.data, "--snapshots", elsewhere, "--output", "json").out
    check(json.loads(text)["snapshots"], made, "listed from there")


def killed_while_making(weir, faults, folder):
    shop = Shop(weir, folder)
    for point in POINTS:
        shop.up()
        shop.send(50)
        before = {s["id"] for s in shop.listed()}
        shop.stop()
        node = shop.up(weir=faults, env={"WEIR_FAIL_POINT": f"{point}:1"})
        try:
            node.call("POST", "/v1/snapshots")
            raise AssertionError(f"INVALID {point}: the node lives")
        except OSError:
            pass
        check(node.process.finish(60).code, -9, f"killed at {point}")
        shop.up()
        listed = shop.listed()
        check(all(s["usable"] for s in listed), True, f"after {point}: {listed}")
        gained = {s["id"] for s in listed} - before
        check(len(gained), 1 if point == "snapshot_published" else 0, f"snapshots gained at {point}")
        fates = shop.create()
        check([f["error"] for f in fates], [None] * PARTITIONS, "made after it")
        check([s["state_digest"] for s in shop.listed() if s["id"] in {f["id"] for f in fates}], [d["state"] for d in shop.digests()], "digests after it")
        check(os.listdir(os.path.join(shop.data, "scratch")), [], "nothing is left aside")
        shop.stop()
