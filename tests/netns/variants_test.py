#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every form of the pseudowire with wirespan at both ends: it carries traffic, and its size is exact."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from lib.capture import Capture, check_underlay
from lib.network import Reference
from lib.node import need_root
from lib.reference import PORT, Pseudowire, handmade_commands, new_key, wirespan_conf
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


def imported(net):
    """One site from a script with key files, the other from wg-quick's file and a script: they validate and connect."""
    wire = Pseudowire(cookies=("01020304", "a1a2a3a4"), preshared=new_key())
    net.stop()
    net.forget_neighbours()
    for number, gateway in enumerate(net.gateway):
        near, far = net.sites[number], net.sites[1 - number]
        name, folder = near.name, gateway.folder
        texts = {f"{name}.key": near.private, f"{name}.psk": wire.preshared}
        texts["line.sh"] = handmade_commands(near, far, wire, folder=folder)
        files = ["line.sh"]
        if number == 1:
            # The script's WireGuard lines are in wg-quick's file.
            lines = [line for line in texts["line.sh"].splitlines() if "wg0" not in line]
            texts["line.sh"] = "#!/bin/sh\nwg-quick up wg0\n" + "\n".join(lines) + "\n"
            conf = wirespan_conf(near, far, wire).split("\n[L2TP]")[0]
            texts["wg0.conf"] = conf.replace("Name = wg0", "SaveConfig = true")
            files.insert(0, "wg0.conf")
        for file, text in texts.items():
            with open(os.open(os.path.join(folder, file), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
                out.write(text)
        paths = [os.path.join(folder, file) for file in files]
        notes = gateway.run("import", "--force", "--dir", folder, "--name", name, *paths).out
        assert "imported: [L2TP] " in notes and near.private not in notes and wire.preshared not in notes, notes
        assert "Member = eth1" in notes, notes
        gateway.run("validate", gateway.conf)
        gateway.up()
    one, two = net.sites
    assert net.member[0].ping(two.member4, count=2).ok, "member to member"
    assert net.member[1].ping(one.member6, count=2).ok, "member to member, IPv6"
    assert net.member[0].ping(two.member4, count=1, size=1472, dont_fragment=True).ok, "1500 bytes, DF set"


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
    suite.run("imported files", imported, net)
    for name, wire in VARIANTS.items():
        suite.run(name, variant, net, wire)
    suite.finish()


if __name__ == "__main__":
    main()
