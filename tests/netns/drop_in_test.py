#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""wirespan-wg as a drop-in userspace WireGuard: wg-quick, its environment, the interface followed."""

import fcntl
import json
import os
import shutil
import socket
import struct
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from lib.capture import Capture, is_wireguard
from lib.drop_in import DropIn
from lib.node import Node, listening, need_root, veth
from lib.reference import PORT, make_sites
from lib.runner import Skip, Suite, wait_for
from lib.wirespan import difference, scratch, snapshot

OVERHEAD4, OVERHEAD6 = 20 + 8 + 32, 40 + 8 + 32
_TUNSETIFF, _TUNSETVNETHDRSZ = 0x400454CA, 0x400454D8
_IFF_TUN, _IFF_TAP, _IFF_NO_PI, _IFF_VNET_HDR = 1, 2, 0x1000, 0x4000


class Bench:
    """Two nodes with an underlay as large as a veth can be; wirespan-wg at both ends."""

    def __init__(self):
        need_root()
        if not shutil.which("wg"):
            raise Skip("wg(8) is not installed: wireguard-tools")
        self.sites = make_sites()
        self.nodes = [Node(site.name) for site in self.sites]
        veth(self.nodes[0], "eth0", self.nodes[1], "eth0", mtu=65535)
        for node, site in zip(self.nodes, self.sites):
            node.up("eth0", f"{site.underlay}/24", f"{site.underlay6}/64")
        self.near, self.far = self.nodes
        wait_for(lambda: "fe80:" in self.near.run("ip -6 addr").out, what="the kernel's own addresses")
        self.before = snapshot(self.near)
        self.wg = [DropIn(node) for node in self.nodes]

    def up(self, mtu=None, family=4):
        """Both ends anew, with a session. Return: the near one."""
        self.down()
        for number, wg in enumerate(self.wg):
            other = self.sites[1 - number]
            address = f"[{other.underlay6}]" if family == 6 else other.underlay
            wg.start().configure(self.sites[number], mtu=mtu).peer(other, endpoint=f"{address}:{PORT}")
        self.reach()
        return self.wg[0]

    def down(self):
        for wg in self.wg:
            if wg.pids():
                wg.stop()

    def reach(self, what="a ping through the tunnel", inside=()):
        """A ping from the near end, within a namespace if one is given: who has no session asks for one."""
        words = [*inside, "ping", "-c", "1", "-W", "1", self.sites[1].wg4]
        wait_for(lambda: self.near.run(*words, check=False).ok, 8, what=what)

    def silence(self, what):
        assert not self.far.ping(self.sites[0].wg4, count=2, timeout=0.3).ok, what

    def diagnostics(self):
        script = "ip -s link; ip addr; wg show; ss -ulnp; ls -l /run/wireguard; ip netns"
        return "\n".join(node.sh(script, check=False).out for node in self.nodes)


# ---- wg-quick ------------------------------------------------------------------------------------


def quick_conf(bench, number, allowed):
    near, far = bench.sites[number], bench.sites[1 - number]
    return (
        f"[Interface]\nPrivateKey = {near.private}\nListenPort = {PORT}\nMTU = 1400\n"
        f"Address = {near.wg4}/24, {near.wg6}/64\nPostUp = touch /run/post-up\n"
        f"[Peer]\nPublicKey = {far.public}\nEndpoint = {far.underlay}:{PORT}\nAllowedIPs = {allowed}\n"
    )


def wg_quick(bench, verb, number, allowed="10.0.1.0/24, fd00:1::/64"):
    """Run stock wg-quick. Return: its output."""
    path = os.path.join(bench.folder, f"{number}", "wg0.conf")
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(quick_conf(bench, number, allowed))
    environment = {**os.environ, "WG_QUICK_USERSPACE_IMPLEMENTATION": bench.wg[0].binary}
    return bench.nodes[number].run("wg-quick", verb, path, env=environment).out


