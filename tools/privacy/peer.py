"""Our private pretraining beside that of Opacus, the same settings in both."""

import json
import os
import subprocess
import sys

from experiments import EMBEDDER, Refusal

HERE = os.path.dirname(os.path.abspath(__file__))
HIDDEN, FEATURES = 128, 64  # Opacus keeps every row's gradient in memory
EPSILON, REPEATS = 8, 3


def venv(work):
    """Debian's PyTorch for CPUs, and the rest from PyPI."""
    python = os.path.join(work, "opacus", "bin", "python")
    subprocess.run(["/usr/bin/python3", "-m", "venv", "--system-site-packages", os.path.join(work, "opacus")], check=True)
    done = subprocess.run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps",
                           "--requirement", os.path.join(HERE, "requirements.txt")], check=False)
    if done.returncode != 0 or subprocess.run([python, "-c", "import torch, opacus"], check=False).returncode != 0:
        raise Refusal("Opacus cannot be installed (apt-get install python3-torch; PyPI for the rest)", 1)
    return python


def compare(program, source, targets, work, call):
    python = venv(work)
    common = [program, "pretrain", "--data", source.features, "--labels", source.labels, "--embedder", EMBEDDER, "--hidden",
              str(HIDDEN), "--features", str(FEATURES), "--json", "--quiet", "--dp"]
    # Steps of no length leave the weights that training begins with.
    start = os.path.join(work, "start")
    call([*common, "--model", start, "--noise-multiplier", "1", "--dp-steps", "1", "--dp-rate", "1e-300"])
    models = [os.path.join(work, f"model-{repeat}") for repeat in range(REPEATS)]
    for model in models:
        answer = call([*common, "--model", model, "--epsilon", str(EPSILON)])
    tables = [[table.name, table.features, table.labels] for table in [source, *targets]]
    task = os.path.join(work, "opacus.json")
    with open(task, "w", encoding="utf-8") as file:
        json.dump({"start": start, "models": models, "tables": tables, "privacy": answer["privacy"]}, file)
    print("the same in Opacus", file=sys.stderr, flush=True)
    done = subprocess.run([python, os.path.join(HERE, "opacus_peer.py"), task], capture_output=True, text=True,
                          check=False)
    if done.returncode != 0:
        raise Refusal(f"Opacus: {done.stderr.strip().splitlines()[-1:]}", 1)
    return {"hidden": HIDDEN, "features": FEATURES, "repeats": REPEATS, **json.loads(done.stdout)}
