#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Endpoints that are host names: found in the background, found again, next address tried, never blocking."""

import os
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from lib.nameserver import NameServer, use_name_server
from lib.network import Reference
from lib.node import need_root, veth
from lib.pings import Pings
from lib.reference import PORT, new_site_keys, wirespan_conf
from lib.runner import Suite, wait_for
from lib.sites import Sites
from lib.wirespan import find_binary, scratch

SERVER = "192.168.122.53"
NAME = "vpn02.example.org"
ONE6, TWO6 = "2001:db8::24", "2001:db8::32"
DEAD4, DEAD6 = "192.168.122.99", "2001:db8::99"


class Named:
    """The reference network whose vpn01 knows vpn02 by name; vpn02 only listens. Name server at vpn02."""

    def __init__(self):
        self.net = Reference()
        self.one, self.two = self.net.sites
        self.near, self.far = self.net.gateway
        self.net.vpn[0].sh(f"ip addr add {ONE6}/64 dev eth0 nodad")
        self.net.vpn[1].sh(f"ip addr add {SERVER}/24 dev eth0; ip addr add {TWO6}/64 dev eth0 nodad")
        use_name_server(self.net.vpn[0], SERVER, scratch())
        self.configure()
        self.far.configure(wirespan_conf(self.two, self.one, endpoint=False))
        self.far.up()

    def configure(self, name=NAME, **options):
        text = wirespan_conf(self.one, self.two, **options)
        self.near.configure(text.replace(f"Endpoint = {self.two.underlay}:", f"Endpoint = {name}:"))

    def serve(self, *addresses, **more):
        return NameServer(self.net.vpn[1], SERVER, {NAME: list(addresses), **more})

    def renumber(self, address):
        """vpn02 gets another IPv4 address in place of its own."""
        self.net.vpn[1].sh(
            f"ip -4 addr flush dev eth0; ip addr add {address}/24 dev eth0; ip addr add {SERVER}/24 dev eth0"
        )

    def peer(self):
        return self.near.status()["peers"][0]

    def warnings(self):
        return [w["text"] for w in self.near.status()["warnings"]]

    def connected(self, timeout):
        """Wait for a session without traffic that wants it: PersistentKeepalive's."""
        wait_for(lambda: self.peer()["state"] == "established", timeout, 0.2, f"a session; {self.warnings()}")

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind:
            print(self.net.diagnostics())
        self.net.close()


def both_families():
    """A name with A and AAAA: a member's ping gets through with the first packets, both addresses known."""
    with Named() as bench:
        server = bench.serve(bench.two.underlay, TWO6)
        bench.near.up()
        result = bench.net.member[0].ping(bench.two.member4, count=3)
        assert result.ok, result.out
        peer = bench.peer()
        assert peer["endpoint"] in (f"{bench.two.underlay}:{PORT}", f"[{TWO6}]:{PORT}"), peer
        assert peer["endpoint_name"] == f"{NAME}:{PORT}", peer
        assert not bench.warnings(), bench.warnings()
        assert "vpn02.example.org" in bench.near.run("status", bench.near.conf).out
        asked = server.count(NAME)
        assert asked == 2, f"A and AAAA once: {asked}"


def server_down_at_start():
    """No name server: up is ready at once and logs it; when one comes, the handshake starts by itself."""
    with Named() as bench:
        bench.configure(keepalive=20)
        bench.near.up()
        wait_for(lambda: any("not found" in w for w in bench.warnings()), 5, what="a warning")
        assert any(NAME in w for w in bench.warnings()), bench.warnings()
        assert bench.peer()["endpoint"] is None
        time.sleep(3)
        log = bench.near.log_text()
        assert log.count("Cannot find the address") == 1, f"logged once, not at every try:\n{log}"
        bench.serve(bench.two.underlay)
        bench.connected(10)  # the tries are 1, 2, 4, … s apart
        assert not bench.warnings(), bench.warnings()
        assert bench.net.member[0].ping(bench.two.member4).ok


def link_comes_back():
    """Back-off is cut short when the network changes: no waiting for the next try."""
    with Named() as bench:
        bench.configure(keepalive=20)
        bench.serve(bench.two.underlay)
        bench.net.vpn[0].run("ip link set eth0 down")
        bench.near.up()
        time.sleep(17)  # tries at 0, 1, 3, 7, 15 s; the next would be at 31 s
        assert bench.peer()["endpoint"] is None
        start = time.monotonic()
        bench.net.vpn[0].run("ip link set eth0 up")
        bench.connected(10)
        seconds = time.monotonic() - start
        assert seconds < 12, f"{seconds:.1f} s until the session"


