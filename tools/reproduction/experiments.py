"""Which runs the experiment is made of, how one is done, and the figures that are kept of it."""

import csv
import hashlib
import io
import json
import os
import re
import struct
import subprocess
import sys
import time

EMBEDDER = "all-mpnet-base-v2"
PRESETS = ("fast", "accurate")
# (target, source): three related ones, the spam sets for each other, and one that is not related.
PAIRS_OF_SETS = [("yelp_sent", "rt_polarity"), ("amazon_sent", "rt_polarity"), ("imdb_sent", "rt_polarity"),
                 ("youtube_spam", "sms_spam"), ("sms_spam", "youtube_spam"), ("youtube_spam", "rt_polarity")]
# What the document needs of an evaluation: all but curves and single latencies.
KEPT = ["rows", "max_feature_error", "predicted_error", "flagged_rows", "clipped_rows", "request_bytes",
        "response_bytes", "evaluation_key_bytes", "parameters", "source", "target", "folds", "agreement"]
TIMES = ["ms_per_pass", "round_trip_ms", "client_encrypt_ms", "client_decrypt_ms", "machine"]


class Refusal(Exception):
    """One line for whoever started this, and the exit code."""

    def __init__(self, text, code=3):
        super().__init__(text)
        self.code = code


class Table:
    """Rows of embeddings with a label each, in two files that cryptotl reads."""

    def __init__(self, name, features, labels):
        self.name, self.features, self.labels = name, features, labels

    def first(self, rows, work):
        """The same with at most so many rows (the sets are shuffled)."""
        if rows is None:
            return self
        stem = os.path.join(work, f"{self.name.replace(' ', '_')}-{rows}")
        features = stem + ".f16.npy"
        write(features, npy_head(read(self.features), self.features, rows))
        labels = read(self.labels)
        if labels.startswith(b"\x93NUMPY"):
            cut, path = npy_head(labels, self.labels, rows), stem + ".labels.npy"
        else:
            cut = b"".join(labels.splitlines(keepends=True)[:rows])
            path = stem + ".labels.txt"
        write(path, cut)
        return Table(self.name, features, path)


class Pair:
    def __init__(self, target, source):
        self.target, self.source = target, source
        self.name = f"{target.name} from {source.name}"


class Job:
    """One run of a program; `key` says where its figures belong."""

    def __init__(self, key, title, arguments, files, remeasure=False):
        self.key, self.title, self.arguments, self.files, self.remeasure = key, title, arguments, files, remeasure

    def file(self, work):
        return os.path.join(work, re.sub(r"[^a-z0-9_]+", "-", "-".join(self.key).lower()) + ".json")

    def identity(self):
        """What the figures depend on; a finished run counts only where it is the same."""
        digests = [hashlib.sha256(read(path)).hexdigest() for path in self.files]
        names = {path: f"file {i}" for i, path in enumerate(self.files)}
        return {"arguments": [names.get(a, a) for a in self.arguments], "files": digests}


def read(path):
    with open(path, "rb") as file:
        return file.read()


def write(path, content):
    with open(path + ".part", "wb") as file:
        file.write(content)
    os.replace(path + ".part", path)


def npy_head(data, path, rows):
    """An NPY file's first rows as an NPY file (version 1, C order)."""
    match = re.match(rb"\{'descr': '([<|]?[a-z]\d)', 'fortran_order': False, 'shape': \((\d+),( ?\d+)?\)", data[10:200])
    if data[:8] != b"\x93NUMPY\x01\x00" or not match:
        raise Refusal(f"{path}: not an NPY file of version 1 with rows in C order")
    begin = 10 + struct.unpack("<H", data[8:10])[0]
    kept = min(rows, int(match[2]))
    columns = int(match[3] or 1)
    head = "{'descr': '%s', 'fortran_order': False, 'shape': (%d,%s), }" % (
        match[1].decode(), kept, f" {columns}" if match[3] else "")
    head += " " * (-(len(head) + 11) % 64) + "\n"
    size = kept * columns * int(chr(match[1][-1]))
    return data[:8] + struct.pack("<H", len(head)) + head.encode() + data[begin:begin + size]


