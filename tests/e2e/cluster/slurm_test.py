"""--executor slurm on a Slurm of its own: tasks are its jobs, and survive whatever happens to a node."""
import os
import pathlib
import time
import unittest

from harness import ServiceTest, alive, descendants, until
from slurm_cluster import SlurmCluster


class SlurmTest(ServiceTest):
    @classmethod
    def setUpClass(cls):
        cls.slurm = SlurmCluster(4)
        cls.slurm.__enter__()
        cls.addClassCleanup(cls.slurm.__exit__)

    def setUp(self):
        super().setUp()
        self.addCleanup(self.slurm.reset)
        self.addCleanup(lambda: self.run_program("stop", "--now", "--workspace", self.workspace))  # before its jobs are taken away

    def start_with(self, *options):
        self.start("--executor", "slurm", "--cores_per_worker", 1, *options)

    def jobs(self, *options):
        return [row.split("|") for row in self.slurm.ask("squeue", "-h", "-r", *options, "-o", "%i|%T|%N|%P|%C").splitlines()]

    def where(self, task):
        return (self.status(task)["details"].get("where") or [{}])[0]

    def node_of(self, task):
        return until(lambda: self.where(task).get("node"), 30, f"node of {task}")

    def workers(self, task):
        """The processes of its worker."""
        found = []
        for pid in descendants(1):
            try:
                if f"fake_worker.py\0lead\0--task-folder\0{self.task_folder(task)}" in pathlib.Path(f"/proc/{pid}/cmdline").read_text():
                    found.append(pid)
            except OSError:
                pass
        return found

    def await_worker(self, task, seconds=40):
        return until(lambda: self.workers(task), seconds, f"worker of {task}")

    def start_again_now(self):
        """Slurm makes a job that it queued again wait for two minutes; an administrator need not."""
        for job, state, *_ in self.jobs("-t", "pending"):
            self.slurm.ask("scontrol", "update", f"JobId={job}", "StartTime=now", check=False)

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

    def test_tasks_are_jobs_and_one_that_finds_no_node_says_what_it_waits_for(self):
        self.start_with("--slurm_partition", "work", "--slurm_time_limit", "5")
        running = [self.submit("sleep=6") for _ in range(4)]
        for task in running:
            self.await_worker(task)
        waits = self.submit("sleep=0.2")
        until(lambda: self.where(waits).get("note", "").startswith("waits in Slurm: "), 20, "where it waits")
        self.assertEqual(self.status(waits)["details"]["reason"], "WAITS_ELSEWHERE")
        until(lambda: self.where(waits).get("note", "").startswith("waits in Slurm: Resources (job "), 20, "why it waits")
        self.assertEqual(sorted(self.node_of(task) for task in running), ["node1", "node2", "node3", "node4"])
        self.assertEqual([row[3:] for row in self.jobs("-t", "running")], [["work", "1"]] * 4)
        for task in [*running, waits]:
            self.done(task)
        log = until(lambda: (text := self.get(f"/task/log/{waits}").body.decode()) and "Slurm job " in text and text, 20, "accounting")
        self.assertRegex(log, r"Slurm job \d+: COMPLETED on node\d after 00:00:\d\d, exit code 0")

    def test_the_nodes_are_slurms(self):
        self.start_with()
        rows = until(lambda: self.get("/cluster").json["Cluster info"], 20, "nodes")
        self.assertEqual([row[1] for row in rows], ["node1", "node2", "node3", "node4"])
        self.assertEqual(rows[0][2:], ["Node1: node1 has 1 socket(s) and each socket has 1 cores.", "alive", 1, 0, 1])
        self.slurm.ask("scontrol", "update", "NodeName=node2", "State=drain", "Reason=repair")
        row = until(lambda: [r for r in self.get("/cluster").json["Cluster info"] if r[3] == "down"], 20, "node2 drained")[0]
        self.assertEqual(row[1], "node2")
        self.assertIn("repair", row[2])
        result = self.run_program("cluster", "--join", "node9 1 1", "--workspace", self.workspace)
        self.assertEqual(result.returncode, 1)
        self.assertIn("nodes join and leave there", result.stderr)

    def test_no_more_jobs_are_handed_over_than_told(self):
        self.start_with("--slurm_max_jobs", 2)
        tasks = [self.submit("sleep=1") for _ in range(5)]
        most = 0
        while any(self.status(task)["status"] in ("pending", "running") for task in tasks):
            most = max(most, len(self.jobs("-t", "pending,running")))
            time.sleep(0.2)
        self.assertLessEqual(most, 2)
        for task in tasks:
            self.done(task)

    def test_a_cancelled_task_is_gone_from_slurm_waiting_or_running(self):
        self.start_with("--slurm_partition", "work")
        running = self.submit("sleep=60+child")
        pids = self.await_worker(running)
        self.assertEqual(self.request("POST", f"/task/{running}/cancel").status, 200)
        until(lambda: not any(alive(pid) for pid in pids), 10, "the worker gone")
        self.slurm.ask("scontrol", "update", "PartitionName=work", "State=down")
        waiting = self.submit("sleep=60")
        until(lambda: self.jobs("-t", "pending"), 20, "a job that waits")
        self.assertEqual(self.request("POST", f"/task/{waiting}/cancel").status, 200)
        until(lambda: not self.jobs("-t", "pending,running"), 20, "no job left")

    def test_a_worker_that_is_killed_is_a_new_attempt(self):
        self.start_with()
        task = self.submit("crash_once+sleep=0.2")
        self.done(task)
        until(lambda: self.attempts(task) == ["lost", "done"], what="two attempts")

    def test_a_job_that_slurm_refuses_fails_the_task_with_slurms_words(self):
        self.start_with("--slurm_partition", "nowhere")
        task = self.submit()
        answer = self.await_state(task, "failed", seconds=60)
        self.assertIn("invalid partition specified: nowhere", answer["details"]["message"])

    def test_a_worker_whose_node_is_lost_is_queued_again_and_ends(self):
        self.start_with()
        task = self.submit("sleep=8")
        node = self.node_of(task)
        pids = self.await_worker(task)
        [[job, *_]] = self.jobs("-t", "running")
        self.slurm.lose(node)
        until(lambda: not any(alive(pid) for pid in pids), 10, "the worker gone")
        self.slurm.ask("scontrol", "update", f"NodeName={node}", "State=down", "Reason=lost")  # what the controller finds out in a minute
        until(lambda: self.jobs("-t", "pending"), 30, "queued again")
        self.start_again_now()
        self.done(task)
        self.assertEqual(self.attempts(task), ["done"])
        self.assertNotEqual(self.jobs("-t", "all", "-j", job)[0][2], node)

    def test_a_worker_goes_on_when_only_its_slurmd_is_killed(self):
        self.start_with()
        task = self.submit("sleep=5")
        node = self.node_of(task)
        self.await_worker(task)
        self.slurm.kill(node)
        self.done(task)
        self.assertEqual(self.attempts(task), ["done"])

    def test_a_preempted_worker_is_queued_again_and_ends(self):
        self.start_with("--slurm_partition", "work")
        task = self.submit("sleep=5")
        self.await_worker(task)
        urgent = [self.slurm.ask("sbatch", "--parsable", "-p", "urgent", "--output=/dev/null", "--wrap", "sleep 3").strip() for _ in range(4)]
        until(lambda: self.where(task).get("note", "").startswith("waits in Slurm: BeginTime"), 30, "queued again")
        until(lambda: not self.jobs("-j", ",".join(urgent), "-t", "pending,running"), 40, "the urgent jobs done")
        self.start_again_now()
        self.done(task)
        self.assertEqual(self.attempts(task), ["done"])

    def test_a_restarted_service_and_a_restarted_controller_lose_nothing(self):
        self.start_with()
        task = self.submit("sleep=12")
        pids = self.await_worker(task)
        self.slurm.await_saved()
        self.kill_service()
        self.slurm.kill("slurmctld")
        self.slurm.start_controller()
        until(lambda: self.slurm.states(), 30, "the controller answers")
        self.start_with()
        self.done(task)
        self.assertEqual(self.attempts(task), ["done"], self.get(f"/task/log/{task}").body.decode())
        self.assertFalse(any(alive(pid) for pid in pids))

    def test_without_slurm_the_service_does_not_start(self):
        self.addCleanup(os.environ.update, {"SLURM_CONF": os.environ["SLURM_CONF"]})
        os.environ["SLURM_CONF"] = "/nowhere/slurm.conf"
        result = self.run_program("start", "--workspace", self.workspace, "--executor", "slurm")
        self.assertEqual(result.returncode, 2)
        self.assertIn("--executor slurm needs Slurm's programs", result.stderr)


if __name__ == "__main__":
    unittest.main()
