#!/usr/bin/env python3
"""Makes the models and rows that the benchmarks run on. They are large, so they are made on demand and not committed.

    python3 bench/models/make.py OUT            # all of them
    python3 bench/models/make.py OUT resnet50   # some: bert_base, resnet50, mobilenet_v2

For each NAME three files: OUT/NAME.onnx (opset 17, float32, dynamic batch), OUT/NAME_calibration.npz (100 rows, arrays
named after the model's inputs) and OUT/NAME_evaluation.npz (512 other rows of text or 256 images, and `labels`: the
float32 model's own answers, so that the accuracy of a quantized model is its agreement with the original).

The architectures are the real ones and the weights are random: good for speed, size and memory. To make agreement mean
something too, three things are done that plain random weights lack: LayerNorm and BatchNorm parameters vary as they do
after training (BatchNorm's running statistics are measured on data), the rows come from classes, and the last layer is
fitted to tell these classes apart (ridge regression on the random features, on rows that are in neither file). So
answers have margins as a trained model's have. An agreement here still says nothing about the loss of a trained model.

Needs (Debian 12): python3-torch 1.13, python3-torchvision 0.14, libopenblas0-pthread (30 times faster than the BLAS that
python3-torch pulls in). From PyPI, in a virtual environment made with --system-site-packages: transformers 4.40.2 (for
bert_base), onnx 1.17, onnxruntime 1.21, "numpy<2". On 2 cores: bert_base 1 to 2 minutes, resnet50 1.5, mobilenet_v2 half
a one; up to 3 GB of memory. On disk: bert_base 440 MB, resnet50 317 MB, mobilenet_v2 228 MB. A second run gives the same
bytes; another machine gives the same rows, and weights of the last layer that may differ in their last digits.
"""

import argparse
import pathlib
import time

import numpy as np
import onnx
import onnxruntime
import torch
from torch import nn

OPSET = 17
SEED = 20240717
CALIBRATION_ROWS = 100
EVALUATION_ROWS = {"bert_base": 512, "resnet50": 256, "mobilenet_v2": 256}
FIT_ROWS_PER_CLASS = 10
BATCH = 10


# Rows: functions (classes, generator) -> {input name: tensor}, one row for each entry of `classes`.


def smooth_noise(shape, sizes, generator):
    """Random fields of [*shape, 224, 224] with the 1/f spectrum of photographs: noise at several resolutions, enlarged."""
    field = torch.zeros(*shape, 224, 224)
    for size in sizes:
        noise = torch.randn(*shape, size, size, generator=generator)
        field += 4 / size * nn.functional.interpolate(noise, (224, 224), mode="bicubic", align_corners=False)
    return field


IMAGE_CLASSES = 32
IMAGENET_MEAN = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)
IMAGENET_STD = torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)


def image_rows(classes, generator):
    """A class is a colour and a coarse field; each image of it has its own details. Normalized as for ImageNet."""
    shared = torch.Generator().manual_seed(SEED)
    colours = torch.randn(IMAGE_CLASSES, 3, 1, 1, generator=shared)
    prototypes = colours + 0.5 * smooth_noise((IMAGE_CLASSES, 3), (4, 8), shared)
    count = len(classes)
    light = smooth_noise((count, 1), (4, 8, 16, 32, 64), generator)
    colour = smooth_noise((count, 3), (8, 32, 112), generator)
    pixels = (0.45 + 0.2 * prototypes[classes] + 0.06 * light + 0.02 * colour).clamp(0, 1)
    return {"image": (pixels - IMAGENET_MEAN) / IMAGENET_STD}


TEXT_CLASSES = 16
VOCABULARY = 30522
SEQUENCE = 128
CLS, SEP = 101, 102
FIRST_WORD = 1000  # below are special and unused tokens


