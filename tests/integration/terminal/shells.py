"""Interactive shells that tell what their line is after some keys."""

import os
import re
import subprocess
import time

import screen

DUMP = b"\x18\x04"  # Ctrl-X Ctrl-D
BASH = r"""
PS1='ready> '
bind 'set bell-style none'
bind 'set completion-query-items 0'
bind 'set page-completions off'
dump() { printf '%s\n' "$READLINE_LINE" >> "$OUT"; READLINE_LINE= READLINE_POINT=0; }
bind -x '"\C-x\C-d": dump'
source <(weir completion bash)
"""
ZSH = r"""
PS1='ready> '
unsetopt beep
autoload -U compinit
compinit -u -D
dump() { print -r -- "$BUFFER" >> "$OUT"; BUFFER= }
zle -N dump
bindkey '^X^D' dump
source <(weir completion zsh)
"""


class Shell:
    """bash or zsh with the completion of `binary`, in `folder`."""

    def __init__(self, kind, binary, folder):
        self.out = os.path.join(folder, ".lines")
        begin = os.path.join(folder, ".begin")
        with open(begin, "w") as file:
            file.write(BASH if kind == "bash" else ZSH)
        open(self.out, "w").close()
        self.count = 0
        self.terminal = screen.Terminal(200)
        env = {"PATH": os.path.dirname(binary) + ":" + os.environ["PATH"], "OUT": self.out, "TERM": "vt100", "HOME": folder, "LC_ALL": "C.UTF-8"}
        args = ["bash", "--noprofile", "--norc", "-i"] if kind == "bash" else ["zsh", "-f", "-i"]
        self.program = subprocess.Popen(args, stdin=self.terminal.slave, stdout=self.terminal.slave, stderr=self.terminal.slave, env=env, cwd=folder,
                                        start_new_session=True)
        os.close(self.terminal.slave)
        self.send(f"source {begin}; echo be''gun\n".encode())
        # The prompt behind it: only then the keys are the line editor's.
        self.until(lambda: b"ready> " in self.terminal.seen.partition(b"begun\r\n")[2])

    def send(self, keys):
        os.write(self.terminal.master, keys)

    def until(self, done):
        end = time.monotonic() + 60
        while not done():
            self.terminal.take(0.01)
            if time.monotonic() > end:
                raise SystemExit(f"the shell hangs; it wrote: {self.terminal.seen[-2000:]!r}")

    def complete(self, typed):
        """The line after `typed` and one Tab."""
        self.send(typed.encode() + b"\t" + DUMP)

        def dumped():
            with open(self.out, encoding="utf-8") as file:
                lines = file.read().split("\n")
            return len(lines) > self.count + 1

        self.until(dumped)
        with open(self.out, encoding="utf-8") as file:
            line = file.read().split("\n")[self.count]
        self.count += 1
        return line

    def close(self):
        self.program.kill()
        self.program.wait()
        self.terminal.close()


def levels(binary, path=()):
    """(path, commands, options) of every level, as --help says; an option is (name, value as it is shown)."""
    text = subprocess.run([binary, *path, "--help"], capture_output=True, text=True, check=True, env={**os.environ, "COLUMNS": "100"}).stdout
    below = re.search(r"^Subcommands:\n((?:  .*\n)+)", text, re.M)
    commands = re.findall(r"^  (\S+)", below.group(1), re.M) if below else []
    listed = re.search(r"^Options:\n((?:  .*\n)+)", text, re.M).group(1)
    options = []
    for line in re.findall(r"^  (-.*)$", listed, re.M):
        names, _, rest = line.partition(" ")
        value = re.match(r"([^\s=]+)", rest) if rest and not rest.startswith(" ") else None
        options += [(name, value.group(1) if value else "") for name in re.sub(r"\[=.*", "", names).split(",")]
    yield path, commands, options
    for command in commands:
        yield from levels(binary, (*path, command))
