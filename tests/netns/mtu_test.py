#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Members keep MTU 1500: what they send arrives, TCP pays nothing, and every number is the one computed."""

import json
import os
import random
import socket
import struct
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from lib import frames
from lib.capture import Capture, RawPort, check_underlay, is_wireguard
from lib.network import Reference
from lib.node import need_root
from lib.reference import PORT, Pseudowire
from lib.runner import Suite, wait_for
from lib.stream import transfer
from lib.wirespan import find_binary

IP_MTU_DISCOVER, IP_PMTUDISC_DONT, IP_PMTUDISC_DO = 10, 0, 2
IPV6_MTU_DISCOVER, IPV6_DONTFRAG = 23, 62
PLAIN = Pseudowire()


class Bench:
    """The network at the default configuration, and its counters."""

    def __init__(self):
        need_root()
        find_binary()
        self.net = Reference()
        self.one, self.two = self.net.sites
        self.member, self.vpn = self.net.member, self.net.vpn

    def up(self, wire=PLAIN, **options):
        self.net.stop()
        self.net.forget_neighbours()
        self.net.up(wire, **options)
        assert self.member[0].ping(self.two.member4).ok, "the segment works"
        self.wait_measured()

    def wait_measured(self):
        """Both ends have found what the path carries."""
        for gateway in self.net.gateway:
            wait_for(
                lambda gateway=gateway: gateway.status()["peers"][0]["path"]["state"]
                in ("complete", "given"),
                10,
                what=f"the path's MTU at {gateway.name}",
            )

    def set_members_mtu(self, mtu):
        for vpn, member in zip(self.vpn, self.member):
            vpn.run("ip", "link", "set", "eth1", "mtu", str(mtu))
            member.run("ip", "link", "set", "eth0", "mtu", str(mtu))

    def session(self, number):
        return self.net.gateway[number].status()["sessions"][0]

    def counters(self):
        """Return: the sessions' counters at both ends, as dictionaries."""
        return [dict(self.session(number)) for number in (0, 1)]


def rise(before, after, name):
    return [b[name] - a[name] for a, b in zip(before, after)]


def mtu_of(node, ifname):
    return json.loads(node.run("ip", "-j", "link", "show", "dev", ifname).out)[0]["mtu"]


# ---- members at 1500, nothing configured ---------------------------------------------------------


def interfaces(bench):
    for vpn in bench.vpn:
        for ifname in ("l2tpeth0", "br-l2tp0"):
            assert mtu_of(vpn, ifname) == 1500, f"{ifname} of {vpn.name}"


def pings(bench):
    """1472 bytes of payload with DF, both ways, both families; two fragments each, no one else's."""
    before = bench.counters()
    with Capture(bench.vpn[0], "eth0") as capture:
        for sender, site in ((bench.member[0], bench.two), (bench.member[1], bench.one)):
            for target, size in ((site.member4, 1472), (site.member6, 1452)):
                result = sender.ping(target, count=5, size=size, dont_fragment=True)
                assert result.ok, result.out
        check_underlay(capture.stop(), ports=(PORT,), mtu=1500)
    after = bench.counters()
    assert rise(before, after, "fragmented") == [20, 20], after  # requests and replies
    assert rise(before, after, "fragments_tx") == [40, 40], after
    assert rise(before, after, "reassembled") == [20, 20], after
    assert rise(before, after, "dropped_tx") == rise(before, after, "dropped_rx") == [0, 0]


def udp_pair(near, far, address, family, dont_fragment):
    receiver = far.call(lambda: socket.socket(family, socket.SOCK_DGRAM))
    sender = near.call(lambda: socket.socket(family, socket.SOCK_DGRAM))
    receiver.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
    receiver.bind((address, 0))
    receiver.settimeout(20)
    if family == socket.AF_INET:
        mode = IP_PMTUDISC_DO if dont_fragment else IP_PMTUDISC_DONT
        sender.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER, mode)
    elif dont_fragment:
        sender.setsockopt(socket.IPPROTO_IPV6, IPV6_DONTFRAG, 1)
    sender.connect(receiver.getsockname()[:2])
    return sender, receiver


