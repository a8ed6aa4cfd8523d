"""Input files that are not there, cannot be read, or end too early."""

import gzip
import os
import shutil
import subprocess
import zlib

from ground import *  # noqa: F403


@case
def a_missing_file_is_named_and_nothing_is_accepted(g):
    ended = g.run(5, os.path.join(g.folder, "nowhere.ndjson"))
    g.refused(ended, "nowhere.ndjson")
    check(g.accepted() == 0, "something was accepted")


@case
def a_directory_is_no_input(g):
    os.mkdir(os.path.join(g.folder, "folder.ndjson"))
    g.refused(g.run(5, os.path.join(g.folder, "folder.ndjson")), "folder.ndjson", "directory")
    check(g.accepted() == 0, "something was accepted")


@case
def a_dangling_link_is_named(g):
    os.symlink(os.path.join(g.folder, "gone"), os.path.join(g.folder, "link.ndjson"))
    g.refused(g.run(5, os.path.join(g.folder, "link.ndjson")), "link.ndjson")


@case
def a_file_without_read_permission_is_named(g):
    path = g.file("secret.ndjson", lines(map(good, range(10))))
    os.chmod(path, 0)
    if os.geteuid() != 0:
        g.refused(g.run(5, path), "secret.ndjson")
        return
    # Root may read everything, so the run is done as another user, with a copy of the program it can reach.
    os.chmod(g.folder, 0o755)
    program = shutil.copy(g.weir.binary, os.path.join(g.folder, "weir"))
    pipeline = shutil.copy(ORDERS, g.folder)
    os.mkdir(g.data)
    os.chown(g.data, 65534, 65534)
    other = outside.Weir(program)
    ended = other.call("run", pipeline, path, "--data", g.data, user=65534, group=65534, extra_groups=[], cwd=g.folder)
    check(ended.code == 5, f"{ended}\n    expected exit code 5")
    g.refused(ended, "secret.ndjson", "permission")


@case
def an_empty_file_is_done_at_once(g):
    g.run(0, g.file("empty.ndjson", b""))
    g.answers([])


@case
def an_empty_csv_file_has_no_header_and_accepts_nothing(g):
    ended = g.run({0, 5}, g.file("empty.csv", b""), pipeline=SALES)
    if ended.code == 5:
        g.refused(ended, "empty.csv", "header")
    check(g.accepted() == 0, "something was accepted")


@case
def a_csv_header_without_a_required_field_is_refused(g):
    path = g.file("other.csv", b"id,at,sort,n\n" + lines(b"e-%d,1700000000000,k,1" % i for i in range(50)))
    g.refused(g.run(5, path, pipeline=SALES), "other.csv", "kind")
    check(g.accepted() == 0, "half a million dead letters would follow")


@case
def a_csv_file_of_a_header_alone_is_done_at_once(g):
    g.run(0, g.file("header.csv", CSV_HEADER), pipeline=SALES)
    g.answers([])


@case
def a_last_line_without_its_line_end_counts(g):
    g.run(0, g.file("in.ndjson", lines(map(good, range(20))) + good(20)))
    g.answers(range(21))


@case
def a_file_cut_off_inside_a_line_keeps_the_lines_before(g):
    cut = good(20)[:25]
    g.run(0, g.file("in.ndjson", lines(map(good, range(20))) + cut))
    g.answers(range(20), [(cut, {"malformed"})])


@case
def the_other_files_of_a_command_line_with_a_missing_one_come_to_the_same_end_later(g):
    first, second = g.file("a.ndjson", lines(map(good, range(50)))), os.path.join(g.folder, "b.ndjson")
    g.refused(g.run(5, first, second), "b.ndjson")
    before = g.accepted()
    check(before in (0, 50), f"{before} of the 50 events of the first file were accepted")
    g.file("b.ndjson", lines(map(good, range(50, 80))))
    g.run(0, first, second)
    duplicates = g.weir.ledger(g.data)["total"]["duplicate"]
    check(duplicates in (0, 50), f"{duplicates} duplicates")
    g.answers(range(80), duplicates=duplicates)


