#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The effect of floods of handshake messages on a session in use.

A third host on another interface of vpn01 sends it WireGuard messages from thousands of spoofed addresses while
iperf3 runs between the members. Compared, alternating: no flood; the same datagrams to another UDP port of the
gateway, where no process reads them (the cost of generating, sending and receiving them, all on the same cores);
and the flood to WireGuard's own port.
"""

import argparse
import os
import struct
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from segment import Samples, Segment, number, print_conditions, print_table
from lib.reference import PORT
from tunnels.wirespan import Wirespan
from lib.capture import Capture
from lib.node import Node, veth
from lib.runner import wait_for
from lib.wirespan import scratch

SINK = 9
SOURCES = 16384
KINDS = {
    "mac1": "initiations, right mac1",
    "badmac": "initiations, wrong mac1",
    "random": "random bytes",
    "file": "replays of real messages",
    "cookie": "initiations, with cookies",
}


class Attacker:
    """A host that vpn01 reaches by its default route, and that spoofs its source addresses."""

    def __init__(self, segment, program):
        self.segment, self.program = segment, program
        vpn = segment.net.vpn[0]
        self.node = Node("attacker")
        veth(vpn, "eth2", self.node, "eth0")
        vpn.up("eth2", "203.0.113.1/24")
        self.node.up("eth0", "203.0.113.2/24")
        vpn.sh(
            "for f in /proc/sys/net/ipv4/conf/*/rp_filter; do echo 0 >$f; done\n"
            "ip route add 198.18.0.0/15 via 203.0.113.2\n"
            f"ip neigh replace 203.0.113.2 lladdr {self.node.mac('eth0')} dev eth2 nud permanent"
        )
        self.target_mac = vpn.mac("eth2")
        # Replies are discarded here, without an ICMP error.
        self.node.sh("ip route add blackhole 198.18.0.0/15")
        # The other port: a socket that is never read.
        self.sink = vpn.call(_sink)
        self.replays = self._record()

    def _record(self):
        """Return: a file with the handshake and the first data of a real session."""
        path = os.path.join(scratch(), "replays")
        vpn = self.segment.net.vpn[0]
        with Capture(vpn, "eth0") as capture:
            self.segment.net.gateway[1].stop()
            self.segment.net.gateway[1].up()
            two, one = self.segment.net.member[1], self.segment.net.sites[0]
            wait_for(lambda: two.ping(one.member4, count=5).ok, 10, what="the segment")
            packets = capture.stop()
        from_far = [p for p in packets if p.src == self.segment.net.sites[1].underlay and p.dport == PORT]
        with open(path, "wb") as file:
            for packet in from_far:
                file.write(struct.pack("!H", len(packet.payload)) + packet.payload)
        kinds = [packet.payload[0] for packet in from_far]
        assert 1 in kinds and 4 in kinds, f"no initiation and no data among {kinds}"
        return path

    def start(self, kind, port, rate, seconds):
        argument = self.replays if kind == "file" else self.segment.net.sites[0].public
        if kind == "cookie" and port == SINK:
            kind = "mac1"  # same size; nothing there replies with cookies
        flood = self.node.popen(
            *(self.program, kind, "eth0", self.target_mac, "203.0.113.1", port, rate, seconds, SOURCES, argument),
            stdout=subprocess.PIPE,
            text=True,
        )
        assert flood.stdout.readline() == "ready\n", "the flood did not start"
        return flood


def _sink():
    import socket

    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind(("203.0.113.1", SINK))
    return sock


def drops(segment):
    return segment.net.gateway[0].status()["drops"]


def run_one(segment, attacker, kind, port, options, samples):
    """One transfer during one flood; port "nothing": without a flood."""
    name = (kind, port)
    before, memory = drops(segment), segment.resident_kib()
    flood = None if port == "nothing" else attacker.start(kind, port, options.rate, options.seconds + 1)
    measured = segment.tcp(options.seconds)
    if flood:
        measured["flood kpps"] = int(flood.communicate(timeout=30)[0]) / (options.seconds + 1) / 1e3
    measured["memory"] = segment.resident_kib() - memory
    after = drops(segment)
    measured["cookies"] = after.get("wg_cookie_required", 0) - before.get("wg_cookie_required", 0)
    measured["refused"] = sum(after.values()) - sum(before.values())
    samples.add(name, measured)


def report(samples, options):
    rows = []
    for kind in options.kind:
        quiet, control, flooded = ((kind, which) for which in ("nothing", SINK, PORT))
        rows.append(
            [
                KINDS[kind],
                number(samples.median(flooded, "flood kpps"), 1),
                *(number(samples.median(name, "mbps")) for name in (quiet, control, flooded)),
                number(samples.ratio(flooded, quiet, "mbps"), 2),
                number(samples.ratio(flooded, control, "mbps"), 2),
                number(samples.ratio(flooded, quiet, "cpu/GB"), 2),
                number(samples.median(flooded, "refused")),
                number(samples.median(flooded, "cookies")),
                number(samples.median(flooded, "memory")),
            ]
        )
    print_table(
        ["flood of", "kpps", "Mbit/s without", "to port 9", "flooded", "/ without", "/ port 9"]
        + ["CPU a GB, / without", "refused", "by cookie", "KiB more"],
        rows,
    )
    print("Ratios are medians of the ratios of each round. Target: at least 0.90 of undisturbed; cookies requested")
    print("under a flood of right mac1; constant memory.")


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--rounds", type=int, default=11, help="runs of each (11)")
    options.add_argument("--seconds", type=int, default=2, help="length of each transfer (2)")
    options.add_argument("--rate", type=int, default=10000, help="datagrams per second (10000)")
    options.add_argument("--mode", choices=("wire", "veth"), default="veth", help="kind of underlay (veth)")
    options.add_argument("kind", nargs="*", help=f"of {', '.join(KINDS)}; all by default")
    options = options.parse_args()
    options.kind = options.kind or list(KINDS)
    build = os.environ.get("WIRESPAN_BUILD") or os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "build")
    program = os.path.abspath(os.path.join(build, "bench", "flood"))
    if not os.path.exists(program):
        sys.exit(f"{program} is not built: ninja -C build bench/flood")
    print_conditions()
    segment = Segment()
    segment.wire_like(options.mode == "wire")
    segment.join(Wirespan(segment.net))
    attacker = Attacker(segment, program)
    samples = Samples()
    for _ in range(options.rounds):
        for kind in options.kind:
            for target in ("nothing", SINK, PORT):
                run_one(segment, attacker, kind, target, options, samples)
    report(samples, options)


if __name__ == "__main__":
    main()
