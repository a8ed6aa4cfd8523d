"""`weir test`, `weir try` and `weir graph`: what they print, their exit codes, their JSON.

  python3 tests/integration/pipeline_commands/pipeline_commands.py --binary PATH
"""
import argparse
import glob
import json
import os
import pty
import shlex
import subprocess
import sys
import tempfile

import mermaid

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
PIPELINES = sorted(glob.glob(os.path.join(ROOT, "configs", "pipelines", "*.yaml")))
SECONDS_MAX = 120

SALES = """pipeline: sales
partitions: 2
record: {format: csv, id: digest, time: {field: at, format: "%Y-%m-%d", zone: UTC}, type: sale}
stages:
  - validate: {fields: {count: {type: integer}, price: {type: decimal, above: 0}}}
  - enrich: {table: {file: lands.csv, key: land}, add: {region: region}, missing: {region: unknown}}
  - transform: {set: {amount: {multiply: [count, price]}}, drop: [land]}
    name: value
    when: {region: europe}
views:
  by_region: {group_by: [region], measures: {amount: {sum: amount}, lines: count}}
  last: {latest: "@id", fields: [amount]}
tests:
  - name: one line is served
    input: {text: "count,price,land,at\\n2,1.50,France,2026-01-05\\n"}
    expect: {ledger: {accepted: 1, served: 1}, views: {by_region: [{region: europe, amount: 3, lines: 1}]}}
"""
FAILING = """  - name: what is wrong is shown
    input: {text: "count,price,land,at\\n2,1.50,France,2026-01-05\\n2,0,France,2026-01-05\\n"}
    expect:
      ledger: {served: 2}
      dead_letters: [{reason: field_type}]
      views: {by_region: [{region: europe, amount: 3.1, lines: "1"}, {region: asia}]}
      records: []
"""
BASKET = json.dumps({"basket": "b", "at": "2026-03-01T09:00:00Z", "total": 14.04, "lines": [
    {"sku": "app-1", "pieces": 2, "price": 1.07, "kind": "food"}, {"sku": "cup-7", "pieces": 1, "price": 11.90, "kind": "kitchen"}]})
FAILED_TEXT = """{file}
  ok      one line is served
  FAILED  what is wrong is shown ({file}:17)
    ledger.served
      expected  2
      actual    1
    dead_letters: no such row
      expected  {{"reason":"field_type"}}
    dead_letters: not expected
      actual    {letter}
    views.by_region {{"region":"europe"}} amount
      expected  3.1
      actual    3.00
    views.by_region {{"region":"europe"}} lines
      expected  "1"
      actual    1
      a number is never equal to a text: leave the quotes out
    views.by_region: no such row
      expected  {{"region":"asia"}}
    records: not expected
      actual    {record}
2 tests: 1 ok, 1 failed
"""
GRAPH_TEXT = """sales

    input     csv
    │
    door      id: digest of the bytes; 2 partitions
    │
  × dedupe    remembers 7d, 50M ids at most; conflicts are refused
    │
  × parse     time: at, %Y-%m-%d
    │
  × validate  checks count, price
    │
  × enrich    adds region; table lands.csv by land
    │
  × value     transform; when region is europe; sets amount; drops land
    │
    ├─▶ by_region  by region; amount = sum(amount), lines = count
    └─▶ last       latest by @id; fields amount

× what dedupe, parse, validate, enrich, value refuse becomes a dead letter
"""


class Findings(list):
    def expect(self, what, wanted, found):
        if wanted != found:
            self.append(f"{what}: wanted\n{wanted}\nfound\n{found}")

    def holds(self, what, condition, shown=""):
        if not condition:
            self.append(f"{what}: {shown}")


