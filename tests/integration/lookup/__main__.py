"""Events that are looked up at a real HTTP server.

  python3 tests/integration/lookup [--binary PATH] [--only CASE]

What must come out is counted here, from the events that were written and from what the server was asked.
Exit: 0 PASS, 1 FAIL, 77 no program.
"""

import argparse
import collections
import json
import os
import re
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.dirname(HERE)]
from outside import facts  # noqa: E402
from outside import weir as outside  # noqa: E402
from outside.node import Node  # noqa: E402
from outside.weir import Broken, Hang  # noqa: E402
from place_server import Places  # noqa: E402

PARTITIONS = 4
PIPELINE = """pipeline: lookup
partitions: 4
record: {format: ndjson, id: id}
stages:
  - enrich:
      name: geo
      http:
        url: "URL/v1/places/{place}"
        headers: {Authorization: {file: token.txt}, Accept: application/json}
        deadline: 100s
        calls_max: CALLS
        cache: {age_max: 7d, missing_age_max: 7d}
      add: {region: region.name, size: size}
      missing: {region: unknown}
      when: {kind: sale}
views:
  by_region: {group_by: [region], measures: {events: count}}
"""
SECRET = "Bearer a-secret-of-the-test"


def check(got, wanted, what):
    if got != wanted:
        raise Broken(f"{what}: {got!r}, wanted {wanted!r}")


def write(folder, name, text):
    path = os.path.join(folder, name)
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    return path


def write_pipeline(folder, places, calls=3):
    write(folder, "token.txt", SECRET + "\n")
    return write(folder, "pipeline.yaml", PIPELINE.replace("URL", places.url).replace("CALLS", str(calls)))


def event(number, place, kind="sale"):
    return {"id": f"e{number}", "kind": kind, **({} if place is None else {"place": place})}


def write_events(folder, events, name="events.ndjson"):
    return write(folder, name, "".join(json.dumps(e) + "\n" for e in events))


def asked_for(events):
    """Each partition asks once for each name."""
    pairs = {(facts.partition_of(e["id"], PARTITIONS), e["place"]) for e in events if e["kind"] == "sale" and e.get("place")}
    return collections.Counter(name for _, name in pairs)


def rows_of(events):
    rows = collections.Counter()
    for e in events:
        place = e.get("place")
        if e["kind"] != "sale":
            rows[None] += 1
        elif not place or place.startswith("missing"):
            rows["unknown"] += 1
        elif not place.startswith("refused"):
            rows["of " + place] += 1
    return rows


def found_rows(weir, data):
    return collections.Counter({row.get("region"): facts.whole(row["events"]) for row in weir.rows("by_region", data)})


def answers(weir, folder):
    """Every outcome once, in exact numbers; each name is asked for once in each partition, however many events have it."""
    places = [f"p{i}" for i in range(40)] + ["Ærø & 100% / ?", "missing1", "missing2", "refused1", None]
    events = [event(i, places[i % len(places)], "sale" if i % 11 else "other") for i in range(6_000)]
    with Places() as server:
        pipeline = write_pipeline(folder, server)
        ended = weir.expect(0, "run", pipeline, write_events(folder, events), "--data", "data", cwd=folder)
        data = os.path.join(folder, "data")
        refused = sum(e["kind"] == "sale" and e.get("place") == "refused1" for e in events)
        total = weir.ledger(data)["total"]
        check((total["accepted"], total["served"], total["dead_lettered"]), (6_000, 6_000 - refused, refused), "ledger")
        check(found_rows(weir, data), rows_of(events), "rows")
        letters = collections.Counter((l["stage"], l["reason"], tuple(l["details"])) for l in weir.letters(data))
        check(letters, {("geo", "stage:lookup", (f"refused: {server.url} answered 400",)): refused}, "letters")
        # A refusal is not kept, for whoever refuses may think otherwise; everything else is asked for once.
        wanted = asked_for(events)
        asked = collections.Counter(server.names())
        refusals, _ = asked.pop("refused1"), wanted.pop("refused1")
        check(asked, wanted, "questions")
        if not PARTITIONS <= refusals <= refused:
            raise Broken(f"{refusals} questions for what is refused, of {refused} events")
        for name, headers in server.asked:
            check((headers.get("Authorization"), headers.get("Accept")), (SECRET, "application/json"), f"headers of {name}")
        shown = weir.expect(0, "config", "show", pipeline).out + ended.out + ended.err
        if SECRET.encode() in shown:
            raise Broken("the token is shown")


