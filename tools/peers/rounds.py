"""Measuring in rounds: in each of them every system runs once, as a process of its own, in an order that rotates."""

import json
import math
import os
import subprocess

from systems import COLD, PREPARED

# Answers that are further off than this are no answers: the run is taken for a failure.
WRONG = 0.02
# What is kept of a run, and by what names CryptoTL's line has it, the first one there.
KEPT = {"parameters": [], "version": [], "key_bytes": ["evaluation_key_bytes"], "request_bytes": [],
        "response_bytes": [], "memory_bytes": ["server_rss_bytes", "peak_rss_bytes"], "max_abs_error": [],
        "predicted_error": [],
        "encrypt_ms": ["client_encrypt_ms"], "decrypt_ms": ["client_decrypt_ms"], "ticket_bytes": [],
        "round_trip_ms": [], "cpu": [], "isa": []}


class Failure(Exception):
    """A system that gave no measurement; one line."""


def environment():
    threads = dict.fromkeys(("OMP_NUM_THREADS", "GOMAXPROCS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    return {**os.environ, **threads, "PYTHONDONTWRITEBYTECODE": "1"}


def pin(core):
    """Keeps this process, and so what it starts, on one core; gives the cores it had, or None where it could not."""
    if core is None or not hasattr(os, "sched_setaffinity"):
        return None
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    return before


def line_of(command, seconds):
    """The JSON object that the command prints as its last line."""
    try:
        result = subprocess.run(command, capture_output=True, text=True, env=environment(), timeout=seconds,
                                check=False)
    except subprocess.TimeoutExpired as error:
        raise Failure(f"not done after {seconds} s") from error
    if result.returncode != 0:
        last = (result.stderr.strip().splitlines() or [f"code {result.returncode}"])[-1]
        raise Failure(last)
    try:
        return json.loads(result.stdout.strip().splitlines()[-1])
    except (ValueError, IndexError) as error:
        raise Failure("printed no JSON") from error


def listed(line, *names):
    """The first of these that is there, as a list of times."""
    for name in names:
        if name in line:
            return line[name] if isinstance(line[name], list) else [line[name]]
    return []


def run_of(line, times):
    """One system's part of one round."""
    out = {"server_ms": times}
    for name, others in KEPT.items():
        for found in (name, *others):
            if found in line:
                out[name] = line[found]
                break
    error = out.get("max_abs_error", math.inf)
    if not times or not all(isinstance(t, (int, float)) and 0 < t < math.inf for t in times):
        raise Failure("gave no times")
    if not error <= WRONG:
        raise Failure(f"its answers are wrong: the largest error is {error:.2g}")
    return out


def ours(line, version):
    """CryptoTL's line as runs: cold, and prepared where it has such times."""
    line = {"version": version, **line}
    if not isinstance(line.get("parameters"), str) and "ring_degree" in line:
        line["parameters"] = f"N = {line['ring_degree']}, log2 QP = {line['log_qp']:.0f}"
    out = {COLD: run_of(line, listed(line, "server_ms", "server_ms_median"))}
    prepared = listed(line, "prepared_ms", "prepared_ms_median")
    if prepared:
        out[PREPARED] = run_of(line, prepared)
    return out


class Rounds:
    """The runs of all rounds by system, and what each missing system is missing for."""

    def __init__(self, options, cryptotl, peers, missing, say):
        self.options, self.cryptotl, self.say = options, cryptotl, say
        self.turns = [COLD, *peers]  # both rows of CryptoTL come from one run
        self.peers, self.missing = peers, dict(missing)
        self.runs = {}

    def measure(self):
        for number in range(self.options.rounds):
            shift = number % len(self.turns)
            for key in self.turns[shift:] + self.turns[:shift]:
                if key not in self.missing:
                    self.say(f"round {number + 1} of {self.options.rounds}: "
                             f"{'CryptoTL' if key == COLD else self.peers[key][0].name}")
                    self.turn(number, key)
        return self.runs

    def turn(self, number, key):
        try:
            if key == COLD:
                command = [self.cryptotl.program, "bench", "forward", "--json", "--quiet", "--network",
                           self.options.network, "--threads", "1", "--inputs", str(self.options.passes)]
                found = ours(line_of(command, 600), self.cryptotl.version)
            else:
                peer, installed = self.peers[key]
                passes = self.options.slow_passes if peer.slow else self.options.passes
                line = line_of([*installed.command, "--network", self.options.network, "--passes", str(passes),
                                *peer.arguments], 3600)
                found = {key: run_of(line, listed(line, "server_ms"))}
        except Failure as failure:
            if key == COLD:
                raise
            self.say(f"  {self.peers[key][0].name}: {failure}")
            self.missing[key] = f"failed in round {number + 1}"
            self.runs.pop(key, None)
            return
        for name, run in found.items():
            self.runs.setdefault(name, []).append(run)
