#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Filters that cut off a part of what members send, and losses: what wirespan check finds of them at both ends."""

import contextlib
import re

from faults_test import (
    FLUSH,
    SILENT,
    chain,
    commands,
    errors,
    expect,
    netfilter,
    run,
    text_of,
)
from lib.node import Node, veth
from lib.runner import wait_for


def try_filter(bench, script, here, there, cause="bridge t c"):
    """A filter on vpn01 that cuts off a part of what members send. `here` is the severity and a pattern of the finding at
    vpn01, whose advice ends the fault, or None; `there` the same with the word of the check before, as vpn02 sees it."""
    bench.shell(script)
    try:
        outcomes = bench.check()
        print(script, *("\n".join(f["text"] for f in errors(outcome[1])) for outcome in outcomes), sep="\n")
        for (status, findings), expected in zip(outcomes, (here, there and there[1:])):
            failed = expected is not None and expected[0] == "error"
            assert (status, bool(errors(findings))) == (int(failed), failed), text_of(outcomes[0][1] + outcomes[1][1])
        if there:
            silent = [f for f in outcomes[1][1] if f["check"] == there[0] and f["severity"] == there[1]]
            assert len(silent) == 1 and re.search(there[2], silent[0]["text"]), text_of(outcomes[1][1])
        found = [f for f in outcomes[0][1] if f["check"] == "host_drop"]
        assert [f["severity"] for f in found] == ([here[0]] if here else []), text_of(outcomes[0][1])
        for finding in found:
            assert re.search(f"{here[1]}.* Cause: .*{cause}", finding["text"]), finding
            for command in commands(finding["hint"]):
                bench.shell(command)
            again = bench.check()[0]
            assert again[0] == 0 and "host_drop" not in [f["check"] for f in again[1]], text_of(again[1])
    finally:
        bench.shell(f"{FLUSH}\n{netfilter(0)}")


BACK = r" .* and back; these pass: ARP, IPv4, IPv6"


def transports(bench):
    """A chain drops what carries TCP, or UDP, and echo requests pass: named here; there, where it may be the firewall of the
    host, check does not call it proved. Or the reverse, which cuts no host off."""

    def unanswered(severity, what):
        return ("member_silent", severity, f"answers echo requests of 10.0.2.22, but none of these: {what}. That they pass")

    for family, rule, here, there in (
        ("bridge", "meta l4proto tcp drop", r"\(TCP\)" + BACK, unanswered("warning", "TCP")),
        ("bridge", "meta l4proto udp drop", r"\(UDP\)" + BACK, unanswered("note", "UDP")),
        ("bridge", "ip protocol tcp drop", r"\(TCP over IPv4\)" + BACK, unanswered("warning", "TCP over IPv4")),
        ("bridge", "ip6 nexthdr tcp drop", r"\(TCP over IPv6\)" + BACK, unanswered("warning", "TCP over IPv6")),
        ("bridge", "ip6 nexthdr udp drop", r"\(UDP over IPv6\)" + BACK, unanswered("note", "UDP over IPv6")),
        ("ip6", "meta l4proto tcp drop", r"\(TCP over IPv6\)" + BACK, unanswered("warning", "TCP over IPv6")),
        ("bridge", "iifname l2tpeth0 tcp flags & (rst | ack) == (rst | ack) drop", r"\(TCP\) from l2tpeth0 to eth1;", None),
        # The answers have other ports: no connection is made.
        ("bridge", "meta l4proto tcp tcp dport != { 22, 443 } drop", r"\(TCP\)" + BACK, unanswered("warning", "TCP")),
    ):
        script = netfilter(int(family != "bridge")) + "\n" + chain(family, "forward", rule=rule)
        try_filter(bench, script, ("error", here), there, f"{family} t c")
    icmp = r"\(ICMP over IPv4, such as echo requests\) .* and back; these pass: ARP, IPv6, TCP over IPv4 and UDP over IPv4"
    try_filter(bench, chain("bridge", "forward", rule="ip protocol icmp drop"), ("warning", icmp), None)
    try_filter(bench, chain("bridge", "forward", rule="tcp flags & (syn | ack) == syn tcp dport != { 22, 443 } drop"), None, None)
    wait_for(bench.reach, what="the members")


def special_frames(bench):
    """A bridge chain drops frames that differ from others in one respect. What no host answers is seen here alone, and may
    be dropped on purpose."""
    silent = ("member_silent", "warning", "but none of these: fragments. That they pass")
    voice = ("member_silent", "error", r"10.0.2.12 answers this gateway, but not 10.0.2.22 \(packets marked EF\)")
    large6 = ("member_size", "error", "Packets of 1500 bytes over IPv6 from 10.0.2.22 get no answer from 10.0.2.12")
    for rule, severity, lost, there in (
        ("ip frag-off & 0x3fff != 0 drop", "error", "fragments", silent),
        ("ip frag-off & 0x1fff != 0 drop", "error", "fragments", silent),
        ("ip dscp ef drop", "error", "packets marked EF", voice),
        ("ip6 length > 1000 drop", "error", "packets of 1500 bytes over IPv6", large6),
        ("ip daddr 224.0.0.0/4 drop", "warning", "multicasts of IPv4", None),
        ("ether daddr ff:ff:ff:ff:ff:ff ether type ip drop", "warning", "broadcasts of IPv4", None),
        ("ether type vlan drop", "warning", "frames with a VLAN tag", None),
    ):
        try_filter(bench, chain("bridge", "forward", rule=rule), (severity, rf"\({lost}\)" + BACK), there)
    wait_for(bench.reach, what="the members")


