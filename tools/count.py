#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Counts test cases, not programs, in meson's JSON logs and in files with CASE lines. Prints a table, the failures by
name, and as its last line `N passed, N failed, N skipped`; exits with 1 if a case failed or none passed.

Usage: count.py FILE..., each a meson-logs/*.json or any other file with CASE lines.
       count.py --failed FILE.json    print the names of the programs that failed

A program's results in NAME-again.json replace those in NAME.json; its first failures are listed as "again".
"""
import json
import os
import re
import sys

CASE = re.compile(r"^CASE (PASS|FAIL|SKIP) (.*)$", re.M)
# cmocka's closing lines.
CMOCKA = {"PASS": re.compile(r"^\[  PASSED  \] (\d+) test\(s\)\.", re.M),
          "FAIL": re.compile(r"^\[  FAILED  \] (\d+) test\(s\)", re.M),
          "SKIP": re.compile(r"^\[  SKIPPED \] (\d+) test\(s\)", re.M)}
CMOCKA_FAILED = re.compile(r"^\[  FAILED  \] (\D\S*)$", re.M)
# Python's unittest.
UNITTEST = re.compile(r"^Ran (\d+) tests? in ", re.M)
MESON = {"OK": "PASS", "SKIP": "SKIP", "EXPECTEDFAIL": "PASS"}


class Tally:
    def __init__(self):
        self.count = {"PASS": 0, "FAIL": 0, "SKIP": 0}
        self.named = []

    def add(self, kind, n=1, name=None):
        self.count[kind] += n
        if name and kind != "PASS" and n:
            self.named.append((kind, name))

    def line(self):
        return f"{self.count['PASS']} passed, {self.count['FAIL']} failed, {self.count['SKIP']} skipped"


def cases(text, tally, prefix=""):
    """Count CASE lines. Return: whether there were any."""
    found = CASE.findall(text)
    for kind, name in found:
        tally.add(kind, 1, name if name.startswith(prefix) else prefix + name)
    return bool(found)


def program(test, tally):
    """Count one test program of a meson log: by its own case results, else as one case."""
    name = test["name"].split(" / ")[-1]
    text = test.get("stdout", "") + "\n" + test.get("stderr", "")
    verdict = MESON.get(test["result"], "FAIL")
    failed_before = tally.count["FAIL"]
    ran = UNITTEST.search(text)
    counted = {k: sum(map(int, p.findall(text))) for k, p in CMOCKA.items()}
    if cases(text, tally, name + ": "):
        pass
    elif any(counted.values()):
        for kind, n in counted.items():
            tally.add(kind, n)
        tally.named += [("FAIL", f"{name}: {case}") for case in CMOCKA_FAILED.findall(text)]
    elif ran and verdict == "PASS":
        tally.add("PASS", int(ran[1]))
    else:
        tally.add(verdict, 1, name)
    # A program that failed without a failed case: a crash, a leak, a time-out.
    if verdict == "FAIL" and tally.count["FAIL"] == failed_before:
        tally.add("FAIL", 1, f"{name}: {test['result'].lower()}, exit {test.get('returncode')}")


def programs(path):
    """Return: the test programs of a meson log, by name."""
    with open(path, encoding="utf-8", errors="replace") as f:
        return {test["name"]: test for test in map(json.loads, f)}


def failed(path):
    """Return: the names of the programs that failed, as `meson test` takes them."""
    return [name.split(" / ")[-1] for name, test in programs(path).items() if test["result"] not in MESON]


def read(path, total):
    """Count one file. Return: its tally."""
    tally = Tally()
    again = {}
    if path.endswith(".json"):
        repeated = path.removesuffix(".json") + "-again.json"
        again = programs(repeated) if os.path.exists(repeated) else {}
        for name, test in programs(path).items():
            program(again.get(name, test), tally)
            if name in again:
                first = Tally()
                program(test, first)
                total.again += [name for kind, name in first.named if kind == "FAIL"]
    else:
        with open(path, encoding="utf-8", errors="replace") as f:
            cases(f.read(), tally)
    for kind, n in tally.count.items():
        total.count[kind] += n
    total.named += tally.named
    return tally


def main():
    if sys.argv[1:2] == ["--failed"]:
        print(*failed(sys.argv[2]))
        return
    total = Tally()
    total.again = []
    for path in sys.argv[1:]:
        tally = read(path, total)
        if any(tally.count.values()):
            print(f"  {path:44} {tally.line()}")
    for name in total.again:
        print(f"  again     {name}")
    for kind, name in total.named:
        print(f"  {'failed ' if kind == 'FAIL' else 'skipped'}  {name}")
    print(total.line())
    sys.exit(1 if total.count["FAIL"] or not total.count["PASS"] else 0)


if __name__ == "__main__":
    main()
