#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Routes to a peer that lead into the segment or the tunnel: nothing carries itself, and another route is used."""

import contextlib
import dataclasses
import json
import os
import struct
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from lib import frames
from lib.capture import RawPort, is_wireguard
from lib.network import Reference, Routed
from lib.node import Node, need_root, veth
from lib.reference import PORT
from lib.runner import Suite, wait_for
from lib.sites import Sites
from lib.wirespan import find_binary

BRIDGE = "br-l2tp0"
PATIENCE = 30  # seconds, on a busy host
QUIET = 20_000_000  # bytes that may leave although nothing gets through


class Uplinks(Routed):
    """Gateways with an uplink to a router between them, over IPv4 and IPv6; their default routes have metric 100."""

    def make_sites(self):
        return tuple(
            dataclasses.replace(site, underlay6=f"2001:db8:{n}::24") for n, site in enumerate(super().make_sites(), 1)
        )

    def __init__(self):
        super().__init__()
        for number, vpn in enumerate(self.vpn, 1):
            self.router.run("ip", "addr", "add", f"2001:db8:{number}::1/64", "dev", f"eth{number}", "nodad")
            vpn.run("ip", "route", "del", "default")
            self.uplink_up(number - 1)

    def uplink_up(self, number):
        """Set a gateway's uplink up, with its addresses and default routes."""
        site = self.sites[number]
        self.vpn[number].sh(
            f"""
ip link set eth0 up
ip addr replace {site.underlay6}/64 dev eth0 nodad
ip route replace default via 192.168.{number + 1}.1 dev eth0 metric 100
ip -6 route replace default via 2001:db8:{number + 1}::1 dev eth0 metric 100
"""
        )


class Bench:
    """The network, its segment up, and the first gateway's status of its peer."""

    def __init__(self, family=4, net=Uplinks, **options):
        self.family = family
        self.net = net()
        self.net.underlay_family = family
        self.one, self.two = self.net.sites
        self.vpn, self.gateway = self.net.vpn[0], self.net.gateway[0]
        self.member = self.net.member[0]
        self.options = options

    def __enter__(self):
        self.net.up(**self.options)
        wait_for(self.works, PATIENCE, 0.2, "the segment")
        wait_for(lambda: self.vpn.ping(self.far).ok, PATIENCE, 0.2, "the far member")
        return self

    def __exit__(self, kind, *_):
        if kind:
            print(self.net.diagnostics())
        self.net.close()

    @property
    def far(self):
        """The member behind the other gateway, which is to be the next hop."""
        return self.two.member4 if self.family == 4 else self.two.member6

    @property
    def endpoint(self):
        return self.two.underlay if self.family == 4 else self.two.underlay6

    def works(self):
        return self.member.ping(self.two.member4).ok

    def loses_nothing(self, count):
        """The segment carries so many pings, and each answer, however long it takes."""
        result = self.member.ping(self.two.member4, count=count, timeout=10)
        assert result.ok, result.out

    def peer(self):
        return self.gateway.status()["peers"][0]

    def drops(self, reason):
        return self.gateway.status()["drops"].get(reason, 0)

    def route(self, verb, *words):
        """Add or delete a default route over the segment."""
        family = "-4" if self.family == 4 else "-6"
        self.vpn.run("ip", family, "route", verb, "default", "via", self.far, "dev", BRIDGE, *words)

    def traffic(self, seconds, size=1200):
        """The members send all they can, which is to come back from the far member."""
        self.member.run(
            *("ping", "-q", "-f", "-w", str(seconds), "-s", str(size), self.two.member4),
            check=False,
            timeout=seconds + 15,
        )

    def check(self):
        """Return: (exit status, the findings of `wirespan check` by name)."""
        result = self.gateway.run("check", "--quick", "--json", self.gateway.conf, check=False, timeout=60)
        found = {}
        for finding in json.loads(result.out)["findings"]:
            found.setdefault(finding["check"], []).append(finding)
        return result.status, found

    def warnings(self):
        """Return: how often it was logged that the route leads back to us."""
        return self.gateway.log_text(1000).count("itself")


def quiet(bench, before):
    """Nothing has carried itself since `before`, the bytes sent until then."""
    sent = bench.peer()["tx_bytes"] - before
    assert sent < QUIET, f"{sent} bytes have left"


