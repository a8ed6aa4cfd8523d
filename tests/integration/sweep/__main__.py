"""Every fail point that weir-faults lists, once with a death and once with an error, under load; what is left is judged from outside.

  python3 tests/integration/sweep [--binary PATH] [--faults PATH] [--only POINT[,POINT…]] [--seed N]
  python3 tests/integration/sweep --defect NAME        a deliberate defect of weir-faults, which must be found

First the life of a shop is lived undisturbed, chapter by chapter, and what is passed in each is written down. Then, for each point and
each fault, one of the chapters that pass it is lived from where it began, with the fault at one of its passes; it is begun again until
it is done; then all that was given is compared. Exit: 0 PASS (with --defect: CAUGHT), 1 FAIL (also when a point is never passed or a
fault does not come; with --defect: MISSED), 77 no program.
"""

import argparse
import collections
import concurrent.futures
import os
import random
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.dirname(HERE)]
from life import CHAPTERS, Life, Unfinished, judge, told  # noqa: E402
from outside import weir as outside  # noqa: E402
from outside.weir import Broken, Hang  # noqa: E402
from place_server import Places  # noqa: E402

FAULTS = ("kill", "error")
NOT_COME = ": the fault did not come"
AGAIN_MAX = 3  # lives of a chapter after the one with the fault


def points_of(faults):
    return {line.split()[0]: line.split()[1] for line in faults.expect(0, "fail-points").out.decode().splitlines()}


def passed(path):
    """Of one process: how often each point was passed, and what struck where."""
    counts, struck = collections.Counter(), []
    if os.path.exists(path):
        with open(path, encoding="ascii") as f:
            for line in f:
                words = line.split()
                counts[words[0]] += 1
                struck += [tuple(words)] if len(words) == 2 else []
    return counts, struck


def copy(before, folder):
    subprocess.run(["cp", "-a", "--sparse=always", before + "/.", folder], check=True)


def undisturbed(weir, faults, folder):
    """Lives all chapters, keeps what was there before each; chapter -> counts by point."""
    counts = {}
    life_folder = os.path.join(folder, "life")
    os.mkdir(life_folder)
    with Places() as places:
        life = Life(weir, faults, life_folder, places)
        for chapter in CHAPTERS:
            before = os.path.join(folder, "before-" + chapter)
            os.mkdir(before)
            copy(life_folder, before)
            note = os.path.join(folder, "passed-" + chapter)
            try:
                getattr(life, chapter)({"WEIR_FAIL_POINTS_PASSED": note})
            except Unfinished:
                raise Broken(f"{chapter}, undisturbed: {life.ended}") from None
            judge(life, chapter)
            counts[chapter] = passed(note)[0]
    return counts


class Trial:
    """One fault at one point."""

    def __init__(self, weir, faults, folder, point, fault, chapter, number):
        self.weir, self.faults, self.folder = weir, faults, folder
        self.point, self.fault, self.chapter, self.number = point, fault, chapter, number
        self.what = f"{point} {fault} at pass {number} of {chapter}"

    def run(self):
        """What became of the process that was struck; None: the fault did not come."""
        with outside.Scratch() as folder, Places() as places:
            copy(os.path.join(self.folder, "before-" + self.chapter), folder)
            life = Life(self.weir, self.faults, folder, places)
            note = os.path.join(folder, "passed")
            plan = f"{self.point}:{self.number}" + (":error" if self.fault == "error" else "")
            try:
                fate = self._struck(life, {"WEIR_FAIL_POINT": plan, "WEIR_FAIL_POINTS_PASSED": note})
                if passed(note)[1] != [(self.point, self.fault)]:
                    return None
                if self.fault == "kill" and fate != "died":
                    raise Broken(f"it was killed and {fate}")
                if fate != "lived on":
                    self._again(life)
                judge(life, self.chapter)
            except (Broken, Hang) as problem:
                raise Broken(f"{self.what}: {problem}") from None
            return fate

    def _struck(self, life, env):
        try:
            getattr(life, self.chapter)(env)
            return "lived on"
        except Unfinished:
            ended = life.ended
        if ended.code == -9 and self.fault == "kill":
            return "died"
        if ended.code < 0:
            raise Broken(f"an error must not end the process like that: {ended}")
        # It stops loudly: who runs it reads why.
        if ended.code == 0 or "fail point" not in ended.text and "error before" not in ended.text:
            raise Broken(f"it ended and does not say why: {ended}")
        return f"ended with {ended.code}: {told(ended.text)}"

    def _again(self, life):
        for _ in range(AGAIN_MAX):
            try:
                return getattr(life, self.chapter)({})
            except Unfinished:
                if life.ended.code < 0:
                    break
        raise Broken(f"it is never done: {life.ended}")


