"""Lines over two logarithmic axes, as SVG text."""

import math

from svg import GRID, SOFT, Figure

LEFT, RIGHT, TOP, BOTTOM = 90, 868, 84, 420
COLD, PREPARED, PLAIN = "#b83280", "#2b6cb0", "#718096"


class Lines(Figure):
    """Figure's frame and marks with a vertical axis of its own."""

    def __init__(self, title, legend, xs, ys):
        super().__init__(title, legend, 15, min(xs), max(xs), logarithmic=True)
        self.range = (10 ** math.floor(math.log10(min(ys))), 10 ** math.ceil(math.log10(max(ys))))

    def x(self, value):
        low, high = math.log10(self.low), math.log10(self.high)
        return LEFT + (RIGHT - LEFT) * (math.log10(value) - low) / (high - low)

    def height(self, value):
        low, high = (math.log10(end) for end in self.range)
        return BOTTOM - (BOTTOM - TOP) * (math.log10(value) - low) / (high - low)

    def axes(self, ticks, across, up):
        for value in ticks:
            self.segment(self.x(value), TOP, self.x(value), BOTTOM, GRID)
            self.text(self.x(value), BOTTOM + 16, str(value), "middle", 11, SOFT)
        exponent = round(math.log10(self.range[0]))
        while 10 ** exponent <= self.range[1] * 1.001:
            value = 10.0 ** exponent
            self.segment(LEFT, self.height(value), RIGHT, self.height(value), GRID)
            self.text(LEFT - 8, self.height(value) + 4, f"{value:g}", "end", 11, SOFT)
            exponent += 1
        self.text((LEFT + RIGHT) / 2, BOTTOM + 34, across, "middle", 12, SOFT)
        self.text(LEFT - 60, TOP - 14, up, "start", 12, SOFT)

    def line(self, points, colour, shape):
        for (x1, y1), (x2, y2) in zip(points, points[1:]):
            self.segment(self.x(x1), self.height(y1), self.x(x2), self.height(y2), colour, 2)
        for x, y in points:
            self.mark(self.x(x), self.height(y), colour, shape)


def series(runs, key, figure):
    return [(key(run), figure(run)) for run in runs]


def chart(title, runs, key, across, figures, up):
    """`figures`: name, colour, mark and what to take of a run, for every line."""
    lines = [(name, colour, shape, series([run for run in runs if take(run)], key, take))
             for name, colour, shape, take in figures]
    values = [y for *_, points in lines for _, y in points]
    xs = [key(run) for run in runs]
    out = Lines(title, [line[:3] for line in lines], xs, values)
    out.axes(xs, across, up)
    for _, colour, shape, points in lines:
        out.line(points, colour, shape)
    return out.svg()


def all_of(figures):
    three = [("encrypted", COLD, "circle", lambda run: run["ms_per_sample"]),
             ("encrypted, half prepared", PREPARED, "diamond", lambda run: run.get("prepared_ms_per_sample")),
             ("plain, OpenBLAS", PLAIN, "ring", lambda run: run["plain_fp64_ms_per_sample"])]
    return {"samples": chart("Server time a sample, by how many there are", figures["samples"],
                             lambda run: run["samples"], "samples", three, "ms a sample"),
            "widths": chart("Server time a sample of full batches, by the hidden layer's width", figures["widths"],
                            lambda run: run["widths"][1], "hidden units", three, "ms a sample")}
