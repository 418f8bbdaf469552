"""The document's plots as SVG text."""

import math

from document import milliseconds, size
from systems import PACKED
from svg import GRID, INK, LEFT, Figure, powers

OURS, THEIRS, PACKED_THEIRS, PREDICTED = "#0072b2", "#d55e00", "#cc79a7", "#5f6b7a"
# Distinct for the colour-blind too (Okabe and Ito), and of different shapes.
SIZES = [("key_bytes", "evaluation keys", "#d55e00", "diamond"), ("request_bytes", "request", "#0072b2", "circle"),
         ("response_bytes", "response", "#56b4e9", "ring"), ("ticket_bytes", "a ticket", "#009e73", "tick"),
         ("memory_bytes", "server memory", "#1f2933", "cross")]


def whose(system):
    """Whose it is, by the names, colours and marks of the legend."""
    if system["key"].startswith("cryptotl"):
        return ("CryptoTL", OURS, "circle")
    if system["packing"] == PACKED:
        return ("others, CryptoTL's packing", PACKED_THEIRS, "diamond")
    return ("others, as documented", THEIRS, "circle")


def sides_of(found):
    """Those that are there, in their order."""
    return list(dict.fromkeys(whose(system) for system in found))


def decades(values):
    """The powers of ten around them."""
    low, high = math.floor(math.log10(min(values)) + 1e-9), math.ceil(math.log10(max(values)) - 1e-9)
    return 10.0 ** low, 10.0 ** max(high, low + 1)


def times(figures):
    """The median pass as a bar, the medians of the rounds as marks."""
    found = figures["systems"]
    low, high = decades([t for system in found for t in (*system["round_medians_ms"], system["least_ms"])])
    # Room for the number beside the longest bar.
    out = Figure("An encrypted pass on the server, one thread",
                 [(name, ink, "bar") for name, ink, _ in sides_of(found)] + [("a round's median", INK, "tick")],
                 len(found), low, high * 3, True)
    out.axis([(value, f"{value:,.0f}") for value, _ in powers(low, high)],
             "milliseconds, median of all passes (logarithmic)")
    for i, system in enumerate(found):
        out.row_name(i, system["name"])
        end = out.x(system["median_ms"])
        out.add(f'<rect x="{LEFT}" y="{out.y(i) - 7:.1f}" width="{end - LEFT:.1f}" height="14" '
                f'fill="{whose(system)[1]}"/>')
        for value in system["round_medians_ms"]:
            out.mark(out.x(value), out.y(i), INK, "tick")
        end = max([end, *(out.x(value) for value in system["round_medians_ms"])])
        out.text(end + 8, out.y(i) + 4, f"{milliseconds(system['median_ms'])} ms")
    return out.svg()


def errors(figures):
    found = figures["systems"]
    values = [v for system in found for v in (system["max_abs_error"], system.get("predicted_error")) if v]
    low, high = decades(values)
    legend = sides_of(found)
    if any("predicted_error" in system for system in found):
        legend.insert(1, ("CryptoTL's prediction", PREDICTED, "tick"))
    out = Figure("Largest error of an output", legend, len(found), low, high, True)
    out.axis(powers(low, high), "largest absolute error (logarithmic)")
    for i, system in enumerate(found):
        out.row_name(i, system["name"])
        out.segment(LEFT, out.y(i), out.x(system["max_abs_error"]), out.y(i), GRID, 3)
        if system.get("predicted_error"):
            out.mark(out.x(system["predicted_error"]), out.y(i), PREDICTED, "tick")
        out.mark(out.x(system["max_abs_error"]), out.y(i), *whose(system)[1:])
    return out.svg()


def sizes(figures):
    found = figures["systems"]
    kinds = [kind for kind in SIZES if any(system.get(kind[0]) for system in found)]
    low, high = decades([system[kind[0]] for system in found for kind in kinds if system.get(kind[0])])
    out = Figure("Keys, ciphertexts and memory", [kind[1:] for kind in kinds], len(found), low, high, True)
    ticks = [(value, size(value).replace(".0", "")) for value, _ in powers(low, high)]
    out.axis(ticks, "bytes (logarithmic)")
    for i, system in enumerate(found):
        out.row_name(i, system["name"])
        values = [system[kind[0]] for kind in kinds if system.get(kind[0])]
        out.segment(out.x(min(values)), out.y(i), out.x(max(values)), out.y(i), GRID, 3)
        for key, _, ink, shape in kinds:
            if system.get(key):
                out.mark(out.x(system[key]), out.y(i), ink, shape)
    return out.svg()


def all_of(figures):
    return {"times": times(figures), "errors": errors(figures), "sizes": sizes(figures)}
