"""What a hostile script tries, and a hostile worker too, since a model is a stranger's file: to read what is others', to reach the network, to take
all of the machine, to outlive its task. And what hostile requests try."""
import json
import os
import pathlib
import shutil
import socket
import subprocess
import unittest

from harness import HERE, PROGRAM, alive, descendants, until
from script_harness import ScriptTest

SPY = """
    import os, pathlib, json
    seen = {}
    for path in PATHS:
        try:
            seen[path] = os.listdir(path) if os.path.isdir(path) else pathlib.Path(path).read_bytes().decode("latin-1")
        except OSError as error:
            seen[path] = type(error).__name__
    print("SEEN " + json.dumps(seen))
    print("ENV " + json.dumps(dict(os.environ)))
    import neural_solution
    neural_solution.report(accuracy=1)
"""


class SecurityTest(ScriptTest):
    def serve(self, *args):
        self.start("--cores_per_worker", 1, *args)

    def spy(self, paths):
        task, _ = self.run_script("    PATHS = " + json.dumps([str(path) for path in paths]) + SPY)
        lines = self.log(task).splitlines()
        return [json.loads(next(line for line in lines if line.startswith(word)).split(" ", 1)[1]) for word in ("SEEN ", "ENV ")]

    def test_no_other_tasks_files_nor_the_store_nor_the_log_nor_the_system_are_seen(self):
        self.serve()
        other = self.submit_script("import neural_solution\nprint('other')\nneural_solution.report(accuracy=1)", name="other")
        self.ended(other, "done")
        (self.workspace / "tokens").write_text("secret token")
        paths = [self.task_folder(other), self.task_folder(other) / "task.json", self.task_folder(other) / "result" / "report.json",
                 self.workspace / "db" / "task.db", self.workspace / "serve_log" / "backend.log", self.workspace / "task_log" / f"task_{other}.txt",
                 self.workspace / "serve.json", self.workspace / "tokens", self.uploads / "other" / "run.py", "/etc/shadow", "/root", "/home",
                 "/proc/1/environ", "/var/log", "/etc/ssl/private", HERE]
        seen, environment = self.spy(paths)
        python = pathlib.Path(shutil.which("python3")).resolve()  # the way to it is there, and nothing beside the way
        for path, what in seen.items():
            if isinstance(what, list) and what and all(pathlib.Path(path, name) in python.parents for name in what):
                continue
            self.assertIn(what, ("FileNotFoundError", "PermissionError", "NotADirectoryError") if path != "/proc/1/environ" else (what,), path)
        self.assertNotIn("NS_BIN_DIR", seen["/proc/1/environ"])
        seen, _ = self.spy([self.workspace, self.workspace / "task_workspace"])
        self.assertEqual(len(seen[str(self.workspace / "task_workspace")]), 1, "its own")
        self.assertEqual(seen[str(self.workspace)], ["task_workspace"])
        self.assertLessEqual(set(environment), {"PATH", "HOME", "LANG", "TMPDIR", "USER", "LOGNAME", "PYTHONPATH", "PYTHONUNBUFFERED", "NEURAL_SOLUTION_REPORT",
                                                "PWD", "LC_CTYPE", "TZ", "ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS"})

    def test_control_files_cannot_be_forged(self):
        self.serve()
        task, status = self.run_script("""
            import os, pathlib, sys
            folder = pathlib.Path("../..").resolve()
            print(sorted(os.listdir(folder)))
            for name in ("exit_status", "worker.pid", "steps.json", "quantized_model.zip", "result", "task.json"):
                try:
                    (folder / name).write_text("{}")
                    print("WROTE", name)
                except OSError as error:
                    print(name, error.strerror)
            os.symlink("/etc", "../result")
            sys.exit(3)
            """, state="failed")
        # What it could write was its own scratch, which lies there when the workspace is below /tmp.
        self.assertNotIn("WROTE task.json", self.log(task))
        self.assertEqual(status["details"]["reason"], "SCRIPT_FAILED")
        for name in ("exit_status", "worker.pid", "steps.json", "task.json"):
            self.assertNotEqual((self.task_folder(task) / name).read_text(), "{}", name)
        for name in ("result", "quantized_model.zip"):
            self.assertFalse((self.task_folder(task) / name).exists(), name)

    def test_links_in_a_result_lead_nowhere(self):
        self.serve()
        task, _ = self.run_script("""
            import os, neural_solution
            os.mkdir("out")
            open("out/model", "w").write("model")
            os.symlink("/etc/passwd", "out/passwd")
            os.symlink("../../../../..", "out/up")
            neural_solution.report(model="out", accuracy=1)
            """)
        self.assertEqual(sorted(self.downloaded(task)), ["model", "report.json"])

    # Connects to what listens on this machine: on its loopback, on its other addresses, and by a name that has no file.
    CONNECT = """
        import json, socket, neural_solution
        for family, address in json.loads(%r):
            try:
                with socket.socket(family) as way:
                    way.settimeout(2)
                    way.connect(tuple(address) if family == socket.AF_INET else address)
                    print("CONNECTED", address)
            except OSError as error:
                print("FAILED", address, error.strerror)
        neural_solution.report(accuracy=1)
        """

    def listen(self):
        """Families and addresses."""
        tcp, name = socket.create_server(("0.0.0.0", 0), backlog=16), socket.socket(socket.AF_UNIX)
        name.bind(f"\0neural_solution_test_{os.getpid()}")
        name.listen()
        for listener in (tcp, name):
            self.addCleanup(listener.close)
        own = subprocess.run(["hostname", "-I"], check=True, capture_output=True, text=True).stdout.split()
        hosts = ["127.0.0.1"] + [address for address in own if ":" not in address]
        return [(int(socket.AF_INET), (host, tcp.getsockname()[1])) for host in hosts] + [(int(socket.AF_UNIX), name.getsockname().decode())]

    def test_no_network_when_it_is_off(self):
        self.serve()
        places = self.listen()
        task, _ = self.run_script(self.CONNECT % json.dumps(places))
        log = self.log(task)
        self.assertNotIn("CONNECTED", log)
        self.assertEqual(log.count("FAILED"), len(places))

    def test_the_network_is_there_when_it_is_on(self):
        self.serve("--script_network", "on")
        places = self.listen()
        task, _ = self.run_script(self.CONNECT % json.dumps(places))
        self.assertEqual(self.log(task).count("CONNECTED"), len(places))

    def test_forks_without_end_are_ended_and_the_service_answers(self):
        self.serve("--task_processes", 200)
        task = self.submit_script("""
            import os, time
            while True:
                try:
                    os.fork()
                except OSError:
                    time.sleep(0.01)
            """)
        self.assertEqual(self.get("/ping").json["status"], "Healthy")
        pids = self.worker_pids(task)
        until(lambda: self.status(task)["status"] == "failed" or len(descendants(pids["supervisor"]["pid"])) > 100, 30, "many processes")
        if self.status(task)["status"] != "failed":  # the kernel keeps it at the limit
            self.assertLessEqual(len(descendants(pids["supervisor"]["pid"])), 250)
            self.request("POST", f"/task/{task}/cancel")
        until(lambda: not alive(pids["supervisor"]["pid"]), 20, "gone")
        self.assertEqual(self.get("/ping").json["status"], "Healthy")

    def test_a_script_that_fills_the_disk_fails(self):
        self.serve("--task_disk", 0.05)
        task, status = self.run_script("""
            import time
            number = 0
            while True:
                with open(f"f{number}", "wb") as out:
                    out.write(bytes(1 << 20))
                number += 1
                time.sleep(0.005)
            """, state="failed")
        self.assertEqual(status["details"]["reason"], "DISK_LIMIT")
        self.assertEqual(status["details"]["attempt"], 1)

    def test_a_script_that_takes_all_memory_fails(self):
        self.serve("--task_memory", 0.25)
        _, status = self.run_script("x = []\nwhile True: x.append(bytearray(8 << 20)); __import__('time').sleep(0.01)", state="failed")
        self.assertEqual(status["details"]["reason"], "MEMORY_LIMIT")

    def test_nothing_outlives_its_task(self):
        self.serve()
        task = self.submit_script("""
            import subprocess, time, neural_solution
            subprocess.Popen(["sh", "-c", "(setsid sleep 301 &) ; sleep 301"], start_new_session=True)
            neural_solution.report(accuracy=1)
            time.sleep(1)
            """)
        pids = self.worker_pids(task)
        processes = until(lambda: len(found := descendants(pids["supervisor"]["pid"])) >= 5 and found, what="processes")
        self.ended(task, "done")
        until(lambda: not any(map(alive, processes)), 5, "all gone")

    def test_a_worker_is_held_like_a_script(self):
        spy = self.folder / "spy.py"
        spy.write_text("#!/usr/bin/python3\nimport pathlib, sys, socket\nfor path in (%r, '/etc/shadow', '/root'):\n"
                       "  print(path, pathlib.Path(path).exists())\n"
                       "try: socket.create_connection(('127.0.0.1', %d), timeout=2); print('CONNECTED')\nexcept OSError: print('no network')\n"
                       "sys.exit(2)\n" % (str(self.workspace / "db" / "task.db"), self.port))
        spy.chmod(0o755)
        self.worker = spy
        self.serve()
        task = self.submit()
        self.ended(task, "failed")
        log = self.log(task)
        self.assertIn("no network", log)
        self.assertNotIn("True", log)

    def test_injections_in_every_field_do_nothing(self):
        self.serve()
        mark = self.folder / "injected"
        for bad in (f"$(touch {mark})", f"`touch {mark}`", f"; touch {mark}", f"| touch {mark}", f"\n touch {mark}", f"' ; touch {mark} '", f"&& touch {mark}",
                    f"-c=touch {mark}", f"__import__('os').system('touch {mark}')", "x'); DROP TABLE task; --", f"{{{{ {mark} }}}}", "%s%n", "\u0000"):
            self.script("import neural_solution\nneural_solution.report(accuracy=1)")
            for field, value in (("script_url", bad), ("arguments", [bad]), ("requirements", [bad]), ("approach", bad), ("name", bad), ("labels", {bad: bad}),
                                 ("idempotency_key", bad), ("webhook", bad), ("workers", bad), ("metric", bad), ("deadline", bad), ("dataset", bad),
                                 ("optimized", bad)):
                request = {"script_url": "script", "optimized": True, field: value}
                answer = self.request("POST", "/task/submit/", request)
                self.assertIn(answer.status, (200, 422), (field, bad, answer.body))
                if answer.status == 200:
                    self.assertIn(self.await_state(answer.json["task_id"], "done", "failed", seconds=60)["status"], ("done", "failed"))
        self.assertFalse(mark.exists())
        self.assertEqual(self.get("/ping").json["status"], "Healthy")


class NoSandboxTest(ScriptTest):
    def test_sandbox_none_runs_scripts_as_the_service(self):
        self.start("--sandbox", "none")
        task, _ = self.run_script("import os, neural_solution\nprint('SEES', os.path.exists(%r))\nneural_solution.report(accuracy=1)" %
                                  str(self.workspace / "db" / "task.db"))
        self.assertIn("SEES True", self.log(task))

    def test_where_there_can_be_no_sandbox_start_says_so_and_what_to_do(self):
        # In a user namespace that may have no other below it.
        command = ["unshare", "--user", "--map-root-user", "sh", "-c", "echo 0 > /proc/sys/user/max_user_namespaces && exec \"$@\"", "sh",
                   str(PROGRAM)]
        result = subprocess.run([*command, "start", "--workspace", str(self.workspace), "--restful_api_port", str(self.port), "--upload_path",
                                 str(self.uploads)], capture_output=True, text=True, timeout=60, cwd=self.folder)
        self.assertEqual(result.returncode, 2, result.stderr)
        self.assertEqual(len(result.stderr.splitlines()), 1, result.stderr)
        self.assertIn("--sandbox none", result.stderr)
        self.assertIn("user namespaces", result.stderr)


if __name__ == "__main__":
    unittest.main()
