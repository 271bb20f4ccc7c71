#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""More than one of everything: sites around a hub, tunnels, sessions, peers with overlapping prefixes."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from lib.capture import Capture, check_underlay
from lib.hub import BRIDGE, Hub, session, tunnel
from lib.node import need_root
from lib.reference import PORT
from lib.runner import Suite
from lib.wirespan import find_binary


def hub_of_three():
    """vpn01 has a tunnel to each of the others; one is UDP, one IP; members reach each other across the hub."""
    with Hub() as hub:
        hub.up(
            hub.interface(1, ["10.0.1.1/24"])
            + hub.peer(2, "10.0.1.2/32")
            + hub.peer(3, "10.0.1.3/32")
            + tunnel(1, 2)
            + session("l2tpeth0", 102, 201)
            + tunnel(1, 3, encap="ip")
            + session("l2tpeth1", 103, 301)
            + BRIDGE,
            hub.interface(2, ["10.0.1.2/24"])
            + hub.peer(1, "10.0.1.0/24")
            + tunnel(2, 1)
            + session("l2tpeth0", 201, 102)
            + BRIDGE,
            hub.interface(3, ["10.0.1.3/24"])
            + hub.peer(1, "10.0.1.0/24")
            + tunnel(3, 1, encap="ip")
            + session("l2tpeth0", 301, 103)
            + BRIDGE,
        )
        with Capture(hub.vpn[0], "eth0") as capture:
            for a in range(3):
                for b in range(3):
                    if a != b:
                        result = hub.member[a].ping(f"10.0.2.{b + 1}2", count=2)
                        assert (
                            result.ok
                        ), f"member0{a + 1} to member0{b + 1}: {result.out}\n{hub.diagnostics()}"
                        assert hub.member[a].ping(f"fd00:2::{b + 1}2", count=2).ok, "IPv6"
            check_underlay(capture.stop(), ports=(PORT,), mtu=1500)
        hub.gateway[2].down()
        assert hub.member[0].ping("10.0.2.22").ok, "the others go on when one leaves"


def several_sessions():
    """Two tunnels to one site with two sessions each: every session is a segment of its own."""
    with Hub() as hub:
        wires = [
            ("l2tpeth0", "udp", 1701),
            ("l2tpeth1", "udp", 1701),
            ("l2tpeth2", "udp", 1702),
            ("l2tpeth3", "ip", 0),
        ]

        def conf(near, far):
            text = hub.interface(near, [f"10.0.1.{near}/24"]) + hub.peer(far, f"10.0.1.{far}/32")
            number = 0
            for count, (encap, port) in enumerate((("udp", 1701), ("udp", 1702), ("ip", 0)), 1):
                text += tunnel(near, far, encap, port).replace(
                    f"Id = {near}{far}", f"Id = {count}{near}{far}"
                )
                text = text.replace(f"Id = {far}{near}\n", f"Id = {count}{far}{near}\n")
                for name, wire_encap, wire_port in wires:
                    if (wire_encap, wire_port) == (encap, port):
                        text += session(name, 1000 * near + number, 1000 * far + number)
                        number += 1
            return text

        hub.up(conf(1, 2), conf(2, 1))
        for number, (name, _, _) in enumerate(wires):
            for site in (1, 2):
                hub.vpn[site - 1].up(name, f"10.9.{number}.{site}/24")
        for number, (name, _, _) in enumerate(wires):
            result = hub.vpn[0].ping(f"10.9.{number}.2", count=3)
            assert result.ok, f"{name}: {result.out}\n{hub.diagnostics()}"
        for site in (0, 1):
            sessions = {s["name"]: s["rx"]["packets"] for s in hub.gateway[site].status()["sessions"]}
            assert len(sessions) == 4 and all(sessions.values()), f"every session carried frames: {sessions}"


def cryptokey_routing():
    """The longest prefix decides who gets a packet; what comes from the wrong peer is dropped."""
    with Hub() as hub:
        hub.up(
            hub.interface(1, ["10.0.1.1/24", "fd00:1::1/64"])
            + hub.peer(2, "10.0.1.2/32, 10.5.0.0/16, fd00:1::2/128, fd05::/32")
            + hub.peer(3, "10.0.1.3/32, 10.5.6.0/24, fd00:1::3/128, fd05:0:6::/48"),
            hub.interface(2, ["10.0.1.2/24", "fd00:1::2/64", "10.5.1.1/32", "10.5.6.1/32", "fd05:0:1::1/128"])
            + hub.peer(1, "10.0.1.1/32, fd00:1::1/128"),
            hub.interface(3, ["10.0.1.3/24", "fd00:1::3/64", "10.5.6.7/32", "fd05:0:6::1/128"])
            + hub.peer(1, "10.0.1.1/32, fd00:1::1/128"),
        )
        for target in (
            "10.0.1.2",
            "10.0.1.3",
            "fd00:1::2",
            "fd00:1::3",
            "10.5.1.1",
            "10.5.6.7",
            "fd05:0:1::1",
            "fd05:0:6::1",
        ):
            result = hub.vpn[0].ping(target, count=2)
            assert result.ok, f"{target}: {result.out}\n{hub.vpn[0].run('ip route').out}{hub.diagnostics()}"
        # vpn02 has 10.5.6.1 too, but that prefix is vpn03's: neither reached there nor accepted from there.
        assert not hub.vpn[0].ping("10.5.6.1", count=1, timeout=0.5).ok
        before = hub.gateway[0].status()["drops"].get("inner_source", 0)
        assert not hub.vpn[1].ping("10.0.1.1", count=1, timeout=0.5, extra=["-I", "10.5.6.1"]).ok
        assert (
            hub.gateway[0].status()["drops"]["inner_source"] == before + 1
        ), "a foreign source is dropped by name"


def main():
    suite = Suite("multi")

    def ready():
        need_root()
        find_binary()

    if not suite.setup("ready", ready):
        suite.finish()
    suite.run("three sites around a hub", hub_of_three)
    suite.run("several tunnels and sessions on one wg0", several_sessions)
    suite.run("cryptokey routing with overlapping prefixes", cryptokey_routing)
    suite.finish()


if __name__ == "__main__":
    main()
