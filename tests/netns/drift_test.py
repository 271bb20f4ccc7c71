#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Others change the host under a running site: each change is undone or reported within two seconds."""

import contextlib
import json
import os
import re
import signal
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from lib.changes import CHANGES, HEALED, LOCAL_ROUTES, REPORTED
from lib.network import Reference
from lib.node import need_root, veth
from lib.reference import wirespan_conf
from lib.runner import Suite, wait_for
from lib.wirespan import difference, find_binary, snapshot

LASTING = ("multicast ff00::/8", "ff00::/8")  # the kernel adds this route at other times


def brief(link):
    """Return: what of a link a change can show, without its index."""
    data = link.get("linkinfo", {}).get("info_data", {})
    words = ("ifname", "master", "mtu", "address", "ifalias", "inet6_addr_gen_mode")
    port = link.get("linkinfo", {}).get("info_slave_data", {})
    settings = tuple(data.get(word) for word in ("stp_state", "mcast_snooping", "group_fwd_mask", "forward_delay"))
    settings += tuple(port.get(word) for word in ("isolated", "multicast_router", "group_fwd_mask"))
    return tuple(link.get(word) for word in words) + ("UP" in link["flags"],) + settings


class Bench:
    """The network up; the near gateway also has a default route and another one through the tunnel."""

    def __init__(self):
        need_root()
        find_binary()
        self.net = Reference()
        self.net.configure()
        self.near, self.node = self.net.gateway[0], self.net.vpn[0]
        text = wirespan_conf(*self.net.sites)
        self.text = text.replace("AllowedIPs = ", "AllowedIPs = 0.0.0.0/0, 10.9.0.0/16, ")
        assert self.text != text
        self.near.configure(self.text)
        self.node.run("ip link add other type bridge")
        self.net.gateway[1].up()
        self.near.up()
        self.crosses()

    def crosses(self):
        far = self.net.sites[1].member4
        wait_for(lambda: self.net.member[0].ping(far, count=1, timeout=1).ok, 5, what="the members to reach each other")

    def ask(self, *words):
        """Return: the answer of ip(8); asked again if something changed meanwhile: then a sentence is amid the JSON."""

        def answer():
            with contextlib.suppress(json.JSONDecodeError):
                return [json.loads(self.node.run("ip", "-j", "-d", *words).out or "[]")]

        return wait_for(answer, 5, what=f"ip {' '.join(words)}")[0]

    def picture(self):
        """Return: links, addresses, routes and rules, comparable."""
        return (
            {brief(link) for link in self.ask("link") if link["ifname"] != "other"},
            {
                (l["ifname"], a.get("local"), a.get("deprecated"), a.get("valid_life_time"))
                for l in self.ask("addr")
                for a in l["addr_info"]
                if self.lasts(l, a)
            },
            self.routes("-4") | self.routes("-6"),
            [str({k: v for k, v in r.items() if k != "priority"}) for r in self.ask("-4", "rule")],
        )

    def settled(self):
        """Return: the picture, when all addresses are in use: until then routes to them are absent."""
        self.node.settle()
        return self.picture()

    def routes(self, family):
        """Return: all routes of a family, comparable."""
        words = ("dst", "dev", "table", "type", "protocol", "scope", "prefsrc", "metric")
        routes = self.ask(family, "route", "show", "table", "all")
        return {tuple(r.get(word) for word in words) for r in routes if r["dst"] not in LASTING}

    def lasts(self, link, address):
        """Whether an address is compared: a link-local one only of the bridge, as a member's is its own matter."""
        return address["scope"] == "global" or link["ifname"] == "br-l2tp0"

    def differences(self):
        """Return: {(kind, name): remedy} of the status."""
        return {(d["kind"], d["name"]): d["remedy"] for d in self.near.status()["differences"]}

    def log_since(self, start):
        with open(self.near.log, errors="replace") as file:
            file.seek(start)
            return file.read()

    def log_size(self):
        return os.path.getsize(self.near.log)

    def settings(self):
        """Return: sysctls, resolv.conf and rules of nftables."""
        files = ("/proc/sys/net/ipv4/conf/all/src_valid_mark", "/proc/sys/net/ipv6/conf/br-l2tp0/accept_ra")
        return [self.node.run("cat", f).out for f in (*files, "/etc/resolv.conf")] + [self.node.run("nft list ruleset").out]

    def reload(self, check=True):
        """Reload, which also forgets what was restored before."""
        result = self.near.run("reload", self.near.conf, check=check)
        self.node.settle()
        return result

    def check(self, status, severity, name):
        """`check` has this exit status and a finding about the interface."""
        result = self.near.run("check", "--quick", self.near.conf, check=False, timeout=60)
        assert result.status == status and re.search(f"^  {severity} +{name} ", result.out, re.M), result.out

    @contextlib.contextmanager
    def stopped(self):
        """Meanwhile the process does not run, so that it follows no event."""
        self.near.signal("STOP")
        yield
        self.near.signal("CONT")
        self.near.process.send_signal(signal.SIGCONT)  # nsenter has stopped with its child

    def port(self, name):
        ports = self.near.status()["bridges"][0]["members"]
        return next((port["state"] for port in ports if port["name"] == name), None)


