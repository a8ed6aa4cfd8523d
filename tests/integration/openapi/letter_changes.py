"""Dead letters that are edited, redriven and dropped, and the log of that."""

import json
import time
import urllib.parse

from driving import check, order, tokens, with_tokens
from outside.weir import Broken


def changes(driver):
    """Edits, redrives and drops of letters, and the log of them."""
    base, octets = "/v1/dead-letters", {"Content-Type": "application/octet-stream"}
    ask = lambda path, method="POST", body=None, **query: driver.call(method, path + "?" + urllib.parse.urlencode({k.replace("__", "."): v for k, v in query.items()}), body, octets if body else {})
    edit = lambda body, event="o5", **query: ask(f"{base}/{event}", "PUT", body, **query)
    letter = driver.get(f"{base}/o5").json()["letters"][0]
    check(driver.post("application/json", json.dumps(order(1, 9)).encode(), "?wait=20s").status, 202, "a conflict")
    check(edit(json.dumps(order(5, 3)).encode() + b"\n", why="0 was a slip", offset=letter["offset"], wait="20s").json()["bytes"], len(json.dumps(order(5, 3))), "an edit")
    check(edit(b"\xff").status, 400, "an edit that has no id")
    check(edit(json.dumps(order(5, 0.5, pad="\xff")).encode("latin-1").replace(b"\\u00ff", b"\xff")).status, 200, "an edit that is no UTF-8")
    check(b'"edited_base64"' in driver.get(f"{base}/o5").body, True, "an edited letter that is no UTF-8")
    check(edit(json.dumps(order(5, 3)).encode()).status, 200, "an edit of an edit")
    check(json.loads(driver.get(base, export="raw", id="o5", where__amount="0").body), order(5, 3), "an edited frame")
    for body, status in ((b"", 400), (json.dumps(order(6)).encode(), 400), (json.dumps(order(5, pad="x" * 990_000)).encode(), 413)):
        check(edit(body).status, status, f"an edit to {body[:20]}")
    check((edit(b"{}", "o2").status, edit(b"{}", offset=10**9).status), (404, 404), "no letter to edit")
    check(edit(json.dumps(order(1)).encode(), "o1").status, 409, "an edit of a letter in conflict")
    with_tokens_of_changes(driver, f"{base}/o51", "PUT", b'{"id":"o51"}')
    for tool in ("kafka-connect", "spring"):
        check(len(driver.get(base, export=tool, id="o5").body.splitlines()), 1, f"a message as of {tool}")
    times = {"from": "2011-12-01", "to": "2200-01-01"}
    for change in ("redrive", "drop"):
        path = f"{base}/{change}"
        check(ask(path, id="nobody").status, 404, f"{change}: no letter")
        for query in ({}, {"all": "yes"}, {"all": "true", "id": "o5"}, {"id": "o5", "why": "x" * 1025}, {"id": "o5", "limit": 513}, {"id": "o5", "cursor": "zz"}):
            check(ask(path, **query).status, 400, f"{change} {query}")
    check(ask(f"{base}/redrive", id="o1").status, 409, "a redrive of a letter in conflict")
    check(ask(f"{base}/redrive", id="o5", stage="validate", reason="field_range", where__item="apple", all="false", limit=1, why="mended", wait="20s", **times).json(),
          {"changed": 1, "gone": 0, "conflicts": 0, "later": 0, "errors": [], "next": None}, "a redrive")
    end = time.monotonic() + 60
    while driver.get("/v1/ledger").json()["total"]["retrying"]:
        if time.monotonic() > end:
            raise Broken("a redriven event is never decided")
    life = driver.get("/v1/events/o5").json()["attempts"]
    check((life[0]["outcome"], [c["change"] for c in life[0]["changes"]]), ("served", ["edit"] * 3 + ["redrive"]), "the life of a redriven event")
    check(ask(f"{base}/drop", id="o1", stage="dedupe", reason="conflict", where__item="apple", all="false", limit=1, why="sent twice", wait="20s", **times).json()["changed"], 1, "a drop")
    pages, cursor, dropped = 0, {}, 0
    while cursor is not None:
        page = ask(f"{base}/drop", stage="validate", limit=5, **cursor).json()
        pages, dropped, cursor = pages + 1, dropped + page["changed"], page["next"] and {"cursor": page["next"]}
    check((pages, dropped), ((dropped + 4) // 5, dropped), "pages of a drop")
    pages, cursor = [], {}
    while cursor is not None:
        page = ask(f"{base}/redrive", all="true", limit=1, **cursor).json()
        pages, cursor = pages + [page], page["next"] and {"cursor": page["next"]}
    check(len(pages) > 1, True, "pages of a redrive")
    for change in ("redrive", "drop"):
        with_tokens_of_changes(driver, f"{base}/{change}?all=true", "POST", None)
    audit(driver, dropped)


def with_tokens_of_changes(driver, path, method, body):
    """Token, one of the future, one of another log, none; the first changes what is there, or finds nothing any more."""
    token, future, foreign, none = tokens(driver)
    call = lambda token, more="": driver.call(method, path + more, body, {"Weir-Token": token, **({"Content-Type": "application/octet-stream"} if body else {})})
    more = "&wait=50ms" if "?" in path else "?wait=50ms"
    check((call(future, more).status, call(foreign).status, call(none).status), (503, 409, 400), f"{method} {path} with tokens that do not hold")
    check(call(token).status in (200, 404), True, f"{method} {path} with a token")
    check(driver.call(method, path + more.replace("50ms", "2h"), body).status, 400, "a wait that is too long")


def audit(driver, dropped):
    records = driver.get("/v1/audit", limit=10_000, wait="20s").json()["records"]
    check(len(records) >= dropped + 5, True, "records")
    check([r["at"] for r in records], sorted(r["at"] for r in records), "records by time")
    mine = driver.get("/v1/audit", id="o5", who="anonymous", **{"from": "2011-12-01", "to": "2200-01-01"}).json()["records"]
    check([r["change"] for r in mine], ["edit"] * 3 + ["redrive"], "records of an event")
    check(b'"payload_base64"' in driver.get("/v1/audit", id="o5").body, True, "bytes that are no text")
    pages, cursor = [], None
    while True:
        page = driver.get("/v1/audit", limit=3, cursor=cursor).json()
        pages += page["records"]
        if (cursor := page["next"]) is None:
            break
    check(pages, records, "pages of records")
    with_tokens(driver, "/v1/audit")
    for query in ({"limit": 0}, {"cursor": "1-2"}, {"cursor": "zz"}, {"from": "noon"}):
        check(driver.get("/v1/audit", **query).status, 400, f"audit {query}")