# ---- no uplink -----------------------------------------------------------------------------------


def uplink_down(family, **options):
    """The uplink goes down, and a fallback route leads over the segment: nothing loops, the reason is logged, and
    with the uplink the segment is back."""
    with Bench(family, **options) as bench:
        bench.route("add", "metric", "500")
        before = bench.peer()["tx_bytes"]
        bench.vpn.run("ip link set eth0 down")
        assert not bench.works()
        bench.traffic(2)
        quiet(bench, before)
        assert bench.drops("tap_own") > 0, bench.gateway.status()["drops"]
        assert bench.warnings() == 1, bench.gateway.log_text()
        route = bench.peer()["route"]
        assert route == {"leads": "segment", "interface": BRIDGE, "sent_by": ""}, route
        text = bench.gateway.run("status", bench.gateway.conf).out
        assert f"by {BRIDGE} into the segment" in text and "tap_own" in text, text
        metrics = bench.gateway.run("metrics", bench.gateway.conf).out
        assert 'reason="tap_own"' in metrics, metrics
        status, found = bench.check()
        assert status == 1 and found["route"][0]["severity"] == "error", found
        assert f"by {BRIDGE} into the segment itself" in found["route"][0]["text"], found
        assert "session_id" not in found and "key" not in found, found
        # "Is the uplink up, with its routes?"
        bench.net.uplink_up(0)
        wait_for(bench.works, PATIENCE, 0.2, "the segment with its uplink")
        bench.loses_nothing(20)
        status, found = bench.check()
        assert status == 0 and "route" not in found, found
        assert bench.peer()["route"]["leads"] == "out", bench.peer()


def masqueraded():
    """The same with a NAT in front of the bridge, which changes source address and port."""
    with Bench() as bench:
        bench.vpn.sh(
            f"""
nft add table ip nat
nft 'add chain ip nat out {{ type nat hook postrouting priority 100; }}'
nft add rule ip nat out oifname {BRIDGE} udp sport {PORT} masquerade to :40000-40010 random
"""
        )
        bench.route("add", "metric", "500")
        before = bench.peer()["tx_bytes"]
        bench.vpn.run("ip link set eth0 down")
        assert not bench.works()
        with RawPort(bench.vpn, BRIDGE, ignore_outgoing=False) as port:
            bench.traffic(2)
            seen = port.expect(lambda p: p.dport == PORT and p.sport and 40000 <= p.sport <= 40010)
            assert seen, "the NAT has changed nothing"
        quiet(bench, before)
        assert bench.drops("tap_own") > 0, bench.gateway.status()["drops"]


def fragmented():
    """The same with datagrams that leave in IP fragments, as the file's MTU is too large for the bridge."""
    with Bench(wg_mtu=2000) as bench:
        assert bench.member.ping(bench.two.member4, size=1472).ok
        bench.route("add", "metric", "500")
        bench.vpn.run("ip link set eth0 down")
        assert not bench.works()
        before, sent = bench.drops("tap_own"), bench.gateway.status()["engine"]["segments_tx"]
        with RawPort(bench.vpn, BRIDGE, ignore_outgoing=False) as port:
            assert not bench.member.ping(bench.two.member4, count=20, size=1472, timeout=0.5).ok
            assert port.expect(lambda p: p.fragment and p.dst == bench.endpoint), "nothing was fragmented"
        dropped = bench.drops("tap_own") - before
        sent = bench.gateway.status()["engine"]["segments_tx"] - sent
        assert dropped >= 40, f"{dropped} fragments were dropped"
        assert sent < 200, f"{sent} packets were sent for 20 pings"


# ---- another route -------------------------------------------------------------------------------


