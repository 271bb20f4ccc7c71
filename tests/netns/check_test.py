#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""wirespan check on the reference network: a healthy one is proven, and each way to break one is named."""

import contextlib
import json
import os
import re
import shutil
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from lib import frames
from lib.capture import RawPort
from lib.network import Reference
from lib.node import Node, need_root, veth
from lib.reference import PORT, Pseudowire, new_key, new_site_keys, wirespan_conf
from lib.runner import Skip, Suite, wait_for
from lib.wirespan import find_binary

CHECK_SECONDS = 15


class Bench:
    """The network, and what a case does with it."""

    def __init__(self):
        need_root()
        find_binary()
        self.net = Reference()

    def text(self, number, wire=Pseudowire(), **options):
        """Return: the configuration of gateway `number` (0 or 1)."""
        near, far = self.net.sites[number], self.net.sites[1 - number]
        return wirespan_conf(near, far, wire, **options)

    def start(self, one=None, two=None):
        """Bring both gateways up, with these configurations or the usual ones."""
        self.net.stop()
        self.net.forget_neighbours()
        for gateway, text, number in zip(self.net.gateway, (one, two), (0, 1)):
            gateway.configure(text or self.text(number))
            gateway.up()

    def chatter(self):
        """Let member02 talk: a segment is never quite silent. Return: the process."""
        return self.net.member[1].popen(
            "ping", "-i", "0.3", "-c", "100", self.net.sites[0].member4, stdout=-3, stderr=-3
        )

    def check(self, number=0, *words):
        """Run check on a gateway. Return: (exit status, {check: [finding, ...]}, the whole report)."""
        gateway = self.net.gateway[number]
        result = gateway.run(
            "check", "--json", *words, gateway.conf, check=False, timeout=CHECK_SECONDS
        )
        report = json.loads(result.out)
        by_name = {}
        for finding in report["findings"]:
            by_name.setdefault(finding["check"], []).append(finding)
        return result.status, by_name, report


def severities(findings, severity):
    return [f["text"] for all_of in findings.values() for f in all_of if f["severity"] == severity]


def expect(outcome, name, severity, pattern, hint=""):
    """Assert that a check named the fault: a finding `name` whose text and hint match."""
    status, findings, report = outcome
    shown = json.dumps(report["findings"], indent=1)
    assert name in findings, f"no finding {name!r} in {shown}"
    assert any(
        f["severity"] in severity.split("|") and re.search(pattern, f["text"]) and re.search(hint, f["hint"])
        for f in findings[name]
    ), f"{name}: no {severity} with {pattern!r}, {hint!r}: {findings[name]}"
    assert status == (1 if severities(findings, "error") else 0), f"exit status {status}: {shown}"


# ---- nothing is wrong ----------------------------------------------------------------------------


def healthy(bench):
    bench.start()
    for number in (0, 1):
        status, findings, report = bench.check(number)
        assert status == 0 and report["ok"], report
        assert not severities(findings, "error") + severities(findings, "warning"), report["findings"]
        session = report["sessions"][0]
        assert session["largest_whole"] == session["computed"] == Pseudowire().largest_packet(1), session
        assert session["largest_passing"] == session["largest_tried"], session
        assert session["stations"] == 2 and session["echo"]["received"] == session["echo"]["sent"], session
        assert report["peers"][0]["full_echo"]["received"] and report["peers"][0]["full_size"] == 1440
        underlay = report["underlay"][0]
        assert underlay["fragments"] == underlay["clear"] == 0 and underlay["wireguard"] > 50, underlay


