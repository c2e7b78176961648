"""A full disk: requests that need room are refused with 507, nothing is damaged, and the service goes on by itself when there is room."""
import ctypes
import errno
import os
import pathlib
import sqlite3
import subprocess
import unittest

from harness import ServiceTest, until
from stubs import ORIGINAL, Stubs, channel_to, empty

CLONE_NEWNS, CLONE_NEWUSER = 0x00020000, 0x10000000


def enter_mount_namespace():
    """Mounts made from here on are seen by this process and its children only, and go with them. Works without root too."""
    uid, gid = os.getuid(), os.getgid()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNS if uid == 0 else CLONE_NEWNS | CLONE_NEWUSER) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    if uid != 0:
        pathlib.Path("/proc/self/setgroups").write_text("deny")
        pathlib.Path("/proc/self/uid_map").write_text(f"0 {uid} 1")
        pathlib.Path("/proc/self/gid_map").write_text(f"0 {gid} 1")
    subprocess.run(["mount", "--make-rprivate", "/"], check=True)


class DiskFullTest(ServiceTest):
    @classmethod
    def setUpClass(cls):
        enter_mount_namespace()

    def setUp(self):
        super().setUp()
        self.disk = self.folder / "disk"
        self.disk.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", self.disk], check=True)
        self.addCleanup(subprocess.run, ["umount", "-l", self.disk], check=True)
        self.addCleanup(lambda: self.run_program("stop", "--now", "--workspace", self.workspace))  # before that
        self.workspace = self.disk / "ws"

    def fill(self):
        with open(self.disk / "ballast", "wb", buffering=0) as ballast:
            try:
                while True:
                    ballast.write(bytes(4096))
            except OSError as error:
                self.assertEqual(error.errno, errno.ENOSPC)

    def make_room(self):
        (self.disk / "ballast").unlink()

    def submit_until_refused(self):
        """Ids of those that were accepted, and the refusal."""
        accepted = []
        for _ in range(2000):
            answer = self.request("POST", "/task/submit/", {"model": "model.onnx", "dataset": "rows.npz", "name": "x" * 200})
            if answer.status != 200:
                return accepted, answer
            accepted.append(answer.json["task_id"])
        self.fail("the store never needed room")

    def occupy(self):
        """A task that holds the only slots, so that what is submitted next waits."""
        tasks = [self.submit("quiet") for _ in os.sched_getaffinity(0)]
        for task in tasks:
            self.await_state(task, "running")
        return tasks

    def grpc_ping(self):
        stubs = Stubs(ORIGINAL, self.folder)
        with channel_to(self.grpc_port) as channel:
            return stubs.call(channel, "Ping")(empty(stubs), timeout=20).status

    def test_submissions_are_refused_with_507_and_accepted_again_when_there_is_room(self):
        self.start("--cores_per_worker", 1)
        holding = self.occupy()
        self.fill()
        accepted, refused = self.submit_until_refused()
        self.assertEqual(refused.status, 507, refused.body)
        self.assertIn("disk", refused.json["detail"])
        self.assertEqual(self.get("/readyz").status, 503)
        self.assertEqual((self.get("/ping").json["status"], self.grpc_ping()), ("Failed", "Failed"))
        for task in [*holding, *accepted]:
            self.assertIn(self.status(task)["status"], ("running", "pending"))
        self.make_room()
        until(lambda: self.get("/readyz").status == 200, 10, "ready again")
        self.assertEqual((self.get("/ping").json["status"], self.grpc_ping()), ("Healthy", "Healthy"))
        accepted.append(self.submit("sleep=0.05"))
        self.kill_service()
        self.start("--cores_per_worker", 1)
        for task in accepted:  # one of them may have got the slot of a holding task that was lost to the full disk
            self.assertIn(self.status(task)["status"], ("pending", "running", "done"))
        self.assertEqual(len(self.get("/tasks?limit=1000").json["tasks"]), len(holding) + len(accepted), "a refused one left nothing")
        self.run_program("stop", "--now", "--workspace", self.workspace)
        with sqlite3.connect(self.workspace / "db" / "task.db") as store:
            self.assertEqual(store.execute("PRAGMA integrity_check").fetchall(), [("ok",)])
        store.close()

    def test_a_task_that_fills_the_disk_fails_with_that_reason_and_the_next_one_runs(self):
        self.start("--cores_per_worker", 1)
        failed = self.await_state(self.submit("fill"), "failed")
        self.assertEqual(failed["details"]["reason"], "DISK_FULL")
        self.assertEqual(failed["details"]["attempt"], 1, "not tried again")
        self.await_state(self.submit("sleep=0.05"), "done")

    def test_a_task_that_keeps_the_disk_full_can_be_cancelled(self):
        self.start("--cores_per_worker", 1)
        task = self.occupy()[0]
        worker = self.worker_pids(task)["worker"]["pid"]
        self.fill()
        self.submit_until_refused()
        answers = [self.request("POST", f"/task/{task}/cancel") for _ in range(2)]
        self.assertEqual([answer.status for answer in answers], [507, 507], answers[0].body)
        self.assertIn("cannot be recorded yet", answers[0].json["detail"])
        until(lambda: not pathlib.Path(f"/proc/{worker}").exists(), 10, "the worker's end")
        self.assertEqual(self.status(task)["status"], "running", "nothing else is recorded")
        self.make_room()
        self.await_state(task, "cancelled")


if __name__ == "__main__":
    unittest.main()
