"""How much faster a task that is bound by its trials is with two workers of one core each than with one.

    bench/scaling/run.py [--pairs 5] [--trials 32] [--rows 12000] [--workers 2]

The text example over so many rows (its own, repeated), a random search whose trials all run over all rows: more accuracy is asked for than fp32
has, so that nothing ends early and nothing is timed but the packaged model. One and several workers take turns, in changing order; the ratio of each
pair's wall times gives the geometric mean and its 95 % interval (Student's t of the logarithms). Everything counts, loading and packaging too.
"""
import argparse
import json
import math
import os
import pathlib
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
WORKER = pathlib.Path(os.environ.get("NS_BIN_DIR", ROOT / "build/bin")) / "neural_solution_worker"
TEXTS = ROOT / "examples/text-classification"
T95 = [0, 12.71, 4.30, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26]  # by degrees of freedom


def write_rows(path, count):
    header, *rows = (TEXTS / "evaluation.tsv").read_text().splitlines()
    path.write_text("\n".join([header] + (rows * (count // len(rows) + 1))[:count]) + "\n")


def run(folder, data, cores, workers, trials):
    """Seconds, and the report."""
    out = folder / f"out-{workers}"
    start = time.monotonic()
    subprocess.run([WORKER, "optimize", TEXTS, "--data", data, "--calibration", TEXTS / "calibration.tsv", "--tolerable-loss", "-0.1",
                    "--strategy", "random", "--max-trials", str(trials), "--workers", str(workers), "--cores", ",".join(map(str, cores[:workers])),
                    "--latency-threads", "1", "--no-cache", "--force", "-o", out],
                   check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    seconds = time.monotonic() - start
    return seconds, json.loads((out / "report.json").read_text())


def idle_share():
    """Of the processors, over a second."""
    def read():
        fields = list(map(int, pathlib.Path("/proc/stat").read_text().splitlines()[0].split()[1:]))
        return fields[3] + fields[4], sum(fields)
    idle, total = read()
    time.sleep(1)
    idle_then, total_then = read()
    return (idle_then - idle) / max(1, total_then - total)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--trials", type=int, default=32)
    parser.add_argument("--rows", type=int, default=12000)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < options.workers:
        sys.exit(f"{options.workers} workers of one core each need as many cores, there are {len(cores)}")
    logarithms = []
    with tempfile.TemporaryDirectory(prefix="ns_scaling_") as name:
        folder = pathlib.Path(name)
        write_rows(folder / "rows.tsv", options.rows)
        print(f"{options.trials} trials over {options.rows} rows; processors idle before: {idle_share():.0%}")
        for pair in range(options.pairs):
            order = [1, options.workers] if pair % 2 == 0 else [options.workers, 1]
            seconds = {}
            for workers in order:
                seconds[workers], report = run(folder, folder / "rows.tsv", cores, workers, options.trials)
                done = [trial.get("worker", "0") for trial in report["trials"] if trial["index"] > 0]
                shares = {worker: done.count(worker) for worker in sorted(set(done))}
                stages = {stage: round(value, 1) for stage, value in report["elapsed_seconds"].items()}
                print(f"  {workers} worker(s): {seconds[workers]:7.1f} s, {len(done)} trials {shares}, {stages}", flush=True)
            ratio = seconds[1] / seconds[options.workers]
            logarithms.append(math.log(ratio))
            print(f"pair {pair + 1}: {ratio:.3f} times as fast", flush=True)
    mean = sum(logarithms) / len(logarithms)
    if len(logarithms) > 1:
        deviation = math.sqrt(sum((value - mean) ** 2 for value in logarithms) / (len(logarithms) - 1))
        half = T95[min(len(logarithms) - 1, len(T95) - 1)] * deviation / math.sqrt(len(logarithms))
        print(f"{options.workers} workers: {math.exp(mean):.3f} times as fast as one (95 % {math.exp(mean - half):.3f} to {math.exp(mean + half):.3f})")


if __name__ == "__main__":
    main()
