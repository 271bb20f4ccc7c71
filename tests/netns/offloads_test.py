#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every offload switched off in turn, and all of them: the same bytes arrive, only differently packed."""

import os
import random
import socket
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from lib.capture import Capture, check_underlay
from lib.network import Reference
from lib.node import WIRE_OFFLOADS, need_root
from lib.reference import PORT, Pseudowire
from lib.runner import Suite
from lib.stream import transfer
from lib.wirespan import find_binary

UDP_SEGMENT = 103  # linux/udp.h
TRANSFER = 16  # MiB

VARIANTS = {
    "all that the kernel has": "",
    "no vnet header": "no-vnet",
    "no TSO": "no-tso",
    "no USO": "no-uso",
    "no UDP_SEGMENT": "no-gso",
    "no UDP_GRO": "no-gro",
    "none at all": "no-vnet,no-tso,no-uso,no-gso,no-gro",
    "the AEAD that always works": "aead=evp",
}


def datagrams(near, far, address, family):
    """UDP datagrams of all sizes, then GSO trains of equal ones: each arrives once, unchanged, in order."""
    receiver = far.call(lambda: socket.socket(family, socket.SOCK_DGRAM))
    sender = near.call(lambda: socket.socket(family, socket.SOCK_DGRAM))
    with receiver, sender:
        receiver.bind((address, 0))
        receiver.settimeout(30)
        sender.connect(receiver.getsockname()[:2])
        source = random.Random(2)
        for size in [0, 1, 2, 17, 18, 100, 511, 512, 1000, 1337, 1338, *source.sample(range(1338), 60)]:
            payload = source.randbytes(size)
            sender.send(payload)
            assert receiver.recv(65536) == payload, f"a datagram of {size} bytes"
        for segment, count, last in ((1200, 20, 1200), (1200, 20, 7), (100, 60, 100), (1338, 5, 1)):
            sender.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, segment)
            payload = source.randbytes(segment * (count - 1) + last)
            sender.send(payload)
            for number in range(count):
                expected = payload[number * segment : (number + 1) * segment]
                assert (
                    receiver.recv(65536) == expected
                ), f"datagram {number} of a train of {count} × {segment}"


def variant(net, options, wire_like):
    one, two = net.sites
    net.stop()
    for vpn in net.vpn:
        vpn.offloads("eth0", not wire_like, *WIRE_OFFLOADS)
    for gateway in net.gateway:
        gateway.env = {"WIRESPAN_OPTIONS": options}
    net.up()
    assert net.member[0].ping(two.member4).ok
    with Capture(net.vpn[0], "eth0") as capture:
        datagrams(net.member[0], net.member[1], two.member4, socket.AF_INET)
        datagrams(net.member[1], net.member[0], one.member6, socket.AF_INET6)
        packets = capture.stop()
    check_underlay(packets, ports=(PORT,), mtu=1500 if wire_like else None)
    transfer(net.member[0], net.member[1], two.member4, socket.AF_INET, TRANSFER)
    transfer(net.member[1], net.member[0], one.member6, socket.AF_INET6, TRANSFER)
    transfer(net.vpn[0], net.vpn[1], two.wg4, socket.AF_INET, TRANSFER)
    transfer(net.vpn[1], net.vpn[0], one.wg6, socket.AF_INET6, TRANSFER)
    for gateway in net.gateway:
        status = gateway.status()
        engine, granted = status["engine"], status["offloads"]
        if not options and granted["tso"] and granted["udp_gso"]:
            print("  in use: " + ", ".join(name for name, on in granted.items() if on))
            assert engine["segments_tx"] > 4 * engine["superframes_tx"], f"superframes are cut: {engine}"
            assert engine["segments_tx"] > 4 * engine["trains_tx"], f"segments leave in trains: {engine}"
            assert (
                engine["segments_rx"] > 4 * engine["superframes_rx"]
            ), f"segments are merged again: {engine}"
        for option in filter(lambda o: o.startswith("no-"), options.split(",")):
            name = {"no-gso": "udp_gso", "no-gro": "udp_gro"}.get(option, option[3:])
            assert not granted[name], f"{option}, and yet: {granted}"


def main():
    suite = Suite("offloads")
    box = {}

    def build():
        need_root()
        find_binary()
        net = box["net"] = Reference()
        for member in net.member:
            member.run("ip", "link", "set", "eth0", "mtu", str(Pseudowire().largest_packet(1)))

    if not suite.setup("the network", build):
        suite.finish()
    net = box["net"]
    suite.diagnose_with(net.diagnostics)
    for name, options in VARIANTS.items():
        suite.run(name, variant, net, options, wire_like=True)
    suite.run("an underlay that takes whole trains", variant, net, "", wire_like=False)
    suite.finish()


if __name__ == "__main__":
    main()