def trials_of(weir, faults, folder, counts, points, chance):
    for point in points:
        chapters = [chapter for chapter in CHAPTERS if counts[chapter][point]]
        # Under load, where it is passed at all then.
        chapters = [chapter for chapter in chapters if chapter != "drop"] or chapters
        for fault in FAULTS:
            chapter = chance.choices(chapters, [counts[chapter][point] for chapter in chapters])[0]
            # Rather deep in the chapter, but not where another course may end before.
            number = chance.randrange(1, max(1, counts[chapter][point] * 2 // 3) + 1)
            yield Trial(weir, faults, folder, point, fault, chapter, number)


def sweep(weir, faults, folder, points, chance):
    counts = undisturbed(weir, faults, folder)
    never = [point for point in points if not any(counts[chapter][point] for chapter in CHAPTERS)]
    if never:
        raise Broken(f"no chapter of tests/integration/sweep/life.py passes {', '.join(never)}: give it one that does")
    print(f"{sum(sum(c.values()) for c in counts.values())} passes in an undisturbed life", flush=True)

    def one(trial):
        fate = trial.run()
        if fate is None and trial.number != 1:
            trial.number = 1
            fate = trial.run()
        return fate

    fates, problems = collections.defaultdict(dict), []
    trials = list(trials_of(weir, faults, folder, counts, points, chance))
    # In threads: a process of the test ends when the thread does that started it, and these live until all is done.
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for trial, future in [(trial, pool.submit(one, trial)) for trial in trials]:
            try:
                fate = future.result()
                if fate is None:
                    problems.append(trial.what + NOT_COME)
                else:
                    fates[trial.point][trial.fault] = fate
                    print(f"ok {trial.what}: {fate}", flush=True)
            except (Broken, Hang) as problem:
                problems.append(str(problem))
                print(f"not ok {problem}", flush=True)
    missing = [point for point in points if set(fates[point]) != set(FAULTS)]
    return problems, missing


def verdict_on_defect(options, problems):
    """A fault that did not come says nothing of it."""
    found = [problem for problem in problems if not problem.endswith(NOT_COME)]
    if found:
        print(f"CAUGHT: defect {options.defect}: {found[0][:600]}")
        return 0
    print(f"MISSED: defect {options.defect} (seed {options.seed})")
    return 1


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary")
    parser.add_argument("--faults")
    parser.add_argument("--only", default="")
    parser.add_argument("--defect")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    options = parser.parse_args()
    weir = outside.Weir(outside.find_binary(options.binary, "weir"))
    faults = outside.Weir(outside.find_binary(options.faults, "weir-faults"), {"WEIR_DEFECT": options.defect} if options.defect else None)
    only = options.only.split(",") if options.only else []
    points = [p for p in points_of(faults) if not only or p in only]
    print(f"seed {options.seed}, {len(points)} fail points", flush=True)
    with outside.Scratch() as folder:
        try:
            problems, missing = sweep(weir, faults, folder, points, random.Random(options.seed))
        except (Broken, Hang) as problem:
            problems, missing = [str(problem)], []
    if options.defect:
        return verdict_on_defect(options, problems)
    for problem in problems:
        print(f"FAIL (seed {options.seed}): {problem[:2000]}")
    if problems or missing or not points:
        print(f"FAIL: not hit with both faults: {', '.join(missing)}" if missing else "FAIL")
        return 1
    print(f"PASS: {len(points)} fail points, each with a death and with an error")
    return 0


if __name__ == "__main__":
    sys.exit(main())
