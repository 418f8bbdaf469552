"""Plots as SVG text: rows from top to bottom, named at the left, values along one axis."""

import math
from html import escape

INK, SOFT, GRID = "#1f2933", "#5f6b7a", "#dde3ea"
WIDTH, LEFT, RIGHT, TOP, LINE = 900, 300, 36, 64, 24


class Figure:
    """Rows from top to bottom, named at the left, values along one axis."""

    def __init__(self, title, legend, rows, low, high, logarithmic=False):
        self.low, self.high, self.logarithmic = low, high, logarithmic
        self.bottom = TOP + LINE * rows + 8
        height = self.bottom + 44
        self.parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" '
                      f'viewBox="0 0 {WIDTH} {height}" font-family="DejaVu Sans, Verdana, sans-serif" font-size="12" '
                      f'role="img"><title>{escape(title)}</title>',
                      f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>']
        self.text(16, 24, title, size=15, weight="bold")
        x = 16
        for name, colour, shape in legend:
            self.mark(x + 6, 42, colour, shape)
            self.text(x + 16, 46, name, colour=SOFT)
            x += 34 + 7.2 * len(name)

    def add(self, text):
        self.parts.append(text)

    def x(self, value):
        at = math.log10 if self.logarithmic else float
        return LEFT + (WIDTH - LEFT - RIGHT) * (at(value) - at(self.low)) / (at(self.high) - at(self.low))

    @staticmethod
    def y(row):
        return TOP + LINE * row + LINE / 2 + 4

    def text(self, x, y, text, anchor="start", size=12, colour=INK, weight="normal"):
        self.add(f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" fill="{colour}" '
                 f'font-weight="{weight}">{escape(text)}</text>')

    def segment(self, x1, y1, x2, y2, colour, width=1.0):
        self.add(f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}" '
                 f'stroke-width="{width}"/>')

    def mark(self, x, y, colour, shape):
        if shape in ("circle", "ring"):
            fill = colour if shape == "circle" else "#ffffff"
            self.add(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{fill}" stroke="{colour}" stroke-width="1.6"/>')
        elif shape == "diamond":
            self.add(f'<path d="M{x:.1f} {y - 5:.1f}l5 5l-5 5l-5 -5z" fill="{colour}"/>')
        elif shape == "cross":
            self.add(f'<path d="M{x - 4:.1f} {y - 4:.1f}l8 8m0 -8l-8 8" stroke="{colour}" stroke-width="2.2"/>')
        elif shape == "bar":
            self.add(f'<rect x="{x - 6:.1f}" y="{y - 5:.1f}" width="12" height="10" fill="{colour}"/>')
        else:
            self.add(f'<path d="M{x:.1f} {y - 6:.1f}v12" stroke="{colour}" stroke-width="2.4"/>')

    def axis(self, ticks, title):
        for value, name in ticks:
            self.segment(self.x(value), TOP, self.x(value), self.bottom, GRID)
            self.text(self.x(value), self.bottom + 16, name, "middle", 11, SOFT)
        self.text((LEFT + WIDTH - RIGHT) / 2, self.bottom + 34, title, "middle", 12, SOFT)

    def row_name(self, row, name):
        self.text(LEFT - 12, self.y(row) + 4, name, "end")

    def svg(self):
        return "\n".join(self.parts) + "\n</svg>\n"


def powers(low, high):
    exponents = range(math.ceil(math.log10(low) - 1e-9), math.floor(math.log10(high) + 1e-9) + 1)
    step = 1 if len(exponents) < 9 else 2
    return [(10.0 ** e, f"1e{e}" if not 0 <= e <= 4 else str(10 ** e)) for e in exponents if e % step == 0]
