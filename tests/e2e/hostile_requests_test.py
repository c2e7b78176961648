"""Requests that are broken, absurd or meant to harm: each is refused with a 4xx, or taken for what it says; none is answered with a 5xx, none
stops the service, none runs or writes anything."""
import json
import socket
import time
import unittest
import uuid

from harness import ServiceTest

TASK = uuid.UUID(int=0x12345678123442348234123456789012).hex
GOOD = {"model": "model.onnx", "dataset": "rows.npz"}

# Sent as they stand. (name, bytes, statuses; None: the connection may just be closed)
RAW = [
    ("nonsense", b"nonsense\r\n\r\n", {400}),
    ("binary", bytes(range(256)), {400, None}),
    ("a TLS hello", bytes.fromhex("16030100c8010000c40303") + b"\0" * 50, {400, None}),
    ("HTTP/2 preface", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", {400}),
    ("HTTP/0.9", b"GET /\r\n\r\n", {400}),
    ("HTTP/9.9", b"GET / HTTP/9.9\r\nHost: localhost\r\n\r\n", {400}),
    ("no Host", b"GET /ping HTTP/1.1\r\n\r\n", {400}),
    ("two Hosts", b"GET /ping HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", {400}),
    ("HTTP/1.0 without Host", b"GET /ping HTTP/1.0\r\n\r\n", {200}),
    ("no target", b"GET  HTTP/1.1\r\nHost: localhost\r\n\r\n", {400}),
    ("absolute target", b"GET http://elsewhere.example/ HTTP/1.1\r\nHost: localhost\r\n\r\n", {400}),
    ("CONNECT", b"CONNECT elsewhere.example:443 HTTP/1.1\r\nHost: localhost\r\n\r\n", {400}),
    ("OPTIONS *", b"OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n", {400}),
    ("TRACE", b"TRACE /ping HTTP/1.1\r\nHost: localhost\r\n\r\n", {405}),
    ("an unknown method", b"BREW /ping HTTP/1.1\r\nHost: localhost\r\n\r\n", {405}),
    ("lower-case method", b"get /ping HTTP/1.1\r\nHost: localhost\r\n\r\n", {405}),
    ("a zero byte in the target", b"GET /\0 HTTP/1.1\r\nHost: localhost\r\n\r\n", {400}),
    ("an encoded zero byte", b"GET /%00 HTTP/1.1\r\nHost: localhost\r\n\r\n", {400}),
    ("broken encoding", b"GET /%zz HTTP/1.1\r\nHost: localhost\r\n\r\n", {400}),
    ("encoding cut off", b"GET /% HTTP/1.1\r\nHost: localhost\r\n\r\n", {400}),
    ("broken encoding in the query", b"GET /tasks?limit=%f HTTP/1.1\r\nHost: localhost\r\n\r\n", {400}),
    ("bytes that are no UTF-8", b"GET /task/\xff\xfe HTTP/1.1\r\nHost: localhost\r\n\r\n", {400, 422}),
    ("a target too long", b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n", {400, 431}),
    ("a header too long", b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 20_000 + b"\r\n\r\n", {400, 431}),
    ("headers too many", b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"X: y\r\n" * 5_000 + b"\r\n", {400, 431}),
    ("a header without a colon", b"GET / HTTP/1.1\r\nHost: localhost\r\nnonsense\r\n\r\n", {400}),
    ("a header without a name", b"GET / HTTP/1.1\r\nHost: localhost\r\n: y\r\n\r\n", {400}),
    ("a space before the colon", b"GET / HTTP/1.1\r\nHost : x\r\n\r\n", {400}),
    ("a folded header", b"GET / HTTP/1.1\r\nHost: localhost\r\nX: a\r\n b\r\n\r\n", {200, 400}),
    ("a line break in a header", b"GET / HTTP/1.1\r\nHost: localhost\r\nX: a\nInjected: b\r\n\r\n", {200, 400}),
    ("a zero byte in a header", b"GET / HTTP/1.1\r\nHost: localhost\r\nX: \0\r\n\r\n", {400}),
    ("bare line feeds", b"GET / HTTP/1.1\nHost: localhost\n\n", {400, None}),
    ("length that is no number", b"POST /task/submit HTTP/1.1\r\nHost: localhost\r\nContent-Length: x\r\n\r\n", {400}),
    ("negative length", b"POST /task/submit HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n", {400}),
    ("length too large for a number", b"POST /task/submit HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999999999999999\r\n\r\n", {400, 413}),
    ("two lengths", b"POST /task/submit HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}", {400}),
    ("length and chunks", b"POST /task/submit HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", {400}),
    ("an unknown transfer encoding", b"POST /task/submit HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip\r\n\r\n", {400, 422, None}),
    ("a chunk size that is no number", b"POST /task/submit HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", {400}),
    ("a chunk size too large", b"POST /task/submit HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n", {400, 413}),
    ("a body announced too large", b"POST /task/submit HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999\r\n\r\n", {413}),
    ("chunks beyond the limit", b"POST /task/submit HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n" + b"fffff\r\n" + b"x" * 0xfffff + b"\r\n"
     + b"fffff\r\n" + b"x" * 0xfffff + b"\r\n" + b"fffff\r\n" + b"x" * 0xfffff + b"\r\n" + b"fffff\r\n" + b"x" * 0xfffff + b"\r\n" + b"fffff\r\n", {413}),
    ("an upgrade to something else", b"GET /ping HTTP/1.1\r\nHost: localhost\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n", {200}),
    ("a WebSocket without a key", f"GET /task/screen/{TASK} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n".encode(), {404, 426}),
    ("a name that a page of elsewhere had resolve to here", b"GET /tasks HTTP/1.1\r\nHost: page.example:8000\r\n\r\n", {403}),
    ("a Host that would be an address", b"GET /task/status/1 HTTP/1.1\r\nHost: x/../@evil\r\n\r\n", {403}),
    ("an Accept-Encoding of commas", b"GET / HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: ,,,;;;q=,,\r\n\r\n", {200}),
    ("a Range of nonsense", f"GET /download/{TASK} HTTP/1.1\r\nHost: localhost\r\nRange: bytes=--,x-\r\n\r\n".encode(), {400}),
]

PATHS = [
    "/../../etc/passwd", "/..%2f..%2fetc%2fpasswd", "/%2e%2e/%2e%2e/etc/passwd", "//etc/passwd", "/./ping/..", "/task/../ping", "/docs/../../etc/passwd",
    "/docs/%2e%2e%2f%2e%2e%2fetc%2fpasswd", "/docs/..", "/docs/index.html%00.js", "/task/" + "a" * 5000, "/task/" + "/".join("a" * 1000), "/task/%ff",
    "/task/'; DROP TABLE tasks; --", "/task/status/' OR '1'='1", "/task/log/..%2f..%2fdb%2ftask.db", "/task/log/*", "/task/screen/../../x",
    "/download/../../db/task.db", "/download/..%2f..%2fdb%2ftask.db", "/download/%00", "/download/-rf", "/download/$(id)", "/task/%7B%7B7*7%7D%7D",
    "/cluster/../task", "/task/" + TASK + "/report/../../../db/task.db", "/task/" + TASK + "%20", "/task/" + TASK.upper(), "/task/" + TASK + "%0d%0aX:y",
    "/tasks?limit=-1", "/tasks?limit=0", "/tasks?limit=1e3", "/tasks?limit=1000000000000000000000", "/tasks?limit=1;drop", "/tasks?limit=", "/tasks?after=-1",
    "/tasks?after=9223372036854775808", "/tasks?status=' OR 1=1 --", "/tasks?status=", "/tasks?label=", "/tasks?label=%00", "/tasks?label=a:%27%20OR%201=1",
    "/tasks?label=a:$(touch%20x)", "/tasks?limit=1&limit=x", "/tasks?%00=1", "/tasks?=&&&==", "/task?limit=999999999", "/task/?after=x",
    "/task/log/" + TASK + "?offset=-1", "/task/log/" + TASK + "?offset=x", "/task/" + TASK + "/events?after=99999999999999999999",
    "/cluster/nodes/1", "/cluster/nodes/../1", "/openapi.json/x", "/metrics/../x", "/.git/config", "/.env", "/wp-login.php", "/cgi-bin/test",
]

BODIES = [
    b"", b"{", b"}", b"[]", b"null", b"true", b"1", b'"x"', b"{}{}", b"{'model': 1}", b"\xff\xfe\x00\x01", b"\xef\xbb\xbf{}", b"[" * 100_000, b'{"a":' * 50_000,
    b'{"model": "\xff"}', b'{"model": "\\ud800"}', b'{"model": "a\\u0000b", "dataset": "x"}', b'{"model": NaN}', b'{"workers": 1e999}', b'{"workers": 1e400, "model": "x"}',
    b'{"workers": ' + b"9" * 5_000 + b"}", b'{"model": "' + b"a" * 1_000_000 + b'"}', b'{"' + b"k" * 100_000 + b'": 1}', b"<xml/>", b"a=b&c=d",
    b'{"model": "model.onnx", "model": "/etc/passwd", "dataset": "rows.npz"}', b'{"__proto__": {}}', b'{"script_url": {"$ne": null}}',
]

INJECTIONS = ["$(touch {canary})", "`touch {canary}`", "; touch {canary}", "| touch {canary}", "&& touch {canary}", "\n touch {canary}\n", "'; DROP TABLE tasks; --",
              "../../../../etc/passwd", "/etc/passwd", "file:///etc/passwd", "{{7*7}}", "%n%n%n%s", "<script>alert(1)</script>", "\u202e\u0000x", "-rf /", "--help"]


class HostileRequestsTest(ServiceTest):
    def setUp(self):
        super().setUp()
        self.start()
        self.canary = self.folder / "canary"

    def tearDown(self):
        self.assertFalse(self.canary.exists(), "something was run")
        self.assertEqual(self.get("/ping").json["status"], "Healthy")

    def send(self, text, timeout=15):
        """The status of the answer; None when there is none."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=timeout) as connection:
            try:
                connection.sendall(text)
                connection.shutdown(socket.SHUT_WR)
            except OSError:
                pass  # refused before all was sent
            answer = b""
            try:
                while b"\r\n" not in answer and (more := connection.recv(4096)):
                    answer += more
            except OSError:
                pass
        return int(answer.split()[1]) if answer.startswith(b"HTTP/1.1 ") else None

    def test_broken_http_is_refused(self):
        for name, text, statuses in RAW:
            with self.subTest(name):
                self.assertIn(self.send(text), statuses)

    def test_paths_lead_nowhere_else(self):
        for path in PATHS:
            with self.subTest(path):
                text = f"GET {path.replace(' ', '%20')} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode("latin-1", "replace")
                status = self.send(text)
                self.assertIn(status, {200, 400, 404, 405, 422, 431}, path)
                if status == 200:
                    self.assertNotIn(b"root:", self.get(path.replace(" ", "%20")).body)

    def test_bodies_that_are_no_requests_are_refused_and_store_nothing(self):
        for body in BODIES:
            for method, path in (("POST", "/task/submit/"), ("POST", "/cluster/nodes")):
                answer = self.request(method, path, body, {"Content-Type": "application/json"})
                with self.subTest(f"{path} {body[:60]}"):
                    self.assertEqual(answer.status, 422)
                    self.assertTrue(answer.json["detail"])
        for kind in ("text/plain", "application/xml", "multipart/form-data; boundary=x", "image/png", "application/jsonx"):
            self.assertEqual(self.request("POST", "/task/submit/", json.dumps(GOOD).encode(), {"Content-Type": kind}).status, 415, kind)
        self.assertEqual(self.get("/task/").json, {"message": []})

    def test_injections_in_every_field_do_nothing(self):
        fields = ["model", "script_url", "dataset", "approach", "name", "idempotency_key", "webhook", "deadline", "metric", "optimized", "workers", "priority"]
        before = set(self.folder.rglob("*"))
        for text in INJECTIONS:
            text = text.replace("{canary}", str(self.canary))
            bodies = [{**GOOD, field: text} for field in fields]
            bodies += [{**GOOD, "arguments": [text]}, {**GOOD, "requirements": [text]}, {**GOOD, "labels": {text: text}}, {**GOOD, text: text},
                       {**GOOD, "dataset": {"path": text}}, {**GOOD, "dataset": {"path": "rows.npz", "calibration": text}},
                       {**GOOD, "dataset": {"path": "rows.npz", "columns": {"label": text, "inputs": {text: text}}}},
                       {**GOOD, "tuning": {"strategy": text}}, {**GOOD, "tuning": {"quantization": {"excluded_operators": [text]}}},
                       {**GOOD, "metric": [{"name": text}]}, {"script_url": text, "optimized": True, "arguments": [text], "requirements": [text]}]
            for body in bodies:
                answer = self.request("POST", "/task/submit/", body, {"Content-Type": "application/json"})
                self.assertIn(answer.status, {200, 422}, (body, answer.body))
                self.assertNotIn(b"root:", answer.body)
            for header in ("Idempotency-Key", "Accept", "Accept-Encoding", "Last-Event-ID", "Origin", "X-Forwarded-For", "If-None-Match", "Cookie"):
                value = "".join(c for c in text if " " <= c < "\x7f").strip()
                self.assertLess(self.request("POST", "/task/submit/", {**GOOD, "workers": 0}, {header: value, "Content-Type": "application/json"}).status, 500)
        for row in self.get("/task/?limit=100000").json["message"]:
            self.request("POST", f"/task/{row[0]}/cancel")
        made = {path for path in set(self.folder.rglob("*")) - before if self.workspace not in path.parents}
        self.assertEqual(made, set())

    def test_clients_that_dawdle_are_let_go_and_hold_up_nobody(self):
        slow = [socket.create_connection(("127.0.0.1", self.port), timeout=10) for _ in range(200)]
        for connection in slow:
            connection.sendall(b"POST /task/submit/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{")
        began = time.monotonic()
        self.assertEqual(self.get("/ping").status, 200)
        self.assertEqual(self.request("POST", "/task/submit/", GOOD).status, 200)
        self.assertLess(time.monotonic() - began, 5)
        for connection in slow:
            connection.close()

    def test_requests_that_come_before_the_answer_are_answered_in_their_order(self):
        names = [f"/task/status/{n}" for n in range(30)] + ["/ping"] * 5 + ["/task/"] * 5
        text = b"".join(f"GET {name} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode() for name in names)
        body = json.dumps(GOOD).encode()
        text += b"POST /task/submit/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
        text += b"GET /nothing HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        with socket.create_connection(("127.0.0.1", self.port), timeout=30) as connection:
            connection.sendall(text)
            answer = b""
            while more := connection.recv(65536):
                answer += more
        statuses = [int(part.split()[0]) for part in answer.split(b"HTTP/1.1 ")[1:]]
        self.assertEqual(statuses, [422] * 30 + [200] * 11 + [404])


if __name__ == "__main__":
    unittest.main()
