"""The OpenAPI document that a node serves, and the node, by each other.

  python3 tests/integration/openapi [--binary PATH]

Every answer is judged by the document: status, type, headers, body. At the end every operation, status, type, parameter and
header of the document must have been seen, but for those in EXCUSED.
Exit: 0 PASS, 1 FAIL, 77 no program.
"""

import argparse
import json
import os
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.dirname(HERE)]
import contract as contracts  # noqa: E402
import letter_changes  # noqa: E402
import past  # noqa: E402
from document import Document  # noqa: E402
from driving import DAY, Driver, check, lines, order, target_of, with_tokens  # noqa: E402
from outside import weir as outside  # noqa: E402
from outside.weir import Broken  # noqa: E402

SHOP = """pipeline: shop
partitions: 2
record: {id: id, time: {field: at, format: rfc3339}}
dedupe: {ids_max: IDS}
stages:
  - validate: {fields: {item: {type: string}, size: {type: string, required: false}, amount: {type: decimal, above: 0}, at: {type: string, required: false}}}
views:
  by_id: {latest: "@id"}
  by_item: {group_by: [item, size], windows: [day, month], measures: {amount: {sum: amount}, orders: count}}
sinks:
  archive: {files: {directory: archive}}
"""

# (method or *, template or *, status): why it cannot be provoked from outside.
EXCUSED = {
    ("*", "*", "500"): "wants damaged data",
    ("GET", "*", "429"): "wants hundreds of questions at once",
    ("POST", "/v1/partitions/{partition}/release", "429"): "its bodies are too small to wait for room",
    ("POST", "/v1/sinks/{sink}/release", "429"): "likewise",
    ("GET", "/v1/views/{view}", "507"): "wants a disk that is full while a state of the past is made",
    ("GET", "/v1/views/{view}/{key}", "507"): "likewise",
    ("GET", "/v1/views/{view}/{key}/{key2}", "507"): "likewise",
    ("POST", "/v1/snapshots", "429"): "wants 16 requests that wait at once",
    ("POST", "/v1/snapshots/verify", "429"): "likewise",
    ("POST", "/v1/dead-letters/redrive", "429"): "wants 64 orders at once in one partition",
    ("POST", "/v1/dead-letters/drop", "429"): "likewise",
    ("PUT", "/v1/dead-letters/{id}", "429"): "likewise",
}


def excused(method, template, status):
    return any(key in EXCUSED for key in (("*", "*", status), (method, "*", status), (method, template, status)))


def write(folder, ids_max, pipeline=SHOP):
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, "shop.yaml")
    with open(path, "w", encoding="utf-8") as f:
        f.write(pipeline.replace("IDS", str(ids_max)))
    return path


def start(weir, contract, folder, *args, ids_max=1_000_000, pipeline=SHOP):
    return Driver(weir, contract, write(folder, ids_max, pipeline), os.path.join(folder, "data"), *args)


# -- the document ---------------------------------------------------------------------------------------------------------


def served_document(weir, folder):
    """The document of a running node; it is the source's, with this version, sound, and names what the server routes."""
    api = os.path.join(outside.repository(), "cluster", "api")
    with open(os.path.join(api, "openapi.json"), encoding="utf-8") as f:
        source = f.read()
    with open(os.path.join(api, "http_api.cc"), encoding="utf-8") as f:
        routes = contracts.routes_of(f.read())
    version = weir.expect(0, "--version").out.decode().split()[1]
    document = Document(json.loads(source.replace("@PROJECT_VERSION@", version)))
    if found := document.lint() + contracts.routes_differ(routes, document):
        raise Broken("cluster/api/openapi.json:\n  " + "\n  ".join(found))
    contract = contracts.Contract(document)
    driver = start(weir, contract, os.path.join(folder, "served"))
    check(driver.get("/openapi.json").json(), document.document, "the document as it is served")
    check(driver.node.stop().code, 0, "exit code of a stop")
    return contract


# -- what every call answers ----------------------------------------------------------------------------------------------


