"""Trains with Opacus what `cryptotl pretrain --dp` trained, and scores both; prints one JSON object.

usage: opacus_peer.py TASK   (written by peer.py; runs in a Python with PyTorch and Opacus)
"""

import json
import os
import sys
import warnings

warnings.filterwarnings("ignore")

import numpy as np
import onnx
import opacus
import torch
from onnx.reference import ReferenceEvaluator
from opacus import PrivacyEngine
from opacus.accountants import PRVAccountant
from torch import nn

CUBIC = (0.0, 0.59259, 0.092593, -0.0061728)  # the paper's without its constant, as in our private start


class Cubic(nn.Module):
    def forward(self, u):
        return ((CUBIC[3] * u + CUBIC[2]) * u + CUBIC[1]) * u


class Pool(nn.Module):
    def forward(self, u):
        return (u[:, :-2] + u[:, 1:-1] + u[:, 2:]) / 3


class Row(nn.Module):
    """A channel for the convolution."""

    def forward(self, u):
        return u.unsqueeze(1)


class Flat(nn.Module):
    def forward(self, u):
        return u.squeeze(1)


def network(start):
    """The weights that ours began with; rows less 1/2 need no biases there."""
    convolution = nn.Conv1d(1, 1, 9, padding=4, bias=False)
    first, second = (nn.Linear(weight.shape[1], weight.shape[0]) for weight in start)
    last = nn.Linear(len(start[1]), 1)
    with torch.no_grad():
        convolution.weight.zero_()
        convolution.weight[0, 0, 4] = 1
        first.weight.copy_(torch.tensor(start[0]))
        second.weight.copy_(torch.tensor(start[1]))
        for layer in (first, second, last):
            layer.bias.zero_()
        last.weight.zero_()
    return nn.Sequential(Row(), convolution, Flat(), first, Cubic(), Pool(), second, last)


def table(features, labels, span):
    rows = np.load(features).astype(np.float64)
    if open(labels, "rb").read(6) == b"\x93NUMPY":
        names = np.load(labels).astype(str)
    else:
        names = np.array(open(labels, encoding="utf-8").read().split())
    scaled = np.clip((rows - span[0]) / (span[1] - span[0]), -0.5, 1.5) - 0.5
    return scaled, (names == sorted(set(names))[1]).astype(np.float64)


def ours(folder, scaled, labels):
    with open(os.path.join(folder, "manifest.json"), encoding="utf-8") as file:
        layer = json.load(file)["output_layer"]
    model = onnx.load(os.path.join(folder, "lower.onnx"))
    rows = scaled + 0.5
    name = model.graph.input[0].name
    features = ReferenceEvaluator(model).run(None, {name: rows.astype(np.float32)})[0].reshape(len(rows), -1)
    logits = features @ np.array(layer["weight"]) + layer["bias"][0]
    return float(np.mean((logits > 0) == (labels > 0.5)))


def theirs(model, scaled, labels):
    with torch.no_grad():
        logits = model(torch.tensor(scaled, dtype=torch.float32)).squeeze(1).numpy()
    return float(np.mean((logits > 0) == (labels > 0.5)))


def start_of(folder):
    """The weights of the two Dense layers."""
    graph = onnx.load(os.path.join(folder, "lower.onnx")).graph
    return [onnx.numpy_helper.to_array(weight).astype(np.float32) for weight in graph.initializer
            if len(weight.dims) == 2]


def trained(scaled, labels, privacy, start):
    """DP-SGD by Opacus: its sampler, its clipping, its noise; then the mean over the last half, as ours."""
    model = network(start)
    rate = privacy["sampling_rate"]
    data = torch.utils.data.TensorDataset(torch.tensor(scaled, dtype=torch.float32),
                                          torch.tensor(labels, dtype=torch.float32))
    loader = torch.utils.data.DataLoader(data, batch_size=round(rate * len(data)))
    clipping = privacy["clipping_norm"]
    optimizer = torch.optim.SGD(model.parameters(), lr=privacy["learning_rate"] / clipping)
    model, optimizer, loader = PrivacyEngine().make_private(
        module=model, optimizer=optimizer, data_loader=loader, noise_multiplier=privacy["noise_multiplier"],
        max_grad_norm=clipping, poisson_sampling=True)
    mean, taken, step = None, 0, 0
    while step < privacy["steps"]:
        for rows, wanted in loader:
            optimizer.zero_grad()
            nn.functional.binary_cross_entropy_with_logits(model(rows).squeeze(1), wanted).backward()
            optimizer.step()
            step += 1
            if 2 * step > privacy["steps"]:
                taken += 1
                weights = [weight.detach().clone() for weight in model.parameters()]
                mean = weights if mean is None else [m + (w - m) / taken for m, w in zip(mean, weights)]
            if step == privacy["steps"]:
                break
    with torch.no_grad():
        for weight, value in zip(model.parameters(), mean):
            weight.copy_(value)
    return model


def main(path):
    with open(path, encoding="utf-8") as file:
        task = json.load(file)
    privacy = task["privacy"]
    with open(os.path.join(task["models"][0], "manifest.json"), encoding="utf-8") as file:
        manifest = json.load(file)
    privacy["learning_rate"] = manifest["training"]["learning_rate"]
    span = (manifest["scaler"]["minimum"][0], manifest["scaler"]["maximum"][0])
    tables = {name: table(features, labels, span) for name, features, labels in task["tables"]}
    scaled, labels = tables[task["tables"][0][0]]
    torch.manual_seed(0)
    models = [trained(scaled, labels, privacy, start_of(task["start"])) for _ in task["models"]]
    out = {}
    for name, (rows, wanted) in tables.items():
        both = {"cryptotl": [ours(folder, rows, wanted) for folder in task["models"]],
                "opacus": [theirs(model, rows, wanted) for model in models]}
        out[name] = {side: {"mean": np.mean(all_of), "deviation": np.std(all_of, ddof=1)}
                     for side, all_of in both.items()}
    accountant = PRVAccountant()
    accountant.history = [(privacy["noise_multiplier"], privacy["sampling_rate"], privacy["steps"])]
    print(json.dumps({"targets": out, "version": opacus.__version__, "torch": torch.__version__,
                      "accountant": "PRV (Gopi et al., arXiv 2106.02848)",
                      "epsilon": accountant.get_epsilon(privacy["delta"]), "our_epsilon": privacy["epsilon"],
                      **{key: privacy[key] for key in ("noise_multiplier", "sampling_rate", "steps")}}))


main(sys.argv[1])
