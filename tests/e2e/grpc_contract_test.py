"""The gRPC API: stubs of the original's proto file first, then what is ours."""
import hashlib
import json
import socket
import subprocess
import threading
import time
import unittest
import uuid

try:
    import grpc
    from grpc_health.v1 import health_pb2, health_pb2_grpc
    from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

    from stubs import ORIGINAL, OURS, Stubs, channel_to, empty
except ImportError as error:
    raise ImportError(f"{error}: run scripts/setup, and these tests with .deps/venv/bin/python") from error

from harness import ServiceTest, until

UNKNOWN = uuid.uuid4().hex


class GrpcTest(ServiceTest):
    def setUp(self):
        super().setUp()
        self.original, self.ours = Stubs(ORIGINAL, self.folder), Stubs(OURS, self.folder)
        self.channel = channel_to(self.grpc_port)
        self.addCleanup(self.channel.close)

    def call(self, name, request=None, stubs=None, **more):
        stubs = stubs or self.ours
        return stubs.call(self.channel, name)(empty(stubs) if request is None else request, timeout=more.pop("timeout", 20), **more)

    def old(self, name, request=None, **more):
        return self.call(name, request, self.original, **more)

    def task(self, name="", **fields):
        return self.ours.Task(model="model.onnx", dataset={"path": "rows.npz"}, name=name, **fields)

    def watch(self, task, after=0, **more):
        return self.call("WatchTask", self.ours.WatchTaskRequest(task_id=task, after_seq=after), **more)

    def grpc_submit(self, name="", **fields):
        return self.call("SubmitTask", self.task(name, **fields)).task_id

    def assert_refused(self, code, call, *words):
        with self.assertRaises(grpc.RpcError) as caught:
            answer = call()
            if hasattr(answer, "__next__"):
                list(answer)
        self.assertEqual(caught.exception.code(), code, caught.exception)
        for word in words:
            self.assertIn(word, caught.exception.details())
        return caught.exception

    def details(self, error):
        """The BadRequest's violations as {field: description}, and the ErrorInfo's reason."""
        raw = dict(error.trailing_metadata())["grpc-status-details-bin"]
        fields, reason = {}, ""
        for kind, value in _any_list(raw):
            if kind.endswith("/google.rpc.BadRequest"):
                for violation in _submessages(value, 1):
                    parts = dict(_fields(violation))
                    fields[parts[1].decode()] = parts.get(2, b"").decode()
            elif kind.endswith("/google.rpc.ErrorInfo"):
                parts = dict(_fields(value))
                reason = parts[1].decode()
        return fields, reason


def _varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at


def _fields(data):
    """(number, value) of a message's fields, read by hand: google.rpc has no Python package here."""
    at, out = 0, []
    while at < len(data):
        tag, at = _varint(data, at)
        if tag & 7 == 2:
            size, at = _varint(data, at)
            value, at = data[at:at + size], at + size
        else:
            value, at = _varint(data, at)
        out.append((tag >> 3, value))
    return out


def _submessages(data, number):
    return [value for n, value in _fields(data) if n == number]


def _any_list(status):
    for value in _submessages(status, 3):
        parts = dict(_fields(value))
        yield parts[1].decode(), parts.get(2, b"")


