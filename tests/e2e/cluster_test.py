"""Nodes: the hostfile, `cluster --query|--join|--remove`, and their REST calls."""
import json
import os
import unittest

from harness import ServiceTest, until

CORES = len(os.sched_getaffinity(0))


class ClusterTest(ServiceTest):
    def cluster(self, *args, expect=0):
        result = self.run_program("cluster", *args, "--workspace", self.workspace)
        self.assertEqual(result.returncode, expect, result.stderr + result.stdout)
        return result.stdout if expect == 0 else result.stderr

    def rows(self):
        return json.loads(self.cluster("--query", "--json"))["Cluster info"]

    def hostfile(self, text):
        path = self.folder / "hosts"
        path.write_text(text)
        return path

    def test_this_machine_is_the_cluster_without_a_hostfile(self):
        self.start("--cores_per_worker", 1)
        [row] = self.get("/cluster").json["Cluster info"]
        total = row[6]
        self.assertEqual(row, [1, "localhost", f"Node1: localhost has {total} socket(s) and each socket has 1 cores.", "alive", total, 0, total])
        self.assertIn("localhost", self.cluster("--query"))

    def test_a_socket_of_the_hostfile_is_a_slot(self):
        self.start("--hostfile", self.hostfile("localhost 1 1  # one slot\n"))
        self.assertEqual([row[4:] for row in self.rows()], [[1, 0, 1]])
        task = self.submit("sleep=2")
        until(lambda: self.rows()[0][4:] == [0, 1, 1], what="busy slot")
        self.await_state(task, "done")
        until(lambda: self.rows()[0][4:] == [1, 0, 1], what="free slot")

    def test_a_bad_hostfile_is_refused_with_its_line(self):
        for text, message in [("localhost 1\n", "line 1: must be 'name sockets cores_per_socket', has 2 words"),
                              ("# x\nlocalhost 1 1\nhost7 1 1\n", "'host7' is not this machine"),
                              ("localhost 100 64\n", "needs 6400 cores")]:
            result = self.start("--hostfile", self.hostfile(text), expect=2)
            self.assertIn(message, result.stderr)
            self.assertEqual(len(result.stderr.strip().splitlines()), 1)

    def test_nodes_leave_and_join_and_stay_after_a_restart(self):
        self.start()
        [row] = self.rows()
        self.cluster("--remove", row[0])
        self.assertEqual(self.rows(), [])
        waiting = self.submit()
        self.assertEqual(self.status(waiting)["status"], "pending")
        self.cluster("--join", "localhost 1 1")
        self.await_state(waiting, "done")
        self.kill_service()
        self.start()
        [row] = self.rows()
        self.assertEqual(row[1:2] + row[4:], ["localhost", 1, 0, 1])
        self.cluster("--rm", row[0])
        self.cluster("--join", self.hostfile("localhost 1 1\n"))

    def test_a_node_that_leaves_lets_its_worker_end(self):
        self.start("--hostfile", self.hostfile("localhost 1 1\n"))
        task = self.submit("sleep=1.5")
        self.worker_pids(task)
        [row] = self.rows()
        self.cluster("--remove", row[0])
        self.assertEqual(self.rows()[0][3:], ["leaving", 0, 1, 1])
        if CORES == 1:
            self.assertIn("workers still run", self.cluster("--join", "localhost 1 1", expect=1))
        self.await_state(task, "done")
        until(lambda: self.rows() == [], what="the node gone")

    def test_wrong_requests_are_refused(self):
        self.start()
        self.assertIn("not this machine", self.cluster("--join", "host1 2 20; host2 4 20", expect=1))
        self.assertIn("line 2", self.cluster("--join", "localhost 1 1; host2 4", expect=2))
        self.assertIn("neither a file nor", self.cluster("--join", "nowhere", expect=2))
        self.assertIn("there is no node 99", self.cluster("--remove", 99, expect=1))
        self.assertIn("give one of", self.cluster(expect=2))
        self.assertEqual(self.request("POST", "/cluster/nodes", {"node": "x"}).status, 422)
        self.assertEqual(self.request("DELETE", "/cluster/nodes/x").status, 422)
        self.assertEqual(len(self.rows()), 1)


if __name__ == "__main__":
    unittest.main()
