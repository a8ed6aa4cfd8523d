"""A plugin in a run and in a node: exact totals, a stage that throws, another build of it, and every refusal with its exit code."""

import json
import os
import re
import signal

from outside import facts
from outside.node import Node

EVENTS = 20_000
PIPELINE = """pipeline: scores
partitions: 4
record: {format: ndjson, id: id}
stages:
  - score: {threshold: 500, rate: 0.5}
views:
  scores: {measures: {total: {sum: score}, events: count}}
"""


def events(path):
    """20,000 events: every 100th has no amount, every 1,000th is filtered, and one throws. What is to come of them."""
    served, letters, filtered, total = 0, set(), 0, 0
    with open(path, "w", encoding="utf-8") as f:
        for i in range(EVENTS):
            event = {"id": f"e{i}", "amount": i % 1_000}
            if i == 12_345:
                event["do"] = "throw"
            elif i % 1_000 == 7:
                event["do"] = "filter"
                filtered += 1
            elif i % 100 == 50:
                del event["amount"]
                letters.add((event["id"], "stage:no_amount"))
            else:
                served += 1
                total += event["amount"] if event["amount"] >= 500 else 0  # in halves
            f.write(json.dumps(event) + "\n")
    letters.add(("e12345", "poison"))
    return served, letters, filtered, total


def write(path, text):
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    return path


def check_run(weir, folder, node_file, pipeline):
    findings = []
    served, letters, filtered, total = events(os.path.join(folder, "events.ndjson"))
    data = os.path.join(folder, "data")
    ended = weir.expect(0, "run", pipeline, os.path.join(folder, "events.ndjson"), "--node-config", node_file, "--data", data)
    if ": score, score_again, types, lines, together, inner, later, later_lines, later_together, never_later, sink scroll, sink nowhere, sink writes, source tape, source once, view extremes, view words (content " not in ended.text:
        findings.append(f"run: it does not name its plugin: {ended.text}")
    ledger = weir.ledger(data)["total"]
    wanted = {"accepted": EVENTS, "served": served, "filtered": filtered, "dead_lettered": len(letters), "duplicate": 0}
    for name, count in wanted.items():
        if ledger[name] != count:
            findings.append(f"run: ledger {name} is {ledger[name]}, not {count}")
    found = weir.letters(data)
    if {(one["id"], one["reason"]) for one in found} != letters or len(found) != len(letters):
        findings.append("run: the dead letters are not those that the events say")
    poison = [one for one in found if one["reason"] == "poison"]
    if [one["stage"] for one in poison] != ["score"] or "thrown on e12345" not in str(poison[0]["details"]):
        findings.append(f"run: the event that throws is not blamed with its text: {poison}")
    rows = weir.rows("scores", data)
    if rows != [{"total": facts.number(f"{total // 2}.{total % 2 * 5}"), "events": facts.number(str(served))}]:
        findings.append(f"run: the view says {rows}, not {total}/2 of {served}")
    return findings, data


def check_other_build(weir, folder, plugin, pipeline, data):
    """The same stage from another file is another version of the rules."""
    other = os.path.join(folder, "other_build.so")
    with open(plugin, "rb") as f:
        content = f.read()
    with open(other, "wb") as f:
        f.write(content + b"\0")  # behind everything that is looked at
    findings = []
    for file, changed in ((plugin, False), (other, True)):
        rows = json.loads(weir.expect(0, "plan", pipeline, "--data", data, "--plugin", file, "--output", "json").out)
        if [row["change"] != "unchanged" for row in rows if row["what"] == "stages"] != [changed]:
            findings.append(f"plan with {os.path.basename(file)} says {rows}")
    return findings