def healthy_text(bench):
    bench.start()
    gateway = bench.net.gateway[0]
    result = gateway.run("check", gateway.conf, timeout=CHECK_SECONDS)
    print(result.out)
    assert "all right" in result.out and "Mbit/s" not in result.out, "no load without being asked"
    result = gateway.run("check", "--throughput", gateway.conf, timeout=CHECK_SECONDS)
    assert "all right" in result.out and "Mbit/s each way" in result.out
    assert all(len(line) <= 100 for line in result.out.splitlines()), "no line is too long"
    every = json.loads(gateway.run("check", "--json", "-T", "--load", timeout=CHECK_SECONDS).out)
    assert [site["site"] for site in every["sites"]] == ["vpn01"] and every["sites"][0]["ok"]
    session = every["sites"][0]["sessions"][0]
    assert session["flood_received"] > 100
    for loaded in (session["load_out"], session["load_both"]):
        assert loaded["size"] == session["largest_whole"], loaded
        assert loaded["idle_us"] and loaded["loaded_us"] and loaded["rate"] > 10_000, loaded


def full_size(bench):
    """Sessions with MTU 1500: large packets pass in fragments inside the tunnel, and that is measured."""
    wire = Pseudowire(session_mtu=1500)
    # The subnet of the one bridge is larger than those of the members, which make no broadcast for all of it.
    bridge4 = bench.net.sites[0].bridge4
    bench.start(bench.text(0, wire).replace(f"{bridge4}/24", f"{bridge4}/23"), bench.text(1, wire))
    outcome = bench.check()
    assert not severities(outcome[1], "error"), outcome
    expect(outcome, "full_size", "ok", "^Packets of 1500 bytes pass .*, in fragments inside the tunnel")
    expect(outcome, "size", "ok", "has 1386 bytes, as computed")
    assert outcome[0] == 0
    expect(bench.check(0, "--target", bench.net.sites[1].member4), "session", "ok", "10.0.2.22 answers 20 of 20")
    expect(bench.check(0, "--target", bench.net.sites[1].bridge6), "session", "ok", "answers 20 of 20")


def bare_bridge(bench):
    """Bridges without any address: a far host with IPv6 answers a borrowed one."""
    texts = [re.sub(r"(?s)(\[Bridge\].*?)(Address = [^\n]*\n)+", r"\1", bench.text(n)) for n in (0, 1)]
    assert all(site.bridge4 not in text for site, text in zip(bench.net.sites, texts))
    bench.start(*texts)
    status, findings, report = bench.check()
    assert status == 0, report["findings"]
    session = report["sessions"][0]
    assert session["station"].startswith("fe80:") or session["station"] == bench.net.sites[1].member6, session
    assert session["largest_whole"] == session["computed"] and session["echo"]["received"] == 20, session


@contextlib.contextmanager
def members(bench, make, undo):
    """Both members are set like this for a moment."""
    for member in bench.net.member:
        member.sh(make)
    try:
        yield
    finally:
        for member, site in zip(bench.net.member, bench.net.sites):
            member.sh(undo)
            member.run("ip", "-6", "addr", "replace", f"{site.member6}/64", "dev", "eth0", "nodad")


def proven(outcome, kinds):
    """Assert that a check found nothing wrong and that frames of these kinds pass between members."""
    status, findings, report = outcome
    assert status == 0 and not severities(findings, "error"), report["findings"]
    assert [t for t in severities(findings, "ok") if t.startswith("Frames of 10.0.2.") and kinds in t], report["findings"]


def ip4_only(bench):
    """No bridge has an address, and members have IPv4 only: they are found while they talk, and a filter is found."""
    texts = [re.sub(r"(?s)(\[Bridge\].*?)(Address = [^\n]*\n)+", r"\1", bench.text(n)) for n in (0, 1)]
    bench.start(*texts)
    off = "sysctl -qw net.ipv6.conf.eth0.disable_ipv6="
    with members(bench, off + "1", off + "0"):
        expect(bench.check(), "no_member", "error", "No host answers on eth1", "let one ping another")
        talk = bench.chatter()
        for number in (0, 1):
            proven(bench.check(number), "ARP, IPv4 and packets of 1500 bytes")
        if shutil.which("nft"):
            bench.net.vpn[0].sh(
                "nft add table bridge t; nft 'add chain bridge t c { type filter hook forward priority 0; }'\n"
                "nft add rule bridge t c ether type ip drop"
            )
            expect(bench.check(), "host_drop", "error", r"members' frames \(IPv4\).*bridge t c")
            expect(bench.check(1), "member_silent", "error", "10.0.2.12 answers this gateway, but not 10.0.2.22 .IPv4")
            bench.net.vpn[0].run("nft delete table bridge t")
        talk.kill()


