#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A peer behind a NAT that changes its address and ports in mid-transfer, forgets, or is attacked from beside."""

import contextlib
import hashlib
import json
import os
import random
import socket
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from lib.capture import Capture, is_wireguard
from lib.node import Node, need_root, veth
from lib.reference import PORT, make_sites, wirespan_conf
from lib.runner import Skip, Suite, wait_for
from lib.wirespan import Gateway, find_binary

OUTSIDE, INSIDE = "192.168.122.1", "10.9.0.1"
CHUNK = 32 << 10
UDP_TIMEOUT = 10  # seconds, of the NAT's mappings: ten keepalives


class Behind:
    """vpn01 behind a NAT, vpn02 in the open, a member at each; vpn02 has no Endpoint."""

    def __init__(self, keepalive=0, timeout=None):
        self.one, self.two = make_sites()
        self.vpn = [Node("vpn01"), Node("vpn02")]
        self.nat = Node("nat")
        self.member = [Node("member01"), Node("member02")]
        veth(self.vpn[0], "eth0", self.nat, "in")
        veth(self.nat, "out", self.vpn[1], "eth0")
        self.vpn[0].up("eth0", "10.9.0.2/24")
        self.vpn[0].run(f"ip route add default via {INSIDE}")
        self.nat.up("in", f"{INSIDE}/24")
        self.nat.up("out", f"{OUTSIDE}/24")
        self.vpn[1].up("eth0", f"{self.two.underlay}/24")
        for node in (*self.vpn, self.nat):
            node.sh("for f in /proc/sys/net/bridge/bridge-nf-call-*; do [ ! -e $f ] || echo 0 >$f; done")
        self.nat.sh("echo 1 >/proc/sys/net/ipv4/ip_forward")
        self.nat.run("nft", "add table ip nat")
        self.nat.run("nft", "add chain ip nat post { type nat hook postrouting priority 100; }")
        self.ports(41000)
        if timeout:
            self.forget_after(timeout)
        for site, vpn, member in zip((self.one, self.two), self.vpn, self.member):
            veth(vpn, "eth1", member, "eth0")
            vpn.up("eth1")
            member.up("eth0", f"{site.member4}/24")
        self.gateway = [Gateway(vpn, vpn.name) for vpn in self.vpn]
        self.configure(keepalive)
        self.gateway[1].configure(wirespan_conf(self.two, self.one, endpoint=False))
        self.gateway[1].up()
        self.gateway[0].up()

    def configure(self, keepalive):
        self.gateway[0].configure(wirespan_conf(self.one, self.two, keepalive=keepalive))

    def forget_after(self, seconds):
        """How long the NAT remembers a mapping that is not used, from its next packet on."""
        for name in ("nf_conntrack_udp_timeout", "nf_conntrack_udp_timeout_stream"):
            path = f"/proc/sys/net/netfilter/{name}"
            if not self.nat.run("test", "-w", path, check=False).ok:
                raise Skip(f"no {path} in a namespace of this kernel")
            self.nat.sh(f"echo {seconds} >{path}")

    def ports(self, first):
        """From now on new mappings get ports from `first` on."""
        self.nat.run("nft", "flush chain ip nat post")
        self.nat.run(
            "nft", f"add rule ip nat post oif out ip protocol udp masquerade to :{first}-{first + 99}"
        )

    def renumber(self, address, first):
        """The provider gives the NAT another address; every mapping is gone with the old one."""
        self.ports(first)
        self.nat.sh(f"ip addr flush dev out; ip addr add {address}/24 dev out")

    @contextlib.contextmanager
    def silent(self, refuses):
        """What is behind the NAT sends nothing; the NAT answers for a mapping that it has forgotten, or does not."""
        rules = "add table ip quiet\nadd chain ip quiet f { type filter hook forward priority 0; }\nadd rule ip quiet f iif in drop\n"
        if not refuses:
            rules += "add chain ip quiet o { type filter hook output priority 0; }\nadd rule ip quiet o ip protocol icmp drop\n"
        self.nat.run("nft", "-f", "-", stdin=rules)
        try:
            yield
        finally:
            self.nat.run("nft delete table ip quiet")

    def check(self, number):
        """Return: exit status of check at a gateway, and the text and hint of each error."""
        gateway = self.gateway[number]
        result = gateway.run("check", "--json", gateway.conf, check=False, timeout=15)
        found = [f for f in json.loads(result.out)["findings"] if f["severity"] == "error"]
        return result.status, [(f["text"], f["hint"]) for f in found]

    def endpoint(self):
        """Return: where vpn02 sees vpn01."""
        return self.gateway[1].status()["peers"][0]["endpoint"] or ""

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind:
            for gateway in self.gateway:
                print(f"--- {gateway.name}\n{gateway.log_text()}")
                print(gateway.run("status", gateway.conf, check=False).out)
            print(self.nat.run("nft list ruleset", check=False).out, self.nat.run("ip addr", check=False).out)
        for node in (*self.vpn, self.nat, *self.member):
            node.close()


