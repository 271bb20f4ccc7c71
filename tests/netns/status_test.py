#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Status cannot lie: traffic of every sort moves every counter and fact, in JSON, text, metrics and top.

vpn01 is looked at; vpn02 (beyond a router, without any offload) and vpn03 (over IPv6, isolated, with a preshared key)
are its peers. Each case names what it must move, and by how much. At the end the product's own table of
fields is walked: a field that no case has moved, or that a rendering does not show, is a failure, and so
is a reason for drops that did not occur and is not in NOT_FROM_OUTSIDE.
"""

import base64
import contextlib
import hashlib
import os
import re
import socket
import struct
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from lib import frames, prometheus
from lib.capture import RawPort
from lib.node import WIRE_OFFLOADS
from lib.reference import PORT
from lib.runner import Suite, wait_for
from lib.status_bench import COOKIE_TWO, PATIENCE, Bench, Exactly, Traffic
from lib.status_fields import SHOWN, No, options
from lib.status_report import samples
from lib.status_top import TopScreen, agreed, other_terminals, watch
from lib.stream import Stream, transfer
from lib.terminal import Terminal

SOURCES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")

# Reasons for drops that nothing outside the process can bring about, and the unit test of each.
NOT_FROM_OUTSIDE = {
    # The kernel gives a TAP no frame without an Ethernet header, and a TUN no empty packet.
    "tap_short": ("src/gso/split_test.c", "test_hostile"),
}

NOT_HERE = ("stopped",)  # fields that only a site without a process has
# Words of choices that only the kernel's modules bring about: tests/vm/kernel_backend_test.py looks for them.
NOT_WITH_ENGINE = {("peers[].path.state", "route")}

UDP_SEGMENT = 103  # linux/udp.h
VNET_HDR = 15  # linux/if_packet.h, PACKET_VNET_HDR


# ---- honest traffic --------------------------------------------------------------------------------


def waiting(bench):
    """Frames wait while vpn01 calls; they leave in fragments once vpn02 is there, counted for their session."""
    bench.gateway[0].up()
    with RawPort(bench.member[0], "eth0") as member:
        for _ in range(3):
            member.send(bench.frame(1514))
        bench.wait_value(bench.peer("two", "state"), ["handshake"])
        with bench.moves(
            ("sessions[l2tpeth0].fragmented", 3),
            ("sessions[l2tpeth0].fragments_tx", 6),
            bench.peer("two", "rx_bytes"),
            bench.peer("two", "tx_bytes"),
            "engine.handshakes_tx",
            "engine.handshakes_rx",
        ):
            bench.gateway[1].up()
            assert not bench.value("budget.outer_measured", 1), "it has no endpoint to measure"
        bench.wait_value(bench.peer("two", "state"), ["established"])
        bench.wait_value(bench.peer("two", "path.state"), ["complete"])
        bench.wait_value("budget.outer_measured", [True], 1)
        bench.wait_value("sessions[l2tpeth0].reassembled", range(3, 99), 1)
        assert bench.value("sessions[l2tpeth0].fragments_rx", 1) >= 6


def fragments_both_ways(bench):
    """Ten echoes of 1500 bytes: each is cut in two, comes back in two, and is counted at both ends."""
    bench.ping(bench.member[0], bench.two.member4)
    for site in (0, 1):
        with bench.moves(
            ("sessions[l2tpeth0].fragmented", Exactly(10)),
            ("sessions[l2tpeth0].fragments_tx", Exactly(20)),
            ("sessions[l2tpeth0].fragments_rx", Exactly(20)),
            ("sessions[l2tpeth0].reassembled", Exactly(10)),
            ("sessions[l2tpeth0].tx.packets", 10),
            ("sessions[l2tpeth0].tx.bytes", 15000),
            ("sessions[l2tpeth0].rx.packets", 10),
            ("sessions[l2tpeth0].rx.bytes", 15000),
            ("engine.fragments_rx", 20),
            ("engine.datagrams_tx", 20),
            ("engine.segments_rx", 20),
            "engine.superframes_tx",
            "engine.superframes_rx",
            "engine.segments_tx",
            "engine.trains_tx",
            "engine.trains_rx",
            "engine.batches_tx",
            "engine.batches_rx",
            "engine.syscalls",
            "engine.wakeups",
            site=site,
        ):
            bench.ping(bench.member[0], bench.two.member4, count=10, size=1472, dont_fragment=True)


def flows(bench):
    """TCP with a clamped MSS, a train of UDP_SEGMENT, and the gateways' own packets."""
    with bench.moves(
        ("sessions[l2tpeth0].mss_clamped", 1),
        ("engine.segments_tx", 1000),
        ("wireguard.tx.packets", 5),
        ("wireguard.tx.bytes", 400),
        ("wireguard.rx.packets", 5),
        ("wireguard.rx.bytes", 400),
    ):
        transfer(bench.member[0], bench.member[1], bench.two.member4, socket.AF_INET, 2)
        bench.ping(bench.net.vpn[0], bench.two.wg4, count=5)
    receiver = bench.member[1].call(lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    sender = bench.member[0].call(lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    with receiver, sender, bench.moves(("sessions[l2tpeth0].tx.packets", 20)):
        receiver.bind((bench.two.member4, 0))
        receiver.settimeout(PATIENCE)
        sender.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, 1200)
        sender.sendto(bytes(24000), receiver.getsockname())
        assert all(len(receiver.recv(2048)) == 1200 for _ in range(20))
    engine = bench.gateway[0].status()["engine"]
    assert engine["segments_tx"] > 2 * engine["superframes_tx"], f"superframes are cut: {engine}"
    engine = bench.gateway[1].status()["engine"]
    assert engine["trains_tx"] == engine["datagrams_tx"], f"without UDP_SEGMENT each datagram is a send: {engine}"


def oversize(bench):
    """Frames that do not fit: answered, dropped, and each counted for its own session."""
    for name, number in (("rej0", 1), ("drop0", 2)):
        for site in (0, 1):
            bench.net.vpn[site].up(name, f"10.9.{number}.{site + 1}/24")
        bench.ping(bench.net.vpn[0], f"10.9.{number}.2")
    big = ["ping", "-n", "-c", "3", "-i", "0.2", "-W", "1", "-s", "1472", "-M", "do"]
    with bench.moves("sessions[rej0].too_big_sent", "sessions[rej0].dropped_tx", "drops.tap_oversize"):
        bench.net.vpn[0].run(*big, "10.9.1.2", check=False)
    with bench.moves(("sessions[drop0].dropped_tx", 3), ("drops.tap_oversize", 3)):
        bench.net.vpn[0].run(*big, "10.9.2.2", check=False)
    assert bench.value("sessions[drop0].mss_ipv4") == 1200, "what clamping writes"
    with RawPort(bench.member[0], "eth0") as member, bench.moves("drops.bridge_control"):
        member.send(bytes.fromhex("0180c200000e020000000001") + b"\x88\xcc" + bytes(60))
    far = ("ping", "-n", "-c", "3", "-i", "0.2", "-W", "1", "-s", "4000", "-M", "do", bench.two.member4)
    for node, name in ((bench.net.vpn[0], "eth1"), (bench.member[0], "eth0")):
        node.run(f"ip link set {name} mtu 9000")
    wait_for(lambda: bench.value("bridges[br-l2tp0].members[eth1].mtu") == 9000, PATIENCE, what="the MTU of eth1")
    with bench.moves("drops.bridge_oversize", again=lambda: bench.member[0].run(*far, check=False)):
        pass
    for node, name in ((bench.net.vpn[0], "eth1"), (bench.member[0], "eth0")):
        node.run(f"ip link set {name} mtu 1500")


# ---- datagrams that are not the peers' -------------------------------------------------------------


def with_mac1(bench, body, public=None):
    """Return: a handshake message for vpn01, or another site, whose sender knows its public key."""
    key = hashlib.blake2s(b"mac1----" + base64.b64decode(public or bench.one.public)).digest()
    return body + hashlib.blake2s(body, key=key, digest_size=16).digest() + bytes(16)


def initiation(bench, public=None):
    """Return: one with a right mac1, and nothing else right."""
    return with_mac1(bench, b"\1\0\0\0" + bench.random.randbytes(112), public)


def garbage(bench):
    """Datagrams of all kinds from a host that is no peer."""
    reasons = {
        "wg_short": b"\1\0\0\0" + bytes(30),
        "wg_type": b"hello, is this WireGuard?",
        "wg_length": b"\1\0\0\0" + bytes(200),
        "wg_mac1": b"\1\0\0\0" + bytes(144),
        "wg_handshake_auth": initiation(bench),
        "wg_unknown_index": b"\4\0\0\0" + bytes(60),
    }
    with bench.outside() as sock, bench.moves(*(f"drops.{r}" for r in reasons), ("engine.handshakes_rx", 5)):
        for datagram in reasons.values():
            sock.sendto(datagram, (bench.one.underlay, PORT))
    datagram = struct.pack("!HHHH", 0, PORT, 40, 0) + b"\4\0\0\0" + bytes(28)
    with bench.moves("drops.wg_source_port"):
        bench.underlay(frames.ipv4(bench.two.underlay, bench.one.underlay, frames.UDP, datagram))


def forged(bench, packet, payload):
    """Return: the caught packet with another UDP payload."""
    header = frames.udp(bench.two.underlay, bench.one.underlay, packet.sport, packet.dport, payload)
    return frames.ipv4(bench.two.underlay, bench.one.underlay, frames.UDP, header)


def bent(bench):
    """Data of the peer's once more, and with other counters; an answer to what was not asked."""
    packet = bench.caught(lambda: bench.ping(bench.net.vpn[1], bench.one.wg4), 4, blocked=False)
    data = bytes(packet.payload)
    with bench.moves("drops.wg_replay", "drops.wg_auth", "drops.wg_key_expired", "drops.wg_state"):
        bench.underlay(
            forged(bench, packet, data),
            forged(bench, packet, data[:8] + struct.pack("<Q", 1 << 40) + data[16:]),
            forged(bench, packet, data[:8] + b"\xff" * 8 + data[16:]),
            forged(bench, packet, with_mac1(bench, b"\2\0\0\0" + bytes(4) + data[4:8] + bytes(48))),
        )


def initiations(bench):
    """Two new initiations of the peer at once, and one of them once more."""
    wg = bench.net.vpn[1].run
    more = ("endpoint", f"{bench.one.underlay}:{PORT}", "allowed-ips", f"{bench.one.wg4}/32,{bench.one.wg6}/128")

    def call():
        wg("wg", "set", "wg0", "peer", bench.one.public, "remove")
        wg("wg", "set", "wg0", "peer", bench.one.public, *more, "persistent-keepalive", "25")

    def both_at_once():
        caught = [bench.caught(call, 1) for _ in (0, 1)]
        bench.underlay(*(forged(bench, p, bytes(p.payload)) for p in (*caught, caught[0])))

    with bench.moves("drops.wg_handshake_flood", "drops.wg_handshake_replay", again=both_at_once):
        both_at_once()
    call()
    reached = lambda: bench.member[0].ping(bench.two.member4, count=1).ok
    wait_for(reached, PATIENCE, what="a new session")


def load(bench):
    """More handshakes than are answered without a cookie, and more than cookies are sent."""

    def flood():
        for _ in range(2000):
            sock.sendto(initiation(bench), (bench.one.underlay, PORT))

    reasons = ("drops.wg_cookie_required", "drops.wg_rate_limit")
    with bench.outside() as sock, bench.moves(*reasons, ("engine.handshakes_tx", 100), again=flood):
        flood()


def third_site(bench):
    """A site that vpn01 does not know calls; then it is added by a reload, with a preshared key, over IPv6."""
    bench.gateway[2].up()
    bench.report(2)
    bench.sweep(2)
    bench.gateway[2].configure(bench.third_file())
    with bench.moves("drops.wg_unknown_peer"):
        bench.gateway[2].run("reload", bench.gateway[2].conf)
        bench.third.ping(bench.one.wg4, count=1, timeout=1)
    bench.gateway[0].configure(bench.first_file(third=True))
    bench.gateway[0].run("reload", bench.gateway[0].conf)
    bench.wait_value(bench.peer("three", "state"), ["established"])
    bench.net.vpn[0].up("ip0")
    with RawPort(bench.net.vpn[0], "ip0") as near, RawPort(bench.third, "ip0") as far:
        moved = ("sessions[ip0].with_sequence", "sessions[ip0].rx.packets", "sessions[ip0].tx.packets")
        with bench.moves(*((own, 3) for own in moved)):
            for port in (near, far) * 3:
                port.send(bench.frame())
    bench.report(2)


def pending_port(bench):
    """A reload asks for a port that another program has: it is pending, until another file asks for the old one."""
    near, gateway = bench.net.vpn[0], bench.gateway[0]
    taken = near.call(lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    with taken:
        taken.bind(("", 0))
        port = taken.getsockname()[1]
        gateway.configure(bench.first_file(third=True, port=port))
        assert gateway.run("reload", gateway.conf, check=False).status == 1
        assert bench.value("wireguard.pending_port") == port
        assert bench.value("wireguard.listen_port") == PORT
        bench.sweep(0)
        with Terminal(near, [gateway.binary, "top", gateway.conf]) as terminal:
            shown = lambda: f"UDP port {port}" in "\n".join(terminal.lines())
            wait_for(shown, PATIENCE, what="the port in a warning of top")
            terminal.type("q")
        gateway.configure(bench.first_file(third=True))
        gateway.run("reload", gateway.conf)
        assert bench.value("wireguard.pending_port") == 0
    bench.sweep(0)


# ---- inside the tunnel -----------------------------------------------------------------------------


def mismatches(bench):
    """What differs between the ends of a pseudowire is counted for the tunnel, the session, and by reason."""
    cookie, frame = bytes.fromhex(COOKIE_TWO), bench.frame()
    bad_ip = bytearray(bench.packet(bench.message(frame)))
    bad_ip[10] ^= 0x55  # the header's checksum
    messages = {
        ("drops.l2tp_session", "tunnels[3939].unknown_sessions"): bench.message(frame, session=4711),
        ("drops.l2tp_control", "tunnels[3939].control_messages"): bench.message(frame, first=0x80030000),
        ("drops.l2tp_version",): bench.message(frame, first=0x00020000),
        ("drops.l2tp_cookie", "sessions[l2tpeth0].wrong_cookie"): bench.message(frame, 3941, cookie[::-1]),
        ("drops.l2tp_short", "sessions[l2tpeth0].bad_length"): bench.message(b"", 3941, cookie[:4], b""),
        ("drops.l2tp_runt", "sessions[rej0].bad_length"): bench.message(frame[:13]),
        ("sessions[rej0].sublayer_suspected", "sessions[rej0].rx.packets"): bench.message(frame, sublayer=b""),
    }
    sent = {owns: bench.packet(message) for owns, message in messages.items()}
    sent["drops.l2tp_checksum", "tunnels[3939].bad_checksums"] = bench.packet(bench.message(frame), bad=True)
    sent["drops.inner_source",] = bench.packet(bench.message(frame), src="10.0.1.99")
    sent["drops.inner_malformed",] = bytes(bad_ip)
    sums = (("sessions[l2tpeth0].dropped_rx", 2), "sessions[rej0].dropped_rx")
    with bench.moves(*(own for owns in sent for own in owns), *sums):
        bench.inside(*sent.values())
    assert bench.value("tunnels[3939].last_unknown_session") == 4711


def sequence(bench):
    """Numbers that skip, come twice, or are missing."""

    def numbered(n):
        return bench.packet(bench.message(bench.frame(), 31, sublayer=struct.pack("!I", 0x40000000 | n)))

    for site in (0, 1):
        bench.net.vpn[site].up("seq0", f"10.9.3.{site + 1}/24")
    with bench.moves(("sessions[seq0].with_sequence", 5)):
        bench.ping(bench.net.vpn[0], "10.9.3.2", count=5)
    with bench.moves(
        "sessions[seq0].lost",
        ("sessions[seq0].reordered", 2),
        "sessions[seq0].without_sequence",
        ("sessions[seq0].dropped_rx", 2),
        ("drops.l2tp_sequence", 2),
    ):
        bench.inside(numbered(5000), numbered(4000), bench.packet(bench.message(bench.frame(), 31)))


def pieces(bench):
    """Fragments that overlap, are too much, lack their rest, or come long after their time."""

    def piece(ident, offset, payload, more=True):
        options = {"ident": ident, "df": False, "more": more, "offset": offset}
        return frames.ipv4(bench.two.wg4, bench.one.wg4, frames.UDP, payload, **options)

    long = frames.udp(bench.two.wg4, bench.one.wg4, 1701, 1701, bench.message(bench.frame(800)))
    idents = iter(range(1, 100))

    def misfits():
        ident = next(idents)
        bench.inside(piece(next(idents), 12000, bytes(80)))
        bench.inside(piece(next(idents), 65528, bytes(100), more=False))
        bench.inside(piece(ident, 0, long[:64]), piece(ident, 32, bytes(range(64))))

    with bench.moves("drops.l2tp_oversize", "drops.frag_malformed", ("drops.frag_overlap", 2), again=misfits):
        misfits()

    def overtaken():
        """The last piece of a packet comes thousands of datagrams late, as the next one with its ident begins."""
        ident = next(idents)
        late = bench.caught(lambda: bench.inside(piece(ident, 400, bytes(400), more=False)), 4, 464)
        filler = frames.ipv4(bench.two.wg4, bench.one.wg4, 253, bytes(8))
        with bench.moves(("wireguard.tx.packets", 4200), site=1, again=lambda: bench.inside(*[filler] * 400)):
            pass
        bench.inside(piece(ident, 0, long[:400]))
        time.sleep(0.1)
        bench.underlay(forged(bench, late, bytes(late.payload)))

    with bench.moves("drops.frag_window", again=overtaken):
        overtaken()

    def too_many():
        """More packets in the making than there are slots, within the second for which each is held."""
        bench.inside(*(piece(ident, 0, long[:64]) for ident in range(100, 3100)))

    with bench.moves("drops.frag_memory", again=too_many):
        too_many()

    def one_more():
        """The slots are all taken, and what is in them waits for its rest for longer than a second."""
        time.sleep(0.5)
        bench.inside(piece(next(idents), 0, long[:64]))

    with bench.moves("drops.frag_timeout", again=one_more):
        one_more()


def losses(bench):
    """A message of the peer that comes after a few others is reordered; after more than a thousand, lost and late."""
    filler = frames.ipv4(bench.two.wg4, bench.one.wg4, 253, bytes(8))
    sizes = iter(range(300, 400, 16))
    names = ("received", "lost", "reordered", "late")
    received, lost, reordered, late = (bench.peer("two", f"arrivals.{name}") for name in names)

    def held_back(most):
        """One message waits until so many others have arrived."""
        size = next(sizes)
        packet = frames.ipv4(bench.two.wg4, bench.one.wg4, 253, bytes(size - 20))
        held = bench.caught(lambda: bench.inside(packet), 4, (size + 15) // 16 * 16 + 32)
        fill = lambda: bench.inside(*[filler] * min(most, 300))
        with bench.moves((received, most), again=fill):
            fill()
        bench.underlay(forged(bench, held, bytes(held.payload)))

    with bench.moves(reordered, again=lambda: held_back(5)):
        held_back(5)
    with bench.moves(lost, late, again=lambda: held_back(1200)):
        held_back(1200)
    with Terminal(bench.net.vpn[0], [bench.gateway[0].binary, "top", bench.gateway[0].conf]) as terminal:
        row = lambda: TopScreen(terminal.lines()).arrivals.get(bench.two.public[:12])
        shown = wait_for(row, PATIENCE, what="a row of arrivals in top")
        terminal.type("q")
    assert shown[4] > 0, f"the round trip in milliseconds: {shown}"
    bench.sweep(0)


def congestion(bench):
    """A datagram marked as congested in transit, whose packet cannot take the mark."""
    with bench.router_rule("iifname eth2 udp dport 8172 ip ecn set ce"), bench.moves("drops.inner_ecn"):
        bench.net.vpn[1].ping(bench.one.wg4, count=1, timeout=1)


def slow_link(bench):
    """Frames wait, are marked where their packets allow it, and dropped where not; the rest leaves when the limit ends."""
    gateway, far = bench.gateway[0], (bench.net.sites[1].member4, 4711)
    with open(gateway.conf) as file:
        text = file.read()
    own = bench.peer("two", "public_key")[:-len("public_key")]

    def sender(tos):
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, tos)
        return sock

    def burst():
        for sock in socks * 40:
            sock.sendto(bytes(1000), far)

    socks = [bench.net.member[0].call(lambda tos=tos: sender(tos)) for tos in (0, 2)]
    gateway.configure(text.replace(f"PublicKey = {bench.two.public}\n",
                                   f"PublicKey = {bench.two.public}\nBandwidth = 256kbit\n"))
    gateway.run("reload", gateway.conf)
    with Terminal(bench.net.vpn[0], [gateway.binary, "top", gateway.conf]) as terminal:
        with bench.moves(own + "queue.packets", own + "queue.dropped", own + "queue.marked", "drops.tx_queue", again=burst):
            burst()
        table = lambda: all(TopScreen(terminal.lines()).queues.get(bench.two.public[:12], [0])[:4])
        wait_for(table, PATIENCE, what="a row of the queue in top")
    for field in ("rate", "backlog", "delay_p50_us", "delay_p99_us"):
        assert bench.value(own + "queue." + field) > 0, field
    assert bench.value(own + "queue.delay_p99_us") >= bench.value(own + "queue.delay_p50_us")
    burst()  # so that frames wait until all three renderings have been read
    bench.sweep(0)
    gateway.configure(text)
    gateway.run("reload", gateway.conf)
    bench.wait_value(own + "queue.backlog", [0])
    for sock in socks:
        sock.close()


# ---- towards peers that are not there --------------------------------------------------------------


def send_by_wg0(bench, target, count=1):
    """Packets from vpn01 itself to an inner address."""
    packet = frames.ipv4(bench.one.wg4, target, 253, bytes(8))
    with RawPort(bench.net.vpn[0], "wg0") as wg0:
        for _ in range(count):
            wg0.send(packet)


def absent_peers(bench):
    """Packets to peers without an endpoint, without an answer, without a route."""
    near = bench.net.vpn[0]

    def send(target, count):
        send_by_wg0(bench, target, count)

    with bench.moves(
        ("drops.tx_no_endpoint", 12),
        ("drops.tx_staged_full", 12),
        "drops.tx_send",
        "drops.tx_no_peer",
        ("wireguard.dropped_tx", 25),
    ):
        send(bench.mute.wg4, 140)
        send(bench.barred.wg4, 1)
        send("10.0.1.250", 1)
        near.run("wg", "set", "wg0", "peer", bench.mute.public, "remove")
        send(bench.dead.wg4, 140)
    with bench.moves("drops.tx_expired", "wireguard.dropped_tx"):
        near.run("wg", "set", "wg0", "peer", bench.dead.public, "remove")


@contextlib.contextmanager
def routes_over_the_segment(bench):
    """Routes of vpn01 by its bridge: to a next hop that is not there, and to vpn02's member over IPv4 and IPv6."""
    near, dev = bench.net.vpn[0], "dev br-l2tp0"
    routes = (
        f"-4 route {{}} 198.51.100.0/24 via 10.0.2.250 {dev}",
        f"-4 route {{}} 198.18.0.0/15 via {bench.two.member4} {dev}",
        f"-6 addr {{}} {bench.one.bridge6}/64 {dev}",
        f"-6 route {{}} 2001:db8::/32 via {bench.two.member6} {dev}",
    )
    near.sh("\n".join(f"ip {words.format('replace')}" for words in routes))
    try:
        for address in (bench.two.member4, bench.two.member6):
            wait_for(lambda: near.ping(address, count=1, timeout=1).ok, PATIENCE, what="the next hop")
        yield
    finally:
        near.sh("\n".join(f"ip {words.format('del')}" for words in reversed(routes)))


def routes_back(bench):
    """The route to an endpoint leads into wg0, into the segment, or to a next hop that is not found; eth0 has another
    route over IPv4, and none over IPv6."""
    near, peer, bridge = bench.net.vpn[0], bench.astray, "br-l2tp0"
    cases = {
        "10.0.1.200:9": ("tunnel", "wg0", "eth0", ()),
        "[fd00:1::200]:9": ("tunnel", "wg0", "", ("drops.tx_loop",)),
        "198.51.100.1:9": ("unknown", bridge, "eth0", ()),
        "198.18.0.1:9": ("segment", bridge, "eth0", ()),
        "[2001:db8::1]:9": ("segment", bridge, "", ("drops.tap_own", "sessions[l2tpeth0].dropped_tx")),
    }

    def check(endpoint, route, drops):
        def seen():
            report = bench.report()
            fields = (f"peers[{peer.public}].route.{field}" for field in ("leads", "interface", "sent_by"))
            return [report[own].value for own in fields] == route

        with bench.moves(*drops):
            where = ("endpoint", endpoint, "allowed-ips", f"{peer.wg4}/32")
            near.run("wg", "set", "wg0", "peer", peer.public, *where)
            send_by_wg0(bench, peer.wg4)
        wait_for(seen, PATIENCE, what=f"the route to {endpoint} to be {route}")
        bench.sweep(0)

    with routes_over_the_segment(bench):
        for endpoint, (*route, drops) in cases.items():
            try:
                check(endpoint, route, drops)
            finally:
                near.run("wg", "set", "wg0", "peer", peer.public, "remove")


def interfaces(bench):
    """What the kernel passes on that is impossible, and what it refuses to take."""
    near = bench.net.vpn[0]
    with bench.moves("drops.tun_not_ip", "wireguard.dropped_tx"), RawPort(near, "wg0") as wg0:
        wg0.send(bytes(40))
    bench.gateway[0].insist("ip link set seq0 mtu 65521", "mtu", "seq0")
    with bench.moves("drops.tx_oversize", "sessions[seq0].dropped_tx"), RawPort(near, "seq0") as tap:
        assert bench.value("sessions[seq0].mtu") == 65521, "the interface's, not the file's"
        tap.send(bench.frame(65530))
    near.run("ip link set seq0 mtu 1400")
    superframe(bench)
    bench.gateway[0].insist("ip link set rej0 down", "down", "rej0")
    with bench.moves("drops.tap_write", "sessions[rej0].dropped_rx"):
        bench.inside(bench.packet(bench.message(bench.frame())))
    near.run("ip link set rej0 up")
    bench.gateway[2].insist("ip link set wg0 down", "down", "wg0")
    with bench.moves("wireguard.dropped_rx", "drops.tap_write", site=2):
        near.ping("10.0.1.31", count=1, timeout=1)
    bench.third.run("ip link set wg0 up")


def differences(bench):
    """What ports can be, of the site's and of others; and how the host can differ from the file."""
    near, gateway = bench.net.vpn[0], bench.gateway[0]
    near.sh(
        "ip link add br9 type bridge; ip link add port0 type veth peer name port1; ip link add moved0 type veth peer name moved1;"
        "ip link set port0 master br-l2tp0 up; ip link set moved0 master br9 up"
    )
    good = bench.first_file(third=True)
    port = "bridges[br-l2tp0].members[port0].state"
    bench.wait_value(port, ["no_carrier"])
    near.run("ip link set port1 up")
    bench.wait_value(port, ["forwarding"])
    for number, state in enumerate(("disabled", "listening", "learning", "forwarding")):
        near.run(f"bridge link set dev port0 state {number}")
        bench.wait_value(port, [state])
        bench.sweep(0)
    near.run("ip link set port0 down")
    bench.wait_value(port, ["down"])
    bench.sweep(0)
    gateway.configure(good.replace("[Bridge]\n", "[Bridge]\nSTP = yes\n"))
    gateway.run("reload", gateway.conf)
    near.sh("ip link set port0 up; ip link set port1 master br-l2tp0")  # a loop, which the spanning tree cuts
    blocked = lambda: "blocking" in (bench.value(port), bench.value(port.replace("port0", "port1")))
    wait_for(blocked, PATIENCE, what="a port of the loop to be blocked")
    near.run("ip link set port1 nomaster")
    gateway.configure(good.replace("Member = eth1", "Member = eth1, moved0, late0, lo"))
    assert "moved0 is a port of br9" in gateway.run("reload", gateway.conf, check=False).out
    for name, state, remedy in (("moved0", "elsewhere", "leave"), ("late0", "absent", "wait"), ("lo", "outside", "leave")):
        bench.wait_value(f"bridges[br-l2tp0].members[{name}].state", [state])
        bench.wait_value(f"differences[{name}].remedy", [remedy])
    assert bench.value("bridges[br-l2tp0].members[moved0].master") == "br9"
    bench.sweep(0)
    gateway.configure(good)
    gateway.run("reload", gateway.conf)
    near.sh("ip link del port0; ip link del br9; ip link del moved0")
    restored = lambda: not gateway.status()["differences"]
    for _ in range(2):
        wait_for(restored, PATIENCE, what="no difference")
        near.run("ip link set br-l2tp0 down")
    bench.wait_value("differences[br-l2tp0].remedy", ["restore"])
    wait_for(restored, PATIENCE, what="no difference")


def superframe(bench):
    """A member's superframe that would fall into more segments than there can be."""
    one, two = bench.one.member4, bench.two.member4
    tcp = frames.tcp(one, two, 4711, 4712, 1, 0, 16, bytes(600))
    macs = (bench.member[1].mac("eth0"), bench.member[0].mac("eth0"))
    frame = frames.eth(*macs, frames.ETH_IPV4, frames.ipv4(one, two, frames.TCP, tcp))
    header = struct.pack("<BBHHHH", 1, 1, 54, 1, 34, 16)  # one byte of payload in each segment
    with RawPort(bench.member[0], "eth0") as port, bench.moves("drops.tap_vnet", "sessions[l2tpeth0].dropped_tx"):
        port.sock.setsockopt(263, VNET_HDR, 1)
        port.send(header + frame)


# ---- the path --------------------------------------------------------------------------------------


def large_traffic(bench):
    """Frames both ways, all the while, that are cut in two."""
    return Traffic(*((member, "eth0", bench.frame(1514)) for member in bench.member))


def path_states(bench):
    """A path that is not answered is being confirmed; one that grows is searched; then the peer is silent."""
    state, near = bench.peer("two", "path.state"), bench.net.vpn[0]
    route = "ip route replace 192.168.2.0/24 via 192.168.1.1 mtu"

    def searched():
        near.run(f"{route} 1450")
        near.run(f"{route} 1500")
        return bench.value(state) == "search"

    with large_traffic(bench):
        with bench.router_rule("iifname eth2 udp dport 8172 drop"):
            near.run(f"{route} 1450")
            bench.wait_value(state, ["confirm"])
            wait_for(searched, PATIENCE, what="a search")
            bench.wait_value(state, ["silent"])
            bench.sweep(0)
        bench.wait_value(state, ["complete"])


def path_loses_trains(bench):
    """vpn01 passes whole trains to its card, and the router loses them: they are cut down."""
    near = bench.net.vpn[0]
    near.offloads("eth0", True, *WIRE_OFFLOADS)
    stream = Stream(*bench.member, bench.two.member4)
    try:
        with bench.router_rule("iifname eth1 udp dport 8172 meta length > 1500 drop"):
            bench.wait_value(bench.peer("two", "path.train_max"), range(1, 64))
            bench.sweep(0)
    finally:
        near.wire_like("eth0")
        stream.finish()


def path_shrinks(bench):
    """A router reports that the path carries 1400; then, silently, it carries 1300."""
    mtu = bench.peer("two", "path.mtu")
    with large_traffic(bench), bench.moves(bench.peer("two", "path.probes"), bench.peer("two", "path.answers")):
        bench.net.path_mtu(1400)
        bench.wait_value(mtu, [1400])
        bench.wait_value("budget.outer_mtu", [1400])
        bench.net.icmp(False)
        with bench.moves(bench.peer("two", "path.black_holes")):
            bench.net.path_mtu(1300)
        bench.wait_value(mtu, [1300])
        bench.wait_value("budget.wg_mtu", [1240])
    assert bench.value("wireguard.mtu") == 1280, "wg0 keeps what IPv6 needs"
    with bench.moves("wireguard.too_big_sent", "wireguard.dropped_tx"):
        bench.net.vpn[0].ping(bench.two.wg4, count=1, size=1244, dont_fragment=True)


def roaming(bench):
    """The peer's port changes, and it is followed; a member's link goes down."""
    bench.net.vpn[1].run("wg set wg0 listen-port 9172")
    bench.ping(bench.net.vpn[1], bench.one.wg4)
    bench.wait_value(bench.peer("two", "endpoint"), [f"{bench.two.underlay}:9172"])
    assert bench.value("wireguard.listen_port", 1) == 9172
    bench.member[0].run("ip link set eth0 down")
    bench.wait_value("bridges[br-l2tp0].members[eth1].up", [False])
    bench.sweep(0)
    bench.member[0].run("ip link set eth0 up")
    bench.wait_value("bridges[br-l2tp0].members[eth1].up", [True])


# ---- the renderings --------------------------------------------------------------------------------


def top(bench):
    """Each cell of top moves when what it is for happens: at first only in, then only out."""
    one, two, near = bench.one, bench.two, bench.net.vpn[0]
    raw = frames.ipv4(two.wg4, one.wg4, 253, bytes(200)), frames.ipv4(one.wg4, two.wg4, 253, bytes(200))
    wrong = bench.packet(bench.message(bench.frame(), 3941, bytes(8)))
    far = bench.net.vpn[1]
    inward = [(bench.member[1], "eth0", bench.frame(1514)), (far, "wg0", raw[0]), (far, "wg0", wrong)]
    outward = [
        (bench.member[0], "eth0", bench.frame(1514)),
        (near, "wg0", raw[1]),
        (near, "wg0", frames.ipv4(one.wg4, "10.0.1.250", 253, bytes(8))),
        (near, "drop0", bench.frame(1514)),
    ]
    cells = {row[2] for row in SHOWN.values() if not isinstance(row[2], No)}
    received = {c for c in cells if "received" in c and c.split()[0] != "peer"} | {"drops"}
    fixed = {c for c in cells if c.split()[0] in ("peer", "site", "interface", "warnings")}
    gateway = bench.gateway[0]
    with Terminal(near, [gateway.binary, "top", gateway.conf]) as terminal:
        with Traffic(*inward):
            watch(terminal, received, "what comes in")
        time.sleep(2)
        with Traffic(*outward):
            watch(terminal, cells - received - fixed, "what goes out")
            checked = agreed(bench, terminal)
        assert checked == fixed, f"cells that are not looked at: {fixed ^ checked}"
        terminal.type("q")
        assert terminal.process.wait(PATIENCE) == 0
    other_terminals(bench)


def renderings(bench):
    """At the end everything has moved, and text and metrics show of all three sites what JSON shows."""
    bench.sweep(0, 1, 2)
    metrics = samples(bench.gateway[0].run("metrics", bench.gateway[0].conf).out)
    assert metrics["wirespan_warnings", (("site", "vpn01"),)] == len(bench.gateway[0].status()["warnings"]) > 0
    for column, shown in ((0, bench.texts_shown), (1, bench.metrics_shown)):
        due = {path for path, row in SHOWN.items() if not isinstance(row[column], No)}
        assert due <= shown, f"never shown by {('text', 'metrics')[column]}: {due - shown}"


def clean_metrics(bench):
    """promtool accepts the metrics of a site in which everything has moved."""
    prometheus.check_metrics(bench.gateway[0].run("metrics").out)


def rows(bench):
    """Every field of the product has a row with the place where it shows; every counter and drop is in the metrics."""
    odd = (set(SHOWN) ^ set(bench.fields)) - {option.path for option in options() if option.path in bench.fields}
    assert not odd, f"without a row, or without a field: {odd}"
    for path, field in bench.fields.items():
        counted = field.kind == "counter" or path == "drops"
        assert not counted or not isinstance(SHOWN[path][1], No), f"{path} is a counter, and not in the metrics"


def everything(bench):
    """No field of the product's table has stood still."""
    for reason, (path, test) in NOT_FROM_OUTSIDE.items():
        assert reason in bench.fields["drops"].words, f"{reason} is no reason for a drop"
        with open(os.path.join(SOURCES, path)) as file:
            text = file.read()
        assert f"DROP_{reason.upper()}" in text and f"void {test}(" in text, f"{path} does not test {reason}"
    kernel = tuple(int(n) for n in re.findall(r"\d+", os.uname().release)[:2])
    left = bench.ledger.unmoved(NOT_FROM_OUTSIDE, NOT_HERE if kernel >= (6, 2) else (*NOT_HERE, "offloads.uso"), NOT_WITH_ENGINE)
    assert not left, "\n".join(left)


CASES = (
    ("every field has a row", rows),
    ("frames that wait for a session", waiting),
    ("fragments both ways", fragments_both_ways),
    ("TCP, UDP trains, the gateways themselves", flows),
    ("frames that do not fit", oversize),
    ("datagrams of no peer", garbage),
    ("datagrams of a peer, bent", bent),
    ("initiations of a peer, held back", initiations),
    ("handshakes under load", load),
    ("a third site", third_site),
    ("a process with keys that does not answer", lambda bench: bench.no_keys(initiation(bench, bench.public3))),
    ("a port that is taken", pending_port),
    ("ends that do not match", mismatches),
    ("sequence numbers", sequence),
    ("fragments that do not fit", pieces),
    ("messages that overtake others", losses),
    ("congestion", congestion),
    ("a slow link", slow_link),
    ("peers that are not there", absent_peers),
    ("routes that lead back", routes_back),
    ("interfaces", interfaces),
    ("ports and differences", differences),
    ("a path that loses trains", path_loses_trains),
    ("a path that is not answered", path_states),
    ("a path that shrinks", path_shrinks),
    ("a peer that moves", roaming),
    ("text and metrics", renderings),
    ("metrics for promtool", clean_metrics),
    ("top", top),
    ("every field has moved", everything),
)


def main():
    suite = Suite("status")
    box = {}
    if not suite.setup("the network", lambda: box.update(bench=Bench())):
        suite.finish()
    suite.diagnose_with(box["bench"].diagnostics)
    for name, case in CASES:
        suite.run(name, case, box["bench"])
    suite.finish()


if __name__ == "__main__":
    main()
