"""Sinks as those who read what they write see them.

  python3 tests/integration/sinks [--binary PATH] [--faults PATH] [--only CASE] [--kills N] [--seed S]

What must have been written is counted here, from the events that were given.
Exit: 0 PASS, 1 FAIL, 77 no program.
"""

import argparse
import collections
import csv
import json
import os
import random
import re
import shutil
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.dirname(HERE)]
from hook_server import Hook  # noqa: E402
from outside import weir as outside  # noqa: E402
from outside.node import Node  # noqa: E402
from outside.weir import Broken, Hang  # noqa: E402

LANDS = ["France", "United Kingdom", "../Nowhere", "", "Ærø"]
BEGIN = """pipeline: sinks
partitions: 2
record: {format: ndjson, id: id, time: {field: at, format: rfc3339}, type: sale}
stages:
  - validate: {fields: {n: {type: integer, max: 1000000}}}
sinks:
"""
POINTS = ["sink_before_prepare", "sink_prepared", "sink_before_publish", "sink_between_files"]


def check(got, wanted, what):
    if got != wanted:
        raise Broken(f"{what}: {got!r}, wanted {wanted!r}")


def event(i):
    return {"id": f"e{i}", "n": i, "land": LANDS[i % len(LANDS)], "at": f"2026-01-{1 + i % 3:02}T00:00:00Z", "pad": "x" * 50}


def write(folder, name, text):
    path = os.path.join(folder, name)
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    return path


def write_events(folder, events, name="events.ndjson"):
    return write(folder, name, "".join(json.dumps(e) + "\n" for e in events))


def files_below(folder):
    """Finished files: nobody looks into what begins with a dot."""
    found = []
    for at, folders, names in os.walk(folder):
        folders[:] = [f for f in folders if not f.startswith(".")]
        found += [os.path.join(at, name) for name in names if not name.startswith(".")]
    return sorted(found)


def records_below(folder):
    """Every record of every finished file. Broken when a line is none."""
    records = []
    for path in files_below(folder):
        with open(path, encoding="utf-8", newline="") as f:
            text = f.read()
        if not text.endswith("\n"):
            raise Broken(f"{path} ends within a line")
        for line in text.splitlines():
            try:
                records.append(json.loads(line))
            except ValueError as wrong:
                raise Broken(f"{path}: {line[:80]!r}: {wrong}") from None
    return records


def ids_of(records):
    return collections.Counter(r["id"] for r in records)


def once(records, events, what):
    """Exactly these events, each in exactly one place, as it was given."""
    ids, wanted = ids_of(records), ids_of(events)
    if ids != wanted:
        lost, more = wanted - ids, ids - wanted
        raise Broken(f"{what}: {sum(lost.values())} are lost ({list(lost)[:3]}), {sum(more.values())} too many ({list(more)[:3]})")
    by_id = {e["id"]: e for e in events}
    for record in records:
        check(record, by_id[record["id"]], f"{what}: {record['id']}")


def pipeline(folder, sinks, name="pipeline.yaml"):
    return write(folder, name, BEGIN + sinks)