def check_node(weir, folder, node_file, pipeline):
    node = Node(weir, pipeline, os.path.join(folder, "node-data"), "--node-config", node_file)
    node.until_ready()
    body = '{"id": "a", "amount": 600}\n{"id": "b"}\n'
    reply = node.call("POST", "/v1/events?wait=20s", body, {"Content-Type": "application/x-ndjson"})
    rows = node.rows("scores")
    letters = node.get("/v1/dead-letters").json()["letters"]
    ended = node.stop()
    findings = []
    if reply.status != 202 or rows != [{"total": 300, "events": 1}] and [str(v) for v in rows[0].values()] != ["300.0", "1"]:
        findings.append(f"node: {reply}, rows {rows}")
    if [(one["id"], one["reason"]) for one in letters] != [("b", "stage:no_amount")] or ended.code != 0:
        findings.append(f"node: letters {letters}, end {ended}")
    return findings


def check_death(weir, folder, plugin, pipeline, stage):
    """An event that takes the process with it: three deaths, then it is a dead letter, and all others are served."""
    path = write(os.path.join(folder, f"deadly-{stage}.ndjson"), "".join(
        json.dumps({"id": f"e{i}", "amount": 1, **({"do": "die"} if i == 50 else {})}) + "\n" for i in range(100)))
    data = os.path.join(folder, f"deadly-{stage}")
    codes = []
    while len(codes) < 10 and codes[-1:] != [0]:
        codes.append(weir.call("run", pipeline, path, "--data", data, "--plugin", plugin).code)
    if codes != [-signal.SIGABRT] * 3 + [0]:
        return [f"death in {stage}: the runs end with {codes}"]
    letters = [(one["id"], one["stage"], one["reason"]) for one in weir.letters(data)]
    served = weir.ledger(data)["total"]["served"]
    if letters != [("e50", stage, "poison")] or served != 99:
        return [f"death in {stage}: {served} served, letters {letters}"]
    return []


