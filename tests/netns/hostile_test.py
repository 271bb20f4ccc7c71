#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Hostile input, before and inside the tunnel: nothing crashes, nothing moves, every drop has its name.

vpn01 runs wirespan; vpn02 is a stock WireGuard whose inner packets are written by hand here, so that it
can send inside the tunnel what no honest gateway would.
"""

import base64
import hashlib
import os
import random
import socket
import struct
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from lib import frames
from lib.capture import Capture, RawPort, is_wireguard
from lib.network import Reference
from lib.node import need_root
from lib.reference import PORT, Pseudowire, wirespan_conf
from lib.runner import Skip, Suite, wait_for
from lib.wireguard_go import WireguardGo
from lib.wirespan import find_binary

WIRE = Pseudowire(cookies=("0102030405060708", "a1a2a3a4a5a6a7a8"))
COOKIE = bytes.fromhex(WIRE.cookies[1])  # what vpn01 expects
SUBLAYER = bytes(4)


class Bench:
    """The network, and what one sends by hand from vpn02."""

    def __init__(self):
        need_root()
        find_binary()
        self.random = random.Random(20)  # the same hostility every time
        self.net = Reference()
        self.one, self.two = self.net.sites
        self.gateway = self.net.gateway[0]
        self.gateway.configure(wirespan_conf(self.one, self.two, WIRE, endpoint=False))
        self.gateway.up()
        self.pids = self.gateway.pids()
        self.stock = WireguardGo(self.net.vpn[1], self.two)
        self.stock.peer(self.one)
        far = self.net.vpn[1]

        def raw():
            sock = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"wg0")
            return sock

        def outside():
            sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            sock.bind((self.two.underlay, 0))
            return sock

        self.raw = far.call(raw)
        self.outside = far.call(outside)
        self.member = RawPort(self.net.member[0], "eth0")
        self.number = 0

    def frame(self):
        """Return: an Ethernet frame for member01, different every time."""
        self.number += 1
        return frames.eth(
            frames.BROADCAST, "02:00:00:00:00:77", 0x88B5, b"hostile %08d" % self.number + bytes(40)
        )

    def l2tp(self, frame, first=0x00030000, session=None, cookie=COOKIE, sublayer=SUBLAYER):
        """Return: an L2TPv3 data message over UDP that carries `frame`, as vpn01 expects it unless changed."""
        return (
            struct.pack("!II", first, self.one.session if session is None else session)
            + cookie
            + sublayer
            + frame
        )

    def inner(self, payload, src=None, dst=None, sport=1701, dport=1701, **options):
        """Send a UDP datagram inside the tunnel; options go to the IPv4 header."""
        src, dst = src or self.two.wg4, dst or self.one.wg4
        self.packet(frames.ipv4(src, dst, frames.UDP, frames.udp(src, dst, sport, dport, payload), **options))

    def packet(self, raw):
        """Send an IPv4 packet as it is inside the tunnel (the kernel fills in the header checksum)."""
        self.raw.sendto(raw, (self.one.wg4, 0))

    def arrived(self, frame, timeout=10.0):
        return self.member.expect(lambda p: p.frame == frame, timeout) is not None

    def check_alive(self):
        """The same process carries a frame of ours, and wg0 answers."""
        assert self.gateway.pids() == self.pids, "it is another process now, or none"
        frame = self.frame()
        self.inner(self.l2tp(frame))
        assert self.arrived(frame, 30), "a good frame no longer arrives"
        assert self.net.vpn[1].ping(self.one.wg4).ok, "wg0 no longer answers"

    def drops(self):
        return self.gateway.status().get("drops", {})

    def expect_drop(self, reason, before, at_least=1):
        """The counter `reason` has risen since `before`."""
        now = wait_for(
            lambda: (d := self.drops()).get(reason, 0) >= before.get(reason, 0) + at_least and d,
            2,
            what=f"drop counter {reason}; now {self.drops()}",
        )
        return now


def good_frame(bench):
    bench.check_alive()


# ---- before the tunnel ---------------------------------------------------------------------------


def garbage_outside(bench):
    before = bench.drops()
    target = (bench.one.underlay, PORT)
    for length in range(0, 200):
        bench.outside.sendto(bench.random.randbytes(length), target)
    for kind in (1, 2, 3, 4):
        for length in (4, 5, 15, 16, 31, 32, 33, 63, 64, 65, 91, 92, 93, 147, 148, 149, 1400):
            bench.outside.sendto(bytes([kind, 0, 0, 0]) + bench.random.randbytes(length - 4), target)
    bench.outside.settimeout(0.5)
    try:
        answer = bench.outside.recv(2048)
    except TimeoutError:
        answer = None
    assert answer is None, f"garbage was answered with {answer!r}"
    for reason in ("wg_type", "wg_length", "wg_mac1", "wg_unknown_index"):
        bench.expect_drop(reason, before)
    bench.check_alive()


def bent_messages(bench):
    """Real messages, caught on the underlay, replayed, cut, and with bits flipped, from another port."""
    bench.stock.forget_peer(bench.one)
    with Capture(bench.net.vpn[0], "eth0") as capture:
        bench.stock.peer(bench.one)
        bench.check_alive()
        seen = [p for p in capture.stop() if is_wireguard(p, (PORT,)) and p.src == bench.two.underlay]
    kinds = {p.payload[0] for p in seen}
    assert {1, 4} <= kinds, f"an initiation and data were caught: {kinds}"
    endpoint = bench.gateway.status()["peers"][0]["endpoint"]
    before = bench.drops()
    target = (bench.one.underlay, PORT)
    for packet in seen:
        message = bytes(packet.payload)
        bench.outside.sendto(message, target)
        for _ in range(20):
            at, bit = bench.random.randrange(len(message)), bench.random.randrange(8)
            bench.outside.sendto(message[:at] + bytes([message[at] ^ 1 << bit]) + message[at + 1 :], target)
        bench.outside.sendto(message[: bench.random.randrange(len(message))], target)
        bench.outside.sendto(message + b"x", target)
    for reason in ("wg_replay", "wg_auth", "wg_handshake_replay"):
        bench.expect_drop(reason, before)
    assert bench.gateway.status()["peers"][0]["endpoint"] == endpoint, "the endpoint moved on a forgery"
    bench.check_alive()


# ---- inside the tunnel ---------------------------------------------------------------------------


def refused_inside(bench):
    """Each kind of wrong L2TP message is dropped under its own name, and its frame does not arrive."""
    wrong = {
        "wrong session": ("l2tp_session", lambda f: bench.l2tp(f, session=4711)),
        "wrong cookie": ("l2tp_cookie", lambda f: bench.l2tp(f, cookie=bytes(8))),
        "cookie wrong in its last bit": ("l2tp_cookie", lambda f: bench.l2tp(f, cookie=COOKIE[:7] + b"\xa9")),
        "version 2": ("l2tp_version", lambda f: bench.l2tp(f, first=0x00020000)),
        "version 0": ("l2tp_version", lambda f: bench.l2tp(f, first=0)),
        "control (T bit)": ("l2tp_control", lambda f: bench.l2tp(f, first=0x80030000)),
        "session 0": ("l2tp_control", lambda f: bench.l2tp(f, session=0)),
        "runt of 13 bytes": ("l2tp_runt", lambda f: bench.l2tp(f[:13])),
        "no frame at all": ("l2tp_runt", lambda f: bench.l2tp(b"")),
        "ends in the cookie": ("l2tp_short", lambda f: bench.l2tp(f)[:12]),
        "ends in the session id": ("l2tp_short", lambda f: bench.l2tp(f)[:6]),
        "empty": ("l2tp_short", lambda f: b""),
    }
    for name, (reason, build) in wrong.items():
        before = bench.drops()
        frame = bench.frame()
        bench.inner(build(frame))
        try:
            bench.expect_drop(reason, before)
        except AssertionError as problem:
            raise AssertionError(f"{name}: {problem}") from None
        assert not bench.arrived(frame, 0.1), f"{name}: the frame arrived"
    bench.check_alive()


def tolerated_inside(bench):
    """What Linux ignores is ignored here too: reserved bits, the sublayer's unknown bits."""
    for name, message in {
        "reserved bits of the first word": lambda f: bench.l2tp(f, first=0x7FF3FFFF),
        "unknown bits of the sublayer": lambda f: bench.l2tp(f, sublayer=b"\x8f\x12\x34\x56"),
        "a sequence number that was not agreed on": lambda f: bench.l2tp(f, sublayer=b"\x40\x00\x00\x09"),
    }.items():
        frame = bench.frame()
        bench.inner(message(frame))
        assert bench.arrived(frame), name