def protocol(driver):
    """What the server says before a call is looked at, of every operation."""
    document = driver.contract.document
    refusals = [
        (400, "HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"),
        (413, f"HTTP/1.1\r\nHost: localhost\r\nContent-Length: {1 << 40}\r\n\r\n"),
        (415, "HTTP/1.1\r\nHost: localhost\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}"),
        (417, "HTTP/1.1\r\nHost: localhost\r\nExpect: tea\r\nContent-Length: 2\r\n\r\n{}"),
        (431, "HTTP/1.1\r\nHost: localhost\r\nX: " + "x" * 17_000 + "\r\n\r\n"),
        (501, "HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"),
        (505, "HTTP/2.0\r\nHost: localhost\r\n\r\n"),
    ]
    for method, template, operation in document.operations():
        target = target_of(document, template, operation)
        for status, head in refusals:
            check(driver.raw(method, target, head).status, status, f"{method} {target} {head[:60]!r}")
        check(driver.raw(method, target + "?" + "a" * 9_000, "HTTP/1.1\r\nHost: localhost\r\n\r\n").status, 414, "a long target")
        check(driver.call("DELETE", target).status, 405, f"DELETE {target}")
        check(driver.call(method, target + "?never=1").status, 400, f"an unknown parameter of {target}")
        if method == "GET":
            driver.call("HEAD", target)
    for path in ("/", "/v1", "/v1/nothing", "/v1/ledger/", "/healthz/x", "/v1/dead-letters/a/b", "/openapi.yaml"):
        check(driver.get(path).status, 404, path)


def begin_slow_requests(driver):
    """Half a header each; answered when the server has had enough."""
    document = driver.contract.document
    return [(driver.begin(m, target_of(document, t, o), "HTTP/1.1\r\nHost: localhost\r\n"), m, target_of(document, t, o)) for m, t, o in document.operations()]


# -- events ---------------------------------------------------------------------------------------------------------------


def events(driver):
    """Every form of a body; a biography of every kind."""
    ce = {"specversion": "1.0", "id": "o20", "source": "/till/7", "type": "sale", "time": DAY % 3, "data": order(20)}
    feature = {"type": "Feature", "id": "q1", "geometry": None, "properties": {"mag": 1.2}}
    for media, body, count in [
        ("application/json", json.dumps(order(1)).encode(), 1),
        ("application/json; charset=utf-8", json.dumps([order(2), order(3)]).encode(), 2),
        ("application/json", b"[]", 0),
        ("application/x-ndjson", lines(order(4), order(4), order(5, 0)), 3),
        ("application/x-ndjson", b"", 0),
        ("application/ndjson", lines(order(6)), 1),
        ("text/csv", f"id,item,size,amount,at\no7,apple,small,2.50,{DAY % 4}\no8,pear,,1,{DAY % 5}\n".encode(), 2),
        ("application/geo+json", json.dumps({"type": "FeatureCollection", "features": [feature]}).encode(), 1),
        ("application/cloudevents+json", json.dumps(ce).encode(), 1),
        ("application/cloudevents-batch+json", json.dumps([{**ce, "id": "o21"}]).encode(), 1),
    ]:
        reply = driver.post(media, body, "?wait=20s")
        check((reply.status, reply.json().get("accepted")), (202, count), f"{media}: {reply}")
    binary = {"ce-specversion": "1.0", "ce-source": "/till/7", "ce-type": "sale", "ce-time": DAY % 3, "ce-subject": "till", "ce-dataschema": "https://example.org/s.json"}
    for media, body, number in [("application/json", json.dumps(order(30)).encode(), 30), ("text/plain", b"a text", 31), ("image/x", b"\xff\x00", 32), ("application/json", b"", 33)]:
        check(driver.post(media, body, headers={**binary, "ce-id": f"o{number}"}).status, 202, f"binary mode, {media}")
    check(driver.post("application/json", json.dumps(order(40)).encode(), "?durability=buffered").json()["durability"], "buffered", "durability")
    # Frames that are none: accepted, and dead letters; one of them is no UTF-8.
    check(driver.post("application/x-ndjson", b'{"id":"o50","item":\n{"id":"o51","item":"\xff"}\n', "?wait=20s", sound=False).status, 202, "bad frames")
    for media, body, status in [
        ("application/json", b"{", 400), ("application/json", b'[{"id":"x"},', 400), ("application/json", b"7", 400),
        ("application/geo+json", json.dumps(feature).encode(), 400), ("text/csv", b"a,b\n1,2\n", 400),
        ("application/json", b"", 400), ("text/csv", b"", 400), ("application/geo+json", b"", 400), ("application/cloudevents+json", b"", 400),
        ("application/xml", b"<x/>", 415), (None, b"{}", 415),
    ]:  # fmt: skip
        check(driver.post(media, body).status, status, f"{media} {body!r}")
    check(driver.post("application/json", b"{}", headers={"ce-specversion": "1.0", "ce-id": "x"}).status, 400, "attributes that are missing")
    for query in ("?wait=1h", "?wait=5", "?durability=paper"):
        check(driver.post("application/json", b"{}", query).status, 400, query)
    for event, outcomes in (("o1", ["served"]), ("o4", ["served", "duplicate"]), ("o5", ["dead_lettered"])):
        check([a["outcome"] for a in driver.get(f"/v1/events/{event}").json()["attempts"]], outcomes, f"biography of {event}")
    check(driver.get("/v1/events/never").status, 404, "an event that never was")
    search(driver)