def check_source(weir, folder, plugin):
    """A node that reads a source is killed again and again: every event is accepted once, and none is lost."""
    tape = write(os.path.join(folder, "tape"), "".join(json.dumps({"id": f"e{i}"}) + "\n" for i in range(EVENTS)))
    pipeline = write(os.path.join(folder, "read.yaml"), f"pipeline: read\npartitions: 4\nrecord: {{format: ndjson, id: id}}\ninputs: {{orders: {{tape: {{file: {tape}, most: 50}}}}}}\n")
    data = os.path.join(folder, "read")
    seen = []
    while len(seen) < 50 and seen[-1:] != [EVENTS]:
        node = Node(weir, pipeline, data, "--plugin", plugin)
        node.until_ready()
        wanted = min(EVENTS, (seen or [0])[-1] + EVENTS // 5)
        while (ledger := node.get("/v1/ledger").json()["total"])["served"] < wanted:
            pass
        seen.append(ledger["served"])
        if seen[-1] < EVENTS:
            node.process.kill()
            node.process.wait(60)
    tree = node.get("/v1/tree").json()
    ended = node.stop()
    total = {name: ledger[name] for name in ("accepted", "served", "duplicate", "dead_lettered")}
    findings = []
    if total != {"accepted": EVENTS, "served": EVENTS, "duplicate": 0, "dead_lettered": 0} or ended.code != 0:
        findings.append(f"source: behind the kills at {seen} the ledger says {total}, the node ends with {ended.code}")
    if "tape:orders" not in json.dumps(tree):
        findings.append(f"source: its door is not in the tree: {tree}")
    return findings


def check_later(weir, folder, plugin):
    """A stage that answers from a thread of its own, in a node that is killed again and again; and one that nobody answers."""
    pipeline = write(os.path.join(folder, "later.yaml"), "pipeline: later\npartitions: 4\nrecord: {format: ndjson, id: id}\n"
                     "stages: [{later: {by: thread}}]\nviews: {answers: {group_by: [answer], measures: {events: count}}}\n")
    path = write(os.path.join(folder, "later.ndjson"), "".join(json.dumps({"id": f"e{i}", "do": f"q{i % 7}"}) + "\n" for i in range(EVENTS)))
    data = os.path.join(folder, "later")
    findings = []
    silent = ("--set", "pipeline:stages=[{later: {deadline: 10m, pending_max: 50}}]")
    node = Node(weir, pipeline, data, "--plugin", plugin, *silent)
    node.until_ready()
    with open(path, encoding="utf-8") as f:
        reply = node.call("POST", "/v1/events", f.read(), {"Content-Type": "application/x-ndjson"})
    while "50 events of all partitions, and" not in (stuck := node.get("/v1/why-stuck", partition=0).body.decode()) and "200 events of all partitions, and" not in stuck:
        pass
    waits = [one for one in re.findall(r'stage later waits for its answers: (\d+) events of all partitions', stuck)]
    metrics = node.get("/metrics").body.decode()
    node.process.kill()
    node.process.wait(60)
    if reply.status != 202 or not waits or 'weir_stage_pending_events{stage="later"}' not in metrics:
        findings.append(f"later: {reply}, why-stuck says {stuck}")
    seen = []
    while len(seen) < 50 and seen[-1:] != [EVENTS]:
        node = Node(weir, pipeline, data, "--plugin", plugin)
        node.until_ready()
        wanted = min(EVENTS, (seen or [0])[-1] + EVENTS // 4)
        while (ledger := node.get("/v1/ledger").json()["total"])["served"] < wanted:
            pass
        seen.append(ledger["served"])
        if seen[-1] < EVENTS:
            node.process.kill()
            node.process.wait(60)
    rows = node.rows("answers")
    ended = node.stop()
    total = {name: ledger[name] for name in ("accepted", "served", "duplicate", "dead_lettered", "retrying")}
    if total != {"accepted": EVENTS, "served": EVENTS, "duplicate": 0, "dead_lettered": 0, "retrying": 0} or ended.code != 0:
        findings.append(f"later: behind the kills at {seen} the ledger says {total}, the node ends with {ended.code}")
    if sorted((row["answer"], int(row["events"])) for row in rows) != [(f"q{i}", len(range(i, EVENTS, 7))) for i in range(7)]:
        findings.append(f"later: the view says {rows}")
    findings += check_death(weir, folder, plugin, pipeline, "later")  # while it is given the answer
    tried = weir.expect(0, "try", pipeline, "--plugin", plugin, "--event", '{"id": "a", "do": "now"}')
    if b'+ answer  "now"' not in tried.out:
        findings.append(f"later: weir try says {tried.out}")
    return findings


def check_sink(weir, folder, plugin):
    """A sink that throws on every batch until it is mended: broken and named; released in another life it goes on, and has every record."""
    scroll = os.path.join(folder, "scroll")
    pipeline = write(os.path.join(folder, "sunk.yaml"), "pipeline: sunk\npartitions: 2\nrecord: {format: ndjson, id: id}\n"
                     f"sinks: {{archive: {{scroll: {{path: {scroll}, batch_events_max: 100}}}}}}\n")
    data = os.path.join(folder, "sunk")
    path = write(os.path.join(folder, "sunk.ndjson"), "".join(json.dumps({"id": f"e{i}"}) + "\n" for i in range(2_000)))
    os.mkdir(scroll)  # where it wants a file
    first = weir.call("run", pipeline, path, "--data", data, "--plugin", plugin)
    findings = []
    if first.code != 1 or "archive" not in first.text or f"{scroll} cannot be opened" not in first.text:
        findings.append(f"sink: a run with a sink that throws ends with {first.code} and says: {first.text}")
    os.rmdir(scroll)
    weir.expect(0, "run", pipeline, "--data", data, "--plugin", plugin)
    with open(scroll, encoding="utf-8") as f:
        ids = sorted(line.split("|")[0] for line in f if "|" in line)
    if ids != sorted(f"e{i}" for i in range(2_000)):
        findings.append(f"sink: {len(ids)} lines, {len(set(ids))} records of 2,000")
    listed = json.loads(weir.expect(0, "sink", "list", "--data", data, "--output", "json").out)
    if sum(int(one["records"]) for one in (listed["sinks"] if isinstance(listed, dict) else listed)) != 2_000:
        findings.append(f"sink: list says {listed}")
    return findings


def check_view(weir, folder, plugin):
    """A node with a view of a plugin is killed again and again; then its rows are asked for, with the plugin and without."""
    pipeline = write(os.path.join(folder, "viewed.yaml"), "pipeline: viewed\npartitions: 4\nrecord: {format: ndjson, id: id}\n"
                     "views: {by_shop: {group_by: [shop], extremes: {most: 900}}, counts: {group_by: [shop], measures: {n: count}}}\n")
    data = os.path.join(folder, "viewed")
    rows = {}
    findings = []
    for life in range(5):
        node = Node(weir, pipeline, data, "--plugin", plugin)
        node.until_ready()
        lines = []
        for i in range(life * 1_000, (life + 1) * 1_000):
            amount = i * 7919 % 1_000 + life
            row = rows.setdefault(f"s{i % 7}", [[], 0])
            if amount > 900:
                row[1] += 1
            else:
                row[0].append(amount)
            lines.append(json.dumps({"id": f"e{i}", "shop": f"s{i % 7}", "amount": amount}))
        token = node.call("POST", "/v1/events?wait=60s", "\n".join(lines).encode(), {"Content-Type": "application/x-ndjson"}).json()["token"]
        if life == 2:
            node.call("POST", "/v1/snapshots")
        if life < 4:
            node.process.kill()
            node.process.wait(60)
    wanted = [{"shop": shop, "least": min(row[0]), "spread": max(row[0]) - min(row[0]), "failed": row[1]} for shop, row in sorted(rows.items())]

    def short(found):
        return [{name: row[name] for name in wanted[0]} for row in found]

    answer = node.get("/v1/views/by_shop", token=token).json()["rows"]
    if short(answer) != wanted:
        findings.append(f"view: a node answers {answer}, not {wanted}")
    verified = node.call("POST", "/v1/snapshots/verify").json()
    if not all(one["good"] for one in verified["partitions"]):
        findings.append(f"view: its snapshots are {verified}")
    node.stop()
    asked = weir.expect(0, "query", "by_shop", "--data", data, "--plugin", plugin, "--output", "json")
    if short(json.loads(asked.out)["rows"]) != wanted:
        findings.append(f"view: the stopped data say {asked.out}")
    for words in (["query", "by_shop"], ["digest"], ["snapshot", "verify"], ["replay", "--verify"], ["query", "counts", "--as-of", "0:1"]):
        ended = weir.call(*words, "--data", data)
        if ended.code != 2 or "the view 'by_shop' is one of a plugin, of the kind extremes: name the plugin's file with --plugin" not in ended.text:
            findings.append(f"view: {words} without the plugin ends with {ended.code} and says: {ended.text}")
        if words != ["query", "by_shop"]:
            weir.expect(0, *words, "--data", data, "--plugin", plugin)
    weir.expect(0, "query", "counts", "--data", data)
    listed = [weir.expect(0, "view", "list", "--data", data, "--output", "csv", *words).out.decode() for words in ([], ["--plugin", plugin])]
    if "by_shop,of a plugin that is not loaded," not in listed[0] or "by_shop,answers," not in listed[1]:
        findings.append(f"view: list says {listed}")
    weir.expect(0, "ledger", "--data", data)
    refused = weir.call("view", "drop", "by_shop", "--data", data)
    if refused.code != 4 or "has the view 'by_shop'" not in refused.text:
        findings.append(f"view: a view that the pipeline has is dropped: {refused.text}")
    return findings


def check_deadly_view(weir, folder, plugin):
    """A view that kills the process at each start is named with the events; without it everything goes on, and nothing is lost."""
    head = "pipeline: deadly_view\npartitions: 1\nrecord: {format: ndjson, id: id}\nviews: {counts: {measures: {n: count}}"
    pipeline = write(os.path.join(folder, "deadly_view.yaml"), head + ", own: {extremes: {}}}\n")
    path = write(os.path.join(folder, "deadly_view.ndjson"), "".join(json.dumps({"id": f"e{i}", "amount": -2 if i == 5 else i}) + "\n" for i in range(10)))
    data = os.path.join(folder, "deadly_view")
    findings = []
    ends = [weir.call("run", pipeline, path, "--data", data, "--plugin", plugin) for _ in range(3)]
    said = "view own/0: had the events of offsets 0 to 9 in its hands when the process died: SIGSEGV"
    if [ended.code for ended in ends] != [-signal.SIGSEGV] * 3 or not all(said in ended.text and "take the view out" in ended.text for ended in ends[1:]):
        findings.append(f"view: a view that kills the process ends with {[ended.code for ended in ends]} and says: {ends[-1].text}")
    write(pipeline, head + "}\n")
    weir.expect(0, "run", pipeline, path, "--data", data)
    total = weir.ledger(data)["total"]
    if (total["served"], total["dead_lettered"]) != (10, 0):
        findings.append(f"view: without the view that kills the ledger says {total}")
    return findings


def check_refusals(weir, folder, plugin, pipeline):
    """Every command that reads a pipeline, and every way not to be a plugin."""
    with open(plugin, "rb") as f:
        content = f.read()
    foreign = os.path.join(folder, "foreign.so")
    with open(foreign, "wb") as f:
        f.write(re.sub(rb"weir-plugin{abi=\d+;", b"weir-plugin{abi=9;", content))
    cases = [
        (["--plugin", os.path.join(folder, "none.so")], ["--plugin: the plugin", "there is no such file"]),
        (["--plugin", pipeline], ["it is no shared object"]),
        (["--plugin", weir.binary], ["it is no plugin of weir"]),
        (["--plugin", foreign], ["version 9 of the interface", "build it again with the package of weir"]),
        ([], ["scores.yaml:5:5: unknown stage \"score\"", "comes from a plugin"]),
        (["--plugin", plugin, "--set", "pipeline:stages=[{score: {threshold: x}}]"], ["threshold\" must be an integer from -5 to 1000000"]),
    ]
    findings = []
    for words, wanted in cases:
        for command in (["run", pipeline], ["up", pipeline], ["lint", pipeline], ["test", pipeline], ["try", pipeline, "--event", "{}"], ["graph", pipeline],
                        ["plan", pipeline, "--data", folder], ["config", "show", pipeline]):
            ended = weir.call(*command, *words)
            if ended.code != 2 or not all(text in ended.text for text in wanted):
                findings.append(f"weir {' '.join(command + words)} ends with {ended.code} and says: {ended.text}")
    node = write(os.path.join(folder, "bad_node.yaml"), "node: n1\nplugins: [none.so]\n")
    for command in (["lint", node], ["run", pipeline, "--node-config", node], ["up", pipeline, "--node-config", node]):
        ended = weir.call(*command)
        if ended.code != 2 or f"{node}:2:11: the plugin \"{folder}/none.so\" cannot be used: there is no such file" not in ended.text:
            findings.append(f"weir {' '.join(command)} ends with {ended.code} and says: {ended.text}")
    return findings


def check(weir, plugin, scratch):
    folder = os.path.join(scratch, "running")
    os.mkdir(folder)
    pipeline = write(os.path.join(folder, "scores.yaml"), PIPELINE)
    node_file = write(os.path.join(folder, "node.yaml"), f"node: n1\nplugins: [{os.path.relpath(plugin, folder)}]\n")
    findings, data = check_run(weir, folder, node_file, pipeline)
    findings += check_other_build(weir, folder, plugin, pipeline, data)
    findings += check_node(weir, folder, node_file, pipeline)
    findings += check_death(weir, folder, plugin, pipeline, "score")
    findings += check_source(weir, folder, plugin)
    findings += check_later(weir, folder, plugin)
    findings += check_sink(weir, folder, plugin)
    findings += check_view(weir, folder, plugin)
    findings += check_deadly_view(weir, folder, plugin)
    return findings + check_refusals(weir, folder, plugin, pipeline)