def healed(bench, command, message):
    bench.reload()
    before, start = bench.settled(), bench.log_size()
    bench.node.sh(command)
    try:
        wait_for(lambda: bench.picture() == before, 2, what="the change to be undone")
    except AssertionError:
        print("\n".join(f"- {a - b}\n+ {b - a}" for a, b in zip(before[:3], bench.picture()[:3])))
        raise
    wait_for(lambda: message in bench.log_since(start), 2, what=f"the log to have: {message}")
    assert bench.log_since(start).count(message) == 1, bench.log_since(start)
    wait_for(lambda: not bench.differences(), 2, what="no difference")
    bench.crosses()


def local_route(bench, address, network):
    """A local route is restored alone: what others have added with the bridge and wg0 stays."""
    bench.reload()
    two, bits = ("-6", 128) if ":" in address else ("-4", 32)
    dev = "wg0" if address.startswith("10.0.1.") else "br-l2tp0"
    vip, via, dst = network
    bench.node.sh(f"ip addr add {vip} dev {dev}; ip {two} route add {dst} via {via} dev {dev} onlink")
    bench.node.settle()
    try:
        others = bench.picture()
        start = bench.log_size()
        bench.node.run(f"ip {two} route del local {address} dev {dev} table local")
        message = f"There is no local route to {address}/{bits} by {dev}: restored"
        wait_for(lambda: message in bench.log_since(start), 2, what=f"the log to have: {message}")
        wait_for(lambda: not bench.differences(), 2, what="no difference")
        after = bench.picture()
        assert after[1] == others[1], after[1] ^ others[1]
        without_metric = [{route[:7] for route in picture[2]} for picture in (others, after)]
        assert without_metric[0] == without_metric[1], without_metric[0] ^ without_metric[1]
        assert bench.node.ping(address).ok, f"{address} is not delivered"
        bench.crosses()
    finally:
        bench.node.sh(f"ip {two} route del {dst} dev {dev}; ip addr del {vip.split()[0]} dev {dev}; true")
        bench.reload()


def other_link_local(bench):
    """Of the link-local addresses, only what the kernel has made is removed."""
    for dev in ("l2tpeth0", "wg0"):
        bench.reload()
        bench.node.run(f"ip addr add fe80::99/64 dev {dev} nodad")
        try:
            start = bench.log_size()
            bench.node.run(f"ip link set {dev} addrgenmode eui64")
            message = f"net.ipv6.conf.{dev}.addr_gen_mode is not 1 any more"
            wait_for(lambda: message in bench.log_since(start), 2, what=f"the log to have: {message}")
            wait_for(lambda: not bench.differences(), 2, what="no difference")
            left = [a["local"] for l in bench.ask("-6", "addr", "show", "dev", dev) for a in l["addr_info"]]
            assert [a for a in left if a.startswith("fe80:")] == ["fe80::99"], left
        finally:
            bench.node.run(f"ip addr del fe80::99/64 dev {dev}", check=False)


