"""neural_solution_worker as its users run it: the examples, recipes, views, interruptions, and everything that can be wrong with the input.

Usage: optimize_test.py [unittest arguments], with NS_BIN_DIR set to the folder of the programs (default: build/bin of the source tree).
"""
import array
import json
import os
import pathlib
import pty
import re
import resource
import shutil
import signal
import struct
import subprocess
import tempfile
import time
import unittest
import zipfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
WORKER = pathlib.Path(os.environ.get("NS_BIN_DIR", ROOT / "build/bin")) / "neural_solution_worker"
IMAGES = ROOT / "examples/image-classification"
TEXTS = ROOT / "examples/text-classification"


def npy(dtype, shape, values):
    """The bytes of a .npy file. dtype: '<f4' or '<i8'."""
    header = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {tuple(shape)!r}, }}"
    header += " " * (-(len(header) + 11) % 64) + "\n"
    code = {"<f4": "f", "<i8": "q"}[dtype]
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + array.array(code, values).tobytes()


def write_npz(path, **arrays):
    """arrays: name=(dtype, shape, values)"""
    with zipfile.ZipFile(path, "w") as archive:
        for name, (dtype, shape, values) in arrays.items():
            archive.writestr(name + ".npy", npy(dtype, shape, values))


def proto(*fields):
    """A protobuf message of (number, value): an int is a varint, everything else bytes, text or a message."""
    def varint(value):
        out = bytearray()
        while value >= 128:
            out.append(value % 128 + 128)
            value //= 128
        return bytes(out) + bytes([value])

    message = b""
    for number, value in fields:
        if isinstance(value, int):
            message += varint(number * 8) + varint(value)
        else:
            value = value.encode() if isinstance(value, str) else value
            message += varint(number * 8 + 2) + varint(len(value)) + value
    return message


def onnx(nodes, weights, inputs, outputs, opset=17):
    """An ONNX model of float32. nodes: (type, inputs, output); weights: name=(shape, bytes); inputs, outputs: name=shape after axis N."""
    def value(name, shape):
        dims = [(1, proto((2, "N")))] + [(1, proto((1, size))) for size in shape]
        return proto((1, name), (2, proto((1, proto((1, 1), (2, proto(*dims)))))))

    graph = [(1, proto(*((1, name) for name in given), (2, output), (3, output), (4, kind))) for kind, given, output in nodes]
    graph += [(2, "g")]
    graph += [(5, proto(*((1, size) for size in shape), (2, 1), (8, name), (9, data))) for name, (shape, data) in weights.items()]
    graph += [(11, value(name, shape)) for name, shape in inputs.items()]
    graph += [(12, value(name, shape)) for name, shape in outputs.items()]
    return proto((1, 8), (7, proto(*graph)), (8, proto((1, ""), (2, opset))))


def images(rows, value=0.5, shape=(1, 8, 8)):
    size = shape[0] * shape[1] * shape[2] if len(shape) == 3 else shape[0]
    return ("<f4", (rows, *shape), [value] * (rows * size))


def labels(rows, value=3):
    return ("<i8", (rows,), [value] * rows)


