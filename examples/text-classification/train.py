#!/usr/bin/env python3
"""Trains a small BERT that tells a Debian package's section from its one-line description, and writes this example.

    python3 examples/text-classification/train.py [FOLDER]    # FOLDER: where to write, this script's own by default

The texts are the descriptions that `apt-cache dumpavail` prints, of ten sections. Packages built from one source stay
together, so that no near copy of an evaluation row is trained on; a hash of the source's name decides where a row goes,
so that a later state of the archive keeps the split. Training starts from nothing: a WordPiece vocabulary of our own,
then the sections.

Writes a Hugging Face model folder, about 10 MB:
  config.json, model.safetensors (float16), tokenizer.json, tokenizer_config.json, special_tokens_map.json, vocab.txt
  model.onnx        the same weights in float32, opset 17; inputs `input_ids`, `attention_mask`, `token_type_ids`
                    [batch, sequence], output `logits` [batch, 10]
  evaluation.tsv    text and section of packages that training never saw
  calibration.tsv   256 of the training rows

Needs (Debian 12, where `apt-get update` has run): python3-torch 1.13, libopenblas0-pthread. From PyPI, in a virtual
environment made with --system-site-packages: transformers 4.40.2, tokenizers 0.19.1, safetensors 0.4.3, onnx 1.17,
onnxruntime 1.21, "numpy<2". About 3 minutes on 2 cores. The same archive, versions and number of threads give the same files.
"""

import hashlib
import pathlib
import subprocess
import sys
import time

import numpy as np
import onnx
import onnxruntime
import tokenizers
import torch
import transformers
from transformers import BertConfig, BertForSequenceClassification, BertTokenizerFast

SEED = 11
SECTIONS = ["doc", "fonts", "games", "java", "libdevel", "net", "perl", "python", "science", "sound"]
ROWS_PER_SECTION = 2000
EVALUATION_PERCENT = 12
CALIBRATION_ROWS = 256
VOCABULARY = 3000
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
LENGTH = 64  # tokens; the longest description has fewer
BATCH = 32
EPOCHS = 5


# Data.


def available_packages():
    """(section, description, source) of every package that apt knows."""
    listing = subprocess.run(["apt-cache", "dumpavail"], check=True, stdout=subprocess.PIPE).stdout.decode()
    for stanza in listing.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in stanza.split("\n") if ": " in line and not line.startswith(" "))
        if "Description" in fields and "Section" in fields:
            source = fields.get("Source", fields["Package"]).split()[0]
            yield fields["Section"].split("/")[-1], " ".join(fields["Description"].split()), source


def place(key):
    """A number from 0 to 1 that depends on `key` alone."""
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big") / 2**64


def load_rows():
    """(text, section) to train on, (text, section) to evaluate on."""
    sections, sources = {}, {}
    for section, text, source in sorted(available_packages()):
        if len(text) > 15 and "transitional" not in text:
            sections.setdefault(text, set()).add(section)
            sources.setdefault(text, set()).add(source)
    evaluated = {text for text in sources if any(place(source) < EVALUATION_PERCENT / 100 for source in sources[text])}
    rows = []
    for section in SECTIONS:
        of_section = sorted((text for text in sections if sections[text] == {section}), key=place)
        rows += [(text, section) for text in of_section[:ROWS_PER_SECTION]]
    rows.sort(key=lambda row: place(row[0]))
    return [row for row in rows if row[0] not in evaluated], [row for row in rows if row[0] in evaluated]


def save_rows(path, rows):
    path.write_text("text\tlabel\n" + "".join(f"{text}\t{section}\n" for text, section in rows))


# Tokenizer and model.


