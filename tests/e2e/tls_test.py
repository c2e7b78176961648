"""The API in TLS: the same calls, certificates that are wrong told by their file, a new one taken without a stop."""
import os
import re
import shutil
import signal
import ssl
import subprocess
import time
import unittest
import urllib.request

import grpc

from follow import WebSocket
from harness import ServiceTest, until
from stubs import ORIGINAL, Stubs, channel_to, empty


class TlsTest(ServiceTest):
    def setUp(self):
        super().setUp()
        self.cert, self.key = self.make("one")

    def make(self, name):
        cert, key = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", key, "-out", cert,
                        "-days", "2", "-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True)
        return cert, key

    def context(self, cert):
        return ssl.create_default_context(cafile=cert)

    def fetch(self, path, cert=None, body=None):
        request = urllib.request.Request(f"https://127.0.0.1:{self.port}{path}", data=body, headers={"Content-Type": "application/json"} if body else {})
        handler = urllib.request.HTTPSHandler(context=self.context(cert or self.cert))
        with urllib.request.build_opener(urllib.request.ProxyHandler({}), handler).open(request, timeout=30) as answer:
            return answer.read()

    def grpc_name(self):
        """Whose certificate gRPC serves now."""
        shown = subprocess.run(["openssl", "s_client", "-alpn", "h2", "-connect", f"127.0.0.1:{self.grpc_port}"], input=b"", capture_output=True).stdout
        return re.search(rb"subject=CN = (\w+)", shown)[1].decode()

    def grpc_answers(self, cert):
        stubs = Stubs(ORIGINAL, self.folder)
        with channel_to(self.grpc_port, credentials=grpc.ssl_channel_credentials(cert.read_bytes())) as channel:
            return stubs.call(channel, "Ping")(empty(stubs), timeout=20).status == "Healthy"

    def test_calls_websocket_and_command_line_work_in_tls(self):
        self.start("--tls_cert", self.cert, "--tls_key", self.key)
        self.assertIn(b"Healthy", self.fetch("/ping"))
        submitted = self.run_program("submit", "--workspace", self.workspace, "--model", "model.onnx", "--data", "rows.npz", "--wait")
        self.assertEqual(submitted.returncode, 0, submitted.stderr)
        task = self.run_program("list", "--workspace", self.workspace, "--json").stdout.split('"id":"')[1][:32]
        self.assertIn(f"https://127.0.0.1:{self.port}/download/{task}".encode(), self.fetch(f"/task/status/{task}"))
        self.assertGreater(len(self.fetch(f"/download/{task}")), 100)
        screen = WebSocket(self.port, f"/task/screen/{task}", wrap=lambda s: self.context(self.cert).wrap_socket(s, server_hostname="127.0.0.1"))
        self.assertEqual(list(screen.lines()), ["fake worker: started", "fake worker: done"])
        self.assertEqual(screen.close_code, 1000)
        screen.close()
        # Another key than the one the workspace names is not believed.
        record = (self.workspace / "serve.json").read_text()
        (self.workspace / "serve.json").write_text(record.replace("sha256//", "sha256//AAAA"))
        self.assertNotEqual(self.run_program("list", "--workspace", self.workspace).returncode, 0)
        (self.workspace / "serve.json").write_text(record)

    def test_old_versions_and_plain_http_are_refused(self):
        self.start("--tls_cert", self.cert, "--tls_key", self.key)
        old = subprocess.run(["openssl", "s_client", "-tls1_1", "-cipher", "ALL:@SECLEVEL=0", "-connect", f"127.0.0.1:{self.port}"], input=b"", capture_output=True)
        self.assertNotEqual(old.returncode, 0)
        new = subprocess.run(["openssl", "s_client", "-tls1_2", "-connect", f"127.0.0.1:{self.port}"], input=b"", capture_output=True)
        self.assertEqual(new.returncode, 0)
        with self.assertRaises(Exception):
            self.get("/ping")
        self.assertIn(b"Healthy", self.fetch("/ping"))

    def test_a_wrong_file_is_named(self):
        _, other_key = self.make("two")
        garbage = self.folder / "garbage.pem"
        garbage.write_text("not a certificate")
        missing = self.folder / "missing.pem"
        for cert, key, named in ((missing, self.key, missing), (self.cert, missing, missing), (garbage, self.key, garbage), (self.cert, garbage, garbage),
                                 (self.cert, other_key, other_key)):
            self.assertIn(str(named), self.start("--tls_cert", cert, "--tls_key", key, expect=2).stderr)
        self.assertIn("--tls_key", self.start("--tls_cert", self.cert, expect=2).stderr)

    def test_a_new_certificate_is_taken_on_sighup_and_a_broken_one_is_not(self):
        self.start("--tls_cert", self.cert, "--tls_key", self.key)
        new_cert, new_key = self.make("two")
        old = self.folder / "old.pem"
        shutil.copy(self.cert, old)
        self.assertEqual(self.grpc_name(), "one")

        def served_by(cert):
            try:
                return b"Healthy" in self.fetch("/ping", cert)
            except OSError:
                return False

        shutil.copy(new_cert, self.cert)
        shutil.copy(new_key, self.key)
        os.kill(self.service_pid(), signal.SIGHUP)
        until(lambda: served_by(new_cert), what="the new certificate")
        self.assertFalse(served_by(old))
        until(lambda: self.grpc_name() == "two", what="the new certificate of gRPC")
        until(lambda: self.run_program("list", "--workspace", self.workspace).returncode == 0, what="the new key in serve.json")
        self.assertTrue(self.grpc_answers(new_cert))
        self.key.write_text("broken")
        os.kill(self.service_pid(), signal.SIGHUP)
        until(lambda: "stays as it was" in (self.workspace / "serve_log" / "backend.log").read_text(), what="the complaint")
        self.assertTrue(served_by(new_cert))
        time.sleep(1.5)  # gRPC looks once a second
        self.assertTrue(self.grpc_answers(new_cert))


if __name__ == "__main__":
    unittest.main()
