"""Turns texts into sentence embeddings that cryptotl reads, with all-mpnet-base-v2 from a local directory."""

import argparse
import csv
import os
import pathlib
import sys
import time

import numpy as np
import torch
from safetensors.torch import load_file
from transformers import AutoTokenizer, MPNetConfig, MPNetModel

USAGE = """\
INPUT is a CSV with a header line and the columns text and label (label may be absent), or, with --lines, a
text file of one text a line. Written are PREFIX.f16.npy (float16 [rows, 768], rows in the input's order) and,
where there are labels, PREFIX.labels.txt (one a line). Nothing is downloaded: MODEL is an unpacked
all-mpnet-base-v2, which mail/fetch.sh gets; mail/requirements.txt has the packages.

example, a model pretrained on one set of texts and a head fitted on another:
  python3 embed.py source.csv --model all-mpnet-base-v2 --out source
  python3 embed.py target.csv --model all-mpnet-base-v2 --out target
  cryptotl pretrain --data source.f16.npy --labels source.labels.txt --embedder all-mpnet-base-v2 \\
      --model model
  cryptotl fit --data target.f16.npy --labels target.labels.txt --embedder all-mpnet-base-v2 \\
      --server http://127.0.0.1:8080 --keys keys --head head
"""

WIDTH = 768
MAX_WORD_PIECES = 128
# Kept in the checkpoint by some versions of transformers and made anew by others; it is no weight.
POSITION_IDS = "embeddings.position_ids"


class SentenceEmbedder:
    """all-mpnet-base-v2: the mean of the last hidden states over the tokens of a text, scaled to norm 1."""

    def __init__(self, directory):
        """Loads tokenizer and weights from `directory`; raises where a file or a weight is missing."""
        if not (pathlib.Path(directory) / "model.safetensors").is_file():
            raise FileNotFoundError(f"{directory}: no model.safetensors of all-mpnet-base-v2")
        self.tokenizer = AutoTokenizer.from_pretrained(directory, local_files_only=True)
        self.model = MPNetModel(MPNetConfig.from_pretrained(directory), add_pooling_layer=False)
        weights = load_file(os.path.join(directory, "model.safetensors"))
        missing = set(self.model.load_state_dict(weights, strict=False).missing_keys) - {POSITION_IDS}
        if missing:
            raise ValueError(f"{directory}: model.safetensors lacks {sorted(missing)[0]}")
        self.model.eval()

    def embed(self, texts, batch=16):
        """float16 [len(texts), 768]. Texts of similar length share a batch, to compute little padding."""
        out = np.zeros((len(texts), WIDTH), np.float16)
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        start = time.monotonic()
        with torch.inference_mode():
            for first in range(0, len(order), batch):
                rows = order[first:first + batch]
                out[rows] = self._embed_batch([texts[i] for i in rows])
                show_progress(first + len(rows), len(order), start)
        return out

    def _embed_batch(self, texts):
        tokens = self.tokenizer(texts, padding=True, truncation=True, max_length=MAX_WORD_PIECES,
                                return_tensors="pt")
        hidden = self.model(tokens["input_ids"], tokens["attention_mask"]).last_hidden_state
        mask = tokens["attention_mask"].unsqueeze(-1).float()
        mean = (hidden * mask).sum(1) / mask.sum(1)
        return torch.nn.functional.normalize(mean, dim=1).numpy()


def show_progress(done, total, start):
    """Draws a counter with the time left on a terminal; writes nothing elsewhere."""
    if sys.stderr.isatty():
        left = (time.monotonic() - start) / done * (total - done)
        end = "\n" if done == total else ""
        print(f"\rembedding {done}/{total} texts, {left:.0f} s left ", end=end, file=sys.stderr, flush=True)


def read_csv(path):
    """The texts and labels (None where there is no such column) of a CSV file."""
    csv.field_size_limit(1 << 30)
    with open(path, encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file, strict=True)
        columns = reader.fieldnames or []
        if "text" not in columns:
            raise ValueError(f"{path}: no column called text in the header line (--lines reads plain lines)")
        texts, labels = [], [] if "label" in columns else None
        for row in reader:
            if None in row or None in row.values():
                raise ValueError(f"{path}, line {reader.line_num}: {len(columns)} columns are wanted")
            texts.append(row["text"])
            if labels is not None:
                labels.append(checked_label(row["label"], f"{path}, line {reader.line_num}"))
    return texts, labels


def checked_label(label, place):
    """The label without spaces around it; refused where it is empty or would not fit on one line."""
    label = label.strip()
    if not label or len(label.splitlines()) != 1:
        raise ValueError(f"{place}: the label is empty or has line breaks")
    return label


def read_lines(path):
    """The lines of a text file, without labels."""
    text = pathlib.Path(path).read_text(encoding="utf-8-sig").removesuffix("\n")
    return text.split("\n") if text else [], None


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, epilog=USAGE,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("input", metavar="INPUT", help="CSV with columns text and label, or lines of text")
    parser.add_argument("--lines", action="store_true", help="INPUT has one text a line and no labels")
    parser.add_argument("--model", required=True, help="directory of the unpacked all-mpnet-base-v2")
    parser.add_argument("--out", required=True, metavar="PREFIX",
                        help="how the names of the written files start")
    parser.add_argument("--batch", type=int, default=16, help="texts computed at once (default 16)")
    parser.add_argument("--threads", type=int, default=1, help="threads of PyTorch (default 1)")
    return parser.parse_args()


def main():
    arguments = parse_arguments()
    torch.set_num_threads(arguments.threads)
    texts, labels = (read_lines if arguments.lines else read_csv)(arguments.input)
    if not texts:
        raise ValueError(f"{arguments.input}: no texts")
    embeddings = SentenceEmbedder(arguments.model).embed(texts, arguments.batch)
    np.save(f"{arguments.out}.f16.npy", embeddings)
    if labels is not None:
        lines = "".join(f"{label}\n" for label in labels)
        pathlib.Path(f"{arguments.out}.labels.txt").write_text(lines, encoding="utf-8")


if __name__ == "__main__":
    try:
        main()
    except (OSError, ValueError, csv.Error) as error:
        sys.exit(f"embed.py: {error}")
