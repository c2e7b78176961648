"""Intel Neural Compressor's accuracy-driven tuning on ONNX Runtime: inc.py CASE.json JOURNAL OUT.onnx STRATEGY

Static quantization with its defaults, as its documentation shows it. Its rows are calibrated one at a time.
"""
import sys

import onnx
from neural_compressor import PostTrainingQuantConfig, quantization
from neural_compressor.config import AccuracyCriterion, TuningCriterion

import tally


class Rows:
    """The calibration rows as neural_compressor wants them."""

    def __init__(self, rows):
        self.rows = rows
        self.batch_size = 1

    def __iter__(self):
        for row in self.rows:
            yield row, 0


def main():
    run = tally.from_arguments()
    out, strategy = sys.argv[3:5]
    model = onnx.load(run.case["model"])
    criterion = AccuracyCriterion(criterion=run.case["criterion"], tolerable_loss=run.case["loss"])
    # Level 1: the strategy that was asked for, with nothing else before it.
    config = PostTrainingQuantConfig(approach="static", quant_level=1, calibration_sampling_size=[len(run.calibration)],
                                     accuracy_criterion=criterion, tuning_criterion=TuningCriterion(strategy=strategy))
    run.start()
    quantized = quantization.fit(model, config, calib_dataloader=Rows(run.calibration), eval_func=lambda candidate: run.evaluate(candidate)[0])
    run.end(quantized and quantized.model, out)


if __name__ == "__main__":
    main()