def second_default(family, known):
    """A default route over the segment that is preferred to the uplink's, as of a DHCP client on the bridge: packets
    go on leaving by the uplink; from the first on, if the next hop was known before, which else has to be found."""
    with Bench(family) as bench:
        if not known:
            bench.vpn.run("ip", "neigh", "flush", "dev", BRIDGE)
        before = bench.peer()["tx_bytes"]
        bench.route("add", "metric", "50")
        if not known:
            wait_for(bench.works, PATIENCE, 0.2, "the segment by the uplink")
        bench.loses_nothing(30)
        time.sleep(2)  # a sticky source may hide a route change; the peer is silent meanwhile
        bench.loses_nothing(30)
        quiet(bench, before)
        wait_for(lambda: bench.peer()["route"]["leads"] == "segment", PATIENCE, 0.5, "the route to be seen")
        route = bench.peer()["route"]
        assert route == {"leads": "segment", "interface": BRIDGE, "sent_by": "eth0"}, route
        assert "sent by eth0 instead" in bench.gateway.run("status", bench.gateway.conf).out
        assert bench.warnings() == 1, bench.gateway.log_text()
        status, found = bench.check()
        assert status == 0 and found["route"][0]["severity"] == "warning", found
        assert "leave by eth0 instead" in found["route"][0]["text"], found
        # "give … a route of its own"
        hint = found["route"][0]["hint"].split("`")
        command = next(part for part in hint if part.startswith("ip route add"))
        via = "192.168.1.1" if family == 4 else "2001:db8:1::1"
        bench.vpn.run(*command.replace("GATEWAY", via).replace("UPLINK", "eth0").split())
        bench.loses_nothing(5)

        def finds_nothing():
            status, found = bench.check()
            return status == 0 and "route" not in found

        wait_for(finds_nothing, 2 * PATIENCE, 1, "check to find nothing wrong")  # probes that were lost are sent again


def last_uplink_fails():
    """A route over the segment is avoided, then the uplink used instead fails, too: what happens next is also logged,
    each once."""
    with Bench() as bench:

        def wait_line(text):
            wait_for(lambda: text in bench.gateway.log_text(1000), PATIENCE, 0.2, f"'{text}' in the log")

        veth(bench.vpn, "eth5", bench.net.router, "eth5")
        bench.net.router.up("eth5", "192.168.5.1/24")
        bench.vpn.up("eth5", "192.168.5.24/24")
        bench.vpn.run("ip route add default via 192.168.5.1 dev eth5 metric 5000")
        bench.route("add", "metric", "50")
        bench.traffic(1)
        wait_line("leave by eth0 instead")
        bench.vpn.run("ip link set eth0 down")
        bench.traffic(1)
        wait_line("leave by eth5 instead")
        before = bench.peer()["tx_bytes"]
        bench.vpn.run("ip link set eth5 down")
        bench.traffic(2)
        wait_line("datagrams to it are dropped")
        bench.traffic(1)
        assert bench.warnings() == 3, bench.gateway.log_text(1000)
        quiet(bench, before)
        bench.net.uplink_up(0)
        wait_for(bench.works, PATIENCE, 0.2, "the segment by the uplink")
        bench.loses_nothing(20)


def several_next_hops():
    """The default route has two next hops, of which one is in the segment: only the other is used."""
    with Bench() as bench:
        before = bench.peer()["tx_bytes"]
        with deaf(bench):
            bench.vpn.run("ip route del default")
            bench.vpn.run(
                *("ip", "route", "add", "default", "nexthop", "via", "192.168.1.1", "dev", "eth0"),
                *("nexthop", "via", bench.far, "dev", BRIDGE, "weight", "255"),
            )
            bench.traffic(2)
            quiet(bench, before)
            with RawPort(bench.net.vpn[1], "eth0") as port:
                bench.member.ping(bench.two.member4, count=1)
                assert port.expect(lambda p: is_wireguard(p, (PORT,)), PATIENCE), "nothing arrives at the peer"
        wait_for(bench.works, PATIENCE, 0.2, "the segment by the next hop that is outside")
        bench.loses_nothing(20)


@contextlib.contextmanager
def deaf(bench):
    """Nothing of the peer reaches the gateway: it cannot show by itself which route leads to it."""
    bench.vpn.sh(
        f"""
nft add table inet deaf
nft 'add chain inet deaf in {{ type filter hook input priority 0; }}'
nft add rule inet deaf in iifname eth0 udp dport {PORT} drop
"""
    )
    try:
        yield
    finally:
        bench.vpn.run("nft delete table inet deaf")


