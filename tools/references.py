#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What the documents (*.md) refer to: every path of this repository in a code span, code block or link exists, and
doc/debugging.md lists every environment variable that the code reads, and no other."""
import fnmatch
import re
import sys

import tree

VARIABLES_IN = "doc/debugging.md"
SOURCE = (".c", ".h", ".py", ".sh", ".scd", ".md", ".txt", ".conf")
BASES = ("", "src/", "tests/")  # `wg/device.c` is src/wg/device.c
PLACEHOLDER = re.compile(r"(?<![A-Za-z])NAME(?![A-Za-z])")
FENCE = re.compile(r"^(?:```|~~~)")
SPAN = re.compile(r"(`+)(.+?)\1(?!`)", re.S)
ROW = re.compile(r"^\| ((?:`[A-Z_]+`(?:, )?)+) \|", re.M)
INHERITED = {"PATH"}  # read by the C library
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
PATH = re.compile(r"[\w.@*-]+(?:/[\w.@*-]+)*/?")
GETENV = (re.compile(r'\bgetenv\("(\w+)"\)'), re.compile(r'\binherited\("(\w+)"'),
          re.compile(r'\bos\.environ(?:\.get\(|\[)"(WIRESPAN\w*)"'))


def split(text):
    """(line, text) of each line of a code block, indented or fenced, and (line, text) of the other lines."""
    code, prose, fenced, blank = [], [], False, True
    for number, line in enumerate(text.split("\n"), 1):
        if FENCE.match(line.lstrip()):
            fenced = not fenced
        elif fenced or (line.startswith("    ") and blank):
            code.append((number, line))
            continue
        else:
            prose.append((number, line))
        blank = not line.strip()
    return code, prose


def references(text):
    """(line, words, strict): the words of each code span (strict: a bare file name counts, too) and code block; and
    (line, [target], None) of each link."""
    code, prose = split(text)
    found = [(number, line.split(), False) for number, line in code]
    whole = {number: line for number, line in prose}
    last = max(whole, default=0)
    joined = "\n".join(whole.get(n, "") for n in range(1, last + 1))
    for m in SPAN.finditer(joined):
        found.append((joined.count("\n", 0, m.start()) + 1, m[2].split(), True))
    for m in LINK.finditer(SPAN.sub(lambda s: " " * len(s[0]), joined)):
        found.append((joined.count("\n", 0, m.start()) + 1, [m[1]], None))
    return found


class Tree:
    """The paths of the repository: files and their folders."""

    def __init__(self, files):
        self.paths = set(files)
        for path in files:
            while "/" in path:
                path = path.rsplit("/", 1)[0]
                self.paths.add(path)
        self.names = {p.rsplit("/", 1)[-1] for p in files}
        self.tops = {p.split("/", 1)[0] for p in files if "/" in p}
        self.tops |= {p.split("/")[1] for p in files if p.startswith(("src/", "tests/")) and p.count("/") > 1}

    def has(self, path, bases):
        """Whether the path, or the source of the program of that name, is below one of the folders `bases`."""
        pattern = PLACEHOLDER.sub("*", path.rstrip("/"))
        if "*" not in pattern:
            program = pattern.replace("-", "_") + ".c"
            return any(base + name in self.paths for base in bases for name in (pattern, program))
        return any(fnmatch.fnmatchcase(p, base + pattern) for base in bases for p in self.paths)

    def has_name(self, word):
        """Whether a file anywhere has this name."""
        return any(fnmatch.fnmatchcase(name, word) for name in self.names)


def is_path(word, found, strict):
    """Whether a word is meant as a path of this repository."""
    if "/" in word:
        return word.split("/", 1)[0] in found.tops
    return bool(strict) and word.endswith(SOURCE) and not word.startswith((".", "*", "_")) and not PLACEHOLDER.search(word)


def check_document(path, text, found):
    """Paths of one document that do not exist."""
    folder = path.rsplit("/", 1)[0] + "/" if "/" in path else ""
    problems = []
    for line, words, strict in references(text):
        for word in words:
            if strict is None:
                if "://" not in word and not found.has(normal(folder + word), ("",)):
                    problems.append(f"{path}:{line}: the link leads to {word}, which does not exist")
                continue
            word = word.strip("\"'(),;:").removeprefix("./").rstrip(".")
            if not PATH.fullmatch(word) or not is_path(word, found, strict):
                continue
            if not found.has(word, (*BASES, folder)) and not found.has_name(word):
                problems.append(f"{path}:{line}: {word} does not exist")
    return problems


def normal(path):
    """The path without "." and ".."."""
    parts = []
    for part in path.split("/"):
        if part == ".." and parts:
            parts.pop()
        elif part not in ("", "."):
            parts.append(part)
    return "/".join(parts)


def check_variables(texts, document):
    """Environment variables that `texts`, {path: text}, read and that the document does not have in a code span."""
    listed = {word.split("=")[0] for _, words, strict in references(document) if strict for word in words}
    problems = []
    for path, text in sorted(texts.items()):
        for name in sorted({m for pattern in GETENV for m in pattern.findall(text)} - listed):
            problems.append(f"{path}: reads ${name}, which {VARIABLES_IN} does not list")
    read = "\n".join(texts.values())
    for name in re.findall(r"[A-Z_]+", " ".join(ROW.findall(document))):
        if name not in INHERITED and f'"{name}"' not in read:
            problems.append(f"{VARIABLES_IN}: lists ${name}, which nothing reads")
    return problems


def main():
    root = sys.argv[1]
    files = tree.files(root)
    found = Tree(files)
    documents = [p for p in files if p.endswith(".md")]
    problems = [p for path in documents for p in check_document(path, tree.read(root, path), found)]
    code = {p: tree.read(root, p) for p in files if p.endswith((".c", ".py")) and not p.startswith("tools/")}
    problems += check_variables(code, tree.read(root, VARIABLES_IN))
    tree.end(problems, f"{len(documents)} documents, {len(code)} files that may read the environment")


if __name__ == "__main__":
    main()
