"""Services of a plugin in a node: seen in the tree, restarted, given up without anybody else noticing, ended with the node; and refused."""

import os
import re

from outside.node import Node

PIPELINE = "pipeline: watched\npartitions: 2\nrecord: {format: ndjson, id: id}\nviews:\n  all: {measures: {events: count}}\n"
# `bad` crashes at its second tick, always: three restarts, then it is tried again after an hour.
NODE = """node: n1
plugins: [%s]
limits: {shutdown_max: 4s}
supervision: {service: {restarts_max: 3, window: 1h}}
services:
  good: {pulse: {every: 20ms, view: all, put: '{"id": "from a service"}'}}
  bad: {pulse: {every: 20ms, crash_at: 2}}
  deaf: {pulse: {stop: never}}
"""


def write(path, text):
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    return path


def actors(node):
    return {one["actor"]: one for one in node.get("/v1/tree").json()["actors"]}


def libraries(node, name):
    """The files of this name that the node's process has loaded."""
    with open(f"/proc/{node.process.popen.pid}/maps", encoding="utf-8") as f:
        return {line.split()[-1] for line in f if name in line}


def check_node(weir, folder, plugin):
    pipeline = write(os.path.join(folder, "watched.yaml"), PIPELINE)
    node_file = write(os.path.join(folder, "node.yaml"), NODE % plugin)
    node = Node(weir, pipeline, os.path.join(folder, "data"), "--node-config", node_file)
    node.until_ready()
    findings = []
    while (tree := actors(node))["services/bad"]["state"] != "failing":
        pass
    bad = tree["services/bad"]
    if bad["restarts"] != 3 or bad["last_error"] != "internal: thrown at tick 2":
        findings.append(f"services: the one that crashes is {bad}")
    while node.get("/v1/ledger").json()["total"]["served"] < 1:
        pass
    while not re.search(r'"service/good","msg":"\d+ 200 \[\{\\"events\\":1\}\]"', node.process.errors_so_far()):
        pass
    tree = actors(node)
    if tree["services/good"]["state"] != "running" or not tree["services/good"]["note"].startswith("tick ") or tree["services/good"]["restarts"] != 0:
        findings.append(f"services: the one that does not crash is {tree['services/good']}")
    ready = node.get("/readyz")
    if ready.status != 200 or "services/bad" not in ready.body.decode():
        findings.append(f"services: with one that keeps dying the node says {ready}")
    metrics = node.get("/metrics").body.decode()
    for line in ('weir_actor_restarts_total{actor="services/bad"} 3', 'weir_actors{state="failing"} 1'):
        if line not in metrics:
            findings.append(f"services: the metrics do not say {line}")
    if len(cores := libraries(node, "libcaf_core")) != 1:
        findings.append(f"services: the node has loaded {cores}; it and the plugin must share one")
    ended = node.stop()
    if ended.code != 0:
        findings.append(f"services: the node ends with {ended.code}: {ended.err[-500:]}")
    for line in ("it keeps dying and is tried again every 3600 s", "service/deaf", "it did not end within 1 s, and is killed", 'put 202 {'):
        if line not in ended.text:
            findings.append(f"services: the log does not say {line}: {ended.text[-2000:]}")
    return findings


def check_left(weir, folder, plugin):
    """A service inside a call that never returns, or actors that it leaves behind, do not hold the node; what was accepted is served."""
    findings = []
    pipeline = write(os.path.join(folder, "left.yaml"), PIPELINE)
    for name, keys, wanted in (("stuck", "stop: block", "it is inside a call that does not return"),
                               ("orphans", "do_what: orphan, every: 1ms", "run on; the node ends without them")):
        node_file = write(os.path.join(folder, f"{name}.yaml"),
                          f"node: n1\nplugins: [{plugin}]\nlimits: {{shutdown_max: 2s}}\nservices: {{left: {{pulse: {{{keys}}}}}}}\n")
        data = os.path.join(folder, name)
        node = Node(weir, pipeline, data, "--node-config", node_file)
        node.until_ready()
        while name == "orphans" and not (actors(node)["services/left"]["note"] or "").startswith("tick "):
            pass
        reply = node.call("POST", "/v1/events", '{"id": "a"}\n', {"Content-Type": "application/x-ndjson"})
        ended = node.stop()
        if reply.status != 202 or ended.code != 0 or wanted not in ended.text:
            findings.append(f"{name}: {reply}, the node ends with {ended.code}: {ended.text[-2000:]}")
        if (served := weir.ledger(data)["total"]["served"]) != 1:
            findings.append(f"{name}: {served} events are served, not 1")
    return findings


def check_refusals(weir, folder, plugin):
    with open(plugin, "rb") as f:
        content = f.read()
    foreign = os.path.join(folder, "foreign.so")
    with open(foreign, "wb") as f:
        f.write(re.sub(rb"(weir-service{weir=[^;]*;caf=)\d+;", lambda found: found.group(1) + b"9999;", content))
    pipeline = write(os.path.join(folder, "refused.yaml"), PIPELINE)
    findings = []

    def refused(node, wanted):
        path = write(os.path.join(folder, "refused_node.yaml"), node)
        for command in (["lint", path], ["config", "show", path], ["up", pipeline, "--node-config", path], ["run", pipeline, "--node-config", path]):
            ended = weir.call(*command)
            # What is shown is the file: what its kinds say of it beyond their keys is not asked.
            if command[0] == "config" and "bad luck" in wanted:
                continue
            if ended.code != 2 or wanted not in ended.text:
                findings.append(f"weir {' '.join(command)} ends with {ended.code} and says: {ended.text}")

    services = "services:\n  a: {pulse: {%s}}\n"
    refused(f"plugins: [{foreign}]\n" + services % "", "it was built with CAF 0.99.99 (this weir: ")
    refused(f"plugins: [{plugin}]\n" + services % "evry: 1s", ':3:15: unknown key "evry"; allowed in "services.a.pulse": every, ')
    refused(f"plugins: [{plugin}]\n" + services % "crash_at: 13", ':3:3: service "a": 13 brings bad luck; take 12 or 14')
    refused("node: n1\n" + services % "", 'unknown service "pulse" in "services.a"; no plugin has one')
    return findings


def check(weir, plugin, scratch):
    folder = os.path.join(scratch, "serving")
    os.mkdir(folder)
    return check_node(weir, folder, plugin) + check_left(weir, folder, plugin) + check_refusals(weir, folder, plugin)
