"""Views as they were: by time, by commit, by token; and where nothing reaches back so far."""

import json
import os
import time

from ground import ITEMS, PARTITIONS, Shop, check, flip, order, until
from trimming import SETTINGS, let_go
from trying import tried


def sums(sent):
    """What by_item holds when so many orders were sent, by a count outside."""
    good = [o for o in map(order, range(sent)) if o["amount"]]
    return {item: [sum(o["amount"] for o in good if o["item"] == item), sum(o["item"] == item for o in good)] for item in ITEMS if any(o["item"] == item for o in good)}


def moment(shop):
    """What is true now, and the ways to name now: a time, and the token of an answer."""
    page = shop.node.get("/v1/views/by_item").json()
    # No two commits share a microsecond with it: everything sent is decided.
    now = time.time_ns() // 1_000 + 1
    until("the clock goes on", lambda: time.time_ns() // 1_000 > now)
    text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now // 1_000_000)) + f".{now % 1_000_000:06d}Z"
    commits = [p["sequence"] for p in shop.node.get("/v1/partitions").json()["partitions"]]
    return {"sent": shop.sent, "time": text, "token": page["token"], "commits": commits}


def asked(shop, as_of):
    rows = shop.node.rows("by_item", as_of=as_of, limit=2)  # page by page
    return {r["item"]: [r["amount"], r["orders"]] for r in rows}


def typed(weir, as_of, *args):
    rows = json.loads(weir.expect(0, "query", "by_item", "--as-of", as_of, "--output", "json", *args).out)["rows"]
    return {r["item"]: [r["amount"], r["orders"]] for r in rows}


def views_as_they_were(weir, _, folder):
    shop = Shop(weir, folder)
    shop.up(*SETTINGS)
    moments = [moment(shop)]
    for size in (30, 1, 200, 75):
        shop.send(size)
        if size != 1:
            shop.create()
        shop.send(13)
        moments.append(moment(shop))
    for m in moments:
        check(asked(shop, m["time"]), sums(m["sent"]), f"as of {m['time']}")
        check(asked(shop, m["token"]), sums(m["sent"]), f"as of the token of {m['sent']} orders")
        check(typed(weir, m["time"], "--node", shop.node.url), sums(m["sent"]), "by the command")
    check(asked(shop, "2100-01-01"), sums(shop.sent), "as of a time to come: the present")
    check(asked(shop, "2000-01-01"), {}, "before everything")
    check(asked(shop, "1:0"), {}, "before the first commit")
    # Commit by commit, one partition is exactly there: its orders only grow, and end with all of them.
    counts = [sum(n for _, n in asked(shop, f"0:{s}").values()) for s in range(moments[-1]["commits"][0] + 1)]
    check(counts, sorted(counts), "it grows")
    check(counts[0] == 0 and len(set(counts)) > 3, True, f"with each commit: {counts}")
    # One event: it is there behind its commit, and not before.
    life = shop.node.get("/v1/events/o32").json()
    place = (life["partition"], life["attempts"][-1]["commit"])
    there = [[r["id"] for r in shop.node.rows("by_id", as_of=f"{place[0]}:{s}")].count("o32") for s in (place[1] - 1, place[1])]
    check(there, [0, 1], "an event, before and behind its commit")
    ahead = max(moments[-1]["commits"]) + 1
    for wrong, status in ((f"0:{ahead}", 400), (f"{PARTITIONS}:1", 400), ("yesterday", 400), ("", 400)):
        check(shop.node.get("/v1/views/by_item", as_of=wrong).status, status, f"as of {wrong!r}")
    check(shop.node.get("/v1/views/by_item", token=moments[1]["token"], as_of=moments[1]["time"]).status, 400, "a token beside it")
    weir.expect(2, "query", "by_item", "--as-of", "yesterday", "--node", shop.node.url)
    # The newest base of a moment is damaged: the one before it does.
    ids = [s["id"] for s in shop.listed() if s["partition"] == 0]
    check(len(ids), 3, "snapshots")
    shop.node.process.kill()
    shop.node.process.finish(60)
    stopped = ("--data", shop.data, "--scratch", folder)
    before = sorted(os.listdir(folder))
    for m in moments:
        check(typed(weir, m["time"], *stopped), sums(m["sent"]), "of a stopped node, killed")
    check(typed(weir, moments[2]["token"], *stopped), sums(moments[2]["sent"]), "by a token")
    check(sorted(os.listdir(folder)), before, "nothing is left aside")
    first = {os.path.join(shop.data, "snapshots", "0", "files", n) for n in os.listdir(os.path.join(shop.data, "snapshots", "0", "files"))}
    flip(max(first, key=os.path.getsize))
    shop.up(*SETTINGS)
    for m in moments:
        check(asked(shop, m["time"]), sums(m["sent"]), "with a damaged snapshot")
    check(os.path.exists(os.path.join(shop.data, "past")), True, "it is made aside")
    shop.stop()
    check(os.listdir(os.path.join(shop.data, "past")), [], "and goes with the node")


def the_horizon(weir, _, folder):
    shop = Shop(weir, folder)
    shop.up(*SETTINGS)
    shop.send(100)
    early = moment(shop)
    shop.send(100)
    shop.create()
    check(asked(shop, early["time"]), sums(early["sent"]), "as long as nothing was trimmed")
    tried(weir, 0, "snapshot", "verify", "--node", shop.node.url)
    at = {"sequences": [s["sequence"] for s in shop.listed()], "sent": shop.sent}
    shop.send(100)
    late = moment(shop)
    let_go(shop, lambda: [r["trimmed_commit"] for r in shop.recovery()] == at["sequences"])
    shop.send(100)
    check(asked(shop, late["time"]), sums(late["sent"]), "what a snapshot reaches back to")
    check(asked(shop, late["token"]), sums(late["sent"]), "likewise by token")
    for as_of in (early["time"], early["token"], f"0:{early['commits'][0]}", "0:0", "2000-01-01"):
        gone = shop.node.get("/v1/views/by_item", as_of=as_of)
        check((gone.status, "keep more with log.embedded.retain" in gone.json()["detail"]), (410, True), f"as of {as_of}: {gone}")
        refused = weir.expect(5, "query", "by_item", "--as-of", as_of, "--node", shop.node.url)
        check("have left the log" in refused.err.decode(), True, f"the command: {refused.err}")
    shop.stop()
    weir.expect(5, "query", "by_item", "--as-of", early["time"], "--data", shop.data, "--scratch", folder)
    check(typed(weir, late["time"], "--data", shop.data, "--scratch", folder), sums(late["sent"]), "of a stopped node")
