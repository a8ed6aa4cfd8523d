"""Every path of the project that a Markdown file names exists."""
import glob
import os
import re

import tree

TOP = r"(?:runtime|actors|cluster|configs|tests|chaos|deploy|cmake|\.ci)"
NAMED = re.compile(r"(?<![\w./$}>-])(?:\./)?(" + TOP + r"/[\w./*{},+-]*)")
LINK = re.compile(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)")


def expand(name):
    """a/{b,c}.h -> a/b.h, a/c.h"""
    match = re.search(r"\{([^{}]*)\}", name)
    if not match:
        return [name]
    return [e for part in match.group(1).split(",") for e in expand(name[:match.start()] + part + name[match.end():])]


def exists(root, name):
    path = os.path.join(root, name.rstrip("/"))
    # `runtime/engine/ledger` names the header and the source together.
    return any(glob.glob(path + end) for end in ("", ".h", ".cc"))


def check(root):
    breaches = []
    for path in tree.files(root):
        if not path.endswith(".md"):
            continue
        text = tree.read(root, path) or ""
        for number, line in enumerate(text.split("\n"), 1):
            for match in NAMED.finditer(line):
                name = match.group(1).rstrip(".,")
                if name.count("{") != name.count("}"):
                    name = name.split("{")[0]
                missing = [e for e in expand(name) if not exists(root, e)]
                breaches += [f"{path}:{number}: names {e}, which does not exist" for e in missing]
            for match in LINK.finditer(line):
                target = os.path.normpath(os.path.join(os.path.dirname(path), match.group(1)))
                if not NAMED.match(match.group(1)) and not os.path.exists(os.path.join(root, target)):
                    breaches.append(f"{path}:{number}: links to {match.group(1)}, which does not exist")
    return breaches