def slow(weir, folder):
    """A server that does not answer holds up the rounds that wait for it and nothing else, and is asked by no more than calls_max calls in
    each partition."""
    names = [f"slow{i}" for i in range(50)]
    events = [event(i, names[i % len(names)]) for i in range(2_000)]
    with Places(gated=names) as server:
        pipeline = write_pipeline(folder, server, calls=3)
        running = weir.start("run", pipeline, write_events(folder, events), "--data", "data", cwd=folder)
        if not server.until_asked(lambda asked: len(asked) == 3 * PARTITIONS):
            raise Hang(f"the server was asked {len(server.names())} times")
        server.gate.set()
        ended = running.finish(120)
        check(ended.code, 0, str(ended))
        data = os.path.join(folder, "data")
        check(weir.ledger(data)["total"]["served"], 2_000, "served")
        check(found_rows(weir, data), rows_of(events), "rows")
        check(collections.Counter(server.names()), asked_for(events), "questions")
        if server.most > 3 * PARTITIONS:
            raise Broken(f"{server.most} calls were out at once, more than {3 * PARTITIONS}")


def singles(weir, folder):
    """Where events come one by one, a round is one event: as many rounds as calls_max are on their way, not fewer."""
    ids = [i for i in range(1_000) if facts.partition_of(f"e{i}", PARTITIONS) == 0][:6]
    with Places(gated=[f"slow{i}" for i in ids]) as server:
        node = Node(weir, write_pipeline(folder, server, calls=6), os.path.join(folder, "data"))
        try:
            node.until_ready()
            for i in ids:
                reply = node.call("POST", "/v1/events", json.dumps(event(i, f"slow{i}")), {"Content-Type": "application/json"})
                check(reply.status, 202, str(reply))
            if not server.until_asked(lambda asked: len(asked) == 6):
                raise Hang(f"the server was asked for {server.names()} only")
            server.gate.set()
            post(node, [event(5_000, "p1")])
        finally:
            ended = node.stop()
        check(ended.code, 0, str(ended))
        check(weir.ledger(os.path.join(folder, "data"))["total"]["served"], 7, "served")


def recovers(weir, folder):
    """What cannot be looked up now is tried again until it can, and one that never can is a dead letter; the others are not held up."""
    flaky = [event(i, f"flaky{i}") for i in range(10)]
    quick = [event(100 + i, f"p{i % 5}") for i in range(100)]
    down = [event(300, "down")]
    with Places() as server:
        pipeline = write_pipeline(folder, server)
        with open(pipeline, encoding="utf-8") as f:
            text = f.read()
        patient = "deadline: 100s\n        breaker: {failures_in_a_row_max: 0, calls_min: 1000000}\n        budget: {retries_percent: 1000, burst_max: 1000}"
        text = text.replace("deadline: 100s", patient) + "retry: {attempts_max: 5, backoff_min: 10ms, backoff_max: 50ms}\n"
        write(folder, "pipeline.yaml", text)
        events = down + flaky + quick
        weir.expect(0, "run", pipeline, write_events(folder, events), "--data", "data", cwd=folder)
        data = os.path.join(folder, "data")
        total = weir.ledger(data)["total"]
        check((total["served"], total["dead_lettered"], total["retrying"]), (110, 1, 0), "ledger")
        check(found_rows(weir, data), rows_of(flaky + quick), "rows")
        letters = [(l["id"], l["stage"], l["reason"], l["attempts"]) for l in weir.letters(data)]
        check(letters, [("e300", "geo", "retries_exhausted", 5)], "letters")
        wanted = asked_for(quick) + collections.Counter({"down": 5, **{e["place"]: 3 for e in flaky}})
        check(collections.Counter(server.names()), wanted, "questions")


def metric(node, name, **labels):
    text = node.get("/metrics").body.decode()
    values = []
    for line in text.splitlines():
        found = re.match(rf"{name}{{([^}}]*)}} (\S+)$", line)
        if found and all(f'{key}="{value}"' in found.group(1) for key, value in labels.items()):
            values.append(float(found.group(2)))
    if len(values) != 1:
        raise Broken(f"{name} {labels}: {values} in\n{text}")
    return values[0]


