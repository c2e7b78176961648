"""Tasks with several workers on several hosts, by Open MPI: they work together over TCP, and outlast what happens to a worker, a host or the network.

The hosts share this machine's kernel and disk, but an assistant knows only its supervisor's socket, and that leads to the lead by TCP: so what is
cut off does nothing more for the task."""
import time
import unittest

from harness import ServiceTest, until
from mpi_hosts import MpiHosts
from teams import Teams

ITEMS = 200


class MpiTeamTest(Teams, ServiceTest):
    @classmethod
    def setUpClass(cls):
        cls.hosts = MpiHosts(4)
        cls.hosts.__enter__()
        cls.addClassCleanup(cls.hosts.__exit__)

    def setUp(self):
        super().setUp()
        file = self.folder / "hosts"
        file.write_text("".join(f"{host.name} 1 1\n" for host in self.hosts.hosts))
        self.start("--executor", "mpi", "--hostfile", file, "--max_workers", 4, "--team_network", "198.18.77.0/24")

    def host(self, name):
        return self.hosts.named(name)

    def kill(self, task, worker, node):
        self.assertGreater(self.host(node).kill(self.words_of(self.task_folder(task), worker)), 0)

    def await_up(self, name):
        until(lambda: [row for row in self.get("/cluster").json["Cluster info"] if row[1] == name and row[3] == "alive"], 60, f"{name} alive")

    def test_workers_on_four_nodes_share_the_work_over_tcp(self):
        task, nodes = self.start_team(ITEMS)
        self.assertEqual(sorted(nodes.values()), ["node1", "node2", "node3", "node4"])
        lead = self.host(nodes[0])
        [address] = self.lead_address(task)
        self.assertTrue(address.startswith(f"{lead.address}:"), address)
        for worker in (1, 2, 3):
            self.assertIn(address, self.host(nodes[worker]).inside("ss", "-tnH", "state", "established").stdout, f"worker {worker}")
        self.assert_done_once(task, ITEMS)
        self.assertEqual({worker for _, worker, _ in self.items(task)}, {0, 1, 2, 3})
        until(lambda: not any(host.processes("neural_solution_supervisor --task-folder") for host in self.hosts.hosts), 10, "nothing left")

    def test_a_killed_assistant_is_started_again(self):
        task, nodes = self.start_team(ITEMS)
        self.kill(task, 2, nodes[2])
        self.assert_done_once(task, ITEMS)
        self.assert_attempts(task, "done")
        self.assertGreater(len({fence for _, worker, fence in self.items(task) if worker == 2}), 1)

    def test_a_killed_lead_is_started_again_and_its_assistants_find_it(self):
        task, nodes = self.start_team(ITEMS)
        before = {(worker, fence) for _, worker, fence in self.items(task) if worker}
        self.kill(task, 0, nodes[0])
        self.assert_done_once(task, ITEMS)
        self.assert_attempts(task, "lost", "done")
        self.assertEqual({(worker, fence) for _, worker, fence in self.items(task) if worker}, before, "the same assistants")

    def test_the_remote_daemons_of_an_assistant_and_of_the_lead_are_killed(self):
        task, nodes = self.start_team(ITEMS)
        self.host(nodes[3]).kill("orted")
        self.host(nodes[0]).kill("orted")
        self.assert_done_once(task, ITEMS)
        self.assert_attempts(task, "lost", "done")
        for name in (nodes[0], nodes[3]):
            self.await_up(name)

    def test_an_assistant_that_is_cut_off_does_nothing_more_and_its_item_goes_to_another(self):
        task, nodes = self.start_team(ITEMS)
        self.host(nodes[1]).cut()
        try:
            time.sleep(0.3)  # what was on its way has come
            done = len(self.items(task))
            until(lambda: len(self.items(task)) >= done + 20, 60, "the others' work")
            self.assertEqual({worker for _, worker, _ in self.items(task)[done:done + 20]}, {0, 2, 3})
            self.assert_done_once(task, ITEMS)
        finally:
            self.host(nodes[1]).mend()
        self.assert_attempts(task, "done")
        self.await_up(nodes[1])

    def test_a_lead_that_is_cut_off_is_started_elsewhere_and_repeats_nothing(self):
        items = 2 * ITEMS  # for ten seconds it works on alone
        task, nodes = self.start_team(items)
        self.host(nodes[0]).cut()
        try:
            self.assert_done_once(task, items)
        finally:
            self.host(nodes[0]).mend()
        self.assert_attempts(task, "lost", "done")
        self.await_up(nodes[0])

    def test_on_a_full_node_no_worker_starts_and_the_task_goes_on(self):
        task, nodes = self.start_team(ITEMS)
        full = self.host(nodes[2])
        full.fill()
        try:
            self.kill(task, 2, nodes[2])
            self.assert_done_once(task, ITEMS)
        finally:
            full.empty()
        self.assert_attempts(task, "done")
        self.await_up(nodes[2])

    def test_a_node_that_is_removed_gives_its_assistant_to_others(self):
        items = 2 * ITEMS
        task, nodes = self.start_team(items, workers=3)
        [row] = [row for row in self.get("/cluster").json["Cluster info"] if row[1] == nodes[1]]
        self.assertEqual(self.run_program("cluster", "--remove", row[0], "--workspace", self.workspace).returncode, 0)
        until(lambda: self.nodes_of(task).get(1) not in (None, nodes[1]), 20, "worker 1 elsewhere")
        self.assert_done_once(task, items)
        self.assert_attempts(task, "done")

    def test_a_killed_service_takes_on_lead_and_assistants(self):
        task, _ = self.start_team(ITEMS)
        before = {(worker, fence) for _, worker, fence in self.items(task)}
        self.kill_service()
        self.start("--executor", "mpi", "--hostfile", self.folder / "hosts", "--max_workers", 4)
        self.assert_done_once(task, ITEMS)
        self.assertEqual({(worker, fence) for _, worker, fence in self.items(task)}, before)
        self.assert_attempts(task, "done")


if __name__ == "__main__":
    unittest.main()