def search(driver):
    """Events by a field of their original record: of every format and outcome, page by page."""
    ids = lambda answer: [event["id"] for event in answer["events"]]
    for query, wanted in [({"where__id": "o1"}, ["o1"]), ({"where__id": "o4"}, ["o4", "o4"]), ({"where__id": "o5", "where__amount": "0"}, ["o5"]),
                          ({"where__id": "o7", "where__amount": "2.50"}, ["o7"]), ({"where__subject": "till", "where__id": "o30"}, ["o30"]),
                          ({"where__properties__mag": "1.20"}, ["q1"]), ({"where__id": "nobody"}, [])]:
        found = driver.get("/v1/events", **query).json()
        check((ids(found), found["next"], found["scanned"]), (wanted, None, found["total"]), f"events with {query}")
    everything = driver.get("/v1/events", where__item="apple", limit=10_000).json()
    pages, cursor = [], None
    while True:
        page = driver.get("/v1/events", where__item="apple", limit=2, cursor=cursor).json()
        check(len(page["events"]) <= 2 and page["scanned"] <= page["total"], True, f"a page of events: {page}")
        pages += page["events"]
        if (cursor := page["next"]) is None:
            break
    check(pages, everything["events"], "pages of events")
    check(driver.get("/v1/events", where__no="x").json()["with_fields"], 0, "events with a field that nobody has")
    for query in ({}, {"where__@id": "o1"}, {"where__item": "apple", "limit": 0}, {"where__item": "apple", "cursor": "zz"}, {"where__item": "apple", "cursor": "9-0"}):
        check(driver.get("/v1/events", **query).status, 400, f"events {query}")


# -- questions ------------------------------------------------------------------------------------------------------------


