"""What all peers' scripts share: the case, its rows, and the evaluation function, which keeps a tally of what it was asked.

A case is a JSON file: {"model", "calibration", "evaluation": paths, "transformer": true or false, "criterion": "relative" or "absolute",
"loss": number}. The journal is a file of JSON lines, each written when it happened, so that a peer that is stopped has told what it did:
{"event": "start"}, {"event": "evaluation", "value", "rows", "quantized"}, {"event": "end", "saved",
"quantized"}; `at` is seconds since the start.

The rows are evaluated one at a time, as many side by side as there are cores, by sessions of one thread: with two cores the fastest of
1, 4, 16 and 64 rows a run, side by side or with all cores on one run, for all the models here.
"""
import concurrent.futures
import json
import os
import sys
import time

import numpy
import onnx
import onnxruntime

QUANTIZED = ("QuantizeLinear", "DynamicQuantizeLinear", "DequantizeLinear", "MatMulInteger", "ConvInteger", "MatMulNBits")


def is_quantized(model):
    return any(node.op_type in QUANTIZED or node.op_type.startswith(("QLinear", "QGemm", "DynamicQuantize")) for node in model.graph.node)


class Tally:
    def __init__(self, case, journal):
        with open(case, encoding="utf-8") as file:
            self.case = json.load(file)
        self.journal = open(journal, "w", encoding="utf-8")
        self.calibration, _ = self.read("calibration")
        self.rows, self.labels = self.read("evaluation")
        self.cores = len(os.sched_getaffinity(0))
        self.started = time.perf_counter()

    def read(self, kind):
        """The rows, each a dictionary of arrays with a first axis of one, and their labels."""
        arrays = dict(numpy.load(self.case[kind]).items())
        labels = arrays.pop("labels", None)
        return [{name: values[i : i + 1] for name, values in arrays.items()} for i in range(len(next(iter(arrays.values()))))], labels

    def tell(self, event, **more):
        print(json.dumps({"event": event, "at": time.perf_counter() - self.started, **more}), file=self.journal, flush=True)

    def start(self):
        self.started = time.perf_counter()
        self.tell("start")

    def evaluate(self, model, indices=None):
        """The part of the rows that the model answers with their label, and for each row 1.0 or 0.0. `indices`: some of the rows."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = 3
        loaded = onnx.load(model) if isinstance(model, (str, os.PathLike)) else model
        session = onnxruntime.InferenceSession(loaded.SerializeToString(), options, providers=["CPUExecutionProvider"])
        indices = range(len(self.rows)) if indices is None else indices
        right = numpy.zeros(len(indices))

        def every(first):
            for place in range(first, len(indices), self.cores):
                row = indices[place]
                right[place] = session.run(None, self.rows[row])[0][0].argmax() == self.labels[row]

        with concurrent.futures.ThreadPoolExecutor(self.cores) as pool:
            list(pool.map(every, range(self.cores)))
        value = float(right.mean())
        self.tell("evaluation", value=value, rows=len(indices), quantized=is_quantized(loaded))
        return value, right.tolist()

    def end(self, model, path):
        """`model`: what the peer returned, a ModelProto, or None when it has no answer."""
        if model is not None:
            onnx.save(model, path)
        self.tell("end", saved=model is not None, quantized=model is not None and is_quantized(model))


def from_arguments():
    """CASE.json JOURNAL, the first two arguments of each peer's script."""
    return Tally(sys.argv[1], sys.argv[2])
