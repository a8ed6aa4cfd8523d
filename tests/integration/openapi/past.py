"""Views as they were, and where nothing reaches back so far."""

import time

from driving import check, lines, order
from outside.weir import Broken

PATHS = ("/v1/views/by_item", "/v1/views/by_item/apple", "/v1/views/by_item/apple/small")


def the_past(driver):
    driver.post("application/x-ndjson", lines(*[order(i) for i in range(20)]), "?wait=20s")
    before = [driver.get(path).json() for path in PATHS]
    driver.post("application/x-ndjson", lines(*[order(i) for i in range(20, 40)]), "?wait=20s")
    for path, was in zip(PATHS, before):
        check(driver.get(path, as_of=was["token"]).json()["rows"], was["rows"], f"{path} as it was")
        check(driver.get(path, as_of="yesterday").status, 400, "no moment")
    driver.call("POST", "/v1/snapshots")
    end = time.monotonic() + 60
    while not all(r["trimmed_commit"] > 0 for r in driver.get("/v1/snapshots").json()["recovery"]):
        driver.call("POST", "/v1/snapshots/verify")
        if time.monotonic() > end:
            raise Broken(f"the log is not trimmed: {driver.get('/v1/snapshots').json()}")
    for path in PATHS:
        check(driver.get(path, as_of="0:1").status, 410, f"{path} beyond the horizon")
    check(driver.node.stop().code, 0, "exit code of a stop")