def sizes(bench):
    """A filter drops packets of some sizes only: here, or on the underlay, which has longer ones."""
    there = r"Packets of 5[0-9]{2} to 6[0-9]{2} bytes from 10.0.2.22 get no answer from 10.0.2.12, beyond l2tpeth0; others do"
    here = r"\(packets of 5[0-9]{2} to 6[0-9]{2} bytes\) from eth1 to l2tpeth0 and back; others pass"
    rule = chain("bridge", "forward", rule="ip length 500-700 drop")
    try_filter(bench, rule, ("error", here), ("member_size", "error", there))
    bench.shell(chain("netdev", "ingress", "eth0", rule="udp length 400-700 drop"))
    try:
        for number, outcome in enumerate(bench.check()):
            pattern = r"Packets of [2-4][0-9]{2} to 5[0-9]{2} bytes from 10.0.2.[12]2 get no answer"
            finding = expect(outcome, f"vpn0{number + 1}", ("member_size", pattern))
            assert "on the underlay" in finding["hint"], finding
    finally:
        bench.shell(FLUSH)
    wait_for(bench.reach, what="the members")


def chance(bench):
    """This host loses a third of the frames, in one place or another: named here, and seen as loss there."""
    loss = "numgen random mod 3 0 drop"
    for script in (
        chain("bridge", "forward", rule=loss),
        chain("bridge", "prerouting", rule=f"iifname eth1 {loss}"),
        chain("netdev", "ingress", "eth1", rule=loss),
        chain("netdev", "ingress", "l2tpeth0", rule=loss),
        chain("netdev", "egress", "l2tpeth0", rule=loss),
        chain("netdev", "egress", "eth1", rule=loss),
    ):
        bench.shell(script)
        try:
            outcomes = bench.check()
            finding = expect(outcomes[0], "vpn01", ("host_drop", "loses members' frames by chance: .*Cause: .* t c"))
            print(finding["text"], "->", finding["hint"])
            if not outcomes[1][0]:
                outcomes[1] = bench.check()[1]  # by chance one try in 100 loses less than a fifth
            expect(outcomes[1], "vpn02", (f"{SILENT}|member_size", ""))
            for command in commands(finding["hint"]):
                bench.shell(command)
            again = bench.check()[0]
            assert again[0] == 0 and "host_drop" not in [f["check"] for f in again[1]], text_of(again[1])
        finally:
            bench.shell(FLUSH)
    wait_for(bench.reach, what="the members")


@contextlib.contextmanager
def third_host(bench):
    """A further host beside member01, behind a switch. Yields its Ethernet address."""
    near, site = bench.net.member[0], bench.net.sites[0]
    addresses = (f"{site.member4}/24", f"{site.member6}/64")
    with Node("member03") as third:
        veth(near, "x0", third, "eth0")
        near.sh("ip link set x0 up; ip address flush dev eth0 scope global")
        near.bridge("lan0", "eth0", "x0")
        near.up("lan0", *addresses)
        third.up("eth0", "10.0.2.13/24", "fd00:2::13/64")
        try:
            wait_for(bench.reach, what="the members")
            wait_for(lambda: third.ping(bench.net.sites[1].member4, count=1, timeout=1).ok, what="the third host")
            yield third.mac("eth0")
        finally:
            near.run("ip link delete lan0")
            near.up("eth0", *addresses)
    wait_for(bench.reach, what="the members")


def one_of_hosts(bench):
    """A filter drops frames of one host, or for it, and the others of its site can talk: named, although another host of
    that port may be the one that is tried with all kinds of frames."""
    with third_host(bench) as mac:
        for rule, lost in (
            (f"ether saddr {mac} drop", r"frames of 10.0.2.13 \(ARP, IPv4 and IPv6\) from eth1 to l2tpeth0; those of 10.0.2.12"),
            (f"ether daddr {mac} drop", r"frames for 10.0.2.13 \(ARP, IPv4 and IPv6\) from l2tpeth0 to eth1; those for 10.0.2.12"),
            (f"ether daddr {mac} ether type ip drop", r"frames for 10.0.2.13 \(IPv4\) from l2tpeth0 to eth1; those for 10.0.2.12"),
        ):
            bench.shell(chain("bridge", "forward", rule=rule))
            try:
                finding = expect(bench.check()[0], "vpn01", ("host_drop", f"({lost} pass|members' frames).* Cause: .*bridge t c"))
                print(finding["text"], "->", finding["hint"])
                for command in commands(finding["hint"]):
                    bench.shell(command)
                again = bench.check()[0]
                assert again[0] == 0 and "host_drop" not in [f["check"] for f in again[1]], text_of(again[1])
            finally:
                bench.shell(FLUSH)


CASES = {
    "a bridge chain drops one transport protocol": transports,
    "a bridge chain drops special frames": special_frames,
    "a filter of packet sizes": sizes,
    "frames lost by chance": chance,
    "a filter drops the frames of one host of several": one_of_hosts,
}

if __name__ == "__main__":
    run("filters", CASES)
