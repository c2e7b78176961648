"""docs/cluster.md: every command of it does what it says, in its order."""
import os
import subprocess
import unittest

from harness import ROOT, ServiceTest, until
from mpi_hosts import MpiHosts
from slurm_cluster import SlurmCluster

GUIDE = (ROOT / "docs/cluster.md").read_text()


def commands(heading):
    section = GUIDE.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    return [line[4:] for line in section.splitlines() if line.startswith("    ")]


class GuideTest(ServiceTest):
    def run_line(self, line):
        words = [word.strip('"') for word in line.replace('"node2 1 1"', "node2+1+1").split()]
        words = [word.replace("+", " ").replace("/shared/ns", str(self.workspace)) for word in words]
        if words[:2] == ["neural_solution", "start"]:
            words += ["--restful_api_port", str(self.port), "--grpc_api_port", str(self.grpc_port), "--upload_path", str(self.uploads),
                      "--worker_program", str(self.worker)]
        if words[0] == "neural_solution":
            done = self.run_program(*words[1:])
        else:
            as_root = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
            done = subprocess.run(words, capture_output=True, text=True, timeout=60, env={**os.environ, **as_root})
        self.assertEqual(done.returncode, 0, (line, done.stderr, done.stdout))
        return done.stdout

    def test_the_commands_for_open_mpi(self):
        with MpiHosts(2):
            (self.folder / "hosts").write_text("node1 1 1\n")
            said = {line: self.run_line(line) for line in commands("Open MPI")}
            self.assertEqual(len(said), 6)
            self.assertEqual(said["mpirun -np 1 --host node1 hostname"], "node1\n")
            [joined] = [text for line, text in said.items() if "--join" in line]
            self.assertIn("node2", joined)
            [removed] = [text for line, text in said.items() if "--remove" in line]
            self.assertNotIn("node2 ", removed)
            self.await_state(self.submit(), "done", seconds=60)

    def test_the_commands_for_slurm(self):
        with SlurmCluster(2):
            said = [self.run_line(line) for line in commands("Slurm")]
            self.assertEqual(len(said), 2)
            until(lambda: "node2" in self.run_program("cluster", "--query", "--workspace", self.workspace).stdout, 20, "Slurm's nodes")
            self.await_state(self.submit(), "done", seconds=60)
            self.run_program("stop", "--now", "--workspace", self.workspace)


if __name__ == "__main__":
    unittest.main()