def cryptokey_routing(bench):
    """A source address that is not the peer's is dropped, whatever it carries."""
    before = bench.drops()
    frame = bench.frame()
    bench.inner(bench.l2tp(frame), src="10.0.1.99")
    bench.inner(bench.l2tp(frame), src=bench.one.wg4)
    bench.expect_drop("inner_source", before, 2)
    assert not bench.arrived(frame, 0.1)
    bench.check_alive()


def other_ports(bench):
    """L2TP from or to another port is no L2TP of ours: it belongs to wg0, not to the segment."""
    for ports in ({"sport": 1702}, {"dport": 1702}):
        frame = bench.frame()
        bench.inner(bench.l2tp(frame), **ports)
        assert not bench.arrived(frame, 0.1), f"arrived with {ports}"
    bench.check_alive()


def wrong_udp_checksum(bench):
    """A UDP checksum that is there and wrong: dropped by name; none at all: accepted."""
    src, dst = bench.two.wg4, bench.one.wg4
    frame, before = bench.frame(), bench.drops()
    datagram = frames.udp(src, dst, 1701, 1701, bench.l2tp(frame), bad=True)
    bench.packet(frames.ipv4(src, dst, frames.UDP, datagram))
    bench.expect_drop("l2tp_checksum", before)
    assert not bench.arrived(frame, 0.1)
    frame = bench.frame()
    datagram = frames.udp(src, dst, 1701, 1701, bench.l2tp(frame))
    bench.packet(frames.ipv4(src, dst, frames.UDP, datagram[:6] + b"\0\0" + datagram[8:]))
    assert bench.arrived(frame), "without a checksum it is accepted"