def complete(bench):
    """Each change that `up` makes has a case above: a new one needs a row in CHANGES, and its case."""
    bench.near.stop()
    start = bench.log_size()
    bench.near.up("-v")
    made = {re.sub(r"([0-9a-f]{2}:){5}..", "MAC", c) for c in re.findall(r"host: (.*)", bench.log_since(start))}
    made = {re.sub(r"priority \d+", "priority N", change) for change in made}
    assert made == CHANGES.keys(), made ^ CHANGES.keys()
    names = {name for name, _, _ in HEALED}
    missing = {case for cases in CHANGES.values() for case in cases} - names
    assert not missing, missing
    bench.near.stop()
    bench.near.up()
    bench.crosses()


def reported(bench, command, which, undo):
    bench.reload()
    start = bench.log_size()
    bench.node.sh(command)
    wait_for(lambda: bench.differences() == {which: "leave"}, 2, what=f"{which} in the status")
    wait_for(lambda: ": left so." in bench.log_since(start), 2, what="the log to have it")
    assert bench.log_since(start).count(": left so.") == 1, bench.log_since(start)
    bench.check(1, "error", which[1])
    failed = bench.reload(check=False)
    assert failed.status == 1 and which[1] in failed.out, failed.out
    bench.node.sh(undo)
    wait_for(lambda: not bench.differences(), 2, what="the difference to end")
    bench.crosses()


def network_replaced(bench):
    """Another program's route takes the place of the kernel's to the bridge's network: likewise."""
    bench.reload()
    before, start = bench.settled(), bench.log_size()
    bench.node.run("ip route replace 10.0.2.0/24 dev eth0")
    wait_for(lambda: bench.differences() == {("route", "br-l2tp0"): "restore"}, 2, what="the route to be missed")
    wait_for(lambda: "There is a route to 10.0.2.0/24 already" in bench.log_since(start), 2, what="the reason in the log")
    bench.check(1, "error", "br-l2tp0")
    bench.node.run("ip route del 10.0.2.0/24 dev eth0")
    wait_for(lambda: bench.picture() == before and not bench.differences(), 10, what="the route to be restored")


def network_shared(bench):
    """Another interface has an address in the bridge's network: its route stays, and the bridge's is restored beside it."""
    for address, network, family in (("10.0.2.77/24", "10.0.2.0/24", "-4"), ("fd00:2::77/64", "fd00:2::/64", "-6")):
        bench.reload()
        bench.node.sh(f"ip addr add {address} dev eth0 nodad")
        bench.node.settle()
        try:
            before, start = bench.routes(family), bench.log_size()
            bench.node.run(f"ip {family} route del {network} dev br-l2tp0")
            message = f"There is no route to {network} by br-l2tp0: restored"
            wait_for(lambda: message in bench.log_since(start), 2, what=f"the log to have: {message}")
            wait_for(lambda: not bench.differences(), 2, what="no difference")
            assert bench.routes(family) == before, bench.routes(family) ^ before
            assert "already" not in bench.log_since(start), bench.log_since(start)
        finally:
            bench.node.sh(f"ip addr del {address} dev eth0")
            bench.reload()


