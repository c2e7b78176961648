"""Real tuning on four hosts, by Open MPI: it ends with a model that meets the criterion, and repeats no finished trial, whatever fails meanwhile."""
import unittest

from harness import ServiceTest
from mpi_hosts import MpiHosts
from tuning import Tuning


class MpiTuningTest(Tuning, ServiceTest):
    @classmethod
    def setUpClass(cls):
        cls.hosts = MpiHosts(4)
        cls.hosts.__enter__()
        cls.addClassCleanup(cls.hosts.__exit__)

    def setUp(self):
        super().setUp()
        self.start("--executor", "mpi", "--hostfile", self.hosts.hostfile(), "--max_workers", 4)

    def kill(self, node, text):
        self.assertGreater(self.hosts.named(node).kill(text), 0)

    def test_four_workers_find_what_one_finds(self):
        self.check_that_four_workers_find_what_one_finds()

    def test_an_assistant_the_remote_daemon_of_another_and_then_the_lead_are_killed(self):
        task, nodes = self.start_sampling()
        self.kill(nodes[1], self.words_of(self.task_folder(task), 1))
        self.kill(nodes[2], "orted")
        before = self.await_finished(task, 3)
        self.kill(nodes[0], self.words_of(self.task_folder(task), 0))
        self.check_sampling(task, "lost", "done", before=before)

    def test_one_assistant_is_cut_off_and_the_node_of_another_is_full(self):
        task, nodes = self.start_sampling()
        cut, full = self.hosts.named(nodes[1]), self.hosts.named(nodes[2])
        cut.cut()
        full.fill()
        try:
            self.kill(full.name, self.words_of(self.task_folder(task), 2))
            self.check_sampling(task, "done")
        finally:
            cut.mend()
            full.empty()

    def test_a_lead_that_is_cut_off_is_started_elsewhere(self):
        task, nodes = self.start_sampling()
        before = self.await_finished(task, 3)
        self.hosts.named(nodes[0]).cut()
        try:
            self.check_sampling(task, "lost", "done", before=before)
        finally:
            self.hosts.named(nodes[0]).mend()


if __name__ == "__main__":
    unittest.main()