def views(driver):
    check({v["view"]: v["kind"] for v in driver.get("/v1/views").json()["views"]}, {"by_id": "latest", "by_item": "aggregate"}, "views")
    for path, field in (("/v1/views/by_item", "item"), ("/v1/views/by_item/apple", "size"), ("/v1/views/by_item/apple/small", "window")):
        value = {"item": "apple", "size": "small", "window": "day"}[field]
        everything = driver.get(path, total="true", **{"from": "2011-12-01", "to": DAY % 9, "where__" + field: value}).json()
        check(everything["total"] == len(everything["rows"]) > 2, True, f"{path}: {everything}")
        first = driver.get(path, limit=1, accept="text/csv", total="false")
        check(first.headers["content-type"].split(";")[0], "text/csv", path)
        again = driver.get(path, limit=1, cursor=first.headers["weir-next"]).json()
        check((len(again["rows"]), again["next"] is None), (1, False), f"{path}: the page behind")
        with_tokens(driver, path)
        for query in ({"limit": 0}, {"limit": 10_001}, {"from": "yesterday"}, {"cursor": "zz"}, {"wait": "2h"}, {"total": "yes"}, {"where__itm": 1}):
            check(driver.get(path, **query).status, 400, f"{path} {query}")
        check(driver.get(path.replace("by_item", "by_itm")).status, 404, "a view that is not there")
    check(driver.get("/v1/views/by_item/no").json()["rows"], [], "no row")
    check(driver.get("/v1/views/by_id/o1", accept="text/csv").body.split(b"\n")[1][:3], b"o1,", "whole records as CSV")
    check(driver.get("/v1/views/by_id/a/b").status, 400, "more keys than the view has")


def dead_letters(driver):
    page = driver.get("/v1/dead-letters", limit=1).json()
    rest = driver.get("/v1/dead-letters", cursor=page["next"], limit=1000).json()
    check(page["total"], 1 + len(rest["letters"]), "letters on the pages")
    letter = driver.get("/v1/dead-letters", id="o5", stage="validate", reason="field_range", **{"from": "2011-12-01", "to": "2200-01-01"}).json()
    check([l["id"] for l in letter["letters"]], ["o5"], "one letter")
    exported = driver.get("/v1/dead-letters", export="ndjson")
    check(len(exported.body.splitlines()), page["total"], "letters of an export")
    check(b'"original_base64"' in exported.body, True, "a letter that is no UTF-8")
    check(json.loads(driver.get("/v1/dead-letters", export="raw", id="o5").body), order(5, 0), "a frame")
    check(driver.get("/v1/dead-letters", export="raw").status, 400, "frames of several formats")
    check(driver.get("/v1/dead-letters/o5").json()["letters"][0]["id"], "o5", "letters of an id")
    check(driver.get("/v1/dead-letters/o1").status, 404, "no letter")
    for path in ("/v1/dead-letters", "/v1/dead-letters/o5"):
        with_tokens(driver, path)
        check(driver.get(path, wait="2h").status, 400, f"{path}: a wait that is too long")
    for query in ({"export": "xml"}, {"export": "raw", "cursor": "0-1"}, {"export": "ndjson", "cursor": "zz"}, {"cursor": "zz"}, {"limit": 0}, {"to": "noon"}):
        check(driver.get("/v1/dead-letters", **query).status, 400, f"dead letters {query}")
    for i in range(12):
        check(driver.post("application/json", json.dumps(order(1000 + i, 0, pad="x" * 880_000)).encode(), "?wait=20s").status, 202, "a big one")
    check(driver.get("/v1/dead-letters", export="ndjson").status, 413, "an export over 8 MiB")
    total = driver.get("/v1/dead-letters", limit=1).json()["total"]
    for asked, wanted in (({"export": "ndjson"}, total), ({"export": "raw", "reason": "field_range", "from": "2011-12-01"}, None)):
        pages, cursor = [driver.get("/v1/dead-letters", limit=10000, **asked)], None
        while cursor := pages[-1].headers.get("weir-next"):
            pages.append(driver.get("/v1/dead-letters", cursor=cursor, **asked))
        check(len(pages) > 1, True, f"several pages of {asked}")
        lines = b"".join(page.body for page in pages).splitlines()
        check(len(lines), wanted or driver.get("/v1/dead-letters", limit=1, **{k: v for k, v in asked.items() if k != "export"}).json()["total"], f"lines of {asked}")
        check(len(set(lines)), len(lines), f"no line twice in {asked}")
    check(driver.get("/v1/dead-letters", limit=1000).json()["next"] is None, False, "a page ends at 8 MiB")


