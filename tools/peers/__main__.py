"""One encrypted pass of the same network in CryptoTL and in other libraries, and docs/benchmarks/peers.md from it.

    python3 tools/peers                       installs the peers where they are not yet, measures, writes
    python3 tools/peers --only lattigo        one peer beside CryptoTL
    python3 tools/peers --again               the document and plots from the figures that are there

A peer that cannot be had here is named as missing, and the run goes on. Exit code 1: CryptoTL itself failed.
"""

import argparse
import datetime
import json
import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.append(os.path.join(ROOT, "tools"))  # of what the tools share

import document
import install
import machine
import network
import plots
import results
import rounds
import systems
from pages import write_whole


class Refusal(Exception):
    """One line for whoever started this, and the exit code."""

    def __init__(self, text, code=1):
        super().__init__(text)
        self.code = code


class Parser(argparse.ArgumentParser):
    def error(self, message):
        raise Refusal(f"{message}; --help lists the options", 2)


class CryptoTL:
    def __init__(self, programs):
        self.program = os.path.join(programs, "cryptotl")
        if not os.access(self.program, os.X_OK):
            raise Refusal(f"{self.program}: not there; build it (make build) or name its folder with --programs", 2)
        with open(os.path.join(ROOT, "CMakeLists.txt"), encoding="utf-8") as file:
            self.version = re.search(r"project\(cryptotl[^)]*?VERSION ([0-9.]+)", file.read(), re.IGNORECASE)[1]


def number(least):
    def parse(text):
        value = int(text)
        if value < least:
            raise argparse.ArgumentTypeError(f"{value} is less than {least}")
        return value
    parse.__name__ = "whole number"
    return parse


