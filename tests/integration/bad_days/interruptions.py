"""Signals in the middle, and a disk that is full for a while."""

import os
import re
import select
import signal
import subprocess
import time

from ground import *  # noqa: F403

COUNT = 200_000


def interrupted(g, number):
    """Ends a run by a signal in its middle, again and again; the last rerun must come to the same answers."""
    path = g.file("in.ndjson", lines(map(good, range(COUNT))))
    whole = os.path.join(g.folder, "W")
    length = g.run(0, path, data=whole).seconds
    hits, middle = 0, 0
    for attempt in range(24):
        process = g.weir.start("run", ORDERS, path, "--data", g.data)
        ended = process.wait(g.chance.uniform(0.05, 0.7) * length / (1 + hits))
        if not ended:
            process.kill(number)
            ended = process.finish(60)
        # The code of a shell, or the signal itself.
        check(ended.code in (0, 128 + number, -number), f"{ended}\n    expected {128 + number}")
        if ended.code == 0 and middle:
            break
        if ended.code == 0:
            # It was faster this time: from the beginning, in a directory of its own.
            hits = 0
            g.data = os.path.join(g.folder, f"D{attempt}")
            continue
        hits += 1
        middle += 0 < g.accepted() < COUNT
        if middle == 2:
            break
    check(middle, f"the test is void: none of {hits} signals came in the middle")
    g.run(0, path)
    # A run that had ended, or was ended behind its summary, is read again as duplicates.
    duplicates = g.weir.ledger(g.data)["total"]["duplicate"]
    check(duplicates in (0, COUNT), f"{duplicates} duplicates")
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
            return process.wait(1)  # the last word of a run that ends, or a run that waits
    return process.wait(0)


def full_then_relieved(g, disk, path, count):
    """Fills up in the middle; whatever the run did then, when space is back the answers are those of a quiet day."""
    data = os.path.join(disk.folder, "D")
    process = g.weir.start("run", ORDERS, path, "--data", data)
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
    count = 600_000
    path = g.file("in.ndjson", lines(map(good, range(count))))
    with SmallDisk(g, 1500) as disk:
        quiet = os.path.join(disk.folder, "Q")
        g.run(0, path, data=quiet)
        used = os.statvfs(disk.folder)
        used = (used.f_blocks - used.f_bfree) * used.f_frsize >> 20
        g.answers(range(count), data=quiet)
        subprocess.run(["rm", "-r", quiet], check=True)
        told = []
        for share in (0.5, 0.85):
            disk.ballast(int(used * share))
            data, what = full_then_relieved(g, disk, path, count)
            told.append(what)
            g.answers(range(count), data=data)
            subprocess.run(["rm", "-r", data], check=True)
            disk.relieve()
        print(f"    (needs {used} MiB; {'; '.join(told)})")


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
