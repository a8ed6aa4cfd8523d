"""Runs the targets as libFuzzer built them, each for a time, and says where an input stands that broke one.

  python3 tests/fuzz/runner.py --build DIR --seconds N [--jobs N] [TARGET...]

Seeds are taken from DIR/fuzz-seeds; what reaches new code is kept in DIR/fuzz-corpus, so that a later run goes on from there;
an input that breaks a promise, takes longer than 25 s or more than 2 GiB goes to DIR/fuzz-findings.
Exit: 0 nothing was found, 1 something was, 2 there is nothing to run.
"""

import argparse
import concurrent.futures
import os
import re
import subprocess
import sys
import time

# Beyond its time a target may finish the input it is at.
SECONDS_MORE = 120


def targets_of(build):
    folder = os.path.join(build, "bin")
    names = sorted(n[len("fuzz_"):] for n in os.listdir(folder) if n.startswith("fuzz_")) if os.path.isdir(folder) else []
    return [n for n in names if n != "stored_seeds"]


def run(build, name, seconds):
    """(name, finding or None, what to say of it)"""
    corpus, findings, seeds = (os.path.join(build, f"fuzz-{kind}", name) for kind in ("corpus", "findings", "seeds"))
    for folder in (corpus, findings):
        os.makedirs(folder, exist_ok=True)
    before = set(os.listdir(findings))
    program = os.path.join(build, "bin", f"fuzz_{name}")
    args = [program, f"-max_total_time={seconds}", "-timeout=25", "-rss_limit_mb=2048", "-max_len=16384", "-print_final_stats=1",
            f"-artifact_prefix={findings}/"]
    if os.path.exists(seeds + ".dict"):
        args.append(f"-dict={seeds}.dict")
    start = time.monotonic()
    try:
        done = subprocess.run([*args, corpus, seeds], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, errors="replace",
                              timeout=seconds + SECONDS_MORE)
        code, said = done.returncode, done.stderr
    except subprocess.TimeoutExpired as hung:
        code, said = -1, (hung.stderr or b"").decode(errors="replace") + f"\nit did not end within {seconds + SECONDS_MORE} s"
    taken = max(time.monotonic() - start, 0.001)
    executed = re.search(r"number_of_executed_units:\s*(\d+)", said)
    count = int(executed.group(1)) if executed else 0
    summary = f"{count:,} inputs, {count / taken:,.0f} per second, {len(os.listdir(corpus)):,} kept"
    if code == 0:
        return name, None, summary
    new = sorted(set(os.listdir(findings)) - before)
    place = os.path.join(findings, new[0]) if new else "(no input was written)"
    lines = [line for line in said.splitlines() if re.search(r"broken promise|ERROR|runtime error|SUMMARY|terminate called|what\(\)|did not end", line)]
    why = "\n".join("  " + line for line in (lines or said.splitlines()[-15:])[:20])
    return name, place, f"{summary}\n{why}\n  again: {program} {place}"


def main():
    parse = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parse.add_argument("--build", required=True)
    parse.add_argument("--seconds", type=int, required=True)
    parse.add_argument("--jobs", type=int, default=1)
    parse.add_argument("target", nargs="*")
    options = parse.parse_args()
    known = targets_of(options.build)
    unknown = [t for t in options.target if t not in known]
    if unknown or not known:
        print(f"runner.py: there is no target {', '.join(unknown)}; there are: {', '.join(known) or 'none; build the preset fuzz'}", file=sys.stderr)
        return 2
    found = 0
    with concurrent.futures.ThreadPoolExecutor(max_workers=options.jobs) as pool:
        for name, place, said in pool.map(lambda t: run(options.build, t, options.seconds), options.target or known):
            found += place is not None
            print(f"{name:<14} {'FOUND ' + place + chr(10) + '  ' if place else ''}{said}", flush=True)
    print(f"{len(options.target or known)} targets, {options.seconds} s each: {found or 'nothing'} found")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
