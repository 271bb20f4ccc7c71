#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Under the tunnel: both families, sticky sources, firewall marks, ECN, DSCP, flow labels, hosts without one family."""

import os
import socket
import struct
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from lib import frames
from lib.capture import Capture, is_wireguard
from lib.node import need_root, veth
from lib.reference import PORT
from lib.runner import Skip, Suite, wait_for
from lib.sites import Sites
from lib.wirespan import find_binary

INITIATION, RESPONSE, DATA = 1, 2, 4
ECN = {"not-ect": 0, "ect1": 1, "ect0": 2, "ce": 3}


def connect(one, two, addresses_one, addresses_two):
    """Join two sites by an underlay of their own, like a wire."""
    veth(one.node, "eth0", two.node, "eth0")
    one.node.up("eth0", *addresses_one)
    two.node.up("eth0", *addresses_two)
    for site in (one, two):
        site.node.wire_like("eth0")


def up(*sites):
    for site in sites:
        site.gateway.up()


def wire(capture):
    """Return: the WireGuard packets of a capture that is stopped with this."""
    return [p for p in capture.stop() if is_wireguard(p, (PORT,))]


def tos(packet):
    """Return: the outer TOS or traffic class."""
    return packet.l3[1] if packet.l3[0] >> 4 == 4 else struct.unpack_from("!H", packet.l3)[0] >> 4 & 0xFF


# ---- both families -------------------------------------------------------------------------------


def join_by_own_links(one, two, three, near, far, shown):
    """Join two peers to one site, each by a link of its own: the second's from near to far, which shown names."""
    veth(one.node, "eth0", two.node, "eth0")
    veth(one.node, "eth1", three.node, "eth0")
    one.node.up("eth0", "192.0.2.1/24")
    one.node.up("eth1", near)
    two.node.up("eth0", "192.0.2.2/24")
    three.node.up("eth0", far)
    one.configure((two, f"192.0.2.2:{PORT}"), (three, f"{shown}:{PORT}"))
    two.configure((one, None))
    three.configure((one, None))
    up(one, two, three)


def two_families_at_once():
    """One site with a peer over IPv4 and a peer over IPv6, at the same time, on one port."""
    with Sites(3) as (one, two, three):
        join_by_own_links(one, two, three, "2001:db8::1/64", "2001:db8::3/64", "[2001:db8::3]")
        with Capture(one.node, "eth0") as four, Capture(one.node, "eth1") as six:
            for family in (4, 6):
                one.reaches(two, family)
                one.reaches(three, family)
                two.reaches(one, family)
                three.reaches(one, family)
            assert {p.ethertype for p in wire(four)} == {frames.ETH_IPV4}
            assert {p.ethertype for p in wire(six)} == {frames.ETH_IPV6}
        assert two.endpoint(one) == f"192.0.2.1:{PORT}", two.endpoint(one)
        assert three.endpoint(one) == f"[2001:db8::1]:{PORT}", three.endpoint(one)


def link_local():
    """A peer at a link-local IPv6 address: the answers go back by the same interface."""
    with Sites(2) as (one, two):
        connect(one, two, ["fe80::1/64"], ["fe80::2/64"])
        one.configure((two, None))
        two.configure((one, None))
        up(one, two)
        index = one.node.sh("cat /sys/class/net/eth0/ifindex").out.strip()
        one.node.run("wg", "set", "wg0", "peer", two.public, "endpoint", f"[fe80::2%eth0]:{PORT}")
        one.reaches(two)
        two.reaches(one)
        assert one.endpoint(two) == f"[fe80::2%{index}]:{PORT}", one.endpoint(two)


def mapped():
    """An IPv4 address written as an IPv6 one (::ffff:…) is the IPv4 address, in the file and for wg(8)."""
    with Sites(2) as (one, two):
        connect(one, two, ["192.0.2.1/24"], ["192.0.2.2/24"])
        one.configure((two, f"[::ffff:192.0.2.2]:{PORT}"))
        two.configure((one, None))
        up(two, one)
        one.reaches(two)
        assert one.endpoint(two) == f"192.0.2.2:{PORT}", one.endpoint(two)
        one.node.run("wg", "set", "wg0", "peer", two.public, "endpoint", f"[::ffff:192.0.2.2]:{PORT}")
        assert one.endpoint(two) == f"192.0.2.2:{PORT}", one.endpoint(two)
        one.reaches(two)


