"""GET /metrics: the text is what Prometheus reads, and its numbers are true."""
import json
import re
import socket
import unittest
import urllib.request

from harness import ServiceTest, free_port, until

SAMPLE = re.compile(r'([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{((?:[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*",?)*)\})? (\S+)')
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"')


def parse(text):
    """{family: {(sample name, labels): value}}; raises for what the format forbids."""
    assert text.endswith("\n")
    families, types, family = {}, {}, None
    for line in text[:-1].split("\n"):
        if line.startswith("# HELP "):
            name, help_text = line[7:].split(" ", 1)
            assert name not in families and help_text, line
            family = families[name] = {}
            continue
        if line.startswith("# TYPE "):
            name, kind = line[7:].split(" ")
            assert name == list(families)[-1] and not family and kind in ("counter", "gauge", "histogram"), line
            types[name] = kind
            assert (kind == "counter") == name.endswith("_total"), f"{name} is a {kind}"
            continue
        match = SAMPLE.fullmatch(line)
        assert match, line
        name, labels, value = match[1], tuple(LABEL.findall(match[2] or "")), float(match[3])
        current = list(families)[-1]
        suffixes = ("_bucket", "_sum", "_count") if types[current] == "histogram" else ("",)
        assert name in [current + suffix for suffix in suffixes], line
        assert (name, labels) not in family, f"twice: {line}"
        family[name, labels] = value
    for name, kind in types.items():
        if kind == "histogram":
            check_histogram(name, families[name])
    return families


def check_histogram(name, samples):
    buckets = {}
    for (sample, labels), value in samples.items():
        if sample == name + "_bucket":
            buckets.setdefault(labels[:-1], []).append((float(dict(labels)["le"]), value))
    assert buckets, name
    for labels, counts in buckets.items():
        assert counts == sorted(counts), f"{name}: buckets do not ascend"
        assert counts[-1][0] == float("inf") and counts[-1][1] == samples[name + "_count", labels], name
        assert samples[name + "_sum", labels] >= 0, name


class MetricsTest(ServiceTest):
    def metrics(self):
        answer = self.get("/metrics")
        self.assertEqual(answer.status, 200)
        self.assertEqual(answer.headers["Content-Type"], "text/plain; version=0.0.4; charset=utf-8")
        return parse(answer.body.decode())

    def monitor(self, path):
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"http://127.0.0.1:{self.monitor_port}{path}", timeout=10) as answer:
            return answer.read().decode()

    def start_watched(self):
        self.monitor_port = free_port()
        self.start("--task_monitor_port", self.monitor_port)

    def test_the_numbers_follow_the_tasks(self):
        self.start_watched()
        done = [self.submit("sleep=0.05") for _ in range(3)]
        failed = self.submit("fail")
        lost = self.submit("crash_once")
        for task in [*done, lost]:
            self.await_state(task, "done")
        self.await_state(failed, "failed")
        self.get("/no/such/path")
        families = self.metrics()
        tasks = {dict(labels)["state"]: value for (_, labels), value in families["neural_solution_tasks"].items()}
        self.assertEqual(tasks, {"pending": 0, "running": 0, "done": 4, "failed": 1, "cancelled": 0})
        value = lambda family, name, *labels: families[family][name, labels]
        self.assertEqual(value("neural_solution_tasks_submitted_total", "neural_solution_tasks_submitted_total"), 5)
        self.assertEqual(value("neural_solution_attempts_total", "neural_solution_attempts_total"), 6)
        self.assertEqual(value("neural_solution_attempts_lost_total", "neural_solution_attempts_lost_total"), 1)
        for name in ("neural_solution_task_queue_seconds", "neural_solution_task_run_seconds"):
            self.assertEqual(value(name, name + "_count"), 5)
        self.assertGreater(value("neural_solution_task_run_seconds", "neural_solution_task_run_seconds_sum"), 0.15)
        requests = "neural_solution_request_seconds"
        self.assertEqual(value(requests, requests + "_count", ("method", "POST"), ("route", "/task/submit"), ("code", "200")), 5)
        self.assertEqual(value(requests, requests + "_count", ("method", ""), ("route", "none"), ("code", "404")), 1)
        commits = "neural_solution_store_commit_seconds"
        self.assertGreaterEqual(value(commits, commits + "_count"), 5)
        self.assertGreater(value("process_resident_memory_bytes", "process_resident_memory_bytes"), 1e6)
        self.assertGreaterEqual(value("neural_solution_connections", "neural_solution_connections"), 1)
        self.assertEqual(len(families["neural_solution_build_info"]), 1)

    def test_slots_are_told_by_node(self):
        self.start_watched()
        task = self.submit("sleep=60")
        self.await_state(task, "running")
        [[node, name, _, _, free, busy, _]] = self.get("/cluster").json["Cluster info"]
        slots = {dict(labels)["state"]: value for (_, labels), value in self.metrics()["neural_solution_slots"].items()}
        self.assertEqual(slots, {"free": free, "busy": busy})
        self.assertEqual(busy, 1)
        self.assertIn(f'neural_solution_slots{{node="{name}",id="{node}",state="busy"}} 1\n', self.monitor("/metrics"))

    def test_the_monitor_port_serves_metrics_and_health_and_nothing_else(self):
        self.start_watched()
        self.assertEqual(set(parse(self.monitor("/metrics"))) - set(self.metrics()), set())
        self.assertEqual(json.loads(self.monitor("/healthz")), {"status": "ok"})
        self.assertEqual(json.loads(self.monitor("/readyz")), {"status": "ok"})
        for path in ("/task/", "/ping", "/"):
            with self.assertRaises(urllib.error.HTTPError) as caught:
                self.monitor(path)
            self.assertEqual(caught.exception.code, 404)
            caught.exception.close()

    def test_a_monitor_port_in_use_is_refused_when_it_was_given_and_else_start_says_where_it_moved(self):
        with socket.socket() as holder:
            try:
                holder.bind(("127.0.0.1", 2222))
                holder.listen()
            except OSError:
                pass  # somebody has it already
            self.assertIn("2222", self.start("--task_monitor_port", 2222, expect=2).stderr)
            started = self.start().stdout
        self.assertRegex(started, r"(?m)^  metrics +http://127\.0\.0\.1:\d+/metrics \(port 2222 is in use; --task_monitor_port chooses\)$")
        self.monitor_port = int(started.split("metrics", 1)[1].split(":")[2].split("/")[0])
        self.assertIn("neural_solution_slots", self.monitor("/metrics"))

    def test_a_draining_service_is_alive_but_not_ready(self):
        self.start_watched()
        self.submit("sleep=3")
        until(lambda: self.get("/tasks?status=running").json["tasks"], what="running")
        stop = self.run_in_background("stop", "--workspace", self.workspace)
        until(lambda: self.get("/ping").json["status"] == "Failed", 5, "stopping")
        self.assertEqual(self.get("/readyz").status, 503)
        self.assertEqual(self.get("/healthz").status, 200)
        self.assertEqual(stop.wait(30), 0)


if __name__ == "__main__":
    unittest.main()