class Transfer:
    """Bytes over TCP between the members, for `seconds`, at a pace that does not load the host."""

    def __init__(self, bench, source, sink, seconds):
        address = (bench.one, bench.two)[sink].member4
        listener = bench.member[sink].call(lambda: socket.create_server((address, 0)))
        port = listener.getsockname()[1]
        self.client = bench.member[source].call(lambda: socket.create_connection((address, port), timeout=120))
        self.server, _ = listener.accept()
        listener.close()
        self.server.settimeout(120)
        self.sent, self.received = hashlib.sha256(), hashlib.sha256()
        self.count, self.pause, self.last = 0, 0.0, time.monotonic()
        self.threads = [
            threading.Thread(target=self._send, args=(seconds,), daemon=True),
            threading.Thread(target=self._receive, daemon=True),
        ]
        for thread in self.threads:
            thread.start()

    def _send(self, seconds):
        source = random.Random(3)
        end = time.monotonic() + seconds
        with self.client:
            while time.monotonic() < end:
                data = source.randbytes(CHUNK)
                self.client.sendall(data)
                self.sent.update(data)
                time.sleep(0.01)

    def _receive(self):
        with contextlib.suppress(TimeoutError), self.server:
            while data := self.server.recv(CHUNK):
                now = time.monotonic()
                self.pause, self.last = max(self.pause, now - self.last), now
                self.received.update(data)
                self.count += len(data)

    def finish(self):
        """Return: the longest pause in seconds; every byte must have arrived, unchanged."""
        for thread in self.threads:
            thread.join(180)
        assert self.sent.digest() == self.received.digest(), f"after {self.count} bytes: lost or changed"
        assert self.count > 1 << 20, f"only {self.count} bytes"
        return self.pause


def renumbered(upward):
    """The NAT's address and ports change in mid-transfer: it goes on after the next packet from behind it.

    upward: the bytes go out through the NAT, so that packet comes at once; else it is a keepalive's turn.
    """
    with Behind(keepalive=1) as bench:
        assert bench.member[0].ping(bench.two.member4).ok
        assert bench.endpoint().startswith(f"{OUTSIDE}:410"), bench.endpoint()
        handshake = bench.gateway[1].status()["peers"][0]["last_handshake"]
        transfer = Transfer(bench, 0 if upward else 1, 1 if upward else 0, 7)
        time.sleep(1.5)
        bench.renumber("192.168.122.77", 52000)
        wait_for(lambda: bench.endpoint().startswith("192.168.122.77:520"), 5, what="the new endpoint")
        time.sleep(1.5)
        bench.renumber("192.168.122.78", 53000)  # and once more
        pause = transfer.finish()
        assert bench.endpoint().startswith("192.168.122.78:530"), bench.endpoint()
        # a lost packet of the keepalive's second, and TCP's own patience, doubled meanwhile
        assert pause < 50, f"the transfer stood still for {pause:.1f} s"
        assert bench.gateway[1].status()["peers"][0]["last_handshake"] == handshake, "by the same session"
        assert bench.member[1].ping(bench.one.member4).ok


def port_changes():
    """The NAT forgets and gives another port (same address): the peer is followed there."""
    with Behind() as bench:
        assert bench.member[0].ping(bench.two.member4).ok
        seen = {bench.endpoint()}
        for first in (42000, 43000, 44000):
            bench.ports(first)
            bench.nat.sh(f"ip addr del {OUTSIDE}/24 dev out; ip addr add {OUTSIDE}/24 dev out")
            assert bench.member[0].ping(bench.two.member4, count=3).out.count("bytes from") >= 2
            endpoint = bench.endpoint()
            assert endpoint.startswith(f"{OUTSIDE}:{first // 100}"), endpoint
            seen.add(endpoint)
            assert bench.member[1].ping(bench.one.member4).ok, "and from the other side"
        assert len(seen) == 4, seen


def keepalive_on_the_wire():
    """PersistentKeepalive = 1: an idle tunnel sends 32 bytes each second, and nothing without it."""
    with Behind(keepalive=1) as bench:
        assert bench.member[0].ping(bench.two.member4).ok
        for gateway in bench.gateway:
            wait_for(
                lambda gateway=gateway: gateway.status()["peers"][0]["path"]["state"] == "complete",
                what="the search for the path's MTU to come to its end",
            )
        with Capture(bench.vpn[0], "eth0") as capture:
            time.sleep(6.5)
            capture.stop()
            sent = [
                (when, len(frame))
                for when, frame in capture.frames
                if frame[12:14] == b"\x08\x00" and frame[14 + 9] == socket.IPPROTO_UDP
            ]
        gaps = [b - a for (a, _), (b, _) in zip(sent, sent[1:])]
        assert all(gap < 5 for gap in gaps), f"seconds between messages: {gaps}"
        # messages both ways count: each keeps the mapping, so a probe of the path's MTU may take its place
        keepalives = sum(1 for _, length in sent if length == 14 + 20 + 8 + 32)
        assert 2 <= keepalives <= 7, f"{keepalives} keepalives in 6.5 s: {sent}"


