"""Tables and scripts that change while a node runs."""

import os
import time

from answers import NDJSON, check, samples_of, write
from outside.node import Node
from outside.weir import Broken

PIPELINE = """pipeline: shop
partitions: 2
record: {id: id}
stages:
  - enrich: {table: {file: prices.json, key: item}, add: {price: value}, missing: reject}
  - transform: {script: price.lua}
views:
  by_id: {latest: "@id"}
"""


def files_of_stages_change_without_a_pause(weir, _, folder, __):
    table = write(folder, "prices.json", '{"apple": 1.50}')
    write(folder, "price.lua", "function transform(e) return e end")
    node = Node(weir, write(folder, "shop.yaml", PIPELINE), os.path.join(folder, "data"))
    node.until_ready()

    def epochs():
        return [partition["epoch"] for partition in node.get("/v1/ledger").json()["partitions"]]

    first_epochs = epochs()
    sent = 0

    def price():
        """Of an event sent now, and the rules that decided it."""
        nonlocal sent
        sent += 1
        event = '{"id":"e%d","item":"apple"}\n' % sent
        check(node.call("POST", "/v1/events?wait=10s", event.encode(), NDJSON).json()["outcomes"], {"served": 1}, f"event {sent}")
        attempt = node.get(f"/v1/events/e{sent}").json()["attempts"][0]
        return node.get(f"/v1/views/by_id/e{sent}").json()["rows"][0]["price"], attempt["rules"]

    def until_price(wanted):
        """Until the change is seen: no event is refused or decided by anything but the old or the new table meanwhile."""
        old, old_rules = price()
        end = time.monotonic() + 60
        while time.monotonic() < end:
            now, rules = price()
            if now == wanted:
                check(rules == old_rules, False, "the same rules for another price")
                check(node.get("/v1/pipeline").json()["rules"], rules, "the rules that are reported")
                return
            check((now, rules), (old, old_rules), "neither the old table nor the new one")
        raise Broken(f"the price was {old} and never {wanted}")

    def metric(name):
        return samples_of(node.get("/metrics").body.decode())[f"weir_rules_{name}"][""]

    check(price()[0], 1.5, "the first table")
    write(folder, "next.json", '{"apple": 2, "pear": 1}')
    os.rename(os.path.join(folder, "next.json"), table)
    until_price(2)
    write(folder, "prices.json", '{"apple": 3}')
    until_price(3)
    check((metric("changes_total"), metric("refused_total"), metric("stale")), (2, 0, 0), "the metrics of two changes")
    write(folder, "prices.json", '{"apple": ')
    end = time.monotonic() + 60
    while "cannot be used" not in node.process.errors_so_far():
        check(price()[0], 3, "a broken table was used")
        if time.monotonic() > end:
            raise Broken("nobody said that the table is broken")
    check((metric("refused_total"), metric("stale")), (1, 1), "the metrics of a broken table")
    write(folder, "prices.json", '{"apple": 4}')
    until_price(4)
    check(node.process.errors_so_far().count("cannot be used"), 1, "warnings")
    check((metric("changes_total"), metric("refused_total"), metric("stale")), (3, 1, 0), "the metrics of the mended table")
    write(folder, "price.lua", "function transform(e) e.price = e.price * 3 return e end")
    until_price(12)
    check(epochs(), first_epochs, "epochs: nobody was started again")
    node.stop()
