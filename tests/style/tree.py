"""The files of the project, and C++ text without what only people read."""
import os
import re

# Made by building or running, never by us.
SKIPPED = re.compile(r"^(build.*|\.git|\.cache|weir-data|__pycache__|\.pytest_cache)$")


def files(root):
    """Every file below root, as a path relative to it with `/`, sorted."""
    found = []
    for folder, folders, names in os.walk(root):
        folders[:] = [f for f in folders if not SKIPPED.match(f)]
        for name in names:
            if SKIPPED.match(name):  # in a second work tree of git, `.git` is a file
                continue
            path = os.path.join(folder, name)
            if not os.path.islink(path):
                found.append(os.path.relpath(path, root).replace(os.sep, "/"))
    return sorted(found)


def read(root, path):
    """The text of a file, or None where it is not text."""
    with open(os.path.join(root, path), "rb") as f:
        data = f.read()
    if b"\0" in data:
        return None
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return None


def is_cpp(path):
    return path.endswith((".h", ".cc"))


_TOKEN = re.compile(
    r'//[^\n]*|/\*.*?\*/|R"([^()\\ ]{0,16})\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|(?<![0-9a-fA-F])\'(?:\\.|[^\'\\\n])+\'', re.S)


def code_of(text):
    """The text with comments gone and literals emptied; every line stays where it was."""
    def blank(match):
        token = match.group(0)
        lines = "\n" * token.count("\n")
        if token.startswith("/"):
            return " " + lines
        return '""' + lines if token[0] in '"R' else "' '"
    return _TOKEN.sub(blank, text)
