"""Flipped bits in journal, index and state: named, never a wrong answer."""

import os
import re
import shutil

from ground import *  # noqa: F403

COUNT = 2_000
NAMED = re.compile(
    r"segment|index|sst|manifest|current|identity|views\.yaml|journal|partition|frame|checksum|damage|corrupt|state", re.I
)


def written_bytes(path):
    """Positions worth a flip: bytes in 512-byte blocks that are not all zero."""
    out = []
    with open(path, "rb") as f:
        at = 0
        while block := f.read(512):
            if block.strip(b"\0"):
                out.append(at)
            at += 512
    return out


def answers_or_refusal(g, path):
    """Reads everything. True: every answer was right. False: damage was reported, by name. All else is a failure."""
    refused = False
    for command in (
        ("ledger", "--output", "json"),
        ("query", "by_id", "--limit", "0", "--output", "json"),
        ("query", "by_kind", "--limit", "0", "--output", "json"),
        ("dlq", "export"),
    ):
        ended = g.weir.call(*command, "--data", g.data, timeout=60)
        if ended.code in (1, 5):
            check(NAMED.search(ended.text), f"{ended}\n    the message does not name what is damaged")
            refused = True
        else:
            check(ended.code == 0, f"{ended}\n    with a flipped bit in {path}: expected 0, 1 or 5")
            check(ended.out == g.right[command], f"`weir {' '.join(command)}` ended with 0 and answered wrongly")
    return not refused


def flip(path, at, mask):
    with open(path, "r+b") as f:
        f.seek(at)
        byte = f.read(1)[0]
        f.seek(at)
        f.write(bytes([byte ^ mask]))


