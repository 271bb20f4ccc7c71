#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Pure objects: every undefined symbol is in tools/pure-symbols.txt or defined by another pure object, and there is no
mutable static state.

Layers 0 to 3 are pure except the files in tools/impure-files.txt; layers above make system calls, except the
judgement of a check.
"""
import fnmatch
import glob
import os
import re
import subprocess
import sys

import tree

PURE_LAYERS = range(0, 4)
PURE_ABOVE = ("backend/engine_message.c", "confine/filter.c", "confine/rules.c", "judge/*.c", "underlay/dns_policy.c", "underlay/dns_retry.c", "underlay/route_cache.c")
# Sections that are constant once the program runs.
CONSTANT = re.compile(r"^\.(text|rodata|data\.rel\.ro|init|fini|eh_frame|note|comment|debug|group|gnu|llvm)")
ROW = re.compile(r"^[0-9a-f]+ (?P<flags>.{7}) (?P<section>\S+)\t[0-9a-f]+\s+(?:\.hidden )?(?P<name>\S+)$", re.M)


def table(root, name, columns):
    """Rows of a text file: `columns` words and then the reason, which is required."""
    rows = []
    for line in tree.read(root, "tools/" + name).splitlines():
        if line.strip() and not line.startswith("#"):
            words = line.split(None, columns)
            if len(words) <= columns:
                sys.exit(f"tools/{name}: no reason given: {line}")
            rows.append(words)
    return rows


def symbols(obj):
    """(undefined, defined global, mutable) names of an object file."""
    dump = subprocess.run(["objdump", "-t", obj], stdout=subprocess.PIPE, text=True, check=True).stdout
    undefined, defined, mutable = set(), set(), set()
    for m in ROW.finditer(dump):
        flags, section, name = m["flags"], m["section"], m["name"]
        if section == "*UND*":
            undefined.add(name)
        elif "d" in flags or "f" in flags or section in ("*ABS*",):
            continue  # names of sections and of files
        else:
            if flags[0] in "gu!" or flags[1] == "w":
                defined.add(name)
            if section == "*COM*" or not CONSTANT.match(section):
                mutable.add(f"{name} in {section}")
    return undefined, defined, mutable


def allowed(symbol, folder, rows):
    return any(fnmatch.fnmatchcase(symbol, glob_) and (where == "*" or folder in where.split(","))
               for glob_, where, _ in rows)


def objects_of(build, path):
    """Object files of a source file in the libraries of a build folder."""
    folder, name = os.path.split(path)
    return glob.glob(os.path.join(glob.escape(build), "src", folder, "*.a.p", name + ".o"))


def main():
    root, build = sys.argv[1:3]
    rows = table(root, "pure-symbols.txt", 2)
    impure = table(root, "impure-files.txt", 1)
    problems, objects = [], {}
    for path in tree.files(os.path.join(root, "src"), ".c"):
        folder = os.path.dirname(path)
        above = any(fnmatch.fnmatchcase(path, pattern) for pattern in PURE_ABOVE)
        if path.endswith("_test.c") or os.path.basename(path).startswith("test_"):
            continue
        if tree.LAYERS.get(folder) not in PURE_LAYERS and not above:
            continue
        if any(fnmatch.fnmatchcase(path, pattern) for pattern, _ in impure):
            continue
        found = objects_of(build, path)
        if not found:
            print(f"src/{path}: in no library of this build, not looked at")
        for obj in found:
            objects[obj] = (path, folder) + symbols(obj)
    if not objects:
        sys.exit("no object files found: build first")
    ours = set().union(*(o[3] for o in objects.values()))
    for path, folder, undefined, _, mutable in objects.values():
        problems += [f"src/{path}: uses {s}, which is neither pure nor in tools/pure-symbols.txt for {folder}/"
                     for s in sorted(undefined - ours) if not allowed(s, folder, rows)]
        problems += [f"src/{path}: mutable static state: {s}" for s in sorted(mutable)]
    tree.end(problems, f"{len(objects)} pure objects, {len(impure)} patterns of impure files")


if __name__ == "__main__":
    main()
