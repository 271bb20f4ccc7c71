#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The reference network with wirespan at both ends: everything an Ethernet segment carries arrives.

The underlay is captured from the first frame on; a late case judges all of it.
"""

import json
import os
import socket
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from lib import frames
from lib.capture import Capture, RawPort, check_underlay, is_wireguard, read_pcap
from lib.network import Reference
from lib.node import need_root
from lib.reference import PORT, Pseudowire
from lib.runner import Suite, patience, wait_for
from lib.wirespan import find_binary

MARK = b"wirespan test frame, in clear on no underlay"


class Bench:
    """The running network and what all cases share."""

    def __init__(self):
        need_root()
        find_binary()
        self.net = Reference()
        self.net.up()
        # Not before: a call into the void is answered by the other kernel, with an ICMP error of its own.
        self.capture = Capture(self.net.vpn[0], "eth0")
        self.mac = [member.mac("eth0") for member in self.net.member]


def first_ping(bench):
    """The very first packet starts the handshake and is not lost."""
    net = bench.net
    assert net.member[0].ping(net.sites[1].member4, count=1).ok


def pings(bench):
    net = bench.net
    one, two = net.sites
    for sender, target, what in (
        (net.member[0], two.member4, "member01 to member02"),
        (net.member[1], one.member4, "member02 to member01"),
        (net.member[0], two.bridge4, "member01 to the far bridge"),
        (net.member[1], one.bridge4, "member02 to the far bridge"),
        (net.member[0], one.bridge4, "member01 to its own bridge"),
        (net.vpn[0], two.bridge4, "bridge to bridge"),
        (net.vpn[0], two.member4, "vpn01 to member02"),
        (net.vpn[0], two.wg4, "vpn01 to the far wg0"),
        (net.vpn[1], one.wg4, "vpn02 to the far wg0"),
        (net.member[0], two.member6, "member01 to member02, IPv6"),
        (net.member[1], one.member6, "member02 to member01, IPv6"),
        (net.member[0], two.bridge6, "member01 to the far bridge, IPv6"),
        (net.vpn[0], two.wg6, "vpn01 to the far wg0, IPv6"),
    ):
        result = sender.ping(target, count=3)
        assert result.ok, f"{what}: {result.out}"


def neighbours(bench):
    """ARP and neighbour discovery from scratch; the answers name the member, not a gateway."""
    net = bench.net
    net.forget_neighbours()
    for target in (net.sites[1].member4, net.sites[1].member6):
        assert net.member[0].ping(target).ok
        entry = json.loads(net.member[0].run("ip", "-j", "neigh", "show", target).out)[0]
        assert entry["lladdr"] == bench.mac[1], entry
    net.member[1].settle()
    link_local = (
        net.member[1].run("ip -6 -o addr show dev eth0 scope link").out.split("inet6 ")[1].split("/")[0]
    )
    assert net.member[0].ping(f"{link_local}%eth0").ok, "link-local"


def arp_unchanged(bench):
    net = bench.net
    ask = frames.arp(1, bench.mac[0], net.sites[0].member4, "00:00:00:00:00:00", net.sites[1].member4)
    with RawPort(net.member[0], "eth0") as near, RawPort(net.member[1], "eth0") as far:
        frame = frames.eth(frames.BROADCAST, bench.mac[0], frames.ETH_ARP, ask + bytes(18))
        near.send(frame)
        assert far.expect(lambda p: p.ethertype == frames.ETH_ARP) == frame, "padding included"
        answer = near.expect(lambda p: p.ethertype == frames.ETH_ARP and p.l3[7] == 2)
        assert answer and frames.mac_text(answer[22:28]) == bench.mac[1]


def check_frames(bench, table):
    """Each frame, sent by either member, arrives at the other one byte for byte, once."""
    net = bench.net
    for sender in (0, 1):
        with RawPort(net.member[sender], "eth0") as near, RawPort(net.member[1 - sender], "eth0") as far:
            for name, build in table.items():
                frame = build(bench.mac[sender], bench.mac[1 - sender])
                near.send(frame)
                got = far.expect(lambda p, frame=frame: p.frame == frame)
                assert got, f"{name}, from member0{sender + 1}: did not arrive as it was sent"
                again = far.expect(lambda p, frame=frame: p.frame == frame, timeout=0.05)
                assert not again, f"{name}, from member0{sender + 1}: arrived twice"


def kinds_of_frames(bench):
    def plain(destination, ethertype=0x88B5, payload=MARK):
        return lambda src, dst: frames.eth(destination or dst, src, ethertype, payload)

    check_frames(
        bench,
        {
            "broadcast": plain(frames.BROADCAST),
            "IPv4 multicast": plain("01:00:5e:00:00:fb"),
            "IPv6 multicast": plain("33:33:00:00:00:fb"),
            "unicast of an unknown type": plain(None),
            "another unknown type": plain(None, 0x9999),
            "LLC (a length for a type)": plain(None, len(MARK)),
            "PPPoE discovery": plain(frames.BROADCAST, 0x8863),
            "MPLS": plain(None, 0x8847),
            "LLDP to the non-bridge group": plain("01:80:c2:00:00:1e", 0x88CC),
            "shortest": plain(None, 0x88B5, b""),
            "one byte": plain(None, 0x88B5, b"x"),
            "60 bytes": plain(None, 0x88B5, bytes(46)),
            "odd length": plain(None, 0x88B5, bytes(777)),
            "longest": plain(None, 0x88B5, bytes(1386)),
            "IPv4 with garbage behind": plain(None, 0x0800, bytes([0x45]) + os.urandom(99)),
            "IPv6 cut short": plain(None, 0x86DD, bytes([0x60]) + bytes(7)),
        },
    )


def tagged_frames(bench):
    def tagged(*tags, size=100, dst_mac=None):
        return lambda src, dst: frames.eth(
            dst_mac or dst, src, 0x88B5, (MARK + bytes(size))[:size], tags=tags
        )

    ctag, stag = frames.ETH_8021Q, frames.ETH_QINQ
    check_frames(
        bench,
        {
            "802.1Q": tagged((ctag, 42)),
            "802.1Q with priority and DEI": tagged((ctag, 0xF02A)),
            "802.1Q, vlan 0 (priority only)": tagged((ctag, 0x6000)),
            "802.1Q, vlan 4095": tagged((ctag, 4095)),
            "802.1Q broadcast": tagged((ctag, 42), dst_mac=frames.BROADCAST),
            "802.1ad": tagged((stag, 7)),
            "QinQ": tagged((stag, 7), (ctag, 42)),
            "802.1Q twice": tagged((ctag, 7), (ctag, 42)),
            "three tags": tagged((stag, 7), (ctag, 42), (ctag, 43)),
            "802.1Q at the full size": tagged((ctag, 42), size=1386),
            "QinQ at the full size": tagged((stag, 7), (ctag, 42), size=1382),
        },
    )


def tagged_ip(bench):
    """IPv4, IPv6 and TCP under tags: what the engine reads into is still not touched."""
    a, b = "10.77.0.1", "10.77.0.2"
    a6, b6 = "fd77::1", "fd77::2"
    ctag, stag = frames.ETH_8021Q, frames.ETH_QINQ
    tcp4 = frames.ipv4(a, b, frames.TCP, frames.tcp(a, b, 1, 2, 1000, 0, 0x18, MARK))
    udp4 = frames.ipv4(a, b, frames.UDP, frames.udp(a, b, 1, 2, MARK))
    tcp6 = frames.ipv6(a6, b6, frames.TCP, frames.tcp(a6, b6, 1, 2, 1000, 0, 0x18, MARK))
    table = {}
    for name, kind, packet in (
        ("TCP/IPv4", 0x0800, tcp4),
        ("UDP/IPv4", 0x0800, udp4),
        ("TCP/IPv6", 0x86DD, tcp6),
    ):
        for tags_name, tags in (("no tag", ()), ("802.1Q", ((ctag, 42),)), ("QinQ", ((stag, 7), (ctag, 42)))):
            table[f"{name}, {tags_name}"] = lambda src, dst, k=kind, p=packet, t=tags: frames.eth(
                dst, src, k, p, tags=t
            )
    check_frames(bench, table)


def bad_checksums(bench):
    """A wrong checksum arrives exactly as wrong as it was."""
    a, b = "10.77.0.1", "10.77.0.2"
    a6, b6 = "fd77::1", "fd77::2"
    broken_head = bytearray(frames.ipv4(a, b, frames.UDP, frames.udp(a, b, 1, 2, MARK)))
    broken_head[10] ^= 0x55
    table = {
        "TCP/IPv4": (
            0x0800,
            frames.ipv4(a, b, frames.TCP, frames.tcp(a, b, 1, 2, 5, 0, 0x18, MARK, bad=True)),
        ),
        "UDP/IPv4": (0x0800, frames.ipv4(a, b, frames.UDP, frames.udp(a, b, 1, 2, MARK, bad=True))),
        "TCP/IPv6": (
            0x86DD,
            frames.ipv6(a6, b6, frames.TCP, frames.tcp(a6, b6, 1, 2, 5, 0, 0x18, MARK, bad=True)),
        ),
        "IPv4 header": (0x0800, bytes(broken_head)),
    }
    check_frames(
        bench,
        {
            name: lambda src, dst, k=kind, p=packet: frames.eth(dst, src, k, p)
            for name, (kind, packet) in table.items()
        },
    )


def bad_checksum_among_good(bench):
    """A run of TCP segments that could be merged, one of them corrupt: it is neither repaired nor merged in."""
    net = bench.net
    a, b = "10.77.0.1", "10.77.0.2"
    sent = []
    for number in range(8):
        body = bytes([number]) * 1000
        segment = frames.tcp(a, b, 1, 2, 1000 + 1000 * number, 0, 0x10, body, bad=number == 4)
        sent.append(
            frames.eth(
                bench.mac[1], bench.mac[0], 0x0800, frames.ipv4(a, b, frames.TCP, segment, ident=number)
            )
        )
    with RawPort(net.member[0], "eth0") as near, RawPort(net.member[1], "eth0") as far:
        for frame in sent:
            near.send(frame)
        payloads = {}
        for _ in range(64):
            frame = far.receive(0.3)
            if frame is None:
                break
            packet = frames.Packet(frame)
            if packet.src != a:
                continue
            length = int.from_bytes(packet.l3[2:4], "big")
            seq = int.from_bytes(packet.l3[24:28], "big")
            corrupt_bytes = packet.payload.count(4)
            if corrupt_bytes:
                assert length == 1040 and frame == sent[4], "the corrupt segment travels alone and unchanged"
            payloads[seq] = packet.payload
        joined = b"".join(payloads[seq] for seq in sorted(payloads))
        assert joined == b"".join(bytes([n]) * 1000 for n in range(8)), "every byte arrives once, in order"


def expect_messages(bench, ping, expected, what):
    """One `ping()` takes exactly this many WireGuard data messages, keepalives left out.

    Hosts talk by themselves now and then, for some seconds after their start (neighbour discovery, groups, probes of
    the path), which only adds: one undisturbed try is enough, and fewer than expected is wrong at once.
    """
    end = time.monotonic() + patience(30)
    sizes = None
    while sizes is None or (len(sizes) > expected and time.monotonic() < end):
        with Capture(bench.net.vpn[0], "eth0") as capture:
            assert ping().ok
            seen = capture.stop()
        guarded = (p.payload for p in seen if is_wireguard(p, (PORT,)))
        sizes = [len(data) for data in guarded if data[0] == 4 and len(data) > 32]
    assert len(sizes) == expected, f"{what}: messages of {sizes} bytes instead of {expected}"


def exact_size(bench):
    """The computed size is exact: it travels whole, one byte more would not, and is refused where an MTU stands.

    Members keep 1500: what is one byte longer than the computed size is carried in fragments inside the tunnel, up
    to 1500 bytes; and no member can send more.
    """
    net = bench.net
    one, two = net.sites
    largest = Pseudowire().largest_packet(1)
    mtu = json.loads(net.vpn[0].run("ip -j link show dev l2tpeth0").out)[0]["mtu"]
    assert largest == 1386 and mtu == 1500, f"l2tpeth0 has MTU {mtu}, the ladder gives {largest}"
    for sender, target in ((net.member[0], two.member4), (net.member[1], one.member4)):

        def ping(more=0, sender=sender, target=target):
            return sender.ping(target, count=1, size=largest + more - 28, dont_fragment=True, timeout=1)

        assert ping().ok
        expect_messages(bench, ping, 2, "the computed size travels whole, one message each way")
        expect_messages(bench, lambda: ping(1), 4, "one byte more takes two messages each way")
        expect_messages(bench, lambda: ping(1500 - largest), 4, "1500 bytes take two messages each way")
        assert not ping(1501 - largest).ok, "1501 bytes do not leave a member"
    result = net.vpn[0].ping(two.member4, count=1, size=1501 - 28, dont_fragment=True)
    assert (
        not result.ok and "too long" in result.out.lower()
    ), f"from the bridge one more is refused at once: {result.out}"
    assert net.vpn[0].ping(two.wg4, size=1440 - 28, dont_fragment=True).ok, "wg0 carries 1440"
    result = net.vpn[0].ping(two.wg4, count=1, size=1440 - 27, dont_fragment=True)
    assert not result.ok and "too long" in result.out.lower(), f"wg0 refuses 1441: {result.out}"


def learning(bench):
    """Unicast goes only where its owner was learned: each far bridge port knows the other member."""
    net = bench.net
    assert net.member[0].ping(net.sites[1].member4).ok
    for number in (0, 1):
        shown = net.vpn[number].run("bridge fdb show br br-l2tp0").out
        line = next((line for line in shown.splitlines() if line.startswith(bench.mac[1 - number])), "")
        assert "dev l2tpeth0" in line, f"vpn0{number + 1} learned member0{2 - number} elsewhere: {line!r}"


def udp_counter(node, name):
    """Return: a counter of the node's own UDP sockets."""
    head, values = (
        line.split() for line in node.run("cat /proc/net/snmp").out.splitlines() if line.startswith("Udp:")
    )
    return int(values[head.index(name)])


