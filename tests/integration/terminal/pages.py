"""Pages of help and tables fit the terminal; in a pipe nothing is cut."""

import os
import re
import subprocess

import screen
import shells

WIDTHS = (60, 80, 120)


def plain(args, env=None):
    environment = {k: v for k, v in os.environ.items() if k not in ("COLUMNS", "WEIR_DATA", "WEIR_NODE")}
    return subprocess.run(args, capture_output=True, env={**environment, **(env or {})}).stdout.decode(errors="replace")


def on_terminal(args, columns, env=None):
    return screen.run(args, columns=columns, env=env, stdout_alone=True)[2].decode(errors="replace").replace("\r\n", "\n")


def too_wide(text, columns):
    """Lines that go beyond, but for examples, which are there to be copied, and for what is one word."""
    examples = re.compile(r"Example: | {9}\S|Usage: ")
    return [line for line in text.split("\n") if len(line) > columns and not examples.match(line) and " " in line.strip() and
            not re.match(r"  \S+( \S+)?( \(required\))?$", line)]


def check_help(binary, findings):
    """Every level at every width: the words are the same, only the lines differ. Returns how many pages."""
    count = 0
    for path, _, _ in shells.levels(binary):
        args = [binary, *path, "--help"]
        words = plain(args).split()
        for columns in WIDTHS:
            text = on_terminal(args, columns)
            count += 1
            if wide := too_wide(text, columns):
                findings.append(f"{' '.join(('weir', *path))} --help at {columns} columns: {wide[0]!r}")
            if text.split() != words:
                findings.append(f"{' '.join(('weir', *path))} --help at {columns} columns has other words")
        if wide := too_wide(plain(args), 100):
            findings.append(f"{' '.join(('weir', *path))} --help in a pipe: {wide[0]!r}")
    return count


def check_tables(binary, folder, findings):
    data = os.path.join(folder, "retail")
    plain([binary, "run", "configs/pipelines/retail.yaml", "tests/data/retail-small.csv", "--data", data])
    for command in (["ledger"], ["query", "latest_by_stock"], ["dlq", "list"]):
        args = [binary, *command, "--data", data]
        whole = plain(args).split("\n")
        if max(map(len, whole)) <= 60:
            findings.append(f"{command}: too narrow to show anything")
        for columns, env in ((60, {}), (200, {"COLUMNS": "60"})):
            lines = on_terminal(args, columns, env).split("\n")
            if any(len(line) > 60 for line in lines):
                findings.append(f"{command} on a terminal of {columns} columns, {env}: {max(lines, key=len)!r}")
        if plain(args, {"COLUMNS": "60"}).split("\n") != whole:
            findings.append(f"{command}: cut in a pipe")


def run(binary, folder):
    findings = []
    count = check_help(binary, findings)
    check_tables(binary, folder, findings)
    print("\n".join(findings) if findings else f"{count} pages of help, 3 tables")
    return 1 if findings or count < 60 else 0