def silent_members(bench):
    """No member answers an echo request: TCP proves the same. If a filter drops that, too, nothing is proven."""
    bench.start()
    off = "sysctl -qw net.ipv4.icmp_echo_ignore_all={0} net.ipv6.icmp.echo_ignore_all={0}"
    with members(bench, off.format(1), off.format(0)):
        for number in (0, 1):
            proven(bench.check(number), "ARP and IPv4")
        if shutil.which("nft"):
            bench.net.vpn[1].sh(
                "nft add table bridge t; nft 'add chain bridge t c { type filter hook forward priority 0; }'\n"
                "nft add rule bridge t c ether type ip drop"
            )
            expect(bench.check(), "member_silent", "error", "10.0.2.22 .* answers ARP, but no echo request and no TCP")
            bench.net.vpn[1].run("nft delete table bridge t")
    # Only the far one is silent: members here use IPv6, which it may have or not.
    bench.net.member[1].sh(off.format(1))
    try:
        outcome = bench.check()
        proven(outcome, "ARP, IPv4")
        expect(outcome, "member_silent", "warning", "ARP and TCP, but no echo request", "firewall of the hosts there")
    finally:
        bench.net.member[1].sh(off.format(0))


def one_card(bench):
    """The only card of a gateway is underlay and member, on the network of the other's underlay."""
    net, (one, two) = bench.net, bench.net.sites
    text = bench.text(0).replace(f"Address = {one.bridge4}/24", f"Address = {one.underlay}/24, {one.bridge4}/24")
    text = text.replace(f"Address = {one.bridge6}/64", f"Address = {one.underlay6}/64, {one.bridge6}/64")
    bench.start()
    net.stop()
    net.vpn[0].sh("ip addr flush dev eth0 scope global")
    net.vpn[1].run("sysctl -qw net.ipv4.conf.all.arp_ignore=1")
    try:
        bench.start(text.replace("Member = eth1", "Member = eth0"))
        expect(bench.check(), "no_member", "warning", "Only the far gateway answers on eth0")
        expect(bench.check(1), "underlay", "note", "in clear on eth0: a far gateway has one card")
        # The far gateway answers ARP on the pseudowire for its endpoint's address, too.
        net.vpn[1].run("sysctl -qw net.ipv4.conf.all.arp_ignore=0")
        # On a busy host the answer to that one question may come too late; another check asks again.
        results = []
        wait_for(lambda: results.append(bench.check()) or "endpoint" in results[-1][1], 30, what="that finding")
        expect(results[-1], "endpoint", "error|warning", "endpoint is answered on l2tpeth0, too", "arp_ignore=1")
    finally:
        net.vpn[1].run("sysctl -qw net.ipv4.conf.all.arp_ignore=0")
        net.stop()
        net.vpn[0].up("eth0", f"{one.underlay}/24", f"{one.underlay6}/64")


def second_card(bench):
    """A second card of the gateway in the members' network answers ARP for the bridge's address: it is no twin."""
    net, one = bench.net, bench.net.sites[0]
    addresses = (f"{one.member4}/24", f"{one.member6}/64")
    bench.start()
    veth(net.vpn[0], "eth9", net.member[0], "eth9")
    try:
        net.vpn[0].run("ip link set eth9 up")
        net.member[0].sh("ip address flush dev eth0 scope global; ip link set eth9 up")
        net.member[0].bridge("lan0", "eth0", "eth9")
        net.member[0].up("lan0", *addresses)
        _, findings, report = bench.check()
        assert report["sessions"][0]["stations"] == 2 and "duplicate_ip" not in findings, report["findings"]
    finally:
        net.vpn[0].run("ip link delete eth9")
        net.member[0].run("ip link delete lan0")
        net.member[0].up("eth0", *addresses)