def check_udp_loss(net, total):
    """Nothing is lost, but by the receiving program itself when it is not given the CPU in time."""
    engine = udp_counter(net.vpn[1], "RcvbufErrors")
    program = udp_counter(net.member[1], "RcvbufErrors")
    lost = total["lost_packets"]
    assert lost <= program, f"{lost} lost, {program} of them by iperf3, {engine} by the far gateway's socket"


def engine_work(net):
    """Return: system calls and packets of each gateway's data path so far."""
    engines = [gateway.status()["engine"] for gateway in net.gateway]
    return [(e["syscalls"], e["segments_tx"] + e["segments_rx"]) for e in engines]


def check_batches(before, after):
    """No system call per packet: the sender's are few, the receiver's with its ACKs, too."""
    for side, (calls0, packets0), (calls1, packets1) in zip(("here", "there"), before, after):
        calls, packets = calls1 - calls0, packets1 - packets0
        print(f"  {side}: {calls} system calls for {packets} packets")
        assert packets > 100 and calls < packets / 2, f"{side}: {calls} calls for {packets} packets"


def transfers(bench):
    """iperf3 both ways, TCP and UDP, for a second each: it flows, and strictly inside WireGuard."""
    net = bench.net
    for member in net.member:
        member.run("ip", "link", "set", "eth0", "mtu", str(Pseudowire().largest_packet(1)))
    with tempfile.NamedTemporaryFile(suffix=".pcap") as file:
        # At this rate only foreign packets are captured: the filter names what may pass.
        allowed = f"not arp and not ip6 and not (udp port {PORT} and ip[6:2] & 0x3fff = 0)"
        dump = net.vpn[0].popen(
            "tcpdump", "-Z", "root", "-U", "-i", "eth0", "-w", file.name, allowed, stderr=-3
        )
        server = net.member[1].popen("iperf3", "-s", stdout=-3, stderr=-3)
        wait_for(lambda: "5201" in net.member[1].run("ss -ltn").out, what="the iperf3 server")
        for name, words in {
            "TCP": ["-C", "cubic"],
            "TCP, reverse": ["-C", "cubic", "-R"],
            "four streams": ["-C", "cubic", "-P", "4"],
            "UDP": ["-u", "-b", "20M", "-l", "1300"],
        }.items():
            before = engine_work(net)
            result = net.member[0].run(
                "iperf3", "-J", "-t", "1", "-c", net.sites[1].member4, *words, check=False, timeout=60
            )
            report = json.loads(result.out)
            assert "error" not in report, f"{name}: {report.get('error')}"
            total = report["end"].get("sum_received") or report["end"]["sum"]
            rate = total["bits_per_second"] / 1e6
            print(f"  {name}: {rate:.0f} Mbit/s")
            assert rate > 1, f"{name}: {rate} Mbit/s"
            if "UDP" in name:
                check_udp_loss(net, total)
            else:
                check_batches(before, engine_work(net))
        for pid, command in net.vpn[0].processes().items():
            if command.startswith("tcpdump"):
                net.vpn[0].run("kill", str(pid))
        dump.wait(timeout=60)
        foreign = read_pcap(file.name)
        assert not foreign, f"on the underlay beside WireGuard: {foreign[:3]}"
    for pid, command in net.member[1].processes().items():
        if command.startswith("iperf3"):
            net.member[1].run("kill", str(pid))
    server.wait(timeout=60)


