"""Olive's search over its ONNX quantization pass with an accuracy goal: olive_search.py CASE.json JOURNAL OUT.onnx

All parameters that the pass declares for a search are searched, in Olive's default order, until a model meets the goal.
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

    def evaluate(self, model, metrics, device=None, execution_providers=None):
        value, _ = RUN.evaluate(model.model_path)
        return MetricResult.model_validate({"rows-accuracy_score": {"value": value, "priority": 1, "higher_is_better": True}})


def workflow(case, folder):
    goal = {"type": "percent-max-degradation", "value": 100 * case["loss"]}
    if case["criterion"] == "absolute":
        goal = {"type": "max-degradation", "value": case["loss"]}
    accuracy = {"name": "rows", "type": "accuracy",
                "sub_types": [{"name": "accuracy_score", "priority": 1, "metric_config": {"task": "multiclass"}, "goal": goal}]}
    return {
        "input_model": {"type": "ONNXModel", "config": {"model_path": case["model"]}},
        "data_configs": [{"name": "calibration", "type": "DataContainer", "load_dataset_config": {"type": "calibration_rows"}}],
        "evaluators": {"all_rows": {"type": "AllRows", "metrics": [accuracy]}},
        "passes": {"quantization": {"type": "OnnxQuantization", "config": {"data_config": "calibration"}}},
        "engine": {"search_strategy": {"execution_order": "joint", "sampler": "sequential", "stop_when_goals_met": True},
                   "evaluator": "all_rows", "cache_dir": str(folder / "cache"), "output_dir": str(folder / "out"), "log_severity_level": 2},
    }


def main():
    with tempfile.TemporaryDirectory() as folder:
        RUN.start()
        output = run_workflow(workflow(RUN.case, pathlib.Path(folder)))
        best = output.get_best_candidate()
        RUN.end(best and onnx.load(best.model_path), sys.argv[3])


if __name__ == "__main__":
    main()