def fragments(bench):
    """Whole, reordered and doubled fragments join; overlapping, forged and endless ones do not."""
    src, dst = bench.two.wg4, bench.one.wg4

    def pieces(frame, ident, size=24):
        datagram = frames.udp(src, dst, 1701, 1701, bench.l2tp(frame))
        cuts = range(0, len(datagram), size)
        return [
            frames.ipv4(
                src,
                dst,
                frames.UDP,
                datagram[at : at + size],
                ident=ident,
                df=False,
                more=at != cuts[-1],
                offset=at,
            )
            for at in cuts
        ]

    orders = {
        "in order": lambda p: p,
        "last first": lambda p: p[::-1],
        "doubled": lambda p: [piece for piece in p for _ in (0, 1)],
    }
    for ident, (name, order) in enumerate(orders.items(), 100):
        frame = bench.frame()
        for piece in order(pieces(frame, ident)):
            bench.packet(piece)
        assert bench.arrived(frame), f"fragments {name}"
    # The same ident with one piece missing, then overlapped by another one: never a frame.
    frame = bench.frame()
    whole = pieces(frame, 200)
    evil = frames.ipv4(src, dst, frames.UDP, bytes(32), ident=200, df=False, more=True, offset=16)
    for piece in [whole[0], evil, *whole[1:]]:
        bench.packet(piece)
    assert not bench.arrived(frame, 0.3), "overlapping fragments made a frame"
    # Beyond the end of a packet, and a flood of first pieces whose rest never comes.
    bench.packet(frames.ipv4(src, dst, frames.UDP, bytes(100), ident=300, df=False, more=False, offset=65528))
    memory = bench.gateway.status()["engine"]["memory_bytes"]
    for ident in range(1000, 3000):
        bench.packet(frames.ipv4(src, dst, frames.UDP, bytes(64), ident=ident, df=False, more=True))
    time.sleep(0.2)
    assert bench.gateway.status()["engine"]["memory_bytes"] == memory, "memory is fixed"
    bench.check_alive()


def random_inside(bench):
    """Random L2TP messages, random IP packets, random lengths."""
    for _ in range(2000):
        junk = bench.random.randbytes(bench.random.randrange(0, 120))
        kind = bench.random.randrange(4)
        if kind == 0:
            bench.inner(junk)
        elif kind == 1:
            bench.inner(bench.l2tp(junk))
        elif kind == 2:
            bench.inner(struct.pack("!II", 0x00030000, bench.one.session) + junk)
        else:
            protocol = bench.random.choice([0, 1, 6, 17, 41, 47, 50, 115, 255])
            more, offset = bench.random.random() < 0.2, 8 * bench.random.choice([0, 0, 0, 1, 8191])
            bench.packet(
                frames.ipv4(bench.two.wg4, bench.one.wg4, protocol, junk, df=False, more=more, offset=offset)
            )
    bench.check_alive()


def frames_of_members(bench):
    """What a member sends is judged too: junk behind every ethertype does no harm."""
    kinds = [0x0800, 0x86DD, 0x0806, 0x8100, 0x88A8, 0x8847, 0x0000, 0xFFFF]
    mac = frames.mac_bytes("02:00:00:00:00:78")
    for _ in range(1500):
        head = frames.mac_bytes(frames.BROADCAST) + mac + struct.pack("!H", bench.random.choice(kinds))
        bench.member.send(head + bench.random.randbytes(bench.random.randrange(0, 300)))
    bench.check_alive()


class Flood:
    """Initiations with a right mac1 and nothing else right, from vpn02's address, until stopped."""

    def __init__(self, bench):
        self.bench = bench
        public = base64.b64decode(bench.one.public)
        self.mac_key = hashlib.blake2s(b"mac1----" + public).digest()
        self.sent, self.replies = 0, []
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self.send)

    def message(self):
        body = bytes([1, 0, 0, 0]) + self.bench.random.randbytes(112)
        return body + hashlib.blake2s(body, key=self.mac_key, digest_size=16).digest() + bytes(16)

    def send(self):
        sock = self.bench.outside
        sock.settimeout(0.001)
        while not self.stopping.is_set() and self.sent < 60_000:
            for _ in range(20):
                sock.sendto(self.message(), (self.bench.one.underlay, PORT))
                self.sent += 1
            try:
                while True:
                    self.replies.append(sock.recv(2048))
            except TimeoutError:
                pass

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        self.thread.join()