def usage(bench):
    gateway = bench.net.gateway[0]
    for words in (["--nonsense"], ["--target", "nowhere"], ["one", "two"]):
        result = gateway.run("check", *words, check=False)
        assert result.status == 2, f"{words}: {result.status}"
    result = gateway.run("check", "no-such-site", check=False)
    assert result.status == 1 and "no-such-site is not running" in result.out, result.out


# ---- the peer ------------------------------------------------------------------------------------


def peer_down(bench):
    bench.start()
    bench.net.gateway[1].stop()
    bench.net.gateway[0].stop()
    bench.net.gateway[0].up()
    expect(bench.check(), "port", "error", f"192.168.122.32 answers that nothing listens on UDP port {PORT}")


def peer_unplugged(bench):
    bench.start()
    bench.net.vpn[0].ping(bench.net.sites[1].wg4)
    bench.net.vpn[1].run("ip link set eth0 down")
    try:
        outcome = bench.check()
        expect(outcome, "underlay", "error", "one way only: eth0, which leads to .*, is down or has no carrier")
        expect(outcome, "session", "note", "nothing at all comes from its peer")
        bench.net.gateway[0].stop()
        bench.net.gateway[0].up()
        outcome = bench.check()
        expect(outcome, "underlay", "error", "No session: eth0, which leads to .*, is down or has no carrier")
        expect(outcome, "session", "note", "Not tried")
    finally:
        bench.net.vpn[1].run("ip link set eth0 up")


def key_of_peer(bench):
    one, two = bench.net.sites
    bench.start(bench.text(0).replace(two.public, new_site_keys()[1]))
    talk = bench.chatter()
    expect(bench.check(), "key", "error", "public key that no .Peer. here has", "wirespan pubkey")
    talk.kill()


def key_of_ours(bench):
    one, two = bench.net.sites
    bench.start(None, bench.text(1).replace(one.public, new_site_keys()[1]))
    talk = bench.chatter()
    expect(bench.check(), "key", "error", "another public key than ours", re.escape(one.public))
    talk.kill()


def preshared(bench):
    bench.start(bench.text(0, Pseudowire(preshared=new_key())), bench.text(1, Pseudowire(preshared=new_key())))
    expect(bench.check(), "key", "error", "does not authenticate", "PresharedKey")


@contextlib.contextmanager
def filtered(gateway, hook):
    """A filter drops WireGuard's datagrams: those that come in, or that leave."""
    if not shutil.which("nft"):
        raise Skip("nft is not installed")
    rules = f"""
add table inet t
add chain inet t c {{ type filter hook {hook} priority 0 ; }}
add rule inet t c meta {"iif" if hook == "input" else "oif"} eth0 udp dport {PORT} drop
"""
    gateway.run("nft", "-f", "-", stdin=rules)
    try:
        yield
    finally:
        gateway.run("nft delete table inet t")


def firewall(bench):
    bench.start()
    with filtered(bench.net.vpn[0], "input"):
        expect(bench.check(), "firewall", "error", "reached eth0, but not wirespan", f"UDP port {PORT}")


def firewall_out(bench):
    """A filter on what leaves this host, from the middle of a session on. The hint opens the port again."""
    bench.start()
    bench.net.vpn[0].ping(bench.net.sites[1].wg4)
    with filtered(bench.net.vpn[0], "output"):
        outcome = bench.check()
        expect(outcome, "send", "error", "refused to send .* datagrams?; the route to", f"UDP to port {PORT} out")
        assert not severities(outcome[1], "warning") and outcome[0] == 1, outcome
        assert "one_way" not in outcome[1], outcome
        bench.net.vpn[0].run(f"nft insert rule inet t c udp dport {PORT} accept")
        assert bench.check()[0] == 0


# ---- the session ---------------------------------------------------------------------------------


