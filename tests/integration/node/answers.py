"""What a node answers."""

import base64
import json
import os
import re

from outside import facts
from outside.node import Node
from outside.weir import Broken, repository

ORDERS = """pipeline: shop
partitions: 4
record: {id: id}
stages:
  - validate: {fields: {item: {type: string}, amount: {type: decimal, above: 0}}}
views:
  by_id: {latest: "@id"}
  by_item: {group_by: [item], measures: {amount: {sum: amount}, orders: count}}
"""


def write(folder, name, text):
    path = os.path.join(folder, name)
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    return path


def start(weir, folder, *args, env=None):
    node = Node(weir, write(folder, "shop.yaml", ORDERS), os.path.join(folder, "data"), *args, env=env)
    node.until_ready()
    return node


def order(number, item="apple", amount="2.50"):
    return f'{{"id":"o{number}","item":"{item}","amount":{amount}}}'


def ndjson(orders):
    return "".join(o + "\n" for o in orders).encode()


def until_decided(node):
    """Until nothing is in flight: what was accepted before a stop or a kill is decided after the next start."""
    while node.get("/v1/ledger").json()["total"]["in_flight"]:
        pass


NDJSON = {"Content-Type": "application/x-ndjson"}


def check(got, wanted, what):
    if got != wanted:
        raise Broken(f"{what}: {got!r}, wanted {wanted!r}")


def calls_and_statuses(weir, _, folder, __):
    node = start(weir, folder)
    check(node.get("/healthz").json()["status"], "alive", "health")
    check(node.get("/readyz").json(), {"status": "ready", "node": "n1", "quarantined": [], "failing": [], "broken_sinks": []}, "readiness")
    reply = node.call("POST", "/v1/events?wait=10s", ndjson([order(1), order(1), order(2, amount="0"), order(3, "pear", "7")]), NDJSON)
    check(reply.status, 202, "accepted")
    check({k: v for k, v in reply.json().items() if k != "token"},
          {"accepted": 4, "durability": "durable", "outcomes": {"served": 2, "duplicate": 1, "dead_lettered": 1}}, "acknowledgement")
    ledger = node.get("/v1/ledger").json()
    check((ledger["pipeline"], ledger["balanced"], ledger["total"]["accepted"], ledger["total"]["served"]), ("shop", True, 4, 2), "ledger")
    check(node.get("/v1/views/by_item/pear").json()["rows"], [{"item": "pear", "amount": 7, "orders": 1}], "one row")
    check(node.get("/v1/views/by_item/plum").json()["rows"], [], "no row")
    life = node.get("/v1/events/o1").json()
    check([a["outcome"] for a in life["attempts"]], ["served", "duplicate"], "biography")
    letters = node.get("/v1/dead-letters").json()
    check([(l["id"], l["reason"]) for l in letters["letters"]], [("o2", "field_range")], "dead letters")
    check(node.call("GET", "/v1/dead-letters?export=raw").body.decode(), order(2, amount="0") + "\n", "raw export")
    check(node.get("/v1/dead-letters/o2").json()["letters"][0]["original"], order(2, amount="0"), "one letter")
    check(len(node.get("/v1/partitions").json()["partitions"]), 4, "partitions")
    check(node.get("/v1/pipeline").json()["record"]["id"], ["id"], "pipeline")
    live = node.get("/v1/digest", state="true").json()
    for path, method, status, word in [
        ("/v1/nothing", "GET", 404, "/v1/nothing"),
        ("/v1/views/by_itm", "GET", 404, "by_item"),
        ("/v1/events/never", "GET", 404, "never"),
        ("/v1/dead-letters/o1", "GET", 404, "o1"),
        ("/v1/ledger", "DELETE", 405, "GET"),
        ("/v1/events", "PUT", 405, "POST"),
        ("/v1/events", "GET", 400, "where."),
        ("/v1/ledger?depth=1", "GET", 400, "depth"),
        ("/v1/views/by_item?limit=0", "GET", 400, "limit"),
        ("/v1/views/by_item?limit=1000000", "GET", 400, "10000"),
        ("/v1/views/by_item?where.itm=x", "GET", 400, "item"),
        ("/v1/views/by_item?cursor=zz", "GET", 400, "cursor"),
        ("/v1/views/by_item/a/b", "GET", 400, "key"),
        ("/v1/views/by_id?from=yesterday", "GET", 400, "yesterday"),
        ("/v1/dead-letters?export=xml", "GET", 400, "xml"),
        ("/v1/events?wait=1h", "POST", 400, "wait"),
    ]:
        reply = node.call(method, path)
        check((reply.status, reply.headers["content-type"]), (status, "application/problem+json"), f"{method} {path}")
        check(reply.json()["status"], status, "status inside")
        if word not in reply.json()["detail"]:
            raise Broken(f"{method} {path}: {reply} does not say {word}")
    for body, headers, status in [
        (b"{", {"Content-Type": "application/json"}, 400),
        (b'[{"id":"x"},', {"Content-Type": "application/json"}, 400),
        (b"<x/>", {"Content-Type": "application/xml"}, 415),
        (b"{}", {}, 415),
        (b"a,b\n1,2\n", {"Content-Type": "text/csv"}, 400),
    ]:
        reply = node.call("POST", "/v1/events", body, headers)
        check(reply.status, status, f"body {body!r}")
    check(node.get("/v1/ledger").json()["total"]["accepted"], 4, "nothing of a refused body is accepted")
    check(node.stop().code, 0, "exit code of a stop")
    stopped = facts.parse_json(weir.expect(0, "digest", "--state", "--data", os.path.join(folder, "data"), "--output", "json").out)
    check(live["answer"], stopped["answer"], "the answer digest of the stopped node is the running one's")
    check([p["state"] for p in live["partitions"]], [p["state"] for p in stopped["partitions"]], "state digests")