def quick(bench):
    """Stock wg-quick brings it up and takes it down, and nothing is left."""
    if not shutil.which("wg-quick"):
        raise Skip("wg-quick(8) is not installed: wireguard-tools")
    if bench.near.run("ip link add probe type wireguard", check=False).ok:
        bench.near.run("ip link del probe")
        raise Skip("this kernel has a WireGuard of its own, which wg-quick prefers")
    bench.folder = scratch()
    for number in (0, 1):
        wg_quick(bench, "up", number)
        assert bench.wg[number].pids(), "wg-quick did not start wirespan-wg"
    for target in (bench.sites[1].wg4, bench.sites[1].wg6):
        assert bench.near.ping(target, count=3).ok, target
    bench.near.run("test -e /run/post-up")
    assert "mtu 1400" in bench.near.run("ip link show wg0").out
    wg_quick(bench, "down", 0)
    bench.wg[0].wait_end()
    bench.near.run("rm /run/post-up")
    left = difference(bench.before, snapshot(bench.near))
    assert left in ("", "+ ./wireguard"), left
    full_tunnel(bench)
    wg_quick(bench, "down", 1)
    bench.wg[1].wait_end()


def full_tunnel(bench):
    """Everything into the tunnel, but for what the tunnel itself sends: wg-quick marks that."""
    wg_quick(bench, "up", 0, "0.0.0.0/0")
    bench.far.run("ip addr add 10.9.9.9/32 dev lo")
    assert bench.wg[0].show("fwmark") != "off"
    assert bench.near.ping("10.9.9.9", count=3).ok, "the default route into the tunnel"
    bench.far.run("ip addr del 10.9.9.9/32 dev lo")
    wg_quick(bench, "down", 0, "0.0.0.0/0")
    bench.wg[0].wait_end()


# ---- command line and environment ----------------------------------------------------------------


def background(bench):
    """The command returns once interface and socket are there, and not before."""
    wg = bench.wg[0]
    for _ in range(5):
        result = bench.near.run(wg.binary, "wg0")
        assert os.path.exists(wg.socket) and wg.show("listen-port") == "0"
        assert "mtu 1420" in bench.near.run("ip link show wg0").out
        lines = result.out.splitlines()  # what is in force, and what a limit of locked memory prevents
        assert len(lines) <= 2 and all("confined" in line for line in lines), result.out
        wg.stop()
    bench.near.run("ip link add taken type bridge")
    result = bench.near.run(wg.binary, "taken", check=False)
    assert result.status == 1 and "interface" in result.out, result.out
    bench.near.run("ip link del taken")
    bench.near.run(wg.binary, "wg0")
    result = bench.near.run(wg.binary, "wg0", check=False)
    assert result.status == 1, "the name is taken by another of us"
    assert wg.show("listen-port") == "0", "the first one goes on"
    wg.stop()


def closed_streams(bench):
    """Started without standard streams, in the background or not: none of ours takes their place."""
    wg, other = bench.wg
    other.start().configure(bench.sites[1]).peer(bench.sites[0])
    for streams in ("<&-", "<&- >&-", "<&- >&- 2>&-"):
        for words in ("", "-f"):
            bench.near.popen("sh", "-c", f"exec {wg.binary} {words} wg0 {streams}")
            wait_for(lambda: listening(wg.socket), what=f"wirespan-wg {words} {streams}")
            wg.configure(bench.sites[0]).peer(bench.sites[1], endpoint=f"{bench.sites[1].underlay}:{PORT}")
            bench.reach(f"a ping from wirespan-wg {words} {streams}")
            wg.stop()
    other.stop()


def foreground(bench):
    wg = bench.wg[0]
    for words, environment in ((["-f", "wg0"], {}), (["wg0"], {"WG_PROCESS_FOREGROUND": "1"})):
        wg.start_by(words, **environment)
        assert len(wg.pids()) == 1 and not wg.ended()
        assert wg.stop() == 0
        assert not bench.near.run("ip link show wg0", check=False).ok
    for words in ([], ["-f"], ["a/b"], ["x" * 16], ["wg0", "wg1"], ["--what"]):
        assert bench.near.run(wg.binary, *words, check=False).status == 2, words
    assert bench.near.run(wg.binary, "--version").out.startswith("wirespan-wg ")


def log_level(bench):
    wg = bench.wg[0]
    bench.near.run("ip link add taken type bridge")
    for level, speaks in (("silent", False), ("error", True), ("verbose", True)):
        result = bench.near.run(wg.binary, "-f", "taken", check=False, env={**os.environ, "LOG_LEVEL": level})
        assert result.status == 1 and bool(result.out) == speaks, (level, result.out)
    bench.near.run("ip link del taken")