def route_replaced(bench, other):
    """Another program's route takes the place of the site's: reported, not fought, and restored when it is gone."""
    bench.reload()
    start = bench.log_size()
    bench.node.run(f"ip route replace {other}")
    wait_for(lambda: bench.differences() == {("route", "wg0"): "restore"}, 5, what="the route to be missed")
    wait_for(lambda: "There is a route to 10.9.0.0/16 already" in bench.log_since(start), 5, what="the reason in the log")
    bench.check(1, "error", "wg0")
    failed = bench.reload(check=False)
    assert failed.status == 1 and "10.9.0.0/16" in failed.out, failed.out
    assert "dev wg0" not in bench.node.run("ip route show 10.9.0.0/16").out
    bench.node.run(f"ip route del {other}")
    wait_for(lambda: not bench.differences(), 10, what="the route to be restored")
    assert "dev wg0" in bench.node.run("ip route show 10.9.0.0/16").out


def without_link_local(bench):
    """An administrator who wants no link-local address of the bridge gets none, and no report."""
    bench.reload()
    before, start = bench.settled(), bench.log_size()
    mode = "/proc/sys/net/ipv6/conf/br-l2tp0/addr_gen_mode"
    bench.node.sh(f"echo 1 >{mode}; ip -6 addr flush dev br-l2tp0 scope link")
    time.sleep(1)
    assert not bench.differences() and "fe80" not in bench.log_since(start), (bench.differences(), bench.log_since(start))
    assert "fe80" not in bench.node.run("ip -6 addr show dev br-l2tp0").out
    bench.node.sh(f"echo 0 >{mode}")
    wait_for(lambda: bench.picture() == before, 5, what="the address that the kernel makes")


def ipv6_disabled(bench):
    """An administrator disables IPv6 on the bridge: only its configured address is missed, with the reason, until it is back."""
    bench.reload()
    before, start = bench.settled(), bench.log_size()
    mode = "/proc/sys/net/ipv6/conf/br-l2tp0/disable_ipv6"
    bench.node.sh(f"echo 1 >{mode}")
    wait_for(lambda: "sysctl disable_ipv6" in bench.log_since(start), 10, what="the reason in the log")
    assert bench.differences() == {("address", "br-l2tp0"): "restore"}, bench.differences()
    assert "disable_ipv6" in bench.near.run("status", bench.near.conf).out
    time.sleep(1.5)  # it is tried once more
    log = bench.log_since(start)
    assert "fe80" not in log and log.count("cannot be restored") == 1, log
    bench.node.sh(f"echo 0 >{mode}")
    wait_for(lambda: bench.picture() == before and not bench.differences(), 40, what="the addresses")


def unplugged(bench):
    """The card is unplugged: the site waits, also at a reload, and takes it when it is back."""
    bench.reload()
    bench.node.run("ip link del eth1")
    wait_for(lambda: bench.differences() == {("absent", "eth1"): "wait"}, 2, what="the card to be missed")
    assert bench.port("eth1") == "absent"
    text = bench.near.run("status", bench.near.conf).out
    assert "eth1, absent" in text and "differs " in text, text
    bench.check(1, "error", "eth1")
    bench.reload()
    veth(bench.node, "eth1", bench.net.member[0], "eth0")
    bench.net.member[0].up("eth0", f"{bench.net.sites[0].member4}/24")
    wait_for(lambda: bench.port("eth1") == "forwarding", 2, what="the card to be a port again")
    bench.crosses()
    assert not bench.differences()


def insists(bench):
    """An administrator who insists is not fought: three restores, then only reports, until a reload."""
    bench.reload()
    start = bench.log_size()
    ups, was_up, end = [], True, time.monotonic() + 60
    while bench.differences() != {("down", "br-l2tp0"): "leave"}:
        assert time.monotonic() < end, bench.log_since(start)
        is_up = "UP" in bench.ask("link", "show", "dev", "br-l2tp0")[0]["flags"]
        if is_up:
            if not was_up:
                ups.append(time.monotonic())
            bench.node.run("ip link set br-l2tp0 down")
        was_up = False
        time.sleep(0.02)
    assert len(ups) == 3, (ups, bench.log_since(start))
    assert all(later - earlier > 0.8 for earlier, later in zip(ups, ups[1:])), ups
    time.sleep(0.5)
    log = bench.log_since(start)
    assert log.count("left so, and only reported from now on") == 1, log
    assert log.count("br-l2tp0 is down") == 4, log
    bench.check(1, "error", "br-l2tp0")
    bench.reload()
    bench.crosses()
    assert not bench.differences()


