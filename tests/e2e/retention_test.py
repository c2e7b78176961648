"""--retention: what has ended goes as the policy says, and nothing else."""
import contextlib
import sqlite3
import unittest

from harness import ServiceTest, until


class RetentionTest(ServiceTest):
    def restart(self, *options):
        self.assertEqual(self.run_program("stop", "--workspace", self.workspace).returncode, 0)
        self.start("--cores_per_worker", 1, *options)

    def ended(self, count):
        tasks = []
        for _ in range(count):
            tasks.append(self.submit("sleep=0.05"))
            self.await_state(tasks[-1], "done")
        return tasks

    def known(self):
        return [task["id"] for task in self.get("/tasks?limit=1000").json["tasks"]]

    def files_of(self, task):
        return [path for path in (self.task_folder(task), self.workspace / "task_log" / f"task_{task}.txt") if path.exists()]

    def assert_gone(self, task):
        self.assertEqual(self.status(task)["status"], "Please check url.")
        self.assertEqual(self.get(f"/task/{task}").status, 404)
        self.assertEqual(self.files_of(task), [])

    def test_the_last_ended_tasks_stay_and_the_others_go_with_their_files(self):
        self.start("--cores_per_worker", 1)
        tasks = self.ended(4)
        self.restart("--retention", "2 tasks")
        until(lambda: self.known() == tasks[2:], 10, "the oldest are gone")
        until(lambda: not any(map(self.files_of, tasks[:2])), 10, "their files too")
        for task in tasks[:2]:
            self.assert_gone(task)
        for task in tasks[2:]:
            self.assertEqual(self.status(task)["optimized_result"]["accuracy"], "0.8912")
            self.assertEqual(self.get(f"/download/{task}").status, 200)
        with sqlite3.connect(self.workspace / "db" / "task.db") as store:
            for table in ("events", "attempts"):
                self.assertEqual(store.execute(f"SELECT count(DISTINCT task) FROM {table}").fetchone(), (2,), table)
        store.close()

    def test_size_counts_folders_and_logs_and_unfinished_tasks_stay(self):
        self.start("--cores_per_worker", 1)
        tasks = self.ended(3)
        for number, task in enumerate(tasks):
            (self.task_folder(task) / "big").write_bytes(bytes(3_000_000 + number))
        running = self.submit("sleep=60")
        self.await_state(running, "running")
        self.run_program("stop", "--now", "--workspace", self.workspace)
        self.start("--cores_per_worker", 1, "--retention", "7MB")
        until(lambda: set(self.known()) == {*tasks[1:], running}, 10, "the oldest is gone, which is enough")
        self.await_state(running, "running")

    def test_age_lets_go_of_what_ended_long_ago_and_of_nothing_that_waits(self):
        self.start("--cores_per_worker", 1)
        self.ended(2)
        slots = [self.submit("sleep=60") for _ in range(8)]
        self.restart_now("--retention", "0s")
        until(lambda: set(self.known()) == set(slots), 10, "ended ones are gone")

    def test_a_zip_made_at_the_first_download_counts_too(self):
        self.start("--cores_per_worker", 1, "--retention", "100GB")
        task, = self.ended(1)

        def measured():
            with contextlib.closing(sqlite3.connect(self.workspace / "db" / "task.db")) as store:
                return store.execute("SELECT bytes FROM tasks WHERE id=?", [task]).fetchone()[0]

        self.restart_now("--retention", "100GB")  # looks at once
        before = until(measured, 10, "its size")
        self.assertEqual(self.get(f"/download/{task}").status, 200)
        # The first look may still be under way, and measure it again at once.
        until(lambda: (now := measured()) is None or now > before, 10, "it is to be measured again, or was")

    def restart_now(self, *options):
        self.run_program("stop", "--now", "--workspace", self.workspace)
        self.start("--cores_per_worker", 1, *options)

    def test_a_policy_that_is_none_is_refused(self):
        answer = self.start("--retention", "a while", expect=2)
        self.assertIn('got "a while"', answer.stderr)
        self.assertFalse((self.workspace / "serve.json").exists())


if __name__ == "__main__":
    unittest.main()
