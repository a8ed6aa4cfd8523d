"""Runs the earthquake pipelines over a GeoJSON feed and compares every answer with the truth of the raw file.

  python3 tests/integration/earthquakes/check_earthquakes.py NAME [--binary PATH] [--keep]

NAME: `small` (tests/data/earthquakes-small.geojson), `small_gz` and `small_zst` (the same, packed), `small_array` (the same features
as a JSON array), `full` (earthquakes.geojson.gz in $WEIR_SAMPLES).
Exit: 0 PASS, 1 FAIL, 77 skipped.
"""

import argparse
import ctypes.util
import gzip
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.dirname(HERE)]
from outside import compare, facts, weir as outside  # noqa: E402
import truth as truths  # noqa: E402

ROOT = outside.repository()
SMALL = os.path.join(ROOT, "tests", "data", "earthquakes-small.geojson")
AGGREGATES = {
    "by_day": ("window", "window_start", "quakes", "strongest", "weakest", "average"),
    "by_class": ("class", "quakes", "strongest"),
    "by_network": ("network", "quakes", "strongest"),
    "changes": ("window", "window_start", "changes"),
}


def zstd(data):
    """One zstd frame; the library that the product links is there wherever it runs."""
    library = ctypes.CDLL(ctypes.util.find_library("zstd") or "libzstd.so.1")
    for name in ("ZSTD_compressBound", "ZSTD_compress"):
        getattr(library, name).restype = ctypes.c_size_t
    out = ctypes.create_string_buffer(library.ZSTD_compressBound(ctypes.c_size_t(len(data))))
    size = library.ZSTD_compress(out, ctypes.c_size_t(len(out)), data, ctypes.c_size_t(len(data)), 3)
    return out.raw[:size]


def input_file(name, scratch):
    """(path, bytes) of the input that `name` stands for; exits 77 when the sample is not there."""
    if name == "full":
        samples = os.environ.get("WEIR_SAMPLES") or os.path.join(ROOT, "..", "shared", "data")
        path = os.path.join(samples, "earthquakes.geojson.gz")
        if not os.path.exists(path):
            print(f"skipped: the sample {path} does not exist; WEIR_SAMPLES names the folder of the samples")
            sys.exit(outside.SKIP)
        with gzip.open(path, "rb") as f:
            return path, f.read()
    with open(SMALL, "rb") as f:
        data = f.read()
    end, pack = {
        "small": (".geojson", lambda text: text),
        "small_gz": (".geojson.gz", gzip.compress),
        "small_zst": (".geojson.zst", zstd),
        "small_array": (".json", lambda text: b"[\n" + b" ,\n".join(truths.frames(text)) + b"]"),
    }[name]
    path = os.path.join(scratch, "earthquakes-small" + end)
    with open(path, "wb") as f:
        f.write(pack(data))
    return path, data


def plain(value):
    return facts.number_text(value) if truths.is_number(value) else value


def found_rows(weir, view, data):
    for found in weir.rows(view, data):
        if view not in AGGREGATES:
            yield truths.row(**dict(found, time=facts.time_us(found["time"])))
            continue
        if set(found) != set(AGGREGATES[view]):
            raise ValueError(f"{view}: a row has {sorted(found)}")
        values = [plain(found[name]) for name in AGGREGATES[view]]
        if "window_start" in AGGREGATES[view]:
            values[1] = facts.time_us(values[1])
        yield tuple(values)


def judge(weir, truth, data):
    findings = compare.Findings()
    try:
        compare.ledger(weir.ledger(data), truth.partitions, findings)
        for view, rows in truth.views.items():
            compare.multiset(view, rows, found_rows(weir, view, data), findings)
        letters = [(x["id"], x["stage"], x["reason"], x["original"]) for x in weir.letters(data)]
        compare.multiset("dead letters", truth.letters, letters, findings, lambda letter: (letter[0], letter[3]))
    except (outside.Broken, ValueError, KeyError, TypeError, AttributeError) as wrong:
        findings.add(f"the answers are not of the promised form: {type(wrong).__name__}: {wrong}")
    return findings


def known_facts_of(truth, raw):
    records = [record for _, record in truth.served.values()]
    return dict(
        features=sum(1 for _ in truths.frames(raw)),
        ids=len(truth.served),
        null_magnitudes=sum(record["mag"] is None for record in records),
        days=len(truth.views["by_day"]),
        networks=len(truth.views["by_network"]),
    )


def main():
    parse = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parse.add_argument("name", choices=["small", "small_gz", "small_zst", "small_array", "full"])
    parse.add_argument("--binary")
    parse.add_argument("--keep", action="store_true", help="keep the scratch folder")
    options = parse.parse_args()
    weir = outside.Weir(outside.find_binary(options.binary, "weir"))
    failed = 0
    with outside.Scratch(options.keep) as scratch:
        path, raw = input_file(options.name, scratch)
        for kind in (truths.Quakes, truths.Corrections):
            truth = kind().read(raw)
            if options.name == "full" and kind is truths.Quakes:
                found = known_facts_of(truth, raw)
                assert found == truths.KNOWN, f"this script disagrees with the known facts: {found}"
            pipeline = os.path.join(ROOT, "configs", "pipelines", kind.pipeline + ".yaml")
            data = os.path.join(scratch, kind.pipeline)
            # As an array the pipeline's own format would be wrong; of a file the name says it.
            weir.expect(0, "run", pipeline, path, "--data", data)
            findings = judge(weir, truth, data)
            counts = {name: sum(p[name] for p in truth.partitions) for name in truth.partitions[0]}
            print(("FAIL" if findings else "PASS") + f": {kind.pipeline} over {os.path.basename(path)}: {counts}")
            findings.show()
            failed += bool(findings)
    return 1 if failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (outside.Broken, outside.Hang) as wrong:
        print(f"FAIL: {type(wrong).__name__}: {wrong}")
        sys.exit(1)
