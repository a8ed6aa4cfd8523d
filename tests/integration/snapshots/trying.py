"""Snapshots are tried out: restored aside, led to the present by the log, compared."""

import json
import os
import shutil
import threading

from ground import NDJSON, PARTITIONS, Shop, check, flip, order
from outside.weir import Broken


def tried(weir, code, *args):
    return json.loads(weir.expect(code, *args, "--output", "json").out)["partitions"]


def good_ones(weir, _, folder):
    shop = Shop(weir, folder)
    shop.up()
    at = ["--node", shop.node.url]
    check([t["good"] for t in tried(weir, 0, "snapshot", "verify", *at)], [True] * PARTITIONS, "nothing was committed")
    shop.send(200)
    check([(r["base"], r["seconds"]) for r in shop.recovery()], [("zero", None)] * PARTITIONS, "a recovery without snapshots")
    lone = tried(weir, 1, "snapshot", "verify", *at)
    check(["there is no snapshot" in (t["error"] or "") for t in lone], [True] * PARTITIONS, f"no snapshot: {lone}")
    shop.create()
    shop.send(200)
    shop.create()
    shop.send(100)
    ids = [s["id"] for s in shop.listed()]
    live = [d["state"] for d in shop.digests()]
    committed = {s["id"]: s["committed"] for s in shop.listed()}
    accepted = [p["accepted"] for p in shop.node.get("/v1/partitions").json()["partitions"]]
    wanted = [(p, ids[2 * p], accepted[p] - committed[ids[2 * p]]) for p in range(PARTITIONS)]
    check([(r["partition"], r["base"], r["events"]) for r in shop.recovery()], wanted, "what a recovery would take")
    check([shop.metric("weir_recovery_events", p) for p in range(PARTITIONS)], [events for _, _, events in wanted], "as a metric")
    check(sum(events for _, _, events in wanted), 100, "the orders behind the snapshots")
    told = weir.expect(0, "snapshot", "list", *at).err.decode()
    check(all(f"{events} events to replay behind snapshot {base}" in told for _, base, events in wanted), True, f"told to people: {told}")
    newest = tried(weir, 0, "snapshot", "verify", *at)
    check([t["base"] for t in newest], [ids[0], ids[2]], "the newest of each")
    check([t["state_digest"] for t in newest], live, "the digest of the node")
    check([t["until"] > t["from"] for t in newest], [True] * PARTITIONS, "commits were replayed")
    zero = tried(weir, 0, "replay", "--verify", *at)
    check([(t["base"], t["from"], t["state_digest"]) for t in zero], [("zero", 0, d) for d in live], "from the first commit")
    older = tried(weir, 0, "snapshot", "verify", ids[3], *at)
    check([(t["partition"], t["base"]) for t in older], [(1, ids[3])], "one that is named")
    check([t["base"] for t in tried(weir, 0, "replay", "--verify", "--from", ids[1], *at)], [ids[1]], "a replay from it")
    check([bool(s["verified_at"]) for s in shop.listed()], [True, True, True, True], "marked")
    check([shop.metric("weir_snapshot_verified_timestamp_seconds", p) > 1.7e9 for p in range(PARTITIONS)], [True] * PARTITIONS, "as a metric")
    check(shop.node.get("/readyz").json()["failing"], [], "failing")
    # Beside events that come all the while.
    stop, sent = threading.Event(), []

    def send():
        while not stop.is_set():
            orders = [order(shop.sent + len(sent) + i) for i in range(20)]
            shop.node.call("POST", "/v1/events", "".join(json.dumps(o) + "\n" for o in orders).encode(), NDJSON)
            sent.extend(orders)

    sender = threading.Thread(target=send, daemon=True)
    sender.start()
    for _ in range(5):
        check([t["good"] for t in tried(weir, 0, "snapshot", "verify", *at)], [True] * PARTITIONS, "beside events")
        check([f["error"] for f in shop.create()], [None] * PARTITIONS, "made beside events")
    stop.set()
    sender.join()
    shop.stop()
    data = ["--data", shop.data, "--scratch", folder]
    before = sorted(os.listdir(folder))
    check([t["good"] for t in tried(weir, 0, "snapshot", "verify", *data)], [True] * PARTITIONS, "of a stopped node")
    check([(t["good"], t["base"]) for t in tried(weir, 0, "replay", "--verify", "--from", "zero", *data)], [(True, "zero")] * PARTITIONS, "from the first commit")
    check(sorted(os.listdir(folder)), before, "nothing is left aside")
    weir.expect(2, "snapshot", "verify", "yesterday", *data)
    weir.expect(2, "replay", *data)
    weir.expect(2, "snapshot", "verify", "--data", os.path.join(folder, "nothing"))


