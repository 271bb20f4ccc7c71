#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Messages of the commits after the one in tools/commit-rules-since: a subject of at most 65 columns, a blank line, and a
body that is more than trailers. Merges are exempt. Skips without git, and in a clone that does not reach that commit."""
import os
import re
import subprocess
import sys

import tree

SINCE = "tools/commit-rules-since"
SUBJECT_MAX = 65
TRAILER = re.compile(r"[A-Za-z][A-Za-z-]*: \S")


class Unavailable(Exception):
    """The history cannot be checked here; the text is the reason."""


def check_message(name, message):
    """Problems of one commit message; `name` identifies it in reports."""
    subject, *rest = message.rstrip().split("\n")
    problems = []
    if not subject.strip():
        return [f"{name}: no subject"]
    if len(subject) > SUBJECT_MAX:
        problems.append(f"{name}: the subject has {len(subject)} columns, at most {SUBJECT_MAX} are allowed: {subject}")
    if rest and rest[0].strip():
        problems.append(f"{name}: no blank line after the subject: {subject}")
    body = [line for line in rest if line.strip()]
    if all(TRAILER.match(line) for line in body):
        problems.append(f"{name}: no body: state why, and what changes for a user: {subject}")
    return problems


def git(root, *words):
    """The output of a git command, or None if it fails."""
    try:
        run = subprocess.run(["git", "-C", root, *words], capture_output=True, text=True, errors="replace", check=False)
    except OSError as error:
        raise Unavailable(f"git does not run: {error.strerror}") from None
    return run.stdout if run.returncode == 0 else None


def messages(root, since):
    """(abbreviated hash, message) of each commit after `since`, without merges; raises Unavailable."""
    top = git(root, "rev-parse", "--show-toplevel")
    if top is None or os.path.realpath(top.rstrip("\n")) != os.path.realpath(root):
        raise Unavailable("this folder is not a git work tree")
    if git(root, "cat-file", "-e", since + "^{commit}") is None:
        raise Unavailable(f"this clone does not contain commit {since[:12]}")
    if git(root, "merge-base", "--is-ancestor", since, "HEAD") is None:
        raise Unavailable(f"commit {since[:12]} is not an ancestor of this one")
    log = git(root, "log", "--no-merges", "--format=%h%x00%B%x01", f"{since}..HEAD")
    if log is None:
        raise Unavailable("git log fails")
    return [tuple(entry.lstrip("\n").split("\0", 1)) for entry in log.split("\x01") if entry.strip()]


def main():
    root = sys.argv[1]
    since = tree.read(root, SINCE).strip()
    try:
        found = messages(root, since)
    except Unavailable as reason:
        print(f"skipped: {reason}")
        sys.exit(tree.SKIP)
    tree.end([p for name, message in found for p in check_message(name, message)],
             f"{len(found)} commits since {since[:12]}")


if __name__ == "__main__":
    main()
