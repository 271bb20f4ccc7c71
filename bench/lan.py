#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Side by side: one TCP stream, and small datagrams, across the same LAN segment over different tunnels.

Everything (members, gateways, both ends of iperf3) shares this one host. Runs alternate between the tunnels;
medians are compared. Two kinds of underlay: `veth`, which passes trains of datagrams unsplit and so favours
tunnels that use them, and `wire`, where those offloads are off and each datagram is passed by itself.
"""

import argparse
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from segment import (
    Fastd,
    Openvpn,
    Samples,
    Segment,
    Tunnel,
    WireguardVxlan,
    Wirespan,
    number,
    print_conditions,
    print_table,
)

REFERENCE = "fastd salsa2012+umac"
SMALL = 22  # bytes of UDP payload: a frame of 64 bytes


def tunnels_of(net, wanted):
    every = [
        Tunnel(net),
        Wirespan(net),
        Fastd(net, "salsa2012+umac"),
        Fastd(net, "null"),
        WireguardVxlan(net),
        Openvpn(net),
    ]
    chosen = []
    for tunnel in every:
        if wanted and not any(word in tunnel.name for word in wanted):
            continue
        if tunnel.available():
            chosen.append(tunnel)
        else:
            print(f"skipped: {tunnel.name} ({tunnel.program} is not installed)")
    return chosen


def measure(segment, tunnel, options, mode, samples):
    name = (mode, tunnel.name)
    try:
        segment.join(tunnel)
        samples.add(name, segment.tcp(options.seconds))
        if not options.tcp_only:
            samples.add(name, {"kpps": segment.udp(options.seconds, SMALL)["kpps"]})
    except (AssertionError, RuntimeError) as problem:
        print(f"  {tunnel.name} ({mode}): {str(problem).splitlines()[0]}", file=sys.stderr)
    finally:
        tunnel.down()


def report(samples, tunnels, mode):
    base = samples.median((mode, REFERENCE), "mbps")
    rows = []
    for tunnel in tunnels:
        name = (mode, tunnel.name)
        mbps = samples.median(name, "mbps")
        if mbps is None:
            continue
        low, high = samples.spread(name, "mbps")
        rows.append(
            [
                tunnel.name,
                str(tunnel.mtu),
                number(mbps),
                f"{low:.0f}-{high:.0f}",
                number(mbps / base, 2) if base else "-",
                number(samples.median(name, "cpu/GB"), 1),
                number(samples.median(name, "kpps"), 1),
                number(samples.median(name, "underlay")),
            ]
        )
    print(f"underlay: {mode}")
    head = ["", "MTU", "Mbit/s", "from-to", f"× {REFERENCE.split()[0]}", "CPU s/GB", "64 B kpps", "B/packet there"]
    print_table(head, rows)
    ours = samples.median((mode, "wirespan"), "mbps")
    if base and ours:
        print(f"wirespan / {REFERENCE}: {ours / base:.2f} (wanted: at least 2)")
    print()


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--rounds", type=int, default=5, help="runs of each tunnel (5)")
    options.add_argument("--seconds", type=int, default=4, help="length of each load (4)")
    options.add_argument("--mode", choices=("wire", "veth"), action="append", help="one kind of underlay only")
    options.add_argument("--tcp-only", action="store_true", help="skip the small datagrams")
    options.add_argument("tunnel", nargs="*", help="only the tunnels whose name contains one of these")
    options = options.parse_args()
    modes = options.mode or ["wire", "veth"]
    print_conditions()
    segment = Segment()
    tunnels = tunnels_of(segment.net, options.tunnel)
    samples = Samples()
    for _ in range(options.rounds):
        for mode in modes:
            segment.wire_like(mode == "wire")
            for tunnel in tunnels:
                measure(segment, tunnel, options, mode, samples)
    for mode in modes:
        report(samples, tunnels, mode)
    print("Mbit/s: one TCP stream (cubic) between the members. CPU: only the gateways' processes, both ends together.")


if __name__ == "__main__":
    main()
