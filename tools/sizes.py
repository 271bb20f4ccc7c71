#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The largest files and functions; fails at more than 800 lines per file or 80 per function."""
import ast
import re
import statistics
import sys

import tree

FILE_MAX = 800
FUNCTION_MAX = 80

# Tokens: first those that may contain a brace (comments, literals, directives), then identifiers and punctuation.
TOKEN = re.compile(r"""
      (?P<hidden> /\*.*?\*/ | //[^\n]* | "(?:\\.|[^"\\\n])*" | '(?:\\.|[^'\\\n])*' | ^[ \t]*\#(?:\\\n|[^\n])* )
    | (?P<word> [A-Za-z_]\w* )
    | (?P<mark> [{}();=] )
""", re.X | re.S | re.M)
COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.S)
INCLUDE = re.compile(r'^#include "([^"]+)"', re.M)
NOT_A_NAME = {"__attribute__", "_Static_assert", "static_assert", "_Alignas", "__extension__", "if", "while", "for"}


def c_functions(text):
    """(name, lines, first line) of each function defined in `text`, from its signature to its closing brace."""
    found = []
    depth = parens = 0
    start = name = last_word = last = None
    assigned = False
    line, at = 1, 0
    for m in TOKEN.finditer(text):
        line += text.count("\n", at, m.start())
        at = m.start()
        if m["hidden"]:
            continue
        if depth == 0 and start is None and m[0] != ";":
            start = line
        if m["word"]:
            last_word = m[0]
        elif depth == 0 and m[0] == "(":
            if parens == 0 and name is None and last_word not in NOT_A_NAME:
                name = last_word
            parens += 1
        elif depth == 0 and m[0] == ")":
            parens -= 1
        elif depth == 0 and m[0] == "=":
            assigned = True
        elif m[0] == "{":
            if depth == 0:
                body = last == ")" and not assigned and name
            depth += 1
        elif m[0] == "}":
            depth -= 1
            if depth == 0 and body:
                found.append((name, line - start + 1, start))
                start = name = None
        if depth == 0 and parens == 0 and m[0] == ";":
            start = name = None
            assigned = False
        last = m[0]
    return found


def python_functions(text):
    return [(n.name, n.end_lineno - n.lineno + 1, n.lineno) for n in ast.walk(ast.parse(text))
            if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef))]


def by_folder(texts):
    """Lines of code for each folder of src/, without blank lines, comments and tests; `texts` maps paths to texts. A
    header that only tests include is a test's."""
    def is_test(path):
        name = path.rsplit("/", 1)[-1]
        return name.endswith("_test.c") or name.startswith("test_")

    included = set()
    for path, text in texts.items():
        if path.startswith("src/") and not is_test(path):
            included.update("src/" + h for h in INCLUDE.findall(text))
    folders = {}
    for path, text in texts.items():
        if not path.startswith("src/") or not path.endswith((".c", ".h")) or is_test(path):
            continue
        if path.endswith(".h") and path not in included:
            continue
        folder = path.split("/")[1]
        code = COMMENT.sub("", text)
        folders[folder] = folders.get(folder, 0) + sum(1 for line in code.split("\n") if line.strip())
    return folders


def print_folders(folders):
    """The lines of code by folder, and the sums of the engine and of the rest."""
    print("lines of code, without blank lines, comments and tests")
    for folder in sorted(folders, key=lambda f: (tree.LAYERS.get(f, 99), f)):
        print(f"  {folders[folder]:5} {folder}/")
    engine = sum(n for folder, n in folders.items() if folder in tree.ENGINE)
    print(f"  {engine:5} engine ({', '.join(tree.ENGINE)})")
    print(f"  {sum(folders.values()) - engine:5} the rest")


def main():
    root = sys.argv[1]
    problems, sizes, functions, texts = [], [], [], {}
    for path in tree.files(root, ".c", ".h", ".py", ".sh"):
        text = texts[path] = tree.read(root, path)
        sizes.append((text.count("\n"), path))
        parse = {"c": c_functions, "h": c_functions, "py": python_functions}.get(path.rsplit(".", 1)[1])
        functions += [(lines, f"{path}:{at}: {name}") for name, lines, at in (parse(text) if parse else [])]
    problems += [f"{path}: {n} lines, the stop is {FILE_MAX}" for n, path in sizes if n > FILE_MAX]
    problems += [f"{where}(): {n} lines, the stop is {FUNCTION_MAX}" for n, where in functions if n > FUNCTION_MAX]
    for title, rows in (("largest files", sizes), ("largest functions", functions)):
        print(title)
        for n, what in sorted(rows, reverse=True)[:10]:
            print(f"  {n:5} {what}")
    print_folders(by_folder(texts))
    lengths = sorted(n for n, _ in functions)
    tree.end(problems, f"{len(sizes)} files; {len(lengths)} functions, median {statistics.median(lengths):.0f} lines, "
             f"90th percentile {lengths[len(lengths) * 9 // 10]}")


if __name__ == "__main__":
    main()
