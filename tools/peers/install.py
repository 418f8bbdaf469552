"""Brings the peers into the work folder, once: Lattigo through Go, the others as wheels, each in an environment."""

import glob
import hashlib
import os
import shutil
import subprocess

from systems import HERE, LATTIGO, OPENFHE, PYTHON_DRIVERS, TENSEAL

# The versions of CPython that a wheel is looked for with, the likeliest first.
PYTHONS = {OPENFHE: [(3, 10)], TENSEAL: [(3, 11), (3, 12), (3, 13)]}


class Missing(Exception):
    """Why a peer cannot be had, in words for the document."""


class Installed:
    """How a peer's driver is started, and what it runs on."""

    def __init__(self, command, runs_on):
        self.command, self.runs_on = command, runs_on


def digest(paths, *more):
    out = hashlib.sha256("\n".join(more).encode())
    for path in sorted(paths):
        with open(path, "rb") as file:
            out.update(file.read())
    return out.hexdigest()


def finished(folder, stamp):
    try:
        with open(os.path.join(folder, "stamp"), encoding="utf-8") as file:
            return file.read() == stamp
    except FileNotFoundError:
        return False


def finish(folder, stamp):
    with open(os.path.join(folder, "stamp"), "w", encoding="utf-8") as file:
        file.write(stamp)


def run(command, failure, say, **options):
    """What the command prints. Its complaints go to whoever started this; the document gets `failure` alone, since they
    name this machine's paths and hosts."""
    result = subprocess.run(command, capture_output=True, text=True, check=False, **options)
    if result.returncode != 0:
        for line in (result.stderr or result.stdout).strip().splitlines()[-5:]:
            say(f"  {line}")
        raise Missing("; ".join(reasons) or f"its wheel needs CPython {names}, which is not there")
    return result.stdout.strip()


def lattigo(work, say):
    go = shutil.which("go")
    if go is None:
        raise Missing("no Go toolchain on PATH")
    folder = os.path.join(work, LATTIGO)
    environment = {**os.environ, "GOTOOLCHAIN": "local", "GOFLAGS": "-mod=readonly -modcacherw -buildvcs=false",
                   "GOMODCACHE": os.path.join(folder, "modules"), "GOCACHE": os.path.join(folder, "cache")}
    version = run([go, "version"], "the Go toolchain does not run", say, env=environment)
    version = " ".join(version.split()[2:3]).replace("go", "Go ")
    source = os.path.join(HERE, "lattigo")
    program = os.path.join(folder, "lattigo")
    stamp = digest([path for kind in ("*.go", "go.*") for path in glob.glob(os.path.join(source, kind))], version)
    if not finished(folder, stamp):
        say("Lattigo: downloading its modules and building")
        os.makedirs(folder, exist_ok=True)
        run([go, "build", "-o", program, "."], f"its modules could not be downloaded or built with {version}", say,
            cwd=source, env=environment)
        finish(folder, stamp)
    return Installed([program], version)


def pythons(versions):
    """The interpreters of these versions that run, on PATH and among pyenv's."""
    for major, minor in versions:
        name = f"python{major}.{minor}"
        home = os.path.expanduser("~")
        places = [shutil.which(name)] + sorted(glob.glob(f"{home}/.pyenv/versions/{major}.{minor}.*/bin/{name}"))
        for path in filter(None, places):
            asked = [path, "-c", "import sys, venv; print('%d.%d' % sys.version_info[:2])"]
            try:
                # pyenv puts names on PATH that run only where that version is chosen.
                found = subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip()
            except OSError:
                continue
            if found == f"{major}.{minor}":
                yield path, found
                break


def wheel(library, work, say):
    versions = PYTHONS[library]
    names = " or ".join(f"{major}.{minor}" for major, minor in versions)
    requirements = os.path.join(PYTHON_DRIVERS, library + ".txt")
    folder = os.path.join(work, library)
    python = os.path.join(folder, "bin", "python")
    reasons = []
    for base, version in pythons(versions):
        stamp = digest([requirements], base)
        if not finished(folder, stamp):
            say(f"{library}: installing its wheel for CPython {version}")
            shutil.rmtree(folder, ignore_errors=True)
            failure = f"its wheel for CPython {version} could not be installed"
            broken = f"its wheel for CPython {version} does not load here"
            try:
                run([base, "-m", "venv", folder], failure, say)
                # The list is complete, so no other package and no other version comes in.
                run([python, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--retries", "1",
                     "--no-deps", "--only-binary", ":all:", "--requirement", requirements], failure, say)
                run([python, "-c", f"import numpy, {library}"], broken, say)
            except Missing as missing:
                reasons.append(str(missing))
                continue
            finish(folder, stamp)
        return Installed([python, "-B", os.path.join(PYTHON_DRIVERS, f"with_{library}.py")], f"CPython {version}")
    raise Missing("; ".join(reasons) or f"its wheel needs CPython {names}, which is not there")


def install(library, work, say):
    return lattigo(work, say) if library == LATTIGO else wheel(library, work, say)
