"""Every rule about the tree must be able to fail: each breach is planted in a small tree of its own and must be reported."""
import os
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
import chance  # noqa: E402
import errors  # noqa: E402
import fail_points  # noqa: E402
import faults  # noqa: E402
import folders  # noqa: E402
import includes  # noqa: E402
import paths  # noqa: E402
import places  # noqa: E402
import promises  # noqa: E402
import scripts  # noqa: E402
import sizes  # noqa: E402

CLEAN = {
    "runtime/base/a.h": "#pragma once\n#include <vector>\n#include <fmt/format.h>\n",
    "runtime/event/b.h": '#pragma once\n#include "runtime/base/a.h"\n',
    "runtime/adapters/yaml/c.cc": '#include <yaml-cpp/parser.h>\n#include <fstream>\n#include "runtime/event/b.h"\n'
                                  "void pause() { std::this_thread::sleep_for(ms); auto t = steady_clock::now(); }\n",
    "actors/messages/m.h": '#pragma once\n#include <caf/actor.hpp>\n#include "runtime/event/b.h"\n',
    "actors/enrich/d.cc": '#include "runtime/event/b.h"\n// steady_clock::now() is not called here\nconst char* s = "rand()";\n',
    "actors/enrich/enrich_actor.cc": '#include "actors/messages/m.h"\n',
    "README.md": "See `runtime/base/a.h`, runtime/{base,event}/*.h and [the header](runtime/event/b.h). http://127.0.0.1:7070\n",
    "runtime/base/CMakeLists.txt": "# Words.\nweir_folder(weir_base LINK fmt::fmt)\n",
    "runtime/base/fail_points.h": '#pragma once\n    {"b_done", "commit", "b is done"},\n',
    "runtime/event/b.cc": 'Result<void> f() { WEIR_FAIL_POINT_TRY("b_done"); }\n',
    "runtime/event/CMakeLists.txt": "# Events.\nweir_folder(weir_event LINK weir_base FAULTS b.cc)\n",
    "runtime/base/error.h": "enum class Errc : std::uint8_t {\n  not_found = 3,  // gone = 9\n};\n",
    "runtime/base/errors.md": "# Errors\n\n### `not_found` (3)\n- Meaning: a.\n- Usual cause: b.\n- What to do: c.\n",
    "runtime/ARCHITECTURE.md": "".join(f'| I{i} | p | e | "a frame is read" | v |\n' for i in range(1, 16)) + "| I16 | p | e | not built | v |\n",
    "tests/unit/x/test_frame.cc": 'TEST_CASE("a frame is read", "[x]") {}\n',
    "tests/run": "#!/usr/bin/env bash\nset -euo pipefail\necho yes\n",
}


