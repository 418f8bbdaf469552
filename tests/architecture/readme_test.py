"""readme_test.py BUILD: runs the README's commands as they stand there, on a small data set of texts."""

import os
import random
import re
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

import tree

GOOD = "fine lovely bright warm happy great superb charming witty tender".split()
BAD = "dull awful grim cold boring poor weak clumsy tedious stale".split()
OTHER = "the film story actor scene music plot house river evening".split()


def write_csv(path, rows, labelled):
    source = random.Random(rows)
    with open(path, "w", encoding="utf-8") as file:
        file.write("text,label\n" if labelled else "text\n")
        for row in range(rows):
            words = source.choices(GOOD if row % 2 else BAD, k=4) + source.choices(OTHER, k=6)
            source.shuffle(words)
            file.write(" ".join(words) + (f",{'good' if row % 2 else 'bad'}\n" if labelled else "\n"))


def wait_for(url):
    for _ in range(600):
        try:
            urllib.request.urlopen(url + "/v2/health/ready", timeout=5).close()
            return
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.1)
    sys.exit("the server does not answer")


def main():
    build = os.path.abspath(sys.argv[1])
    with open(os.path.join(tree.ROOT, "README.md"), encoding="utf-8") as file:
        blocks = re.findall(r"```sh\n(.*?)```", file.read(), re.DOTALL)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    provider, client = (b.replace("build/", build + "/").replace("8000", port).splitlines() for b in blocks)
    with tempfile.TemporaryDirectory() as folder:
        for name, rows, labelled in (("source", 300, True), ("train", 40, True), ("new", 20, False)):
            write_csv(os.path.join(folder, name + ".csv"), rows, labelled)
        for command in provider[:-1]:
            subprocess.run(command, shell=True, cwd=folder, check=True)
        server = subprocess.Popen(provider[-1].split(), cwd=folder)
        try:
            wait_for(f"http://127.0.0.1:{port}")
            for command in client:
                subprocess.run(command, shell=True, cwd=folder, check=True)
        finally:
            server.terminate()
            server.wait(60)
        with open(os.path.join(folder, "scores.csv"), encoding="utf-8") as file:
            scores = [line.strip().split(",") for line in file][1:]
    right = sum(label == ("good" if row % 2 else "bad") for row, (_, label, _) in enumerate(scores))
    print(f"{right} of {len(scores)} texts are labelled right")
    sys.exit(0 if len(scores) == 20 and right >= 16 else 1)


main()
