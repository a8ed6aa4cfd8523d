"""`weir up` and its clients: answers, acknowledgements through SIGKILL, tokens, stops.

  python3 tests/integration/node [--binary PATH] [--faults PATH] [--seed S] [--only NAME]

Exit: 0 PASS, 1 FAIL, 3 INVALID (a kill did not hit).
"""

import argparse
import os
import random
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.dirname(HERE)]
import answers  # noqa: E402
import kills  # noqa: E402
import reload  # noqa: E402
import supervision  # noqa: E402
from outside import weir as outside  # noqa: E402

CASES = {
    "answers": answers.calls_and_statuses,
    "formats": answers.formats_of_bodies,
    "pages": answers.pages_and_forms,
    "tokens": answers.reads_see_writes,
    "reload": reload.files_of_stages_change_without_a_pause,
    "supervision": supervision.a_quarantined_partition_is_named_and_released,
    "stop": answers.a_stop_keeps_what_was_acknowledged,
    "metrics": answers.metrics_and_their_page,
    "logs": answers.logs_are_lines_of_json,
    "busy_address": answers.an_address_that_is_taken_is_refused,
    "kills": kills.acknowledged_events_survive_kills,
    "fail_points": kills.a_kill_at_every_point_of_the_door,
}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--binary")
    parser.add_argument("--faults")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    parser.add_argument("--only", choices=CASES)
    options = parser.parse_args()
    weir = outside.Weir(outside.find_binary(options.binary, "weir"))
    faults = outside.Weir(outside.find_binary(options.faults, "weir-faults"))
    print(f"seed {options.seed}", flush=True)
    for name, case in CASES.items():
        if options.only and name != options.only:
            continue
        with outside.Scratch() as folder:
            try:
                case(weir, faults, folder, random.Random(f"{options.seed} {name}"))
            except kills.Invalid as e:
                print(f"INVALID {name}: {e}")
                return 3
            except (AssertionError, outside.Broken, outside.Hang) as e:
                print(f"FAIL {name}: {e}")
                return 1
        print(f"ok {name}", flush=True)
    print("PASS")
    return 0


if __name__ == "__main__":
    sys.exit(main())