def silent_server():
    """A name server that does not answer: neither up nor status nor down waits for it."""
    with Named() as bench:
        server = bench.serve(bench.two.underlay)
        server.silent = True
        text = "nameserver " + SERVER + "\noptions timeout:30 attempts:2\n"
        bench.net.vpn[0].sh(f"printf '{text}' >/etc/resolv.conf")
        seconds = bench.near.up()
        assert seconds < 20, f"ready after {seconds:.1f} s, where a question takes 60 s"
        wait_for(lambda: any("No answer" in w for w in bench.warnings()), 6, what="a warning")
        assert bench.net.vpn[0].ping(bench.one.wg4).ok, "the host's own address in the tunnel"
        start = time.monotonic()
        bench.near.down()
        seconds = time.monotonic() - start
        assert seconds < 20, f"down took {seconds:.1f} s, where a question takes 60 s"
        assert server.count(NAME), "it was asked"


def next_address(dead, live):
    """One address does not answer: after two initiations the other is called."""
    with Named() as bench:
        bench.configure(keepalive=20)
        bench.serve(dead, live)
        bench.near.up()
        bench.connected(20)
        endpoint = bench.peer()["endpoint"]
        assert live in endpoint, endpoint
        assert bench.net.member[0].ping(bench.two.member4).ok


def roamed_stays():
    """A peer that has roamed stays where it is: neither the name nor link events take it back."""
    with Named() as bench:
        server = bench.serve(bench.two.underlay)
        bench.near.up()
        assert bench.net.member[0].ping(bench.two.member4).ok
        asked = server.count(NAME)
        bench.renumber(DEAD4)
        assert bench.net.member[1].ping(bench.one.member4, count=4).out.count("bytes from") >= 2
        peer = bench.peer()
        assert peer["endpoint"] == f"{DEAD4}:{PORT}", peer
        moved = peer["endpoint"]
        pings = Pings(bench.net.member[0], bench.two.member4)
        bench.net.vpn[0].sh("ip route add 198.51.100.0/24 via 192.168.122.1; ip route del 198.51.100.0/24")
        assert bench.near.run("reload", bench.near.conf).ok
        lost = pings.lost(20)
        assert not lost, lost
        assert bench.peer()["endpoint"] == moved, bench.peer()
        assert server.count(NAME) == asked, "asked again although the session is alive"


def reload_with_another_name():
    """The file has another name, then an address: the peer goes there though its session is alive."""
    with Named() as bench:
        bench.serve(bench.two.underlay, **{"six.example.org": [TWO6]})
        bench.near.up()
        assert bench.net.member[0].ping(bench.two.member4).ok
        pids = bench.near.pids()

        def go_to(name, address):
            """Return: whether the peer goes there; a late datagram from its old address moves it back."""
            bench.configure(name=name)
            bench.near.run("reload", bench.near.conf)
            try:
                wait_for(lambda: address in bench.peer()["endpoint"], 3)
            except AssertionError:
                return False
            assert bench.net.member[0].ping(bench.two.member4).ok
            return True

        def there_and_back():
            return go_to("six.example.org", TWO6) and go_to(bench.two.underlay, bench.two.underlay)

        assert any(there_and_back() for _ in range(5)), bench.peer()
        assert bench.peer()["endpoint_name"] == ""
        assert bench.near.pids() == pids


