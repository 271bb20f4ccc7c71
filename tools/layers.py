#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Includes under src/ compared with the table of layers: own folder and lower layers only, own header first, no
cycles."""
import os
import re
import sys

import tree

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(["<])([^">]+)[">]', re.M)


def check_file(path, text, exists):
    """Problems of one file; `path` and its includes are relative to src/, `exists` is a predicate for such paths."""
    problems = []
    folder, name = os.path.split(path)
    includes = INCLUDE.findall(text)
    if folder not in tree.LAYERS:
        return [f"src/{path}: folder {folder!r} is not in the table of layers (tools/tree.py)"]
    for kind, target in includes:
        if kind == "<":
            continue
        other = os.path.dirname(target)
        if not exists(target):
            problems.append(f'src/{path}: "{target}" does not exist; includes are relative to src/')
        elif other not in tree.LAYERS:
            problems.append(f"src/{path}: includes {target} of a folder without a layer")
        elif other != folder and tree.LAYERS[other] >= tree.LAYERS[folder]:
            problems.append(f"src/{path} (layer {tree.LAYERS[folder]}) includes {target} (layer {tree.LAYERS[other]})")
    own = path[:-2] + ".h"
    if name.endswith("_test.c"):
        own = path[:-len("_test.c")] + ".h"
    if name.endswith(".c") and exists(own) and (not includes or includes[0] != ('"', own)):
        problems.append(f'src/{path}: its own header "{own}" does not come first')
    return problems


def cycles(graph):
    """Include cycles among headers of one folder: only the include guards end them."""
    problems, done = [], set()

    def visit(node, trail):
        if node in trail:
            problems.append("include cycle: " + " -> ".join(trail[trail.index(node):] + [node]))
            return
        if node in done:
            return
        for target in graph.get(node, ()):
            visit(target, trail + [node])
        done.add(node)

    for node in sorted(graph):
        visit(node, [])
    return problems


def main():
    src = os.path.join(sys.argv[1], "src")
    paths = tree.files(src, ".c", ".h")
    problems, graph = [], {}
    for path in paths:
        text = tree.read(src, path)
        problems += check_file(path, text, set(paths).__contains__)
        graph[path] = [t for kind, t in INCLUDE.findall(text) if kind == '"']
    tree.end(problems + cycles(graph), f"{len(paths)} files, {sum(map(len, graph.values()))} includes")


if __name__ == "__main__":
    main()
