"""Quantizes a small ONNX network with Intel's neural_compressor 2.x, the way its examples do. It knows nothing of any service."""
import argparse
import os

import numpy as np
import onnx
import onnxruntime
from neural_compressor import PostTrainingQuantConfig, quantization
from neural_compressor.config import AccuracyCriterion


class Loader:
    """Batches of a data set, as neural_compressor wants them."""

    def __init__(self, path, batch_size):
        rows = np.load(path)
        self.images = rows["image"]
        self.labels = rows["labels"] if "labels" in rows else np.zeros(len(self.images), np.int64)
        self.batch_size = batch_size

    def __iter__(self):
        for begin in range(0, len(self.images), self.batch_size):
            end = begin + self.batch_size
            yield self.images[begin:end], self.labels[begin:end]


def accuracy_of(model, loader):
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    right = rows = 0
    for images, labels in loader:
        logits = session.run(None, {session.get_inputs()[0].name: images})[0]
        right += int((logits.argmax(axis=1) == labels).sum())
        rows += len(labels)
    return right / rows


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--model_path", required=True)
    parser.add_argument("--dataset_location", required=True)
    parser.add_argument("--output_model", default="digits-int8.onnx")
    parser.add_argument("--title", default="")
    args = parser.parse_args()
    print("title:", args.title)

    model = onnx.load(os.path.join(args.model_path, "digits.onnx"))
    evaluation = Loader(os.path.join(args.dataset_location, "evaluation.npz"), 64)
    calibration = Loader(os.path.join(args.dataset_location, "calibration.npz"), 20)
    config = PostTrainingQuantConfig(approach="static", calibration_sampling_size=[100],
                                     accuracy_criterion=AccuracyCriterion(tolerable_loss=0.02))
    quantized = quantization.fit(model, config, calib_dataloader=calibration, eval_func=lambda candidate: accuracy_of(candidate, evaluation))
    quantized.save(args.output_model)
    print("accuracy after saving: %.4f" % accuracy_of(onnx.load(args.output_model), evaluation))


if __name__ == "__main__":
    main()
