#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every form of the pseudowire with wirespan at both ends: it carries traffic, and its size is exact."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from lib.capture import Capture, check_underlay
from lib.network import Reference
from lib.node import need_root
from lib.reference import PORT, Pseudowire, new_key
from lib.runner import Suite
from lib.wirespan import find_binary

VARIANTS = {
    "plain": Pseudowire(),
    "cookies of 4 bytes": Pseudowire(cookies=("01020304", "a1a2a3a4")),
    "cookies of 8 bytes": Pseudowire(cookies=("0102030405060708", "a1a2a3a4a5a6a7a8")),
    "cookies of 8 and 4 bytes": Pseudowire(cookies=("0102030405060708", "a1a2a3a4")),
    "a cookie one way only": Pseudowire(cookies=("", "a1a2a3a4")),
    "sublayer none": Pseudowire(sublayer="none"),
    "sequence numbers sent": Pseudowire(sequence="send"),
    "sequence numbers both ways": Pseudowire(sequence="both"),
    "IPv6 inside": Pseudowire(family=6),
    "IPv6 inside, cookies, no sublayer": Pseudowire(
        family=6, cookies=("01020304", "a1a2a3a4"), sublayer="none"
    ),
    "encapsulation ip": Pseudowire(encap="ip"),
    "encapsulation ip, IPv6, cookies": Pseudowire(
        encap="ip", family=6, cookies=("0102030405060708", "a1a2a3a4a5a6a7a8")
    ),
    "preshared key": Pseudowire(preshared=new_key()),
    "session MTU 1500": Pseudowire(session_mtu=1500),
    "session MTU 1500, IPv6 inside": Pseudowire(session_mtu=1500, family=6),
    "session MTU 1500, encapsulation ip": Pseudowire(session_mtu=1500, encap="ip"),
}


def variant(net, wire):
    one, two = net.sites
    net.stop()
    net.forget_neighbours()
    net.up(wire)
    with Capture(net.vpn[0], "eth0") as capture:
        assert net.member[0].ping(two.member4, count=2).ok, "member to member"
        assert net.member[1].ping(one.member6, count=2).ok, "member to member, IPv6"
        # Both cookies may differ in size: each direction has its own limit, an echo needs the smaller.
        largest = min(wire.largest_packet(1), wire.largest_packet(2))
        assert (
            net.member[0].ping(two.member4, count=1, size=largest - 28, dont_fragment=True).ok
        ), f"whole at {largest}"
        packets = capture.stop()
    check_underlay(packets, ports=(PORT,), mtu=1500)
    assert max(len(p.l3) for p in packets) == 1500, "the largest packet fills the underlay's MTU to the byte"
    if wire.session_mtu == 1500:
        with Capture(net.vpn[0], "eth0") as capture:
            for sender, target in ((net.member[0], two.member4), (net.member[1], one.member4)):
                assert sender.ping(
                    target, count=3, size=1472, dont_fragment=True
                ).ok, "1500 bytes pass, DF set"
            assert (
                net.member[0].ping(two.member4, count=3, size=20000).ok
            ), "a datagram of 14 fragments passes"
            check_underlay(capture.stop(), ports=(PORT,), mtu=1500)


def main():
    suite = Suite("variants")
    box = {}

    def build():
        need_root()
        find_binary()
        box["net"] = Reference()

    if not suite.setup("the network", build):
        suite.finish()
    net = box["net"]
    suite.diagnose_with(net.diagnostics)
    for name, wire in VARIANTS.items():
        suite.run(name, variant, net, wire)
    suite.finish()


if __name__ == "__main__":
    main()
