"""--executor mpi on hosts of their own: tasks run there, and survive whatever happens to a host."""
import json
import os
import signal
import unittest

from harness import ServiceTest, alive, until
from mpi_hosts import MpiHosts
from stubs import OURS, Stubs, channel_to


class MpiTest(ServiceTest):
    @classmethod
    def setUpClass(cls):
        cls.hosts = MpiHosts(3)
        cls.hosts.__enter__()
        cls.addClassCleanup(cls.hosts.__exit__)

    def start_on(self, *numbers, cores=1):
        file = self.folder / "hosts"
        file.write_text("".join(f"{self.hosts[n].name} 1 {cores}\n" for n in numbers))
        self.start("--executor", "mpi", "--hostfile", file)

    def rows(self):
        return {row[1]: row for row in self.get("/cluster").json["Cluster info"]}

    def await_node(self, number, status, seconds=60):
        name = self.hosts[number].name
        return until(lambda: (row := self.rows().get(name)) and row[3] == status and row, seconds, f"{name} {status}: {self.rows()}")

    def cluster(self, *args, expect=0):
        result = self.run_program("cluster", *args, "--workspace", self.workspace)
        self.assertEqual(result.returncode, expect, result.stderr + result.stdout)
        return result.stdout + result.stderr

    def worker_on(self, number, task, seconds=30):
        """Waits for the worker's process there; its pids."""
        return until(lambda: self.hosts[number].processes(f"fake_worker.py lead --task-folder {self.task_folder(task)}"), seconds, f"worker of {task} on node{number}")

    def attempts(self, task):
        """How each ended. An end is written a moment after the task's own."""
        def outcomes():
            return [attempt.get("outcome") for attempt in self.status(task)["details"]["attempts"]]
        if self.status(task)["status"] == "done":
            until(lambda: None not in outcomes(), 10, "how the last attempt ended")
        return outcomes()

    def done(self, task, seconds=90):
        answer = self.await_state(task, "done", "failed", seconds=seconds)
        self.assertEqual(answer["status"], "done", answer)
        return answer

    def test_a_task_runs_on_its_node_on_the_cores_of_its_slot(self):
        self.start_on(2)
        task = self.submit("sleep=2+lines=3")
        pids = self.worker_on(2, task)
        self.assertEqual({frozenset(os.sched_getaffinity(pid)) for pid in pids}, {frozenset(self.hosts[2].cores)})
        until(lambda: self.status(task)["details"].get("where") == [{"worker": 0, "node": "node2"}], what="where it runs")
        stubs = Stubs(OURS, self.folder)
        with channel_to(self.grpc_port) as channel:
            details = stubs.call(channel, "QueryTaskResult")(stubs.TaskId(task_id=task), timeout=20).details
        self.assertEqual([(one.worker, one.node, one.note) for one in details.where], [(0, "node2", "")])
        self.done(task)
        self.assertIn("line 2", self.get(f"/task/log/{task}").body.decode())
        self.assertEqual(self.attempts(task), ["done"])

    def test_a_worker_that_is_killed_is_started_again(self):
        self.start_on(1, 2)
        task = self.submit("crash_once+sleep=0.2")
        self.done(task)
        until(lambda: self.attempts(task) == ["lost", "done"], what="two attempts")

    def test_a_task_whose_supervisor_or_remote_daemon_is_killed_goes_on_elsewhere_and_leaves_nothing(self):
        self.start_on(1, 2)
        for victim in ("neural_solution_supervisor --task-folder", "orted"):
            task = self.submit("sleep=3")
            first = self.worker_on(1, task)
            self.hosts[1].kill(victim)
            until(lambda: not any(alive(pid) for pid in first), 10, "the lost worker gone")
            self.done(task)
            until(lambda: self.attempts(task) == ["lost", "done"], what="two attempts")
            self.await_node(1, "alive")

    def test_a_node_that_is_cut_off_is_down_its_work_moves_and_it_comes_back(self):
        self.start_on(1, 2)
        task = self.submit("sleep=30")
        first = self.worker_on(1, task)
        self.hosts[1].cut()
        try:
            self.await_node(1, "down")
            self.worker_on(2, task, seconds=90)
            self.assertFalse(any(alive(pid) for pid in first), "the one that was given up has ended")
        finally:
            self.hosts[1].mend()
        self.done(task)
        until(lambda: self.attempts(task) == ["lost", "done"], what="two attempts")
        self.await_node(1, "alive")

    def test_a_full_node_gets_no_work_says_why_and_comes_back(self):
        self.hosts[1].fill()
        try:
            self.start_on(1, 2)
            task = self.submit("sleep=0.5")
            row = self.await_node(1, "down")
            self.assertIn("It is down: ", row[2])
            self.done(task)
            self.assertEqual(self.attempts(task)[-1], "done")
        finally:
            self.hosts[1].empty()
        self.await_node(1, "alive")

    def test_without_sshd_a_running_task_ends_and_the_next_goes_elsewhere(self):
        self.start_on(1, 2)
        running = self.submit("sleep=4")
        self.worker_on(1, running)
        self.hosts[1].kill("sshd: /usr/sbin/sshd")
        try:
            blocker = self.submit("sleep=6")
            self.worker_on(2, blocker)
            waits = self.submit("sleep=0.2")
            self.done(running)
            self.done(waits)
            self.await_node(1, "down")
            self.assertEqual(self.attempts(running), ["done"])
        finally:
            self.hosts[1].start_sshd()
        self.await_node(1, "alive")

    def test_a_node_that_has_fewer_cores_than_told_is_down_and_says_so(self):
        self.start_on(1, cores=64)
        self.assertIn("it has 1 usable cores, and 64 are told of it", self.await_node(1, "down")[2])
        task = self.submit()
        until(lambda: self.status(task)["details"].get("reason") == "NO_NODES", 20, "why it waits")

    def test_nodes_join_and_leave_and_a_worker_of_one_that_leaves_ends_in_peace(self):
        self.start_on(1)
        self.cluster("--join", "node2 1 1")
        blocker, task = self.submit("sleep=5"), self.submit("sleep=4")
        self.worker_on(2, task)
        self.cluster("--remove", self.rows()["node2"][0])
        self.assertEqual(self.rows()["node2"][3], "leaving")
        self.done(task)
        until(lambda: "node2" not in self.rows(), what="node2 gone")
        self.done(blocker)
        self.assertEqual(self.attempts(task), ["done"])

    def test_a_restarted_service_takes_on_what_runs_on_its_nodes(self):
        self.start_on(1)
        task = self.submit("sleep=6+events=5")
        pids = self.worker_on(1, task)
        self.kill_service()
        self.start_on(1)
        self.assertEqual(self.worker_on(1, task), pids)
        self.done(task)
        until(lambda: self.attempts(task) == ["done"], what="one attempt")
        ended = self.submit("sleep=1")  # this one ends while no service runs
        self.worker_on(1, ended)
        self.kill_service()
        until(lambda: (self.task_folder(ended) / "exit_status").exists(), what="its end")
        self.start_on(1)
        self.done(ended)
        self.assertEqual(self.attempts(ended), ["done"])

    def test_a_cancelled_task_is_gone_from_its_node(self):
        self.start_on(1)
        task = self.submit("sleep=60+child")
        pids = self.worker_on(1, task)
        self.assertEqual(self.request("POST", f"/task/{task}/cancel").status, 200)
        until(lambda: not any(alive(pid) for pid in pids), 6, "the worker gone")
        until(lambda: not self.hosts[1].processes("mpirun") and not self.hosts[1].processes("sleep 300"), 10, "all gone")
        self.assertEqual(self.status(task)["status"], "cancelled")

    def test_without_mpirun_the_service_does_not_start(self):
        result = self.run_program("start", "--workspace", self.workspace, "--executor", "mpi", "--mpirun", "/nowhere/mpirun")
        self.assertEqual(result.returncode, 2)
        self.assertIn("--executor mpi cannot run '/nowhere/mpirun'", result.stderr)


if __name__ == "__main__":
    unittest.main()
