#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A table of faults that cut members: wirespan check at both ends fails, names the cause where it can be seen, and
what it advises repairs that fault and breaks nothing."""

import concurrent.futures
import contextlib
import dataclasses
import json
import os
import re
import shutil
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from lib.network import Reference
from lib.node import need_root, veth
from lib.reference import wirespan_conf
from lib.runner import Skip, Suite, wait_for
from lib.wirespan import find_binary
from lib.xdp import drop_all

SECONDS = 15  # a check never takes longer
BRIDGE = "br-l2tp0"


@dataclasses.dataclass(frozen=True)
class Fault:
    """A fault at vpn01, and what the checks find. Commands are of a shell there."""

    make: str
    undo: str  # what the advice need not have undone
    here: tuple  # (check, pattern of the text): at vpn01
    there: tuple  # the same at vpn02; checks separated by |
    advice: bool = True  # commands in the hint at vpn01 repair it
    cut: bool = True  # a small ping between the members fails
    insist: tuple = ()  # kind and name of the difference that the site would restore


def chain(family, hook, device="", rule=""):
    """Return: a shell command that adds a base chain `t c` which drops everything, or has one rule."""
    device = f"device {device} " if device else ""
    policy = "" if rule else "policy drop;"
    text = f"table {family} t {{\n chain c {{\n type filter hook {hook} {device}priority 0; {policy}\n {rule}\n }}\n}}\n"
    return f"printf '{text}' | nft -f -"


def netfilter(value):
    """Return: a shell command that lets the chains of IP see bridged frames (1), or not (0)."""
    return "\n".join(
        f"echo {value} >/proc/sys/net/bridge/bridge-nf-call-{program}" for program in ("iptables", "ip6tables", "arptables")
    )


FLUSH = "nft flush ruleset"
SILENT = "no_member|member_silent|far_bridge|one_way|silence|session"


def filtered(make, lost, cause, there=SILENT, undo=FLUSH, **options):
    """A filter on vpn01 drops members' frames."""
    return Fault(make, undo, ("host_drop", f"{lost}.* [Cc]ause: .*{cause}"), (there, ""), **options)


def seen_by_ip(make, lost, cause, there=SILENT, **options):
    """The same by way of br_netfilter."""
    return filtered(f"{netfilter(1)}\n{make}", lost, cause, there, f"{FLUSH}\n{netfilter(0)}", **options)


def permanent(port):
    """The member's address is entered for a port, or for the bridge itself, as one of this host."""
    entry = f"$(cat member) dev {port} {'self' if port == BRIDGE else 'master'}"
    cause = f"has [0-9a-f:]+ on {port}, entered as an address of this host"
    undo = f"bridge fdb del {entry} || true"
    return filtered(f"bridge fdb replace {entry} permanent", "from l2tpeth0 to eth1", cause, undo=undo)


DOCKER = chain("ip", "forward").replace("table ip t", "table ip filter").replace("chain c", "chain FORWARD")

