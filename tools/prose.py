# SPDX-License-Identifier: MIT
"""The parts of a file that people read: comments, string literals, documentation; and names."""
import io
import re
import tokenize

C_TOKEN = re.compile(r"""(?P<comment>/\*.*?\*/|//[^\n]*)|(?P<string>"(?:\\.|[^"\\\n])*")|'(?:\\.|[^'\\\n])+'""", re.S)
SHELL_TOKEN = re.compile(r"""(?P<comment>(?:^|(?<=\s))\#[^\n]*)|(?P<string>"(?:\\.|[^"\\])*"|'[^']*')""", re.M)
DOCUMENT = (".md", ".scd", ".txt", ".conf", ".service", "NEWS")


def _matches(pattern, text):
    for m in pattern.finditer(text):
        if m["comment"] or m["string"]:
            yield text.count("\n", 0, m.start()) + 1, "comment" if m["comment"] else "string", m[0]


def _python(text):
    kinds = {tokenize.COMMENT: "comment", tokenize.STRING: "string"}
    if hasattr(tokenize, "FSTRING_MIDDLE"):  # since Python 3.12
        kinds[tokenize.FSTRING_MIDDLE] = "string"
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type in kinds:
            yield token.start[0], kinds[token.type], token.string


def _c_names(text):
    """Names in C, except members after . and ->, which have been declared."""
    code = C_TOKEN.sub(lambda m: "\n" * m[0].count("\n"), text)
    for m in re.finditer(r"(?<![\w.>])[A-Za-z_]\w*", code):
        yield code.count("\n", 0, m.start()) + 1, m[0]


def _python_names(text):
    """Names in Python, except attributes, which another module may have named."""
    before = ""
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.NAME and before != ".":
            yield token.start[0], token.string
        before = token.string


def names(path, text):
    """(line, name) of the first use of each name in a C or Python file."""
    found = _c_names(text) if path.endswith((".c", ".h")) else _python_names(text) if path.endswith(".py") else ()
    first = {}
    for line, name in found:
        first.setdefault(name, line)
    return [(line, name) for name, line in first.items()]


def pieces(path, text):
    """(line, kind, text) of each comment ("comment"), literal ("string") and document ("document") in the file."""
    name = path.rsplit("/", 1)[-1]
    if name.endswith((".c", ".h")):
        return list(_matches(C_TOKEN, text))
    if name.endswith(".py"):
        return list(_python(text))
    if name.endswith(".sh") or name in ("meson.build", "meson_options.txt") or text.startswith("#!"):
        return list(_matches(SHELL_TOKEN, text))
    if name.endswith(DOCUMENT):
        return [(1, "document", text)]
    return []