def formats_of_bodies(weir, _, folder, __):
    node = start(weir, folder)
    bodies = [
        ("application/json", order(1).encode(), 1),
        ("application/json", f"[{order(2)}, {order(3)}]".encode(), 2),
        ("application/x-ndjson", ndjson([order(4), order(5)]), 2),
        ("text/csv", b"id,item,amount\no6,apple,2.50\no7,\"pear, ripe\",1\n", 2),
    ]
    for kind, body, count in bodies:
        reply = node.call("POST", "/v1/events?wait=10s", body, {"Content-Type": kind})
        check((reply.status, reply.json().get("accepted"), reply.json().get("outcomes")), (202, count, {"served": count}), kind)
    check(sorted(r["id"] for r in node.rows("by_id")), [f"o{i}" for i in range(1, 8)], "ids")
    check(node.call("POST", "/v1/events", b"[]", {"Content-Type": "application/json"}).json()["accepted"], 0, "an empty array")
    check(node.call("POST", "/v1/events?durability=buffered", order(9).encode(), {"Content-Type": "application/json"}).json()["durability"],
          "buffered", "the durability that was asked for")
    check(node.stop().code, 0, "exit code of a stop")


def pages_and_forms(weir, _, folder, random):
    node = start(weir, folder)
    orders = [order(i, f"item{i % 37:02}", f"{1 + i % 7}.25") for i in range(1000)]
    random.shuffle(orders)
    check(node.call("POST", "/v1/events?wait=20s", ndjson(orders), NDJSON).json()["outcomes"], {"served": 1000}, "outcomes")
    for size in (1, 7, 37, 100):
        rows = node.rows("by_item", limit=size)
        check([r["item"] for r in rows], [f"item{i:02}" for i in range(37)], f"pages of {size}")
        check(sum(r["orders"] for r in rows), 1000, "orders")
    check(len({r["id"] for r in node.rows("by_id", limit=97)}), 1000, "every id once")
    first = node.get("/v1/views/by_item", limit=5, total="true").json()
    check((len(first["rows"]), first["total"]), (5, 37), "total")
    text = node.call("GET", "/v1/views/by_item?limit=2", headers={"Accept": "text/csv"})
    check(text.headers["content-type"].split(";")[0], "text/csv", "form")
    check(text.body.decode().splitlines()[0], "item,amount,orders", "columns")
    rest = node.call("GET", "/v1/views/by_item?limit=100&cursor=" + text.headers["weir-next"], headers={"Accept": "text/csv"})
    check(len(rest.body.decode().splitlines()), 36, "the rest")
    check(len(node.rows("by_item", **{"where.item": "item03"})), 1, "by field")
    check(node.stop().code, 0, "exit code of a stop")