def hidden():
    """The route leads into the bridge by an interface that does not show it: the session's own frames do."""
    with Bench() as bench:
        bench.vpn.sh(
            f"""
ip link add hidden0 type veth peer name hidden1
ip link set hidden1 master {BRIDGE} up
ip link set hidden0 up
ip addr add 10.0.2.50/32 dev hidden0
ip route add {bench.far}/32 dev hidden0
"""
        )
        wait_for(lambda: bench.vpn.ping(bench.far).ok, PATIENCE, 0.2, "the next hop")
        before = bench.peer()["tx_bytes"]
        with deaf(bench):
            bench.vpn.run("ip", "route", "add", "default", "via", bench.far, "dev", "hidden0", "metric", "50")
            bench.traffic(2)
            quiet(bench, before)
            assert bench.drops("tap_own") > 0, bench.gateway.status()["drops"]
            route = bench.peer()["route"]
            assert route == {"leads": "segment", "interface": "hidden0", "sent_by": "eth0"}, route
            assert bench.warnings() == 1, bench.gateway.log_text()
        wait_for(bench.works, PATIENCE, 0.2, "the segment by the uplink")
        bench.loses_nothing(20)
        quiet(bench, before)


def unlearned():
    """The bridge learns nothing at the session's port, so that it floods: other evidence is what comes out there."""
    with Bench() as bench:
        bench.vpn.run("bridge link set dev l2tpeth0 learning off")
        bench.vpn.run("ip", "link", "set", BRIDGE, "type", "bridge", "fdb_flush", check=False)
        bench.vpn.sh("bridge fdb show dev l2tpeth0 | grep -v permanent | while read mac rest; do "
                     "bridge fdb del $mac dev l2tpeth0 master; done")
        before = bench.peer()["tx_bytes"]
        with deaf(bench):
            bench.route("add", "metric", "50")
            bench.traffic(5)
            quiet(bench, before)
            assert bench.drops("tap_own") > 0, bench.gateway.status()["drops"]
            route = bench.peer()["route"]
            assert route == {"leads": "segment", "interface": BRIDGE, "sent_by": "eth0"}, route
        wait_for(bench.works, PATIENCE, 0.2, "the segment by the uplink")
        bench.loses_nothing(20)
        quiet(bench, before)


def into_the_tunnel(family):
    """AllowedIPs cover the peer's endpoint, so that its route leads into wg0: another one is used; without one nothing
    is sent, and the reason is logged."""
    with Sites(2) as (one, two):
        near, far, net, ip = (
            ("192.0.2.1/24", "192.0.2.2/24", "198.51.100.2/32", "ip -4")
            if family == 4
            else ("2001:db8::1/64", "2001:db8::2/64", "2001:db8:9::2/128", "ip -6")
        )
        veth(one.node, "eth0", two.node, "eth0")
        one.node.up("eth0", near)
        two.node.up("eth0", far, net)
        host, via = net.split("/")[0], far.split("/")[0]
        one.node.run(*ip.split(), "route", "add", net.replace("2/", "0/").replace("/32", "/24").replace("/128", "/64"), "via", via)
        one.configure((two, f"{host}:{PORT}" if family == 4 else f"[{host}]:{PORT}"))
        with open(one.gateway.conf) as file:
            text = file.read()
        one.gateway.configure(text.replace(f"{two.wg4}/32", f"{two.wg4}/32, {net}"))
        two.configure((one, None))
        two.gateway.up()
        one.gateway.up()
        assert "dev wg0" in one.node.run(*ip.split(), "route", "get", host).out
        one.reaches(two, count=20)
        wait_for(lambda: "leave by eth0 instead" in one.gateway.log_text(), PATIENCE, what="a line in the log")
        route = one.peer(two)["route"]
        assert route == {"leads": "tunnel", "interface": "wg0", "sent_by": "eth0"}, route
        one.node.run(*ip.split(), "route", "del", net.replace("2/", "0/").replace("/32", "/24").replace("/128", "/64"))
        assert not one.node.ping(two.wg4, count=3).ok
        assert one.gateway.status()["drops"]["tx_loop"] > 0
        assert one.peer(two)["route"] == {"leads": "tunnel", "interface": "wg0", "sent_by": ""}, one.peer(two)
        log = one.gateway.log_text(1000)
        assert log.count("itself") == 2 and "nothing is sent there" in log, log


