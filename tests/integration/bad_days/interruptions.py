"""Signals in the middle, and a disk that is full for a while."""

import os
import re
import select
import signal
import subprocess
import time

from ground import *  # noqa: F403

COUNT = 120_000


def interrupted(g, number):
    """Ends a run by a signal in its middle, again and again; the last rerun must come to the same answers."""
    path = g.file("in.ndjson", lines(map(good, range(COUNT))))
    whole = os.path.join(g.folder, "W")
    first = g.run(0, path, data=whole)
    check(not first.err, f"{first}\n    a first run over a file has nothing to remark")
    again = g.run(0, path, data=whole)
    check("read to its end before" in again.text, f"{again}\n    does not say that its events are duplicates")
    hits, middle, accepted = 0, 0, 0
    for attempt in range(8):
        process = g.weir.start("run", ORDERS, path, "--data", g.data)
        # More bytes are written than of the input are accepted, after some tens of KiB for the opening; and a good deal is
        # accepted between the signal and its effect.
        left = os.path.getsize(path) * (1 - accepted / COUNT)
        if process.until_written((64 << 10) + g.chance.uniform(0, 0.3) * left, 60) is not None:
            process.kill(number)
        ended = process.finish(60)
        # The code of a shell, or the signal itself.
        check(ended.code in (0, 128 + number, -number), f"{ended}\n    expected {128 + number}")
        hits += ended.code != 0
        accepted = g.accepted()
        middle += ended.code != 0 and 0 < accepted < COUNT
        if middle and (hits == 2 or accepted == COUNT):
            break
        if accepted == COUNT:
            # It was faster this time: from the beginning, in a directory of its own.
            hits, accepted = 0, 0
            g.data = os.path.join(g.folder, f"D{attempt}")
    check(middle, f"the test is void: none of {hits} signals came in the middle")
    last = g.run(0, path)
    # A run that had ended, or was ended behind its summary, is read again as duplicates.
    duplicates = g.weir.ledger(g.data)["total"]["duplicate"]
    check(duplicates in (0, COUNT), f"{duplicates} duplicates")
    goes_on = f"file {path}: goes on at line {accepted + 1} (byte {sum(len(good(i)) + 1 for i in range(accepted))})"
    said = goes_on if duplicates == 0 else f"file {path} was read to its end before; reading it again"
    check(said in last.text, f"{last}\n    does not say `{said}`")
    g.answers(range(COUNT), duplicates=duplicates)
    one, two = (g.weir.expect(0, "digest", "--data", d, "--output", "json").out for d in (g.data, whole))
    check(one == two, f"the answer digest differs from that of an undisturbed run: {one[:200]} {two[:200]}")


@case
def sigterm_in_the_middle_ends_with_143_and_a_rerun_completes(g):
    interrupted(g, signal.SIGTERM)


@case
def sigint_in_the_middle_ends_with_130_and_a_rerun_completes(g):
    interrupted(g, signal.SIGINT)


class SmallDisk:
    """A tmpfs of a given size, with a ballast file that can be taken away."""

    def __init__(self, g, megabytes):
        need_root("mounting a tmpfs")
        self.folder = os.path.join(g.folder, "disk")
        os.mkdir(self.folder)
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "none", self.folder], check=True)

    def ballast(self, free_megabytes):
        """Leaves about so much space."""
        stat = os.statvfs(self.folder)
        size = stat.f_bavail * stat.f_frsize - (free_megabytes << 20)
        if size > 0:
            fd = os.open(os.path.join(self.folder, "ballast"), os.O_CREAT | os.O_WRONLY)
            os.posix_fallocate(fd, 0, size)
            os.close(fd)

    def relieve(self):
        path = os.path.join(self.folder, "ballast")
        if os.path.exists(path):
            os.remove(path)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        subprocess.run(["umount", "-l", self.folder], check=False)


def wait_for_full(process, deadline):
    """Until the run says that the disk is full, or ends. Returns its end, or None while it runs."""
    while time.monotonic() < deadline:
        ended = process.wait(0.02)
        if ended:
            return ended
        if re.search(r"disk.?full|no space|space", process.errors_so_far().lower()):
            return process.wait(0.3)  # the last word of a run that ends, or a run that waits
    return process.wait(0)


def full_then_relieved(g, disk, path, count):
    """Fills up in the middle; whatever the run did then, when space is back the answers are those of a quiet day."""
    data = os.path.join(disk.folder, "D")
    process = g.weir.start("run", ORDERS, path, "--data", data, *SMALL_SEGMENTS)
    try:
        ended = wait_for_full(process, time.monotonic() + 60)
        if ended is None:
            said = process.errors_so_far()
            check(
                re.search(r"disk.?full|no space|space", said.lower()),
                f"the run neither ended nor said anything: {said[-300:]}",
            )
            disk.relieve()
            ended = process.finish(120)
            check(ended.code == 0, f"space came back while it waited: {ended}")
            return data, "it waited"
        check(ended.code in (4, 5), f"{ended}\n    expected 4 or 5, or a run that waits")
        g.refused(ended, "space" if "space" in ended.text.lower() else "full")
        # Reading needs no space.
        before = None
        if g.weir.call("ledger", "--data", data).code != 2:  # 2: the disk was full before there was a log
            before = g.weir.ledger(data)["total"]
        disk.relieve()
        if before:
            check(before["accepted"] <= count, f"{before['accepted']} of {count} accepted")
        g.run(0, path, data=data)
        return data, "it ended and a rerun completed"
    finally:
        process.kill()


