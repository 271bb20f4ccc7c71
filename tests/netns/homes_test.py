#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""wirespan check in networks as they are at homes and small offices: nothing is called a fault that is none."""

import concurrent.futures
import dataclasses
import json
import os
import shutil
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from lib.network import Reference
from lib.node import Node, need_root, veth
from lib.reference import PORT, wirespan_conf
from lib.runner import Suite, wait_for
from lib.wirespan import find_binary


class Natted(Reference):
    """The gateway vpn01 is behind a router with NAT; vpn02 has a public address."""

    def make_sites(self):
        near, far = super().make_sites()
        return dataclasses.replace(near, underlay="192.168.1.24"), dataclasses.replace(far, underlay="203.0.113.24")

    def connect(self):
        self.router = Node("router")
        for number, (vpn, address) in enumerate(zip(self.vpn, ("192.168.1.1", "203.0.113.1")), 1):
            veth(vpn, "eth0", self.router, f"eth{number}")
            self.router.up(f"eth{number}", f"{address}/24")
        self.router.sh(
            "sysctl -qw net.ipv4.ip_forward=1\n"
            "printf 'table ip t {\\n chain out {\\n type nat hook postrouting priority 100;\\n"
            " oifname eth2 masquerade\\n }\\n chain in {\\n type nat hook prerouting priority -100;\\n }\\n}\\n' | nft -f -"
        )

    def __init__(self):
        super().__init__()
        for vpn, address in zip(self.vpn, ("192.168.1.1", "203.0.113.1")):
            vpn.run(f"ip route add default via {address}")

    def close(self):
        super().close()
        self.router.close()


class Bench:
    def __init__(self, net):
        need_root()
        find_binary()
        self.net = net()

    def text(self, number, **options):
        return wirespan_conf(self.net.sites[number], self.net.sites[1 - number], **options)

    def start(self, one=None, two=None, members=True):
        """Bring both gateways up with these configurations or the usual ones."""
        self.net.stop()
        self.net.forget_neighbours()
        for gateway, text, number in zip(self.net.gateway, (one, two), (0, 1)):
            gateway.configure(text or self.text(number))
            gateway.up()
        self.net.vpn[0].ping(self.net.sites[1].wg4)
        if members:
            wait_for(lambda: self.net.member[0].ping(self.net.sites[1].member4, count=1, timeout=1).ok, 20, what="members")
        for node in (*self.net.vpn, *self.net.member):
            node.settle()

    def check(self, *words):
        """Run check at both ends at once. Return: [(status, findings), ...]."""

        def one(gateway):
            result = gateway.run("check", "--json", *words, gateway.conf, check=False, timeout=15)
            return result.status, json.loads(result.out)["findings"]

        with concurrent.futures.ThreadPoolExecutor() as pool:
            return list(pool.map(one, self.net.gateway))


def text_of(findings):
    return "\n".join("{severity} {check} {subject}: {text} -> {hint}".format(**f) for f in findings)


def only(findings, *severities):
    return [f for f in findings if f["severity"] in severities]


def all_right(outcome):
    """Assert that a check found neither an error nor a warning. Return: its notes, by name."""
    status, findings = outcome
    assert status == 0 and not only(findings, "error", "warning"), text_of(findings)
    return {f["check"]: f for f in only(findings, "note")}


def keepalive(bench):
    """A gateway behind NAT without PersistentKeepalive is named, as surely as it can be known; the hint ends it."""
    public = bench.text(1, endpoint=False)
    here = bench.text(0)
    bench.start(here.replace(f"ListenPort = {PORT}\n", ""), public)
    (status, findings), there = bench.check()
    (warning,) = only(findings, "error", "warning")
    assert status == 0 and warning["check"] == "keepalive" and "its address 192.168.1.24 is private" in warning["text"], warning
    assert "keepalive" not in all_right(there)
    bench.start(here, public)
    note = all_right(bench.check()[0])["keepalive"]
    assert "unless the NAT always forwards UDP port 8172" in note["text"], note
    assert "PersistentKeepalive = 25 in [Peer] here" in note["hint"], note
    bench.start(bench.text(0, keepalive=25), public)
    for outcome in bench.check():
        assert "keepalive" not in all_right(outcome)


def forwarded(bench):
    """The peer at the public address connects first: the NAT forwards, and there is no finding."""
    bench.net.router.run(f"nft add rule ip t in iifname eth2 udp dport {PORT} dnat to 192.168.1.24")
    try:
        far = dataclasses.replace(bench.net.sites[0], underlay="203.0.113.1")
        here = bench.text(0, endpoint=False)
        bench.net.stop()
        bench.net.gateway[0].configure(here)
        bench.net.gateway[0].up()
        bench.net.gateway[1].configure(wirespan_conf(bench.net.sites[1], far))
        bench.net.gateway[1].up()
        bench.net.vpn[1].ping(bench.net.sites[0].wg4)
        for outcome in bench.check():
            assert "keepalive" not in all_right(outcome)
    finally:
        bench.net.router.run("nft flush chain ip t in")


