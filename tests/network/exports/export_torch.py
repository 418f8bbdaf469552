"""Makes the torch_* files beside this script: networks exported by PyTorch itself, with rows and PyTorch's answers.

Made with CPython 3.11, torch 2.9.0, onnx 1.17.0, onnxscript 0.5.4, onnx-ir 0.1.11,
numpy 1.26.4. Not run by the tests.

usage: export_torch.py FOLDER
"""

import pathlib
import sys

import numpy as np
import onnx
import torch
from torch import nn

FOLDER = pathlib.Path(sys.argv[1])
WIDTH = 12


class Cubic(nn.Module):
    def forward(self, u):
        return 0.49383 + 0.59259 * u + 0.092593 * u**2 - 0.0061728 * u**3


class Horner(nn.Module):
    """A quadratic whose coefficients are trained."""

    def __init__(self):
        super().__init__()
        self.c = nn.Parameter(torch.tensor([0.25, 0.5, 0.125]))

    def forward(self, u):
        return (self.c[2] * u + self.c[1]) * u + self.c[0]


class Channel(nn.Module):
    """A layer of one channel on flat rows."""

    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def forward(self, rows):
        return self.layer(rows.unsqueeze(1)).squeeze(1)


def conv(taps, bias=False, padding="same"):
    return Channel(nn.Conv1d(1, 1, taps, padding=padding, bias=bias))


def paper():
    return nn.Sequential(conv(9, padding=4), nn.Linear(WIDTH, WIDTH), Cubic(), Channel(nn.AvgPool1d(3, stride=1)),
                         nn.Dropout(0.2), nn.Linear(WIDTH - 2, WIDTH - 2))


NETWORKS = {
    "paper": paper,
    "paper_with_head": lambda: nn.Sequential(paper(), nn.Linear(WIDTH - 2, 1), nn.Sigmoid()),
    "trained_quadratic": lambda: nn.Sequential(conv(3), nn.Linear(WIDTH, 7), Horner(), nn.Linear(7, 5)),
    "relu_tanh_gelu": lambda: nn.Sequential(nn.Linear(WIDTH, 9), nn.ReLU(), nn.Linear(9, 8), nn.Tanh(), nn.Linear(8, 7),
                                            nn.GELU(), nn.Linear(7, 4), nn.Sigmoid(), nn.Linear(4, 3)),
    "softmax_head": lambda: nn.Sequential(nn.Linear(WIDTH, 9), nn.ReLU(), nn.Linear(9, 4), nn.Softmax(dim=1)),
    "even_kernel": lambda: nn.Sequential(conv(4), nn.Linear(WIDTH, 5)),
    "long_kernel": lambda: nn.Sequential(conv(31), nn.Linear(WIDTH, 5)),
    "conv_with_bias": lambda: nn.Sequential(conv(5, bias=True), nn.Linear(WIDTH, 5), nn.ReLU(), conv(2, bias=True)),
    "even_pool": lambda: nn.Sequential(nn.Linear(WIDTH, WIDTH), Cubic(), Channel(nn.AvgPool1d(4, stride=1)),
                                       nn.Linear(WIDTH - 3, 3)),
    "upper": lambda: nn.Sequential(nn.Linear(WIDTH, WIDTH), nn.ReLU(), Channel(nn.MaxPool1d(3, stride=1)),
                                   nn.Dropout(0.2), nn.Linear(WIDTH - 2, 1), nn.Sigmoid()),
    "batch_norm": lambda: nn.Sequential(nn.Linear(WIDTH, 6), nn.BatchNorm1d(6), Cubic(), nn.Linear(6, 3)),
    "without_bias": lambda: nn.Sequential(nn.Linear(WIDTH, 6, bias=False), Cubic(), nn.Linear(6, 3, bias=False)),
}


def settle(network):
    """Batch norm with statistics of its own."""
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm1d):
            layer.running_mean.normal_()
            layer.running_var.uniform_(0.5, 2)
            layer.weight.data.uniform_(0.5, 2)
            layer.bias.data.normal_()


def export(name, network, rows):
    for opset in (13, 20):
        torch.onnx.export(network, (rows,), FOLDER / f"torch_{name}_opset{opset}.onnx", opset_version=opset, dynamo=False,
                          input_names=["x"], output_names=["y"], dynamic_axes={"x": {0: "batch"}, "y": {0: "batch"}})
    program = torch.onnx.export(network, (rows,), dynamo=True, dynamic_shapes=({0: torch.export.Dim("batch")},))
    model = program.model_proto
    for node in model.graph.node:  # stack traces, with the paths of one machine
        del node.metadata_props[:]
    onnx.save(model, FOLDER / f"torch_{name}_dynamo.onnx")


def main():
    for seed, (name, make) in enumerate(NETWORKS.items()):
        torch.manual_seed(seed)
        network = make().eval()
        settle(network)
        rows = torch.rand(4, WIDTH)
        with torch.no_grad():
            answers = network(rows)
        np.save(FOLDER / f"torch_{name}.rows.npy", rows.numpy())
        np.save(FOLDER / f"torch_{name}.answers.npy", answers.numpy())
        export(name, network, rows)


main()
