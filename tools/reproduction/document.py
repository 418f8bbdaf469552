"""docs/reproduction.md from the figures."""

import textwrap

import authors
import checks
from pages import table

SETTINGS = {"plain": "without transfer, ReLU", "plain_polynomial": "without transfer, polynomial",
            "transfer_plain": "transfer in plain", "transfer_encrypted": "transfer through encryption"}
METRICS = [("loss", 1, 3), ("accuracy", 100, 1), ("f1", 100, 1), ("precision", 100, 1), ("recall", 100, 1),
           ("kappa", 1, 3), ("balanced_accuracy", 100, 1)]
MOVED_METRICS = ["loss", "accuracy", "f1", "recall", "kappa"]
HEADS = ["setting", "loss", "accuracy %", "F1 %", "precision %", "recall %", "Cohen's kappa", "balanced accuracy %"]

BEGIN = """# Reproduction

The experiment of *CryptoTL: Private, Efficient and Secure Transfer Learning* (arXiv 2205.11935), run with this
program. This page, its plots and [its figures]({figures}) are made by one command:

    make reproduction                                              # the mail example, which lies in this repository
    make reproduction REPRODUCTION="--data FOLDER"                 # and the sentiment and spam sets in that folder
    make reproduction REPRODUCTION="--data FOLDER --only-times"    # measures the times again, keeps all else

`FOLDER` has `NAME.csv` (`text,label`) and `NAME.f16.npy` (embeddings, float16) of each set. Every run that is done is
kept, so an interrupted command goes on where it was. The command ends with code 1 where a check below fails.
"""

SETUP = """## What is run

The provider trains the paper's lower network (768 inputs, convolution, 768 hidden units, its cubic, pooling, 766
features) on the source; the client cuts its target into {folds} stratified folds, trains on all but one and is measured
on that one. Four settings stand side by side, on the same folds with the same seed ({seed}):

- *without transfer, ReLU*: the paper's whole network, lower and upper, on the target alone;
- *without transfer, polynomial*: the same with the cubic in the lower part;
- *transfer in plain*: the paper's upper network on the provider's features, computed in plain;
- *transfer through encryption*: the same, on features that were computed under encryption and decrypted.

Adam, batches of 64, early stopping on a tenth of the training rows (patience 4) and at most {epochs} epochs. The preset
touches nothing but the features through encryption: what is learnt in plain is learnt once (transfer in plain twice,
to see whether training repeats itself).{reduced}

Every text is embedded with all-mpnet-base-v2; [results](results.md) says where the sets come from. Sets and embedding
were chosen here, so the accuracies are not to be compared with the paper's: what carries over is how the four settings
stand to each other.

{sets}
"""

PASSES = """## Features through encryption

Every row of a target is sent encrypted; the decrypted features are compared with those of the same network in plain, in
double precision. Predicted is the bound that the plan states before any input is there.

{table}

{labels}

![Largest error, measured and predicted]({stem}-errors.svg)
"""

TIMES = """## Times

Medians in milliseconds, one thread of the server. {note}

The paper's shape with random weights, {inputs} inputs (`cryptotl bench forward`):

{bench}

![An encrypted pass]({stem}-times.svg)

The networks of the sets, {rows}:

{sets}

Machine: {machine}.
"""

AUTHORS = """## The authors' figures

Their code on the paper's shape with random weights, inputs in [0, 1], {where}. **These figures were
measured elsewhere and earlier, not by this command**; their paper itself says about 1 s for a pass on a notebook.

{table}
"""


def short(number):
    return f"{number:.2g}"


def bytes_text(count):
    return f"{count / 1e6:,.1f} MB" if count >= 1e6 else f"{count / 1e3:,.0f} KB"


def verdict(figures):
    lines = figures["checks"]
    metrics = f"metrics of the folds through encryption equal those of plain transfer within {checks.TOLERANCE} points"
    wanted = [("features of all", "features through encryption equal plain ones to the predicted error, on every row"),
              ("accurate: metrics of the folds", f"{metrics}, accurate preset"),
              ("fast: metrics of the folds", f"{metrics}, fast preset"),
              ("trained again", "training is deterministic: the same features give the same metrics again")]
    out = ["## What must hold", ""]
    for words, what in wanted:
        group = [line for line in lines if words in line["text"]]
        if not group:
            continue
        good = sum(line["holds"] for line in group)
        out.append(f"- {'**Holds**' if good == len(group) else '**Fails**'}: {what} ({good} of {len(group)} runs).")
    out += ["", *(f"- {line['text']}" for line in lines if not line["holds"])]
    return "\n".join(out).rstrip() + "\n\n" + moved(figures)


