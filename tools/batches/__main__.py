"""What a batch takes, from a few samples to many, from narrow layers to wide ones, beside the plain network.

    python3 tools/batches                   all of it, about a quarter of an hour on an idle machine
    python3 tools/batches --quick           the ends and the middle of every series alone
    python3 tools/batches --again           write document and plots anew from the figures of the last run

Every figure is one run of `cryptotl bench batch`: a server process, real sockets, random weights and inputs.
"""

import argparse
import datetime
import json
import os
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.append(os.path.join(ROOT, "tools"))  # of what the tools share

import document
import plots
from pages import write_whole

# The paper's network, and what a series changes of it.
INPUTS, HIDDEN, FEATURES, FULL_BATCH = 768, 768, 766, 8192
SAMPLES = [16, 64, 256, 512, 1024, 2048, 4096, 8192, 16384]
SMALL_SETS = [100, 300, 1000, 2000]
WIDTHS = [64, 128, 256, 512, 768, 1024, 1536, 2048]
THREADS = [1, 2]


def options(arguments):
    summary, _, more = __doc__.partition("\n\n")
    parser = argparse.ArgumentParser(prog="tools/batches", description=summary, epilog=more, allow_abbrev=False,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--programs", metavar="FOLDER", default=os.path.join(ROOT, "build"), help="of cryptotl (default: build)")
    add("--out", metavar="FILE", default=os.path.join(ROOT, "docs", "benchmarks", "batches.md"),
        help="the document; figures (.json) and plots (-*.svg) are put beside it (default: docs/benchmarks/batches.md)")
    add("--quick", action="store_true", help="three points a series")
    add("--again", action="store_true", help="measure nothing; write from the figures that are there")
    return parser.parse_args(arguments)


def thinned(series, quick):
    return [series[0], series[len(series) // 2], series[-1]] if quick and len(series) > 3 else series


def bench(program, samples, hidden=HIDDEN, threads=1):
    command = [program, "bench", "batch", "--json", "--quiet", "--samples", str(samples), "--threads", str(threads),
               "--widths", f"{INPUTS},{hidden},{FEATURES}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip().splitlines()[-1:]}")
    figures = json.loads(done.stdout)
    print(f"{samples} samples, {hidden} hidden units, {threads} threads: {figures['server_s']:.2f} s, "
          f"{figures['ratio_to_plain']:.1f} times the plain network", file=sys.stderr)
    return figures


def measure(program, quick):
    full = bench(program, FULL_BATCH)
    threads = [full if count == 1 else bench(program, FULL_BATCH, threads=count)
               for count in THREADS if count <= os.cpu_count()]
    samples = [full if count == FULL_BATCH else bench(program, count) for count in thinned(SAMPLES, quick)]
    widths = [full if width == HIDDEN else bench(program, FULL_BATCH, hidden=width)
              for width in thinned(WIDTHS, quick)]
    small = [bench(program, count) for count in thinned(SMALL_SETS, quick)]
    return {"date": datetime.date.today().isoformat(), "cores": os.cpu_count(), "full": full, "small": small,
            "samples": samples, "widths": widths, "threads": threads}


def main(arguments):
    chosen = options(arguments)
    stem, _ = os.path.splitext(chosen.out)
    try:
        if chosen.again:
            with open(stem + ".json", encoding="utf-8") as file:
                figures = json.load(file)
        else:
            figures = measure(os.path.join(chosen.programs, "cryptotl"), chosen.quick)
        for name, svg in plots.all_of(figures).items():
            write_whole(f"{stem}-{name}.svg", svg)
        write_whole(stem + ".json", json.dumps(figures, indent=1) + "\n")
        write_whole(chosen.out, document.of(figures, os.path.basename(stem)))
    except (OSError, ValueError, RuntimeError) as error:
        print(f"batches: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("batches: interrupted; nothing was written", file=sys.stderr)
        return 130
    print(f"written: {os.path.relpath(chosen.out)}")
    return 0


sys.exit(main(sys.argv[1:]))
