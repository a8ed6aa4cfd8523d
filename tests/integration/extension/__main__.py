"""Stages of one's own, as their authors and operators meet them.

  python3 tests/integration/extension --binary WEIR --build BUILD_DIR --plugin PLUGIN.so --services PLUGIN.so [--cmake CMAKE] [--compiler CXX]

Installs the build into a scratch prefix, does everything that actors/EXTENDING.md says outside the source tree, with nothing of weir's
but that prefix, links a program of its own, and runs pipelines with PLUGIN.so (tests/unit/plugin/stages.cc) to exact totals, and a node with the
services of the other one (tests/unit/plugin/services.cc).
"""

import argparse
import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from outside import weir as outside  # noqa: E402

sys.dont_write_bytecode = True
import book  # noqa: E402
import linked  # noqa: E402
import running  # noqa: E402
import serving  # noqa: E402


def install(options, scratch):
    prefix = os.path.join(scratch, "prefix")
    done = subprocess.run([options.cmake, "--install", options.build, "--prefix", prefix], capture_output=True, text=True, timeout=120)
    if done.returncode != 0:
        raise outside.Broken(f"cmake --install ends with {done.returncode}: {done.stdout[-500:]}{done.stderr[-2000:]}")
    return prefix


def main():
    parse = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("--binary", "--build", "--plugin", "--services"):
        parse.add_argument(name, required=True)
    parse.add_argument("--cmake", default="cmake")
    parse.add_argument("--compiler", default="c++")
    parse.add_argument("--keep", action="store_true")
    options = parse.parse_args()
    weir = outside.Weir(outside.find_binary(options.binary, "weir"))
    findings = []
    with outside.Scratch(options.keep, "weir-extension-") as scratch:
        try:
            prefix = install(options, scratch)
            findings += book.check(prefix, scratch, options, weir.sanitized())
            findings += linked.check(scratch, book.environment(prefix, options, weir.sanitized()), options.plugin)
            findings += running.check(weir, options.plugin, scratch)
            findings += serving.check(weir, options.services, scratch)
        except (outside.Broken, outside.Hang, subprocess.TimeoutExpired) as broken:
            findings.append(str(broken))
    print("\n\n".join(findings) if findings else "a stage outside the source tree: built, tested, run, refused where it must be")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
