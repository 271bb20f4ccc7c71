#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Where a ping waits: its passage through both gateways, alone and beside one TCP stream, divided at the interfaces.

Packet sockets note when each frame of the ping passes a member's interface, the tunnel's port and the underlay. A frame on
the underlay is encrypted; it is recognised by its length, which no other has, and by its time. So wire-like underlays only.

    bench/passage.py wirespan "fastd salsa2012+umac"
"""

import argparse
import ctypes
import os
import re
import socket
import struct
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from lan import tunnels_of
from segment import Segment, print_conditions, print_table

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests"))
from lib import load

SIZE = 437  # bytes of the ping's payload
FRAME = SIZE + 8 + 20 + 14
UNDERLAY = (FRAME + 40, FRAME + 150)  # lengths that a frame may have in a tunnel
INTERVAL = 0.01
SO_ATTACH_FILTER = 26
SO_TIMESTAMPNS = 35
ETH_P_ALL = 3
OUTGOING = 4  # sll_pkttype


def length_filter(least, most):
    """A classic BPF program that takes frames of `least` to `most` bytes."""
    program = [(0x80, 0, 0, 0), (0x35, 0, 2, least), (0x25, 1, 0, most), (0x06, 0, 0, 0xFFFF), (0x06, 0, 0, 0)]
    return b"".join(struct.pack("HBBI", *step) for step in program)


class Witness:
    """A packet socket on one interface. seen() returns what passed: (outgoing, time in seconds, frame)."""

    def __init__(self, node, ifname, least, most):
        self.sock = node.call(lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW))
        program = length_filter(least, most)
        buffer = ctypes.create_string_buffer(program, len(program))
        fprog = struct.pack("HL", len(program) // 8, ctypes.addressof(buffer))
        self.sock.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, fprog)
        self.sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        node.call(lambda: self.sock.bind((ifname, ETH_P_ALL)))
        self.sock.setblocking(False)

    def seen(self):
        frames = []
        while True:
            try:
                frame, ancillary, _, source = self.sock.recvmsg(2048, 64)
            except BlockingIOError:
                break
            seconds, nanoseconds = struct.unpack("qq", ancillary[0][2])
            frames.append((source[2] == OUTGOING, seconds + nanoseconds / 1e9, frame))
        self.sock.close()
        return frames


def tap_of(node):
    """The tunnel's port in the gateway's bridge."""
    ports = re.findall(r"^\d+: ([^:@ ]+)", node.run("ip -o link show type bridge_slave", check=False).out, re.M)
    ports = [p for p in ports if not p.startswith("eth")]
    if not ports:
        raise RuntimeError("the tunnel has no port")
    return ports[0]


def pings(frames, outgoing, kind):
    """Sequence number → time, of echo requests (kind 8) or replies (0)."""
    times = {}
    for is_out, when, frame in frames:
        if is_out == outgoing and len(frame) == FRAME and frame[12:14] == b"\x08\x00" and frame[34] == kind:
            times.setdefault(int.from_bytes(frame[40:42], "big"), when)
    return times


def between(times, low, high):
    """The first time in that range."""
    found = [t for t in times if low <= t <= high]
    return found[0] if found else None


def common_length(frames):
    lengths = [len(frame) for _, _, frame in frames]
    return max(set(lengths), key=lengths.count)


def passage(seen, near, far, kind):
    """Per ping the six times of one direction; `near`, `far`: the sites' numbers."""
    first = pings(seen["member", near], True, kind)
    port = pings(seen["tap", near], True, kind)
    out = [t for is_out, t, frame in seen["eth0", near] if is_out and len(frame) == seen["length"]]
    into = [t for is_out, t, frame in seen["eth0", far] if not is_out and len(frame) == seen["length"]]
    written = pings(seen["tap", far], False, kind)
    last = pings(seen["member", far], False, kind)
    for number in sorted(first):
        if number in port and number in written and number in last:
            sent = between(out, port[number], written[number])
            arrived = sent and between(into, sent, written[number])
            if arrived:
                yield (first[number], port[number], sent, arrived, written[number], last[number])


def witnesses(net):
    got = {}
    for i in (0, 1):
        got["member", i] = Witness(net.member[i], "eth0", FRAME, FRAME)
        got["tap", i] = Witness(net.vpn[i], tap_of(net.vpn[i]), FRAME, FRAME)
        got["eth0", i] = Witness(net.vpn[i], "eth0", *UNDERLAY)
    return got


def observe(segment, seconds, length=None):
    """Ping for that long. `length`: of the ping's frames on the underlay, if it is known. Return: what was seen."""
    watching = witnesses(segment.net)
    segment.net.member[0].ping(
        segment.net.sites[1].member4, count=int(seconds / INTERVAL), interval=INTERVAL, size=SIZE, timeout=2
    )
    seen = {key: witness.seen() for key, witness in watching.items()}
    seen["length"] = length or common_length(seen["eth0", 0])
    return seen


def rows_of(name, seen):
    for direction, near, far, kind in (("there", 0, 1, 8), ("back", 1, 0, 0)):
        found = list(passage(seen, near, far, kind))
        if not found:
            yield [name, direction, "0"]
            continue
        cells = []
        for step in range(5):
            waits = sorted((p[step + 1] - p[step]) * 1e3 for p in found)
            cells.append(f"{load.quantile(waits, 50):.2f}/{load.quantile(waits, 99):.1f}")
        whole = sorted((p[5] - p[0]) * 1e3 for p in found)
        cells.append(f"{load.quantile(whole, 50):.2f}/{load.quantile(whole, 99):.1f}")
        yield [name, direction, str(len(found)), *cells]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tunnels", nargs="*", default=["wirespan"], help="names of tunnels (wirespan)")
    parser.add_argument("--seconds", type=float, default=2)
    parser.add_argument("--rounds", type=int, default=1)
    options = parser.parse_args()
    print_conditions()
    segment = Segment()
    segment.wire_like(True)
    rows = []
    for _ in range(options.rounds):
        for tunnel in tunnels_of(segment.net, options.tunnels):
            segment.join(tunnel)
            alone = observe(segment, 0.5)
            rows += rows_of(f"{tunnel.name}, alone", alone)
            rates = []
            stream = threading.Thread(target=lambda: rates.append(segment.tcp(options.seconds + 0.8)["mbps"]))
            stream.start()
            time.sleep(0.5)
            seen = observe(segment, options.seconds, alone["length"])
            stream.join()
            rows += rows_of(f"{tunnel.name}, {rates[0]:.0f} Mbit/s" if rates else tunnel.name, seen)
            tunnel.down()
    steps = ("member→port", "near gateway", "underlay", "far gateway", "→member", "all")
    width = max(len(row) for row in rows)
    print_table(["p50/p99 in ms", "", "pings", *steps], [row + ["-"] * (width - len(row)) for row in rows])


if __name__ == "__main__":
    main()
