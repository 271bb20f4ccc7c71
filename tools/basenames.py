#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""No base name of a source file stands in two folders of src/, so that a file is found by its name alone."""
import os
import sys

import tree


def base(path):
    """A file's name without its extension; a test has the name of the file that it tests."""
    name = os.path.splitext(os.path.basename(path))[0]
    return name.removesuffix("_test")


def check(paths):
    folders = {}
    for path in paths:
        folders.setdefault(base(path), set()).add(os.path.dirname(path))
    return [f"src/: {name} stands in {', '.join(f'{f}/' for f in sorted(found))}"
            for name, found in sorted(folders.items()) if len(found) > 1]


def main():
    src = os.path.join(sys.argv[1], "src")
    paths = tree.files(src, ".c", ".h", ".py", ".txt")
    tree.end(check(paths), f"{len({base(p) for p in paths})} names")


if __name__ == "__main__":
    main()
