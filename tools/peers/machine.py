"""What the figures were measured on."""

import os

# The instruction sets that the libraries' speed depends on, as Linux names them.
SETS = ["avx2", "bmi2", "avx512f", "avx512ifma", "avx512_vnni"]


def processor():
    """The processor's name and which of these instruction sets it has."""
    name, flags = "unknown processor", []
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            for line in file:
                key, _, value = line.partition(":")
                if key.strip() == "model name":
                    name = value.strip()
                if key.strip() in ("flags", "Features"):
                    flags = value.split()
    except OSError:
        pass
    return name, [found for found in SETS if found in flags]


def of(first_run, load, pinned):
    name, found = processor()
    return {"cpu": first_run.get("cpu") or name, "instruction_sets": found, "isa": first_run.get("isa"),
            "cores": os.cpu_count(), "pinned": pinned, "load": load}
