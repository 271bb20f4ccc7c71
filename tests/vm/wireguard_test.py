#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""wirespan-wg with the WireGuard of an unmodified Linux kernel: IPv6, PSK, roaming, keepalives, cookies.

    attacker node ── eth1 │ node "ours": wirespan-wg wg0 │ eth0 ── tap │ guest: eth0, wg0

The cookies need a flood of initiations with a right mac1 (bench/flood): the emulated kernel is under load when 512
of them are queued, we are at 256 per second.
"""

import os
import shlex
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from lib.capture import Capture, is_wireguard
from lib.drop_in import DropIn
from lib.node import Node, need_root, veth
from lib.pings import Pings
from lib.reference import PORT, make_sites, new_key
from lib.runner import Skip, Suite, wait_for
from lib.wirespan import find_binary
from vm.guest import Guest

PORTS = (PORT, PORT + 1)
INITIATION, RESPONSE, COOKIE, DATA = 1, 2, 3, 4
FLOOD_NETWORK = "198.19.255.254/15"  # the source addresses of bench/flood

GUEST_GROUND = """
ip addr add {site.underlay}/24 dev eth0
ip addr add {site.underlay6}/64 dev eth0 nodad
ip link set eth0 up
ip link add wg0 type wireguard
wg set wg0 listen-port {port} private-key /tmp/key
ip addr add {site.wg4}/24 dev wg0
ip addr add {site.wg6}/64 dev wg0 nodad
ip link set wg0 mtu 1420 up
"""


class Bench:
    """Our node, the guest, and a node that floods us."""

    def __init__(self):
        need_root()
        self.one, self.two = make_sites()
        self.ours, self.attacker = Node("ours"), Node("attacker")
        self.guest = Guest(nics=[(self.ours, "eth0")])
        print(f"  kernel {self.guest.release}, ready after {self.guest.boot_seconds:.1f} s")
        self.ours.up("eth0", f"{self.one.underlay}/24", f"{self.one.underlay6}/64")
        veth(self.attacker, "eth0", self.ours, "eth1")
        self.ours.up("eth1", FLOOD_NETWORK)
        self.attacker.up("eth0", "198.19.255.253/15")
        self.guest.write("/tmp/key", self.two.private)
        self.guest.sh(GUEST_GROUND.format(site=self.two, port=PORT))
        self.wg = DropIn(self.ours).start().configure(self.one, mtu=1420)
        self.here4, self.here6 = f"{self.one.underlay}:{PORT}", f"[{self.one.underlay6}]:{PORT}"
        self.there4, self.there6 = f"{self.two.underlay}:{PORT}", f"[{self.two.underlay6}]:{PORT}"

    def forget(self):
        self.wg.wg("set", "wg0", "peer", self.two.public, "remove")
        self.guest.run("wg", "set", "wg0", "peer", self.one.public, "remove")

    def peer_there(self, endpoint=None, psk=None):
        """Add us as a peer of the kernel."""
        words = ["wg", "set", "wg0", "peer", self.one.public]
        words += ["allowed-ips", f"{self.one.wg4}/32,{self.one.wg6}/128"]
        words += ["endpoint", endpoint] if endpoint else []
        if psk:
            self.guest.write("/tmp/psk", psk)
            words += ["preshared-key", "/tmp/psk"]
        self.guest.run(*words)

    def meet(self, here=None, there=None, psk=None):
        """Recreate both peers. here, there: the endpoint to set on our side, and on the kernel's, if any."""
        self.forget()
        self.wg.peer(self.two, endpoint=here, psk=psk)
        self.peer_there(there, psk)

    def from_ours(self, what="ours to the kernel's", **options):
        for target in (self.two.wg4, self.two.wg6):
            result = self.ours.ping(target, **options)
            assert result.ok, f"{what}: {result.out}"

    def from_guest(self, what="the kernel's to ours", **options):
        for target in (self.one.wg4, self.one.wg6):
            result = self.guest.ping(target, **options)
            assert result.ok, f"{what}: {result.out}"

    def endpoint_there(self):
        return self.guest.run("wg show wg0 endpoints").out.split()[1]

    def flood(self, node, mac, target, key, rate, seconds):
        """Start bench/flood from a node's eth0 to the target with that MAC address. Return: its process."""
        build = os.environ.get("WIRESPAN_BUILD") or os.path.join(os.path.dirname(find_binary()), "..", "..")
        tool = os.path.join(build, "bench", "flood")
        if not os.path.exists(tool):
            raise Skip("bench/flood is not built: ninja -C build bench/flood")
        words = [tool, "mac1", "eth0", mac, target, PORT, rate, seconds, 60000, key]
        flood = node.popen(*words, stdout=subprocess.PIPE, text=True)
        assert flood.stdout.readline() == "ready\n", "the flood did not begin"
        return flood

    def diagnostics(self):
        return self.wg.wg("show").out + self.guest.run("wg show; ip addr; dmesg | tail -5").out


