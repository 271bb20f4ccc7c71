#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Completion of command lines by bash: verbs, options and sites; and that all three shells can read their file."""

import os
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from lib.runner import Skip, Suite
from lib.wirespan import find_binary, scratch

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "dist", "completion")
SITES = ("up", "down", "reload", "upgrade", "status", "top", "metrics", "check", "capture", "report", "mtu", "validate", "script")


class Bench:
    """Two sites with a file, one that runs from a file elsewhere, and a file beside."""

    def __init__(self):
        self.binary = find_binary()
        self.folder = scratch()
        for name in ("etc/tokyo.conf", "etc/osaka.conf", "etc/notes.txt", "etc/$(touch x).conf", "run/kyoto.sock", "here/other.conf", "here/notes"):
            path = os.path.join(self.folder, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            open(path, "w").close()

    def complete(self, *words):
        """Return: what bash offers for the last of these words."""
        script = f"""
. "{FOLDER}/wirespan.bash"
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
_wirespan 2>&1
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
        environment = {
            **os.environ, "WIRESPAN_CONFDIR": f"{self.folder}/etc", "WIRESPAN_RUNDIR": f"{self.folder}/run",
        }  # fmt: skip
        result = subprocess.run(
            ["bash", "-c", script, "bash", self.binary, *words],
            capture_output=True, text=True, timeout=120, env=environment, cwd=f"{self.folder}/here",
        )  # fmt: skip
        assert result.returncode == 0 and result.stderr == "", result
        return sorted(filter(None, result.stdout.split("\n")))

    def help(self, *words):
        return subprocess.run([self.binary, "help", *words], capture_output=True, text=True, timeout=120).stdout


def verbs(bench):
    table = [line.split()[1] for line in bench.help().splitlines() if line.startswith("  wirespan ") and "--" not in line]
    verbs = [verb for verb in table if verb != "VERB"]
    assert len(verbs) > 10
    assert bench.complete("") == sorted([*verbs, "help", "version"])
    assert bench.complete("va") == ["validate"]
    assert bench.complete("help", "gen") == ["genkey", "genpsk"]
    assert bench.complete("frob") == []


def options(bench):
    assert bench.complete("up", "--") == ["--detach", "--help", "--verbose"]
    assert bench.complete("up", "--v") == ["--verbose"]
    assert bench.complete("up", "tokyo", "--d") == ["--detach"]
    assert "--site" in bench.complete("init", "--")
    assert bench.complete("genkey", "--") == ["--help"]


def sites(bench):
    missing = [verb for verb in SITES if f"wirespan {verb} " not in bench.help()]
    assert missing in ([], ["top"]), missing  # top is only there with ncurses
    for verb in SITES:
        assert bench.complete(verb, "t") == ["tokyo"], verb
        assert bench.complete(verb, "") == ["kyoto", "osaka", "other.conf", "tokyo"], verb
    assert bench.complete("up", "-v", "o") == ["osaka", "other.conf"]
    assert bench.complete("capture", "-w", "n") == ["notes"]
    assert bench.complete("capture", "--count", "") == []
    assert bench.complete("genkey", "t") == []
    assert not os.path.exists(f"{bench.folder}/here/x"), "a file's name was run as a command"


def syntax(name, shell):
    if not shutil.which(shell):
        raise Skip(f"{shell} is not installed")
    result = subprocess.run([shell, "-n", os.path.join(FOLDER, name)], capture_output=True, text=True, timeout=120)
    assert result.returncode == 0 and result.stderr == "", result


def main():
    suite = Suite("completion")
    if suite.setup("binary", find_binary):
        bench = Bench()
        suite.run("verbs", verbs, bench)
        suite.run("options", options, bench)
        suite.run("sites", sites, bench)
        for name, shell in (("wirespan.bash", "bash"), ("_wirespan", "zsh"), ("wirespan.fish", "fish")):
            suite.run(f"{shell} reads its file", syntax, name, shell)
    suite.finish()


if __name__ == "__main__":
    main()