def reads_see_writes(weir, _, folder, __):
    """A token of an acknowledgement, and of an answer, holds for every later read, also after SIGKILL."""
    node = start(weir, folder)
    seen = None
    for i in range(60):
        write_token = node.call("POST", "/v1/events", ndjson([order(i)]), NDJSON).json()["token"]
        answer = node.get(f"/v1/views/by_id/o{i}", token=write_token, wait="20s")
        check((answer.status, len(answer.json().get("rows", []))), (200, 1), f"read of write {i}")
        seen = answer.json()["token"]
        if i % 20 == 19:
            node.process.kill()
            node.process.finish(30)
            node = start(weir, folder)
            again = node.get(f"/v1/views/by_id/o{i}", token=seen, wait="20s")
            check((again.status, len(again.json()["rows"])), (200, 1), f"after a kill at {i}")
    bytes_seen = base64.urlsafe_b64decode(seen + "=" * (-len(seen) % 4))
    future = base64.urlsafe_b64encode(bytes_seen[:17] + bytes([2, 0xFF, 0xFF, 0xFF, 0x7F, 0])).decode().rstrip("=")
    waited = node.get("/v1/views/by_id", token=future, wait="50ms")
    check((waited.status, "partition 2" in waited.json()["detail"]), (503, True), "a token that asks for what is not there yet")
    check(node.get("/v1/views/by_id", token="hello").status, 400, "no token")
    other = os.path.join(folder, "other")
    os.mkdir(other)
    stranger = start(weir, other)
    check(stranger.get("/v1/views/by_id", token=seen).status, 409, "a token of another log")
    check(stranger.stop().code, 0, "exit code of a stop")
    check(node.stop().code, 0, "exit code of a stop")


def a_stop_keeps_what_was_acknowledged(weir, _, folder, __):
    node = start(weir, folder)
    connections = [node.connect() for _ in range(20)]
    for i, c in enumerate(connections):
        c.request("POST", "/v1/events", ndjson([order(100 * i + k) for k in range(100)]), NDJSON)
    ended = node.stop()
    check(ended.code, 0, f"exit code of a stop: {ended}")
    acknowledged = set()
    for i, c in enumerate(connections):
        try:
            reply = c.getresponse()
            if reply.status == 202:
                acknowledged |= {f"o{100 * i + k}" for k in range(100)}
            elif reply.status != 503:
                raise Broken(f"a request during the stop: {reply.status} {reply.read()}")
        except OSError:
            pass  # broken off: nothing was promised
    node = start(weir, folder)
    until_decided(node)
    there = {r["id"] for r in node.rows("by_id", limit=1000)}
    if acknowledged - there:
        raise Broken(f"{len(acknowledged - there)} acknowledged events are gone after a stop")
    check(node.stop().code, 0, "exit code of a stop")


def samples_of(text):
    """{name: {labels: value}} of Prometheus' text format."""
    samples = {}
    for line in text.splitlines():
        if line and not line.startswith("#"):
            key, value = line.rsplit(" ", 1)
            name, _, labels = key.partition("{")
            samples.setdefault(name, {})[labels.rstrip("}")] = float(value)
    return samples


