"""Help, examples, exit codes and what goes to which output."""

import json
import re
import shlex
import socket
import subprocess
import unittest

from programs import (CLIENT, COLUMNS, DONE, USAGE, Proxy, ProgramTest, Server, ServedTest, csv_of, npy_labels, npy_of,
                      rows_of)

VERBS = ["demo", "pretrain", "import", "serve", "keygen", "encrypt", "fit", "predict", "evaluate", "embed", "bench",
         "inspect", "cache", "budget", "audit"]
TEXTS = "text,label\n" + "".join(f"{'cheap pills now' if i % 2 else 'see you at lunch'} {i},{i % 2}\n"
                                 for i in range(20))


def example_of(help_text):
    """The first command of a help text's example."""
    return re.search(r"Example:\s*\n?\s*(cryptotl.*)", help_text).group(1)


class HelpTest(ProgramTest):
    def test_lists_every_verb_with_an_example(self):
        text = self.succeeds("--help").stdout
        for verb in VERBS:
            self.assertRegex(text, rf"(?m)^  {verb}\b")
            self.assertRegex(text, rf"(?m)^  cryptotl {verb}\b")

    def test_every_verb_has_help_with_an_example(self):
        for verb in VERBS:
            self.assertIn("Example:", self.succeeds(verb, "--help").stdout, verb)


class UsageTest(ProgramTest):
    def test_wrong_command_lines_are_usage_errors(self):
        for arguments in ([], ["sing"], ["fit"], ["pretrain", "--data", "x"], ["bench"],
                          ["bench", "forward", "--isa", "mmx"],
                          ["evaluate", "--source", "a", "--target", "b", "--folds", "1"],
                          ["evaluate", "--source", "a", "--target", "b", "--shots", "ten"],
                          ["fit", "--data", "a", "--head", "h", "--kind", "large"],
                          ["fit", "--data", "a", "--head", "linear"],
                          ["fit", "--data", "a", "--head", "h", "--head", "local", "--kind", "linear"],
                          ["fit", "--data", "a", "--head", "h", "--head", "i"],
                          ["fit", "--data", "a", "--head", "h"],
                          ["serve", "--threads", "0"], ["serve", "--tickets", "-1"], ["serve", "--tickets", "many"],
                          ["serve", "--epoch", "next"], ["serve", "--batch-cache", "much"]):
            result = self.run_client(*arguments)
            self.assertEqual(result.returncode, USAGE, arguments)
            self.assertEqual(result.stdout, "")
            self.assertNotEqual(result.stderr, "")

    def test_a_missing_file_is_a_failure(self):
        self.refuses(1, "fit", "--data", "missing.csv", "--head", "h", "--kind", "local", says="missing.csv")
        self.refuses(1, "inspect", "missing", says="missing")


