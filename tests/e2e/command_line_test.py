"""The command line against the real programs."""
import concurrent.futures
import contextlib
import json
import os
import signal
import socket
import sqlite3
import time
import unittest
import uuid
import zipfile

from harness import ServiceTest, alive, free_port, until


class CommandLineTest(ServiceTest):
    def cli(self, *args, code=0, **more):
        result = self.run_program(*args, "--workspace", self.workspace, **more)
        self.assertEqual(result.returncode, code, result.stdout + result.stderr)
        return result

    def assert_one_line(self, result, *words):
        self.assertEqual(result.stderr.count("\n"), 1, result.stderr)
        for word in words:
            self.assertIn(word, result.stderr)

    def test_start_prints_where_it_answers_and_stop_ends_it(self):
        began = time.monotonic()
        started = self.start()
        self.assertLess(time.monotonic() - began, 5)
        self.assertIn(f"http://127.0.0.1:{self.port}", started.stdout)
        self.assertIn(f"gRPC API   127.0.0.1:{self.grpc_port}\n", started.stdout)
        self.assertEqual(self.get("/ping").status, 200)
        for path in ("db/task.db", "serve_log/backend.log", "serve_log/frontend.log", "serve_log/frontend_grpc.log", "task_log", "task_workspace"):
            self.assertTrue((self.workspace / path).exists(), path)
        pid = self.service_pid()
        self.assertEqual(self.cli("status").stdout, f"http://127.0.0.1:{self.port}: running\n")
        self.cli("stop")
        self.assertFalse(alive(pid))
        self.assert_one_line(self.cli("stop", code=1), "no service runs on the workspace")
        self.assert_one_line(self.cli("status", code=1), "no service answers", "neural_solution start")

    def test_a_second_start_says_that_it_runs_already(self):
        self.start()
        self.assert_one_line(self.start(expect=2), "already runs on the workspace", str(self.service_pid()), f"http://127.0.0.1:{self.port}")
        self.assertEqual(self.get("/ping").status, 200)

    def test_bad_options_are_one_line_and_exit_code_2(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            result = self.run_program("start", "--workspace", self.workspace, "--restful_api_port", port)
            self.assertEqual(result.returncode, 2)
            self.assert_one_line(result, f"port {port} is in use")
            result = self.run_program("start", "--workspace", self.workspace, "--restful_api_port", 0, "--grpc_api_port", port)
            self.assertEqual(result.returncode, 2)
            self.assert_one_line(result, f"port {port} is in use", "--grpc_api_port", "--api_type restful")
        for args, words in [(["--nonsense"], ["--nonsense"]), (["--host", "0.0.0.0"], ["--insecure"]),
                            (["--api_type", "soap"], ["api_type"]), (["--hostfile", "none.txt"], ["none.txt"]),
                            (["--restful_api_port=99999"], ["restful_api_port"]), (["--upload_path", "none"], ["none"]),
                            (["--executor", "slurm"], ["--executor slurm", "slurm-client"])]:
            result = self.run_program("start", "--workspace", self.workspace, *args)
            self.assertEqual(result.returncode, 2, args)
            self.assert_one_line(result, *words)
        self.assert_one_line(self.cli("stop", code=1), "no service runs")

    def test_submit_wait_download(self):
        self.start()
        task = self.cli("submit", "--model", "model.onnx", "--dataset", "rows.npz", "--name", "sleep=0.5").stdout.strip()
        waited = self.cli("wait", task)
        self.assertIn("done: twice as fast", waited.stdout)
        self.assertIn("accuracy 0.8912 (before: 0.9000)", waited.stdout)
        self.assertIn("evaluate", waited.stdout)
        file = self.cli("download", task, "-o", "out.zip").stdout.strip()
        self.assertEqual(sorted(zipfile.ZipFile(self.folder / file).namelist()), ["model.onnx", "recipe.json", "report.json"])
        recipe = zipfile.ZipFile(self.folder / file).read("recipe.json").decode()
        self.assertEqual(self.cli("recipe", task).stdout, recipe)
        self.assertEqual(self.cli("recipe", task, "-o", "recipe.json").stdout, "recipe.json\n")
        self.assertEqual((self.folder / "recipe.json").read_text(), recipe)
        for command in ("download", "recipe"):
            self.assert_one_line(self.cli(command, task, "--trial", 3, code=1), f"trial 3 of task {task} is none of its Pareto set")
        self.assertEqual(self.cli("log", "-f", task).stdout, "fake worker: started\nfake worker: done\n")
        self.assertIn("twice as fast", self.cli("show", task).stdout)
        self.assertIn(task, self.cli("list").stdout)
        self.assertEqual(json.loads(self.cli("list", "--json").stdout)["tasks"][0]["id"], task)
        self.assertEqual(json.loads(self.cli("wait", task, "--json").stdout)["status"], "done")

    def test_request_files_and_dry_run(self):
        self.start()
        request = json.dumps({"model": "model.onnx", "dataset": {"path": "rows.npz"}, "metric": "f1"})
        (self.folder / "request.json").write_text(request)
        shown = json.loads(self.cli("submit", "request.json", "--dry-run").stdout)
        self.assertEqual((shown["model"], shown["metric"]), ("model.onnx", "f1"))
        self.assertEqual(self.get("/task/").json, {"message": []})
        task = self.cli("submit", "-", "--json", stdin=request).stdout
        self.assertEqual(json.loads(task)["status"], "successfully")
        self.assert_one_line(self.cli("submit", "-", stdin='{"model": 3}', code=2), "model: must be a string, got 3")
        self.assert_one_line(self.cli("submit", "--model", "none.onnx", "--dataset", "rows.npz", code=2), "none.onnx")
        (self.folder / "here.onnx").write_bytes(b"model")
        self.assert_one_line(self.cli("submit", "--model", "here.onnx", "--dataset", "rows.npz", code=2), "'here.onnx' is here: --upload sends it")
        self.assert_one_line(self.cli("show", "123", code=2), "no task's id", "neural_solution list")

    def test_options_say_all_of_a_request_and_go_before_its_file(self):
        def dry_run(*args, stdin=None):
            result = self.run_program("submit", "--dry-run", *args, stdin=stdin)
            self.assertEqual(result.returncode, 0, result.stderr)
            return json.loads(result.stdout)
        shown = dry_run("--model", "m", "--data", "d.csv", "--text", "t", "--label", "l", "--input", "a=b", "--input", "c=d", "--batch-size", 8,
                        "--metric", "f1", "--metric", '{"name": "mse", "tolerable_loss": 0.5}', "--criterion", "absolute", "--tolerable_loss=0.02",
                        "--higher-is-better", "false", "--objective", "size=2", "--objective", "memory", "--latency-threads", 2, "--dtype", "int8",
                        "--exclude", "Softmax", "--use-recipe", "x", "--seed", 5, "--no-cache", "--stop-at-goal", "--deadline", 60,
                        "--labels", "user=ann", "--webhook", "http://example.org/", "--strategy", "auto", "--max-trials", 7, "--timeout", 1.5)
        self.assertEqual(shown["dataset"], {"path": "d.csv", "columns": {"text": "t", "label": "l", "inputs": {"b": "a", "d": "c"}}, "batch_size": 8})
        self.assertEqual(shown["metric"], ["f1", {"name": "mse", "criterion": "relative", "tolerable_loss": 0.5}])
        self.assertEqual(shown["accuracy_criterion"], {"criterion": "absolute", "tolerable_loss": 0.02, "higher_is_better": False})
        self.assertEqual(shown["tuning"], {"max_trials": 7, "timeout": 1.5, "objective": [{"objective": "size", "weight": 2}, {"objective": "memory", "weight": 1}],
                                           "latency": {"threads": 2, "batch": 1}, "quantization": {"dtypes": ["int8"], "excluded_operators": ["Softmax"]},
                                           "recipes": {"x": True}, "seed": 5, "cache": False, "stop_at_goal": True})
        self.assertEqual((shown["deadline"], shown["labels"], shown["webhook"]), (60, {"user": "ann"}, "http://example.org/"))
        over = dry_run("-", "--priority", 1, "--batch_size", 4, stdin='{"model": "m", "dataset": "d", "priority": 3, "workers": 2}')
        self.assertEqual((over["priority"], over["workers"], over["dataset"]), (1, 2, {"path": "d", "batch_size": 4}))
        script = dry_run("--script", "digits", "--optimized", "--requirement", "six", "--", "--dry-run", "it's one", "")
        self.assertEqual((script["script_url"], script["requirements"]), ("digits", ["six"]))
        self.assertEqual(script["arguments"], ["--dry-run", "'it'\\''s one'", "''"])
        self.assert_one_line(self.cli("submit", "--model", "m", "--data", "d", "--workers", "many", code=2), "workers: must be a whole number", '"many"')
        self.assert_one_line(self.cli("submit", "--model", "m", "--data", "d", "--labels", "ann", code=2), "labels: must be NAME=VALUE")
        self.assert_one_line(self.cli("submit", "a.json", "b", code=2), "'b' is one too many", "'--'")
        self.assert_one_line(self.cli("submit", "none.json", code=2), "none.json")

    def test_show_and_status_say_why_a_task_waits_and_how_its_attempts_went(self):
        self.start("--paused")
        task, behind = self.submit("n"), self.submit("sleep=60", labels={"user": "ann"})
        shown = self.cli("show", behind).stdout
        self.assertRegex(shown, r"(?m)^ahead +1 task$")
        self.assertRegex(shown, r"(?m)^message +\S")
        self.assertNotIn("attempt", shown)
        self.assertEqual(self.cli("status", behind).stdout, shown)
        self.assertIn(behind, self.cli("list", "--labels", "user=ann").stdout)
        self.assertNotIn(task, self.cli("list", "--labels", "user=ann").stdout)
        self.assertIn("--after 1", self.cli("list", "--limit", 1).stderr)
        self.cli("stop")
        self.start()
        self.await_state(behind, "running")
        self.assertRegex(self.cli("show", behind).stdout, r"(?m)^workers +1$")
        os.kill(self.worker_pids(behind)["worker"]["pid"], signal.SIGKILL)
        until(lambda: self.status(behind)["details"]["attempt"] == 2, what="second attempt")
        shown = self.cli("show", behind).stdout
        self.assertRegex(shown, r"(?m)^attempt +1: lost, \S+Z to \S+Z$")
        self.assertRegex(shown, r"(?m)^attempt +2: running, ")

    def test_every_command_that_prints_prints_json(self):
        self.start()
        task = self.cli("submit", "--model", "model.onnx", "--dataset", "rows.npz").stdout.strip()
        self.cli("wait", task)
        self.assertEqual([json.loads(line) for line in self.cli("log", "--json", task).stdout.splitlines()],
                         [{"line": "fake worker: started"}, {"line": "fake worker: done"}])
        created = json.loads(self.cli("token", "create", "--name", "ann", "--json").stdout)
        self.assertEqual((created["name"], created["role"]), ("ann", "submit"))
        self.assertEqual(json.loads(self.cli("token", "revoke", "--name", "ann", "--json").stdout), {"revoked": "ann"})
        self.assertEqual(json.loads(self.cli("stop", "--json").stdout), {"status": "stopped", "drained": True})

    def test_wait_ends_with_1_when_the_task_failed_or_was_cancelled(self):
        self.start()
        failed = self.cli("submit", "--model", "model.onnx", "--dataset", "rows.npz", "--name", "fail").stdout.strip()
        self.assertIn("failed: column 'label' is missing", self.cli("wait", failed, code=1).stdout)
        failing = self.cli("submit", "--model", "model.onnx", "--dataset", "rows.npz", "--name", "sleep=0.5+fail+linger=1", "--wait", code=1)
        self.assertIn("failed: column 'label' is missing", failing.stdout)
        task = self.submit("sleep=60")
        self.assertIn("cancelled", self.cli("cancel", task).stdout)
        self.assertIn("cancelled", self.cli("wait", task, code=1).stdout)
        self.assert_one_line(self.cli("download", task, code=1), "not done")
        self.assert_one_line(self.cli("show", uuid.uuid4().hex, code=1), "no task")

    def test_wait_believes_the_service_and_not_the_worker(self):
        self.start()
        task = self.submit("sleep=1+forge")
        self.assertIn(f"{task} done: twice as fast", self.cli("wait", task).stdout)
        self.assertRegex(self.cli("show", task).stdout, r"(?m)^baseline +accuracy 0\.9000$")

    def test_start_waits_for_a_service_that_needs_long_and_says_so(self):
        (self.workspace / "db").mkdir(parents=True)
        with contextlib.closing(sqlite3.connect(self.workspace / "db" / "task.db", isolation_level=None)) as store, \
             concurrent.futures.ThreadPoolExecutor(1) as pool:
            store.execute("BEGIN EXCLUSIVE")  # the service waits for it
            starting = pool.submit(self.start)
            time.sleep(6)
            store.execute("ROLLBACK")
            started = starting.result(30)
        self.assertIn("Neural Solution started", started.stdout)
        self.assertRegex(started.stderr, r"(?m)^The service \(pid \d+\) has been starting for 5 s; '.*backend.log' says what it does\.$")

    def test_help_and_version(self):
        self.assertIn("start", self.run_program("-h").stdout)
        self.assertIn("--restful_api_port", self.run_program("start", "-h").stdout)
        self.assertNotIn("worker_program", self.run_program("start", "-h").stdout)
        self.assertRegex(self.run_program("--version").stdout, r"^neural_solution \d+\.\d+\.\d+\n$")
        nothing = self.run_program()
        self.assertEqual(nothing.returncode, 2)
        self.assert_one_line(nothing, "give a command")
        self.assertEqual(self.run_program("nonsense").returncode, 2)

    def test_two_workspaces_run_side_by_side(self):
        self.start()
        other = self.folder / "other"
        port = free_port()
        self.assertEqual(self.run_program("start", "--workspace", other, "--restful_api_port", port, "--grpc_api_port", 0).returncode, 0)
        self.cli("stop")
        self.assertEqual(self.run_program("status", "--workspace", other).returncode, 0)
        self.assertEqual(self.run_program("stop", "--workspace", other).returncode, 0)


if __name__ == "__main__":
    unittest.main()
