# SPDX-License-Identifier: MIT
"""The network of status_test.py: three sites across a router, the traffic they are sent, and their counters."""

import contextlib
import random
import socket
import struct
import threading
import time

from . import frames
from .capture import RawPort, is_wireguard
from .network import Routed
from .node import Node, need_root, veth
from .reference import PORT, new_key, new_site_keys
from .runner import wait_for
from .status_fields import fields, options
from .status_report import Ledger, check_metrics, check_text
from .wirespan import Gateway, find_binary

PATIENCE = 30  # seconds for what takes less than one on an idle host
COOKIE_ONE, COOKIE_TWO = "0102030405060708", "a1a2a3a4a5a6a7a8"  # what vpn01 and vpn02 send


class Exactly(int):
    """By so much and no more."""


class AbsentPeer:
    """A peer of vpn01 that is not there: only its key and where it should be."""

    def __init__(self, number, endpoint):
        self.public = new_site_keys()[1]
        self.wg4 = f"10.0.1.{number}"
        self.endpoint = endpoint

    def section(self):
        endpoint = f"Endpoint = {self.endpoint}\n" if self.endpoint else ""
        return f"[Peer]\nPublicKey = {self.public}\nAllowedIPs = {self.wg4}/32\n{endpoint}"


def tunnel(near, far, remote, local, more=""):
    return f"[L2TP]\nTunnelId = {near}\nPeerTunnelId = {far}\nLocal = {local}\nRemote = {remote}\n{more}"


def session(name, mine, theirs, *more, bridge="none"):
    lines = [f"[L2TPSession]\nName = {name}\nSessionId = {mine}\nPeerSessionId = {theirs}\nBridge = {bridge}"]
    return "\n".join(lines + list(more)) + "\n"


def option_sessions(first):
    """Return: a session for each value of each option, with ids from `first`."""
    lines = [f"{option.key} = {value}" for option in options() for value in option.values]
    return "".join(session(f"opt{i}", i, i, line) for i, line in enumerate(lines, first))


