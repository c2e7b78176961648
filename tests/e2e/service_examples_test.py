"""The examples through the service, with the real worker."""
import io
import json
import os
import signal
import unittest
import zipfile

from diagnosis_test import Page
from harness import ROOT, ServiceTest, alive, until

EXAMPLES = ROOT / "examples"
IMAGES = {"model": "image-classification/model.onnx", "dataset": {"path": "image-classification/evaluation.npz",
                                                                  "calibration": "image-classification/calibration.npz"}}
TEXTS = {"model": "text-classification", "dataset": "text-classification/evaluation.tsv"}


class ServiceExamplesTest(ServiceTest):
    worker = None  # the one beside the program

    def setUp(self):
        super().setUp()
        self.uploads = EXAMPLES
        self.start()

    def finished(self, request):
        answer = self.request("POST", "/task/submit/", request)
        self.assertEqual(answer.status, 200, answer.body)
        task = answer.json["task_id"]
        ended = self.await_state(task, "done", "failed", seconds=240)
        self.assertEqual(ended["status"], "done", ended["details"])
        return task, ended

    def check(self, request, least_accuracy):
        task, ended = self.finished(request)
        report = self.get(f"/task/{task}/report").json
        for field in ("verdict", "goal_met", "baseline", "optimized", "speedup", "accuracy_difference", "evaluation_rows", "operators", "trials",
                      "pareto", "environment", "inputs", "guesses", "elapsed_seconds", "full_evaluations", "partial_evaluations"):
            self.assertIn(field, report)
        self.assertTrue(report["goal_met"], report["verdict"])
        accuracy = report["optimized"]["metric"]["accuracy"]
        self.assertGreaterEqual(accuracy, least_accuracy)
        self.assertEqual(ended["optimized_result"]["accuracy"], f"{accuracy:.4f}")
        self.assertLess(report["optimized"]["size_bytes"], report["baseline"]["size_bytes"])
        archive = zipfile.ZipFile(io.BytesIO(self.get(f"/download/{task}").body))
        self.assertLessEqual({"model.onnx", "report.json", "recipe.json"}, set(archive.namelist()))
        self.assertEqual(json.loads(archive.read("report.json")), report)
        self.check_page(task, report)
        self.check_points(task, report, archive)
        trials = self.get(f"/task/{task}/trials").json["trials"]
        self.assertEqual((trials[0]["index"], trials[0]["configuration"]), (0, "fp32"))
        self.assertIn("accuracy", self.get(f"/task/log/{task}").body.decode())

    def check_points(self, task, report, archive):
        """Each model of the Pareto set is a download of its own, with its recipe; fp32 and what is none say so."""
        recipe = json.loads(archive.read("recipe.json"))
        for point in report["pareto"]:
            query = f"?trial={point['trial']}"
            zipped, alone = self.get(f"/download/{task}{query}"), self.get(f"/task/{task}/recipe{query}")
            if point["trial"] == 0:
                self.assertEqual((zipped.status, alone.status), (404, 404))
                self.assertIn("the fp32 model that it was given", zipped.body.decode())
                continue
            files = zipfile.ZipFile(io.BytesIO(zipped.body))
            self.assertLessEqual({"model.onnx", "recipe.json"}, set(files.namelist()))
            self.assertEqual(json.loads(files.read("recipe.json"))["config"], alone.json["config"])
            if point["model"] == "model.onnx":
                self.assertEqual(alone.json["config"], recipe["config"])
            else:
                self.assertNotIn(point["model"], archive.namelist(), "the whole download is the answer's")
        for path in (f"/download/{task}", f"/task/{task}/recipe"):
            refused = self.get(f"{path}?trial=77")
            self.assertEqual(refused.status, 404)
            self.assertIn("trial 77 of task", refused.body.decode())
            self.assertEqual(self.get(f"{path}?trial=-1").status, 422)

    def check_page(self, task, report):
        """Well-formed, without scripts or styles of its own, one picture for each operator whose values were seen."""
        answer = self.request("GET", f"/task/{task}/report", headers={"Accept": "text/html"})
        page = Page(answer.body.decode())
        seen = [op for op in report["operators"] if "input" in op or "output" in op]
        self.assertGreater(len(seen), 10)
        self.assertEqual(page.count("svg", "histogram"), len(seen))
        self.assertEqual(page.count("svg", "trials"), 1)
        self.assertEqual(page.count("script"), 0)
        self.assertFalse([attrs for _, attrs in page.elements if "style" in attrs])
        self.assertEqual([attrs["href"] for tag, attrs in page.elements if tag == "link"], ["/docs/style.css"])
        self.assertIn(report["verdict"], page.text)
        self.assertTrue(any("sqnr_db" in op for op in seen))  # effects may be left out: their time is bounded

    def test_image_classification(self):
        self.check({**IMAGES, "metric": "accuracy"}, 0.97)

    @unittest.skipUnless((EXAMPLES / "text-classification/model.onnx").exists(), "the example's model is not made yet")
    def test_text_classification(self):
        self.check({**TEXTS, "metric": "accuracy"}, 0.5)

    def test_the_same_request_again_evaluates_nothing_and_only_with_the_cache(self):
        first, ended = self.finished({**IMAGES, "metric": "accuracy"})
        self.assertGreater(ended["details"]["estimate"]["seconds"], 0)
        self.assertGreater(ended["details"]["estimate"]["memory_bytes"], 1e6)
        second, _ = self.finished({**IMAGES, "metric": "accuracy"})
        reports = [self.get(f"/task/{task}/report").json for task in (first, second)]
        self.assertGreater(reports[0]["full_evaluations"], 1)
        self.assertEqual(reports[1]["full_evaluations"], 0, reports[1]["notes"])
        self.assertEqual(*(report["optimized"]["metric"] for report in reports))
        def entries():
            return sorted(path.name for path in (self.workspace / "cache/tuning").rglob("*.json"))
        before = entries()
        for _ in range(2):
            alone, _ = self.finished({**IMAGES, "metric": "accuracy", "tuning": {"cache": False, "seed": 5}})
            self.assertEqual(self.get(f"/task/{alone}/report").json["full_evaluations"], reports[0]["full_evaluations"])
        self.assertEqual(entries(), before)

    @unittest.skipUnless((EXAMPLES / "text-classification/model.onnx").exists(), "the example's model is not made yet")
    def test_a_task_that_is_cancelled_late_keeps_its_best_so_far(self):
        answer = self.request("POST", "/task/submit/", {**TEXTS, "metric": "accuracy", "tuning": {"cache": False}})
        task = answer.json["task_id"]
        until(lambda: self.status(task)["details"].get("stage") == "package", 120, "the search is over")
        self.assertEqual(self.get(f"/download/{task}").status, 404)
        self.assertEqual(self.request("POST", f"/task/{task}/cancel").status, 200)
        until(lambda: self.get(f"/download/{task}").status == 200, 10, "what was found")
        self.assertEqual(self.status(task)["status"], "cancelled")
        self.assertTrue(self.status(task)["result_path"])
        report = self.get(f"/task/{task}/report").json
        self.assertTrue(report["goal_met"])
        self.assertIn("Stopped; the best so far", report["verdict"])
        names = zipfile.ZipFile(io.BytesIO(self.get(f"/download/{task}").body)).namelist()
        self.assertIn("model.onnx", names)
        self.assertTrue(any(name.startswith("pareto/trial_") for name in names), names)

    def test_a_dry_run_says_what_it_would_take_where_the_files_are_here(self):
        images = EXAMPLES / "image-classification"
        shown = self.run_program("submit", "--dry-run", "--model", images / "model.onnx", "--dataset", images / "evaluation.npz")
        self.assertEqual(shown.returncode, 0, shown.stderr)
        self.assertEqual(json.loads(shown.stdout)["model"], str(images / "model.onnx"))
        self.assertRegex(shown.stderr, r"expected +about \d+ s, \d+ MB at the peak")
        broken = self.folder / "broken.onnx"
        broken.write_bytes(b"no model")
        refused = self.run_program("submit", "--dry-run", "--model", broken, "--dataset", images / "evaluation.npz")
        self.assertNotEqual(refused.returncode, 0)
        self.assertIn("broken.onnx", refused.stderr)

    def test_a_killed_worker_is_tried_again_and_leaves_one_result(self):
        task = self.request("POST", "/task/submit/", IMAGES).json["task_id"]
        worker = self.worker_pids(task)["worker"]["pid"]
        if alive(worker):
            os.kill(worker, signal.SIGKILL)
        self.await_state(task, "done", seconds=120)
        trials = self.get(f"/task/{task}/trials").json["trials"]
        self.assertEqual(len({t["index"] for t in trials}), len(trials))

    def test_a_model_that_is_none_fails_at_once_with_the_workers_reason(self):
        uploads = self.folder / "bad"
        uploads.mkdir()
        (uploads / "model.onnx").write_bytes(b"this is no model")
        (uploads / "rows.npz").write_bytes((EXAMPLES / "image-classification/evaluation.npz").read_bytes())
        self.run_program("stop", "--now", "--workspace", self.workspace)
        self.uploads = uploads
        self.start()
        task = self.submit()
        failed = self.await_state(task, "failed", seconds=60)
        self.assertEqual(failed["details"]["attempt"], 1, failed["details"])
        self.assertIn("model.onnx", failed["details"]["message"])

    def test_the_service_killed_while_a_real_task_runs(self):
        task = self.request("POST", "/task/submit/", IMAGES).json["task_id"]
        self.worker_pids(task)
        self.kill_service()
        self.start()
        self.assertEqual(self.await_state(task, "done", seconds=120)["details"]["attempt"], 1)
        until(lambda: not (self.task_folder(task) / "result.partial").exists(), what="no half-written output")


if __name__ == "__main__":
    unittest.main()