def from_one_family_to_the_other():
    """The file gives the peer an address of the other family: the session goes on there."""
    with Sites(2) as (one, two):
        connect(one, two, ["192.0.2.1/24", "2001:db8::1/64"], ["192.0.2.2/24", "2001:db8::2/64"])
        one.configure((two, f"192.0.2.2:{PORT}"))
        two.configure((one, None))
        up(one, two)
        one.reaches(two)
        made = one.peer(two)["last_handshake"]
        for endpoint, seen in ((f"[2001:db8::2]:{PORT}", "2001:db8::1"), (f"192.0.2.2:{PORT}", "192.0.2.1")):
            time.sleep(2)  # two must have nothing to send: its packets from the old address count, too
            one.configure((two, endpoint))
            one.reload()
            one.reaches(two)
            two.wait_endpoint(one, seen)
            two.reaches(one)
        assert one.peer(two)["last_handshake"] == made, "no new handshake was needed"


# ---- sticky source -------------------------------------------------------------------------------


def sticky_source(first, second, prefix, family):
    """Who was called at his second address answers from it, until it goes away; then from the first."""
    with Sites(2) as (one, two):
        caller = "192.0.2.1" if family == 4 else "2001:db8::1"
        connect(one, two, [f"{caller}/{prefix}"], [f"{first}/{prefix}", f"{second}/{prefix}"])
        # which of several IPv6 addresses is the first is the kernel's affair: the second one is deprecated
        if family == 6:
            two.node.run("ip", "addr", "change", f"{second}/64", "dev", "eth0", "preferred_lft", "0")
        shown = second if family == 4 else f"[{second}]"
        one.configure((two, f"{shown}:{PORT}"))
        two.configure((one, None))
        up(one, two)
        with Capture(one.node, "eth0") as capture:
            one.reaches(two, count=5)
            # an address and a route that do not concern us come and go
            two.node.sh(
                "ip addr add 198.51.100.9/24 dev eth0; ip addr del 198.51.100.9/24 dev eth0;"
                "ip link add d0 type bridge; ip link set d0 up; ip route add 203.0.113.0/24 dev d0;"
                "ip -6 route add 2001:db8:9::/48 dev d0; ip link del d0"
            )
            time.sleep(0.3)
            two.reaches(one, count=5)
            sources = {p.src for p in wire(capture) if p.src != caller}
        assert sources == {second}, f"answers came from {sources}"
        two.node.run("ip", "addr", "del", f"{second}/{prefix}", "dev", "eth0")
        with Capture(one.node, "eth0") as capture:
            two.reaches(one, count=5)
            sources = {p.src for p in wire(capture) if p.src != caller}
        assert sources == {first}, f"after its address was gone: {sources}"
        one.wait_endpoint(two, first)
        one.reaches(two, count=5)


def route_moves():
    """The route to the peer leads by another interface from now on: so do our packets, from the same address."""
    with Sites(2) as (one, two):
        for number, name in enumerate(("eth0", "eth1")):
            veth(one.node, name, two.node, name)
            one.node.up(name, f"10.{number}.0.1/24")
            two.node.up(name, f"10.{number}.0.2/24")
        for site in (one, two):
            far = 3 - site.number
            site.node.sh(
                "ip link add d0 type bridge; ip link set d0 up;"
                f"ip addr add 192.0.2.{site.number}/32 dev d0;"
                f"ip route add 192.0.2.{far}/32 via 10.1.0.{far} src 192.0.2.{site.number}"
            )
        one.configure((two, f"192.0.2.2:{PORT}"))
        two.configure((one, f"192.0.2.1:{PORT}"))
        up(one, two)
        one.reaches(two)
        for site in (one, two):
            far = 3 - site.number
            site.node.run(f"ip route replace 192.0.2.{far}/32 via 10.0.0.{far} src 192.0.2.{site.number}")
        with Capture(one.node, "eth0") as new, Capture(one.node, "eth1") as old:
            one.reaches(two, count=5)
            assert wire(new), "nothing by the new route"
            assert not wire(old), "still by the old route"
        for site in (one, two):  # and back, as the interface goes away
            far = 3 - site.number
            site.node.run(
                f"ip route append 192.0.2.{far}/32 via 10.1.0.{far} src 192.0.2.{site.number} metric 9"
            )
        one.node.run("ip link del eth0")
        one.reaches(two, count=5)
        two.reaches(one, count=5)


