#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Gateways whose underlay has segmentation offload (containers, virtual machines, cards) behind a router that
forwards their trains of datagrams as they are, onto a path that carries less than their own link does.

Such a router drops a whole train if its datagrams are too large, so a probe must be in no train.  Each case of the
matrix has a network of its own; some run side by side, as they mostly wait.
"""

import concurrent.futures
import contextlib
import dataclasses
import os
import re
import signal
import socket
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from lib.network import Reference
from lib.node import Node, need_root, veth
from lib.reference import Pseudowire, wirespan_conf
from lib.runner import Suite, wait_for
from lib.stream import Stream
from lib.wirespan import Gateway, find_binary

FOUND_MAX = 12  # seconds; it takes one or two
SIDE_BY_SIDE = 4
SEGMENTATION = ("tx-udp-segmentation", "generic-segmentation-offload", "tcp-segmentation-offload")


@dataclasses.dataclass(frozen=True)
class Case:
    """What the gateways and the router do, and what becomes of the path."""

    gateway: str  # "gso"; "singly": wirespan sends datagrams one by one; "kernel": the kernel cuts trains up
    router: str  # "gso"; "off": it never sees a train; "gro": it joins what comes singly
    icmp: bool
    family: int  # of the underlay
    card: int  # the MTU of all links
    path: int  # what the path carries
    start: bool  # from the start; or from the middle of a transfer on
    by_link: bool  # the link behind the router is narrow, as its gateway knows; or the router's routes, both ways

    def __str__(self):
        when = "from the start" if self.start else "in mid-transfer"
        how = "link" if self.by_link else "routes"
        icmp = "ICMP" if self.icmp else "no ICMP"
        return (
            f"{self.card} -> {self.path} {when}, IPv{self.family}, gateway {self.gateway}, "
            f"router {self.router}, {icmp}, by {how}"
        )


# Every pair of values of any two columns is in some row.
MATRIX = [
    # gateway, router, ICMP, family, card, path, from the start, by a link
    Case("gso", "gso", False, 4, 1500, 1400, True, True),
    Case("gso", "gso", True, 6, 1500, 1492, True, False),
    Case("gso", "gro", False, 6, 9001, 1500, False, True),
    Case("gso", "off", True, 4, 1500, 1460, False, False),
    Case("gso", "gso", False, 4, 9001, 1500, True, False),
    Case("gso", "gso", True, 4, 1500, 1400, False, False),
    Case("gso", "gso", False, 6, 1500, 1460, False, True),
    Case("singly", "gro", True, 4, 1500, 1400, True, False),
    Case("singly", "gro", False, 4, 1500, 1492, False, False),
    Case("singly", "gso", True, 6, 9001, 1500, True, True),
    Case("singly", "off", False, 6, 1500, 1460, True, False),
    Case("singly", "off", True, 6, 1500, 1400, False, True),
    Case("kernel", "gro", False, 4, 1500, 1460, True, True),
    Case("kernel", "off", True, 4, 9001, 1500, False, True),
    Case("kernel", "gso", False, 4, 1500, 1492, False, True),
    Case("kernel", "gso", True, 6, 1500, 1400, False, False),
    Case("kernel", "off", False, 6, 1500, 1492, True, False),
]


class Forwarding(Reference):
    """A router between the gateways, and between all of them links as a container has them: trains pass whole."""

    def __init__(self, card=1500, family=4):
        self.card = card
        super().__init__()
        self.underlay_family = family
        for number, vpn in enumerate(self.vpn, 1):
            vpn.run(f"ip route add default via 192.168.{number}.1")
            vpn.run(f"ip -6 route add default via fd01:{number}::1")
            vpn.run(f"ip link set eth0 mtu {card}")
            vpn.offloads("eth0", True, *SEGMENTATION)

    def make_sites(self):
        return tuple(
            dataclasses.replace(site, underlay=f"192.168.{n}.24", underlay6=f"fd01:{n}::24")
            for n, site in enumerate(super().make_sites(), 1)
        )

    def connect(self):
        self.router = Node("router")
        for number, vpn in enumerate(self.vpn, 1):
            veth(vpn, "eth0", self.router, f"eth{number}", mtu=self.card)
            self.router.up(f"eth{number}", f"192.168.{number}.1/24", f"fd01:{number}::1/64")
        self.router.sh("sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1")

    def close(self):
        super().close()
        self.router.close()

    def rules(self, *forward, icmp=True):
        """Set what the router drops of what it forwards, and whether it reports packets that are too big."""
        lines = [f"add rule inet router forward {rule}" for rule in forward]
        if not icmp:
            lines += [
                "add rule inet router output icmp type destination-unreachable drop",
                "add rule inet router output icmpv6 type packet-too-big drop",
            ]
        script = "\n".join(
            (
                "flush ruleset",
                "add table inet router",
                "add chain inet router forward { type filter hook forward priority 0; }",
                "add chain inet router output { type filter hook output priority 0; }",
                *lines,
            )
        )
        self.router.sh(f"nft -f - <<'END'\n{script}\nEND\n")

    def narrow(self, mtu, by_link):
        """From now on the path carries `mtu`."""
        if by_link:
            self.router.run(f"ip link set eth2 mtu {mtu}")
            self.vpn[1].run(f"ip link set eth0 mtu {mtu}")
            return
        for number in (1, 2):
            self.router.sh(
                f"""
