#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""One site cannot starve another: at a hub, an honest site loses nothing while another one is hostile, a third has a
path that loses packets, and others do not answer."""

import os
import platform
import random
import socket
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from lib import frames
from lib.capture import RawPort
from lib.hub import BRIDGE, Hub, session, tunnel
from lib.node import need_root
from lib.reference import PORT, new_site_keys
from lib.runner import Skip, Suite, wait_for
from lib.wirespan import find_binary

HUB, HONEST, LOSSY, HOSTILE = 1, 2, 3, 4
FRAMES = 2400
BURST = 16  # frames that leave one after the other
SO_SNDBUFFORCE, SO_RCVBUFFORCE = 32, 33  # socket(7); Python has no names for them
FDB_MAX = 16384  # what wirespan has a bridge learn


def hub_conf(hub, sites, more=""):
    """The hub's file: a tunnel to each of `sites`."""
    text = hub.interface(HUB, ["10.0.1.1/24"])
    text += "".join(hub.peer(n, f"10.0.1.{n}/32") for n in sites) + more
    for n in sites:
        text += tunnel(HUB, n) + session(f"l2tpeth{n}", 100 + n, 200 + n)
    return text + BRIDGE


def site_conf(hub, n, more=""):
    """A site's file: a tunnel to the hub."""
    text = hub.interface(n, [f"10.0.1.{n}/24"]) + hub.peer(HUB, "10.0.1.0/24") + more
    return text + tunnel(n, HUB) + session("l2tpeth0", 200 + n, 100 + n) + BRIDGE


class Flow:
    """UDP datagrams in frames of 1,514 bytes from one member to another, who counts them."""

    def __init__(self, hub, near, far):
        self.got = set()
        self.address = (f"10.0.2.{far}2", 5000 + near)

        def receiver():
            sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 32 << 20)
            sock.bind(self.address)
            sock.settimeout(0.5)
            return sock

        def sender():
            sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            sock.setsockopt(socket.SOL_SOCKET, SO_SNDBUFFORCE, 32 << 20)
            sock.connect(self.address)
            return sock

        self.receiver = hub.member[far - 1].call(receiver)
        self.sender = hub.member[near - 1].call(sender)
        self.done = threading.Event()
        self.thread = threading.Thread(target=self._receive)
        self.thread.start()

    def _receive(self):
        while True:
            try:
                self.got.add(self.receiver.recv(2048)[:4])
            except TimeoutError:
                if self.done.is_set():
                    return

    def send(self, number):
        self.sender.send(number.to_bytes(4, "big") + bytes(1468))

    def send_all(self, pause=0.008):
        for number in range(FRAMES):
            self.send(number)
            if number % BURST == BURST - 1:
                time.sleep(pause)

    def end(self):
        """Return: how many arrived."""
        time.sleep(0.5)
        self.done.set()
        self.thread.join()
        self.receiver.close()
        self.sender.close()
        return len(self.got)


class Hostile:
    """Fragments of packets that never become whole, from inside a site: about 2,000 a second."""

    def __init__(self, hub, number):
        def raw():
            sock = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"wg0")
            return sock

        self.sock = hub.vpn[number - 1].call(raw)
        self.source = f"10.0.1.{number}"
        self.sent = 0
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self._send)

    def _fragment(self):
        self.sent += 1
        ports = frames.udp(self.source, "10.0.1.1", 1701, 1701, bytes(72))
        kind = self.sent % 3
        head = {"ident": self.sent % 65536, "df": False}
        if kind == 0:
            return frames.ipv4(self.source, "10.0.1.1", frames.UDP, ports, more=True, **head)
        if kind == 1:
            return frames.ipv4(self.source, "10.0.1.1", frames.UDP, b"x", offset=1416, **head)
        return frames.ipv4(self.source, "10.0.1.1", 115, bytes(1200), more=True, **head)

    def _send(self):
        while not self.stop.is_set():
            for _ in range(20):
                self.sock.sendto(self._fragment(), ("10.0.1.1", 0))
            time.sleep(0.01)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        self.thread.join()
        self.sock.close()


def lose(hub, number, percent):
    """What the hub receives from a site's gateway does not all arrive."""
    hub.vpn[HUB - 1].sh(
        f"""nft -f - <<'END'
add table inet lossy
add chain inet lossy in {{ type filter hook prerouting priority 0; }}
add rule inet lossy in ip saddr 192.168.122.{number} udp dport {PORT} numgen random mod 100 < {percent} drop
END
"""
    )


def drops(hub, reason):
    return hub.gateway[HUB - 1].status()["drops"].get(reason, 0)


def fragments():
    """2,400 large frames of the honest site arrive at the hub as they do when it is alone."""
    with Hub(4) as hub:
        hub.up(hub_conf(hub, (2, 3, 4)), *(site_conf(hub, n) for n in (2, 3, 4)))
        for n in (2, 3, 4):
            assert hub.member[n - 1].ping("10.0.2.12", count=2).ok, hub.diagnostics()
        alone = Flow(hub, HONEST, HUB)
        alone.send_all()
        alone = alone.end()
        assert alone >= FRAMES * 0.99, f"{alone} of {FRAMES} arrive when the site is alone\n{hub.diagnostics()}"
        lose(hub, LOSSY, 5)
        with Hostile(hub, HOSTILE) as hostile:
            time.sleep(1.5)  # as long as fragments wait for others, and some more
            flows = [Flow(hub, n, HUB) for n in (HONEST, LOSSY)]
            threads = [threading.Thread(target=flow.send_all) for flow in flows]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            honest, lossy = [flow.end() for flow in flows]
        print(f"of {FRAMES}: {alone} alone, {honest} beside {hostile.sent} fragments, {lossy} over the lossy path")
        assert honest >= FRAMES * 0.99, f"{honest} of {FRAMES} of the honest site\n{hub.diagnostics()}"
        assert lossy >= FRAMES * 0.8, f"{lossy} of {FRAMES} over a path that loses 5 %\n{hub.diagnostics()}"
        assert drops(hub, "frag_timeout") or drops(hub, "frag_memory"), "the hostile site has sent fragments"


