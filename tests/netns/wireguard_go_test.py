#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""wirespan-wg and Debian's wireguard-go as each other's peers: handshakes, PSK, IPv6, roaming, rekeying.

The rekey needs REKEY_AFTER_TIME: its two pairs of nodes, in which either side renews the session, are
started first and judged last, while the other cases run in nodes of their own.
"""

import os
import socket
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from lib import frames
from lib.capture import Capture, is_wireguard
from lib.drop_in import DropIn
from lib.node import Node, need_root, veth
from lib.pings import Pings
from lib.reference import PORT, make_sites, new_key
from lib.runner import Suite, wait_for
from lib.wireguard_go import WireguardGo

REKEY_SECONDS = 125  # REKEY_AFTER_TIME is 120 s
PORTS = (PORT, PORT + 1)
INITIATION, RESPONSE, DATA = 1, 2, 4


class Pair:
    """Node "ours" with wirespan-wg, node "theirs" with wireguard-go, two networks between them."""

    def __init__(self):
        self.sites = make_sites()
        self.one, self.two = self.sites
        self.ours, self.theirs = Node("ours"), Node("theirs")
        veth(self.ours, "eth0", self.theirs, "eth0")
        for node, site in ((self.ours, self.one), (self.theirs, self.two)):
            node.up("eth0", f"{site.underlay}/24", f"{site.underlay6}/64")
        self.wg = DropIn(self.ours).start().configure(self.one, mtu=1440)
        self.go = WireguardGo(self.theirs, self.two)

    def close(self):
        self.ours.close()
        self.theirs.close()

    def forget(self):
        """Neither side knows the other any more."""
        self.wg.wg("set", "wg0", "peer", self.two.public, "remove")
        self.go.forget_peer(self.one)

    def meet(self, here="", there="", **options):
        """Peers anew. here, there: the endpoint that our side, and theirs, is given, if any."""
        self.forget()
        self.wg.peer(self.two, endpoint=here or None, **options)
        self.go.peer(self.one, endpoint=False)
        words = ["endpoint", there] if there else []
        words += ["preshared-key", "/dev/stdin"] if "psk" in options else []
        if words:
            self.theirs.run("wg", "set", "wg0", "peer", self.one.public, *words, stdin=options.get("psk"))

    def from_ours(self, what="ours to theirs", **options):
        for target in (self.two.wg4, self.two.wg6):
            result = self.ours.ping(target, **options)
            assert result.ok, f"{what}: {result.out}"

    def from_theirs(self, what="theirs to ours", **options):
        for target in (self.one.wg4, self.one.wg6):
            result = self.theirs.ping(target, **options)
            assert result.ok, f"{what}: {result.out}"

    def endpoint_there(self):
        """Return: where wireguard-go thinks we are."""
        return self.theirs.run("wg", "show", "wg0", "endpoints").out.split()[1]


def messages(capture, kind, source=None):
    """Return: the messages of a type that were seen, those of one sender if it is named."""
    found = [p for p in capture.stop() if is_wireguard(p, PORTS) and p.payload[0] == kind]
    return [p for p in found if source in (None, p.src)]


def underlay(pair, source):
    """Return: (endpoint of ours, endpoint of theirs) over the kind of underlay that is named."""
    if source == "IPv4":
        return f"{pair.one.underlay}:{PORT}", f"{pair.two.underlay}:{PORT}"
    if source == "IPv6":
        return f"[{pair.one.underlay6}]:{PORT}", f"[{pair.two.underlay6}]:{PORT}"
    for node in (pair.ours, pair.theirs):
        node.settle()
    local = [
        node.run("ip -6 -o addr show dev eth0 scope link").out.split("inet6 ")[1].split("/")[0]
        for node in (pair.ours, pair.theirs)
    ]
    return tuple(f"[{address}%eth0]:{PORT}" for address in local)


def handshakes(pair, kind):
    """Either side begins, over this kind of underlay; the largest packet crosses both ways."""
    ours, theirs = underlay(pair, kind)
    largest = 1440 if kind == "IPv4" else 1420
    for begins, here, there in (("ours", theirs, ""), ("theirs", "", ours)):
        pair.meet(here, there)
        with Capture(pair.ours, "eth0") as capture:
            getattr(pair, f"from_{begins}")(f"{begins} begins", count=1)
            pair.from_ours()
            pair.from_theirs()
            senders = {p.src for p in messages(capture, INITIATION)}
        expected = (theirs if begins == "theirs" else ours).rsplit(":", 1)[0].strip("[]").split("%")[0]
        assert senders == {expected}, (begins, senders)
        for node, target in ((pair.ours, pair.two.wg4), (pair.theirs, pair.one.wg4)):
            assert node.ping(target, size=largest - 28, dont_fragment=True).ok, f"{largest} bytes"
    assert pair.wg.endpoint().split("]")[0] == theirs.split("]")[0] if kind != "IPv4" else True


def preshared(pair):
    """The same key at both ends, then another at one of them, then that at the other, too."""
    ours, theirs = underlay(pair, "IPv4")
    pair.meet(theirs, ours, psk=new_key())
    pair.from_ours()
    pair.from_theirs()
    for keys in ((new_key(), new_key()), (new_key(), None)):
        pair.meet(theirs, "", psk=keys[0])
        if keys[1]:
            words = ["wg", "set", "wg0", "peer", pair.one.public, "preshared-key", "/dev/stdin"]
            pair.theirs.run(*words, stdin=keys[1])
            assert not pair.ours.ping(pair.two.wg4, count=1, timeout=1).ok, "a session with different keys"
            assert pair.wg.handshake_age() == 0
        else:
            pair.from_ours("the same key again")


def stream(node, target, seconds):
    """Start 20 echoes a second. Return: a function that gives the number of those that were lost after so long."""
    pings = Pings(node, target, interval=0.05)
    end = time.monotonic() + seconds

    def lost():
        time.sleep(max(0, end - time.monotonic()))
        return len(pings.lost())

    return lost


def readdress(node, old, new):
    """Give the underlay another address, as a new lease of DHCP would."""
    node.sh(f"ip addr del {old}/24 dev eth0; ip addr add {new}/24 dev eth0")


def they_roam(pair):
    """wireguard-go changes address and port amid a stream of its own: ours follows at once."""
    pair.meet(underlay(pair, "IPv4")[1], underlay(pair, "IPv4")[0])
    pair.from_ours()
    lost = stream(pair.theirs, pair.one.wg4, 6)
    time.sleep(0.7)
    pair.theirs.run("wg", "set", "wg0", "listen-port", str(PORT + 1))
    wait_for(lambda: pair.wg.endpoint() == f"{pair.two.underlay}:{PORT + 1}", 2, what="the new port")
    readdress(pair.theirs, pair.two.underlay, "192.168.122.99")
    # this one insists on its old source address until it is configured with our new address
    pair.theirs.run("wg", "set", "wg0", "peer", pair.one.public, "endpoint", underlay(pair, "IPv4")[0])
    wait_for(lambda: pair.wg.endpoint().startswith("192.168.122.99:"), 2, what="the new address")
    missing = lost()
    assert missing <= 60, f"{missing} of 120 packets lost"
    pair.from_ours("ours to the new address")
    pair.theirs.run("wg", "set", "wg0", "listen-port", str(PORT))
    readdress(pair.theirs, "192.168.122.99", pair.two.underlay)


def we_roam(pair):
    """We change port, then address, then to IPv6, amid a stream of ours: wireguard-go follows."""
    pair.meet(underlay(pair, "IPv4")[1])
    pair.from_ours()
    lost = stream(pair.ours, pair.two.wg4, 8)
    time.sleep(0.7)
    pair.wg.wg("set", "wg0", "listen-port", str(PORT + 1))
    wait_for(lambda: pair.endpoint_there() == f"{pair.one.underlay}:{PORT + 1}", 2, what="our new port")
    readdress(pair.ours, pair.one.underlay, "192.168.122.98")
    wait_for(lambda: pair.endpoint_there().startswith("192.168.122.98:"), 2, what="our new address")

    def over_ipv6():
        # an answer that is in transit over IPv4 at this moment moves the endpoint back, rightly
        pair.wg.peer(pair.two, endpoint=underlay(pair, "IPv6")[1])
        time.sleep(0.2)
        return pair.endpoint_there().startswith(f"[{pair.one.underlay6}]:")

    wait_for(over_ipv6, 3, what="IPv6")
    missing = lost()
    assert missing <= 80, f"{missing} of 160 packets lost"
    pair.from_theirs("theirs to where we are now")
    pair.wg.wg("set", "wg0", "listen-port", str(PORT))
    readdress(pair.ours, "192.168.122.98", pair.one.underlay)


def keepalives(pair):
    """PersistentKeepalive of either side, and each side's answer to data that it does not answer."""
    ours, theirs = underlay(pair, "IPv4")
    pair.meet(theirs, ours)
    pair.wg.peer(pair.two, keepalive=1)
    wait_for(pair.wg.handshake_age, 3, what="a handshake at once")
    for node, source, far, words in (
        (pair.ours, pair.one.underlay, pair.two, "0"),
        (pair.theirs, pair.two.underlay, pair.one, "1"),
    ):
        if node is pair.theirs:
            pair.wg.peer(pair.two, keepalive=0)
            node.run("wg", "set", "wg0", "peer", far.public, "persistent-keepalive", words)
        with Capture(pair.ours, "eth0") as capture:
            time.sleep(6.5)
            seen = [p for p in messages(capture, DATA, source) if len(p.payload) == 32]
        assert 2 <= len(seen) <= 8, f"{len(seen)} keepalives of {source} in 6.5 s"
    pair.theirs.run("wg", "set", "wg0", "peer", pair.one.public, "persistent-keepalive", "0")