ip route replace 192.168.{number}.0/24 dev eth{number} src 192.168.{number}.1 proto kernel mtu lock {mtu}
ip -6 route replace fd01:{number}::/64 dev eth{number} proto kernel metric 256 mtu lock {mtu}
ip -6 route flush cache
"""
            )

    def path(self, number):
        return self.gateway[number].status()["peers"][0]["path"]

    def wait_found(self, mtu, ends=(0, 1), timeout=FOUND_MAX):
        """Wait until each end has measured that its path carries `mtu`. Return: the seconds that took."""
        begun = time.monotonic()

        def found():
            return all((p := self.path(n))["mtu"] == mtu and p["state"] == "complete" for n in ends)

        try:
            wait_for(found, timeout, 0.1, what=f"a path MTU of {mtu}")
        except AssertionError as problem:
            raise AssertionError(f"{problem}: {self.path(0)} {self.path(1)}") from None
        return time.monotonic() - begun


@contextlib.contextmanager
def pings(node, target, size):
    """Pings, ten a second, until the block is left: a reason to measure the path, both ways."""
    words = ("ping", "-n", "-q", "-i", "0.1", "-s", str(size), "-M", "do", target)
    child = node.popen(*words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        os.killpg(child.pid, signal.SIGTERM)  # nsenter and ping
        child.wait()


def large_pings(net):
    """1500-byte pings between the members."""
    return pings(net.member[0], net.two.member4, 1472)


@contextlib.contextmanager
def network(**options):
    """A Forwarding network; what its gateways logged is part of any failure."""
    with Forwarding(**options) as net:
        net.one, net.two = net.sites
        try:
            yield net
        except Exception as problem:
            raise AssertionError(f"{problem}\n{net.diagnostics()}") from problem
        finally:
            net.stop()


def prepare(net, case):
    """Set the offloads of gateways and router."""
    for vpn, gateway in zip(net.vpn, net.gateway):
        if case.gateway == "singly":
            gateway.env["WIRESPAN_OPTIONS"] = "no-gso"
        elif case.gateway == "kernel":
            vpn.offloads("eth0", False, *SEGMENTATION)
    for port in ("eth1", "eth2"):
        if case.router == "off":
            net.router.wire_like(port)
            net.vpn[int(port[-1]) - 1].wire_like("eth0")
        elif case.router == "gro":
            net.router.offloads(port, True, "generic-receive-offload", "rx-udp-gro-forwarding")
    if case.router == "gro":
        # A veth ends a batch after one packet, unless it is set to wait a little for more, as a card does.
        net.router.sh(
            """
