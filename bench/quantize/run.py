#!/usr/bin/env python3
"""Ours against onnxruntime.quantization: the same models, the same 100 calibration rows, one run.

    python3 bench/quantize/run.py                        # everything; prints the table of the README
    python3 bench/quantize/run.py --models resnet50 --forms static-minmax

Needs scripts/build first. Makes, below build/bench/, a virtual environment with onnxruntime from PyPI, and the models by
bench/models/make.py unless --data names a folder that holds them. About half an hour for everything on 2 cores.

Each quantization is a process of its own: its wall time and peak resident memory are the kernel's figures for that process, loading,
calibrating, quantizing and writing included. Ours and the peer's take turns. Accuracy and latency come from onnxruntime's Python API; the
last column is how many times as fast our static (minmax) or dynamic model is as the peer's of that row, the two taking turns.
"""
import argparse
import json
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
HERE = pathlib.Path(__file__).resolve().parent
MODELS = ["bert_base", "resnet50", "mobilenet_v2"]  # by bench/models/make.py
EXAMPLES = {"text": "text-classification", "image": "image-classification"}  # trained: their accuracy is on labels
OURS = ["static-minmax", "static-entropy", "static-percentile", "dynamic"]
# The peer's calibration by histograms keeps every activation of every row: on few rows only, marked in the table.
PEER = ["static-minmax", "static-matmul", "static-default", "static-entropy", "static-percentile", "dynamic"]
KEEPS_ALL = ("static-entropy", "static-percentile")
FEW_ROWS = 10


def pinned_onnxruntime():
    """The release that ours is built with, so that both sides run on the same."""
    return re.search(r"^ORT_VERSION=(\S+)", (ROOT / "scripts/setup").read_text(), re.MULTILINE)[1]


def python(work, version):
    """The bench's Python, with the packages it needs."""
    folder = work / f"venv-{version}"
    if not (folder / "done").exists():
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        subprocess.run([folder / "bin/pip", "install", "-q", f"onnxruntime=={version}", "onnx==1.19.1", "numpy<2", "sympy", "psutil",
                        "tokenizers==0.19.1"], check=True)
        (folder / "done").touch()
    return folder / "bin/python"


