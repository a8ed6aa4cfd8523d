"""Lines that are no events: each a dead letter with its bytes, and their neighbours pass."""

import gzip
import os

from ground import *  # noqa: F403

MALFORMED, ENCODING, RANGE = {"malformed"}, {"encoding"}, {"number_range", "field_range"}
EVENT_BYTES_MAX = 900 * 1024


def odd(i, rest):
    return b'{"id":"odd-%d","at":1700000000000,"kind":"k0","n":%d,' % (i, i) + rest


# What stands behind a good beginning, and the reasons the contract allows.
ODD_ENDS = (
    ("cut short", b'"z":', MALFORMED),
    ("cut inside a text", b'"z":"abc', MALFORMED),
    ("no closing brace", b'"z":1', MALFORMED),
    ("invalid UTF-8", b'"z":"\xff"}', ENCODING),
    ("half a UTF-8 sequence", b'"z":"\xc3"}', ENCODING),
    ("an overlong UTF-8 sequence", b'"z":"\xc0\xaf"}', ENCODING),
    ("a surrogate in UTF-8", b'"z":"\xed\xa0\x80"}', ENCODING),
    ("invalid UTF-8 in a key", b'"\xfe":1}', ENCODING),
    ("a NUL in a text", b'"z":"a\0b"}', MALFORMED | ENCODING),
    ("a NUL behind the object", b'"z":1}\0', MALFORMED | ENCODING),
    ("a raw control character", b'"z":"a\x01b"}', MALFORMED),
    ("10,000 arrays", b'"z":' + b"[" * 10_000 + b"]" * 10_000 + b"}", MALFORMED),
    ("10,000 objects", b'"z":' + b'{"a":' * 10_000 + b"1" + b"}" * 10_000 + b"}", MALFORMED),
    ("10,000 open arrays", b'"z":' + b"[" * 10_000, MALFORMED),
    ("70 levels", b'"z":' + b"[" * 70 + b"]" * 70 + b"}", MALFORMED),
    ("a duplicate key", b'"z":1,"z":2}', MALFORMED),
    ("a duplicate id", b'"id":"other"}', MALFORMED),
    ("a duplicate key deep inside", b'"z":{"a":[{"b":1,"c":2,"b":3}]}}', MALFORMED),
    ("a duplicate key in another spelling", b'"zz":1,"z\\u007a":2}', MALFORMED),
    ("a wrong literal late", b'"y":[true,false,null],"z":fals}', MALFORMED),
    ("a long literal", b'"z":nulll}', MALFORMED),
    ("a capital literal", b'"z":True}', MALFORMED),
    ("NaN", b'"z":NaN}', MALFORMED),
    ("infinity", b'"z":-Infinity}', MALFORMED),
    ("a number with a point and no digits", b'"z":1.}', MALFORMED),
    ("a number without a digit before its point", b'"z":.5}', MALFORMED),
    ("a leading zero", b'"z":01}', MALFORMED),
    ("a plus sign", b'"z":+1}', MALFORMED),
    ("an empty exponent", b'"z":1e}', MALFORMED),
    ("a minus alone", b'"z":-}', MALFORMED),
    ("a comma too many", b'"z":1,}', MALFORMED),
    ("a comma too many in an array", b'"z":[1,]}', MALFORMED),
    ("no comma", b'"y":1 "z":2}', MALFORMED),
    ("no colon", b'"z" 1}', MALFORMED),
    ("single quotes", b"'z':1}", MALFORMED),
    ("a comment", b'"z":1/*x*/}', MALFORMED),
    ("a wrong escape", b'"z":"\\x41"}', MALFORMED),
    ("a short escape", b'"z":"\\u12"}', MALFORMED),
    ("a wrong bracket", b'"z":[1}}', MALFORMED),
    ("a brace too many", b'"z":1}}', MALFORMED),
    ("a second object", b'"z":1}{"id":"b"}', MALFORMED),
    ("words behind the object", b'"z":1} tail', MALFORMED),
)
WHOLE_LINES = (
    ("no JSON", b"hello", MALFORMED),
    ("a number", b"12", MALFORMED | {"field_missing", "field_type"}),
    ("an array", b'["id"]', MALFORMED | {"field_missing", "field_type"}),
    ("NUL bytes alone", b"\0\0\0\0", MALFORMED | ENCODING),
    ("invalid UTF-8 alone", b"\xff\xfe\xfd", ENCODING | MALFORMED),
    ("a quote", b'"', MALFORMED),
    ("a brace", b"{", MALFORMED),
    ("1,000 digits as an integer", b'{"id":"long-1","at":1700000000000,"kind":"k0","n":' + b"9" * 1000 + b"}", RANGE),
    (
        "1,000 digits as a decimal",
        b'{"id":"long-2","at":1700000000000,"kind":"k0","n":1,"price":' + b"9" * 1000 + b"}",
        RANGE,
    ),
    (
        "1,000 digits behind the point",
        b'{"id":"long-3","at":1700000000000,"kind":"k0","n":1,"price":0.' + b"1" * 1000 + b"}",
        RANGE,
    ),
    ("one more than int64", b'{"id":"long-4","at":1700000000000,"kind":"k0","n":9223372036854775808}', RANGE),
)


@case
def every_odd_json_line_is_a_dead_letter_and_its_neighbours_pass(g):
    content, letters, i = [], [], 0
    for name, raw, reasons in [(n, odd(k, rest), r) for k, (n, rest, r) in enumerate(ODD_ENDS)] + list(WHOLE_LINES):
        content += [good(i), raw]
        letters.append((raw, reasons))
        i += 1
    content += [good(i), good(i + 1)]
    g.run(0, g.file("in.ndjson", lines(content)))
    g.answers(range(i + 2), letters)