def files(weir, folder, _):
    """Folders, CSV, dead letters, stdout and a summary that keeps out of its way: each record where it belongs, once."""
    yaml = pipeline(folder, """  archive: {files: {directory: out, partition_by: [date, land], file_bytes_max: 20KiB}}
  table: {files: {directory: csv, format: csv, columns: ["@id", n, land, nothing]}, when: {land: France}}
  letters: {files: {directory: letters}, from: dead_letter}
  console: {stdout: {}, when: {n: 7}}
""")
    events = [event(i) for i in range(3_000)]
    refused = [dict(event(5_000 + i), n="many") for i in range(40)]
    ended = weir.expect(0, "run", yaml, write_events(folder, events + refused), "--data", "data", cwd=folder)
    check([json.loads(line) for line in ended.out.splitlines()], [event(7)], "stdout")
    for words in ("served", "dead lettered", "3,000"):
        if words not in ended.text:
            raise Broken(f"no '{words}' on stderr: {ended.text}")
    out = os.path.join(folder, "out")
    once(records_below(out), events, "archive")
    names = re.compile(r"^date=2026-01-0[123]/land=(France|United%20Kingdom|%2E\.%2FNowhere|__HIVE_DEFAULT_PARTITION__|Ærø)/part-000[01]-000000\d\d-[0-9a-f]{8}\.ndjson$")
    for path in files_below(out):
        if not names.match(os.path.relpath(path, out)):
            raise Broken(f"a file called {path}")
        for record in records_below(os.path.dirname(path))[:1]:
            check("date=" + record["at"][:10] in path, True, f"{record} in {path}")
    check(os.listdir(folder).count("Nowhere"), 0, "nothing outside of the directory")
    check(os.path.exists(os.path.join(out, ".weir")), False, "files under way at the end")
    rows = []
    for path in files_below(os.path.join(folder, "csv")):
        with open(path, encoding="utf-8", newline="") as f:
            lines = list(csv.reader(f))
        check(lines[0], ["@id", "n", "land", "nothing"], path)
        rows += lines[1:]
    check(sorted(rows), sorted([e["id"], str(e["n"]), "France", ""] for e in events if e["land"] == "France"), "rows of CSV")
    letters = records_below(os.path.join(folder, "letters"))
    exported = [json.loads(line) for line in weir.expect(0, "dlq", "export", "--data", os.path.join(folder, "data")).out.splitlines()]
    key = lambda letter: letter["id"]
    check(sorted(letters, key=key), sorted(exported, key=key), "letters, as they are exported")
    check(ids_of(letters), ids_of(refused), "letters")
    # Again: everything is a duplicate, and nothing more is written.
    weir.expect(0, "run", yaml, "events.ndjson", "--data", "data", cwd=folder)
    once(records_below(out), events, "archive after a second run")


