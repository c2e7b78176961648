"""Accuracy on all rows and latency of several ONNX files by onnxruntime's Python API, so that no tool judges itself.

Run by run.py in the bench's environment: judge.py CASE.json SECONDS FILE...   prints JSON, a list as FILE

The first file is the float model, the second ours. The latency is of one row, on all cores that this process may use; the files take turns as
bench/turns.py says. `speedup` (over the first file) and `of_ours` (the second file's speed over this one's) come with a 95 % interval.
"""
import concurrent.futures
import functools
import json
import os
import pathlib
import sys

import numpy
import onnxruntime

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import turns  # noqa: E402  (found by the line above)

ROWS = 16


def session(path, cores):
    """A session that computes on these cores, with a thread each. The first is the caller's."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = len(cores)
    if len(cores) > 1:
        options.add_session_config_entry("session.intra_op_thread_affinities", ";".join(str(core + 1) for core in cores[1:]))
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # the waiting sessions' threads would take the cores
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def accuracy(path, rows, labels, cores):
    """Row by row, as all tools evaluate: what a dynamic quantization computes depends on the batch."""
    model = session(path, cores[:1])
    right = numpy.zeros(len(labels))

    def every(first):
        for row in range(first, len(labels), len(cores)):
            right[row] = model.run(None, rows[row])[0][0].argmax() == labels[row]

    with concurrent.futures.ThreadPoolExecutor(len(cores)) as pool:
        list(pool.map(every, range(len(cores))))
    return float(right.mean())


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        case = json.load(file)
    arrays = dict(numpy.load(case["evaluation"]).items())
    labels = arrays.pop("labels")
    rows = [{name: values[i : i + 1] for name, values in arrays.items()} for i in range(len(labels))]
    cores = sorted(os.sched_getaffinity(0))
    files = sys.argv[3:]
    results = [{"accuracy": accuracy(path, rows, labels, cores), "rows": len(rows)} for path in files]
    seconds = float(sys.argv[2])
    if seconds > 0:
        os.sched_setaffinity(0, cores[:1])
        blocks = turns.blocks_of([functools.partial(session, path, cores) for path in files], rows[:ROWS], seconds)
        for i, result in enumerate(results):
            result["median_ms"] = float(numpy.median(blocks[:, i])) * 1e3
            result["speedup"] = turns.ratio(blocks[:, 0], blocks[:, i])
            result["of_ours"] = turns.ratio(blocks[:, i], blocks[:, min(1, len(files) - 1)])
    print(json.dumps(results))


if __name__ == "__main__":
    main()
