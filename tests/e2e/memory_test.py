"""A limit on memory that pieces of a task do not fit in: the worker is killed, started again, and takes them smaller."""
import io
import json
import unittest
import zipfile

from harness import ServiceTest
from optimize_test import onnx, write_npz

SIZE, ROWS = 1024, 200
# In GiB. The 160 rows that do not calibrate take 0.625 at once in fp32, and a quarter more with the integers of a quantized model.
BELOW_FP32, BELOW_INT8, ENOUGH = 0.35, 0.75, 4


def write_model(folder):
    """Multiplies each row's `SIZE` values with one another, which takes 4 MiB a row, then by a weight; all of a row's products are 1."""
    weight = b"\0\0\0\x3a" * (2 * SIZE)  # 2^-11
    nodes = [("MatMul", ["a", "b"], "products"), ("MatMul", ["products", "w"], "y")]
    (folder / "model.onnx").write_bytes(onnx(nodes, {"w": ((SIZE, 2), weight)}, {"a": (SIZE, 1), "b": (1, SIZE)}, {"y": (SIZE, 2)}))
    ones = ("<f4", (ROWS, SIZE, 1), [1.0] * (ROWS * SIZE))
    write_npz(folder / "rows.npz", a=ones, b=("<f4", (ROWS, 1, SIZE), ones[2]), labels=("<f4", (ROWS, SIZE, 2), [0.5] * (2 * ROWS * SIZE)))


class MemoryTest(ServiceTest):
    worker = None  # the one beside the program

    def run_task(self, memory_gib):
        write_model(self.uploads)
        self.start("--task_memory", memory_gib)
        task = self.submit(dataset={"path": "rows.npz", "batch_size": ROWS}, metric=[{"name": "mse"}],
                           accuracy_criterion={"criterion": "absolute", "tolerable_loss": 0.1})
        ended = self.await_state(task, "done", "failed", seconds=240)
        log = self.get(f"/task/log/{task}").body.decode()
        self.assertEqual(ended["status"], "done", ended["details"])
        self.assertEqual(ended["details"]["attempt"], 1)
        archive = zipfile.ZipFile(io.BytesIO(self.get(f"/download/{task}").body))
        return json.loads(archive.read("report.json")), log

    def test_a_baseline_that_the_limit_kills_runs_row_by_row(self):
        report, log = self.run_task(BELOW_FP32)
        self.assertIn("it is started again and takes less at a time", log)
        self.assertIn("memory was short: the fp32 model, and so all others, ran with one thread, row by row", report["notes"])
        self.assertEqual(report["trials"][0]["rows"], report["evaluation_rows"])

    def test_a_trial_that_the_limit_kills_runs_row_by_row(self):
        report, log = self.run_task(BELOW_INT8)
        self.assertEqual(log.count("it is started again and takes less at a time"), 1, "packaging takes the pace that its trial needed")
        self.assertNotIn("memory was short", " ".join(report["notes"]))
        self.assertIn("memory was short: tried again with one thread, row by row", report["trials"][1]["note"])
        self.assertTrue(report["trials"][1]["meets_criterion"])

    def test_what_fits_is_not_started_again(self):
        report, log = self.run_task(ENOUGH)
        self.assertNotIn("started again", log)
        self.assertNotIn("memory was short", " ".join(report["notes"]))


if __name__ == "__main__":
    unittest.main()