FAULTS = {
    "FORWARD's policy is drop, and br_netfilter on": seen_by_ip(
        DOCKER, r"\(IPv4\).* and back; these pass: ARP and IPv6", "ip filter FORWARD.*policy is drop", "member_silent"
    ),
    "the same in the inet family": seen_by_ip(
        chain("inet", "forward"), r"\(IPv4 and IPv6\).* these pass: ARP", "inet t c", "member_silent"
    ),
    "the same on one way only, for new connections": seen_by_ip(
        chain("ip", "forward", rule="ip daddr 10.0.2.12 icmp type echo-request drop\n ip daddr 10.0.2.12 tcp flags syn drop"),
        r"\(IPv4\) from l2tpeth0 to eth1;",
        "ip t c",
        "member_silent",
        cut=False,
    ),
    "IPv6 is dropped": seen_by_ip(chain("ip6", "forward"), r"\(IPv6\)", "ip6 t c", "member_silent", cut=False),
    "a bridge chain drops IPv6": filtered(
        chain("bridge", "forward", rule="ether type ip6 drop"),
        r"\(IPv6\) .* and back; these pass: ARP, IPv4",
        "bridge t c",
        "member_silent",
        cut=False,
    ),
    "a bridge chain drops neighbour discovery": filtered(
        chain("bridge", "forward", rule="icmpv6 type nd-neighbor-solicit drop"),
        r"\(neighbour discovery\) .* and back; these pass: ARP, IPv4",
        "bridge t c",
        "member_silent",
        cut=False,
    ),
    "a bridge chain passes IPv6 only": filtered(
        chain("bridge", "forward", rule="ether type { ip, arp } drop"),
        r"\(ARP and IPv4\) .* and back; these pass: IPv6",
        "bridge t c",
        "member_silent",
    ),
    "ARP is dropped": filtered(chain("bridge", "forward", rule="ether type arp drop"), r"\(ARP\)", "bridge t c"),
    "a bridge chain drops all": filtered(chain("bridge", "forward"), r"\(ARP, IPv4 and IPv6\)", "bridge t c"),
    "a bridge chain drops all at prerouting": filtered(chain("bridge", "prerouting"), r"\(ARP, IPv4 and IPv6\)", "bridge t c"),
    "a bridge chain drops all at postrouting": filtered(chain("bridge", "postrouting"), r"\(ARP, IPv4 and IPv6\)", "bridge t c"),
    "a rule of a bridge chain drops IPv4 of members": filtered(
        chain("bridge", "forward", rule="iifname eth1 ether type ip drop"), r"\(IPv4\) from eth1 to l2tpeth0;", "bridge t c"
    ),
    "a bridge chain drops large packets": filtered(
        chain("bridge", "forward", rule="meta length > 1000 drop"),
        r"\(packets of 1500 bytes\)",
        "bridge t c",
        "member_size",
        cut=False,
    ),
    "all that enters by the session is dropped": filtered(
        chain("netdev", "ingress", "l2tpeth0"), r"\(ARP, IPv4 and IPv6\) from l2tpeth0 to eth1\.", "netdev t c"
    ),
    "all that leaves by the session is dropped": filtered(
        chain("netdev", "egress", "l2tpeth0"), "drops what leaves by l2tpeth0", "netdev t c"
    ),
    "all that enters by the member's port is dropped": filtered(
        chain("netdev", "ingress", "eth1"), r"\(ARP, IPv4 and IPv6\) from eth1 to l2tpeth0\.", "netdev t c"
    ),
    "all that leaves by the member's port is dropped": filtered(
        chain("netdev", "egress", "eth1"), r"from l2tpeth0 to eth1", "netdev t c"
    ),
    "a queue of the session sends nothing": filtered(
        "tc qdisc add dev l2tpeth0 root tbf rate 8bit burst 10 latency 1ms",
        "drops what leaves by l2tpeth0",
        "tc's tbf on l2tpeth0",
        undo="true",
    ),
    "a queue of the member's port sends nothing": filtered(
        "tc qdisc add dev eth1 root tbf rate 8bit burst 10 latency 1ms", "from l2tpeth0 to eth1", "tc's tbf on eth1", undo="true"
    ),
    "a filter of tc takes what enters by the member's port": filtered(
        "ip link add sink type veth peer name sink2; ip link set sink up; tc qdisc add dev eth1 clsact\n"
        "tc filter add dev eth1 ingress u32 match u32 0 0 action mirred egress redirect dev sink",
        "from eth1 to l2tpeth0",
        "tc's clsact on eth1",
        undo="ip link del sink",
    ),
    "both ports are isolated": filtered(
        "bridge link set dev eth1 isolated on\nbridge link set dev l2tpeth0 isolated on",
        r"\(ARP, IPv4 and IPv6\)",
        "both ports are isolated",
        undo="bridge link set dev l2tpeth0 isolated off",
        insist=("isolated", "l2tpeth0"),
    ),
    "the member's port is locked": filtered(
        "bridge link set dev eth1 locked on learning off\nbridge fdb del $(cat member) dev eth1 master",
        "from eth1 to l2tpeth0",
        "the port is locked",
        undo="bridge link set dev eth1 locked off learning on",
    ),
    "the member's port gets no broadcasts": filtered(
        "bridge link set dev eth1 bcast_flood off",
        r"\(ARP\) from l2tpeth0 to eth1",
        "sends no broadcasts",
        undo="bridge link set dev eth1 bcast_flood on",
        cut=False,
    ),
    "the member's port is set to proxy ARP": filtered(
        "ip link set eth1 type bridge_slave proxy_arp on",
        r"\(ARP and neighbour discovery\) from l2tpeth0 to eth1",
        "set to proxy ARP",
        undo="ip link set eth1 type bridge_slave proxy_arp off",
        cut=False,
    ),
    "a permanent entry for the member on its port": permanent("eth1"),
    "a permanent entry for the member on another port": permanent("l2tpeth0"),
    "a permanent entry for the member on the bridge": permanent(BRIDGE),
    "the member's port was taken out": Fault(
        "ip link set eth1 nomaster",
        "ip link set eth1 master br-l2tp0",
        ("differs", f"eth1 is not a port of {BRIDGE}"),
        (SILENT, ""),
        advice=False,  # it is a reload
        insist=("port", "eth1"),
    ),
    "the bridge is down": Fault(
        f"ip link set {BRIDGE} down", "true", ("bridge_down", "is down"), (SILENT, ""), insist=("down", BRIDGE)
    ),
    "the member's port is down": Fault(
        "ip link set eth1 down", "true", ("port_down", "eth1"), (SILENT, ""), insist=("down", "eth1")
    ),
    "the session's port is blocked by hand": Fault(
        "bridge link set dev l2tpeth0 state 0", "bridge link set dev l2tpeth0 state 3", ("port_blocked", "is disabled"), (SILENT, "")
    ),
    "the member's port is blocked by hand": Fault(
        "bridge link set dev eth1 state 0", "bridge link set dev eth1 state 3", ("port_blocked", "is disabled"), (SILENT, "")
    ),
    "the same, as learning": Fault(
        "bridge link set dev eth1 state 2", "bridge link set dev eth1 state 3", ("port_blocked", "learning: .*by hand"), (SILENT, "")
    ),
    "the member's port has a small MTU": Fault(
        "ip link set eth1 mtu 1300",
        f"ip link set eth1 mtu 1500; ip link set {BRIDGE} mtu 1500",
        ("port_mtu", "1300"),
        ("member_size", "1500 bytes .*10.0.2.12"),
        cut=False,
    ),
}


