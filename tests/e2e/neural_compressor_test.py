"""A script written for Intel's neural_compressor 2.6 runs unchanged, with the real library (scripts/setup puts it into .deps/neural_compressor)."""
import json
import re
import shutil
import unittest

from harness import HERE, ROOT
from script_harness import ScriptTest

ENVIRONMENT = ROOT / ".deps" / "neural_compressor"
EXAMPLE = ROOT / "examples" / "image-classification"


class NeuralCompressorTest(ScriptTest):
    def test_a_script_of_neural_compressor_runs_unchanged(self):
        folder = self.uploads / "digits"
        shutil.copytree(HERE / "data" / "digits_script", folder)
        (folder / "model").mkdir()
        shutil.copy(EXAMPLE / "model.onnx", folder / "model" / "digits.onnx")
        (folder / "dataset").mkdir()
        for name in ("evaluation.npz", "calibration.npz"):
            shutil.copy(EXAMPLE / name, folder / "dataset" / name)
        self.start("--conda_env", ENVIRONMENT)
        request = {"script_url": "digits", "optimized": "True", "approach": "static", "requirements": [], "workers": 1,
                   "arguments": ["--model_path=model --dataset_location=dataset", "--title", "'two words'"]}
        task = self.request("POST", "/task/submit/", request).json["task_id"]
        status = self.ended(task, "done", seconds=300)
        log = self.log(task)
        self.assertIn("title: two words", log)
        baseline = re.search(r"FP32 baseline is: \[Accuracy: ([\d.]+), Duration \(seconds\): ([\d.]+)\]", log)
        best = re.findall(r"Best tune result is: \[Accuracy: ([\d.]+), Duration \(seconds\): ([\d.]+)\]", log)[-1]
        self.assertEqual(baseline.group(1), "0.9926", "536 of 540 rows, as without neural_compressor")
        self.assertEqual(status["tuning_info"]["baseline"], {"Accuracy": baseline.group(1), "Duration (seconds)": baseline.group(2)})
        self.assertEqual((status["optimized_result"]["accuracy"], status["optimized_result"]["duration (seconds)"]), best)
        self.assertGreater(float(best[0]), 0.97)
        self.assertEqual(log.rsplit("accuracy after saving: ", 1)[1].split()[0], best[0], "the model it saved is the one that was tuned")
        files = self.downloaded(task)
        self.assertIn(b"QuantizeLinear", files["digits-int8.onnx"])
        report = json.loads(files["report.json"])
        self.assertTrue(report["goal_met"])
        self.assertIn("neural_compressor's log", report["notes"][0])


if __name__ == "__main__":
    unittest.main()
