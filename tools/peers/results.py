"""From runs to figures: medians over all passes, ratios round by round."""

from statistics import median

from systems import BOUND, COLD, OURS, PREPARED

LARGEST = ["key_bytes", "request_bytes", "response_bytes", "ticket_bytes", "memory_bytes", "max_abs_error",
           "predicted_error"]
FIRST = ["parameters", "version"]


def times(value):
    return value if isinstance(value, list) else [value]


def ratios(runs, base):
    """How many times as long a pass takes, by the medians of each round."""
    return [median(run["server_ms"]) / median(other["server_ms"]) for run, other in zip(runs, base)]


def system(key, name, uses, runs, bases):
    passes = [t for run in runs for t in run["server_ms"]]
    out = {"key": key, "name": name, "uses": uses, "passes": len(passes), "median_ms": median(passes),
           "least_ms": min(passes), "round_medians_ms": [median(run["server_ms"]) for run in runs]}
    for label, base in bases.items():
        out[label] = {"rounds": ratios(runs, base), "median": median(ratios(runs, base))}
    for part in ("encrypt_ms", "decrypt_ms", "round_trip_ms"):
        found = [t for run in runs if part in run for t in times(run[part])]
        if found:
            out[part] = median(found)
    for part in LARGEST:
        found = [run[part] for run in runs if run.get(part) is not None]
        if found:
            out[part] = max(found)
    for part in FIRST:
        if runs[0].get(part):
            out[part] = runs[0][part]
    out["server_ms"] = [run["server_ms"] for run in runs]
    return out


def best(figures, packing):
    """The quickest peer with this packing whose errors are below the bound that settings are held to, or None."""
    found = [entry for entry in figures["systems"]
             if entry.get("packing") == packing and entry["max_abs_error"] <= BOUND]
    return min(found, key=lambda entry: entry["median_ms"], default=None)


def of(runs, peers, missing):
    """The systems that were measured, in order, and those that were not."""
    bases = {"ratio_cold": runs[COLD]}
    if PREPARED in runs:
        bases["ratio_prepared"] = runs[PREPARED]
    measured = [system(key, name, uses, runs[key], bases) for key, (name, uses) in OURS.items() if key in runs]
    for peer, runs_on in peers:
        if peer.key in runs:
            entry = system(peer.key, peer.name, peer.uses, runs[peer.key], bases)
            entry["runs_on"], entry["packing"] = runs_on, peer.packing
            measured.append(entry)
    absent = [{"key": peer.key, "name": peer.name, "reason": missing[peer.key]} for peer, _ in peers
              if peer.key in missing]
    return {"systems": measured, "missing": absent}
