"""What a person sees of supervision: the tree, a quarantined partition, and its release."""

import json
import os
import time

from answers import NDJSON, check, samples_of, write
from outside.node import Node
from outside.weir import Hang

PIPELINE = """pipeline: sick
partitions: 4
record: {id: id}
views:
  by_id: {latest: "@id"}
"""
SICK = 2


def events(first, end):
    return "".join('{"id":"e%d"}\n' % i for i in range(first, end)).encode()


def a_quarantined_partition_is_named_and_released(weir, _, folder, __):
    data = os.path.join(folder, "data")
    node = Node(weir, write(folder, "sick.yaml", PIPELINE), data)
    node.until_ready()
    check(node.call("POST", "/v1/events?wait=20s", events(0, 100), NDJSON).json()["outcomes"], {"served": 100}, "before")
    at = ["--node", node.url]
    tree = weir.expect(0, "tree", *at).out.decode().splitlines()
    check([line.split()[0] for line in tree[:5]], ["actor", "pipeline", "committer", "partition/0", "parse"], "the first lines of the tree")
    check(len(tree), 1 + 2 + 4 * 3 + 1 + 1, f"header, pipeline, committer, partitions with stage and views, door, snapshots: {tree}")
    check({line.split()[1] for line in tree[1:]}, {"running"}, "states")
    refused = weir.expect(4, "partition", "release", str(SICK), *at)
    check("not quarantined" in refused.err.decode(), True, f"nothing to release: {refused.err}")
    check("0 to 3" in weir.expect(2, "partition", "release", "4", *at).err.decode(), True, "no such partition")
    node.stop()

    state = os.path.join(data, "state", str(SICK))
    os.rename(state, state + ".kept")
    write(os.path.join(data, "state"), str(SICK), "no directory")
    node = Node(weir, write(folder, "sick.yaml", PIPELINE), data)
    node.until_ready()
    at = ["--node", node.url]
    said = node.process.errors_so_far()
    check("quarantined, the others run on; when its cause is mended: weir partition release 2" in said, True, f"the log names it: {said}")
    check(node.get("/readyz").json()["quarantined"], [SICK], "readiness")
    metrics = samples_of(node.get("/metrics").body.decode())
    check([metrics["weir_partition_quarantined"]['partition="%d"' % p] for p in range(4)], [0, 0, 1, 0], "the metric")
    check(metrics["weir_actor_restarts_total"]['actor="pipeline/partition/2"'], 10, "restarts before it was given up")
    check(metrics["weir_actors"]['state="quarantined"'], 1, "actors that are quarantined")
    listed = json.loads(weir.expect(0, "partition", "list", "--output", "json", *at).out)["partitions"]
    check([p["state"] for p in listed], ["running", "running", "quarantined", "running"], "weir partition list")
    line = [l for l in weir.expect(0, "tree", *at).out.decode().splitlines() if l.split()[0] == f"partition/{SICK}"]
    check(["quarantined" in l and "io_failed" in l for l in line], [True], f"the tree: {line}")
    # The others go on, and what comes for it is kept.
    check(node.call("POST", "/v1/events", events(100, 300), NDJSON).status, 202, "events for all of them")
    again = weir.expect(1, "partition", "release", str(SICK), *at)
    check("quarantined again" in again.err.decode(), True, f"its cause is not mended: {again.err}")
    os.remove(state)
    os.rename(state + ".kept", state)
    released = weir.expect(0, "partition", "release", str(SICK), *at).out.decode()
    check(released.startswith(f"partition {SICK} runs again"), True, f"released: {released}")
    end = time.monotonic() + 60
    while (total := node.get("/v1/ledger").json()["total"])["in_flight"]:
        if time.monotonic() > end:
            raise Hang("what was accepted is not decided")
    check((total["accepted"], total["served"], total["duplicate"]), (300, 300, 0), "the ledger")
    check(len(node.rows("by_id", limit=1000)), 300, "rows")
    node.stop()
