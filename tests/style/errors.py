"""Every error code has its entry in runtime/base/errors.md: its number, what it means, the usual cause, what to do."""
import re

import tree

CODES, PAGE = "runtime/base/error.h", "runtime/base/errors.md"
ENUM = re.compile(r"enum class Errc[^{]*\{(.*?)\};", re.S)
CODE = re.compile(r"(\w+)\s*=\s*(\d+)")
ENTRY = re.compile(r"^### `(\w+)` \((\d+)\)\n(.*?)(?=^#|\Z)", re.M | re.S)
LINES = ["Meaning: ", "Usual cause: ", "What to do: "]


def check(root):
    header, page = tree.read(root, CODES), tree.read(root, PAGE)
    enum = ENUM.search(tree.code_of(header))
    if enum is None:
        return [f"{CODES}: no `enum class Errc`"]
    codes = {name: number for name, number in CODE.findall(enum.group(1))}
    breaches, entries = [], {}
    for name, number, body in ENTRY.findall(page):
        entries[name] = number
        lines = [line for line in body.strip().split("\n") if line]
        if len(lines) != 3 or any(not line.startswith("- " + start) for line, start in zip(lines, LINES)):
            breaches.append(f"{PAGE}: {name} needs exactly three lines: {', '.join(s.strip() for s in LINES)}")
    for name, number in codes.items():
        if name not in entries:
            breaches.append(f"{PAGE}: {name} ({number}) has no entry")
        elif entries[name] != number:
            breaches.append(f"{PAGE}: {name} is {number}, not {entries[name]}")
    breaches += [f"{PAGE}: {name} is no code" for name in entries if name not in codes]
    return breaches
