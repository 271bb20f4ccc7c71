#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What every file carries and what none may: a licence line and a statement of purpose; no path or host of the machine
it was written on."""
import re
import sys

import tree

# Written so that this file does not find itself.
FORBIDDEN = [
    (re.compile(r"(?<![\w.])/(?:wor[k]|hom[e]|User[s])/\w"), "a path of somebody's machine"),
    (re.compile(r"deb\.debian\.or[g]|security\.debian\.or[g]|pyp[i]\.org|pythonhoste[d]\.org|registry\.npmj[s]"),
     "a package registry's host"),
]
LICENCE = "SPDX-License-Identifier: MIT"
PURPOSE = re.compile(r"/\* SPDX-License-Identifier: MIT \*/\n/\*\s*\S.{10,}")


def wants_licence(path, text):
    name = path.rsplit("/", 1)[-1]
    return name.endswith((".c", ".h", ".py", ".sh", ".scd")) or name == "meson.build" or text.startswith("#!")


def check_file(path, text):
    problems = []
    if wants_licence(path, text) and LICENCE not in "\n".join(text.split("\n", 3)[:3]):
        problems.append(f"{path}:1: no licence line ({LICENCE})")
    elif path.endswith((".c", ".h")) and not PURPOSE.match(text):
        problems.append(f"{path}:2: the line after the licence does not say what the file is responsible for")
    for number, line in enumerate(text.split("\n"), 1):
        problems += [f"{path}:{number}: {why}: {line.strip()[:80]}" for pattern, why in FORBIDDEN if pattern.search(line)]
    return problems


def main():
    root = sys.argv[1]
    problems = []
    paths = [p for p in tree.files(root) if not p.startswith("fuzz/corpus/")]
    for path in paths:
        problems += check_file(path, tree.read(root, path))
    tree.end(problems, f"{len(paths)} files")


if __name__ == "__main__":
    main()