class Planted(unittest.TestCase):
    def tree(self, extra):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        for name, text in {**CLEAN, **extra}.items():
            path = os.path.join(folder.name, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "wb") as f:
                f.write(text if isinstance(text, bytes) else text.encode())
            if name.startswith("tests/run"):
                os.chmod(path, 0o755)
        return folder.name

    def caught(self, rule, extra, *words):
        """Exactly one breach, with these words in it."""
        breaches = rule.check(self.tree(extra))
        self.assertEqual(len(breaches), 1, breaches)
        for word in words:
            self.assertIn(word, breaches[0])

    def passes(self, rule, extra):
        self.assertEqual(rule.check(self.tree(extra)), [])

    def test_a_clean_tree_passes_every_rule(self):
        for rule in (includes, folders, chance, sizes, paths, places, scripts, errors, promises, fail_points):
            self.passes(rule, {})

    # Includes
    def test_an_arrow_upwards(self):
        self.caught(includes, {"runtime/base/x.h": '#include "runtime/event/b.h"\n', "runtime/event/b.h": ""},
                    "runtime/base/x.h", "runtime/base may not include runtime/event")

    def test_one_adapter_in_another(self):
        self.caught(includes, {"runtime/adapters/http/x.cc": '#include "runtime/adapters/yaml/y.h"\n', "runtime/adapters/yaml/y.h": ""},
                    "runtime/adapters/http may not include runtime/adapters/yaml")

    def test_one_actor_in_another_even_from_a_shell(self):
        self.caught(includes, {"actors/enrich/x_actor.cc": '#include "actors/serve/y.h"\n', "actors/serve/y.h": ""},
                    "actors/enrich may not include actors/serve")

    def test_messages_in_a_decider(self):
        self.caught(includes, {"actors/enrich/x.cc": '#include "actors/messages/m.h"\n'}, "may not include actors/messages")

    def test_somebody_includes_the_composition_root(self):
        self.caught(includes, {"actors/enrich/x.cc": '#include "cluster/node/n.h"\n', "cluster/node/n.h": ""},
                    "actors/enrich may not include cluster/node")

    def test_chaos_shares_code_with_what_it_judges(self):
        self.caught(includes, {"chaos/runner/x.cc": '#include "runtime/event/b.h"\n'}, "chaos/runner may not include runtime/event")

    def test_a_cycle_between_folders(self):
        self.caught(includes, {"tests/unit/a/x.h": '#include "tests/unit/b/y.h"\n', "tests/unit/b/y.h": '#include "tests/unit/a/x.h"\n'},
                    "folders include each other", "tests/unit/a -> tests/unit/b -> tests/unit/a")

    def test_a_library_outside_its_home(self):
        for path, header in [("runtime/engine/x.cc", "rocksdb/db.h"), ("runtime/base/x.cc", "yaml-cpp/yaml.h"),
                             ("actors/enrich/x.cc", "caf/actor.hpp"), ("runtime/ports/x.cc", "simdjson.h"),
                             ("runtime/event/x.cc", "openssl/ssl.h"), ("actors/transform/x.cc", "re2/re2.h"),
                             ("runtime/engine/x.cc", "nlohmann/json.hpp"), ("actors/doors/x.cc", "fstream"),
                             ("runtime/engine/x.cc", "thread"), ("runtime/engine/x.cc", "random"),
                             ("tests/unit/x/test_x.cc", "catch2/catch.hpp"), ("actors/doors/x.cc", "zlib.h"),
                             ("cluster/placement/x.cc", "caf/actor.hpp"), ("runtime/adapters/yaml/x.cc", "caf/actor.hpp")]:
            with self.subTest(header=header, path=path):
                self.caught(includes, {path: f"#include <{header}>\n"}, path, f"<{header}> may only be included by")

    def test_a_library_nobody_decided_on(self):
        self.caught(includes, {"runtime/base/x.cc": "#include <leveldb/db.h>\n"}, "<leveldb/db.h> has no home")

    def test_a_folder_nobody_decided_on(self):
        self.caught(includes, {"runtime/helpers/x.cc": "\n"}, "runtime/helpers/x.cc", "not in the include table")

    def test_an_include_from_elsewhere_than_the_root(self):
        self.caught(includes, {"runtime/base/x.cc": '#include "a.h"\n'}, '"a.h" does not exist')

    def test_an_include_in_a_comment_is_none(self):
        self.passes(includes, {"runtime/base/x.cc": '// #include "runtime/event/b.h"\n'})

    # Folders
    def test_a_target_that_does_not_link_what_it_includes(self):
        self.caught(folders, {"runtime/event/CMakeLists.txt": "# Events.\nweir_folder(weir_event LINK fmt::fmt FAULTS weir_base)\n"},
                    "weir_event does not link weir_base", "runtime/event/b.h")

    def test_a_target_that_links_what_it_may_not_include(self):
        self.caught(folders, {"runtime/base/CMakeLists.txt": "# Words.\nweir_folder(weir_base LINK weir_event)\n"},
                    "weir_base links weir_event", "does not allow")
        self.caught(folders, {"runtime/base/CMakeLists.txt": "# Words.\nweir_folder(weir_base LINK weir_bsae)\n"},
                    "weir_base links weir_bsae, which no folder makes")

    def test_a_folder_that_does_not_say_what_it_is_for(self):
        for text in ("weir_folder(weir_base)\n", "# a\n# b\n# c\n# d\nweir_folder(weir_base)\n"):
            self.caught(folders, {"runtime/base/CMakeLists.txt": text}, "runtime/base/CMakeLists.txt", "what the folder is for")

    # Clock, chance, sleep
    def test_time_chance_and_sleep_outside_adapters(self):
        for line in ["auto t = std::chrono::steady_clock::now();", "auto t = system_clock::now();", "clock_gettime(CLOCK_REALTIME, &t);",
                     "auto t = time(nullptr);", "auto t = std::time(0);", "std::random_device seed;", "int x = rand();", "srand(5);",
                     "std::mt19937_64 random(1);", "std::this_thread::sleep_for(1ms);", "usleep(5);", "::sleep(1);"]:
            with self.subTest(line=line):
                self.caught(chance, {"runtime/engine/x.cc": "void f() {\n  " + line + "\n}\n"}, "runtime/engine/x.cc:2:")

    def test_a_test_that_sleeps_or_draws_without_a_seed(self):
        self.caught(chance, {"tests/unit/x/test_x.cc": "void f() { sleep_for(1ms); }\n"}, "sleep")
        self.caught(chance, {"tests/unit/x/test_x.cc": "std::random_device device;\n"}, "unseeded chance")
        self.passes(chance, {"tests/unit/x/test_x.cc": "std::mt19937_64 random(kSeed);\n"})

    def test_words_that_only_look_like_it(self):
        self.passes(chance, {"runtime/engine/x.cc": "partition.time(0); record_time(1); strand(5); operand(3); // rand()\n"
                                                    'auto s = "steady_clock"; auto r = R"(sleep_for(1))";\n'})

    def test_a_fail_point_in_a_header(self):
        self.caught(chance, {"runtime/engine/x.h": 'inline void f() { WEIR_FAIL_POINT("x"); }\n'}, "runtime/engine/x.h:1:", "fail point")
        self.passes(chance, {"runtime/engine/x.cc": 'void f() { WEIR_FAIL_POINT("x"); }\n'})

    def test_fail_points_and_their_list(self):
        listed = CLEAN["runtime/base/fail_points.h"]
        used = CLEAN["runtime/event/b.cc"]
        for path, text, words in (("runtime/event/b.cc", used + 'WEIR_FAIL_POINT("other");', "the fail point other is not listed"),
                                  ("runtime/event/b.cc", used + 'if (WEIR_FAIL_POINT_IF("other")) return;', "the fail point other is not listed"),
                                  ("runtime/base/fail_points.h", listed + '    {"gone", "commit", "x"},\n', "gone is used nowhere"),
                                  ("runtime/base/fail_points.h", listed + listed, "b_done is listed twice"),
                                  ("runtime/base/fail_points.h", listed.replace("b is done", ""), "a meaning"),
                                  ("runtime/event/c.cc", 'void f() { WEIR_FAIL_POINT("b_done"); }\n', "runtime/event/c.cc: has fail points and is not among the FAULTS")):
            with self.subTest(words=words):
                self.caught(fail_points, {path: text}, words)

    # Sizes
    def test_files_over_their_budget(self):
        self.caught(sizes, {"runtime/base/x.h": "\n" * 301}, "runtime/base/x.h: 301 lines, the budget is 300")
        self.caught(sizes, {"runtime/base/x.cc": "\n" * 501}, "501 lines, the budget is 500")
        self.passes(sizes, {"runtime/base/x.h": "\n" * 300, "runtime/base/x.cc": "\n" * 500})

    def test_a_function_over_its_budget(self):
        def body(lines):
            return "namespace weir {\nclass A : public B {\n public:\n  Result<int> long_one(int a) const noexcept {\n" + \
                "    if (a) { f([&](int b) { return b; }); }\n" * (lines - 2) + "  }\n};\n}\n"
        self.caught(sizes, {"runtime/base/x.cc": body(71)}, "runtime/base/x.cc:long_one: 71 lines, the budget is 70")
        self.passes(sizes, {"runtime/base/x.cc": body(70)})

    def test_a_long_constructor_and_a_long_table(self):
        self.caught(sizes, {"runtime/base/x.cc": "A::A(int b) : b_(b) {\n" + "  f();\n" * 80 + "}\n"}, "x.cc:A::A: 82 lines")
        self.passes(sizes, {"runtime/base/x.cc": "constexpr std::array<int, 90> kTable = {\n" + "  1,\n" * 90 + "};\n"})
        self.passes(sizes, {"runtime/base/x.cc": "struct A {\n" + "  int f() { return 1; }\n" * 90 + "};\n"})

    def test_the_list_of_offenders_only_shrinks(self):
        big = {"runtime/base/x.cc": "\n" * 510}
        self.passes(sizes, {**big, "tests/style/sizes.txt": "# offenders\nruntime/base/x.cc 510\n"})
        self.caught(sizes, {**big, "tests/style/sizes.txt": "runtime/base/x.cc 505\n"}, "that list only shrinks")
        self.caught(sizes, {**big, "tests/style/sizes.txt": "runtime/base/x.cc 520\n"}, "lower its entry")
        self.caught(sizes, {"tests/style/sizes.txt": "runtime/base/x.cc 520\n"}, "fits its budget or is gone")

    # Documents
    def test_a_document_that_names_a_missing_file(self):
        self.caught(paths, {"runtime/ARCHITECTURE.md": "in `runtime/engine/ledger.h`.\n"}, "runtime/ARCHITECTURE.md:1:", "runtime/engine/ledger.h")
        self.caught(paths, {"A.md": "runs ./tests/nothing now\n"}, "tests/nothing")
        self.caught(paths, {"A.md": "runtime/base/{a,q}.h\n"}, "runtime/base/q.h")
        self.caught(paths, {"A.md": "actors/*/poison.h\n"}, "actors/*/poison.h")
        self.caught(paths, {"A.md": "[text](docs/more.md)\n"}, "links to docs/more.md")
        self.passes(paths, {"A.md": "`runtime/base/a`, runtime/base/, ./tests/run. [x](README.md#part) [y](https://example.com/a)\n"})

    def test_an_error_code_without_its_page(self):
        page = "### `not_found` (3)\n- Meaning: a.\n- Usual cause: b.\n- What to do: c.\n"
        for text, words in (("# Errors\n", "not_found (3) has no entry"), (page.replace("(3)", "(4)"), "not_found is 3, not 4"),
                            (page.replace("- Usual cause: b.\n", ""), "exactly three lines"),
                            (page + page.replace("not_found", "gone"), "gone is no code")):
            with self.subTest(words=words):
                self.caught(errors, {"runtime/base/errors.md": text}, words)

    def test_a_promise_without_a_test(self):
        page = CLEAN["runtime/ARCHITECTURE.md"]
        self.caught(promises, {"runtime/ARCHITECTURE.md": page.replace("| I4 |", "| I5 |")}, "they must be I1 to I16")
        self.caught(promises, {"runtime/ARCHITECTURE.md": page.replace("not built", "soon")}, 'I16: name a test, or say "not built"')
        self.caught(promises, {"tests/unit/x/test_frame.cc": "", "runtime/ARCHITECTURE.md": page.replace('"a frame is read"', "tests/run", 14)},
                    'I15: no test is called "a frame is read"')

    # Machines
    def test_places_of_a_machine(self):
        for text in ["cd /ho" + "me/someone/weir", "see /tm" + "p/x", "data in '/wo" + "rk'", "ftp:" + "//files.corp.lan/x",
                     "https:" + "//registry.corp.lan:5000/weir", "connect to 10." + "1.2.3:80", "at 192." + "168.0.7:9092"]:
            with self.subTest(text=text):
                self.caught(places, {"deploy/notes.txt": text + "\n"}, "deploy/notes.txt:1:")
        self.passes(places, {"a.txt": "http://localhost:7070 https://weir.example/x actors/wo" + "rk/x ${root}/tm" + "p 110.1.2.3:4 10." + "1.2.0/24\n"})

    # Scripts
    def test_scripts_that_cannot_run(self):
        self.caught(scripts, {"tests/run2": "#!/bin/bash\nset -euo pipefail\nif true; then\n"}, "tests/run2: bash -n")
        self.caught(scripts, {"tests/run2": "#!/bin/bash\necho\n"}, "set -euo pipefail")
        self.caught(scripts, {"deploy/start": "#!/bin/bash\nset -euo pipefail\n"}, "cannot be executed")
        self.caught(scripts, {"tests/x.py": "def f(:\n"}, "tests/x.py:1:")

    def test_a_check_exits_with_one_when_there_is_a_breach(self):
        check = os.path.join(os.path.dirname(os.path.abspath(__file__)), "check.py")
        for extra, status in (({}, 0), ({"runtime/base/x.h": "\n" * 301}, 1)):
            result = subprocess.run([sys.executable, check, "sizes", self.tree(extra)], capture_output=True, text=True)
            self.assertEqual(result.returncode, status, result.stdout)

    def test_traces_of_fail_points_are_found(self):
        root = self.tree({"bin/plain": b"\x7fELF\0nothing", "bin/armed": b"\x7fELF\0WEIR_FAIL_" + b"POINT\0"})
        for wanted, binary, status in (("absent", "plain", 0), ("absent", "armed", 1), ("present", "armed", 0), ("present", "plain", 1)):
            self.assertEqual(faults.main(wanted, os.path.join(root, "bin", binary)), status)


if __name__ == "__main__":
    unittest.main()
