"""Seeds for the fuzz targets, from real data and from what the tests have: a folder per target.

  python3 tests/fuzz/make_seeds.py FOLDER STORED_SEEDS_PROGRAM

Beside a folder NAME stands NAME.dict where libFuzzer can use words that it would hardly find by itself.

Real input is taken from $WEIR_SAMPLES (default: ../shared/data beside the project) where it is there.
"""

import gzip
import json
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SAMPLES = os.environ.get("WEIR_SAMPLES") or os.path.join(ROOT, "..", "shared", "data")


def text(*parts):
    with open(os.path.join(ROOT, *parts), "rb") as f:
        return f.read()


def write(folder, name, data):
    with open(os.path.join(folder, name), "wb") as f:
        f.write(data if isinstance(data, bytes) else data.encode())


def features():
    path = os.path.join(SAMPLES, "earthquakes.geojson.gz")
    if os.path.exists(path):
        with gzip.open(path, "rb") as f:
            return json.load(f)["features"][:12]
    return [{"type": "Feature", "id": f"q{i}", "properties": {"mag": i / 2, "time": 1700000000000 + i, "felt": None}, "geometry": None} for i in range(12)]


def orders():
    return [{"id": f"o{i}", "amount": 1.5 * i, "properties": {"mag": None}, "text": 'quote " and \\ and ä €'} for i in range(6)]


def cloud_events():
    base = {"specversion": "1.0", "id": "a", "source": "/shop", "type": "sale"}
    yield base
    yield dict(base, time="2026-11-27T01:02:03.5Z", data={"n": 1, "list": [1, 2, {"deep": True}]}, tenant="x")
    yield dict(base, datacontenttype="text/plain", data="words")
    yield dict(base, data_base64="AAEC")


REQUESTS = [
    "GET /v1/views/by%20day?limit=5&where.a=b HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\n\r\n",
    "POST /v1/events?wait=5s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{\"id\":1}\n",
    "POST /v1/events HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n3;x=y\r\nyou\r\n0\r\nTrailer: z\r\n\r\n",
    "HEAD /healthz HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "GET http://localhost/a HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nX: a\tb\r\n\r\n",
]


def scripts():
    """The scripts of the examples, and those that the tests of the language run."""
    for name in sorted(os.listdir(os.path.join(ROOT, "configs", "pipelines"))):
        if name.endswith(".lua"):
            yield text("configs", "pipelines", name).decode()
    folder = os.path.join(ROOT, "tests", "unit", "lua")
    for name in sorted(os.listdir(folder)):
        if not name.endswith(".cc"):
            continue
        source = text("tests", "unit", "lua", name).decode()
        for script in re.findall(r'R"\w*\((.*?)\)\w*"', source, re.S):
            if "function" in script:
                yield script
        for body in re.findall(r'body_of\("((?:[^"\\]|\\.)*)"', source):
            yield "function transform(e) " + body.replace('\\"', '"').replace("\\n", "\n") + " end"


def dictionaries():
    keys = set(re.findall(r"`([a-z_]+)`", text("configs", "reference.md").decode()))
    lua = set("and break do else elseif end false for function goto if in local nil not or repeat return then true until while".split())
    lua |= set(re.findall(r"\b(?:string|math|table|decimal)\.\w+", " ".join(scripts()))) | {"e.meta", "transform", "validate", "{e, e}", "pairs(e)", "#e"}
    http = set(re.findall(r"[\w-]+: ", "".join(REQUESTS))) | {"chunked", "HTTP/1.1", "HTTP/1.0", "%2F", "0\\x0d\\x0a"}
    return {"yaml": keys, "script": lua, "http": {w for w in http if "\\" not in w}}


def main():
    folder, program = sys.argv[1:]
    made = {}
    for name in ("csv", "ndjson", "json", "geojson", "cloud_events", "http", "yaml", "journal", "state", "script"):
        made[name] = os.path.join(folder, name)
        os.makedirs(made[name], exist_ok=True)
    lines = text("tests", "data", "retail-small.csv").split(b"\n")
    for i in range(0, len(lines) - 1, 12):
        write(made["csv"], f"retail-{i}", b"\n".join([lines[0]] + lines[i + 1 : i + 13]))
    found = features()
    for i in range(0, len(found), 3):
        write(made["geojson"], f"quakes-{i}", json.dumps({"type": "FeatureCollection", "metadata": {"count": 3}, "features": found[i : i + 3]}))
        write(made["ndjson"], f"quakes-{i}", "".join(json.dumps(f) + "\n" for f in found[i : i + 3]))
        write(made["json"], f"quakes-{i}", json.dumps(found[i : i + 3]))
    write(made["ndjson"], "orders", "".join(json.dumps(o, ensure_ascii=i % 2 == 0) + "\r\n" for i, o in enumerate(orders())))
    write(made["json"], "order", json.dumps(orders()[0], indent=2))
    for i, event in enumerate(cloud_events()):
        write(made["cloud_events"], f"event-{i}", json.dumps(event))
    for i, feature in enumerate(found[:4]):
        write(made["cloud_events"], f"quake-{i}", json.dumps(feature))
    for i, request in enumerate(REQUESTS):
        write(made["http"], f"request-{i}", request)
    for kind in ("pipelines", "nodes"):
        for name in sorted(os.listdir(os.path.join(ROOT, "configs", kind))):
            if name.endswith(".yaml"):
                write(made["yaml"], f"{kind}-{name}", text("configs", kind, name))
    broken = text("tests", "unit", "config", "broken_files.txt").decode()
    for i, part in enumerate(re.findall(r"^## [^\n]*\n(.*?)^=>", broken, re.M | re.S)):
        if part.strip():
            write(made["yaml"], f"broken-{i}", part)
    subprocess.run([program, folder, os.path.join(ROOT, "tests", "data", "retail-small.csv")], check=True)
    for i, script in enumerate(scripts()):
        write(made["script"], f"script-{i}", script + "\n--" + json.dumps(orders()[i % 6]))
    for name, words in dictionaries().items():
        write(folder, name + ".dict", "".join('"' + re.sub(r'["\\\\]', r"\\\g<0>", w) + '"\n' for w in sorted(words)))


if __name__ == "__main__":
    main()
