"""Tasks with several workers: they grow, give slots back, and outlast the loss of an assistant, of the lead and of the service."""
import json
import os
import signal
import time
import unittest

from harness import ServiceTest, alive, until

# A machine of two cores has two slots of one core each; a third task waits.
CORES = len(os.sched_getaffinity(0))


class TeamTest(ServiceTest):
    def details(self, task):
        return self.status(task)["details"]

    def items(self, task):
        """(item, worker, fence), in the order in which they were done."""
        path = self.task_folder(task) / "work" / "items.txt"
        return [tuple(map(int, line.split())) for line in path.read_text().splitlines()] if path.exists() else []

    def pids_of(self, task, worker):
        path = self.task_folder(task) / (f"workers/{worker}/worker.pid" if worker else "worker.pid")
        return until(lambda: path.exists() and json.loads(path.read_text()), what=f"worker {worker}")

    def all_pids(self, task, workers):
        return [self.pids_of(task, worker)[part]["pid"] for worker in range(workers) for part in ("worker", "supervisor")]

    def await_workers(self, task, count):
        until(lambda: self.details(task).get("workers", {}).get("now") == count, what=f"{count} workers")

    def assert_done_once(self, task, count):
        done = self.await_state(task, "done", seconds=60)
        self.assertEqual(sorted(item for item, _, _ in self.items(task)), list(range(count)), "each once")
        return done

    def slots(self):
        return [row[4:] for row in self.get("/cluster").json["Cluster info"]]

    def test_a_task_grows_to_all_slots_and_all_its_workers_work(self):
        self.start("--cores_per_worker", 1, "--max_workers", 10_000)
        task = self.submit("items=40", workers=10_000)
        self.await_workers(task, CORES)
        workers = self.details(task)["workers"]
        self.assertEqual([workers["asked"], workers["most"], workers["note"]], [10_000, CORES, f"the cluster has {CORES} slots"])
        self.assertEqual(self.slots(), [[0, CORES, CORES]])
        self.assertRegex(self.get("/metrics").body.decode(), rf"(?m)^neural_solution_workers {CORES}$")
        self.assertRegex(self.run_program("show", task, "--workspace", self.workspace).stdout, rf"workers +{CORES} of 10000 asked for, at most {CORES}: the cluster has")
        self.assert_done_once(task, 40)
        self.assertEqual({worker for _, worker, _ in self.items(task)}, set(range(CORES)))
        until(lambda: self.slots() == [[CORES, 0, CORES]], seconds=5, what="all slots free")
        self.assertFalse((self.task_folder(task) / "workers" / "1").exists())

    def test_each_worker_has_cores_of_its_own(self):
        self.start("--cores_per_worker", 1, "--max_workers", 10_000)
        task = self.submit("items=30", workers=CORES)
        self.await_workers(task, CORES)
        cores = [os.sched_getaffinity(self.pids_of(task, worker)["worker"]["pid"]) for worker in range(CORES)]
        self.assertEqual(sorted(core for own in cores for core in own), sorted(os.sched_getaffinity(0)))
        token = self.task_folder(task) / "team_token"
        self.assertEqual([token.stat().st_mode & 0o777, len(token.read_text())], [0o600, 64])
        self.assert_done_once(task, 30)

    def test_a_second_task_gets_a_slot_at_once_and_the_first_goes_on(self):
        self.start("--cores_per_worker", 1, "--max_workers", 10_000)
        first = self.submit("items=60", workers=CORES)
        self.await_workers(first, CORES)
        began = time.monotonic()
        second = self.submit("sleep=0.5")
        self.await_state(second, "running", "done", seconds=2)
        self.assertLess(time.monotonic() - began, 2)
        self.assertEqual(self.details(first)["workers"]["now"], CORES - 1)
        self.await_state(second, "done")
        self.await_workers(first, CORES)
        self.assert_done_once(first, 60)
        self.assertEqual(self.details(first)["attempt"], 1)

    def test_a_killed_assistant_is_started_again(self):
        self.start("--cores_per_worker", 1, "--max_workers", 10_000)
        task = self.submit("items=60", workers=2)
        self.await_workers(task, 2)
        until(lambda: any(worker == 1 for _, worker, _ in self.items(task)), what="work of the assistant")
        os.kill(self.pids_of(task, 1)["worker"]["pid"], signal.SIGKILL)
        self.assertEqual(self.assert_done_once(task, 60)["details"]["attempt"], 1)
        self.assertEqual({fence for _, worker, fence in self.items(task) if worker == 1}, {1, 2})
        self.assertIn("worker 1 was lost: signal 9", self.get(f"/task/log/{task}").body.decode())

    def test_a_lost_lead_comes_back_to_its_assistants_and_repeats_nothing(self):
        self.start("--cores_per_worker", 1, "--max_workers", 10_000)
        task = self.submit("items=40+crash_at=10", workers=2)
        done = self.assert_done_once(task, 40)
        self.assertEqual(done["details"]["attempt"], 2)
        self.assertEqual({fence for _, worker, fence in self.items(task) if worker == 1}, {1}, "the same assistant")
        self.assertEqual({fence for _, worker, fence in self.items(task) if worker == 0}, {1, 2})

    def test_a_killed_service_adopts_all_workers(self):
        self.start("--cores_per_worker", 1, "--max_workers", 10_000)
        task = self.submit("items=60", workers=2)
        self.await_workers(task, 2)
        pids = self.all_pids(task, 2)
        self.kill_service()
        time.sleep(0.5)
        self.assertTrue(all(map(alive, pids)))
        self.start("--cores_per_worker", 1, "--max_workers", 10_000)
        self.assertEqual(self.details(task)["workers"]["now"], 2)
        self.assertEqual(self.assert_done_once(task, 60)["details"]["attempt"], 1)
        self.assertEqual({(worker, fence) for _, worker, fence in self.items(task)}, {(0, 1), (1, 1)})
        until(lambda: not any(map(alive, pids)), seconds=5, what="their end")

    def test_a_task_that_ends_while_the_service_is_down_frees_all_its_slots(self):
        self.start("--cores_per_worker", 1, "--max_workers", 10_000)
        task = self.submit("items=100", workers=2)
        self.await_workers(task, 2)
        self.kill_service()
        until(lambda: (self.task_folder(task) / "exit_status").exists(), seconds=60, what="end of the lead")
        self.start("--cores_per_worker", 1, "--max_workers", 10_000)
        self.await_state(task, "done")
        until(lambda: self.slots() == [[CORES, 0, CORES]], seconds=5, what="all slots free")

    def test_cancel_ends_all_workers_within_two_seconds(self):
        self.start("--cores_per_worker", 1, "--max_workers", 10_000)
        task = self.submit("items=1000+deaf", workers=2)
        self.await_workers(task, 2)
        pids = self.all_pids(task, 2)
        began = time.monotonic()
        self.assertEqual(self.request("POST", f"/task/{task}/cancel").status, 200)
        until(lambda: not any(map(alive, pids)), seconds=3, what="their end")
        self.assertLess(time.monotonic() - began, 2.2)
        until(lambda: self.slots() == [[CORES, 0, CORES]], seconds=5, what="all slots free")

    def test_a_stopped_service_leaves_no_worker_and_runs_the_task_later(self):
        self.start("--cores_per_worker", 1, "--max_workers", 10_000)
        task = self.submit("items=30", workers=2)
        self.await_workers(task, 2)
        pids = self.all_pids(task, 2)
        self.run_program("stop", "--now", "--workspace", self.workspace)
        self.assertFalse(any(map(alive, pids)))
        self.start("--cores_per_worker", 1, "--max_workers", 10_000)
        self.assert_done_once(task, 30)

    def test_surplus_goes_to_other_tasks_and_the_status_says_so(self):
        self.start("--cores_per_worker", 1, "--max_workers", 10_000)
        task = self.submit("useful=1+sleep=3", workers=2)
        until(lambda: self.details(task).get("workers", {}).get("useful") == 1, what="the lead's word")
        until(lambda: self.details(task)["workers"]["now"] == 1, seconds=3, what="the assistant's end")
        self.assertEqual(self.details(task)["workers"]["note"], "it has work for 1 now, and leaves the other slots to other tasks")
        other = self.submit("items=5", workers=CORES)
        self.await_state(other, "done", seconds=2.5)
        self.await_state(task, "done")


if __name__ == "__main__":
    unittest.main()