class OriginalClientTest(GrpcTest):
    """What a client of the original does, with stubs that know nothing of ours."""

    def setUp(self):
        super().setUp()
        self.start()

    def test_ping(self):
        answer = self.old("Ping")
        self.assertEqual((answer.status, answer.msg), ("Healthy", "Neural Solution is running."))

    def test_a_task_from_submission_to_result(self):
        task = self.submit()
        self.await_state(task, "done")
        result = {"optimization time (seconds)": "1.50", "accuracy": "0.8912", "Accuracy": "0.8912",
                  "duration (seconds)": "0.2500", "Duration (seconds)": "0.2500"}
        status = self.old("GetTaskById", self.original.TaskId(task_id=task))
        self.assertEqual(status.status, "done")
        self.assertEqual(json.loads(status.optimized_result), result)
        self.assertEqual(status.result_path, f"http://127.0.0.1:{self.port}/download/{task}")
        answer = self.old("QueryTaskResult", self.original.TaskId(task_id=task.upper()))
        self.assertEqual(answer.status, "done")
        self.assertEqual(json.loads(answer.optimization_result), result)
        self.assertEqual(json.loads(answer.tuning_information)["baseline"], {"Accuracy": "0.9000", "Duration (seconds)": "0.5000"})

    def test_a_running_task(self):
        task = self.submit("sleep=30")
        self.await_state(task, "running")
        answer = self.old("QueryTaskResult", self.original.TaskId(task_id=task))
        self.assertEqual((answer.status, answer.optimization_result), ("running", "{}"))
        self.assertEqual(json.loads(answer.tuning_information)["message"], "Tune 1 running...")
        status = self.old("GetTaskById", self.original.TaskId(task_id=task))
        self.assertEqual((status.status, status.optimized_result, status.result_path), ("running", "{}", ""))

    def test_a_submission_is_answered_truthfully(self):
        # Script tasks need what this workspace has not: whatever is wrong is told, and nothing is stored.
        request = self.original.Task(script_url="nothing_there", optimized=True, arguments=["--task_name mrpc"], approach="static",
                                     requirements=[], workers=1)
        error = self.assert_refused(grpc.StatusCode.INVALID_ARGUMENT, lambda: self.old("SubmitTask", request), "script_url")
        self.assertIn("script_url", self.details(error)[0])
        error = self.assert_refused(grpc.StatusCode.INVALID_ARGUMENT, lambda: self.old("SubmitTask", self.original.Task(workers=-3)), "workers")
        self.assertIn("workers", self.details(error)[0])
        self.assertEqual(self.get("/task/").json, {"message": []})

    def test_unknown_and_invalid_ids(self):
        for call in ("GetTaskById", "QueryTaskResult"):
            self.assert_refused(grpc.StatusCode.NOT_FOUND, lambda: self.old(call, self.original.TaskId(task_id=UNKNOWN)), UNKNOWN)
            for bad in ("", "1", "g" * 32, "' or 1=1 --"):
                error = self.assert_refused(grpc.StatusCode.INVALID_ARGUMENT, lambda: self.old(call, self.original.TaskId(task_id=bad)))
                self.assertEqual(self.details(error), ({"task_id": "Invalid task id"}, "INVALID_TASK_ID"))