def far_firewall(bench):
    """Nothing comes back, with a session and without."""
    bench.start()
    bench.net.vpn[0].ping(bench.net.sites[1].wg4)
    with filtered(bench.net.vpn[1], "input"):
        outcome = bench.check()
        if "echo" not in outcome[1]:  # else the far gateway happened to send something by itself
            expect(outcome, "handshake", "error", "one way only: .* sent to .*:8172, and nothing came back")
            expect(outcome, "session", "note", "nothing at all comes from its peer")
        assert outcome[0] == 1, outcome
        bench.net.gateway[0].stop()
        bench.net.gateway[0].up()
        expect(bench.check(), "handshake", "error", "^No session: .* nothing came back|no handshake was completed", "firewall there")


def mismatch(bench, one, two, name, pattern, hint="", number=0, severity="error"):
    bench.start(one, two)
    talk = bench.chatter()
    try:
        expect(bench.check(number), name, severity, pattern, hint)
    finally:
        talk.kill()


def cookie(bench):
    expected = bench.text(0, Pseudowire(cookies=("", "a1a2a3a4")))
    sent = bench.text(1, Pseudowire(cookies=("", "01020304")))
    mismatch(bench, expected, sent, "cookie", "frames of the peer had another cookie", "4 bytes")


def cookie_there(bench):
    """The far side drops ours: only silence is seen here, and the far side's check names it."""
    ours = bench.text(0, Pseudowire(cookies=("01020304", "")))
    theirs = bench.text(1, Pseudowire(cookies=("a1a2a3a4", "")))
    mismatch(bench, ours, theirs, "one_way", "One way only", "PeerCookie our Cookie .4 bytes.")
    expect(bench.check(1), "cookie", "error", "another cookie")


def session_id(bench):
    two = bench.text(1).replace("PeerSessionId = 3941", "PeerSessionId = 3999")
    mismatch(
        bench,
        None,
        two,
        "session_id",
        "peer sends session id 3999 .*SessionId here is 3941",
        "SessionId = 3999 here, or PeerSessionId = 3941 there",
    )


def sublayer_there_none(bench):
    two = bench.text(1, Pseudowire(sublayer="none"))
    mismatch(bench, None, two, "sublayer", "no L2-specific sublayer; here it is default")


def sublayer_here_none(bench):
    one = bench.text(0, Pseudowire(sublayer="none"))
    mismatch(bench, one, None, "sublayer", "default L2-specific sublayer; here it is none")


def sequence(bench):
    one = bench.text(0, Pseudowire(sequence="recv"))
    mismatch(bench, one, None, "sequence", "no sequence number; Sequence = recv here", "Sequence = send or both")


def ports(bench):
    two = bench.text(1).replace("UDPSourcePort = 1701", "UDPSourcePort = 1702")
    mismatch(bench, None, two, "ports", "from UDP port 1702 to 1701", "UDPDestinationPort = 1702")


def encapsulation(bench):
    two = bench.text(1, Pseudowire(encap="ip"))
    mismatch(bench, None, two, "encapsulation", "L2TP over IP; EncapsulationType here is udp")


def no_tunnel(bench):
    """Our packets meet no tunnel there: its kernel answers with an ICMP error."""
    one = bench.text(0).replace("UDPDestinationPort = 1701", "UDPDestinationPort = 1703")
    bench.start(one)
    expect(bench.check(), "no_tunnel", "error", "10.0.1.21 refuses our L2TP", "UDPSourcePort = 1703")


# ---- the host ------------------------------------------------------------------------------------


@contextlib.contextmanager
def member_port(node, is_now, was):
    """The port to the member is set like this for a moment."""
    node.run(f"ip link set eth1 {is_now}")
    try:
        yield
    finally:
        node.run(f"ip link set eth1 {was}")


def port_mtu(bench):
    bench.start()
    with member_port(bench.net.vpn[0], "mtu 1300", "mtu 1500"):
        expect(bench.check(), "port_mtu", "error", "eth1 has MTU 1300", "ip link set eth1 mtu")


