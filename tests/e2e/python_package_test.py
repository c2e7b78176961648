"""The package that scripts import (python/neural_solution)."""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

from harness import ROOT


class ReportTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name).resolve()

    def run_python(self, text, **variables):
        environment = {**os.environ, "PYTHONPATH": str(ROOT / "python"), **variables}
        return subprocess.run([sys.executable, "-c", text], env=environment, cwd=self.folder, capture_output=True, text=True)

    def test_later_calls_add_and_the_models_path_becomes_absolute(self):
        result = self.run_python("import os, neural_solution as n\nn.report(accuracy=1, metric='f1')\nn.report(model='out', goal_met=1)\nos.chdir('/')",
                                 NEURAL_SOLUTION_REPORT=str(self.folder / "r.json"))
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(json.loads((self.folder / "r.json").read_text()),
                         {"accuracy": 1.0, "metric": "f1", "model": str(self.folder / "out"), "goal_met": True})
        self.assertEqual([path.name for path in self.folder.iterdir()], ["r.json"])

    def test_outside_of_a_task_it_does_nothing(self):
        self.assertEqual(self.run_python("import neural_solution as n\nn.report(accuracy=1)", NEURAL_SOLUTION_REPORT="").returncode, 0)
        self.assertEqual(list(self.folder.iterdir()), [])

    def test_a_field_it_does_not_know_is_an_error_that_names_the_known_ones(self):
        result = self.run_python("import neural_solution as n\nn.report(acuracy=1)")
        self.assertIn("report() has no field 'acuracy'; it has accuracy, baseline_accuracy", result.stderr)

    def test_it_is_of_python_3_8(self):
        for path in (ROOT / "python").rglob("*.py"):
            compile(path.read_text(), str(path), "exec", dont_inherit=True)
            subprocess.run([sys.executable, "-c", f"import ast; ast.parse(open({str(path)!r}).read(), feature_version=(3, 8))"], check=True)


if __name__ == "__main__":
    unittest.main()