def asymmetric(family):
    """What the peer sends comes in by an interface that has no route back: our answers leave where the routes lead."""
    with Sites(2, "router") as (one, two, router):
        veth(one.node, "eth0", router, "one")
        for name in ("eth0", "eth1"):
            veth(two.node, name, router, name)
        near, far, there, back, via, length, ip = (
            ("10.9.0.1", "10.9.0.9", "192.0.2.2", "10.0.0.9", "10.1.0.2", 24, "ip")
            if family == 4
            else ("2001:db8:9::1", "2001:db8:9::9", "2001:db8::2", "fd00:9::9", "fd00:91::2", 64, "ip -6")
        )
        one.node.up("eth0", f"{near}/{length}")
        router.up("one", f"{far}/{length}")
        if family == 4:
            two.node.up("eth0", "10.0.0.2/24")
            two.node.up("eth1", "10.1.0.2/24")
            router.up("eth0", "10.0.0.9/24")
            router.up("eth1", "10.1.0.9/24")
        else:
            two.node.up("eth0", "fd00:9::2/64")
            two.node.up("eth1", "fd00:91::2/64")
            router.up("eth0", "fd00:9::9/64")
            router.up("eth1", "fd00:91::9/64")
        forward = "ipv4/ip_forward" if family == 4 else "ipv6/conf/all/forwarding"
        router.sh(f"echo 1 >/proc/sys/net/{forward}")
        for node in (router, two.node):
            node.sh("for f in /proc/sys/net/ipv4/conf/*/rp_filter; do echo 0 >$f; done")
        one.node.run(f"{ip} route add default via {far}")
        two.node.up("lo", f"{there}/{32 if family == 4 else 128}")
        two.node.run(f"{ip} route add default via {back}")
        router.run(f"{ip} route add {there} via {via}")
        wait_for(lambda: one.node.ping(there, timeout=1).ok, 8, 0.2, "the routes there and back")
        shown = there if family == 4 else f"[{there}]"
        one.configure((two, f"{shown}:{PORT}"))
        two.configure((one, None))
        up(two, one)
        with Capture(two.node, "eth0") as capture_back:
            one.reaches(two, count=5)
            two.reaches(one, count=5)
            assert {p.src for p in wire(capture_back)} == {there}


def beside_a_dead_peer(kill, counted):
    """One peer cannot be reached: nothing that is for the other is lost, and no process is busy with it."""
    with Sites(3) as (one, two, three):
        join_by_own_links(one, two, three, "198.51.100.1/24", "198.51.100.2/24", "198.51.100.2")
        one.reaches(two)
        one.reaches(three)
        kill(one, three)
        flood = one.node.popen(f"ping -n -q -i 0.002 -w 2 -s 100 {three.wg4}", stdout=subprocess.DEVNULL)
        one.reaches(two, count=60, interval=0.03)
        flood.wait(120)
        dropped = one.gateway.status()["drops"].get("tx_send", 0)
        assert (dropped > 20) == counted, f"{dropped} counted as not sent"
        before = one.gateway.cpu_seconds()
        time.sleep(1.5)
        busy = one.gateway.cpu_seconds() - before
        assert busy < 0.5, f"{busy:.2f} s of work in 1.5 s with nothing to do"


DEATHS = (
    ("port closed", lambda one, three: three.gateway.down(), False),
    ("no neighbour", lambda one, three: three.node.run("ip addr flush dev eth0"), False),
    ("unreachable", lambda one, _: one.node.run("ip route add unreachable 198.51.100.2/32"), True),
    (
        "forbidden",
        lambda one, _: one.node.sh(
            "nft add table inet no; nft 'add chain inet no out { type filter hook output priority 0; }';"
            "nft add rule inet no out ip daddr 198.51.100.2 drop"
        ),
        True,
    ),
)


