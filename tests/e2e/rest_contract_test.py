"""What clients of the original rely on, byte for byte, and what is ours."""
import http.client
import io
import socket
import unittest
import uuid
import zipfile

from harness import ServiceTest

UNKNOWN = uuid.uuid4().hex


class RestContractTest(ServiceTest):
    def setUp(self):
        super().setUp()
        self.start()

    def test_root_and_ping_answer_as_the_original(self):
        self.assertEqual(self.get("/").json, {"message": "Welcome to Neural Solution!"})
        self.assertEqual(self.get("/ping").json, {"status": "Healthy", "msg": "Neural Solution is running."})
        self.assertEqual(self.get("/healthz").status, 200)

    def test_a_task_that_is_done_shows_its_result_in_both_spellings(self):
        answer = self.request("POST", "/task/submit/", {"model": "model.onnx", "dataset": {"path": "rows.npz"}})
        self.assertEqual(answer.status, 200)
        self.assertEqual(list(answer.json), ["status", "task_id", "msg"])
        self.assertEqual(answer.json["status"], "successfully")
        self.assertEqual(answer.json["msg"], "Task submitted successfully")
        task = answer.json["task_id"]
        self.assertRegex(task, r"^[0-9a-f]{12}4[0-9a-f]{3}[89ab][0-9a-f]{15}$")
        done = self.await_state(task, "done")
        result = {"optimization time (seconds)": "1.50", "accuracy": "0.8912", "Accuracy": "0.8912",
                  "duration (seconds)": "0.2500", "Duration (seconds)": "0.2500"}
        path = f"http://127.0.0.1:{self.port}/download/{task}"
        self.assertEqual(done["optimized_result"], result)
        self.assertEqual(done["optimization_result"], result)
        self.assertEqual(done["result_path"], path)
        self.assertEqual(done["tuning_info"]["baseline"], {"Accuracy": "0.9000", "Duration (seconds)": "0.5000"})
        self.assertEqual(self.get(f"/task/{task}").json, {"status": "done", "optimized_result": result, "result_path": path})
        self.assertEqual(self.get(f"/task/{task}/report").json["verdict"], "twice as fast")
        self.assertEqual([t["index"] for t in self.get(f"/task/{task}/trials").json["trials"]], [0, 1])

    def test_a_running_task_shows_its_tuning(self):
        task = self.submit("sleep=20")
        running = self.await_state(task, "running")
        self.assertEqual(set(running) - {"details"}, {"status", "tuning_info", "optimization_result", "optimized_result", "result_path"})
        self.assertEqual(running["optimized_result"], {})
        self.assertEqual(running["result_path"], "")
        self.assertEqual(running["tuning_info"]["message"], "Tune 1 running...")
        self.assertIn(running["tuning_info"]["baseline"], ["Getting FP32 baseline...", {"Accuracy": "0.9000", "Duration (seconds)": "0.5000"}])
        self.assertEqual(self.get(f"/download/{task}").status, 404)
        self.assertEqual(self.get(f"/task/{task}/report").status, 409)

    def test_log_and_download(self):
        task = self.submit()
        self.await_state(task, "done")
        log = self.get(f"/task/log/{task}")
        self.assertTrue(log.headers["Content-Type"].startswith("text/plain"))
        self.assertEqual(log.body.decode(), "fake worker: started\nfake worker: done\n")
        self.assertEqual(self.get(f"/task/log/{task}?offset=21").body.decode(), "fake worker: done\n")
        for _ in range(2):
            zipped = self.get(f"/download/{task}")
            self.assertEqual(zipped.headers["Content-Disposition"], 'attachment; filename="quantized_model.zip"')
            archive = zipfile.ZipFile(io.BytesIO(zipped.body))
            self.assertEqual(sorted(archive.namelist()), ["model.onnx", "recipe.json", "report.json"])
            self.assertEqual(archive.read("model.onnx"), b"not really a model" * 1000)

    def test_unknown_and_invalid_ids(self):
        self.assertEqual(self.get(f"/task/status/{UNKNOWN}").json["status"], "Please check url.")
        self.assertEqual(self.get(f"/download/{UNKNOWN}").status, 400)
        for path in ("/task/{}", "/task/log/{}", "/task/{}/report", "/task/{}/trials"):
            self.assertEqual(self.get(path.format(UNKNOWN)).status, 404, path)
        self.assertEqual(self.request("POST", f"/task/{UNKNOWN}/cancel").status, 404)
        for bad in ("1", "g" * 32, UNKNOWN[:-1], "..", "%2e%2e", "a'b"):
            answer = self.get(f"/task/status/{bad}")
            self.assertEqual((answer.status, answer.json), (422, {"detail": "Invalid task id"}), bad)

    def test_tables_and_lists_page(self):
        tasks = [self.submit() for _ in range(3)]
        for task in tasks:
            self.await_state(task, "done")
        table = self.get("/task/").json["message"]
        self.assertEqual([row[0] for row in table], tasks)
        self.assertEqual([len(row) for row in table], [10, 10, 10])
        self.assertEqual(table[0][3], "done")
        page = self.get("/tasks?limit=2").json
        self.assertEqual([t["id"] for t in page["tasks"]], tasks[:2])
        rest = self.get(f"/tasks?limit=2&after={page['next']}&status=done").json
        self.assertEqual([t["id"] for t in rest["tasks"]], tasks[2:])
        self.assertIsNone(rest["next"])
        self.assertEqual(self.get("/tasks?limit=x").status, 422)

    def test_labels_filter(self):
        mine = self.submit(labels={"user": "ann"})
        self.submit(labels={"user": "bob"})
        self.assertEqual([t["id"] for t in self.get("/tasks?label=user:ann").json["tasks"]], [mine])

    def test_paths_take_a_slash_more_or_less_and_refuse_other_methods(self):
        self.assertEqual(self.get("/ping/").status, 200)
        answer = self.request("POST", "/task/submit", {"model": "model.onnx", "dataset": "rows.npz"})
        self.assertEqual(answer.status, 200)
        self.assertEqual(self.get("/task").status, 200)
        wrong = self.request("DELETE", "/ping")
        self.assertEqual((wrong.status, wrong.headers["Allow"], wrong.json), (405, "GET, HEAD", {"detail": "Method Not Allowed"}))
        self.assertEqual((self.get("/nothing").status, self.get("/nothing").json), (404, {"detail": "Not Found"}))

    def test_the_same_idempotency_key_is_the_same_task(self):
        first = self.submit(idempotency_key="k1")
        self.assertEqual(self.submit(idempotency_key="k1"), first)
        again = self.request("POST", "/task/submit/", {"model": "model.onnx", "dataset": "rows.npz"}, {"Idempotency-Key": "k1"})
        self.assertEqual(again.json["task_id"], first)
        self.assertEqual(len(self.get("/task/").json["message"]), 1)

    def test_one_connection_carries_many_requests(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        for _ in range(3):
            connection.request("GET", "/ping")
            answer = connection.getresponse()
            self.assertEqual(answer.status, 200)
            answer.read()
        connection.request("HEAD", "/ping")
        answer = connection.getresponse()
        self.assertEqual((answer.status, answer.read()), (200, b""))
        connection.request("GET", "/ping")
        self.assertEqual(connection.getresponse().status, 200)
        connection.close()


class BadRequestTest(ServiceTest):
    def setUp(self):
        super().setUp()
        self.start()

    def refused(self, body):
        answer = self.request("POST", "/task/submit/", body)
        self.assertEqual(answer.status, 422, answer.body)
        return {".".join(map(str, item["loc"][1:])): item for item in answer.json["detail"]}

    def test_every_wrong_field_is_named_at_once(self):
        wrong = self.refused({"model": "model.onnx", "dataset": "rows.npz", "workers": 0, "priority": 4, "approach": "fast", "optimized": "yes",
                              "tuning": {"max_trials": "many", "objective": [{"objective": "speed"}]}, "arguments": [1, None],
                              "modle": 1})
        self.assertEqual(set(wrong), {"workers", "priority", "approach", "optimized", "tuning.max_trials", "tuning.objective.0.objective",
                                      "arguments.1", "modle"})
        self.assertIn("did you mean 'model'?", wrong["modle"]["msg"])
        self.assertIn("got 0", wrong["workers"]["msg"])
        self.assertEqual(self.get("/task/").json, {"message": []})

    def test_what_is_not_there_is_refused_at_submission(self):
        self.assertIn("model", self.refused({"model": "none.onnx", "dataset": "rows.npz"}))
        self.assertIn("dataset.path", self.refused({"model": "model.onnx", "dataset": "none.npz"}))
        self.assertIn("dataset", self.refused({"model": "model.onnx"}))
        self.assertIn("model", self.refused({}))

    def test_paths_stay_below_the_upload_folder(self):
        for path in ("../ws/db/task.db", "/etc/passwd", "a/../../x"):
            self.assertIn("must be a path below", self.refused({"model": path, "dataset": "rows.npz"})["model"]["msg"])

    def test_what_this_version_cannot_do_is_refused_with_a_remedy(self):
        self.assertIn("not available in this version", self.refused({"script_url": "https://example.com/x.py"})["optimized"]["msg"])

    def test_bodies_that_are_no_requests(self):
        for body in (b"", b"{", b"[]", b"null", b'"x"', b"\xff\xfe", b"{" * 100000, b"[" * 100000):
            answer = self.request("POST", "/task/submit/", body)
            self.assertEqual(answer.status, 422, body[:20])
            self.assertTrue(answer.json["detail"])

    def test_a_body_too_large_is_413_and_bad_http_is_400(self):
        self.assertEqual(self.request("POST", "/task/submit/", b"x" * (5 << 20)).status, 413)
        for text in (b"nonsense\r\n\r\n", b"GET /%zz HTTP/1.1\r\nHost: localhost\r\n\r\n", b"GET /%00 HTTP/1.1\r\nHost: x\r\n\r\n"):
            with socket.create_connection(("127.0.0.1", self.port), timeout=10) as connection:
                connection.sendall(text)
                self.assertTrue(connection.recv(1000).startswith(b"HTTP/1.1 400 "), text)
        self.assertEqual(self.get("/ping").json["status"], "Healthy")


if __name__ == "__main__":
    unittest.main()