MOVED = """### Metrics that move

Transfer through encryption less transfer in plain, where some metric moves by more than {tolerance} points:

{table}

{why}
"""
SENSITIVE = """Why: the gradient of the paper's head jumps where one of its hidden values crosses the kink of its ReLU or passes its
neighbour in the pooling, and Adam makes a step of full size of that, from which two trainings drift apart. In the folds
of one target some 4e8 values come before such a kink: with features that are wrong by {error} some cross it in every
training, with those of the accurate preset hardly one does. Where the features separate the labels badly, the two heads
then call a few rows otherwise; one row of {rows} is {row:.2f} points of accuracy and twice that of kappa. The largest of
these differences is {share:.1f} standard deviations over the folds. Training on the very same numbers repeats to the last
digit."""


def moved(figures):
    """The pairs whose metrics move, and why, where the accurate preset's do not."""
    rows, shares, runs = [], [], []
    for name, presets in figures["pairs"].items():
        plain = checks.row(presets["fast"], "transfer_plain")
        for preset, run in sorted(presets.items(), key=lambda item: item[0] != "fast"):
            encrypted = checks.row(run, "transfer_encrypted")
            differences = checks.differences(plain, encrypted) if encrypted else {}
            if all(abs(points) <= checks.TOLERANCE for points in differences.values()):
                continue
            rows.append([name, preset, short(run["max_feature_error"])] +
                        [f"{differences[key]:+.1f} ({100 * plain[key + '_std']:.1f})" for key in MOVED_METRICS])
            shares += [abs(points) / (100 * plain[key + "_std"]) for key, points in differences.items()
                       if plain[key + "_std"] > 0]
            runs.append((preset, run))
    if not rows:
        return ""
    repeats = all(line["holds"] for line in figures["checks"] if "trained again" in line["text"])
    why = ""
    if repeats and all(preset == "fast" for preset, _ in runs):
        least = min(run["target"]["rows"] for _, run in runs)
        why = SENSITIVE.format(error=short(max(run["max_feature_error"] for _, run in runs)), rows=least,
                               row=100 / least, share=max(shares, default=0))
    heads = ["target and source", "preset", "largest error of a feature"]
    heads += [key.replace("_", " ") + ", points (deviation over the folds)" for key in MOVED_METRICS]
    return MOVED.format(tolerance=checks.TOLERANCE, table=table(heads, rows), why=why).rstrip() + "\n"


def sets(figures):
    rows = []
    for name, presets in figures["pairs"].items():
        run = presets["fast"]
        target, source = name.split(" from ")
        rows.append([target, run["target"]["rows"], counts(run["target"]), source, run["source"]["rows"],
                     counts(run["source"])])
    return table(["target", "rows", "by label", "source", "rows", "by label"], rows)


def counts(side):
    return ", ".join(f"{count} of {label}" for label, count in sorted(side["labels"].items()))


def reduced(figures):
    options = figures["options"]
    out = ""
    if options.get("rows"):
        out += f" **Only {options['rows']} rows of each set were used: a try, not the experiment.**"
    short_runs = [name for name, presets in figures["pairs"].items()
                  if "accurate" in presets and not presets["accurate"]["rows"]]
    if short_runs:
        out += (" To save time the accurate preset has fewer rows, and no folds, for: " + ", ".join(
            f"{name} ({figures['pairs'][name]['accurate']['target']['rows']} rows)" for name in short_runs) + ".")
    return out


def spread(row, key, factor, digits):
    return f"{factor * row[key + '_mean']:.{digits}f} ± {factor * row[key + '_std']:.{digits}f}"


def gains(figures):
    """What transfer brings with all labels."""
    out = []
    for name, presets in figures["pairs"].items():
        alone, transfer = (checks.row(presets["fast"], setting) for setting in ("plain", "transfer_plain"))
        out.append(f"{name} {100 * (transfer['accuracy_mean'] - alone['accuracy_mean']):+.1f}")
    return ("Accuracy of transfer in plain less that without transfer (ReLU), in points: " + "; ".join(out) +
            ". Here every label of a target is used; [results](results.md) has what transfer brings where they are few.")


def settings(presets):
    lines = []
    for preset, run in sorted(presets.items(), key=lambda item: item[0] != "fast"):
        for row in run["rows"]:
            through = row["setting"] == "transfer_encrypted"
            title = SETTINGS[row["setting"]] + (f", {preset}" if through else "")
            lines.append([title] + [spread(row, *metric) for metric in METRICS])
    return table(HEADS, lines)


def folds(figures, stem):
    count = figures["options"]["folds"]
    words = f"Mean and standard deviation over the {count} folds. {gains(figures)}"
    out = ["## The folds", "", textwrap.fill(words, 118, break_on_hyphens=False), "",
           f"![Accuracy over the folds]({stem}-accuracy.svg)", ""]
    for name, presets in figures["pairs"].items():
        out += [f"### {name}", "", settings(presets), ""]
    return "\n".join(out)