def post(node, events):
    body = "".join(json.dumps(e) + "\n" for e in events)
    reply = node.call("POST", "/v1/events?wait=60s", body, {"Content-Type": "application/x-ndjson"}, timeout=90)
    if reply.status not in (200, 202):
        raise Broken(f"POST: {reply}")
    return reply.json()


def served(weir, folder):
    """A node says what its lookups do; what was answered once is asked for no more; a new token is used without a restart."""
    with Places(gated=["slow"]) as server:
        pipeline = write_pipeline(folder, server)
        node = Node(weir, pipeline, os.path.join(folder, "data"))
        try:
            node.until_ready()
            first = [event(i, f"p{i % 5}") for i in range(100)] + [event(100, "missing"), event(101, None), event(102, "refused")]
            post(node, first)
            wanted = {"found": 100, "missing": 2, "invalid": 1, "temporary": 0, "put_off": 0, "exhausted": 0}
            for outcome, count in wanted.items():
                check(metric(node, "weir_lookup_events_total", stage="geo", outcome=outcome), count, outcome)
            calls = sum(asked_for(first).values())
            check(len(server.names()), calls, "questions")
            check(metric(node, "weir_lookup_calls_total", stage="geo"), calls, "calls")
            check(metric(node, "weir_lookup_calls_failed_total", stage="geo"), 0, "failed calls")
            check(metric(node, "weir_lookup_cache_entries", stage="geo"), calls - 1, "kept answers")
            check(metric(node, "weir_lookup_breakers", stage="geo", state="closed"), PARTITIONS, "closed breakers")
            # Again: nobody is asked.
            post(node, [event(1_000 + i, e.get("place")) for i, e in enumerate(first[:100])
                        if (facts.partition_of(f"e{1_000 + i}", PARTITIONS), e["place"]) in
                        {(facts.partition_of(f["id"], PARTITIONS), f["place"]) for f in first[:100]}])
            check(len(server.names()), calls, "questions after the second post")
            # While one waits, others of its partition are served.
            reply = node.call("POST", "/v1/events", json.dumps(event(2_000, "slow")), {"Content-Type": "application/json"})
            check(reply.status, 202, str(reply))
            if not server.until_asked(lambda asked: "slow" in asked):
                raise Hang("the server was not asked for slow")
            check(metric(node, "weir_lookup_pending_events", stage="geo"), 1, "waiting events")
            check(metric(node, "weir_lookup_calls_in_flight", stage="geo"), 1, "calls under way")
            check(node.get("/readyz").status, 200, "readiness")
            server.gate.set()
            # A new token: the file is looked at every second.
            write(folder, "token.txt", "Bearer another\n")
            end = time.monotonic() + 60
            while not re.search(r"^weir_rules_changes_total 1$", node.get("/metrics").body.decode(), re.M):
                if time.monotonic() > end:
                    raise Hang("the new token was not read")
            post(node, [event(3_000, "afterwards")])
            check([h.get("Authorization") for n, h in server.asked if n == "afterwards"], ["Bearer another"], "the new token")
        finally:
            ended = node.stop()
        check(ended.code, 0, str(ended))
        check(weir.ledger(os.path.join(folder, "data"))["balanced"], True, "balanced")


def waits_of(weir, *asked):
    """What `weir why-stuck` names, first reason first."""
    answer = json.loads(weir.expect(0, "why-stuck", *asked, "--output", "json").out)
    return [wait["on"] for wait in answer["waits"]]


