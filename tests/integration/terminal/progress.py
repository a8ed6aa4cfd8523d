"""Progress: on a terminal, and nowhere else."""

import os
import re
import shutil
import subprocess

import screen

PIPELINE = """pipeline: shop
partitions: 4
record: {format: ndjson, id: id, time: {field: ts, format: unix_ms}}
stages:
  - validate: {fields: {amount: {type: decimal, above: 0}}}
views:
  order_by_id: {latest: "@id", fields: [amount, country]}
"""
ORDERS = 400_000  # more than a segment of the log
# What a line says of work whose end is known; the bar is there where the window is wide enough.
KNOWN = r"{what} \[[=>]*>? *\] +\d+ %  [\d,.]+ {unit}, [\d,.]+{per} per second(, .* left)?"
UNKNOWN = r"{what} [\d,.]+ {unit}, [\d,.]+{per} per second"


def make_data(binary, folder):
    """Orders in a file, and their data: enough that everything over them takes a while."""
    orders, data, pipeline = (os.path.join(folder, name) for name in ("orders.ndjson", "data", "shop.yaml"))
    with open(pipeline, "w", encoding="utf-8") as file:
        file.write(PIPELINE)
    env = {k: v for k, v in os.environ.items() if k not in ("WEIR_DATA", "WEIR_NODE")}
    with open(orders, "wb") as file:
        subprocess.run([binary, "generate", "orders", "--events", str(ORDERS)], stdout=file, check=True, env=env)
    subprocess.run([binary, "run", pipeline, orders, "--data", data], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                   check=True, env=env)
    return pipeline, orders, data


def cases(binary, folder):
    """(name, command, pattern of a line)"""
    pipeline, orders, data = make_data(binary, folder)
    where = ["--data", data]
    known = lambda what, unit, per="": KNOWN.format(what=what, unit=unit, per=per)
    unknown = lambda what, unit, per="": UNKNOWN.format(what=what, unit=unit, per=per)
    yield "generate", ["generate", "orders", "--events", str(ORDERS)], known("generating", "lines")
    yield "run", ["run", pipeline, orders, "--data", os.path.join(folder, "other")], known("running", "events")
    yield "journal verify", ["journal", "verify", *where], known("verifying the ingest journal", "MiB", " MiB")
    yield "digest", ["digest", *where], known("digesting", "partitions")
    yield "query", ["query", "order_by_id", "--limit", "0", "--output", "csv", *where], unknown("reading", "rows")
    yield "dlq export", ["dlq", "export", *where], known("exporting", "letters")
    yield "dlq export --raw", ["dlq", "export", "--raw", *where], unknown("exporting", "MiB", " MiB")
    yield "where --field", ["where", "--field", "id=nothing", *where], known("searching", "events")
    yield "bench journal", ["bench", "journal", "--events", "20000", "--directory", os.path.join(folder, "bench")], known("RocksDB", "events")
    # Without its index the log is read again from its segments.
    for journal in ("ingest", "output"):
        index = os.path.join(data, "log", journal, "index")
        if os.path.exists(index):
            os.remove(index)
    yield "ledger, index gone", ["ledger", *where], known("reading the ingest journal", "segments")


def check(binary, name, command, pattern, findings):
    code, out, seen = screen.run([binary, *command], columns=120)
    lines = screen.lines_written_over(seen)
    if code not in (0, 1) or not any(re.fullmatch(pattern, line) for line in lines):
        findings.append(f"{name}: exit {code}, on the terminal {lines[:5]}, no line like {pattern}")
        return
    if wide := [line for line in lines if len(line) > 119 and "per second" in line]:
        findings.append(f"{name}: a line is wider than the terminal: {wide[0]}")
    if b"per second" in seen.rpartition(b"\r\x1b[K")[2]:
        findings.append(f"{name}: the line is not taken away: {seen[-200:]!r}")
    # Bytes of progress never go to stdout, and nothing of it is there without a terminal or with NO_COLOR.
    for what, env, terminal in (("NO_COLOR", {"NO_COLOR": "1"}, True), ("in a pipe", {}, False)):
        if command[0] == "run":
            shutil.rmtree(command[command.index("--data") + 1], ignore_errors=True)
        if terminal:
            _, again, text = screen.run([binary, *command], columns=120, env=env)
        else:
            done = subprocess.run([binary, *command], capture_output=True, env={k: v for k, v in os.environ.items() if k not in ("WEIR_DATA", "WEIR_NODE")})
            again, text = done.stdout, done.stderr
        if b"\x1b" in text + again + out or b"per second" in text:
            findings.append(f"{name}: progress {what}: {text[:300]!r}")
        if command[0] in ("generate", "query", "dlq", "digest", "journal", "ledger") and again != out:
            findings.append(f"{name}: stdout differs {what}")


def check_narrow(binary, findings):
    """The bar goes first, then what is behind it is cut: never a second line."""
    for columns in (60, 30, 10):
        _, _, seen = screen.run([binary, "generate", "orders", "--events", str(ORDERS)], columns=columns)
        lines = screen.lines_written_over(seen)
        if not lines or any(len(line) >= columns for line in lines):
            findings.append(f"{columns} columns: {lines[:3]}")


def check_both_terminals(binary, findings):
    """Data that goes to the terminal is not mixed with progress."""
    _, _, seen = screen.run([binary, "generate", "orders", "--events", "2000"], stdout_too=True)
    if b"\x1b" in seen:
        findings.append(f"progress between lines of data: {seen[:300]!r}")


def run(binary, folder):
    findings = []
    count = 0
    for name, command, pattern in cases(binary, folder):
        check(binary, name, command, pattern, findings)
        count += 1
    check_narrow(binary, findings)
    check_both_terminals(binary, findings)
    print("\n".join(findings) if findings else f"{count} commands, 3 widths")
    return 1 if findings else 0