def about_the_node(driver):
    ledger = driver.get("/v1/ledger").json()
    check(ledger["balanced"], True, "ledger")
    check(len(driver.get("/v1/partitions").json()["partitions"]), 2, "partitions")
    check(driver.get("/v1/pipeline").json()["views"], ["by_id", "by_item"], "pipeline")
    check("state" in driver.get("/v1/digest", state="true").json()["partitions"][0], True, "state digest")
    check(driver.get("/v1/digest", state="perhaps").status, 400, "a flag")
    check(driver.get("/healthz").json()["status"], "alive", "health")
    ready = driver.get("/readyz").json()
    check((ready["quarantined"], ready["failing"]), ([], []), "readiness")
    end = time.monotonic() + 60
    while [s["state"] for s in driver.get("/v1/sinks").json()["sinks"]] != ["running"] * 2:
        if time.monotonic() > end:
            raise Broken("the sinks are not opened")
    check(ready["broken_sinks"], [], "broken sinks")
    check(driver.call("POST", "/v1/sinks/archive/release").status, 409, "nothing to release")
    check(driver.call("POST", "/v1/sinks/nobody/release").status, 404, "no such sink")
    tree = driver.get("/v1/tree").json()["actors"]
    check([a["actor"] for a in tree if a["state"] != "running"], [], "actors that do not run")
    check({"pipeline", "pipeline/door/http", "pipeline/partition/1/views"} <= {a["actor"] for a in tree}, True, f"the tree: {tree}")
    check(driver.call("POST", "/v1/partitions/0/release").status, 409, "nothing to release")
    check([p["partition"] for p in driver.get("/v1/why-stuck").json()["partitions"]], [0, 1], "what partitions wait for")
    check([p["partition"] for p in driver.get("/v1/why-stuck", partition=1).json()["partitions"]], [1], "what one waits for")
    for wrong in ({"partition": 2}, {"partition": "x"}, {"partition": 0, "id": "a"}, {"event": "a"}):
        check(driver.get("/v1/why-stuck", **wrong).status, 400, f"why-stuck of {wrong}")
    check(driver.get("/v1/why-stuck", id="nobody").status, 404, "why-stuck of nobody")
    for place in ("doors", "curated", "dead-letters", "stage:validate"):
        begun = driver.get("/v1/tap", on=place).json()
        check((begun["items"], driver.get("/v1/tap", on=place, cursor=begun["next"], sample=0.5, limit=5, **{"where.item": "apple"}).json()["items"]), ([], []), f"tap of {place}")
    for wrong in ({}, {"on": "x"}, {"on": "stage:x"}, {"on": "doors", "sample": 0}, {"on": "doors", "cursor": "x"}, {"on": "doors", "limit": 0}):
        check(driver.get("/v1/tap", **wrong).status, 400, f"tap of {wrong}")
    served = driver.get("/v1/views/by_id", limit=1).json()["rows"][0]["id"]
    check(driver.get("/v1/why-stuck", id=served).json()["waits"], [], "why-stuck of what is served")
    for number in ("2", "-1", "x", ""):
        check(driver.call("POST", f"/v1/partitions/{number}/release").status, 404, f"partition {number!r}")
    made = driver.call("POST", "/v1/snapshots").json()["partitions"]
    check([(f["partition"], f["made"], f["error"]) for f in made], [(0, True, None), (1, True, None)], "snapshots made")
    again = driver.call("POST", "/v1/snapshots").json()["partitions"]
    check([(f["id"], f["made"]) for f in again], [(f["id"], False) for f in made], "nothing is new")
    kept = driver.get("/v1/snapshots").json()["snapshots"]
    check([(s["id"], s["usable"]) for s in kept], [(f["id"], True) for f in made], "snapshots kept")
    for query, base in (("", made[0]["id"]), ("?from=newest", made[0]["id"]), ("?from=zero", "zero"), ("?from=" + made[0]["id"], made[0]["id"])):
        tried = driver.call("POST", "/v1/snapshots/verify" + query).json()["partitions"]
        check((tried[0]["base"], {t["good"] for t in tried}), (base, {True}), f"tried out {query}: {tried}")
    check(driver.call("POST", "/v1/snapshots/verify?from=yesterday").status, 400, "no beginning")
    check(driver.call("POST", "/v1/snapshots/verify?from=7-1-00000000").status, 404, "no such partition")
    check(driver.get("/metrics").headers["content-type"], "text/plain; version=0.0.4; charset=utf-8", "metrics")
    opened = driver.get("/metrics", accept="application/openmetrics-text; version=1.0.0")
    check(opened.body.endswith(b"# EOF\n"), True, "OpenMetrics")


