#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The path's MTU is followed across a router: it shrinks silently, grows, and its routers send ICMP, true or false."""

import os
import struct
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from lib import frames
from lib.capture import Capture, RawPort, check_underlay, is_wireguard
from lib.network import Routed
from lib.node import need_root
from lib.reference import PORT, Pseudowire
from lib.runner import Suite, patience, wait_for, wait_still
from lib.stream import Stream
from lib.wirespan import find_binary

STALL_MAX = 30.0  # seconds: ten times what an idle host takes


class Bench:
    """The routed network."""

    def __init__(self):
        need_root()
        find_binary()
        self.net = Routed()
        self.one, self.two = self.net.sites
        self.member, self.vpn = self.net.member, self.net.vpn
        self.net.icmp(False)

    def up(self, mtu=1500, **options):
        self.net.path_mtu(mtu)
        self.net.stop()
        self.net.forget_neighbours()
        self.net.up(**options)
        assert self.member[0].ping(self.two.member4).ok, "the segment works"
        self.wait_path(mtu)

    def path(self, number):
        return self.net.gateway[number].status()["peers"][0]["path"]

    def wait_path(self, mtu, timeout=10):
        """Both ends have found that the path carries `mtu`; a ping now and then is their reason to look."""

        def found():
            self.member[0].ping(self.two.member4, count=1, size=1400, timeout=1)
            return all((p := self.path(n))["mtu"] == mtu and p["state"] == "complete" for n in (0, 1))

        try:
            wait_for(found, timeout, 0.2, what=f"a path MTU of {mtu}")
        except AssertionError as problem:
            raise AssertionError(f"{problem}: {self.path(0)} {self.path(1)}") from None


def shrinks(bench, reverse, icmp):
    """1500, 1400, 1280 under bulk TCP: it stalls for a moment each time, and goes on."""
    bench.net.icmp(icmp)
    bench.up()
    ends = (*bench.member, bench.two) if not reverse else (*bench.member[::-1], bench.one)
    stream = Stream(ends[0], ends[1], ends[2].member4)
    time.sleep(1)
    sender = 1 if reverse else 0
    for mtu in (1400, 1280):
        changed = time.monotonic()
        bench.net.path_mtu(mtu)
        wait_for(lambda: bench.path(sender)["mtu"] == mtu, 3, 0.1, f"a path MTU of {mtu}: {bench.path(sender)}")
        found = time.monotonic()
        wait_for(lambda: stream.arrivals[-1] > found + 0.5, 3, 0.1, "the stream to go on")
        stall = stream.longest_since(changed)
        print(f"  to {mtu}: nothing arrived for {stall:.2f} s", flush=True)
        assert stall <= STALL_MAX, f"{stall:.1f} s at {mtu}"
    whole = stream.finish()
    assert bench.net.fragments_seen() == 0, "fragments on the underlay"
    print(f"  {stream.count / 1e6:.0f} MB, longest gap {whole:.2f} s")
    bench.wait_path(1280)
    assert bench.member[0].ping(bench.two.member4, count=3, size=1472, dont_fragment=True).ok
    for gateway in bench.net.gateway:
        status = gateway.status()
        assert status["budget"]["outer_mtu"] == 1280, status["budget"]
        assert not status["sessions"][0]["dropped_rx"] and not status["sessions"][0]["dropped_tx"]