class Ground:
    """A folder with the pipeline of this test, and the product."""

    def __init__(self, binary, folder):
        self.binary, self.folder = binary, folder
        self.env = {**os.environ, "NO_COLOR": "1", "WEIR_ORDERS_TABLES": os.path.join(folder, "orders-tables")}
        self.write("lands.csv", "land,region\nFrance,europe\nJapan,asia\n")
        self.sales = self.write("sales.yaml", SALES)

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text):
        path = self.path(name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def weir(self, *args, stdin=""):
        done = subprocess.run([self.binary, *args], capture_output=True, text=True, timeout=SECONDS_MAX, input=stdin, env=self.env)
        return done.returncode, done.stdout, done.stderr

    def terminal(self, *args, keys):
        """(exit code, what a terminal shows), 60 characters wide."""
        pid, fd = pty.fork()
        if pid == 0:
            os.execvpe("sh", ["sh", "-c", "stty cols 60; exec " + shlex.join([self.binary, *args])], self.env)
        os.write(fd, keys.encode())
        shown = b""
        while True:
            try:
                piece = os.read(fd, 65536)
            except OSError:  # the other side is gone
                break
            if not piece:
                break
            shown += piece
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), shown.decode().replace("\r\n", "\n")


def check_test(ground, findings):
    code, _, err = ground.weir("generate", "orders", "--tables", ground.env["WEIR_ORDERS_TABLES"])
    findings.expect("weir generate orders --tables", (0, ""), (code, err if code else ""))
    code, out, err = ground.weir("test", *PIPELINES, "--coverage")
    findings.holds("the tests of configs/pipelines", code == 0 and not err and " 0 failed\n" in out, out + err)
    for pipeline in PIPELINES:
        findings.holds(f"{pipeline} has no test", f"{pipeline}\n  ok " in out, out)
    code, out, _ = ground.weir("test", *PIPELINES, "--coverage", "--output", "json")
    answer = json.loads(out)
    findings.holds("not all passed", answer["failed"] == 0 and answer["passed"] == len(answer["tests"]) >= 8, out)
    for file in answer["coverage"]:
        unreached = [f"{item['kind']} {item['name']}" for item in file["items"] if not item["reached"]]
        findings.expect(f"{file['file']}: what no test reaches", [], unreached)
        for item in file["items"]:
            findings.holds(f"the place of {item}", item["file"] == file["file"] and 0 < item["line"] < 100, item)

    for pipeline in PIPELINES:  # none of them passes whatever it expects
        code, out, err = ground.weir("test", pipeline, "--set", "pipeline:tests.0.expect.ledger={accepted: 999}")
        findings.holds(f"{pipeline} expects what cannot be", code == 1 and "    ledger.accepted\n      expected  999\n" in out and " 1 failed\n" in out, out + err)
    code, out, err = ground.weir("test", ground.sales)
    findings.expect("a file whose tests pass", (0, f"{ground.sales}\n  ok      one line is served\n1 test: 1 ok, 0 failed\n", ""), (code, out, err))
    failing = ground.write("failing.yaml", SALES + FAILING)
    code, out, err = ground.weir("test", failing, "--output", "json")
    differences = json.loads(out)["tests"][1]["differences"]
    letter, record = (next(d["actual"] for d in differences if d["where"] == where and d["expected"] is None) for where in ("dead_letters", "records"))
    findings.holds("the letter nobody expected", letter["reason"] == "field_range" and letter["original"] == "2,0,France,2026-01-05", letter)
    findings.holds("the record nobody expected", record["amount"] == 3 and record["@type"] == "sale" and record["count"] == 2, record)
    findings.expect("exit code of a failed test", (1, ""), (code, err))
    code, out, err = ground.weir("test", failing)
    compact = [json.dumps(value, separators=(",", ":")).replace(":3.0,", ":3.00,").replace(":3.0}", ":3.00}").replace(":1.5,", ":1.50,") for value in (letter, record)]
    findings.expect("a file with a failing test", (1, FAILED_TEXT.format(file=failing, letter=compact[0], record=compact[1]), ""), (code, out, err))
    code, out, _ = ground.weir("test", failing, "--output", "csv")
    findings.expect("tests as CSV", (1, f"file,line,name,result,differences,error\n{failing},14,one line is served,ok,0,\"\"\n"
                                        f"{failing},17,what is wrong is shown,failed,7,\"\"\n"), (code, out))
    code, out, _ = ground.weir("test", failing, "--filter", "one line")
    findings.holds("--filter", code == 0 and out.endswith("1 test: 1 ok, 0 failed\n"), out)
    code, out, err = ground.weir("test", failing, "--filter", "no such")
    findings.holds("a filter that nothing passes", code == 2 and 'no test\'s name contains "no such"' in err, err)
    bare = ground.write("bare.yaml", "pipeline: bare\n")
    code, out, err = ground.weir("test", bare)
    findings.holds("a file without tests", code == 2 and "expect: {ledger:" in err, err)
    bad = ground.write("bad.yaml", SALES.replace("views: {by_region", "views: {by_regoin"))
    code, out, err = ground.weir("lint", bad)
    findings.holds("lint of the same", code == 2 and f"{bad}:16:" in err and 'did you mean "by_region"?' in err, err)
    slip = ground.write("slip.yaml", SALES.replace("{group_by: [region]", "{group_by: [regoin]").split("tests:")[0])
    code, out, err = ground.weir("lint", slip)
    findings.expect("lint of what is most likely a slip", (0, f"{slip}: good\n", f'{slip}:11:3: warning: "views.by_region.group_by" reads "regoin", '
                    'which neither a stage nor a script names; did you mean "region"?\n'), (code, out, err))
    for command in ["lint"], ["test"], ["graph"], ["try"], ["config", "show"], ["plan", "--data", "none"]:
        command = [*command, ground.sales]
        code, out, err = ground.weir(*command, "--set", "partitions=4")
        findings.holds(f"a key of the pipeline without its prefix, {command}", code == 2 and "write --set pipeline:partitions=4" in err, err)
    code, out, err = ground.weir("config", "show", ground.sales)
    findings.holds("config show has the tests", code == 0 and "name: \"one line is served\"" in out, out)
    code, out, err = ground.weir("test", failing, bad)
    findings.holds("a test of a view that is not there", code == 2 and out == "" and f"{bad}:16:" in err and 'did you mean "by_region"?' in err, err)


