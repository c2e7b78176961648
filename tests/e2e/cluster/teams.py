"""What tests of tasks with several workers on several machines share: the work is items (fake_worker.py), each of which is done once."""
from harness import until


class Teams:
    """Beside a ServiceTest."""

    def details(self, task):
        return self.status(task)["details"]

    def items(self, task):
        """(item, worker, fence), in the order in which they were done."""
        path = self.task_folder(task) / "work" / "items.txt"
        return [tuple(map(int, line.split())) for line in path.read_text().splitlines()] if path.exists() else []

    def attempts(self, task):
        """How each ended. An end is written a moment after the task's own."""
        def outcomes():
            return [attempt.get("outcome") for attempt in self.status(task)["details"]["attempts"]]
        if self.status(task)["status"] == "done":
            until(lambda: None not in outcomes(), 10, "how the last attempt ended")
        return outcomes()

    def nodes_of(self, task):
        """By worker, of those that run."""
        return {one["worker"]: one["node"] for one in self.details(task).get("where", []) if one.get("node")}

    def start_team(self, items, workers=4, words=""):
        """A task all of whose workers have begun to work; where they are."""
        task = self.submit(f"items={items}{words}", workers=workers)
        until(lambda: len({worker for _, worker, _ in self.items(task)}) == workers, 60, f"work of {workers} workers: {self.items(task)}")
        return task, until(lambda: len(self.nodes_of(task)) == workers and self.nodes_of(task), 20, "where they are")

    def assert_attempts(self, task, *outcomes):
        self.assertEqual(self.attempts(task), list(outcomes), self.get(f"/task/log/{task}").body.decode())

    def assert_done_once(self, task, items, seconds=150):
        answer = self.await_state(task, "done", "failed", seconds=seconds)
        self.assertEqual(answer["status"], "done", answer)
        self.assertEqual(sorted(item for item, _, _ in self.items(task)), list(range(items)), "each once")

    def lead_address(self, task):
        """How other machines reach the lead: ["10.0.0.1:4000", ...]."""
        return [line.removeprefix("tcp:") for line in (self.task_folder(task) / "team_address").read_text().splitlines()]

    @staticmethod
    def words_of(task_folder, worker):
        """Of the worker's command line, and of no other's."""
        return f"assist --lead-socket {task_folder}/workers/{worker}/team/lead.sock" if worker else f"lead --task-folder {task_folder}"
