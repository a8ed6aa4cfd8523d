"""Runs the product as its users do: a process, its exit code, what it prints. Knows nothing of its inside."""

import base64
import csv
import ctypes
import io
import mmap
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from . import facts

csv.field_size_limit(1 << 30)
SKIP = 77
LIBC = ctypes.CDLL(None)
PR_SET_PDEATHSIG = 1


def die_with_the_checker():
    """In a process just started: it is killed when the checker ends in whatever way, so that none is ever left behind."""
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Hang(Exception):
    """A process did not end in its time: a verdict of its own, never retried."""


class Broken(Exception):
    """The product answered in a way the contract does not allow."""


class Ended:
    """A process that ended."""

    def __init__(self, args, code, out, err, seconds, rss_bytes):
        self.args, self.code, self.out, self.err = args, code, out, err
        self.seconds, self.rss_bytes = seconds, rss_bytes

    @property
    def text(self) -> str:
        return self.err.decode("utf-8", "replace")

    def __str__(self):
        last = self.text.strip().splitlines()[-6:]
        return f"`weir {' '.join(self.args)}` ended with {self.code} after {self.seconds:.2f} s: " + " | ".join(last)


class Running:
    """A started process. Its output goes to files, so that a full pipe never stops it."""

    def __init__(self, args, popen, out, err):
        self.args, self.popen, self._out, self._err = args, popen, out, err
        self.started = time.monotonic()
        self._ended = None

    def wait(self, timeout):
        """The end of the process, or None when it is still running after `timeout` seconds."""
        if self._ended:
            return self._ended
        fd = os.pidfd_open(self.popen.pid)
        try:
            ready, _, _ = select.select([fd], [], [], max(0.0, timeout))
        finally:
            os.close(fd)
        if not ready:
            return None
        _, status, usage = os.wait4(self.popen.pid, 0)
        code = os.waitstatus_to_exitcode(status)
        self.popen.returncode = code  # wait4 took it: Popen must not wait again
        seconds = time.monotonic() - self.started
        texts = []
        for f in (self._out, self._err):
            f.seek(0)
            texts.append(f.read())
            f.close()
        self._ended = Ended(self.args, code, *texts, seconds, usage.ru_maxrss * 1024)
        return self._ended

    def bytes_written(self):
        """Bytes the process has handed to write calls until now, as the kernel counts them; None when it has ended."""
        try:
            with open(f"/proc/{self.popen.pid}/io", "rb", buffering=0) as f:
                return int(f.read(200).split(b"wchar: ")[1].split()[0])
        except (FileNotFoundError, ProcessLookupError):
            return None
        except (PermissionError, IndexError):
            if self.wait(0):  # of a process that has just ended nothing can be read
                return None
            raise

    def until_written(self, target, timeout, stalled_after=None, poll=0.0005):
        """Waits until so many bytes are written, or, when asked for, nothing more for so many seconds. Returns how many are,
        None when the process has ended. Where it stands in its work is known that way, however fast the machine is.
        """
        last, since = 0, time.monotonic()
        while (written := self.bytes_written()) is not None and written < target:
            now = time.monotonic()
            if written != last:
                last, since = written, now
            elif stalled_after is not None and now - since > stalled_after:
                return written
            if now - self.started > timeout:
                self.finish(0)
            self.wait(poll)
        return written

    def errors_so_far(self) -> str:
        size = os.fstat(self._err.fileno()).st_size
        return os.pread(self._err.fileno(), size, 0).decode("utf-8", "replace")

    def kill(self, number=signal.SIGKILL):
        """True when the signal met a running process."""
        if self._ended or self.wait(0):
            return False
        os.kill(self.popen.pid, number)
        return True

    def finish(self, timeout) -> Ended:
        ended = self.wait(timeout)
        if ended:
            return ended
        self.kill()
        ended = self.wait(30)
        raise Hang(
            f"`weir {' '.join(self.args)}` still ran after {timeout:.0f} s; stderr: "
            + (ended.text[-500:] if ended else "?")
        )


