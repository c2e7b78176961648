"""Nothing acknowledged is lost: the service killed with tasks running and waiting, workers killed, tasks cancelled."""
import json
import os
import signal
import time
import unittest

from harness import ServiceTest, alive, descendants, until


class FaultsTest(ServiceTest):
    def started(self, task):
        path = self.task_folder(task) / "work" / "started.txt"
        return path.read_text().splitlines() if path.exists() else []

    def running_worker(self, task):
        until(lambda: self.started(task), what="started")
        return self.worker_pids(task)

    def test_running_and_waiting_tasks_survive_a_kill_of_the_service(self):
        self.start("--cores_per_worker", 1)
        running = self.submit("sleep=4")
        waiting = [self.submit("sleep=0.1") for _ in range(4)]
        pids = self.worker_pids(running)
        self.kill_service()
        self.assertTrue(alive(pids["worker"]["pid"]))
        self.start("--cores_per_worker", 1)
        for task in [running, *waiting]:
            self.assertEqual(self.await_state(task, "done")["optimized_result"]["accuracy"], "0.8912")
        self.assertEqual(len(self.started(running)), 1, "adopted, not started again")
        events = self.get(f"/task/{running}/trials").json["trials"]
        self.assertEqual([t["index"] for t in events], [0, 1], "nothing lost, nothing doubled")

    def test_a_task_that_ends_while_the_service_is_down_is_done_after_its_restart(self):
        self.start()
        task = self.submit("sleep=0.7+events=500")
        self.worker_pids(task)
        self.kill_service()
        until(lambda: (self.task_folder(task) / "exit_status").exists(), what="end of the worker")
        self.start()
        self.await_state(task, "done", seconds=5)
        self.assertEqual(len(self.started(task)), 1)

    def test_supervisors_that_stand_by_go_with_a_killed_service(self):
        self.start()
        service = self.service_pid()
        # Two, each with the process that will be its first step.
        waiting = until(lambda: len(found := descendants(service)) >= 4 and found, what="supervisors that stand by")
        self.kill_service()
        until(lambda: not any(alive(pid) for pid in waiting), what="their end")

    def test_repeated_kills_lose_nothing(self):
        self.start("--cores_per_worker", 1)
        tasks = []
        for _ in range(5):
            tasks += [self.submit("sleep=0.3") for _ in range(3)]
            self.kill_service()
            self.start("--cores_per_worker", 1)
        for task in tasks:
            self.await_state(task, "done", seconds=60)
            self.assertEqual(len(self.started(task)), 1, task)

    def test_a_killed_worker_is_tried_again(self):
        self.start()
        task = self.submit("crash_once")
        done = self.await_state(task, "done")
        self.assertEqual(done["details"]["attempt"], 2)
        self.assertIn("signal 9", self.get(f"/task/log/{task}").body.decode())

    def test_a_task_that_kills_its_worker_three_times_fails_with_the_reason(self):
        self.start()
        task = self.submit("crash")
        failed = self.await_state(task, "failed")
        self.assertEqual(failed["details"]["reason"], "WORKER_LOST")
        self.assertIn("signal 9", failed["details"]["message"])
        self.assertEqual(len(self.started(task)), 3)
        self.assertEqual(self.get("/ping").json["status"], "Healthy")

    def test_a_killed_supervisor_takes_its_worker_along_and_the_task_is_tried_again(self):
        self.start()
        task = self.submit("sleep=1.5")
        pids = self.running_worker(task)
        os.kill(pids["supervisor"]["pid"], signal.SIGKILL)
        until(lambda: not alive(pids["worker"]["pid"]), 2, "worker dead")
        self.await_state(task, "done")
        self.assertEqual(len(self.started(task)), 2)

    def test_a_users_error_fails_at_once_with_its_reason(self):
        self.start()
        task = self.submit("fail")
        failed = self.await_state(task, "failed")
        self.assertEqual(failed["details"]["reason"], "BAD_DATA")
        self.assertEqual(failed["details"]["message"], "column 'label' is missing")
        self.assertEqual(len(self.started(task)), 1)
        self.assertEqual(failed["optimized_result"], {})

    def test_a_worker_that_cannot_write_for_a_full_disk_is_not_tried_again(self):
        self.start()
        task = self.submit("exit=28")
        self.assertEqual(self.await_state(task, "failed")["details"]["reason"], "DISK_FULL")
        self.assertEqual(len(self.started(task)), 1)

    def test_an_unexplained_exit_is_tried_again_then_fails(self):
        self.start()
        failed = self.await_state(self.submit("exit=3"), "failed")
        self.assertEqual(failed["details"]["reason"], "WORKER_FAILED")
        self.assertIn("exit code 3", failed["details"]["message"])

    def test_cancel_ends_the_whole_group_within_two_seconds(self):
        self.start()
        task = self.submit("sleep=60+deaf+child")
        pids = self.worker_pids(task)
        until(lambda: (self.task_folder(task) / "work" / "child.pid").exists(), what="child")
        started = descendants(pids["supervisor"]["pid"])
        self.assertGreaterEqual(len(started), 2, "the worker and its child at least")
        began = time.monotonic()
        self.assertEqual(self.request("POST", f"/task/{task}/cancel").json, {"status": "cancelled", "task_id": task})
        self.assertEqual(self.status(task)["status"], "cancelled")
        until(lambda: not any(map(alive, [pids["supervisor"]["pid"], *started])), 5, "all gone")
        self.assertLess(time.monotonic() - began, 2.0)
        self.assertEqual(self.request("POST", f"/task/{task}/cancel").status, 409)

    def test_a_waiting_task_is_cancelled_before_it_starts(self):
        self.start("--cores_per_worker", 64)
        first = self.submit("sleep=60")
        second = self.submit()
        self.assertEqual(self.status(second)["details"]["ahead"], 0)
        self.request("POST", f"/task/{second}/cancel")
        self.assertEqual(self.status(second)["status"], "cancelled")
        self.request("POST", f"/task/{first}/cancel")
        third = self.submit()
        self.await_state(third, "done")
        self.assertEqual(self.started(second), [])

    def test_priority_goes_before_order(self):
        self.start("--cores_per_worker", 64)
        blocker = self.submit("sleep=1")
        low, high = self.submit(priority=3), self.submit(priority=1)
        for task in (blocker, low, high):
            self.await_state(task, "done")
        begin = {task: float(self.started(task)[0].split()[2]) for task in (low, high)}
        self.assertLess(begin[high], begin[low])

    def test_several_tasks_run_at_once_on_disjoint_cores(self):
        cores = len(os.sched_getaffinity(0))
        if cores < 2:
            self.skipTest("one core")
        self.start("--cores_per_worker", 1)
        tasks = [self.submit("sleep=2") for _ in range(2)]
        until(lambda: all(self.started(task) for task in tasks), what="both started")
        used = [self.started(task)[0].split(" ", 3)[3] for task in tasks]
        self.assertEqual(len(set(used)), 2)
        for task in tasks:
            self.await_state(task, "done")

    def test_stop_now_puts_running_tasks_back_and_the_next_start_runs_them(self):
        self.start()
        task = self.submit("sleep=2")
        pids = self.running_worker(task)
        self.assertEqual(self.run_program("stop", "--now", "--workspace", self.workspace).returncode, 0)
        self.assertFalse(alive(pids["worker"]["pid"]))
        self.start()
        self.await_state(task, "done")
        self.assertEqual(len(self.started(task)), 2)

    def test_stop_lets_running_tasks_end_and_starts_no_other(self):
        self.start("--cores_per_worker", 64)
        running, waiting = self.submit("sleep=1"), self.submit()
        self.worker_pids(running)
        self.assertEqual(self.run_program("stop", "--workspace", self.workspace).returncode, 0)
        self.start()
        self.assertEqual(self.status(running)["status"], "done")
        self.await_state(waiting, "done")
        self.assertEqual(len(self.started(running)), 1)

    def test_what_outlasts_the_grace_of_a_stop_is_told_to_end_and_runs_to_its_end_after_the_next_start(self):
        self.start("--cores_per_worker", 64)
        task = self.submit("sleep=2")
        self.running_worker(task)
        self.assertEqual(self.run_program("stop", "--grace", "0.1", "--workspace", self.workspace).returncode, 0)
        self.start("--cores_per_worker", 64)
        self.await_state(task, "done")
        until(lambda: [one.get("outcome") for one in self.status(task)["details"]["attempts"]] == ["stopped by drain", "done"],
              what="the record of both attempts, which follows the task's")
        stream = self.get(f"/task/{task}/events").body.decode()
        events = [json.loads(line.removeprefix("data: ")) for line in stream.splitlines() if line.startswith("data: ")]
        states = [event["payload"] for event in events if event["type"] == "state"]
        self.assertEqual([state["state"] for state in states], ["pending", "running", "pending", "running", "done"])
        self.assertEqual((states[2]["reason"], states[2]["message"]), ("SERVICE_STOPPED", "stopped by drain"))


if __name__ == "__main__":
    unittest.main()
