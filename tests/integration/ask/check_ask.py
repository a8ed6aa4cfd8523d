#!/usr/bin/env python3
"""Every question is asked twice: with --data of a stopped node, and with --node of one that serves a copy of the same data. Output
and exit code must be equal."""
import argparse
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile

PIPELINE, INPUT = "configs/pipelines/retail.yaml", "tests/data/retail-small.csv"
# A distinct count, whose row says whether it is an estimate, and whose table does not; and the key of a row beside the fields it keeps.
MORE = ["--set", 'pipeline:views.ids={measures: {ids: {distinct: "@id"}}}', "--set", "pipeline:views.kept={latest: StockCode, fields: [amount]}"]
QUESTIONS = [
    ["query", "ids"],
    ["query", "kept", "--limit", "5"],
    ["ledger"],
    ["digest"],
    ["digest", "--state"],
    ["query", "revenue_by_country"],
    ["query", "revenue_by_country", "France"],
    ["query", "revenue_by_country", "Nowhere"],
    ["query", "revenue", "--from", "2011-01-01", "--to", "2011-02-01"],
    ["query", "latest_by_stock", "--limit", "7"],
    ["query", "latest_by_stock", "--where", "Quantity=6"],
    ["query", "sale_by_id", "--limit", "0"],
    ["query", "nope"],
    ["query", "revenue_by_country", "--where", "x=1"],
    ["dlq", "list"],
    ["dlq", "list", "--limit", "3"],
    ["dlq", "list", "--reason", "field_range", "--limit", "0"],
    ["dlq", "list", "--reason", "rule:nothing_like_it"],
    ["where", "nobody"],
    ["where", "--field", "Country=France", "--limit", "3"],
    ["where", "--field", "Country=France", "--limit", "0"],
    ["where", "--field", "InvoiceNo=536365", "--field", "StockCode=85123A"],
    ["where", "--field", "Country=Nowhere"],
    ["where", "--field", "Contry=France"],
    ["where", "--field", "Country"],
    ["where", "--field", "@id=1"],
]
# Every start of a node is a new epoch; a node says who it is where a directory need not.
DIFFERS = [(re.compile(r'"epoch":\d+'), '"epoch":0'), (re.compile(r"http:/+\S+: "), ""), (re.compile(r"--where x=1: |where\.x: "), "")]


def ask(binary, question, where):
    done = subprocess.run([binary, *question, *where], capture_output=True, text=True, errors="surrogateescape",
                          env={k: v for k, v in os.environ.items() if k not in ("WEIR_DATA", "WEIR_NODE")})
    text = f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
    for pattern, instead in DIFFERS:
        text = pattern.sub(instead, text)
    return text


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--binary", required=True)
    binary = arguments.parse_args().binary
    with tempfile.TemporaryDirectory() as folder:
        stopped, served = f"{folder}/stopped", f"{folder}/served"
        subprocess.run([binary, "run", PIPELINE, INPUT, "--data", stopped, *MORE], check=True, capture_output=True)
        shutil.copytree(stopped, served)
        node = subprocess.Popen([binary, "up", PIPELINE, "--data", served, "--set", "http.listen=127.0.0.1:0", *MORE], stdout=subprocess.PIPE,
                                stderr=open(f"{folder}/up.log", "w"), text=True)
        line = node.stdout.readline()
        if not line.startswith("weir ready "):
            sys.exit(f"no ready line but {line!r}: " + open(f"{folder}/up.log").read()[-2000:])
        url = "http://" + line.split("http=")[1].split()[0]

        letters = subprocess.run([binary, "dlq", "list", "--data", stopped, "--output", "csv", "--limit", "0"], check=True,
                                 capture_output=True, text=True, errors="surrogateescape").stdout.split("\n")[1:-1]
        with open(INPUT, encoding="utf-8", errors="surrogateescape") as file:
            line = file.read().split("\n")[1]
        questions = [q + ["--output", o] for q in QUESTIONS for o in ("table", "csv", "json")]
        questions += [["dlq", "export"], ["dlq", "export", "--raw"], ["dlq", "export", "--raw", "--reason", "field_range"]]
        questions += [["where", "--raw", line], ["where", "--raw", "never seen"]]
        for id in [row.split(",")[0] for row in letters[:5]]:
            questions += [["where", id], ["where", id, "--output", "json"], ["dlq", "show", id], ["dlq", "show", id, "--output", "json"]]
        wrong = 0
        for where in ["--data", stopped], ["--node", url]:
            table = ask(binary, ["query", "ids"], where)
            if not table.startswith("exit 0\nids\n113\n"):
                wrong += 1
                print(f"a distinct count with {where[0]}: {table}")
        for question in questions:
            from_data, from_node = ask(binary, question, ["--data", stopped]), ask(binary, question, ["--node", url])
            if from_data != from_node:
                wrong += 1
                print(f"{question}:\n--- with --data\n{from_data[:1500]}\n--- with --node\n{from_node[:1500]}")
        # What is typed wins over the environment, data over a node.
        for environment, typed, code in [({"WEIR_NODE": url}, [], 0), ({"WEIR_DATA": stopped, "WEIR_NODE": "http://127.0.0.1:1"}, [], 0),
                                         ({"WEIR_DATA": stopped}, ["--node", "http://127.0.0.1:1"], 3),
                                         ({"WEIR_NODE": "http://127.0.0.1:1"}, [], 3), ({"WEIR_NODE": "nonsense"}, [], 2),
                                         ({}, ["--data", stopped, "--node", url], 2)]:
            done = subprocess.run([binary, "ledger", *typed], capture_output=True, text=True, env={**os.environ, **environment})
            if done.returncode != code:
                wrong += 1
                print(f"{environment} {typed}: exit {done.returncode}, not {code}\n{done.stderr}")
        node.send_signal(signal.SIGTERM)
        if node.wait(timeout=60) != 0:
            wrong += 1
            print("the node did not end with exit code 0")
        print(f"{len(questions)} questions asked twice, {wrong} wrong")
        sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
