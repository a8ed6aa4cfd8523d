"""What tests/run prints at the end: reasons of skipped tests, minutes per group, and ctest's own summary last."""
import os
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
REPORT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support", "ctest_report.py")
SUITE = """
add_test(one "true")
set_tests_properties(one PROPERTIES LABELS unit)
add_test(two "bash" "-c" "echo looking; echo 'the sample file is missing'; exit 77")
set_tests_properties(two PROPERTIES LABELS integration SKIP_RETURN_CODE 77)
"""


class Report(unittest.TestCase):
    def run_suite(self, suite):
        with tempfile.TemporaryDirectory() as folder:
            with open(os.path.join(folder, "CTestTestfile.cmake"), "w", encoding="utf-8") as f:
                f.write(suite)
            result = subprocess.run([sys.executable, REPORT, "--build-seconds", "90", "--", "--test-dir", folder],
                                    capture_output=True, text=True)
        return result.returncode, result.stdout

    def test_groups_and_reasons_come_before_the_closing_summary(self):
        status, out = self.run_suite(SUITE)
        self.assertEqual(status, 0, out)
        places = [out.index(text) for text in ("skipped: two: the sample file is missing", "  1.5 min  build", "min  integration (1)",
                                               "100% tests passed, 0 tests failed out of 2", "Total Test time")]
        self.assertEqual(places, sorted(places), out)

    def test_a_failed_test_fails_the_run(self):
        status, out = self.run_suite(SUITE + 'add_test(three "false")\n')
        self.assertNotEqual(status, 0)
        self.assertIn("67% tests passed, 1 tests failed out of 3", out)


if __name__ == "__main__":
    unittest.main()
