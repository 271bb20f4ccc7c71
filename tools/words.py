#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What every file contains and what none may: a licence line and a statement of purpose; no path or host of a developer;
in comments, string literals and documents, no word of tools/glossary.txt (exempt: tools/words-exempt.txt). Such words in
names are listed, but are no failure."""
import re
import sys

import prose
import tree

# Written so that this file does not match itself.
FORBIDDEN = [
    (re.compile(r"(?<![\w.])/(?:wor[k]|hom[e]|User[s])/\w"), "a path of a developer's host"),
    (re.compile(r"deb\.debian\.or[g]|security\.debian\.or[g]|pyp[i]\.org|pythonhoste[d]\.org|registry\.npmj[s]"),
     "a package registry's host"),
]
LICENCE = "SPDX-License-Identifier: MIT"
PURPOSE = re.compile(r"/\* SPDX-License-Identifier: MIT \*/\n/\*\s*\S.{10,}")
GLOSSARY = "tools/glossary.txt"
EXEMPT = "tools/words-exempt.txt"
ESCAPE = re.compile(r"\\[nt]")
PARTS = re.compile(r"_+|(?<=[a-z0-9])(?=[A-Z])")  # of a name
GAP = r"[\s*#]+"  # blanks, and the margin of a comment
NOTHING = r"(?!)"  # matches nowhere


def wants_licence(path, text):
    name = path.rsplit("/", 1)[-1]
    return name.endswith((".c", ".h", ".py", ".sh", ".scd")) or name == "meson.build" or text.startswith("#!")


def check_file(path, text):
    """Problems of one file, except words of the glossary."""
    problems = []
    if wants_licence(path, text) and LICENCE not in "\n".join(text.split("\n", 3)[:3]):
        problems.append(f"{path}:1: no licence line ({LICENCE})")
    elif path.endswith((".c", ".h")) and not PURPOSE.match(text):
        problems.append(f"{path}:2: the line after the licence does not state the file's responsibility")
    for number, line in enumerate(text.split("\n"), 1):
        problems += [f"{path}:{number}: {why}: {line.strip()[:80]}" for pattern, why in FORBIDDEN if pattern.search(line)]
    return problems


def rows(text):
    """The lines of a table without comments and blank lines."""
    return [line for line in text.splitlines() if line.strip() and not line.startswith("#")]


def read_glossary(text):
    """A pattern that finds any word, for speed; and (pattern, term) of each row, whose group "allowed" matches the row's
    exceptions."""
    glossary, all_words = [], []
    for row in rows(text):
        pattern, term, *rest = re.split(r"\s{2,}", row)
        phrases = [p.strip() for p in " ".join(rest).removeprefix("except").split(",") if p.strip()]
        before = "|".join(p.removesuffix(" ~") for p in phrases if p.endswith(" ~")) or NOTHING
        after = "|".join(p.removeprefix("~ ") for p in phrases if p.startswith("~ ")) or NOTHING
        word = rf"(?<![\w-])(?:{pattern})(?![\w-])"
        all_words.append(pattern)
        glossary.append((re.compile(rf"(?P<allowed>\b(?:{before}){GAP}{word}|{word}{GAP}(?:{after})\b)|{word}", re.I), term))
    return re.compile(rf"\b(?:{'|'.join(all_words)})\b", re.I), glossary


def check_words(path, text, glossary):
    """Words of the glossary in the comments, literals and documents of one file."""
    return find_words(path, [(line, ESCAPE.sub("  ", piece)) for line, _, piece in prose.pieces(path, text)], glossary)


def check_names(path, text, glossary):
    """Words of the glossary in the names of one file."""
    return find_words(path, [(line, PARTS.sub(" ", name)) for line, name in prose.names(path, text)], glossary)


def find_words(path, pieces, glossary):
    problems = []
    any_word, glossary = glossary
    for line, piece in pieces:
        for pattern, term in glossary if any_word.search(piece) else ():
            for match in pattern.finditer(piece):
                if match["allowed"]:
                    continue
                at = line + piece.count("\n", 0, match.start())
                problems.append(f'{path}:{at}: "{match[0]}": write {term}')
    return problems


def is_under(path, folders):
    return any(path == folder or path.startswith(folder + "/") for folder in folders)


def main():
    root = sys.argv[1]
    problems, in_names = [], []
    glossary = read_glossary(tree.read(root, GLOSSARY))
    exempt = rows(tree.read(root, EXEMPT))
    used = set()
    paths = [p for p in tree.files(root) if not p.startswith("fuzz/corpus/")]
    for path in paths:
        text = tree.read(root, path)
        problems += check_file(path, text)
        in_names += check_names(path, text, glossary)
        found = check_words(path, text, glossary) if path != GLOSSARY else []
        if is_under(path, exempt):
            used.update(folder for folder in exempt if found and is_under(path, [folder]))
        else:
            problems += found
    for folder in exempt:
        if folder not in used:
            print(f"{EXEMPT}: {folder} has no word of the glossary any more: remove its line")
    for name in in_names:
        print(f"{name}, in a name")
    tree.end(problems, f"{len(paths)} files, {len(glossary[1])} rows in the glossary, {len(exempt)} exempt")


if __name__ == "__main__":
    main()