def datagrams(bench, size, count, fragmented, fragments, family=socket.AF_INET, dont_fragment=True):
    """`count` datagrams each way arrive unchanged; the counters rise by so many for each of them."""
    source = random.Random(size)
    v4 = family == socket.AF_INET
    for number, (near, far, site) in enumerate(
        ((bench.member[0], bench.member[1], bench.two), (bench.member[1], bench.member[0], bench.one))
    ):
        before = bench.counters()
        sender, receiver = udp_pair(near, far, site.member4 if v4 else site.member6, family, dont_fragment)
        with sender, receiver:
            for _ in range(count):
                payload = source.randbytes(size)
                sender.send(payload)
                assert receiver.recv(65536) == payload, f"{size} bytes from {near.name}"
        after = bench.counters()
        what = f"{size} bytes from {near.name}: {before[number]} {after[number]}"
        assert rise(before, after, "fragmented")[number] == count * fragmented, what
        assert rise(before, after, "fragments_tx")[number] == count * fragments, what
        assert rise(before, after, "reassembled")[1 - number] == count * fragmented, what


def quic(bench):
    for size in (1252, 1350):
        datagrams(bench, size, 50, 0, 0)
        datagrams(bench, size - 32, 50, 0, 0, family=socket.AF_INET6)
    datagrams(bench, 1472, 50, 1, 2)
    datagrams(bench, 1452, 50, 1, 2, family=socket.AF_INET6)


def large_udp(bench):
    """9000 bytes in the members' own IP fragments: six full ones, each in two of ours, and a short one."""
    datagrams(bench, 9000, 50, 6, 12, dont_fragment=False)
    datagrams(bench, 9000, 50, 6, 12, family=socket.AF_INET6, dont_fragment=False)


def announced_mss(packet):
    """Return: the MSS option of a SYN, or None."""
    header = 20 if packet.ethertype == frames.ETH_IPV4 else 40
    tcp = packet.l3[header:]
    if packet.protocol != frames.TCP or not tcp[13] & 2:
        return None
    options, at = tcp[20 : (tcp[12] >> 4) * 4], 0
    while at < len(options) and options[at]:
        if options[at] == 2:
            return struct.unpack_from("!H", options, at + 2)[0]
        at += 1 if options[at] == 1 else options[at + 1]
    return None


def bulk_tcp(bench):
    """TCP between members that know of nothing: no fragment in the tunnel, none on the underlay."""
    before = bench.counters()
    pairs = ((bench.member[0], bench.member[1], bench.two), (bench.member[1], bench.member[0], bench.one))
    for near, far, site in pairs:
        for address, family, mss in (
            (site.member4, socket.AF_INET, PLAIN.largest_packet(1) - 40),
            (site.member6, socket.AF_INET6, PLAIN.largest_packet(1) - 60),
        ):
            with RawPort(near, "eth0") as here, RawPort(far, "eth0") as there:
                with Capture(bench.vpn[0], "eth0") as capture:
                    transfer(near, far, address, family, 8)
                    check_underlay(capture.stop(), ports=(PORT,), mtu=1500)
                for port, flag, name in ((there, 2, "SYN"), (here, 18, "SYN/ACK")):
                    frame = port.expect(lambda p: announced_mss(p) is not None)
                    assert frame, f"no {name} was seen"
                    packet = frames.Packet(frame)
                    assert announced_mss(packet) == mss, f"{name}: {announced_mss(packet)}, not {mss}"
    after = bench.counters()
    assert rise(before, after, "fragmented") == [0, 0], "fragments for TCP"
    assert rise(before, after, "reassembled") == [0, 0]
    assert rise(before, after, "mss_clamped") == [4, 4], (before, after)
    assert not any(rise(before, after, "dropped_rx")), after


TAGS = {1: ((frames.ETH_8021Q, 10),), 2: ((frames.ETH_QINQ, 20), (frames.ETH_8021Q, 21))}


