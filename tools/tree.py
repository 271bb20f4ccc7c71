# SPDX-License-Identifier: MIT
"""Shared by the checks: the project's files, the table of layers, and how a check ends."""
import os
import sys

# A file includes only its own folder and folders of lower layers.
LAYERS = {
    "base": 0,
    "crypto": 1, "pkt": 1,
    "tap": 2, "ether": 2, "gso": 2, "l2tp": 2, "queue": 2, "wg": 2, "udp": 2,
    "path": 3, "capture": 3, "mtu": 3, "netlink": 3, "conf": 3, "ctlproto": 3, "loop": 3,
    "host": 4, "import": 4, "underlay": 4, "driver": 4, "judge": 4, "ctl": 4, "confine": 4,
    "render": 5, "backend": 5, "check": 5,
    "daemon": 6,
    "cli": 7, "exporter": 7,
}

# What the files of a folder must not include, not even through other headers, although the layers would allow it: a
# seam lies between. `doors` names files that may, through the headers given.
SEAMS = {
    "daemon": {
        "hidden": ("tap", "udp", "wg", "path", "driver", "underlay"),  # behind backend/backend.h
        "doors": {"daemon/wg_daemon.c": ("backend/userspace.h", "backend/wgsock.h")},  # no site, but an engine
    },
}

# The folders that a packet passes; the others surround them.
ENGINE = ("base", "crypto", "pkt", "tap", "ether", "gso", "l2tp", "queue", "wg", "udp", "path")

SKIPPED = {".git", "__pycache__", ".cache"}
SKIP = 77  # the exit status that `meson test` reports as skipped


def files(root, *suffixes):
    """Paths under `root`, relative to it, sorted; all of them if no suffix is given. Build folders are skipped."""
    found = []
    for folder, folders, names in os.walk(root):
        folders[:] = [f for f in folders if f not in SKIPPED and not f.startswith("build")]
        for name in names:
            if name not in SKIPPED and (not suffixes or name.endswith(suffixes)):
                found.append(os.path.relpath(os.path.join(folder, name), root))
    return sorted(found)


def read(root, path):
    """A file's text; invalid UTF-8 is replaced."""
    with open(os.path.join(root, path), encoding="utf-8", errors="replace") as f:
        return f.read()


def end(problems, summary):
    """Print the problems and exit: 0 without problems, 1 with."""
    for p in problems:
        print(p)
    print(f"{len(problems)} problem(s); {summary}")
    sys.exit(1 if problems else 0)
