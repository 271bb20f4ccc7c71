#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Comments of C files: no line is longer than 100 columns; a comment of one paragraph closes on its last line of text;
each function that a comment names with `()` exists in the code or in the Linux source that the comment cites."""
import re
import sys

import prose
import tree

FUNCTION = re.compile(r"\b([a-z][a-z0-9_]*)\(\)")
IDENTIFIER = re.compile(r"\b[A-Za-z_]\w*\b")
CITED = "Source: Linux"
COLUMNS = 100  # as .clang-format, which leaves comments alone
TAB = 8


def identifiers(text):
    """The names in a C file outside its comments and literals."""
    return set(IDENTIFIER.findall(prose.C_TOKEN.sub(" ", text)))


def check_file(path, text, names):
    """`names` are the identifiers of all C files."""
    problems = []
    lines = text.split("\n")
    for line, kind, comment in prose.pieces(path, text):
        if kind != "comment":
            continue
        rows = comment.split("\n")
        problems += [f"{path}:{at}: longer than {COLUMNS} columns" for at in range(line, line + len(rows))
                     if len(lines[at - 1].expandtabs(TAB)) > COLUMNS]
        starts_inline = rows[0].strip() not in ("/*", "/**")
        if len(rows) > 1 and starts_inline and rows[-1].strip() == "*/" and not any(r.strip() == "*" for r in rows):
            problems.append(f"{path}:{line + len(rows) - 1}: `*/` stands alone; close the comment after its last word")
        if CITED not in comment:
            problems += [f"{path}:{line}: the comment names {name}(), which is not in the code"
                         for name in FUNCTION.findall(comment) if name not in names]
    return problems


def main():
    root = sys.argv[1]
    texts = {path: tree.read(root, path) for path in tree.files(root, ".c", ".h")}
    names = set().union(*map(identifiers, texts.values()))
    problems = [p for path, text in texts.items() for p in check_file(path, text, names)]
    tree.end(problems, f"{len(texts)} files, {len(names)} names")


if __name__ == "__main__":
    main()