def finds(bench):
    """Whatever the path carries is found at the start, to the byte, and used to the byte."""
    for mtu in (1499, 1321, 1280, 1250):
        bench.up(mtu)
        with Capture(bench.vpn[1], "eth0") as capture:
            for sender, site in ((bench.member[0], bench.two), (bench.member[1], bench.one)):
                result = sender.ping(site.member4, count=5, size=1472, dont_fragment=True)
                assert result.ok, result.out
            packets = capture.stop()
        inner = (mtu - 60 - 20) // 8 * 8 + 20  # the heads of our fragments: pieces of 8 bytes, padded to 16
        longest = 60 + min(mtu - 60, (inner + 15) // 16 * 16)
        for source in (bench.one.underlay, bench.two.underlay):
            arrived = [len(p.l3) for p in packets if is_wireguard(p, (PORT,)) and p.src == source]
            heads = [length for length in arrived if length > mtu - 24]
            assert longest in heads, f"{mtu}: {sorted(set(arrived))}, not {longest}"
        check_underlay(packets, ports=(PORT,))


def grows_again(bench):
    """After a restart a path that has grown is used at once; nothing old is remembered."""
    bench.up(1280)
    bench.up(1500)
    before = bench.net.gateway[0].status()["sessions"][0]["fragmented"]
    assert bench.member[0].ping(bench.two.member4, count=3, size=1358, dont_fragment=True).ok
    assert bench.net.gateway[0].status()["sessions"][0]["fragmented"] == before


def quote(bench, mtu, kind=3, code=4):
    """Return: an ICMP error for vpn01 about a datagram of its own, as anybody could write it."""
    datagram = frames.ipv4(
        bench.one.underlay,
        bench.two.underlay,
        frames.UDP,
        struct.pack("!HHHH", PORT, PORT, 1480, 0) + bytes(1472),
    )[:28]
    message = struct.pack("!BBHHH", kind, code, 0, 0, mtu) + datagram
    message = message[:2] + struct.pack("!H", frames.checksum(message)) + message[4:]
    return frames.ipv4("192.168.1.1", bench.one.underlay, frames.ICMP, message)


def send_forged(bench, packet, count, pause=0.001):
    with RawPort(bench.net.router, "eth1") as port:
        frame = frames.eth(bench.vpn[0].mac("eth0"), bench.net.router.mac("eth1"), frames.ETH_IPV4, packet)
        for _ in range(count):
            port.send(frame)
            time.sleep(pause)


def forged(bench):
    """ICMP too-big that lies: confirmed by a probe to be a lie each time, and never believed."""
    bench.up()
    quiet = wait_still(lambda: bench.path(0)["probes"], 2, what="an end of probes without traffic")
    send_forged(bench, quote(bench, 1300), 1)
    wait_for(lambda: bench.path(0)["probes"] > quiet, what="a probe: a hint is a reason to look")
    probes = bench.path(0)["probes"]
    stream = Stream(bench.member[0], bench.member[1], bench.two.member4)
    before = bench.net.gateway[0].status()["sessions"][0]
    begin = time.monotonic()
    for mtu in (600, 1000, 1280, 1399):
        send_forged(bench, quote(bench, mtu), 200)
        path = bench.path(0)
        assert path["mtu"] == 1500 and path["black_holes"] == 0, path
    # A route event: the route is looked up again: what the kernel has learnt is no better.
    bench.vpn[0].run("ip route add 10.99.0.0/24 via 192.168.1.1")
    time.sleep(0.3)
    gap = stream.finish()
    path, after = bench.path(0), bench.net.gateway[0].status()["sessions"][0]
    assert path["mtu"] == 1500 and path["black_holes"] == 0, path
    assert after["fragmented"] == before["fragmented"], "fragments, for a lie"
    # The limit is one of time: on an idle host this took 2 s.
    allowed = 200 * max(1, (time.monotonic() - begin) / 2)
    assert path["probes"] - probes < allowed, f"a flood of hints: {path['probes'] - probes} probes, not {allowed}"
    assert gap < STALL_MAX, f"{gap:.1f} s without a byte"
    learnt = bench.vpn[0].run("ip", "route", "get", bench.two.underlay).out
    assert "mtu" in learnt, f"the kernel believed nothing, so there was nothing to resist: {learnt}"


def complaints(bench):
    """A flood of other ICMP errors about our datagrams costs not one packet."""
    bench.up()
    stop = threading.Event()

    def flood():
        packets = [quote(bench, 0, 3, code) for code in (3, 1, 2)]
        while not stop.is_set():
            for packet in packets:
                send_forged(bench, packet, 20, 0.0005)

    thread = threading.Thread(target=flood)
    thread.start()
    try:
        result = bench.member[0].run(
            "ping",
            "-n",
            "-q",
            "-c",
            "300",
            "-i",
            "0.01",
            "-s",
            "1472",
            "-M",
            "do",
            bench.two.member4,
            check=False,
        )
    finally:
        stop.set()
        thread.join()
    assert "300 received" in result.out, result.out
    status = bench.net.gateway[0].status()
    assert status["drops"].get("tx_send", 0) == 0, status["drops"]


def deaf(bench):
    """A peer whose gateway answers no echo: the route's MTU stays, fragments stay off the underlay."""
    bench.vpn[1].sh("sysctl -qw net.ipv4.icmp_echo_ignore_all=1")
    try:
        bench.net.path_mtu(1500)
        bench.net.stop()
        bench.net.up()
        end = time.monotonic() + patience(20)
        while bench.path(0)["state"] != "silent":
            assert time.monotonic() < end, bench.path(0)
            bench.member[0].ping(bench.two.member4, count=3, size=1472, dont_fragment=True)
        path = bench.path(0)
        assert path["mtu"] == 1500 and path["answers"] == 0, path
        with Capture(bench.vpn[0], "eth0") as capture:
            assert bench.member[0].ping(bench.two.member4, count=5, size=1472, dont_fragment=True).ok
            check_underlay(capture.stop(), ports=(PORT,), mtu=1500)
    finally:
        bench.vpn[1].sh("sysctl -qw net.ipv4.icmp_echo_ignore_all=0")


def hint(bench):
    """A router's ICMP error is used: the stall is shorter than a confirmation's turn."""
    shrinks(bench, False, True)


def main():
    suite = Suite("path")
    box = {}
    if not suite.setup("the network", lambda: box.update(bench=Bench())):
        suite.finish()
    bench = box["bench"]
    suite.diagnose_with(bench.net.diagnostics)
    suite.run("bulk TCP across a path that shrinks twice, no ICMP", shrinks, bench, False, False)
    suite.run("the same in the other direction", shrinks, bench, True, False)
    suite.run("a path that shrinks, with ICMP", hint, bench)
    bench.net.icmp(False)
    suite.run("paths of all kinds at the start", finds, bench)
    suite.run("a path that has grown, after a restart", grows_again, bench)
    suite.run("forged ICMP too-big", forged, bench)
    suite.run("a flood of ICMP errors", complaints, bench)
    suite.run("a peer that answers no echo", deaf, bench)
    suite.finish()


if __name__ == "__main__":
    main()
