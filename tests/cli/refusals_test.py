"""Bad input: each gets one clear line, the right exit code, and nothing half-written."""

import os
import struct
import unittest

from programs import (COLUMNS, FAILED, INSECURE, MALFORMED, USAGE, ProgramTest, ServedTest, Server, csv_of, npy_of,
                      rows_of)

GOOD = csv_of(rows_of(20, 1))


def with_cell(text, line, column, value):
    """The CSV with one cell (both counted from 1) replaced."""
    lines = text.splitlines()
    cells = lines[line - 1].split(",")
    cells[column - 1] = value
    lines[line - 1] = ",".join(cells)
    return "\n".join(lines) + "\n"


class DataTest(ProgramTest):
    """The same reader serves every verb; pretrain and a local fit stand for both sides."""

    def both_refuse(self, content, says, code=MALFORMED, extra=()):
        self.put("data", content)
        self.refuses(code, "pretrain", "--data", "data", "--model", "model", *extra, says=says)
        self.refuses(code, "fit", "--data", "data", "--head", "head.onnx", "--kind", "local", *extra, says=says)

    def test_empty_files(self):
        self.both_refuse("", "data")
        self.both_refuse("\n\n", "data")

    def test_a_header_alone(self):
        self.both_refuse("a,b,label\n", "data")

    def test_mixed_column_counts(self):
        self.both_refuse(GOOD + "1,2,3\n", ["data", "21"])

    def test_numbers_that_are_not_finite(self):
        for word in ("nan", "inf", "-Infinity", "1e999"):
            self.both_refuse(with_cell(GOOD, 7, 3, word), ["7", "3"])

    def test_text_where_numbers_belong(self):
        self.both_refuse(with_cell(GOOD, 5, 2, "many"), ["5", "2"])

    def test_one_label_alone(self):
        self.both_refuse(csv_of(rows_of(20, 1), labels=("ham",)), "data")

    def test_a_label_column_that_is_not_there(self):
        self.both_refuse(GOOD, "99", USAGE, ["--label", "99"])

    def test_truncated_and_mislabelled_arrays(self):
        array = npy_of(rows_of(20, 1))
        self.put("labels.txt", "a\nb\n" * 10)
        labels = ["--labels", "labels.txt"]
        self.both_refuse(array[:-1], "data", extra=labels)
        self.both_refuse(array[:40], "data", extra=labels)
        self.put("labels.txt", "a\nb\n" * 9)
        self.both_refuse(array, "labels", extra=labels)
        self.put("labels.txt", "a\nb\n" * 10)
        broken = bytearray(array)
        broken[-COLUMNS * 2:-COLUMNS * 2 + 2] = struct.pack("<e", float("nan"))
        self.both_refuse(bytes(broken), "20", extra=labels)

    def test_texts_for_sentence_embeddings(self):
        self.both_refuse("text,label\nhello,a\nbye,b\n", "examples/embed.py", extra=["--embedder", "all-mpnet-base-v2"])

    def test_a_label_of_one_row(self):
        self.put("data", GOOD + ",".join(["0"] * COLUMNS) + ",rare\n")
        self.refuses(MALFORMED, "fit", "--data", "data", "--head", "head.onnx", "--kind", "local", says="rare")

    def test_more_columns_than_a_ciphertext_takes(self):
        self.put("data", csv_of(rows_of(8, 1, columns=4097)))
        self.refuses(MALFORMED, "pretrain", "--data", "data", "--model", "model", says="4096")

    def test_networks_that_cannot_be_served(self):
        self.put("data", GOOD)
        self.put("text.onnx", "no network")
        self.refuses(MALFORMED, "pretrain", "--data", "data", "--model", "model", "--network", "text.onnx",
                     says="text.onnx")

    def test_numbers_where_texts_belong(self):
        self.put("data", GOOD)
        self.refuses(MALFORMED, "embed", "--data", "data", "--out", "out.npy", says="text")


