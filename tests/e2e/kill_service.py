#!/usr/bin/env python3
"""Kills the real service with SIGKILL at random moments under load, again and again; then every task that it acknowledged is there and has
ended exactly once, as it should.

    kill_service.py [--kills 200] [--seed N]

Tasks run in real worker processes (ns_trivial_worker): most end well, some fail by the user's error, lose their first worker, or are
cancelled. Exit status 0: nothing was broken. The seed decides the moments as far as the program can; the kernel decides the rest.
"""
import argparse
import collections
import http.client
import json
import os
import pathlib
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time

from harness import BIN, PROGRAM, free_port

KINDS = ["", "", "", "sleep=0.05", "sleep=0.3", "fail", "crash_once"]
EXPECTED = {"fail": "failed"}
MAX_WAITING = 40  # of unfinished tasks, so that the machine keeps up


class Load:
    """Clients that submit and cancel until they are told to end. What they were told is in `tasks` and `cancelled`."""

    def __init__(self, port, seed):
        self.port, self.random = port, random.Random(seed)
        self.tasks, self.cancelled, self.unanswered = {}, set(), 0
        self.room = threading.Semaphore(0)
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def call(self, connection, method, path, body=None):
        connection.request(method, path, json.dumps(body) if body else None, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read() or "{}")

    def run(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        while not self.ended.is_set():
            try:
                self.one(connection)
            except (OSError, http.client.HTTPException, ValueError):
                self.unanswered += 1
                connection.close()
                time.sleep(0.02)
        connection.close()

    def one(self, connection):
        status, listing = self.call(connection, "GET", "/tasks?status=pending&limit=1000")
        if status != 200 or len(listing["tasks"]) >= MAX_WAITING:
            return time.sleep(0.05)
        for _ in range(5):
            kind = self.random.choice(KINDS)
            body = {"model": "model.onnx", "dataset": "rows.npz", "name": kind, "priority": self.random.randint(1, 3),
                    "labels": {"user": self.random.choice("abc")}}
            status, answer = self.call(connection, "POST", "/task/submit/", body)
            if status != 200:
                raise ValueError(answer)
            self.tasks[answer["task_id"]] = kind
        if self.random.random() < 0.5:
            task = self.random.choice(list(self.tasks)[-20:])
            if self.call(connection, "POST", f"/task/{task}/cancel")[0] == 200:
                self.cancelled.add(task)


class Service:
    def __init__(self, folder):
        self.workspace, self.uploads, self.port = folder / "ws", folder / "uploads", free_port()
        self.uploads.mkdir()
        (self.uploads / "model.onnx").write_bytes(b"model")
        (self.uploads / "rows.npz").write_bytes(b"rows")
        self.log = open(folder / "serve.log", "ab")
        self.process = None

    def start(self):
        self.process = subprocess.Popen(
            [str(PROGRAM), "serve", "--workspace", str(self.workspace), "--restful_api_port", str(self.port), "--upload_path", str(self.uploads),
             "--api_type", "restful", "--cores_per_worker", "1", "--sandbox", "none", "--worker_program", str(BIN / "ns_trivial_worker")],
            stdout=self.log, stderr=self.log)

    def ready(self, seconds=60):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self.process.poll() is not None:
                raise AssertionError(f"the service ended by itself with {self.process.returncode}")
            try:
                connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
                connection.request("GET", "/healthz")
                if connection.getresponse().status == 200:
                    return
            except OSError:
                time.sleep(0.01)
        raise AssertionError(f"the service does not answer within {seconds} s")

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self):
        self.process.send_signal(signal.SIGINT)
        self.process.wait(30)

    def unfinished(self):
        with sqlite3.connect(f"file:{self.workspace}/db/task.db?mode=ro", uri=True) as database:
            return database.execute("SELECT count(*) FROM tasks WHERE state IN ('pending', 'running')").fetchone()[0]


def check(service, load):
    """What is wrong, a line each."""
    wrong = []
    database = sqlite3.connect(f"file:{service.workspace}/db/task.db?mode=ro", uri=True)
    if database.execute("PRAGMA integrity_check").fetchone()[0] != "ok":
        wrong.append("the store is damaged")
    rows = {row[0]: row[1:] for row in database.execute("SELECT id, seq, state, attempt, result FROM tasks")}
    ends = collections.Counter(dict(database.execute(
        "SELECT task, count(*) FROM events WHERE type='state' AND (json_extract(payload, '$.state') IN ('done', 'cancelled') OR "
        # A worker's own word that it fails comes without an attempt.
        "(json_extract(payload, '$.state')='failed' AND json_extract(payload, '$.attempt')>0)) GROUP BY task")))
    for task, kind in load.tasks.items():
        if task not in rows:
            wrong.append(f"task {task} was acknowledged and is lost")
            continue
        seq, state, attempt, result = rows[task]
        expected = "cancelled" if task in load.cancelled else EXPECTED.get(kind, "done")
        if state != expected and not (state == "cancelled" and task not in load.cancelled):  # a cancellation whose answer was lost
            wrong.append(f"task {task} ({kind}) is {state}, not {expected}, after attempt {attempt}")
        if ends[seq] != 1:
            wrong.append(f"task {task} ended {ends[seq]} times")
        if state == "done" and json.loads(result)["accuracy"] != attempt:
            wrong.append(f"task {task} has the result of another attempt")
    open_attempts = database.execute("SELECT count(*) FROM attempts WHERE ended IS NULL").fetchone()[0]
    if open_attempts:
        wrong.append(f"{open_attempts} attempts are open when nothing runs")
    return wrong


def processes_of(workspace):
    """Programs that still run on this workspace."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and str(workspace).encode() in (entry / "cmdline").read_bytes():
                found.append(entry.name)
        except OSError:
            pass
    return found


def run(kills, seed, say=print):
    """Returns what is wrong, a line each; nothing: all is well."""
    moments = random.Random(seed)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="ns_kill_"))
    service = Service(folder)
    service.start()
    service.ready()
    load = Load(service.port, seed)
    began = time.monotonic()
    try:
        for number in range(1, kills + 1):
            time.sleep(moments.choice([0.02, 0.1, 0.5, 1.0]) * moments.random())  # also while it starts
            service.kill()
            service.start()
            if moments.random() < 0.7:
                service.ready()
            if number % 20 == 0:
                say(f"{number} kills, {len(load.tasks)} tasks acknowledged, {time.monotonic() - began:.0f} s", flush=True)
        service.ready()
        load.ended.set()
        load.thread.join()
        end = time.monotonic() + 300
        while service.unfinished() and time.monotonic() < end:
            time.sleep(0.1)
        service.stop()
        wrong = check(service, load)
        wrong += [f"process {pid} was left behind" for pid in processes_of(service.workspace)]
    finally:
        load.ended.set()
        load.thread.join()
        if service.process.poll() is None:
            service.kill()
    say(f"{kills} kills, {len(load.tasks)} tasks acknowledged, {len(load.cancelled)} cancelled, {load.unanswered} calls without an answer, "
        f"{time.monotonic() - began:.0f} s: {'nothing broken' if not wrong else f'{len(wrong)} things broken in {folder}'}", flush=True)
    if not wrong:
        shutil.rmtree(folder, ignore_errors=True)
    return wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(4), "big"))
    options = parser.parse_args()
    print(f"seed {options.seed}")
    wrong = run(options.kills, options.seed)
    for line in wrong:
        print("  " + line)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
