"""The bare float runs: every row once, one at a time, nothing else. Run by run.py: bare.py THREADS MODEL CALIBRATION.npz

Prints the seconds of the runs alone, without loading the model or the data.
"""
import sys
import time

import numpy

import onnxruntime


def main():
    arrays = numpy.load(sys.argv[3])
    rows = {name: arrays[name] for name in arrays.files if name != "labels"}
    count = len(next(iter(rows.values())))
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = int(sys.argv[1])
    model = onnxruntime.InferenceSession(sys.argv[2], options)
    start = time.perf_counter()
    for i in range(count):
        model.run(None, {name: values[i : i + 1] for name, values in rows.items()})
    print(time.perf_counter() - start)


if __name__ == "__main__":
    main()
