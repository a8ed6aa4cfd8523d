"""runner.py with stand-ins for the programs: what it makes of one that runs its time, one that finds something, and one that dies."""

import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
GOOD = """#!/bin/sh
echo "stat::number_of_executed_units: 1234" >&2
"""
# As libFuzzer: the input is written behind -artifact_prefix, and the exit code is not 0.
FINDS = """#!/bin/sh
for word in "$@"; do case "$word" in -artifact_prefix=*) prefix="${word#*=}" ;; esac; done
printf x > "${prefix}crash-1"
echo "broken promise: water is dry" >&2
exit 77
"""
DIES = """#!/bin/sh
echo "==1==ERROR: AddressSanitizer: something" >&2
exit 1
"""


def check(programs, wanted_code, words, absent=()):
    with tempfile.TemporaryDirectory() as build:
        os.makedirs(os.path.join(build, "bin"))
        for name, text in programs.items():
            path = os.path.join(build, "bin", name)
            with open(path, "w") as file:
                file.write(text)
            os.chmod(path, 0o755)
        done = subprocess.run([sys.executable, os.path.join(HERE, "runner.py"), "--build", build, "--seconds", "1"], capture_output=True, text=True)
        said = done.stdout + done.stderr
        wrong = [w for w in words if w.replace("BUILD", build) not in said] + [w for w in absent if w in said]
        if done.returncode != wanted_code or wrong:
            sys.exit(f"{sorted(programs)}: exit {done.returncode}, wanted {wanted_code}; wrong about {wrong}\n{said}")


def main():
    check({"fuzz_a": GOOD, "fuzz_stored_seeds": DIES}, 0, ["1 targets, 1 s each: nothing found", "1,234 inputs"], absent=["stored_seeds"])
    check({"fuzz_a": GOOD, "fuzz_b": FINDS}, 1, ["BUILD/fuzz-findings/b/crash-1", "broken promise: water is dry", "again: BUILD/bin/fuzz_b BUILD/fuzz-findings/b/crash-1", "1 found"])
    check({"fuzz_c": DIES}, 1, ["AddressSanitizer: something", "no input was written"])
    check({}, 2, ["build the preset fuzz"])
    print("4 cases")


if __name__ == "__main__":
    main()
