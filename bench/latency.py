#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Latency under load: a ping between members beside four uploads through a link of 20 Mbit/s, for several builds in
turn. Prints the rise of the round trip, each upload's share, and the use of the link, that is the bytes of the
members' TCP in relation to what an unloaded queue would let through.

    bench/latency.py --rounds 3 old=/path/to/build/src/cli/wirespan new=build/src/cli/wirespan
"""

import argparse
import os
import statistics
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests"))
from lib import load
from lib.network import Reference, Routed
from lib.node import need_root

BUFFERS = (50, 400, 1000)  # ms
# Of 1,514 bytes on the underlay's link, 1,334 are payload of the members' TCP with timestamps.
EFFICIENCY = 1334 / 1514
BANDWIDTH = 19_000_000


def configured(gateway, section, lines):
    with open(gateway.conf) as file:
        text = file.read()
    gateway.configure(text.replace(f"[{section}]\n", f"[{section}]\n{lines}"))


def own_link(buffer_ms):
    def run(binary, seconds):
        with Reference() as net:
            net.configure()
            for gateway in net.gateway:
                gateway.binary = binary
                gateway.up()
            load.narrow(net.vpn[0], "eth0", buffer_ms)
            return load.measure(*net.member, net.sites[1].member4, seconds, settle=5)

    return f"own link, {buffer_ms} ms", load.RATE, run


def routed(what, down):
    """The link is behind the near gateway, or (`down`) it is the last one to the receiving site."""

    def run(binary, seconds):
        with Routed() as net:
            net.configure()
            if what != "old":
                configured(net.gateway[0], "Peer" if down else "Interface", "Bandwidth = 19M\n")
            for gateway in net.gateway:
                gateway.binary = binary
                gateway.up()
            load.narrow(net.router, "eth2", 400)
            return load.measure(*net.member, net.sites[1].member4, seconds, settle=5)

    return run


def row(name, label, rate, results):
    rise50, rise99 = (
        statistics.median(load.quantile(r.loaded, q) - load.quantile(r.idle, 50) for r in results) for q in (50, 99)
    )
    use = statistics.median(r.rate for r in results) / (rate * EFFICIENCY)
    shares = [statistics.median(sorted(r.shares)[i] for r in results) for i in range(4)]
    print(
        f"{name:<26} {label:<8} {rise50:9.1f} {rise99:9.1f} {100 * use:7.1f}   "
        + " ".join(f"{share:.0f}" for share in shares),
        flush=True,
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("builds", nargs="+", metavar="LABEL=BINARY", help='a build without Bandwidth is called "old"')
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=20)
    options = parser.parse_args()
    need_root()
    builds = [word.partition("=")[::2] for word in options.builds]
    print(f"{'':<26} {'build':<8} {'p50 +ms':>9} {'p99 +ms':>9} {'use %':>7}   shares %")
    for name, rate, run in map(own_link, BUFFERS):
        results = {label: [] for label, _ in builds}
        for _ in range(options.rounds):
            for label, binary in builds:
                results[label].append(run(os.path.realpath(binary), options.seconds))
        for label, _ in builds:
            row(name, label, rate, results[label])
    for name, down in (("behind the gateway, 400 ms", False), ("download, 400 ms", True)):
        for label, binary in builds:
            limit = load.RATE if label == "old" else BANDWIDTH
            run = routed(label, down)
            row(name, label, limit, [run(os.path.realpath(binary), options.seconds) for _ in range(options.rounds)])


if __name__ == "__main__":
    main()
