"""docs/benchmarks/peers.md from the figures."""

import textwrap

import results
import systems
from pages import table

BEGIN = """# Beside other libraries

One encrypted pass of the paper's network (768-768-766, its cubic) in CryptoTL and in other libraries for CKKS, on the
same weights and inputs, one thread each. This page, its plots and [its figures]({stem}.json) are made by one command,
which installs the other libraries in the build folder:

    {command}

{date}, {machine}.
"""

TABLES = """## A pass on the server

{best}

{both}

Medians of all passes. {ratio}

{times}

![An encrypted pass on the server]({stem}-times.svg)

![Largest error of an output]({stem}-errors.svg)

## What travels and what is held

{sizes}

![Keys, ciphertexts and memory]({stem}-sizes.svg)
"""

METHOD = [
    "**Same work.** Weights and biases from N(0, 1/768), inputs uniform in [0, 1], seed {seed}, written once and "
    "read by every system. Every answer is compared with the network in plain double precision; the largest "
    "difference over all outputs of all passes is the error here.",
    "**Same boundaries.** A pass is what the server does from the bytes of a request to the bytes of the answer. "
    "Keys are made and matrices encoded before, and one pass goes first that does not count. Encrypting and "
    "decrypting are the client's, from numbers to bytes and back.{prepared}",
    "**Same core.** {pinned}, one thread each. {rounds}: in each of them every system runs once, as a process of "
    "its own, {passes} passes a run ({slow} for TenSEAL); the order rotates from round to round.",
    "**Ratios** are made round by round, from the medians of the same round, so that what slows the whole machine "
    "for a while slows both sides; given is the median of the rounds' ratios, and in brackets the least and the "
    "largest.",
    "**Memory** is the most that was held: by CryptoTL's server process; by the others' one process, client "
    "included, while passes ran and after what set-up had freed was given back. Keys are all evaluation keys as "
    "bytes, as each library writes them.",
    "**128 bits** by each library's own bound, or by log2 QP of at most 218 at N = 8192 (homomorphic encryption "
    "standard of 2018, ternary secrets) where it has none; CryptoTL holds itself to 214 (guideline of 2024).",
    "**Settings** are the quickest of those tried whose largest error is below 2e-4 (CryptoTL's bound is 1e-4), "
    "unless their line below says otherwise; `tools/peers/systems.py` lists what was tried and what it gave. The "
    "drivers beside it use each library as far as its public interface goes, with merged layers where it takes them; "
    "one driver serves both packings.",
]
BOTH = ("CryptoTL puts two real numbers into a slot, as its real and its imaginary part; the other libraries' "
        "documentation does not show that, so each is measured as documented, which is what its user gets. Lattigo and "
        "OpenFHE are measured with CryptoTL's packing too, to tell what the packing brings from what the rest of "
        "CryptoTL brings. Lattigo's conjugate-invariant ring, which it documents, holds as many real numbers without "
        "it.")
AGAINST = {systems.DOCUMENTED: "the best peer as documented", systems.PACKED: "the best peer given CryptoTL's packing"}
PREPARED = " A prepared pass leaves out what the server did before the query came."


def wrapped(text, indent="  "):
    return textwrap.fill(text, 118, subsequent_indent=indent, break_on_hyphens=False)


def method(figures):
    given, machine = figures["options"], figures["machine"]
    words = {"seed": given["seed"], "passes": given["passes"], "slow": given["slow_passes"],
             "rounds": "One round" if given["rounds"] == 1 else f"{given['rounds']} rounds",
             "prepared": PREPARED if has_prepared(figures) else "",
             "pinned": "Everything runs on one core" if machine["pinned"] else "Nothing could be pinned to one here"}
    lines = [wrapped("- " + text.format(**words)) for text in METHOD]
    return "\n".join(["## How it is measured", "", *lines, "", wrapped(load_text(machine), ""), ""])


def milliseconds(value):
    if value is None:
        return ""
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def size(count):
    if count is None:
        return ""
    return f"{count / 1e6:,.1f} MB" if count >= 1e6 else f"{count / 1e3:,.0f} KB"


def short(number):
    return "" if number is None else f"{number:.1e}"


def factor(value):
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def ratio(found):
    if found is None:
        return ""
    low, high = min(found["rounds"]), max(found["rounds"])
    spread = f" ({factor(low)} to {factor(high)})" if factor(low) != factor(high) else ""
    return f"{factor(found['median'])}{spread}"


