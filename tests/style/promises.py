"""The table of promises in runtime/ARCHITECTURE.md: I1 to I16, each with tests that exist or the words "not built".

A test is named as in its source: a sentence in double quotes is the name of a TEST_CASE. Files are checked by paths.py.
"""
import re

import tree

PAGE = "runtime/ARCHITECTURE.md"
PROMISES = 16
ROW = re.compile(r"^\| (I\d+) \|(.*)\|\s*$", re.M)
QUOTED = re.compile(r'"([^"]+)"')
CASE = re.compile(r'(?:TEST_CASE|TEMPLATE_TEST_CASE)\(\s*"((?:[^"\\]|\\.)*)"')


def check(root):
    page = tree.read(root, PAGE)
    names = set()
    for path in tree.files(root):
        if path.startswith("tests/") and path.endswith(".cc"):
            names.update(CASE.findall(tree.read(root, path) or ""))
    rows = ROW.findall(page)
    wanted = [f"I{i}" for i in range(1, PROMISES + 1)]
    found = [number for number, _ in rows]
    breaches = [] if found == wanted else [f"{PAGE}: the promises are {', '.join(found)}, they must be I1 to I{PROMISES}, each once, in order"]
    for number, row in rows:
        cells = [cell.strip() for cell in row.split("|")]
        tested = cells[2] if len(cells) > 2 else ""
        breaches += [f'{PAGE}: {number}: no test is called "{name}"' for name in QUOTED.findall(tested) if name not in names]
        if not QUOTED.search(tested) and "tests/" not in tested and "not built" not in tested:
            breaches.append(f'{PAGE}: {number}: name a test, or say "not built"')
    return breaches