class Bench:
    """The reference network, up."""

    def __init__(self):
        need_root()
        find_binary()
        self.net = Reference()
        self.net.up()
        self.near = self.net.vpn[0]
        mac = self.net.member[0].mac("eth0")
        self.near.sh(f"cd /run; echo {mac} >member")
        wait_for(self.reach, what="members to reach each other")
        for node in (*self.net.vpn, *self.net.member):
            node.settle()

    def reach(self):
        """Whether the members reach each other, with nothing cached."""
        self.net.forget_neighbours()
        return self.net.member[0].ping(self.net.sites[1].member4, count=1, timeout=1).ok

    def shell(self, script):
        self.near.sh(f"cd /run\n{script}")

    def check(self, *words):
        """Run check at both ends at once. Return: [(status, findings), ...]."""

        def one(gateway):
            result = gateway.run("check", "--json", *words, gateway.conf, check=False, timeout=SECONDS)
            return result.status, json.loads(result.out)["findings"]

        with concurrent.futures.ThreadPoolExecutor() as pool:
            return list(pool.map(one, self.net.gateway))


def text_of(findings):
    return "\n".join("{severity} {check} {subject}: {text} -> {hint}".format(**f) for f in findings)


def errors(findings):
    return [f for f in findings if f["severity"] == "error"]


def expect(outcome, where, expected):
    """Assert that a check fails and names the fault. Return: the finding."""
    (status, findings), (names, pattern) = outcome, expected
    assert status == 1, f"at {where}: exit status {status}\n{text_of(findings)}"
    for finding in errors(findings):
        if finding["check"] in names.split("|") and re.search(pattern, finding["text"]):
            return finding
    raise AssertionError(f"at {where}: no error {names} that matches {pattern!r} in\n{text_of(findings)}")


def all_right(bench):
    for where, (status, findings) in zip(("vpn01", "vpn02"), bench.check()):
        assert status == 0 and not errors(findings), f"at {where}:\n{text_of(findings)}"
        assert any(f["check"] == "members" and f["severity"] == "ok" for f in findings), text_of(findings)


def commands(hint):
    """Return: the commands of a hint that can be run as they are."""
    found = re.findall(r"`([^`]*)`", hint.split(" If that does not help")[0].split(" (first see")[0])
    return [c for c in found if "MAC" not in c and not re.search(r"\bshow\b|^wirespan check", c)]


def try_fault(bench, fault):
    if fault.insist:  # else the site restores it
        bench.net.gateway[0].insist(fault.make, *fault.insist)
    else:
        bench.shell(fault.make)
    try:
        assert bench.reach() != fault.cut, "the fault is none"
        outcomes = bench.check()
        finding = expect(outcomes[0], "vpn01", fault.here)
        print("here: ", finding["text"], "->", finding["hint"])
        finding = expect(outcomes[1], "vpn02", fault.there) and finding
        if fault.advice:
            assert commands(finding["hint"]), f"no advice: {finding}"
            for command in commands(finding["hint"]):
                bench.shell(command)
            wait_for(bench.reach, what=f"members to reach each other after {commands(finding['hint'])}")
            again = bench.check()[0][1]
            assert fault.here[0] not in [f["check"] for f in errors(again)], text_of(again)
    finally:
        bench.shell(fault.undo)
    wait_for(bench.reach, what="members to reach each other again")


# ---- faults that need more than a command ---------------------------------------------------------