def check_try(ground, findings):
    served = "count,price,land,at\n2,1.50,France,2026-01-05\n"
    code, out, err = ground.weir("try", ground.sales, "--event", served, "--output", "json")
    event = json.loads(out)["events"][0]
    findings.expect("an event that is served", (0, ""), (code, err))
    findings.expect("its facts", ("csv", 2, "digest of the bytes", "2026-01-05T00:00:00Z", "served"),
                    (event["format"], event["line"], event["id_from"], event["time"], event["outcome"]))
    findings.expect("its stages", [("parse", "parse"), ("validate", "validate"), ("enrich", "enrich"), ("value", "transform")],
                    [(step["stage"], step["kind"]) for step in event["steps"] if step["reached"] and not step["skipped"]])
    findings.expect("its changes", [[], [("count", "2", 2), ("price", "1.50", 1.5)], [("region", None, "europe")], [("land", "France", None), ("amount", None, 3.0)]],
                    [[(c["field"], c["before"], c["after"]) for c in step["parts"][0]["changes"]] for step in event["steps"]])
    findings.expect("its record", [{"count": 2, "price": 1.5, "at": "2026-01-05", "region": "europe", "amount": 3.0}], event["records"])
    findings.expect("its rows", ([{"region": "europe", "amount": 3.0, "lines": 1}], 3.0), (event["views"]["by_region"], event["views"]["last"][0]["amount"]))

    code, out, err = ground.weir("try", ground.sales, stdin=served + "1,0,x,2026-01-05\n3,1,Japan,2026-01-05\n2,1.50,France,2026-01-05\n3,1,x,soon\n")
    findings.expect("events of which some would be dead letters", (1, ""), (code, err))
    blocks = out.split("\n\n")
    findings.expect("blocks", 5, len(blocks))
    for number, words in enumerate([("~ count  \"2\" -> 2", "+ region  \"europe\"", "- land    \"France\"", "+ amount  3.00", "served: 1 record", "view by_region"),
                                    ("reject  field_range", "price: 0 is not above 0", "dead letter: stage validate, reason field_range"),
                                    ("value     skipped: its when does not hold  (transform)", "+ region  \"asia\""),
                                    ("the id of line 2, with the same bytes: behind it this is a duplicate",),
                                    ("parse     reject  time", "dead letter: stage parse, reason time")]):
        for word in words:
            findings.holds(f"`weir try` of line {number + 2} lacks {word}", word in blocks[number], blocks[number])

    sales = ground.write("sales.csv", served + "1,0,x,2026-01-05\n")
    code, out, err = ground.weir("try", ground.sales, "--input", sales)
    findings.holds("the first event of a file", code == 0 and out.startswith("line 2: csv") and "line 3" not in out, out + err)
    code, out, err = ground.weir("try", ground.sales, "--input", sales, "--events", "2", "--output", "json")
    findings.expect("two of a file", (1, [2, 3]), (code, [event["line"] for event in json.loads(out)["events"]]))
    code, out, err = ground.weir("try", ground.sales, "--input", ground.path("none.csv"))
    findings.holds("a file that is not there", code == 5 and "none.csv" in err, err)
    # What people paste: a feature without its collection, an object over several lines.
    quakes = os.path.join(ROOT, "configs", "pipelines", "earthquakes.yaml")
    feature = {"type": "Feature", "id": "a", "properties": {"mag": 1.5, "place": "here", "time": 1517966773840, "net": "ci"}}
    code, out, err = ground.weir("try", quakes, "--event", json.dumps(feature, indent=2))
    findings.holds("a feature alone", code == 0 and out.startswith("element 1: json") and "id a (field id)" in out and '+ mag         1.5' in out, out + err)
    features = [dict(feature, id=f"f{i}") for i in range(4)]
    code, out, err = ground.weir("try", quakes, stdin="".join(json.dumps(one) + "\n" for one in features))
    findings.holds("features one a line, as dlq export --raw writes them", code == 0 and "line 4: json" in out and "id f3 (field id)" in out, out + err)
    code, out, err = ground.weir("try", quakes, "--event", json.dumps({"type": "FeatureCollection", "features": features}, indent=1))
    findings.holds("a feature is called one", code == 0 and "feature 4: json" in out and "line" not in out, out + err)
    code, out, err = ground.weir("try", quakes, "--event", json.dumps({"type": "FeatureCollection"}))
    findings.holds("what is no collection says what features alone are", code == 5 and "Features one a line are of the format ndjson" in err, err)
    code, out, err = ground.weir("try", quakes, "--format", "ndjson", "--event", json.dumps(feature, indent=2))
    findings.holds("an object over several lines", code == 0 and "served: 1 record" in out, out + err)
    code, out, err = ground.weir("try", os.path.join(ROOT, "configs", "pipelines", "baskets.yaml"), "--event", BASKET)
    findings.holds("a script's parts", code == 0 and "served: 2 records" in out and "part 1" in out and '+ net    10.00' in out, out + err)

    code, shown = ground.terminal("try", ground.sales, keys="count,price,land,at\n2,1.50,France,2026-01-05\n\x04")
    findings.holds("weir try on a terminal says what to type", code == 0 and "Type the header line, then a line for each event" in shown, shown)
    answer = shown[shown.index("line 2: csv"):]
    findings.holds("a line wider than the terminal", all(len(line) <= 60 for line in answer.splitlines()) and "…" in answer, answer)
    code, out, err = ground.weir("try", ground.sales, "--event", "")
    findings.holds("nothing to try", code in (2, 5) and out == "" and err, err)
    code, out, err = ground.weir("try", ground.sales, "--event", "a,b\n1,2\n")
    findings.holds("a header that the door would refuse", code == 5 and "lacks" in err, err)
    code, out, err = ground.weir("try", ground.sales, "--event", "x", "--format", "xml")
    findings.holds("a format that is none", code == 2 and "there is no 'xml'" in err and "geojson" in err, err)
    many = served + "2,1.50,France,2026-01-05\n" * 100
    code, out, err = ground.weir("try", ground.sales, stdin=many)
    findings.holds("too many events", code == 4 and "101 events are too many" in err, err)