mkdir /run/sys
mount -t sysfs none /run/sys
for port in eth1 eth2; do echo 300000 >/run/sys/class/net/$port/gro_flush_timeout; done
"""
        )
    net.rules(icmp=case.icmp)


def largest_mss(case):
    """TCP payload of a member's segment that crosses in one datagram."""
    outer = 40 if case.family == 6 else 20
    return case.path - outer - 8 - 32 - 20 - 8 - 12 - 14 - 40


def run_case(case):
    """TCP and 1500-byte pings between the members, while the path is or becomes narrow. Return: what was seen."""
    with network(card=case.card, family=case.family) as net:
        prepare(net, case)
        if case.start:
            net.narrow(case.path, case.by_link)
        net.up()
        if not case.start:
            assert net.member[0].ping(net.two.member4).ok, "the segment works"
            with large_pings(net):
                net.wait_found(case.card)
        # From the start: the connection is the first traffic in the tunnel.
        stream = Stream(*net.member, net.two.member4)
        with large_pings(net):
            if not case.start:
                time.sleep(1)
                net.narrow(case.path, case.by_link)
            changed = time.monotonic()
            took = net.wait_found(case.path)
            time.sleep(1)
            stall = stream.longest_since(changed)
            mss = stream.client.getsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG)
            stream.finish()
        assert stall < FOUND_MAX, f"TCP stood still for {stall:.1f} s"
        if case.start:
            assert mss <= min(largest_mss(case), 1448), f"an MSS of {mss} over a path of {case.path}"
        for near, far in ((0, net.two), (1, net.one)):
            sender = net.member[near]
            assert sender.ping(far.member4, count=10, size=1472, dont_fragment=True).ok, "1500-byte pings pass"
        Stream(net.member[1], net.member[0], net.one.member4).finish()
        for number in (0, 1):
            assert not net.path(number).get("train_max"), "trains pass, and are not cut down"
        return f"found in {took:.1f} s; TCP stood still for {stall:.1f} s, MSS {mss}"


def report(future):
    """Wait for a case that runs beside others; its output is printed."""
    if (seen := future.result()) is not None:
        print(f"  {seen}", flush=True)


def loses_trains(limit, expected):
    """Trains vanish, single datagrams pass: they are cut down, which is logged once and shown."""
    with network() as net:
        net.rules(f"meta length > {limit} drop")
        net.up()
        stream = Stream(*net.member, net.two.member4)
        wait_for(lambda: net.path(0)["train_max"], FOUND_MAX, 0.1, "trains cut down")
        before = stream.count
        wait_for(lambda: stream.count > before + 20_000_000, 60, 0.1, "bulk TCP")
        stream.finish()
        path = net.path(0)
        assert path["train_max"] in expected and path["mtu"] == 1500, path
        text = net.gateway[0].run("status", net.gateway[0].conf).out
        assert re.search(r"^  trains +\d+ datagrams? at most: longer trains are lost", text, re.M), text
        log = net.gateway[0].log_text(1000)
        assert log.count("loses trains of datagrams although single ones pass") == 1, log
        checked = net.gateway[0].run("check", net.gateway[0].conf, check=False, timeout=60).out
        assert "The path loses trains of more than" in checked, checked
        # one after the other, as the far end has not learned yet that trains of its answers are lost
        for _ in range(5):
            assert net.member[0].ping(net.two.member4, count=1, size=1472, dont_fragment=True).ok


