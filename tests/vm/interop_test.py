#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""wirespan as vpn01 with an unmodified Linux kernel as vpn02, with a member behind each.

    member01 node ── vpn01 node: wirespan ── tap eth0 │ guest: eth0, wg0, l2tpeth0, br-l2tp0 ── member02 netns

One guest serves all variants: its manually configured gateway is removed and set up again for each.
"""

import json
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from lib.capture import Capture, check_underlay, is_wireguard
from lib.node import Node, need_root, veth
from lib.pings import Pings
from lib.reference import (
    PORT,
    Pseudowire,
    handmade_commands,
    handmade_removal,
    make_sites,
    new_key,
    wirespan_conf,
)
from lib.runner import Suite, patience, wait_for
from lib.wirespan import Gateway, find_binary
from vm.guest import Guest

REKEY_SECONDS = 130  # REKEY_AFTER_TIME is 120 s

GUEST_GROUND = """
ip netns add member02
ip -n member02 link set lo up
ip link add eth1 type veth peer name eth0 netns member02
ip link set eth1 up
ip -n member02 link set eth0 up
ip -n member02 addr add {two.member4}/24 dev eth0
ip -n member02 addr add {two.member6}/64 dev eth0 nodad
ip addr add {two.underlay}/24 dev eth0
ip link set eth0 up
"""

GUEST_STATE = """
wg show
ip -s link show wg0
ip -s link show l2tpeth0
ip l2tp show tunnel
ip l2tp show session
dmesg | tail -5
"""


class Bench:
    """The guest, the nodes and both gateways."""

    def __init__(self):
        need_root()
        find_binary()
        self.one, self.two = make_sites()
        self.vpn, self.member = Node("vpn01"), Node("member01")
        veth(self.vpn, "eth1", self.member, "eth0")
        self.vpn.up("eth1")
        self.member.up("eth0", f"{self.one.member4}/24", f"{self.one.member6}/64")
        self.guest = Guest(nics=[(self.vpn, "eth0")])
        print(f"  kernel {self.guest.release}, ready after {self.guest.boot_seconds:.1f} s")
        self.vpn.up("eth0", f"{self.one.underlay}/24")
        self.gateway = Gateway(self.vpn, "vpn01")
        self.guest.sh(GUEST_GROUND.format(two=self.two))
        self.guest.write("/tmp/vpn02.key", self.two.private)

    def up(self, wire, call_from_guest=True, call_from_here=True, **options):
        """Recreate both gateways. call_from_*: that side knows the other's endpoint from the start.

        The side without an endpoint comes up first: a lost initiation is repeated only after 5 s.
        """
        if self.gateway.pids():
            self.gateway.stop()
        self.guest.sh(handmade_removal(self.two))
        if wire.preshared:
            self.guest.write("/tmp/vpn02.psk", wire.preshared)
        commands = handmade_commands(self.two, self.one, wire, endpoint=call_from_guest)
        self.gateway.configure(wirespan_conf(self.one, self.two, wire, endpoint=call_from_here, **options))
        if not call_from_here:
            self.gateway.up()
        self.guest.sh(commands + "ip -n member02 neigh flush all")
        self.member.run("ip neigh flush all")
        if call_from_here:
            self.gateway.up()

    def from_here(self, what="member01 to member02", **options):
        result = self.member.ping(self.two.member4, **options)
        assert result.ok, f"{what}: {result.out}"

    def from_guest(self, what="member02 to member01", **options):
        result = self.guest.ping(self.one.member4, netns="member02", **options)
        assert result.ok, f"{what}: {result.out}"

    def diagnostics(self):
        parts = [f"--- vpn01: log\n{self.gateway.log_text()}"]
        parts.append(self.vpn.run("ip -s addr", check=False).out)
        parts.append(self.gateway.run("status", self.gateway.conf, check=False).out)
        parts.append("--- guest\n" + self.guest.sh(GUEST_STATE, check=False).out)
        return "\n".join(parts)


def variant(bench, wire):
    bench.up(wire)
    bench.from_here(count=3)
    bench.from_guest()
    largest = min(wire.largest_packet(1), wire.largest_packet(2))
    bench.from_here(f"{largest} bytes, DF", count=1, size=largest - 28, dont_fragment=True)
    bench.from_guest(f"{largest} bytes, DF", count=1, size=largest - 28, dont_fragment=True)


def plain(bench):
    """All paths of the reference network once with the kernel, with a check of the underlay."""
    variant(bench, Pseudowire())
    with Capture(bench.vpn, "eth0") as capture:
        bench.from_here()
        for sender, target, what in (
            (bench.member, bench.two.member6, "member to member, IPv6"),
            (bench.member, bench.two.bridge4, "member to the far bridge"),
            (bench.vpn, bench.two.wg4, "gateway to the far wg0"),
            (bench.vpn, bench.two.wg6, "gateway to the far wg0, IPv6"),
        ):
            assert sender.ping(target).ok, what
        assert bench.guest.ping(bench.one.wg4).ok, "the kernel's gateway to our wg0"
        assert bench.guest.ping(bench.one.bridge4, netns="member02").ok, "member02 to our bridge"
        assert bench.guest.ping(bench.one.member6, netns="member02").ok, "member02 to member01, IPv6"
        check_underlay(capture.stop(), ports=(PORT,), mtu=1500)
    entry = json.loads(bench.member.run("ip", "-j", "neigh", "show", bench.two.member4).out)[0]
    theirs = bench.guest.sh("ip -n member02 -o link show dev eth0").out.split("link/ether ")[1].split()[0]
    assert entry["lladdr"] == theirs, "one segment: members see each other's own MAC addresses"


def handshakes_here(capture):
    """Return: the senders of the captured initiations."""
    return [p.src for p in capture.stop() if is_wireguard(p, (PORT,)) and p.payload[0] == 1]


def wirespan_initiates(bench):
    with Capture(bench.vpn, "eth0") as capture:
        bench.up(Pseudowire(), call_from_guest=False)
        bench.from_here("the first packet starts the handshake", count=1)
        bench.from_guest()
        assert set(handshakes_here(capture)) == {bench.one.underlay}


def kernel_initiates(bench):
    with Capture(bench.vpn, "eth0") as capture:
        bench.up(Pseudowire(), call_from_here=False)
        bench.from_guest("the first packet starts the handshake", count=1)
        bench.from_here()
        assert set(handshakes_here(capture)) == {bench.two.underlay}


def kernel_fragments(bench, wire):
    """l2tpeth0 at MTU 1500 in the kernel: larger frames cross in fragments inside the tunnel."""
    bench.up(wire)
    with Capture(bench.vpn, "eth0") as capture:
        bench.from_here("1500 bytes, DF", count=3, size=1472, dont_fragment=True)
        bench.from_guest("1500 bytes, DF", count=3, size=1472, dont_fragment=True)
        bench.from_here("20000 bytes", count=2, size=20000)
        bench.from_guest("20000 bytes", count=2, size=20000)
        check_underlay(capture.stop(), ports=(PORT,), mtu=1500)


def path_is_measured(bench):
    """The kernel answers our probes like any ping: status shows it, and the result is exact."""
    bench.gateway.env = {"WIRESPAN_OPTIONS": "no-gso"}  # netfilter below would see whole trains
    bench.up(Pseudowire(session_mtu=1500))
    bench.gateway.env = {}
    bench.from_here(count=1)

    def path():
        return bench.gateway.status()["peers"][0]["path"]

    wait_for(lambda: path()["state"] == "complete", 10, what="answers to the first probes")
    assert path()["mtu"] == 1500 and path()["answers"] >= 1, path()
    # A path with a smaller MTU, without ICMP errors.
    bench.vpn.sh(
        "nft add table ip narrow\n"
        "nft add chain ip narrow out '{ type filter hook postrouting priority 0; }'\n"
        "nft add rule ip narrow out oifname eth0 ip length gt 1420 drop"
    )
    try:
        end = time.monotonic() + patience(30)
        while path()["mtu"] != 1420 or path()["state"] != "complete":
            assert time.monotonic() < end, path()
            bench.member.ping(bench.two.member4, count=3, size=1472, dont_fragment=True, timeout=1)
        assert path()["black_holes"] == 1, path()
        bench.from_here("1500 bytes, DF, after the MTU decreased", count=3, size=1472, dont_fragment=True)
    finally:
        bench.vpn.run("nft delete table ip narrow")


def bulk(bench, member_mtu):
    """TCP in both directions for two seconds: each side understands the other's segments.

    Members at MTU 1500 and a kernel that clamps nothing: our clamping suffices for both directions.
    """
    bench.up(Pseudowire())
    bench.member.run("ip", "link", "set", "eth0", "mtu", str(member_mtu))
    bench.guest.sh(
        f"ip -n member02 link set eth0 mtu {member_mtu}\n"
        "ip netns exec member02 iperf3 -s >/tmp/iperf.log 2>&1 & echo $! >/tmp/iperf.pid"
    )
    for name, extra in (("to the kernel", []), ("from the kernel", ["-R"])):
        # The server reopens its port between two tests, which takes a while on an emulated CPU.
        listening = "ip netns exec member02 grep -c ':1451 0*:0000 0A' /proc/net/tcp6 || true"
        wait_for(lambda: bench.guest.sh(listening).out.strip() == "1", what="the iperf3 server in the guest")
        words = ["iperf3", "-J", "-C", "cubic", "-t", "2", "-c", bench.two.member4, *extra]
        out = bench.member.run(*words, check=False, timeout=30).out
        report = json.loads(out)
        log = bench.guest.sh("cat /tmp/iperf.log").out
        assert "error" not in report, f"{name}: {report['error']}\n{log}"
        received = report["end"]["sum_received"]["bytes"]
        print(f"  {name}: {received / 1e6:.1f} MB in 2 s (an emulated CPU at the other end)")
        assert received > 10_000, f"{name}: {received} bytes"
    bench.guest.sh("kill $(cat /tmp/iperf.pid)")


def check(bench):
    """`wirespan check` confirms the LAN connection to a kernel, and reports mismatched settings."""

    def ask(wire, status, name, words, change=("", "")):
        bench.up(wire)
        if change[0]:
            bench.gateway.stop()
            text = wirespan_conf(bench.one, bench.two, wire)
            assert change[0] in text
            bench.gateway.configure(text.replace(*change))
            bench.gateway.up()
        job = f"ip netns exec member02 ping -n -q -i 0.3 -c 60 {bench.one.member4} >/dev/null 2>&1 &"
        bench.guest.sh(job)
        result = bench.gateway.run("check", "--json", bench.gateway.conf, check=False, timeout=60)
        report = json.loads(result.out)
        found = [f["text"] for f in report["findings"] if f["check"] == name]
        assert any(words in text for text in found), f"{name}: {words!r} not in {result.out}"
        assert result.status == status, f"exit status {result.status}: {result.out}"
        return report

    large = Pseudowire(session_mtu=1500)
    report = ask(large, 0, "full_size", "1500 bytes pass with don't-fragment set, in fragments")
    session = report["sessions"][0]
    assert session["largest_whole"] == session["computed"] == 1386, session
    ask(Pseudowire(), 1, "full_size", "bytes do not pass, although l2tpeth0 has MTU 1500")
    ask(large, 1, "session_id", "The peer sends session id 3941", ("\nSessionId = 3941", "\nSessionId = 3999"))
    ask(large, 1, "sequence", "no sequence number", ("Sequence = none", "Sequence = recv"))
    keyed = Pseudowire(session_mtu=1500, cookies=("", "a1a2a3a4"))
    ask(keyed, 1, "cookie", "another cookie", ("PeerCookie = a1a2a3a4", "PeerCookie = a1a2a3a5"))


def across_rekey(bench):
    """A steady stream each way for longer than REKEY_AFTER_TIME: a second handshake, and no packet is lost."""
    bench.up(Pseudowire())
    bench.from_here(count=1)
    with Capture(bench.vpn, "eth0") as capture:
        count = REKEY_SECONDS * 10
        job = f"ip netns exec member02 ping -n -q -i 0.1 -c {count} {bench.one.member4} >/tmp/ping.out 2>&1 &"
        bench.guest.sh(job)
        pings = Pings(bench.member, bench.two.member4, size=1000)
        time.sleep(REKEY_SECONDS)
        lost = pings.lost()
        there = wait_for(
            lambda: bench.guest.sh("grep received /tmp/ping.out || true").out, 30, 1, "the guest's pings"
        )
        initiations = handshakes_here(capture)
    assert not lost, f"echoes {lost} were lost"
    assert f"{count} packets transmitted, {count} received" in there, there
    assert initiations, f"no new handshake within {REKEY_SECONDS} s"
    assert len(initiations) <= 3, f"{len(initiations)} initiations for one rekey"


VARIANTS = {
    "cookies of 4 bytes": Pseudowire(cookies=("01020304", "a1a2a3a4")),
    "cookies of 8 bytes": Pseudowire(cookies=("0102030405060708", "a1a2a3a4a5a6a7a8")),
    "cookies of 4 and 8 bytes": Pseudowire(cookies=("01020304", "a1a2a3a4a5a6a7a8")),
    "sublayer none": Pseudowire(sublayer="none"),
    "sequence numbers both ways": Pseudowire(sequence="both"),
    "IPv6 inside": Pseudowire(family=6),
    "encapsulation ip": Pseudowire(encap="ip"),
    "encapsulation ip, IPv6 inside": Pseudowire(encap="ip", family=6),
    "preshared key": Pseudowire(preshared=new_key()),
}


def main():
    suite = Suite("interop")
    box = {}
    if not suite.setup("a stock kernel boots as vpn02", lambda: box.update(bench=Bench())):
        suite.finish()
    bench = box["bench"]
    suite.diagnose_with(bench.diagnostics)
    suite.run("plain", plain, bench)
    suite.run("wirespan initiates", wirespan_initiates, bench)
    suite.run("the kernel initiates", kernel_initiates, bench)
    for name, wire in VARIANTS.items():
        suite.run(name, variant, bench, wire)
    suite.run(
        "the kernel fragments (l2tpeth0 at 1500)", kernel_fragments, bench, Pseudowire(session_mtu=1500)
    )
    suite.run(
        "the kernel fragments, IPv6 inside", kernel_fragments, bench, Pseudowire(session_mtu=1500, family=6)
    )
    suite.run("the kernel answers our probes", path_is_measured, bench)
    suite.run("TCP both ways", bulk, bench, 1386)
    suite.run("TCP both ways, members at 1500 and unconfigured", bulk, bench, 1500)
    suite.run("check to a kernel", check, bench)
    suite.run(f"streams both ways across a rekey ({REKEY_SECONDS} s)", across_rekey, bench)
    suite.finish()


if __name__ == "__main__":
    main()