def metrics_and_their_page(weir, _, folder, __):
    """Every metric of the page is there, nothing else is, and the numbers are those of the ledger."""
    page = weir.expect(0, "metrics").out.decode()
    with open(os.path.join(repository(), "configs", "metrics.md"), encoding="utf-8") as f:
        check(f.read() == page, True, "configs/metrics.md is what `weir metrics` prints (run it again and commit)")
    node = start(weir, folder)
    orders = [order(i) for i in range(30)] + [order(100, amount="0"), order(1)]
    check(node.call("POST", "/v1/events?wait=20s", ndjson(orders), NDJSON).status, 202, "accepted")
    reply = node.get("/metrics")
    check(reply.headers["content-type"], "text/plain; version=0.0.4; charset=utf-8", "form")
    text = reply.body.decode()
    described = set(re.findall(r"^# HELP (\S+) \S", text, re.M))
    check(described, set(re.findall(r"^\| `(\w+)`", page, re.M)), "the metrics that are described")
    samples = samples_of(text)
    ledger = node.get("/v1/ledger").json()
    for p, line in enumerate(ledger["partitions"]):
        check(samples["weir_accepted_events_total"][f'partition="{p}"'], line["accepted"], "accepted")
        for state in ("served", "duplicate", "dead_lettered"):
            check(samples["weir_ledger_events"][f'partition="{p}",state="{state}"'], line[state], state)
        check(samples["weir_latency_seconds_count"][f'partition="{p}"'], line["accepted"], "latencies")
    check(samples["weir_ready"][""], 1, "ready")
    opened = node.call("GET", "/metrics", headers={"Accept": "application/openmetrics-text; version=1.0.0"})
    check(opened.headers["content-type"].split(";")[0], "application/openmetrics-text", "form")
    check(opened.body.decode().endswith("# EOF\n"), True, "the end of OpenMetrics")
    check("# TYPE weir_accepted_events counter" in opened.body.decode(), True, "a counter's name in OpenMetrics")
    check(node.stop().code, 0, "exit code of a stop")


def logs_are_lines_of_json(weir, _, folder, __):
    """What goes wrong is said with node, component and, where there is one, partition and epoch."""
    node = start(weir, folder, "--set", "limits.memory_max=256MiB", "--set", "http.body_max=1MiB", "--set", "limits.disk_max=256MiB")
    # The log alone makes two segments in advance: the disk is full from the start.
    reply = node.call("POST", "/v1/events", order(1).encode(), {"Content-Type": "application/json"})
    while reply.status == 202:
        reply = node.call("POST", "/v1/events", order(1).encode(), {"Content-Type": "application/json"})
    check((reply.status, "limits.disk_max" in reply.json()["detail"], "retry-after" in reply.headers), (507, True, True), "a full disk")
    ended = node.stop()
    check(ended.code, 0, "exit code of a stop")
    lines = [json.loads(line) for line in ended.text.splitlines()]
    told = [line for line in lines if "limits.disk_max" in line["msg"]]
    check(len(told), 1, f"said once: {lines}")
    check({k: told[0][k] for k in ("level", "node", "component")}, {"level": "warn", "node": "n1", "component": "limits"}, "a line")
    check(told[0]["ts"].endswith("Z"), True, "its time")


def an_address_that_is_taken_is_refused(weir, _, folder, __):
    node = start(weir, folder)
    second = os.path.join(folder, "second")
    os.mkdir(second)
    ended = weir.call("up", write(second, "shop.yaml", ORDERS), "--data", os.path.join(second, "data"), "--set", "http.listen=%s:%d" % node.address)
    if ended.code != 2 or str(node.address[1]) not in ended.text:
        raise Broken(f"an address in use: {ended}")
    again = weir.call("up", os.path.join(folder, "shop.yaml"), "--data", os.path.join(folder, "data"), "--set", "http.listen=127.0.0.1:0")
    check(again.code, 4, f"data in use: {again}")
    check(json.loads(node.get("/readyz").body)["status"], "ready", "the first one serves on")
    check(node.stop().code, 0, "exit code of a stop")