def options(arguments):
    summary, _, more = __doc__.partition("\n\n")
    parser = Parser(prog="tools/peers", description=summary, epilog=more, allow_abbrev=False,
                    formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    keys = [peer.key for peer in systems.PEERS]
    add("--only", metavar="LIST", help=f"of {','.join(keys)} (default: all)")
    add("--rounds", type=number(1), default=3, help="in each every system runs once (default: 3)")
    add("--passes", type=number(1), default=30, help="measured in each run (default: 30)")
    add("--slow-passes", type=number(1), default=1, help="the same for TenSEAL, half a minute each (default: 1)")
    add("--core", type=number(0), help="that everything runs on (default: the last one)")
    add("--seed", type=number(0), default=0, help="of weights and inputs (default: 0)")
    add("--programs", metavar="FOLDER", default=os.path.join(ROOT, "build"), help="of cryptotl (default: build)")
    add("--work", metavar="FOLDER", help="that peers are installed in (default: peers beside the programs)")
    add("--out", metavar="FILE", default=os.path.join(ROOT, "docs", "benchmarks", "peers.md"),
        help="the document; figures (.json) and plots (-*.svg) are put beside it (default: docs/benchmarks/peers.md)")
    add("--again", action="store_true", help="measure nothing: write the document from the figures")
    add("--quiet", action="store_true", help="no progress")
    add("--json", action="store_true", help="print all figures as one JSON object")
    out = parser.parse_args(arguments)
    out.only = out.only.split(",") if out.only else None
    unknown = sorted(set(out.only or []) - set(keys))
    if unknown:
        parser.error(f"no peer is named {', '.join(unknown)}: they are {', '.join(keys)}")
    if hasattr(os, "sched_getaffinity"):
        cores = os.sched_getaffinity(0)
        if out.core is not None and out.core not in cores:
            parser.error(f"core {out.core} is not there: those to use are {', '.join(map(str, sorted(cores)))}")
        out.core = max(cores) if out.core is None else out.core
    out.work = os.path.abspath(out.work or os.path.join(out.programs, "peers"))
    out.network = os.path.join(out.work, "network")
    out.figures = os.path.splitext(out.out)[0] + ".json"
    return out


def writable(folder):
    """Makes the folder now: what cannot be written is to be known before minutes of measuring."""
    os.makedirs(folder, exist_ok=True)
    if not os.access(folder, os.W_OK):
        raise PermissionError(13, "not writable", folder)


def install_all(chosen, say):
    """The peers that are there with their drivers, and why the others are not."""
    found, missing, done = {}, {}, {}
    for peer in systems.chosen(chosen.only):
        if peer.library not in done:
            try:
                done[peer.library] = install.install(peer.library, chosen.work, say)
            except install.Missing as reason:
                say(f"{peer.library}: {reason}; going on without it")
                done[peer.library] = reason
        if isinstance(done[peer.library], install.Missing):
            missing[peer.key] = str(done[peer.library])
        else:
            found[peer.key] = (peer, done[peer.library])
    return found, missing


def command_of(chosen):
    """The command for the document: what the figures depend on, and no path of this machine."""
    defaults = options([])
    given = []
    for name in ("rounds", "passes", "slow_passes", "seed"):
        value = getattr(chosen, name)
        given += [f"--{name.replace('_', '-')} {value}"] if value != getattr(defaults, name) else []
    given += [f"--only {','.join(chosen.only)}"] if chosen.only else []
    return "make bench-peers" + (f' PEERS="{" ".join(given)}"' if given else "")


def measure(chosen):
    def say(text):
        if not chosen.quiet:
            print(f"peers: {text}", file=sys.stderr, flush=True)
    cryptotl = CryptoTL(chosen.programs)
    writable(chosen.work)
    found, missing = install_all(chosen, say)
    network.make(chosen.network, chosen.passes + 1, chosen.seed)
    load = os.getloadavg()[0]
    all_rounds = rounds.Rounds(chosen, cryptotl, found, missing, say)
    before = rounds.pin(chosen.core)
    try:
        runs = all_rounds.measure()
    except rounds.Failure as failure:
        raise Refusal(f"cryptotl bench forward: {failure}") from failure
    finally:
        if before is not None:
            os.sched_setaffinity(0, before)
    peers = [(peer, found[peer.key][1].runs_on if peer.key in found else None) for peer in systems.chosen(chosen.only)]
    first = runs[systems.COLD][0]
    return {"date": datetime.date.today().isoformat(),
            "command": command_of(chosen),
            "machine": machine.of(first, load, before is not None),
            "options": {"rounds": chosen.rounds, "passes": chosen.passes, "slow_passes": chosen.slow_passes,
                        "seed": chosen.seed},
            **results.of(runs, peers, all_rounds.missing)}


def earlier(path):
    try:
        with open(path, encoding="utf-8") as file:
            return json.load(file)
    except FileNotFoundError:
        raise Refusal(f"{path}: not there, so there are no figures for --again to write from") from None
    except ValueError as error:
        raise Refusal(f"{path}: not JSON: {error}") from error


def write_all(figures, chosen):
    folder = os.path.dirname(os.path.abspath(chosen.out))
    stem = os.path.splitext(os.path.basename(chosen.out))[0]
    texts = {os.path.join(folder, f"{stem}-{name}.svg"): svg for name, svg in plots.all_of(figures).items()}
    texts[chosen.figures] = json.dumps(figures, indent=1) + "\n"
    texts[chosen.out] = document.of(figures, stem)
    for path, text in texts.items():
        write_whole(path, text)


def main(arguments):
    try:
        chosen = options(arguments)
        writable(os.path.dirname(os.path.abspath(chosen.out)))
        figures = earlier(chosen.figures) if chosen.again else measure(chosen)
        write_all(figures, chosen)
    except Refusal as refusal:
        print(f"peers: {refusal}", file=sys.stderr)
        return refusal.code
    except OSError as error:
        print(f"peers: {error.filename}: {error.strerror}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("peers: interrupted; nothing was written, and what is installed stays", file=sys.stderr)
        return 130
    print(json.dumps(figures) if chosen.json else document.summary(figures) + f"\nwritten: {chosen.out}")
    return 0


sys.exit(main(sys.argv[1:]))
