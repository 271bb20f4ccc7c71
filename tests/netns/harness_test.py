#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The harness itself: what the other tests rely on is right before they blame wirespan."""

import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from lib import frames
from lib.capture import Capture, RawPort, check_underlay, is_wireguard, read_pcap
from lib.node import Node, need_root, veth
from lib.runner import Suite, wait_for


def known_checksums():
    assert frames.checksum(bytes.fromhex("00 01 f2 03 f4 f5 f6 f7")) == 0x220D, "RFC 1071's example"
    packet = frames.ipv4("192.168.0.1", "192.168.0.199", frames.UDP, bytes(95), ident=0, ttl=64)
    assert packet[10:12].hex() == "b861", "the textbook header"
    assert frames.checksum(packet[:20]) == 0


def parser_reads_builder():
    inner = frames.ipv4(
        "10.0.0.1", "10.0.0.2", frames.UDP, frames.udp("10.0.0.1", "10.0.0.2", 1, 2, b"hello")
    )
    frame = frames.eth(frames.BROADCAST, "02:00:00:00:00:01", 0x0800, inner, tags=[(0x88A8, 7), (0x8100, 9)])
    packet = frames.Packet(frame)
    assert packet.tags == [(0x88A8, 7), (0x8100, 9)] and packet.sport == 1 and packet.payload == b"hello"
    fragment = frames.ipv4("10.0.0.1", "10.0.0.2", frames.UDP, bytes(64), df=False, more=True)
    assert frames.Packet(frames.eth(frames.BROADCAST, "02:00:00:00:00:01", 0x0800, fragment)).fragment


def underlay_verdict():
    def packet(payload, sport=8172, **kwargs):
        body = frames.udp("1.1.1.1", "2.2.2.2", sport, 8172, payload)
        ip = frames.ipv4("1.1.1.1", "2.2.2.2", frames.UDP, body, **kwargs)
        return frames.Packet(frames.eth(frames.BROADCAST, "02:00:00:00:00:01", 0x0800, ip))

    good = [packet(bytes([1, 0, 0, 0]) + bytes(144)), packet(bytes([4, 0, 0, 0]) + bytes(28))]
    assert check_underlay(good) == 2
    bad = {
        "short initiation": packet(bytes([1, 0, 0, 0]) + bytes(143)),
        "unknown type": packet(bytes([5, 0, 0, 0]) + bytes(60)),
        "other port": packet(bytes([4, 0, 0, 0]) + bytes(28), sport=1701),
        "fragment": packet(bytes([4, 0, 0, 0]) + bytes(28), df=False, more=True),
    }
    for name, one in bad.items():
        assert not is_wireguard(one, (8172,)), name
        try:
            check_underlay(good + [one])
        except AssertionError:
            continue
        raise AssertionError(f"not noticed: {name}")


def namespaces_and_frames():
    with Node("left") as left, Node("right") as right:
        veth(left, "eth0", right, "eth0")
        left.up("eth0", "10.9.0.1/24", "fd09::1/64")
        right.up("eth0", "10.9.0.2/24", "fd09::2/64")
        assert left.ping("10.9.0.2").ok and left.ping("fd09::2").ok
        assert not left.ping("10.9.0.3", count=1, timeout=0.2).ok
        assert left.ping("10.9.0.2", size=1472, dont_fragment=True).ok
        assert not left.ping("10.9.0.2", size=1473, dont_fragment=True, timeout=1).ok
        with RawPort(left, "eth0") as a, RawPort(right, "eth0") as b:
            tagged = frames.eth(
                frames.BROADCAST, left.mac("eth0"), 0x88B5, b"x" * 50, tags=[(0x88A8, 5), (0x8100, 0x6007)]
            )
            a.send(tagged)
            assert (
                b.expect(lambda p: p.ethertype == 0x88B5) == tagged
            ), "tags survive AF_PACKET"
            assert b.expect(lambda p: p.ethertype == 0x88B6, timeout=0.1) is None


def capture_and_pcap():
    with Node("left") as left, Node("right") as right:
        veth(left, "eth0", right, "eth0")
        left.up("eth0", "10.9.0.1/24")
        right.up("eth0", "10.9.0.2/24")
        with Capture(left, "eth0") as capture:
            assert left.ping("10.9.0.2", size=3000).ok
            seen = capture.stop()
        fragments = [p for p in seen if p.fragment]
        assert fragments and capture.dropped == 0, "a long ping is seen in fragments"
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "x.pcap")
            capture.save(path)
            assert [p.frame for p in read_pcap(path)] == [p.frame for p in seen]


def node_leaves_nothing():
    node = Node("alone")
    holder = node.pid
    child = node.popen("sleep 1000")
    wait_for(lambda: "sleep 1000" in node.processes().values(), what="sleep in the node")
    node.close()
    assert child.wait(timeout=60) is not None
    assert not os.path.exists(f"/proc/{holder}")


def killed_test_leaves_nothing():
    program = (
        "import sys, time; sys.path.insert(0, sys.argv[1])\n"
        "from lib.node import Node\n"
        "node = Node('victim'); node.popen('sleep 1000'); print(node.pid, flush=True); time.sleep(1000)"
    )
    tests = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
    process = subprocess.Popen([sys.executable, "-c", program, tests], stdout=subprocess.PIPE, text=True)
    inner = int(process.stdout.readline())
    process.kill()
    process.wait()
    wait_for(lambda: not os.path.exists(f"/proc/{inner}"), what="the node to end with its test")


def main():
    suite = Suite("harness")
    suite.run("checksums agree with published values", known_checksums)
    suite.run("the parser reads what the builder builds", parser_reads_builder)
    suite.run("the underlay verdict notices each kind of foreign packet", underlay_verdict)
    for name, case in (
        ("namespaces, pings, tagged frames", namespaces_and_frames),
        ("capture sees fragments, pcap round trip", capture_and_pcap),
        ("a closed node leaves nothing", node_leaves_nothing),
        ("a killed test leaves nothing", killed_test_leaves_nothing),
    ):
        suite.run(name, lambda case=case: (need_root(), case()))
    suite.finish()


if __name__ == "__main__":
    main()