def loop():
    """The route to the peer leads into the tunnel: nothing loops, and the reason is logged."""
    with Sites(2) as (one, two):
        connect(one, two, ["192.0.2.1/24"], ["192.0.2.2/24", "198.51.100.2/32"])
        one.node.run("ip route add 198.51.100.0/24 via 192.0.2.2")
        # an MTU in the file: DF is clear, so a packet that comes round is cut and comes round as two
        one.configure((two, f"198.51.100.2:{PORT}"), interface="MTU = 1400\nTable = off")
        with open(one.gateway.conf) as file:
            text = file.read()
        one.gateway.configure(text.replace(f"{two.wg4}/32", f"{two.wg4}/32, 198.51.100.0/24"))
        two.configure((one, None))
        up(two, one)
        one.reaches(two)
        before = one.gateway.cpu_seconds()
        one.node.run("ip route add 198.51.100.2/32 dev wg0")
        one.node.run("ip route del 198.51.100.0/24")  # else that would be used
        assert not one.node.ping(two.wg4, size=1000, timeout=1).ok
        time.sleep(2)
        busy = one.gateway.cpu_seconds() - before
        assert busy < 1, f"{busy:.2f} s of work in 2 s"
        assert 2 <= one.gateway.status()["drops"]["tx_loop"] < 100, one.gateway.status()["drops"]
        log = one.gateway.log_text()
        assert log.count("leads into wg0 itself") == 1, log
        one.node.run("ip route add 198.51.100.0/24 via 192.0.2.2")
        one.reaches(two)


class Uplinks:
    """Site two with two uplinks to one router, which takes from each only its own addresses; one is beyond it."""

    def __init__(self, one, two, router):
        self.two, self.router = two, router
        veth(one.node, "eth0", router, "one")
        one.node.up("eth0", "10.9.0.1/24")
        router.up("one", "10.9.0.9/24")
        for number in range(2):
            veth(two.node, f"eth{number}", router, f"eth{number}")
            two.node.up(f"eth{number}", f"10.{number}.0.2/24")
            router.up(f"eth{number}", f"10.{number}.0.9/24")
        for node, filtering in ((router, 1), (two.node, 0)):
            node.sh(f"for f in /proc/sys/net/ipv4/conf/*/rp_filter; do echo {filtering} >$f; done")
        router.sh("echo 1 >/proc/sys/net/ipv4/ip_forward")
        one.node.run("ip route add default via 10.9.0.9")

    def leaves_by(self, number, function):
        """All that two sends while `function()` runs leaves by uplink `number`, from its address."""
        with Capture(self.router, "eth0") as first, Capture(self.router, "eth1") as second:
            function()
            sources = [{p.src for p in wire(c) if p.src != "10.9.0.1"} for c in (first, second)]
        expected = [set(), set()]
        expected[number] = {f"10.{number}.0.2"}
        assert sources == expected, f"left by eth0 and eth1 from {sources}"


def uplinks():
    """Answers leave by the uplink that they were asked at while it has a route out, else by the one that has."""
    with Sites(2, "router") as (one, two, router):
        net = Uplinks(one, two, router)
        two.node.sh(
            "ip route add default via 10.0.0.9 metric 10; ip route add default via 10.1.0.9 metric 20"
        )
        one.configure((two, f"10.1.0.2:{PORT}"))
        two.configure((one, None))
        up(two, one)
        net.leaves_by(1, lambda: one.reaches(two, count=5))
        # the uplink's watchdog takes its route away, though what comes in by it goes on coming in
        two.node.run("ip route del default via 10.1.0.9")
        net.leaves_by(0, lambda: one.reaches(two, count=5))
        one.wait_endpoint(two, "10.0.0.2")
        # the other uplink goes, and this one is back
        two.node.sh("ip route add default via 10.1.0.9; ip link set eth0 down")
        net.leaves_by(1, lambda: two.reaches(one, count=5))
        one.wait_endpoint(two, "10.1.0.2")
        # down, and up without its address
        two.node.sh("ip link set eth1 down; ip addr flush dev eth1")
        assert not two.node.ping(one.wg4, count=2, timeout=1).ok
        two.node.sh("ip link set eth0 up; ip route add default via 10.0.0.9")
        net.leaves_by(0, lambda: two.reaches(one, count=5))


