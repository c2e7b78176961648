#!/usr/bin/env python3
"""A worker that speaks the worker protocol and does what the name of its task says, for tests of everything around a worker.

Called as `fake_worker.py lead --task-folder DIR [--team-socket PATH --team-token-file FILE]`, or as an assistant of one, `fake_worker.py assist
--lead-socket PATH --team-token-file FILE --worker N --fence F ...`. The task's `name`, words joined by '+':
  sleep=S      works S seconds, with progress (default 0.05)
  fail         ends with exit code 2 and a reason of its own
  linger=S     with fail: works on for S seconds after it said so
  forge        says that its task is done when it has only begun, and that it runs anew
  exit=N       ends with exit code N and no reason
  crash        kills itself with SIGKILL
  crash_once   the same in the first attempt only
  deaf         ignores SIGTERM
  child        leaves a child that sleeps, in a session of its own; its pid is in DIR/work/child.pid
  events=N     writes N notes
  lines=N      prints N lines
  quiet        writes nothing more and waits to be ended
  fill         fills its disk, then ends as a worker on a full disk does
  items=N      has N items of 0.1 s done, by its assistants too; which, and by whom, is in DIR/work/items.txt, from which a later attempt goes on
  useful=K     says that it has use for K workers
  crash_at=N   kills itself when N items are done, in the first attempt only
"""
import datetime
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import threading
import time

ITEM_SECONDS = 0.1


class Team:
    """The items of a lead, and who does them."""

    def __init__(self, worker, count, crash_at):
        self.worker, self.crash_at = worker, crash_at
        self.changed = threading.Condition()
        self.file = worker.folder / "items.txt"
        self.done = {int(line.split()[0]) for line in self.file.read_text().splitlines()} if self.file.exists() else set()
        self.waiting = [item for item in range(count) if item not in self.done]
        self.count = count

    def listen(self, path, token):
        listener = socket.socket(socket.AF_UNIX)
        os.chdir(pathlib.Path(path).parent)  # its path may be too long for an address
        pathlib.Path(path).unlink(missing_ok=True)  # of a start of this attempt that was lost
        listener.bind(pathlib.Path(path).name)
        listener.listen(64)

        def accept():
            while True:
                connection, _ = listener.accept()
                threading.Thread(target=self.serve, args=(connection, token), daemon=True).start()
        threading.Thread(target=accept, daemon=True).start()

    def serve(self, connection, token):
        item = None
        try:
            stream = connection.makefile("rw")
            secret, who = stream.readline().split(maxsplit=1)
            if secret != token:
                return
            while (item := self.take()) is not None:
                stream.write(f"{item}\n")
                stream.flush()
                if stream.readline() != f"{item}\n":
                    raise OSError("gone")
                self.finish(item, who.strip())
                item = None
            stream.write("end\n")
            stream.flush()
        except (OSError, ValueError):
            pass
        finally:
            if item is not None:
                with self.changed:
                    self.waiting.insert(0, item)
                    self.changed.notify_all()
            connection.close()

    def take(self):
        with self.changed:
            self.changed.wait_for(lambda: self.waiting or len(self.done) == self.count)
            return self.waiting.pop(0) if self.waiting else None

    def finish(self, item, who):
        with self.changed:
            with open(self.file, "a") as out:
                out.write(f"{item} {who}\n")
                out.flush()
                os.fsync(out.fileno())
            self.done.add(item)
            if self.crash_at and len(self.done) >= self.crash_at:
                os.kill(os.getpid(), signal.SIGKILL)
            self.changed.notify_all()

    def work(self):
        while (item := self.take()) is not None:
            time.sleep(ITEM_SECONDS)
            self.finish(item, f"0 {self.worker.task['attempt']}")


def assist(words):
    """Asks its lead for items until that says that there are none; looks for it again when it is gone."""
    token = pathlib.Path(words["--team-token-file"]).read_text().strip()
    path = pathlib.Path(words["--lead-socket"])
    print(f"assistant {words['--worker']}: started", flush=True)
    while True:
        try:
            os.chdir(path.parent)
            lead = socket.socket(socket.AF_UNIX)
            lead.connect(path.name)
            stream = lead.makefile("rw")
            stream.write(f"{token} {words['--worker']} {words['--fence']}\n")
            stream.flush()
            while line := stream.readline():
                if line == "end\n":
                    return
                time.sleep(ITEM_SECONDS)
                stream.write(line)
                stream.flush()
        except OSError:
            pass
        time.sleep(0.05)


