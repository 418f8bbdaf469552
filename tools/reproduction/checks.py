"""What must hold of features and metrics through encryption, and whether it does."""

POINT = 100  # metrics are shares; a point is a hundredth, of the loss too
TOLERANCE = 0.1
METRICS = ["loss", "accuracy", "balanced_accuracy", "f1", "precision", "recall", "kappa"]


def row(evaluation, setting):
    return next((row for row in evaluation["rows"] if row["setting"] == setting), None)


def differences(plain, encrypted):
    """Of the means over the folds, in points."""
    return {name: POINT * (encrypted[f"{name}_mean"] - plain[f"{name}_mean"]) for name in METRICS}


def line(holds, text):
    return {"holds": holds, "text": f"{'holds' if holds else 'FAILS'}: {text}"}


def features(name, preset, evaluation):
    measured, predicted = evaluation["max_feature_error"], evaluation["predicted_error"]
    flagged, rows = evaluation["flagged_rows"], evaluation["target"]["rows"]
    holds = flagged == 0 and 0 < measured <= predicted
    return line(holds, f"{name}, {preset}: features of all {rows} rows through encryption differ from plain ones by at "
                       f"most {measured:.2g} (predicted {predicted:.2g}), {flagged} rows flagged")


def folds(name, preset, plain, encrypted):
    worst, points = max(differences(plain, encrypted).items(), key=lambda item: abs(item[1]))
    where = f" ({worst.replace('_', ' ')})" if points else ""
    return line(abs(points) <= TOLERANCE, f"{name}, {preset}: metrics of the folds through encryption differ from those "
                                          f"of plain transfer by at most {abs(points):.3f} points{where}")


def repeated(name, plain, again):
    same = plain == again
    return line(same, f"{name}: trained again on the same plain features, the heads give "
                      f"{'the same metrics to the last digit' if same else 'other metrics'}")


def all_of(figures):
    out = []
    pairs = figures["pairs"]
    for name, presets in pairs.items():
        for preset, evaluation in presets.items():
            out.append(features(name, preset, evaluation))
    for name, presets in pairs.items():
        plain = row(presets["fast"], "transfer_plain")
        for preset, evaluation in presets.items():
            encrypted = row(evaluation, "transfer_encrypted")
            if encrypted:
                out.append(folds(name, preset, plain, encrypted))
        if name in figures["repeat"]:
            out.append(repeated(name, plain, row(figures["repeat"][name], "transfer_plain")))
    return out