def passes(figures, stem):
    rows = []
    for name, presets in figures["pairs"].items():
        for preset, run in sorted(presets.items(), key=lambda item: item[0] != "fast"):
            parameters = run["parameters"]
            rows.append([name, preset, run["target"]["rows"], short(run["max_feature_error"]),
                         short(run["predicted_error"]), f"{run['clipped_rows']}, {run['flagged_rows']}",
                         f"{parameters['ring_degree']}, {parameters['log_qp']:.0f}", bytes_text(run["request_bytes"]),
                         bytes_text(run["response_bytes"]), bytes_text(run["evaluation_key_bytes"])])
    heads = ["target and source", "preset", "rows", "largest error", "predicted", "rows clipped, flagged",
             "N, log2 QP", "request", "response", "keys, once"]
    return PASSES.format(table=table(heads, rows), stem=stem, labels=textwrap.fill(labels(figures), 118))


def labels(figures):
    """How one head calls the same rows both ways."""
    found = [(name, presets["fast"]["agreement"]) for name, presets in figures["pairs"].items()
             if "agreement" in presets["fast"]]
    return ("One linear head, trained once and applied to the plain and to the decrypted features (fast) of the same "
            "rows, gives equal labels for: " +
            "; ".join(f"{name} {one['labels_equal']} of {one['rows']}" for name, one in found) + ".")


def times(figures, stem):
    bench = [[preset, f"{run['server_ms_median']:.1f}", f"{run['server_ms_min']:.1f}", f"{run['round_trip_ms']:.1f}",
              f"{run['client_encrypt_ms']:.2f}", f"{run['client_decrypt_ms']:.2f}", short(run["max_abs_error"]),
              short(run["predicted_error"]), bytes_text(run["request_bytes"]), bytes_text(run["response_bytes"]),
              bytes_text(run["evaluation_key_bytes"]), bytes_text(run["peak_rss_bytes"])]
             for preset, run in sorted(figures["bench"].items(), key=lambda item: item[0] != "fast")]
    heads = ["preset", "a pass", "the least", "there and back", "encrypt", "decrypt", "largest error", "predicted",
             "request", "response", "keys", "server memory"]
    rows = [[name, preset, f"{run['ms_per_pass']:.1f}", f"{run['round_trip_ms']:.1f}",
             f"{run['client_encrypt_ms']:.2f}", f"{run['client_decrypt_ms']:.2f}"]
            for name, presets in figures["times"].items()
            for preset, run in sorted(presets.items(), key=lambda item: item[0] != "fast")]
    first = next(iter(figures["bench"].values()))
    return TIMES.format(note=load(figures["load"]), stem=stem, inputs=first["inputs"],
                        bench=table(heads, bench), machine=f"{first['cpu']}, {first['isa']}, one thread of the server",
                        rows="the client encrypting beside the server",
                        sets=table(["target and source", "preset", "a pass", "there and back", "encrypt", "decrypt"],
                                   rows))


def load(found):
    busy = found["average"] > 0.5 * found["cores"]
    return (f"Over the minute before, the load average was {found['average']:.1f} on {found['cores']} cores"
            + (": **other work ran beside, so these times are too long**." if busy else "."))


def authors_part():
    rows = [[row[authors.NAME], f"{row[authors.LEAST]} / {row[authors.MEDIAN]}",
             f"{row[authors.ENCRYPT]} / {row[authors.DECRYPT]}",
             short(row[authors.ERROR_LOW]) if row[authors.ERROR_LOW] == row[authors.ERROR_HIGH] else
             f"{short(row[authors.ERROR_LOW])} to {short(row[authors.ERROR_HIGH])}", f"{row[authors.REQUEST]} KB",
             f"{row[authors.RESPONSE]} KB", f"{row[authors.KEYS]} MB"] for row in authors.FIGURES]
    heads = ["", "a pass, ms, least / median", "encrypt / decrypt, ms", "largest error", "request", "response", "keys"]
    return AUTHORS.format(where=authors.WHERE, table=table(heads, rows))


def of(figures, stem):
    options = figures["options"]
    parts = [BEGIN.format(figures=stem + ".json"), verdict(figures),
             SETUP.format(folds=options["folds"], seed=options["seed"], epochs=options["epochs"],
                          reduced=reduced(figures), sets=sets(figures)).rstrip() + "\n",
             folds(figures, stem), passes(figures, stem)]
    if figures["bench"]:
        parts.append(times(figures, stem))
    parts.append(authors_part())
    return "\n".join(parts)