def kills(weir, folder, options):
    """A process that dies at any moment: what can be seen is whole, and holds nothing twice; in the end everything once."""
    faults = outside.Weir(options.faults)
    chance = random.Random(options.seed)
    print(f"seed {options.seed}")
    yaml = pipeline(folder, """  archive: {files: {directory: out, partition_by: [land], file_bytes_max: 8KiB}}
  other: {files: {directory: other, format: csv, columns: [id]}}
""")
    events = [event(i) for i in range(4_000)]
    write_events(folder, events)
    out, data = os.path.join(folder, "out"), os.path.join(folder, "data")

    def seen(what):
        records = records_below(out)
        twice = [i for i, n in ids_of(records).items() if n > 1]
        if twice:
            raise Broken(f"{what}: {len(twice)} records are there twice, {twice[:3]}")
        return len(records)

    def whole(what, env=None):
        faults.expect(0, "run", yaml, "events.ndjson", "--data", data, cwd=folder, env=env)
        once(records_below(out), events, what)
        cells = collections.Counter()
        for path in files_below(os.path.join(folder, "other")):
            with open(path, encoding="utf-8") as f:
                cells.update(f.read().splitlines()[1:])
        lost, more = ids_of(events) - cells, cells - ids_of(events)
        if lost or more:
            raise Broken(f"{what}: of the other sink {sum(lost.values())} are lost, {sum(more.values())} too many")

    def anew():
        for name in ("out", "other", "data"):
            shutil.rmtree(os.path.join(folder, name), ignore_errors=True)

    struck = collections.Counter()
    for point in POINTS:
        anew()
        for number in (1, 2, 5, 3, 4, 1):
            ended = faults.call("run", yaml, "events.ndjson", "--data", data, cwd=folder, env={"WEIR_FAIL_POINT": f"{point}:{number}"})
            check(ended.code in (0, -9), True, str(ended))
            struck[point] += ended.code == -9
            seen(f"{point}:{number}")
        whole(point)
    check(all(struck[point] >= 2 for point in POINTS), True, f"strikes {dict(struck)}")
    anew()
    running, written = faults.start("run", yaml, "events.ndjson", "--data", data, cwd=folder), 0
    while not running.wait(0.001):
        written = max(written, running.bytes_written() or 0)
    running.finish(60)
    anew()
    hits, lengths = 0, []
    for number in range(options.kills):
        running = faults.start("run", yaml, "events.ndjson", "--data", data, cwd=folder)
        # Where it stands is known by what it has written.
        running.until_written(chance.randrange(1, written * 9 // 10), 60, stalled_after=0.5)
        hits += running.kill()
        running.finish(60)
        lengths.append(seen(f"kill {number}"))
        if lengths[-1] == len(events):
            whole(f"kill {number}")
            anew()
    whole("the last run")
    print(f"{sum(struck.values())} fail points and {hits} of {options.kills} kills met a running process; seen after them: {lengths}")
    if hits < options.kills // 2:
        raise Broken("too few kills met a running process: this proves nothing")
    # The judge finds what it is there for.
    anew()
    faults.call("run", yaml, "events.ndjson", "--data", data, cwd=folder, env={"WEIR_FAIL_POINT": "sink_before_publish:3"})
    try:
        whole("defect", {"WEIR_DEFECT": "sink_prepared_forgotten"})
    except Broken as found:
        print(f"caught: {found}")
    else:
        raise Broken("the defect sink_prepared_forgotten is not found")


HTTP = """  hook: {http: {url: "URL", batch_events_max: 50, batch_age_max: 10ms, deadline: 5s, headers: {Authorization: {file: token.txt}}MORE},
    backoff_min: 10ms, backoff_max: 50ms}
"""


def http_pipeline(folder, hook, more=""):
    write(folder, "token.txt", "Bearer t1\n")
    return pipeline(folder, HTTP.replace("URL", hook.url).replace("MORE", more))


def http(weir, folder, options):
    """A server gets each record at least once, with its id, a key that stays the same, in the order of its partition."""
    chance = random.Random(options.seed)

    def answer(_events, _headers):
        return chance.choice([200, 200, 200, 503, 429, None, "lost"])

    events = [event(i) for i in range(2_000)]
    with Hook(answer) as hook:
        yaml = http_pipeline(folder, hook, ", breaker: {failures_in_a_row_max: 0, calls_min: 1000000}")
        weir.expect(0, "run", yaml, write_events(folder, events), "--data", "data", cwd=folder)
        check(set(hook.taken), {e["id"] for e in events}, "ids")
        for e in events:
            check(hook.data[e["id"]], e, e["id"])
        by_key = collections.defaultdict(set)
        for key, ids, headers in hook.requests:
            by_key[key].add(tuple(ids))
            check(headers["Authorization"], "Bearer t1", "the token")
            check(headers["Content-Type"], "application/cloudevents-batch+json", "type")
            check(len(ids) <= 50, True, "a batch")
        check([len(all_ids) for all_ids in by_key.values()], [1] * len(by_key), "a key is that of its records")
        twice = sum(n > 1 for n in hook.taken.values())
        if not twice:
            raise Broken("no answer was lost: this proves nothing")


def refused(weir, folder, _):
    """A record that the server never takes: it is skipped and named, or stops the sink, and says so."""
    bad = {"e7", "e123", "e124"}

    def answer(events, _headers):
        return 422 if any(e["id"] in bad for e in events) else 204

    events = [event(i) for i in range(300)]
    with Hook(answer) as hook:
        yaml = http_pipeline(folder, hook, ", on_refused: skip")
        ended = weir.expect(0, "run", yaml, write_events(folder, events), "--data", "skip", cwd=folder)
        check(hook.taken, ids_of(e for e in events if e["id"] not in bad), "taken")
        for name in bad:
            check(ended.text.count(f"the record {name} is refused"), 1, f"{name} on stderr: {ended.text}")
        listed = json.loads(weir.expect(0, "sink", "list", "--data", os.path.join(folder, "skip"), "--output", "json").out)
        check(sum(line["skipped"] for line in listed), 3, "skipped")
        yaml = http_pipeline(folder, hook)
        ended = weir.expect(1, "run", yaml, "events.ndjson", "--data", "stop", cwd=folder)
        check("dead lettered" in ended.text or b"served" in ended.out, True, "the summary comes all the same")
        for words in ("is refused: http://127.0.0.1", "on_refused: skip", "weir sink release hook"):
            if words not in ended.text:
                raise Broken(f"no '{words}' in {ended.text}")
        bad.clear()
        weir.expect(0, "run", yaml, "--data", "stop", cwd=folder)  # started again it goes on
        check({e["id"] for e in events} <= set(hook.taken), True, "all are taken when nothing is refused any more")


def lines_of(node):
    return node.get("/v1/sinks").json()["sinks"]


def until(condition, what, timeout=60):
    end = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > end:
            raise Hang(what)
        time.sleep(0.02)


def metric(node, name, **labels):
    values = []
    for line in node.get("/metrics").body.decode().splitlines():
        found = re.match(rf"{name}{{([^}}]*)}} (\S+)$", line)
        if found and all(f'{key}="{value}"' in found.group(1) for key, value in labels.items()):
            values.append(float(found.group(2)))
    return sum(values)


def post(node, events):
    body = "".join(json.dumps(e) + "\n" for e in events)
    reply = node.call("POST", "/v1/events?wait=60s", body, {"Content-Type": "application/x-ndjson"}, timeout=90)
    if reply.status not in (200, 202):
        raise Broken(f"POST: {reply}")
    return reply.json()


def dead(weir, folder, _):
    """While the server is dead the path and the other sink go on at full count; what it lags is shown; when it is back it gets everything."""
    with Hook() as gone:
        port = gone.port
    yaml = write(folder, "pipeline.yaml", BEGIN + HTTP.replace("URL", f"http://127.0.0.1:{port}/hook").replace("MORE", ", breaker: {open_min: 10ms, open_max: 50ms}") +
                 "  archive: {files: {directory: out, file_age_max: 100ms}}\n")
    write(folder, "token.txt", "Bearer t1\n")
    events = [event(i) for i in range(2_000)]
    data = os.path.join(folder, "data")
    node = Node(weir, yaml, data)
    try:
        node.until_ready()
        for at in range(0, len(events), 200):
            check(post(node, events[at:at + 200])["accepted"], 200, "accepted")
        check(node.get("/v1/ledger").json()["total"]["served"], len(events), "served while the server is dead")
        until(lambda: len(records_below(os.path.join(folder, "out"))) == len(events), "the other sink does not get on")
        once(records_below(os.path.join(folder, "out")), events, "the other sink")
        until(lambda: {line["state"] for line in lines_of(node) if line["sink"] == "hook"} == {"failing"}, "it does not say that it fails")
        check(metric(node, "weir_sink_lag_records", sink="hook"), len(events), "lag in records")
        check(metric(node, "weir_sink_lag_commits", sink="hook") > 0, True, "lag in commits")
        check(metric(node, "weir_sink_lag_bytes", sink="hook") > 100 * len(events), True, "lag in bytes")
        check(metric(node, "weir_sink_lag_seconds", sink="hook") > 0, True, "lag in time")
        check(metric(node, "weir_sink_broken", sink="hook"), 0, "it is not broken yet")
        check(f"127.0.0.1:{port}" in lines_of(node)[0]["error"], True, lines_of(node)[0])
        tree = {a["actor"]: a for a in node.get("/v1/tree").json()["actors"]}
        check("127.0.0.1" in tree["pipeline/sink/hook/0"]["note"], True, tree["pipeline/sink/hook/0"])
        check(node.get("/readyz").json()["broken_sinks"], [], "readyz")
    finally:
        ended = node.stop()
    check(ended.code, 0, str(ended))
    with Hook(port=port) as hook:
        node = Node(weir, yaml, data)
        try:
            node.until_ready()
            if not hook.until(lambda: len(hook.taken) == len(events)):
                raise Hang(f"{len(hook.taken)} of {len(events)} came after it was back")
            until(lambda: metric(node, "weir_sink_lag_records", sink="hook") == 0, "it still lags")
            post(node, [event(9_000)])
            if not hook.until(lambda: "e9000" in hook.taken):
                raise Hang("nothing more comes")
        finally:
            ended = node.stop()
        check(ended.code, 0, str(ended))
        check(hook.taken, ids_of(events + [event(9_000)]), "each came once: no answer was lost")


def broken(weir, folder, _):
    """A sink that cannot go on is named everywhere and holds up nobody; released it goes on."""
    status = [404]
    with Hook(lambda *_: status[0]) as hook:
        node = Node(weir, http_pipeline(folder, hook), os.path.join(folder, "data"))
        try:
            node.until_ready()
            events = [event(i) for i in range(100)]
            post(node, events)
            until(lambda: node.get("/readyz").json()["broken_sinks"] == ["hook/0", "hook/1"], "readyz does not name it")
            check(node.get("/readyz").status, 200, "the node takes work all the same")
            check(metric(node, "weir_sink_broken", sink="hook"), 2, "metric")
            check({(line["state"], "answered 404" in line["error"]) for line in lines_of(node)}, {("broken", True)}, "list")
            tree = {a["actor"]: a for a in node.get("/v1/tree").json()["actors"]}
            check((tree["pipeline/sink/hook/1"]["state"], "404" in tree["pipeline/sink/hook/1"]["last_error"]), ("quarantined", True), "tree")
            check(post(node, [event(500)])["accepted"], 1, "accepted meanwhile")
            listed = weir.expect(0, "sink", "list", "--node", node.url).out.decode()
            check("broken" in listed and "404" in listed, True, listed)
            weir.expect(2, "sink", "release", "nobody", "--node", node.url)
            status[0] = 200
            weir.expect(0, "sink", "release", "hook", "--node", node.url)
            if not hook.until(lambda: len(hook.taken) == 101):
                raise Hang("it does not go on")
            until(lambda: node.get("/readyz").json()["broken_sinks"] == [], "readyz names it still")
            weir.expect(4, "sink", "release", "hook", "--node", node.url)
        finally:
            ended = node.stop()
        check(ended.code, 0, str(ended))
        check("sink/hook/0" in ended.text and "broken" in ended.text, True, ended.text)
    # Beyond sink_lag_max it is declared broken by itself.
    with Hook(lambda *_: 503) as hook:
        yaml = pipeline(folder, HTTP.replace("URL", hook.url).replace("MORE", ", breaker: {open_min: 10ms, open_max: 50ms}").replace("backoff_max: 50ms}", "backoff_max: 50ms, sink_lag_max: {age: 1s}}"))
        ended = weir.expect(1, "run", yaml, write_events(folder, [event(i) for i in range(10)]), "--data", "late", cwd=folder)
        check("longer than sink_lag_max.age (1s)" in ended.text and "answered 503" in ended.text, True, ended.text)
        check(weir.ledger(os.path.join(folder, "late"))["total"]["served"], 10, "the path is done all the same")


def changes(weir, folder, _):
    """What a changed pipeline means for its sinks is said before it happens; a new one begins where it is told to."""
    yaml = pipeline(folder, "  a: {files: {directory: a}}\n")
    first, second = [event(i) for i in range(100)], [event(i) for i in range(100, 150)]
    weir.expect(0, "run", yaml, write_events(folder, first), "--data", "data", cwd=folder)
    yaml = pipeline(folder, "  b: {files: {directory: b}}\n  c: {files: {directory: c}, begin: now}\n")
    said = weir.expect(0, "plan", yaml, "--data", "data", cwd=folder).out.decode()
    for words in ("sink a", "its cursor stays", "weir sink drop a", "sink b", "the oldest that the log has", "sink c", "from then on"):
        if words not in said:
            raise Broken(f"no '{words}' in {said}")
    weir.expect(0, "run", yaml, write_events(folder, second, "second.ndjson"), "--data", "data", cwd=folder)
    once(records_below(os.path.join(folder, "a")), first, "a, which is gone")
    once(records_below(os.path.join(folder, "b")), first + second, "b, which is new")
    once(records_below(os.path.join(folder, "c")), second, "c, which begins now")
    # It comes back and goes on; dropped it begins anew, and does not write over what it wrote.
    yaml = pipeline(folder, "  a: {files: {directory: a}}\n")
    weir.expect(0, "run", yaml, "--data", "data", cwd=folder)
    once(records_below(os.path.join(folder, "a")), first + second, "a, which is back")
    weir.expect(0, "sink", "drop", "a", "--data", os.path.join(folder, "data"))
    shutil.rmtree(os.path.join(folder, "a"))
    weir.expect(0, "run", yaml, "--data", "data", cwd=folder)
    once(records_below(os.path.join(folder, "a")), first + second, "a, which began anew")
    # A cursor that is damaged is named, with what to do, and the run is done but for it.
    with open(os.path.join(folder, "data", "sinks", "a", "1"), "r+b") as f:
        f.write(b"x")
    ended = weir.expect(1, "run", yaml, "--data", "data", cwd=folder)
    check("sink a, partition 1" in ended.text and "weir sink drop a" in ended.text, True, ended.text)


CASES = {"files": files, "kills": kills, "http": http, "refused": refused, "dead": dead, "broken": broken, "changes": changes}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary")
    parser.add_argument("--faults")
    parser.add_argument("--only", choices=CASES)
    parser.add_argument("--kills", type=int, default=12)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    parser.add_argument("--keep", action="store_true")
    options = parser.parse_args()
    weir = outside.Weir(outside.find_binary(options.binary, "weir"))
    options.faults = outside.find_binary(options.faults, "weir-faults")
    for name, case in CASES.items():
        if options.only not in (None, name):
            continue
        with outside.Scratch(options.keep) as folder:
            try:
                case(weir, folder, options)
            except (Broken, Hang) as problem:
                print(f"FAIL {name} (seed {options.seed}): {problem}")
                return 1
        print("ok", name)
    print("PASS")
    return 0


if __name__ == "__main__":
    sys.exit(main())
