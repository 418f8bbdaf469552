"""Makes the keras_* files beside this script: networks exported by Keras and tf2onnx, with rows and Keras' answers.

Made with CPython 3.11, keras 3.8.0, tensorflow-cpu 2.17.1, tf2onnx 1.16.1, onnx 1.17.0, numpy 1.26.4. Not run by the
tests.

usage: export_keras.py FOLDER
"""

import pathlib
import sys

import keras
import numpy as np
import tensorflow as tf
import tf2onnx
from keras import layers

FOLDER = pathlib.Path(sys.argv[1])
WIDTH = 12


def cubic(u):
    return 0.49383 + 0.59259 * u + 0.092593 * u**2 - 0.0061728 * u**3


def conv(taps, **options):
    return [layers.Reshape((-1, 1)), layers.Conv1D(1, taps, padding="same", **options), layers.Flatten()]


def pool(kind, width):
    return [layers.Reshape((-1, 1)), kind(width, strides=1), layers.Flatten()]


def paper(activation):
    return [*conv(9, use_bias=False), layers.Dense(WIDTH, activation=activation), *pool(layers.AveragePooling1D, 3),
            layers.Dropout(0.2), layers.Dense(WIDTH - 2)]


NETWORKS = {
    "paper": lambda: paper(cubic),
    "paper_with_head": lambda: [*paper(cubic), layers.Dense(1, activation="sigmoid")],
    "relu_tanh_gelu": lambda: [layers.Dense(9, activation="relu"), layers.Dense(8, activation="tanh"),
                               layers.Dense(7, activation="gelu"), layers.Dense(4, activation="sigmoid"),
                               layers.Dense(3)],
    "softmax_head": lambda: [layers.Dense(9, activation="relu"), layers.Dense(4, activation="softmax")],
    "even_kernel": lambda: [*conv(4, use_bias=False), layers.Dense(5)],
    "long_kernel": lambda: [*conv(31, use_bias=False), layers.Dense(5)],
    "conv_with_bias": lambda: [*conv(5, bias_initializer="random_normal"), layers.Dense(5)],
    "upper": lambda: [layers.Dense(WIDTH, activation="relu"), *pool(layers.MaxPooling1D, 3), layers.Dropout(0.2),
                      layers.Dense(1, activation="sigmoid")],
    "batch_norm": lambda: [layers.Dense(6), layers.BatchNormalization(moving_mean_initializer="random_normal"),
                           layers.Activation(cubic), layers.Dense(3)],
}


def main():
    for seed, (name, make) in enumerate(NETWORKS.items()):
        keras.utils.set_random_seed(seed)
        network = keras.Sequential([keras.Input((WIDTH,)), *make()])
        rows = np.random.default_rng(seed).uniform(size=(4, WIDTH)).astype(np.float32)
        np.save(FOLDER / f"keras_{name}.rows.npy", rows)
        np.save(FOLDER / f"keras_{name}.answers.npy", network.predict(rows, verbose=0))
        signature = [tf.TensorSpec((None, WIDTH), tf.float32, name="x")]
        function = tf.function(lambda x: network(x, training=False), input_signature=signature)
        tf2onnx.convert.from_function(function, signature, opset=13,
                                      output_path=FOLDER / f"keras_{name}_opset13.onnx")
        network.export(str(FOLDER / f"keras_{name}_export.onnx"), format="onnx", verbose=False)


main()