def labels_of(table, work):
    """The labels of a CSV, its last column, as a file of one a line."""
    lines = list(csv.reader(io.StringIO(read(table).decode(), newline="")))
    if not lines or lines[0][-1:] != ["label"]:
        raise Refusal(f"{table}: its last column is not named label")
    path = os.path.join(work, os.path.splitext(os.path.basename(table))[0] + ".labels.txt")
    write(path, "".join(line[-1] + "\n" for line in lines[1:]).encode())
    return path


def set_of(folder, name, work):
    texts, features = os.path.join(folder, name + ".csv"), os.path.join(folder, name + ".f16.npy")
    for path in (texts, features):
        if not os.path.isfile(path):
            raise Refusal(f"{path}: not there; --data wants a folder with NAME.csv and NAME.f16.npy of each set")
    return Table(name, features, labels_of(texts, work))


def mail(root, part):
    stem = os.path.join(root, "examples", "mail", part)
    return Table("mail" if part == "target" else "older mail", stem + ".f16.npy", stem + ".labels.npy")


def pairs(chosen, root):
    os.makedirs(chosen.work, exist_ok=True)
    out = [Pair(mail(root, "target"), mail(root, "source"))]
    if chosen.data:
        names = sorted({name for pair in PAIRS_OF_SETS for name in pair})
        tables = {name: set_of(chosen.data, name, chosen.work) for name in names}
        out += [Pair(tables[target], tables[source]) for target, source in PAIRS_OF_SETS]
    if chosen.sets:
        names = set(chosen.sets.split(","))
        unknown = names - {pair.target.name for pair in out}
        if unknown:
            raise Refusal(f"--sets {min(unknown)}: the targets are "
                          f"{', '.join(dict.fromkeys(pair.target.name for pair in out))}", 2)
        out = [pair for pair in out if pair.target.name in names]
    return out


def evaluation(pair, chosen, preset, rows, more):
    source, target = pair.source.first(chosen.rows, chosen.work), pair.target.first(rows, chosen.work)
    files = [source.features, source.labels, target.features, target.labels]
    # One by one, as the paper's: the times and errors are those of passes.
    arguments = ["evaluate", "--mode", "latency", "--source", files[0], "--source-labels", files[1], "--target",
                 files[2], "--target-labels", files[3], "--embedder", EMBEDDER, "--preset", preset, "--seed",
                 str(chosen.seed)]
    return arguments + more, files


def experiment_jobs(chosen, all_pairs):
    return [] if chosen.only_times else [job for pair in all_pairs for job in experiment(pair, chosen)]


def time_jobs(chosen, all_pairs):
    out = [Job(["bench", preset], f"times of the paper's shape, {preset}",
               ["bench", "forward", "--inputs", str(chosen.time_rows), "--preset", preset], [], True)
           for preset in PRESETS]
    for pair in all_pairs:
        for preset in PRESETS:
            # How well the network was trained does not matter to the time of a pass.
            more = ["--epochs", "1", "--folds", "2", "--only", "none", "--no-tickets"]
            arguments, files = evaluation(pair, chosen, preset, chosen.time_rows, more)
            out.append(Job(["times", pair.name, preset], f"times of {pair.name}, {preset}", arguments, files, True))
    return out


def experiment(pair, chosen):
    """Everything with the fast preset. Another one changes nothing but the features through encryption."""
    training = ["--epochs", str(chosen.epochs), "--folds", str(chosen.folds)]
    arguments, files = evaluation(pair, chosen, "fast", chosen.rows, training)
    whole = Job(["pairs", pair.name, "fast"], f"{pair.name}, fast", arguments, files)
    rows = chosen.rows
    more = training + ["--only", "transfer_encrypted"]
    if chosen.accurate_rows and pair.target.name != "mail":
        rows = min(chosen.accurate_rows, rows or chosen.accurate_rows)
        more = ["--epochs", str(chosen.epochs), "--folds", "2", "--only", "none"]
    arguments, files = evaluation(pair, chosen, "accurate", rows, more)
    out = [whole, Job(["pairs", pair.name, "accurate"], f"{pair.name}, accurate", arguments, files)]
    # The control: what the metrics do where nothing at all was changed.
    arguments, files = evaluation(pair, chosen, "fast", chosen.rows, training + ["--only", "transfer_plain"])
    return [*out, Job(["repeat", pair.name], f"{pair.name}, transfer in plain again", arguments, files)]


