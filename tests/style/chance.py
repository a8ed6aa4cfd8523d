"""No clock, no chance and no sleep outside runtime/adapters: deciders get time and randomness as arguments.

Tests do not sleep, and their randomness is seeded; benchmarks may look at the clock. Fail points stay out of headers.
"""
import re

import tree

CLOCK = re.compile(
    r"\b(system_clock|steady_clock|high_resolution_clock|file_clock|clock_gettime|gettimeofday|timespec_get|localtime(_r)?|strftime)\b"
    r"|\bstd::(time|clock)\s*\(|(?<![\w.:>])time\s*\(\s*(NULL|nullptr|0|&)")
CHANCE = re.compile(r"\b(random_device|arc4random\w*|getrandom|getentropy|drand48|lrand48)\b|(?<![\w.>])s?rand\s*\(")
SEEDED = re.compile(r"\b(mt19937(_64)?|minstd_rand0?|default_random_engine|ranlux\w+|knuth_b)\b")
SLEEP = re.compile(r"\b(sleep_for|sleep_until|usleep|nanosleep|clock_nanosleep)\b|(?<![\w.>])sleep\s*\(")
FAIL_POINT = re.compile(r"\bWEIR_(FAIL_POINT(_TRY|_IF)?|DEFECT)\s*\(")
HOME_OF_FAIL_POINTS = "runtime/base/fail_point.h"


def rules(path):
    if path.startswith("runtime/adapters/"):
        return []
    if path.startswith("tests/bench/"):
        return [(CHANCE, "chance"), (SLEEP, "sleep")]
    if path.startswith("tests/"):
        return [(CHANCE, "unseeded chance"), (SLEEP, "sleep")]
    if path.startswith(("runtime/", "actors/", "cluster/", "chaos/")):
        return [(CLOCK, "clock"), (CHANCE, "chance"), (SEEDED, "chance"), (SLEEP, "sleep")]
    return []


def check(root):
    breaches = []
    for path in tree.files(root):
        if not tree.is_cpp(path):
            continue
        text = tree.read(root, path)
        if text is None:
            continue
        for number, line in enumerate(tree.code_of(text).split("\n"), 1):
            for pattern, what in rules(path):
                found = pattern.search(line)
                if found:
                    breaches.append(f"{path}:{number}: {what} ({found.group(0).strip()}) outside runtime/adapters; take it as an "
                                    "argument or through a port")
            if path.endswith(".h") and path != HOME_OF_FAIL_POINTS and FAIL_POINT.search(line):
                breaches.append(f"{path}:{number}: a fail point in a header would be compiled both ways into one program")
    return breaches
