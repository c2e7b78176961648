"""Olive's search over its ONNX quantization pass with an accuracy goal: olive_search.py CASE.json JOURNAL OUT.onnx

All parameters that the pass declares for a search are searched, in Olive's default order, until a model meets the goal. We stop it there:
its own stop_when_goals_met ends in a TypeError when a sample before could not be made (0.13.0).
"""
import pathlib
import sys
import tempfile

import onnx
import tally
from olive.data.registry import Registry
from olive.evaluator.metric_result import MetricResult
from olive.evaluator.olive_evaluator import OliveEvaluator
from olive.evaluator.registry import Registry as Evaluators
from olive.workflows import run as run_workflow

RUN = tally.from_arguments()


class GoalMet(BaseException):  # Olive takes an Exception for a sample that failed
    def __init__(self, path):
        super().__init__(path)
        self.path = path


class Rows:
    """The calibration rows, without their batch axis, as a data set of PyTorch."""

    def __init__(self, rows):
        self.rows = rows

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, index):
        return {name: values[0] for name, values in self.rows[index].items()}, 0


@Registry.register_dataset()
def calibration_rows(**_):
    return Rows(RUN.calibration)


@Evaluators.register("AllRows")
class AllRows(OliveEvaluator):
    """Our evaluation function. Not a metric of type `custom`: 0.13.0 can't write a configuration that has one."""

    values = []  # of all; the first is the float model's

    def evaluate(self, model, metrics, device=None, execution_providers=None):
        value, _ = RUN.evaluate(model.model_path)
        self.values.append(value)
        loss = self.values[0] - value
        if len(self.values) > 1 and loss <= RUN.case["loss"] * (self.values[0] if RUN.case["criterion"] == "relative" else 1):
            raise GoalMet(model.model_path)
        return MetricResult.model_validate({"rows-accuracy_score": {"value": value, "priority": 1, "higher_is_better": True}})


def goal_of(case):
    """A loss below 0 asks for more than the float model has; Olive takes no degradation below 0, and has an improvement for it."""
    kind = "max-degradation" if case["loss"] >= 0 else "min-improvement"
    if case["criterion"] == "absolute":
        return {"type": kind, "value": abs(case["loss"])}
    return {"type": f"percent-{kind}", "value": 100 * abs(case["loss"])}


def workflow(case, folder):
    accuracy = {"name": "rows", "type": "accuracy",
                "sub_types": [{"name": "accuracy_score", "priority": 1, "metric_config": {"task": "multiclass"}, "goal": goal_of(case)}]}
    return {
        "input_model": {"type": "ONNXModel", "config": {"model_path": case["model"]}},
        "data_configs": [{"name": "calibration", "type": "DataContainer", "load_dataset_config": {"type": "calibration_rows"}}],
        "evaluators": {"all_rows": {"type": "AllRows", "metrics": [accuracy]}},
        "passes": {"quantization": {"type": "OnnxQuantization", "config": {"data_config": "calibration"}}},
        "engine": {"search_strategy": {"execution_order": "joint", "sampler": "sequential"},
                   "evaluator": "all_rows", "cache_dir": str(folder / "cache"), "output_dir": str(folder / "out"), "log_severity_level": 2},
    }


def main():
    with tempfile.TemporaryDirectory() as folder:
        RUN.start()
        try:
            best = run_workflow(workflow(RUN.case, pathlib.Path(folder))).get_best_candidate()
            answer = best and best.model_path
        except GoalMet as met:
            answer = met.path
        RUN.end(answer and onnx.load(answer), sys.argv[3])


if __name__ == "__main__":
    main()
