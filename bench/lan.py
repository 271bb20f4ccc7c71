#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Side by side: the same LAN segment over different tunnels, under different loads.

Everything (members, gateways, both ends of iperf3) shares this one host. Rounds alternate between the tunnels; medians are
compared. Three kinds of underlay: `wire`, where each datagram is passed by itself; `wire-gro`, whose receiver merges what
arrives, as network cards' drivers do; and `veth`, which passes trains of datagrams unsplit and so favours tunnels that
use them.

Loads: one TCP stream there, with a ping beside it; one back; four streams; UDP datagrams in frames of 64 bytes; a ping
alone; and, on the wire, four streams through an uplink of 20 Mbit/s with a buffer of 400 ms, with a ping beside them.

    bench/lan.py --plots doc                  # the whole table, and its plots as SVG
    bench/lan.py --from FILE --plots doc      # plots of results that --json FILE has written
"""

import argparse
import json
import os
import re
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from plot import write_plots
from segment import Samples, Segment, number, print_conditions, print_table
from tunnels import all_tunnels

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests"))
from lib import load

REFERENCE = "fastd salsa2012+umac"
SMALL = 22  # bytes of UDP payload: a frame of 64 bytes
MODES = ("wire", "wire-gro", "veth")
BUFFER_MS = 400


def tunnels_of(net, wanted):
    chosen = []
    for tunnel in all_tunnels(net):
        if wanted and not any(word in tunnel.name for word in wanted):
            continue
        if tunnel.available():
            chosen.append(tunnel)
        else:
            print(f"skipped: {tunnel.name} ({tunnel.program} is not installed or not built)")
    return chosen


class Ping:
    """A ping between the members beside a load. A context manager; `times` in milliseconds, sorted, once it ends."""

    def __init__(self, segment, seconds):
        near, far = segment.net.member[0], segment.net.sites[1].member4
        self.times = []
        self._thread = threading.Thread(target=lambda: self.times.extend(load.round_trips(near, far, seconds, 0.01)))

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._thread.join()


def quantiles(times, name):
    return {f"{name} p50": load.quantile(times, 50), f"{name} p99": load.quantile(times, 99)}


def throughput(segment, options):
    """One TCP stream each way, four of them, small datagrams, and pings. Return: what was measured."""
    seconds = options.seconds
    got = {}
    if not options.tcp_only:
        with Ping(segment, 0.5) as idle:
            pass
        got |= quantiles(idle.times, "idle")
    with Ping(segment, seconds * 0.8) as beside:
        got |= segment.tcp(seconds)
    if options.tcp_only:
        return got
    got |= quantiles(beside.times, "loaded")
    got["back"] = segment.tcp(seconds, "-R")["mbps"]
    got["four"] = segment.tcp(seconds, "-P", "4")["mbps"]
    got["kpps"] = segment.udp(seconds, SMALL)["kpps"]
    got["MiB"] = segment.resident_kib() / 1024
    return got


def slow_uplink(segment, seconds):
    """Four uploads through a narrow link with a large buffer. Return: the ping's quantiles, and Mbit/s."""
    near, far = segment.net.member
    load.narrow(segment.net.vpn[0], "eth0", BUFFER_MS)
    try:
        result = load.measure(near, far, segment.net.sites[1].member4, seconds)
    finally:
        load.widen(segment.net.vpn[0], "eth0")
    return {**quantiles(result.loaded, "slow"), "slow mbps": result.rate / 1e6}


def measure(segment, tunnel, options, mode, samples):
    name = (mode, tunnel.name)
    try:
        segment.join(tunnel)
        samples.add(name, throughput(segment, options))
        if mode == "wire" and not options.tcp_only:
            samples.add(name, slow_uplink(segment, options.seconds))
    except (AssertionError, RuntimeError, OSError) as problem:
        print(f"  {tunnel.name} ({mode}): {str(problem).splitlines()[0]}", file=sys.stderr)
    finally:
        tunnel.down()