def uplinks_ipv6():
    """The same over IPv6, where Linux takes the route that comes first: the answer's source has to fit to it."""
    with Sites(2, "router") as (one, two, router):
        veth(one.node, "eth0", router, "one")
        one.node.up("eth0", "2001:db8:9::1/64")
        router.up("one", "2001:db8:9::9/64")
        for number in range(2):
            veth(two.node, f"eth{number}", router, f"eth{number}")
            two.node.up(f"eth{number}", f"2001:db8:{number}::2/64")
            router.up(f"eth{number}", f"2001:db8:{number}::9/64")
        router.sh(
            "echo 1 >/proc/sys/net/ipv6/conf/all/forwarding; nft add table ip6 raw;"
            "nft 'add chain ip6 raw in { type filter hook prerouting priority -300; }';"
            "nft 'add rule ip6 raw in iifname eth* ip6 saddr 2001:db8::/32 fib saddr . iif oif missing drop'"
        )
        one.node.run("ip -6 route add default via 2001:db8:9::9")
        two.node.sh(
            "ip -6 route add default via 2001:db8:0::9 metric 10; ip -6 route add default via 2001:db8:1::9 metric 20"
        )
        one.configure((two, f"[2001:db8:1::2]:{PORT}"))
        two.configure((one, None))
        wait_for(lambda: two.node.ping("2001:db8:9::1", timeout=1).ok, 8, 0.2, "the first uplink")
        wrong = two.node.ping("2001:db8:9::1", count=1, timeout=1, extra=("-I", "2001:db8:1::2"))
        assert not wrong.ok, "the router should not take one uplink's address from the other"
        up(two, one)
        one.reaches(two, count=5)
        two.node.run("ip -6 route del default via 2001:db8:1::9")
        one.reaches(two, count=5)
        two.node.sh("ip link set eth0 down; ip -6 route add default via 2001:db8:1::9")
        wait_for(lambda: two.node.ping("2001:db8:9::1", timeout=1).ok, 8, 0.2, "the second uplink")
        two.reaches(one, count=5)
        one.wait_endpoint(two, "2001:db8:1::2")


def mark_moves():
    """Another mark, or another rule for the mark: what is sent takes the other uplink at once."""
    with Sites(2, "router") as (one, two, router):
        net = Uplinks(one, two, router)
        two.node.sh(
            "ip route add default via 10.0.0.9 table 100; ip route add default via 10.1.0.9 table 101;"
            "ip rule add fwmark 1 lookup 100 priority 10; ip rule add fwmark 2 lookup 101 priority 11"
        )
        one.configure((two, None))
        two.configure((one, f"10.9.0.1:{PORT}"), interface="FwMark = 1")
        up(two, one)
        net.leaves_by(0, lambda: two.reaches(one))
        two.node.run("wg set wg0 fwmark 2")
        net.leaves_by(1, lambda: two.reaches(one, count=5))
        one.wait_endpoint(two, "10.1.0.2")
        two.node.run("ip rule add fwmark 2 lookup 100 priority 5")
        net.leaves_by(0, lambda: two.reaches(one, count=5))
        two.node.run("ip rule del fwmark 2 lookup 100 priority 5")
        net.leaves_by(1, lambda: two.reaches(one, count=5))


# ---- firewall mark -------------------------------------------------------------------------------


def fwmark():
    """What we send is marked: a rule sends it by a table of its own, where alone there is a route; both families."""
    with Sites(2) as (one, two):
        connect(one, two, ["192.0.2.1/24", "2001:db8::1/64"], ["192.0.2.2/24", "2001:db8::2/64"])
        one.node.sh(
            "ip route add unreachable 192.0.2.2/32; ip -6 route add unreachable 2001:db8::2/128;"
            "ip route add 192.0.2.0/24 dev eth0 table 100; ip -6 route add 2001:db8::/64 dev eth0 table 100;"
            "ip rule add fwmark 0x51 lookup 100; ip -6 rule add fwmark 0x51 lookup 100"
        )
        two.configure((one, None))
        for endpoint in (f"192.0.2.2:{PORT}", f"[2001:db8::2]:{PORT}"):
            one.configure((two, endpoint), interface="FwMark = 0x51")
            up(*(s for s in (two, one) if not s.gateway.pids()))
            one.reload()
            assert not one.node.ping("192.0.2.2", count=1, timeout=1).ok, "without the mark there is no route"
            one.reaches(two)
            assert one.gateway.status()["wireguard"]["fwmark"] == 0x51
        # wg(8) takes the mark away and gives it back, live
        one.node.run("wg set wg0 fwmark off")
        assert not one.node.ping(two.wg4, count=2, timeout=1).ok, "traffic without the mark"
        one.node.run("wg set wg0 fwmark 0x51")
        one.reaches(two)
        one.configure((two, f"192.0.2.2:{PORT}"))
        one.reload()
        assert one.gateway.status()["wireguard"]["fwmark"] == 0
        assert not one.node.ping(two.wg4, count=2, timeout=1).ok, "traffic after the file's mark was gone"