def flood(bench):
    """Under a flood of initiations: cookies are asked for, the session goes on, a real peer gets a new one."""
    bench.check_alive()
    before = bench.drops()
    with Flood(bench) as flood:
        wait_for(lambda: flood.sent > 2000, 10, what="the flood")
        bench.expect_drop("wg_cookie_required", before)
        bench.check_alive()
        bench.stock.forget_peer(bench.one)
        bench.stock.peer(bench.one)
        # Its first initiation is answered with a cookie, the next one, 5 s later, carries it.
        ping = bench.net.vpn[1].ping
        wait_for(lambda: ping(bench.one.wg4, count=1, timeout=0.5).ok, 12, what="a handshake by cookie")
        bench.check_alive()
    assert flood.replies, "not one cookie reply"
    kinds = {(reply[0], len(reply)) for reply in flood.replies}
    assert kinds == {(3, 64)}, f"only cookie replies, shorter than what provoked them: {kinds}"
    print(f"  {flood.sent} initiations, {len(flood.replies)} cookie replies")


def roaming(bench):
    """The peer's port changes: traffic goes on after its next authenticated packet, to the new port."""
    bench.net.vpn[1].run("wg", "set", "wg0", "listen-port", "9172")
    bench.check_alive()
    peer = bench.gateway.status()["peers"][0]
    assert "9172" in str(peer["endpoint"]), peer
    bench.net.vpn[1].run("wg", "set", "wg0", "listen-port", str(PORT))
    bench.check_alive()


def restless(bench):
    """A peer that moves with every datagram: not each of them is worth a large probe to its new endpoint."""
    build = os.environ.get("WIRESPAN_BUILD") or os.path.join(os.path.dirname(find_binary()), "..", "..")
    tool = os.path.join(build, "tests", "tools", "handshake")
    if not os.path.exists(tool):
        raise Skip("tests/tools/handshake is not built")
    bench.stock.forget_peer(bench.one)
    keys = (bench.two.private, bench.one.public, base64.b64encode(bytes(32)))
    given = "".join(base64.b64decode(key).hex() + "\n" for key in keys)
    time.sleep(0.1)  # no second handshake within 20 ms
    started = time.monotonic()
    with Capture(bench.net.vpn[0], "eth0") as capture:
        bench.net.vpn[1].run(tool, bench.one.underlay, PORT, 1, 200, stdin=given)
        took = time.monotonic() - started
        packets = capture.stop()
    moved = {p.sport for p in packets if p.src == bench.two.underlay and p.dport == PORT}
    probes = [p for p in packets if p.src == bench.one.underlay and p.sport == PORT and len(p.payload) > 1000]
    assert len(moved) > 100, f"it came from {len(moved)} ports"
    assert 1 <= len(probes) <= 12 + 5 * took, f"{len(probes)} large probes in {took:.1f} s for {len(moved)} moves"
    bench.stock.peer(bench.one)
    # its moves are used up: until the next is allowed, answers go to where it was
    wait_for(lambda: bench.net.vpn[1].ping(bench.one.wg4).ok, 5, what="the peer that moved to be followed")
    bench.check_alive()


def main():
    suite = Suite("hostile")
    box = {}
    if not suite.setup("wirespan against a stock WireGuard", lambda: box.update(bench=Bench())):
        suite.finish()
    bench = box["bench"]
    suite.diagnose_with(bench.net.diagnostics)
    for name, case in (
        ("a good frame arrives", good_frame),
        ("garbage from outside is dropped by name", garbage_outside),
        ("replayed, cut and bent messages", bent_messages),
        ("wrong L2TP messages are dropped by name", refused_inside),
        ("what Linux ignores is ignored", tolerated_inside),
        ("a source that is not the peer's", cryptokey_routing),
        ("other ports are not L2TP", other_ports),
        ("UDP checksums inside", wrong_udp_checksum),
        ("fragments, honest and not", fragments),
        ("random packets inside the tunnel", random_inside),
        ("random frames of a member", frames_of_members),
        ("the peer's endpoint roams", roaming),
        ("a peer that moves all the time", restless),
        ("a flood of initiations", flood),
    ):
        suite.run(name, case, bench)
    suite.run("it ends cleanly after all that", lambda: bench.gateway.down())
    suite.finish()


if __name__ == "__main__":
    main()
