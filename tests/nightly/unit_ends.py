#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Ends of the confined engine under the supplied unit, where systemd starts the next one, many in a row amid TCP
(tests/package/ends.py has the case).

Usage: tests/nightly/unit_ends.py [COUNT]    default: 20, which take a minute and the time to build the package. Needs
root, and what tests/package/ needs. WIRESPAN_PACKAGES names a folder with the packages, if they are built.
"""

import os
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, ".."), os.path.join(HERE, "..", "package")]
from lib.node import need_root
from lib.runner import Suite, cleanup
from package_test import boot, build


def main():
    need_root()
    count, sys.argv[1:] = (sys.argv[1:] or ["20"])[0], []
    suite = Suite("unit_ends")
    packages = os.environ.get("WIRESPAN_PACKAGES") or cleanup.enter_context(tempfile.TemporaryDirectory())
    if os.environ.get("WIRESPAN_PACKAGES") or suite.setup("the package builds", build, packages):
        suite.run("ends under systemd", boot, packages, count, "ends.py")
    suite.finish()


if __name__ == "__main__":
    main()
