"""What every case of the bad days stands on: events with known answers, exact comparison, skips."""

import collections
import hashlib
import os
import re

from outside import compare, facts, weir as outside

HERE = os.path.dirname(os.path.abspath(__file__))
ORDERS, SALES = os.path.join(HERE, "orders.yaml"), os.path.join(HERE, "sales.yaml")
CSV_HEADER = b"id,at,kind,n\n"
# A segment is read whole by what copies and compares directories.
SMALL_SEGMENTS = ("--set", "log.embedded.segment=4MiB")
PLACE = re.compile(r"(line|byte|offset|position|at|:)\s*\d[\d,.]*")

CASES = []


def case(function):
    """Registers a case; its name is the function's, its first line of documentation the behaviour."""
    CASES.append(function)
    return function


class Failed(Exception):
    pass


class Skipped(Exception):
    pass


def check(right, text):
    if not right:
        raise Failed(text)


def good(i):
    return b'{"id":"e-%d","at":%d,"kind":"k%d","n":%d}' % (i, 1_700_000_000_000 + i, i % 5, i)


def good_csv(i):
    return b"e-%d,%d,k%d,%d" % (i, 1_700_000_000_000 + i, i % 5, i)


def lines(raws):
    return b"".join(raw + b"\n" for raw in raws)


class Ground:
    """One case's folder, data directory and program."""

    def __init__(self, weir, folder, chance, faults=None):
        self.weir, self.folder, self.chance, self.faults = weir, folder, chance, faults
        self.data = os.path.join(folder, "D")

    def file(self, name, content: bytes):
        path = os.path.join(self.folder, name)
        with open(path, "wb") as f:
            f.write(content)
        return path

    def run(self, code, *files, pipeline=ORDERS, data=None, **kw):
        """`weir run`; the exit code must be `code`, or one of them."""
        ended = self.weir.call(
            "run", pipeline, *files, "--data", data or self.data, *SMALL_SEGMENTS, timeout=kw.pop("timeout", 120), **kw
        )
        codes = code if isinstance(code, (set, tuple)) else {code}
        check(ended.code in codes, f"{ended}\n    expected exit code {' or '.join(map(str, sorted(codes)))}")
        return ended

    def refused(self, ended, *words, place=False):
        """The message of an error: what, where, and no bare stack trace."""
        for word in words:
            check(word.lower() in ended.text.lower(), f"{ended}\n    the message does not name {word!r}")
        if place:
            rest = ended.text.replace(self.folder, "")
            check(PLACE.search(rest), f"{ended}\n    the message does not say at which place")
        check("terminate called" not in ended.text and "std::" not in ended.text, f"{ended}\n    a bare exception")

    def accepted(self, data=None):
        """Events accepted until now; 0 where no data directory was made, or only an empty shell that is refused."""
        data = data or self.data
        if self.weir.call("ledger", "--data", data, "--output", "json").code in (2, 4, 5):
            return 0
        return self.weir.ledger(data)["total"]["accepted"]

    def answers(self, served, letters=(), duplicates=0, data=None, superseded=0):
        """Exactly these: `served` are the numbers of good events, `letters` pairs (original bytes, reasons)."""
        data = data or self.data
        served, letters = list(served), list(letters)
        findings = compare.Findings()
        book = self.weir.ledger(data)
        wanted = dict(
            accepted=len(served) + len(letters) + duplicates + superseded,
            served=len(served),
            dead_lettered=len(letters),
            duplicate=duplicates,
            superseded=superseded,
        )
        compare.one_row("ledger", book["total"], wanted, findings)
        if book["balanced"] is not True:
            findings.add("the ledger does not balance")
        rows = [(row["id"], facts.whole(row["n"]), row["kind"]) for row in self.weir.rows("by_id", data)]
        compare.multiset("by_id", [(f"e-{i}", i, f"k{i % 5}") for i in served], rows, findings, lambda r: r[0])
        sums = collections.defaultdict(lambda: [0, 0])
        for i in served:
            sums[f"k{i % 5}"][0] += i
            sums[f"k{i % 5}"][1] += 1
        found = [
            (r["kind"], facts.whole(r["total"]), facts.whole(r["events"])) for r in self.weir.rows("by_kind", data)
        ]
        compare.multiset("by_kind", [(k, *v) for k, v in sums.items()], found, findings, lambda r: r[0])
        self._letters(letters, self.weir.letters(data), findings)
        check(not findings, "\n    ".join(findings[:12]))

    @staticmethod
    def _letters(expected, found, findings):
        short = lambda raw: (
            raw if len(raw) <= 120 else raw[:60] + b"... %d bytes, " % len(raw) + hashlib.sha256(raw).digest()[:4]
        )
        compare.multiset(
            "dead letters", [short(raw) for raw, _ in expected], [short(x["original"]) for x in found], findings
        )
        reasons = {raw: allowed for raw, allowed in expected}
        for x in found:
            allowed = reasons.get(x["original"])
            if allowed and x["reason"] not in allowed:
                findings.add(f"{short(x['original'])!r}: reason {x['reason']!r}, allowed {sorted(allowed)}")


def tree_of(folder):
    """path -> digest of its content, for everything below a folder."""
    out = {}
    for at, folders, files in os.walk(folder):
        for name in folders:
            out[os.path.relpath(os.path.join(at, name), folder) + "/"] = ""
        for name in files:
            path = os.path.join(at, name)
            digest = hashlib.blake2b(digest_size=16)
            with open(path, "rb") as f:
                while chunk := f.read(1 << 20):
                    digest.update(chunk)
            out[os.path.relpath(path, folder)] = f"{os.path.getsize(path)} {digest.hexdigest()}"
    return out


def unchanged(before, folder, what, but=()):
    after = tree_of(folder)
    changed = sorted(k for k in (before.keys() | after.keys()).difference(but) if before.get(k) != after.get(k))
    check(not changed, f"{what} changed {', '.join(changed[:6])}")


def with_defect(g, name):
    """The same program with one deliberate defect, for damage that `weir` itself does not do."""
    if not g.faults:
        raise Skipped("there is no program weir-faults beside weir")
    return outside.Weir(g.faults, {"WEIR_DEFECT": name})


def variant(g, name, *replacements):
    """The pipeline file with some of its text replaced."""
    with open(ORDERS, encoding="utf-8") as f:
        text = f.read()
    for old, new in replacements:
        check(old in text, f"the test is void: {old!r} is not in the pipeline file")
        text = text.replace(old, new)
    return g.file(name, text.encode())


def need_root(why):
    if os.geteuid() != 0:
        raise Skipped("needs root: " + why)


__all__ = [
    "CASES",
    "CSV_HEADER",
    "Failed",
    "Ground",
    "HERE",
    "ORDERS",
    "SALES",
    "SMALL_SEGMENTS",
    "Skipped",
    "case",
    "check",
    "good",
    "good_csv",
    "lines",
    "need_root",
    "outside",
    "tree_of",
    "unchanged",
    "variant",
    "with_defect",
]
