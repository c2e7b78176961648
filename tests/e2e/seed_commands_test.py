"""The original's documentation, followed from top to bottom by one who has only read that: its commands in its order, its spelling of options,
its JSON. (Its README, API description and examples; release 2.6.)"""
import io
import json
import os
import subprocess
import unittest
import zipfile

from follow import WebSocket
from harness import PROGRAM, FAKE_WORKER, ServiceTest, free_port, until


class SeedCommandsTest(ServiceTest):
    def setUp(self):
        super().setUp()
        self.workspace = self.folder / "ns_workspace"  # the default, below the folder that one stands in
        self.program = self.folder / "bin" / "neural_solution"
        self.program.parent.mkdir()
        self.program.symlink_to(PROGRAM)
        self.environment = {**os.environ, "PATH": f"{self.program.parent}:{os.environ['PATH']}"}

    def shell(self, line, expect=0):
        """A line as it stands in the documentation, PORT in place of its port."""
        result = subprocess.run(["bash", "-c", line.replace("PORT", str(self.port))], cwd=self.folder, env=self.environment, capture_output=True, text=True,
                                timeout=60)
        self.assertEqual(result.returncode, expect, f"{line}\n{result.stdout}{result.stderr}")
        return result.stdout

    def start_line(self):
        monitors = f"--task_monitor_port={free_port()} --result_monitor_port={free_port()}"
        ours = f"--grpc_api_port={free_port()} --upload_path={self.uploads} --worker_program={FAKE_WORKER}"  # what the machine has, not the reader
        return f"neural_solution start {monitors} --restful_api_port=PORT {ours}"

    def test_help_names_every_option_of_the_original(self):
        self.assertIn("cluster", self.shell("neural_solution -h"))
        text = self.shell("neural_solution start -h")
        for option in ("--hostfile", "--restful_api_port", "--grpc_api_port", "--result_monitor_port", "--task_monitor_port", "--api_type", "--workspace",
                       "--conda_env", "--upload_path"):
            self.assertIn(option, text)

    def test_the_documentation_from_start_to_stop(self):
        self.shell(self.start_line())
        for path in ("db/task.db", "serve_log/backend.log", "serve_log/frontend.log", "serve_log/frontend_grpc.log"):
            self.assertTrue((self.workspace / path).is_file(), path)
        self.assertEqual(json.loads(self.shell("curl -s -X GET localhost:PORT/ping")), {"status": "Healthy", "msg": "Neural Solution is running."})
        self.assertEqual(json.loads(self.shell("curl -s -X GET localhost:PORT/")), {"message": "Welcome to Neural Solution!"})

        # Its request, with a model in place of the script.
        request = {"model": "model.onnx", "dataset": "rows.npz", "optimized": "True", "arguments": ["--dataset_location=dataset --model_path=model"],
                   "approach": "static", "requirements": [], "workers": 1}
        (self.folder / "task.json").write_text(json.dumps(request, indent=4))
        answer = json.loads(self.shell('curl -s -H "Content-Type: application/json" --data @./task.json  http://localhost:PORT/task/submit/'))
        self.assertEqual({**answer, "task_id": ""}, {"status": "successfully", "task_id": "", "msg": "Task submitted successfully"})
        task = answer["task_id"]
        again = json.loads(self.shell('curl -s -X POST -H "Content-Type: application/json" -d @task.json localhost:PORT/task/submit'))
        self.assertEqual(again["status"], "successfully")

        status = until(lambda: (s := json.loads(self.shell(f"curl -s  -X GET  http://localhost:PORT/task/status/{task}")))["status"] == "done" and s,
                       seconds=60, what="task done")
        self.assertEqual(status["result_path"], f"http://localhost:{self.port}/download/{task}")
        self.assertEqual(set(status["optimization_result"]),
                         {"optimization time (seconds)", "accuracy", "Accuracy", "duration (seconds)", "Duration (seconds)"})
        self.assertEqual(json.loads(self.shell(f"curl -s -X GET localhost:PORT/task/{task}"))["status"], "done")
        log = self.shell(f"curl -s -X GET localhost:PORT/task/log/{task}")
        self.assertEqual(log, (self.workspace / "task_log" / f"task_{task}.txt").read_text())
        screen = WebSocket(self.port, f"/task/screen/{task}")
        self.assertEqual("\n".join(screen.lines()) + "\n", log)
        self.assertEqual(screen.close_code, 1000)
        screen.close()

        self.shell(f"curl -s -X GET localhost:PORT/download/{task} --output quantized_model.zip")
        archive = zipfile.ZipFile(io.BytesIO((self.folder / "quantized_model.zip").read_bytes()))
        self.assertIn("model.onnx", archive.namelist())
        self.assertIn("quantized_model.zip", self.shell(f"curl -s -o /dev/null -D - {status['result_path']}"))

        self.assertEqual(set(json.loads(self.shell("curl -s -X GET localhost:PORT/cluster"))), {"Cluster info"})
        self.assertIn("<table", self.shell("curl -s localhost:PORT/clusters"))
        self.assertIn("/task/submit", json.loads(self.shell("curl -s -X GET localhost:PORT/description")))
        self.assertIn(task, [row[0] for row in json.loads(self.shell("curl -s localhost:PORT/task/"))["message"]])
        self.shell("neural_solution stop")
        self.assertNotEqual(subprocess.run(["curl", "-s", f"localhost:{self.port}/ping"], capture_output=True).returncode, 0)

    def test_the_cluster_commands(self):
        self.shell(self.start_line())
        self.assertIn("Node1", self.shell("neural_solution cluster --query"))
        node = json.loads(self.shell("curl -s localhost:PORT/cluster"))["Cluster info"][0][0]
        self.shell(f"neural_solution cluster --rm {node}")
        self.assertNotIn("Node1", self.shell("neural_solution cluster --query"))
        self.shell('neural_solution cluster --join "localhost 1 1"')
        self.assertIn("localhost", self.shell("neural_solution cluster --query"))
        (self.folder / "hostfile").write_text("localhost 1 1\n")
        node = json.loads(self.shell("curl -s localhost:PORT/cluster"))["Cluster info"][0][0]
        self.shell(f"neural_solution cluster --remove {node}")
        self.shell("neural_solution cluster --join hostfile")
        self.assertEqual(len(json.loads(self.shell("curl -s localhost:PORT/cluster"))["Cluster info"]), 1)
        self.shell("neural_solution stop")


if __name__ == "__main__":
    unittest.main()
