"""Snapshots of a node, made, kept and restored, through kills and damage.

  python3 tests/integration/snapshots [--binary PATH] [--faults PATH] [--only NAME]

Exit: 0 PASS, 1 FAIL, 77 no program.
"""

import argparse
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.dirname(HERE)]
import making  # noqa: E402
import past  # noqa: E402
import restoring  # noqa: E402
import trimming  # noqa: E402
import trying  # noqa: E402
from outside import weir as outside  # noqa: E402

CASES = {
    "making": making.made_kept_and_listed,
    "interval": making.on_their_interval,
    "kills": making.killed_while_making,
    "lost": restoring.a_state_that_is_lost,
    "damaged": restoring.a_state_that_is_damaged,
    "fallback": restoring.a_snapshot_that_is_damaged,
    "restore_kills": restoring.killed_while_restoring,
    "trials": trying.good_ones,
    "bad_trials": trying.bad_ones,
    "foreign": trying.a_snapshot_of_another_past,
    "past": past.views_as_they_were,
    "horizon": past.the_horizon,
    "trim": trimming.what_nobody_needs_goes,
    "lagging": trimming.a_partition_that_lags_pins_nobody,
    "sink": trimming.what_a_sink_has_not_taken_stays,
}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--binary")
    parser.add_argument("--faults")
    parser.add_argument("--only", choices=CASES)
    options = parser.parse_args()
    weir = outside.Weir(outside.find_binary(options.binary, "weir"))
    faults = outside.Weir(outside.find_binary(options.faults, "weir-faults"))
    for name, case in CASES.items():
        if options.only and name != options.only:
            continue
        with outside.Scratch() as folder:
            try:
                case(weir, faults, folder)
            except (AssertionError, outside.Broken, outside.Hang) as e:
                print(f"FAIL {name}: {e}")
                return 1
        print(f"ok {name}", flush=True)
    print("PASS")
    return 0


if __name__ == "__main__":
    sys.exit(main())
