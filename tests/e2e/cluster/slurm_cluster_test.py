"""The Slurm cluster itself: jobs run, wait, and are started again when their node is lost."""
import subprocess
import time
import unittest

from slurm_cluster import SlurmCluster


def until(condition, seconds=150):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if value := condition():
            return value
        time.sleep(0.1)
    raise AssertionError(f"not within {seconds} s")


class SlurmClusterTest(unittest.TestCase):
    def test_four_jobs_run_on_four_nodes_and_a_fifth_waits_for_resources(self):
        with SlurmCluster(4) as slurm:
            for _ in range(5):
                slurm.ask("sbatch", "--output=/dev/null", "--wrap", "sleep 600")
            rows = lambda: [row.split("|") for row in slurm.ask("squeue", "-h", "-S", "i", "-o", "%T|%N|%r").splitlines()]
            until(lambda: rows()[4][2] == "Resources")
            self.assertEqual([row[0] for row in rows()], ["RUNNING"] * 4 + ["PENDING"])
            self.assertEqual(sorted(row[1] for row in rows()[:4]), ["node1", "node2", "node3", "node4"])

    def test_a_job_of_a_lost_node_is_queued_again(self):
        with SlurmCluster(2) as slurm:
            job = slurm.ask("sbatch", "--parsable", "--requeue", "--output=/dev/null", "--wrap", "sleep 600").strip()
            node = until(lambda: slurm.ask("squeue", "-h", "-j", job, "-t", "running", "-o", "%N").strip())
            slurm.lose(node)
            until(lambda: "Restarts=1" in slurm.ask("scontrol", "show", "job", job))

    def test_the_controller_goes_on_from_its_state(self):
        with SlurmCluster(1) as slurm:
            job = slurm.ask("sbatch", "--parsable", "--output=/dev/null", "--wrap", "sleep 600").strip()
            until(lambda: slurm.ask("squeue", "-h", "-j", job, "-o", "%T").strip() == "RUNNING")
            slurm.kill("slurmctld")
            slurm.start_controller()
            until(lambda: slurm.ask("squeue", "-h", "-j", job, "-o", "%T", check=False).strip() == "RUNNING")


if __name__ == "__main__":
    unittest.main()
