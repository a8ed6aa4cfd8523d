"""Runs configs/pipelines/retail.yaml over real sales lines and compares every number with the truth of the raw file.

  python3 tests/integration/retail/check_retail.py FILE [--binary PATH] [--kills N] [--seed S] [--again]

FILE: `small` (tests/data/retail-small.csv with over-long lines added), `small.gz` (the same, packed), `full`
(online-retail.csv.gz in $WEIR_SAMPLES), or a path. --kills N: the run is killed with SIGKILL N times, after a
random part of its work, and started again; the answers must be the same. --again: then the finished file is read once more, and
every line of it must count as a duplicate.
Exit: 0 PASS, 1 FAIL, 3 INVALID (the kills did not hit), 77 skipped.
"""

import argparse
import gzip
import os
import random
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.dirname(HERE)]
from outside import compare, weir as outside  # noqa: E402
import answers  # noqa: E402
import truth as truths  # noqa: E402

ROOT = outside.repository()
PIPELINE = os.path.join(ROOT, "configs", "pipelines", "retail.yaml")
COUNTRIES = os.path.join(ROOT, "configs", "pipelines", "countries.csv")
SMALL = os.path.join(ROOT, "tests", "data", "retail-small.csv")
INVALID = 3


def small_input() -> bytes:
    """The hand-written lines, and what is too long to be kept in a repository: frames at and just over the limit."""
    with open(SMALL, "rb") as f:
        data = f.read() + b"\n"
    for note, size in (("just fits", truths.EVENT_BYTES_MAX), ("one byte too long", truths.EVENT_BYTES_MAX + 1)):
        line = f"581600,LONG,{note} @,2,2011-12-09 12:50:00,1.25,12680.0,France".encode()
        data += line.replace(b"@", b"x" * (size - len(line) + 1)) + b"\n"
    return data + b"581601,LONG,the neighbour,2,2011-12-09 12:50:00,1.25,12680.0,France\n"


def input_file(name, scratch):
    """(path, bytes) of the input that `name` stands for; exits 77 when the sample is not there."""
    if name in ("small", "small.gz"):
        data = small_input()
        path = os.path.join(scratch, "retail-small.csv" + name.removeprefix("small"))
        with (gzip.open if name == "small.gz" else open)(path, "wb") as f:
            f.write(data)
        return path, data
    if name == "full":
        samples = os.environ.get("WEIR_SAMPLES") or os.path.join(ROOT, "..", "shared", "data")
        name = os.path.join(samples, "online-retail.csv.gz")
    if not os.path.exists(name):
        print(f"skipped: the sample {name} does not exist; WEIR_SAMPLES names the folder of the samples")
        sys.exit(outside.SKIP)
    return name, truths.read_file(name)


def run_with_kills(weir, path, data, kills, seed):
    """Runs to the end; `kills` times the process is killed first. Returns (the last run, how many kills met a process,
    the answer digest of a run that nobody disturbed).

    A kill comes when a part of what an undisturbed run writes is written, drawn from what is left; a rerun that got to
    its end before its kill counts as no hit. A killed run that had printed its summary may have been marked finished:
    then nothing may be run again.
    """
    chance = random.Random(seed)
    args = ("run", PIPELINE, path, "--data", data)
    total, digest = 0, None
    if kills:
        with outside.Scratch() as other:
            quiet = os.path.join(other, "D")
            total = bytes_of_a_run(weir.start("run", PIPELINE, path, "--data", quiet))
            digest = answer_digest(weir, quiet)
    hits, left = 0, total
    for _ in range(kills):
        process = weir.start(*args)
        # Not the very end: behind the summary the file may count as finished and be read again as duplicates.
        written = process.until_written(chance.uniform(0, 0.6 * left), 600)
        struck = written is not None and process.kill()
        ended = process.finish(30)
        if struck:
            hits += 1
            left -= written
        if ended.out:
            break
    else:
        return weir.expect(0, *args, timeout=600), hits, digest
    if ended.code not in (0, -9):
        raise outside.Broken(f"{ended}\n  expected exit code 0")
    return ended, hits, digest


def bytes_of_a_run(process):
    """Lets it run to its end; how much it had written shortly before."""
    last = 0
    while (written := process.bytes_written()) is not None:
        last = written
        process.wait(0.005)
    ended = process.finish(600)
    if ended.code != 0:
        raise outside.Broken(f"{ended}\n  expected exit code 0")
    return last


def answer_digest(weir, data):
    return weir.expect(0, "digest", "--data", data, "--output", "json", timeout=300).out


def judge(weir, truth, data, form):
    findings = compare.Findings()
    try:
        findings = answers.compare_all(truth, answers.Answers.ask(weir, data, form))
    except (outside.Broken, ValueError, KeyError, TypeError, AttributeError) as wrong:
        findings.add(f"the answers are not of the promised form: {type(wrong).__name__}: {wrong}")
    return findings


def verdict(findings, summary):
    print(("FAIL: " if findings else "PASS: ") + summary + (f"; {len(findings)} findings" if findings else ""))
    findings.show()
    return 1 if findings else 0


def main():
    parse = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parse.add_argument("file")
    parse.add_argument("--binary")
    parse.add_argument("--kills", type=int, default=0)
    parse.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    parse.add_argument("--again", action="store_true")
    parse.add_argument("--keep", action="store_true", help="keep the scratch folder")
    options = parse.parse_args()
    weir = outside.Weir(outside.find_binary(options.binary, "weir"))
    with outside.Scratch(options.keep) as scratch:
        path, raw = input_file(options.file, scratch)
        started = time.monotonic()
        truth = truths.Truth(COUNTRIES).read(raw)
        if os.path.basename(path) == "online-retail.csv.gz":
            found = truths.known_facts_of(truth)
            assert found == truths.KNOWN, f"this script disagrees with the known facts: {found}"
        data = os.path.join(scratch, "D")
        if options.kills:
            print(f"seed {options.seed}")
        run, hits, digest = run_with_kills(weir, path, data, options.kills, options.seed)
        summary = f"{os.path.basename(path)}: {truth.ledger()}, last run {run.seconds:.2f} s, {hits} kills hit"
        findings = judge(weir, truth, data, "csv" if options.file == "full" else "json")
        if not findings and options.file != "full":
            findings = judge(weir, truth, data, "csv")
        if options.kills and digest != answer_digest(weir, data):
            findings.add(f"answer digest {answer_digest(weir, data)} differs from that of an undisturbed run, {digest}")
        if not findings and options.again:
            weir.expect(0, "run", PIPELINE, path, "--data", data, timeout=600)
            truth.read(raw)
            findings = judge(weir, truth, data, "csv")
            summary += "; read again: all duplicates"
        summary += f", all {time.monotonic() - started:.0f} s"
        if options.kills and not findings and hits * 2 < options.kills:
            print(f"INVALID: {summary}: only {hits} of {options.kills} kills met a running process")
            return INVALID
        return verdict(findings, summary)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (outside.Broken, outside.Hang) as wrong:
        print(f"FAIL: {type(wrong).__name__}: {wrong}")
        sys.exit(1)
