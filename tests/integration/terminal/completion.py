"""Completion by real shells, against what --help says of every level."""

import os
import re
import shutil
import subprocess
import sys

import shells

SCRIPT = r"""
source <(weir completion bash) || exit 9
COMP_LINE=$1 COMP_POINT=${#1} COMP_TYPE=9
shift
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
_weir weir
((${#COMPREPLY[@]})) && printf '%s\n' "${COMPREPLY[@]}"
exit 0
"""


def replies(binary, folder, line):
    """COMPREPLY for a line, its words broken as bash breaks them."""
    words = [w for w in re.findall(r"[^\s=:]+|[=:]+", line)]
    if re.search(r"\s$", line):
        words.append("")
    done = subprocess.run(["bash", "--noprofile", "--norc", "-c", SCRIPT, "bash", line, *words], capture_output=True, text=True, cwd=folder,
                          env={**os.environ, "PATH": os.path.dirname(binary) + ":" + os.environ["PATH"]})
    if done.returncode != 0 or done.stderr:
        sys.exit(f"bash completion of {line!r} ends with {done.returncode}: {done.stderr}")
    return sorted(done.stdout.split("\n")[:-1])


def make_files(folder):
    os.makedirs(os.path.join(folder, "pipes"))
    os.makedirs(os.path.join(folder, "sales data"))
    for name in ("pipes/retail.yaml", "pipes/retail.csv", "orders.yaml", "orders.ndjson", "notes.yml", "a:b.csv"):
        open(os.path.join(folder, name), "w").close()


# What is typed -> what the shell makes of it. Both shells agree but for the character behind a directory or a word.
LINES = {
    "weir jour": "weir journal ",
    "weir journal ver": "weir journal verify ",
    "weir dlq export --rea": "weir dlq export --reason",
    "weir ledger --output j": "weir ledger --output json ",
    "weir ledger --output=j": "weir ledger --output=json ",
    "weir lint --schema=no": "weir lint --schema=node ",
    "weir run orders.": "weir run orders.yaml ",
    "weir run pipes/": "weir run pipes/retail.yaml ",
    "weir run orders.yaml orders.nd": "weir run orders.yaml orders.ndjson ",
    "weir run --format csv orders.yaml pipes/retail.c": "weir run --format csv orders.yaml pipes/retail.csv ",
    "weir run orders.yaml --format cl": "weir run orders.yaml --format cloudevents ",
    "weir run orders.yaml --input pipes/retail.c": "weir run orders.yaml --input pipes/retail.csv ",
    "weir query --node http://127.0.0.1:7070 revenue --outp": "weir query --node http://127.0.0.1:7070 revenue --output",
    "weir completion z": "weir completion zsh ",
    "weir query --data pi": "weir query --data pipes/",
    "weir journal verify --data sa": "weir journal verify --data sales\\ data/",
    "weir where --field Country=Fr": "weir where --field Country=Fr",
}


def check_lines(shell, findings):
    for typed, wanted in LINES.items():
        got = shell.complete(typed)
        if got.rstrip(" /=") != wanted.rstrip(" /="):
            findings.append(f"{typed!r} becomes {got!r}, not {wanted!r}")


def check_every_option(shell, binary, findings):
    """Each command and option of each level, typed but for its last letter. Returns how many."""
    count = 0
    for path, commands, options in shells.levels(binary):
        for names in (commands, [name for name, _ in options if name.startswith("--")]):
            for name in names:
                if sum(other.startswith(name[:-1]) for other in names) != 1:
                    continue
                typed = " ".join(("weir", *path, name[:-1]))
                got = shell.complete(typed)
                count += 1
                if got.rstrip(" =") != " ".join(("weir", *path, name)):
                    findings.append(f"{typed!r} becomes {got!r}")
    return count


def check_replies(binary, folder, findings):
    """Exactly what --help says, of every level: commands, options, words of a value. Returns how many levels."""
    count = 0
    for path, commands, options in shells.levels(binary):
        front = " ".join(("weir", *path))
        names = sorted(name for name, _ in options)
        for line, wanted in ((f"{front} ", sorted(commands) if commands else None), (f"{front} -", names)):
            if wanted is not None and replies(binary, folder, line) != wanted:
                findings.append(f"{line!r}: {replies(binary, folder, line)}, --help says {wanted}")
        for name, value in options:
            got = replies(binary, folder, f"{front} {name} ")
            if re.fullmatch(r"[a-z_|]+", value) and "|" in value and got != sorted(value.split("|")):
                findings.append(f"{front} {name}: {got}, --help says {value}")
            if value and value.isupper() and value not in ("DIR", "FILE") and got:
                findings.append(f"{front} {name} {value}: offers {got}")
        count += 1
    for line, wanted in {"weir run ": ["notes.yml", "orders.yaml", "pipes", "sales data"], "weir ledger --output=": ["csv", "json", "table"],
                         "weir where --data ": ["pipes", "sales data"], "weir run orders.yaml - ": sorted(os.listdir(folder)), "weir query ": sorted(
                             n for n, _ in next(o for p, _, o in shells.levels(binary) if p == ("query",))),
                         "weir run orders.yaml a:": ["b.csv"], "weir run -- --": []}.items():
        got = [g for g in replies(binary, folder, line) if not g.startswith(".")]
        if got != [w for w in wanted if not w.startswith(".")]:
            findings.append(f"{line!r}: {got}, wanted {wanted}")
    return count


def run(kind, binary, folder):
    if shutil.which(kind) is None:
        print(f"{kind} is not here")
        return 77
    findings = []
    make_files(folder)
    shell = shells.Shell(kind, binary, folder)
    check_lines(shell, findings)
    count = check_every_option(shell, binary, findings)
    shell.close()
    levels = check_replies(binary, folder, findings) if kind == "bash" else 0
    print("\n".join(findings) if findings else f"{len(LINES)} lines, {count} commands and options typed, {levels} levels compared with --help")
    return 1 if findings or count < 60 else 0
