"""Tasks with several workers as jobs of Slurm: a job for the lead, an array for the assistants, each of which is lost and queued again alone."""
import pathlib
import subprocess
import unittest

from harness import ServiceTest, until
from slurm_cluster import SlurmCluster, descendants
from teams import Teams

ITEMS = 400


class SlurmTeamTest(Teams, ServiceTest):
    def setUp(self):
        super().setUp()
        self.slurm = SlurmCluster(4)
        self.slurm.__enter__()
        self.addCleanup(self.slurm.__exit__)
        self.addCleanup(lambda: self.run_program("stop", "--now", "--workspace", self.workspace))  # before Slurm goes
        self.start_service()

    def start_service(self, *options):
        self.start("--executor", "slurm", "--cores_per_worker", 1, "--max_workers", 4, *options)

    def jobs(self, *options):
        return [row.split("|") for row in self.slurm.ask("squeue", "-h", "-r", *options, "-o", "%i|%T|%N").splitlines()]

    def processes(self, task, worker):
        found = []
        for pid in descendants(1):
            try:
                words = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().decode().replace("\0", " ")
            except (OSError, UnicodeDecodeError):
                continue
            if "fake_worker.py " + self.words_of(self.task_folder(task), worker) in words:
                found.append(pid)
        return found

    def kill(self, task, worker):
        pids = self.processes(task, worker)
        self.assertTrue(pids)
        subprocess.run(["kill", "-KILL", *map(str, pids)], check=False)

    def start_again_now(self):
        """Slurm makes a job that it queued again wait for two minutes; an administrator need not."""
        for job, *_ in self.jobs("-t", "pending"):
            self.slurm.ask("scontrol", "update", f"JobId={job}", "StartTime=now", check=False)

    def test_a_lead_and_an_array_of_assistants_share_the_work_over_tcp(self):
        task, nodes = self.start_team(ITEMS)
        self.assertEqual(sorted(nodes.values()), ["node1", "node2", "node3", "node4"])
        ids = [job.split("_") for job, *_ in self.jobs("-t", "running")]
        self.assertEqual(sorted(len(one) for one in ids), [1, 2, 2, 2], ids)
        self.assertEqual(len({one[0] for one in ids if len(one) == 2}), 1, "one array")
        connections = subprocess.run(["ss", "-tnH", "state", "established"], capture_output=True, text=True).stdout.split("\n")
        address = self.lead_address(task)[0]
        self.assertEqual(len([line for line in connections if line.split()[3:4] == [address]]), 3, connections)
        self.assert_done_once(task, ITEMS)
        self.assertEqual({worker for _, worker, _ in self.items(task)}, {0, 1, 2, 3})
        until(lambda: not self.jobs("-t", "pending,running"), 30, "no job left")

    def test_killed_workers_are_started_again_and_nothing_is_repeated(self):
        task, _ = self.start_team(ITEMS)
        self.kill(task, 2)
        self.kill(task, 0)
        self.assert_done_once(task, ITEMS)
        self.assert_attempts(task, "lost", "done")

    def test_of_an_assistants_lost_node_only_its_job_is_queued_again(self):
        task, nodes = self.start_team(600)
        self.slurm.lose(nodes[1])
        self.slurm.ask("scontrol", "update", f"NodeName={nodes[1]}", "State=down", "Reason=lost")  # what the controller finds out in a minute
        until(lambda: self.jobs("-t", "pending"), 30, "queued again")
        self.assertEqual(len(self.jobs("-t", "pending")), 1)
        self.assertEqual(len(self.jobs("-t", "running")), 3)
        self.assert_done_once(task, 600)
        self.assert_attempts(task, "done")

    def test_a_lead_whose_node_is_lost_is_queued_again_and_its_assistants_find_it(self):
        task, nodes = self.start_team(600, workers=3)
        before = {(worker, fence) for _, worker, fence in self.items(task) if worker}
        self.slurm.lose(nodes[0])
        self.slurm.ask("scontrol", "update", f"NodeName={nodes[0]}", "State=down", "Reason=lost")
        until(lambda: self.jobs("-t", "pending"), 30, "queued again")
        self.start_again_now()
        self.assert_done_once(task, 600)
        self.assert_attempts(task, "done")  # for us it is the same one
        self.assertEqual({(worker, fence) for _, worker, fence in self.items(task) if worker}, before, "the same assistants")

    def test_workers_go_on_when_only_their_slurmd_is_killed(self):
        task, nodes = self.start_team(ITEMS)
        for node in (nodes[0], nodes[1]):
            self.slurm.kill(node)
        self.assert_done_once(task, ITEMS)
        self.assert_attempts(task, "done")
        for node in (nodes[0], nodes[1]):
            self.slurm.start_node(int(node[4:]))

    def test_a_task_begins_on_the_nodes_that_are_free_and_grows(self):
        blocker = self.slurm.ask("sbatch", "--parsable", "--nodes=2", "--output=/dev/null", "--wrap", "sleep 600").strip()
        until(lambda: self.jobs("-j", blocker, "-t", "running"), 30, "the blocker")
        task = self.submit(f"items={ITEMS}", workers=4)
        until(lambda: len(self.nodes_of(task)) == 2, 30, "two workers")
        until(lambda: len([one for one in self.details(task)["where"] if one.get("note", "").startswith("waits in Slurm: Resources")]) == 2, 30, "two that wait")
        self.slurm.ask("scancel", blocker)
        until(lambda: len(self.nodes_of(task)) == 4, 30, "four workers")
        self.assert_done_once(task, ITEMS)

    def test_a_cancelled_task_leaves_no_job(self):
        task, _ = self.start_team(ITEMS)
        self.assertEqual(self.request("POST", f"/task/{task}/cancel").status, 200)
        until(lambda: not self.jobs("-t", "pending,running"), 30, "no job left")

    def test_a_killed_service_takes_on_lead_and_assistants(self):
        task, _ = self.start_team(ITEMS)
        before = {(worker, fence) for _, worker, fence in self.items(task)}
        self.kill_service()
        self.start_service()
        self.assert_done_once(task, ITEMS)
        self.assertEqual({(worker, fence) for _, worker, fence in self.items(task)}, before)
        self.assert_attempts(task, "done")


if __name__ == "__main__":
    unittest.main()
