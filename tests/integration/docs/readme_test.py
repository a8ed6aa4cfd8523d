"""Runs every `sh` block of README.md, in order and in one shell, and compares what it prints with the `text` block behind it.

  python3 tests/integration/docs/readme_test.py --binary PATH

The blocks run in a copy of what they name, so nothing of the project is touched. `deploy/quickstart` is run as it is;
`cmake` is a stand-in that checks the presets it is asked for, because the binary is there already, and no packages are
installed. In an expected text `…` stands for any text, a line of `…` alone for any lines. A block behind `<!-- full sample -->`
is compared only where WEIR_SAMPLES (default ../shared/data beside the project) has the full file.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.M | re.S)
MARK = "-- end of block --"
SECONDS_MAX = 240


class Block:
    def __init__(self, line, commands):
        self.line, self.commands, self.expected, self.full_sample = line, commands, None, False


def blocks_of(text):
    """The `sh` blocks, each with the `text` block that follows it before the next one."""
    blocks = []
    for match in FENCE.finditer(text):
        kind, body = match.groups()
        if kind == "sh":
            blocks.append(Block(text.count("\n", 0, match.start()) + 2, body))
        elif kind == "text":
            if not blocks or blocks[-1].expected is not None:
                raise ValueError(f"a text block without commands: {body[:60]!r}")
            blocks[-1].expected = body
            blocks[-1].full_sample = text[: match.start()].endswith("<!-- full sample -->\n")
    return blocks


def pattern_of(expected):
    """`…` is any text within a line, a line of it any lines."""
    parts = []
    for line in expected.rstrip("\n").split("\n"):
        parts.append(r"(?:[^\n]*\n)*?" if line == "…" else r"[^\n]*".join(re.escape(p) for p in line.split("…")) + r"[ ]*\n")
    return re.compile("".join(parts) + r"\Z")


def fits(expected, printed):
    return pattern_of(expected).match(printed if printed.endswith("\n") else printed + "\n") is not None


CMAKE = """#!/bin/sh
# Stands in for cmake: the presets must exist; there is nothing to build.
case "$*" in
  "--preset release"*|"--build --preset release"*) exit 0 ;;
  *) echo "cmake $*: not a command that builds" >&2; exit 1 ;;
esac
"""


def make_ground(folder, binary):
    """A copy of what the README names, with the binary where a build puts it."""
    for name in ("configs", "deploy"):
        shutil.copytree(os.path.join(ROOT, name), os.path.join(folder, name))
    shutil.copytree(os.path.join(ROOT, "tests", "data"), os.path.join(folder, "tests", "data"))
    os.makedirs(os.path.join(folder, "build", "release", "bin"))
    os.symlink(os.path.abspath(binary), os.path.join(folder, "build", "release", "bin", "weir"))
    with open(os.path.join(ROOT, "CMakePresets.json"), encoding="utf-8") as f:
        presets = json.load(f)
    if "release" not in [p["name"] for p in presets["buildPresets"]]:
        raise ValueError("CMakePresets.json has no build preset `release`")
    os.makedirs(os.path.join(folder, "stand-ins"))
    path = os.path.join(folder, "stand-ins", "cmake")
    with open(path, "w", encoding="utf-8") as f:
        f.write(CMAKE)
    os.chmod(path, 0o755)


def run(blocks, folder, samples):
    """What each block printed, and its exit code."""
    script = "exec 2>&1\n"
    for block in blocks:
        script += f"set -e\n{block.commands}\nset +e\nprintf '%s\\n' '{MARK}'\n"
    env = dict(os.environ, WEIR_NO_INSTALL="1", NO_COLOR="1", WEIR_SAMPLES=samples)
    env["PATH"] = os.path.join(folder, "stand-ins") + os.pathsep + env["PATH"]
    for name in ("WEIR_DATA", "WEIR_NODE", "WEIR_TOKEN_FILE", "WEIR_CA_FILE", "WEIR_ORDERS_TABLES", "WEIR_FAIL_POINT", "WEIR_DEFECT"):
        env.pop(name, None)
    done = subprocess.run(["bash", "-c", script], cwd=folder, env=env, capture_output=True, timeout=SECONDS_MAX)
    return done.stdout.decode("utf-8", "replace").split(MARK + "\n"), done.returncode


def check(readme, binary, samples):
    blocks = blocks_of(readme)
    if len(blocks) < 3:
        return [f"README.md has {len(blocks)} blocks of commands: are they still marked `sh`?"]
    findings = []
    full = os.path.exists(os.path.join(samples, "online-retail.csv.gz"))
    with tempfile.TemporaryDirectory(prefix="weir-readme-") as folder:
        make_ground(folder, binary)
        printed, code = run(blocks, folder, samples)
    ended = len(printed) - 1
    if code != 0 or ended != len(blocks):
        at = blocks[min(ended, len(blocks) - 1)]
        return [f"README.md:{at.line}: these commands end with {code}:\n{at.commands}\nthey print:\n{printed[-1][-2000:]}"]
    compared = 0
    for block, text in zip(blocks, printed):
        if block.expected is None or (block.full_sample and not full):
            continue
        compared += 1
        if not fits(block.expected, text):
            findings.append(f"README.md:{block.line}: these commands print something else than the README says:\n"
                            f"{block.commands}\nexpected:\n{block.expected}\nprinted:\n{text[-4000:]}")
    if not full:
        print(f"compared without the answers of the full sample: {samples} has no online-retail.csv.gz")
    if not findings:
        print(f"{len(blocks)} blocks of commands run, {compared} outputs compared")
    return findings


def main():
    parse = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parse.add_argument("--binary", default=os.path.join(ROOT, "build", "release", "bin", "weir"))
    options = parse.parse_args()
    samples = os.path.abspath(os.environ.get("WEIR_SAMPLES") or os.path.join(ROOT, "..", "shared", "data"))
    with open(os.path.join(ROOT, "README.md"), encoding="utf-8") as f:
        findings = check(f.read(), options.binary, samples)
    print("\n\n".join(findings), end="\n" if findings else "")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