def deleted(bench):
    """Both interfaces are deleted: the same process goes on, and the peers keep their session and counters."""
    bench.near.stop()
    bench.near.up()  # so that no rekey is due
    bench.crosses()
    before, pids = bench.near.status(), bench.near.pids()
    picture = bench.settled()
    bench.node.sh("ip link del l2tpeth0; ip link del wg0")
    wait_for(lambda: bench.picture() == picture, 5, what="the interfaces to be made again")
    bench.crosses()
    assert bench.node.ping("10.0.1.21").ok, "wg0 carries nothing"
    after = bench.near.status()
    assert bench.near.pids() == pids
    for key in ("handshakes_tx", "handshakes_rx"):
        assert after["engine"][key] == before["engine"][key], after["engine"]
    assert after["sessions"][0]["tx"]["packets"] > before["sessions"][0]["tx"]["packets"] > 0
    assert not bench.differences()


def deleted_again(bench):
    """An interface that is deleted again and again is left so, and reported; a reload makes it again."""
    bench.reload()
    start = bench.log_size()
    bench.near.insist("ip link del l2tpeth0 || true", "absent", "l2tpeth0")
    wait_for(lambda: "left so, and only reported" in bench.log_since(start), 2, what="the log to have it")
    # One that is deleted while it is restored could not be, which is logged, too.
    log = bench.log_since(start)
    assert log.count("l2tpeth0: restored, as") == 1 and log.count("l2tpeth0 again: restored in") == 2, log
    assert log.count("left so, and only") == 1 and log.count("There is no interface l2tpeth0") <= 6, log
    bench.check(1, "error", "l2tpeth0")
    assert bench.node.ping("10.0.1.21").ok, "the rest does not go on"
    bench.reload()
    bench.crosses()
    assert not bench.differences()


def cannot_be_made(bench):
    """Without /dev/net/tun no interface can be made again: that is reported, tried for as long as it takes, and works then."""
    bench.reload()
    before, start = bench.settled(), bench.log_size()
    bench.node.sh("mount -t tmpfs none /dev/net; ip link del l2tpeth0; ip link del wg0")
    try:
        gone = {("absent", name): "restore" for name in ("wg0", "l2tpeth0")}
        wait_for(lambda: bench.log_since(start).count("it cannot be restored") == 2, 5, what="the log to have it")
        assert bench.differences() == gone, bench.differences()
        hints = [difference["hint"] for difference in bench.near.status()["differences"]]
        assert all("Restoring it fails, and is tried again: " in h and "/dev/net/tun" in h for h in hints), hints
        bench.check(1, "error", "l2tpeth0")
        time.sleep(4)  # more than three attempts
        assert bench.differences() == gone, bench.differences()
        assert bench.log_since(start).count("it cannot be restored") == 2, bench.log_since(start)
    finally:
        bench.node.run("umount /dev/net")
    wait_for(lambda: bench.picture() == before, 20, what="the interfaces to be made again")
    wait_for(lambda: bench.log_since(start).count("is restored now") == 2, 5, what="the log to have it")
    bench.crosses()
    assert not bench.differences()


# As nft(8) shows what the site makes by netlink.
FILTER = """
table ip wirespan-wg0 {
	chain preraw {
		type filter hook prerouting priority raw; policy accept;
		iifname != "wg0" ip daddr 10.0.1.11 fib saddr type != local drop
	}

	chain premangle {
		type filter hook prerouting priority mangle; policy accept;
		meta l4proto udp meta mark set ct mark
	}

	chain postmangle {
		type filter hook postrouting priority mangle; policy accept;
		meta l4proto udp meta mark 0x0000ca6c ct mark set meta mark
	}
"""


