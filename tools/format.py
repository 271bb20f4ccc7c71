#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Whether clang-format would leave every C file unchanged."""
import os
import shutil
import subprocess
import sys

import tree


def main():
    root = sys.argv[1]
    program = shutil.which("clang-format-14") or shutil.which("clang-format")
    if not program:
        print("skipped: clang-format is not installed")
        sys.exit(tree.SKIP)
    paths = tree.files(root, ".c", ".h")
    run = subprocess.run([program, "--dry-run", "-Werror", "--ferror-limit=2"] + paths, cwd=root, text=True,
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    found = sorted({line.split(":")[0] for line in run.stdout.splitlines() if "-Wclang-format-violations" in line})
    if run.returncode and not found:
        print(run.stdout)
        sys.exit(1)
    tree.end([f"{p}: layout differs from clang-format's; run: clang-format -i {p}" for p in found],
             f"{len(paths)} files, {os.path.basename(program)}")


if __name__ == "__main__":
    main()
