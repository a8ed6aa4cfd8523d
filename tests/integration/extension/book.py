"""actors/EXTENDING.md, done word by word: its commands, and the files that stand in it."""

import json
import os
import re
import subprocess
import sys

from outside import weir as outside
from outside.node import Node

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "docs"))
import readme_test  # noqa: E402

FILE = re.compile(r"^<!-- file: (\S+) -->\n```\w+\n(.*?)^```$", re.M | re.S)
PAGE = os.path.join("actors", "EXTENDING.md")
MORE = """
add_library({0} MODULE {0}.cc)
target_link_libraries({0} PRIVATE {1})
add_executable({0}_test {0}_test.cc {0}.cc)
target_link_libraries({0}_test PRIVATE {2})
target_compile_options({0} PRIVATE -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion -Werror)
target_compile_options({0}_test PRIVATE -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion -Werror)
add_test(NAME {0} COMMAND {0}_test)
"""
EXAMPLES = ["order_lines", "classify", "spool", "sheet", "spread"]
HEADERS = ["classify.h"]
SERVICES = ["heartbeat"]


def environment(prefix, options, sanitized):
    env = dict(os.environ, NO_COLOR="1", CMAKE_PREFIX_PATH=prefix, CXX=options.compiler, CMAKE_BUILD_PARALLEL_LEVEL="2")
    env["PATH"] = os.pathsep.join([os.path.join(prefix, "bin"), os.path.dirname(options.cmake)] + [env["PATH"]])
    if sanitized:  # the testkit has the sanitizer's code, so the program that links it needs its runtime
        env["CXXFLAGS"] = "-fsanitize=address,undefined"
    for name in ("WEIR_DATA", "WEIR_NODE", "CMAKE_GENERATOR", "DESTDIR"):
        env.pop(name, None)
    return env


def commands(page, folder, env):
    """The `sh` blocks in one shell; those behind which a `text` block stands print it."""
    blocks = readme_test.blocks_of(page)
    script = "exec 2>&1\n"
    for block in blocks:
        script += f"set -e\n{block.commands}\nset +e\nprintf '%s\\n' '{readme_test.MARK}'\n"
    done = subprocess.run(["bash", "-c", script], cwd=folder, env=env, capture_output=True, timeout=400)
    printed = done.stdout.decode("utf-8", "replace").split(readme_test.MARK + "\n")
    if done.returncode != 0 or len(printed) - 1 != len(blocks):
        at = blocks[min(len(printed), len(blocks)) - 1]
        return [f"{PAGE}:{at.line}: these commands end with {done.returncode}:\n{at.commands}\nthey print:\n{printed[-1][-4000:]}"]
    return [f"{PAGE}:{block.line}: these commands print something else than the page says:\n{block.commands}\nexpected:\n{block.expected}\nprinted:\n{text}"
            for block, text in zip(blocks, printed) if block.expected is not None and not readme_test.fits(block.expected, text)]


def files(page, folder, env):
    """The files of the page beside those that `weir new` writes, built with every warning an error, and tested."""
    found = FILE.findall(page)
    wanted = HEADERS + [one + end for one in EXAMPLES for end in (".cc", "_test.cc")] + [one + end for one in SERVICES for end in (".h", ".cc", "_test.cc")]
    if sorted(name for name, _ in found) != sorted(wanted):
        return [f"{PAGE} has the files {[name for name, _ in found]}: are they still marked <!-- file: NAME -->?"]
    for name, text in found:
        with open(os.path.join(folder, name), "w", encoding="utf-8") as f:
            f.write(text)
    with open(os.path.join(folder, "CMakeLists.txt"), "a", encoding="utf-8") as f:
        f.write("".join(MORE.format(one, "weir::stage", "weir::testkit") for one in EXAMPLES))
        f.write("find_package(weir REQUIRED COMPONENTS service)")
        f.write("".join(MORE.format(one, "weir::service", "weir::service") for one in SERVICES))
    examples = EXAMPLES + SERVICES
    targets = [one + end for one in examples for end in ("", "_test")]
    for step in (["cmake", "-S", ".", "-B", "build"],
                 ["cmake", "--build", "build", "--target"] + targets,
                 ["ctest", "--test-dir", "build", "-R", "|".join(f"^{one}$" for one in examples), "--output-on-failure", "--no-tests=error"]):
        done = subprocess.run(step, cwd=folder, env=env, capture_output=True, text=True, timeout=200)
        if done.returncode != 0:
            return [f"{PAGE}: {' '.join(step)} ends with {done.returncode}:\n{done.stdout[-4000:]}{done.stderr[-4000:]}"]
    return in_a_node(folder, env)