class ShapeTest(ProgramTest):
    """The options that shape the lower network."""

    def test_values_out_of_range_are_named_with_their_limits(self):
        self.put("source.csv", csv_of(rows_of(20, 1)))
        pretrain = ["pretrain", "--data", "source.csv", "--model", "model"]
        for option, value, says in (("hidden", "0", "1 to 4096"), ("hidden", "4097", "1 to 4096"),
                                    ("hidden", "16,,8", "1 to 4096"), ("hidden", "wide", "1 to 4096"),
                                    ("features", "0", "1 to 4096"), ("features", "5000", "1 to 4096"),
                                    ("kernel", "-1", "0 to 4096"), ("kernel", "4097", "0 to 4096"),
                                    ("pool", "4097", "0 to 4096"), ("pool", "17", "has 16"),
                                    ("pool", "2.5", "0 to 4096"), ("activation", "swish", "cubic, quadratic"),
                                    ("activation", "1,2", "3 to 8 coefficients"),
                                    ("activation", "1,2,0", "the last is not 0"),
                                    ("activation", "1,nan,2", "coefficients"),
                                    ("activation", ",".join("123456789"), "3 to 8 coefficients"),
                                    ("degree", "8", "2 to 7"), ("degree", "1", "2 to 7"),
                                    ("degree", "3", "goes with an activation that is replaced"),
                                    ("fine-tune", "2000", "0 to 1000")):
            self.refuses(USAGE, *pretrain, f"--{option}={value}", says=[f"--{option}", says])

    def test_a_precision_that_cannot_be_asked_for_is_told_what_can(self):
        for verb in (("bench", "forward"), ("bench", "batch"), ("serve", "--model", "none")):
            for asked in ("1e-12", "0.02", "0", "-1", "nan"):
                self.refuses(USAGE, *verb, "--precision", asked, says=f"a precision of {asked}; 1e-11 to 0.01")

    def test_a_degree_that_would_leave_a_straight_line_is_refused(self):
        self.put("source.csv", csv_of(rows_of(20, 1)))
        for function in ("tanh", "sigmoid"):
            self.refuses(USAGE, "pretrain", "--data", "source.csv", "--model", "model", "--activation", function,
                         "--degree", "2", says=["--degree 2", function, "3 to 7"])
        self.refuses(USAGE, "pretrain", "--data", "source.csv", "--model", "model", "--activation", "relu",
                     "--fine-tune", "0", "--train-activation", says=["--fine-tune 0", "--train-activation"])

    def test_a_network_of_its_own_has_its_own_layers(self):
        self.put("source.csv", csv_of(rows_of(20, 1)))
        self.succeeds("pretrain", "--data", "source.csv", "--model", "model", "--epochs", "1")
        self.refuses(USAGE, "pretrain", "--data", "source.csv", "--model", "other", "--network", "model/lower.onnx",
                     "--hidden", "8", says=["--hidden", "--network"])

    def test_a_cubic_network_of_another_shape_is_made(self):
        self.put("source.csv", csv_of(rows_of(40, 1)))
        made = self.prints_json("pretrain", "--data", "source.csv", "--model", "model", "--epochs", "2", "--hidden", "24",
                                "--features", "5", "--kernel", "4", "--pool", "6", "--activation",
                                "0.4,0.5,0.1,-0.01", "--train-activation")
        self.assertEqual(made["features"], 5)
        (trained,) = made["activations"]
        self.assertEqual(len(trained), 4)
        self.assertNotEqual(trained, [0.4, 0.5, 0.1, -0.01])


    def test_a_function_is_replaced_and_what_that_costs_is_said(self):
        self.put("source.csv", csv_of(rows_of(80, 1)))
        pretrain = ["pretrain", "--data", "source.csv", "--epochs", "4", "--activation", "tanh", "--degree", "3"]
        made = self.prints_json(*pretrain, "--model", "model")["replacement"]
        (one,) = made["activations"]
        self.assertEqual((one["function"], one["degree"]), ("Tanh", 3))
        self.assertLess(one["range"][0], one["range"][1])
        self.assertGreater(one["max_error"], 0)
        self.assertEqual([other["degree"] for other in made["degrees"]], [2, 3, 4, 5, 6, 7])
        for step in ("with_functions", "with_polynomials", "fine_tuned"):
            self.assertGreater(made[step]["validation_accuracy"], 0)
            self.assertGreater(made[step]["validation_loss"], 0)
        with open(self.path("model/manifest.json"), encoding="utf-8") as file:
            self.assertEqual(json.load(file)["training"]["replacement"], made)
        said = self.succeeds(*pretrain, "--model", "other", "--fine-tune", "2").stdout
        self.assertRegex(said, r"layer 3: Tanh on \[\S+, \S+\] replaced by a polynomial of degree 3, off by at most")
        self.assertRegex(said, r"validation accuracy \S+ % before, \S+ % after, \S+ % after \d epochs of fine-tuning")