@case
def a_disk_that_fills_up_in_the_middle_loses_nothing(g):
    """With ever more space: an append, a commit, a flush of the state finds none."""
    count = 60_000
    path = g.file("in.ndjson", lines(map(good, range(count))))
    with SmallDisk(g, 400) as disk:
        quiet = os.path.join(disk.folder, "Q")
        g.run(0, path, data=quiet)
        used = os.statvfs(disk.folder)
        used = (used.f_blocks - used.f_bfree) * used.f_frsize >> 20
        g.answers(range(count), data=quiet)
        digest = lambda data: g.weir.expect(0, "digest", "--data", data, "--output", "json").out
        right = digest(quiet), g.weir.ledger(quiet)["total"]
        subprocess.run(["rm", "-r", quiet], check=True)
        told = []
        for share in (0.4, 0.65, 0.85):
            disk.ballast(int(used * share))
            data, what = full_then_relieved(g, disk, path, count)
            told.append(what)
            found = digest(data), g.weir.ledger(data)["total"]
            check(found == right, f"with {share} of the space it needs: {found}, and of a quiet day {right}")
            subprocess.run(["rm", "-r", data], check=True)
            disk.relieve()
        print(f"    (needs {used} MiB; {'; '.join(told)})")


@case
def sigterm_while_the_disk_is_full_ends_the_run_and_a_rerun_completes(g):
    """Wherever it waits for space, in an append, a commit or a flush, a stop does not wait for ever."""
    count = 60_000
    path = g.file("in.ndjson", lines(map(good, range(count))))
    waited = 0
    with SmallDisk(g, 400) as disk:
        quiet = os.path.join(disk.folder, "Q")
        g.run(0, path, data=quiet)
        used = os.statvfs(disk.folder)
        used = (used.f_blocks - used.f_bfree) * used.f_frsize >> 20
        right = g.weir.expect(0, "digest", "--data", quiet, "--output", "json").out, g.weir.ledger(quiet)["total"]
        subprocess.run(["rm", "-r", quiet], check=True)
        data = os.path.join(disk.folder, "D")
        for share in (0.65, 0.85):
            disk.ballast(int(used * share))
            process = g.weir.start("run", ORDERS, path, "--data", data, *SMALL_SEGMENTS)
            try:
                if wait_for_full(process, time.monotonic() + 60) is None:
                    waited += 1
                    process.kill(signal.SIGTERM)
                    ended = process.finish(30)
                    check(ended.code == 128 + signal.SIGTERM, f"with {share} of the space it needs: {ended}")
            finally:
                process.kill()
            disk.relieve()
            g.run(0, path, data=data)
            found = g.weir.expect(0, "digest", "--data", data, "--output", "json").out, g.weir.ledger(data)["total"]
            check(found[0] == right[0], f"with {share} of the space it needs: {found}, and of a quiet day {right}")
            subprocess.run(["rm", "-r", data], check=True)
    check(waited != 0, "no run waited for space: the case says nothing")


@case
def a_disk_that_is_full_from_the_start_is_refused_and_works_later(g):
    path = g.file("in.ndjson", lines(map(good, range(500))))
    with SmallDisk(g, 1000) as disk:
        disk.ballast(1)
        data = os.path.join(disk.folder, "D")
        process = g.weir.start("run", ORDERS, path, "--data", data)
        try:
            ended = wait_for_full(process, time.monotonic() + 30)
            if ended:  # with 0 where so little was needed that it fitted
                check(ended.code in (0, 4, 5), str(ended))
            disk.relieve()
            if not ended:
                ended = process.finish(60)
                check(ended.code == 0, str(ended))
            elif ended.code != 0:
                g.run(0, path, data=data)
        finally:
            process.kill()
        g.answers(range(500), data=data)


@case
def failing_syncs_lose_nothing(g):
    """Every sixteenth sync of a journal fails; what was not known to be synced is written again."""
    path = g.file("in.ndjson", lines(map(good, range(20_000))))
    failing = with_defect(g, "fail_syncs")
    ended = failing.call("run", ORDERS, path, "--data", g.data, "--set", "log.embedded.commit_interval=1ms", timeout=60)
    check(ended.code == 0, str(ended))
    g.answers(range(20_000))
    g.weir.expect(0, "journal", "verify", "--data", g.data)


@case
def a_reader_that_goes_away_does_not_hurt(g):
    """`weir query … | head`: the pipe closes early; no stack trace, and nothing is damaged."""
    g.run(0, g.file("in.ndjson", lines(map(good, range(50_000)))))
    process = subprocess.Popen(
        [g.weir.binary, "query", "by_id", "--limit", "0", "--output", "csv", "--data", g.data],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=g.weir.env,
    )
    process.stdout.read(100)
    process.stdout.close()
    ready, _, _ = select.select([process.stderr], [], [], 30)
    said = process.stderr.read()
    check(
        ready and process.wait(30) in (0, 1, -13, 141) and b"terminate" not in said,
        f"{process.returncode} {said[-300:]!r}",
    )
    g.answers(range(50_000))