def loop(bench):
    """A second path: named with its ports, quickly, although frames circulate; the advice stops it."""
    one, two = bench.net.vpn
    veth(one, "eth2", two, "eth2")
    try:
        for vpn in (one, two):
            vpn.run(f"ip link set eth2 master {BRIDGE} up")
        for vpn in (one, two):
            wait_for(lambda v=vpn: "state forwarding" in v.run("bridge link show dev eth2").out, what="the port")
        outcomes = bench.check()
        for where, outcome in zip(("vpn01", "vpn02"), outcomes):
            expect(outcome, where, ("loop", "came back on (eth2|l2tpeth0)"))
            assert [f["check"] for f in errors(outcome[1])] == ["loop"] * len(errors(outcome[1])), text_of(outcome[1])
        (command,) = commands(errors(outcomes[0][1])[0]["hint"])
        bench.shell(command)
        time.sleep(1.5)  # the site does not restore it
        wait_for(bench.reach, what=f"the members after {command}")
        again = bench.check()[0][1]
        assert "loop" not in [f["check"] for f in errors(again)], text_of(again)
    finally:
        one.run("ip link del eth2")
        one.run("bridge link set dev l2tpeth0 state 3")
    wait_for(bench.reach, what="the members")


def xdp(bench):
    """An XDP program drops what enters by the member's port."""
    bench.near.call(lambda: drop_all("eth1"))
    off = "ip link set dev eth1 xdpgeneric off"
    fault = filtered("true", "from eth1 to l2tpeth0", "an XDP program on eth1", undo=off)
    try_fault(bench, fault)


def copied_mac(bench):
    """A member's MAC address is in use at both sites."""
    near, far = bench.net.member
    was = far.mac("eth0")
    far.run("ip", "link", "set", "eth0", "address", near.mac("eth0"))
    try:
        for where, outcome in zip(("vpn01", "vpn02"), bench.check()):
            expect(outcome, where, ("duplicate_mac", "in use on (l2tpeth0 and on eth1|eth1 and on l2tpeth0)"))
    finally:
        far.run("ip", "link", "set", "eth0", "address", was)
    wait_for(bench.reach, what="the members")


def neighbour(bench):
    """A far host has an old entry for a member. The bridges flood what it sends, so that it seems to arrive; or its gateway
    has the address, and does not drop what it keeps."""
    far = bench.net.member[1]
    for address in ("02:00:00:00:00:99", bench.net.vpn[1].mac(BRIDGE)):
        far.run(f"ip neigh replace {bench.net.sites[0].member4} lladdr {address} nud permanent dev eth0")
        known = address == bench.net.vpn[1].mac(BRIDGE)
        try:
            for where, outcome in list(zip(("vpn01", "vpn02"), bench.check()))[known:]:
                finding = expect(outcome, where, ("misaddressed", f"what is for 10.0.2.12 to the MAC address {address} .IPv4"))
                assert "`ip neigh show 10.0.2.12` on 10.0.2.22" in finding["hint"], finding
                assert [f["check"] for f in errors(outcome[1])] == ["misaddressed"], text_of(outcome[1])
        finally:
            far.run(f"ip neigh del {bench.net.sites[0].member4} dev eth0")
        wait_for(bench.reach, what="the members")


def hairpin(bench):
    """The session's port reflects frames: named where it is, and seen as a loop on the other side."""
    bench.near.run("bridge link set dev l2tpeth0 hairpin on")
    try:
        outcomes = bench.check()
        finding = expect(outcomes[0], "vpn01", ("hairpin", "l2tpeth0 is in hairpin mode"))
        assert [f["check"] for f in errors(outcomes[0][1])] == ["hairpin"], text_of(outcomes[0][1])
        expect(outcomes[1], "vpn02", ("loop", "sent on l2tpeth0 came back on l2tpeth0"))
        for command in commands(finding["hint"]):
            bench.shell(command)
        assert "hairpin off" in bench.near.run("bridge -d link show dev l2tpeth0").out
    finally:
        bench.near.run("bridge link set dev l2tpeth0 hairpin off")
    wait_for(bench.reach, what="the members")


def both_proved(outcomes):
    for status, findings in outcomes:
        assert status == 0 and not errors(findings), text_of(findings)
    findings = outcomes[0][1]
    assert any("ARP, IPv4, IPv6" in f["text"] for f in findings if f["check"] == "members"), text_of(findings)


def meanwhile(bench, node, command, seconds=0.7):
    """Run check at both ends, and a command of a node soon after it began. Return: as check()."""
    later = threading.Timer(seconds, node.run, (command,))
    later.start()
    try:
        return bench.check()
    finally:
        later.join()


def late_carrier(bench):
    """A bridge learns of a carrier up to a second late: the check waits for it. A port that comes up later is not
    tried, and the finding reports that alone."""
    far, port = bench.net.member[1], bench.net.vpn[1]
    port.run("ip link set eth1 mode dormant")
    far.sh("ip link set eth0 down; ip link set eth0 up")
    both_proved(meanwhile(bench, port, "ip link set eth1 mode default state up"))
    far.run("ip link set eth0 down")
    wait_for(lambda: "NO-CARRIER" in port.run("ip link show dev eth1").out, what="the port to lose its carrier")
    outcome = meanwhile(bench, far, "ip link set eth0 up")[1]
    assert outcome[0] == 1 and [f["check"] for f in errors(outcome[1])] == ["port_late"], text_of(outcome[1])
    assert "eth1 of br-l2tp0 came up while the check ran" in errors(outcome[1])[0]["text"], text_of(outcome[1])
    far.run(f"ip -6 addr replace {bench.net.sites[1].member6}/64 dev eth0 nodad")
    wait_for(bench.reach, what="the members")