def train_vocabulary(texts):
    """WordPiece tokens in the order of their ids. Each character, also inside a word, has its id before training starts:
    equal counts are decided by ids, and the library would give these in an order that changes from run to run."""
    characters = [chr(code) for code in range(ord("!"), ord("~") + 1) if not chr(code).isupper()]
    trainer = tokenizers.trainers.WordPieceTrainer(
        vocab_size=VOCABULARY,
        min_frequency=2,
        special_tokens=SPECIAL + characters + ["##" + character for character in characters],
        initial_alphabet=characters,
        limit_alphabet=len(characters),
        show_progress=False,
    )
    tokenizer = tokenizers.Tokenizer(tokenizers.models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = tokenizers.normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.BertPreTokenizer()
    tokenizer.train_from_iterator(texts, trainer)
    vocabulary = tokenizer.get_vocab()
    return sorted(vocabulary, key=vocabulary.get)


def train_tokenizer(texts, folder):
    """Writes vocab.txt and the other files of a BERT tokenizer."""
    (folder / "vocab.txt").write_text("\n".join(train_vocabulary(texts)) + "\n")
    tokenizer = BertTokenizerFast(str(folder / "vocab.txt"), model_max_length=LENGTH)
    tokenizer.save_pretrained(str(folder))
    return tokenizer


def model_config():
    return BertConfig(
        vocab_size=VOCABULARY,
        hidden_size=192,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=768,
        max_position_embeddings=LENGTH,
        hidden_dropout_prob=0.2,
        id2label=dict(enumerate(SECTIONS)),
        label2id={section: index for index, section in enumerate(SECTIONS)},
    )


def encode(tokenizer, texts):
    return tokenizer(texts, padding=True, truncation=True, return_tensors="pt")


def train(tokenizer, rows):
    """AdamW with warm-up and linear decay."""
    torch.manual_seed(SEED)
    model = BertForSequenceClassification(model_config())
    steps = EPOCHS * (len(rows) // BATCH)
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-4, weight_decay=0.01)
    schedule = transformers.get_linear_schedule_with_warmup(optimizer, steps // 10, steps)
    model.train()
    for epoch in range(EPOCHS):
        total = 0.0
        for indexes in torch.randperm(len(rows))[: len(rows) // BATCH * BATCH].split(BATCH):
            texts, sections = zip(*(rows[i] for i in indexes))
            labels = torch.tensor([SECTIONS.index(section) for section in sections])
            loss = model(**encode(tokenizer, list(texts)), labels=labels).loss
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            total += loss.item()
        print(f"  epoch {epoch + 1} of {EPOCHS}: loss {total * EPOCHS / steps:.3f}", flush=True)
    return model.eval()


# Files and checks.


def export(model, example, path):
    names = ["input_ids", "attention_mask", "token_type_ids"]
    model.config.return_dict = False
    torch.onnx.export(
        model,
        tuple(example[name] for name in names),
        str(path),
        opset_version=17,
        input_names=names,
        output_names=["logits"],
        dynamic_axes={**{name: {0: "batch", 1: "sequence"} for name in names}, "logits": {0: "batch"}},
    )
    model.config.return_dict = True
    onnx.checker.check_model(str(path), full_check=True)


def answers(tokenizer, rows, run):
    """The logits of each row; `run(batch)` gives those of one batch."""
    texts = [text for text, _ in rows]
    return np.concatenate([run(encode(tokenizer, texts[i : i + BATCH])) for i in range(0, len(texts), BATCH)])


def main():
    folder = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else pathlib.Path(__file__).parent
    folder.mkdir(parents=True, exist_ok=True)
    start = time.monotonic()
    rows, evaluation_rows = load_rows()
    save_rows(folder / "evaluation.tsv", evaluation_rows)
    save_rows(folder / "calibration.tsv", rows[:CALIBRATION_ROWS])
    tokenizer = train_tokenizer([text for text, _ in rows], folder)
    model = train(tokenizer, rows)

    model.half().save_pretrained(str(folder))  # both files hold the weights as float16 rounds them
    model.float()
    export(model, encode(tokenizer, [rows[0][0], rows[1][0]]), folder / "model.onnx")

    session = onnxruntime.InferenceSession(str(folder / "model.onnx"), providers=["CPUExecutionProvider"])
    with torch.no_grad():
        by_torch = answers(tokenizer, evaluation_rows, lambda batch: model(**batch).logits.numpy())
    by_onnx = answers(tokenizer, evaluation_rows, lambda b: session.run(["logits"], {k: v.numpy() for k, v in b.items()})[0])
    labels = np.array([SECTIONS.index(section) for _, section in evaluation_rows])
    right = by_onnx.argmax(1) == labels
    print(f"accuracy on {len(labels)} rows: {np.mean(by_torch.argmax(1) == labels):.4f} by PyTorch, {right.mean():.4f} by "
          f"ONNX Runtime; largest difference of a logit: {np.abs(by_torch - by_onnx).max():.1e}")
    print({section: round(float(right[labels == index].mean()), 3) for index, section in enumerate(SECTIONS)})
    types = [node.op_type for node in onnx.load(str(folder / "model.onnx")).graph.node]
    print({name: types.count(name) for name in sorted(set(types))})
    print(f"{sum(p.numel() for p in model.parameters())} parameters, {time.monotonic() - start:.0f} s")
    if (by_torch.argmax(1) != by_onnx.argmax(1)).any():
        raise SystemExit("the exported model isn't the one that was trained")


if __name__ == "__main__":
    main()
