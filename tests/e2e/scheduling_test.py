"""Who runs when, and what a waiting task says: limits, fair share, deadlines, attempts, pausing."""
import time
import unittest

from harness import ServiceTest, free_port, until


class SchedulingTest(ServiceTest):
    def details(self, task):
        return self.status(task)["details"]

    def begun(self, task):
        return next(a["started"] for a in self.details(task)["attempts"])

    def test_a_paused_service_takes_tasks_and_starts_none(self):
        self.start("--paused")
        first, second = self.submit(), self.submit()
        details = self.details(second)
        self.assertEqual([details["reason"], details["ahead"]], ["PAUSED", 1])
        self.assertEqual(details["message"], "the service starts no tasks now; 1 task is ahead")
        self.run_program("stop", "--now", "--workspace", self.workspace)
        self.start()
        for task in (first, second):
            self.await_state(task, "done")

    def test_limits_refuse_and_hold_back_a_submitter_but_not_others(self):
        self.start("--cores_per_worker", 1, "--max_queued", 1, "--max_running", 1)
        running = self.submit("sleep=2", labels={"user": "ann"})
        until(lambda: self.status(running)["status"] == "running", what="running")
        waiting = self.submit(labels={"user": "ann"}, idempotency_key="k")
        until(lambda: self.details(waiting)["reason"] == "SUBMITTER_LIMIT", what="why it waits")
        self.assertEqual(self.details(waiting)["message"], "its submitter runs 1 tasks, as many as it may")
        refused = self.request("POST", "/task/submit/", {"model": "model.onnx", "dataset": "rows.npz", "labels": {"user": "ann"}})
        self.assertEqual(refused.status, 429)
        self.assertIn("submitter 'ann' has 1 tasks waiting", refused.json["detail"])
        self.assertIn("Retry-After", refused.headers)
        self.assertEqual(self.submit(labels={"user": "ann"}, idempotency_key="k"), waiting, "a repeated request adds nothing")
        other = self.submit(labels={"user": "bob"})
        self.await_state(other, "running", "done", seconds=1.5)
        self.await_state(waiting, "done")

    def test_submitters_take_turns(self):
        self.start("--cores_per_worker", 64)
        blocker = self.submit("sleep=0.7", labels={"user": "ann"})
        ann = [self.submit(labels={"user": "ann"}) for _ in range(2)]
        bob = self.submit(labels={"user": "bob"})
        for task in (blocker, *ann, bob):
            self.await_state(task, "done")
        self.assertEqual(sorted([*ann, bob], key=self.begun), [bob, *ann])

    def test_a_waiting_task_fails_at_its_deadline(self):
        self.start("--cores_per_worker", 64)
        blocker = self.submit("sleep=3")
        late = self.submit(deadline=1)
        began = time.monotonic()
        failed = self.await_state(late, "failed", seconds=2.5)
        self.assertLess(time.monotonic() - began, 2.5)
        self.assertEqual(failed["details"]["reason"], "DEADLINE")
        self.await_state(blocker, "done")

    def test_attempts_and_workers_are_in_the_status(self):
        self.start("--cores_per_worker", 64)
        task = self.submit("crash_once+sleep=1", workers=5)
        until(lambda: self.details(task)["attempt"] == 2 and "workers" in self.details(task), what="second attempt")
        details = self.details(task)
        self.assertEqual(details["workers"], {"asked": 5, "now": 1, "most": 1, "note": "the cluster has 1 slot"})
        self.assertEqual([a.get("outcome") for a in details["attempts"]], ["lost", None])
        done = self.await_state(task, "done")["details"]
        until(lambda: [a.get("outcome") for a in self.details(task)["attempts"]] == ["lost", "done"], what="both closed")
        self.assertLess(done["attempts"][0]["started"], done["attempts"][1]["started"])

    def test_a_task_that_backs_off_says_so_and_can_be_cancelled(self):
        self.start()
        task = self.submit("crash")
        until(lambda: self.details(task).get("reason") == "BACKING_OFF", what="backing off")
        self.assertIn("signal 9", self.details(task)["message"])
        began = time.monotonic()
        self.assertEqual(self.request("POST", f"/task/{task}/cancel").status, 200)
        self.assertLess(time.monotonic() - began, 2)
        self.assertEqual(self.status(task)["status"], "cancelled")

    def test_stop_ends_what_outlasts_its_grace_and_touches_no_other_workspace(self):
        self.start()
        task = self.submit("sleep=60")
        self.worker_pids(task)
        own = (self.workspace, self.port, self.grpc_port)
        other = (self.folder / "other", free_port(), free_port())
        self.workspace, self.port, self.grpc_port = other
        self.addCleanup(lambda: self.run_program("stop", "--now", "--workspace", other[0]))
        self.start()
        untouched = self.submit("sleep=3")
        self.worker_pids(untouched)
        began = time.monotonic()
        self.assertEqual(self.run_program("stop", "--grace", "0.5", "--workspace", own[0]).returncode, 0)
        self.assertLess(time.monotonic() - began, 5)
        self.assertEqual(self.run_program("stop", "--workspace", own[0]).returncode, 1, "nothing runs there any more")
        self.await_state(untouched, "done")
        self.assertEqual(self.details(untouched)["attempt"], 1)


if __name__ == "__main__":
    unittest.main()