class Worker:
    def __init__(self, folder):
        self.task = json.loads((folder / "task.json").read_text())
        self.folder = folder / "work"
        events = pathlib.Path(self.task["events_file"]).read_text().splitlines()
        self.seq = json.loads(events[-1])["seq"] if events else 0  # after those of the steps before us
        words = self.task["spec"].get("name", "").split("+")
        self.words = dict((word.split("=") + [""])[:2] for word in words)

    def event(self, kind, payload):
        self.seq += 1
        now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        line = json.dumps({"seq": self.seq, "time": now, "type": kind, "payload": payload}) + "\n"
        with open(self.task["events_file"], "a") as out:
            out.write(line)
            out.flush()
            if kind in ("state", "result"):
                os.fsync(out.fileno())

    def prepare(self):
        with open(self.folder / "started.txt", "a") as out:
            out.write(f"{self.task['attempt']} {os.getpid()} {time.time()} {sorted(os.sched_getaffinity(0))}\n")
        if "deaf" in self.words:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
        if "child" in self.words:
            child = subprocess.Popen(["sleep", "300"], start_new_session=True)
            (self.folder / "child.pid").write_text(str(child.pid))

    def fill(self):
        scratch = pathlib.Path(os.environ["TMPDIR"])
        scratch.mkdir(exist_ok=True)
        try:
            with open(scratch / "big", "wb", buffering=0) as out:
                while True:
                    out.write(bytes(1 << 16))
        except OSError:
            sys.exit(28)

    def work(self):
        print("fake worker: started", flush=True)
        self.event("stage", {"stage": "baseline"})
        self.event("trial", {"index": 0, "configuration": "fp32", "metric": "accuracy", "accuracy": 0.9, "duration_seconds": 0.5})
        if "forge" in self.words:
            self.event("state", {"state": "done", "reason": "", "message": ""})
            self.event("state", {"state": "running", "reason": "", "message": "", "attempt": 1})
        self.event("stage", {"stage": "evaluate"})
        for number in range(int(self.words.get("events", "0"))):
            self.event("note", {"text": f"note {number}"})
        for number in range(int(self.words.get("lines", "0"))):
            print(f"fake worker: line {number}")
        sys.stdout.flush()
        if "quiet" in self.words:
            time.sleep(600)
        if "fill" in self.words:
            self.fill()
        if "useful" in self.words:
            self.event("workers", {"useful": int(self.words["useful"]), "joined": 0})
        if "items" in self.words:
            self.share()
        until = time.time() + float(self.words.get("sleep", "0.05"))
        while time.time() < until:
            self.event("progress", {"stage": "evaluate", "done": 1 - (until - time.time()), "total": 10})
            time.sleep(0.05)
        self.event("trial", {"index": 1, "configuration": "static", "metric": "accuracy", "accuracy": 0.89123456, "duration_seconds": 0.25,
                             "meets_criterion": True, "best": True})

    def share(self):
        team = Team(self, int(self.words["items"]), int(self.words.get("crash_at", "0")) if self.task["attempt"] == 1 else 0)
        options = dict(zip(sys.argv[4::2], sys.argv[5::2]))
        if options:
            team.listen(options["--team-socket"], pathlib.Path(options["--team-token-file"]).read_text().strip())
        team.work()

    def end_badly(self):
        if "fail" in self.words:
            self.event("state", {"state": "failed", "reason": "BAD_DATA", "message": "column 'label' is missing"})
            time.sleep(float(self.words.get("linger", "0")))
            sys.exit(2)
        if "exit" in self.words:
            sys.exit(int(self.words["exit"]))
        if "crash" in self.words or ("crash_once" in self.words and self.task["attempt"] == 1):
            os.kill(os.getpid(), signal.SIGKILL)

    def finish(self):
        out = pathlib.Path(self.task["output_folder"])
        out.mkdir(parents=True)
        (out / "model.onnx").write_bytes(b"not really a model" * 1000)
        (out / "recipe.json").write_text("{}")
        (out / "report.json").write_text(json.dumps({"verdict": "twice as fast", "goal_met": True}))
        self.event("result", {"goal_met": True, "verdict": "twice as fast", "metric": "accuracy", "accuracy": 0.89123456,
                              "duration_seconds": 0.25, "optimization_seconds": 1.5})
        print("fake worker: done", flush=True)


def main():
    if sys.argv[1] == "assist":
        return assist(dict(zip(sys.argv[2::2], sys.argv[3::2])))
    assert sys.argv[1:3] == ["lead", "--task-folder"], sys.argv
    worker = Worker(pathlib.Path(sys.argv[3]))
    worker.prepare()
    worker.work()
    worker.end_badly()
    worker.finish()


main()