def readable_part(packed):
    """The bytes a reader of a broken gzip file can get, by zlib itself."""
    reader, out = zlib.decompressobj(31), b""
    for i in range(0, len(packed), 512):
        out += reader.decompress(packed[i : i + 512])
    return out


@case
def a_truncated_gzip_keeps_what_was_read_and_names_the_place(g):
    """Every whole line before the place is kept and counted; the repaired file brings the rest."""
    count = 40_000
    whole = gzip.compress(lines(map(good, range(count))))
    packed = whole[: len(whole) * 2 // 3]
    path = g.file("in.ndjson.gz", packed)
    g.refused(g.run(5, path), "in.ndjson.gz", place=True)
    readable = readable_part(packed)
    kept, tail = readable.count(b"\n"), readable[readable.rfind(b"\n") + 1 :]
    check(kept > 1000 and tail, "the test is void: it must break inside a line")
    # The line that the break cuts is not known to be whole: left out, or a dead letter with the bytes that were there.
    torn = [(tail, {"malformed"})] if g.weir.letters(g.data) else []
    g.answers(range(kept), torn)
    g.file("in.ndjson.gz", whole)
    g.run(0, path)
    if torn and tail.startswith(b'{"id":"e-%d"' % kept):  # its id was found, so the whole line takes over
        g.answers(range(count), duplicates=kept, superseded=1)
    else:
        g.answers(range(count), torn, duplicates=kept)


@case
def a_gzip_without_its_last_eight_bytes_is_truncated_too(g):
    whole = lines(map(good, range(5_000)))
    packed = gzip.compress(whole)[:-8]
    path = g.file("in.ndjson.gz", packed)
    g.refused(g.run(5, path), "in.ndjson.gz", place=True)
    g.answers(range(5_000))


@case
def a_gzip_with_a_wrong_checksum_is_reported(g):
    packed = bytearray(gzip.compress(lines(map(good, range(5_000)))))
    packed[-6] ^= 1
    g.refused(g.run(5, g.file("in.ndjson.gz", bytes(packed))), "in.ndjson.gz")
    check(g.weir.ledger(g.data)["balanced"] is True, "the ledger does not balance")


@case
def gzip_members_one_behind_the_other_are_one_file(g):
    g.run(
        0,
        g.file(
            "in.ndjson.gz",
            gzip.compress(lines(map(good, range(700)))) + gzip.compress(lines(map(good, range(700, 900)))),
        ),
    )
    g.answers(range(900))


@case
def a_file_that_only_pretends_to_be_gzip_is_refused(g):
    g.refused(g.run(5, g.file("in.ndjson.gz", lines(map(good, range(10))))), "in.ndjson.gz")
    check(g.accepted() == 0, "something was accepted")


@case
def a_truncated_zstd_keeps_what_was_read_and_names_the_place(g):
    if not shutil.which("zstd"):
        raise Skipped("there is no zstd program to pack the input")
    plain = g.file("plain", lines(map(good, range(60_000))))
    packed = subprocess.run(["zstd", "-q", "-c", plain], stdout=subprocess.PIPE, check=True).stdout
    g.run(0, g.file("whole.ndjson.zst", packed), data=os.path.join(g.folder, "W"))
    g.answers(range(60_000), data=os.path.join(g.folder, "W"))
    path = g.file("in.ndjson.zst", packed[: len(packed) * 2 // 3])
    g.refused(g.run(5, path), "in.ndjson.zst", place=True)
    letters = [(x["original"], {"malformed"}) for x in g.weir.letters(g.data)]
    kept = g.weir.ledger(g.data)["total"]["served"]
    check(0 < kept < 60_000 and len(letters) <= 1, f"{kept} lines kept, {len(letters)} dead letters")
    g.answers(range(kept), letters)