def keeps_trains():
    """On a path without fault trains stay full, while they are being checked."""
    with network() as net:
        net.up()
        stream = Stream(*net.member, net.two.member4)
        time.sleep(6)
        stream.finish()
        engine = net.gateway[0].status()["engine"]
        assert not net.path(0).get("train_max"), net.path(0)
        per_train = engine["segments_tx"] / engine["trains_tx"]
        assert per_train > 5, f"{per_train:.1f} datagrams a train"
        print(f"  {per_train:.1f} datagrams a train", flush=True)


def answer_no_echo(net):
    for vpn in net.vpn:
        vpn.sh("sysctl -qw net.ipv4.icmp_echo_ignore_all=1 net.ipv6.icmp.echo_ignore_all=1")


def answers_nothing():
    """A peer that answers no echo: the route's MTU stays, and `status` and `check` report it."""
    with network() as net:
        answer_no_echo(net)
        net.up()
        stream = Stream(*net.member, net.two.member4)
        wait_for(lambda: net.path(0)["state"] == "silent", 30, 0.1, "the path to be silent")
        stream.finish()
        path = net.path(0)
        assert path["mtu"] == 1500 and not path["answers"], path
        text = net.gateway[0].run("status", net.gateway[0].conf).out
        line = r"^  path MTU +1500, the route's, not confirmed: no probe is answered \(0 of \d+ probes answered\)$"
        assert re.search(line, text, re.M), text
        checked = net.gateway[0].run("check", net.gateway[0].conf, check=False, timeout=60).out
        assert re.search(r"assumed to carry 1500 bytes, the route's MTU: none of \d+ probes", checked), checked
        assert net.member[0].ping(net.two.member4, count=5, size=1472, dont_fragment=True).ok


def answers_nothing_but_icmp(family):
    """The same behind a narrow path whose router reports it, quoting our datagrams: its report is used."""
    with network(family=family) as net:
        answer_no_echo(net)
        net.rules()
        net.narrow(1400, False)
        net.up()
        stream = Stream(*net.member, net.two.member4)
        with large_pings(net):
            wait_for(lambda: all(net.path(n)["mtu"] == 1400 for n in (0, 1)), 30, 0.1, "what the router reports")
        before = stream.count
        wait_for(lambda: stream.count > before + 2_000_000, 60, 0.1, "bulk TCP")
        stream.finish()
        assert net.path(0)["state"] in ("silent", "confirm"), net.path(0)
        assert net.member[0].ping(net.two.member4, count=5, size=1472, dont_fragment=True).ok


def one_end_answers_nothing():
    """One gateway answers no echo, the path is narrow, and no ICMP comes: what the other one measures limits TCP both
    ways, by the MSS."""
    with network() as net:
        net.vpn[0].sh("sysctl -qw net.ipv4.icmp_echo_ignore_all=1")
        net.rules(icmp=False)
        net.narrow(1400, False)
        net.up()
        with large_pings(net):
            net.wait_found(1400, ends=(0,))
            wait_for(lambda: net.path(1)["state"] == "silent", 30, 0.1, "the path back to be silent")
        for near, far in ((0, net.two), (1, net.one)):
            stream = Stream(net.member[near], net.member[1 - near], far.member4)
            wait_for(lambda: stream.count > 2_000_000, 60, 0.1, f"bulk TCP from {near + 1}")
            stream.finish()
        assert net.path(1)["mtu"] == 1500 and not net.path(1)["answers"], net.path(1)


def lossy():
    """A path that loses a third of all datagrams is not a narrow one, at least not for long."""
    with network() as net:
        net.up()
        assert net.member[0].ping(net.two.member4).ok
        with large_pings(net):
            net.wait_found(1500)
            net.rules("numgen random mod 100 < 33 drop")
            time.sleep(15)
            net.rules()
            net.wait_found(1500, timeout=90)


