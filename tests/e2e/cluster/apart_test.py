"""Nodes that share no file system with the service: `--shared_workspace no`. On each host and for each slurmd an empty folder lies over the workspace,
the models and the data, and what it keeps for itself is its own. The workers are the real ones."""
import shutil
import unittest

from harness import ROOT, ServiceTest, until
from mpi_hosts import MpiHosts
from slurm_cluster import SlurmCluster
from teams import Teams

GUIDE = (ROOT / "docs/cluster.md").read_text()
NODE_FOLDER = "/var/tmp/neural_solution"
REQUEST = {"model": "image-classification/model.onnx", "metric": "accuracy",
           "dataset": {"path": "image-classification/evaluation.npz", "calibration": "image-classification/calibration.npz"}}


def hide(host, folder):
    host.inside("mount", "-t", "tmpfs", "-o", "size=1m", "apart", folder)
    host.inside("mount", "-t", "tmpfs", "-o", "size=4g", "apart", "/var/tmp")


class SlurmApart(SlurmCluster):
    """Its nodes do not see `hidden`."""

    def __init__(self, count, hidden):
        super().__init__(count)
        self.hidden = hidden

    def start_node(self, number):
        self[number].start()
        hide(self[number], self.hidden)
        super().start_node(number)



class ApartTest(Teams, ServiceTest):
    worker = None  # the one beside the program

    def setUp(self):
        super().setUp()
        shutil.copytree(ROOT / "examples/image-classification", self.uploads / "image-classification")

    def on_mpi(self, count):
        self.hosts = MpiHosts(count)
        self.hosts.__enter__()
        self.addCleanup(self.hosts.__exit__)
        self.addCleanup(lambda: self.run_program("stop", "--now", "--workspace", self.workspace))
        for host in self.hosts.hosts:
            hide(host, self.folder)
        shutil.copy(self.hosts.hostfile(), self.folder / "hosts")
        self.start_as_in_the_guide()
        for host in self.hosts.hosts:
            self.await_alive(host.name)

    def start_as_in_the_guide(self):
        [line] = [line[4:] for line in GUIDE.split("\n## Nodes that share no file system\n")[1].split("\n## ")[0].splitlines() if line.startswith("    ")]
        words = line.split()
        self.assertEqual(words[:4], ["neural_solution", "start", "--workspace", "/srv/ns"])
        self.start(*words[4:])

    def await_alive(self, name):
        rows = lambda: [row for row in self.get("/cluster").json["Cluster info"] if row[1] == name and row[3] == "alive"]
        until(rows, 60, f"{name} alive: {self.get('/cluster').body}")

    def submit_request(self, workers):
        answer = self.request("POST", "/task/submit/", {**REQUEST, "workers": workers})
        self.assertEqual(answer.status, 200, answer.body)
        return answer.json["task_id"]

    def check(self, task, *attempts):
        ended = self.await_state(task, "done", "failed", seconds=400)
        log = self.get(f"/task/log/{task}").body.decode()
        self.assertEqual(ended["status"], "done", (ended["details"], log))
        report = self.get(f"/task/{task}/report").json
        self.assertTrue(report["goal_met"], report["verdict"])
        self.assertEqual(self.attempts(task), list(attempts), log)
        return report

    def finished(self, task):
        return [trial for trial in self.get(f"/task/{task}/trials").json.get("trials", []) if trial.get("accuracy") is not None]

    def on_node(self, host, folder):
        return host.inside("ls", f"{NODE_FOLDER}/{folder}", check=False).stdout.split()

    def test_lead_and_assistants_get_all_from_the_service_and_leave_only_what_is_kept(self):
        self.on_mpi(3)
        for host in self.hosts.hosts:
            self.assertEqual(host.inside("ls", self.folder).stdout, "")
        task = self.submit_request(3)
        until(lambda: len(self.nodes_of(task)) == 3, 60, "three workers")
        self.check(task, "done")
        [address] = [line.rsplit(":", 1)[0] for line in self.lead_address(task)]
        self.assertIn(address, [host.address for host in self.hosts.hosts])
        until(lambda: not any(self.on_node(host, "tasks") for host in self.hosts.hosts), 20, "no task's folder on any node")
        for host in self.hosts.hosts:
            files = [name for name in self.on_node(host, "files") if len(name) == 64]
            if host.address == address:  # on a busy machine the task has ended before an assistant had all
                self.assertEqual(len(files), 3, "model, rows and calibration rows")
            self.assertEqual(host.inside("ls", self.folder).stdout, "")
        # The command line gets the result as from any task.
        done = self.run_program("download", task, "--url", f"http://127.0.0.1:{self.port}", "--output", self.folder / "result.zip")
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_a_lead_that_is_killed_goes_on_on_another_node_and_repeats_no_trial_that_had_finished(self):
        self.on_mpi(3)
        task = self.submit_request(2)
        until(lambda: len(self.finished(task)) >= 2, 200, "two trials")
        before = {trial["configuration"] for trial in self.finished(task)}
        node = self.nodes_of(task)[0]
        lead = next(host for host in self.hosts.hosts if host.name == node)
        [row] = [row for row in self.get("/cluster").json["Cluster info"] if row[1] == node]
        self.run_program("cluster", "--remove", row[0], "--workspace", self.workspace)  # it does not come back there
        self.assertGreaterEqual(lead.kill("neural_solution outpost"), 1)
        second = until(lambda: (at := self.nodes_of(task).get(0)) not in (None, node) and at, 60, "the lead elsewhere")
        self.assertNotEqual(second, node)
        report = self.check(task, "lost", "done")
        self.assertLessEqual(report["full_evaluations"], len(report["trials"]) - len(before) + 1, (before, report["notes"]))

    def test_a_service_that_is_killed_takes_its_workers_on_and_misses_nothing(self):
        self.on_mpi(2)
        task = self.submit_request(2)
        until(lambda: len(self.finished(task)) >= 1, 200, "a trial")
        self.kill_service()
        self.start_as_in_the_guide()
        self.check(task, "done")

    def test_on_slurm(self):
        slurm = SlurmApart(3, self.folder)
        slurm.__enter__()
        self.addCleanup(slurm.__exit__)
        self.addCleanup(lambda: self.run_program("stop", "--now", "--workspace", self.workspace))
        self.start("--executor", "slurm", "--cores_per_worker", 1, "--shared_workspace", "no")
        self.check(self.submit_request(3), "done")


if __name__ == "__main__":
    unittest.main()
