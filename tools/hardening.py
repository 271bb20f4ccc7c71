#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The linked program is hardened: position-independent, full RELRO, bound at start, no executable stack, no text
relocations, no search path of its own; and every object of ours has a stack protector, probes large stack frames and,
on x86, marks its branch targets and is compatible with a shadow stack.

usage: hardening.py BUILD PROGRAM. The program as a whole is marked for CET only where the C library's start files and
libcrypto.a are, too; Debian 12's are not, so that is reported and not required."""
import json
import os
import re
import subprocess
import sys

import tree

# What readelf shows of the program, and the words if it does not.
REQUIRED = (
    ("-hW", r"Type:\s+DYN", "it is not position-independent (PIE)"),
    ("-lW", r"GNU_RELRO", "it has no RELRO segment"),
    ("-lW", r"GNU_STACK\s+\S+\s+\S+\s+\S+\s+\S+\s+\S+\s+RW ", "its stack is executable, or not declared as not executable"),
    ("-dW", r"Flags:.*\bNOW\b", "functions are bound late (-z now is missing)"),
)
FORBIDDEN = (
    ("-dW", r"TEXTREL", "it has text relocations"),
    ("-dW", r"\((RPATH|RUNPATH)\)", "it has a search path for libraries"),
    ("-lW", r"LOAD\s.*\sRWE\s", "it has a segment that is writable and executable"),
)
# Options of the compiler without a trace in the object that could be read.
OPTIONS = ("-fstack-protector-strong", "-fstack-clash-protection", "-D_FORTIFY_SOURCE=2")
CET = re.compile(r"x86 feature:.*\bIBT\b.*\bSHSTK\b")


def readelf(option, path):
    return subprocess.run(["readelf", option, path], stdout=subprocess.PIPE, text=True, check=True).stdout


def of_program(show):
    """Problems of a program; `show` maps an option of readelf to its output."""
    return [words for option, pattern, words in REQUIRED if not re.search(pattern, show(option))] + \
        [words for option, pattern, words in FORBIDDEN if re.search(pattern, show(option))]


def of_commands(commands):
    """Problems of the compiler's commands, a list of compile_commands.json."""
    return [f"{c['file']}: compiled without {option}" for c in commands for option in OPTIONS
            if option not in c["command"].split()]


def main(build, program):
    with open(os.path.join(build, "compile_commands.json"), encoding="utf-8") as f:
        commands = [c for c in json.load(f) if "/src/" in c["file"] and not c["file"].endswith("_test.c")]
    problems = [f"{program}: {p}" for p in of_program(lambda option: readelf(option, program))]
    problems += of_commands(commands)
    objects = [os.path.join(build, c["output"]) for c in commands]
    objects = [o for o in objects if os.path.exists(o)]
    if not objects:
        problems.append(f"{build}: no object of ours is there; build first")
    marked = CET.search(readelf("-nW", program))
    if "X86-64" in readelf("-hW", program):
        problems += [f"{o}: not compatible with CET (-fcf-protection)" for o in objects
                     if not CET.search(readelf("-nW", o))]
    tree.end(problems, f"{len(objects)} objects; the program is {'' if marked else 'not '}marked for CET"
             f"{'' if marked else ', as a library or a start file of the system is not'}")


if __name__ == "__main__":
    main(*sys.argv[1:])