def without_nft(bench):
    """The filter of a default route needs no program, neither to be made nor to be removed."""
    bench.near.stop()
    assert "wirespan" not in bench.node.run("nft list ruleset").out
    nft, called = (os.path.join(bench.near.folder, name) for name in ("nft", "called"))
    with open(nft, "w") as file:
        file.write(f"#!/bin/sh\ntouch {called}\nexit 1\n")
    os.chmod(nft, 0o755)
    bench.near.env["PATH"] = f"{bench.near.folder}:{os.environ['PATH']}"
    try:
        bench.near.up()
        rules = bench.node.run("nft list ruleset").out
        assert rules.startswith(FILTER.lstrip()), rules
        bench.crosses()
        bench.near.stop()
        assert "wirespan" not in bench.node.run("nft list ruleset").out and not os.path.exists(called)
    finally:
        os.unlink(nft)
        del bench.near.env["PATH"]
        bench.near.up()


def name_of_tap_taken(bench):
    """Another interface has taken the name of a deleted one: it is not touched, also not by down."""
    bench.reload()
    with bench.stopped():
        bench.node.sh("ip link del l2tpeth0; ip tuntap add l2tpeth0 mode tap")
    wait_for(lambda: bench.differences() == {("absent", "l2tpeth0"): "leave"}, 2, what="the interface to be missed")
    failed = bench.reload(check=False)
    assert failed.status == 1 and "l2tpeth0" in failed.out, failed.out
    assert "master" not in bench.ask("link", "show", "dev", "l2tpeth0")[0]
    bench.near.stop()
    bench.node.run("ip link del l2tpeth0")
    bench.near.up()
    bench.crosses()


def reload_restores(bench):
    """Nothing follows events while the process is stopped: then the reload itself restores all of it."""
    bench.reload()
    before = bench.settled()
    with bench.stopped():
        bench.node.sh("ip link del br-l2tp0; ip addr flush dev wg0; ip link set wg0 down; ip link set eth1 down")
    bench.reload()
    assert bench.picture() == before, (before, bench.picture())
    bench.crosses()


def name_taken(bench):
    """Another bridge has the name: it is not touched, and ours comes back when it is gone."""
    bench.reload()
    start = bench.log_size()
    with bench.stopped():
        bench.node.sh("ip link del br-l2tp0; ip link add br-l2tp0 type bridge")
    wait_for(lambda: bench.differences() == {("absent", "br-l2tp0"): "leave"}, 2, what="the bridge to be missed")
    link = bench.ask("link", "show", "dev", "br-l2tp0")[0]
    assert "ifalias" not in link and "UP" not in link["flags"], link
    result = bench.near.run("check", "--quick", bench.near.conf, check=False, timeout=60)
    assert "another interface has its name" in result.out and "wirespan reload" not in result.out, result.out
    assert "MTU 0" not in result.out, result.out
    failed = bench.reload(check=False)
    assert failed.status == 1 and "br-l2tp0" in failed.out, failed.out
    assert "ifalias" not in bench.ask("link", "show", "dev", "br-l2tp0")[0]
    assert bench.settings()[1].strip() == "1" and "accept_ra" not in bench.log_since(start), bench.log_since(start)
    bench.node.run("ip link del br-l2tp0")
    bench.crosses()
    wait_for(lambda: not bench.differences(), 2, what="no difference")


# name, what another program does, the kind of difference
SETTINGS = (
    ("src_valid_mark", "echo 0 >/proc/sys/net/ipv4/conf/all/src_valid_mark", "src_valid_mark"),
    ("accept_ra", "echo 1 >/proc/sys/net/ipv6/conf/br-l2tp0/accept_ra", "accept_ra"),
    ("nftables", "nft flush chain ip wirespan-wg0 preraw", "filter"),
    ("resolv.conf", "echo nameserver 192.0.2.1 >/etc/resolv.conf", "dns"),
)
RESOLVCONF = """#!/bin/sh
[ "$1" = -d ] || cat >/etc/resolv.conf
"""


