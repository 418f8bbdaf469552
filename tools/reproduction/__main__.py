"""The paper's experiment, run as it is described there, and docs/reproduction.md from what it gave.

    python3 tools/reproduction                     the mail example, which is in this repository
    python3 tools/reproduction --data FOLDER       also the sentiment and spam sets in a folder
    python3 tools/reproduction --only-times        measure the times again and leave all else as it is

Runs that are done lie as one JSON each in the work folder: started again after an interruption, it goes on there.
Exit code 1: a run failed, or what came through encryption is not what the plain computation gave.
"""

import argparse
import json
import os
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.append(os.path.join(ROOT, "tools"))  # of what the tools share

import checks
import document
import experiments
import plots
from pages import write_whole


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
    parser = argparse.ArgumentParser(prog="tools/reproduction", description=summary, epilog=more, allow_abbrev=False,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--data", metavar="FOLDER", help="with NAME.csv and NAME.f16.npy of the six sets (default: the mail example)")
    add("--sets", metavar="LIST", help="only these targets, such as mail,yelp_sent; figures of others stay")
    add("--programs", metavar="FOLDER", default=os.path.join(ROOT, "build"), help="of cryptotl (default: build)")
    add("--work", metavar="FOLDER", help="of finished runs (default: reproduction beside the programs)")
    add("--out", metavar="FILE", default=os.path.join(ROOT, "docs", "reproduction.md"),
        help="the document; figures (.json) and plots (-*.svg) are put beside it (default: docs/reproduction.md)")
    add("--folds", type=number(2), default=10, help="of the cross-validation (default: 10)")
    add("--epochs", type=number(1), default=30, help="at most, of every training (default: 30)")
    add("--rows", type=number(20), help="of every set at most, for a try (default: all)")
    add("--accurate-rows", type=number(20), metavar="ROWS",
        help="of the targets but mail with the accurate preset: features only, no folds (default: all rows, and folds)")
    add("--time-rows", type=number(20), default=100, metavar="ROWS", help="passes a measured time (default: 100)")
    add("--seed", type=number(0), default=0, help="of splits and training (default: 0)")
    add("--only-times", action="store_true", help="measure the times again; the other figures stay")
    add("--no-times", action="store_true", help="leave the times as they are")
    add("--fresh", action="store_true", help="do finished runs again")
    add("--quiet", action="store_true", help="no progress")
    add("--json", action="store_true", help="print all figures as one JSON object")
    out = parser.parse_args(arguments)
    if out.only_times and out.no_times:
        parser.error("--only-times and --no-times leave nothing to do")
    out.work = out.work or os.path.join(out.programs, "reproduction")
    out.figures = os.path.splitext(out.out)[0] + ".json"
    return out


def earlier_figures(path):
    try:
        with open(path, encoding="utf-8") as file:
            return json.load(file)
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise experiments.Refusal(f"{path}: not JSON: {error}; remove it to begin anew") from error


def reproduce(chosen):
    figures = experiments.kept(earlier_figures(chosen.figures), chosen)
    runner = experiments.Runner(chosen)
    pairs = experiments.pairs(chosen, ROOT)
    experiments.place(figures, runner.run_all(experiments.experiment_jobs(chosen, pairs)))
    if not chosen.no_times:
        figures["load"] = {"average": os.getloadavg()[0], "cores": os.cpu_count()}
        experiments.place(figures, runner.run_all(experiments.time_jobs(chosen, pairs)))
    figures["checks"] = checks.all_of(figures)
    write_all(figures, chosen)
    return figures


def write_all(figures, chosen):
    stem = os.path.splitext(os.path.basename(chosen.out))[0]
    os.makedirs(os.path.dirname(os.path.abspath(chosen.out)), exist_ok=True)
    for name, svg in plots.all_of(figures).items():
        write_whole(os.path.join(os.path.dirname(chosen.out), f"{stem}-{name}.svg"), svg)
    write_whole(chosen.figures, json.dumps(figures, indent=1) + "\n")
    write_whole(chosen.out, document.of(figures, stem))


def main():
    chosen = options(sys.argv[1:])
    try:
        figures = reproduce(chosen)
    except experiments.Refusal as refusal:
        print(f"reproduction: {refusal}", file=sys.stderr)
        return refusal.code
    except OSError as error:
        print(f"reproduction: {error.filename}: {error.strerror}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("reproduction: interrupted; the same command goes on after the runs that are done", file=sys.stderr)
        return 130
    if chosen.json:
        print(json.dumps(figures))
    else:
        print("\n".join(line["text"] for line in figures["checks"]) + f"\nwritten: {chosen.out}")
    return 0 if all(line["holds"] for line in figures["checks"]) else 1


sys.exit(main())