# ---- router advertisements -----------------------------------------------------------------------


def advertisement(mac):
    """A router advertisement of high preference, with a prefix, from the link-local address fe80::bad."""
    source, group = "fe80::bad", "ff02::1"
    prefix = struct.pack("!BBBBIII", 3, 4, 64, 0xC0, 3600, 3600, 0) + frames.ip_bytes("2001:db8:bad::")
    body = struct.pack("!BBHII", 64, 0x08, 1800, 0, 0) + prefix + b"\1\1" + frames.mac_bytes(mac)
    packet = frames.ipv6(source, group, frames.ICMP6, frames.icmp6(source, group, 134, 0, body), hops=255)
    return frames.eth("33:33:00:00:00:01", mac, frames.ETH_IPV6, packet)


def advertise(bench):
    """Let the far member advertise itself, and wait until that has crossed the segment."""
    far = bench.net.member[1]
    with RawPort(far, "eth0") as out, RawPort(bench.member, "eth0") as there:
        out.send(advertisement(far.mac("eth0")))
        assert there.expect(lambda p: p.src == "fe80::bad", PATIENCE), "it did not cross the segment"
    time.sleep(0.3)


def taken(bench):
    """Return: whether the gateway has taken a route or an address from the advertisement."""
    routes = bench.vpn.run("ip -6 route show default").out
    return "fe80::bad" in routes or "2001:db8:bad:" in bench.vpn.run("ip -6 addr").out


def advertised():
    """A far router advertises itself with high preference: the bridge takes nothing from it."""
    with Bench(6) as bench:
        before = bench.peer()["tx_bytes"]
        advertise(bench)
        assert not taken(bench), bench.vpn.run("ip -6 route").out
        bench.loses_nothing(10)
        quiet(bench, before)
        for name in (BRIDGE, "l2tpeth0", "wg0"):
            value = bench.vpn.run("cat", f"/proc/sys/net/ipv6/conf/{name}/accept_ra").out.strip()
            assert value == "0", f"{name}: accept_ra = {value}"
        eth1 = bench.vpn.run("cat /proc/sys/net/ipv6/conf/eth1/accept_ra").out.strip()
        assert eth1 == "1", "what is not ours is left as it is"


def advertisements_wanted():
    """PostUp makes the bridge take advertisements: that is honoured, also by a reload; and still the peer is
    reached by the uplink."""
    with Bench(6) as bench:
        config = bench.gateway.conf
        with open(config) as file:
            text = file.read()
        for gateway in bench.net.gateway[:1]:
            gateway.stop()
        hook = f"PostUp = echo 1 >/proc/sys/net/ipv6/conf/{BRIDGE}/accept_ra"
        bench.gateway.configure(text.replace("[Interface]", f"[Interface]\n{hook}", 1))
        bench.gateway.up()
        wait_for(bench.works, PATIENCE, 0.2, "the segment")
        bench.gateway.run("reload", config)
        bench.vpn.sh("ip -6 route del default; ip -6 route add default via 2001:db8:1::1 dev eth0 metric 3000")
        advertise(bench)
        wait_for(lambda: taken(bench), PATIENCE, what="the advertisement to be taken")
        before = bench.peer()["tx_bytes"]
        assert "fe80::bad" in bench.vpn.run("ip", "-6", "route", "get", bench.endpoint).out
        bench.loses_nothing(20)
        quiet(bench, before)


def read_only():
    """Where /proc/sys cannot be written, as in a container, the site comes up all the same, and it is logged."""
    with Bench(6) as bench:
        bench.gateway.stop()
        bench.vpn.sh("mount --bind /proc/sys /proc/sys; mount -o remount,bind,ro /proc/sys")
        bench.gateway.up()
        wait_for(bench.works, PATIENCE, 0.2, "the segment")
        log = bench.gateway.log_text(1000)
        assert f"cannot set /proc/sys/net/ipv6/conf/{BRIDGE}/accept_ra to 0: Read-only file system" in log, log


