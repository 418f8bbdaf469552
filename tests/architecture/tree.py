"""What may stand where: the rules of the rooms as functions from a file's path and text to complaints."""

import os
import re

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ROOMS = ["base", "rns", "ckks", "data", "network", "plan", "execute", "learn", "service", "transfer", "cli"]
# The rooms that alone may include a library (and whose tests may), by how the include begins.
OWNERS = {
    "torch/": ["learn"],
    "ATen/": ["learn"],
    "c10/": ["learn"],
    "httplib.h": ["service"],
    "onnx/": ["network"],
    "google/protobuf/": ["network"],
    "zip.h": ["network"],
    "sodium": ["base"],
    "oneapi/": ["base"],
    "tbb/": ["base"],
    "CLI/": ["cli"],
    "sqlite3.h": ["transfer"],
}
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*[<"]([^>"]+)[>"]', re.MULTILINE)
CMAKE_USE = re.compile(r"cryptotl::([a-z]+)")
# Written so that this file does not hold what it looks for.
FORBIDDEN = {
    "a path of one machine": r"(?<![\w.$}])/(?:wo[r]k|ro[o]t|ho[m]e)/",
    "a registry's host": r"(?:py[p]i\.org|pythonhoste[d]\.|registry\.np[m]js|de[b]\.debian\.org|np[m]js\.com)",
    "code for the building machine only": r"-march=nativ[e]|-mtune=nativ[e]",
    "arithmetic that may be reordered": r"-ffast-mat[h]|-Ofas[t]",
    "a note of unfinished work": r"\b(?:TO[D]O|FIXM[E]|XX[X])\b",
    "a document that is not here": r"\bDESIG[N] section",
}
SKIPPED_FOLDERS = {".git", "build", "demo", "__pycache__", ".cache", "node_modules"}
CODE = (".h", ".cc")


def files():
    """Every (path relative to the root, text) of the tree that is text."""
    for folder, names, leaves in os.walk(ROOT):
        names[:] = [n for n in names if n not in SKIPPED_FOLDERS and not n.startswith("build-")]
        for leaf in leaves:
            path = os.path.join(folder, leaf)
            if leaf == ".git" or os.path.islink(path) or not os.path.isfile(path):
                continue
            with open(path, "rb") as file:
                data = file.read()
            if b"\0" in data:
                continue
            try:
                yield os.path.relpath(path, ROOT), data.decode()
            except UnicodeDecodeError:
                continue


def room_of(path):
    """The room that a path belongs to, or None."""
    parts = path.split("/")
    if parts[:2] == ["include", "cryptotl"] and len(parts) > 3:
        return parts[2]
    if parts[0] in ("src", "tests") and len(parts) > 2 and parts[1] in ROOMS:
        # The server's program stands on service/ and must not see what comes after.
        return "service" if parts[-1] == "server_main.cc" else parts[1]
    return None


def included_room(include):
    parts = include.split("/")
    if parts[0] == "cryptotl":
        return parts[1] if len(parts) > 2 else None
    return parts[0] if len(parts) > 1 and parts[0] in ROOMS else None


def complaints(path, text):
    """What is wrong with this file, one line each."""
    found = []
    for what, pattern in FORBIDDEN.items():
        match = re.search(pattern, text)
        if match:
            line = text.count("\n", 0, match.start()) + 1
            found.append(f"{path}:{line}: {what}: {match.group(0)}")
    if path.endswith(CODE):
        found += code_complaints(path, text)
    if path.startswith("src/") and path.endswith("/CMakeLists.txt"):
        room = path.split("/")[1]
        for used in CMAKE_USE.findall(text):
            # cli/ may link the server's program, which stands on service/.
            if used in ROOMS and ROOMS.index(used) > ROOMS.index(room):
                found.append(f"{path}: {room} links {used}, a room after it")
    return found


def code_complaints(path, text):
    found = []
    room = room_of(path)
    public = path.startswith("include/")
    if path.startswith(("src/", "include/")) and room not in ROOMS:
        found.append(f"{path}: in no room")
    if path.endswith(".h") and "#pragma once" not in text:
        found.append(f"{path}: without #pragma once")
    if public and re.search(r"^\s*using namespace", text, re.MULTILINE):
        found.append(f"{path}: a public header with `using namespace`")
    for include in INCLUDE.findall(text):
        target = included_room(include)
        if room in ROOMS and target is not None:
            if target not in ROOMS:
                found.append(f"{path}: includes {include}, of no room")
            elif ROOMS.index(target) > ROOMS.index(room):
                found.append(f"{path}: {room} includes {include}, of a room after it")
        if public and target is not None and not include.startswith("cryptotl/"):
            found.append(f"{path}: a public header includes the private {include}")
        for start, owners in OWNERS.items():
            foreign = room is not None and room not in owners and not server_program(path, start)
            if include.startswith(start) and (public or foreign):
                found.append(f"{path}: includes {include}; only {' and '.join(owners)}'s sources may")
    return found


def server_program(path, start):
    """server_main.cc lies in cli/ and counts for service/, and parses a command line of its own."""
    return path.endswith("/server_main.cc") and start == "CLI/"
