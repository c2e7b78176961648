"""Tasks with several workers: they grow, give slots back, and outlast the loss of an assistant, of the lead and of the service."""
import json
import os
import shutil
import signal
import time
import unittest

from harness import ROOT, ServiceTest, alive, until

# A machine of two cores has two slots of one core each; a third task waits.
CORES = len(os.sched_getaffinity(0))
TEXTS = ROOT / "examples/text-classification"
TRIALS = 12


class TeamTest(ServiceTest):
    """With the real worker, on tasks of TRIALS evaluations that all run over all rows: nothing misses what is asked for, and nothing is passed over for
    its forecast, which is of speed alone. The answer is the smallest model, which no clock decides."""
    worker = None  # the one beside the program
    of_one = None

    def setUp(self):
        super().setUp()
        shutil.copytree(TEXTS, self.uploads / "texts")
        header, *rows = (TEXTS / "evaluation.tsv").read_text().splitlines()
        (self.uploads / "rows.tsv").write_text("\n".join([header] + rows * 2) + "\n")

    def start(self, *args, expect=0):
        return super().start("--cores_per_worker", 1, *args, expect=expect)

    def submit(self, workers=CORES, trials=TRIALS, **fields):
        tuning = {"strategy": "random", "max_trials": trials, "cache": False, "objective": "size"}
        return super().submit(model="texts", dataset={"path": "rows.tsv", "calibration": "texts/calibration.tsv"}, metric="accuracy",
                              accuracy_criterion={"tolerable_loss": 0.9}, tuning=tuning, workers=workers, **fields)

    def details(self, task):
        return self.status(task)["details"]

    def evaluated(self, task, attempt=None):
        """Numbers of the trials of which this attempt, or the one that runs, has told."""
        path = self.task_folder(task) / (f"events.{attempt}.jsonl" if attempt else "events.jsonl")
        lines = path.read_text().splitlines() if path.exists() else []
        return {event["payload"]["index"] for event in map(json.loads, lines) if event["type"] == "trial"} - {0}

    def await_trials(self, task, count):
        return until(lambda: len(done := self.evaluated(task)) >= count and done, 120, f"{count} trials of {task}")

    def pids_of(self, task, worker):
        path = self.task_folder(task) / (f"workers/{worker}/worker.pid" if worker else "worker.pid")
        return until(lambda: path.exists() and json.loads(path.read_text()), what=f"worker {worker}")

    def all_pids(self, task, workers):
        return [self.pids_of(task, worker)[part]["pid"] for worker in range(workers) for part in ("worker", "supervisor")]

    def await_workers(self, task, count):
        """All at work: the lead has counted them."""
        def joined():
            path = self.task_folder(task) / "events.jsonl"
            lines = path.read_text().splitlines() if path.exists() else []  # the file comes a moment after the lead is counted
            told = [event["payload"]["joined"] for event in map(json.loads, lines) if event["type"] == "workers"]
            return told[-1:] == [count]
        until(lambda: self.details(task).get("workers", {}).get("now") == count, what=f"{count} workers")
        until(joined, 60, f"{count} workers at work")

    def result(self, task, seconds=240):
        """The report of a task that ends well; each of its trials was evaluated over all rows, and counted once."""
        ended = self.await_state(task, "done", "failed", seconds=seconds)
        self.assertEqual(ended["status"], "done", ended["details"])
        report = self.get(f"/task/{task}/report").json
        self.assertEqual([trial["index"] for trial in report["trials"]], list(range(TRIALS + 1)))
        self.assertEqual({trial["rows"] for trial in report["trials"]}, {report["evaluation_rows"]})
        return report

    def answer(self, task):
        """What the model is made by, and its digest."""
        recipe = self.get(f"/task/{task}/recipe").json
        return {field: recipe[field] for field in ("config", "ranges", "result_sha256")}

    def answer_of_one(self):
        """Of the same task with one worker: evaluated once for all tests."""
        if TeamTest.of_one is None:
            task = self.submit(workers=1)
            self.result(task)
            TeamTest.of_one = self.answer(task)
        return TeamTest.of_one

    def doers(self, report):
        return {trial["worker"] for trial in report["trials"] if "worker" in trial}

    def slots(self):
        return [row[4:] for row in self.get("/cluster").json["Cluster info"]]

    def await_free_slots(self):
        until(lambda: self.slots() == [[CORES, 0, CORES]], seconds=5, what="all slots free")

    def test_a_task_grows_to_all_slots_and_all_its_workers_work(self):
        self.start()
        task = self.submit(workers=10_000)
        self.await_workers(task, CORES)
        workers = self.details(task)["workers"]
        self.assertEqual([workers["asked"], workers["most"], workers["note"]], [10_000, CORES, f"the cluster has {CORES} slots"])
        self.assertEqual(self.slots(), [[0, CORES, CORES]])
        self.assertRegex(self.get("/metrics").body.decode(), rf"(?m)^neural_solution_workers {CORES}$")
        self.assertRegex(self.run_program("show", task, "--workspace", self.workspace).stdout, rf"workers +{CORES} of 10000 asked for, at most {CORES}: the cluster has")
        report = self.result(task)
        self.assertEqual(self.doers(report), set(map(str, range(CORES))))
        self.await_free_slots()
        self.assertFalse((self.task_folder(task) / "workers" / "1").exists())
        self.assertEqual(self.answer(task), self.answer_of_one())

    def test_each_worker_has_cores_of_its_own(self):
        self.start()
        task = self.submit()
        self.await_workers(task, CORES)
        cores = [os.sched_getaffinity(self.pids_of(task, worker)["worker"]["pid"]) for worker in range(CORES)]
        self.assertEqual(sorted(core for own in cores for core in own), sorted(os.sched_getaffinity(0)))
        token = self.task_folder(task) / "team_token"
        self.assertEqual([token.stat().st_mode & 0o777, len(token.read_text())], [0o600, 64])
        self.result(task)

    def test_a_second_task_gets_a_slot_at_once_and_the_first_goes_on(self):
        self.start()
        first = self.submit()
        self.await_workers(first, CORES)
        began = time.monotonic()
        second = self.submit(workers=1, trials=1)
        self.await_state(second, "running", "done", seconds=2)
        self.assertLess(time.monotonic() - began, 2)
        self.assertEqual(self.details(first)["workers"]["now"], CORES - 1)
        self.await_state(second, "done", seconds=120)
        self.await_workers(first, CORES)
        self.result(first)
        self.assertEqual(self.details(first)["attempt"], 1)

    def test_a_killed_assistant_is_started_again(self):
        self.start()
        task = self.submit()
        self.await_workers(task, CORES)
        self.await_trials(task, 2)
        victim = self.pids_of(task, 1)
        os.kill(victim["worker"]["pid"], signal.SIGKILL)
        until(lambda: self.pids_of(task, 1)["worker"]["pid"] != victim["worker"]["pid"], what="the next one")
        report = self.result(task)
        self.assertEqual(self.details(task)["attempt"], 1)
        self.assertFalse([trial for trial in report["trials"] if trial.get("note")], "none failed, none was known")
        self.assertIn("worker 1 was lost: signal 9", self.get(f"/task/log/{task}").body.decode())
        self.assertEqual(self.answer(task), self.answer_of_one())

    def test_a_lost_lead_comes_back_to_its_assistants_and_repeats_nothing(self):
        self.start()
        task = self.submit()
        self.await_workers(task, CORES)
        self.await_trials(task, 4)
        helper = self.pids_of(task, 1)
        os.kill(self.pids_of(task, 0)["worker"]["pid"], signal.SIGKILL)
        report = self.result(task)
        self.assertEqual(self.details(task)["attempt"], 2)
        finished = self.evaluated(task, attempt=1)
        self.assertGreaterEqual(len(finished), 4)
        known = {trial["index"] for trial in report["trials"] if "known from an earlier run" in trial.get("note", "")}
        self.assertGreaterEqual(len(known), len(finished))
        self.assertEqual(report["full_evaluations"], TRIALS - len(known) + 1, "what was not finished, and the packaged file")
        self.assertIn("1", self.doers(report))
        log = self.get(f"/task/log/{task}").body.decode()
        self.assertIn("worker 1: the lead is gone; looking for it again", log)
        self.assertEqual(log.count("worker 1: ready"), 2, "the same assistant, twice")
        self.assertFalse(alive(helper["worker"]["pid"]))
        self.assertEqual(self.answer(task), self.answer_of_one())

    def test_a_killed_service_adopts_all_workers(self):
        self.start()
        task = self.submit()
        self.await_workers(task, CORES)
        pids = self.all_pids(task, CORES)
        self.kill_service()
        time.sleep(0.5)
        self.assertTrue(all(map(alive, pids)))
        self.start()
        self.assertEqual(self.details(task)["workers"]["now"], CORES)
        self.assertEqual(self.all_pids(task, CORES), pids)
        self.result(task)
        self.assertEqual(self.details(task)["attempt"], 1)
        until(lambda: not any(map(alive, pids)), seconds=5, what="their end")

    def test_a_task_that_ends_while_the_service_is_down_frees_all_its_slots(self):
        self.start()
        task = self.submit()
        self.await_workers(task, CORES)
        self.kill_service()
        until(lambda: (self.task_folder(task) / "exit_status").exists(), seconds=240, what="end of the lead")
        self.start()
        self.result(task, seconds=30)
        self.await_free_slots()

    def test_cancel_ends_all_workers_within_two_seconds(self):
        self.start()
        task = self.submit()
        self.await_workers(task, CORES)
        pids = self.all_pids(task, CORES)
        began = time.monotonic()
        self.assertEqual(self.request("POST", f"/task/{task}/cancel").status, 200)
        until(lambda: not any(map(alive, pids)), seconds=3, what="their end")
        self.assertLess(time.monotonic() - began, 2.2)
        self.await_free_slots()

    def test_a_stopped_service_leaves_no_worker_and_runs_the_task_later(self):
        self.start()
        task = self.submit()
        self.await_workers(task, CORES)
        self.await_trials(task, 2)
        pids = self.all_pids(task, CORES)
        self.run_program("stop", "--now", "--workspace", self.workspace)
        self.assertFalse(any(map(alive, pids)))
        self.start()
        report = self.result(task)
        self.assertGreaterEqual(len([trial for trial in report["trials"] if "known from an earlier run" in trial.get("note", "")]), 2)