def without_a_bridge():
    """A session that is in no bridge takes nothing from advertisements either; one that a reload adds, too."""
    with Bench(6) as bench:
        with open(bench.gateway.conf) as file:
            text = file.read()
        more = text.replace("[Bridge]", "Bridge = none\n\n[Bridge]", 1)
        session = text[text.index("[L2TPSession]") : text.index("[Bridge]")]
        more = more.replace(
            "[Bridge]",
            session.replace("l2tpeth0", "l2tpeth1").replace(f"= {bench.one.session}", "= 77").replace(f"= {bench.two.session}", "= 78")
            + "Bridge = none\n\n[Bridge]",
            1,
        )
        bench.gateway.configure(more)
        bench.gateway.run("reload", bench.gateway.conf)
        for name in ("l2tpeth0", "l2tpeth1"):
            value = bench.vpn.run("cat", f"/proc/sys/net/ipv6/conf/{name}/accept_ra").out.strip()
            assert value == "0", f"{name}: accept_ra = {value}"


# ---- what must go on working ---------------------------------------------------------------------


class OneCard(Uplinks):
    """The first gateway's only uplink is a port of its own bridge, which has the addresses."""


def one_card(family, backup):
    """A gateway with one card: its route to the peer leads by the bridge, and that is right. Also when the bridge has
    forgotten the router, and with a backup route elsewhere, which must not be taken."""
    net = OneCard()
    one, two = net.sites
    vpn, gateway, member = net.vpn[0], net.gateway[0], net.member[0]
    try:
        if backup:
            veth(vpn, "eth5", net.router, "eth5")
            vpn.up("eth5", "192.168.5.24/24", "fd00:5::24/64")
            net.router.up("eth5", "192.168.5.1/24", "fd00:5::1/64")
        net.underlay_family = family
        net.configure()
        with open(gateway.conf) as file:
            text = file.read()
        vpn.sh("ip addr flush dev eth0 scope global; ip -6 route flush default")
        gateway.configure(
            text.replace(f"Address = {one.bridge4}/24", f"Address = {one.underlay}/24, {one.bridge4}/24")
            .replace(f"Address = {one.bridge6}/64", f"Address = {one.underlay6}/64, {one.bridge6}/64")
            .replace("Member = eth1", "Member = eth0, eth1")
        )
        gateway.up()
        net.gateway[1].up()
        vpn.sh(
            f"ip route add default via 192.168.1.1 dev {BRIDGE}; ip -6 route add default via 2001:db8:1::1 dev {BRIDGE}"
        )
        if backup:
            vpn.sh(
                "ip route add default via 192.168.5.1 dev eth5 metric 5000;"
                "ip -6 route add default via fd00:5::1 dev eth5 metric 5000"
            )
        endpoint = two.underlay if family == 4 else two.underlay6
        assert f"dev {BRIDGE}" in vpn.run("ip", "route", "get", endpoint).out
        wait_for(lambda: member.ping(two.member4).ok, PATIENCE, 0.2, "the segment")
        mac = net.router.mac("eth1")
        with RawPort(vpn, "eth5" if backup else BRIDGE, ignore_outgoing=False) as other:
            for _ in range(5):
                vpn.run("bridge", "fdb", "del", mac, "dev", "eth0", "master", check=False)
                result = member.ping(two.member4, count=5, timeout=10)
                assert result.ok, result.out
                time.sleep(0.3)
            if backup:
                leaked = other.expect(lambda p: is_wireguard(p, (PORT,)), 0.5)
                assert not leaked, "the backup was used"
        peer = gateway.status()["peers"][0]
        assert peer["route"]["leads"] in ("out", "unknown") and not peer["route"]["sent_by"], peer
        assert "itself" not in gateway.log_text(1000), gateway.log_text()
        result = gateway.run("check", "--quick", "--json", gateway.conf, check=False, timeout=60)
        found = {f["check"]: f for f in json.loads(result.out)["findings"] if f["severity"] != "ok"}
        assert result.status == 0 and "route" not in found, found
    except BaseException:
        print(net.diagnostics())
        raise
    finally:
        net.close()


