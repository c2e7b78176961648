#!/usr/bin/env python3
"""Ours against other accuracy-driven tuners: the same models, rows, criterion and cores, one run.

    python3 bench/tune/run.py                                  # everything; prints the tables of the README
    python3 bench/tune/run.py --models text --only ours NNCF   # some

Needs scripts/build first. Makes, below build/bench/tune, a virtual environment for each tool (minutes, once): NNCF, Olive (which takes
PyTorch from Debian's python3-torch); Intel Neural Compressor's is made by scripts/setup.

Evaluations are of candidates on all rows; the baseline's is not counted, nor ours of the packaged file, which no other makes. One that ends
after half of its rows counts a half, and so do NNCF's on some rows. The wall time of ours is from the start of its process, reading model and
rows included; a peer's is from the call of its tuning function, its imports and the reading of rows not included. All tools evaluate row by
row, as many side by side as there are cores. Models are judged by onnxruntime's Python API (judge.py).
"""
import argparse
import dataclasses
import json
import os
import pathlib
import subprocess
import sys

import cases
import environments
import table
import tools

REPEAT_BELOW = 20  # seconds: a run that took longer is not repeated


def judge(case, work, files, seconds):
    command = [environments.python("judge"), pathlib.Path(__file__).parent / "judge.py", case.write(work / "case.json"), seconds, *files]
    return json.loads(subprocess.run([str(part) for part in command], check=True, capture_output=True, text=True).stdout)


def run_all(case, baseline, work, args):
    """Each tool's outcomes. The tools take turns."""
    outcomes = {tool: [] for tool in args.only}
    for _ in range(args.repeat):
        for tool, done in outcomes.items():
            if done and (done[-1].error or done[-1].seconds > REPEAT_BELOW):
                continue
            done.append(tools.run(tool, case, baseline, work, args.limit, args.cores))
    return outcomes


def bench(case, args):
    work = environments.ROOT / "build/bench/tune/work" / case.name
    work.mkdir(parents=True, exist_ok=True)
    case = cases.prepare(case, environments.python("judge"), args.data, work)
    baseline = judge(case, work, [case.model], 0)[0]
    outcomes = run_all(case, baseline, work, args)
    answered = [tool for tool, done in outcomes.items() if done[-1].model]
    judged = judge(case, work, [case.model] + [outcomes[tool][-1].model for tool in answered], args.seconds)[1:]
    figures = dict(zip(answered, judged))
    return [table.make_row(case, done, figures.get(tool, {}), baseline) for tool, done in outcomes.items()], baseline


def main():
    names = [case.name for case in cases.CASES]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", choices=names, default=names)
    every = list(tools.TOOLS)
    parser.add_argument("--only", nargs="+", choices=every, default=every, metavar="TOOL", help=f"of {', '.join(every)}")
    parser.add_argument("--repeat", type=int, default=3, help=f"runs, of which the median counts; those over {REPEAT_BELOW} s run once")
    parser.add_argument("--limit", type=float, default=45, help="seconds after which a tool is stopped")
    parser.add_argument("--seconds", type=float, default=10, help="of latency measuring a model's answers")
    parser.add_argument("--cores", type=int, nargs="+", default=sorted(os.sched_getaffinity(0)))
    parser.add_argument("--data", type=pathlib.Path, default=environments.ROOT / "build/bench/hard_cases",
                        help="where the hard models are, or are made")
    parser.add_argument("--json", type=pathlib.Path, help="write all figures to this file")
    args = parser.parse_args()
    args.only = sorted(set(args.only), key=every.index)  # ours is the first file to be judged
    os.sched_setaffinity(0, args.cores)
    for tool in args.only:
        if tool != "ours":
            environments.python(tools.TOOLS[tool][1])
    lines, figures = [], []
    for case in (case for case in cases.CASES if case.name in args.models):
        rows, baseline = bench(case, args)
        table.show(rows, baseline)
        sys.stdout.flush()
        lines.append(table.goals(rows))
        figures += [dataclasses.asdict(row) for row in rows]
        if args.json:
            args.json.write_text(json.dumps(figures, indent=1), encoding="utf-8")
    if "ours" in args.only:
        table.show_goals(lines)


if __name__ == "__main__":
    main()
