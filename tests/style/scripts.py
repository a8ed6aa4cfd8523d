"""Shell scripts pass `bash -n`, stop at the first error and can be run; Python files compile."""
import os
import subprocess

import tree


def check(root):
    breaches = []
    for path in tree.files(root):
        with open(os.path.join(root, path), "rb") as f:
            first = f.readline(200)
        shell = path.endswith(".sh") or (first.startswith(b"#!") and first.rstrip().endswith((b"sh", b"bash")))
        if shell:
            full = os.path.join(root, path)
            result = subprocess.run(["bash", "-n", full], capture_output=True, text=True)
            if result.returncode != 0:
                breaches.append(f"{path}: bash -n: {result.stderr.strip().splitlines()[0].replace(full, path)}")
            text = tree.read(root, path) or ""
            if "set -euo pipefail" not in text:
                breaches.append(f"{path}: has no `set -euo pipefail`: a failing command would go unseen")
            if first.startswith(b"#!") and not os.access(full, os.X_OK):
                breaches.append(f"{path}: has a #! line and cannot be executed")
        elif path.endswith(".py"):
            try:
                compile(tree.read(root, path) or "", path, "exec")
            except SyntaxError as error:
                breaches.append(f"{path}:{error.lineno}: {error.msg}")
    return breaches
