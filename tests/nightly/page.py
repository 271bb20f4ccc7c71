#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The page of `wirespan check --html` in a browser without a window (Debian's chromium), in a wide and a narrow one: it
is drawn, nothing is refused by its own policy, and it is not wider than the window. The pictures are for people to look at.

Usage: tests/nightly/page.py [FOLDER]    FOLDER for check.html, wide.png and narrow.png; default build-page"""

import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from lib.network import Reference
from lib.node import need_root
from lib.runner import patience
from lib.wirespan import scratch

# The width of the page, as a browser has it, in an attribute of a page around it.
AROUND = """<!DOCTYPE html><meta charset="utf-8"><body style="margin:0">
<iframe id="page" src="check.html" style="border:0;width:{width}px;height:3000px"></iframe>
<script>onload = () => {{
  const root = document.getElementById("page").contentDocument.documentElement;
  document.body.dataset.width = root.scrollWidth;
  document.body.dataset.circles = root.querySelectorAll("svg.trips circle").length;
  document.body.dataset.drawn = [...root.querySelectorAll("svg")].every(s => s.getBoundingClientRect().height > 10);
}}</script>
"""


def browse(folder, *words):
    """Run the browser. Return: its standard output; raises AssertionError if it reports a problem with the page."""
    result = subprocess.run(
        [
            *("chromium", "--headless", "--no-sandbox", "--disable-gpu", "--allow-file-access-from-files"),
            *("--disable-dev-shm-usage", f"--user-data-dir={folder}/profile", "--enable-logging=stderr", *words),
        ],
        cwd=folder, capture_output=True, text=True, timeout=patience(120), check=True,
    )  # fmt: skip
    problems = [line for line in result.stderr.splitlines() if "CONSOLE" in line]
    assert not problems, problems
    return result.stdout


def main():
    need_root()
    folder = os.path.realpath(sys.argv[1] if len(sys.argv) > 1 else "build-page")
    os.makedirs(folder, exist_ok=True)
    net = Reference()
    net.configure()
    for gateway in net.gateway:
        gateway.up()
    made = os.path.join(scratch(), "check.html")
    near = net.gateway[0]
    near.run("check", "--html", made, near.conf, timeout=60)
    page = os.path.join(folder, "check.html")
    with open(made, encoding="utf-8") as source, open(page, "w", encoding="utf-8") as copy:
        copy.write(source.read())
    for name, width in (("wide", 1200), ("narrow", 400)):
        around = os.path.join(folder, "around.html")
        with open(around, "w", encoding="utf-8") as file:
            file.write(AROUND.format(width=width))
        dom = browse(folder, f"--window-size={width},3000", "--virtual-time-budget=5000", "--dump-dom", f"file://{around}")
        facts = dict(re.findall(r'data-(width|circles|drawn)="(\w+)"', dom))
        picture = os.path.join(folder, f"{name}.png")
        browse(folder, f"--window-size={width},2000", "--hide-scrollbars", f"--screenshot={picture}", f"file://{page}")
        assert facts["drawn"] == "true" and int(facts["circles"]) > 0, facts
        assert int(facts["width"]) <= width, f"{facts['width']} pixels in a window of {width}"
        print(f"{name}: {facts['width']} of {width} pixels, {facts['circles']} round trips, {os.stat(picture).st_size} bytes")


if __name__ == "__main__":
    main()