def messages(capture, kind, source=None):
    """Return: the messages of a type between the two ends, optionally from one sender only."""
    found = [p for p in capture.stop() if is_wireguard(p, PORTS) and p.payload[0] == kind]
    flood = ("198.18.", "198.19.")
    return [
        p
        for p in found
        if source in (None, p.src) and not p.src.startswith(flood) and not p.dst.startswith(flood)
    ]


def handshakes(bench, here, there, addresses):
    for begins in ("ours", "guest"):
        bench.meet(*((here, None) if begins == "ours" else (None, there)))
        with Capture(bench.ours, "eth0") as capture:
            getattr(bench, f"from_{begins}")(f"{begins} begins", count=1)
            bench.from_ours()
            bench.from_guest()
            assert {p.src for p in messages(capture, INITIATION)} == {addresses[begins == "guest"]}
        for ping, target in ((bench.ours.ping, bench.two.wg4), (bench.guest.ping, bench.one.wg4)):
            assert ping(target, size=1392, dont_fragment=True).ok, "1420 bytes"


def ipv4(bench):
    handshakes(bench, bench.there4, bench.here4, (bench.one.underlay, bench.two.underlay))


def ipv6(bench):
    handshakes(bench, bench.there6, bench.here6, (bench.one.underlay6, bench.two.underlay6))


def preshared(bench):
    bench.meet(bench.there4, psk=new_key())
    bench.from_ours()
    bench.from_guest()
    bench.peer_there(psk=new_key())
    bench.wg.wg("set", "wg0", "peer", bench.two.public, "remove")
    bench.wg.peer(bench.two, endpoint=bench.there4, psk=new_key())
    assert not bench.ours.ping(bench.two.wg4, count=1, timeout=1).ok, "a session with different keys"
    assert bench.wg.handshake_age() == 0


def kernel_roams(bench):
    """The guest changes address, port and family during its stream: we follow, and it goes on each time."""
    bench.meet(bench.there4, bench.here4)
    bench.from_ours()
    bench.guest.sh(f"ping -n -i 0.1 -w 1000 {bench.one.wg4} >/tmp/stream 2>&1 & echo $! >/tmp/stream.pid")

    def echoes():
        return bench.guest.run("cat /tmp/stream").out.count("bytes from")

    try:
        for number, (change, expected) in enumerate(
            (
                (f"wg set wg0 listen-port {PORT + 1}", f"{bench.two.underlay}:{PORT + 1}"),
                (
                    f"ip addr del {bench.two.underlay}/24 dev eth0; ip addr add 192.168.122.99/24 dev eth0",
                    f"192.168.122.99:{PORT + 1}",
                ),
                (
                    f"wg set wg0 listen-port {PORT} peer {bench.one.public} endpoint {bench.here6}",
                    bench.there6,
                ),
            )
        ):
            bench.guest.sh(change)
            wait_for(lambda: bench.wg.endpoint() == expected, 4, what=f"their endpoint {number}: {expected}")
            before = echoes()
            wait_for(lambda: echoes() >= before + 3, 4, what=f"echoes from endpoint {number}")
    finally:
        bench.guest.sh("kill -INT $(cat /tmp/stream.pid)")
        bench.guest.run(
            f"ip addr del 192.168.122.99/24 dev eth0; ip addr replace {bench.two.underlay}/24 dev eth0;"
            f" wg set wg0 listen-port {PORT}"
        )
    bench.from_ours("ours to the kernel's new endpoint")


def we_roam(bench):
    """We change port and address during our stream: the kernel follows."""
    bench.meet(bench.there4)
    bench.from_ours()
    pings = Pings(bench.ours, bench.two.wg4)
    try:
        bench.wg.wg("set", "wg0", "listen-port", str(PORT + 1))
        wait_for(lambda: bench.endpoint_there() == f"{bench.one.underlay}:{PORT + 1}", 3, what="our new port")
        bench.ours.sh(f"ip addr del {bench.one.underlay}/24 dev eth0; ip addr add 192.168.122.98/24 dev eth0")
        wait_for(lambda: bench.endpoint_there() == f"192.168.122.98:{PORT + 1}", 3, what="our new address")
        bench.from_guest("the kernel's to our new endpoint")
        pings.wait(5)
    finally:
        pings.stop()
        bench.wg.wg("set", "wg0", "listen-port", str(PORT))
        bench.ours.sh(f"ip addr del 192.168.122.98/24 dev eth0; ip addr add {bench.one.underlay}/24 dev eth0")