# ---- ECN, DSCP, flow label -----------------------------------------------------------------------


class Inner:
    """UDP datagrams through the tunnel, with the TOS or traffic class they leave and arrive with."""

    def __init__(self, one, two, family):
        self.family = socket.AF_INET if family == 4 else socket.AF_INET6
        self.level, self.set_kind, self.get = (
            (socket.IPPROTO_IP, socket.IP_TOS, socket.IP_RECVTOS)
            if family == 4
            else (socket.IPPROTO_IPV6, socket.IPV6_TCLASS, socket.IPV6_RECVTCLASS)
        )
        source, self.target = (one.wg4, two.wg4) if family == 4 else (one.wg6, two.wg6)
        self.sender = one.node.call(lambda: socket.socket(self.family, socket.SOCK_DGRAM))
        self.receiver = two.node.call(lambda: socket.socket(self.family, socket.SOCK_DGRAM))
        self.sender.bind((source, 0))
        self.receiver.bind((self.target, 0))
        self.receiver.setsockopt(self.level, self.get, 1)

    def send(self, value, payload=b"x"):
        self.sender.setsockopt(self.level, self.set_kind, value)
        self.sender.sendto(payload, self.receiver.getsockname()[:2])

    def receive(self, timeout=10.0):
        """Return: the TOS that a datagram arrived with; None if none came."""
        self.receiver.settimeout(timeout)
        try:
            _, control, _, _ = self.receiver.recvmsg(100, 100)
        except TimeoutError:
            return None
        value = next(data for level, _, data in control if level == self.level)
        return value[0] if len(value) == 1 else struct.unpack("i", value)[0]

    def through(self, value):
        self.send(value)
        return self.receive()

    def close(self):
        self.sender.close()
        self.receiver.close()


def pair(family):
    """Two sites on an underlay of one family. Return: context manager."""
    sites = Sites(2)
    one, two = sites.sites
    if family == 4:
        connect(one, two, ["192.0.2.1/24"], ["192.0.2.2/24"])
        endpoint = f"192.0.2.2:{PORT}"
    else:
        connect(one, two, ["2001:db8::1/64"], ["2001:db8::2/64"])
        endpoint = f"[2001:db8::2]:{PORT}"
    one.configure((two, endpoint))
    two.configure((one, None))
    return sites


def ecn_and_dscp_out(family):
    """Handshakes leave with DSCP AF41; data with DSCP 0 whatever is inside, and the ECN of what is inside."""
    with pair(family) as (one, two):
        with Capture(one.node, "eth0") as capture:
            up(two, one)
            one.reaches(two)
            seen = wire(capture)
        marks = {
            kind: {tos(p) for p in seen if p.payload[0] == kind} for kind in (INITIATION, RESPONSE, DATA)
        }
        assert marks == {INITIATION: {0x88}, RESPONSE: {0x88}, DATA: {0}}, marks
        for inside in (4, 6):
            inner = Inner(one, two, inside)
            for dscp in (0, 0xB8):
                for ecn in ECN.values():
                    with Capture(one.node, "eth0") as capture:
                        assert inner.through(dscp | ecn) == dscp | ecn, "inside it arrives as it was sent"
                        out = {tos(p) for p in wire(capture) if p.sport and p.payload[0] == DATA}
                    assert out == {ecn}, f"IPv{inside} with {dscp | ecn:#x} inside left as {out}"
            inner.close()


