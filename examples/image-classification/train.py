#!/usr/bin/env python3
"""Trains a small convolutional network on scikit-learn's handwritten digits and writes the files of this example.

    python3 examples/image-classification/train.py [FOLDER]    # FOLDER: where to write, this script's own by default

Writes, about 1 MB in all:
  model.onnx        opset 17, float32; input `image` [batch, 1, 8, 8] with values in 0..1, output `logits` [batch, 10].
                    BatchNormalization is kept as nodes of its own, as in a model saved during training.
  evaluation.npz    540 rows that training never saw: `image` float32 [540, 1, 8, 8], `labels` int64 [540]
  calibration.npz   200 of the training rows: `image` float32 [200, 1, 8, 8], no labels

The network is a stem and six depthwise-separable blocks, four of them residual, as in MobileNet: 5 million
multiplications for an image of 64 pixels is more than this task needs, so that there is something to make faster.

Needs (Debian 12): python3-torch 1.13, libopenblas0-pthread. From PyPI, in a virtual environment made with
--system-site-packages: scikit-learn 1.5.2, onnx 1.17, onnxruntime 1.21, "numpy<2". About half a minute on 2 cores. The same
versions and number of threads give the same files.
"""

import pathlib
import sys
import time

import numpy as np
import onnx
import onnxruntime
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn

SEED = 7
EVALUATION_ROWS = 540
CALIBRATION_ROWS = 200
EPOCHS = 30
BATCH = 64


class SeparableBlock(nn.Module):
    """A 3x3 convolution of each channel alone, then a 1x1 convolution that mixes them; residual where the shape stays."""

    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.depthwise = nn.Conv2d(inputs, inputs, 3, stride, padding=1, groups=inputs, bias=False)
        self.depthwise_norm = nn.BatchNorm2d(inputs)
        self.pointwise = nn.Conv2d(inputs, outputs, 1, bias=False)
        self.pointwise_norm = nn.BatchNorm2d(outputs)
        self.residual = inputs == outputs and stride == 1

    def forward(self, x):
        y = nn.functional.relu6(self.depthwise_norm(self.depthwise(x)))
        y = self.pointwise_norm(self.pointwise(y))
        return torch.relu(x + y if self.residual else y)


class DigitNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(1, 64, 3, padding=1, bias=False)
        self.stem_norm = nn.BatchNorm2d(64)
        self.blocks = nn.Sequential(
            SeparableBlock(64, 128, 1),
            SeparableBlock(128, 128, 1),
            SeparableBlock(128, 128, 1),
            SeparableBlock(128, 128, 1),
            SeparableBlock(128, 256, 2),
            SeparableBlock(256, 256, 1),
        )
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Linear(256, 10)

    def forward(self, image):
        y = nn.functional.relu6(self.stem_norm(self.stem(image)))
        return self.classifier(self.pool(self.blocks(y)).flatten(1))


def load_rows():
    digits = load_digits()
    images = (digits.images / 16).astype(np.float32)[:, None]
    labels = digits.target.astype(np.int64)
    return train_test_split(images, labels, test_size=EVALUATION_ROWS, stratify=labels, random_state=SEED)


def shifted(images):
    """The batch moved by up to one pixel in each direction, the same for all its rows."""
    down, right = torch.randint(-1, 2, (2,)).tolist()
    padded = nn.functional.pad(images, (1, 1, 1, 1))
    return padded[:, :, 1 + down : 9 + down, 1 + right : 9 + right]


def train(images, labels):
    torch.manual_seed(SEED)
    model = DigitNet()
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.02)
    steps = EPOCHS * (len(images) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, total_steps=steps)
    loss_of = nn.CrossEntropyLoss(label_smoothing=0.05)
    for _ in range(EPOCHS):
        for rows in torch.randperm(len(images))[: len(images) // BATCH * BATCH].split(BATCH):
            loss = loss_of(model(shifted(images[rows])), labels[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    return model.eval()


def export(model, path):
    torch.onnx.export(
        model,
        torch.zeros(2, 1, 8, 8),
        str(path),
        opset_version=17,
        input_names=["image"],
        output_names=["logits"],
        dynamic_axes={"image": {0: "batch"}, "logits": {0: "batch"}},
        training=torch.onnx.TrainingMode.PRESERVE,  # EVAL would fold BatchNormalization into Conv
    )
    onnx.checker.check_model(str(path), full_check=True)


def main():
    folder = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else pathlib.Path(__file__).parent
    folder.mkdir(parents=True, exist_ok=True)
    start = time.monotonic()
    train_images, images, train_labels, labels = load_rows()
    model = train(torch.from_numpy(train_images), torch.from_numpy(train_labels))
    export(model, folder / "model.onnx")
    np.savez(folder / "evaluation.npz", image=images, labels=labels)
    np.savez(folder / "calibration.npz", image=train_images[:CALIBRATION_ROWS])

    with torch.no_grad():
        answers = model(torch.from_numpy(images)).numpy()
    session = onnxruntime.InferenceSession(str(folder / "model.onnx"), providers=["CPUExecutionProvider"])
    exported = session.run(["logits"], {"image": images})[0]
    types = [node.op_type for node in onnx.load(str(folder / "model.onnx")).graph.node]
    print("accuracy:", np.mean(answers.argmax(1) == labels), "by PyTorch,", np.mean(exported.argmax(1) == labels),
          "by ONNX Runtime; largest difference of a logit:", np.abs(answers - exported).max())
    print({name: types.count(name) for name in sorted(set(types))})
    print(f"{sum(p.numel() for p in model.parameters())} parameters, {time.monotonic() - start:.0f} s")
    if "BatchNormalization" not in types or (answers.argmax(1) != exported.argmax(1)).any():
        raise SystemExit("the exported model isn't the one that was trained")


if __name__ == "__main__":
    main()
