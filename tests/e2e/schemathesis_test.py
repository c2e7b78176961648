"""Schemathesis, with all its checks, finds nothing: what /openapi.json says is what the service does, for requests that fit it and for those
that do not.

The long form:  NS_SCHEMATHESIS_EXAMPLES=500 ctest --test-dir build -R schemathesis   (another seed: NS_SCHEMATHESIS_SEED=7)
"""
import importlib.util
import json
import os
import subprocess
import sys
import unittest

from harness import ServiceTest

EXAMPLES = os.environ.get("NS_SCHEMATHESIS_EXAMPLES", "8")
SEED = os.environ.get("NS_SCHEMATHESIS_SEED", "1")

# Statuses that a request which fits the schema may get beside those that Schemathesis expects, because the schema cannot say when.
CONFIG = """
[[operations]]
include-path = "/download/{id}"
checks.positive_data_acceptance.expected-statuses = ["2xx", "3xx", 400, 404, 416]  # an unknown task is 400, as the original answers

[[operations]]
include-path = "/task/screen/{id}"
checks.positive_data_acceptance.expected-statuses = [404, 426]  # it is no WebSocket client

[[operations]]
include-path = "/files/{name}"
checks.positive_data_acceptance.expected-statuses = ["2xx", 404, 409, 422]  # names and headers have rules beyond a schema
"""


def narrowed(api):
    """The description with what depends on this service's files put in: the model and the data that are there, nodes that are this machine."""
    schemas = api["components"]["schemas"]
    request = schemas["TaskRequest"]["properties"]
    request["model"] = {"enum": ["model.onnx"]}
    request["dataset"] = {"anyOf": [{"enum": ["rows.npz"]}, {"$ref": "#/components/schemas/Dataset"}]}
    request["script_url"] = {"type": "null"}
    request["webhook"] = {"type": "null"}
    request["idempotency_key"] = {"type": "null"}  # the header says it; both must say the same
    request["requirements"] = {"type": "null"}
    schemas["TaskRequest"].pop("oneOf")
    schemas["TaskRequest"]["required"] = ["model", "dataset"]
    schemas["Dataset"]["properties"]["path"] = {"enum": ["rows.npz"]}
    schemas["Dataset"]["properties"]["calibration"] = {"enum": ["rows.npz", "0:200", None]}
    schemas["JoinNodes"]["properties"]["nodes"] = {"enum": ["localhost 1 1"]}
    return api


class SchemathesisTest(ServiceTest):
    def test_all_checks_find_nothing(self):
        self.assertIsNotNone(importlib.util.find_spec("schemathesis"), "not installed: run scripts/setup")
        self.start()
        (self.folder / "schemathesis.toml").write_text(CONFIG)
        (self.folder / "openapi.json").write_text(json.dumps(narrowed(self.get("/openapi.json").json)))
        command = [sys.executable, "-c", "from schemathesis.cli import schemathesis; schemathesis()", "run", "openapi.json",
                   "--url", f"http://127.0.0.1:{self.port}", "--checks", "all", "--max-examples", EXAMPLES, "--seed", SEED, "--continue-on-failure",
                   "--no-color", "--warnings", "off"]
        environment = {**os.environ, "no_proxy": "127.0.0.1", "PYTHONIOENCODING": "utf-8"}
        result = subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, text=True)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        self.assertIn("API Operations", result.stdout)
        self.assertEqual(self.get("/ping").json["status"], "Healthy")


if __name__ == "__main__":
    unittest.main()
