"""Programs on a pseudo-terminal."""

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import tempfile
import termios
import time

SECONDS_MAX = 120


def window(descriptor, columns, rows=40):
    fcntl.ioctl(descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


class Terminal:
    """A pseudo-terminal; `slave` is what a program gets."""

    def __init__(self, columns=100):
        self.master, self.slave = pty.openpty()
        window(self.slave, columns)
        self.seen = b""

    def take(self, seconds):
        """What comes within that time; b'' when nothing does."""
        ready, _, _ = select.select([self.master], [], [], seconds)
        if not ready:
            return b""
        try:
            data = os.read(self.master, 65536)
        except OSError:  # nobody has the slave any more
            return b""
        self.seen += data
        return data

    def close(self):
        os.close(self.master)


def run(args, columns=100, env=None, stdout_too=False, stdout_alone=False):
    """Runs to the end with stderr on a terminal, or stdout too, or stdout alone. Gives (exit code, stdout, what the terminal got)."""
    terminal = Terminal(columns)
    environment = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "COLUMNS", "WEIR_DATA", "WEIR_NODE")}
    environment.update(env or {})
    shown = stdout_too or stdout_alone
    with tempfile.TemporaryFile() as file:  # needs nobody who drains it
        program = subprocess.Popen(args, stdin=subprocess.DEVNULL, stdout=terminal.slave if shown else file,
                                   stderr=subprocess.DEVNULL if stdout_alone else terminal.slave, env=environment)
        os.close(terminal.slave)
        end = time.monotonic() + SECONDS_MAX
        while time.monotonic() < end:
            if not terminal.take(0.05) and program.poll() is not None and not terminal.take(0):
                break
        code = program.wait(timeout=10)
        file.seek(0)
        text = file.read()
    terminal.close()
    return code, text, terminal.seen


def lines_written_over(seen):
    """The states of a line that is written again and again."""
    return [part.decode() for part in re.split(rb"\r\x1b\[K", seen) if part.strip()]