def ecn_in(family):
    """Congestion marked on the underlay gets into what is inside, as RFC 6040 has it, or drops what cannot carry it."""
    # (inside, outside) -> what arrives; None: dropped. Source: RFC 6040, figure 4.
    expected = {
        ("not-ect", "not-ect"): "not-ect",
        ("not-ect", "ect0"): "not-ect",
        ("not-ect", "ect1"): "not-ect",
        ("not-ect", "ce"): None,
        ("ect0", "not-ect"): "ect0",
        ("ect0", "ect0"): "ect0",
        ("ect0", "ect1"): "ect1",
        ("ect0", "ce"): "ce",
        ("ect1", "not-ect"): "ect1",
        ("ect1", "ect0"): "ect1",
        ("ect1", "ect1"): "ect1",
        ("ect1", "ce"): "ce",
        ("ce", "not-ect"): "ce",
        ("ce", "ect0"): "ce",
        ("ce", "ect1"): "ce",
        ("ce", "ce"): "ce",
    }
    word = "ip" if family == 4 else "ip6"
    with pair(family) as (one, two):
        up(two, one)
        one.reaches(two)
        one.node.run("nft", "add table inet marks")
        one.node.run("nft", "add chain inet marks out { type filter hook output priority 0; }")
        inners = {inside: Inner(one, two, inside) for inside in (4, 6)}

        def inner_ecn():
            return two.gateway.status()["drops"].get("inner_ecn", 0)

        for outside in ECN:
            one.node.run("nft", "flush chain inet marks out")
            one.node.run("nft", f"add rule inet marks out udp dport {PORT} {word} ecn set {outside}")
            for inside, inner in inners.items():
                for name, bits in ECN.items():
                    want = expected[name, outside]
                    drops = inner_ecn()
                    inner.send(0x28 | bits)
                    got = inner.receive(10 if want else 0.2)
                    wanted = None if want is None else 0x28 | ECN[want]
                    case = f"IPv{inside}: {name} inside, {outside} outside"
                    assert got == wanted, f"{case}: {got} arrived, not {wanted}"
                    if want is None:
                        wait_for(lambda: inner_ecn() > drops, what=f"{case}: to be counted")
                    assert inner_ecn() - drops == (want is None), f"{case}: counted {inner_ecn() - drops}"
        for inner in inners.values():
            inner.close()


def flow_label():
    """The outer flow label is one for the tunnel: it shows nothing of the flows inside."""
    with pair(6) as (one, two):
        up(two, one)
        one.reaches(two)
        senders = [Inner(one, two, inside) for inside in (4, 6, 4, 6, 6, 6)]
        with Capture(one.node, "eth0") as capture:
            for payload in (b"x", b"y" * 50):
                for inner in senders:
                    inner.send(0, payload)
                    assert inner.receive() is not None
            one.node.sh(f"ping -6 -c 2 -i 0.05 -F 0x12345 {two.wg6} || true; ping -c 2 -i 0.05 {two.wg4}")
            seen = [p for p in wire(capture) if p.payload[0] == DATA]
        labels = {}
        for p in seen:
            labels.setdefault(p.src, set()).add(struct.unpack_from("!I", p.l3)[0] & 0xFFFFF)
        assert len(seen) >= 2 * len(senders), len(seen)
        assert all(len(found) == 1 for found in labels.values()), f"labels by source: {labels}"
        for inner in senders:
            inner.close()


# ---- hosts without one family --------------------------------------------------------------------

# Runs a command for which socket(family, …) does not exist, by seccomp: family and command in argv.
WITHOUT_FAMILY = """
import ctypes, os, struct, sys
number = {"x86_64": 41, "aarch64": 198}[os.uname()[4]]
op = lambda code, jt, jf, k: struct.pack("HBBI", code, jt, jf, k)
LOAD, JEQ, RET = 0x20, 0x15, 0x06
program = b"".join([
    op(LOAD, 0, 0, 0), op(JEQ, 0, 3, number),
    op(LOAD, 0, 0, 16), op(JEQ, 0, 1, int(sys.argv[1])),
    op(RET, 0, 0, 0x00050000 | 97), op(RET, 0, 0, 0x7FFF0000)])
buffer = ctypes.create_string_buffer(program)
fprog = ctypes.create_string_buffer(struct.pack("HxxxxxxP", 6, ctypes.addressof(buffer)))
libc = ctypes.CDLL(None, use_errno=True)
if libc.prctl(38, 1, 0, 0, 0) or libc.prctl(22, 2, fprog, 0, 0):
    sys.exit(99)
os.execv(sys.argv[2], sys.argv[2:])
"""


