"""Data directories that must be refused, unchanged."""

import ctypes
import os
import re
import select
import shutil
import signal
import struct
import subprocess
import time

from ground import *  # noqa: F403

REFUSED = {2, 4}


def filled(g, count=300):
    path = g.file("in.ndjson", lines(map(good, range(count))))
    g.run(0, path)
    return path


def refused_unchanged(g, codes, words, *files, pipeline=ORDERS):
    before = tree_of(g.data)
    ended = g.run(codes, *files, pipeline=pipeline)
    g.refused(ended, *words)
    unchanged(before, g.data, "the refused run")


@case
def the_directory_of_another_pipeline_is_refused_unchanged(g):
    path = filled(g)
    refused_unchanged(
        g,
        REFUSED,
        ["bad_days", "another"],
        path,
        pipeline=variant(g, "other.yaml", ("pipeline: bad_days", "pipeline: another")),
    )
    g.answers(range(300))


@case
def another_number_of_partitions_is_refused_unchanged(g):
    path = filled(g)
    refused_unchanged(
        g, REFUSED, ["partitions", "4", "5"], path, pipeline=variant(g, "five.yaml", ("partitions: 4", "partitions: 5"))
    )
    g.answers(range(300))


@case
def another_id_rule_is_refused_unchanged(g):
    path = filled(g)
    refused_unchanged(g, REFUSED, ["id"], path, pipeline=variant(g, "ids.yaml", ("id: id,", "id: kind,")))
    g.answers(range(300))


@case
def data_of_a_newer_format_is_refused_unchanged(g):
    """By every command; the identity is given the next format number and the checksum that goes with it."""
    path = filled(g)
    identity = os.path.join(g.data, "identity")
    with open(identity, "rb") as f:
        old = f.read()
    head, body = old[:8], bytearray(old[24:])
    check(checksum(body) == old[8:24] and body[16:20] == b"\1\0\0\0", "the test is void: the identity looks otherwise")
    body[16] = 2
    g.file("D/identity", head + checksum(body) + body)
    before = tree_of(g.data)
    g.refused(g.run(4, path), "format 2", "up to 1", "D")
    for command in (("ledger",), ("query", "by_id"), ("dlq", "list"), ("digest",), ("where", "e-7")):
        ended = g.weir.call(*command, "--data", g.data)
        check(ended.code == 4, f"{ended}\n    expected exit code 4")
        g.refused(ended, "format 2")
    unchanged(before, g.data, "a refused command")
    g.file("D/identity", old)
    g.answers(range(300))


def checksum(content):
    """XXH3-128 as the identity file has it, low half first."""

    class Hash(ctypes.Structure):
        _fields_ = [("low", ctypes.c_uint64), ("high", ctypes.c_uint64)]

    try:
        function = ctypes.CDLL("libxxhash.so.0").XXH3_128bits
    except (OSError, AttributeError):
        raise Skipped("there is no libxxhash") from None
    function.restype, function.argtypes = Hash, [ctypes.c_char_p, ctypes.c_size_t]
    found = function(bytes(content), len(content))
    return struct.pack("<QQ", found.low, found.high)


@case
def a_changed_stage_is_no_reason_to_refuse(g):
    filled(g)
    more = g.file("more.ndjson", lines(map(good, range(300, 350))))
    g.run(0, more, pipeline=variant(g, "stage.yaml", ("n: {type: integer}", "n: {type: integer, min: 0}")))
    g.answers(range(350))


@case
def a_file_in_the_place_of_the_directory_is_refused_unchanged(g):
    path = g.file("in.ndjson", lines(map(good, range(5))))
    g.file("D", b"a file\n")
    g.run({2, 4, 5}, path)
    with open(g.data, "rb") as f:
        check(f.read() == b"a file\n", "the file was changed")


@case
def a_directory_with_somebody_elses_files_is_refused_unchanged(g):
    path = g.file("in.ndjson", lines(map(good, range(5))))
    os.mkdir(g.data)
    g.file("D/photos.txt", b"not weir's\n")
    refused_unchanged(g, {2, 4, 5}, ["D"], path)


