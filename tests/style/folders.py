"""A folder says in one to three lines what it is for, links what its files include, and nothing the include table forbids.

Static libraries hide a missing row until the day the link order changes; a row too many hides an arrow that no file has yet.
"""
import fnmatch
import os
import re

import includes
import tree

TARGET = re.compile(r"weir_folder\((\w+)((?:[^()]|\([^()]*\))*)\)")
LINK = re.compile(r"\bLINK\b(.*?)(?:\b(?:FAULTS|GENERATED)\b|$)", re.S)
# Link targets that are folders under another name.
ALSO = {"weir_caf": []}
ROOTS = ("runtime/", "actors/", "cluster/")


def targets(root):
    """Folder -> (target, names of the targets it links)."""
    found = {}
    for path in tree.files(root):
        if not path.startswith(ROOTS) or not path.endswith("/CMakeLists.txt"):
            continue
        text = re.sub(r"#[^\n]*", "", tree.read(root, path))
        for name, rest in TARGET.findall(text):
            link = LINK.search(rest)
            found[os.path.dirname(path)] = (name, link.group(1).split() if link else [])
    return found


def closure(name, links):
    reached, todo = set(), [name]
    while todo:
        for other in links.get(todo.pop(), []):
            if other not in reached:
                reached.add(other)
                todo.append(other)
    return reached


def included_folders(root, folder):
    """Folder -> one file that includes something from it."""
    found = {}
    for path in tree.files(root):
        if os.path.dirname(path) != folder or not tree.is_cpp(path):
            continue
        for kind, header in includes.INCLUDE.findall(re.sub(r"//[^\n]*", "", tree.read(root, path) or "")):
            target = os.path.dirname(header)
            if kind == '"' and target and target != folder and not header.endswith(".capnp.h"):
                found.setdefault(target, path)
    return found


def concept_lines(text):
    """Lines of the comment that opens a CMakeLists.txt."""
    return next((i for i, line in enumerate(text.split("\n")) if not line.startswith("#")), 0)


def check(root):
    breaches = []
    for path in tree.files(root):
        if path.startswith(ROOTS) and path.endswith("/CMakeLists.txt") and not 1 <= concept_lines(tree.read(root, path) or "") <= 3:
            breaches.append(f"{path}: begin with a comment of one to three lines that says what the folder is for")
    of_folder = targets(root)
    links = {name: linked for name, linked in of_folder.values()}
    folder_of = {name: folder for folder, (name, _) in of_folder.items()}
    for folder, (name, linked) in sorted(of_folder.items()):
        reached = closure(name, links)
        for target, path in sorted(included_folders(root, folder).items()):
            if target in of_folder and of_folder[target][0] not in reached:
                breaches.append(f"{folder}/CMakeLists.txt: {name} does not link {of_folder[target][0]}, which {path} includes from")
        allowed = list(includes.row_of(folder) or [])
        if folder.startswith("actors/"):
            allowed += includes.SHELL_MAY
        for other in linked:
            if other in folder_of and not any(fnmatch.fnmatch(folder_of[other], may) for may in allowed):
                breaches.append(f"{folder}/CMakeLists.txt: {name} links {other}, which its row of the include table does not allow")
            elif other.startswith("weir_") and other not in folder_of and other not in ALSO:
                breaches.append(f"{folder}/CMakeLists.txt: {name} links {other}, which no folder makes")
    return breaches
