"""Real tuning as jobs of Slurm: it ends with a model that meets the criterion, and repeats no finished trial, whatever fails meanwhile."""
import unittest

from harness import ServiceTest, until
from slurm_cluster import SlurmCluster
from tuning import Tuning


class SlurmTuningTest(Tuning, ServiceTest):
    @classmethod
    def setUpClass(cls):
        cls.slurm = SlurmCluster(4)
        cls.slurm.__enter__()
        cls.addClassCleanup(cls.slurm.__exit__)

    def setUp(self):
        super().setUp()
        self.addCleanup(self.slurm.reset)
        self.addCleanup(lambda: self.run_program("stop", "--now", "--workspace", self.workspace))  # before its jobs are taken away
        self.start("--executor", "slurm", "--cores_per_worker", 1, "--max_workers", 4)

    def kill(self, task, worker, node):
        self.assertGreater(self.slurm.named(node).kill(self.words_of(self.task_folder(task), worker)), 0)

    def test_four_workers_find_what_one_finds(self):
        self.check_that_four_workers_find_what_one_finds()

    def test_an_assistant_the_slurmd_of_another_and_then_the_lead_are_killed(self):
        task, nodes = self.start_sampling()
        self.kill(task, 1, nodes[1])
        self.slurm.kill(nodes[2])
        before = self.await_finished(task, 3)
        self.kill(task, 0, nodes[0])
        self.check_sampling(task, "lost", "done", before=before)

    def test_an_assistant_is_cut_off_and_then_the_leads_machine_fails(self):
        task, nodes = self.start_sampling()
        self.slurm.named(nodes[1]).cut()
        before = self.await_finished(task, 3)
        self.slurm.lose(nodes[0])
        self.slurm.ask("scontrol", "update", f"NodeName={nodes[0]}", "State=down", "Reason=lost")  # what the controller finds out in a minute
        until(self.waiting_jobs, 30, "queued again")
        self.start_again_now()
        self.check_sampling(task, "done", before=before)  # for us it is the same attempt

    def test_a_task_goes_on_without_an_assistant_that_finds_no_node(self):
        self.slurm.ask("sbatch", "--output=/dev/null", "--wrap", "sleep 600")
        until(lambda: "allocated" in self.slurm.states().values(), 30, "the node taken")
        task = self.submit_sampling()
        until(lambda: len([one for one in self.details(task).get("where", []) if one.get("note", "").startswith("waits in Slurm: Resources")]) == 1, 30, "one that waits")
        self.check_sampling(task, "done")

    def waiting_jobs(self):
        return self.slurm.ask("squeue", "-h", "-r", "-t", "pending", "-o", "%i").split()

    def start_again_now(self):
        """Slurm makes a job that it queued again wait for two minutes; an administrator need not."""
        for job in self.waiting_jobs():
            self.slurm.ask("scontrol", "update", f"JobId={job}", "StartTime=now", check=False)


if __name__ == "__main__":
    unittest.main()