def explained(weir, folder):
    """Whatever an event waits for is named: a server that is slow, the next try, the event in front of it, a node that is stopped."""
    with Places(gated=["slow"]) as server:
        pipeline = write_pipeline(folder, server)
        with open(pipeline, "a", encoding="utf-8") as f:
            f.write("retry: {attempts_max: 5, backoff_min: 1h, backoff_max: 1h}\n")
        data = os.path.join(folder, "data")
        node = Node(weir, pipeline, data)
        try:
            node.until_ready()
            json_type = {"Content-Type": "application/json"}

            def until(what, *asked):
                end = time.monotonic() + 60
                while (found := waits_of(weir, *asked, "--node", node.url)) != what:
                    if time.monotonic() > end:
                        raise Hang(f"why-stuck {asked} says {found}, wanted {what}")

            check(node.call("POST", "/v1/events", json.dumps(event(1, "down")), json_type).status, 202, "a first event")
            until(["retry_due"], "e1")
            check(node.call("POST", "/v1/events", json.dumps(event(1, "Oslo")), json_type).status, 202, "another one of its id")
            until(["held"], "e1")
            check(node.call("POST", "/v1/events", json.dumps(event(2, "slow")), json_type).status, 202, "a slow one")
            if not server.until_asked(lambda asked: "slow" in asked):
                raise Hang("the server was not asked for slow")
            until(["turn", "lookup"], "e2")
            said = weir.expect(0, "why-stuck", "e1", "--node", node.url).out.decode()
            check("held: it waits behind event e1, which is parked" in said, True, said)
            said = weir.expect(0, "why-stuck", "--node", node.url).out.decode()
            for words in ("lookup: stage geo waits for its server: 1 event", "turn: 1 event accepted and not decided, 1 of them in work", "retry: 2 events parked"):
                check(words in said, True, f"{words!r} in {said}")
            check(weir.call("why-stuck", "nobody", "--node", node.url).code, 1, "an event that never came")
            server.gate.set()
            end = time.monotonic() + 60
            while waits_of(weir, "e2", "--node", node.url):
                if time.monotonic() > end:
                    raise Hang("e2 is not served")
        finally:
            ended = node.stop()
        check(ended.code, 0, str(ended))
        check(waits_of(weir, "e1", "--data", data), ["held", "start"], "a stopped node")
        check(waits_of(weir, "e2", "--data", data), [], "a served event")
        said = weir.expect(0, "why-stuck", "--partition", str(facts.partition_of("e1", PARTITIONS)), "--data", data).out.decode()
        check("start: no node runs on these data: 0 events accepted and not decided, 2 parked" in said, True, said)


def tested(weir, folder):
    """`weir test` and `weir try` ask nobody."""
    with Places() as server:
        pipeline = write_pipeline(folder, server)
        with open(pipeline, "a", encoding="utf-8") as f:
            f.write("""tests:
  - name: known and unknown
    lookups: {geo: {Oslo: {region: {name: North}}}}
    input: {events: [{id: a, kind: sale, place: Oslo}, {id: b, kind: sale, place: Rome}]}
    expect: {views: {by_region: [{region: North, events: 1}, {region: unknown, events: 1}]}}
""")
        said = weir.expect(0, "test", pipeline).out.decode()
        if f"asked for {server.url}/v1/places/Rome, which the test's lookups do not have: answered 404" not in said:
            raise Broken("weir test does not say what it could not ask: " + said)
        said = weir.expect(0, "try", pipeline, "--event", json.dumps(event(1, "Rome"))).out.decode()
        if f"asked for {server.url}/v1/places/Rome: servers are not asked here" not in said:
            raise Broken("weir try does not say that it asked nobody: " + said)
        check(server.names(), [], "questions")


def bounded(weir, folder):
    """What a cache may hold is held against the node's memory before anything is opened."""
    with Places() as server:
        pipeline = write_pipeline(folder, server)
        ended = weir.expect(2, "run", pipeline, write_events(folder, [event(1, "Oslo")]), "--data", "data", "--set", "limits.memory_max=256MiB",
                            "--set", "pipeline:stages.0.enrich.http.cache.bytes_max=32MiB", cwd=folder)
        for words in ("cache.bytes_max of the stages with http is 128MiB or more in 4 partitions", "limits.memory_max 256MiB it can be 64MiB at most"):
            if words not in ended.err.decode():
                raise Broken(f"no '{words}' in {ended}")
        check(os.path.exists(os.path.join(folder, "data")), False, "a data directory")
        check(server.names(), [], "questions")


CASES = {"answers": answers, "slow": slow, "singles": singles, "recovers": recovers, "served": served, "explained": explained, "tested": tested, "bounded": bounded}


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
            except (Broken, Hang) as problem:
                print(f"FAIL {name}: {problem}")
                return 1
        print("ok", name)
    print("PASS")
    return 0


if __name__ == "__main__":
    sys.exit(main())