def dot_picture(text):
    """({node: first line of its text}, [(from, to)]) as Graphviz itself reads it."""
    done = subprocess.run(["dot", "-Tjson0"], input=text, capture_output=True, text=True, check=True)
    picture = json.loads(done.stdout)
    nodes = {node["name"]: node["label"].split("\\n")[0] for node in picture["objects"]}
    names = {node["_gvid"]: node["name"] for node in picture["objects"]}
    edges = [(names[edge["tail"]], names[edge["head"]]) for edge in picture["edges"]]
    return nodes, edges


def check_graph(ground, findings):
    odd = ground.write("odd.yaml", "pipeline: odd\nviews:\n  end: {group_by: ['a\"b<c>&#`|{x}\\\\n'], measures: {n: count}}\n  graph: {latest: \"@id\"}\n")
    for pipeline in [*PIPELINES, ground.sales, odd]:
        code, out, err = ground.weir("graph", pipeline, "--format", "mermaid")
        findings.expect(f"weir graph {pipeline}", (0, ""), (code, err))
        nodes, edges = mermaid.parse(out)
        _, out, _ = ground.weir("graph", pipeline, "--format", "dot")
        dot_nodes, dot_edges = dot_picture(out)
        findings.expect(f"{pipeline}: nodes of both pictures", nodes, dot_nodes)
        findings.expect(f"{pipeline}: edges of both pictures", sorted(edges), sorted(dot_edges))
        _, out, _ = ground.weir("graph", pipeline)
        for name in nodes.values():
            findings.holds(f"{pipeline}: the text lacks {name}", name in out or name == "dead letters" and "dead letter" in out, out)
        # Everything but tables is reached from the input.
        reached = {next(node for node, name in nodes.items() if name == "input")}
        while True:
            more = {to for start, to in edges if start in reached} - reached
            if not more:
                break
            reached |= more
        findings.expect(f"{pipeline}: not reached from the input", [], [name for node, name in nodes.items() if node not in reached and not name.endswith((".csv", ".json"))])
    for name, words in (("bookings", ("rules leaves_after_arriving, ", "schema booking.schema.json", "table rooms.json by room")),
                        ("baskets", ("script baskets.lua",)),
                        ("shop", ("stops test is true, or customer.country is XX or ZZ", "keeps units > 0 and gross <= 1000"))):
        _, out, _ = ground.weir("graph", os.path.join(ROOT, "configs", "pipelines", name + ".yaml"))
        for word in words:
            findings.holds(f"the text of {name} lacks {word}", word in out, out)
    code, out, _ = ground.weir("graph", ground.sales)
    findings.expect("the picture of a pipeline", (0, GRAPH_TEXT), (code, out))
    code, shown = ground.terminal("graph", PIPELINES[1], keys="")
    findings.holds("a picture wider than the terminal", code == 0 and all(len(line) <= 60 for line in shown.splitlines()) and "…" in shown, shown)
    for broken in ("", "flowchart TD\n  n0[\"a\"]]\n", "flowchart TD\n  n0[\"a\"b\"]\n", "flowchart TD\n  n0 --> n1\n"):
        try:
            mermaid.parse(broken)
            findings.append(f"the grammar takes {broken!r} for Mermaid")
        except ValueError:
            pass


def main():
    parse = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parse.add_argument("--binary", default=os.path.join(ROOT, "build", "release", "bin", "weir"))
    binary = os.path.abspath(parse.parse_args().binary)
    findings = Findings()
    with tempfile.TemporaryDirectory(prefix="weir-pipeline-commands-") as folder:
        ground = Ground(binary, folder)
        check_test(ground, findings)
        check_try(ground, findings)
        check_graph(ground, findings)
    print("\n".join(findings) if findings else f"{len(PIPELINES)} pipelines tested, tried and drawn")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