def start_without(site, family):
    """Bring a site up as on a kernel that lacks an address family."""
    start = site.node.popen
    words = [sys.executable, "-S", "-E", "-c", WITHOUT_FAMILY, str(int(family))]
    probe = site.node.run(*words, "/bin/true", check=False)
    if probe.status:
        raise Skip("no seccomp filter can be set here")
    site.node.popen = lambda *given, **options: start(*words, *given, **options)
    try:
        site.gateway.up()
    finally:
        site.node.popen = start


def without_ipv6_sockets():
    """The kernel has no IPv6: the tunnel works over IPv4; a peer with an IPv6 endpoint costs nothing else."""
    with Sites(2) as (one, two):
        connect(one, two, ["192.0.2.1/24"], ["192.0.2.2/24"])
        one.configure((two, f"192.0.2.2:{PORT}"))
        two.configure((one, None))
        start_without(one, socket.AF_INET6)
        start_without(two, socket.AF_INET6)
        one.reaches(two)
        one.configure((two, f"[2001:db8::2]:{PORT}"))
        one.reload()
        one.node.ping(two.wg4, count=1)
        assert one.gateway.status()["drops"].get("tx_send", 0), "what cannot be sent is counted"
        one.configure((two, f"192.0.2.2:{PORT}"))
        one.reload()
        one.reaches(two)


def without_ipv4_sockets():
    """The kernel has no IPv4 sockets: the tunnel works over IPv6, also on a port that the kernel chooses."""
    with Sites(2) as (one, two):
        connect(one, two, ["2001:db8::1/64"], ["2001:db8::2/64"])
        one.configure((two, f"[2001:db8::2]:{PORT}"))
        two.configure((one, None))
        with open(one.gateway.conf) as file:
            text = file.read()
        one.gateway.configure(text.replace(f"ListenPort = {PORT}\n", ""))
        start_without(one, socket.AF_INET)
        start_without(two, socket.AF_INET)
        assert one.gateway.status()["wireguard"]["listen_port"] > 0
        one.reaches(two)


def ipv6_disabled():
    """net.ipv6.conf.*.disable_ipv6: no IPv6 on any interface, the tunnel works over IPv4."""
    with Sites(2) as (one, two):
        for site in (one, two):
            site.node.sh("for f in /proc/sys/net/ipv6/conf/*/disable_ipv6; do echo 1 >$f; done")
        connect(one, two, ["192.0.2.1/24"], ["192.0.2.2/24"])
        one.configure((two, f"192.0.2.2:{PORT}"), ipv6=False)
        two.configure((one, None), ipv6=False)
        up(two, one)
        one.reaches(two)
        two.reaches(one)


def main():
    suite = Suite("underlay")
    need_root()
    find_binary()
    suite.run("IPv4 and IPv6 peers at once", two_families_at_once)
    suite.run("link-local", link_local)
    suite.run("IPv4 mapped into IPv6", mapped)
    suite.run("from one family to the other", from_one_family_to_the_other)
    suite.run("sticky source, IPv4", sticky_source, "192.0.2.2", "192.0.2.3", 24, 4)
    suite.run("sticky source, IPv6", sticky_source, "2001:db8::2", "2001:db8::3", 64, 6)
    suite.run("the route moves to another interface", route_moves)
    for family in (4, 6):
        suite.run(f"no route back by where it came in, IPv{family}", asymmetric, family)
    suite.run("a routing loop", loop)
    suite.run("two uplinks", uplinks)
    suite.run("two uplinks, IPv6", uplinks_ipv6)
    for name, kill, counted in DEATHS:
        suite.run(f"beside a dead peer: {name}", beside_a_dead_peer, kill, counted)
    suite.run("firewall mark", fwmark)
    suite.run("two uplinks, another mark, another rule", mark_moves)
    for family in (4, 6):
        suite.run(f"ECN and DSCP outwards, over IPv{family}", ecn_and_dscp_out, family)
        suite.run(f"ECN inwards, over IPv{family}", ecn_in, family)
    suite.run("flow label", flow_label)
    suite.run("a kernel without IPv6", without_ipv6_sockets)
    suite.run("a kernel without IPv4", without_ipv4_sockets)
    suite.run("IPv6 disabled", ipv6_disabled)
    suite.finish()


main()