def gateway_only(bench):
    """A site is its gateway alone: its own check is all right, and that of the other one names how to prove it."""
    bench.start(None, bench.text(1, member=""), members=False)
    here, there = bench.check()
    all_right(there)
    (error,) = only(here[1], "error")
    assert here[0] == 1 and error["check"] == "no_member", text_of(here[1])
    target = bench.net.sites[1].bridge4
    assert f"`wirespan check --target {target}`" in error["hint"], error
    all_right(bench.check("--target", target)[0])
    bench.start(bench.text(0, member=""), bench.text(1, member=""), members=False)
    for outcome in bench.check():
        note = all_right(outcome)["no_member"]
        assert "This site has no members itself" in note["text"], note


def limit_broadcasts(vpn):
    vpn.sh(
        "printf 'table bridge t {\\n chain c {\\n type filter hook forward priority 0;\\n"
        " ether daddr ff:ff:ff:ff:ff:ff limit rate over 500/second drop\\n }\\n}\\n' | nft -f -"
    )


def limited(bench):
    """Broadcasts are limited to a rate, as switches do against storms: hosts are found all the same."""
    bench.start()
    limit_broadcasts(bench.net.vpn[0])
    off = "sysctl -qw net.ipv6.conf.eth0.disable_ipv6="
    try:
        for disable in (1, 0):
            for outcome in bench.check():
                all_right(outcome)
            for member in bench.net.member:
                member.run(f"{off}{disable}")
    finally:
        bench.net.vpn[0].run("nft flush ruleset")
        for member, site in zip(bench.net.member, bench.net.sites):
            member.run(f"ip -6 addr replace {site.member6}/64 dev eth0 nodad")


def limited_large(bench):
    """The same where the subnet has 1024 addresses, and the only member, which has no IPv6, one of the last."""
    texts = [bench.text(n).replace(f"{site.bridge4}/24", f"10.9.0.{n + 1}/22") for n, site in enumerate(bench.net.sites)]
    bench.start(*texts, members=False)
    for node, address in zip(bench.net.member, ("10.9.3.249/22", "10.9.3.250/22")):
        node.sh(f"sysctl -qw net.ipv6.conf.eth0.disable_ipv6=1; ip -4 addr flush dev eth0; ip addr add {address} dev eth0")
    limit_broadcasts(bench.net.vpn[1])
    try:
        status, findings = bench.check()[0]
        assert status == 0 and not only(findings, "error"), text_of(findings)
        assert any("reach 10.9.3.250 (l2tpeth0)" in f["text"] for f in findings), text_of(findings)
    finally:
        bench.net.vpn[1].run("nft flush ruleset")
        for node, site in zip(bench.net.member, bench.net.sites):
            node.sh(f"ip -4 addr flush dev eth0; ip addr add {site.member4}/24 dev eth0")
            node.run("sysctl -qw net.ipv6.conf.eth0.disable_ipv6=0")
            node.run(f"ip -6 addr replace {site.member6}/64 dev eth0 nodad")


def ip4_alone(bench):
    """The only member of a site has no IPv6, which its gateway and the other site use: what it uses is proved.

    For the other site's check it looks like a filter there, until --target names a host."""
    bench.start()
    far, site = bench.net.member[1], bench.net.sites[1]
    far.run("sysctl -qw net.ipv6.conf.eth0.disable_ipv6=1")
    try:
        (status, findings), there = bench.check()
        all_right(there)
        (error,) = only(findings, "error")
        assert status == 1 and "none with IPv6" in error["text"] and "--target" in error["hint"], text_of(findings)
        (proof,) = [f["text"] for f in findings if f["check"] == "members"]
        assert "ARP, IPv4 and packets of 1500 bytes" in proof, proof
        all_right(bench.check("--target", site.member4)[0])
    finally:
        far.run("sysctl -qw net.ipv6.conf.eth0.disable_ipv6=0")
        far.run(f"ip -6 addr replace {site.member6}/64 dev eth0 nodad")


def deaf_gateways(bench):
    """Gateways that answer no echo request are no fault: members are reached through the tunnel."""
    bench.start()
    ignore = "sysctl -qw net.ipv4.icmp_echo_ignore_all={0} net.ipv6.icmp.echo_ignore_all={0}"
    for vpn in bench.net.vpn:
        vpn.run(ignore.format(1))
    try:
        for outcome in bench.check():
            assert "does not answer" in all_right(outcome)["echo"]["text"], text_of(outcome[1])
    finally:
        for vpn in bench.net.vpn:
            vpn.run(ignore.format(0))


CASES = {
    "behind NAT, without PersistentKeepalive": (Natted, keepalive),
    "behind NAT, which forwards": (Natted, forwarded),
    "a limit of broadcasts": (Reference, limited),
    "a limit in a large subnet": (Reference, limited_large),
    "a member without IPv6": (Reference, ip4_alone),
    "gateways that answer no echo request": (Reference, deaf_gateways),
    "sites without members": (Reference, gateway_only),
}


def main():
    suite = Suite("homes")
    if not shutil.which("nft"):
        suite.skip("all", "nft is not installed")
        suite.finish()
    if not suite.setup("namespaces", need_root):
        suite.finish()
    benches = {}
    for name, (net, case) in CASES.items():
        if suite.selects(name):
            if net not in benches:
                benches[net] = Bench(net)
            suite.diagnose_with(benches[net].net.diagnostics)
            suite.run(name, case, benches[net])
    suite.finish()


if __name__ == "__main__":
    main()