def bad_ones(weir, _, folder):
    shop = Shop(weir, folder)
    shop.up()
    shop.send(200)
    shop.create()
    first = set(shop.stored(1, "files"))
    shop.send(200)
    shop.create()
    hurt = max(set(shop.stored(1, "files")) - first, key=os.path.getsize)
    flip(hurt)
    at = ["--node", shop.node.url]
    newest = [s["id"] for s in shop.listed() if s["partition"] == 1][0]
    bad = tried(weir, 1, "snapshot", "verify", *at)
    check([t["good"] for t in bad], [True, False], f"one of them is damaged: {bad}")
    check(newest in bad[1]["error"] and hurt in bad[1]["error"], True, f"named: {bad[1]}")
    check([shop.metric("weir_snapshot_bad", p) for p in range(PARTITIONS)], [0, 1], "as a metric")
    check(shop.metric("weir_replay_mismatch_total", 1), 1, "counted")
    check(shop.node.get("/readyz").json()["failing"], ["snapshots"], "failing")
    check([(s["id"], s["usable"]) for s in shop.listed() if s["partition"] == 1][0], (newest, False), "it is not used any more")
    check("cannot be rebuilt from" in shop.node.process.errors_so_far(), True, "the log says so")
    shop.send(50)
    shop.create()
    check([t["good"] for t in tried(weir, 0, "snapshot", "verify", *at)], [True] * PARTITIONS, "the next one")
    check(shop.metric("weir_snapshot_bad", 1), 0, "as a metric, again")
    check(shop.node.get("/readyz").json()["failing"], [], "failing, no more")
    shop.check_answers()
    shop.stop()


def a_snapshot_of_another_past(weir, _, folder):
    """Of the same log, as far as anybody can tell, and of other events."""
    os.makedirs(os.path.join(folder, "twin"))
    shop, twin = Shop(weir, folder), Shop(weir, os.path.join(folder, "twin"))
    shop.up()
    shop.send(100)
    shop.stop()
    shutil.copytree(shop.data, twin.data)
    # The same ids, other amounts: the same places, other answers.
    twin.up()
    other = "".join(json.dumps({**order(n), "amount": 77}) + "\n" for n in range(100, 160)).encode()
    check(twin.node.call("POST", "/v1/events?wait=30s", other, NDJSON).status, 202, "other orders")
    twin.create()
    twin.stop()
    shop.up()
    for _ in range(3):
        shop.send(60)
    shop.stop()
    shutil.copytree(os.path.join(twin.data, "snapshots"), os.path.join(shop.data, "snapshots"))
    shop.up()
    wrong = tried(weir, 1, "snapshot", "verify", "--node", shop.node.url)
    check([t["good"] for t in wrong], [False] * PARTITIONS, f"another past: {wrong}")
    for trial in wrong:
        if not trial["difference"] and not trial["error"]:
            raise Broken(f"nothing is said of the difference: {trial}")
    check([t["good"] for t in tried(weir, 0, "replay", "--verify", "--node", shop.node.url)], [True] * PARTITIONS, "the log itself is good")
    shop.check_answers()
    shop.stop()
