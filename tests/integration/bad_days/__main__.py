"""Bad input and bad days, through the command line.

  python3 tests/integration/bad_days [--binary PATH] [--only PART-OF-A-NAME] [--seed S] [--list] [--keep]

Exit: 0 all passed (skipped ones are named), 1 something failed, 77 no program.
"""

import argparse
import os
import random
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.dirname(HERE)]
from outside import weir as outside  # noqa: E402
import ground  # noqa: E402
import bad_inputs, bad_frames, directories, interruptions, damage, late_events  # noqa: E401,E402,F401


def main():
    parse = argparse.ArgumentParser(
        prog="bad_days", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parse.add_argument("--binary")
    parse.add_argument("--only", default="", help="cases whose name, or whose file's name, contains this")
    parse.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    parse.add_argument("--list", action="store_true")
    parse.add_argument("--keep", action="store_true")
    options = parse.parse_args()
    chosen = [c for c in ground.CASES if options.only in c.__name__ or options.only == c.__module__]
    if options.list:
        for c in chosen:
            print(f"{c.__module__}: {c.__name__.replace('_', ' ')}")
        return 0
    weir = outside.Weir(outside.find_binary(options.binary, "weir"))
    beside = os.path.join(os.path.dirname(weir.binary), "weir-faults")
    faults = beside if os.access(beside, os.X_OK) else None
    sys.stdout.reconfigure(line_buffering=True)
    print(f"seed {options.seed}")
    failed, skipped, started = [], [], time.monotonic()
    for c in chosen:
        name, begun = c.__name__.replace("_", " "), time.monotonic()
        with outside.Scratch(options.keep) as folder:
            try:
                c(ground.Ground(weir, folder, random.Random(f"{options.seed} {name}"), faults))
                print(f"ok   {name} ({time.monotonic() - begun:.1f} s)")
            except ground.Skipped as why:
                skipped.append(name)
                print(f"skip {name}: {why}")
            except (ground.Failed, outside.Broken, outside.Hang) as wrong:
                failed.append(name)
                print(f"FAIL {name}: {wrong}")
            except (
                Exception
            ) as wrong:  # an answer of another form than promised is a finding, not a crash of the checker
                failed.append(name)
                print(f"FAIL {name}: {type(wrong).__name__}: {wrong}")
    print(
        f"{'FAIL' if failed else 'PASS'}: {len(chosen) - len(failed) - len(skipped)} passed, {len(failed)} failed, "
        f"{len(skipped)} skipped, {time.monotonic() - started:.0f} s"
    )
    if failed:
        print(f"repeat: python3 tests/integration/bad_days --seed {options.seed}")
    return 1 if failed or not chosen else 0


if __name__ == "__main__":
    sys.exit(main())