# -- limits ---------------------------------------------------------------------------------------------------------------


def at_limits(weir, contract, folder):
    """dedupe.ids_max, http.connections_max, limits.disk_max."""
    driver = start(weir, contract, os.path.join(folder, "few"), "--set", "http.connections_max=3", ids_max=1000)
    held = [driver.node.connect() for _ in range(3)]
    for connection in held:
        check(driver.call("GET", "/healthz", connection=connection).status, 200, "a connection")
    ndjson = {"Content-Type": "application/x-ndjson"}
    check(driver.call("POST", "/v1/events", lines(*[order(i) for i in range(1000)]), ndjson, held[0]).status, 202, "1000 ids")
    full = driver.call("POST", "/v1/events", lines(order(1)), ndjson, held[0])
    check((full.status, "dedupe.ids_max" in full.json()["detail"]), (429, True), f"the memory of ids is full: {full}")
    document = contract.document
    for method, template, operation in document.operations():
        target = target_of(document, template, operation)
        turned_away = driver.raw(method, target, "HTTP/1.1\r\nHost: localhost\r\n\r\n")
        check((turned_away.status, "http.connections_max" in turned_away.json()["detail"]), (503, True), f"one connection too many: {turned_away}")
    for connection in held:
        connection.close()
    check(driver.node.stop().code, 0, "exit code of a stop")
    # Started again it knows at once what it remembers.
    driver = start(weir, contract, os.path.join(folder, "few"), ids_max=1000)
    full = driver.post("application/json", json.dumps(order(2000)).encode())
    check((full.status, "dedupe.ids_max" in full.json()["detail"]), (429, True), f"the memory of ids is full after a start: {full}")
    check(driver.node.stop().code, 0, "exit code of a stop")
    # The log alone makes segments in advance: so small a disk is full from the start, once it has been looked at.
    driver = start(weir, contract, os.path.join(folder, "disk"), "--set", "limits.memory_max=256MiB", "--set", "http.body_max=1MiB", "--set", "limits.disk_max=256MiB")
    end = time.monotonic() + 60
    while (reply := driver.post("application/json", json.dumps(order(1)).encode())).status == 202:
        if time.monotonic() > end:
            raise Broken("a disk that is full is never noticed")
    check(reply.status, 507, "a full disk")
    check(driver.node.stop().code, 0, "exit code of a stop")


TOKENS = {role: f"{role}-token-of-the-test" for role in ("ingest", "read", "operate", "admin")}
MAY = {None: set(TOKENS), "any_role": set(TOKENS), "ingest": {"ingest", "operate", "admin"}, "read": {"read", "operate", "admin"}, "operate": {"operate", "admin"}, "admin": {"admin"}}


