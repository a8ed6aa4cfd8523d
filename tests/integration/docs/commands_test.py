"""What a new user meets first: every help text has an example that fits it, wrong words are answered in weir's own, and
deploy/quickstart does what it says.

  python3 tests/integration/docs/commands_test.py --binary PATH
"""

import argparse
import json
import os
import re
import shlex
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
SUBCOMMANDS = re.compile(r"^Subcommands:\n((?:  .*\n)+)", re.M)
EXAMPLES = re.compile(r"^(?:Example:| {8}) (weir .*)$", re.M)
SECONDS_MAX = 60

# What is typed wrong -> words of the answer. The exit code is always 2.
WRONG = {
    (): ["a command is missing", "run", "query"],
    ("qery", "revenue"): ["no command 'qery'", "did you mean query?"],
    ("dlq", "lst"): ["weir dlq:", "no command 'lst'", "did you mean list?", "export"],
    ("journal",): ["weir journal:", "a command is missing", "verify, stat"],
    ("run", "p.yaml", "--imput", "x"): ["no option --imput", "did you mean --input?"],
    ("journal", "verify"): ["--data is required", "WEIR_DATA"],
    ("ledger", "--data", "d", "--node", "http://127.0.0.1:7070"): ["--data excludes --node"],
    ("ledger", "--data", "d", "--output", "xml"): ["xml", "table, json, csv"],
    ("where", "--data", "d"): ["ID", "--raw"],
    ("where", "x", "--raw", "y", "--data", "d"): ["id", "--raw"],
    ("where", "x", "--field", "a=b"): ["id", "--field"],
    ("where", "--raw", "y", "--limit", "3"): ["--limit", "--field"],
    ("where", "--field", "Country", "--node", "http://127.0.0.1:1"): ["--field 'Country'", "write NAME=VALUE"],
    ("where", "--field", "@id=1", "--node", "http://127.0.0.1:1"): ["@id is of the envelope"],
    ("run", "p.yaml", "--format", "cvs"): ["no 'cvs'", "did you mean csv?", "json, ndjson, csv, cloudevents, geojson"],
    ("dlq", "redrive"): ["nothing chooses letters", "--where", "--all"],
    ("dlq", "drop", "--all", "--id", "x"): ["--all beside something that chooses"],
    ("dlq", "list", "--from", "noon"): ["--from noon", "2011-12-01T00:00:00Z"],
    ("dlq", "export", "--raw", "--headers", "spring"): ["--raw", "--headers"],
    ("completion", "fish"): ["no 'fish'", "bash, zsh"],
}


def call(binary, *args):
    done = subprocess.run([binary, *args], capture_output=True, text=True, timeout=SECONDS_MAX, stdin=subprocess.DEVNULL)
    return done.returncode, done.stdout, done.stderr


def check_help(binary, path, findings):
    """One level of help, and all below it. Returns how many there were."""
    name = " ".join(("weir", *path))
    code, text, _ = call(binary, *path, "--help")
    if code != 0:
        findings.append(f"{name} --help ends with {code}")
        return 1
    examples = EXAMPLES.findall(text)
    if not examples:
        findings.append(f"{name} --help has no example")
    below = SUBCOMMANDS.search(text)
    commands = [line.split()[0] for line in below.group(1).splitlines() if re.match(r"  \S", line)] if below else []
    for example in examples:
        words = shlex.split(example)
        if words[1:1 + len(path)] != list(path):
            findings.append(f"{name} --help: the example is of another command: {example}")
        if commands and words[1 + len(path)] not in commands:
            findings.append(f"{name} --help: the example names no subcommand: {example}")
        findings += [f"{name} --help: the example uses {word}, which is no option: {example}"
                     for word in words if word.startswith("--") and not commands and word not in text.replace("Example", "")]
    return 1 + sum(check_help(binary, (*path, command), findings) for command in commands)


def check_wrong_words(binary, findings):
    env = {name: value for name, value in os.environ.items() if name != "WEIR_DATA"}
    for args, words in WRONG.items():
        done = subprocess.run([binary, *args], capture_output=True, text=True, timeout=SECONDS_MAX, env=env)
        missing = [word for word in words if word not in done.stderr]
        if done.returncode != 2 or done.stdout or missing or not done.stderr.startswith("weir"):
            findings.append(f"`weir {' '.join(args)}` ends with {done.returncode}, lacks {missing}: {done.stderr or done.stdout}")