def keepalive_holds_the_mapping():
    """With it, who is behind the NAT can be reached after any silence; without it, not; then again."""
    with Behind(keepalive=1, timeout=UDP_TIMEOUT) as bench:
        assert bench.member[0].ping(bench.two.member4).ok
        endpoint = bench.endpoint()
        time.sleep(2 * UDP_TIMEOUT + 1)
        assert bench.member[1].ping(bench.one.member4).ok, "reached from outside after a silence"
        assert bench.endpoint() == endpoint, "through the same mapping"
        assert bench.check(1) == (0, [])
        bench.configure(0)
        bench.gateway[0].run("reload", bench.gateway[0].conf)
        bench.forget_after(1)  # sooner than WireGuard's own answer to this ping, after 10 s
        assert bench.member[1].ping(bench.one.member4).ok
        for refuses in (True, False):
            forgotten(bench, refuses)
        bench.forget_after(UDP_TIMEOUT)
        bench.configure(1)
        bench.gateway[0].run("reload", bench.gateway[0].conf)
        ping = bench.member[1].ping
        wait_for(lambda: ping(bench.one.member4, timeout=1).ok, 2, what="a keepalive, as it is turned on")
        assert bench.check(1) == (0, [])


def forgotten(bench, refuses):
    """A check outside names the NAT and the key that helps, and blames nothing else first."""
    expected = "nothing listens on UDP port 4" if refuses else "nothing came back"

    def look():
        time.sleep(2)  # two of the NAT's timeouts, in which nothing may use the mapping
        status, found = bench.check(1)
        return (status, found) if found and expected in found[0][0] else None

    with bench.silent(refuses):
        status, found = wait_for(look, 30, what=f"a check that finds: {expected}")
    assert status == 1 and len(found) == 1, found
    ((text, hint),) = found
    print(text, "->", hint)
    assert "PersistentKeepalive = 25 there" in hint and "ListenPort" not in hint, hint
    assert "PrivateKey" not in hint.split("PersistentKeepalive")[0], hint


def attacker_beside():
    """Genuine packets captured in transit and sent again from elsewhere move nothing and get no answer."""
    with Behind() as bench:
        with Capture(bench.vpn[1], "eth0") as capture:
            # there may be a session already, as hosts send by themselves: a new start makes a handshake
            bench.gateway[0].down()
            bench.gateway[0].up()
            assert bench.member[0].ping(bench.two.member4, count=20).ok
            seen = [p for p in capture.stop() if is_wireguard(p, (PORT, *range(41000, 41100)))]
        kinds = {p.payload[0] for p in seen}
        assert {1, 2, 4} <= kinds, f"an initiation, a response and data were caught: {kinds}"
        target = (bench.two.underlay, PORT)
        sock = bench.nat.call(lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        bench.nat.sh("ip addr add 192.168.122.66/24 dev out")
        with sock:
            sock.bind(("192.168.122.66", 6666))
            sock.settimeout(0.5)
            for packet in seen:
                message = bytes(packet.payload)
                sock.sendto(message, target)
                # a cookie reply for the sender of this, and a message of each kind with its index
                sock.sendto(b"\3\0\0\0" + message[4:8] + bytes(56), target)
                sock.sendto(b"\2\0\0\0" + bytes(4) + message[4:8] + bytes(80), target)
                sock.sendto(b"\4\0\0\0" + message[4:8] + b"\xff" * 8 + bytes(32), target)
            try:
                answer = sock.recv(2048)
            except TimeoutError:
                answer = None
        assert answer is None, f"the attacker got an answer: {answer[:4]}"
        assert bench.endpoint().startswith(f"{OUTSIDE}:410"), bench.endpoint()
        assert bench.member[1].ping(bench.one.member4, count=5).ok


def main():
    suite = Suite("roaming")
    need_root()
    find_binary()
    suite.run("the NAT's address and ports change, bytes going out", renumbered, True)
    suite.run("the NAT's address and ports change, bytes coming in", renumbered, False)
    suite.run("the NAT's ports change", port_changes)
    suite.run("keepalives on the wire", keepalive_on_the_wire)
    suite.run("keepalives hold the NAT's mapping", keepalive_holds_the_mapping)
    suite.run("an attacker beside the NAT", attacker_beside)
    suite.finish()


main()