def open_tun(name, flags, header=0):
    """A TUN with a virtio header of so many bytes."""
    fd = os.open("/dev/net/tun", os.O_RDWR)
    flags |= _IFF_VNET_HDR if header else 0
    fcntl.ioctl(fd, _TUNSETIFF, struct.pack("16sH22x", name.encode(), flags))
    if header:
        fcntl.ioctl(fd, _TUNSETVNETHDRSZ, struct.pack("i", header))
    return fd


def descriptors(bench):
    """A TUN and a listening socket that another process opened."""
    wg, other = bench.wg
    other.start().configure(bench.sites[1]).peer(bench.sites[0])
    for header in (0, 10, 12):
        tun = bench.near.call(lambda: open_tun("wg0", _IFF_TUN | _IFF_NO_PI, header))
        os.makedirs(os.path.dirname(wg.socket), exist_ok=True)
        uapi = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        uapi.bind(wg.socket)
        uapi.listen()
        numbers = {"WG_TUN_FD": str(tun), "WG_UAPI_FD": str(uapi.fileno())}
        wg.start_by(["-f", "wg0"], pass_fds=[tun, uapi.fileno()], **numbers)
        os.close(tun)
        uapi.close()
        wg.configure(bench.sites[0]).peer(bench.sites[1], endpoint=f"{bench.sites[1].underlay}:{PORT}")
        assert bench.near.ping(bench.sites[1].wg4, count=3, size=1000).ok
        os.unlink(wg.socket)
        assert wg.wait_end() == 0, "its end by removing the socket's file"
        assert not bench.near.run("ip link show wg0", check=False).ok
    tap = bench.near.call(lambda: open_tun("wg0", _IFF_TAP | _IFF_NO_PI))
    words = bench.near.enter([wg.binary, "-f", "wg0"])
    environment = {**os.environ, "WG_TUN_FD": str(tap)}
    result = subprocess.run(words, env=environment, pass_fds=[tap], capture_output=True, timeout=60)
    assert result.returncode == 1 and b"WG_TUN_FD" in result.stderr, result
    os.close(tap)
    for name in ("WG_TUN_FD", "WG_UAPI_FD"):
        for value in ("nine", "-1", "77"):
            result = bench.near.run(
                wg.binary, "-f", "wg0", check=False, env={**os.environ, name: value}, timeout=5
            )
            assert result.status == 1 and name in result.out, (name, value, result.out)
    other.stop()


# ---- the interface followed ----------------------------------------------------------------------


def payload_sizes(bench, size):
    """Return: UDP payloads of data messages on the underlay while one packet of `size` bytes is echoed."""
    with Capture(bench.near, "eth0") as capture:
        assert bench.near.ping(bench.sites[1].wg4, count=1, size=size - 28, dont_fragment=True).ok, size
        return {len(p.payload) for p in capture.stop() if is_wireguard(p, (PORT,)) and p.payload[0] == 4}


def mtu_changes(bench):
    """Padding stops at the interface's MTU, whatever that has become."""
    bench.up()
    for mtu in (1420, 1397, 1281, 1500, 9001):
        for node in bench.nodes:
            node.run(f"ip link set wg0 mtu {mtu}")
        assert payload_sizes(bench, mtu) == {mtu + 32}, mtu
        smaller = mtu // 16 * 16 - 3
        assert payload_sizes(bench, smaller) == {smaller + 3 + 32}, smaller


def down_and_up(bench):
    """Down stops traffic and closes the port, sessions are forgotten; up starts it again at once."""
    wg = bench.up()
    for _ in range(3):
        bench.near.run("ip link set wg0 down")
        wait_for(lambda: not wg.listens(), what="the port to be closed")
        bench.silence("traffic while it is down")
        assert wg.show("listen-port") == str(PORT) and wg.show("peers")
        bench.near.run("ip link set wg0 up")
        wait_for(wg.listens, what="the port to be open")
        bench.reach("traffic after it is up again")
    bench.near.run("ip link set wg0 down")
    wg.wg("set", "wg0", "listen-port", "9999", "fwmark", "7", "peer", bench.sites[1].public)
    assert wg.show("listen-port") == "9999" and not wg.listens(9999)
    wg.peer(bench.sites[1], keepalive=25)
    before = time.time()
    bench.near.run("ip link set wg0 up")
    wait_for(lambda: wg.listens(9999) and wg.handshake_age() >= int(before), 3, what="a keepalive at once")
    assert wg.show("fwmark") == "0x7"


