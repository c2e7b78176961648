"""Tasks with several workers as jobs of Slurm: a job for the lead, an array for the assistants, each of which is lost and queued again alone."""
import time
import unittest

from harness import ServiceTest, until
from slurm_cluster import SlurmCluster
from teams import Teams

ITEMS = 200


class SlurmTeamTest(Teams, ServiceTest):
    @classmethod
    def setUpClass(cls):
        cls.slurm = SlurmCluster(4)
        cls.slurm.__enter__()
        cls.addClassCleanup(cls.slurm.__exit__)

    def setUp(self):
        super().setUp()
        self.addCleanup(self.slurm.reset)
        self.addCleanup(lambda: self.run_program("stop", "--now", "--workspace", self.workspace))  # before its jobs are taken away
        self.start_service()

    def start_service(self, *options):
        self.start("--executor", "slurm", "--cores_per_worker", 1, "--max_workers", 4, *options)

    def jobs(self, *options):
        return [row.split("|") for row in self.slurm.ask("squeue", "-h", "-r", *options, "-o", "%i|%T|%N").splitlines()]

    def kill(self, task, worker, node):
        self.assertGreater(self.slurm.named(node).kill(self.words_of(self.task_folder(task), worker)), 0)

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
        [address] = self.lead_address(task)
        self.assertTrue(address.startswith(f"{self.slurm.named(nodes[0]).address}:"), address)
        for worker in (1, 2, 3):
            self.assertIn(address, self.slurm.named(nodes[worker]).inside("ss", "-tnH", "state", "established").stdout, f"worker {worker}")
        self.assert_done_once(task, ITEMS)
        self.assertEqual({worker for _, worker, _ in self.items(task)}, {0, 1, 2, 3})
        until(lambda: not self.jobs("-t", "pending,running"), 30, "no job left")

    def test_killed_workers_are_started_again_and_nothing_is_repeated(self):
        task, nodes = self.start_team(ITEMS)
        self.kill(task, 2, nodes[2])
        self.kill(task, 0, nodes[0])
        self.assert_done_once(task, ITEMS)
        self.assert_attempts(task, "lost", "done")

    def test_of_an_assistants_lost_node_only_its_job_is_queued_again(self):
        items = 2 * ITEMS
        task, nodes = self.start_team(items)
        self.slurm.lose(nodes[1])
        self.slurm.ask("scontrol", "update", f"NodeName={nodes[1]}", "State=down", "Reason=lost")  # what the controller finds out in a minute
        until(lambda: self.jobs("-t", "pending"), 30, "queued again")
        self.assertEqual(len(self.jobs("-t", "pending")), 1)
        self.assertEqual(len(self.jobs("-t", "running")), 3)
        self.assert_done_once(task, items)
        self.assert_attempts(task, "done")

    def test_a_lead_whose_node_is_lost_is_queued_again_and_its_assistants_find_it(self):
        task, nodes = self.start_team(ITEMS, workers=3)
        before = {(worker, fence) for _, worker, fence in self.items(task) if worker}
        self.slurm.lose(nodes[0])
        self.slurm.ask("scontrol", "update", f"NodeName={nodes[0]}", "State=down", "Reason=lost")
        until(lambda: self.jobs("-t", "pending"), 30, "queued again")
        self.start_again_now()
        self.assert_done_once(task, ITEMS)
        self.assert_attempts(task, "done")  # for us it is the same one
        self.assertEqual({(worker, fence) for _, worker, fence in self.items(task) if worker}, before, "the same assistants")

    def test_an_assistant_that_is_cut_off_does_nothing_more_and_its_item_goes_to_another(self):
        task, nodes = self.start_team(ITEMS)
        self.slurm.named(nodes[1]).cut()
        time.sleep(0.3)  # what was on its way has come
        done = len(self.items(task))
        until(lambda: len(self.items(task)) >= done + 20, 60, "the others' work")
        self.assertEqual({worker for _, worker, _ in self.items(task)[done:done + 20]}, {0, 2, 3})
        self.assert_done_once(task, ITEMS)
        self.assert_attempts(task, "done")

    def test_workers_go_on_when_only_their_slurmd_is_killed(self):
        task, nodes = self.start_team(ITEMS)
        for node in (nodes[0], nodes[1]):
            self.slurm.kill(node)
        self.assert_done_once(task, ITEMS)
        self.assert_attempts(task, "done")

    def test_a_task_begins_on_the_nodes_that_are_free_and_grows(self):
        blocker = self.slurm.ask("sbatch", "--parsable", "--nodes=2", "--output=/dev/null", "--wrap", "sleep 600").strip()
        until(lambda: self.jobs("-j", blocker, "-t", "running"), 30, "the blocker")
        task = self.submit(f"items={ITEMS}", workers=4)
        until(lambda: len(self.nodes_of(task)) == 2, 30, "two workers")
        until(lambda: len([one for one in self.details(task)["where"] if one.get("note", "").startswith("waits in Slurm: Resources")]) == 2, 30, "two that wait")
        self.slurm.ask("scancel", blocker)
        until(lambda: len(self.nodes_of(task)) == 4, 30, "four workers")
        self.assert_done_once(task, ITEMS)

    def test_a_free_node_goes_to_a_task_that_has_none_before_it_goes_to_the_assistants_of_another(self):
        blockers = [self.slurm.ask("sbatch", "--parsable", "--output=/dev/null", "--wrap", "sleep 600").strip() for _ in range(3)]
        until(lambda: len(self.jobs("-t", "running")) == 3, 30, "the blockers")
        first = self.submit("items=10000", workers=4)
        waiting = lambda: [one for one in self.details(first).get("where", []) if one.get("note", "").startswith("waits in Slurm: ")]
        until(lambda: self.nodes_of(first).get(0) and len(waiting()) == 3, 30, "a lead that runs, assistants that wait")
        second = self.submit("sleep=600")
        until(lambda: self.details(second).get("message", "").startswith("waits in Slurm: "), 30, "the second lead waits")
        self.slurm.ask("scancel", blockers[0])
        until(lambda: self.nodes_of(second), 30, "the second lead runs")
        self.assertEqual(len(waiting()), 3)
        self.slurm.ask("scancel", blockers[1])
        until(lambda: len(waiting()) == 2, 30, "an assistant runs")

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