class Runner:
    def __init__(self, chosen):
        self.chosen = chosen
        self.program = os.path.join(chosen.programs, "cryptotl")
        if not os.access(self.program, os.X_OK):
            raise Refusal(f"{self.program}: not there; build it (make build) or name its folder with --programs", 2)

    def say(self, text):
        if not self.chosen.quiet:
            print(f"reproduction: {text}", file=sys.stderr, flush=True)

    def run_all(self, todo):
        out = []
        begin = time.monotonic()
        for i, job in enumerate(todo):
            path, identity = job.file(self.chosen.work), job.identity()
            result = None if job.remeasure or self.chosen.fresh else self.finished(path, identity)
            where = f"{i + 1} of {len(todo)}, {time.monotonic() - begin:.0f} s: {job.title}"
            if result is None:
                self.say(where)
                result = self.run(job)
                write(path, json.dumps({"identity": identity, "result": result}).encode())
            else:
                self.say(where + " (done before)")
            out.append((job.key, result))
        return out

    @staticmethod
    def finished(path, identity):
        try:
            found = json.loads(read(path))
        except (FileNotFoundError, ValueError):
            return None
        return found["result"] if found.get("identity") == identity else None

    def run(self, job):
        # Trainings run beside each other; more threads inside each would only stand in their way.
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        command = [self.program, *job.arguments, "--json"] + (["--quiet"] if self.chosen.quiet else [])
        if job.arguments[0] == "evaluate":
            command.append("--no-cache")  # every pass is to be made, and finished runs are kept here
        with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as process:
            try:
                answer = process.stdout.read()
            except BaseException:
                process.terminate()
                raise
        if process.returncode != 0:
            raise Refusal(f"{job.title}: cryptotl ended with code {process.returncode} (its line stands above)",
                          process.returncode if 0 < process.returncode < 5 else 1)
        return json.loads(answer)


def kept(earlier, chosen):
    """What stays of the earlier figures: what this command does not measure."""
    out = {"pairs": {}, "repeat": {}, "times": {}, "bench": {}, **earlier}
    now = {"folds": chosen.folds, "epochs": chosen.epochs, "seed": chosen.seed, "rows": chosen.rows}
    if chosen.only_times and not out["pairs"]:
        raise Refusal(f"{chosen.figures}: not there, so there are no figures for --only-times to keep")
    if chosen.sets and not chosen.only_times and out["pairs"] and out["options"] != now:
        raise Refusal(f"{chosen.figures}: its figures are of other options ({text_of(out['options'])}); give these, or "
                      f"leave --sets out", 2)
    if not chosen.only_times:
        out["options"] = now
    if not chosen.sets and not chosen.only_times:
        out["pairs"], out["repeat"] = {}, {}
    if not chosen.sets and not chosen.no_times:
        out["times"] = {}
    return out


def text_of(numbers):
    return ", ".join(f"{name} {'all' if value is None else value}" for name, value in numbers.items())


def place(figures, done):
    """Puts what the runs gave where it belongs."""
    for key, result in done:
        here = figures
        for part in key[:-1]:
            here = here.setdefault(part, {})
        wanted = {"pairs": KEPT, "repeat": ["rows"], "times": TIMES, "bench": list(result)}[key[0]]
        found = {name: result[name] for name in wanted if name in result}
        for side in {"source", "target"} & set(found):
            # Not their names: those are paths of this machine.
            found[side] = {name: result[side][name] for name in ("rows", "labels")}
        here[key[-1]] = found
