"""Turns a TSV of text and class name into the arrays that the model takes, by Hugging Face's tokenizers.

Run by run.py in the bench's virtual environment: tokenize_rows.py MODEL_FOLDER ROWS.tsv OUT.npz
"""
import csv
import json
import pathlib
import sys

import numpy
import tokenizers


def main():
    folder = pathlib.Path(sys.argv[1])
    tokenizer = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
    config = json.loads((folder / "config.json").read_text())
    tokenizer.enable_truncation(config["max_position_embeddings"])
    tokenizer.enable_padding()
    with open(sys.argv[2], encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    encoded = tokenizer.encode_batch([row["text"] for row in rows])
    numpy.savez(sys.argv[3],
                input_ids=numpy.array([e.ids for e in encoded], numpy.int64),
                attention_mask=numpy.array([e.attention_mask for e in encoded], numpy.int64),
                token_type_ids=numpy.array([e.type_ids for e in encoded], numpy.int64),
                labels=numpy.array([config["label2id"][row["label"]] for row in rows], numpy.int64))


if __name__ == "__main__":
    main()