def text_rows(classes, generator):
    """Token ids with Zipf's frequencies; most words of a row come from 40 of its class. Rows have 24 to 128 tokens and are padded."""
    count = len(classes)
    frequencies = 1 / torch.arange(10.0, VOCABULARY - FIRST_WORD + 10)
    words = torch.multinomial(frequencies, count * SEQUENCE, replacement=True, generator=generator).view(count, SEQUENCE)
    shared = torch.Generator().manual_seed(SEED)
    topic_words = torch.randint(VOCABULARY - FIRST_WORD, (TEXT_CLASSES, 40), generator=shared)
    picks = torch.randint(40, (count, SEQUENCE), generator=generator)
    on_topic = torch.rand(count, SEQUENCE, generator=generator) < 0.6
    ids = FIRST_WORD + torch.where(on_topic, topic_words[classes].gather(1, picks), words)
    lengths = torch.randint(24, SEQUENCE + 1, (count, 1), generator=generator)
    positions = torch.arange(SEQUENCE).expand(count, -1)
    ids[:, 0] = CLS
    ids[positions == lengths - 1] = SEP
    mask = (positions < lengths).long()
    return {"input_ids": ids * mask, "attention_mask": mask, "token_type_ids": torch.zeros_like(mask)}


# Models: each function returns the module in evaluation mode.


def calibrated_batch_norms(model):
    """Gives every BatchNorm2d random gamma and beta, then running statistics measured on a few batches of images."""
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, 0.5, 0.2)  # above 0: less is lost in each ReLU, so depth amplifies less
            module.momentum = None  # running statistics are a plain mean over the batches
    # The last BatchNorm of a residual branch is small after training; at full size a deep random network is chaotic.
    for block in model.modules():
        last = getattr(block, "bn3", None) or (block.conv[-1] if getattr(block, "use_res_connect", False) else None)
        if last is not None:
            last.weight.data.mul_(0.4)
            last.bias.data.mul_(0.4)
    generator = torch.Generator().manual_seed(SEED + 1)
    model.train()
    with torch.no_grad():
        for _ in range(4):
            model(*image_rows(torch.randint(IMAGE_CLASSES, (16,), generator=generator), generator).values())
    return model.eval()


def make_resnet50():
    import torchvision

    return calibrated_batch_norms(torchvision.models.resnet50(weights=None))


def make_mobilenet_v2():
    import torchvision

    return calibrated_batch_norms(torchvision.models.mobilenet_v2(weights=None))


def make_bert_base():
    import transformers

    # 0.04 is the deviation of a trained BERT's weights (0.02 is the initial one): attention is peaked as there, not nearly
    # uniform. Half of it in what is added to the residual stream keeps twelve random layers from drowning the input.
    config = transformers.BertConfig(num_labels=TEXT_CLASSES, initializer_range=0.04, return_dict=False)
    model = transformers.BertForSequenceClassification(config)
    for name, parameter in model.named_parameters():
        if name.endswith("output.dense.weight"):
            parameter.data.mul_(0.5)
        elif name.endswith("LayerNorm.weight"):
            nn.init.normal_(parameter, 0.9, 0.1)
        elif name.endswith("bias"):  # zeros would be shared by the layers, in the exported file too
            nn.init.normal_(parameter, 0, 0.05)
    return model.eval()


MODELS = {
    # name: (maker, rows, number of classes in the rows, last layer)
    "bert_base": (make_bert_base, text_rows, TEXT_CLASSES, lambda model: model.classifier),
    "resnet50": (make_resnet50, image_rows, IMAGE_CLASSES, lambda model: model.fc),
    "mobilenet_v2": (make_mobilenet_v2, image_rows, IMAGE_CLASSES, lambda model: model.classifier[1]),
}


# From a module to files.


def fit_last_layer(model, last, rows, class_count):
    """Sets the last layer, by ridge regression on what it reads, so that output class * stride answers for a class."""
    features = []
    hook = last.register_forward_hook(lambda _module, inputs, _output: features.append(inputs[0]))
    classes = torch.arange(class_count).repeat(FIT_ROWS_PER_CLASS)
    generator = torch.Generator().manual_seed(SEED + 2)
    with torch.no_grad():
        for batch in classes.split(class_count):
            model(*rows(batch, generator).values())
    hook.remove()
    x = torch.cat(features).double()
    mean = x.mean(0)
    centred = x - mean
    targets = 12 * (nn.functional.one_hot(classes, class_count).double() - 1 / class_count)
    gram = centred @ centred.T
    gram += 0.1 * gram.diagonal().mean() * torch.eye(len(gram), dtype=gram.dtype)
    weight = (centred.T @ torch.linalg.solve(gram, targets)).T
    stride = last.out_features // class_count
    fitted = torch.arange(class_count) * stride
    # The outputs that stand for no class stay random, about half as strong and centred a little below the others.
    all_weights = torch.randn(last.out_features, last.in_features, dtype=torch.float64) * weight.std() / 2
    all_weights[fitted] = weight
    bias = -(all_weights @ mean) - 1
    bias[fitted] += 1
    last.weight.data.copy_(all_weights)
    last.bias.data.copy_(bias)