def port_taken(bench):
    """Set up while its port is taken, it starts as soon as wg(8) gives it another, or the same again."""
    wg = bench.up()

    def occupy():
        other = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        other.bind(("0.0.0.0", 9999))
        return other

    for port in (9998, 9999):
        bench.near.run("ip link set wg0 down")
        wg.wg("set", "wg0", "listen-port", "9999")
        with bench.near.call(occupy):
            bench.near.run("ip link set wg0 up")
            result = wg.wg("set", "wg0", "listen-port", "9999", check=False)
            assert result.status == 1 and "Address already in use" in result.out, result.out
        wg.wg("set", "wg0", "listen-port", str(port))
        assert wg.listens(port), port
        bench.near.run(f"ip addr replace {bench.sites[0].wg4}/24 dev wg0")
        bench.reach(f"traffic from port {port}")


def moved(bench):
    """In another namespace: the sockets stay, the interface is followed, to its end there."""
    wg = bench.up()
    bench.near.sh("ip netns add inner; ip netns add other; ip link set wg0 netns inner")

    def inside(words, netns="inner"):
        return bench.near.run("ip", "netns", "exec", netns, "sh", "-ec", words)

    for netns in ("inner", "other", "inner"):
        if netns != "inner" or "wg0" not in inside("ip -o link", netns).out:
            here = "inner" if netns == "other" else "other"
            inside(f"ip link set wg0 netns {netns}", here)
        inside("ip link set wg0 up", netns)
        inside(f"ip addr add {bench.sites[0].wg4}/24 dev wg0", netns)
        wait_for(wg.listens, what="the port to be open in the first namespace")
        assert not wg.listens(netns=netns), "no socket of ours where the interface is"
        bench.reach(f"a ping from {netns}", ["ip", "netns", "exec", netns])
        assert bench.far.ping(bench.sites[0].wg4).ok, f"a ping into {netns}"
    for mtu in (1333, 1415):
        inside(f"ip link set wg0 mtu {mtu}")
        bench.far.run(f"ip link set wg0 mtu {mtu}")

        def sizes(full=mtu):
            with Capture(bench.near, "eth0") as capture:
                assert bench.far.ping(bench.sites[0].wg4, count=1, size=full - 28).ok
                return {len(p.payload) for p in capture.stop() if is_wireguard(p, (PORT,))}

        time.sleep(1)  # it is looked after once a second there
        wait_for(lambda: sizes() == {mtu + 32}, 3, what=f"an MTU of {mtu} to be followed")
    inside("ip link set wg0 down")
    wait_for(lambda: not wg.listens(), what="the port to be closed")
    bench.silence("traffic while it is down there")
    inside("ip link set wg0 up")
    wait_for(wg.listens, what="the port to be open again")
    inside(f"ip addr replace {bench.sites[0].wg4}/24 dev wg0")
    bench.reach("traffic after it is up again there", ["ip", "netns", "exec", "inner"])
    inside("ip link set wg0 down; ip link set wg0 name wg7; ip link set wg7 up")
    inside(f"ip addr replace {bench.sites[0].wg4}/24 dev wg7")
    bench.reach("traffic under another name there", ["ip", "netns", "exec", "inner"])
    inside("ip link set wg7 netns 1")
    bench.near.sh(f"ip link set wg7 up; ip addr add {bench.sites[0].wg4}/24 dev wg7")
    bench.reach("a ping after its return")
    bench.near.run("ip link set wg7 netns other")
    wait_for(lambda: not wg.listens(), what="the port to be closed: it arrives there down")
    inside("ip link del wg7", "other")
    assert wg.wait_end() == 0, "its end by deletion in another namespace"
    bench.near.sh("ip netns del inner; ip netns del other")


def netns_deleted(bench):
    """A namespace that is deleted with the interface in it ends the daemon."""
    wg = bench.up()
    bench.near.sh("ip netns add gone; ip link set wg0 netns gone; ip -n gone link set wg0 up")
    wait_for(wg.listens, what="the interface to be followed")
    bench.near.run("ip netns del gone")
    assert wg.wait_end() == 0


