"""A service under measurement: started in a workspace of its own, loaded by wrk, looked at from outside."""
import json
import os
import pathlib
import random
import shutil
import socket
import sqlite3
import subprocess
import tempfile
import time
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Service:
    def __init__(self, binaries, folder=None):
        self.program = binaries / "neural_solution"
        self.worker = binaries / "trivial_worker"
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="ns_bench_", dir=folder))
        self.workspace = self.folder / "ws"
        self.uploads = self.folder / "uploads"
        self.uploads.mkdir()
        (self.uploads / "model.onnx").write_bytes(b"model")
        (self.uploads / "rows.npz").write_bytes(b"rows")
        self.process = None

    def options(self):
        """The options that `serve` knows."""
        return subprocess.run([self.program, "serve", "--help"], capture_output=True, text=True, check=True).stdout

    def start(self, *options):
        """Seconds until the first answered request."""
        self.port = free_port()
        command = [self.program, "serve", "--workspace", self.workspace, "--restful_api_port", self.port, "--upload_path", self.uploads,
                   "--worker_program", self.worker, "--grpc_api_port", 0, "--cores_per_worker", 1, *options]
        known = self.options()
        for name in ("--result_monitor_port", "--task_monitor_port"):
            if name in known:
                command += [name, free_port()]
        began = time.perf_counter()
        self.process = subprocess.Popen([str(part) for part in command], stdout=subprocess.DEVNULL, stderr=open(self.folder / "log", "a"))
        # Of a ready service: it listens earlier, and the first request then waits for its answer.
        while True:
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=60) as link:
                    link.sendall(b"GET /ping HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                    if link.recv(1000):
                        return time.perf_counter() - began
            except ConnectionRefusedError:
                if self.process.poll() is not None:
                    raise RuntimeError((self.folder / "log").read_text()) from None
                time.sleep(0.001)

    def stop(self):
        if self.process:
            self.process.send_signal(2)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            self.process = None

    def remove(self):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def get(self, path):
        with OPENER.open(f"http://127.0.0.1:{self.port}{path}", timeout=60) as answer:
            return json.loads(answer.read())

    def submit(self, name=""):
        body = json.dumps({"model": "model.onnx", "dataset": "rows.npz", "name": name}).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/task/submit/", data=body)
        with OPENER.open(request, timeout=60) as answer:
            return json.loads(answer.read())["task_id"]

    def memory(self):
        """Resident and proportional MB."""
        text = pathlib.Path(f"/proc/{self.process.pid}/smaps_rollup").read_text()
        kib = {line.split()[0]: int(line.split()[1]) for line in text.splitlines()[1:]}
        return kib["Rss:"] / 1024, kib["Pss:"] / 1024

    def cpu_seconds(self):
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def wrk(self, script, seconds, connections, **environment):
        """wrk's figures, and our CPU time for a request in microseconds."""
        before = self.cpu_seconds()
        out = subprocess.run(["wrk", "-t1", f"-c{connections}", f"-d{seconds}", "--latency", "-s", HERE / script, f"http://127.0.0.1:{self.port}/task/submit/"],
                             capture_output=True, text=True, check=True, env={**os.environ, **environment}).stdout
        figures = json.loads(out.strip().splitlines()[-1])
        figures["rate"] = figures["requests"] / figures["seconds"]
        figures["cpu_us"] = (self.cpu_seconds() - before) / max(1, figures["requests"]) * 1e6
        return figures

    def wrk_get(self, paths, seconds, connections):
        listing = self.folder / "paths"
        listing.write_text("".join(path + "\n" for path in paths))
        return self.wrk("get.lua", seconds, connections, NS_BENCH_PATHS=str(listing))

    def store(self):
        return sqlite3.connect(self.workspace / "db" / "task.db")

    def multiply(self, wanted, state="done"):
        """Brings the store of a stopped service to `wanted` tasks: copies of its last one in this state, events included."""
        with self.store() as store:
            columns = [row[1] for row in store.execute("PRAGMA table_info(tasks)")]
            have, newest = store.execute("SELECT count(*), max(seq) FROM tasks").fetchone()
            source = store.execute("SELECT seq FROM tasks WHERE state=? ORDER BY seq DESC LIMIT 1", (state,)).fetchone()[0]
            changed = {"seq": "n.seq", "id": "n.id", "idempotency_key": "NULL"}
            store.execute("CREATE TEMP TABLE n(seq INTEGER PRIMARY KEY, id TEXT)")
            store.executemany("INSERT INTO n VALUES(?,?)", ((newest + 1 + i, task_id()) for i in range(wanted - have)))
            store.execute(f"INSERT INTO tasks({','.join(columns)}) SELECT {','.join(changed.get(c, 't.' + c) for c in columns)} "
                          f"FROM n, tasks AS t WHERE t.seq={source}")
            for table in ("attempts", "events"):
                columns = [row[1] for row in store.execute(f"PRAGMA table_info({table})")]
                store.execute(f"INSERT INTO {table}({','.join(columns)}) SELECT {','.join('n.seq' if c == 'task' else 't.' + c for c in columns)} "
                              f"FROM n, {table} AS t WHERE t.task={source}")
        store.close()

    def some_ids(self, count):
        store = self.store()
        ids = [row[0] for row in store.execute("SELECT id FROM tasks WHERE seq IN (SELECT abs(random()) % (SELECT max(seq) FROM tasks) + 1 "
                                               "FROM tasks LIMIT ?)", (count,))]
        store.close()
        random.shuffle(ids)
        return ids


def task_id():
    """As the service makes them: a version-4 UUID in 32 hex digits."""
    digits = list("%032x" % random.getrandbits(128))
    digits[12], digits[16] = "4", random.choice("89ab")
    return "".join(digits)
