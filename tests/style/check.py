"""`check.py CHECK ROOT`: prints every breach of one rule in the tree at ROOT; exit 1 when there is any."""
import importlib
import sys

sys.dont_write_bytecode = True


def main(name, root):
    breaches = importlib.import_module(name).check(root)
    for breach in breaches:
        print(breach)
    print(f"{name}: {len(breaches)} breaches" if breaches else f"{name}: clean")
    return 1 if breaches else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2]))
