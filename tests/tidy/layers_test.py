"""The layer check itself: it must refuse what it is there to refuse."""
import pathlib
import tempfile
import unittest

import layers

ROWS = layers.read_rows("base:\ngraph: base\napp: *  # the mains\n")


class LayersTest(unittest.TestCase):
    def check(self, files):
        with tempfile.TemporaryDirectory() as folder:
            for name, text in files.items():
                path = pathlib.Path(folder) / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
            return layers.check(pathlib.Path(folder), ROWS)

    def test_accepts_what_the_row_allows(self):
        self.assertEqual(self.check({"graph/a.h": '#include "base/x.h"\n#include "graph/b.h"\n', "app/m.cc": '#include "graph/a.h"\n'}), [])

    def test_refuses_an_include_upwards(self):
        bad = self.check({"base/a.cc": "\n#include \"graph/a.h\"\n"})
        self.assertEqual(len(bad), 1)
        self.assertIn("base/a.cc:2: 'base' may not include 'graph'", bad[0])

    def test_lets_only_tests_use_what_a_test_row_allows(self):
        table = "base:\nrun: base\npass: base\ntest pass: run\n"
        rows, test_rows = layers.read_rows(table), layers.read_rows(table, "test ")
        self.assertEqual(rows, {"base": [], "run": ["base"], "pass": ["base"]})
        with tempfile.TemporaryDirectory() as folder:
            (pathlib.Path(folder) / "pass/testing").mkdir(parents=True)
            for name in ("a_test.cc", "testing/b.h", "a.cc"):
                (pathlib.Path(folder) / "pass" / name).write_text('#include "run/a.h"\n')
            bad = layers.check(pathlib.Path(folder), rows, test_rows)
        self.assertEqual(len(bad), 1)
        self.assertIn("pass/a.cc:1: 'pass' may not include 'run'", bad[0])

    def test_refuses_a_folder_without_a_row(self):
        self.assertIn("folder 'utils' has no row", self.check({"utils/a.h": ""})[0])

    def test_refuses_a_table_with_a_cycle(self):
        self.assertEqual(layers.cycles({"a": ["b"], "b": ["a"], "c": ["a"]}), ["a", "b"])


if __name__ == "__main__":
    unittest.main()
