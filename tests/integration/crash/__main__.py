"""Kills weir again and again and judges what is left with a model of its own.

  python3 tests/integration/crash --kills 50 [--seed S] [--binary PATH] [--faults PATH]
  python3 tests/integration/crash --power-cuts --kills 10
  python3 tests/integration/crash --serve --kills 50 [--power-cuts]   a node under clients, whose pipeline changes
  python3 tests/integration/crash --defect from_not_checked        must be caught
  python3 tests/integration/crash --disturb fail_syncs             must change nothing

Verdicts: PASS (exit 0), FAIL (1), INVALID (3: the faults met nothing, so nothing is proved), skipped (77).
With --defect: CAUGHT (0) or MISSED (1). A disturbance is harmless where the product keeps its promises: PASS or FAIL.
"""

import argparse
import os
import random
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.dirname(HERE)]
from outside import weir as outside  # noqa: E402
import campaign as campaigns  # noqa: E402
import faults  # noqa: E402
import serving  # noqa: E402

PASS, FAIL, INVALID = 0, 1, 3

# What shows each deliberate defect here; the seeded simulation finds every one of them too.
CAUGHT_BY = {
    "ack_before_sync": "kill: a commit covers events that were acknowledged from memory",
    "commit_past_durable_ingest": "kill: a commit has overtaken its events",
    "dedupe_not_in_commit": "kill: what was decided before is decided again",
    "from_not_checked": "each group is handed in twice",
    "late_by_last_commit": "what is late depends on where commits end",
    "refused_moved_and_resent": "each group is handed in twice, and the second one is refused",
    "stale_frame_accepted": "a failed sync: the frame is written again, the first copy is void",
    "unknown_taken_for_committed": "a lost commit",
}
# What shows these is a node that serves (--serve).
CAUGHT_SERVING = {
    "distinct_lost_on_merge": "a distinct count over partitions is too small",
    "http_ack_before_durable": "kill: an acknowledged event is lost",
    "ids_not_read_back": "stop or kill: what was decided before is decided again",
    "read_before_apply": "a read with the token of an acknowledgement does not see its event",
    "rebuild_skips_a_commit": "a change of the pipeline: a view built anew lacks what its first commit held",
    "rules_hash_kept": "a change of the pipeline: the biography names other rules than the record",
    "token_ignored": "a read with the token of an acknowledgement does not see its event",
    "wait_counts_accepted": "?wait says served of what is not",
}
# Only the simulation shows these: the requests here are not refused, and nobody asks here for the life of every event.
CAUGHT_ELSEWHERE = {
    "audit_skipped": "simulation: a letter is changed and nobody is on record for it",
    "biography_skips_commits": "simulation: the life of an event lacks a commit that its log has",
    "cursor_lags_flush": "simulation: a commit is applied to a state that has it",
    "drop_counted_as_expired": "simulation: the ledger is not the model's",
    "edited_for_original": "simulation: a letter does not hold what came",
    "given_up_late": "simulation: an event has one try too many",
    "held_key_forgotten": "simulation: an event overtakes a parked one of its key",
    "parked_not_flushed": "simulation: what is parked is gone with a restart",
    "poison_at_once": "simulation: an event is given up after one crash",
    "redrive_keeps_attempts": "simulation: a redriven event has tries behind it",
    "redrive_without_compare": "simulation: what is no open letter is changed",
    "refused_in_part": "simulation: a request that is refused has left events behind",
    "restore_unverified": "simulation: a damaged snapshot becomes a state",
    "sink_forgets_staged": "simulation: records of a file that could not be made ready are lost",
    "sink_shown_before_cursor": "simulation: records of a file are there twice",
    "snapshot_files_unsynced": "tests/unit/snapshot_defects: a power cut takes the files of a snapshot that is listed",
    "suspects_forgotten": "simulation: an event ends the process for ever",
    "told_before_applied": "simulation: somebody is told of a change that nobody sees yet",
    "sink_prepared_forgotten": "tests/integration/sinks: records of a file that was ready and not shown are lost",
}
# What the fault binary can do to a run that keeps all promises.
DISTURBANCES = {
    "resend_groups": "each group is handed in twice",
    "lose_replies": "every eighth commit is lost, and the reply to another eighth",
    "fail_syncs": "every sixteenth sync of a journal fails",
}


class Hung(campaigns.Finding):
    """A process did not end in its time."""