def tagged_syn(bench, near, far, tags, family, flags):
    """Return: the MSS that arrives of a tagged SYN which announces 1460."""
    here, there = ("10.10.0.1", "10.10.0.2") if family == 4 else ("fd00:10::1", "fd00:10::2")
    tcp = frames.tcp(here, there, 4711, 4712, 1, 0, flags, options=b"\x02\x04\x05\xb4")
    ethertype = frames.ETH_IPV4 if family == 4 else frames.ETH_IPV6
    build = frames.ipv4 if family == 4 else frames.ipv6
    packet = build(here, there, frames.TCP, tcp)
    with RawPort(near, "eth0") as sender, RawPort(far, "eth0") as receiver:
        sender.send(frames.eth(far.mac("eth0"), near.mac("eth0"), ethertype, packet, tags))
        frame = receiver.expect(lambda p: p.sport == 4711 and p.protocol == frames.TCP)
    assert frame, f"a SYN with {len(tags)} tags did not arrive"
    arrived = frames.Packet(frame)
    assert arrived.tags == list(tags)
    body = arrived.l3[20 if family == 4 else 40 :]
    whole = frames._pseudo(here, there, frames.TCP, len(body)) + body
    assert frames.checksum(whole) == 0, "the checksum is wrong now"
    return announced_mss(arrived)


def tagged(bench):
    """One and two VLAN tags beyond: 1500-byte packets pass, and TCP's MSS leaves room for the tags."""
    for count, tags in TAGS.items():
        bench.set_members_mtu(1500 if count == 1 else 1508)  # a packet socket lets one 802.1Q tag pass only
        for near, far in (bench.member, bench.member[::-1]):
            packet = frames.ipv4("10.10.0.1", "10.10.0.2", frames.UDP, random.Random(count).randbytes(1480))
            frame = frames.eth(far.mac("eth0"), near.mac("eth0"), frames.ETH_IPV4, packet, tags)
            before = bench.counters()
            with RawPort(near, "eth0") as sender, RawPort(far, "eth0") as receiver:
                for _ in range(3):
                    sender.send(frame)
                    arrived = receiver.expect(lambda p, frame=frame: p.frame == frame)
                    assert arrived, f"1500 bytes behind {count} tags from {near.name}"
            number = bench.member.index(near)
            assert rise(before, bench.counters(), "fragments_tx")[number] == 6
            for family, fixed in ((4, 40), (6, 60)):
                for flags in (2, 18):
                    mss = tagged_syn(bench, near, far, tags, family, flags)
                    assert mss == PLAIN.largest_packet(1) - 4 * count - fixed, f"{count} tags: {mss}"
    bench.set_members_mtu(1500)


def jumbo(bench):
    """A session at 9000, as configured, with members at 9000."""
    bench.set_members_mtu(9000)
    try:
        bench.up(Pseudowire(session_mtu=9000))
        for vpn in bench.vpn:
            for ifname in ("l2tpeth0", "br-l2tp0"):
                assert mtu_of(vpn, ifname) == 9000, f"{ifname} of {vpn.name}"
        with Capture(bench.vpn[0], "eth0") as capture:
            for sender, site in ((bench.member[0], bench.two), (bench.member[1], bench.one)):
                result = sender.ping(site.member4, count=5, size=8972, dont_fragment=True)
                assert result.ok, result.out
            # 8972 + 28 + 54 bytes, less the tunnel's IP header, in pieces of 1416
            datagrams(bench, 8972, 50, 1, 7)
            check_underlay(capture.stop(), ports=(PORT,), mtu=1500)
        before = bench.counters()
        transfer(bench.member[0], bench.member[1], bench.two.member4, socket.AF_INET, 8)
        assert rise(before, bench.counters(), "fragmented") == [0, 0], "fragments for TCP"
    finally:
        bench.set_members_mtu(1500)


# ---- the numbers ---------------------------------------------------------------------------------

TABLE = [
    # the underlay's MTU and family, the pseudowire, and the words for `wirespan mtu`
    (1492, 4, Pseudowire(), []),
    (1454, 4, Pseudowire(), []),
    (1500, 6, Pseudowire(), ["--ipv6"]),
    (1492, 6, Pseudowire(), ["--ipv6"]),
    (1500, 4, Pseudowire(cookies=("01020304", "a1a2a3a4")), ["--cookie", "4"]),
    (1500, 4, Pseudowire(cookies=("0102030405060708", "a1a2a3a4a5a6a7a8")), ["--cookie", "8"]),
    (1500, 4, Pseudowire(sublayer="none"), ["--sublayer", "none"]),
    (1500, 4, Pseudowire(encap="ip"), ["--encap", "ip"]),
    (1500, 4, Pseudowire(family=6), ["--inner-ipv6"]),
    (
        1454,
        6,
        Pseudowire(family=6, encap="ip", cookies=("01020304", "a1a2a3a4"), sublayer="none"),
        ["--ipv6", "--inner-ipv6", "--encap", "ip", "--cookie", "4", "--sublayer", "none"],
    ),
]