def port_down(bench):
    bench.start()
    bench.net.gateway[0].insist("ip link set eth1 down", "down", "eth1")
    with member_port(bench.net.vpn[0], "down", "up"):
        expect(bench.check(), "port_down", "error", "eth1 of br-l2tp0 is down", "ip link set eth1 up")


def session_down(bench):
    bench.start()
    bench.net.gateway[0].insist("ip link set l2tpeth0 down", "down", "l2tpeth0")
    expect(bench.check(), "session", "error", "The interface l2tpeth0 is down")
    bench.net.vpn[0].run("ip link set l2tpeth0 up")
    bench.net.gateway[0].insist("ip link set l2tpeth0 nomaster", "port", "l2tpeth0")
    expect(bench.check(), "bridge", "error", "l2tpeth0 is in no bridge", "wirespan reload")


def far_session_out(bench):
    """The far end is in no bridge, and its host answers ARP all the same."""
    bench.start()
    bench.net.gateway[1].insist("ip link set l2tpeth0 nomaster", "port", "l2tpeth0")
    expect(bench.check(0), "far_bridge", "error", "10.0.1.21 answers on it.* a port of no bridge", "has a master")
    bench.net.vpn[1].run("ip link set l2tpeth0 master br-l2tp0")
    assert bench.check(0)[0] == 0


def far_port_disabled(bench):
    """A port is disabled by hand, without a spanning tree."""
    bench.start()
    bench.net.vpn[1].run("bridge link set dev l2tpeth0 state 0")
    expect(bench.check(0), "far_bridge", "error", "10.0.1.21 answers on it.* no host behind it answers", "and forwarding")
    outcome = bench.check(1)
    expect(outcome, "port_blocked", "error", "l2tpeth0 .* is disabled: its state was set by hand", "state 3")
    expect(outcome, "session", "ok", "The pseudowire works: .* its port here does not forward")
    bench.net.vpn[1].run("bridge link set dev l2tpeth0 state 3")
    assert bench.check(0)[0] == bench.check(1)[0] == 0


def follow_hint(bench, number, command, name, text, hint):
    """A command makes a fault, which the gateway `number` names; the command in the hint ends it. Return: what the
    other gateway found."""
    bench.start()
    gateway = bench.net.vpn[number]
    gateway.sh(command)
    outcome = bench.check(number)
    other = bench.check(1 - number)
    expect(outcome, name, "error", text, hint)
    found = next(f for f in outcome[1][name] if f["severity"] == "error")
    assert len(severities(outcome[1], "error")) == 1, outcome
    gateway.sh(re.search("`(bridge [^`]*)`", found["hint"]).group(1))
    assert bench.check(number)[0] == 0 and bench.check(1 - number)[0] == 0
    return other


def without_broadcasts(bench):
    """Both ends see it: there, since what a far host broadcasts does not come."""
    command = "bridge link set dev l2tpeth0 bcast_flood off"
    other = follow_hint(bench, 0, command, "host_drop", "(ARP).*sends no broadcasts", "bcast_flood on")
    expect(other, "member_broadcast", "error", "10.0.2.12, beyond l2tpeth0, .* broadcasts do not arrive", "`wirespan check` there")


def without_multicasts(bench):
    command = "bridge link set dev l2tpeth0 mcast_flood off"
    other = follow_hint(bench, 0, command, "host_drop", "(neighbour discovery).*no multicasts", "mcast_flood on")
    expect(other, "member_silent", "error", "answer with IPv4, but none with IPv6")


def forwarding_table(bench):
    """An entry that was made by hand sends what is for a far member to a port here."""
    mac = bench.net.member[1].mac("eth0")
    command = f"bridge fdb replace {mac} dev eth1 master static sticky"
    other = follow_hint(bench, 0, command, "host_drop", f"forwarding table of br-l2tp0 has {mac} on eth1", "fdb del")
    expect(other, "member_silent", "error", "10.0.2.12 answers this gateway, but not 10.0.2.22")


