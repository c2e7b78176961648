"""Accuracy on all rows and latency of several ONNX files by onnxruntime's Python API, so that no tool judges itself.

Run by run.py in the bench's environment: judge.py CASE.json SECONDS FILE...   prints JSON, a list as FILE

The first file is the float model, the second ours. The latency is of one row, on all cores that this process may use. The files take turns
in an order that is drawn anew for each turn; in its turn a file runs a few times, the first not counted: what ran before it would be measured,
too. A turn's figure is the median; turns are grouped into blocks, and a block's ratio of two files is that of their medians. `speedup` (over
the first file) and `of_ours` (the second file's speed over this one's) are medians of the blocks' ratios with a 95 % interval by bootstrap.
"""
import concurrent.futures
import json
import os
import sys
import time

import numpy
import onnxruntime

BLOCKS = 24
RUNS = 10  # of a turn
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


def latencies(sessions, rows, seconds):
    """Seconds of one run: an array of turns x files."""
    random = numpy.random.default_rng(0)
    turns, end = [], time.perf_counter() + seconds
    while time.perf_counter() < end or len(turns) < 3 * BLOCKS:
        turn = numpy.zeros(len(sessions))
        for i in random.permutation(len(sessions)):
            turn[i] = numpy.median([timed(sessions[i], rows[(len(turns) + run) % ROWS]) for run in range(1 + RUNS)][1:])
        turns.append(turn)
    return numpy.array(turns)


def timed(model, row):
    start = time.perf_counter()
    model.run(None, row)
    return time.perf_counter() - start


def ratio(slower, faster):
    """Of two arrays of blocks: the median of how many times faster, and its interval."""
    ratios = slower / faster
    random = numpy.random.default_rng(0)
    medians = numpy.median(ratios[random.integers(0, len(ratios), (2000, len(ratios)))], axis=1)
    low, high = numpy.percentile(medians, [2.5, 97.5])
    return {"value": float(numpy.median(ratios)), "low": float(low), "high": float(high)}


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
        sessions = [session(path, cores) for path in files]
        os.sched_setaffinity(0, cores[:1])
        turns = latencies(sessions, rows[:ROWS], seconds)
        blocks = numpy.array([numpy.median(block, axis=0) for block in numpy.array_split(turns, BLOCKS)])
        for i, result in enumerate(results):
            result["median_ms"] = float(numpy.median(turns[:, i])) * 1e3
            result["speedup"] = ratio(blocks[:, 0], blocks[:, i])
            result["of_ours"] = ratio(blocks[:, i], blocks[:, min(1, len(files) - 1)])
    print(json.dumps(results))


if __name__ == "__main__":
    main()