class OutputTest(ServedTest):
    def test_what_is_there_is_not_overwritten(self):
        self.put("head.onnx", "mine")
        self.put("scores.csv", "mine")
        self.put("out.npy", "mine")
        self.put("texts.csv", "text\nhello\n")
        self.refuses(USAGE, *self.fit(), says="--force")
        self.refuses(USAGE, *self.predict(), says="--force")
        self.refuses(USAGE, "embed", "--data", "texts.csv", "--out", "out.npy", says="--force")
        self.refuses(USAGE, "pretrain", "--data", self.train, "--model", self.model, says="--force")
        self.refuses(USAGE, "keygen", "--server", self.server.url, "--keys", self.keys, says="--force")
        self.succeeds(*self.fit(), "--force")
        self.succeeds(*self.predict(), "--force")
        self.succeeds("embed", "--data", "texts.csv", "--out", "out.npy", "--force")

    def test_force_replaces_no_folder_of_somebody_else(self):
        os.mkdir(self.path("thesis"))
        self.put("thesis/chapter.tex", "years of work")
        self.refuses(USAGE, "pretrain", "--data", self.train, "--model", "thesis", "--force", says="chapter.tex")
        self.refuses(USAGE, "keygen", "--server", self.server.url, "--keys", "thesis", "--force", says="chapter.tex")

    def test_places_that_cannot_be_written(self):
        self.refuses(USAGE, *self.fit(head="missing/head.onnx"), says="missing")
        self.refuses(USAGE, *self.predict(out="missing/scores.csv"), says="missing")
        self.refuses(USAGE, "pretrain", "--data", self.train, "--model", "missing/model", says="missing")
        self.refuses(USAGE, "keygen", "--server", self.server.url, "--keys", "missing/keys", says="missing")
        os.mkdir(self.path("folder"))
        self.refuses(USAGE, *self.fit(head="folder"), says="folder")
        self.refuses(FAILED, *self.predict(out="/proc/scores.csv"), says="/proc")


class MatchTest(ServedTest):
    """What was not made for each other is refused, never computed."""

    def test_another_width(self):
        self.put("wide.csv", csv_of(rows_of(20, 1, columns=COLUMNS + 1)))
        self.refuses(MALFORMED, *self.fit(data="wide.csv"), says=["17", "16"])
        self.put("labelled.csv", csv_of(rows_of(20, 1), labels=("0", "1")))
        self.refuses(MALFORMED, *self.predict(data="labelled.csv"), says=["17", "16", "--label"])
        self.refuses(MALFORMED, *self.predict(data=self.train), says=["column 17", "text"])

    def test_another_embedder(self):
        self.refuses(MALFORMED, *self.fit(embedder="all-mpnet-base-v2"), says="all-mpnet-base-v2")
        self.refuses(MALFORMED, *self.predict(embedder="all-mpnet-base-v2"), says="all-mpnet-base-v2")
        self.put("texts.csv", "text,label\nhello,a\nbye,b\n" * 3)
        self.refuses(MALFORMED, *self.fit(data="texts.csv"), says="texts")

    def test_another_model(self):
        self.succeeds("pretrain", "--data", self.train, "--model", "other", "--epochs", "1")
        with Server(self.path("other"), self.path("store")) as other:
            self.refuses(MALFORMED, *self.fit(server=other.url), says="keygen")
            self.succeeds("keygen", "--server", other.url, "--keys", "keys")
            before = self.files()
            self.refuses(MALFORMED, *self.predict(server=other.url, keys="keys"), says="model", leaves=before)

    def test_other_peoples_servers(self):
        self.refuses(INSECURE, *self.fit(server="http://192.0.2.1:8000"), says="192.0.2.1")
        self.refuses(USAGE, *self.fit(server="ftp://127.0.0.1"), says="ftp")
        self.refuses(FAILED, *self.fit(server="http://127.0.0.1:1"), says="127.0.0.1:1")


if __name__ == "__main__":
    unittest.main()
