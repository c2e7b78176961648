"""A task on several workers: a lead and its assistants as processes of their own, and what happens when they are killed."""
import hashlib
import json
import os
import pathlib
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

from harness import BIN, ROOT, alive, descendants, until

WORKER = BIN / "neural_solution_worker"
TEXTS = ROOT / "examples/text-classification"
CORE = sorted(os.sched_getaffinity(0))


class WorkersTest(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="ns_team_"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        (self.folder / "token").write_text(secrets.token_hex(32) + "\n")
        self.processes = []
        self.addCleanup(self.kill_all)
        self.data = self.folder / "rows.tsv"
        self.write_rows(2)

    def write_rows(self, times):
        """Those of the example so often: a trial over all of them takes about 0.7 s on one core each time."""
        header, *rows = (TEXTS / "evaluation.tsv").read_text().splitlines()
        self.data.write_text("\n".join([header] + rows * times) + "\n")
        return len(rows) * times

    def kill_all(self):
        for process in self.processes:
            if process.poll() is None:
                process.kill()
            process.wait()

    def task(self, name="task", workers=3, **more):
        task = self.folder / name
        if not task.exists():
            task.mkdir()
            (task / "work").mkdir()
            spec = {"model": str(TEXTS), "dataset": {"path": str(self.data), "calibration": str(TEXTS / "calibration.tsv")},
                    "approach": "static", "workers": workers, **more}
            (task / "task.json").write_text(json.dumps({
                "version": 1, "task_id": name, "attempt": 1, "cores": CORE[:1], "model_path": str(TEXTS), "dataset_path": str(self.data),
                "calibration_path": str(TEXTS / "calibration.tsv"), "output_folder": str(task / "work/result"),
                "events_file": str(task / "events.jsonl"), "spec": spec}))
        return task

    def start(self, name, *arguments):
        out = open(self.folder / f"{name}.log", "a")
        self.addCleanup(out.close)
        process = subprocess.Popen([WORKER, *map(str, arguments)], stdout=out, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
        self.processes.append(process)
        return process

    def lead(self, task, *more):
        return self.start("lead", "lead", "--task-folder", task, "--team-socket", self.folder / "lead.sock", "--team-token-file",
                          self.folder / "token", *more)

    def assistant(self, number, *more, token=None, fence=0):
        return self.start(f"assistant-{number}", "assist", "--lead-socket", self.folder / "lead.sock", "--team-token-file",
                          token or self.folder / "token", "--worker", number, "--fence", fence, "--cores", CORE[number % len(CORE)], *more)

    def log(self, name):
        return (self.folder / f"{name}.log").read_text()

    def events(self, task, kind):
        path = task / "events.jsonl"
        lines = path.read_text().splitlines() if path.exists() else []
        return [event["payload"] for event in map(json.loads, lines) if event["type"] == kind]

    def finish(self, lead, task):
        self.assertEqual(lead.wait(240), 0, self.log("lead"))
        return json.loads((task / "work/result/report.json").read_text())

    def sampling(self, name="task", trials=10):
        """A task of so many trials, all of them over all rows: nothing misses what is asked for, and only speed is ever forecast."""
        return self.task(name, accuracy_criterion={"tolerable_loss": 0.9}, tuning={"strategy": "random", "max_trials": trials, "objective": "size"})

    def test_three_workers_accept_what_one_accepts(self):
        self.write_rows(6)  # baseline and calibration are shared out
        alone = self.task("alone", workers=1)
        one = self.finish(self.start("lead", "lead", "--task-folder", alone), alone)
        task = self.task()
        lead = self.lead(task)
        helpers = [self.assistant(1), self.assistant(2)]
        three = self.finish(lead, task)
        self.assertEqual([helper.wait(10) for helper in helpers], [0, 0])
        self.assertEqual(three["optimized"]["metric"], one["optimized"]["metric"])
        self.assertEqual(three["baseline"]["metric"], one["baseline"]["metric"])
        recipes = [json.loads((folder / "work/result/recipe.json").read_text()) for folder in (alone, task)]
        for field in ("config", "ranges", "result_sha256"):
            self.assertEqual(recipes[1][field], recipes[0][field], field)

    def test_all_workers_do_trials_and_the_report_names_them(self):
        task = self.sampling()
        lead = self.lead(task)
        self.assistant(1), self.assistant(2)
        report = self.finish(lead, task)
        doers = {trial["worker"] for trial in report["trials"] if "worker" in trial}
        self.assertGreaterEqual(len(doers), 2, report["trials"])
        told = self.events(task, "workers")
        self.assertIn(3, [event["joined"] for event in told])
        self.assertEqual(told[-1], {"joined": 1, "useful": 1})

    def test_a_killed_assistant_costs_its_one_item(self):
        task = self.sampling()
        lead = self.lead(task)
        victim = self.assistant(1)
        until(lambda: len(self.events(task, "trial")) >= 3, 120, "two trials")
        victim.kill()
        report = self.finish(lead, task)
        self.assertEqual(sum(trial["index"] > 0 for trial in report["trials"]), 10)
        self.assertFalse([trial for trial in report["trials"] if "failed" in trial.get("note", "")])

    # As by a supervisor. The lead is held meanwhile, or it might take over what the killed one had before it can hear why.
    def test_what_an_assistant_is_killed_for_its_memory_with_is_done_smaller_once(self):
        marks = self.folder / "marks"
        marks.mkdir()
        task = self.sampling(trials=8)
        lead = self.lead(task)
        victim = self.assistant(1, "--marks", marks)
        until(lambda: len(self.events(task, "trial")) >= 3 and (marks / "in_work").exists(), 120, "two trials, and the next one in work")
        lead.send_signal(signal.SIGSTOP)
        victim.kill()
        (marks / "in_work").rename(marks / "out_of_memory")
        self.assistant(1, "--marks", marks)
        until(lambda: self.processes[-1].poll() is None and (self.folder / "assistant-1.log").exists(), 10, "another assistant")
        time.sleep(1)
        lead.send_signal(signal.SIGCONT)
        report = self.finish(lead, task)
        small = [trial for trial in report["trials"] if "memory was short: tried again with one thread, row by row" in trial.get("note", "")]
        self.assertEqual(len(small), 1, report["trials"])
        self.assertTrue(small[0]["meets_criterion"])
        self.assertEqual(sum(trial["index"] > 0 for trial in report["trials"]), 8)
        self.assertIn("was killed for its memory", self.log("lead"))

    def test_a_lead_that_is_killed_goes_on_with_what_was_found_and_assistants_come_back(self):
        task = self.sampling()
        lead = self.lead(task)
        helper = self.assistant(1)
        until(lambda: len(self.events(task, "trial")) >= 5, 120, "four trials")
        lead.kill()
        lead.wait()
        done = len(self.events(task, "trial")) - 1
        self.assertIsNone(helper.poll())
        report = self.finish(self.lead(task), task)
        self.assertEqual(helper.wait(10), 0, self.log("assistant-1"))
        known = [trial for trial in report["trials"] if "known from an earlier run" in trial.get("note", "")]
        self.assertGreaterEqual(len(known), done)
        self.assertIn("looking for it again", self.log("assistant-1"))

    def test_an_assistant_whose_lead_does_not_come_back_ends_in_peace(self):
        lead = self.lead(self.sampling())
        helper, other = self.assistant(1, "--lead-patience", 1.5), self.assistant(2)
        until(lambda: all("ready" in self.log(f"assistant-{number}") for number in (1, 2)), 60, "both at work")
        lead.kill()
        lead.wait()
        self.assertEqual(helper.wait(10), 0, self.log("assistant-1"))
        self.assertIn("no lead for 2 s", self.log("assistant-1"))
        self.assertIsNone(other.poll())

    # As by a supervisor whose worker was killed twice while it measured what it had packaged.
    def test_fp32_is_written_where_memory_is_too_short_to_measure_it(self):
        task = self.task(workers=1, tuning={"timeout": 0.001})
        package = hashlib.sha256(b"package").hexdigest()
        (task / "work/out_of_memory").write_text(f"{time.time_ns() // 1000}\n{package}\n{package}\n")
        report = self.finish(self.start("lead", "lead", "--task-folder", task), task)
        self.assertIn("Kept fp32", report["verdict"])
        self.assertIn("Memory ran out before the packaged file was measured", report["verdict"])
        self.assertEqual(report["optimized"]["metric"], report["baseline"]["metric"])
        self.assertGreater((task / "work/result/model.onnx").stat().st_size, 0)

    def test_all_workers_take_the_same_rows_where_there_is_no_time_for_all(self):
        rows = self.write_rows(48)
        task = self.task(workers=2, accuracy_criterion={"tolerable_loss": 0.9}, tuning={"strategy": "random", "max_trials": 6, "timeout": 12})
        helper = self.assistant(1)
        report = self.finish(self.lead(task), task)
        self.assertEqual(helper.wait(10), 0, self.log("assistant-1"))
        self.assertLess(report["evaluation_rows"], rows)
        self.assertEqual({trial["rows"] for trial in report["trials"]}, {report["evaluation_rows"]}, report["trials"])
        self.assertIn("1", {trial.get("worker") for trial in report["trials"]})

    # The estimate is of the first rows, which have one word each; the others have more than the model takes.
    def test_a_timeout_bounds_a_baseline_that_is_shared(self):
        rows = ["text\tlabel"] + ["editor\tdoc"] * 8 + ["parameter and topology file editor and molecular mechanical simulator " * 10 + "\tscience"] * 40_000
        self.data.write_text("\n".join(rows) + "\n")
        task = self.task(workers=2, accuracy_criterion={"tolerable_loss": 0.9}, tuning={"strategy": "random", "max_trials": 1, "timeout": 30})
        self.assistant(1)
        report = self.finish(self.lead(task), task)
        self.assertIn("took longer than expected", " ".join(report["notes"]))
        self.assertIn(report["evaluation_rows"], range(16, 40_000))
        # Of the timeout, 30 % or twice what was expected, which a busy machine makes longer.
        self.assertLess(report["elapsed_seconds"]["baseline"], 31)
        self.assertEqual({trial["rows"] for trial in report["trials"]}, {report["evaluation_rows"]}, report["trials"])

    def test_a_stranger_is_refused(self):
        task = self.sampling(trials=3)
        lead = self.lead(task)
        (self.folder / "wrong").write_text(secrets.token_hex(32))
        stranger = self.assistant(1, token=self.folder / "wrong")
        self.assertEqual(stranger.wait(60), 2, self.log("assistant-1"))
        self.assertIn("token", self.log("assistant-1"))
        self.finish(lead, task)
        self.assertEqual({event["joined"] for event in self.events(task, "workers")}, {1})

    def test_an_assistant_with_other_files_says_so_and_goes(self):
        task = self.sampling(trials=3)
        lead = self.lead(task)
        other = self.folder / "other.tsv"
        other.write_text(self.data.read_text() + self.data.read_text().splitlines()[1] + "\n")
        helper = self.start("assistant-1", "assist", "--lead-socket", self.folder / "lead.sock", "--team-token-file", self.folder / "token",
                            "--worker", 1, "--data", other)
        self.assertEqual(helper.wait(60), 2, self.log("assistant-1"))
        self.assertIn("the dataset here is not the lead's", self.log("assistant-1"))
        self.finish(lead, task)

    def test_assistants_without_work_are_let_go(self):
        task = self.task(tuning={"strategy": "basic", "max_trials": 1}, accuracy_criterion={"tolerable_loss": 0.9})
        lead = self.lead(task, "--team-surplus", 0.5)
        helpers = [self.assistant(1), self.assistant(2)]
        self.finish(lead, task)
        self.assertEqual([helper.wait(10) for helper in helpers], [0, 0])

    @unittest.skipIf(len(CORE) < 2, "two workers take two cores")
    def test_optimize_starts_its_own_assistants_and_leaves_none(self):
        lead = self.start("optimize", "optimize", TEXTS, "--data", self.data, "--calibration", TEXTS / "calibration.tsv", "--approach", "static",
                          "--strategy", "random", "--max-trials", 6, "--tolerable-loss", 0.9, "--workers", 2, "--no-cache", "-o", self.folder / "out")
        children = until(lambda: descendants(lead.pid), 20, "an assistant")
        self.assertEqual(lead.wait(240), 0, self.log("optimize"))
        self.assertFalse([pid for pid in children if alive(pid)])
        self.assertIn("2 workers", self.log("optimize"))
        report = json.loads((self.folder / "out/report.json").read_text())
        self.assertEqual({trial["worker"] for trial in report["trials"] if "worker" in trial}, {"0", "1"})

    @unittest.skipIf(len(CORE) < 2, "two workers take two cores")
    def test_the_same_again_with_several_workers_evaluates_nothing(self):
        environment = {**os.environ, "XDG_CACHE_HOME": str(self.folder / "cache")}
        example = ROOT / "examples/image-classification"
        models = []
        for turn in ("first", "again"):
            out = self.folder / turn
            run = subprocess.run([WORKER, "optimize", example / "model.onnx", "--data", example / "evaluation.npz", "--calibration",
                                  example / "calibration.npz", "--workers", "2", "-o", out], env=environment, capture_output=True, text=True)
            self.assertEqual(run.returncode, 0, run.stderr)
            report = json.loads((out / "report.json").read_text())
            models.append(((out / "model.onnx").read_bytes(), report["full_evaluations"]))
        self.assertEqual(models[0][0], models[1][0])
        self.assertGreater(models[0][1], 0)
        self.assertEqual(models[1][1], 0)

    def test_no_assistant_outlives_a_lead_that_is_killed(self):
        lead = self.start("optimize", "optimize", TEXTS, "--data", self.data, "--workers", 2, "--no-cache", "-o", self.folder / "out")
        children = until(lambda: descendants(lead.pid), 20, "an assistant")
        lead.send_signal(signal.SIGKILL)
        until(lambda: not [pid for pid in children if alive(pid)], 10, "the assistant's end")


if __name__ == "__main__":
    unittest.main()