def passive_keepalives(pair):
    """A peer that receives data and has nothing to send sends a keepalive after KEEPALIVE_TIMEOUT, 10 s."""
    pair.meet(underlay(pair, "IPv4")[1])

    def deaf():
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.bind(("", 4444))
        return sock

    send = f"import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('{pair.one.wg4}', 4444))"
    def of(capture, source, is_keepalive):
        """Times of the messages of one side that are keepalives, or are none."""
        seen = [(when, frames.Packet(frame)) for when, frame in list(capture.frames)]
        return [
            when
            for when, p in seen
            if is_wireguard(p, PORTS) and p.src == source and (len(p.payload) == 32) == is_keepalive
        ]

    with pair.ours.call(deaf), Capture(pair.ours, "eth0") as capture:
        pair.from_ours(count=1)  # the time runs from this answer on, as what is received later does not restart it
        time.sleep(0.2)
        pair.theirs.run(sys.executable, "-c", send)
        wait_for(lambda: of(capture, pair.one.underlay, True), 12, what="a keepalive")
        time.sleep(1.5)
        capture.stop()
        received = of(capture, pair.two.underlay, False)
        times = [when - received[0] for when in of(capture, pair.one.underlay, True)]
    assert len(times) == 1 and 9.5 < times[0] < 100, times


