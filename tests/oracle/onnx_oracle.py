"""Holds the ONNX files that we write, and our reading of other people's, to ONNX Runtime.

usage: onnx_oracle.py PROGRAM   (PROGRAM is built from onnx_oracle.cc)
"""

import pathlib
import subprocess
import sys
import tempfile
import unittest

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

PROGRAM = sys.argv[1]
RANDOM_NETWORKS = 100
EXPORTS = pathlib.Path(__file__).parent.parent / "network" / "exports"


def run_program(*arguments):
    return subprocess.run([PROGRAM, *map(str, arguments)], capture_output=True, text=True, timeout=300)


def run_onnxruntime(model_bytes, rows):
    session = onnxruntime.InferenceSession(model_bytes, providers=["CPUExecutionProvider"])
    (inputs,) = session.get_inputs()
    kind = {"tensor(float)": np.float32, "tensor(double)": np.float64}[inputs.type]
    shape = [-1, *inputs.shape[1:]]
    if isinstance(inputs.shape[0], int):  # exported for one row at a time
        answers = [session.run(None, {inputs.name: row.astype(kind).reshape(inputs.shape)})[0] for row in rows]
        return np.concatenate(answers).reshape(len(rows), -1)
    return session.run(None, {inputs.name: rows.astype(kind).reshape(shape)})[0].reshape(len(rows), -1)


def relative_error(got, wanted):
    """The largest difference as a part of the largest answer (or of 1)."""
    return np.abs(got - wanted).max() / max(1.0, np.abs(wanted).max())


class OurFiles(unittest.TestCase):
    def test_onnx_runtime_gives_our_answers(self):
        worst = 0.0
        operators = set()
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            self.assertEqual(run_program("write", folder, RANDOM_NETWORKS).returncode, 0)
            for index in range(RANDOM_NETWORKS + 1):
                model = onnx.load(folder / f"{index}.onnx")
                with self.subTest(index=index, layers=model.metadata_props[0].value):
                    onnx.checker.check_model(model, full_check=True)
                    width = model.graph.input[0].type.tensor_type.shape.dim[1].dim_value
                    rows = np.fromfile(folder / f"{index}.rows", "<f8").reshape(-1, width)
                    ours = np.fromfile(folder / f"{index}.answers", "<f8").reshape(len(rows), -1)
                    theirs = run_onnxruntime(model.SerializeToString(), rows)
                    self.assertEqual(theirs.shape, ours.shape)
                    error = relative_error(ours, theirs)
                    in_double = not any(node.op_type == "Cast" for node in model.graph.node)
                    self.assertLess(error, 1e-12 if in_double else 1e-6)
                    worst = max(worst, error)
                operators |= {node.op_type for node in model.graph.node}
        self.assertLessEqual({"Conv", "Gemm", "Mul", "AveragePool", "MaxPool", "Relu", "Sigmoid", "Softmax",
                              "Tanh", "Erf"}, operators)
        print(f"largest relative difference of {RANDOM_NETWORKS + 1} networks: {worst:.1e}")


class Export:
    """A graph as an exporter makes it, node by node; every node's output is its name."""

    def __init__(self, shape, opset=13, kind=np.float32, seed=0):
        self.kind = kind
        self.opset = opset
        self.shape = shape
        self.random = np.random.default_rng(seed)
        self.nodes, self.initializers = [], []
        self.value = "input"

    def random_tensor(self, name, *dims):
        return self.tensor(name, self.random.normal(size=dims) / np.sqrt(dims[-1] if dims else 1))

    def tensor(self, name, values, kind=None):
        self.initializers.append(numpy_helper.from_array(np.asarray(values, dtype=kind or self.kind), name))
        return name

    def integers(self, name, *values):
        return self.tensor(name, values, np.int64)

    def node(self, op, inputs, outputs=1, **attributes):
        name = f"/{op}_{len(self.nodes)}"
        names = [name] + [f"{name}_{i}" for i in range(1, outputs)]
        self.nodes.append(helper.make_node(op, inputs, names, name=name, **attributes))
        self.value = name
        return name

    def step(self, op, *others, **attributes):
        return self.node(op, [self.value, *others], **attributes)

    def model(self):
        kind = helper.np_dtype_to_tensor_dtype(np.dtype(self.kind))
        graph = helper.make_graph(
            self.nodes, "main_graph",
            [helper.make_tensor_value_info("input", kind, self.shape)],
            [helper.make_tensor_value_info(self.value, kind, None)],
            self.initializers)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", self.opset)])
        model.ir_version = min(model.ir_version, 8)
        return model.SerializeToString()


