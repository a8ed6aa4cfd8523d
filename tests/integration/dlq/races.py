"""Redrives that meet each other, a killed node, and the same ids at the door."""

import http.client
import random
import threading

from ground import NDJSON, TABLE, WITH_OZ, Shop, check, counts_of, lines, order, write
from outside.weir import Broken


def two_at_once(weir, folder):
    """Two people press the button: every letter is changed by one of them, and served once."""
    shop = Shop(weir, folder).up()
    shop.send([order(i) for i in range(3_000)], {"dead_lettered": 3_000})
    shop.learn_oz()
    both = [weir.start("dlq", "redrive", "--reason", "enrich_miss", "--why", f"person {i}", "--pause", "50ms", "--tries", "200", "--node", shop.node.url) for i in range(2)]
    ended = [one.finish(120) for one in both]
    for one in ended:
        if one.code not in (0, 1):
            raise Broken(str(one))
    changed = sum(counts_of(one.out.decode())[0] for one in ended if one.out)
    total = shop.settled()
    check((changed, total["redriven"], total["served"], total["dead_lettered"]), (3_000,) * 3 + (0,), "changed, redriven, served, left")
    check(shop.ids(), sorted(f"o{i}" for i in range(3_000)), "served ids")
    records = shop.records()
    check(sorted(r["id"] for r in records), sorted(f"o{i}" for i in range(3_000)), "one record for each")
    shop.down()


def killed(weir, folder, seed):
    """kill -9 while a redrive runs, again and again: nothing is lost, nothing is served twice, every change has one record."""
    chance = random.Random(seed)
    shop = Shop(weir, folder).up()
    shop.send([order(i) for i in range(4_000)], {"dead_lettered": 4_000})
    shop.learn_oz()
    interrupted = 0
    for target in sorted(chance.sample(range(1, 3_600), 5)):
        redrive = weir.start("dlq", "redrive", "--all", "--why", "again", "--pause", "20ms", "--tries", "1000", "--node", shop.node.url)
        while shop.ledger()["redriven"] < target and not redrive.wait(0):
            pass
        shop.node.process.kill()
        shop.node.process.finish(30)
        if redrive.finish(60).code not in (0, 1, 3):
            raise Broken(f"a redrive of a node that died (seed {seed})")
        shop.up()
        interrupted += shop.ledger()["redriven"] < 4_000
    if (last := shop.call("dlq", "redrive", "--all", "--pause", "20ms", "--tries", "1000")).code not in (0, 1):
        raise Broken(f"{last} (seed {seed})")
    check(interrupted > 0, True, f"a redrive that was interrupted (seed {seed})")
    total = shop.settled()
    check((total["accepted"], total["served"], total["dead_lettered"], total["redriven"]), (4_000, 4_000, 0, 4_000), f"ledger (seed {seed})")
    check(shop.ids(), sorted(f"o{i}" for i in range(4_000)), f"served ids (seed {seed})")
    rows = shop.node.rows("by_region")
    check([(r["region"], float(r["amount"]), r["orders"]) for r in rows], [("far", 8_000.0, 4_000)], f"the sum (seed {seed})")
    records = shop.records()
    check((len(records), len({r["id"] for r in records})), (4_000, 4_000), f"one record for each (seed {seed})")
    check([r["at"] for r in records], sorted(r["at"] for r in records), f"by time (seed {seed})")
    shop.down()
    check(len(weir.expect(0, "audit", "--data", shop.data, "--output", "json").out.splitlines()), 4_000, "records of stopped data")


POINTS = ("committer_before_commit", "journal_before_write", "journal_after_write_before_sync", "journal_after_sync", "committer_after_commit")


def up_until(shop, faults, point, passes):
    """A node that dies at `point`, some passes behind its start: the journal's points are passed by that, too."""
    for n in range(passes, passes + 50):
        try:
            return shop.up(weir=faults, env={"WEIR_FAIL_POINT": f"{point}:{n}"})
        except Broken:
            check(shop.node.process.finish(30).code, -9, f"{point}:{n}")
    raise Broken(f"{point} is passed without end while a node starts")


