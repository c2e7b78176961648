"""Accuracy and latency of several ONNX files on the same rows, by onnxruntime's Python API, so that no code of ours judges itself.

Run by run.py in the bench's virtual environment: measure.py THREADS EVALUATION.npz SECONDS FILE...   prints JSON, a list as FILE
The first file is the float model. `accuracy` is the part of the rows whose answer is the label; `sqnr_db` is how far the first output is
from the float model's on all rows, 10 log10(sum y^2 / sum (y - y')^2): it tells models apart whose answers are the same.
The latency is of one row; the files take turns, in an order that alternates, on all THREADS processors.
"""
import json
import statistics
import sys
import time

import numpy
import onnxruntime


def session(path, threads):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # the idle sessions' threads would take the cores
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def answers(model, rows, batch=16):
    """The first output on all rows."""
    count = len(next(iter(rows.values())))
    batches = ({name: values[start : start + batch] for name, values in rows.items()} for start in range(0, count, batch))
    return numpy.concatenate([model.run(None, one)[0] for one in batches]).astype(numpy.float64)


def quality(exact, output, labels):
    noise = numpy.square(output - exact).sum()
    return {"accuracy": float((output.argmax(-1) == labels).mean()),
            "sqnr_db": float(10 * numpy.log10(numpy.square(exact).sum() / noise)) if noise > 0 else None}


def main():
    threads, seconds = int(sys.argv[1]), float(sys.argv[3])
    arrays = numpy.load(sys.argv[2])
    rows = {name: arrays[name] for name in arrays.files if name != "labels"}
    sessions = [session(path, threads) for path in sys.argv[4:]]
    outputs = [answers(model, rows) for model in sessions]
    results = [quality(outputs[0], output, arrays["labels"]) for output in outputs]
    one = [{name: values[i : i + 1] for name, values in rows.items()} for i in range(8)]
    samples = [[] for _ in sessions]
    for model in sessions:
        for row in one[:3]:
            model.run(None, row)
    end, turn = time.perf_counter() + seconds, 0
    while time.perf_counter() < end or turn < 10:
        order = range(len(sessions)) if turn % 2 == 0 else reversed(range(len(sessions)))
        for i in order:
            start = time.perf_counter()
            sessions[i].run(None, one[turn % 8])
            samples[i].append(time.perf_counter() - start)
        turn += 1
    for result, times in zip(results, samples):
        result["median_ms"] = statistics.median(times) * 1e3
        result["speedup"] = statistics.median(a / b for a, b in zip(samples[0], times))
    print(json.dumps(results))


if __name__ == "__main__":
    main()
