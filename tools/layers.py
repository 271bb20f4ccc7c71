#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Includes under src/ compared with the table of layers: own folder and lower layers only, own header first, no
cycles, no crossing of the seams in tools/tree.py. Modules (a .c file and its header) of one folder depend on each other
one way only, except as listed in tools/circles-exempt.txt."""
import os
import re
import sys

import headers
import sizes
import tree

EXEMPT = "tools/circles-exempt.txt"
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
    """Cycles of a graph, at least one of each strongly connected part: lists of nodes, the first one again at the
    end."""
    found, done = [], set()

    def visit(node, trail):
        if node in trail:
            found.append(trail[trail.index(node):] + [node])
            return
        if node in done:
            return
        for target in sorted(graph.get(node, ())):
            visit(target, trail + [node])
        done.add(node)

    for node in sorted(graph):
        visit(node, [])
    return found


def seams(graph, table):
    """Problems of includes that cross a seam; `graph` maps a file to what it includes, `table` is as tree.SEAMS."""
    problems = []
    for path in sorted(graph):
        rule = table.get(os.path.dirname(path), {"hidden": ()})
        trails, seen = [[path]], set(rule.get("doors", {}).get(path, ()))
        while trails:
            trail = trails.pop()
            if os.path.dirname(trail[-1]) in rule["hidden"]:
                problems.append(f"src/{path}: a seam hides {trail[-1]} (tools/tree.py): {' -> '.join(trail)}")
                break
            new = [t for t in graph.get(trail[-1], ()) if t not in seen]
            seen.update(new)
            trails += [trail + [t] for t in new]
    return problems


def modules(texts):
    """How the modules of each folder depend on each other: {module: {other module: reasons}}.

    `texts` maps paths to texts. A module is a .c file with its header; a dependency is a call of the other's function
    or an include of its header. A header without a .c file is read as part of what includes it."""
    defined = {}
    for path, text in texts.items():
        if path.endswith(".c"):
            defined.update({(os.path.dirname(path), name): path[:-2] for name, _ in headers.definitions(text)})
    return {path[:-2]: _uses(path[:-2], texts, defined) for path in texts if path.endswith(".c")}


def _uses(module, texts, defined):
    """The modules that `module` depends on, with the reasons; `defined` maps (folder, function) to modules."""
    folder, uses = os.path.dirname(module), {}
    parts = [module + suffix for suffix in (".c", ".h") if module + suffix in texts]
    for part in parts:  # grows
        for _, target in INCLUDE.findall(texts[part]):
            if os.path.dirname(target) != folder or target in parts or target not in texts:
                continue
            if target[:-2] + ".c" in texts:
                uses.setdefault(target[:-2], set()).add(f"includes {target}")
            else:
                parts.append(target)
        words = {m["word"] for m in sizes.TOKEN.finditer(texts[part]) if m["word"]}
        if part.endswith(".h"):  # it may declare functions of several .c files: see tools/shared-headers.txt
            words -= set(headers.PROTOTYPE.findall(headers.COMMENT.sub("", texts[part])))
        for word in words:
            other = defined.get((folder, word))
            if other and other != module:
                uses.setdefault(other, set()).add(f"calls {word}()")
    return uses


def circles(graph, exempt):
    """Problems of a graph as of modules(): circles that remain without the dependencies `exempt`, a list of pairs, and
    pairs that are no part of a circle."""
    def without(pairs):
        return {a: {b: why for b, why in uses.items() if (a, b) not in pairs} for a, uses in graph.items()}

    def leads(rest, start, goal):
        seen, todo = set(), [start]
        while todo:
            node = todo.pop()
            if node not in seen:
                seen.add(node)
                todo += rest.get(node, ())
        return goal in seen

    problems = []
    for trail in cycles(without(exempt)):
        steps = [f"{a} {', '.join(sorted(graph[a][b]))}" for a, b in zip(trail, trail[1:])]
        problems.append(f"circle: {'; '.join(steps)}")
    for a, b in exempt:
        if b not in graph.get(a, ()) or not leads(without([p for p in exempt if p != (a, b)]), b, a):
            problems.append(f"{EXEMPT}: {a} -> {b} is no part of a circle: remove the row")
    return problems


def read_exempt(text):
    """Pairs of modules; the reason, which follows them, is required."""
    rows = [line.split(None, 2) for line in text.splitlines() if line.strip() and not line.startswith("#")]
    for row in rows:
        if len(row) < 3:
            sys.exit(f"{EXEMPT}: no reason given: {' '.join(row)}")
    return [(a, b) for a, b, _ in rows]


def main():
    root = sys.argv[1]
    src = os.path.join(root, "src")
    paths = tree.files(src, ".c", ".h")
    texts = {path: tree.read(src, path) for path in paths}
    problems, graph = [], {}
    for path, text in texts.items():
        problems += check_file(path, text, texts.__contains__)
        graph[path] = [t for kind, t in INCLUDE.findall(text) if kind == '"']
    problems += ["include cycle: " + " -> ".join(trail) for trail in cycles(graph)]
    problems += seams(graph, tree.SEAMS)
    uses = modules({path: text for path, text in texts.items() if not path.endswith("_test.c")})
    exempt = read_exempt(tree.read(root, EXEMPT))
    tree.end(problems + circles(uses, exempt),
             f"{len(paths)} files, {sum(map(len, graph.values()))} includes, {sum(map(len, uses.values()))} dependencies "
             f"inside folders, {len(exempt)} exempt")


if __name__ == "__main__":
    main()