def one_way():
    """The path shrinks while one side sends nothing large: it finds out as soon as it does."""
    with network() as net:
        net.rules(icmp=False)
        net.up()
        assert net.member[0].ping(net.two.member4).ok
        with large_pings(net):
            net.wait_found(1500)
        stream = Stream(*net.member[::-1], net.one.member4)
        time.sleep(1)
        changed = time.monotonic()
        net.narrow(1400, False)
        net.wait_found(1400, ends=(1,))
        assert stream.longest_since(changed) < FOUND_MAX
        stream.finish()
        assert net.path(0)["mtu"] == 1500, "nothing large was sent, so nothing was measured"
        stream = Stream(*net.member, net.two.member4)
        net.wait_found(1400, ends=(0,))
        stream.finish()


def grows():
    """A path that is wider after a restart of one end is used as it is."""
    with network() as net:
        net.narrow(1400, False)
        net.up()
        with large_pings(net):
            net.wait_found(1400)
            net.narrow(1500, False)
            net.gateway[0].stop()
            net.gateway[0].up()
            net.wait_found(1500, ends=(0,))


def two_peers():
    """Two peers behind different paths: each has its own MTU."""
    with network() as net:
        third = Node("vpn03")
        with third:
            veth(third, "eth0", net.router, "eth3")
            net.router.up("eth3", "192.168.3.1/24")
            third.up("eth0", "192.168.3.24/24")
            third.run("ip route add default via 192.168.3.1")
            far = dataclasses.replace(net.make_sites()[1], underlay="192.168.3.24", wg4="10.0.1.31", wg6="fd00:1::31")
            one, two = net.sites
            net.rules(icmp=False)
            net.narrow(1492, False)
            net.router.run(
                *("ip", "route", "replace", "192.168.3.0/24", "dev", "eth3", "src", "192.168.3.1"),
                *("proto", "kernel", "mtu", "lock", "1400"),
            )
            more = f"[Peer]\nPublicKey = {far.public}\nAllowedIPs = {far.wg4}/32\nEndpoint = {far.underlay}:8172\n"
            text = wirespan_conf(one, two, Pseudowire())
            net.gateway[0].configure(text.replace("[L2TP]", f"{more}\n[L2TP]", 1))
            net.gateway[1].configure(wirespan_conf(two, one, Pseudowire()))
            last = Gateway(third, "vpn03")
            last.configure(wirespan_conf(far, one, Pseudowire(), member=None))
            for gateway in (*net.gateway, last):
                gateway.up()
            with large_pings(net), pings(net.vpn[0], far.wg4, 1250):
                wait_for(
                    lambda: [p["path"]["mtu"] for p in net.gateway[0].status()["peers"]] == [1492, 1400],
                    FOUND_MAX,
                    0.1,
                    "an MTU of each path",
                )
            last.stop()


OTHERS = {
    "trains of more than one datagram vanish": lambda: loses_trains(1500, (1,)),
    "trains of more than 20,000 bytes vanish": lambda: loses_trains(20000, range(7, 14)),
    "trains stay full where nothing is wrong": keeps_trains,
    "a peer that answers no echo": answers_nothing,
    "a peer that answers no echo, a narrow path and ICMP, IPv4": lambda: answers_nothing_but_icmp(4),
    "a peer that answers no echo, a narrow path and ICMP, IPv6": lambda: answers_nothing_but_icmp(6),
    "one end answers no echo, and the path is narrow": one_end_answers_nothing,
    "a path that loses a third": lossy,
    "a path that shrinks while one side sends nothing large": one_way,
    "a path that has grown, after a restart": grows,
    "two peers behind different paths": two_peers,
}


def main():
    suite = Suite("gso_router")

    def ready():
        need_root()
        find_binary()

    if not suite.setup("what is needed is here", ready):
        suite.finish()
    jobs = {str(case): lambda case=case: run_case(case) for case in MATRIX} | OTHERS
    with concurrent.futures.ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        futures = {name: pool.submit(job) for name, job in jobs.items() if suite.selects(name)}
        for name, future in futures.items():
            suite.run(name, report, future)
    suite.finish()


if __name__ == "__main__":
    main()
