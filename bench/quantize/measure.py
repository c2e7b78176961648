"""Accuracy and latency of several ONNX files on the same rows, by onnxruntime's Python API, so that no code of ours judges itself.

Run by run.py in the bench's virtual environment: measure.py THREADS EVALUATION.npz SECONDS FLOAT.onnx GROUPS   prints JSON, what was
measured by file. GROUPS is a JSON list of lists of files. `accuracy` is the part of the rows whose answer is the label; `sqnr_db` is how far
the first output is from the float model's on all rows, 10 log10(sum y^2 / sum (y - y')^2): it tells models apart whose answers are the same.
The latency is of one row, on all THREADS processors; the float model and a group's files take turns as bench/turns.py says. `of_ours` is how
many times as fast the group's first file is as this one.
"""
import functools
import json
import pathlib
import sys

import numpy
import onnxruntime

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import turns  # noqa: E402  (found by the line above)

RUNS = 3  # of a turn: the large models take 50 ms


def session(path, threads):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    options.add_session_config_entry("session.force_spinning_stop", "1")  # after a run: the idle sessions' threads would take the cores
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


def speeds(float_path, files, threads, rows, seconds):
    """Median latency, speed over the float model and, but for the first, the first file's speed over this one's: one turn after the other."""
    blocks = turns.blocks_of([functools.partial(session, path, threads) for path in (float_path, *files)], rows, seconds, RUNS)
    return [{"median_ms": float(numpy.median(blocks[:, i])) * 1e3, "speedup": turns.ratio(blocks[:, 0], blocks[:, i]),
             "of_ours": turns.ratio(blocks[:, i], blocks[:, 1]) if i > 1 else None} for i in range(1, 1 + len(files))]


def main():
    threads, seconds, float_path, groups = int(sys.argv[1]), float(sys.argv[3]), sys.argv[4], json.loads(sys.argv[5])
    arrays = numpy.load(sys.argv[2])
    rows = {name: arrays[name] for name in arrays.files if name != "labels"}
    exact = answers(session(float_path, threads), rows)
    results = {float_path: quality(exact, exact, arrays["labels"])}
    one = [{name: values[i : i + 1] for name, values in rows.items()} for i in range(8)]
    for files in groups:
        for path, speed in zip(files, speeds(float_path, files, threads, one, seconds)):
            results[path] = {**quality(exact, answers(session(path, threads), rows), arrays["labels"]), **speed}
    print(json.dumps(results))


if __name__ == "__main__":
    main()