def late_ip6(bench):
    """A member's link has just come up, and its IPv6 address is not in use yet: the check waits for it."""
    near, far = bench.net.member
    for times in (1, 1, 4):  # it asks whether another host has its address
        far.sh(f"sysctl -qw net.ipv6.conf.eth0.dad_transmits={times}; ip link set eth0 down; ip link set eth0 up")
        both_proved(bench.check())
    # the member here answers with an address to which that there has no route, until it uses its link-local one
    off = "sysctl -qw net.ipv6.conf.eth0.disable_ipv6="
    near.sh(f"{off}1; {off}0; ip -6 addr replace {bench.net.sites[0].member6}/64 dev eth0 nodad")
    both_proved(bench.check())
    far.run("sysctl -qw net.ipv6.conf.eth0.dad_transmits=1")
    far.run(f"ip -6 addr replace {bench.net.sites[1].member6}/64 dev eth0 nodad")
    wait_for(bench.reach, what="the members")


def proxy_arp(bench):
    """The session's port is set to proxy ARP. Members use IPv4 only, and the bridge knows them: no frame seems lost."""
    off = "sysctl -qw net.ipv6.conf.eth0.disable_ipv6="
    for member in bench.net.member:
        member.run(f"{off}1")
    bench.near.ping(bench.net.sites[1].member4)
    bench.shell("ip link set l2tpeth0 type bridge_slave proxy_arp on")
    try:
        finding = expect(bench.check()[0], "vpn01", ("host_drop|proxy_arp", "l2tpeth0.* set to proxy ARP"))
        for command in commands(finding["hint"]):
            bench.shell(command)
        wait_for(lambda: bench.check()[0][0] == 0, 20, what=f"a check without faults after {finding['hint']}")
    finally:
        bench.shell("ip link set l2tpeth0 type bridge_slave proxy_arp off")
        for member, site in zip(bench.net.member, bench.net.sites):
            member.run(f"{off}0")
            member.run(f"ip -6 addr replace {site.member6}/64 dev eth0 nodad")
    wait_for(bench.reach, what="the members")


def own_address(bench):
    """A far host has the address of the bridge: named, and no filter is blamed."""
    far = bench.net.member[1]
    far.run(f"ip addr add {bench.net.sites[0].bridge4}/24 dev eth0")
    try:
        _, findings = bench.check()[0]
        twins = [f["text"] for f in findings if f["check"] == "duplicate_ip"]
        assert twins and "10.0.2.11, the address of br-l2tp0 here, is in use by a host on l2tpeth0, too" in twins[0], text_of(findings)
        assert not errors(findings), text_of(findings)
    finally:
        far.run(f"ip addr del {bench.net.sites[0].bridge4}/24 dev eth0")
    wait_for(bench.reach, what="the members")


def slow(bench):
    """A slow link: the check does not fill it, and proves that members reach each other."""
    for vpn in bench.net.vpn:
        vpn.run("tc qdisc replace dev eth0 root tbf rate 128kbit burst 2k limit 8k")
    try:
        gateway = bench.net.gateway[0]
        result = gateway.run("check", "--json", gateway.conf, check=False, timeout=SECONDS)
        findings = json.loads(result.out)["findings"]
        assert result.status == 0, text_of(findings)
        assert any(f["check"] == "members" and f["severity"] == "ok" for f in findings), text_of(findings)
    finally:
        for vpn in bench.net.vpn:
            vpn.run("tc qdisc del dev eth0 root")
    wait_for(bench.reach, what="the members")


def narrow(bench):
    """A link of the underlay is narrower than WireGuard's interface may be, which carries IPv6: all passes."""
    for vpn in bench.net.vpn:
        vpn.run("ip link set eth0 mtu 1300")
    try:
        for gateway in bench.net.gateway:
            wait_for(lambda g=gateway: g.status()["peers"][0]["path"]["mtu"] <= 1300, 20, what="the path's MTU")
        for status, findings in bench.check():
            assert status == 0, text_of(findings)
            passes = [f["text"] for f in findings if f["check"] == "tunnel_mtu"]
            assert passes and "what the path carries" in passes[0], text_of(findings)
    finally:
        for vpn in bench.net.vpn:
            vpn.run("ip link set eth0 mtu 1500")
    for gateway in bench.net.gateway:
        wait_for(lambda g=gateway: g.status()["peers"][0]["path"]["mtu"] > 1300, 20, what="the path's MTU")