def check_bench_journal(binary, findings):
    """The journal beside what it is compared with, in numbers a program can read; nothing is left behind."""
    with tempfile.TemporaryDirectory(prefix="weir-bench-") as folder:
        files = os.path.join(folder, "files")
        code, out, err = call(binary, "bench", "journal", "--events", "2000", "--directory", files, "--output", "json")
        rows = json.loads(out) if code == 0 else []
        ways = [row["way"] for row in rows]
        for way in ("journal", "plain file", "RocksDB"):
            if not any(name.startswith(way) for name in ways):
                findings.append(f"weir bench journal ends with {code} and shows no {way}: {ways} {err}")
        for row in rows:
            # 2,000 events of 300 bytes, 873 to a group of 256 KiB.
            if row["syncs"] != 3 or row["cpu_ns_per_event"] <= 0 or row["MB_per_second"] <= 0:
                findings.append(f"weir bench journal: {row}")
        if os.path.exists(files):
            findings.append("weir bench journal leaves its files behind")


def check_bench_path(binary, findings):
    """Both programs once over few orders: the answers agree, the figures are there, and only what it made itself is removed."""
    with tempfile.TemporaryDirectory(prefix="weir-bench-") as folder:
        mine = os.path.join(folder, "mine.txt")
        with open(mine, "w") as file:
            file.write("not the benchmark's\n")
        words = ["bench", "path", os.path.join(ROOT, "configs", "pipelines", "orders.yaml"), "--directory", folder, "--output", "json"]
        code, _, err = call(binary, *words, "--events", "20000", "--roofline", mine)
        if code != 2 or mine not in err or os.listdir(folder) != ["mine.txt"]:
            findings.append(f"weir bench path with a plain program that cannot run ends with {code}, leaves {os.listdir(folder)}: {err}")
        code, out, err = call(binary, *words, "--events", "20000", "--pairs", "1")
        figures = json.loads(out) if code == 0 else {}
        if figures.get("events") != 20000 or figures.get("pairs") != 1 or figures["ratio"]["min"] <= 0:
            findings.append(f"weir bench path ends with {code}: {out} {err}")
        if os.listdir(folder) != ["mine.txt"]:
            findings.append(f"weir bench path leaves {sorted(os.listdir(folder))}")


def check_quickstart(binary, findings):
    """Twice over the small sample, then every command it recommends."""
    with tempfile.TemporaryDirectory(prefix="weir-quickstart-") as folder:
        env = dict(os.environ, WEIR_SAMPLES=folder, NO_COLOR="1")
        for again in (False, True):
            done = subprocess.run([os.path.join(ROOT, "deploy", "quickstart"), "--binary", binary, "--data", os.path.join(folder, "data")],
                                  capture_output=True, text=True, timeout=SECONDS_MAX, env=env)
            lines = done.stdout.splitlines()
            if done.returncode != 0:
                findings.append(f"deploy/quickstart ends with {done.returncode}: {done.stderr}")
                return 0
            if not lines[0].startswith("input: tests/data/retail-small.csv") or folder not in lines[0]:
                findings.append(f"the first line of deploy/quickstart does not name its input and what was not there: {lines[0]}")
            if ("count as duplicates" in done.stdout) != again:
                findings.append("deploy/quickstart says of its {} run: {}".format("second" if again else "first", "\n".join(lines[:3])))
        commands = [line.strip() for line in lines[lines.index("Where to look next:") + 1:] if line.startswith("  ")]
        for command in commands:
            done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=SECONDS_MAX, cwd=ROOT)
            if done.returncode != 0 or not (done.stdout or command.startswith("cd ")):
                findings.append(f"deploy/quickstart recommends `{command}`, which ends with {done.returncode}: {done.stderr}")
        return len(commands)


def main():
    parse = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parse.add_argument("--binary", default=os.path.join(ROOT, "build", "release", "bin", "weir"))
    binary = os.path.abspath(parse.parse_args().binary)
    findings = []
    levels = check_help(binary, (), findings)
    check_wrong_words(binary, findings)
    check_bench_journal(binary, findings)
    check_bench_path(binary, findings)
    recommended = check_quickstart(binary, findings)
    if levels < 10 or recommended < 5:
        findings.append(f"only {levels} help texts and {recommended} recommended commands were found")
    print("\n".join(findings) if findings else f"{levels} help texts, {len(WRONG)} wrong words, {recommended} recommended commands")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
