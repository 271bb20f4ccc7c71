#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What a packet costs in the engine as work grows: sessions, peers, allowed IPs, bytes. Needs no root.

Three figures for each direction, each of a packet alone, the next one being of another session, peer or address:
nanoseconds (the best of the rounds of bench/scale, which takes the lower quartile of its batches: other work on the host
only adds time); instructions; and cache lines that were not in a first-level cache of 48 kB. The latter two are counted by
callgrind, so they do not depend on the load, and hardly on the host.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from plot import lines
from segment import print_conditions, print_table

BATCH = 64  # packets: HUB_BATCH
BATCHES, COUNTED = 1000, 40
DIRECTIONS = {"out": "hub_measured_send", "in": "hub_measured_receive"}

# Title, unit of the numbers, and for each of these the arguments of bench/scale: peers, allowed IPs of each, sessions, bytes.
SWEEPS = {
    "sessions": ("frames of 64 bytes in sessions of one peer", "sessions", {n: (1, 1, n, 64) for n in (1, 10, 100, 1000)}),
    "peers": ("packets of 64 bytes of peers with 16 allowed IPs", "peers", {n: (n, 16, 0, 64) for n in (1, 10, 100, 1000)}),
    "allowed": (
        "packets of 64 bytes of 100 peers", "allowed IPs", {100 * n: (100, n, 0, 64) for n in (1, 10, 100, 256)},
    ),
    "bytes": ("packets of one peer", "bytes", {n: (1, 1, 0, n) for n in (64, 256, 576, 1500, 4096, 9000)}),
}
FIGURES = {"ns": "nanoseconds", "instructions": "instructions", "lines": "cache lines fetched"}


def arguments(program, point, batches):
    return [program, *map(str, point), "1", str(batches)]


def timed(program, point):
    """Return: nanoseconds of a packet, by direction."""
    batches = BATCHES if point[3] < 2000 else BATCHES // 4
    text = subprocess.run(arguments(program, point, batches), check=True, stdout=subprocess.PIPE, text=True).stdout
    return {line.split()[0]: float(line.split()[1]) for line in text.splitlines()}


def costs_of(text):
    """Return: {function called: its costs with what it calls, by event} from a file of callgrind."""
    events = re.search(r"^events: (.*)$", text, re.M).group(1).split()
    names = dict(re.findall(r"^c?fn=\((\d+)\) (.+)$", text, re.M))
    costs = {}
    for number, line in re.findall(r"^cfn=\((\d+)\).*\ncalls=.*\n(.*)$", text, re.M):
        called = costs.setdefault(names[number], dict.fromkeys(events, 0))
        for event, cost in zip(events, line.split()[1:]):
            called[event] += int(cost)
    return costs


def counted(program, point):
    """Return: (instructions, cache lines fetched) of a packet, by direction."""
    with tempfile.NamedTemporaryFile("r") as out:
        toggles = [f"--toggle-collect={function}" for function in DIRECTIONS.values()]
        subprocess.run(
            ["valgrind", "--quiet", "--tool=callgrind", "--cache-sim=yes", "--I1=32768,8,64", "--D1=49152,12,64",
             "--LL=2097152,16,64", *toggles, f"--callgrind-out-file={out.name}", *arguments(program, point, COUNTED)],
            check=True, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        costs = costs_of(out.read())
    packets = BATCH * COUNTED
    return {
        direction: (costs[function]["Ir"] / packets, (costs[function]["D1mr"] + costs[function]["D1mw"]) / packets)
        for direction, function in DIRECTIONS.items()
    }


def measure(options):
    """Return: {sweep: {number: {"ns out": …}}}."""
    data = {name: {str(n): {} for n in points} for name, (_, _, points) in SWEEPS.items()}
    for _ in range(options.rounds):
        for name, (_, _, points) in SWEEPS.items():
            for n, point in points.items():
                for direction, ns in timed(options.program, point).items():
                    row = data[name][str(n)]
                    row[f"ns {direction}"] = min(ns, row.get(f"ns {direction}", ns))
    for name, (_, _, points) in () if options.no_counts else SWEEPS.items():
        for n, point in points.items():
            for direction, (instructions, fetched) in counted(options.program, point).items():
                data[name][str(n)][f"instructions {direction}"] = instructions
                data[name][str(n)][f"lines {direction}"] = fetched
    return data


def show(data):
    columns = [f"{figure} {direction}" for figure in FIGURES for direction in DIRECTIONS]
    for name, (title, unit, _) in SWEEPS.items():
        print(f"\n{title}")
        print_table(
            [unit, *columns],
            [[n, *(f"{row[c]:.{1 if c.startswith('lines') else 0}f}" if c in row else "" for c in columns)]
             for n, row in data[name].items()],
        )  # fmt: skip


def write_plots(data, conditions, folder):
    """Write a file for each sweep: the three figures of the least number are 1. Return: their paths."""
    paths = []
    for name, (title, unit, _) in SWEEPS.items():
        rows = {int(n): row for n, row in data[name].items()}
        series = [
            (f"{text}, {direction}", [(n, row[f"{figure} {direction}"]) for n, row in rows.items() if f"{figure} {direction}" in row])
            for figure, text in FIGURES.items()
            for direction in DIRECTIONS
        ]
        path = os.path.join(folder, f"scale-{name}.svg")
        with open(path, "w") as out:
            out.write(lines(f"Cost of a packet: {title}", unit, [s for s in series if s[1]], conditions))
        paths.append(path)
    return paths


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--rounds", type=int, default=5, help="runs of each, of which the best counts (5)")
    options.add_argument("--no-counts", action="store_true", help="measure time only: without valgrind")
    options.add_argument("--program", default="build/bench/scale", help="build/bench/scale")
    options.add_argument("--json", help="write the results to this file")
    options.add_argument("--from", dest="old", help="show the results of this file, and measure nothing")
    options.add_argument("--plots", metavar="FOLDER", help="write SVG plots")
    options = options.parse_args()
    if options.old:
        with open(options.old) as file:
            results = json.load(file)
        print(results["conditions"])
    else:
        results = {"conditions": print_conditions(), "sweeps": measure(options)}
    show(results["sweeps"])
    if options.json:
        with open(options.json, "w") as file:
            json.dump(results, file, indent=1)
    for path in write_plots(results["sweeps"], results["conditions"], options.plots) if options.plots else ():
        print(path)


if __name__ == "__main__":
    main()