def settings(bench):
    """Settings that cause no event: found within two seconds, or at once by status; restored, and then left."""
    folder = bench.near.folder
    for name, text, mode in (("resolvconf", RESOLVCONF, 0o755), ("resolv", "", 0o644)):
        with open(os.path.join(folder, name), "w") as file:
            file.write(text)
        os.chmod(os.path.join(folder, name), mode)
    bench.node.run("mount", "--bind", os.path.join(folder, "resolv"), "/etc/resolv.conf")
    bench.near.stop()
    bench.near.env["PATH"] = f"{folder}:{os.environ['PATH']}"
    bench.near.configure(bench.text.replace("[Interface]\n", "[Interface]\nDNS = 10.0.1.53, example.org\n"))
    try:
        bench.near.up()
        before = bench.settings()
        assert "nameserver 10.0.1.53" in before[2] and "wirespan-wg0" in before[3], before
        start = bench.log_size()
        for _, command, _ in SETTINGS:
            bench.node.sh(command)
        wait_for(lambda: bench.settings() == before, 2, what="the settings to be restored")
        for name, _, _ in SETTINGS:
            assert len(re.findall(rf"{name}.*: restored", bench.log_since(start))) == 1, bench.log_since(start)
        for _, command, kind in SETTINGS:
            name = "br-l2tp0" if kind == "accept_ra" else "wg0"
            command = "nft flush ruleset" if kind == "filter" else command
            bench.near.insist(command, kind, name)
        bench.check(1, "error", "wg0")
        bench.reload()
        assert bench.settings() == before and not bench.differences()
        bench.crosses()
    finally:
        bench.near.stop()
        del bench.near.env["PATH"]
        bench.node.run("umount /etc/resolv.conf")
        bench.near.configure(bench.text)
        bench.near.up()


def by_post_up(bench):
    """What PostUp makes different is reported, not removed."""
    bench.near.stop()
    bench.near.configure(bench.text.replace("[Interface]\n", "[Interface]\nPostUp = ip link set br-l2tp0 mtu 1400\n"))
    try:
        bench.near.up()
        assert bench.differences() == {("mtu", "br-l2tp0"): "leave"}, bench.differences()
        time.sleep(0.5)
        assert bench.ask("link", "show", "dev", "br-l2tp0")[0]["mtu"] == 1400
    finally:
        bench.near.stop()
        bench.near.configure(bench.text)
        bench.near.up()


def comes_later(bench):
    """A member may come after `up`; it is as before when the site is down."""
    bench.near.stop()
    bench.near.configure(bench.text.replace("Member = eth1", "Member = late0, eth1"))
    try:
        bench.near.up()
        assert "There is no interface late0, a member of br-l2tp0: it is added when it appears" in bench.near.log_text()
        assert bench.port("late0") == "absent" and bench.differences() == {("absent", "late0"): "wait"}
        bench.crosses()
        bench.check(0, "warning", "late0")
        bench.node.sh("ip link add early0 type veth peer name late1; ip link set late1 up; ip link set early0 name late0")
        wait_for(lambda: bench.port("late0") == "forwarding", 2, what="the member to be added")
        bench.near.down()
        link = bench.ask("link", "show", "dev", "late0")[0]
        assert "master" not in link and "UP" not in link["flags"], link
    finally:
        bench.node.run("ip link del late0", check=False)
        bench.near.stop()
        bench.near.configure(bench.text)
        bench.near.up()


