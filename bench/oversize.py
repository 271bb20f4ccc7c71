#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The cost of MTU 1500 on members, on one pair of gateways that stay up.

Bulk TCP of members with MTU 1500, whose MSS is clamped, compared with members whose MTU fits the path; and UDP
packets of 1500 bytes, sent as two fragments inside the tunnel, compared with packets that just fit. Runs
alternate; ratios are medians of the ratios of each round. Target: TCP within 3 %, UDP at least 45 % of the rate.
"""

import argparse
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from segment import Samples, Segment, number, print_conditions, print_table
from tunnels.wirespan import Wirespan

FITS = Wirespan.mtu
HEADERS = 28  # of IPv4 and UDP
FULL = 1500


def set_members(segment, mtu):
    for member in segment.net.member:
        member.run("ip", "link", "set", "eth0", "mtu", str(mtu))


def fragmented(segment):
    session = segment.net.gateway[0].status()["sessions"][0]
    return session["fragmented"], session["mss_clamped"]


def run_round(segment, mode, seconds, samples):
    for mtu in (FITS, FULL):
        set_members(segment, mtu)
        before = fragmented(segment)
        samples.add((mode, "tcp", mtu), segment.tcp(seconds))
        after = fragmented(segment)
        samples.add((mode, "tcp", mtu), {"fragmented": after[0] - before[0], "clamped": after[1] - before[1]})
    for mtu in (FITS, FULL):
        samples.add((mode, "udp", mtu), segment.udp(seconds, mtu - HEADERS))


def report(samples, mode):
    rows = []
    for mtu in (FITS, FULL):
        tcp, udp = (mode, "tcp", mtu), (mode, "udp", mtu)
        rows.append(
            [
                f"members at {mtu}",
                number(samples.median(tcp, "mbps")),
                number(samples.median(tcp, "cpu/GB"), 2),
                number(samples.median(tcp, "fragmented")),
                number(samples.median(udp, "kpps"), 1),
                number(samples.median(udp, "cpu/M"), 2),
                number(samples.median(udp, "sent kpps"), 1),
            ]
        )
    print(f"underlay: {mode}")
    print_table(
        ["", "TCP Mbit/s", "CPU s/GB", "fragmented", "UDP kpps", "CPU s/million", "UDP kpps offered"], rows
    )
    for load, key, wanted in (("tcp", "mbps", 0.97), ("udp", "kpps", 0.45)):
        ratio = samples.ratio((mode, load, FULL), (mode, load, FITS), key)
        print(f"{load}, {FULL} / {FITS}: {ratio:.3f} (wanted: at least {wanted})")
    print()


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--rounds", type=int, default=7, help="runs of each load (7)")
    options.add_argument("--seconds", type=int, default=3, help="length of each load (3)")
    options.add_argument("--mode", choices=("wire", "veth"), action="append", help="one kind of underlay only")
    options = options.parse_args()
    modes = options.mode or ["wire", "veth"]
    print_conditions()
    segment = Segment()
    segment.join(Wirespan(segment.net), mtu=FULL)
    samples = Samples()
    for _ in range(options.rounds):
        for mode in modes:
            segment.wire_like(mode == "wire")
            run_round(segment, mode, options.seconds, samples)
    for mode in modes:
        report(samples, mode)
    print("CPU: only the gateways' processes, both ends together. Fragmented: packets of one TCP run, at the sender.")


if __name__ == "__main__":
    main()
