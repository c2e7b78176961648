"""Addresses in tasks, fetched by a step of the task; webhooks, told to a receiver of the test's own."""
import hashlib
import hmac
import json
import pathlib
import time
import unittest

from harness import ServiceTest, alive, until
from web_server import WebServer


class WebTest(ServiceTest):
    def setUp(self):
        super().setUp()
        self.web = WebServer()
        self.addCleanup(self.web.close)

    def start(self, *args, **more):
        return super().start("--allow_addresses", "127.0.0.1", *args, **more)


class FetchTest(WebTest):
    def inputs(self, task):
        return json.loads((self.task_folder(task) / "inputs" / "inputs.json").read_text())

    def log(self, task):
        return self.get(f"/task/log/{task}").body.decode()

    def test_inputs_are_fetched_before_the_worker_and_kept_for_the_next(self):
        self.web.files = {"/m/model.onnx": b"weights", "/rows.csv": b"a,b\n1,2\n"}
        self.start()
        for round in range(2):
            task = self.submit(model=self.web.url("/m/model.onnx?token=secret"), dataset=self.web.url("/rows.csv"))
            self.await_state(task, "done")
            self.assertEqual(pathlib.Path(self.inputs(task)["model_path"]).read_bytes(), b"weights")
            self.assertEqual(pathlib.Path(self.inputs(task)["dataset_path"]).name, "rows.csv")
            self.assertNotIn("secret", self.log(task))
            self.assertIn("unchanged" if round else "fetched 'model.onnx': 7 bytes", self.log(task))
        self.assertIn("If-None-Match", self.web.requests[2][2])

    def test_what_the_user_got_wrong_fails_the_task_at_once(self):
        self.web.files = {"/big.onnx": b"x" * 2000, "/moved.onnx": (302, {"Location": "http://169.254.169.254/m.onnx"}, b""), "/page": b"<html>"}
        self.start("--max_upload_bytes", 1000)
        for path, reason in (("/none.onnx", "HTTP_404"), ("/big.onnx", "FILE_TOO_LARGE"), ("/moved.onnx", "PRIVATE_ADDRESS"), ("/page", "BAD_MODEL")):
            task = self.submit(model=self.web.url(path))
            failed = self.await_state(task, "failed")
            self.assertEqual((failed["details"]["reason"], failed["details"]["attempt"]), (reason, 1), failed["details"])
            self.assertIn(failed["details"]["message"], self.log(task))

    def test_a_server_that_is_ill_for_a_while_costs_only_time(self):
        served = []

        def sometimes(handler):
            served.append(1)
            status = 503 if len(served) < 3 else 200
            WebServer.send(handler, status, {"Retry-After": "0"}, b"weights" if status == 200 else b"")
        self.web.files = {"/m.onnx": sometimes}
        self.start()
        task = self.submit(model=self.web.url("/m.onnx"))
        self.await_state(task, "done", seconds=40)
        self.assertIn("trying again", self.log(task))

    def test_private_addresses_are_refused_unless_allowed(self):
        ServiceTest.start(self)
        for address in (self.web.url("/m.onnx"), "http://[::1]/m.onnx", "http://169.254.169.254/", "file:///etc/passwd", "ftp://example.org/m"):
            answer = self.request("POST", "/task/submit/", {"model": address, "dataset": "rows.npz"})
            self.assertEqual(answer.status, 422, address)
            self.assertEqual(answer.json["detail"][0]["loc"], ["body", "model"])
        task = self.submit(model=f"http://localhost:{self.web.server.server_port}/m.onnx")  # only the look-up tells
        failed = self.await_state(task, "failed")
        self.assertEqual(failed["details"]["reason"], "PRIVATE_ADDRESS")
        self.assertEqual(self.web.requests, [])

    def drip(self, handler):
        handler.send_response(200)
        handler.send_header("Content-Length", "1000000")
        handler.end_headers()
        handler.close_connection = True
        try:
            while not self.stop_dripping:
                handler.wfile.write(b"x" * 2000)
                time.sleep(0.05)
        except OSError:
            self.broken_off = True

    def test_a_fetch_ends_with_its_task(self):
        self.stop_dripping = self.broken_off = False
        self.addCleanup(lambda: setattr(self, "stop_dripping", True))
        self.web.files = {"/m.onnx": self.drip}
        self.start()
        task = self.submit(model=self.web.url("/m.onnx"))
        until(lambda: self.status(task)["details"].get("stage") == "fetch" and self.web.requests, what="the fetch")
        pid = self.worker_pids(task)["worker"]["pid"]
        self.assertEqual(self.request("POST", f"/task/{task}/cancel").status, 200)
        until(lambda: not alive(pid), 5, "the fetch is gone")
        until(lambda: self.broken_off, 5, "its connection too")

    def test_a_fetch_outlives_a_kill_of_the_service(self):
        self.stop_dripping = self.broken_off = False
        self.web.files = {"/m.onnx": self.drip}
        self.start()
        task = self.submit(model=self.web.url("/m.onnx"))
        until(lambda: self.status(task)["details"].get("stage_done", 0) > 0, what="progress of the fetch")
        pid = self.worker_pids(task)["worker"]["pid"]
        self.kill_service()
        self.assertTrue(alive(pid))
        self.start()
        self.assertEqual(self.worker_pids(task)["worker"]["pid"], pid)
        self.web.files = {"/m.onnx": b"weights"}
        self.stop_dripping = True  # breaks off in the middle: the step itself tries again
        self.assertEqual(self.await_state(task, "done", seconds=40)["details"]["attempt"], 1)
        self.assertEqual(pathlib.Path(self.inputs(task)["model_path"]).read_bytes(), b"weights")


