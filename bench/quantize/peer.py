"""One quantization by onnxruntime.quantization, as its documentation shows it: preprocess, then quantize_static or quantize_dynamic.

Run by run.py in the bench's virtual environment: peer.py FORM MODEL CALIBRATION.npz OUT.onnx
FORM: static-minmax, static-entropy, static-percentile (uint8 activations, int8 weights per channel, QDQ: its fastest form on this
runtime), static-default (its default types), static-matmul (MatMul and Gemm alone), dynamic (int8 weights).
"""
import os
import sys
import tempfile

import numpy
import onnx
from onnxruntime import quantization
from onnxruntime.quantization.shape_inference import quant_pre_process


class Rows(quantization.CalibrationDataReader):
    """One row of the .npz at a time."""

    def __init__(self, path):
        arrays = numpy.load(path)
        self.arrays = {name: arrays[name] for name in arrays.files if name != "labels"}
        self.next = 0

    def get_next(self):
        row = self.next
        self.next += 1
        if row >= len(next(iter(self.arrays.values()))):
            return None
        return {name: values[row : row + 1] for name, values in self.arrays.items()}


def preprocess(model, folder):
    """quant_pre_process; its symbolic shape inference fails on some models, its plain form then does."""
    out = os.path.join(folder, "preprocessed.onnx")
    try:
        quant_pre_process(model, out)
    except Exception:  # noqa: BLE001 - the library raises plain Exception
        quant_pre_process(model, out, skip_symbolic_shape=True)
    return out


def main():
    form, model, calibration, out = sys.argv[1:5]
    if form == "dynamic":
        types = ["MatMul", "Gather"] if any(node.op_type == "Conv" for node in onnx.load(model, load_external_data=False).graph.node) else None
        quantization.quantize_dynamic(model, out, per_channel=True, weight_type=quantization.QuantType.QInt8, op_types_to_quantize=types)
        return
    options = {"per_channel": True}
    if form != "static-default":
        options.update(activation_type=quantization.QuantType.QUInt8, weight_type=quantization.QuantType.QInt8)
    if form == "static-matmul":
        options["op_types_to_quantize"] = ["MatMul", "Gemm"]
    method = {"static-entropy": "Entropy", "static-percentile": "Percentile"}.get(form, "MinMax")
    with tempfile.TemporaryDirectory() as folder:
        quantization.quantize_static(preprocess(model, folder), out, Rows(calibration), quant_format=quantization.QuantFormat.QDQ,
                                     calibrate_method=getattr(quantization.CalibrationMethod, method), **options)


if __name__ == "__main__":
    main()