def holds_a_lock(pid, folder, deadline):
    """Waits until process `pid` holds a file lock below `folder`, as the kernel lists it."""
    while time.monotonic() < deadline:
        inodes = set()
        for at, _, files in os.walk(folder):
            for name in files:
                try:
                    inodes.add(os.stat(os.path.join(at, name)).st_ino)
                except FileNotFoundError:
                    pass
        with open("/proc/locks", encoding="ascii") as f:
            for line in f:
                match = re.search(r" (-?\d+) \w+:\w+:(\d+) ", line)
                if match and int(match.group(1)) in (pid, -1) and int(match.group(2)) in inodes:
                    return True
        select.select([], [], [], 0.01)
    return False


@case
def a_second_process_is_refused_while_the_first_one_works(g):
    path = g.file("in.ndjson", lines(map(good, range(300, 320))))
    first = g.weir.start("run", ORDERS, "-", "--data", g.data, stdin=subprocess.PIPE)
    try:
        first.popen.stdin.write(lines(map(good, range(300))))
        first.popen.stdin.flush()
        check(
            holds_a_lock(first.popen.pid, g.data, time.monotonic() + 20),
            "the first process took no lock on the directory",
        )
        ended = g.run({3, 4}, path)
        g.refused(ended, "D")
        check(
            re.search(r"lock|in use|another process", ended.text.lower()), f"{ended}\n    the message does not say why"
        )
        first.popen.stdin.close()
        ended = first.finish(60)
        check(ended.code == 0, str(ended))
    finally:
        first.kill()
    g.answers(range(300))
    g.run(0, path)
    g.answers(range(320))


@case
def the_lock_of_a_killed_process_does_not_stay(g):
    first = g.weir.start("run", ORDERS, "-", "--data", g.data, stdin=subprocess.PIPE)
    first.popen.stdin.write(lines(map(good, range(300))))
    first.popen.stdin.flush()
    check(holds_a_lock(first.popen.pid, g.data, time.monotonic() + 20), "the process took no lock on the directory")
    check(first.kill(signal.SIGKILL), "the process had ended")
    first.finish(30)
    first.popen.stdin.close()
    g.run(0, g.file("in.ndjson", lines(map(good, range(300)))))
    check(g.weir.ledger(g.data)["total"]["served"] == 300, "not everything was served")


@case
def a_read_only_directory_is_refused_and_can_still_be_read(g):
    need_root("a read-only mount")
    path = filled(g)
    more = g.file("more.ndjson", lines(map(good, range(300, 310))))
    subprocess.run(["mount", "--bind", g.data, g.data], check=True)
    try:
        subprocess.run(["mount", "-o", "remount,bind,ro", g.data], check=True)
        g.refused(g.run({4, 5}, more), "D")
        g.answers(range(300))
    finally:
        subprocess.run(["umount", g.data], check=True)
    g.run(0, more)
    g.answers(range(310))
    check(os.path.exists(path), "the input is gone")


@case
def reading_commands_change_nothing(g):
    filled(g)
    before = tree_of(g.data)
    g.answers(range(300))
    for command in (
        ("digest",),
        ("digest", "--state"),
        ("dlq", "list"),
        ("journal", "verify"),
        ("journal", "stat"),
        ("where", "e-7"),
        ("ledger",),
        ("query", "by_kind"),
    ):
        ended = g.weir.call(*command, "--data", g.data)
        check(ended.code == 0, str(ended))
    check(g.weir.call("where", "never-seen", "--data", g.data).code == 1, "an id never seen was found")
    unchanged(before, g.data, "a reading command")


@case
def reading_a_directory_that_is_not_there_says_so(g):
    ended = g.weir.call("ledger", "--data", os.path.join(g.folder, "nowhere"))
    check(ended.code in (2, 5), str(ended))
    g.refused(ended, "nowhere")
    check(not os.path.exists(os.path.join(g.folder, "nowhere")), "reading made a directory")


@case
def the_answers_of_a_copied_directory_are_the_same(g):
    filled(g)
    copy = os.path.join(g.folder, "copy")
    shutil.copytree(g.data, copy)
    g.answers(range(300), data=copy)
    for options in ((), ("--state",)):
        one, two = (g.weir.expect(0, "digest", *options, "--data", d, "--output", "json").out for d in (g.data, copy))
        check(one == two, f"digest {options} differs: {one[:200]} {two[:200]}")
