"""A run whose log breaks its promises must not go on for ever: it ends by itself, with exit 5 and the damage."""

import os
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.dirname(HERE)]
from outside import weir as outside  # noqa: E402
import workload  # noqa: E402

EVENTS = 60_000  # more than a door may have undecided: a quarantined partition must not keep its credits
PATIENCE = 60  # s; the restarts pause 2.6 s in all


def main():
    faults = outside.Weir(sys.argv[1], {"WEIR_DEFECT": "refused_moved_and_resent"})
    with tempfile.TemporaryDirectory(prefix="weir-ends-") as folder:
        path = os.path.join(folder, "events.ndjson")
        workload.write_file(path, [workload.event(5, i) for i in range(EVENTS)])
        ended = faults.call(
            "run", os.path.join(HERE, "pipeline.yaml"), path, "--data", os.path.join(folder, "D"), timeout=PATIENCE
        )
    for what, right in (
        ("exit code 5", ended.code == 5),
        ("the damage", "log is damaged" in ended.text),
        ("the partition", "quarantined" in ended.text),
        ("what is kept", "are kept" in ended.text),
    ):
        if not right:
            print(f"{ended}\nexpected: {what}")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