class WorkerTest(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="ns-e2e-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.out = self.folder / "parent" / "out"
        self.out.parent.mkdir()

    def run_worker(self, *arguments, **options):
        environment = options.pop("env", {**os.environ, "XDG_CACHE_HOME": str(self.folder / "cache")})
        return subprocess.run([str(WORKER), *map(str, arguments)], capture_output=True, text=True, timeout=300, cwd=self.folder,
                              env=environment, **options)

    def optimize(self, *arguments, **options):
        return self.run_worker("optimize", *arguments, "-o", self.out, **options)

    def optimize_images(self, *arguments):
        return self.optimize(IMAGES / "model.onnx", "--data", IMAGES / "evaluation.npz", "--calibration", IMAGES / "calibration.npz",
                             *arguments)

    def assert_nothing_left(self):
        self.assertEqual(os.listdir(self.out.parent), [])

    def assert_refused(self, result, *needles, code=2):
        """One line on standard error that begins with 'error: ' and holds the needles; nothing left behind."""
        lines = [line for line in result.stderr.splitlines() if not line.startswith("[")]
        self.assertEqual(result.returncode, code, result.stderr)
        self.assertEqual(len(lines), 1, result.stderr)
        self.assertTrue(lines[0].startswith("error: "), lines[0])
        for needle in needles:
            self.assertIn(needle, lines[0])
        self.assert_nothing_left()

    def report(self):
        return json.loads((self.out / "report.json").read_text())


class ExamplesTest(WorkerTest):
    def test_images_end_to_end(self):
        result = self.optimize_images()
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(sorted(os.listdir(self.out)), ["model.onnx", "pareto", "recipe.json", "report.json"])
        self.assertEqual(os.listdir(self.out.parent), ["out"])
        report = self.report()
        self.assertTrue(report["goal_met"])
        self.assertEqual(report["evaluation_rows"], 540)
        self.assertGreater(report["baseline"]["metric"]["accuracy"], 0.97)
        self.assertGreaterEqual(report["optimized"]["metric"]["accuracy"], 0.99 * report["baseline"]["metric"]["accuracy"])
        self.assertEqual(report["optimized"]["size_bytes"], (self.out / "model.onnx").stat().st_size)
        for side in ("baseline", "optimized"):
            self.assertGreater(report[side]["latency_ms"]["median"], 0)
            self.assertGreater(report[side]["peak_memory_bytes"], 10_000_000)
        self.assertLessEqual(report["speedup"]["low"], report["speedup"]["median"])
        self.assertLessEqual(report["speedup"]["median"], report["speedup"]["high"])
        self.assertEqual([entry["role"] for entry in report["inputs"]], ["model", "dataset", "calibration"])
        self.assertRegex(report["inputs"][0]["sha256"], "^[0-9a-f]{64}$")
        self.assertIn("onnxruntime", report["environment"]["versions"])
        self.assertIn(report["verdict"], result.stdout)
        # A trial's latency is fp32's less what it gained in its own timing, so that all of them compare.
        gains = dict(re.findall(r"\] (.+) runs at ([0-9.]+) times the speed of fp32", result.stderr))
        self.assertTrue(gains, result.stderr)
        for trial in report["trials"]:
            if trial["configuration"] in gains:
                gain = report["baseline"]["latency_ms"]["median"] / trial["latency_ms"]
                self.assertAlmostEqual(gain, float(gains[trial["configuration"]]), delta=0.0051)
        # Nearly all the time of a CNN in int8 is its convolutions', and a Relu is merged into one.
        shares = {kind: sum(one["latency_share"] for one in report["operators"] if one["type"] == kind) for kind in ("Conv", "Relu")}
        self.assertGreater(shares["Conv"], 0.5)
        self.assertEqual(shares["Relu"], 0)
        self.assertLessEqual(sum(one["latency_share"] for one in report["operators"]), 1.0001)

    def test_texts_from_a_hugging_face_folder(self):
        result = self.optimize(TEXTS, "--data", TEXTS / "evaluation.tsv", "--calibration", TEXTS / "calibration.tsv",
                               "--evaluation-samples", 300)
        self.assertEqual(result.returncode, 0, result.stderr)
        report = self.report()
        self.assertTrue(report["goal_met"], report["verdict"])
        self.assertEqual(report["evaluation_rows"], 300)
        for name in ("config.json", "tokenizer.json"):
            self.assertEqual((self.out / name).read_bytes(), (TEXTS / name).read_bytes())
        # Of a transformer too, most of it: the linear layers and attention's products.
        self.assertGreater(sum(one["latency_share"] for one in report["operators"] if one["type"] in ("MatMul", "Gemm")), 0.3)
        # The result is a model folder again.
        self.assertEqual(self.run_worker("inspect", self.out).returncode, 0)

    def test_every_approach_gives_what_it_says(self):
        for approach in ("static", "dynamic"):
            with self.subTest(approach):
                result = self.optimize_images("--approach", approach, "--force")
                self.assertEqual(result.returncode, 0, result.stderr)
                tried = {trial["configuration"].split(",")[0] for trial in self.report()["trials"]}
                self.assertEqual(tried, {"fp32", approach})

    def test_every_calibration_method_holds_the_accuracy(self):
        for method in ("minmax", "moving_average", "entropy", "percentile", "mse"):
            with self.subTest(method):
                result = self.optimize_images("--approach", "static", "--calibration-method", method, "--force")
                self.assertEqual(result.returncode, 0, result.stderr)
                self.assertTrue(self.report()["trials"][1]["meets_criterion"], "not repaired, and not fp32")

    def test_without_labels_outputs_are_compared_with_fp32(self):
        rows = 60
        write_npz(self.folder / "d.npz", image=images(rows))
        result = self.optimize(IMAGES / "model.onnx", "--data", self.folder / "d.npz")
        self.assertEqual(result.returncode, 0, result.stderr)
        report = self.report()
        self.assertEqual(report["baseline"]["metric"], {"agreement": 1.0})
        self.assertIn("metric", [guess["what"] for guess in report["guesses"]])

    def test_a_start_that_loses_too_much_is_repaired_or_fp32_kept(self):
        # Ranges taken from black images clip everything: static quantization alone is at chance.
        write_npz(self.folder / "black.npz", image=images(20, 0.0))
        result = self.optimize(IMAGES / "model.onnx", "--data", IMAGES / "evaluation.npz", "--calibration", self.folder / "black.npz",
                               "--approach", "static")
        self.assertEqual(result.returncode, 0, result.stderr)
        report = self.report()
        self.assertFalse(report["trials"][1]["meets_criterion"])
        self.assertIn("operators ranked by what each alone does to the outputs", result.stderr)
        # 19 operators: the start, then at most 1 + ceil(log2(19)) = 6; the baseline and the packaged file.
        self.assertLessEqual(report["full_evaluations"], 9)
        self.assertTrue(report["goal_met"])
        self.assertGreaterEqual(report["optimized"]["metric"]["accuracy"], 0.99 * report["baseline"]["metric"]["accuracy"])

    def test_the_same_again_evaluates_nothing_and_gives_the_same_bytes(self):
        first = self.optimize_images()
        self.assertEqual(first.returncode, 0, first.stderr)
        model, report = (self.out / "model.onnx").read_bytes(), self.report()
        again = self.optimize_images("--force")
        self.assertEqual(again.returncode, 0, again.stderr)
        self.assertEqual(self.report()["full_evaluations"], 0)
        self.assertEqual(self.report()["optimized"]["metric"], report["optimized"]["metric"])
        self.assertEqual((self.out / "model.onnx").read_bytes(), model)
        self.assertIn("known from an earlier run", again.stdout)
        anew = self.optimize_images("--force", "--no-cache")
        self.assertEqual(anew.returncode, 0, anew.stderr)
        self.assertEqual(self.report()["full_evaluations"], report["full_evaluations"])

    def test_another_tokenizer_is_another_model(self):
        folder = shutil.copytree(TEXTS, self.folder / "texts")
        arguments = (folder, "--data", TEXTS / "evaluation.tsv", "--calibration", TEXTS / "calibration.tsv", "--evaluation-samples", 300,
                     "--max-trials", 1, "--force")
        self.assertEqual(self.optimize(*arguments).returncode, 0)
        whole = self.report()["baseline"]["metric"]["accuracy"]
        settings = json.loads((folder / "tokenizer_config.json").read_text())
        (folder / "tokenizer_config.json").write_text(json.dumps({**settings, "model_max_length": 4}))
        self.assertEqual(self.optimize(*arguments).returncode, 0)
        self.assertLess(self.report()["baseline"]["metric"]["accuracy"], whole - 0.2, "a text's first words alone do not tell its class")
        self.assertEqual([one["role"] for one in self.report()["inputs"]], ["model", "settings", "settings", "settings", "dataset", "calibration"])

    def test_several_metrics_must_all_hold(self):
        result = self.optimize_images("--metric", "accuracy", "--metric", "agreement=0.5", "--approach", "static")
        self.assertEqual(result.returncode, 0, result.stderr)
        report = self.report()
        self.assertEqual(sorted(report["optimized"]["metric"]), ["accuracy", "agreement"])
        self.assertEqual(report["baseline"]["metric"]["agreement"], 1.0)
        self.assertIn("; agreement", report["verdict"])
        rows = {line.split()[0]: line for line in result.stdout.splitlines() if line.startswith(("  accuracy ", "  agreement "))}
        self.assertIn("(95 % ", rows["accuracy"])
        self.assertNotIn("95 %", rows["agreement"], "its own interval is not known")
        self.assertIn(f"{report['optimized']['metric']['agreement'] - 1:+.4f}", rows["agreement"])

    def test_the_models_that_no_other_beats_are_there_and_can_be_made_from_their_recipes(self):
        result = self.optimize_images("--strategy", "random", "--max-trials", "6")
        self.assertEqual(result.returncode, 0, result.stderr)
        points = [point for point in self.report()["pareto"] if point["trial"] > 0]
        self.assertEqual({f"trial_{point['trial']}" for point in points}, set(os.listdir(self.out / "pareto")))
        self.assertEqual(len([point for point in points if point["model"] == "model.onnx"]), 1, "the answer")
        again = self.out.parent / "again"
        for point in points:
            self.assertEqual(point["recipe"], f"pareto/trial_{point['trial']}/recipe.json")
            replay = self.run_worker("optimize", IMAGES / "model.onnx", "--recipe", self.out / point["recipe"], "-o", again, "--force")
            self.assertEqual(replay.returncode, 0, replay.stderr)
            self.assertEqual((again / "model.onnx").read_bytes(), (self.out / point["model"]).read_bytes())
            self.assertNotIn("note", point)

    def test_batches_that_do_not_fit_into_memory_are_run_row_by_row(self):
        rows = 12000  # whose hidden values take 786 MB
        model, data = self.folder / "model.onnx", self.folder / "data.npz"
        model.write_bytes(onnx([("MatMul", ["x", "a"], "hidden"), ("MatMul", ["hidden", "b"], "y")],
                               {"a": ((16, 16384), b"\0\0\x80\x3a" * 16 * 16384), "b": ((16384, 4), (b"\0\0\x80\x3a" * 3 + bytes(4)) * 16384)},
                               {"x": (16,)}, {"y": (4,)}))
        write_npz(data, x=("<f4", (rows, 16), [0.5] * rows * 16), labels=labels(rows, 0))
        limit = lambda: resource.setrlimit(resource.RLIMIT_AS, (450 << 20, 450 << 20))
        result = self.optimize(model, "--data", data, "--batch-size", rows, "--approach", "dynamic", "--max-trials", "1", preexec_fn=limit)
        self.assertEqual(result.returncode, 0, result.stderr)
        report = self.report()
        self.assertIn("memory was short: the fp32 model, and so all others, ran with one thread, row by row", report["notes"])
        self.assertEqual(report["evaluation_rows"], rows - 100)
        self.assertTrue(report["goal_met"])

    def test_a_goal_above_the_baseline_ends_with_an_answer(self):
        result = self.optimize_images("--criterion", "absolute", "--tolerable-loss=-0.5")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertFalse(self.report()["goal_met"])
        self.assertIn("Goal not met", result.stdout)

    def test_types_that_are_not_allowed_are_not_tried(self):
        result = self.optimize_images("--dtype", "fp32")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("Kept fp32: what was asked for leaves every operator in float", self.report()["verdict"])
        self.assertEqual(len(self.report()["trials"]), 1, "fp32 alone")

    def test_weights_in_4_bits_where_size_counts(self):
        texts = (TEXTS, "--data", TEXTS / "evaluation.tsv", "--calibration", TEXTS / "calibration.tsv", "--evaluation-samples", 300)
        result = self.optimize(*texts, "--dtype", "int4", "--dtype", "int8", "--objective", "size", "--strategy", "auto")
        self.assertEqual(result.returncode, 0, result.stderr)
        report = self.report()
        self.assertTrue(report["goal_met"], report["verdict"])
        self.assertIn("weight-only int4", report["verdict"])
        # Of the best in 8 bits a quarter would be left.
        self.assertLess(report["optimized"]["size_bytes"], 0.24 * report["baseline"]["size_bytes"])
        in_4_bits = [one for one in report["operators"] if one["decision"] == "int4 weights"]
        self.assertGreater(len(in_4_bits), 3)
        self.assertTrue(all("blocks of 32" in one["why"] and one["sqnr_db"] > 10 for one in in_4_bits))
        again = self.folder / "again"
        result = self.run_worker("optimize", *texts[:3], "--evaluation-samples", 50, "--recipe", self.out / "recipe.json", "-o", again)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual((again / "model.onnx").read_bytes(), (self.out / "model.onnx").read_bytes())

    def test_a_timeout_that_has_passed_keeps_fp32(self):
        result = self.optimize_images("--timeout", "0.001")
        self.assertEqual(result.returncode, 0, result.stderr)
        report = self.report()
        self.assertTrue(report["goal_met"])
        self.assertIn("Kept fp32", report["verdict"])
        self.assertEqual(len(report["trials"]), 1)

    # 60 products with a matrix of 2 MB take some milliseconds a row: 5,000 of them take far longer than the timeout.
    def test_a_timeout_bounds_the_baseline_and_what_follows(self):
        rows, size = 5_000, 700
        weight = array.array("f", [((i * 7919) % 13 - 6) / 2000 for i in range(size * size)]).tobytes()
        layers = [("MatMul", [f"v{i}", "w"], f"v{i + 1}") for i in range(60)]
        (self.folder / "slow.onnx").write_bytes(onnx(layers, {"w": ((size, size), weight)}, {"v0": (size,)}, {"v60": (size,)}))
        write_npz(self.folder / "d.npz", v0=("<f4", (rows, size), [0.5] * (rows * size)))
        start = time.monotonic()
        result = self.optimize(self.folder / "slow.onnx", "--data", self.folder / "d.npz", "--timeout", 4, "--threads", 1, "--no-cache")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertLess(time.monotonic() - start, 40)
        report = self.report()
        self.assertLess(report["trials"][0]["rows"], 2_500)
        self.assertIn("stand for all", " ".join(report["notes"]))

    # The estimate is of the first rows, which have one word each; the others have more than the model takes.
    def test_a_timeout_bounds_a_baseline_that_takes_longer_than_expected(self):
        rows = ["text\tlabel"] + ["editor\tdoc"] * 8 + ["parameter and topology file editor and molecular mechanical simulator " * 10 + "\tscience"] * 40_000
        (self.folder / "rows.tsv").write_text("\n".join(rows) + "\n")
        start = time.monotonic()
        result = self.optimize(TEXTS, "--data", self.folder / "rows.tsv", "--calibration", TEXTS / "calibration.tsv", "--timeout", 5, "--threads", 1,
                               "--no-cache")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertLess(time.monotonic() - start, 40)
        report = self.report()
        self.assertIn("took longer than expected", " ".join(report["notes"]))
        self.assertIn(report["trials"][0]["rows"], range(16, 40_000))
        self.assertEqual(report["evaluation_rows"], report["trials"][0]["rows"])


class RecipeTest(WorkerTest):
    def test_replays_to_the_same_bytes_without_data(self):
        self.assertEqual(self.optimize_images().returncode, 0)
        first = (self.out / "model.onnx").read_bytes()
        again = self.folder / "again"
        result = self.run_worker("optimize", IMAGES / "model.onnx", "--recipe", self.out / "recipe.json", "-o", again)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual((again / "model.onnx").read_bytes(), first)

    # Its table of positions has 64 entries, which no shape says.
    def test_replays_a_text_model_without_data(self):
        result = self.optimize(TEXTS, "--data", TEXTS / "evaluation.tsv", "--max-trials", 1)
        self.assertEqual(result.returncode, 0, result.stderr)
        first = (self.out / "model.onnx").read_bytes()
        for model in (TEXTS, TEXTS / "model.onnx"):
            again = self.folder / f"again-{model.name}"
            result = self.run_worker("optimize", model, "--recipe", self.out / "recipe.json", "-o", again)
            self.assertEqual(result.returncode, 0, result.stderr)
            self.assertEqual((again / "model.onnx").read_bytes(), first)
        self.assertEqual(self.run_worker("benchmark", TEXTS).returncode, 0)
        self.assertNotEqual(self.run_worker("benchmark", TEXTS, "--free-size", 65).returncode, 0)

    def test_refuses_a_recipe_for_another_model(self):
        self.assertEqual(self.optimize_images().returncode, 0)
        recipe = self.folder / "recipe.json"
        recipe.write_text((self.out / "recipe.json").read_text().replace('"model_sha256": "', '"model_sha256": "00'))
        shutil.rmtree(self.out)
        self.assert_refused(self.optimize(IMAGES / "model.onnx", "--recipe", recipe), "made for another model")

    def test_refuses_options_that_it_would_ignore(self):
        for option in (("--approach", "dynamic"), ("--calibration-method", "mse"), ("--exclude", "Conv"), ("--max-trials", 3),
                       ("--timeout", 9)):
            with self.subTest(option):
                result = self.optimize(IMAGES / "model.onnx", "--recipe", "r.json", *option)
                self.assert_refused(result, option[0], "--recipe", "leave out")

    def test_refuses_what_is_no_recipe(self):
        (self.folder / "r.json").write_text("{}")
        self.assert_refused(self.optimize(IMAGES / "model.onnx", "--recipe", self.folder / "r.json"), "r.json", "not a recipe")


class ViewsTest(WorkerTest):
    def test_piped_output_is_plain_lines(self):
        result = self.optimize_images()
        self.assertNotRegex(result.stderr + result.stdout, r"[\x00-\x08\x0b-\x1f]")
        self.assertRegex(result.stderr, r"\[ +\d+\.\d s\] baseline")
        self.assertRegex(result.stderr, r"trial 1: static: accuracy 0\.\d+ holds")

    def test_json_is_one_numbered_event_a_line(self):
        result = self.optimize_images("--json")
        events = [json.loads(line) for line in result.stdout.splitlines()]
        self.assertEqual([event["seq"] for event in events], list(range(1, len(events) + 1)))
        self.assertEqual(events[-1]["type"], "result")
        self.assertTrue(events[-1]["payload"]["goal_met"])
        stages = [event["payload"]["stage"] for event in events if event["type"] == "stage"]
        self.assertEqual(stages[:5], ["load", "prepare", "baseline", "profile", "calibrate"])
        self.assertEqual(stages[-1], "package")

    def test_json_tells_a_failure(self):
        result = self.optimize("nope.onnx", "--data", IMAGES / "evaluation.npz", "--json")
        last = json.loads(result.stdout.splitlines()[-1])
        self.assertEqual((last["type"], last["payload"]["state"]), ("state", "failed"))
        self.assertIn("nope.onnx", last["payload"]["message"])

    def test_a_terminal_gets_a_bar_that_goes_away(self):
        controller, terminal = pty.openpty()
        process = subprocess.Popen([str(WORKER), "optimize", str(IMAGES / "model.onnx"), "--data", str(IMAGES / "evaluation.npz"),
                                    "--no-cache", "-o", str(self.out)], stdout=subprocess.PIPE, stderr=terminal, cwd=self.folder)
        os.close(terminal)
        shown = b""
        while True:
            try:
                chunk = os.read(controller, 65536)
            except OSError:  # the other end has closed
                break
            if not chunk:
                break
            shown += chunk
        os.close(controller)
        summary = process.communicate(timeout=60)[0]
        self.assertEqual(process.returncode, 0, shown)
        self.assertRegex(shown.decode(), r"\[#*\.*\] +\d+ % ")
        self.assertTrue(shown.endswith(b"\r\x1b[2K"))
        self.assertIn(b"latency", summary)


class InterruptionTest(WorkerTest):
    def interrupt(self, after, signal_number):
        process = subprocess.Popen([str(WORKER), "optimize", str(IMAGES / "model.onnx"), "--data", str(IMAGES / "evaluation.npz"),
                                    "--no-cache", "-o", str(self.out)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=self.folder)
        time.sleep(after)
        process.send_signal(signal_number)
        sent = time.monotonic()
        errors = process.communicate(timeout=30)[1]
        return process.returncode, time.monotonic() - sent, errors

    def test_a_stop_before_anything_was_timed_keeps_what_holds(self):
        process = subprocess.Popen([str(WORKER), "optimize", str(IMAGES / "model.onnx"), "--data", str(IMAGES / "evaluation.npz"),
                                    "--no-cache", "-o", str(self.out)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for line in process.stderr:
            if "trial 1" in line:
                break
        process.send_signal(signal.SIGINT)
        summary, errors = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 130, errors)
        report = self.report()
        self.assertIn("Stopped; the best so far, as its trial measured it", report["verdict"])
        self.assertIn("not timed", report["verdict"])
        self.assertTrue(report["goal_met"])
        self.assertLess(report["optimized"]["size_bytes"], report["baseline"]["size_bytes"])
        self.assertTrue((self.out / "model.onnx").exists() and (self.out / "recipe.json").exists())
        self.assertNotIn("latency", summary)

    def test_a_stop_where_nothing_holds_keeps_what_comes_closest(self):
        process = subprocess.Popen([str(WORKER), "optimize", str(IMAGES / "model.onnx"), "--data", str(IMAGES / "evaluation.npz"), "--criterion", "absolute",
                                    "--tolerable-loss=-0.05", "--no-cache", "-o", str(self.out)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for line in process.stderr:
            if "trial 1" in line:
                break
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(60), 130, process.communicate()[1])
        self.assertFalse(self.report()["goal_met"])
        self.assertTrue(self.report()["verdict"].startswith("Goal not met. Stopped; the best so far"), self.report()["verdict"])

    # The process stands still after the signal for longer than it would wait for work that leads nowhere: a big model takes as long to write.
    def test_a_stop_waits_until_the_best_is_written(self):
        for _ in range(3):
            shutil.rmtree(self.out, ignore_errors=True)
            process = subprocess.Popen([str(WORKER), "optimize", str(IMAGES / "model.onnx"), "--data", str(IMAGES / "evaluation.npz"),
                                        "--objective", "size", "--no-cache", "-o", str(self.out)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
            for line in process.stderr:
                if line.endswith("] package\n"):
                    break
            process.send_signal(signal.SIGINT)
            time.sleep(0.02)
            process.send_signal(signal.SIGSTOP)
            time.sleep(0.8)
            process.send_signal(signal.SIGCONT)
            errors = process.communicate(timeout=60)[1]
            self.assertIn(process.returncode, (0, 130))
            self.assertEqual(os.listdir(self.out.parent), ["out"], errors)
            self.assertTrue(self.report()["goal_met"])

    def test_stops_at_once_at_any_moment_and_leaves_nothing_or_the_whole_best_so_far(self):
        interrupted = 0
        for step in range(12):
            shutil.rmtree(self.out, ignore_errors=True)
            code, seconds, errors = self.interrupt(0.02 + 0.12 * step, signal.SIGINT if step % 2 else signal.SIGTERM)
            if code == 0:  # it was quicker: then the result is whole
                self.assertEqual(os.listdir(self.out.parent), ["out"])
                self.assertTrue((self.out / "recipe.json").exists())
                continue
            interrupted += 1
            # A signal before main() has blocked it ends the process the plain way.
            self.assertIn(code, (130, -signal.SIGINT, -signal.SIGTERM), errors)
            self.assertLess(seconds, 1.5)
            if "the best so far was written" in errors:
                self.assertEqual(os.listdir(self.out.parent), ["out"])
                self.assertEqual(self.report()["goal_met"], True)
                self.assertIn("Stopped; the best so far", self.report()["verdict"])
                self.assertTrue((self.out / "recipe.json").exists())
            else:
                self.assert_nothing_left()
        self.assertGreater(interrupted, 3)


class BigModelInterruptionTest(WorkerTest):
    """Weights of 70 MB, computed from others, so that they are moved out of the memory; 17 MB of them in int8."""
    SIZE = 4200

    def setUp(self):
        super().setUp()
        self.temporary = self.folder / "tmp"
        self.temporary.mkdir()
        row = array.array("f", [(i * 7919 % 13 - 6) / 100 for i in range(self.SIZE)]).tobytes()
        (self.folder / "big.onnx").write_bytes(onnx([("Transpose", ["w"], "t"), ("MatMul", ["x", "t"], "y")],
                                                    {"w": ((self.SIZE, self.SIZE), row * self.SIZE)}, {"x": [self.SIZE]}, {"y": [self.SIZE]}))
        write_npz(self.folder / "d.npz", x=("<f4", (10, self.SIZE), [(i * 31 % 17 - 8) / 8 for i in range(10 * self.SIZE)]))

    def start(self, *arguments):
        return subprocess.Popen([str(WORKER), *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=self.folder,
                                env={**os.environ, "TMPDIR": str(self.temporary), "XDG_CACHE_HOME": str(self.folder / "cache")})

    def left(self, signal_number):
        """What stopped processes left; of killed ones what is as big as weights (a profile that was being written is a few kilobytes)."""
        names = os.listdir(self.temporary)
        return [name for name in names if signal_number != signal.SIGKILL or self.bytes_of(self.temporary / name) > 1_000_000]

    @staticmethod
    def bytes_of(path):
        return sum(file.stat().st_size for file in [path, *path.rglob("*")] if file.is_file())

    def stop_at_many_moments(self, signal_number, output, *arguments):
        """Until it ends by itself, which it must do well; yields its exit status after each stop."""
        for step in range(1, 100):
            process = self.start(*arguments, "-o", output)
            try:
                errors = process.communicate(timeout=0.3 * step)[1]
                self.assertEqual(process.returncode, 0, errors)
                self.assertEqual(self.left(signal_number), [])
                return
            except subprocess.TimeoutExpired:
                process.send_signal(signal_number)
                errors = process.communicate(timeout=30)[1]
            self.assertEqual(self.left(signal_number), [], f"after {0.3 * step:.1f} s")
            yield process.returncode
        self.fail("it never ended by itself")

    def test_a_kill_leaves_no_weights_in_the_temporary_folder(self):
        arguments = ("optimize", "big.onnx", "--data", "d.npz", "--approach", "static", "--timeout", 10, "--force")
        kills = sum(code == -signal.SIGKILL for code in self.stop_at_many_moments(signal.SIGKILL, self.out, *arguments))
        self.assertGreater(kills, 2)

    def test_a_stopped_quantize_leaves_nothing_at_all(self):
        target = self.out.parent / "q.onnx"
        for code in self.stop_at_many_moments(signal.SIGINT, target, "quantize", "big.onnx", "--approach", "dynamic", "--force"):
            self.assertIn(code, (0, 130, -signal.SIGINT))
            if code != 0:
                self.assert_nothing_left()
        self.assertEqual(os.listdir(self.out.parent), ["q.onnx"])


class BadInputTest(WorkerTest):
    """Each is refused by one line that names the thing and what to do."""

    def optimize_with(self, *arguments, model=IMAGES / "model.onnx", **arrays):
        write_npz(self.folder / "d.npz", **arrays)
        return self.optimize(model, "--data", self.folder / "d.npz", *arguments)

    def model_file(self, content):
        path = self.folder / "broken.onnx"
        path.write_bytes(content)
        return path

    def test_missing_model(self):
        self.assert_refused(self.optimize("nope.onnx", "--data", IMAGES / "evaluation.npz"), "nope.onnx", "no such file")

    def test_empty_model(self):
        self.assert_refused(self.optimize(self.model_file(b""), "--data", IMAGES / "evaluation.npz"), "broken.onnx", "empty")

    def test_truncated_model(self):
        whole = (IMAGES / "model.onnx").read_bytes()
        for part in (0.1, 0.5, 0.9):
            with self.subTest(part):
                path = self.model_file(whole[:int(len(whole) * part)])
                self.assert_refused(self.optimize(path, "--data", IMAGES / "evaluation.npz"), "broken.onnx")

    def test_not_onnx(self):
        for content in (b"hello\n", b"\x89PNG\r\n\x1a\n" + bytes(100), b"PK\x03\x04" + bytes(100)):
            with self.subTest(content[:4]):
                self.assert_refused(self.optimize(self.model_file(content), "--data", IMAGES / "evaluation.npz"), "not an ONNX model")

    def test_a_folder_without_a_model(self):
        self.assert_refused(self.optimize(self.folder, "--data", IMAGES / "evaluation.npz"), "model.onnx")

    def test_missing_data(self):
        self.assert_refused(self.optimize(IMAGES / "model.onnx", "--data", "nope.npz"), "nope.npz")

    def test_no_data_given(self):
        self.assert_refused(self.optimize(IMAGES / "model.onnx"), "--data")

    def test_an_array_of_another_name(self):
        self.assert_refused(self.optimize_with(pixels=images(50), extra=images(50), labels=labels(50)), "image")

    def test_an_array_of_another_shape(self):
        self.assert_refused(self.optimize_with(image=images(50, shape=(1, 9, 8)), labels=labels(50)), "image", "9")

    def test_arrays_of_different_lengths(self):
        self.assert_refused(self.optimize_with(image=images(50), labels=labels(49)), "50", "49")

    def test_values_of_another_type(self):
        self.assert_refused(self.optimize_with(image=("<i8", (50, 1, 8, 8), [2**60 + 1] * 50 * 64), labels=labels(50)), "image")

    def test_no_labels(self):
        self.assert_refused(self.optimize_with("--metric", "accuracy", image=images(50)), "label")

    def test_a_label_that_no_class_has(self):
        self.assert_refused(self.optimize_with(image=images(50), labels=labels(50, 10)), "10")

    def test_nan_in_the_data(self):
        self.assert_refused(self.optimize_with(image=images(50, float("nan")), labels=labels(50)), "image", "NaN")

    def test_fewer_rows_than_asked(self):
        self.assert_refused(self.optimize_images("--calibration-samples", 100000), "100000", "200")
        self.assert_refused(self.optimize_images("--evaluation-samples", 100000), "100000", "540")

    def test_one_row_is_too_few(self):
        self.assert_refused(self.optimize_with(image=images(1), labels=labels(1)), "row")

    def test_activations_that_are_not_numbers(self):
        write_npz(self.folder / "c.npz", image=images(20, 3e38))
        result = self.optimize(IMAGES / "model.onnx", "--data", IMAGES / "evaluation.npz", "--calibration", self.folder / "c.npz")
        self.assert_refused(result, "NaN or infinity", "row")

    def test_unknown_names_suggest_the_nearest(self):
        for option, wrong, right in (("--metric", "acuracy", "accuracy"), ("--approach", "statik", "static"),
                                     ("--criterion", "relativ", "relative"), ("--calibration-method", "percentil", "percentile")):
            with self.subTest(option):
                self.assert_refused(self.optimize_images(option, wrong), wrong, f"did you mean '{right}'")

    def test_types_that_nothing_computes_in(self):
        self.assert_refused(self.optimize_images("--dtype", "uint8"), "uint8", "int8", "fp32")
        self.assert_refused(self.optimize_images("--dtype", "fp32", "--approach", "static"), "--dtype", "int8", "static")

    def test_a_baseline_without_a_finite_value(self):
        # logits 1e30 and 0 with label 1: the perplexity is exp(1e30).
        (self.folder / "m.onnx").write_bytes(onnx([("Mul", ["x", "k"], "y")], {"k": ((1,), struct.pack("<f", 1e30))}, {"x": [2]}, {"y": [2]}))
        result = self.optimize_with("--metric", "perplexity", model=self.folder / "m.onnx", x=("<f4", (20, 2), [1, 0] * 20), labels=labels(20, 1))
        self.assert_refused(result, "perplexity", "inf", "--metric")

    def test_an_output_with_something_in_it(self):
        self.out.mkdir()
        (self.out / "mine").write_text("x")
        for force in ((), ("--force",)):
            result = self.optimize_images(*force)
            self.assertEqual(result.returncode, 2)
            self.assertIn("-o", result.stderr)
            self.assertEqual(os.listdir(self.out), ["mine"])

    def test_bad_usage(self):
        for arguments in ((), ("optimise",), ("optimize",), ("optimize", "--bogus"), ("lead",)):
            with self.subTest(arguments):
                self.assert_refused(self.run_worker(*arguments), "--help")

    def test_numbers_that_are_none(self):
        for option, value in (("--tolerable-loss", "nan"), ("--tolerable-loss", "inf"), ("--timeout", "nan"), ("--objective", "performance=inf"),
                              ("--metric", "accuracy=nan")):
            with self.subTest(option=option, value=value):
                self.assert_refused(self.optimize("m.onnx", "--data", "d.npz", option, value), option)

    @unittest.skipUnless(os.geteuid() == 0, "mounting a small file system takes root")
    def test_a_full_disk(self):
        small = self.folder / "small"
        small.mkdir()
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=128k", "tmpfs", str(small)], capture_output=True).returncode != 0:
            self.skipTest("mounting is not allowed here")
        try:
            result = self.run_worker("optimize", IMAGES / "model.onnx", "--data", IMAGES / "evaluation.npz", "-o", small / "out")
            self.assert_refused(result, "No space left", code=1)
            self.assertEqual(os.listdir(small), [])
        finally:
            subprocess.run(["umount", str(small)], check=True)


class LeadTest(WorkerTest):
    def write_task(self, **changes):
        self.task = self.folder / "task"
        self.task.mkdir()
        task = {"version": 1, "task_id": "0" * 32, "attempt": 1, "cores": [], "model_path": str(IMAGES / "model.onnx"),
                "dataset_path": str(IMAGES / "evaluation.npz"), "output_folder": str(self.task / "result"),
                "events_file": str(self.task / "events.jsonl"),
                "spec": {"model": "model.onnx", "dataset": {"path": "evaluation.npz", "calibration": "0:100"}, "metric": "accuracy"}}
        task.update(changes)
        (self.task / "task.json").write_text(json.dumps(task))

    def events(self):
        return [json.loads(line) for line in (self.task / "events.jsonl").read_text().splitlines()]

    def test_runs_a_task_and_writes_its_events(self):
        self.write_task()
        result = self.run_worker("lead", "--task-folder", self.task)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(sorted(os.listdir(self.task)), ["cache", "events.jsonl", "result", "task.json"])
        events = self.events()
        self.assertEqual([event["seq"] for event in events], list(range(1, len(events) + 1)))
        self.assertEqual(events[-1]["type"], "result")
        report = json.loads((self.task / "result/report.json").read_text())
        self.assertEqual(events[-1]["payload"]["accuracy"], report["optimized"]["metric"]["accuracy"])
        self.assertEqual(report["evaluation_rows"], 440)
        trials = [event["payload"]["index"] for event in events if event["type"] == "trial"]
        self.assertEqual(trials[0], 0)

    def test_a_second_attempt_replaces_the_first_result(self):
        self.write_task()
        for _ in range(2):
            self.assertEqual(self.run_worker("lead", "--task-folder", self.task).returncode, 0)
        events = self.events()
        self.assertEqual([event["seq"] for event in events], list(range(1, len(events) + 1)))

    def test_a_task_that_cannot_work_says_why_in_its_events(self):
        self.write_task(model_path=str(self.folder / "gone.onnx"))
        result = self.run_worker("lead", "--task-folder", self.task)
        self.assertEqual(result.returncode, 2)
        last = self.events()[-1]
        self.assertEqual((last["type"], last["payload"]["state"], last["payload"]["reason"]), ("state", "failed", "MODEL_NOT_FOUND"))

    def test_a_folder_without_a_task(self):
        self.assertEqual(self.run_worker("lead", "--task-folder", self.folder).returncode, 2)


class OtherCommandsTest(WorkerTest):
    def test_inspect_says_what_would_be_quantized(self):
        result = self.run_worker("inspect", IMAGES / "model.onnx", "--json")
        inspection = json.loads(result.stdout)
        self.assertEqual(inspection["inputs"], [{"name": "image", "dtype": "float32", "shape": [-1, 1, 8, 8]}])
        self.assertIn("static", {op["decision"] for op in inspection["static"] if op["type"] == "Conv"})
        self.assertIn("float", {op["decision"] for op in inspection["dynamic"] if op["type"] == "Conv"})
        self.assertTrue(all(op["why"] for op in inspection["static"]))
        self.assertIn("inputs\n", self.run_worker("inspect", IMAGES / "model.onnx").stdout)

    def test_benchmark_compares_two(self):
        result = self.run_worker("benchmark", IMAGES / "model.onnx", IMAGES / "model.onnx", "--seconds", 1, "--json")
        both = json.loads(result.stdout)["models"]
        self.assertEqual(len(both), 2)
        self.assertTrue(0.5 < both[1]["speedup"]["median"] < 2)

    def test_the_session_of_a_result_is_told_replayed_and_benchmarked(self):
        self.assertEqual(self.optimize_images().returncode, 0)
        session = self.report()["session"]
        self.assertEqual(set(session), {"intra_op_threads", "allow_spinning", "memory_arena", "graph_optimization"})
        self.assertEqual(self.report()["optimized"]["latency_ms"]["threads"], session["intra_op_threads"])
        recipe = json.loads((self.out / "recipe.json").read_text())
        self.assertEqual(recipe["session"], session)
        recipe["session"] = {"intra_op_threads": 1, "allow_spinning": False, "memory_arena": False, "graph_optimization": "extended"}
        (self.folder / "r.json").write_text(json.dumps(recipe))
        again = self.folder / "again"
        self.assertEqual(self.run_worker("optimize", IMAGES / "model.onnx", "--recipe", self.folder / "r.json", "-o", again).returncode, 0)
        self.assertEqual(json.loads((again / "report.json").read_text())["session"], recipe["session"])
        result = self.run_worker("benchmark", IMAGES / "model.onnx", self.out / "model.onnx", "--recipe", self.folder / "r.json", "--seconds", 1)
        self.assertEqual(result.returncode, 0, result.stderr)
        recipe.pop("session")
        (self.folder / "r.json").write_text(json.dumps(recipe))
        result = self.run_worker("benchmark", IMAGES / "model.onnx", "--recipe", self.folder / "r.json")
        self.assertIn("says nothing of the session", result.stderr)
    def test_names_from_a_model_command_no_terminal(self):
        model = self.folder / "names.onnx"
        one = {"w": ((4, 4), struct.pack("<16f", *[0.1] * 16))}
        model.write_bytes(onnx([("MatMul", ["x", "w"], "y\x1b]0;pwned\x07")], one, {"x": (4,)}, {"y\x1b]0;pwned\x07": (4,)}))
        shown = self.run_worker("inspect", model).stdout
        self.assertNotIn("\x1b", shown)
        self.assertIn("y\\x1b]0;pwned\\x07", shown)

    # A run of one row makes 16 MB: in batches of 8, on two threads, 256 MB.
    def test_the_expected_peak_knows_batches_and_threads(self):
        size = 1 << 22
        model = self.folder / "wide.onnx"
        model.write_bytes(onnx([("MatMul", ["x", "w"], "h"), ("Relu", ["h"], "y")], {"w": ((1, size), bytes(4 * size))}, {"x": (1,)}, {"y": (size,)}))
        write_npz(self.folder / "d.npz", x=("<f4", (24, 1), [0.5] * 24))

        def expected(*arguments):
            lines = self.optimize(model, "--data", self.folder / "d.npz", "--json", "--no-cache", "--force", "--max-trials", 1, *arguments).stdout
            events = [json.loads(line) for line in lines.splitlines()]
            return next(event["payload"]["memory_bytes"] for event in events if event["type"] == "estimate")

        small, large = expected("--threads", 1), expected("--threads", 2, "--batch-size", 8)
        self.assertGreater(large - small, 200e6)

    def test_hostile_models_end_in_a_message(self):
        model = self.folder / "hostile.onnx"
        one = {"w": ((), struct.pack("<f", 1))}
        model.write_bytes(onnx([("Conv", ["x", "w"], "y")], one, {"x": (1, 8, 8)}, {"y": (1, 8, 8)}))
        result = self.run_worker("inspect", model)
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.assertIn("no operator that can be quantized", result.stdout)
        for size in ((1 << 40,), (1 << 40, 1 << 40)):
            model.write_bytes(onnx([("Relu", ["x"], "y")], {}, {"x": size}, {"y": size}))
            result = self.run_worker("benchmark", model)
            self.assertEqual((result.returncode, result.stderr.count("\n")), (2, 1), result.stderr)
            self.assertRegex(result.stderr, "^error: input 'x' of shape .* is too large to make values up for it")

    def test_quantize_writes_one_file(self):
        for approach in ("static", "dynamic"):
            target = self.out.parent / f"{approach}.onnx"
            result = self.run_worker("quantize", IMAGES / "model.onnx", "--data", IMAGES / "calibration.npz", "--approach", approach, "-o",
                                     target, "--json")
            figures = json.loads(result.stdout)
            self.assertEqual(figures["size_bytes"], target.stat().st_size)
            self.assertLess(figures["size_bytes"], (IMAGES / "model.onnx").stat().st_size)
        self.assertEqual(sorted(os.listdir(self.out.parent)), ["dynamic.onnx", "static.onnx"])

    def test_quantize_replaces_a_file_only_when_told(self):
        target = self.out.parent / "q.onnx"
        target.write_text("mine")
        for data in ("q.onnx.data", "q.onnx.1.data"):  # of the model that is replaced
            (self.out.parent / data).write_text("mine")
        arguments = ("quantize", IMAGES / "model.onnx", "--approach", "dynamic", "-o", target)
        result = self.run_worker(*arguments)
        self.assertEqual(result.returncode, 2)
        self.assertRegex(result.stderr, "^error: .*q.onnx.* exists.*--force\n$")
        self.assertEqual(target.read_text(), "mine")
        self.assertEqual(self.run_worker(*arguments, "--force").returncode, 0)
        self.assertEqual(self.run_worker("inspect", target).returncode, 0)
        self.assertEqual(os.listdir(self.out.parent), ["q.onnx"])

    def test_dry_run_writes_nothing(self):
        result = self.optimize_images("--dry-run")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertRegex(result.stdout, r"to try +static: \d+ operators")
        self.assert_nothing_left()


if __name__ == "__main__":
    unittest.main()