def foreign_tree(bench):
    """Bridges run the spanning tree protocol, which the files do not name; then there really is a second path."""
    bench.start()
    one, two = bench.net.vpn
    for gateway in bench.net.gateway:
        command = "ip link set br-l2tp0 type bridge forward_delay 200 hello_time 100 stp_state 1"
        gateway.insist(command, "stp", "br-l2tp0")
    outcome = bench.check(0)
    expect(outcome, "stp", "warning", "runs the spanning tree protocol, but", "If none are: `ip link set br-l2tp0")
    assert outcome[0] == 0 and "port_blocked" not in outcome[1], "ports that forward go on forwarding"
    veth(one, "eth2", two, "eth2")
    try:
        for vpn in (one, two):
            vpn.run("ip link set eth2 master br-l2tp0 up")
            vpn.run("bridge link set dev eth2 cost 1")

        def held():
            return [n for n in (0, 1) if "state blocking" in bench.net.vpn[n].run("bridge link show dev l2tpeth0").out]

        number = wait_for(held, 60, 0.5, "STP to block the pseudowire")[0]
        outcome = bench.check(number)
        expect(outcome, "port_blocked", "error", "l2tpeth0 .* is blocking: the bridge runs", "Write STP = yes .*every site")
        assert not any("STP = no" in f["hint"] for f in outcome[2]["findings"]), outcome
    finally:
        one.run("ip link del eth2")


def far_mtu(bench):
    """The far gateway's bridge refuses what does not fit its port: large packets vanish."""
    wire = Pseudowire(session_mtu=1500)
    bench.start(bench.text(0, wire), bench.text(1, wire))
    with member_port(bench.net.vpn[1], "mtu 1300", "mtu 1500"):
        outcome = bench.check(0, "--target", bench.net.sites[1].member4)
        expect(outcome, "full_size", "error", "more than 130[0-9] bytes do not pass, .* has MTU 1500")
        expect(bench.check(1), "port_mtu", "error", "eth1 has MTU 1300, the segment 1500")


def br_netfilter(bench):
    path = "/proc/sys/net/bridge/bridge-nf-call-iptables"
    if bench.net.vpn[0].run("test", "-e", path, check=False).status:
        raise Skip("this kernel has no br_netfilter")
    bench.start()
    bench.net.vpn[0].sh(f"echo 1 >{path}")
    try:
        outcome = bench.check()
        expect(outcome, "br_netfilter", "note", "rules")
        expect(outcome, "members", "ok", "through the filters of this host: ARP, IPv4.* and packets of 1500")
    finally:
        bench.net.vpn[0].sh(f"echo 0 >{path}")


def narrow_underlay(bench):
    """Something between the gateways carries 1400 bytes only, and sends no ICMP."""
    net = bench.net
    net.stop()
    with Node("middle") as middle:
        net.vpn[0].run("ip link del eth0")
        for site, vpn, port in zip(net.sites, net.vpn, ("p1", "p2")):
            veth(vpn, "eth0", middle, port)
            vpn.up("eth0", f"{site.underlay}/24")
            vpn.wire_like("eth0")
        middle.bridge("br0", "p1", "p2")
        for port in ("p1", "p2"):  # a bridge lets 4 bytes more pass
            middle.run("ip", "link", "set", port, "mtu", "1396")
        bench.start(bench.text(0, wg_mtu=1440), bench.text(1, wg_mtu=1440))
        outcome = bench.check()
        expect(outcome, "tunnel_mtu", "error", "Packets of 1440 bytes.* do not come back", "less than 1500 bytes")
        # 1286 would fit, but WireGuard fills up to 16 bytes where the MTU that it knows has room.
        expect(outcome, "size", "warning", "has 1274 bytes; 1386 were computed")
        bench.start()
        for gateway in net.gateway:
            wait_for(
                lambda g=gateway: 1278 <= g.status()["sessions"][0]["budget"] <= 1286, 60, 0.5, "the path's MTU"
            )
        outcome = bench.check()
        assert outcome[0] == 0, outcome
        expect(outcome, "path_mtu", "ok", "The path carries (139[2-9]|1400) bytes, measured")
        expect(outcome, "size", "ok", "has 12[78][0-9] bytes, as computed")
        expect(outcome, "full_size", "ok", "1500 bytes pass")
        net.stop()