def ssh_like(bench):
    """A TCP connection between the gateways' wg0 addresses carries data both ways, intact."""
    net = bench.net
    data = os.urandom(300_000)
    for family, near, far in (
        (socket.AF_INET, net.sites[0].wg4, net.sites[1].wg4),
        (socket.AF_INET6, net.sites[0].wg6, net.sites[1].wg6),
    ):
        listener = net.vpn[1].call(lambda: socket.create_server((far, 2222), family=family))
        client = net.vpn[0].call(
            lambda: socket.create_connection((far, 2222), timeout=60, source_address=(near, 0))
        )
        with listener, client:
            server, _ = listener.accept()
            with server:
                server.settimeout(60)
                for sender, receiver in ((client, server), (server, client)):
                    sender.settimeout(60)
                    got = b""
                    sent = 0
                    while len(got) < len(data):
                        if sent < len(data):
                            sent += sender.send(data[sent : sent + 32768])
                        got += receiver.recv(65536)
                    assert got == data


def status(bench):
    """status --json is JSON, and the text names the session."""
    for gateway in bench.net.gateway:
        assert gateway.status()
        assert "l2tpeth0" in gateway.run("status", gateway.conf).out


def underlay(bench):
    packets = bench.capture.stop()
    count = check_underlay(packets, ports=(PORT,), mtu=1500, secrets=[MARK])
    assert bench.capture.dropped == 0, f"{bench.capture.dropped} frames were not captured"
    print(f"  {count} WireGuard packets on the underlay and nothing else")


def main():
    suite = Suite("reference")
    box = {}
    if not suite.setup("both gateways come up", lambda: box.update(bench=Bench())):
        suite.finish()
    bench = box["bench"]
    suite.diagnose_with(bench.net.diagnostics)
    for name, case in (
        ("the first packet is not lost", first_ping),
        ("members, bridges and gateways ping each other", pings),
        ("ARP and neighbour discovery", neighbours),
        ("ARP arrives as it was sent", arp_unchanged),
        ("broadcast, multicast, unknown types, all sizes", kinds_of_frames),
        ("802.1Q and QinQ frames", tagged_frames),
        ("IP under tags", tagged_ip),
        ("wrong checksums stay wrong", bad_checksums),
        ("a corrupt segment among good ones stays alone", bad_checksum_among_good),
        ("don't-fragment at the exact size", exact_size),
        ("MAC addresses are learned across the tunnel", learning),
        ("TCP between the gateways", ssh_like),
        ("status", status),
        ("only WireGuard on the underlay, no fragments", underlay),
        ("iperf3 both ways", transfers),
    ):
        suite.run(name, case, bench)
    suite.run("stop", bench.net.stop)
    suite.finish()


if __name__ == "__main__":
    main()