def jumbo(bench):
    """Members of one site use larger packets than the session carries."""
    bench.near.run("ip link set eth1 mtu 9000")
    bench.net.member[0].run("ip link set eth0 mtu 9000")
    try:
        expect(bench.check()[0], "vpn01", ("lan_mtu", "eth1 has MTU 9000, and a host there uses it"))
    finally:
        bench.net.member[0].run("ip link set eth0 mtu 1500")
        bench.near.run("ip link set eth1 mtu 1500")


def member_gone(bench):
    """No member is left on one side, or it is off."""
    bench.net.member[0].run("ip link set eth0 down")
    try:
        outcomes = bench.check()
        expect(outcomes[0], "vpn01", ("port_down|no_member", "eth1"))
        expect(outcomes[1], "vpn02", ("no_member", "only the gateway of the far side answers .10.0.2.11."))
        named = bench.net.gateway[1].run("check", "--target", bench.net.sites[0].bridge4, bench.net.gateway[1].conf)
        assert "all right" in named.out, "the user wants to know of the gateway only"
    finally:
        bench.net.member[0].sh(
            f"ip link set eth0 up\nip addr replace {bench.net.sites[0].member6}/64 dev eth0 nodad"
        )
    wait_for(bench.reach, what="the members")


SIZES = {"full_size", "tunnel_mtu", "size", "member_size", "path_mtu"}


def lossy(bench, percent):
    """Some datagrams are lost before they reach one end: both ends call it loss, and no MTU is blamed."""
    script = chain("netdev", "ingress", "eth0", rule=f"meta protocol ip numgen random mod 100 < {percent} drop")
    bench.shell(script)
    try:
        outcomes = bench.check()
        if percent >= 50 and not all(status for status, _ in outcomes):
            outcomes = bench.check()  # by chance one try in 200 has an end that loses less
    finally:
        bench.shell(FLUSH)
    for status, findings in outcomes:
        assert status == (1 if errors(findings) else 0) and (status or percent < 50), text_of(findings)
        assert not SIZES & {f["check"] for f in errors(findings)}, text_of(findings)
        assert not any(re.search(r"MTU = \d|mtu \d", f["hint"]) for f in findings), text_of(findings)
        for finding in findings:
            if finding["check"] == "session" and "not tried" in finding["hint"]:
                assert not any(f["check"] == "size" for f in findings), text_of(findings)
    wait_for(bench.reach, 30, what="the members")


def duplicated(bench):
    """Each datagram of one end arrives twice: members see each frame once, and the other end counts the copies."""
    bench.shell(chain("netdev", "egress", "eth0", rule="meta mark != 7 meta mark set 7 dup to eth0"))
    try:
        ping = bench.net.member[0].ping(bench.net.sites[1].member4, count=20)
        assert ping.ok and "DUP!" not in ping.out, ping.out
        outcomes = bench.check()
    finally:
        bench.shell(FLUSH)
    for status, findings in outcomes:
        assert status == 0 and not errors(findings), text_of(findings)
        assert any(f["check"] == "members" and f["severity"] == "ok" for f in findings), text_of(findings)
    notes = [f["text"] for f in outcomes[1][1] if f["severity"] == "note" and f["subject"] == "wg_replay"]
    assert notes and "a datagram that the network duplicated" in notes[0], text_of(outcomes[1][1])


@contextlib.contextmanager
def switches(bench, tree):
    """Each member is a switch of its own, and a slow cable leads from one to the other: a second path. Without a spanning
    tree it makes a loop, in which frames circulate as fast as the cable lets them."""
    members, sites = bench.net.member, bench.net.sites
    veth(members[0], "x0", members[1], "x0")
    kind = "stp_state 1 forward_delay 200 hello_time 100 max_age 600" if tree else "stp_state 0 forward_delay 0"
    try:
        for number, (member, site) in enumerate(zip(members, sites), 1):
            member.sh(
                "tc qdisc add dev x0 root tbf rate 2mbit burst 3000 latency 20ms\n"
                f"ip address flush dev eth0 scope global\n"
                f"ip link add lan0 type bridge mcast_snooping 0 priority {number * 100} {kind}\n"
                "ip link set lan0 up; ip link set eth0 master lan0; ip link set x0 master lan0 up"
            )
            member.up("lan0", f"{site.member4}/24", f"{site.member6}/64")
        yield
    finally:
        for member in members:
            member.run("ip link delete x0", check=False)  # first: it ends the loop
        for member, site in zip(members, sites):
            member.run("ip link delete lan0")
            member.up("eth0", f"{site.member4}/24", f"{site.member6}/64")
    wait_for(bench.reach, what="the members")


