"""Who may include whom (the layout of the project), and where each library lives.

An arrow that is not in the table, a cycle between folders, a library's header outside its home, and a library without a home
are breaches.
"""
import fnmatch
import os
import re

import tree

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(["<])([^">]+)[">]', re.M)
BASE, EVENT, PORTS, ENGINE = "runtime/base", "runtime/event", "runtime/ports", "runtime/engine"
MESSAGES, SUPERVISE = "actors/messages", "actors/supervise"
EXTENSION = "runtime/extension"  # what authors of plugins include: of weir it knows nothing
ROOTS = ("runtime/", "actors/", "cluster/", "tests/", "chaos/")
EVERYTHING = "*"

# Folder -> what its files may include beside their own folder. A shell is the thin actor around deciders.
TABLE = [
    (BASE, []),
    (EVENT, [BASE]),
    (EXTENSION, []),
    (EXTENSION + "/weir", []),
    (PORTS, [BASE, EVENT, EXTENSION]),
    (ENGINE, [BASE, EVENT, PORTS]),
    ("runtime/adapters/*", [BASE, EVENT, PORTS]),
    (MESSAGES, [BASE, EVENT]),
    (SUPERVISE, [BASE, EVENT, PORTS, MESSAGES]),
    ("actors/*", [BASE, EVENT, PORTS, ENGINE]),
    ("cluster/api", [BASE, EVENT, PORTS, ENGINE]),
    ("cluster/node", ["runtime/*", "actors/*", "cluster/placement", "cluster/membership", "cluster/failover", "cluster/link", "cluster/api"]),
    ("cluster/testkit", ["runtime/*", "actors/*", "cluster/node"]),
    ("cluster/program", ["runtime/*", "cluster/cli"]),
    ("cluster/cli", ["runtime/*", "actors/*", "cluster/*"]),
    ("cluster/cli/main", [BASE, "cluster/cli"]),
    ("cluster/*", [BASE, EVENT, PORTS]),
    ("tests/support", ["runtime/*"]),
    ("tests/*", [EVERYTHING]),
    ("chaos/*", [BASE, "tests/support"]),
]
SHELL = re.compile(r"(_actor|_supervisor)\.(h|cc)$")
SHELL_MAY = [MESSAGES, SUPERVISE]

SHELLS = ["actors/*/*_actor.*", "actors/*/*_supervisor.*", "cluster/*/*_actor.*"]
TOP = ["cluster/node/*", "cluster/cli/*", "tests/*"]
ADAPTERS = ["runtime/adapters/*"]
# Header -> the files that may include it. The first match counts.
HOMES = [
    ("weir/*", ["runtime/extension/weir/*", "runtime/ports/plugin_kinds.*", "actors/plugin/*", "cluster/testkit/*", "cluster/program/*"]),
    ("caf/*", ["runtime/extension/weir/service*", "actors/messages/*", "actors/supervise/*"] + SHELLS + TOP),
    ("rocksdb/*", ["runtime/adapters/rocksdb_state/*"] + TOP),
    ("yaml-cpp/*", ["runtime/adapters/yaml/*"]),
    ("simdjson.h", ["runtime/event/*"]),
    ("capnp/*", ["runtime/event/*"] + TOP),
    ("kj/*", ["runtime/event/*"]),
    ("openssl/evp.h", ["runtime/event/*"]),
    ("openssl/*", ["cluster/link/*", "runtime/adapters/http/*"] + TOP),
    ("boost/*", ["cluster/link/*", "runtime/adapters/http/*"]),
    ("re2/*", ["actors/validate/*"]),
    ("valijson/*", ["actors/validate/*"]),
    ("zlib.h", ["runtime/adapters/compress/*"]),
    ("zstd.h", ["runtime/adapters/compress/*"]),
    ("prometheus/*", ["runtime/adapters/prometheus/*"]),
    ("librdkafka/*", ["runtime/adapters/kafka_log/*"] + TOP),
    ("lua*", ["runtime/adapters/lua/*"]),
    ("curl/*", ["runtime/adapters/*"]),
    ("nlohmann/*", ["cluster/api/*"] + TOP),
    # Its header takes longer to compile than a command: commands see cluster/cli/parser.h.
    ("CLI/*", ["cluster/cli/parser.cc", "cluster/cli/help.*", "cluster/cli/cli_tree.cc", "cluster/cli/commands.cc", "cluster/cli/program.cc", "tests/unit/cli/*"]),
    ("spdlog/*", ADAPTERS + TOP),
    ("xxhash.h", ["runtime/base/*", "runtime/event/*", "runtime/ports/*", "runtime/engine/*", "tests/*"]),
    ("fmt/*", ["*"]),
    ("tl/expected.hpp", ["*"]),
    ("catch2/*", ["tests/support/*"]),
    ("rapidcheck*", ["tests/*"]),
    ("benchmark/*", ["tests/bench/*"]),
    ("weir_version.h", ["cluster/*"]),
    ("*mmintrin.h", ["runtime/*", "actors/*", "tests/*"]),
    # Files, processes, sockets and threads are reached through ports.
    ("fstream", ADAPTERS + TOP),
    ("iostream", TOP),
    ("filesystem", ADAPTERS + TOP),
    ("random", ["tests/*"]),
    ("thread", ADAPTERS + TOP),
    ("sys/*", ADAPTERS + TOP),
    ("unistd.h", ADAPTERS + TOP),
    ("fcntl.h", ADAPTERS + TOP),
    ("dirent.h", ADAPTERS + TOP),
    ("signal.h", ADAPTERS + TOP),
    ("spawn.h", ADAPTERS + TOP),
    ("time.h", ADAPTERS + TOP),
    ("malloc.h", ADAPTERS + TOP),
    ("netinet/*", ADAPTERS + TOP),
    ("poll.h", ADAPTERS + TOP),
    ("stdint.h", ["runtime/extension/weir/*"]),  # of C, as they are
    ("dlfcn.h", ["runtime/adapters/plugins/*"]),
    ("fnmatch.h", ["actors/doors/*"]),  # compares two texts
    ("arpa/inet.h", ["actors/transform/*"] + ADAPTERS + TOP),  # reads and writes the text of addresses
]
POSIX_ANYWHERE = {"sched.h"}


def folder_of(path):
    """runtime/adapters/yaml/x.h -> runtime/adapters/yaml; tests/unit/x/y.h -> tests/unit/x."""
    return os.path.dirname(path)


def row_of(folder):
    for name, allowed in TABLE:
        if fnmatch.fnmatch(folder, name):
            return allowed
    return None


def allowed_arrow(path, target_folder):
    folder = folder_of(path)
    if folder == target_folder:
        return True
    allowed = row_of(folder)
    if allowed is None:
        return False
    if SHELL.search(path) and folder not in (MESSAGES, SUPERVISE):
        allowed = allowed + SHELL_MAY
    return any(fnmatch.fnmatch(target_folder, name) for name in allowed)


def library_breach(path, header):
    """None, or what is wrong with a header in angle brackets."""
    for pattern, homes in HOMES:
        if fnmatch.fnmatchcase(header, pattern):
            # Tests look at a library from both sides; only Catch2 has one door, for its two versions.
            if any(fnmatch.fnmatch(path, home) for home in homes) or (path.startswith("tests/") and pattern != "catch2/*"):
                return None
            return f"<{header}> may only be included by {', '.join(homes)}"
    if "." not in header or header in POSIX_ANYWHERE:
        return None  # the C++ standard library
    return f"<{header}> has no home; give it one in tests/style/includes.py"


def find_cycle(arrows):
    """A list of folders that lead back to the first one, or None."""
    state, path = {}, []

    def visit(folder):
        state[folder] = 1
        path.append(folder)
        for target in sorted(arrows.get(folder, ())):
            if state.get(target) == 1:
                return path[path.index(target):] + [target]
            if target not in state:
                found = visit(target)
                if found:
                    return found
        path.pop()
        state[folder] = 2
        return None

    for folder in sorted(arrows):
        if folder not in state:
            found = visit(folder)
            if found:
                return found
    return None


def check(root):
    breaches, arrows = [], {}
    for path in tree.files(root):
        if not tree.is_cpp(path) or not path.startswith(ROOTS):
            continue
        text = tree.read(root, path)
        if text is None:
            breaches.append(f"{path}: not UTF-8 text")
            continue
        if row_of(folder_of(path)) is None:
            breaches.append(f"{path}: its folder is not in the include table (tests/style/includes.py)")
        # Literals are emptied in code_of, so look where an include stands and read it from the text itself.
        for match in INCLUDE.finditer(re.sub(r"//[^\n]*", "", text)):
            kind, header = match.groups()
            if kind == "<":
                breach = library_breach(path, header)
                if breach:
                    breaches.append(f"{path}: {breach}")
                continue
            if header == "weir_version.h" or header.endswith(".capnp.h"):
                breach = library_breach(path, header) if header == "weir_version.h" else None
                if breach:
                    breaches.append(f"{path}: {breach}")
                if header.endswith(".capnp.h") and folder_of(path) != EVENT and not path.startswith("tests/"):
                    breaches.append(f"{path}: generated formats are included in {EVENT} and tests only")
                continue
            if not os.path.exists(os.path.join(root, header)):
                breaches.append(f'{path}: "{header}" does not exist; includes are written from the project root')
                continue
            source, target = folder_of(path), folder_of(header)
            if source != target:
                arrows.setdefault(source, set()).add(target)
            if not allowed_arrow(path, target):
                breaches.append(f'{path}: "{header}": {source} may not include {target}')
    cycle = find_cycle(arrows)
    if cycle:
        breaches.append("folders include each other: " + " -> ".join(cycle))
    return breaches
