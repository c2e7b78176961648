"""What tests of real tuning on several machines share: the real worker, tasks of trials that take about a second, and what of them must hold whatever
fails meanwhile."""
import json
import shutil

from harness import ROOT, until
from teams import Teams

TEXTS = ROOT / "examples/text-classification"
IMAGES = ROOT / "examples/image-classification"
TRIALS = 20


class Tuning(Teams):
    """Beside a ServiceTest. Its cluster has four nodes of one core each."""
    worker = None  # the one beside the program

    def setUp(self):
        super().setUp()
        shutil.copytree(TEXTS, self.uploads / "texts")
        shutil.copytree(IMAGES, self.uploads / "images")
        header, *rows = (TEXTS / "evaluation.tsv").read_text().splitlines()
        (self.uploads / "rows.tsv").write_text("\n".join([header] + rows) + "\n")

    @staticmethod
    def words_of(task_folder, worker):
        return "neural_solution_worker " + Teams.words_of(task_folder, worker)

    def submit_sampling(self):
        """TRIALS evaluations that all run over all rows: nothing misses what is asked for, and only speed is ever forecast. The smallest model is the
        answer, which no clock decides."""
        tuning = {"strategy": "random", "max_trials": TRIALS, "cache": False, "objective": "size"}
        return self.submit(model="texts", dataset={"path": "rows.tsv", "calibration": "texts/calibration.tsv"}, metric="accuracy",
                           accuracy_criterion={"tolerable_loss": 0.9}, tuning=tuning, workers=4)

    def start_sampling(self):
        """Such a task, with all its workers at work; where they are."""
        task = self.submit_sampling()
        until(lambda: self.details(task).get("workers", {}).get("joined") == 4, 90, "four workers at work")
        return task, until(lambda: len(self.nodes_of(task)) == 4 and self.nodes_of(task), 20, "where they are")

    def finished(self, task):
        """Numbers of the trials of which an attempt has told."""
        folder = self.task_folder(task)
        events = [json.loads(line) for file in folder.glob("events*.jsonl") for line in file.read_text().splitlines(keepends=True) if line.endswith("\n")]
        return {event["payload"]["index"] for event in events if event["type"] == "trial"} - {0}

    def await_finished(self, task, count):
        return until(lambda: len(done := self.finished(task)) >= count and done, 120, f"{count} trials of {task}")

    def report_of(self, task, seconds=240):
        """Of a task that ends with a model that meets its criterion."""
        ended = self.await_state(task, "done", "failed", seconds=seconds)
        self.assertEqual(ended["status"], "done", ended["details"])
        report = self.get(f"/task/{task}/report").json
        self.assertTrue(report["goal_met"], report["verdict"])
        return report

    def check_sampling(self, task, *outcomes, before=frozenset()):
        """It ends well after attempts that ended so. Each trial is there once, over all rows, and the last start has done none of those that had been
        finished `before` it."""
        report = self.report_of(task)
        self.assert_attempts(task, *outcomes)
        self.assertEqual([trial["index"] for trial in report["trials"]], list(range(TRIALS + 1)))
        self.assertEqual({trial["rows"] for trial in report["trials"]}, {report["evaluation_rows"]})
        self.assertFalse([trial for trial in report["trials"] if "failed" in trial.get("note", "")])
        known = {trial["index"] for trial in report["trials"] if "known from an earlier run" in trial.get("note", "")}
        self.assertLessEqual(set(before), known)
        notes = " ".join(report["notes"])
        others = [what for what in ("the fp32 model's evaluation", "the evaluation of the packaged file") if f"{what} is known from an earlier run" not in notes]
        self.assertEqual(report["full_evaluations"], TRIALS - len(known) + len(others), f"what was not finished, and {others}")
        return report

    def check_that_four_workers_find_what_one_finds(self):
        """The same model; or, where times of a busy machine made another one the faster, one whose interval holds what one worker's may be."""
        speeds, models = [], []
        for workers in (1, 4):
            task = self.submit(model="images/model.onnx", metric="accuracy", workers=workers, tuning={"cache": False},
                               dataset={"path": "images/evaluation.npz", "calibration": "images/calibration.npz"})
            speeds.append(self.report_of(task)["speedup"])
            models.append(self.get(f"/task/{task}/recipe").json["result_sha256"])
        if models[0] != models[1]:
            self.assertLessEqual(max(speed["low"] for speed in speeds), min(speed["high"] for speed in speeds), speeds)
