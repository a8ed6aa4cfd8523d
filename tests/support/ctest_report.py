"""`ctest_report.py --build-seconds N -- CTEST-ARGUMENTS`: runs ctest and puts minutes per group and the reasons of skipped
tests in front of ctest's own closing summary, which stays last. Exits as ctest does.
"""
import os
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree

CLOSING = re.compile(r"^\d+% tests passed")
LABEL = re.compile(r"^(\S+)\s+=\s+([\d.]+) sec\*proc \((\d+) tests?\)")


def minutes(seconds):
    return f"{seconds / 60:5.1f} min"


def skipped(junit):
    """(name, last line of its output) of every test that was skipped."""
    if not os.path.exists(junit) or os.path.getsize(junit) == 0:
        return []
    found = []
    for case in ElementTree.parse(junit).getroot().iter("testcase"):
        if case.find("skipped") is not None:
            said = [line for line in (case.findtext("system-out") or "").strip().splitlines() if line.strip()]
            found.append((case.get("name"), said[-1].strip() if said else "it does not say why"))
    return found


def run(arguments, build_seconds):
    with tempfile.TemporaryDirectory() as folder:
        junit = os.path.join(folder, "junit.xml")
        ctest = subprocess.Popen(["ctest", *arguments, "--output-junit", junit], stdout=subprocess.PIPE, text=True, errors="replace")
        closing = []
        for line in ctest.stdout:
            if closing or CLOSING.match(line):
                closing.append(line)
            else:
                print(line, end="", flush=True)
        status = ctest.wait()
        reasons = skipped(junit)
    for name, reason in reasons:
        print(f"skipped: {name}: {reason}")
    print(f"\n{minutes(build_seconds)}  build")
    for line in closing:
        label = LABEL.match(line)
        if label:
            print(f"{minutes(float(label.group(2)))}  {label.group(1)} ({label.group(3)})")
    print()
    print("".join(closing), end="", flush=True)
    return status


def main(argv):
    split = argv.index("--")
    build_seconds = float(argv[argv.index("--build-seconds") + 1])
    return run(argv[split + 1:], build_seconds)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
