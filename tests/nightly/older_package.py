#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Upgrades from the packages of older commits to that of this tree, of a running site under systemd, amid traffic, and
purges it (tests/package/older.py has the cases). A nightly run: it builds each package.

Usage: tests/nightly/older_package.py [COMMIT...]    default: one whose sites cannot change the program while they run,
and one whose sites can. Needs root, the history of the repository, and what tests/package/ needs. WIRESPAN_PACKAGES names
a folder with the packages of this tree, and a word with a slash in place of COMMIT an older package, if they are built.
"""

import glob
import os
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, ".."), os.path.join(HERE, "..", "package")]
from lib.node import need_root
from lib.runner import Suite, cleanup
from package_test import TOP, boot, build

COMMITS = ("093093e4", "61e81f91")


def older(commit, folder):
    """Build the package of a commit, with a version below ours, in a folder. Return: its path."""
    tree, packages = os.path.join(folder, "tree"), os.path.join(folder, "packages")
    os.mkdir(tree)
    archive = subprocess.run(["git", "archive", commit], cwd=TOP, check=True, stdout=subprocess.PIPE).stdout
    subprocess.run(["tar", "-x", "-C", tree], input=archive, check=True)
    changelog = os.path.join(tree, "debian", "changelog")
    with open(changelog, encoding="utf-8") as file:
        text = file.read()
    with open(changelog, "w", encoding="utf-8") as file:
        file.write(re.sub(r"^wirespan \(.*?\)", f"wirespan (0.9~{commit})", text, count=1))
    build(packages, tree)
    (package,) = glob.glob(f"{packages}/wirespan_*.deb")
    return package


def upgrade(now, commit):
    with tempfile.TemporaryDirectory() as folder:
        boot(now, "", "older.py", commit if "/" in commit else older(commit, folder))


def main():
    need_root()
    commits, sys.argv[1:] = sys.argv[1:] or COMMITS, []
    suite = Suite("older_package")
    now = os.environ.get("WIRESPAN_PACKAGES") or cleanup.enter_context(tempfile.TemporaryDirectory())
    if os.environ.get("WIRESPAN_PACKAGES") or suite.setup("the package builds", build, now):
        for commit in commits:
            suite.run(f"from {commit}", upgrade, now, commit)
    suite.finish()


if __name__ == "__main__":
    main()