def arguments():
    parse = argparse.ArgumentParser(
        prog="crash", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parse.add_argument("--kills", type=int, default=50)
    parse.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    parse.add_argument("--binary", help="default: build/release/bin/weir")
    parse.add_argument("--faults", help="default: weir-faults beside it")
    parse.add_argument("--events", type=int, default=60_000, help="events per file")
    parse.add_argument("--kills-per-round", type=int, default=10, help="kills per data directory")
    parse.add_argument("--seconds-max", type=float, default=1800, help="give up (INVALID) after this time")
    parse.add_argument("--serve", action="store_true", help="a node under clients instead of runs over files")
    parse.add_argument("--clients", type=int, default=4, help="of --serve")
    parse.add_argument("--power-cuts", action="store_true", help="cut the power instead of killing")
    parse.add_argument("--defect", help="a deliberate defect of weir-faults, or `list`")
    parse.add_argument("--disturb", choices=sorted(DISTURBANCES), help="a harmless fault of weir-faults")
    parse.add_argument("--verbose", action="store_true")
    return parse.parse_args()


def invalid_because(campaign, options):
    """Why this campaign proves nothing, or None."""
    w = campaign.witness
    if w.kills < options.kills:
        return f"only {w.kills} of {options.kills} kills met a running process within {options.seconds_max:.0f} s"
    if w.middle * 5 < w.kills:
        return f"only {w.middle} of {w.kills} kills came in the middle of a file"
    wanted = ["duplicate", "conflict", "superseded", "rejected", "served", "late"]
    if w.rounds > 1:
        wanted.append("reopened")  # late events have expired, and others came under their ids
    missing = [name for name in wanted if not w.seen.get(name)]
    if missing:
        return f"the workload had no {', '.join(missing)}"
    never = [p for p in campaign.points if p not in w.points]
    if never and not options.power_cuts and options.kills >= 4 * len(campaign.points):
        return f"fail points never hit: {', '.join(never)}"
    return None


def repeat_command(options):
    extra = f" --serve --clients {options.clients}" if options.serve else ""
    extra += " --power-cuts" if options.power_cuts else ""
    extra += f" --defect {options.defect}" if options.defect else ""
    extra += f" --disturb {options.disturb}" if options.disturb else ""
    return (
        f"python3 tests/integration/crash --kills {options.kills} --seed {options.seed} --events {options.events} "
        f"--kills-per-round {options.kills_per_round}{extra}"
    )


def report(verdict, text, options):
    print(f"{verdict}: {text}")
    if verdict not in ("PASS", "CAUGHT"):
        print("repeat: " + repeat_command(options))


def main():
    options = arguments()
    root = outside.repository()
    if options.defect == "list":
        names = faults.names_in_source(root, "WEIR_DEFECT")
        for name in names:
            caught = {**CAUGHT_BY, **{k: "--serve: " + v for k, v in CAUGHT_SERVING.items()}, **CAUGHT_ELSEWHERE}
            what = "harmless: " + DISTURBANCES[name] if name in DISTURBANCES else caught.get(name, "nothing")
            print(f"{name:28} {what}")
        return PASS if sorted([*DISTURBANCES, *CAUGHT_BY, *CAUGHT_SERVING, *CAUGHT_ELSEWHERE]) == names else FAIL
    options.binary = outside.find_binary(options.binary, "weir")
    beside = os.path.join(os.path.dirname(options.binary), "weir-faults")
    if not options.faults and (os.access(beside, os.X_OK) or options.defect or options.disturb):
        options.faults = outside.find_binary(beside, "weir-faults")
    if not os.access("/proc/self/io", os.R_OK):
        print("skipped: the strikes are aimed by /proc/PID/io, which this kernel does not have")
        return outside.SKIP
    if options.power_cuts:
        with tempfile.TemporaryDirectory() as folder:
            why_not = faults.power_cut_possible(folder)
        if why_not:
            print("skipped: no power cuts here: " + why_not)
            return outside.SKIP
    points = faults.names_in_source(root, "WEIR_FAIL_POINT") if options.faults else []
    points = [point for point in points if faults.passed(point, options.serve)]
    known = faults.names_in_source(root, "WEIR_DEFECT")
    for name in (options.defect, options.disturb):
        if name and name not in known:
            print(f"INVALID: no defect {name!r} in the sources; there are: {', '.join(known)}")
            return INVALID
    switched = f", defect {options.defect}" if options.defect else f", {options.disturb}" if options.disturb else ""
    print(f"seed {options.seed}, {len(points)} fail points{switched}")
    campaign = (serving if options.serve else campaigns).Campaign(options, points)
    started = time.monotonic()
    try:
        campaign.run()
        found = None
    except campaigns.Finding as finding:
        found = finding
    except campaigns.Misused as wrong:
        print(f"INVALID: {wrong}")
        return INVALID
    except outside.Broken as wrong:
        found = campaigns.Finding([str(wrong)], "an answer is not of the promised form")
    except outside.Hang as hang:
        found = Hung([f"HANG: {hang}"], "a process did not end")
    summary = f"{campaign.witness.line()}, {time.monotonic() - started:.0f} s"
    return verdict(campaign, options, found, summary)


def verdict(campaign, options, found, summary):
    why = (serving.invalid_because if options.serve else invalid_because)(campaign, options)
    if isinstance(found, Hung) and options.defect:
        report("MISSED", f"defect {options.defect} made a process run on, but nothing wrong was found; {summary}", options)
        return FAIL
    if found and options.defect:
        first = found.findings[0][:300]
        print(f"CAUGHT: defect {options.defect} after {campaign.witness.kills} kills: {found.where}: {first}")
        return PASS
    if found:
        report("FAIL", f"{found.where}; {len(found.findings)} findings; {summary}", options)
        for line in found.findings[:20]:
            print("  " + line[:600])
        return FAIL
    if options.defect:
        report("MISSED", f"defect {options.defect}: {summary}", options)
        return FAIL
    if why:
        report("INVALID", f"{why}; {summary}", options)
        return INVALID
    report("PASS", summary, options)
    return PASS


if __name__ == "__main__":
    sys.exit(main())
