"""One event that a stage does not survive, among a million: it alone becomes a dead letter, after a stated number of deaths.

  python3 tests/integration/poison [--binary PATH] [--only CASE]

The same command is started again whenever the process died, as a service manager would. What must come out is counted here, from the
lines that were written.
Exit: 0 PASS, 1 FAIL, 77 no program.
"""

import argparse
import json
import os
import signal
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.dirname(HERE)]
from outside import weir as outside  # noqa: E402
from outside.weir import Broken  # noqa: E402

PIPELINE = """pipeline: poison
partitions: 4
record: {format: ndjson, id: id}
stages:
  - enrich: {table: {file: groups.json, key: g}, add: {group: value}, missing: reject}
  - validate: {fields: {n: {type: integer}}}
views:
  by_group: {group_by: [group], measures: {sum: {sum: n}, events: count}}
limits: {stage_stall_max: STALL, poison_crashes_max: CRASHES}
"""
MANY, FEW = 1_000_000, 60_000
GROUPS = 7

# what it does -> events, deaths of the process, by which signal, and what the dead letter says. A stage that does not say which event it has in its hands
# (`:batch`) costs one death more: the first one is its batch's.
CASES = {
    "throw": (MANY, 0, None, "poison in e500000"),
    "segfault": (MANY, 3, signal.SIGSEGV, "SIGSEGV"),
    "loop": (MANY, 3, signal.SIGABRT, "limits.stage_stall_max"),
    "eat": (MANY, 3, signal.SIGABRT, "limits.memory_max"),
    "abort": (FEW, 3, signal.SIGABRT, "SIGABRT"),
    "overflow": (FEW, 3, signal.SIGSEGV, "SIGSEGV"),
    "throw:batch": (FEW, 0, None, "poison in e30000"),
    "segfault:batch": (FEW, 4, signal.SIGSEGV, "SIGSEGV"),
}


def check(got, wanted, what):
    if got != wanted:
        raise Broken(f"{what}: {got!r}, wanted {wanted!r}")


def line(i):
    return '{"id":"e%d","n":%d,"g":"%d"}' % (i, i * 7, i % GROUPS)


def write_input(folder, events):
    path = os.path.join(folder, f"{events}.ndjson")
    if not os.path.exists(path):
        with open(path, "w", encoding="utf-8") as f:
            f.writelines(line(i) + "\n" for i in range(events))
    return path


def write_pipeline(folder, crashes, stall):
    path = os.path.join(folder, f"pipeline{crashes}{stall}.yaml")
    with open(path, "w", encoding="utf-8") as f:
        f.write(PIPELINE.replace("CRASHES", str(crashes)).replace("STALL", stall))
    with open(os.path.join(folder, "groups.json"), "w", encoding="utf-8") as f:
        json.dump({str(g): f"group{g}" for g in range(GROUPS)}, f)
    return path


def lives(weir, pipeline, source, data, env, number):
    """Starts it until it ends well. How often it died."""
    deaths = 0
    while (ended := weir.call("run", pipeline, source, "--data", data, "--set", "limits.memory_max=512MiB", env=env, timeout=240)).code != 0:
        if ended.code != -(number or 0):
            raise Broken(f"it died of something else: {ended}")
        deaths += 1
        if deaths > 20:
            raise Broken(f"it never comes past the event: {ended}")
    return deaths


def one(weir, folder, how, events, deaths, number, words, crashes):
    source, pipeline = write_input(folder, events), write_pipeline(folder, crashes, "1s" if how == "loop" else "10m")
    data = os.path.join(folder, how.replace(":", "_") + str(crashes))
    bad = events // 2
    died = lives(weir, pipeline, source, data, {"WEIR_POISON": f"validate:e{bad}:{how}"}, number)
    check(died, deaths, "deaths of the process")
    total = weir.ledger(data)["total"]
    check({k: total[k] for k in ("accepted", "served", "dead_lettered", "duplicate", "in_flight")},
          {"accepted": events, "served": events - 1, "dead_lettered": 1, "duplicate": 0, "in_flight": 0}, "the ledger")
    letters = json.loads(weir.expect(0, "dlq", "list", "--data", data, "--output", "json").out)
    check([(l["id"], l["stage"], l["reason"], l["attempts"], l["original"]) for l in letters],
          [(f"e{bad}", "validate", "poison", crashes, line(bad))], "the dead letter")
    rows = json.loads(weir.expect(0, "query", "by_group", "--data", data, "--output", "json").out)["rows"]
    wanted = {f"group{g}": [0, 0] for g in range(GROUPS)}
    for i in range(events):
        if i != bad:
            row = wanted[f"group{i % GROUPS}"]
            row[0] += i * 7
            row[1] += 1
    check({row["group"]: [row["sum"], row["events"]] for row in rows}, wanted, "the rows of its neighbours")
    weir.expect(0, "journal", "verify", "--data", data)
    details = letters[0]["details"]
    check([f"{crashes} crashes of this stage" in details[0], words in details[0]], [True, True], f"the dead letter says why: {details}")
    return json.loads(weir.expect(0, "digest", "--data", data, "--output", "json").out)["answer"], details


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--binary")
    parser.add_argument("--only", choices=CASES)
    options = parser.parse_args()
    weir = outside.Weir(outside.find_binary(options.binary, "weir-faults"))
    with outside.Scratch() as folder:
        digests = {}
        for how, (events, deaths, number, words) in CASES.items():
            if options.only and how != options.only:
                continue
            try:
                digest, details = one(weir, folder, how, events, deaths, number, words, 3)
                check(digests.setdefault(events, digest), digest, "the answer, whatever it died of")
            except (Broken, outside.Hang) as e:
                print(f"FAIL {how}: {e}")
                return 1
            print(f"ok {how}: {deaths} deaths; {details}", flush=True)
        if not options.only:
            # The bound is the one that is set.
            one(weir, folder, "segfault", FEW, 5, signal.SIGSEGV, "SIGSEGV", 5)
            print("ok poison_crashes_max: 5", flush=True)
    print("PASS")
    return 0


if __name__ == "__main__":
    sys.exit(main())