class StubbornTeamTest(ServiceTest):
    """What the real worker does not do, or not for long: the one of fake_worker.py."""

    def pids(self, task):
        folders = [self.task_folder(task), self.task_folder(task) / "workers/1"]
        texts = [until(lambda: (path := folder / "worker.pid").exists() and path.read_text(), what=f"{folder}") for folder in folders]
        return [json.loads(text)[part]["pid"] for text in texts for part in ("worker", "supervisor")]

    def test_cancel_ends_workers_that_do_not_listen_within_two_seconds(self):
        self.start("--cores_per_worker", 1)
        task = self.submit("items=1000+deaf", workers=2)
        pids = self.pids(task)
        began = time.monotonic()
        self.assertEqual(self.request("POST", f"/task/{task}/cancel").status, 200)
        until(lambda: not any(map(alive, pids)), seconds=3, what="their end")
        self.assertLess(time.monotonic() - began, 2.2)

    def test_surplus_goes_to_other_tasks_and_the_status_says_so(self):
        self.start("--cores_per_worker", 1)
        task = self.submit("useful=1+sleep=3", workers=2)
        workers = lambda: self.status(task)["details"].get("workers", {})
        until(lambda: workers().get("useful") == 1, what="the lead's word")
        until(lambda: workers()["now"] == 1, seconds=3, what="the assistant's end")
        self.assertEqual(workers()["note"], "it has work for 1 now, and leaves the other slots to other tasks")
        other = self.submit("items=5", workers=CORES)
        self.await_state(other, "done", seconds=2.5)
        self.await_state(task, "done")


if __name__ == "__main__":
    unittest.main()
