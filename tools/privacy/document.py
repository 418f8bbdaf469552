"""docs/privacy-results.md from the figures."""

from pages import table


def percent(cell):
    return f"{100 * cell['mean']:.1f} ± {100 * cell['deviation']:.1f}"


def name_of(run):
    return "unbounded" if run["epsilon"] is None else f"{run['epsilon']} ({run['noise_multiplier']:.2f})"


def pair_section(pair):
    without = pair["runs"][0]["heads"]
    rows = []
    for run in pair["runs"]:
        heads = run["heads"]
        change = 100 * (heads["combined 20"]["mean"] - without["combined 20"]["mean"])
        rows.append([name_of(run), f"{100 * heads['provider 0']['mean']:.1f}", percent(heads["combined 20"]),
                     "" if run["epsilon"] is None else f"{change:+.1f}", percent(heads["combined 50"]),
                     f"{run['max_feature_error']:.1e} ({run['predicted_error']:.1e})", str(run["flagged_rows"])])
    heads = ["epsilon (noise multiplier)", "no labels: provider's scores", "20 labels", "to unbounded", "50 labels",
             "largest feature error (predicted)", "flagged"]
    delta = max(run["delta"] or 0 for run in pair["runs"])
    return f"""## {pair['target']} from {pair['source']}

{pair['source_rows']:,} source rows, delta {delta:.1e}; {pair['target_rows']:,} target rows, of which {pair['test_rows']}
test. Without the provider: {percent(without['local 20'])} with 20 labels, {percent(without['local 50'])} with 50.

{table(heads, rows)}
"""


def opacus_section(figures):
    peer = figures.get("opacus")
    if not peer:
        return ""
    rows = [[name, percent(one["cryptotl"]), percent(one["opacus"]),
             f"{100 * (one['cryptotl']['mean'] - one['opacus']['mean']):+.1f}"] for name, one in peer["targets"].items()]
    return f"""## Beside Opacus

The same network ({peer['hidden']} hidden units, {peer['features']} features) from the same first weights, noise multiplier
({peer['noise_multiplier']:.3f}), sampling rate ({peer['sampling_rate']:g}), steps ({peer['steps']}), clipping norm,
learning rate and averaging in Opacus {peer['version']} (PyTorch {peer['torch']}); epsilon {peer['epsilon']:.2f} by its
accountant {peer['accountant']}, {peer['our_epsilon']:.2f} by ours. Accuracy in per cent of the source's own output layer,
mean ± standard deviation over {peer['repeats']} trainings each:

{table(['rows', 'CryptoTL', 'Opacus', 'difference'], rows)}
"""


def of(figures, stem):
    machine = figures["machine"]
    return f"""# What privacy costs

Balanced accuracy in per cent, mean ± standard deviation over {figures['draws']} draws of labels, of the combined head on
features that went through encryption, after pretraining with differential privacy at these budgets
([how](privacy.md)). The difference to "unbounded" is that of the means; the same draws serve for all. "Unbounded" is the
usual training: it has other first weights, another optimiser and early stopping, so the difference is not the noise's
alone, and it was not measured apart. The defaults of private training (steps, rate, scale of the first weights) were
chosen among about ten settings by their results on these same sets: the private rows are somewhat flattered by that, and
epsilon does not count those tries. A set's figures are of one pretraining each.

This page, its plot and [its figures]({stem}.json) are made by one command:

    make privacy PRIVACY="--data FOLDER --opacus"

{figures['date']}, {machine['cpu']}, one thread a training.

![Accuracy against epsilon]({stem}.svg)

{"".join(pair_section(pair) + chr(10) for pair in figures['pairs'])}{opacus_section(figures)}"""