class Weir:
    """The command line of one binary."""

    def __init__(self, binary, env=None):
        self.binary = os.path.abspath(binary)
        self.env = dict(os.environ, NO_COLOR="1")
        for name in ("WEIR_DATA", "WEIR_NODE", "WEIR_TOKEN_FILE", "WEIR_CA_FILE", "WEIR_FAIL_POINT", "WEIR_DEFECT"):
            self.env.pop(name, None)
        self.env.update(env or {})

    def sanitized(self) -> bool:
        """Whether the binary was built with AddressSanitizer."""
        with open(self.binary, "rb") as f, mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_READ) as image:
            return image.find(b"__asan_init") >= 0

    def start(self, *args, env=None, stdin=subprocess.DEVNULL, **popen) -> Running:
        out, err = tempfile.TemporaryFile(), tempfile.TemporaryFile()
        args = [str(a) for a in args]
        process = subprocess.Popen(
            [self.binary, *args],
            stdin=stdin,
            stdout=out,
            stderr=err,
            env=dict(self.env, **(env or {})),
            preexec_fn=die_with_the_checker,
            **popen,
        )
        return Running(args, process, out, err)

    def call(self, *args, timeout=120, **kw) -> Ended:
        return self.start(*args, **kw).finish(timeout)

    def expect(self, code, *args, **kw) -> Ended:
        ended = self.call(*args, **kw)
        if ended.code != code:
            raise Broken(f"{ended}\n  expected exit code {code}")
        return ended

    # -- answers ------------------------------------------------------------------------------------------------------

    def ledger(self, data, codes=(0,)) -> dict:
        """Counts in total and per partition, as integers; whether a row balances is said beside its counts."""
        ended = self.call("ledger", "--data", data, "--output", "json")
        if ended.code not in codes:
            raise Broken(f"{ended}\n  expected one of {codes}")
        book = facts.parse_json(ended.out)
        counts = lambda row: {k: v if k == "balanced" else facts.whole(v) for k, v in row.items()}
        return {
            "pipeline": book["pipeline"],
            "balanced": book["balanced"],
            "total": counts(book["total"]),
            "partitions": [counts(row) for row in book["partitions"]],
        }

    def rows(self, view, data) -> list:
        """All rows of a view as JSON objects, numbers as marked text."""
        ended = self.expect(0, "query", view, "--data", data, "--limit", "0", "--output", "json", timeout=300)
        return facts.parse_json(ended.out)["rows"]

    def rows_csv(self, view, data):
        """(columns, rows as lists) of a view's CSV form."""
        ended = self.expect(0, "query", view, "--data", data, "--limit", "0", "--output", "csv", timeout=300)
        lines = csv.reader(io.StringIO(ended.out.decode("utf-8"), newline=""), strict=True)
        columns = next(lines)
        return columns, list(lines)

    def letters(self, data) -> list:
        """Open dead letters; `original` becomes bytes, `offset`, `partition` and `attempts` integers."""
        ended = self.expect(0, "dlq", "export", "--data", data, timeout=300)
        out = []
        for line in ended.out.split(b"\n"):
            if not line:
                continue
            letter = facts.parse_json(line)
            for name in ("partition", "offset", "attempts"):
                letter[name] = facts.whole(letter[name])
            if "original_base64" in letter:
                if "original" in letter:
                    raise Broken("a dead letter has original and original_base64: " + repr(line[:200]))
                letter["original"] = base64.b64decode(letter.pop("original_base64"), validate=True)
                if is_utf8(letter["original"]):
                    raise Broken("original_base64 although the original is UTF-8: " + repr(line[:200]))
            else:
                letter["original"] = letter["original"].encode("utf-8", "surrogatepass")
            out.append(letter)
        return out


def is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
        return True
    except UnicodeDecodeError:
        return False


class Scratch:
    """A fresh folder for one test, removed at the end unless it is to be kept."""

    def __init__(self, keep=False, prefix="weir-check-"):
        self.keep, self.prefix = keep, prefix

    def __enter__(self):
        self.path = tempfile.mkdtemp(prefix=self.prefix)
        return self.path

    def __exit__(self, kind, *_):
        if self.keep:
            print("kept:", self.path, file=sys.stderr)
        else:
            shutil.rmtree(self.path, ignore_errors=True)


def repository() -> str:
    return os.path.abspath(os.path.join(os.path.dirname(__file__), "..", "..", ".."))


def find_binary(given, name):
    """The binary named on the command line, else the release build; exit 77 with the reason when there is none."""
    path = given or os.path.join(repository(), "build", "release", "bin", name)
    if not os.access(path, os.X_OK):
        print(f"skipped: there is no program {path}; build it or name one")
        sys.exit(SKIP)
    return path
