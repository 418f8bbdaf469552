"""What differential privacy in pretraining costs a client with few labels, through encryption.

    python3 tools/privacy                   the mails alone, about ten minutes
    python3 tools/privacy --data FOLDER     also sets with embeddings in FOLDER (tools/reproduction names them)
    python3 tools/privacy --opacus          also Opacus at the same settings, in a Python of its own
    python3 tools/privacy --again           write document and plot anew from the figures of the last run

Every figure is one run of `cryptotl evaluate`: pretraining with this budget, a server process, all target rows through
encryption, and heads trained on draws of few labels.
"""

import argparse
import datetime
import json
import os
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.append(os.path.join(ROOT, "tools"))  # of what the tools share
sys.path.append(os.path.join(ROOT, "tools", "reproduction"))  # its data sets

import document
import peer
import plots
from experiments import EMBEDDER, Refusal, mail, set_of
from pages import write_whole

EPSILONS = [None, 8, 4, 2, 1]  # None: without privacy
SHOTS = [20, 50]
SOURCE, TARGETS = "rt_polarity", ["yelp_sent", "amazon_sent", "imdb_sent"]
HEADS = ["local", "combined", "provider"]


def options(arguments):
    summary, _, more = __doc__.partition("\n\n")
    parser = argparse.ArgumentParser(prog="tools/privacy", description=summary, epilog=more, allow_abbrev=False,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--programs", metavar="FOLDER", default=os.path.join(ROOT, "build"), help="of cryptotl (default: build)")
    add("--out", metavar="FILE", default=os.path.join(ROOT, "docs", "privacy-results.md"),
        help="the document; figures (.json) and plots (-*.svg) are put beside it (default: docs/privacy-results.md)")
    add("--data", metavar="FOLDER", help="NAME.csv and NAME.f16.npy of " + ", ".join([SOURCE, *TARGETS]))
    add("--sets", metavar="NAMES", help="of those targets, comma-separated; mail is always one")
    add("--draws", type=int, default=15, help="of so many labels each (default: 15)")
    add("--opacus", action="store_true", help="compare with Opacus (needs --data, python3-torch and PyPI)")
    add("--again", action="store_true", help="measure nothing; write from the figures that are there")
    return parser.parse_args(arguments)


def call(command):
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode != 0:
        raise Refusal(f"{' '.join(command[:2])}: {done.stderr.strip().splitlines()[-1:]}")
    return json.loads(done.stdout)


def run(program, source, target, epsilon, draws):
    command = [program, "evaluate", "--source", source.features, "--source-labels", source.labels, "--target",
               target.features, "--target-labels", target.labels, "--embedder", EMBEDDER, "--only", "none", "--no-cache",
               "--shots", ",".join(map(str, SHOTS)), "--draws", str(draws), "--json", "--quiet"]
    command += ["--dp", "--epsilon", str(epsilon)] if epsilon else []
    answer = call(command)
    privacy = answer["model"].get("privacy")
    figures = {"epsilon": epsilon, "noise_multiplier": privacy and privacy["noise_multiplier"],
               "spent": privacy and privacy["epsilon"], "delta": privacy and privacy["delta"],
               "pretrain_s": answer["seconds"]["pretrain"], "max_feature_error": answer["max_feature_error"],
               "predicted_error": answer["predicted_error"], "flagged_rows": answer["flagged_rows"],
               "heads": {f"{row['head']} {row['n']}": {"mean": row["balanced_accuracy_mean"],
                                                       "deviation": row["balanced_accuracy_std"]}
                         for row in answer["shots"] if row["head"] in HEADS}}
    accuracy = 100 * figures["heads"][f"combined {SHOTS[0]}"]["mean"]
    print(f"{target.name} from {source.name}, epsilon {epsilon or 'unbounded'}: combined head of {SHOTS[0]} labels "
          f"{accuracy:.1f} %", file=sys.stderr, flush=True)
    return figures, answer


def measure(chosen, work, save):
    program = os.path.join(chosen.programs, "cryptotl")
    pairs = [(mail(ROOT, "source"), mail(ROOT, "target"))]
    if chosen.data:
        wanted = chosen.sets.split(",") if chosen.sets else TARGETS
        source = set_of(chosen.data, SOURCE, work)
        pairs += [(source, set_of(chosen.data, name, work)) for name in TARGETS if name in wanted]
    out = {"date": datetime.date.today().isoformat(), "draws": chosen.draws, "pairs": []}
    for source, target in pairs:
        runs = []
        for epsilon in EPSILONS:
            figures, answer = run(program, source, target, epsilon, chosen.draws)
            runs.append(figures)
        out["machine"] = answer["machine"]
        out["pairs"].append({"source": source.name, "target": target.name, "source_rows": answer["source"]["rows"],
                             "target_rows": answer["target"]["rows"], "test_rows": answer["test_rows"], "runs": runs})
        save(out)
    if chosen.opacus:
        out["opacus"] = peer.compare(program, source, [target for _, target in pairs[1:]], work, call)
        save(out)


def write(figures, path):
    """After every pair: what is measured is kept, whatever comes then."""
    stem, _ = os.path.splitext(path)
    write_whole(stem + ".svg", plots.accuracy(figures))
    write_whole(stem + ".json", json.dumps(figures, indent=1) + "\n")
    write_whole(path, document.of(figures, os.path.basename(stem)))


def main(arguments):
    chosen = options(arguments)
    stem, _ = os.path.splitext(chosen.out)
    try:
        if chosen.opacus and not chosen.data:
            raise Refusal("--opacus needs --data FOLDER", 2)
        if chosen.again:
            with open(stem + ".json", encoding="utf-8") as file:
                write(json.load(file), chosen.out)
        else:
            with tempfile.TemporaryDirectory(prefix="cryptotl-privacy-") as work:
                measure(chosen, work, lambda figures: write(figures, chosen.out))
    except Refusal as refusal:
        print(f"privacy: {refusal}", file=sys.stderr)
        return refusal.code
    except (OSError, ValueError, KeyError) as error:
        print(f"privacy: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("privacy: interrupted; what was measured until then is written", file=sys.stderr)
        return 130
    print(f"written: {os.path.relpath(chosen.out)}")
    return 0


sys.exit(main(sys.argv[1:]))