@case
def legal_but_unusual_lines_are_served(g):
    """Blanks, deep but allowed nesting, escapes, CR LF line ends and keys that look alike."""
    deep = good(0)[:-1] + b',"z":' + b"[" * 60 + b"]" * 60 + b"}"
    spaced = good(1).replace(b",", b" ,\t").replace(b":", b" : ").replace(b"{", b" {  ") + b"  "
    escaped = good(2).replace(b'"kind"', b'"ki\\u006ed"').replace(b'"e-2"', b'"\\u0065-2"')
    alike = good(3)[:-1] + b',"Kind":1,"kind ":2,"":3}'
    content = lines([deep, spaced, escaped, alike]) + good(4) + b"\r\n" + good(5) + b"\n"
    g.run(0, g.file("in.ndjson", content))
    g.answers(range(6))


@case
def a_frame_at_the_limit_is_served_and_one_byte_more_is_too_large(g):
    fits = good(0)[:-1] + b',"z":""}'
    fits = fits[:-2] + b"x" * (EVENT_BYTES_MAX - len(fits)) + fits[-2:]
    over = good(1)[:-1] + b',"z":""}'
    over = over[:-2] + b"x" * (EVENT_BYTES_MAX + 1 - len(over)) + over[-2:]
    g.run(0, g.file("in.ndjson", lines([fits, over, good(2)])))
    g.answers([0, 2], [(over, {"too_large"})])


def endless(g, path, letter_start, pipeline=ORDERS, neighbours=(0,)):
    """A frame over 16 MiB: its first 64 KiB are kept, it is too large, memory stays bounded."""
    ended = g.run(0, path, pipeline=pipeline, timeout=300)
    (letter,) = g.weir.letters(g.data)
    check(letter["reason"] == "too_large", f"reason {letter['reason']!r}")
    check(letter["original"] == letter_start, f"{len(letter['original'])} bytes kept: {letter['original'][:60]!r}")
    g.answers(neighbours, [(letter_start, {"too_large"})])
    return ended.rss_bytes


@case
def an_endless_line_is_one_dead_letter_in_bounded_memory(g):
    """50 MB without a line end, then 200 MB: the second must not need noticeably more memory than the first."""
    start = b'{"id":"long","z":"'
    small = g.run(0, g.file("small.ndjson", lines([good(0)])), data=os.path.join(g.folder, "S")).rss_bytes
    peaks = []
    for megabytes in (50, 200):
        g.data = os.path.join(g.folder, f"D{megabytes}")
        path = os.path.join(g.folder, f"{megabytes}.ndjson.gz")
        with gzip.open(path, "wb", compresslevel=1) as f:
            f.write(good(0) + b"\n" + start)
            for _ in range(megabytes):
                f.write(b"a" * 1_000_000)
            f.write(b"\n" + good(1) + b"\n")
        peaks.append(endless(g, path, (start + b"a" * 65536)[:65536], neighbours=(0, 1)))
    if g.weir.sanitized():
        return  # a sanitizer's own memory says nothing about the product's
    check(
        peaks[0] - small < 160 << 20, f"peak memory {peaks[0] >> 20} MiB with 50 MB, {small >> 20} MiB with one line"
    )
    check(
        peaks[1] - peaks[0] < 32 << 20,
        f"peak memory {peaks[0] >> 20} MiB with 50 MB, {peaks[1] >> 20} MiB with 200 MB",
    )


@case
def an_endless_line_at_the_end_of_a_plain_file_is_kept_the_same_way(g):
    path = g.file("in.ndjson", good(0) + b"\n" + b"b" * 100_000_000)
    endless(g, path, b"b" * 65536)


@case
def an_endless_csv_field_is_kept_the_same_way(g):
    path = g.file(
        "in.csv",
        CSV_HEADER + good_csv(0) + b"\n" + b'e-1,1700000000000,"' + b"c" * 40_000_000 + b"\n" + good_csv(2) + b"\n",
    )
    endless(g, path, (b'e-1,1700000000000,"' + b"c" * 65536)[:65536], pipeline=SALES, neighbours=(0, 2))


@case
def every_odd_csv_line_is_a_dead_letter_and_its_neighbours_pass(g):
    odd_lines = (
        (b'e-900,1700000000000,12"x,1', MALFORMED),
        (b'e-901,1700000000000,"k"x,1', MALFORMED),
        (b"e-902,1700000000000,k", MALFORMED),
        (b"e-903,1700000000000,k,1,1", MALFORMED),
        (b"e-904", MALFORMED),
        (b"e-905,1700000000000,\xff,1", ENCODING),
        (b"e-906,1700000000000,a\0b,1", MALFORMED | ENCODING),
        (b"e-907,1700000000000,k," + b"9" * 1000, RANGE),
        (b"e-908,1700000000000,,1", {"field_missing"}),
        (b"e-909,1700000000000,k,one", {"field_type"}),
        (b"e-910,soon,k,1", {"time"}),
    )
    content = [good_csv(0)]
    for i, (raw, _) in enumerate(odd_lines):
        content += [raw, good_csv(i + 1)]
    # A quote that nobody closes costs its own line, wherever it stands.
    content += [b'e-911,1700000000000,"open,1'] + [good_csv(i) for i in range(100, 200)]
    g.run(0, g.file("in.csv", CSV_HEADER + lines(content)), pipeline=SALES)
    g.answers(
        list(range(len(odd_lines) + 1)) + list(range(100, 200)),
        list(odd_lines) + [(b'e-911,1700000000000,"open,1', MALFORMED)],
    )
