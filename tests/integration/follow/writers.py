"""Programs that write logs and archives as people's do."""

import gzip
import os
import threading


class Writer(threading.Thread):
    """Lines with ids of its own, in a file that it rotates and truncates. Nothing goes away that nobody could have read:
    before it truncates it waits until `caught_up()`."""

    def __init__(self, folder, name, lines, random, caught_up):
        super().__init__(daemon=True)
        self.path = os.path.join(folder, name)
        self.name_, self.lines, self.random, self.caught_up = name, lines, random, caught_up
        self.written, self.rotations, self.truncations, self.error = set(), 0, 0, None
        self.file = open(self.path, "ab", buffering=0)

    def line(self):
        name = f"{self.name_}-{len(self.written)}"
        self.written.add(name)
        return f'{{"id":"{name}","pad":"{"x" * self.random.randrange(200)}"}}\n'.encode()

    def run(self):
        try:
            while len(self.written) < self.lines:
                self.step()
        except Exception as e:  # noqa: BLE001: told by the one who waits for this thread
            self.error = e

    def step(self):
        what = self.random.randrange(100)
        if what < 60:
            self.file.write(b"".join(self.line() for _ in range(self.random.randrange(1, 40))))
        elif what < 95:
            text = self.line()
            cut = self.random.randrange(1, len(text))
            self.file.write(text[:cut])
            self.caught_up.pause(0.001 * self.random.randrange(30))
            self.file.write(text[cut:])
        elif what < 98:
            self.rotate()
        elif self.truncations < 3:
            self.truncate()

    def rotate(self):
        """The old file gets a last line after it was renamed, as from a program that was not told yet."""
        self.rotations += 1
        text = self.line()
        self.file.write(text[:5])
        os.rename(self.path, f"{self.path}.{self.rotations}")
        fresh = open(self.path, "ab", buffering=0)
        fresh.write(self.line())
        self.file.write(text[5:])
        self.file.close()
        self.file = fresh

    def truncate(self):
        """As `copytruncate` does it; what follows is at once longer than what was there, so that the size says nothing."""
        if not self.caught_up(self):
            return
        self.truncations += 1
        size = os.fstat(self.file.fileno()).st_size
        self.file.truncate(0)
        text = b""
        while len(text) <= size and len(text) < 300_000:
            text += self.line()
        self.file.write(text)


class Archiver(threading.Thread):
    """Compressed files that appear whole, and one that is written slowly in its place."""

    def __init__(self, folder, count, random, pause):
        super().__init__(daemon=True)
        self.folder, self.count, self.random, self.pause = folder, count, random, pause
        self.written, self.error = set(), None

    def run(self):
        try:
            for i in range(self.count):
                names = [f"gz-{i}-{k}" for k in range(self.random.randrange(1, 3000))]
                self.written |= set(names)
                packed = gzip.compress("".join(f'{{"id":"{name}"}}\n' for name in names).encode())
                path = os.path.join(self.folder, f"{i}.ndjson.gz")
                if i % 3 == 0:
                    with open(path, "wb", buffering=0) as f:
                        for at in range(0, len(packed), 1 + len(packed) // 4):
                            f.write(packed[at : at + 1 + len(packed) // 4])
                            self.pause(0.02)
                else:
                    with open(path + ".tmp", "wb") as f:
                        f.write(packed)
                    os.rename(path + ".tmp", path)
                self.pause(0.05)
        except Exception as e:  # noqa: BLE001
            self.error = e