def with_tokens_of_every_role(weir, contract, folder):
    """Who may ask what, of every operation; and what a node without tokens says to those who come under another name."""
    os.makedirs(os.path.join(folder, "tokens"))
    path = os.path.join(folder, "tokens", "tokens")
    with open(path, "w", encoding="utf-8", opener=lambda p, f: os.open(p, f, 0o600)) as f:
        f.writelines(f"{role} {role}-name {token}\n" for role, token in TOKENS.items())
    driver = start(weir, contract, os.path.join(folder, "tokens"), "--set", f"http.tokens_file={path}")
    document = contract.document
    bearer = lambda token: {"Authorization": f"Bearer {token}"}
    for method, template, operation in document.operations():
        target, role = target_of(document, template, operation), document.role_of(operation)
        for name, token in TOKENS.items():
            reply = driver.call(method, target, headers=bearer(token))
            check(reply.status != 403 if name in MAY[role] else reply.status == 403, True, f"{method} {target} as {name}: {reply}")
            if reply.status == 403:
                check(f"needs the role {role}" in reply.json()["detail"] and f"has the role {name}" in reply.json()["detail"], True, f"the reason: {reply}")
        for headers, challenge in [({}, "Bearer"), ({"Authorization": "Basic YTpi"}, "Bearer"), (bearer("no-token-of-this-node"), 'Bearer error="invalid_token"')]:
            reply = driver.call(method, target, headers=headers)
            wanted = (401, challenge) if role else (reply.status, None)
            check((reply.status, reply.headers.get("www-authenticate")), wanted, f"{method} {target} with {headers}")
            check(role is not None or reply.status not in (401, 403, 421), True, f"{target} is open: {reply}")
        if role:
            check(driver.call(method, f"{target}?access_token={TOKENS['admin']}&token={TOKENS['admin']}").status, 401, f"a token in the address of {target}")
            check(driver.call("DELETE", target).status, 401, f"another method of {target}")
            check(driver.call("DELETE", target, headers=bearer(TOKENS["ingest"])).status, 405, f"another method of {target}")
    check(driver.node.get("/v1/nothing").status, 401, "no address")
    check(driver.call("GET", "/v1/nothing", headers=bearer(TOKENS["ingest"])).status, 404, "no address, with a token")
    check(driver.node.stop().code, 0, "exit code of a stop")
    driver = start(weir, contract, os.path.join(folder, "names"))
    for method, template, operation in document.operations():
        target, closed = target_of(document, template, operation), document.role_of(operation) is not None
        refused = lambda **headers: driver.call(method, target, headers=headers).status
        for host in ("localhost", "LocalHost:1", "127.0.0.1", "127.9.9.9:80", "[::1]", "[::1]:7070"):
            check(refused(Host=host) in (403, 421), False, f"{method} {target} as {host}")
        for host in ("evil.example", "localhost.evil.example:7070", "127.0.0.1.evil.example", "10.0.0.1", "[::2]:7070", ""):
            check(refused(Host=host) == 421, closed, f"{method} {target} as {host!r}")
        check(refused(Origin="http://localhost:3000") == 403, False, f"{method} {target} of a script of this machine")
        for origin in ("http://evil.example", "https://127.0.0.1.evil.example:80", "null"):
            check(refused(Origin=origin) == 403, closed, f"{method} {target} of a script of {origin}")
    check(driver.node.stop().code, 0, "exit code of a stop")


def without_an_http_input(weir, contract, folder):
    driver = start(weir, contract, os.path.join(folder, "files"), "--set", "pipeline:inputs={files: {include: [in/*.ndjson], follow: true}}")
    refused = driver.post("application/json", json.dumps(order(1)).encode())
    check((refused.status, "add http: {}" in refused.json()["detail"]), (404, True), f"no events over HTTP: {refused}")
    check(driver.get("/readyz").status, 200, "ready all the same")
    check(driver.node.stop().code, 0, "exit code of a stop")


