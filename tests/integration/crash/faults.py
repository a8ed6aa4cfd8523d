"""Ways to end a run: SIGKILL, a named fail point, and a power cut.

A power cut is ext4 on a loop device that is told to shut down without its journal (EXT4_IOC_SHUTDOWN): whatever was not
synced is gone, as after the plug was pulled. SIGKILL alone never loses the page cache, so it says nothing about syncs.
"""

import fcntl
import os
import re
import struct
import subprocess

EXT4_IOC_SHUTDOWN = 0x8004587D
NO_LOG_FLUSH = 2


def names_in_source(root, macro):
    """Every name used with WEIR_FAIL_POINT (of whatever kind) or WEIR_DEFECT in the sources, in a fixed order."""
    found = set()
    for folder in ("runtime", "actors", "cluster"):
        for at, _, files in os.walk(os.path.join(root, folder)):
            for name in files:
                if name.endswith(".cc"):
                    with open(os.path.join(at, name), encoding="utf-8") as f:
                        found.update(re.findall(macro + r'(?:_TRY|_IF)?\("([a-z0-9_]+)"\)', f.read()))
    return sorted(found)


def passed(point, serving):
    """Whether a node that serves, or a run over files, ever comes to a fail point here; tests/integration/sweep comes to all of them."""
    elsewhere = ("door_", "run_") if serving else ("http_",)
    return not point.startswith((*elsewhere, "publish_", "redrive_", "restore_", "retry_", "sink_", "snapshot_", "view_drop_"))


class Kill:
    """SIGKILL: what the process had written stays in the page cache."""

    name = "kill"
    durable_only = False

    def __init__(self, folder):
        self.data = os.path.join(folder, "D")

    def strike(self, process):
        return process.kill()

    def strike_at_rest(self):
        pass

    def recover(self):
        pass

    def close(self):
        pass


class PowerCut:
    """The file system loses everything that was not synced, then the process is killed."""

    name = "power cut"
    durable_only = True

    def __init__(self, folder, megabytes=3000):
        self.image, self.mount = os.path.join(folder, "disk"), os.path.join(folder, "mnt")
        os.mkdir(self.mount)
        with open(self.image, "wb") as f:
            f.truncate(megabytes << 20)
        subprocess.run(["mkfs.ext4", "-q", "-F", self.image], check=True)
        self._mount()
        self.data = os.path.join(self.mount, "D")
        self.cut = False

    def _mount(self):
        subprocess.run(["mount", "-o", "loop", self.image, self.mount], check=True)

    def _umount(self):
        subprocess.run(["umount", self.mount], check=True)

    def strike(self, process):
        if process.wait(0):
            return False
        self._cut()
        process.kill()
        return True

    def strike_at_rest(self):
        """Right after a run said that it is done: all of it must be on the disk by then."""
        self._cut()
        self.recover()

    def _cut(self):
        fd = os.open(self.mount, os.O_RDONLY)
        try:
            fcntl.ioctl(fd, EXT4_IOC_SHUTDOWN, struct.pack("I", NO_LOG_FLUSH))
        finally:
            os.close(fd)
        self.cut = True

    def recover(self):
        if self.cut:
            self._umount()
            self._mount()
            self.cut = False

    def close(self):
        subprocess.run(["umount", self.mount], check=False)


def power_cut_possible(folder):
    """None, or why not: tried with one synced and one unsynced file, of which the second must be gone afterwards."""
    if os.geteuid() != 0:
        return "it needs root to mount a loop device"
    try:
        disk = PowerCut(folder, 32)
    except (OSError, subprocess.CalledProcessError) as no:
        return f"no ext4 on a loop device here: {no}"
    try:
        for name, sync in (("synced", True), ("unsynced", False)):
            fd = os.open(os.path.join(disk.mount, name), os.O_CREAT | os.O_WRONLY, 0o600)
            os.write(fd, b"x" * 10_000)
            if sync:
                os.fsync(fd)
            os.close(fd)
        disk.strike_at_rest()
        left = sorted(set(os.listdir(disk.mount)) - {"lost+found"})
        return None if left == ["synced"] else f"after the shutdown {left} were left"
    except OSError as no:
        return f"the file system cannot be shut down: {no}"
    finally:
        disk.close()
        os.remove(disk.image)
        os.rmdir(disk.mount)
