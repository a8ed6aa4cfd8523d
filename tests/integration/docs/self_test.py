"""The test of the README test: what fits passes, and each planted lie fails."""
import os
import sys
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import readme_test  # noqa: E402

FENCE = "`" * 3


class Readme(unittest.TestCase):
    def test_commands_are_paired_with_the_output_behind_them(self):
        text = f"{FENCE}sh\na\n{FENCE}\n\n{FENCE}\nb\n{FENCE}\n<!-- full sample -->\n{FENCE}text\nc\n{FENCE}\n{FENCE}sh\nd\n{FENCE}\n"
        first, second = readme_test.blocks_of(text)
        self.assertEqual((first.commands, first.expected, first.full_sample, first.line), ("a\n", "c\n", True, 2))
        self.assertEqual((second.commands, second.expected, second.full_sample), ("d\n", None, False))
        with self.assertRaises(ValueError):
            readme_test.blocks_of(f"{FENCE}text\nc\n{FENCE}\n")

    def test_an_ellipsis_is_any_text_or_any_lines_and_nothing_else_is(self):
        fits = readme_test.fits
        self.assertTrue(fits("a\n…\nd\n", "a\nb\nc\nd\n"))
        self.assertTrue(fits("a\n…\nd\n", "a\nd\n"))
        self.assertTrue(fits("…  served in …\n", "12:00  served in commit 3\n"))
        self.assertTrue(fits("1.5 (x)\n", "1.5 (x)"))
        self.assertTrue(fits("a\n", "a  \n"))  # a padded column
        for expected, printed in (("a\n…\nd\n", "a\nb\nc\n"), ("a\nd\n", "a\nb\nd\n"), ("a …\n", "a b\nc\n"), ("1.5\n", "1x5\n"),
                                  ("a\n", "a\nb\n"), ("a\n", ""), ("total 5\n", "total 6\n")):
            with self.subTest(expected=expected, printed=printed):
                self.assertFalse(fits(expected, printed))

    def test_a_readme_that_lies_is_found(self):
        ok = f"{FENCE}sh\necho one\n{FENCE}\n{FENCE}text\none\n{FENCE}\n{FENCE}sh\nx=2\n{FENCE}\n{FENCE}sh\necho $x\n{FENCE}\n{FENCE}text\n2\n{FENCE}\n"
        check = lambda text: readme_test.check(text, sys.executable, "nowhere")
        self.assertEqual(check(ok), [])
        self.assertIn("something else", check(ok.replace("text\n2", "text\n3"))[0])
        self.assertIn("end with 1", check(ok.replace("x=2", "false"))[0])
        self.assertIn("end with 7", check(ok.replace("echo $x", "exit 7"))[0])
        self.assertIn("README.md has 0 blocks", check("nothing")[0])


if __name__ == "__main__":
    unittest.main()
