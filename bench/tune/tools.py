"""Runs one tool on one case and says what it did: the evaluations it used, when it had a first model that holds, and when it ended."""
import dataclasses
import datetime
import json
import os
import pathlib
import shutil
import signal
import subprocess
import time

import environments

ROOT = environments.ROOT
PEERS = pathlib.Path(__file__).resolve().parent / "peers"
# Name, script, environment, further arguments.
TOOLS = {
    "ours": None,
    "INC basic": ("inc.py", "neural_compressor", ["basic"]),
    "INC mse_v2": ("inc.py", "neural_compressor", ["mse_v2"]),
    "NNCF": ("nncf_control.py", "nncf", []),
    "Olive": ("olive_search.py", "olive", []),
}
IMPORTS = 60  # seconds, at most, before a peer's own time begins
QUIET = {"OLIVE_DISABLE_TELEMETRY": "1", "NNCF_CI": "1", "TRANSFORMERS_VERBOSITY": "error"}


@dataclasses.dataclass
class Outcome:
    """What came of one run. Evaluations are of candidates, in units of all rows: one that ended after half of the rows is 0.5."""

    tool: str
    error: str = ""
    model: str = ""  # the file of the answer
    quantized: bool = False  # the answer
    verdict: str = ""  # in the tool's own words
    first_evaluations: float = None  # until the first that holds the accuracy; None: none did
    first_seconds: float = None
    evaluations: float = 0
    seconds: float = 0


def run_command(command, log, limit, journal=None, stdout=None):
    """Runs it in a group of its own; returns what went wrong: '' when nothing did. The limit counts from the journal's first line, if any."""
    with open(log, "w", encoding="utf-8") as errors:
        process = subprocess.Popen([str(part) for part in command], stdout=stdout or errors, stderr=errors, stdin=subprocess.DEVNULL, text=True,
                                   cwd=log.parent, env={**os.environ, **QUIET}, start_new_session=True)
        try:
            if not ended_in_time(process, limit, journal):
                return f"not done after {limit:.0f} s"
        finally:  # of an interrupted bench, too
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
    lines = [line for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip() and not line.startswith("    For further")]
    return "" if process.returncode == 0 else (lines or [f"exit status {process.returncode}"])[-1].strip()


def ended_in_time(process, limit, journal):
    end = time.monotonic() + limit + (IMPORTS if journal else 0)
    while time.monotonic() < end:
        try:
            process.wait(min(0.1, limit))
            return True
        except subprocess.TimeoutExpired:
            if journal and journal.exists() and journal.stat().st_size > 0:
                end, journal = time.monotonic() + limit, None
    return False


def read_json_lines(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []


def run_peer(tool, case, baseline, work, limit):
    """A peer's clock starts when its tuning function is called: its imports and the reading of rows are not counted."""
    script, environment, more = TOOLS[tool]
    name = tool.replace(" ", "_")
    journal, out = work / f"{name}.jsonl", work / f"{name}.onnx"
    for path in (journal, out):
        path.unlink(missing_ok=True)
    command = [environments.python(environment), PEERS / script, case.write(work / "case.json"), journal, out, *more]
    outcome = Outcome(tool, error=run_command(command, work / f"{name}.log", limit, journal))
    tell_from_journal(outcome, read_json_lines(journal), baseline, case)
    if outcome.error.startswith("not done"):
        outcome.seconds = limit
    if out.exists() and not outcome.error:
        outcome.model = str(out)
    return outcome


def tell_from_journal(outcome, journal, baseline, case):
    """The first evaluation of the float model on all rows is the baseline's; all later ones count."""
    counting = False
    for line in journal:
        outcome.seconds = line["at"]
        if line["event"] == "evaluation":
            part = line["rows"] / baseline["rows"]
            if counting:
                outcome.evaluations += part
            counting = counting or (part == 1 and not line["quantized"])
            if part == 1 and line["quantized"]:
                outcome.quantized = True
                if outcome.first_seconds is None and line["value"] >= case.limit(baseline["accuracy"]):
                    outcome.first_seconds, outcome.first_evaluations = line["at"], outcome.evaluations
        elif line["event"] == "end":
            outcome.quantized = line["quantized"]
            outcome.verdict = "an answer" if line["saved"] else "no answer"


def run_ours(case, baseline, work, limit, cores):
    """Our clock starts with the process: reading the model and the rows is counted."""
    out, events = work / "ours", work / "ours.jsonl"
    shutil.rmtree(out, ignore_errors=True)
    command = [ROOT / "build/bin/neural_solution_worker", "optimize", case.model, "--data", case.evaluation, "--calibration", case.calibration,
               "--criterion", case.criterion, "--tolerable-loss", f"{case.loss:g}", "--cores", ",".join(map(str, cores)),
               "--json", "--no-cache", "-o", out]
    started = time.time()
    with open(events, "w", encoding="utf-8") as file:
        outcome = Outcome("ours", error=run_command(command, work / "ours.log", limit, stdout=file))
    outcome.seconds = time.time() - started
    if outcome.error:
        return outcome
    report = json.loads((out / "report.json").read_text(encoding="utf-8"))
    outcome.model, outcome.verdict = str(out / "model.onnx"), report["verdict"]
    outcome.quantized = not json.loads((out / "recipe.json").read_text(encoding="utf-8"))["keep_float"]
    # Beside the search's are the baseline's and the packaged file's.
    outcome.evaluations = report["full_evaluations"] - 2 + sum(share_of(trial, baseline) % 1 for trial in report["trials"][1:])
    tell_first(outcome, read_json_lines(events), report["trials"], baseline, started)
    return outcome


def share_of(trial, baseline):
    return trial.get("rows", 0) / baseline["rows"]


def tell_first(outcome, events, trials, baseline, started):
    for event in events:
        if event["type"] == "trial" and event["payload"]["index"] > 0 and event["payload"]["meets_criterion"]:
            last = event["payload"]["index"]
            outcome.first_seconds = datetime.datetime.fromisoformat(event["time"]).timestamp() - started
            outcome.first_evaluations = sum(share_of(trial, baseline) for trial in trials if 0 < trial["index"] <= last)
            return


def run(tool, case, baseline, work, limit, cores):
    return run_ours(case, baseline, work, limit, cores) if tool == "ours" else run_peer(tool, case, baseline, work, limit)