class OursTest(GrpcTest):
    def setUp(self):
        super().setUp()
        self.start()

    def test_typed_options_are_the_rest_request(self):
        task = self.grpc_submit(
            "typed", priority=1, workers=3, labels={"user": "ann"}, metric=[{"name": "f1", "parameters": {"average": "macro"}}],
            accuracy_criterion={"criterion": "absolute", "tolerable_loss": 0.5, "higher_is_better": True}, approach="dynamic",
            tuning={"max_trials": 7, "timeout": 60, "seed": 2 ** 40, "cache": False, "objective": [{"objective": "size", "weight": 2}],
                    "latency": {"threads": 1, "batch": 4}, "quantization": {"dtypes": ["int8"], "excluded_operators": ["Gemm"]},
                    "recipes": {"smooth": True}}, deadline_seconds=3600)
        spec = json.loads((self.task_folder(task) / "task.json").read_text())["spec"] if self.worker_pids(task) else None
        self.assertEqual(spec, {
            "model": "model.onnx", "dataset": {"path": "rows.npz"}, "metric": {"name": "f1", "parameters": {"average": "macro"}},
            "accuracy_criterion": {"criterion": "absolute", "tolerable_loss": 0.5, "higher_is_better": True},
            "tuning": {"max_trials": 7, "timeout": 60, "objective": [{"objective": "size", "weight": 2}], "latency": {"threads": 1, "batch": 4},
                       "quantization": {"dtypes": ["int8"], "excluded_operators": ["Gemm"]}, "recipes": {"smooth": True}, "seed": 2 ** 40,
                       "cache": False},
            "approach": "dynamic", "workers": 3, "priority": 1, "name": "typed", "labels": {"user": "ann"}, "deadline": 3600})

    def test_every_wrong_field_is_named_by_its_path(self):
        request = self.ours.Task(model="model.onnx", dataset={"path": "rows.npz"}, workers=-1, priority=9, metric=[{"name": "nonsense"}],
                                 tuning={"objective": [{"objective": "size", "weight": float("nan")}], "max_trials": 0})
        error = self.assert_refused(grpc.StatusCode.INVALID_ARGUMENT, lambda: self.call("SubmitTask", request))
        fields, reason = self.details(error)
        self.assertEqual(set(fields), {"workers", "priority", "metric[0].name", "tuning.objective[0].weight", "tuning.max_trials"})
        self.assertIn("1 to 10000", fields["workers"])
        self.assertEqual(reason, "BAD_REQUEST")
        error = self.assert_refused(grpc.StatusCode.INVALID_ARGUMENT, lambda: self.call("SubmitTask", self.ours.Task(model="none.onnx", dataset={"path": "rows.npz"})))
        self.assertEqual(list(self.details(error)[0]), ["model"])
        self.assertEqual(self.get("/task/").json, {"message": []})

    def test_the_same_idempotency_key_is_the_same_task(self):
        self.assertEqual(self.grpc_submit(idempotency_key="k"), self.grpc_submit(idempotency_key="k"))

    def test_lists_page_and_filter(self):
        tasks = [self.grpc_submit(str(i), labels={"user": "ann" if i else "bob"}) for i in range(3)]
        for task in tasks:
            self.await_state(task, "done")
        page = self.call("ListTasks", self.ours.ListTasksRequest(limit=2))
        self.assertEqual([t.task_id for t in page.tasks], tasks[:2])
        self.assertEqual((page.tasks[0].model, page.tasks[0].status, dict(page.tasks[0].labels)), ("model.onnx", "done", {"user": "bob"}))
        rest = self.call("ListTasks", self.ours.ListTasksRequest(after=page.next, status="done", label="user:ann"))
        self.assertEqual([t.task_id for t in rest.tasks], tasks[2:])
        self.assertFalse(rest.HasField("next"))
        for bad, field in (({"limit": -1}, "limit"), ({"limit": 1001}, "limit"), ({"after": -1}, "after"), ({"status": "x"}, "status"), ({"label": "x"}, "label")):
            error = self.assert_refused(grpc.StatusCode.INVALID_ARGUMENT, lambda: self.call("ListTasks", self.ours.ListTasksRequest(**bad)))
            self.assertEqual(list(self.details(error)[0]), [field])

    def test_details_are_those_of_rest(self):
        task = self.grpc_submit("crash_once+useful=2+sleep=3", workers=2)
        until(lambda: self.status(task)["details"].get("workers", {}).get("joined") is not None and self.status(task)["details"]["attempt"] == 2, what="its second attempt")
        rest = self.status(task)["details"]
        details = self.call("QueryTaskResult", self.ours.TaskId(task_id=task)).details
        workers = details.workers
        self.assertEqual([workers.asked, workers.most, workers.useful], [rest["workers"][field] for field in ("asked", "most", "useful")])
        self.assertEqual([(a.attempt, a.outcome, a.HasField("ended")) for a in details.attempts], [(1, "lost", True), (2, "", False)])
        self.assertEqual(details.attempts[0].started.ToJsonString()[:19], rest["attempts"][0]["started"][:19])
        self.assertEqual(len(details.where), 0, "its workers are on this machine")
        self.await_state(task, "done")
        rest = self.status(task)["details"]
        fields = {field.name for field in self.ours.TaskDetails.DESCRIPTOR.fields}
        self.assertLessEqual(set(rest), fields)
        self.assertEqual(self.call("QueryTaskResult", self.ours.TaskId(task_id=task)).details.note, rest.get("note", ""))

    def test_cancel(self):
        task = self.grpc_submit("sleep=60")
        self.await_state(task, "running")
        self.assertEqual(self.call("CancelTask", self.ours.TaskId(task_id=task)).status, "cancelled")
        self.assertEqual(self.status(task)["status"], "cancelled")
        error = self.assert_refused(grpc.StatusCode.FAILED_PRECONDITION, lambda: self.call("CancelTask", self.ours.TaskId(task_id=task)))
        self.assertEqual(self.details(error)[1], "ALREADY_ENDED")
        self.assert_refused(grpc.StatusCode.NOT_FOUND, lambda: self.call("CancelTask", self.ours.TaskId(task_id=UNKNOWN)))

    def test_watch_follows_from_any_event_to_the_end(self):
        task = self.grpc_submit("sleep=1")
        events = list(self.watch(task))  # begins before it runs, ends with it
        numbers = [event.seq for event in events]
        self.assertEqual(numbers, sorted(set(numbers)))
        self.assertEqual([e.state.state for e in events if e.HasField("state")], ["pending", "running", "done"])
        self.assertEqual(events[-1].state.state, "done")
        trials = [e.trial for e in events if e.HasField("trial")]
        self.assertEqual((trials[0].index, trials[0].configuration, trials[0].accuracy), (0, "fp32", 0.9))
        self.assertEqual([e.result.verdict for e in events if e.HasField("result")], ["twice as fast"])
        kept = [e.seq for e in self.watch(task)]  # of progress in a row only the last stays
        self.assertLessEqual(set(kept), set(numbers))
        self.assertGreater(len(kept), 5)
        for after in (numbers[0], numbers[len(numbers) // 2], numbers[-1]):
            self.assertEqual([e.seq for e in self.watch(task, after)], [n for n in kept if n > after])
        self.assert_refused(grpc.StatusCode.NOT_FOUND, lambda: self.watch(UNKNOWN))
        self.assert_refused(grpc.StatusCode.INVALID_ARGUMENT, lambda: self.watch("x"))

    def test_watch_tells_news_as_they_come_and_ends_when_the_client_leaves(self):
        task = self.grpc_submit("sleep=60")
        stream = self.watch(task, timeout=60)
        for event in stream:
            if event.HasField("state") and event.state.state == "running":
                break
        threading.Timer(0.5, lambda: self.call("CancelTask", self.ours.TaskId(task_id=task))).start()
        began = time.monotonic()
        last = list(stream)[-1]
        self.assertEqual(last.state.state, "cancelled")
        self.assertLess(time.monotonic() - began, 10)
        other = self.watch(self.grpc_submit("sleep=60"), timeout=60)
        next(iter(other))
        other.cancel()
        self.assert_refused(grpc.StatusCode.CANCELLED, lambda: other)

    def test_a_deadline_ends_a_stream_and_leaves_the_task(self):
        task = self.grpc_submit("sleep=60")
        self.assert_refused(grpc.StatusCode.DEADLINE_EXCEEDED, lambda: self.watch(task, timeout=0.5))
        self.assertIn(self.status(task)["status"], ("pending", "running"))

    def test_many_followers_of_one_task_all_see_all(self):
        task = self.grpc_submit("sleep=2")
        seen = []
        followers = [threading.Thread(target=lambda: seen.append([e.seq for e in self.watch(task, timeout=60)])) for _ in range(20)]
        for thread in followers:
            thread.start()
        for thread in followers:
            thread.join()
        everything = [e.seq for e in self.watch(task)]
        for numbers in seen:  # of progress events in a row, who was there sees more than is kept
            self.assertEqual(numbers, sorted(set(numbers)))
            self.assertEqual(numbers[-1], everything[-1])
        self.assertEqual(len(seen), 20)

    def test_download_resumes_from_any_byte(self):
        task = self.grpc_submit()
        self.await_state(task, "done")
        zipped = self.get(f"/download/{task}").body
        for offset in (0, 1, len(zipped) - 1, len(zipped)):
            chunks = list(self.call("DownloadResult", self.ours.DownloadRequest(task_id=task, offset=offset)))
            self.assertEqual(b"".join(c.data for c in chunks), zipped[offset:])
            self.assertEqual((chunks[0].offset, chunks[0].total), (offset, len(zipped)))
        download = lambda **fields: self.call("DownloadResult", self.ours.DownloadRequest(**fields))
        self.assert_refused(grpc.StatusCode.OUT_OF_RANGE, lambda: download(task_id=task, offset=len(zipped) + 1))
        self.assert_refused(grpc.StatusCode.OUT_OF_RANGE, lambda: download(task_id=task, offset=-1))
        self.assert_refused(grpc.StatusCode.NOT_FOUND, lambda: download(task_id=UNKNOWN))
        error = self.assert_refused(grpc.StatusCode.NOT_FOUND, lambda: download(task_id=task, trial=3))
        self.assertEqual(self.details(error)[1], "NO_SUCH_POINT")
        running = self.grpc_submit("sleep=60")
        error = self.assert_refused(grpc.StatusCode.FAILED_PRECONDITION, lambda: download(task_id=running))
        self.assertEqual(self.details(error)[1], "NOT_DONE")

    def upload(self, name, content, offset=0, **header):
        parts = [self.ours.UploadRequest(header={"name": name, "offset": offset, **header})]
        parts += [self.ours.UploadRequest(data=content[at:at + 7]) for at in range(0, len(content), 7)]
        return self.call("UploadFile", iter(parts))

    def test_uploads_resume_and_are_kept_once(self):
        content, sha256 = b"some bytes of a model", hashlib.sha256(b"some bytes of a model").hexdigest()
        part = self.upload("m.onnx", content[:10], size=len(content))
        self.assertEqual((part.complete, part.size, part.id), (False, 10, ""))
        self.assertEqual(self.call("QueryUpload", self.ours.QueryUploadRequest(name="m.onnx")).size, 10)
        whole = self.upload("m.onnx", content[10:], offset=10, size=len(content), sha256=sha256)
        self.assertEqual((whole.complete, whole.size, whole.sha256, whole.name), (True, len(content), sha256, "m.onnx"))
        self.assertEqual(self.upload("m.onnx", content).id, whole.id)
        self.assertEqual(self.get("/files/" + whole.id).json["sha256"], sha256)
        self.assertTrue(self.call("SubmitTask", self.ours.Task(model="upload:" + whole.id, dataset={"path": "rows.npz"})).task_id)

    def test_wrong_uploads_say_what_is_wrong(self):
        bad = [({"name": "../x"}, None), ({"name": "x", "sha256": "zz"}, "header.sha256"), ({"name": "x", "offset": -1}, "header.offset"),
               ({"name": "x", "offset": 5, "size": 4}, "header.size")]
        for header, field in bad:
            error = self.assert_refused(grpc.StatusCode.INVALID_ARGUMENT, lambda: self.call("UploadFile", iter([self.ours.UploadRequest(header=header)])))
            if field:
                self.assertIn(field, self.details(error)[0])
        self.assert_refused(grpc.StatusCode.INVALID_ARGUMENT, lambda: self.upload("x", b"abc", sha256="0" * 64))
        self.assert_refused(grpc.StatusCode.INVALID_ARGUMENT, lambda: self.call("UploadFile", iter([self.ours.UploadRequest(data=b"x")])))
        self.assert_refused(grpc.StatusCode.INVALID_ARGUMENT, lambda: self.call("UploadFile", iter([])))
        self.assert_refused(grpc.StatusCode.FAILED_PRECONDITION, lambda: self.upload("y", b"abc", offset=7, size=10))
        self.assert_refused(grpc.StatusCode.NOT_FOUND, lambda: self.call("QueryUpload", self.ours.QueryUploadRequest(name="none")))

    def test_cluster(self):
        cluster = self.call("GetCluster")
        rows = self.get("/cluster").json["Cluster info"]
        self.assertEqual([[n.id, n.name, n.info, n.status, n.free_slots, n.busy_slots, n.total_slots] for n in cluster.nodes], rows)
        error = self.assert_refused(grpc.StatusCode.INVALID_ARGUMENT, lambda: self.call("JoinNodes", self.ours.JoinNodesRequest(nodes="x y z")))
        self.assertEqual(list(self.details(error)[0]), ["nodes"])
        self.assert_refused(grpc.StatusCode.NOT_FOUND, lambda: self.call("RemoveNode", self.ours.RemoveNodeRequest(id=99)))

    def test_reflection_lists_the_service_and_its_file(self):
        stub = reflection_pb2_grpc.ServerReflectionStub(self.channel)
        requests = [reflection_pb2.ServerReflectionRequest(list_services=""),
                    reflection_pb2.ServerReflectionRequest(file_containing_symbol="neural_solution.TaskService")]
        services, file = stub.ServerReflectionInfo(iter(requests), timeout=20)
        names = {service.name for service in services.list_services_response.service}
        self.assertLessEqual({"neural_solution.TaskService", "grpc.health.v1.Health"}, names)
        self.assertIn(b"WatchTask", file.file_descriptor_response.file_descriptor_proto[0])

    def test_health_follows_readiness(self):
        stub = health_pb2_grpc.HealthStub(self.channel)
        serving = health_pb2.HealthCheckResponse.SERVING
        for service in ("", "neural_solution.TaskService"):
            self.assertEqual(stub.Check(health_pb2.HealthCheckRequest(service=service), timeout=20).status, serving)
        self.assert_refused(grpc.StatusCode.NOT_FOUND, lambda: stub.Check(health_pb2.HealthCheckRequest(service="other"), timeout=20))
        task = self.grpc_submit("sleep=60")
        self.await_state(task, "running")
        follower = self.watch(task, timeout=60)
        next(iter(follower))
        stopping = threading.Thread(target=lambda: self.run_program("stop", "--grace", "3", "--workspace", self.workspace))
        stopping.start()
        until(lambda: stub.Check(health_pb2.HealthCheckRequest(), timeout=20).status == health_pb2.HealthCheckResponse.NOT_SERVING, what="not serving")
        self.assert_refused(grpc.StatusCode.UNAVAILABLE, lambda: self.grpc_submit())
        self.assertEqual(self.old("Ping").status, "Failed")
        self.assert_refused(grpc.StatusCode.UNAVAILABLE, lambda: follower, "stopping")
        stopping.join()

    def test_calls_are_counted_by_method_and_code(self):
        follower = self.watch(self.grpc_submit("sleep=60"), timeout=60)
        next(iter(follower))
        self.old("Ping")
        self.assert_refused(grpc.StatusCode.NOT_FOUND, lambda: self.call("GetTaskById", self.ours.TaskId(task_id=uuid.uuid4().hex)))
        follower.cancel()
        count = 'neural_solution_grpc_request_seconds_count{{method="neural_solution.TaskService/{}",code="{}"}} 1\n'.format
        for method, code in (("SubmitTask", "OK"), ("Ping", "OK"), ("GetTaskById", "NOT_FOUND"), ("WatchTask", "CANCELLED")):
            until(lambda: count(method, code) in self.get("/metrics").body.decode(), what=f"{method} {code}")

    def test_a_message_over_the_limit_is_refused_and_the_connection_goes_on(self):
        self.assert_refused(grpc.StatusCode.RESOURCE_EXHAUSTED, lambda: self.call("SubmitTask", self.task("x" * (5 << 20))))
        self.assertEqual(self.old("Ping").status, "Healthy")


class ApiTypeTest(GrpcTest):
    def test_grpc_alone_serves_no_rest_port_and_the_command_line_still_works(self):
        started = self.start("--api_type", "grpc")
        self.assertNotIn("REST", started.stdout)
        self.assertIn(f"gRPC API   127.0.0.1:{self.grpc_port}", started.stdout)
        self.assertEqual(self.old("Ping").status, "Healthy")
        with self.assertRaises(OSError):
            self.get("/ping")
        task = self.grpc_submit()
        result = self.run_program("wait", task, "--workspace", self.workspace)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(self.call("GetTaskById", self.ours.TaskId(task_id=task)).result_path, str(self.task_folder(task) / "result"))

    def test_rest_alone_serves_no_grpc_port(self):
        started = self.start("--api_type", "restful")
        self.assertNotIn("gRPC", started.stdout)
        self.assertEqual(self.get("/ping").status, 200)
        self.assert_refused(grpc.StatusCode.UNAVAILABLE, lambda: self.old("Ping", timeout=5))

    def test_a_default_port_gives_way_to_one_that_was_given(self):
        # The seed's own command line: --restful_api_port=8001, gRPC's default.
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", 8001))
            except OSError:
                self.fail("port 8001 is in use on this machine; free it for this test")
        result = self.run_program("start", "--workspace", self.workspace, "--restful_api_port=8001", "--upload_path", self.uploads)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertRegex(result.stdout, r"gRPC API   127\.0\.0\.1:80\d\d \(8001 was given to another port")
        self.grpc_port = json.loads((self.workspace / "serve.json").read_text())["grpc_address"].rsplit(":", 1)[1]
        self.assertNotEqual(self.grpc_port, "8001")
        with channel_to(self.grpc_port) as self.channel:
            self.assertEqual(self.old("Ping").status, "Healthy")


class AccessTest(GrpcTest):
    def token(self, name, role):
        made = self.run_program("token", "create", "--name", name, "--role", role, "--workspace", self.workspace)
        self.assertEqual(made.returncode, 0, made.stderr)
        return [("authorization", "Bearer " + made.stdout.strip())]

    def test_tokens_and_roles_decide_as_in_rest(self):
        ann, bob, reader, admin = (self.token(*who) for who in (("ann", "submit"), ("bob", "submit"), ("eve", "read"), ("root", "admin")))
        self.start("--require_tokens")
        self.assertEqual(self.old("Ping").status, "Healthy")
        self.assert_refused(grpc.StatusCode.UNAUTHENTICATED, lambda: self.grpc_submit())
        self.assert_refused(grpc.StatusCode.UNAUTHENTICATED, lambda: self.call("GetCluster", metadata=[("authorization", "Bearer wrong")]))
        task = self.call("SubmitTask", self.task("sleep=60"), metadata=ann).task_id
        of_task = self.ours.TaskId(task_id=task)
        self.assertIn(self.call("GetTaskById", of_task, metadata=ann).status, ("pending", "running"))
        self.assert_refused(grpc.StatusCode.NOT_FOUND, lambda: self.call("GetTaskById", of_task, metadata=bob))
        self.assert_refused(grpc.StatusCode.NOT_FOUND, lambda: self.call("WatchTask", self.ours.WatchTaskRequest(task_id=task), metadata=bob))
        self.assertEqual(len(self.call("ListTasks", self.ours.ListTasksRequest(), metadata=bob).tasks), 0)
        self.assertEqual(len(self.call("ListTasks", self.ours.ListTasksRequest(), metadata=reader).tasks), 1)
        self.assert_refused(grpc.StatusCode.PERMISSION_DENIED, lambda: self.call("SubmitTask", self.task(), metadata=reader))
        self.assert_refused(grpc.StatusCode.PERMISSION_DENIED, lambda: self.call("RemoveNode", self.ours.RemoveNodeRequest(id=1), metadata=ann))
        self.assertEqual(self.call("CancelTask", of_task, metadata=admin).status, "cancelled")

    def test_rates_are_limited(self):
        self.start("--rate_limit", "1")
        self.assert_refused(grpc.StatusCode.RESOURCE_EXHAUSTED, lambda: [self.call("GetCluster") for _ in range(20)])

    def test_tls(self):
        key, cert = self.folder / "key.pem", self.folder / "cert.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", key, "-out", cert,
                        "-days", "2", "-subj", "/CN=here", "-addext", "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True)
        self.start("--tls_cert", cert, "--tls_key", key)
        self.assert_refused(grpc.StatusCode.UNAVAILABLE, lambda: self.old("Ping", timeout=5))
        with channel_to(self.grpc_port, credentials=grpc.ssl_channel_credentials(cert.read_bytes())) as self.channel:
            self.assertEqual(self.old("Ping").status, "Healthy")
            task = self.grpc_submit()
            self.assertTrue(list(self.watch(task))[-1].HasField("state"))
            self.assertTrue(self.call("GetTaskById", self.ours.TaskId(task_id=task)).result_path.startswith("https://"))


if __name__ == "__main__":
    unittest.main()
