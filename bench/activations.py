#!/usr/bin/env python3
"""What activations cost in accuracy: pretrains with each and prints a Markdown table (docs/activations.md).

usage: bench/activations.py CRYPTOTL DATA LABELS [SEEDS]

DATA is a table as `cryptotl pretrain --data` takes it, LABELS its labels (- where DATA is a CSV that has them). Every
figure is the mean over the seeds (three unless SEEDS says otherwise), each of which draws other weights and another
tenth of the rows to validate on. One thread; a minute or two a line on 768 columns.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile

PLAIN = [["cubic"], ["cubic", "--train-activation"], ["quadratic"], ["quadratic", "--train-activation"]]
# Fine-tuned at these degrees; odd functions have no quadratic of their own.
FUNCTIONS = {"relu": [2, 4, 6], "gelu": [2, 4, 6], "tanh": [3, 5], "sigmoid": [3, 5]}


def pretrain(program, data, labels, seed, arguments):
    command = [program, "pretrain", "--data", data, "--seed", str(seed), "--quiet", "--json"]
    if labels != "-":
        command += ["--labels", labels]
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run([*command, "--model", os.path.join(folder, "model"), *arguments], capture_output=True,
                              text=True, check=False,
                              env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"})
    if done.returncode != 0:
        sys.exit(f"{command}: {done.stderr}")
    return json.loads(done.stdout)


def mean(values, form="{:.1f}"):
    return form.format(statistics.mean(values))


def accuracies(runs):
    return [100 * run["validation_accuracy"] for run in runs]


def losses(runs):
    return [run["validation_loss"] for run in runs]


def line(cells):
    print("| " + " | ".join(cells) + " |", flush=True)


def main(program, data, labels, seeds="3"):
    seeds = range(int(seeds))
    line(["activation", "validation accuracy %", "loss"])
    line(["---"] * 3)
    for arguments in PLAIN:
        runs = [pretrain(program, data, labels, seed, ["--activation", *arguments]) for seed in seeds]
        line([" ".join(arguments), mean(accuracies(runs)), mean(losses(runs), "{:.3f}")])
    print()
    compare_functions(program, data, labels, seeds)


def compare_functions(program, data, labels, seeds):
    line(["function, degree", "range", "largest error", "accuracy % before", "after", "loss before", "after",
          "fine-tuned: accuracy %", "loss", "with coefficients: accuracy %", "loss"])
    line(["---"] * 11)
    for function, degrees in FUNCTIONS.items():
        arguments = ["--activation", function, "--degree"]
        tuned = {degree: [pretrain(program, data, labels, seed, [*arguments, str(degree)]) for seed in seeds]
                 for degree in degrees}
        trained = {degree: [pretrain(program, data, labels, seed, [*arguments, str(degree), "--train-activation"])
                            for seed in seeds] for degree in degrees}
        runs = [run["replacement"] for run in tuned[degrees[0]]]
        ranges = "{:.1f} to {:.1f}".format(*(statistics.mean(run["activations"][0]["range"][end] for run in runs)
                                             for end in (0, 1)))
        before = [run["with_functions"] for run in runs]
        for number, first in enumerate(runs[0]["degrees"]):
            degree = first["degree"]
            after = [run["degrees"][number] for run in runs]
            cells = [f"{function}, {degree}", ranges, mean([one["max_error"] for one in after], "{:.2g}"),
                     *both(before, after)]
            for kind in (tuned, trained):
                ends = [run["replacement"]["fine_tuned"] for run in kind.get(degree, [])]
                cells += [mean(accuracies(ends)), mean(losses(ends), "{:.3f}")] if ends else ["", ""]
            line(cells)


def both(before, after):
    return [mean(accuracies(before)), mean(accuracies(after)), mean(losses(before), "{:.3f}"),
            mean(losses(after), "{:.3f}")]


if __name__ == "__main__":
    if len(sys.argv) not in (4, 5):
        sys.exit(__doc__)
    main(*sys.argv[1:])