def others_are_silent():
    """A dozen names whose servers are dead, before and while the peer's is asked for: it does not wait in line."""
    dead = [f"dead{n}.example.org" for n in range(12)]
    with Named() as bench:
        server = bench.serve(bench.two.underlay, **{"six.example.org": [TWO6]})
        server.mute = set(dead)
        text = "nameserver " + SERVER + "\noptions timeout:10 attempts:1\n"
        bench.net.vpn[0].sh(f"printf '{text}' >/etc/resolv.conf")
        peers = "".join(
            f"[Peer]\nPublicKey = {new_site_keys()[1]}\nEndpoint = {name}:1\nAllowedIPs = 10.77.{n}.0/24\n"
            for n, name in enumerate(dead)
        )

        def configure(name):
            bench.configure(name=name, keepalive=20)
            with open(bench.near.conf) as file:
                conf = file.read()
            bench.near.configure(conf.replace("[Peer]", peers + "[Peer]", 1))

        def found(address):
            return any(address in (p["endpoint"] or "") for p in bench.near.status()["peers"])

        configure(NAME)
        start = time.monotonic()
        bench.near.up()
        wait_for(lambda: found(bench.two.underlay), 30, 0.1, what="the address")
        seconds = time.monotonic() - start
        assert seconds < 19, f"found after {seconds:.1f} s: one time limit of 10 s is due, not many"
        # now none of them is new: until then they may take all turns, as the peer's name would
        wait_for(lambda: all(server.count(name) >= 4 for name in dead), 30, 0.1, "all questions once more")
        start = time.monotonic()
        configure("six.example.org")
        bench.near.run("reload", bench.near.conf)
        wait_for(lambda: found(TWO6), 30, 0.1, what="the other name's address")
        seconds = time.monotonic() - start
        assert seconds < 8, f"found after {seconds:.1f} s: who was not found before has to wait, not others"
        start = time.monotonic()
        bench.near.down()
        seconds = time.monotonic() - start
        assert seconds < 8, f"down took {seconds:.1f} s, where a question takes 10 s"


def default_route_through_the_tunnel():
    """All traffic is to go through the tunnel, that to the name server too: its end is asked for before."""
    with Sites(2, "router") as (one, two, router):
        veth(one.node, "eth0", router, "eth0")
        veth(two.node, "eth0", router, "eth1")
        one.node.up("eth0", "10.9.0.1/24")
        two.node.up("eth0", "192.0.2.2/24")
        router.up("eth0", "10.9.0.9/24")
        router.up("eth1", "192.0.2.9/24", "198.51.100.53/32")
        router.sh("echo 1 >/proc/sys/net/ipv4/ip_forward")
        one.node.run("ip route add default via 10.9.0.9")
        two.node.run("ip route add default via 192.0.2.9")
        use_name_server(one.node, "198.51.100.53", scratch())
        one.node.sh("printf 'nameserver 198.51.100.53\noptions timeout:2\n' >/etc/resolv.conf")
        server = NameServer(router, "198.51.100.53", {NAME: ["192.0.2.2"]})
        server.mute = {NAME}  # the first question is lost
        threading.Timer(1, server.mute.clear).start()
        one.configure((two, f"{NAME}:{PORT}"), ipv6=False)
        with open(one.gateway.conf) as file:
            one.gateway.configure(file.read().replace(f"AllowedIPs = {two.wg4}/32", "AllowedIPs = 0.0.0.0/0"))
        two.configure((one, None), ipv6=False)
        two.gateway.up()
        one.gateway.up()
        one.reaches(two)
        assert one.endpoint(two) == f"192.0.2.2:{PORT}", one.endpoint(two)


def default_route_without_a_name_server():
    """The same while no name server answers: the site comes up all the same, soon, and goes down at once."""
    with Sites(2) as (one, two):
        one.node.sh(
            "ip link add eth0 type bridge; ip addr add 10.9.0.1/24 dev eth0; ip link set eth0 up;"
            "ip route add default via 10.9.0.9"
        )
        use_name_server(one.node, "198.51.100.53", scratch())
        one.configure((two, f"{NAME}:{PORT}"), ipv6=False)
        with open(one.gateway.conf) as file:
            one.gateway.configure(file.read().replace(f"AllowedIPs = {two.wg4}/32", "AllowedIPs = 0.0.0.0/0"))
        seconds = one.gateway.up(timeout=20)
        assert 8 < seconds < 100, f"ready after {seconds:.1f} s"
        one.gateway.down()
        one.node.popen(one.gateway.binary, "up", one.gateway.conf, stdout=subprocess.DEVNULL)
        wait_for(one.gateway.pids, 2, what="the site to begin")
        time.sleep(1)
        start = time.monotonic()
        one.gateway.signal("TERM")
        one.gateway.wait_gone(2)
        seconds = time.monotonic() - start
        assert seconds < 8, f"ended after {seconds:.1f} s, as if the wait of 10 s had gone on"