class ExampleTest(ProgramTest):
    """The example of every help text, run as it stands but for the port, in a folder with the files that it names."""

    def run_example(self, verb, port=None, extra=""):
        words = shlex.split(example_of(self.succeeds(*verb.split(), "--help").stdout))
        command = [CLIENT] + [w.replace(":8000", f":{port}") for w in words[1:]] + extra.split()
        result = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, timeout=300, check=False)
        self.assertEqual(result.returncode, DONE, f"{command}: {result.stderr}")
        return result.stdout

    def test_the_whole_story_by_its_examples(self):
        self.put("source.csv", csv_of(rows_of(60, 1)))
        self.put("target.csv", csv_of(rows_of(40, 2)))
        self.put("train.csv", csv_of(rows_of(40, 2)))
        self.put("new.csv", csv_of(rows_of(10, 3), labels=None))
        self.put("texts.csv", TEXTS)
        self.run_example("pretrain")
        self.assertIn("kind: model", self.run_example("inspect"))
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        words = shlex.split(example_of(self.succeeds("serve", "--help").stdout).replace("MODEL", "model"))
        server = subprocess.Popen([CLIENT, "serve"] + [w.replace(":8000", f":{port}") for w in words if w not in
                                                       ("cryptotl", "cryptotl-server", "serve")],
                                  cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        try:
            self.assertEqual(server.stdout.readline().strip(), f"http://127.0.0.1:{port}")
            self.run_example("keygen", port)
            self.run_example("encrypt")
            self.run_example("fit", port)
            self.run_example("predict", port)
            self.assertIn("50 rows", self.run_example("cache"))  # of fit and of predict
        finally:
            server.terminate()
            server.wait(timeout=20)
            server.stdout.close()
        self.run_example("evaluate")
        self.run_example("embed")
        self.run_example("bench forward", extra="--inputs 2")

    def test_the_demos_example_on_a_small_set(self):
        for part in ("source", "target"):
            self.put(f"{part}.f16.npy", npy_of(rows_of(40, len(part))))
            self.put(f"{part}.labels.npy", npy_labels(40))
        out = self.run_example("demo", extra="--data . --folds 2 --shots 8 --draws 2 --epochs 2")
        for word in ("balanced accuracy", "ham", "spam", "agreement", "ms on the server", "evaluation keys"):
            self.assertIn(word, out)
        with open(self.path("report.html"), encoding="utf-8") as file:
            self.assertIn("<svg", file.read())


class OutputTest(ServedTest):
    def test_every_verb_prints_one_json_object(self):
        self.put("source.csv", csv_of(rows_of(40, 1)))
        self.put("texts.csv", TEXTS)
        made = self.prints_json("pretrain", "--data", "source.csv", "--model", "model", "--epochs", "2")
        self.assertEqual((made["rows"], made["columns"], made["labels"]), (40, COLUMNS, {"ham": 20, "spam": 20}))
        keys = self.prints_json("keygen", "--server", self.server.url, "--keys", "keys")
        self.assertEqual((keys["ring_degree"], keys["security_bits"]), (8192, 128))
        self.assertLess(keys["log_qp"], 214)
        fitted = self.prints_json(*self.fit(keys="keys", kind="combined"))
        self.assertEqual((fitted["kind"], fitted["rows"], fitted["labels"]), ("combined", 40, ["ham", "spam"]))
        self.assertEqual(fitted["model_digest"], keys["model_digest"])
        scored = self.prints_json(*self.predict(keys="keys", head="head.onnx"))
        self.assertEqual(sum(scored["labels"].values()), 10)
        self.assertEqual(self.prints_json("embed", "--data", "texts.csv", "--out", "texts.npy")["rows"], 20)
        self.assertEqual(self.prints_json("inspect", "head.onnx")["head"], "combined")

    def test_scores_have_a_line_a_row(self):
        self.succeeds(*self.predict())
        with open(self.path("scores.csv"), encoding="utf-8") as file:
            lines = file.read().splitlines()
        self.assertEqual(lines[0], "row,label,score")
        self.assertEqual([line.split(",")[0] for line in lines[1:]], [str(i + 1) for i in range(10)])
        for line in lines[1:]:
            _, label, score = line.split(",")
            self.assertEqual(label, "spam" if float(score) >= 0.5 else "ham")

    def test_head_takes_the_name_of_a_kind(self):
        fitted = self.prints_json(*self.fit(head="linear"), "--head", "h.onnx")
        self.assertEqual((fitted["kind"], fitted["head"]), ("linear", "h.onnx"))

    def test_a_label_column_may_be_named(self):
        self.put("header.csv", csv_of(rows_of(10, 3), header=True))
        self.assertEqual(self.prints_json(*self.predict(data="header.csv", label="kind"))["rows"], 10)

    def test_texts_go_through_the_built_in_embedder_on_both_sides(self):
        self.put("texts.csv", TEXTS)
        self.succeeds("pretrain", "--data", "texts.csv", "--model", "model", "--epochs", "1")
        self.succeeds("embed", "--data", "texts.csv", "--out", "texts.npy", "--labels-out", "labels.txt")
        with Server(self.path("model"), self.path("store")) as server:
            self.succeeds("keygen", "--server", server.url, "--keys", "keys")
            self.succeeds(*self.fit(server=server.url, keys="keys", data="texts.csv", kind="combined"))
            # The same vectors, made beforehand, are taken where their embedder is named.
            embedder = self.prints_json("inspect", "model")["embedder"]["name"]
            self.succeeds(*self.fit(server=server.url, keys="keys", data="texts.npy", labels="labels.txt",
                                    embedder=embedder, head="other.onnx", kind="combined"))
            self.refuses(3, *self.fit(server=server.url, keys="keys", data="texts.npy", labels="labels.txt",
                                      head="third.onnx"), says=[embedder, "--embedder"])


class SilenceTest(ServedTest):
    """Nothing that the client sends tells which head `auto` chose."""

    def test_a_local_head_that_auto_chose_asks_as_every_other(self):
        self.put("noise.csv", csv_of([[row[0]] * 8 + row[8:] for row in rows_of(40, 5)]))
        kinds = {}
        for data in (self.train, "noise.csv"):
            fitted = self.prints_json(*self.fit(data=data), "--force")
            with Proxy(self.server.port) as proxy:
                self.succeeds(*self.predict(server=proxy.url, head="head.onnx", no_cache=True, mode="latency"),
                              "--force")
                kinds[fitted["kind"]] = [len(request) for request in proxy.requests()]
        self.assertIn("local", kinds)
        for sizes in kinds.values():
            self.assertEqual(len(sizes), 10)

    def test_a_head_that_was_asked_to_be_local_needs_no_server(self):
        self.succeeds(*self.fit(server=None, keys=None, kind="local"))
        self.succeeds(*self.predict(server=None, keys=None, head="head.onnx"))


if __name__ == "__main__":
    unittest.main()