class Bench:
    """The network, the files of the three sites, and the ledger of what has been seen."""

    def __init__(self):
        need_root()
        find_binary()
        self.random = random.Random(9)
        self.fields = fields()
        self.ledger = Ledger(self.fields)
        self.texts_shown, self.metrics_shown = set(), set()
        self.net = Routed()
        self.net.icmp(True)
        self.router, self.member = self.net.router, self.net.member
        self.one, self.two = self.net.sites
        self.third = Node("vpn03")
        veth(self.third, "eth0", self.router, "eth3")
        self.third.up("eth0", "fd00:103::24/64")
        self.third.run("ip link add owned0 type bridge")
        self.router.up("eth3", "fd00:103::1/64")
        self.router.run("ip addr add fd00:101::1/64 dev eth1 nodad")
        self.net.vpn[0].sh(
            "ip addr add fd00:101::24/64 dev eth0 nodad; ip route add fd00:103::/64 via fd00:101::1\n"
            "ip route add unreachable 203.0.113.0/24"
        )
        self.third.sh(
            "ip route add fd00:101::/64 via fd00:103::1\n"
            "ip link add eth1 type veth peer name other; ip link set eth1 mtu 1400"
        )
        self.private3, self.public3 = new_site_keys()
        self.preshared = new_key()
        self.gateway = [*self.net.gateway, Gateway(self.third, "vpn03")]
        self.gateway[1].env = {"WIRESPAN_OPTIONS": "no-vnet,no-tso,no-uso,no-gso,no-gro", "WIRESPAN_ISOLATION": "no"}
        self.gateway[2].env = {"WIRESPAN_ISOLATION": "yes"}
        self.mute = AbsentPeer(101, None)
        self.dead = AbsentPeer(102, "192.168.1.1:9")
        self.barred = AbsentPeer(103, "203.0.113.1:9")
        self.named = AbsentPeer(104, "localhost:9")
        self.nameless = AbsentPeer(105, "no-such-host.invalid:9")
        self.astray = AbsentPeer(106, None)  # in no file
        self.gateway[0].configure(self.first_file())
        self.gateway[1].configure(self.second_file())
        self.gateway[2].configure(self.third_file(endpoint=False))
        chain = "{ type filter hook prerouting priority -400; }"
        self.router.sh(f"nft add table inet test; nft add chain inet test in '{chain}'")
        self.link = (self.net.vpn[0].mac("eth0"), self.router.mac("eth1"))
        self.number = 0

    def first_file(self, third=False, port=PORT):
        text = (
            f"[Interface]\nPrivateKey = {self.one.private}\nListenPort = {port}\n"
            f"Address = {self.one.wg4}/24, {self.one.wg6}/64\n"
            f"[Peer]\nPublicKey = {self.two.public}\nEndpoint = {self.two.underlay}:{PORT}\n"
            f"AllowedIPs = {self.two.wg4}/32, {self.two.wg6}/128\n"
        )
        for absent in (self.mute, self.dead, self.barred, self.named, self.nameless):
            text += absent.section()
        text += tunnel(3939, 3940, self.two.wg4, self.one.wg4)
        cookies = (f"Cookie = {COOKIE_ONE}", f"PeerCookie = {COOKIE_TWO}")
        text += session("l2tpeth0", 3941, 3942, *cookies, bridge="br-l2tp0")
        text += session("rej0", 11, 12, "Oversize = reject", "ClampMSS = no")
        header = ("Layer2SpecificHeader = none", "Cookie = 01020304")
        text += session("drop0", 21, 22, "Oversize = drop", *header, "ClampMSS = 1200")
        text += session("seq0", 31, 32, "Sequence = both", "MTU = 1400")
        if third:
            text += (
                f"[Peer]\nName = vpn03\nPublicKey = {self.public3}\nEndpoint = [fd00:103::24]:{PORT}\n"
                f"PresharedKey = {self.preshared}\nPersistentKeepalive = 20\n"
                "AllowedIPs = 10.0.1.31/32, fd00:1::31/128\n"
            )
            text += tunnel(3949, 3950, "fd00:1::31", self.one.wg6, "EncapsulationType = ip\n")
            text += session("ip0", 41, 42, "Sequence = recv")
        return text + f"[Bridge]\nName = br-l2tp0\nAddress = {self.one.bridge4}/24\nMember = eth1\n"

    def second_file(self):
        text = (
            f"[Interface]\nPrivateKey = {self.two.private}\nListenPort = {PORT}\nFwMark = 0x51\n"
            f"Address = {self.two.wg4}/24, {self.two.wg6}/64\n"
            f"[Peer]\nPublicKey = {self.one.public}\n"
            f"AllowedIPs = {self.one.wg4}/32, {self.one.wg6}/128\nPersistentKeepalive = 25\n"
        )
        text += tunnel(3940, 3939, self.one.wg4, self.two.wg4, "UDPChecksum = yes\n")
        cookies = (f"Cookie = {COOKIE_TWO}", f"PeerCookie = {COOKIE_ONE}")
        text += session("l2tpeth0", 3942, 3941, *cookies, "SplitHorizon = yes", bridge="br-l2tp0")
        text += session("rej0", 12, 11)
        text += session("drop0", 22, 21, "Layer2SpecificHeader = none", "PeerCookie = 01020304")
        text += session("seq0", 32, 31, "Sequence = both", "MTU = 1400")
        return text + "[Bridge]\nName = br-l2tp0\nMember = eth1\n"

    def third_file(self, endpoint=True):
        text = (
            f"[Interface]\nPrivateKey = {self.private3}\nListenPort = {PORT}\nMTU = 1400\n"
            "Address = 10.0.1.31/24, fd00:1::31/64\n"
            f"[Peer]\nPublicKey = {self.one.public}\nPresharedKey = {self.preshared}\n"
            f"AllowedIPs = {self.one.wg4}/32, {self.one.wg6}/128\n"
        )
        text += f"Endpoint = [fd00:101::24]:{PORT}\n" if endpoint else ""
        text += tunnel(3950, 3949, self.one.wg6, "fd00:1::31", "EncapsulationType = ip\n")
        text += session("ip0", 42, 41, "Sequence = send", "MTU = 1400", bridge="br-c")
        text += option_sessions(100)
        text += "[Bridge]\nName = br-c\nSTP = yes\nMulticastSnooping = yes\nForwardControl = lldp, eapol\n"
        return text + "Member = eth1\n[Bridge]\nName = owned0\nAdopt = yes\n"

    # ---- reports -----------------------------------------------------------------------------------

    def report(self, number=0):
        """Return: {own path: Leaf} of a site's status, noted in the ledger."""
        return self.ledger.note(self.gateway[number].status())

    def value(self, own, number=0):
        return self.report(number)[own].value

    def wait_value(self, own, values, number=0):
        wait_for(lambda: self.value(own, number) in values, PATIENCE, what=f"{own} to be one of {values}")

    @contextlib.contextmanager
    def moves(self, *changes, site=0, again=None):
        """What is done meanwhile moves counters: (own path, at least so much, or Exactly so much) each.

        again: is called until they have moved, where one go may not do.
        """
        wanted = dict((c, 1) if isinstance(c, str) else c for c in changes)

        def numbers():
            report = self.report(site)
            return {own: (report[own].value or 0) if own in report else 0 for own in wanted}

        before = numbers()
        yield
        end = time.monotonic() + PATIENCE
        while True:
            rises = {own: number - before[own] for own, number in numbers().items()}
            left = {own: f"{rises[own]} of {n}" for own, n in wanted.items() if rises[own] < n}
            if not left or time.monotonic() > end:
                break
            if again:
                again()
            time.sleep(0.05)
        assert not left, f"{self.gateway[site].name}: did not move: {left}"
        more = {own: rises[own] for own, n in wanted.items() if isinstance(n, Exactly) and rises[own] != n}
        assert not more, f"{self.gateway[site].name}: moved too far: {more}, of {wanted}"

    def peer(self, site, field):
        public = {"one": self.one.public, "two": self.two.public, "three": "vpn03"}[site]
        return f"peers[{public}].{field}"

    def sweep(self, *numbers):
        """Text and metrics of the sites show the values of JSON."""
        for number in numbers:
            gateway = self.gateway[number]
            end = time.monotonic() + PATIENCE
            while True:
                before = self.report(number)
                text = gateway.run("status", gateway.conf).out
                metrics = gateway.run("metrics", gateway.conf).out
                after = self.report(number)
                texts, problems = check_text(text, before, after)
                shown, more = check_metrics(metrics, before, after)
                problems.update(more)
                self.texts_shown |= texts
                self.metrics_shown |= shown
                if not problems:
                    break
                if time.monotonic() > end:
                    raise AssertionError("\n".join(problems.values()))

    # ---- what is sent ------------------------------------------------------------------------------

    def frame(self, length=60):
        """Return: a broadcast frame of a member, of an ethertype that is not looked into."""
        self.number += 1
        return frames.eth(frames.BROADCAST, "02:00:00:00:00:77", 0x88B5, b"%08d" % self.number + bytes(length - 22))

    def message(self, frame, session=11, cookie=b"", sublayer=bytes(4), first=0x00030000):
        """Return: an L2TPv3 data message over UDP, for session rej0 by default."""
        return struct.pack("!II", first, session) + cookie + sublayer + frame

    def packet(self, payload, src=None, bad=False, sport=1701, **options):
        """Return: an inner packet from vpn02's end of the tunnel to vpn01's."""
        src = src or self.two.wg4
        datagram = frames.udp(src, self.one.wg4, sport, 1701, payload, bad)
        return frames.ipv4(src, self.one.wg4, frames.UDP, datagram, **options)

    def inside(self, *packets):
        """Let vpn02's engine send these inner packets, just as they are."""
        with RawPort(self.net.vpn[1], "wg0") as wg0:
            for packet in packets:
                wg0.send(packet)

    def outside(self):
        """Return: a UDP socket of the router, unknown to vpn01."""
        return self.router.call(lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM))

    def no_keys(self, initiation):
        """Send an initiation to vpn03 while its process that holds the keys does not answer."""
        pids = [str(pid) for pid, command in self.third.processes().items() if command == "wirespan: keys vpn03"]
        sock = self.router.call(lambda: socket.socket(socket.AF_INET6, socket.SOCK_DGRAM))
        self.third.run("kill", "-STOP", *pids)
        with sock, self.moves("drops.wg_no_keys", site=2):
            sock.sendto(initiation, ("fd00:103::24", PORT))
        self.third.run("kill", "-CONT", *pids)

    def underlay(self, *packets):
        """Put IP packets on vpn01's link, as if the router had passed them on."""
        whole = [frames.eth(*self.link, frames.ETH_IPV4, packet) for packet in packets]
        with RawPort(self.router, "eth1") as port:
            for frame in whole:
                port.send(frame)

    @contextlib.contextmanager
    def router_rule(self, rule):
        self.router.run("nft", f"add rule inet test in {rule}")
        try:
            yield
        finally:
            self.router.run("nft flush chain inet test in")

    def caught(self, cause, kind, length=None, blocked=True):
        """Return: the IP packet with the WireGuard message of a kind (and length) that `cause()` makes vpn02 send."""
        block = self.router_rule("iifname eth2 udp dport 8172 drop") if blocked else contextlib.nullcontext()
        with RawPort(self.router, "eth2") as port, block:
            cause()
            frame = port.expect(
                lambda p: is_wireguard(p, (PORT,))
                and (p.src, p.payload[0]) == (self.two.underlay, kind)
                and length in (None, len(p.payload)),
                PATIENCE,
            )
        assert frame, f"vpn02 sent no message of kind {kind}"
        return frames.Packet(frame)

    def ping(self, sender, target, **options):
        result = sender.ping(target, timeout=10, **options)
        assert result.ok, result.out

    def diagnostics(self):
        return "\n".join(
            f"--- {g.name}\n{g.log_text()}\n{g.run('status', g.conf, check=False).out}" for g in self.gateway
        )


class Traffic:
    """Frames and packets one way only, some hundred a second, until it ends."""

    def __init__(self, *sources):
        self.ports = [(RawPort(node, ifname), frame) for node, ifname, frame in sources]
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self.send)

    def send(self):
        while not self.stopping.wait(0.05):
            for port, frame in self.ports:
                for _ in range(20):
                    port.send(frame)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        self.thread.join()
        for port, _ in self.ports:
            port.close()
