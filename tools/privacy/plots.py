"""Accuracy against epsilon, as SVG text."""

from svg import GRID, SOFT, Figure

LEFT, RIGHT, TOP, BOTTOM = 70, 868, 84, 420
COLOURS = ["#b83280", "#2b6cb0", "#2f855a", "#b7791f"]
SHAPES = ["circle", "diamond", "ring", "cross"]


class Lines(Figure):
    """Figure's frame and marks: equal steps across, one a budget, and per cent upwards."""

    def __init__(self, title, legend, names, low, high):
        super().__init__(title, legend, 15, 0, len(names) - 1)
        self.range = (low, high)
        for i, name in enumerate(names):
            self.segment(self.x(i), TOP, self.x(i), BOTTOM, GRID)
            self.text(self.x(i), BOTTOM + 16, name, "middle", 11, SOFT)
        for value in range(low, high + 1, 2):
            self.segment(LEFT, self.height(value), RIGHT, self.height(value), GRID)
            self.text(LEFT - 8, self.height(value) + 4, str(value), "end", 11, SOFT)
        self.text((LEFT + RIGHT) / 2, BOTTOM + 34, "epsilon that pretraining may spend", "middle", 12, SOFT)
        self.text(16, TOP - 12, "balanced accuracy, %", "start", 12, SOFT)

    def x(self, value):
        return LEFT + 30 + (RIGHT - LEFT - 60) * value / self.high

    def height(self, value):
        low, high = self.range
        return BOTTOM - (BOTTOM - TOP) * (value - low) / (high - low)

    def line(self, values, colour, shape):
        points = [(self.x(i), self.height(value)) for i, value in enumerate(values)]
        for (x1, y1), (x2, y2) in zip(points, points[1:]):
            self.segment(x1, y1, x2, y2, colour, 2)
        for x, y in points:
            self.mark(x, y, colour, shape)


def accuracy(figures, head="combined 20"):
    values = [[100 * run["heads"][head]["mean"] for run in pair["runs"]] for pair in figures["pairs"]]
    names = ["unbounded" if run["epsilon"] is None else str(run["epsilon"]) for run in figures["pairs"][0]["runs"]]
    low = int(min(map(min, values)) // 2) * 2 - 2
    high = int(max(map(max, values)) // 2) * 2 + 2
    legend = [(pair["target"], COLOURS[i % 4], SHAPES[i % 4]) for i, pair in enumerate(figures["pairs"])]
    out = Lines("Combined head of 20 labels, features through encryption", legend, names, low, high)
    for i, line in enumerate(values):
        out.line(line, COLOURS[i % 4], SHAPES[i % 4])
    return out.svg()