COLUMNS = (
    ("Mbit/s", "mbps", 0),
    ("back", "back", 0),
    ("4 streams", "four", 0),
    ("CPU s/GB", "cpu/GB", 1),
    ("64 B kpps", "kpps", 1),
    ("ping ms", "idle p50", 2),
    ("p99", "idle p99", 1),
    ("loaded", "loaded p50", 1),
    ("p99", "loaded p99", 1),
    ("MiB", "MiB", 0),
    ("B/packet", "underlay", 0),
)


def report(samples, tunnels, mode):
    base = samples.median((mode, REFERENCE), "mbps")
    rows = []
    for tunnel in tunnels:
        name = (mode, tunnel.name)
        mbps = samples.median(name, "mbps")
        if mbps is None:
            continue
        low, high = samples.spread(name, "mbps")
        cells = [number(samples.median(name, key), digits) for _, key, digits in COLUMNS]
        cells[1:1] = [f"{low:.0f}-{high:.0f}", number(mbps / base, 2) if base else "-"]
        rows.append([tunnel.name, str(tunnel.mtu), *cells])
    head = [title for title, *_ in COLUMNS]
    head[1:1] = ["from-to", f"× {REFERENCE.split()[0]}"]
    print(f"underlay: {mode}")
    print_table(["", "MTU", *head], rows)
    print()


def report_slow(samples, tunnels):
    keys = (("slow p50", 1), ("slow p99", 1), ("slow mbps", 1))
    rows = []
    for tunnel in tunnels:
        name = ("wire", tunnel.name)
        if samples.median(name, "slow p50") is not None:
            rows.append([tunnel.name, *(number(samples.median(name, key), digits) for key, digits in keys)])
    if rows:
        print(f"uplink of 20 Mbit/s with a buffer of {BUFFER_MS} ms, four uploads")
        print_table(["", "ping ms", "p99", "Mbit/s"], rows)
        print()


def as_data(samples, tunnels, conditions):
    """Return: the medians, as plots and --json have them."""
    modes = {}
    for (name, key), _ in samples.of.items():
        mode, tunnel = name
        modes.setdefault(mode, {}).setdefault(tunnel, {})[key] = samples.median(name, key)
    return {"conditions": conditions, "tunnels": [tunnel.name for tunnel in tunnels], "underlays": modes}


def run(options):
    """Measure, and print the tables. Return: the medians."""
    began = time.monotonic()
    modes = options.mode or MODES
    conditions = print_conditions()
    segment = Segment()
    tunnels = tunnels_of(segment.net, options.tunnel)
    samples = Samples()
    for _ in range(options.rounds):
        for mode in modes:
            segment.wire_like(mode != "veth", gro=mode == "wire-gro")
            for tunnel in tunnels:
                measure(segment, tunnel, options, mode, samples)
    for mode in modes:
        report(samples, tunnels, mode)
    report_slow(samples, tunnels)
    print("Mbit/s: TCP (cubic) between the members, one stream there and back, and four. CPU: the gateways' processes only,")
    print("both ends together, as is MiB. Ping: alone, and beside the stream there.")
    for tunnel in tunnels:
        if tunnel.remark:
            print(f"{tunnel.name}: {tunnel.remark}.")
    print(f"Measured in {time.monotonic() - began:.0f} s.")
    return as_data(samples, tunnels, conditions)


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rounds", type=int, default=2, help="runs of each tunnel (2)")
    options.add_argument("--seconds", type=int, default=1, help="length of each load (1)")
    options.add_argument("--mode", choices=MODES, action="append", help="one kind of underlay only")
    options.add_argument("--tcp-only", action="store_true", help="only one TCP stream there")
    options.add_argument("--json", metavar="FILE", help="write the medians there")
    options.add_argument("--from", metavar="FILE", dest="saved", help="measure nothing: take medians that --json has written")
    options.add_argument("--plots", metavar="FOLDER", help="write plots (lan-*.svg) there")
    options.add_argument("tunnel", nargs="*", help="only the tunnels whose name contains one of these")
    options = options.parse_args()
    if options.saved:
        with open(options.saved) as file:
            data = json.load(file)
    else:
        data = run(options)
    if options.json:
        with open(options.json, "w") as file:
            json.dump(data, file, indent=1)
    for path in write_plots(data, options.plots) if options.plots else ():
        print(f"wrote {path}")


if __name__ == "__main__":
    main()
