"""Fail points: what is used is listed, what is listed is used, and the files they stand in are compiled with them (FAULTS)."""
import re

import tree

LIST = "runtime/base/fail_points.h"
ENTRY = re.compile(r'\{"([^"]*)", "([^"]*)", "([^"]*)"\}')
USED = re.compile(r'\bWEIR_FAIL_POINT(?:_TRY|_IF)?\("([^"]*)"\)')
FAULTS = re.compile(r"\bFAULTS\b(.*?)(?=\b[A-Z]{4,}\b(?![/}_])|\))", re.S)
PRODUCT = ("runtime/", "actors/", "cluster/")


def compiled_with_faults(root, path):
    folder, name = path.rsplit("/", 1)
    try:
        text = tree.read(root, folder + "/CMakeLists.txt")
    except OSError:
        return False
    found = FAULTS.search(text.replace("${CMAKE_CURRENT_SOURCE_DIR}/", ""))
    return bool(found) and name in found.group(1).split()


def check(root):
    breaches, listed, used = [], {}, set()
    for name, area, meaning in ENTRY.findall(tree.read(root, LIST)):
        if name in listed:
            breaches.append(f"{LIST}: {name} is listed twice")
        listed[name] = area
        if not re.fullmatch(r"[a-z_]+", name) or not re.fullmatch(r"[a-z-]+", area) or not meaning:
            breaches.append(f"{LIST}: {name}: a name in [a-z_], an area in [a-z-] and a meaning are needed")
    for path in tree.files(root):
        if not path.endswith(".cc") or not path.startswith(PRODUCT):
            continue
        names = USED.findall(tree.read(root, path) or "")
        used.update(names)
        breaches += [f"{path}: the fail point {name} is not listed in {LIST}" for name in names if name not in listed]
        if names and not compiled_with_faults(root, path):
            breaches.append(f"{path}: has fail points and is not among the FAULTS of its folder: nothing ever comes to them")
    breaches += [f"{LIST}: {name} is used nowhere" for name in listed if name not in used]
    return breaches