def third_switch(bench):
    """Switches of the members have a second path to each other, from the middle of a check on: named with
    both ports, and the advice stops it."""
    far = bench.net.member[1]
    with switches(bench, False):
        for member in bench.net.member:
            wait_for(lambda m=member: m.run("bridge link").out.count(" state forwarding ") == 2, what="the ports of a switch")
        far.run("bridge link set dev x0 state 0")
        wait_for(bench.reach, what="the members, without a loop")
        outcomes = meanwhile(bench, far, "bridge link set dev x0 state 3", 0.3)
        for where, outcome in zip(("vpn01", "vpn02"), outcomes):
            expect(outcome, where, ("loop", "sent on (l2tpeth0 came back on eth1|eth1 came back on l2tpeth0)"))
            assert {f["check"] for f in errors(outcome[1])} == {"loop"}, text_of(outcome[1])
        (command,) = commands(errors(outcomes[0][1])[0]["hint"])
        bench.shell(command)
        wait_for(bench.reach, what=f"the members after {command}")
        again = bench.check()[0][1]
        assert "loop" not in [f["check"] for f in errors(again)], text_of(again)
        bench.shell("bridge link set dev eth1 state 3; bridge link set dev l2tpeth0 state 3")


def tree_of_switches(bench):
    """The same with a spanning tree of the switches. It blocks the cable: nothing is wrong. It blocks a switch's port to a
    gateway: members use the cable, and both ends report that. The cable loses all but the tree: members are cut off."""
    far = bench.net.member[1]

    def blocked(port):
        lines = far.run("bridge link").out.splitlines()
        states = {line.split()[1].split("@")[0].rstrip(":"): " state forwarding " in line for line in lines}
        return states == {"eth0": port != "eth0", "x0": port != "x0"}

    with switches(bench, True):
        far.run("bridge link set dev x0 cost 1000")
        wait_for(lambda: blocked("x0"), 30, what="the tree to block the cable")
        wait_for(bench.reach, 30, what="the members, by the pseudowire")
        for number, (status, findings) in enumerate(bench.check()):
            assert status == 0 and not errors(findings), text_of(findings)
            notes = [f for f in findings if f["check"] == "stp" and f["severity"] == "note"]
            assert notes and notes[0]["subject"] == ("eth1", "l2tpeth0")[number], text_of(findings)
        far.sh("bridge link set dev x0 cost 1; bridge link set dev eth0 cost 1000")
        wait_for(lambda: blocked("eth0"), 30, what="the tree to block the port to the gateway")
        wait_for(bench.reach, 30, what="the members, by the cable")
        blocks = f"spanning tree of the switch {bench.net.sites[1].member4}, behind (l2tpeth0|eth1), blocks its port"
        for status, findings in bench.check():
            found = [f for f in findings if f["check"] == "other_path" and f["severity"] == "warning"]
            assert status == 0 and not errors(findings), text_of(findings)
            assert re.search(f"{blocks}.* reached by (eth1|l2tpeth0)", found[0]["text"]), text_of(findings)
        far.sh(chain("bridge", "prerouting", rule="iifname x0 ether type { ip, arp, ip6 } drop"))
        try:
            assert not bench.reach(), "the members still use the cable"
            for where, outcome in zip(("vpn01", "vpn02"), bench.check()):
                expect(outcome, where, ("other_path", f"{blocks}.*no other path leads to it"))
                assert len(errors(outcome[1])) == 1, text_of(outcome[1])
            far.run("ip link set x0 down")  # as the advice explains
            wait_for(bench.reach, 30, what="the members, by the pseudowire")
            far.run("ip link set x0 up")
        finally:
            far.sh(FLUSH)


def own_trees(bench):
    """The gateways take part in the tree. A switch blocks its port to one, whose check reports it."""
    stp = {"[Bridge]": "[Bridge]\nSTP = yes"}
    with configured(bench, 0, replace=stp), configured(bench, 1, replace=stp), switches(bench, True):
        bench.net.member[1].sh("bridge link set dev x0 cost 1; bridge link set dev eth0 cost 1000")
        for vpn in bench.net.vpn:
            vpn.sh(f"ip link set {BRIDGE} type bridge forward_delay 200 hello_time 100 max_age 600 priority 10")

        def settled():
            forwarding = [vpn.run("bridge link").out.count(" state forwarding ") for vpn in bench.net.vpn]
            return forwarding == [2, 2] and re.search("eth0@.*state blocking", bench.net.member[1].run("bridge link").out)

        wait_for(settled, 60, what="the tree")
        wait_for(bench.reach, 60, what="the members, by the cable")
        outcomes = bench.check()
        status, findings = outcomes[1]
        assert status == 0 and not errors(findings), text_of(findings)
        assert any("behind eth1, blocks its port to this gateway" in f["text"] for f in findings), text_of(findings)
        finding = expect(outcomes[0], "vpn01", ("no_member", "only the gateway of the far side"))
        assert "runs the spanning tree protocol: if another path" in finding["hint"], finding


