"""Models on which plain quantization fails, made of the trained examples (equal in float): what the tuner makes of them."""
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

from harness import BIN, ROOT


class HardCasesTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.models = pathlib.Path(tempfile.mkdtemp(prefix="ns_hard_"))
        cls.addClassCleanup(shutil.rmtree, cls.models, ignore_errors=True)
        subprocess.run([BIN / "hard_cases", ROOT / "examples", cls.models], check=True, capture_output=True, timeout=300)

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="ns_hard_out_"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def optimize(self, name, *arguments):
        case = self.models / name
        model = case if (case / "config.json").exists() else case / "model.onnx"
        data, calibration = (next(case.glob(f"{role}.*")) for role in ("evaluation", "calibration"))
        result = subprocess.run([BIN / "neural_solution_worker", "optimize", model, "--data", data, "--calibration", calibration, "--no-cache",
                                 "-o", self.folder / "out", *map(str, arguments)], capture_output=True, text=True, timeout=300)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertTrue((self.folder / "out" / "model.onnx").exists())
        return json.loads((self.folder / "out" / "report.json").read_text())

    def check_cure(self, name, cure):
        report = self.optimize(name)
        self.assertTrue(report["goal_met"], report["verdict"])
        plain = report["trials"][1]
        self.assertEqual(plain["configuration"], "static")
        self.assertFalse(plain["meets_criterion"])
        cured = [trial for trial in report["trials"][1:] if trial["meets_criterion"]]
        self.assertIn(cure, cured[0]["configuration"])
        self.assertNotIn("float", cured[0]["configuration"], "no operator is given up")
        # Each form once, and the treated one: the search's own evaluations, early stopped ones included.
        self.assertLessEqual(cured[0]["index"], 3)
        self.assertGreaterEqual(report["partial_evaluations"], 1)

    def test_activation_outliers_are_smoothed_before_anything_is_given_up(self):
        self.check_cure("activation-outliers", "smoothed")

    def test_rescaled_channels_are_equalized(self):
        self.check_cure("rescaled-channels", "equalized")

    def test_a_first_operator_that_reads_an_unused_plane_stays_in_float_without_a_ranking(self):
        report = self.optimize("unused-plane")
        self.assertTrue(report["goal_met"], report["verdict"])
        cured = [trial for trial in report["trials"][1:] if trial["meets_criterion"]]
        self.assertIn("first operator in float", cured[0]["configuration"])
        self.assertLessEqual(cured[0]["index"], 3, "each form that is worth it once, the treated one, and this")
        self.assertEqual([one["name"] for one in report["operators"] if one["decision"] == "float" and one["type"] == "Conv"],
                         [next(one["name"] for one in report["operators"] if one["type"] == "Conv")])

    def test_where_only_fp32_holds_it_is_kept_with_the_closest_in_the_pareto_set(self):
        report = self.optimize("float-only", "--timeout", 120)
        self.assertTrue(report["goal_met"])
        self.assertTrue(report["verdict"].startswith("Kept fp32: "), report["verdict"])
        self.assertIn("What would help", report["verdict"])
        self.assertEqual(report["optimized"]["metric"], report["baseline"]["metric"])
        points = {point["trial"] for point in report["pareto"]}
        self.assertIn(0, points)
        self.assertTrue(points - {0}, "the best quantized model is there to be had")
        self.assertEqual({f"trial_{trial}" for trial in points - {0}}, set(os.listdir(self.folder / "out" / "pareto")))

    def test_a_goal_that_nothing_meets_ends_with_the_best_and_says_so(self):
        report = self.optimize("image-classification", "--criterion", "absolute", "--tolerable-loss=-0.05")
        self.assertFalse(report["goal_met"])
        self.assertTrue(report["verdict"].startswith("Goal not met. "), report["verdict"])
        self.assertIn("fp32 itself does not hold what is asked for", " ".join([report["verdict"], *report["notes"]]))

    def test_every_strategy_answers(self):
        for strategy in ("basic", "conservative", "mse", "mse_v2", "bayesian", "tpe", "random", "exhaustive"):
            with self.subTest(strategy):
                report = self.optimize("image-classification", "--strategy", strategy, "--max-trials", 4, "--force")
                self.assertTrue(report["goal_met"], report["verdict"])
                self.assertIn(len(report["trials"]), range(2, 6), "fp32 and what the strategy proposed")
                self.assertTrue(any(one["decision"] != "float" for one in report["operators"]), report["verdict"])


if __name__ == "__main__":
    unittest.main()
