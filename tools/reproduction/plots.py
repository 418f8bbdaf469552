"""The document's plots as SVG text."""

import math

import authors
from svg import GRID, LEFT, RIGHT, WIDTH, Figure, powers

# Distinct for the colour-blind too (Okabe and Ito), and of different shapes.
SETTINGS = [("plain", "without transfer (ReLU)", "#0072b2", "circle"),
            ("plain_polynomial", "without transfer (polynomial)", "#56b4e9", "ring"),
            ("transfer_plain", "transfer, plain", "#e69f00", "diamond"),
            ("transfer_encrypted", "transfer, encrypted", "#d55e00", "cross")]
OURS, THEIRS, PREDICTED = "#0072b2", "#d55e00", "#5f6b7a"


def accuracy(figures):
    """Mean accuracy of the four settings with the deviation over the folds."""
    found = {name: {row["setting"]: row for row in presets["fast"]["rows"]}
             for name, presets in figures["pairs"].items() if "fast" in presets}
    lowest = min(100 * (row["accuracy_mean"] - row["accuracy_std"]) for rows in found.values() for row in rows.values())
    low = max(0, 5 * math.floor(lowest / 5 - 0.01))
    lines = 4.4
    height = len(found) * lines * 0.62
    out = Figure("Accuracy over the folds, mean and standard deviation", [s[1:] for s in SETTINGS],
                 math.ceil(height), low, 101)
    step = 5 if 100 - low > 10 else 2
    out.axis([(v, str(v)) for v in range(low, 101, step)], "accuracy in %")
    for i, (name, rows) in enumerate(found.items()):
        top = i * lines * 0.62
        out.row_name(top + 0.62 * 1.5, name)
        if i:
            out.segment(16, out.y(top - 0.62 * 0.7), WIDTH - RIGHT, out.y(top - 0.62 * 0.7), GRID)
        for k, (setting, _, colour, shape) in enumerate(SETTINGS):
            mean, spread = (100 * rows[setting][f"accuracy_{part}"] for part in ("mean", "std"))
            y = out.y(top + 0.62 * k)
            out.segment(out.x(max(low, mean - spread)), y, out.x(min(101, mean + spread)), y, colour, 1.4)
            out.mark(out.x(mean), y, colour, shape)
    return out.svg()


def errors(figures):
    """Largest error of a feature, measured and predicted; the authors' beside them."""
    found = [(f"{name}, {preset}", run["max_feature_error"], run["predicted_error"])
             for preset in ("fast", "accurate") for name, presets in figures["pairs"].items()
             for run in [presets.get(preset)] if run]
    low = 10.0 ** (math.floor(math.log10(min(row[1] for row in found))) - 0)
    out = Figure("Largest error of a feature through encryption",
                 [("measured", OURS, "circle"), ("predicted", PREDICTED, "tick"),
                  ("the authors' code", THEIRS, "diamond")],
                 len(found) + len(authors.FIGURES), low, 0.1, True)
    out.axis(powers(low, 0.1), "largest absolute error")
    for i, (name, measured, predicted) in enumerate(found):
        out.row_name(i, name)
        out.segment(out.x(measured), out.y(i), out.x(predicted), out.y(i), GRID, 3)
        out.mark(out.x(predicted), out.y(i), PREDICTED, "tick")
        out.mark(out.x(measured), out.y(i), OURS, "circle")
    for i, row in enumerate(authors.FIGURES, len(found)):
        out.row_name(i, row[authors.NAME].replace("the authors' code", "authors"))
        ends = [out.x(row[authors.ERROR_LOW]), out.x(row[authors.ERROR_HIGH])]
        out.segment(ends[0], out.y(i), ends[1], out.y(i), THEIRS, 3)
        for end in ends:
            out.mark(end, out.y(i), THEIRS, "diamond")
    return out.svg()


def times(figures):
    """The median pass on the server, the paper's shape."""
    rows = [(f"this program, {preset}", run["server_ms_median"], OURS) for preset, run in figures["bench"].items()]
    rows.sort(key=lambda row: row[1])
    rows += [(row[authors.NAME].replace("the authors' code", "authors"), row[authors.MEDIAN], THEIRS)
             for row in authors.FIGURES]
    out = Figure("An encrypted pass on the server, one thread",
                 [("this program", OURS, "bar"), ("the authors' code, measured elsewhere", THEIRS, "bar")],
                 len(rows), 1, 10000, True)
    out.axis(powers(1, 10000), "milliseconds, median")
    for i, (name, value, colour) in enumerate(rows):
        out.row_name(i, name)
        out.add(f'<rect x="{LEFT}" y="{out.y(i) - 7:.1f}" width="{out.x(value) - LEFT:.1f}" height="14" '
                f'fill="{colour}"/>')
        out.text(out.x(value) + 6, out.y(i) + 4, f"{value:.1f} ms" if value < 100 else f"{value:,.0f} ms")
    return out.svg()


def all_of(figures):
    out = {}
    if any("fast" in presets for presets in figures["pairs"].values()):
        out["accuracy"] = accuracy(figures)
        out["errors"] = errors(figures)
    if figures["bench"]:
        out["times"] = times(figures)
    return out