def of_members():
    """WireGuard between members, through the segment, with the gateways' own port: it passes."""
    with Bench() as bench, Sites(2) as (near, far):
        for site, number in ((near, 0), (far, 1)):
            # a host of its own, behind a switch of the gateway's LAN
            lan = Node(f"lan{number}")
            bench.net.vpn[number].run("ip", "link", "set", "eth1", "nomaster")
            veth(lan, "port1", bench.net.vpn[number], "eth2")
            veth(lan, "port2", site.node, "eth0")
            lan.bridge("switch", "port1", "port2")
            bench.net.vpn[number].run("ip", "link", "set", "eth2", "master", BRIDGE, "up")
            site.node.up("eth0", f"10.0.2.{number + 1}5/24")
        near.configure((far, f"10.0.2.25:{PORT}"))
        far.configure((near, None))
        far.gateway.up()
        near.gateway.up()
        near.reaches(far, count=20)
        near.reaches(far, count=5, size=1300)
        for gateway in bench.net.gateway:
            assert gateway.status()["drops"].get("tap_own", 0) == 0, gateway.status()["drops"]


def like_ours():
    """A member sends frames that are like the gateway's own datagrams, tagged or not: what is one is dropped, what
    only looks like one crosses the segment."""
    with Bench() as bench:
        with RawPort(bench.vpn, "eth0", ignore_outgoing=False) as port:
            bench.works()
            data = port.expect(
                lambda p: is_wireguard(p, (PORT,)) and p.dst == bench.two.underlay and p.payload[0] == 4
            )
        sent = frames.Packet(data)
        mac = bench.member.mac("eth0")

        def crosses(tags=(), change=None, dst=bench.two.underlay, dport=PORT):
            payload = bytearray(sent.payload)
            if change is not None:
                payload[change] ^= 1
            datagram = frames.udp("10.0.2.12", dst, 40000, dport, bytes(payload))
            packet = frames.ipv4("10.0.2.12", dst, frames.UDP, datagram)
            frame = frames.eth(frames.BROADCAST, mac, frames.ETH_IPV4, packet, tags)
            with RawPort(bench.net.member[1], "eth0") as there, RawPort(bench.member, "eth0") as here:
                here.send(frame)
                return bool(there.expect(lambda p: p.dport == dport and p.payload == bytes(payload), 1.0))

        assert crosses(change=4), "another session"
        assert crosses(change=14), "a counter that is to come"
        assert crosses(tags=((frames.ETH_8021Q, 100),), change=4), "another session, tagged"
        assert crosses(dport=PORT + 1), "another port"
        assert crosses(dst="192.168.2.25"), "another address"
        assert bench.drops("tap_own") == 0, bench.gateway.status()["drops"]
        assert not crosses(), "our own"
        assert not crosses(tags=((frames.ETH_8021Q, 100),)), "our own, tagged"
        assert not crosses(tags=((frames.ETH_QINQ, 100), (frames.ETH_8021Q, 5))), "our own, tagged twice"
        assert bench.drops("tap_own") == 3, bench.gateway.status()["drops"]


def main():
    suite = Suite("selfroute")
    need_root()
    find_binary()
    for family in (4, 6):
        suite.run(f"the uplink goes down, over IPv{family}", uplink_down, family)
    suite.run("the uplink goes down, behind a NAT", masqueraded)
    suite.run("the uplink goes down, in IP fragments", fragmented)
    for family in (4, 6):
        for known in (True, False):
            suite.run(
                f"a second default route, over IPv{family}, next hop {'known' if known else 'new'}",
                second_default,
                family,
                known,
            )
    suite.run("the uplink that is used instead goes down", last_uplink_fails)
    suite.run("two next hops", several_next_hops)
    suite.run("a bridge behind another interface", hidden)
    suite.run("a bridge that does not learn", unlearned)
    for family in (4, 6):
        suite.run(f"a route into the tunnel, over IPv{family}", into_the_tunnel, family)
    suite.run("a router advertisement", advertised)
    suite.run("a router advertisement that is wanted", advertisements_wanted)
    suite.run("router advertisements, and a read-only /proc/sys", read_only)
    suite.run("router advertisements without a bridge", without_a_bridge)
    for family in (4, 6):
        for backup in (False, True):
            suite.run(f"one card, over IPv{family}{', with a backup' if backup else ''}", one_card, family, backup)
    suite.run("WireGuard between members", of_members)
    suite.run("frames like ours", like_ours)
    suite.finish()


main()
