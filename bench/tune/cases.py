"""The models and rows that are tuned, and what is asked of each."""
import dataclasses
import json
import subprocess

import environments

ROOT = environments.ROOT
EXAMPLES = ROOT / "examples"
TEXT, IMAGE = "text-classification", "image-classification"
CALIBRATION_ROWS = 100


@dataclasses.dataclass
class Case:
    """One model with its rows, and the loss that may be accepted."""

    name: str
    example: str  # whose rows, and whose model where `hard_model` is empty
    hard_model: str = ""  # by hard_cases, which is built with the project
    hard: bool = True
    criterion: str = "relative"
    loss: float = 0.01
    right_answer: str = "quantized"  # or "fp32"; or "none": no model can hold what is asked for
    transformer: bool = False
    model: str = ""
    calibration: str = ""
    evaluation: str = ""

    def limit(self, baseline):
        return baseline - self.loss * (abs(baseline) if self.criterion == "relative" else 1)

    def write(self, path):
        path.write_text(json.dumps(dataclasses.asdict(self)), encoding="utf-8")
        return path


CASES = [
    Case("text", TEXT, hard=False),
    Case("image", IMAGE, hard=False),
    Case("activation-outliers", TEXT, "activation-outliers"),
    Case("rescaled-channels", IMAGE, "rescaled-channels"),
    Case("float-only", IMAGE, "float-only", right_answer="fp32"),
    Case("out-of-reach", IMAGE, criterion="absolute", loss=-0.005, right_answer="none"),  # more than fp32 has
]


def first_rows(interpreter, path, out):
    code = "import numpy, sys; a = numpy.load(sys.argv[1]); numpy.savez(sys.argv[2], **{n: a[n][:int(sys.argv[3])] for n in a.files})"
    subprocess.run([interpreter, "-c", code, path, out, str(CALIBRATION_ROWS)], check=True)


def prepare(case, interpreter, models, work):
    """Fills in the case's files. Its calibration rows are as many as all tools calibrate with, so that none has to choose."""
    folder = EXAMPLES / case.example
    model, calibration, evaluation = folder / "model.onnx", folder / "calibration.npz", folder / "evaluation.npz"
    if case.hard_model:
        model = models / case.hard_model / "model.onnx"
        if not model.exists():
            subprocess.run([ROOT / "build/bin/hard_cases", EXAMPLES, models], check=True, stdout=subprocess.DEVNULL)
    if case.example == TEXT:
        calibration, evaluation = work / "all_calibration.npz", work / "evaluation.npz"
        for tsv, out in (("calibration", calibration), ("evaluation", evaluation)):
            subprocess.run([interpreter, ROOT / "bench/quantize/tokenize_rows.py", folder, folder / f"{tsv}.tsv", out], check=True)
    first_rows(interpreter, calibration, work / "calibration.npz")
    return dataclasses.replace(case, transformer=case.example == TEXT, model=str(model), calibration=str(work / "calibration.npz"),
                               evaluation=str(evaluation))
