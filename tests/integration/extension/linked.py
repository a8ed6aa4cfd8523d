"""A program that is weir and has the kinds of tests/unit/plugin in it, built against the installed package alone."""

import json
import os
import re
import shutil
import subprocess

from outside import facts
from outside import weir as outside
from outside.node import Node

SOURCES = os.path.join(outside.repository(), "tests", "unit", "plugin")
CMAKE = f"""cmake_minimum_required(VERSION 3.20)
project(mine LANGUAGES CXX)
find_package(weir REQUIRED COMPONENTS service)
weir_add_program(mine {' '.join(os.path.join(SOURCES, name) for name in ('stages.cc', 'sinks.cc', 'sources.cc', 'views.cc', 'services.cc'))})
weir_add_program(bare)
"""
PIPELINE = """pipeline: linked
partitions: 2
record: {format: ndjson, id: id}
stages:
  - score: {threshold: 500, rate: 0.5}
views:
  scores: {measures: {total: {sum: score}, events: count}}
  amounts: {extremes: {most: 990}}
"""


def write(path, data):
    with open(path, "wb") as f:
        f.write(data if isinstance(data, bytes) else data.encode())
    return path


def build(folder, env):
    write(os.path.join(folder, "CMakeLists.txt"), CMAKE)
    for step in (["cmake", "-S", ".", "-B", "build"], ["cmake", "--build", "build"]):
        done = subprocess.run(step, cwd=folder, env=env, capture_output=True, text=True, timeout=300)
        if done.returncode != 0:
            raise outside.Broken(f"linked: {' '.join(step)} ends with {done.returncode}: {done.stdout[-3000:]}{done.stderr[-3000:]}")
    return os.path.join(folder, "build", "mine"), os.path.join(folder, "build", "bare")


def changed_copy(binary, name, change):
    """Another build of the same program, as far as its bytes are looked at."""
    path = os.path.join(os.path.dirname(binary), name)
    with open(binary, "rb") as f:
        write(path, change(f.read()))
    shutil.copymode(binary, path)
    return outside.Weir(path)


def check_runs(mine, folder, pipeline, data):
    """Exact totals in a run and in a node, without a plugin."""
    events = write(os.path.join(folder, "events.ndjson"), "".join(json.dumps({"id": f"e{i}", "amount": i % 1_000}) + "\n" for i in range(4_000)))
    ended = mine.expect(0, "run", pipeline, events, "--data", data)
    ledger = mine.ledger(data)["total"]
    rows = mine.rows("scores", data)
    findings = []
    if ledger["served"] != 4_000 or rows != [{"total": facts.number(f"{4 * sum(range(500, 1_000)) / 2:.1f}"), "events": facts.number("4000")}]:
        findings.append(f"linked: a run serves {ledger}, rows {rows}")
    if f"weir: plugin {mine.binary}: score, " not in ended.text:
        findings.append(f"linked: a run does not name what is in it: {ended.text}")
    amounts = mine.rows("amounts", data)
    wanted = {"least": facts.number("0"), "spread": facts.number("990"), "failed": facts.number("36")}
    if [{name: row[name] for name in wanted} for row in amounts] != [wanted]:
        findings.append(f"linked: the view that is linked in answers {amounts}")
    node_file = write(os.path.join(folder, "node.yaml"), "node: n1\nservices: {own: {pulse: {do_what: family}}}\n")
    node = Node(mine, pipeline, os.path.join(folder, "node"), "--node-config", node_file)
    node.until_ready()
    while not any(one["actor"] == "services/own" and one["state"] == "running" for one in node.get("/v1/tree").json()["actors"]):
        pass
    reply = node.call("POST", "/v1/events?wait=20s", '{"id": "a", "amount": 600}\n', {"Content-Type": "application/x-ndjson"})
    served = node.rows("scores")
    ended = node.stop()
    if reply.status != 202 or [float(str(row["total"])) for row in served] != [300.0] or ended.code != 0 or "run on" in ended.text:
        findings.append(f"linked: a node answers {reply}, rows {served}, and ends with {ended.code}")
    return findings


def check_refusals(mine, bare, plugin, pipeline):
    """What refuses a plugin refuses a program, too; what needs no kinds is as always."""
    foreign = changed_copy(mine.binary, "foreign", lambda content: re.sub(rb"weir-plugin{abi=\d+;", b"weir-plugin{abi=9;", content))
    cases = [
        (foreign, [], [f"what is linked into {foreign.binary} cannot be used: it was built for version 9 of the interface"]),
        (bare, [], [f"what is linked into {bare.binary} cannot be used: {bare.binary}: nothing is registered in it; write WEIR_STAGE"]),
        (mine, ["--plugin", plugin], [f"the stage \"score\" is in {mine.binary} already; load one of the two"]),
        (mine, ["--set", "pipeline:stages=[{score: {threshold: x}}]"], ["threshold\" must be an integer from -5 to 1000000"]),
    ]
    findings = []
    for program, words, wanted in cases:
        for command in ("lint", "up", "run", "test", "graph"):
            ended = program.call(command, pipeline, *words)
            if ended.code != 2 or not all(text in ended.text for text in wanted):
                findings.append(f"linked: {program.binary} {command} {words} ends with {ended.code} and says: {ended.text}")
    for words in (["--version"], ["--help"], ["lint", "--help"]):
        if bare.call(*words).code != 0:
            findings.append(f"linked: a program without kinds refuses {words}")
    return findings


def check(scratch, env, plugin):
    folder = os.path.join(scratch, "linked")
    os.mkdir(folder)
    binary, empty = build(folder, env)
    mine, bare = outside.Weir(binary), outside.Weir(empty)
    pipeline = write(os.path.join(folder, "linked.yaml"), PIPELINE)
    data = os.path.join(folder, "data")
    mine.expect(0, "lint", pipeline)
    findings = check_runs(mine, folder, pipeline, data)
    # Another build of the program is another version of its rules; weir's own part of it is not looked at.
    other = changed_copy(binary, "other", lambda content: content + b"\0")
    for program, changed in ((mine, False), (other, True)):
        rows = json.loads(program.expect(0, "plan", pipeline, "--data", data, "--output", "json").out)
        if [row["change"] != "unchanged" for row in rows if row["what"] == "stages"] != [changed]:
            findings.append(f"linked: plan of {program.binary} says {rows}")
    return findings + check_refusals(mine, bare, plugin, pipeline)