def one_a_second(bench, source):
    """Keepalives come from there once a second; a busy host may delay some."""

    def count():
        with Capture(bench.ours, "eth0") as capture:
            start = time.monotonic()
            time.sleep(6.5)
            found = [p for p in messages(capture, DATA, source) if len(p.payload) == 32]
            assert len(found) <= time.monotonic() - start + 2, len(found)
        return len(found) >= 2

    wait_for(count, 12, what=f"keepalives from {source}")


def keepalives(bench):
    bench.meet(bench.there4, bench.here4)
    bench.wg.peer(bench.two, keepalive=1)
    wait_for(bench.wg.handshake_age, 5, what="an immediate handshake")
    one_a_second(bench, bench.one.underlay)
    bench.wg.peer(bench.two, keepalive=0)
    bench.guest.run(f"wg set wg0 peer {shlex.quote(bench.one.public)} persistent-keepalive 1")
    one_a_second(bench, bench.two.underlay)


def has_mac2(initiation):
    return any(initiation.payload[-16:])


def cookie_exchange(capture, caller, called):
    """Whether `caller` got a cookie reply, retried with a mac2, and got a response."""
    cookies = messages(capture, COOKIE, called)
    proven = [p for p in messages(capture, INITIATION, caller) if has_mac2(p)]
    responses = messages(capture, RESPONSE, called)
    return len(cookies), len(proven), len(responses)


def we_are_under_load(bench):
    """Under a flood we send the kernel a cookie reply, and accept its next initiation."""
    bench.meet(None, None)
    mac = bench.ours.mac("eth1")
    flood = bench.flood(bench.attacker, mac, FLOOD_NETWORK.split("/")[0], bench.one.public, 1500, 14)
    time.sleep(1)
    with Capture(bench.ours, "eth0") as capture:
        bench.peer_there(bench.here4)
        bench.guest.sh(f"ping -n -q -i 0.5 -c 40 {bench.one.wg4} >/dev/null 2>&1 & echo $! >/tmp/stream.pid")
        wait_for(bench.wg.handshake_age, 11, what="a handshake with a cookie")
        bench.guest.sh("kill $(cat /tmp/stream.pid)")
        assert flood.poll() is None, "the flood is over"
        found = cookie_exchange(capture, bench.two.underlay, bench.one.underlay)
    assert min(found) >= 1, f"cookies, initiations with a mac2, responses: {found}"
    flood.kill()
    bench.from_ours()


def kernel_is_under_load(bench):
    """Under a flood the kernel sends us a cookie reply, and accepts our next initiation."""
    mac = bench.guest.run("cat /sys/class/net/eth0/address").out.strip()
    flood = bench.flood(bench.ours, mac, bench.two.underlay, bench.two.public, 4000, 40)
    time.sleep(2)
    found = (0, 0, 0)
    for _ in range(3):  # it may catch its breath just as we call
        bench.wg.wg("set", "wg0", "peer", bench.two.public, "remove")
        with Capture(bench.ours, "eth0") as capture:
            bench.wg.peer(bench.two, endpoint=bench.there4, keepalive=20)
            try:
                wait_for(bench.wg.handshake_age, 12, 0.2, what="a handshake with a cookie")
            except AssertionError:
                pass
            found = cookie_exchange(capture, bench.one.underlay, bench.two.underlay)
        print(f"  cookies, initiations with a mac2, responses: {found}")
        if min(found) >= 1:
            break
    assert min(found) >= 1, f"cookies, initiations with a mac2, responses: {found}"
    assert flood.poll() is None, "the flood is over"
    flood.kill()
    bench.wg.peer(bench.two, keepalive=0)
    wait_for(lambda: bench.ours.ping(bench.two.wg4, count=1, timeout=2).ok, 20, what="the end of the flood")


def main():
    suite = Suite("wireguard")
    box = {}
    if not suite.setup("a stock kernel boots", lambda: box.update(bench=Bench())):
        suite.finish()
    bench = box["bench"]
    suite.diagnose_with(bench.diagnostics)
    for name, function in (
        ("handshakes over IPv4", ipv4),
        ("handshakes over IPv6", ipv6),
        ("preshared keys", preshared),
        ("the kernel roams", kernel_roams),
        ("we roam", we_roam),
        ("persistent keepalives", keepalives),
        ("we are under load: cookies", we_are_under_load),
        ("the kernel is under load: cookies", kernel_is_under_load),
    ):
        suite.run(name, function, bench)
    suite.finish()


if __name__ == "__main__":
    main()