@case
def a_flipped_bit_anywhere_is_named_or_harmless(g):
    """One bit at a time, in every file: what the reading commands and a rerun answer is right, or refused by name."""
    content = [good(i) for i in range(COUNT)] + [b"broken %d" % i for i in range(50)]
    first = g.file("in.ndjson", lines(content[: COUNT // 2]))
    second = g.file("more.ndjson", lines(content[COUNT // 2 :]))
    two = variant(g, "two.yaml", ("partitions: 4", "partitions: 2"))
    g.run(0, first, pipeline=two)
    g.run(0, second, pipeline=two)
    # An unfinished end too: a run that was killed leaves frames that only the journal knows.
    g.right = {}
    for command in (
        ("ledger", "--output", "json"),
        ("query", "by_id", "--limit", "0", "--output", "json"),
        ("query", "by_kind", "--limit", "0", "--output", "json"),
        ("dlq", "export"),
    ):
        g.right[command] = g.weir.expect(0, *command, "--data", g.data).out
    targets = sorted(os.path.join(at, name) for at, _, files in os.walk(g.data) for name in files)
    flips = {"journal": 0, "state": 0, "other": 0}
    reported = dict(flips)
    for path in targets:
        places = written_bytes(path)
        short = os.path.relpath(path, g.data)
        kind = (
            "journal" if re.search("journal|segment|ingest|output", short) else "state" if "state" in short else "other"
        )
        for at in g.chance.sample(places, min(len(places), 3 if kind == "journal" else 1)):
            place = min(at + g.chance.randrange(512), os.path.getsize(path) - 1)
            mask = 1 << g.chance.randrange(8)
            flip(path, place, mask)
            try:
                right = answers_or_refusal(g, f"{short} at byte {place}")
                verify = g.weir.call("journal", "verify", "--data", g.data)
                check(verify.code in (0, 1, 5), f"{verify}\n    with a flipped bit in {short} at byte {place}")
            except Exception as wrong:
                raise Failed(f"bit {mask:#04x} of byte {place} of {short}: {wrong}") from None
            finally:
                flip(path, place, mask)
            flips[kind] += 1
            reported[kind] += not right or verify.code != 0
    check(answers_or_refusal(g, "nothing"), "after all flips were taken back the answers are refused")
    print(f"    ({sum(flips.values())} flips {flips}, reported {reported})")
    check(
        flips["journal"] >= 8 and reported["journal"] * 2 >= flips["journal"],
        f"the test is void: of {flips} flips only {reported} were noticed",
    )


@case
def a_rerun_over_damage_never_answers_wrongly(g):
    """The writing side: `weir run` over a directory with a flipped bit in a segment or an index."""
    two = variant(g, "two.yaml", ("partitions: 4", "partitions: 2"))
    g.run(0, g.file("in.ndjson", lines(map(good, range(COUNT)))), pipeline=two)
    more = g.file("more.ndjson", lines(map(good, range(COUNT, COUNT + 100))))
    saved = os.path.join(g.folder, "saved")
    shutil.copytree(g.data, saved)
    targets = sorted(
        os.path.relpath(os.path.join(at, name), g.data) for at, _, files in os.walk(g.data) for name in files
    )
    targets = [short for short in targets if written_bytes(os.path.join(saved, short))]
    journals = [short for short in targets if "state" not in short]
    others = [short for short in targets if "state" in short]
    refusals, right = 0, 0
    for short in journals + g.chance.sample(others, min(len(others), 6)):
        places = written_bytes(os.path.join(saved, short))
        shutil.rmtree(g.data)
        shutil.copytree(saved, g.data)
        place = g.chance.choice(places) + g.chance.randrange(512)
        place = min(place, os.path.getsize(os.path.join(g.data, short)) - 1)
        flip(os.path.join(g.data, short), place, 1 << g.chance.randrange(8))
        ended = g.weir.call("run", two, more, "--data", g.data, timeout=60)
        if ended.code == 0:
            try:
                g.answers(range(COUNT + 100))
            except (Failed, outside.Broken) as wrong:
                # What the run did not need to read may be found damaged when it is read.
                check(
                    "ended with 1 " in str(wrong) or "ended with 5 " in str(wrong), f"byte {place} of {short}: {wrong}"
                )
            right += 1
        else:
            check(ended.code in (1, 4, 5) and NAMED.search(ended.text), f"byte {place} of {short}: {ended}")
            refusals += 1
    print(f"    ({refusals} runs refused, {right} went on rightly)")


@case
def a_file_that_is_gone_is_named(g):
    """Each file of the directory taken away alone."""
    two = variant(g, "two.yaml", ("partitions: 4", "partitions: 2"))
    g.run(0, g.file("in.ndjson", lines(map(good, range(COUNT)))), pipeline=two)
    g.right = {}
    for command in (
        ("ledger", "--output", "json"),
        ("query", "by_id", "--limit", "0", "--output", "json"),
        ("query", "by_kind", "--limit", "0", "--output", "json"),
        ("dlq", "export"),
    ):
        g.right[command] = g.weir.expect(0, *command, "--data", g.data).out
    targets = sorted(os.path.join(at, name) for at, _, files in os.walk(g.data) for name in files)
    for path in targets:
        aside = os.path.join(g.folder, "aside")
        os.rename(path, aside)
        try:
            answers_or_refusal(g, os.path.relpath(path, g.data))
        except Failed as wrong:
            raise Failed(f"without {os.path.relpath(path, g.data)}: {wrong}") from None
        finally:
            os.rename(aside, path)


@case
def a_commit_beyond_the_end_of_the_ingest_journal_is_damage(g):
    """What only a defect leaves behind: the output journal has committed events that the ingest journal does not have."""
    path = g.file("in.ndjson", lines(map(good, range(5_000))))
    defect = with_defect(g, "ack_before_sync")
    for attempt in range(10):
        g.data = os.path.join(g.folder, f"D{attempt}")
        defect.call(
            "run", ORDERS, path, "--data", g.data, env={"WEIR_FAIL_POINT": "committer_after_commit:1"}, timeout=60
        )
        if g.weir.call("ledger", "--data", g.data).code != 0:
            break
    else:
        raise Failed("the test is void: no kill came between the commit and its events")
    before = tree_of(g.data)
    for command in (
        ("ledger",),
        ("query", "by_id"),
        ("dlq", "list"),
        ("digest",),
        ("where", "e-7"),
        ("run", ORDERS, path),
    ):
        ended = g.weir.call(*command, "--data", g.data, timeout=60)
        check(ended.code == 5, f"{ended}\n    expected exit code 5")
        g.refused(ended, "damaged", "partition", "ingest ends at offset", "is committed", place=True)
    unchanged(before, g.data, "a refused command", but={"lock"})


@case
def a_ledger_that_contradicts_its_position_is_damage(g):
    """Also of a defect: a commit whose position was moved after its ledger was counted."""
    path = g.file("in.ndjson", lines(map(good, range(60_000))))
    moved = with_defect(g, "refused_moved_and_resent")
    for passes in range(1, 11):
        g.data = os.path.join(g.folder, f"D{passes}")
        kill = {"WEIR_FAIL_POINT": f"committer_after_commit:{passes}"}
        process = moved.start("run", ORDERS, path, "--data", g.data, env=kill)
        process.until_written(1 << 60, 60, stalled_after=2)
        process.kill()
        process.finish(30)
        if g.weir.call("ledger", "--data", g.data).code == 1:
            break
    else:
        raise Failed("the test is void: no commit was moved")
    ended = g.weir.call("run", ORDERS, path, "--data", g.data, timeout=60)
    check(ended.code == 5, f"{ended}\n    expected exit code 5")
    g.refused(ended, "log is damaged", "partition", "ledger", place=True)
    check("invariant" not in ended.text, f"{ended}\n    damage is no broken promise of the program")
