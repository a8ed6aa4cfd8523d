"""`faults.py absent|present BINARY`: fail points and deliberate defects are in weir-faults and nowhere else."""
import subprocess
import sys

WORDS = [b"WEIR_FAIL_" + b"POINT", b"WEIR_" + b"DEFECT"]


def traces(binary):
    """Everything in a binary that belongs to fail points: environment names and symbols."""
    with open(binary, "rb") as f:
        data = f.read()
    found = [word.decode() for word in WORDS if word in data]
    symbols = subprocess.run(["nm", "-C", binary], capture_output=True, text=True)
    return found + sorted({line.split(None, 2)[-1] for line in symbols.stdout.splitlines() if "weir::faults" in line})


def main(wanted, binary):
    found = traces(binary)
    if wanted == "absent" and found:
        print("\n".join(f"{binary}: holds {what}" for what in found))
        return 1
    if wanted == "present" and not found:
        print(f"{binary}: holds no fail points, so looking for them proves nothing")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
