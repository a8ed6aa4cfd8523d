"""A partition whose state is missing or damaged gets another one."""

import os
import shutil

from ground import PARTITIONS, Shop, check, flip
from outside.weir import Broken

LOST = 1


def with_snapshots(weir, folder, count=2):
    """A stopped shop with so many snapshots of each partition, and orders behind the newest."""
    shop = Shop(weir, folder)
    shop.up()
    for _ in range(count):
        shop.send(200)
        check([f["error"] for f in shop.create()], [None] * PARTITIONS, "snapshots")
    shop.send(100)
    wanted = shop.digests()
    ids = {p: [s["id"] for s in shop.listed() if s["partition"] == p] for p in range(PARTITIONS)}
    shop.stop()
    return shop, wanted, ids


def state(shop, partition=LOST):
    return os.path.join(shop.data, "state", str(partition))


def check_restored(shop, wanted, snapshot, *words):
    said = shop.node.process.errors_so_far()
    for word in (f"restored from snapshot {snapshot}", *words):
        if word not in said:
            raise Broken(f"the log does not say {word!r}: {said}")
    check(shop.digests(), wanted, "digests")
    check(shop.node.get("/readyz").json()["quarantined"], [], "quarantined")
    check(shop.metric("weir_snapshots_restored_total", LOST), 1, "restored, as a metric")
    shop.check_answers()


def a_state_that_is_lost(weir, _, folder):
    shop, wanted, ids = with_snapshots(weir, folder)
    shutil.rmtree(state(shop))
    shop.up()
    check_restored(shop, wanted, ids[LOST][0], "its state is missing")
    # It goes on like any other.
    shop.send(100)
    shop.check_answers()
    check([f["made"] for f in shop.create()], [True] * PARTITIONS, "snapshots of it")
    shop.stop()
    # Without snapshots the log does.
    shutil.rmtree(state(shop))
    shutil.rmtree(os.path.join(shop.data, "snapshots"))
    shop.up()
    check("made anew from all" in shop.node.process.errors_so_far(), True, "from the log alone")
    shop.check_answers()
    shop.stop()


def a_state_that_is_damaged(weir, _, folder):
    """In a table: opening it finds nothing, reading it does."""
    shop, wanted, ids = with_snapshots(weir, folder)
    table = max((os.path.join(state(shop), n) for n in os.listdir(state(shop)) if n.endswith(".sst")), key=os.path.getsize)
    flip(table)
    shop.up()
    check_restored(shop, wanted, ids[LOST][0], "its state is damaged", os.path.basename(table))
    check(os.path.exists(state(shop) + ".damaged"), True, "it is kept beside")
    shop.stop()


def a_snapshot_that_is_damaged(weir, _, folder):
    shop = Shop(weir, folder)
    shop.up()
    shop.send(200)
    shop.create()
    first = set(shop.stored(LOST, "files"))
    shop.send(200)
    shop.create()
    own = set(shop.stored(LOST, "files")) - first
    ids = [s["id"] for s in shop.listed() if s["partition"] == LOST]
    wanted = shop.digests()
    shop.stop()
    hurt = max(own, key=os.path.getsize)
    flip(hurt)
    shutil.rmtree(state(shop))
    shop.up()
    check_restored(shop, wanted, ids[1], f"snapshot {ids[0]}: its file", hurt, "is damaged")
    listed = {s["id"]: s for s in shop.listed() if s["partition"] == LOST}
    check((listed[ids[0]]["usable"], listed[ids[1]]["usable"]), (False, True), "what is listed of the two")
    check("damaged" in listed[ids[0]]["trouble"], True, f"why: {listed[ids[0]]}")
    shop.stop()
    # Nothing whole is left, but all of the log is.
    for path in shop.stored(LOST, "files"):
        if os.path.getsize(path):
            flip(path)
    shutil.rmtree(state(shop))
    shop.up()
    check("made anew from all" in shop.node.process.errors_so_far(), True, "from the log alone")
    check(shop.digests(), wanted, "digests")
    shop.check_answers()
    shop.stop()


def killed_while_restoring(weir, faults, folder):
    shop, wanted, ids = with_snapshots(weir, folder)
    for point in ("restore_before_rename", "restore_between_renames"):
        shutil.rmtree(state(shop))
        node = shop.up(weir=faults, env={"WEIR_FAIL_POINT": f"{point}:1"}, ready=False)
        check(node.process.finish(60).code, -9, f"killed at {point}")
        shop.up()
        check_restored(shop, wanted, ids[LOST][0])
        shop.stop()