def reverse_path(bench):
    """The kernel drops the peer's datagrams for their source: not called a firewall."""
    bench.shell(
        "sysctl -qw net.ipv4.conf.all.rp_filter=1 net.ipv4.conf.eth0.rp_filter=1\n"
        "ip link add v0 type veth peer name v1\nip link set v0 up; ip link set v1 up\n"
        "ip route add 192.168.122.32/32 dev v0"
    )
    talk = bench.net.vpn[1].popen("ping", "-i", "0.3", "-c", "100", bench.net.sites[0].wg4, stdout=-3, stderr=-3)
    try:
        expect(bench.check()[0], "vpn01", ("rp_filter", "whose source it expects on another interface"))
    finally:
        talk.kill()
        bench.shell(
            "ip link del v0\n"
            "sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.eth0.rp_filter=0"
        )
    wait_for(bench.reach, 30, what="the members")


def restart(bench, number, text):
    gateway = bench.net.gateway[number]
    gateway.signal("TERM")
    gateway.wait_gone()
    gateway.configure(text)
    gateway.up()


@contextlib.contextmanager
def configured(bench, number, **changes):
    """One gateway runs with another file for a while: `changes` are {old text: new text}."""
    sites = bench.net.sites
    usual = wirespan_conf(sites[number], sites[1 - number])
    text = usual
    for old, new in changes.pop("replace", {}).items():
        assert old in text, f"{old!r} is not in {text}"
        text = text.replace(old, new)
    restart(bench, number, text if not changes else wirespan_conf(sites[number], sites[1 - number], **changes))
    try:
        yield
    finally:
        restart(bench, number, usual)
    wait_for(bench.reach, 20, what="the members")


def own_mtu(bench):
    """[Interface] MTU is too large here: not called the peer's fault."""
    with configured(bench, 0, wg_mtu=1500):
        wait_for(bench.reach, 20, what="the tunnel")
        finding = expect(bench.check()[0], "vpn01", ("fragments", "all ours|ours and"))
        assert "[Interface] MTU here (1500) is too large for eth0" in finding["hint"], finding
        assert "MTU = auto, or at most 1440" in finding["hint"], finding


def allowed_ips(bench):
    """The far site's AllowedIPs do not cover ours: its check names that, ours lists it."""
    near = bench.net.sites[0]
    words = ("wg", "set", "wg0", "peer", near.public, "allowed-ips")
    bench.net.vpn[1].run(*words, "10.0.1.99/32")
    try:
        outcomes = bench.check()
        expect(outcomes[1], "vpn02", ("allowed_ips", "from addresses that AllowedIPs here do not cover"))
        assert "nothing came back" not in text_of(outcomes[1][1]), text_of(outcomes[1][1])
        expect(outcomes[0], "vpn01", ("handshake|silence", "nothing .*came back"))
        assert re.search("AllowedIPs there (do not|must) cover", text_of(outcomes[0][1])), text_of(outcomes[0][1])
    finally:
        bench.net.vpn[1].run(*words, f"{near.wg4}/32")
    wait_for(bench.reach, 20, what="the members")


SPECIAL = {
    "a loop": loop,
    "an XDP program": xdp,
    "a MAC address at both sites": copied_mac,
    "a far host has an old neighbour entry": neighbour,
    "a link narrower than 1340 bytes": narrow,
    "a link of 128 kbit/s": slow,
    "a port in hairpin mode": hairpin,
    "a session's port is set to proxy ARP": proxy_arp,
    "a member whose link has just come up": late_ip6,
    "a port whose carrier comes late": late_carrier,
    "the address of the bridge at a far host": own_address,
    "larger packets than the session carries": jumbo,
    "no member on one side": member_gone,
    "a fifth of the datagrams are lost": lambda bench: lossy(bench, 20),
    "half of the datagrams are lost": lambda bench: lossy(bench, 50),
    "datagrams arrive twice": duplicated,
    "a second path between switches of the members": third_switch,
    "the same, with a spanning tree of the switches": tree_of_switches,
    "the same, with one of the gateways, too": own_trees,
    "the reverse-path filter": reverse_path,
    "an MTU of WireGuard that does not fit": own_mtu,
    "AllowedIPs of the far site": allowed_ips,
}


def run(name, cases):
    """Run cases, {name: function of the bench}, between two checks that find nothing wrong."""
    suite = Suite(name)
    box = {}
    if not shutil.which("nft") or not shutil.which("tc"):
        suite.skip("all", "nft or tc is not installed")
        suite.finish()
    if not suite.setup("the network", lambda: box.update(bench=Bench())):
        suite.finish()
    bench = box["bench"]
    suite.diagnose_with(bench.net.diagnostics)
    suite.run("nothing is wrong", all_right, bench)
    for case, function in cases.items():
        suite.run(case, function, bench)
    suite.run("nothing is wrong at the end", all_right, bench)
    suite.finish()


def main():
    table = {name: lambda bench, fault=fault: try_fault(bench, fault) for name, fault in FAULTS.items()}
    run("faults", table | SPECIAL)


if __name__ == "__main__":
    main()