class WebhookTest(WebTest):
    def calls(self):
        return [r for r in self.web.requests if r[0] == "POST"]

    def test_the_final_status_is_told_and_signed(self):
        self.web.files = {"/hook": (204, {}, b"")}
        secret = self.folder / "secret"
        secret.write_text("a key\n")
        self.start("--webhook_secret", secret)
        task = self.submit(webhook=self.web.url("/hook"))
        failing = self.submit("fail", webhook=self.web.url("/hook"))
        until(lambda: len(self.calls()) == 2, what="calls")
        bodies = {}
        for _, path, headers, body in self.calls():
            self.assertEqual(headers["X-Neural-Solution-Signature"], "sha256=" + hmac.new(b"a key", body, hashlib.sha256).hexdigest())
            self.assertEqual(headers["Content-Type"], "application/json")
            bodies[json.loads(body)["task_id"]] = json.loads(body)
        for each in (task, failing):  # what GET /task/status/{id} says, but for this delivery
            answer = self.status(each)
            answer["details"].pop("webhook")
            for body in (answer, bodies[each]):  # an attempt is closed after its task: it may be open yet
                body["details"]["attempts"] = [(one["attempt"], one["started"]) for one in body["details"]["attempts"]]
            self.assertEqual(bodies[each], {"task_id": each, **answer})
        self.assertEqual(bodies[task]["optimized_result"]["accuracy"], "0.8912")
        self.assertEqual(bodies[failing]["details"]["reason"], "BAD_DATA")
        webhook = until(lambda: (w := self.status(task)["details"]["webhook"])["state"] == "delivered" and w, what="delivered")
        self.assertEqual(webhook["tries"], 1)

    def test_a_receiver_that_is_ill_is_asked_again_also_after_a_kill(self):
        self.web.files = {"/hook": (500, {}, b"")}
        self.start()
        task = self.submit(webhook=self.web.url("/hook"))
        waiting = until(lambda: (w := self.status(task)["details"].get("webhook", {})).get("tries") == 1 and w, what="the first try")
        self.assertEqual(waiting["state"], "waiting")
        self.assertIn("HTTP 500", waiting["last_error"])
        self.kill_service()
        self.web.files = {"/hook": (200, {}, b"")}
        self.start()
        until(lambda: self.status(task)["details"]["webhook"]["state"] == "delivered", 30, "delivered")
        self.assertGreaterEqual(len(self.calls()), 2)

    def test_addresses_that_are_refused(self):
        self.start()
        for bad in ("ftp://example.org/", "http://10.0.0.1/hook", "not an address"):
            answer = self.request("POST", "/task/submit/", {"model": "model.onnx", "dataset": "rows.npz", "webhook": bad})
            self.assertEqual((answer.status, answer.json["detail"][0]["loc"]), (422, ["body", "webhook"]), bad)
        self.web.files = {"/hook": (410, {}, b"")}
        task = self.submit(webhook=self.web.url("/hook"))
        until(lambda: self.status(task)["details"].get("webhook", {}).get("state") == "failed", what="given up")


if __name__ == "__main__":
    unittest.main()