def many_names():
    """Two hundred names at once are more than the queue holds: all are found, the real peer among them."""
    with Named() as bench:
        records = {f"p{n}.example.org": [f"203.0.113.{n}"] for n in range(200)}
        server = bench.serve(bench.two.underlay, **records)
        bench.configure()
        with open(bench.near.conf, "a") as file:
            file.write("\n")
            for n in range(200):
                public = new_site_keys()[1]
                file.write(f"[Peer]\nPublicKey = {public}\nEndpoint = p{n}.example.org:1\n")
                file.write(f"AllowedIPs = 10.77.{n}.0/24\n")
        bench.near.up()
        wait_for(lambda: all(p["endpoint"] for p in bench.near.status()["peers"]), 15, 0.5, "all addresses")
        endpoints = {p["endpoint"] for p in bench.near.status()["peers"]}
        assert len(endpoints) == 201, len(endpoints)
        assert bench.net.member[0].ping(bench.two.member4).ok
        assert max(server.count(name) for name in records) == 2, "each asked for once"


class Stale:
    """Connected, then the peer moves and sends nothing. Takes over two minutes of waiting."""

    def __init__(self):
        self.bench = bench = Named()
        bench.configure(keepalive=5)
        self.server = bench.serve(bench.two.underlay)
        bench.near.up()
        bench.connected(5)
        time.sleep(4)
        self.asked = self.server.count(NAME)
        self.made = time.monotonic() - bench.peer()["handshake_age_ms"] / 1000
        bench.far.down()
        bench.renumber(DEAD4)
        self.server.records[NAME] = [DEAD4]
        bench.far.up()

    def finish(self):
        """Its new address is asked for 135 s after the handshake, and there it is."""
        with self.bench as bench:
            wait_for(lambda: self.server.count(NAME) > self.asked, 150, 0.5, "another question")
            seconds = self.server.times(NAME)[self.asked] - self.made
            assert 130 < seconds < 250, f"asked {seconds:.0f} s after the handshake"
            wait_for(lambda: DEAD4 in bench.peer()["endpoint"], 5, what="the new address")
            ping = bench.net.member[0].ping
            wait_for(lambda: ping(bench.two.member4, timeout=1).ok, 10, what="a new session")


class Wrong:
    """A name that leads to an address without a host, and is corrected later. Takes half a minute of waiting."""

    def __init__(self):
        self.bench = Named()
        self.bench.configure(keepalive=20)
        self.server = self.bench.serve(DEAD4)
        self.bench.near.up()
        wait_for(lambda: self.bench.peer()["endpoint"], 5, what="the first address")
        time.sleep(4)  # the interfaces just made have no more events, which would be a reason to ask
        self.asked = self.server.count(NAME)
        self.server.records[NAME] = [self.bench.two.underlay]
        self.start = time.monotonic()

    def finish(self):
        """No answer: the name is resolved again after 30 s, and the new address is used."""
        with self.bench as bench:
            bench.connected(max(5, 40 - (time.monotonic() - self.start)))
            assert bench.two.underlay in bench.peer()["endpoint"], bench.peer()
            asked = self.server.count(NAME) - self.asked
            assert asked == 2, f"asked once, for two families: {asked}"


# What takes long begins first and is judged last.
SLOW = {
    "the name is put right: asked for again": Wrong,
    "asked again once stale": Stale,
}


def main():
    suite = Suite("names")
    need_root()
    find_binary()
    slow = {}
    for name, begin in SLOW.items():
        if suite.selects(name):
            suite.setup(f"{name}: the beginning", lambda name=name, begin=begin: slow.update({name: begin()}))
    suite.run("A and AAAA", both_families)
    suite.run("no name server at the start", server_down_at_start)
    suite.run("the link comes back", link_comes_back)
    suite.run("a silent name server", silent_server)
    suite.run("dead AAAA, live A", next_address, DEAD6, "192.168.122.32")
    suite.run("dead A, live AAAA", next_address, DEAD4, TWO6)
    suite.run("a roamed peer stays", roamed_stays)
    suite.run("reload with another name", reload_with_another_name)
    suite.run("others' name servers are silent", others_are_silent)
    suite.run("the default route through the tunnel", default_route_through_the_tunnel)
    suite.run("the default route, and no name server", default_route_without_a_name_server)
    suite.run("two hundred names", many_names)
    for name, begun in slow.items():
        suite.run(name, begun.finish)
    suite.finish()


main()