def state_before(bench):
    """A member that another program takes out and sets down is added again, and `down` leaves it as it was before `up`."""

    def is_port():
        link = bench.ask("link", "show", "dev", "eth1")[0]
        return link.get("master") == "br-l2tp0" and "UP" in link["flags"] and not bench.differences()

    for was in ("up", "down"):
        bench.near.stop()
        bench.node.run(f"ip link set eth1 {was}")
        bench.near.up()
        bench.crosses()
        for command in ("ip link set eth1 nomaster; ip link set eth1 down", "ip link set eth1 nomaster"):
            bench.node.sh(command)
            wait_for(is_port, 5, what="eth1 to be a port again")
        bench.near.down()
        is_up = "UP" in bench.ask("link", "show", "dev", "eth1")[0]["flags"]
        assert is_up == (was == "up"), f"{was} before `up`, {'up' if is_up else 'down'} after `down`"
    bench.node.run("ip link set eth1 up")
    bench.near.up()
    bench.crosses()


def flushed_without_process(bench):
    """Addresses and routes are flushed while no process runs: the next `up` adopts the site and restores them."""
    bench.near.stop()
    bench.near.up()
    bench.crosses()
    bench.node.settle()
    before = bench.settled()
    bench.near.stop("KILL")
    bench.node.sh("ip addr flush dev br-l2tp0; ip route flush dev wg0; ip -6 route flush dev wg0")
    bench.near.up()
    wait_for(lambda: bench.picture() == before, 5, what="addresses and routes")
    bench.crosses()


def down_finds_renamed(bench):
    """The bridge and a member are renamed, and the process is gone: `down` removes the one, releases the other."""
    bench.near.stop()
    bench.node.settle()
    before = snapshot(bench.node)
    bench.near.up()
    bench.near.stop("KILL")
    bench.node.sh("ip link set br-l2tp0 down name foo; ip link set eth1 down name lan0; ip link set lan0 up")
    bench.near.down()
    bench.node.sh("ip link set lan0 down name eth1; ip link set eth1 up")
    bench.node.settle()
    left = difference(before, snapshot(bench.node))
    assert not left, f"left behind by down:\n{left}"
    bench.near.up()
    bench.crosses()


def main():
    suite = Suite("drift")
    box = {}
    if suite.setup("site up", lambda: box.update(bench=Bench())):
        bench = box["bench"]
        suite.diagnose_with(bench.net.diagnostics)
        for name, command, message in HEALED:
            suite.run(name, healed, bench, command, message)
        for name, *words in LOCAL_ROUTES:
            suite.run(name, local_route, bench, *words)
        suite.run("other link-local addresses stay", other_link_local, bench)
        suite.run("each change of up has a case", complete, bench)
        for name, command, which, undo in REPORTED:
            suite.run(name, reported, bench, command, which, undo)
        for other in ("10.9.0.0/16 dev eth0", "blackhole 10.9.0.0/16"):
            suite.run(f"route replaced by {other}", route_replaced, bench, other)
        suite.run("the bridge's network replaced", network_replaced, bench)
        suite.run("the network of the bridge at another interface", network_shared, bench)
        suite.run("no link-local address is wanted", without_link_local, bench)
        suite.run("IPv6 disabled on the bridge", ipv6_disabled, bench)
        suite.run("member unplugged and plugged in again", unplugged, bench)
        suite.run("an administrator who insists", insists, bench)
        suite.run("interfaces deleted", deleted, bench)
        suite.run("an interface deleted again and again", deleted_again, bench)
        suite.run("an interface that cannot be made again", cannot_be_made, bench)
        suite.run("the filter without nft", without_nft, bench)
        suite.run("the name of a deleted interface is taken", name_of_tap_taken, bench)
        suite.run("reload restores", reload_restores, bench)
        suite.run("settings that cause no events", settings, bench)
        suite.run("the bridge's name is taken", name_taken, bench)
        suite.run("changed by PostUp", by_post_up, bench)
        suite.run("a member that comes later", comes_later, bench)
        suite.run("down restores the state of a member", state_before, bench)
        suite.run("flushed while no process runs", flushed_without_process, bench)
        suite.run("down finds what was renamed", down_finds_renamed, bench)
    return suite.finish()


if __name__ == "__main__":
    sys.exit(main())