def timed(command, folder):
    """Runs the command in `folder` (the peer leaves files where it runs); returns seconds, peak resident bytes, and what went wrong ('' when nothing did)."""
    start = time.perf_counter()
    process = subprocess.Popen([str(part) for part in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                               cwd=folder)
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    error = "" if process.returncode == 0 else (output.strip().splitlines() or ["no output"])[-1]
    return time.perf_counter() - start, usage.ru_maxrss * 1024, error


def few_rows(interpreter, path, out):
    code = "import numpy, sys; a = numpy.load(sys.argv[1]); numpy.savez(sys.argv[2], **{n: a[n][:int(sys.argv[3])] for n in a.files})"
    subprocess.run([interpreter, "-c", code, path, out, str(FEW_ROWS)], check=True)
    return out


def ours_command(form, model, calibration, out, threads):
    command = [ROOT / "build/bin/neural_solution", "quantize", model, "--data", calibration, "--threads", threads, "-o", out]
    if form == "dynamic":
        return command + ["--approach", "dynamic"]
    return command + ["--approach", "static", "--calibration-method", form.split("-")[1]]


def files_of(name, interpreter, data, work):
    """Model, calibration rows and evaluation rows."""
    if name not in EXAMPLES:
        return [data / f"{name}{suffix}" for suffix in (".onnx", "_calibration.npz", "_evaluation.npz")]
    folder = ROOT / "examples" / EXAMPLES[name]
    rows = [folder / "calibration.npz", folder / "evaluation.npz"]
    if name == "text":
        rows = [work / "text_calibration.npz", work / "text_evaluation.npz"]
        for kind, out in zip(("calibration", "evaluation"), rows):
            subprocess.run([interpreter, HERE / "tokenize_rows.py", folder, folder / f"{kind}.tsv", out], check=True)
    return [folder / "model.onnx", *rows]


def bench_model(name, args, interpreter, data, work):
    model, calibration, evaluation = files_of(name, interpreter, data, work)
    few = few_rows(interpreter, calibration, work / f"{name}_few.npz")
    runs = [("ours", form) for form in OURS] + [("peer", form) for form in PEER]
    runs = [run for run in runs if not args.forms or run[1] in args.forms]
    rows, bare = {run: [] for run in runs}, []
    for _ in range(args.repeat):
        bare.append(float(subprocess.run([interpreter, HERE / "bare.py", str(args.threads), model, calibration], check=True,
                                         capture_output=True, text=True).stdout))
        for side, form in runs:
            out = work / f"{name}_{side}_{form}.onnx"
            out.unlink(missing_ok=True)
            if side == "ours":
                command = ours_command(form, model, calibration, out, args.threads)
            else:
                command = [interpreter, HERE / "peer.py", form, model, few if form in KEEPS_ALL else calibration, out]
            with tempfile.TemporaryDirectory() as folder:
                rows[(side, form)].append(timed(command, folder))
    return finish(name, args, interpreter, work, model, evaluation, rows, statistics.median(bare))


def groups_of(made):
    """What takes turns with what: static forms with static ones, dynamic with dynamic; those of other calibrations, which compute the same, by themselves."""
    others = tuple(form for form in OURS if form.startswith("static") and form != "static-minmax")
    groups = [[run for run in made if run[1].startswith("static") and run[1] not in others], [run for run in made if run[1] == "dynamic"],
              [run for run in made if run[1] in others]]
    return [group for group in groups if group]


def finish(name, args, interpreter, work, model, evaluation, rows, bare):
    files = {run: str(work / f"{name}_{run[0]}_{run[1]}.onnx") for run in rows if not rows[run][-1][2]}
    groups = json.dumps([[files[run] for run in group] for group in groups_of(files)])
    measured = json.loads(subprocess.run([interpreter, HERE / "measure.py", str(args.threads), evaluation, str(args.seconds), model, groups],
                                         check=True, capture_output=True, text=True).stdout)
    table = [{"model": name, "by": "float", "form": "bare runs of the rows", "seconds": bare, "size": model.stat().st_size, **measured[str(model)]}]
    for run, samples in rows.items():
        row = {"model": name, "by": run[0], "form": run[1], "seconds": statistics.median(s[0] for s in samples),
               "peak": statistics.median(s[1] for s in samples), "error": samples[-1][2]}
        if run in files:
            row.update(measured[files[run]], size=os.stat(files[run]).st_size)
            if not any(group[0][0] == "ours" and run in group for group in groups_of(files)):
                row["of_ours"] = None  # ours failed
        row["few"] = run[0] == "peer" and run[1] in KEEPS_ALL
        table.append(row)
    return table


def with_interval(ratio):
    return f"{ratio['value']:.3f} ({ratio['low']:.3f} to {ratio['high']:.3f})"


def show(table):
    print("| model | by | form | quantized in | peak memory | file | accuracy | SQNR | latency | speed-up | ours is faster by |")
    print("| --- | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    for row in table:
        form = row["form"] + (f" ({FEW_ROWS} rows)" if row.get("few") else "")
        peak = f"{row['peak'] / 1e6:.0f} MB" if "peak" in row else ""
        if row.get("error"):
            print(f"| {row['model']} | {row['by']} | {form} | {row['seconds']:.1f} s | {peak} | failed: {row['error'][:80]} | | | | | |")
            continue
        sqnr = "" if row["sqnr_db"] is None else f"{row['sqnr_db']:.1f} dB"
        speed = f"{row['median_ms']:.2f} ms | {with_interval(row['speedup'])}" if "speedup" in row else " | "
        beside = with_interval(row["of_ours"]) if row.get("of_ours") and row["by"] == "peer" and not row["few"] else ""
        print(f"| {row['model']} | {row['by']} | {form} | {row['seconds']:.2f} s | {peak} | {row['size'] / 1e6:.1f} MB | {row['accuracy']:.3f} "
              f"| {sqnr} | {speed} | {beside} |")
    goals(table)
    sys.stdout.flush()


def goals(table):
    """Our static quantization by minmax against the bare runs and against the peer's on the same rows."""
    rows = {(row["by"], row["form"]): row for row in table}
    ours, peer = rows.get(("ours", "static-minmax")), rows.get(("peer", "static-minmax"))
    if not ours or not peer or ours["error"] or peer["error"]:
        return
    bare = table[0]["seconds"]
    print(f"\n{ours['model']}: {ours['seconds'] / bare:.2f} times the bare runs; {peer['seconds'] / ours['seconds']:.1f} times as fast as the "
          f"peer, in {ours['peak'] / peer['peak']:.2f} of its memory\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=pathlib.Path, help="folder with the models of bench/models/make.py (default: made now)")
    parser.add_argument("--models", nargs="+", default=[*MODELS, *EXAMPLES])
    parser.add_argument("--forms", nargs="+", help="only these forms, as the table names them")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=20, help="of latency measuring, at least, for each group of models")
    parser.add_argument("--onnxruntime", default=pinned_onnxruntime(), help="version of the peer and of the latency measurement")
    args = parser.parse_args()
    work = ROOT / "build/bench/quantize"
    work.mkdir(parents=True, exist_ok=True)
    interpreter = python(work, args.onnxruntime)
    data = args.data.resolve() if args.data else None
    if data is None:
        data = ROOT / "build/bench/models"
        missing = [name for name in args.models if name in MODELS and not (data / f"{name}.onnx").exists()]
        if missing:
            subprocess.run([sys.executable, ROOT / "bench/models/make.py", data, *missing], check=True)
    for name in args.models:
        show(bench_model(name, args, interpreter, data, work))
    shutil.rmtree(work / "__pycache__", ignore_errors=True)


if __name__ == "__main__":
    main()
