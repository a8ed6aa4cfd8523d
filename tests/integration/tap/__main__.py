"""What comes by in a running node, seen with `weir tap`.

  python3 tests/integration/tap [--binary PATH] [--only CASE]

What must be seen is known here, from the events that were sent.
Exit: 0 PASS, 1 FAIL, 77 no program.
"""

import argparse
import json
import os
import signal
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.dirname(HERE)]
from outside import weir as outside  # noqa: E402
from outside.node import Node  # noqa: E402
from outside.weir import Broken, Hang  # noqa: E402

PIPELINE = """pipeline: sales
partitions: 3
record: {format: ndjson, id: id}
stages:
  - validate: {fields: {id: {type: string}, amount: {type: decimal, above: 0}, country: {type: string}}}
  - enrich: {table: {file: regions.csv, key: country}, add: {region: region}, missing: reject}
  - transform: {set: {double: {multiply: [amount, 2]}}}
views:
  by_region: {group_by: [region], measures: {sales: count}}
"""


def check(got, wanted, what):
    if got != wanted:
        raise Broken(f"{what}: {got!r}, wanted {wanted!r}")


def write(folder, name, text):
    path = os.path.join(folder, name)
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    return path


def start(weir, folder):
    write(folder, "regions.csv", "country,region\nNO,north\nFR,west\n")
    pipeline = write(folder, "sales.yaml", PIPELINE)
    node = Node(weir, pipeline, os.path.join(folder, "data"))
    node.until_ready()
    return node, pipeline


def sale(number, amount="1.50", country="NO"):
    return '{"id":"s%d","amount":%s,"country":"%s"}' % (number, amount, country)


def post(node, *events):
    body = "".join(event + "\n" for event in events)
    reply = node.call("POST", "/v1/events?wait=30s", body, {"Content-Type": "application/x-ndjson"}, timeout=60)
    check(reply.status, 202, str(reply))


class Tap:
    """`weir tap`, looking: what comes by from now on is what it shows."""

    def __init__(self, weir, node, *args):
        self.process = weir.start("tap", *args, "--node", node.url, "--output", "json")
        end = time.monotonic() + 60
        while "looking at" not in self.process.errors_so_far():
            if ended := self.process.wait(0.01):
                raise Broken(f"the tap ended before it looked: {ended}")
            if time.monotonic() > end:
                raise Hang("the tap does not begin")

    def items(self, code=0):
        ended = self.process.finish(60)
        check(ended.code, code, str(ended))
        return [json.loads(line) for line in ended.out.splitlines()], ended.text


def places(weir, folder):
    """Every place shows each event that comes by once, as it is there; nothing from before."""
    node, _ = start(weir, folder)
    try:
        post(node, sale(0))
        taps = {place: Tap(weir, node, place, "--limit", str(limit)) for place, limit in
                {"doors": 4, "stage:validate": 4, "stage:enrich": 3, "stage:transform": 2, "curated": 2, "dead-letters": 2}.items()}
        post(node, sale(1), sale(2, "0"), sale(3, "2.25", "FR"), sale(4, "3", "XX"))
        seen = {}
        for place, tap in taps.items():
            items, said = tap.items()
            check("came by" in said and "not looked at" not in said, True, said)
            seen[place] = {item["id"]: item for item in items}
            check(len(seen[place]), len(items), f"no event twice at {place}")
        check(sorted(seen["doors"]), ["s1", "s2", "s3", "s4"], "doors")
        check({i: seen["doors"][i]["original"] for i in ("s1", "s4")}, {"s1": sale(1), "s4": sale(4, "3", "XX")}, "originals")
        check({i: (v["verdict"], v.get("reason")) for i, v in seen["stage:validate"].items()},
              {"s1": ("pass", None), "s2": ("reject", "field_range"), "s3": ("pass", None), "s4": ("pass", None)}, "validate")
        check({i: (v["verdict"], v.get("reason"), v.get("record", {}).get("region")) for i, v in seen["stage:enrich"].items()},
              {"s1": ("pass", None, "north"), "s3": ("pass", None, "west"), "s4": ("reject", "enrich_miss", None)}, "enrich")
        check({i: v["record"]["double"] for i, v in seen["stage:transform"].items()}, {"s1": 3.0, "s3": 4.5}, "transform")
        check({i: v["record"] for i, v in seen["curated"].items()},
              {"s1": {"id": "s1", "amount": 1.5, "country": "NO", "region": "north", "double": 3.0},
               "s3": {"id": "s3", "amount": 2.25, "country": "FR", "region": "west", "double": 4.5}}, "curated")
        check({i: (v["stage"], v["reason"], v["original"]) for i, v in seen["dead-letters"].items()},
              {"s2": ("validate", "field_range", sale(2, "0")), "s4": ("enrich", "enrich_miss", sale(4, "3", "XX"))}, "dead letters")
    finally:
        ended = node.stop()
    check(ended.code, 0, str(ended))


