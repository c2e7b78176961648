"""Runs the real programs on free ports in a temporary workspace."""
import json
import os
import pathlib
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import unittest
import urllib.error
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
BIN = pathlib.Path(os.environ.get("NS_BIN_DIR", ROOT / "build/bin"))
PROGRAM = BIN / "neural_solution"
FAKE_WORKER = HERE / "fake_worker.py"


_given = set()


def free_port():
    """One below the range that the kernel takes for outgoing connections, so that none of those gets it before the service does; never the
    same twice."""
    while True:
        port = random.SystemRandom().randrange(12_000, 32_000)
        if port in _given:
            continue
        _given.add(port)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                pass


def alive(pid):
    """True while the process runs; a zombie does not."""
    try:
        text = pathlib.Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return text.rsplit(")", 1)[1].split()[0] not in "ZX"


def until(condition, seconds=20, what="condition"):
    """Returns the first true value of `condition`."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    raise AssertionError(f"not within {seconds} s: {what}")


def descendants(pid):
    """The processes that `pid` started, and theirs, now."""
    found = []
    try:
        for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                found += [int(child), *descendants(child)]
    except (FileNotFoundError, ProcessLookupError):
        pass
    return found


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self):
        return json.loads(self.body)


class ServiceTest(unittest.TestCase):
    """A workspace with a small upload folder; the service is started by the tests."""
    worker = FAKE_WORKER

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="ns_e2e_"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.addCleanup(lambda: self.run_program("stop", "--now", "--workspace", self.workspace))  # runs first
        self.workspace = self.folder / "ws"
        self.uploads = self.folder / "uploads"
        self.uploads.mkdir()
        (self.uploads / "model.onnx").write_bytes(b"model")
        (self.uploads / "rows.npz").write_bytes(b"rows")
        self.port = free_port()
        self.grpc_port = free_port()

    def run_program(self, *args, stdin=None, timeout=60, env=None):
        # No configuration of this machine or its user counts.
        environment = {name: value for name, value in os.environ.items() if not name.startswith("NEURAL_SOLUTION_")}
        environment = {**environment, "NEURAL_SOLUTION_CONFIG": "/dev/null", **(env or {})}
        return subprocess.run([str(PROGRAM), *map(str, args)], input=stdin, capture_output=True, text=True, timeout=timeout, cwd=self.folder, env=environment)

    def run_in_background(self, *args):
        process = subprocess.Popen([str(PROGRAM), *map(str, args)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=self.folder)
        self.addCleanup(process.wait, 60)
        return process

    def start(self, *args, expect=0):
        command = ["start", "--workspace", self.workspace, "--restful_api_port", self.port, "--grpc_api_port", self.grpc_port, "--upload_path", self.uploads]
        if self.worker:
            command += ["--worker_program", self.worker]
        result = self.run_program(*command, *args)
        self.assertEqual(result.returncode, expect, result.stderr + result.stdout)
        return result

    def service_pid(self):
        return json.loads((self.workspace / "serve.json").read_text())["pid"]

    def kill_service(self):
        pid = self.service_pid()
        os.kill(pid, signal.SIGKILL)
        until(lambda: not alive(pid), what="service dead")

    def request(self, method, path, body=None, headers=None):
        data = json.dumps(body).encode() if isinstance(body, (dict, list)) else body
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", data=data, method=method, headers=headers or {})
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=30) as answer:
                return Answer(answer.status, answer.headers, answer.read())
        except urllib.error.HTTPError as error:
            return Answer(error.code, error.headers, error.read())

    def get(self, path, **more):
        return self.request("GET", path, **more)

    def submit(self, name="", **fields):
        body = {"model": "model.onnx", "dataset": "rows.npz", "name": name, **fields}
        answer = self.request("POST", "/task/submit/", body)
        self.assertEqual(answer.status, 200, answer.body)
        return answer.json["task_id"]

    def status(self, task_id):
        return self.get(f"/task/status/{task_id}").json

    def await_state(self, task_id, *states, seconds=30):
        return until(lambda: (s := self.status(task_id))["status"] in states and s, seconds, f"{task_id} {states}")

    def task_folder(self, task_id):
        return self.workspace / "task_workspace" / task_id

    def worker_pids(self, task_id):
        def read():
            path = self.task_folder(task_id) / "worker.pid"
            return json.loads(path.read_text()) if path.exists() else None
        return until(read, what="worker.pid")