def polynomial_of_powers(export):
    """c0 + c1 u + c2 u ** 2 + c3 u ** 3, as PyTorch writes it, with constants as nodes."""
    u = export.value

    def number(value):
        tensor = numpy_helper.from_array(np.array(value, dtype=export.kind))
        return export.node("Constant", [], value=tensor)

    total = export.node("Add", [number(0.49383), export.node("Mul", [u, number(0.59259)])])
    for power, coefficient in ((2.0, 0.092593), (3.0, -0.0061728)):
        term = export.node("Mul", [number(coefficient), export.node("Pow", [u, number(power)])])
        total = export.node("Add", [total, term])


class TheirFiles(unittest.TestCase):
    def check(self, export, rows=7, tolerance=None):
        width = int(np.prod([dim for dim in export.shape[1:]]))
        inputs = np.random.default_rng(99).uniform(size=(rows, width)).astype(export.kind)
        model = export.model()
        theirs = run_onnxruntime(model, inputs)
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            (folder / "model.onnx").write_bytes(model)
            inputs.astype("<f8").tofile(folder / "in")
            done = run_program("evaluate", folder / "model.onnx", folder / "in", folder / "out")
            self.assertEqual(done.returncode, 0, done.stderr)
            ours = np.fromfile(folder / "out", "<f8").reshape(rows, -1)
        self.assertEqual(ours.shape, theirs.shape)
        self.assertLess(relative_error(ours, theirs), tolerance or (1e-12 if export.kind == np.float64 else 1e-5))

    def test_pytorch_linear_layers(self):
        for kind in (np.float32, np.float64):
            export = Export(["batch", 20], kind=kind)
            export.step("Gemm", export.random_tensor("fc1.weight", 30, 20), export.random_tensor("fc1.bias", 30),
                        alpha=1.0, beta=1.0, transB=1)
            export.step("Relu")
            export.step("Gemm", export.random_tensor("fc2.weight", 5, 30), export.random_tensor("fc2.bias", 5), transB=1)
            export.step("Softmax", axis=-1)
            self.check(export)

    def test_gemm_with_alpha_beta_and_without_bias(self):
        export = Export(["batch", 6])
        export.step("Gemm", export.random_tensor("a", 6, 4), export.random_tensor("b", 4), alpha=0.5, beta=2.0)
        export.step("Gemm", export.random_tensor("c", 3, 4), transB=1)
        export.step("Gemm", export.random_tensor("d", 3, 2), export.tensor("e", [0.25]))
        self.check(export)

    def test_the_paper_network_as_pytorch_exports_it(self):
        for opset in (11, 13, 17, 20):
            for batch in ("batch", 1):
                export = Export([batch, 48], opset=opset)
                channel = dict(axes=[1]) if opset < 13 else {}
                axes = [] if opset < 13 else [export.integers("axes", 1)]
                export.step("Unsqueeze", *axes, **channel)
                export.step("Conv", export.random_tensor("conv.weight", 1, 1, 9), dilations=[1], group=1,
                            kernel_shape=[9], pads=[4, 4], strides=[1])
                export.step("Squeeze", *axes, **channel)
                export.step("Gemm", export.random_tensor("fc1.weight", 48, 48), export.random_tensor("fc1.bias", 48),
                            alpha=1.0, beta=1.0, transB=1)
                polynomial_of_powers(export)
                export.step("Unsqueeze", *axes, **channel)
                export.step("AveragePool", kernel_shape=[3], strides=[1], pads=[0, 0], ceil_mode=0, count_include_pad=1)
                export.step("Flatten", axis=1)
                export.step("Identity")
                export.step("Dropout")
                export.step("Gemm", export.random_tensor("fc2.weight", 46, 46), export.random_tensor("fc2.bias", 46),
                            alpha=1.0, beta=1.0, transB=1)
                with self.subTest(opset=opset, batch=batch):
                    self.check(export)

    def test_the_upper_network_as_pytorch_exports_it(self):
        export = Export(["batch", 24], opset=17)
        export.step("Gemm", export.random_tensor("fc1.weight", 24, 24), export.random_tensor("fc1.bias", 24), transB=1)
        export.step("Relu")
        export.step("Reshape", export.integers("shape3", -1, 1, 24))
        export.step("MaxPool", kernel_shape=[3], strides=[1], pads=[0, 0], dilations=[1], ceil_mode=0)
        export.step("Reshape", export.integers("shape2", 0, -1))
        export.step("Gemm", export.random_tensor("fc2.weight", 1, 22), export.random_tensor("fc2.bias", 1), transB=1)
        export.step("Sigmoid")
        self.check(export)

    def test_the_paper_network_as_keras_exports_it(self):
        # [batch, width, channel = 1], turned to [batch, channel, 1, width] for a two-dimensional Conv and back.
        export = Export(["batch", 48, 1])
        export.step("Transpose", perm=[0, 2, 1])
        export.step("Unsqueeze", export.integers("axis2", 2))
        export.step("Conv", export.random_tensor("conv1d/kernel", 1, 1, 1, 9), auto_pad="SAME_UPPER",
                    kernel_shape=[1, 9], strides=[1, 1], dilations=[1, 1], group=1)
        export.step("Squeeze", "axis2")
        export.step("Transpose", perm=[0, 2, 1])
        export.step("Reshape", export.integers("flat", -1, 48))
        export.step("MatMul", export.random_tensor("dense/kernel", 48, 40))
        export.step("Add", export.random_tensor("dense/bias", 40))
        export.step("Relu")
        export.step("MatMul", export.random_tensor("dense_1/kernel", 40, 1))
        export.node("Add", [export.random_tensor("dense_1/bias", 1), export.value])
        export.step("Sigmoid")
        self.check(export)

    def test_weights_that_pass_through_transpose_and_cast(self):
        export = Export(["batch", 8], kind=np.float64)
        export.random_tensor("stored", 5, 8)
        turned = export.node("Transpose", ["stored"], perm=[1, 0])
        export.value = "input"
        export.step("MatMul", turned)
        export.step("Neg")
        export.step("Sub", export.tensor("half", 0.5))
        export.step("Div", export.tensor("three", 3))
        self.check(export)

    def test_an_even_kernel(self):
        export = Export(["batch", 1, 10])
        export.step("Conv", export.random_tensor("kernel", 1, 1, 4), auto_pad="SAME_UPPER", kernel_shape=[4])
        self.check(export)

    def test_conv_with_a_bias(self):
        export = Export(["batch", 1, 9])
        export.step("Conv", export.random_tensor("kernel", 1, 1, 3), export.tensor("bias", [0.5]), pads=[1, 1])
        self.check(export)

    def test_kernels_and_pools_of_every_size(self):
        for taps in (1, 2, 3, 4, 7, 8, 9, 10, 16, 17, 31):
            for window in (1, 2, 3, 8, 9):
                export = Export(["batch", 1, 9], seed=taps)
                export.step("Conv", export.random_tensor("kernel", 1, 1, taps),
                            pads=[(taps - 1) // 2, taps // 2], kernel_shape=[taps])
                export.step("AveragePool" if taps % 2 else "MaxPool", kernel_shape=[window])
                with self.subTest(taps=taps, window=window):
                    self.check(export)

    def test_arithmetic_with_rows_of_constants(self):
        export = Export(["batch", 6], kind=np.float64)
        row = lambda name: export.random_tensor(name, 6)
        export.step("Sub", row("mean"))  # a normalisation of the inputs
        export.step("Div", row("deviation"))
        export.step("Gemm", export.random_tensor("w", 6, 6), row("b"), transB=1)
        export.step("Mul", row("scale"))
        export.node("Sub", [row("shift"), export.value])
        export.step("Relu")
        export.step("Add", export.random_tensor("more", 1, 6))
        self.check(export)

    def test_batch_normalization_along_the_row_and_of_one_channel(self):
        export = Export(["batch", 6])
        statistics = lambda name, size: [export.random_tensor(f"{name}{i}", size) for i in range(3)] + [
            export.tensor(f"{name}3", np.linspace(0.5, 2, size))]
        export.step("BatchNormalization", *statistics("row", 6), epsilon=0.01)
        export.step("Unsqueeze", export.integers("axes", 1))
        export.step("BatchNormalization", *statistics("channel", 1))
        export.step("Conv", export.random_tensor("kernel", 1, 1, 3), pads=[1, 1])
        self.check(export)

    def test_horner_form_with_the_unknown_on_either_side(self):
        export = Export(["batch", 5], kind=np.float64)
        u = export.value
        inner = export.node("Mul", [export.tensor("c2", 0.3), u])
        inner = export.node("Add", [export.tensor("c1", -0.2), inner])
        inner = export.node("Mul", [u, inner])
        export.node("Sub", [export.tensor("c0", 1.5), inner])
        self.check(export)


class Exports(unittest.TestCase):
    """The files that PyTorch and Keras made; the networks' own answers are tests/network's to compare."""

    def test_onnx_runtime_gives_our_answers(self):
        files = sorted(EXPORTS.glob("*.onnx"))
        self.assertGreater(len(files), 50)
        for path in files:
            stem = path.name.rsplit("_", 1)[0]
            rows = np.load(EXPORTS / f"{stem}.rows.npy")
            with self.subTest(file=path.name), tempfile.TemporaryDirectory() as name:
                folder = pathlib.Path(name)
                theirs = run_onnxruntime(path.read_bytes(), rows)
                rows.astype("<f8").tofile(folder / "in")
                done = run_program("evaluate", path, folder / "in", folder / "out")
                self.assertEqual(done.returncode, 0, done.stderr)
                ours = np.fromfile(folder / "out", "<f8").reshape(len(rows), -1)
                self.assertEqual(ours.shape, theirs.shape)
                self.assertLess(relative_error(ours, theirs), 1e-6)


class Refusals(unittest.TestCase):
    def check(self, export, *words):
        with tempfile.TemporaryDirectory() as name:
            path = pathlib.Path(name) / "model.onnx"
            path.write_bytes(export.model())
            done = run_program("evaluate", path, path, path)
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
        for word in words:
            self.assertIn(word, done.stderr)

    def test_a_skip_connection(self):
        export = Export(["batch", 4])
        export.step("Relu")
        export.step("Add", "input")
        self.check(export, "node 2", "/Add_1", "(Add)", "branches")

    def test_another_operator(self):
        export = Export(["batch", 4])
        export.step("Sinh")
        self.check(export, "node 1", "(Sinh)", "not read")

    def test_dropout_in_training_mode(self):
        export = Export(["batch", 4])
        export.step("Dropout", export.tensor("ratio", 0.5), export.tensor("training", True, np.bool_))
        self.check(export, "(Dropout)", "training mode")

    def test_arithmetic_that_widens_the_rows(self):
        export = Export(["batch", 1])
        export.step("Mul", export.random_tensor("scale", 4))
        self.check(export, "(Mul)", "one number, or a row of 1")

    def test_a_division_by_the_rows(self):
        export = Export(["batch", 4])
        export.node("Div", [export.random_tensor("scale", 4), "input"])
        self.check(export, "(Div)", "")

    def test_batch_normalization_in_training(self):
        export = Export(["batch", 4], opset=15)
        names = [export.tensor(name, np.ones(4)) for name in "abcd"]
        export.node("BatchNormalization", ["input", *names], outputs=3, training_mode=1)
        self.check(export, "(BatchNormalization)", "training mode")

    def test_a_reshape_that_mixes_rows(self):
        export = Export(["batch", 4])
        export.step("Reshape", export.integers("shape", -1, 2))
        self.check(export, "(Reshape)", "keep the batch of rows")

    def test_a_transpose_of_the_batch(self):
        export = Export(["batch", 4])
        export.step("Transpose", perm=[1, 0])
        self.check(export, "(Transpose)", "axis 0")

    def test_padded_pooling(self):
        export = Export(["batch", 1, 9])
        export.step("AveragePool", kernel_shape=[3], pads=[1, 1])
        self.check(export, "(AveragePool)", "pads must be 0")

    def test_pooling_without_a_channel(self):
        export = Export(["batch", 9])
        export.step("MaxPool", kernel_shape=[3])
        self.check(export, "(MaxPool)", "one channel on axis 1")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
