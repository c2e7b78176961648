"""Uploads: whole, in pieces, broken and gone on with, checked, kept once, used in tasks."""
import base64
import hashlib
import http.client
import io
import json
import os
import pathlib
import re
import socket
import subprocess
import tarfile
import time
import unittest
import zipfile

from harness import ROOT, ServiceTest, until


def sha256(data):
    return hashlib.sha256(data).hexdigest()


class UploadsTest(ServiceTest):
    def put(self, name, data, query="", **headers):
        return self.request("PUT", f"/files/{name}{query}", data, {k.replace("_", "-"): v for k, v in headers.items()})

    def upload(self, name, data):
        answer = self.put(name, data)
        self.assertIn(answer.status, (200, 201), answer.body)
        return answer.json

    def disk_files(self, folder):
        return sorted(p.name for p in (self.workspace / "uploads" / folder).iterdir())

    def test_a_file_is_kept_once_and_described(self):
        self.start()
        data = os.urandom(100_000)
        first = self.put("model.onnx", data)
        self.assertEqual(first.status, 201)
        self.assertEqual(first.json["sha256"], sha256(data))
        self.assertEqual(first.json["reference"], "upload:" + first.json["id"])
        again = self.put("model.onnx", data)
        self.assertEqual((again.status, again.json["id"]), (200, first.json["id"]))
        other = self.put("copy.onnx", data)
        self.assertEqual(other.status, 201)
        self.assertNotEqual(other.json["id"], first.json["id"])
        self.assertEqual(self.disk_files("blobs"), [sha256(data)])
        for name in (first.json["id"], "model.onnx"):
            self.assertEqual(self.get(f"/files/{name}").json["id"], first.json["id"])
        self.assertEqual([f["name"] for f in self.get("/files").json["files"]], ["model.onnx", "copy.onnx"])
        self.assertEqual(self.request("DELETE", f"/files/{first.json['id']}").status, 200)
        self.assertEqual(self.get(f"/files/{first.json['id']}").status, 404)
        self.assertEqual(self.disk_files("blobs"), [sha256(data)])
        self.assertEqual(self.request("DELETE", f"/files/{other.json['id']}").status, 200)
        self.assertEqual(self.disk_files("blobs"), [])

    def test_digests_are_checked(self):
        self.start()
        data, other = b"right", b"wrong"
        for answer in (self.put("m", data, "?sha256=" + sha256(other)), self.put("m", data, "?sha256=nonsense"),
                       self.put("m", data, Content_Digest="sha-256=:%s:" % base64.b64encode(hashlib.sha256(other).digest()).decode()),
                       self.put("m", data, Repr_Digest="sha-256=:%s:" % base64.b64encode(hashlib.sha256(other).digest()).decode())):
            self.assertEqual(answer.status, 422, answer.body)
        self.assertEqual(self.disk_files("files") + self.disk_files("partial"), [])
        self.assertEqual(self.put("m", data, "?sha256=" + sha256(data).upper()).status, 201)
        self.assertEqual(self.put("m", data, Repr_Digest="sha-256=:%s:" % base64.b64encode(hashlib.sha256(data).digest()).decode()).status, 200)

    def test_pieces(self):
        self.start()
        data = os.urandom(10_000)
        piece = self.put("m", data[:4000], Content_Range="bytes 0-3999/10000")
        self.assertEqual((piece.status, piece.json["received"], piece.headers["Upload-Offset"]), (202, 4000, "4000"))
        self.assertEqual(self.get("/files/m").json, {"name": "m", "complete": False, "received": 4000, "size": 10000})
        hole = self.put("m", data[5000:], Content_Range="bytes 5000-9999/10000")
        self.assertEqual((hole.status, hole.json["received"], hole.headers["Upload-Offset"]), (409, 4000, "4000"))
        last = self.put("m", data[4000:], Content_Range="bytes 4000-9999/10000")
        self.assertEqual((last.status, last.json["sha256"]), (201, sha256(data)))
        for bad in ("bytes 0-3/3", "bytes x", "bytes 5-4/10", "bytes 0-9/10"):
            self.assertEqual(self.put("n", b"1234", Content_Range=bad).status, 422, bad)

    def send_part(self, name, data, total):
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=10)
        connection.sendall(f"PUT /files/{name} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {total}\r\n\r\n".encode() + data)
        return connection

    def received(self, name):
        answer = self.get(f"/files/{name}")
        return answer.json.get("received", 0) if answer.status == 200 else 0

    def test_a_connection_that_breaks_is_gone_on_with_by_curl(self):
        self.start()
        path = self.folder / "model.onnx"
        path.write_bytes(os.urandom(3_000_000))
        connection = self.send_part("model.onnx", path.read_bytes()[:1_000_000], 3_000_000)
        until(lambda: self.received("model.onnx") == 1_000_000, what="the first part")
        connection.close()
        url = f"http://127.0.0.1:{self.port}/files/model.onnx"
        offset = json.loads(subprocess.run(["curl", "-sS", url], capture_output=True, check=True).stdout)["received"]
        sent = subprocess.run(["curl", "-sS", "-C", str(offset), "-T", path, url], capture_output=True, check=True)
        self.assertEqual(json.loads(sent.stdout)["sha256"], sha256(path.read_bytes()))

    def test_a_kill_of_the_service_in_the_middle_costs_nothing(self):
        self.start()
        data = os.urandom(2_000_000)
        connection = self.send_part("m", data[:1_500_000], len(data))
        until(lambda: self.received("m") == 1_500_000, what="the first part")
        self.kill_service()
        connection.close()
        self.start()
        self.assertEqual(self.received("m"), 1_500_000)
        rest = self.put("m", data[1_500_000:], Content_Range=f"bytes 1500000-{len(data) - 1}/{len(data)}")
        self.assertEqual((rest.status, rest.json["sha256"]), (201, sha256(data)))

    def test_what_was_acknowledged_survives_a_kill(self):
        self.start()
        known = [self.upload(f"f{i}", os.urandom(1000)) for i in range(20)]
        self.kill_service()
        self.start()
        for file in known:
            self.assertEqual(self.get(f"/files/{file['id']}").json["sha256"], file["sha256"])

    def test_limits(self):
        self.start("--max_upload_bytes", 1_000_000)
        answer = self.put("m", b"x" * 1_000_001)
        self.assertEqual(answer.status, 413, answer.body)
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        connection.request("PUT", "/files/m", iter([b"x" * 100_000] * 11), {"Transfer-Encoding": "chunked"}, encode_chunked=True)
        self.assertEqual(connection.getresponse().status, 413)
        self.assertEqual(self.disk_files("partial"), [])
        self.assertEqual(self.put("m", b"x" * 1_000_000).status, 201)
        for bad in ("..", ".hidden", "%2e%2e", "a%2Fb", "x" * 201):
            self.assertIn(self.put(bad, b"x").status, (404, 422), bad)

    def test_memory_stays_small(self):
        self.start()
        size = 300_000_000
        connection = self.send_part("big", b"", size)
        block, sent = os.urandom(1 << 20), 0
        while sent < size:
            piece = block[:size - sent]
            connection.sendall(piece)
            sent += len(piece)
        self.assertIn(b" 201 ", connection.recv(4096))
        connection.close()
        status = pathlib.Path(f"/proc/{self.service_pid()}/status").read_text()
        peak = int([line for line in status.splitlines() if line.startswith("VmHWM")][0].split()[1])
        self.assertLess(peak, 100_000, "kB")

    def test_a_task_works_on_uploaded_files(self):
        self.start()
        model, rows = self.upload("model.onnx", b"weights"), self.upload("rows.csv", b"a,b\n1,2\n")
        task = self.submit(model="upload:" + model["id"], dataset={"path": "upload:" + rows["sha256"], "calibration": "0:1"}, name="sleep=0.6")
        self.assertEqual(self.request("DELETE", f"/files/{model['id']}").status, 409)
        self.await_state(task, "done")
        given = json.loads((self.task_folder(task) / "task.json").read_text())
        self.assertEqual(pathlib.Path(given["model_path"]).read_bytes(), b"weights")
        self.assertEqual(pathlib.Path(given["dataset_path"]).name, "rows.csv")
        self.assertEqual(self.request("DELETE", f"/files/{model['id']}").status, 200)
        refused = self.request("POST", "/task/submit/", {"model": "upload:model.onnx", "dataset": "upload:rows.csv"})
        self.assertEqual(refused.status, 422)
        self.assertIn("upload:" + rows["id"], refused.body.decode())

    def inputs(self, task):
        return json.loads((self.task_folder(task) / "inputs" / "inputs.json").read_text())

    def test_archives_are_unpacked_for_the_task(self):
        self.start()
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w:gz") as out:
            for name, content in (("bert/config.json", b"{}"), ("bert/model.onnx", b"weights")):
                entry = tarfile.TarInfo(name)
                entry.size = len(content)
                out.addfile(entry, io.BytesIO(content))
        data = io.BytesIO()
        with zipfile.ZipFile(data, "w") as out:
            out.writestr("rows.csv", "a,b\n1,2\n")
        model, rows = self.upload("bert.tar.gz", packed.getvalue()), self.upload("rows.zip", data.getvalue())
        task = self.submit(model="upload:" + model["id"], dataset="upload:" + rows["id"])
        self.await_state(task, "done")
        self.assertTrue(self.inputs(task)["model_path"].endswith("/inputs/model/bert"))
        self.assertEqual(pathlib.Path(self.inputs(task)["dataset_path"]).read_text(), "a,b\n1,2\n")
        self.assertIn("unpacked 'bert.tar.gz'", self.get(f"/task/log/{task}").body.decode())

    def test_a_hostile_archive_fails_the_task_with_the_reason(self):
        self.start()
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w") as out:
            link = tarfile.TarInfo("model.onnx")
            link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
            out.addfile(link)
        task = self.submit(model=self.upload("m.tar", packed.getvalue())["reference"])
        failed = self.await_state(task, "failed")
        self.assertEqual(failed["details"]["reason"], "BAD_ARCHIVE_ENTRY")
        self.assertIn("is a link", failed["details"]["message"])
        self.assertEqual(failed["details"]["attempt"], 1)

    def test_the_examples_of_the_documentation(self):
        self.start()
        (self.folder / "model.onnx").write_bytes(os.urandom(200_000))
        (self.folder / "data.csv").write_text("a,b\n1,2\n")
        blocks = re.findall(r"```sh\n(.*?)```", (ROOT / "docs/files.md").read_text(), re.S)
        self.assertEqual(len(blocks), 5)
        script = "set -e\n" + "\n".join(blocks[:4])
        environment = {**os.environ, "SERVICE": f"http://127.0.0.1:{self.port}"}
        run = subprocess.run(["bash", "-c", script], cwd=self.folder, env=environment, capture_output=True, text=True)
        self.assertEqual(run.returncode, 0, run.stderr)
        answers = [json.loads(text) for text in re.findall(r"{.*?}", run.stdout)]
        self.assertEqual([a.get("name") for a in answers], ["model.onnx", "model.onnx", "data.csv", None], run.stdout)
        self.await_state(answers[3]["task_id"], "done")
        run = subprocess.run(["bash", "-c", blocks[4]], cwd=self.folder, env=environment, capture_output=True, text=True)
        self.assertIn("was removed", run.stdout)

    def test_the_command_line_sends_files_and_folders(self):
        self.start()
        model = self.folder / "bert"
        model.mkdir()
        (model / "config.json").write_text("{}")
        (model / "model.onnx").write_bytes(b"weights")
        (self.folder / "local.csv").write_text("a,b\n1,2\n")
        sent = [self.run_program("upload", model, "--workspace", self.workspace) for _ in range(2)]
        self.assertEqual([s.returncode for s in sent], [0, 0], sent[0].stderr)
        self.assertEqual(sent[0].stdout, sent[1].stdout)
        self.assertIn("has 'bert.tar' already", sent[1].stderr)
        submitted = self.run_program("submit", "--upload", "--model", "bert", "--dataset", "local.csv", "--workspace", self.workspace)
        self.assertEqual(submitted.returncode, 0, submitted.stderr)
        task = submitted.stdout.strip()
        self.await_state(task, "done")
        self.assertEqual(json.loads((self.task_folder(task) / "task.json").read_text())["spec"]["model"], sent[0].stdout.strip())
        below = self.run_program("submit", "--model", "bert", "--dataset", "local.csv", "--workspace", self.workspace)
        self.assertEqual(below.returncode, 2)
        self.assertIn("--upload_path", below.stderr)


if __name__ == "__main__":
    unittest.main()