def in_a_node(folder, env):
    """The stage that answers from a thread of its own, in a node."""
    weir = outside.Weir(os.path.join(env["PATH"].split(os.pathsep)[0], "weir"))
    pipeline = os.path.join(folder, "classified.yaml")
    with open(pipeline, "w", encoding="utf-8") as f:
        f.write("pipeline: classified\nrecord: {id: id}\nstages: [{classify: {}}]\nviews: {classes: {group_by: [class], measures: {events: count}}}\n")
    node = Node(weir, pipeline, os.path.join(folder, "classified"), "--plugin", os.path.join(folder, "build", "libclassify.so"))
    node.until_ready()
    body = "".join(json.dumps({"id": str(i), "text": "!" if i % 3 == 0 else "."}) + "\n" for i in range(3_000))
    reply = node.call("POST", "/v1/events?wait=20s", body, {"Content-Type": "application/x-ndjson"})
    rows = sorted((row["class"], int(row["events"])) for row in node.rows("classes"))
    ended = node.stop()
    if reply.status != 202 or rows != [("calm", 2_000), ("loud", 1_000)] or ended.code != 0:
        return [f"{PAGE}: a node with classify says {rows}, answers {reply}, and ends with {ended.code}"]
    return []


def without_caf(scratch, env):
    """CAF is looked for only where services are asked for; then what is missing is named."""
    findings = []
    for folder, code, wanted in (("fraud_score", 0, ""), ("totals_watch", 1, "services are actors of CAF's, and CAF 0.")):
        done = subprocess.run(["cmake", "-S", folder, "-B", os.path.join(folder, "without_caf"), "-DCMAKE_DISABLE_FIND_PACKAGE_CAF=ON"], cwd=scratch, env=env,
                              capture_output=True, text=True, timeout=200)
        if (done.returncode != 0) != (code != 0) or wanted not in " ".join(done.stderr.split()):
            findings.append(f"cmake in {folder} without CAF ends with {done.returncode}: {done.stderr[-2000:]}")
    return findings


def headers(prefix):
    """The package shows nothing of weir's own, nor of its libraries."""
    findings = []
    folder = os.path.join(prefix, "include")
    for at, _, names in os.walk(folder):
        for name in names:
            path = os.path.relpath(os.path.join(at, name), folder)
            with open(os.path.join(at, name), encoding="utf-8") as f:
                for header in re.findall(r'#include ["<]([^">]+)', f.read()):
                    if header.startswith("caf/") and name.startswith("service"):
                        continue  # a service is an actor of CAF's
                    if not header.startswith("weir/") and ("/" in header or (header.endswith(".h") and header != "stdint.h")):
                        findings.append(f"the installed {path} includes {header}")
    return findings


def check(prefix, scratch, options, sanitized):
    with open(os.path.join(outside.repository(), PAGE), encoding="utf-8") as f:
        page = f.read()
    env = environment(prefix, options, sanitized)
    findings = headers(prefix) + commands(page, scratch, env)
    findings += without_caf(scratch, env) if not findings else []
    return findings or files(page, os.path.join(scratch, "fraud_score"), env)