def has_prepared(figures):
    return any(system["key"] == systems.PREPARED for system in figures["systems"])


def best(figures):
    """The two ratios that the comparison comes to, a line each."""
    lines = []
    for packing, name in AGAINST.items():
        found = results.best(figures, packing)
        if found is None:
            lines.append(f"Against {name}: none was measured with errors below {systems.BOUND:.0e}")
            continue
        text = f"Against {name} ({found['name']}): {ratio(found['ratio_cold'])} times CryptoTL's, cold"
        if "ratio_prepared" in found:
            text += f"; {ratio(found['ratio_prepared'])} times CryptoTL's, prepared"
        lines.append(text)
    return lines


def times(figures):
    prepared = has_prepared(figures)
    rows = []
    for system in figures["systems"]:
        error = short(system["max_abs_error"])
        if "predicted_error" in system:
            error += f" (predicted {short(system['predicted_error'])})"
        row = [system["name"], milliseconds(system["median_ms"]), milliseconds(system["least_ms"]),
               ratio(system.get("ratio_cold"))]
        row += [ratio(system.get("ratio_prepared"))] if prepared else []
        client = " / ".join(milliseconds(system.get(part)) for part in ("encrypt_ms", "decrypt_ms"))
        rows.append(row + [client, error])
    heads = ["", "a pass, ms", "the least", "times CryptoTL's, cold"]
    heads += ["times CryptoTL's, prepared"] if prepared else []
    return table(heads + ["encrypt / decrypt, ms", "largest error"], rows)


def sizes(figures):
    tickets = any("ticket_bytes" in system for system in figures["systems"])
    rows = [[system["name"], size(system.get("key_bytes")), size(system.get("request_bytes")),
             size(system.get("response_bytes")), size(system.get("memory_bytes"))] +
            ([size(system.get("ticket_bytes"))] if tickets else []) for system in figures["systems"]]
    heads = ["", "evaluation keys, once", "request", "response", "server memory"]
    return table(heads + (["a ticket, held"] if tickets else []), rows)


def uses(figures):
    out = ["## What each system uses", ""]
    for system in figures["systems"]:
        facts = "; ".join(part for part in (f"version {system['version']}" if system.get("version") else "",
                                            system.get("runs_on") or "", system.get("parameters") or "") if part)
        text = f"- **{system['name']}** ({facts}): {system['uses']}." if facts else \
            f"- **{system['name']}**: {system['uses']}."
        out.append(wrapped(text))
    if figures["missing"]:
        out += ["", "## Not measured here", ""]
        out += [f"- **{peer['name']}**: {peer['reason']}." for peer in figures["missing"]]
    return "\n".join(out) + "\n"


def machine_text(machine):
    sets = ", ".join(machine["instruction_sets"])
    return f"{machine['cpu']}, {machine['cores']} cores" + (f" ({sets})" if sets else "")


def load_text(machine):
    busy = machine["load"] > 0.5 * machine["cores"]
    return (f"Over the minute before, the load average was {machine['load']:.1f} on {machine['cores']} cores" +
            (": **other work ran beside, so these times are too long**." if busy else "."))


def of(figures, stem):
    with_prepared = ("Ratios say how many times as long a pass takes as CryptoTL's, cold and prepared." if
                     has_prepared(figures) else "Ratios say how many times as long a pass takes as CryptoTL's.")
    machine = machine_text(figures["machine"])
    parts = [
        BEGIN.format(stem=stem, command=figures["command"], date=figures["date"], machine=machine),
        TABLES.format(best="\n".join(wrapped(f"- **{line}**.") for line in best(figures)), both=wrapped(BOTH, ""),
                      ratio=with_prepared, times=times(figures), sizes=sizes(figures), stem=stem),
        method(figures), uses(figures)]
    return "\n".join(parts)


def summary(figures):
    """For the terminal."""
    lines = [f"{system['name']:40} {milliseconds(system['median_ms']):>8} ms  {ratio(system['ratio_cold']):24} "
             f"largest error {short(system['max_abs_error'])}" for system in figures["systems"]]
    lines += best(figures)
    return "\n".join(lines + [f"{peer['name']:40} not measured: {peer['reason']}" for peer in figures["missing"]])