@contextlib.contextmanager
def meanwhile(step):
    """Call `step()` over and over until the block is left."""
    stop = threading.Event()

    def repeat():
        while not stop.is_set():
            step()

    thread = threading.Thread(target=repeat)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def leak(bench):
    """The session's frames are repeated on the underlay, as by a wrong bridge: they are found there."""
    net = bench.net
    bench.start()
    with RawPort(net.vpn[0], "l2tpeth0", ignore_outgoing=False) as near, RawPort(net.vpn[0], "eth0") as far:

        def repeat():
            frame = near.receive(0.05)
            if frame is not None and len(frame) <= 1514:
                far.send(frame)

        with meanwhile(repeat):
            outcome = bench.check()
    expect(outcome, "clear", "error", "packets of the segment were seen in clear on eth0")


def fragments(bench):
    """Datagrams of the peer arrive in IP fragments: a router in between makes them."""
    net = bench.net
    bench.start()
    macs = [vpn.mac("eth0") for vpn in net.vpn]
    one, two = net.sites
    packet = frames.ipv4(two.underlay, one.underlay, frames.UDP, bytes(64), df=False, more=True)
    with RawPort(net.vpn[1], "eth0") as far:

        def send():
            far.send(frames.eth(macs[0], macs[1], 0x0800, packet))
            time.sleep(0.05)

        with meanwhile(send):
            outcome = bench.check()
    expect(outcome, "fragments", "error", "IP fragments were seen on eth0")


CASES = {
    "a healthy network is proven from both sides": healthy,
    "as text, and of all sites": healthy_text,
    "packets of 1500 bytes, in fragments inside the tunnel": full_size,
    "bridges without addresses": bare_bridge,
    "bridges without addresses, and members with IPv4 only": ip4_only,
    "members that answer no echo request": silent_members,
    "one card for underlay and members": one_card,
    "a second card in the members' network": second_card,
    "wrong usage, and a site that does not run": usage,
    "the peer is down": peer_down,
    "the peer is unplugged": peer_unplugged,
    "a wrong key of the peer": key_of_peer,
    "the peer has a wrong key of ours": key_of_ours,
    "preshared keys that differ": preshared,
    "a firewall on this host": firewall,
    "a firewall on this host, for what leaves": firewall_out,
    "a firewall on the other side": far_firewall,
    "a wrong cookie comes": cookie,
    "the far side drops ours": cookie_there,
    "a wrong session id": session_id,
    "no sublayer there": sublayer_there_none,
    "no sublayer here": sublayer_here_none,
    "no sequence numbers there": sequence,
    "other ports there": ports,
    "another encapsulation there": encapsulation,
    "no tunnel there": no_tunnel,
    "a bridge port with a small MTU": port_mtu,
    "a member's port is down": port_down,
    "the session is down, or out of the bridge": session_down,
    "the far session is out of the bridge": far_session_out,
    "a port is disabled by hand": far_port_disabled,
    "a port sends no broadcasts": without_broadcasts,
    "a port sends no multicasts": without_multicasts,
    "a wrong entry in the forwarding table": forwarding_table,
    "a spanning tree that the file does not want": foreign_tree,
    "a small MTU behind the far gateway": far_mtu,
    "br_netfilter is on": br_netfilter,
    "the segment leaks to the underlay": leak,
    "fragments on the underlay": fragments,
    "a narrow underlay": narrow_underlay,
}


def main():
    suite = Suite("check")
    box = {}
    if not suite.setup("the network", lambda: box.update(bench=Bench())):
        suite.finish()
    suite.diagnose_with(box["bench"].net.diagnostics)
    for name, case in CASES.items():
        suite.run(name, case, box["bench"])
    suite.finish()


if __name__ == "__main__":
    main()