def killed_at_every_point(weir, faults, folder, seed):
    """The node dies at the points of the commits that a redrive and its outcomes are, and around them."""
    chance = random.Random(seed)
    shop = Shop(weir, folder, oz=True)
    for round, point in enumerate(POINTS):
        write(folder, "countries.csv", TABLE)
        shop.up()
        ids = range(round * 600, round * 600 + 600)
        shop.send([order(i) for i in ids], {"dead_lettered": 600})
        shop.down()
        write(folder, "countries.csv", WITH_OZ)
        up_until(shop, faults, point, chance.randrange(2, 5))
        again = ["dlq", "redrive", "--all", "--pause", "20ms", "--tries", "1000"]
        if (first := shop.call(*again)).code not in (0, 3):
            raise Broken(f"{point} (seed {seed}): {first}")
        ended = shop.node.process.finish(60)
        check(ended.code, -9, f"{point} was not reached (seed {seed}): {ended}")
        shop.up()
        if (second := shop.call(*again)).code not in (0, 1):
            raise Broken(f"{point} (seed {seed}): {second}")
        total, wanted = shop.settled(), 600 * (round + 1)
        check((total["redriven"], total["served"], total["dead_lettered"]), (wanted, wanted, 0), f"{point} (seed {seed})")
        check(shop.ids(), sorted(f"o{i}" for i in range(wanted)), f"served ids, {point} (seed {seed})")
        shop.down()
    check(len(weir.expect(0, "audit", "--data", shop.data, "--output", "json").out.splitlines()), 600 * len(POINTS), "records")


def same_ids_at_the_door(weir, folder, seed):
    """While letters are redriven the same ids come again, as they were and corrected. Each id is served once, whoever is first."""
    chance = random.Random(seed)
    shop = Shop(weir, folder).up()
    first = [order(i) for i in range(1_500)]
    shop.send(first, {"dead_lettered": 1_500})
    shop.learn_oz()
    sent = [0]
    broken = []

    def post(orders):
        connection = shop.node.connect()
        try:
            for start in range(0, len(orders), 50):
                reply = shop.node.call("POST", "/v1/events", lines(orders[start : start + 50]), NDJSON, connection)
                check(reply.status, 202, f"events: {reply}")
                sent[0] += reply.json()["accepted"]
        except (Broken, OSError, http.client.HTTPException) as problem:
            broken.append(problem)

    # Half as they were, half with another amount, in another order.
    again = [order(i) if chance.random() < 0.5 else order(i, amount=3) for i in chance.sample(range(1_500), 1_500)]
    thread = threading.Thread(target=post, args=(again,))
    thread.start()
    ended = shop.call("dlq", "redrive", "--reason", "enrich_miss", "--pause", "20ms", "--tries", "1000")
    thread.join()
    if broken:
        raise broken[0]
    if ended.code not in (0, 1):
        raise Broken(f"{ended} (seed {seed})")
    total = shop.settled()
    check((sent[0], total["accepted"]), (1_500, 3_000), f"accepted (seed {seed})")
    check(shop.ids(), sorted(f"o{i}" for i in range(1_500)), f"served ids (seed {seed})")
    # One of the two of each id is served. The other one is a duplicate, superseded, or a conflict with what is served.
    left = shop.letters()
    check({(l["stage"], l["reason"]) for l in left} <= {("dedupe", "conflict")}, True, f"letters that are left (seed {seed}): {left[:2]}")
    others = total["duplicate"] + total["superseded"] + len(left)
    check((total["served"], others, total["dead_lettered"]), (1_500, 1_500, len(left)), f"one of two (seed {seed}): {total}")
    same = sum(o["amount"] == 2 for o in again)
    check(total["duplicate"], same, f"those that came as they were (seed {seed})")
    shop.down()