def chosen(weir, folder):
    """--where and --sample choose; Ctrl-C ends; what is no place is refused."""
    node, _ = start(weir, folder)
    try:
        france = Tap(weir, node, "curated", "--where", "country=FR", "--limit", "10")
        share = {place: Tap(weir, node, place, "--sample", "0.2") for place in ("doors", "curated")}
        sales = [sale(i, country="FR" if i % 10 == 0 else "NO") for i in range(100)]
        post(node, *sales)
        items, _ = france.items()
        check(sorted(item["id"] for item in items), sorted(f"s{i}" for i in range(0, 100, 10)), "sales in France")
        found = {}
        for place, tap in share.items():
            # What came by is shown within a moment; then nothing more comes.
            before, quiet = -1, time.monotonic()
            while time.monotonic() - quiet < 1:
                written = tap.process.bytes_written()
                if written != before:
                    before, quiet = written, time.monotonic()
                tap.process.wait(0.05)
            tap.process.kill(signal.SIGINT)
            items, _ = tap.items(130)
            found[place] = sorted(item["id"] for item in items)
        check(found["doors"], found["curated"], "the same share of the ids at both places")
        check(5 <= len(found["doors"]) <= 40, True, f"a fifth of 100: {found}")
        ended = weir.call("tap", "stage:enrichh", "--node", node.url)
        check((ended.code, "there is no stage 'enrichh'; this pipeline has: validate, enrich, transform" in ended.text), (2, True), str(ended))
        ended = weir.call("tap", "letters", "--node", node.url)
        check((ended.code, "allowed are doors, stage:NAME, curated, dead-letters" in ended.text), (2, True), str(ended))
        ended = weir.call("tap", "doors", "--where", "=x", "--node", node.url)
        check(ended.code, 2, str(ended))
    finally:
        ended = node.stop()
    check(ended.code, 0, str(ended))


def saved(weir, folder):
    """What was seen becomes a test that holds, and that fails when the rules change."""
    node, pipeline = start(weir, folder)
    try:
        post(node, sale(0))
        file = os.path.join(folder, "seen.yaml")
        tap = Tap(weir, node, "doors", "--limit", "6", "--save-test", file)
        post(node, sale(1, "15.30"), sale(2, "0"), sale(3, country="XX"), sale(0), '{"id":"s5","amount":', sale(6, "2", "FR"))
        _, said = tap.items()
        check("5 events in" in said and "1 left out" in said, True, said)
        ended = weir.expect(0, "test", pipeline, "--overlay", file)
        with open(file, encoding="utf-8") as f:
            text = f.read()
        check("accepted: 5, served: 2, dead_lettered: 3" in text and '"amount":15.30' in text, True, text)
        letters = os.path.join(folder, "letters.yaml")
        tap = Tap(weir, node, "dead-letters", "--limit", "1", "--save-test", letters)
        post(node, sale(7, "-1"))
        tap.items()
        weir.expect(0, "test", pipeline, "--overlay", letters)
        tap = Tap(weir, node, "dead-letters", "--limit", "1", "--save-test", letters)
        post(node, sale(7, "-1"), sale(1, "99"))  # a repeat, and a conflict: of the others' making
        _, said = tap.items(1)
        check("none of 1 events can stand alone" in said, True, said)
    finally:
        ended = node.stop()
    check(ended.code, 0, str(ended))
    write(folder, "regions.csv", "country,region\nNO,east\nFR,west\n")
    check(weir.call("test", pipeline, "--overlay", file).code, 1, "the saved test with another table")


CASES = {"places": places, "chosen": chosen, "saved": saved}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary")
    parser.add_argument("--only", choices=CASES)
    parser.add_argument("--keep", action="store_true")
    options = parser.parse_args()
    weir = outside.Weir(outside.find_binary(options.binary, "weir"))
    for name, case in CASES.items():
        if options.only not in (None, name):
            continue
        with outside.Scratch(options.keep) as folder:
            try:
                case(weir, folder)
            except (Broken, Hang) as wrong:
                print(f"FAIL {name}: {wrong}")
                return 1
        print(f"ok {name}")
    print("PASS")
    return 0


if __name__ == "__main__":
    sys.exit(main())
