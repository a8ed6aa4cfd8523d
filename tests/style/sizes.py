"""Budgets: headers 300 lines, sources 500, functions 70. sizes.txt lists offenders with their size; it may only shrink."""
import os
import re

import tree

BUDGETS = [(".h", 300), (".cc", 500), (".py", 500)]
FUNCTION_LINES = 70
PRODUCT = ("runtime/", "actors/", "cluster/")
TYPE = re.compile(r"\b(namespace|class|struct|union|enum|extern)\b")
NAME = re.compile(r"([~\w:]+|operator[^\s(]{1,3})\s*\(")


def functions(code):
    """(name, first line, lines) of every function body at namespace or class level. `code` has no comments and literals."""
    code = re.sub(r"^[ \t]*#(?:[^\n\\]|\\\n|\\.)*", "", code, flags=re.M)
    stack, head, line, found = [], "", 1, []
    for char in code:
        if char == "\n":
            line += 1
        if char == "{":
            inside = any(kind == "function" for kind, _, _ in stack)
            paren = head.find("(")
            before = head if paren < 0 else head[:paren]
            if inside or (paren < 0 and not TYPE.search(head)) or (paren >= 0 and "=" in before and "operator" not in before):
                kind = "block"
            elif paren < 0 or (TYPE.search(before) and not re.search(r"\)\s*(const|noexcept|override|final|->.*|:.*)?\s*$", head, re.S)):
                kind = "type"
            else:
                kind = "function"
            match = NAME.search(head)
            stack.append((kind, match.group(1) if match else "?", line))
            head = ""
        elif char == "}":
            if stack:
                kind, name, start = stack.pop()
                if kind == "function":
                    found.append((name, start, line - start + 1))
            head = ""
        elif char == ";":
            head = ""
        else:
            head += char
    return found


def offenders(root):
    found = {}
    for path in tree.files(root):
        budget = next((lines for end, lines in BUDGETS if path.endswith(end)), None)
        text = tree.read(root, path) if budget else None
        if text is None:
            continue
        lines = text.count("\n")
        if lines > budget:
            found[path] = (lines, budget)
        if tree.is_cpp(path) and path.startswith(PRODUCT):
            for name, _, size in functions(tree.code_of(text)):
                if size > FUNCTION_LINES:
                    key = f"{path}:{name}"
                    found[key] = (max(size, found.get(key, (0, 0))[0]), FUNCTION_LINES)
    return found


def listed(root):
    path = os.path.join(root, "tests/style/sizes.txt")
    entries = {}
    if os.path.exists(path):
        with open(path, encoding="utf-8") as f:
            for line in f:
                if line.strip() and not line.startswith("#"):
                    name, size = line.rsplit(None, 1)
                    entries[name] = int(size)
    return entries


def check(root):
    breaches, known = [], listed(root)
    current = offenders(root)
    for name, (size, budget) in sorted(current.items()):
        if name not in known:
            breaches.append(f"{name}: {size} lines, the budget is {budget}; split it by concept")
        elif size > known[name]:
            breaches.append(f"{name}: {size} lines, tests/style/sizes.txt allows {known[name]}, and that list only shrinks")
        elif size < known[name]:
            breaches.append(f"{name}: {size} lines now; lower its entry in tests/style/sizes.txt from {known[name]}")
    for name in sorted(set(known) - set(current)):
        breaches.append(f"tests/style/sizes.txt: {name} fits its budget or is gone; remove it")
    return breaches
