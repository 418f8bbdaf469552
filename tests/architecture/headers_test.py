"""headers_test.py COMPILER: every public header compiles as the only one of a source, and twice in one."""

import concurrent.futures
import glob
import os
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
    return compiles(f'#include "{header}"\n#include "{header}"\n')


def main():
    if not compiles("std::string needs_its_header;\n"):
        sys.exit("the compiler accepts what it must refuse")
    headers = sorted(os.path.relpath(p, INCLUDE) for p in glob.glob(INCLUDE + "/cryptotl/**/*.h", recursive=True))
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        failures = [(h, e) for h, e in zip(headers, pool.map(check, headers)) if e]
    for header, errors in failures:
        print(f"{header} does not compile alone:\n{errors}")
    print(f"{len(headers)} headers, {len(failures)} failures")
    sys.exit(1 if failures or len(headers) < 10 else 0)


main()
