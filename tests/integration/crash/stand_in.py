#!/usr/bin/env python3
"""A stand-in for weir, for the self test of the campaign only: the few commands it uses, over a log of its own.

It is right, slow enough to be killed anywhere, and writes as many bytes as the campaign expects of a program: the strikes
are aimed by them. STAND_IN_BUG plants one mistake of the kind the campaign
exists to find. It reads what the events mean from `FILE.events`, which the self test writes beside each input.
"""

import base64
import json
import mmap
import os
import pickle
import signal
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.dirname(HERE)]
from outside import compare, facts  # noqa: E402
import campaign  # noqa: E402
import model as models  # noqa: E402
import workload  # noqa: E402

GROUP = 25
PAUSE = 0.01  # seconds a group takes, asleep: on a busy machine the one who strikes gets its turn
BUG = os.environ.get("STAND_IN_BUG", "")


class Log:
    """Lines `A file from to` (accepted), `C count` (decided), `F file` (finished), `R` (a restart), each with some
    padding; the last may be torn.
    """

    def __init__(self, data):
        self.data, self.path = data, os.path.join(data, "log")
        self.stream, self.decided, self.position, self.finished, self.restarts = [], 0, {}, set(), []
        text = open(self.path).read() if os.path.exists(self.path) else ""
        self.good = text.rfind("\n") + 1
        for line in text[: self.good].splitlines():
            self._apply(line.split(" "))

    def _apply(self, words):
        if words[0] == "A":
            with open(os.path.join(self.data, words[1]), "rb") as f:
                self.stream += pickle.load(f)[int(words[2]) : int(words[3])]
            self.position[words[1]] = int(words[3])
        elif words[0] == "C":
            self.decided = int(words[1])
        elif words[0] == "F":
            self.finished.add(words[1])
        elif words[0] == "R":
            self.restarts.append(self.decided)

    def write(self, *words, padding=0):
        with open(self.path, "r+" if os.path.exists(self.path) else "w") as f:
            f.truncate(self.good)
            f.seek(self.good)
            f.write(" ".join(map(str, words)) + " " + "." * padding + "\n")
            self.good = f.tell()
            f.flush()
            if BUG != "never_syncs":
                os.fsync(f.fileno())


def fail_point(name):
    point, _, count = os.environ.get("WEIR_FAIL_POINT", ":").partition(":")
    if point == name:
        fail_point.passed = getattr(fail_point, "passed", 0) + 1
        if fail_point.passed == int(count):
            os.kill(os.getpid(), signal.SIGKILL)


def copy_uncounted(path, to):
    """Not by write calls: what is counted is the log alone."""
    with open(path, "rb") as f, open(to, "w+b") as out:
        content = f.read()
        out.truncate(len(content))
        with mmap.mmap(out.fileno(), len(content)) as image:
            image[:] = content


def note_late(pipeline, data):
    """What becomes of late events in this directory."""
    place = os.path.join(data, "late")
    if os.path.exists(place):
        return
    with open(pipeline, encoding="utf-8") as f, open(place + ".new", "w", encoding="utf-8") as out:
        out.write("expire" if "then: expire" in f.read() else "dead_letter")
    os.rename(place + ".new", place)
    os.sync()


def run(pipeline, path, data):
    os.makedirs(data, exist_ok=True)
    note_late(pipeline, data)
    with open(os.path.join(data, "opening"), "wb") as f:
        f.write(b"." * campaign.OPENING_BYTES)
    name = os.path.basename(path)
    if not os.path.exists(os.path.join(data, name)):
        copy_uncounted(path + ".events", os.path.join(data, name + ".new"))
        os.rename(os.path.join(data, name + ".new"), os.path.join(data, name))
        os.sync()
    log = Log(data)
    with open(os.path.join(data, name), "rb") as f:
        events = pickle.load(f)
    at = 0 if name in log.finished else log.position.get(name, 0)
    total, restarted = len(log.stream), log.good > 0
    if restarted:
        log.write("R")
        at += {"skips_one_after_a_restart": 1, "repeats_some_after_a_restart": -7}.get(BUG, 0)
    decided, padding = log.decided, 0
    while at < len(events) or decided < total:
        to = min(len(events), at + GROUP)
        if to > at:
            padding = sum(len(e.raw) for e in events[at:to])
            log.write("A", name, at, to, padding=padding)
            total, at = total + to - at, to
        fail_point("between_append_and_commit")
        if BUG == "position_goes_back" and decided > 400 and restarted:
            decided -= 300
        else:
            decided = total
        log.write("C", decided, padding=padding)
        fail_point("after_commit")
        time.sleep(PAUSE)
        if BUG == "stands_still" and decided > 200:
            time.sleep(3600)
        if BUG == "ends_with_an_error" and decided > 300:
            print("internal: something", file=sys.stderr)
            return 70
        if BUG == "position_goes_back" and decided != total and to == len(events):
            break
    print("events", total, flush=True)
    log.write("F", name)
    return 0


