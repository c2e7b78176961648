"""For scripts that run as tasks of Neural Solution: tell the service what came out. Pure Python, 3.8 or later.

    import neural_solution
    neural_solution.report(model="out/model.onnx", accuracy=0.91, baseline_accuracy=0.92)

Run anywhere else, report() does nothing.
"""
import json
import os

__all__ = ["report"]

_FIELDS = {"model": str, "metric": str, "accuracy": float, "baseline_accuracy": float, "duration": float, "baseline_duration": float,
           "goal_met": bool}
_told = {}


def report(**fields):
    """Tells the service about the result; a later call adds to an earlier one.

    model              path of the optimized model: a file, or a folder
    accuracy           of that model, by the script's own evaluation; metric says what it is (default "accuracy")
    baseline_accuracy  of the model before
    duration, baseline_duration  seconds that one evaluation took
    goal_met           whether the accuracy was held; default: by the task's accuracy_criterion
    """
    for name, value in fields.items():
        if name not in _FIELDS:
            raise TypeError("report() has no field %r; it has %s" % (name, ", ".join(sorted(_FIELDS))))
        if value is not None:
            _told[name] = os.fspath(value) if name == "model" else _FIELDS[name](value)
    path = os.environ.get("NEURAL_SOLUTION_REPORT")
    if not path:
        return
    if "model" in _told:
        _told["model"] = os.path.abspath(_told["model"])
    with open(path + ".new", "w") as out:
        json.dump(_told, out)
    os.replace(path + ".new", path)