def a_quarantined_partition(weir, contract, folder):
    """Its state cannot be opened, then it can: what was accepted meanwhile is decided after the release."""
    home = os.path.join(folder, "sick")
    driver = start(weir, contract, home)
    check(driver.post("application/x-ndjson", lines(*[order(i) for i in range(40)]), "?wait=20s").json()["outcomes"], {"served": 40}, "before")
    check(driver.node.stop().code, 0, "exit code of a stop")
    state = os.path.join(home, "data", "state", "1")
    os.rename(state, state + ".kept")
    with open(state, "wb"):
        pass
    with open(os.path.join(home, "data", "sinks", "archive", "0"), "r+b") as f:
        f.write(b"damaged")
    driver = start(weir, contract, home)
    end = time.monotonic() + 60
    while driver.get("/readyz").json()["broken_sinks"] != ["archive/0"]:
        if time.monotonic() > end:
            raise Broken("a sink whose cursor is damaged is not named")
    check("cursor" in driver.get("/v1/sinks").json()["sinks"][0]["error"], True, "why it is broken")
    check(driver.call("POST", "/v1/sinks/archive/release").json(), {"sink": "archive", "released": 1}, "release of a sink")
    check(driver.get("/readyz").json()["quarantined"], [1], "the one that is quarantined")
    check([p["state"] for p in driver.get("/v1/partitions").json()["partitions"]], ["running", "quarantined"], "states")
    check(driver.get("/v1/views/by_id").status, 503, "an answer without it would be wrong")
    check(driver.post("application/x-ndjson", lines(*[order(i) for i in range(40, 80)])).status, 202, "taken all the same")
    sick = [a for a in driver.get("/v1/tree").json()["actors"] if a["state"] == "quarantined" and "/sink/" not in a["actor"]]
    check([(a["actor"], a["restarts"] > 0, "state/1" in a["last_error"]) for a in sick], [("pipeline/partition/1", True, True)], "the tree")

    def release(wanted):
        check(driver.call("POST", "/v1/partitions/1/release").json(), {"partition": 1, "state": "opening"}, "release")
        end = time.monotonic() + 60
        while (now := driver.get("/v1/partitions").json()["partitions"][1])["state"] == "opening":
            if time.monotonic() > end:
                raise Broken("a released partition is neither opened nor quarantined again")
        check(now["state"], wanted, "the released partition")

    release("quarantined")
    os.remove(state)
    os.rename(state + ".kept", state)
    release("running")
    total = lambda: driver.get("/v1/ledger").json()["total"]
    end = time.monotonic() + 60
    while total()["in_flight"]:
        if time.monotonic() > end:
            raise Broken("the backlog of a released partition is not decided")
    check((total()["accepted"], total()["served"]), (80, 80), "everything is decided, once")
    check(driver.get("/readyz").json()["quarantined"], [], "nobody is quarantined any more")
    check(driver.node.stop().code, 0, "exit code of a stop: all is well again")


def run(weir, folder):
    contract = served_document(weir, folder)
    print("ok document", flush=True)
    driver = start(weir, contract, os.path.join(folder, "main"))
    slow = begin_slow_requests(driver)
    for part in (protocol, events, views, dead_letters, letter_changes.changes, about_the_node):
        part(driver)
        print(f"ok {part.__name__}", flush=True)
    driver.get("/openapi.json")
    for raw, method, target in slow:
        check(driver.answer(raw, method, target).status, 408, f"half a header of {target}")
    print("ok slow requests", flush=True)
    check(driver.node.stop().code, 0, "exit code of a stop")
    # The log waits for a sink, and that for a file to fill.
    past.the_past(start(weir, contract, os.path.join(folder, "past"), "--set", "log.embedded.retain=1s", pipeline=SHOP.split("sinks:")[0]))
    at_limits(weir, contract, folder)
    print("ok at_limits", flush=True)
    with_tokens_of_every_role(weir, contract, folder)
    print("ok with_tokens_of_every_role", flush=True)
    without_an_http_input(weir, contract, folder)
    print("ok without_an_http_input", flush=True)
    a_quarantined_partition(weir, contract, folder)
    print("ok a_quarantined_partition", flush=True)
    if missing := contract.missing(excused):
        raise Broken("described, and never seen (or excused, and seen):\n  " + "\n  ".join(missing))
    print(f"{len(contract.answered)} answers of {len(list(contract.document.operations()))} operations seen")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--binary")
    options = parser.parse_args()
    weir = outside.Weir(outside.find_binary(options.binary, "weir"))
    with outside.Scratch() as folder:
        try:
            run(weir, folder)
        except (Broken, outside.Hang) as e:
            print(f"FAIL {e}")
            return 1
    print("PASS")
    return 0


if __name__ == "__main__":
    sys.exit(main())
