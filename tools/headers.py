#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A header declares only what its own .c file defines, and every non-static function is declared there, so that a
function's name leads to its file. Exceptions with their reasons: tools/shared-headers.txt."""
import os
import re
import sys

import sizes
import tree

COMMENT = re.compile(r"/\*.*?\*/", re.S)
# A prototype starts in the first column and is not `static inline`.
PROTOTYPE = re.compile(r"^(?!static\b|#|\s|\*)[^\n;{}()=]*?\b(\w+)\(", re.M)


def definitions(text):
    """Names and lines of the non-static functions of a .c file."""
    lines = text.split("\n")
    return [(name, at) for name, _, at in sizes.c_functions(text)
            if name != "main" and not lines[at - 1].startswith("static")]


def check(sources, headers, shared):
    """`sources` and `headers` map paths to texts, `shared` a header's path to the other sources that it serves."""
    declared = {}
    for path, text in headers.items():
        for name in PROTOTYPE.findall(COMMENT.sub("", text)):
            declared.setdefault(name, []).append(path)
    problems = []
    for path, text in sources.items():
        own = path[:-2] + ".h"
        for name, at in definitions(text):
            where = declared.get(name, [])
            if not where and not name.startswith("__wrap_"):  # the linker's --wrap calls it
                problems.append(f"src/{path}:{at}: {name}() is neither static nor in any header")
            problems += [f"src/{path}:{at}: {name}() is declared in {h}, not in {own}"
                         for h in where if h != own and path not in shared.get(h, ())]
    return problems


def main():
    root = sys.argv[1]
    src = os.path.join(root, "src")
    shared = {}
    for line in tree.read(root, "tools/shared-headers.txt").splitlines():
        if line.strip() and not line.startswith("#"):
            header, served, reason = line.split(None, 2)
            assert reason
            shared[header] = served.split(",")
    headers = {p: tree.read(src, p) for p in tree.files(src, ".h")}
    sources = {p: tree.read(src, p) for p in tree.files(src, ".c") if not p.endswith("_test.c")}
    tree.end(check(sources, headers, shared), f"{len(sources)} sources, {len(headers)} headers, {len(shared)} shared")


if __name__ == "__main__":
    main()
