"""What a person at a terminal sees.

  python3 tests/integration/terminal completion_bash|completion_zsh|progress|pages [--binary PATH]

Exit: 0 all is as it should be, 1 not, 77 what it takes is not here.
"""

import argparse
import os
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(HERE)))
sys.path.insert(0, HERE)
import completion  # noqa: E402
import pages  # noqa: E402
import progress  # noqa: E402

PARTS = {
    "completion_bash": lambda binary, folder: completion.run("bash", binary, folder),
    "completion_zsh": lambda binary, folder: completion.run("zsh", binary, folder),
    "progress": progress.run,
    "pages": pages.run,
}


def main():
    parse = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parse.add_argument("part", choices=PARTS)
    parse.add_argument("--binary", default=os.path.join(ROOT, "build", "release", "bin", "weir"))
    options = parse.parse_args()
    with tempfile.TemporaryDirectory(prefix="weir-terminal-") as folder:
        return PARTS[options.part](os.path.abspath(options.binary), folder)


if __name__ == "__main__":
    sys.exit(main())
