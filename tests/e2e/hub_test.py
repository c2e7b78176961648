"""Models named as the Hugging Face hub names them, on the command line and in tasks."""
import json
import os
import pathlib
import unittest
import unittest.mock

from harness import ROOT, ServiceTest
from hub_server import COMMIT, HubServer

TEXTS = ROOT / "examples/text-classification"


def example():
    names = ("config.json", "model.onnx", "special_tokens_map.json", "tokenizer.json", "tokenizer_config.json", "vocab.txt")
    return {**{name: (TEXTS / name).read_bytes() for name in names}, "README.md": b"a card", "pytorch_model.bin": b"not needed"}


class HubTest(ServiceTest):
    def setUp(self):
        super().setUp()
        self.cache = self.folder / "hf"

    def serve(self, files=None, large=("model.onnx",), token=None, **more):
        hub = HubServer("owner/tiny", files or example(), large, token)
        self.addCleanup(hub.close)
        variables = {"HF_ENDPOINT": hub.endpoint, "HF_HOME": str(self.cache), **more}
        patch = unittest.mock.patch.dict(os.environ, variables)
        patch.start()
        self.addCleanup(patch.stop)
        return hub


class CommandLineTest(HubTest):
    def test_a_model_is_fetched_once(self):
        hub = self.serve()
        folder = self.run_program("fetch", "owner/tiny")
        self.assertEqual(folder.returncode, 0, folder.stderr)
        self.assertEqual(folder.stdout.strip(), str(self.cache / "hub/models--owner--tiny/snapshots" / COMMIT))
        self.assertEqual((pathlib.Path(folder.stdout.strip()) / "model.onnx").read_bytes(), (TEXTS / "model.onnx").read_bytes())
        before = len(hub.hub.requests)
        again = json.loads(self.run_program("fetch", "owner/tiny", "--json").stdout)
        self.assertEqual((again["commit"], again["fetched_bytes"]), (COMMIT, 0))
        self.assertEqual(len(hub.hub.requests), before + 1)

    def test_optimize_takes_a_name_of_the_hub(self):
        hub = self.serve(token="hf_secret", HF_TOKEN="hf_secret")
        result = self.run_program("optimize", "owner/tiny", "--data", TEXTS / "evaluation.tsv", "--evaluation-samples", 64, "--max-trials", 1, "--no-cache",
                                  timeout=300)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertTrue((self.folder / "tiny-optimized/tokenizer.json").exists())
        self.assertTrue(hub.storage.requests)
        self.assertFalse([request for request in hub.storage.requests if "Authorization" in request[2]])
        hub.close()
        offline = self.run_program("inspect", "owner/tiny", "--json", env={"HF_HUB_OFFLINE": "1"})
        self.assertEqual(offline.returncode, 0, offline.stderr)

    def test_what_is_not_there_is_told_in_one_line(self):
        self.serve(token="hf_secret")
        for command in (("optimize", "--data", TEXTS / "evaluation.tsv"), ("inspect",), ("benchmark",)):
            result = self.run_program(*command, "owner/tiny")
            self.assertEqual(result.returncode, 2, result.stderr)
            self.assertIn("there is no 'owner/tiny' here", result.stderr)
            self.assertIn("give a token in HF_TOKEN", result.stderr)
            self.assertEqual(len(result.stderr.splitlines()), 1, result.stderr)
        unknown = self.run_program("fetch", "owner/none", env={"HF_TOKEN": "hf_secret"})
        self.assertEqual((unknown.returncode, unknown.stdout), (1, ""))
        self.assertIn('has no model "owner/none"', unknown.stderr)

    def test_a_folder_wins_over_a_name_of_the_hub(self):
        hub = self.serve()
        (self.folder / "owner").mkdir()
        (self.folder / "owner/tiny").symlink_to(TEXTS)
        self.assertEqual(self.run_program("inspect", "owner/tiny").returncode, 0)
        self.assertEqual(hub.hub.requests, [])


class TaskTest(HubTest):
    def fetched(self, task):
        return self.task_folder(task) / "inputs" / "model"

    def test_a_task_fetches_its_model(self):
        hub = self.serve({"config.json": b"{}", "onnx/model.onnx": b"weights"}, large=("onnx/model.onnx",), token="hf_secret", HF_TOKEN="hf_secret")
        self.start("--allow_addresses", "127.0.0.1")
        for round in range(2):
            task = self.submit(model="owner/tiny")
            self.await_state(task, "done")
            self.assertEqual((self.fetched(task) / "onnx/model.onnx").read_bytes(), b"weights")
            self.assertFalse((self.fetched(task) / "onnx/model.onnx").is_symlink())
            log = self.get(f"/task/log/{task}").body.decode()
            self.assertIn("all of it was in the cache" if round else "2 files, fetched 9 bytes", log)
            self.assertNotIn("hf_secret", log)
            self.assertNotIn("hf_secret", (self.task_folder(task) / "steps.json").read_text())
        self.assertEqual(len(hub.storage.requests), 1)
        self.assertTrue((self.cache / "hub/models--owner--tiny/refs/main").exists())

    def test_the_token_may_be_in_the_hubs_file(self):
        self.serve({"config.json": b"{}", "model.onnx": b"weights"}, large=(), token="hf_secret")
        self.cache.mkdir()
        (self.cache / "token").write_text("hf_secret\n")
        self.start("--allow_addresses", "127.0.0.1")
        self.await_state(self.submit(model="owner/tiny"), "done")

    def test_what_the_hub_refuses_fails_the_task_at_once(self):
        self.serve({"config.json": b"{}", "model.onnx": b"x" * 2000}, token="hf_secret")
        self.start("--allow_addresses", "127.0.0.1", "--max_upload_bytes", 1000)
        failed = self.await_state(self.submit(model="owner/tiny"), "failed")
        self.assertEqual((failed["details"]["reason"], failed["details"]["attempt"]), ("HUB_UNAUTHORIZED", 1))

    def test_the_services_limits_and_address_rules_hold(self):
        hub = self.serve({"config.json": b"{}", "model.onnx": b"x" * 2000})
        self.start("--max_upload_bytes", 1000)
        failed = self.await_state(self.submit(model="owner/tiny"), "failed")
        self.assertEqual(failed["details"]["reason"], "PRIVATE_ADDRESS")
        self.assertEqual(hub.hub.requests, [])
        self.run_program("stop", "--now", "--workspace", self.workspace)
        self.start("--max_upload_bytes", 1000, "--allow_addresses", "127.0.0.1")
        failed = self.await_state(self.submit(model="owner/tiny"), "failed")
        self.assertEqual(failed["details"]["reason"], "FILE_TOO_LARGE")
        self.assertEqual(hub.storage.requests, [])

    def test_without_a_home_of_the_hub_the_workspace_has_its_own(self):
        self.serve({"config.json": b"{}", "model.onnx": b"weights"}, large=())
        with unittest.mock.patch.dict(os.environ):
            del os.environ["HF_HOME"]
            self.start("--allow_addresses", "127.0.0.1")
        self.await_state(self.submit(model="owner/tiny"), "done")
        self.assertTrue((self.workspace / "cache/hub/models--owner--tiny/refs/main").exists())


if __name__ == "__main__":
    unittest.main()