def replay(data):
    log = Log(data)
    place = os.path.join(data, "late")
    model = models.Model()
    if os.path.exists(place):
        with open(place, encoding="utf-8") as f:
            model.late = f.read()
    if BUG == "is_never_late":
        workload.LATE_MS = 1 << 60
    model.send(log.stream)
    if BUG == "forgets_ids_at_a_restart":
        for at in log.restarts:
            model.decide_until(model.sent_until(at))
            for partition in model.partitions:
                partition.entries.clear()
    model.decide_until(model.sent_until(log.decided))
    return log, model


def ledger(data):
    log, model = replay(data)
    rows = [
        dict(dict.fromkeys(compare.COUNTS, 0), partition=p, epoch=1, **row)
        for p, row in enumerate(model.ledger(model.sent_until(len(log.stream))))
    ]
    total = {c: sum(row[c] for row in rows) for c in compare.COUNTS}
    if BUG == "counts_one_too_many" and log.restarts:
        rows[1]["served"] += 1
        rows[1]["duplicate"] -= 1
    print(json.dumps({"pipeline": "crash", "balanced": True, "total": total, "partitions": rows}))
    return 0


def plain(value):
    """A marked number as the JSON number it stands for."""
    if isinstance(value, str) and value.startswith(facts.NUMBER_MARK):
        return RawNumber(value[len(facts.NUMBER_MARK) :])
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    return [plain(v) for v in value] if isinstance(value, list) else value


class RawNumber(str):
    """The text of a number, printed as it is."""


def rfc3339(us):
    seconds, rest = divmod(us, 1_000_000)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + (f".{rest:06d}" if rest else "") + "Z"


def latest(event):
    return dict(
        {"id": event.id, "time": rfc3339(event.at_ms * 1000)},
        **{k: plain(v) for k, v in models.record_of(event).items() if k != "id"},
    )


def query(view, data):
    log, model = replay(data)
    if view == "order_by_id":
        rows = [latest(e) for e in model.served.values()]
        if BUG == "loses_one_and_doubles_one" and len(rows) > 4:
            rows[3] = rows[4]
        if BUG == "alters_a_row" and len(rows) > 5:
            rows[5]["account"] += "x"
    elif view == "latest_by_account":
        rows = [latest(e) for e in model.latest.values()]
    elif view == "by_account":
        names = ("total", "orders", "largest", "smallest", "mean")
        rows = [dict(zip(("account",) + names, (a, *map(RawNumber, rest)))) for a, *rest in model.account_rows()]
    else:
        windows = model.hour_rows() if view == "by_hour" else model.minute_rows()
        rows = [dict(window=w, window_start=rfc3339(at), total=RawNumber(t), orders=RawNumber(n)) for w, at, t, n in windows]
    print(encode({"view": view, "rows": rows, "next": None, "token": "t"}))
    return 0


def encode(value):
    if isinstance(value, RawNumber):
        return str(value)
    if isinstance(value, dict):
        return "{" + ",".join(json.dumps(k) + ":" + encode(v) for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(encode, value)) + "]"
    return json.dumps(value)


def export(data):
    _, model = replay(data)
    for p, part in enumerate(model.partitions):
        for offset, letter in part.letters.items():
            row = dict(
                id=letter.id,
                partition=p,
                offset=offset,
                door="file:x",
                accepted_at="2026-01-01T00:00:00Z",
                stage=letter.stage or "frame",
                reason=min(letter.reasons),
                details=[],
                attempts=1,
            )
            original = letter.original
            if BUG == "changes_a_dead_letter":
                original = original.replace(b"\xe9", b"?")
            try:
                row["original"] = original.decode()
            except UnicodeDecodeError:
                row["original_base64"] = base64.b64encode(original).decode()
            print(json.dumps(row))
    return 0


def main(args):
    data = args[args.index("--data") + 1]
    if args[0] == "run":
        return run(args[1], args[2], data)
    if args[0] == "ledger":
        return ledger(data)
    if args[0] == "where":
        return 0 if any(args[1] in part.entries for part in replay(data)[1].partitions) else 1
    return query(args[1], data) if args[0] == "query" else export(data)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