def moved_without_rights(bench):
    """Where we may not look into other namespaces, traffic goes on, and deletion there ends us all the same."""
    if not bench.near.run("which", "capsh", check=False).ok:
        raise Skip("capsh is not installed: libcap2-bin")
    wg, other = bench.wg
    other.start().configure(bench.sites[1]).peer(bench.sites[0])
    words = ["capsh", "--drop=cap_sys_admin", "--", "-c", f"exec {wg.binary} -f wg0"]
    wg.process = bench.near.popen(*words, stderr=subprocess.DEVNULL)
    wait_for(lambda: listening(wg.socket), what="wirespan-wg")
    wg.configure(bench.sites[0]).peer(bench.sites[1], endpoint=f"{bench.sites[1].underlay}:{PORT}")
    bench.near.sh(
        "ip netns add walled; ip link set wg0 netns walled; ip -n walled link set wg0 up;"
        f"ip -n walled addr add {bench.sites[0].wg4}/24 dev wg0"
    )
    bench.reach("a ping from there", ["ip", "netns", "exec", "walled"])
    bench.near.run("ip netns del walled")
    assert wg.wait_end() == 0


def ends(bench):
    """Removing the socket or the interface ends the daemon."""
    for end in ("rm /run/wireguard/wg0.sock", "mv /run/wireguard/wg0.sock /run/elsewhere", "ip link del wg0"):
        wg = bench.up()
        bench.near.run(end)
        assert wg.wait_end() == 0, end
        assert not bench.near.run("ip link show wg0", check=False).ok
    bench.near.run("rm -f /run/elsewhere")


# ---- large MTUs ----------------------------------------------------------------------------------


def iperf(bench, *extra):
    """Send 24 MB by TCP, however long it takes. Return: bytes received until the sender had sent all, and how often
    something was sent twice."""
    port = str(5201 + bench.iperfs)
    bench.iperfs += 1
    server = bench.far.popen("iperf3", "-s", "-1", "-p", port, stdout=subprocess.DEVNULL)
    wait_for(lambda: f":{port} " in bench.far.run("ss -Htln").out, what="iperf3")
    words = ["iperf3", "-J", "-C", "cubic", "-n", "24M", "-p", port, "-c", bench.sites[1].wg4, *extra]
    report = json.loads(bench.near.run(*words, check=False, timeout=120).out)
    server.wait(timeout=120)
    assert "error" not in report, report["error"]
    return report["end"]["sum_received"]["bytes"], report["end"]["sum_sent"]["retransmits"]


def large_mtu(bench, mtu, family):
    """The whole MTU in one packet, superframes below it, and TCP both ways."""
    if not shutil.which("iperf3"):
        raise Skip("iperf3 is not installed")
    bench.iperfs = getattr(bench, "iperfs", 0)
    bench.up(mtu, family)
    for source, target in (
        (bench.near, bench.sites[1].wg4),
        (bench.far, bench.sites[0].wg4),
        (bench.near, bench.sites[1].wg6),
    ):
        size = mtu - (48 if ":" in target else 28)
        result = source.ping(target, size=size, dont_fragment=True)
        assert result.ok, f"{size} bytes to {target}: {result.out}"
    assert payload_sizes(bench, mtu) == {mtu + 32}
    for extra in ([], ["-R"]):
        received, again = iperf(bench, *extra)
        print(f"  MTU {mtu} {' '.join(extra)}: {received / 1e6:.0f} MB, {again} retransmits")
        assert received > 12e6, received
    bench.down()


def main():
    suite = Suite("drop-in")
    box = {}
    if not suite.setup("two nodes", lambda: box.update(bench=Bench())):
        suite.finish()
    bench = box["bench"]
    suite.diagnose_with(bench.diagnostics)

    def case(function, *args):
        try:
            function(bench, *args)
        finally:
            bench.down()

    for name, function in (
        ("wg-quick up and down", quick),
        ("to the background once ready", background),
        ("without standard streams", closed_streams),
        ("in the foreground", foreground),
        ("LOG_LEVEL", log_level),
        ("WG_TUN_FD and WG_UAPI_FD", descriptors),
        ("MTU changes", mtu_changes),
        ("down and up", down_and_up),
        ("set up while its port is taken", port_taken),
        ("moved to other namespaces", moved),
        ("its namespace deleted", netns_deleted),
        ("moved, without the right to follow", moved_without_rights),
        ("removing socket or interface ends it", ends),
    ):
        suite.run(name, case, function)
    for mtu, family in ((9000, 4), (30000, 6), (65535 - OVERHEAD6, 6), (65535 - OVERHEAD4, 4)):
        suite.run(f"MTU {mtu} over IPv{family}", case, large_mtu, mtu, family)
    suite.finish()


if __name__ == "__main__":
    main()