def export(model, example, path):
    torch.onnx.export(
        model,
        tuple(example.values()),
        str(path),
        opset_version=OPSET,
        input_names=list(example),
        output_names=["logits"],
        dynamic_axes={name: {0: "batch"} for name in [*example, "logits"]},
        training=torch.onnx.TrainingMode.PRESERVE,  # EVAL would fold BatchNormalization into Conv
    )
    onnx.checker.check_model(str(path), full_check=True)


def run_onnx(path, rows):
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    count = len(next(iter(rows.values())))
    batches = ({name: array[i : i + BATCH].numpy() for name, array in rows.items()} for i in range(0, count, BATCH))
    return np.concatenate([session.run(["logits"], batch)[0] for batch in batches])


def describe(path):
    model = onnx.load(str(path))
    types = [node.op_type for node in model.graph.node]
    return ", ".join(f"{types.count(name)} {name}" for name in sorted(set(types), key=lambda name: -types.count(name)))


def save_rows(path, rows, **more):
    np.savez(path, **{name: array.numpy() for name, array in rows.items()}, **more)


def make(name, out):
    start = time.monotonic()
    maker, rows, class_count, last = MODELS[name]
    torch.manual_seed(SEED)
    model = maker()
    fit_last_layer(model, last(model), rows, class_count)

    generator = torch.Generator().manual_seed(SEED + 3)
    calibration_classes = torch.randint(class_count, (CALIBRATION_ROWS,), generator=generator)
    evaluation_classes = torch.randint(class_count, (EVALUATION_ROWS[name],), generator=generator)
    calibration = rows(calibration_classes, generator)
    evaluation = rows(evaluation_classes, generator)

    path = out / f"{name}.onnx"
    export(model, {key: array[:2] for key, array in evaluation.items()}, path)
    logits = run_onnx(path, evaluation)
    with torch.no_grad():
        expected = model(*(array[:BATCH] for array in evaluation.values()))
    expected = expected[0] if isinstance(expected, tuple) else expected
    difference = float(np.abs(logits[:BATCH] - expected.numpy()).max())
    if not (np.isfinite(logits).all() and difference < 1e-3):
        raise SystemExit(f"{name}: the exported model and PyTorch differ by {difference}")
    labels = logits.argmax(1).astype(np.int64)
    save_rows(out / f"{name}_calibration.npz", calibration)
    save_rows(out / f"{name}_evaluation.npz", evaluation, labels=labels)

    stride = logits.shape[1] // class_count
    top = np.sort(logits, 1)
    print(f"{name}: {path.stat().st_size / 1e6:.1f} MB in {time.monotonic() - start:.0f} s; {describe(path)}")
    print(f"  right answers {np.mean(labels == evaluation_classes.numpy() * stride):.3f}, "
          f"answers given {len(set(labels))}, median margin {np.median(top[:, -1] - top[:, -2]):.2f} of logits with "
          f"deviation {logits.std():.2f}, largest difference to PyTorch {difference:.1e}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("out", type=pathlib.Path, metavar="OUT")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(MODELS)}; none: all")
    arguments = parser.parse_args()
    unknown = [name for name in arguments.names if name not in MODELS]
    if unknown:
        parser.error(f"no model is called {unknown[0]}; there are {', '.join(MODELS)}")
    arguments.out.mkdir(parents=True, exist_ok=True)
    for name in arguments.names or MODELS:
        make(name, arguments.out)


if __name__ == "__main__":
    main()
