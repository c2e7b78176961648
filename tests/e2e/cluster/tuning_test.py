"""A real tuning task on each engine, with the real worker: it ends with a model that meets the criterion, also when its lead is killed."""
import unittest

from harness import ROOT, ServiceTest, until
from mpi_hosts import MpiHosts
from slurm_cluster import SlurmCluster

REQUEST = {"model": "image-classification/model.onnx", "metric": "accuracy", "workers": 4,
           "dataset": {"path": "image-classification/evaluation.npz", "calibration": "image-classification/calibration.npz"}}


class TuningTest(ServiceTest):
    worker = None  # the one beside the program

    def setUp(self):
        super().setUp()
        self.uploads = ROOT / "examples"

    def on_mpi(self):
        hosts = MpiHosts(4)
        hosts.__enter__()
        self.addCleanup(hosts.__exit__)
        self.addCleanup(lambda: self.run_program("stop", "--now", "--workspace", self.workspace))
        self.start("--executor", "mpi", "--hostfile", hosts.hostfile())
        return hosts

    def on_slurm(self):
        slurm = SlurmCluster(4)
        slurm.__enter__()
        self.addCleanup(slurm.__exit__)
        self.addCleanup(lambda: self.run_program("stop", "--now", "--workspace", self.workspace))
        self.start("--executor", "slurm", "--cores_per_worker", 1)
        return slurm

    def submit_request(self):
        answer = self.request("POST", "/task/submit/", REQUEST)
        self.assertEqual(answer.status, 200, answer.body)
        return answer.json["task_id"]

    def check(self, task):
        ended = self.await_state(task, "done", "failed", seconds=400)
        self.assertEqual(ended["status"], "done", ended["details"])
        report = self.get(f"/task/{task}/report").json
        self.assertTrue(report["goal_met"], report["verdict"])
        return report

    def test_a_model_that_meets_the_criterion_comes_from_open_mpis_nodes(self):
        self.on_mpi()
        self.check(self.submit_request())

    def test_a_model_that_meets_the_criterion_comes_from_slurms_nodes(self):
        self.on_slurm()
        self.check(self.submit_request())

    def test_a_lead_that_is_killed_repeats_no_trial_that_had_finished(self):
        hosts = self.on_mpi()
        task = self.submit_request()
        finished = lambda: [t for t in self.get(f"/task/{task}/trials").json.get("trials", []) if t.get("accuracy") is not None]
        until(lambda: len(finished()) >= 2, 200, "two trials")
        before = {t["configuration"] for t in finished()}
        victims = sum(host.kill("neural_solution_supervisor --task-folder") for host in hosts.hosts)
        self.assertGreaterEqual(victims, 1)
        report = self.check(task)
        attempts = [a["outcome"] for a in self.status(task)["details"]["attempts"]]
        self.assertEqual(attempts, ["lost", "done"])
        # What the second attempt evaluated on all rows is what the first had not.
        self.assertLessEqual(report["full_evaluations"], len(report["trials"]) - len(before) + 1, (before, report["notes"]))


if __name__ == "__main__":
    unittest.main()