def measured(bench):
    """Return: the largest packet of member01 that leaves in one piece, found with pings."""
    low, high = 1200, 1500  # low passes whole, high does not
    while high - low > 1:
        size = (low + high) // 2
        before = bench.session(0)["fragmented"]
        assert bench.member[0].ping(bench.two.member4, count=1, size=size - 28, dont_fragment=True).ok, size
        whole = bench.session(0)["fragmented"] == before
        low, high = (size, high) if whole else (low, size)
    return low


def number(bench, underlay, family, wire, words):
    bench.net.stop()
    for vpn in bench.vpn:
        vpn.run("ip", "link", "set", "eth0", "mtu", str(underlay))
    bench.net.underlay_family = family
    try:
        bench.up(wire)
        with Capture(bench.vpn[0], "eth0") as capture:
            found = measured(bench)
            packets = capture.stop()
        check_underlay(packets, ports=(PORT,), mtu=underlay)
        assert max(len(p.l3) for p in packets) == underlay, "the largest packet fills the underlay"
        status = bench.net.gateway[0].status()
        assert status["peers"][0]["path"]["mtu"] == underlay
        assert status["peers"][0]["path"]["answers"] > 0
        gateway = bench.net.gateway[0]
        of_file = json.loads(gateway.run("mtu", gateway.conf, "--json").out)
        of_words = json.loads(gateway.run("mtu", "--underlay", str(underlay), *words, "--json").out)
        computed = [ladder["session_mtu"] for ladder in of_file["ladders"] + of_words["ladders"]]
        assert status["sessions"][0]["budget"] == found, f"{status['sessions'][0]['budget']}, not {found}"
        assert computed == [found, found], f"wirespan mtu prints {computed}, measured {found}"
        assert bench.session(0)["mss_ipv4"] == found - 40
    finally:
        for vpn in bench.vpn:
            vpn.run("ip link set eth0 mtu 1500")
        bench.net.underlay_family = 4


def given(bench):
    """MTU = 1400 in [Interface]: no probe, the underlay's routers may fragment, and 1400 it is."""
    bench.net.stop()
    with Capture(bench.vpn[0], "eth0") as capture:
        bench.up(PLAIN, wg_mtu=1400)
        assert bench.member[0].ping(bench.two.member4, count=5, size=1472, dont_fragment=True).ok
        time.sleep(1.5)
        packets = capture.stop()
    ours = [p for p in packets if is_wireguard(p, (PORT,))]
    assert not [p for p in ours if p.l3[6] & 0x40], "DF is set"
    assert max(len(p.l3) for p in ours) == 1400 + 60, "no larger than configured"
    for gateway in bench.net.gateway:
        path = gateway.status()["peers"][0]["path"]
        assert (path["state"], path["mtu"], path["probes"]) == ("given", 1460, 0), path
    large = [p for p in ours if len(p.l3) > 500]
    assert len(large) == 10, f"the first pieces of five pings and their answers, and no probe: {large}"
    assert measured(bench) == 1400 - 54


def main():
    suite = Suite("mtu")
    box = {}

    def build():
        bench = box["bench"] = Bench()
        bench.up()

    if not suite.setup("the network", build):
        suite.finish()
    bench = box["bench"]
    suite.diagnose_with(bench.net.diagnostics)
    suite.run("interfaces at 1500", interfaces, bench)
    suite.run("pings of 1472 bytes, DF", pings, bench)
    suite.run("QUIC-sized datagrams", quic, bench)
    suite.run("9000-byte datagrams from members at 1500", large_udp, bench)
    suite.run("bulk TCP between unconfigured members", bulk_tcp, bench)
    suite.run("one and two VLAN tags", tagged, bench)
    suite.run("a session at 9000", jumbo, bench)
    suite.run("MTU = 1400", given, bench)
    for underlay, family, wire, words in TABLE:
        name = f"budget over IPv{family} at {underlay} {' '.join(words)}".strip()
        suite.run(name, number, bench, underlay, family, wire, words)
    suite.finish()


if __name__ == "__main__":
    main()