def dead_peers():
    """The hub sends to two peers that do not answer; what its members send to a site that is about to start waits."""
    with Hub(2) as hub:
        dead = "".join(
            f"[Peer]\nPublicKey = {new_site_keys()[1]}\nEndpoint = 192.168.122.{n}:{PORT}\n"
            f"AllowedIPs = 10.9.{n}.0/24\n"
            for n in (8, 9)
        )
        gateway = hub.gateway
        gateway[0].configure(hub_conf(hub, (HONEST,), dead))
        gateway[1].configure(site_conf(hub, HONEST))
        gateway[0].up()

        def to_dead():
            sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            for number in range(600):
                sock.sendto(bytes(1000), (f"10.9.{8 + number % 2}.1", 9))
                if number % 50 == 49:
                    time.sleep(0.02)
            sock.close()

        hub.vpn[0].call(to_dead)
        full = drops(hub, "tx_staged_full")
        near, far = RawPort(hub.member[0], "eth0"), RawPort(hub.member[1], "eth0")
        with near, far:
            mac = "02:00:00:00:00:01"
            sent = [frames.eth(frames.BROADCAST, mac, 0x88B5, b"%04d" % i + bytes(900)) for i in range(100)]
            for number, frame in enumerate(sent):
                near.send(frame)
                if number % 20 == 19:
                    time.sleep(0.02)
            hub.vpn[0].call(to_dead)
            gateway[1].up()
            got = set()
            deadline = time.monotonic() + 30
            while len(got) < len(sent) and time.monotonic() < deadline:
                frame = far.receive(timeout=1)
                if frame in sent:
                    got.add(frame)
        assert len(got) == len(sent), f"{len(got)} of {len(sent)} frames had waited\n{hub.diagnostics()}"
        assert drops(hub, "tx_staged_full") > full, "more was sent to the others than can wait"


def unresolved():
    """The host of one site is gone from the hub's own network, so that its address is not resolved any more: what the
    hub's kernel stores for it, for seconds, keeps nothing from the others."""
    with Hub(3) as hub:
        hub.up(hub_conf(hub, (2, 3)), *(site_conf(hub, n) for n in (2, 3)))
        member = hub.member[0]
        for far in ("10.0.2.22", "10.0.2.32"):
            assert member.ping(far, count=2).ok, hub.diagnostics()
        hub.lan.run("ip link set port3 down")
        hub.vpn[0].run("ip neigh flush dev eth0")
        with RawPort(member, "eth0") as port:
            stop = threading.Event()

            def to_gone():  # frames for all sites, 2 Mbit/s
                frame = frames.eth(frames.BROADCAST, "02:00:00:00:00:01", 0x88B5, bytes(1000))
                while not stop.wait(0.004):
                    port.send(frame)

            thread = threading.Thread(target=to_gone)
            thread.start()
            try:
                gone = "192.168.122.3 INCOMPLETE"
                wait_for(lambda: gone in hub.vpn[0].run("ip neigh show dev eth0").out, 10, what="no next hop")
                result = member.run(*"ping -n -q -c 200 -i 0.02 -W 10 10.0.2.22".split(), check=False, timeout=60)
            finally:
                stop.set()
                thread.join()
        lost = float(result.out.split("% packet loss")[0].split()[-1])
        print(f"  {lost:.0f} % of the pings of the other site are lost")
        assert lost <= 20, f"{result.out}\n{hub.diagnostics()}"


def mac_flood():
    """A member behind the hostile site makes up addresses: bridges learn so many, and frames still arrive."""
    release = tuple(int("".join(filter(str.isdigit, part)) or 0) for part in platform.release().split(".")[:2])
    if release < (6, 7):
        raise Skip("the kernel's bridge has no limit before 6.7")
    with Hub(3) as hub:
        hub.up(hub_conf(hub, (2, 3)), *(site_conf(hub, n) for n in (2, 3)))
        assert hub.member[1].ping("10.0.2.12", count=2).ok, hub.diagnostics()
        made_up = random.Random(7)
        with RawPort(hub.member[2], "eth0") as port:
            for number in range(FDB_MAX + 4000):
                mac = bytes([2]) + made_up.randbytes(5)
                port.send(frames.eth(frames.BROADCAST, mac.hex(":"), 0x88B5, bytes(46)))
                if number % 100 == 99:
                    time.sleep(0.005)
        learned = hub.vpn[0].run("bridge fdb show br br-l2tp0 dynamic").out.count("\n")
        print(f"{learned} of {FDB_MAX + 4000} addresses are learned at the hub")
        assert 10000 < learned <= FDB_MAX, learned
        assert hub.member[0].ping("10.0.2.22", count=3).ok, hub.diagnostics()
        assert hub.member[1].ping("10.0.2.32", count=3).ok, hub.diagnostics()


def main():
    suite = Suite("fair")

    def ready():
        need_root()
        find_binary()

    if not suite.setup("ready", ready):
        suite.finish()
    suite.run("fragments of a hostile site and of a lossy path", fragments)
    suite.run("packets that wait beside those for dead peers", dead_peers)
    suite.run("a site whose address is not resolved", unresolved)
    suite.run("addresses that a site makes up", mac_flood)
    suite.finish()


if __name__ == "__main__":
    main()
