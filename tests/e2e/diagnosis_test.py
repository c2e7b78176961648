"""`inspect MODEL --data ROWS`: which operators hurt, as a table, JSON and pictures.

Usage: diagnosis_test.py [unittest arguments], with NS_BIN_DIR as optimize_test.py.
"""
import array
import html.parser
import json
import random
import unittest
import xml.etree.ElementTree

from optimize_test import IMAGES, TEXTS, WorkerTest, onnx, write_npz

SVG = "{http://www.w3.org/2000/svg}"
VOID = {"meta", "link", "br", "hr", "img", "input", "wbr"}


class Page(html.parser.HTMLParser):
    """Checks that elements nest, and keeps their names with their attributes, and all text."""

    def __init__(self, text):
        super().__init__()
        self.open, self.elements, self.text = [], [], ""
        self.feed(text)
        self.close()
        assert not self.open, self.open

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open and self.open[-1] == tag, (tag, self.open)
        self.open.pop()

    def handle_data(self, data):
        self.text += data

    def count(self, tag, kind=None):
        return sum(1 for name, attrs in self.elements if name == tag and (kind is None or attrs.get("class") == kind))


class DiagnosisTest(WorkerTest):
    def diagnose(self, *arguments, code=0):
        result = self.run_worker("inspect", *arguments)
        self.assertEqual(result.returncode, code, result.stderr)
        return result

    def images(self, *arguments):
        return self.diagnose(IMAGES / "model.onnx", "--data", IMAGES / "evaluation.npz", "--calibration", IMAGES / "calibration.npz", *arguments)

    def test_json_is_complete(self):
        found = json.loads(self.images("--json").stdout)
        self.assertEqual(found["inputs"][0]["name"], "image")
        diagnosis = found["diagnosis"]
        self.assertEqual((diagnosis["plan"], diagnosis["calibration_rows"], diagnosis["probe_rows"]), ("static, minmax", 100, 16))
        self.assertGreater(diagnosis["output_sqnr_db"], 10)
        operators = {op["name"]: op for op in diagnosis["operators"]}
        self.assertEqual(set(operators), {op["name"] for op in found["static"]})
        convolutions = [op for op in operators.values() if op["type"] == "Conv"]
        self.assertGreater(len(convolutions), 5)
        for op in convolutions:
            self.assertTrue(op["why"])
            self.assertGreater(op["effect_db"], diagnosis["output_sqnr_db"] - 3, "one alone does less harm than all")
            self.assertGreater(op["sqnr_db"], 10)
            for side in ("input", "output"):
                values = op[side]
                self.assertEqual(values["calibration"], "minmax")
                self.assertLessEqual(values["min"], values["max"])
                self.assertAlmostEqual(values["low"], min(values["min"], values["low"]), 5, "minmax covers all that calibrated")
                self.assertLessEqual(len(values["histogram"]["counts"]), 32)
                self.assertGreater(sum(values["histogram"]["counts"]), 0)
            self.assertGreaterEqual(op["weight"]["channel_ratio"], 1)
        self.assertGreater(sum(op["float_latency_share"] for op in convolutions), 0.3)
        self.assertLessEqual(sum(op.get("float_latency_share", 0) for op in operators.values()), 1.0001)

    def test_table_answers_which_layer_hurts(self):
        lines = self.images().stdout.splitlines()
        most = next(line for line in lines if line.startswith("Most harm: "))
        heading = next(i for i, line in enumerate(lines) if line.split()[:4] == ["operator", "type", "decision", "effect"])
        worst = lines[heading + 1].split()[0].lstrip("…")
        self.assertIn(worst, most)
        self.assertRegex(lines[heading + 1], r" int8 static +\d+\.\d dB +\d+\.\d dB +\d+\.\d % ")
        self.assertGreater(len(self.images("--all").stdout.splitlines()), len(lines))

    def test_page_and_picture_stand_alone(self):
        page, picture = self.folder / "page.html", self.folder / "picture.svg"
        found = json.loads(self.images("--json", "--html", page, "--svg", picture).stdout)
        seen = [op for op in found["diagnosis"]["operators"] if "input" in op or "output" in op]
        html_page = Page(page.read_text())
        self.assertEqual(html_page.count("svg", "histogram"), len(seen))
        self.assertEqual(html_page.count("script") + html_page.count("link") + html_page.count("img"), 0)
        self.assertNotIn("http", page.read_text())
        root = xml.etree.ElementTree.parse(picture).getroot()
        self.assertEqual(root.tag, SVG + "svg")
        self.assertEqual(len(root.findall(SVG + "svg")), min(20, len(seen)))

    def test_names_are_strangers_text(self):
        name = '</th><script>alert("1")</script>\x1b[2J'
        model, page, picture = self.folder / "m.onnx", self.folder / "page.html", self.folder / "picture.svg"
        random.seed(1)
        weights = array.array("f", [random.gauss(0, 1) for _ in range(64)]).tobytes()
        model.write_bytes(onnx([("MatMul", ["x", "w"], name), ("Tanh", [name], "y")], {"w": ((8, 8), weights)}, {"x": (8,)}, {"y": (8,)}))
        rows = self.folder / "rows.npz"
        write_npz(rows, x=("<f4", (64, 8), [random.gauss(0, 1) for _ in range(512)]))
        out = self.diagnose(model, "--data", rows, "--html", page, "--svg", picture).stdout
        self.assertNotIn("\x1b", out)
        html_page = Page(page.read_text())
        self.assertEqual(html_page.count("script"), 0)
        self.assertIn("alert(\"1\")", html_page.text)
        self.assertIn("alert(\"1\")", "".join(xml.etree.ElementTree.parse(picture).getroot().itertext()))

    @unittest.skipUnless((TEXTS / "model.onnx").exists(), "the example's model is not made yet")
    def test_dynamic_of_a_transformer_folder(self):
        diagnosis = json.loads(self.diagnose(TEXTS, "--data", TEXTS / "evaluation.tsv", "--approach", "dynamic", "--json").stdout)["diagnosis"]
        self.assertEqual(diagnosis["plan"], "dynamic")
        products = [op for op in diagnosis["operators"] if op["decision"] == "int8 dynamic"]
        self.assertGreater(len(products), 5)
        for op in products:
            self.assertNotIn("low", op["input"], "its range is each row's own")
            self.assertGreaterEqual(op["input"]["channel_ratio"], 1)

    def test_what_needs_data_says_so(self):
        self.assert_refused(self.diagnose(IMAGES / "model.onnx", "--svg", "x.svg", code=2), "--svg needs data", "--data")
        self.assert_refused(self.diagnose(IMAGES / "model.onnx", "--data", self.folder / "none.npz", code=2), "none.npz")
        self.assert_refused(self.diagnose(IMAGES / "model.onnx", "--data", IMAGES / "evaluation.npz", "--approach", "statik", code=2), "static")

    def test_a_model_without_anything_to_quantize(self):
        model, rows = self.folder / "m.onnx", self.folder / "rows.npz"
        model.write_bytes(onnx([("Relu", ["x"], "y")], {}, {"x": (8,)}, {"y": (8,)}))
        write_npz(rows, x=("<f4", (64, 8), [1.0] * 512))
        result = self.diagnose(model, "--data", rows)
        self.assertIn("no operator that can be quantized", result.stdout)


if __name__ == "__main__":
    unittest.main()
