# SPDX-License-Identifier: MIT
"""The defaults of every key, as wirespan.conf(5) documents them."""

import os
import re

_PAGE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "doc", "wirespan.conf.5.scd")

# Defaults that depend on the rest of the file, in a file of one session and one bridge.
COMPUTED = {("L2TPSession", "Name"): "l2tpeth0", ("L2TPSession", "Bridge"): "br-l2tp0"}


def entries():
    """Return: [(section, [key, ...], text)] of the page, in its order."""
    with open(_PAGE) as file:
        page = file.read()
    found = []
    for section, body in re.findall(r"^# \[(\w+)\] SECTION\n(.*?)(?=^# )", page, re.M | re.S):
        for head, text in re.findall(r"^(\*[A-Za-z0-9].*)\n((?:\n?\t.*\n)+)", body, re.M):
            found.append((section, re.findall(r"\*([A-Za-z0-9]+)\*", head.split("=")[0] + head_keys(head)), text))
    return found


def head_keys(head):
    """Keys that follow in the same line, as in "*A* = _X_, *B* = _X_"."""
    return "".join(re.findall(r", (\*[A-Za-z0-9]+\*) =", head.partition("=")[2]))


def words():
    """Return: [(section, [key, ...], [word, ...])]: the words that may be the value of these keys."""
    found = []
    with open(_PAGE) as file:
        page = file.read()
    for section, body in re.findall(r"^# \[(\w+)\] SECTION\n(.*?)(?=^# )", page, re.M | re.S):
        for key, values in re.findall(r"^\*([A-Za-z0-9]+)\* = (.*\*.*)\n\t", body, re.M):
            if f"*, *" not in values and " = " not in values:
                found.append((section, [key], re.findall(r"\*([a-z]+)\*", values)))
    return found


def documented():
    """Return: {(section, key): default}; None is a key that is required, or has no value that means its absence."""
    table = {}
    for section, keys, text in entries():
        stated = re.findall(r"\b(Required|Default:\s+(\S+?)[.,:;]*(?=\s))", text)
        assert len(stated) == 1, f"[{section}] {keys}: one default, or Required, is needed: {stated}"
        value = stated[0][1]
        for key in keys:
            if not value or value == "_none_":
                table[section, key] = None
            elif value == "_empty_":
                table[section, key] = ""
            elif re.fullmatch(r"\*[^*_]+\*", value):
                table[section, key] = value.strip("*")
            else:
                assert (section, key) in COMPUTED, f"[{section}] {key}: what is the default {value}?"
                table[section, key] = COMPUTED[section, key]
    return table


def sections(text):
    """Return: [(section, [line, ...])] of a file."""
    found = []
    for line in text.splitlines():
        if line.startswith("["):
            found.append((line.strip("[]"), []))
        elif found and line:
            found[-1][1].append(line)
    return found


def strip(text, table):
    """Return: the file without the keys that have their default value."""
    out = []
    for section, lines in sections(text):
        out.append(f"[{section}]")
        for line in lines:
            key, value = (word.strip() for word in line.split("=", 1))
            if table.get((section, key)) != value:
                out.append(line)
    return "\n".join(out) + "\n"


def write_out(text, table, only=None):
    """Return: the file with the default (of `only`, a (section, key), or of all) written out wherever a section
    does not have the key."""
    out = []
    for section, lines in sections(text):
        out += [f"[{section}]", *lines]
        has = {line.split("=", 1)[0].strip() for line in lines}
        for (of, key), value in table.items():
            if of == section and value is not None and key not in has and only in (None, (of, key)):
                out.append(f"{key} = {value}")
    return "\n".join(out) + "\n"