class Rekey:
    """A pair with streams both ways for longer than REKEY_AFTER_TIME."""

    def __init__(self, begins):
        self.pair = Pair()
        ours, theirs = underlay(self.pair, "IPv4")
        self.pair.meet(*((theirs, "") if begins == "ours" else ("", ours)))
        self.source = self.pair.one.underlay if begins == "ours" else self.pair.two.underlay
        getattr(self.pair, f"from_{begins}")(count=1)
        self.first = self.pair.wg.handshake_age()
        self.capture = Capture(self.pair.ours, "eth0")
        self.lost = [
            stream(self.pair.ours, self.pair.two.wg4, REKEY_SECONDS),
            stream(self.pair.theirs, self.pair.one.wg4, REKEY_SECONDS),
        ]

    def judge(self, _):
        """Not one packet lost, and one handshake by the side that began the session."""
        lost = [wait() for wait in self.lost]
        initiations = messages(self.capture, INITIATION)
        assert lost == [0, 0], f"lost: {lost}"
        assert {p.src for p in initiations} == {self.source}, initiations
        assert len(initiations) <= 2, f"{len(initiations)} initiations for one rekey"
        assert self.pair.wg.handshake_age() > self.first + 100


def main():
    suite = Suite("wireguard-go")
    box = {}

    def prepare():
        need_root()
        box["pair"] = Pair()

    if not suite.setup("two nodes", prepare):
        suite.finish()
    pair = box["pair"]
    rekeys = {}
    for begins in ("ours", "theirs"):
        name = f"a rekey by {begins} ({REKEY_SECONDS} s)"
        if suite.selects(name):
            rekeys[name] = Rekey(begins)
    suite.diagnose_with(lambda: pair.ours.run("wg show").out + pair.theirs.run("wg show").out)
    for kind in ("IPv4", "IPv6", "IPv6 link-local"):
        suite.run(f"handshakes over {kind}", handshakes, pair, kind)
    suite.run("preshared keys", preshared, pair)
    suite.run("they roam", they_roam, pair)
    suite.run("we roam", we_roam, pair)
    suite.run("persistent keepalives", keepalives, pair)
    suite.run("passive keepalives", passive_keepalives, pair)
    for name, rekey in rekeys.items():
        suite.run(name, rekey.judge, None)
    suite.finish()


if __name__ == "__main__":
    main()
