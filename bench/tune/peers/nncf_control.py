"""NNCF's quantize_with_accuracy_control on its ONNX backend: nncf_control.py CASE.json JOURNAL OUT.onnx"""
import sys

import nncf
import onnx

import tally


def main():
    run = tally.from_arguments()
    model = onnx.load(run.case["model"])
    relative = run.case["criterion"] == "relative"
    calibration = nncf.Dataset(run.calibration)
    validation = nncf.Dataset(range(len(run.rows)), lambda index: run.rows[index])
    run.start()
    quantized = nncf.quantize_with_accuracy_control(
        model, calibration, validation, lambda candidate, indices: run.evaluate(candidate, list(indices)), max_drop=run.case["loss"],
        drop_type=nncf.DropType.RELATIVE if relative else nncf.DropType.ABSOLUTE, subset_size=len(run.calibration),
        model_type=nncf.ModelType.TRANSFORMER if run.case["transformer"] else None)
    run.end(quantized, sys.argv[3])


if __name__ == "__main__":
    main()
