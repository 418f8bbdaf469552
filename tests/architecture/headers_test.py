"""headers_test.py COMPILER: every public header compiles as the only one of a source, and may stand twice in one.

The build shows that of a header that a source begins with; the others are compiled here.
"""

import concurrent.futures
import glob
import os
import re
import subprocess
import sys

import tree

INCLUDE = os.path.join(tree.ROOT, "include")
FLAGS = ["-std=c++20", "-fsyntax-only", "-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Werror", "-x", "c++", "-"]


def compiles(text):
    """The compiler's complaints about a source, or nothing."""
    command = [sys.argv[1], "-I", INCLUDE, *FLAGS]
    return subprocess.run(command, input=text, capture_output=True, text=True, check=False).stderr


def check(header):
    return compiles(f'#include "{header}"\n')


def first_includes():
    """What the sources begin with, comments aside."""
    out = set()
    for path in glob.glob(tree.ROOT + "/src/**/*.cc", recursive=True):
        with open(path, encoding="utf-8") as file:
            match = re.search(r'^#include ["<]([^">]+)[">]', file.read(), re.MULTILINE)
        if match:
            out.add(match[1])
    return out


def stands_once(header):
    with open(os.path.join(INCLUDE, header), encoding="utf-8") as file:
        return file.readline() == "#pragma once\n"


def main():
    if not compiles("std::string needs_its_header;\n"):
        sys.exit("the compiler accepts what it must refuse")
    headers = sorted(os.path.relpath(p, INCLUDE) for p in glob.glob(INCLUDE + "/cryptotl/**/*.h", recursive=True))
    unguarded = [header for header in headers if not stands_once(header)]
    if unguarded:
        sys.exit(f"without #pragma once in the first line: {', '.join(unguarded)}")
    alone = sorted(set(headers) - first_includes())
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        failures = [(h, e) for h, e in zip(alone, pool.map(check, alone)) if e]
    for header, errors in failures:
        print(f"{header} does not compile alone:\n{errors}")
    print(f"{len(headers)} headers, {len(alone)} of them compiled here, {len(failures)} failures")
    sys.exit(1 if failures or len(headers) < 10 else 0)


main()
