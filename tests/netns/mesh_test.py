#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Three sites that are all wired to each other. With split horizon, as `init --mesh` writes it, there is no loop, and
frames pass at once. With STP instead, one end of one pseudowire is blocked, which check takes for what it is, and
members who are cut off are found in spite of it."""

import contextlib
import json
import os
import re
import socket
import struct
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from lib.node import Node, need_root, veth
from lib.pings import Pings
from lib.reference import PORT
from lib.runner import Suite, cleanup, wait_for
from lib.wirespan import Gateway, find_binary, scratch

SITES = (1, 2, 3)
ETH_P_ALL = 3
PACKET_MULTICAST, PACKET_OUTGOING = 2, 4
SO_RCVBUFFORCE = 33
# The shortest that the kernel allows: a port forwards after 4 s instead of 30. The root's values count everywhere.
FAST = "forward_delay 200 hello_time 100 max_age 600"


class Mesh:
    """Gateways vpn01 to vpn03 on one underlay, a member behind each; `words` go to wirespan init."""

    def __init__(self, *words, stp=True):
        self.folder = scratch()
        self.lan = Node("lan")
        self.vpn = [Node(f"vpn0{n}") for n in SITES]
        self.member = [Node(f"member0{n}") for n in SITES]
        for n, vpn, member in zip(SITES, self.vpn, self.member):
            veth(self.lan, f"port{n}", vpn, "eth0")
            vpn.up("eth0", f"192.168.122.{n}/24")
            vpn.wire_like("eth0")
            veth(vpn, "eth1", member, "eth0")
            member.up("eth0", f"10.0.2.{n}2/24", f"fd00:2::{n}2/64")
            vpn.sh("for f in /proc/sys/net/bridge/bridge-nf-call-*; do [ ! -e $f ] || echo 0 >$f; done")
        self.lan.bridge("wire", *(f"port{n}" for n in SITES))
        sites = []
        for n in SITES:
            sites += ["--site", f"vpn0{n},endpoint=192.168.122.{n}:{PORT},member=eth1,bridge=10.0.2.{n}1/24"]
        self.lan.run(find_binary(), "init", "--mesh", "--dir", self.folder, *words, *sites)
        self.gateway = [Gateway(vpn, vpn.name, self.folder) for vpn in self.vpn]
        for gateway in self.gateway if stp else ():
            with open(gateway.conf) as file:
                text = file.read()
            assert text.count("SplitHorizon = yes\n") == 2, text
            gateway.configure(text.replace("SplitHorizon = yes\n", "") + "STP = yes\n")

    def up(self):
        for gateway in self.gateway:
            gateway.up()
            gateway.node.run(f"ip link set br-l2tp0 type bridge {FAST}")

    def close(self):
        for node in (*self.vpn, *self.member, self.lan):
            node.close()

    def states(self):
        """Return: {(site, port): its state} of all bridge ports."""
        found = {}
        for n, vpn in zip(SITES, self.vpn):
            for line in vpn.run("bridge link").out.splitlines():
                found[n, re.split(r"[ :@]+", line)[1]] = re.search(r"state (\w+)", line).group(1)
        return found

    def settle(self):
        """Wait until the spanning tree stands. Return: the (site, port) that is blocked."""

        def settled():
            states = self.states()
            return len(states) == 9 and not {"listening", "learning"} & set(states.values())

        wait_for(settled, 90, 0.5, "the spanning tree")
        blocked = [where for where, state in self.states().items() if state == "blocking"]
        assert len(blocked) == 1 and blocked[0][1] != "eth1", self.states()
        return blocked[0]

    def check(self, site, *words):
        """Run check on a site. Return: (exit status, the report, its findings as text)."""
        gateway = self.gateway[site - 1]
        result = gateway.run("check", "--json", "--quick", *words, gateway.conf, check=False, timeout=120)
        report = json.loads(result.out)
        text = "\n".join("{severity} {check} {subject}: {text} -> {hint}".format(**f) for f in report["findings"])
        assert "STP = no" not in text, f"advice that closes the loop: {text}"
        return result.status, report, text

    def reach(self):
        """Every member reaches every other."""
        for a in SITES:
            for b in SITES:
                result = self.member[a - 1].ping(f"10.0.2.{b}2")
                assert a == b or result.ok, f"member0{a} to member0{b}: {result.out}"

    def session_to(self, near, far):
        """Return: the name of the interface at site `near` of the session to site `far`."""
        return f"l2tpeth{[n for n in SITES if n != near].index(far)}"

    def far_site(self, near, name):
        return [n for n in SITES if n != near][int(name[-1])]

    def replace(self, site, old, new):
        """Change a site's file, and reload it."""
        gateway = self.gateway[site - 1]
        with open(gateway.conf) as file:
            text = file.read()
        assert old in text, f"{old!r} is not in {text}"
        gateway.configure(text.replace(old, new, 1))
        gateway.run("reload", gateway.conf)

    def diagnostics(self):
        logs = "\n".join(f"--- {gateway.name}\n{gateway.log_text()}" for gateway in self.gateway)
        return f"{self.states()}\n{logs}"


def all_right(mesh, site, *words):
    """A check finds neither an error nor a warning. Return: the report and its findings as text."""
    status, report, text = mesh.check(site, *words)
    assert status == 0 and report["ok"], text
    assert not [f for f in report["findings"] if f["severity"] in ("error", "warning")], text
    return report, text


def starting(mesh):
    """Ports that listen or learn are named, and are no error; the pseudowires are proven all the same."""
    for site in SITES:
        states = mesh.states()
        _, text = all_right(mesh, site)
        if {state for (n, _), state in states.items() if n == site} & {"listening", "learning"}:
            assert re.search("note port_blocked .* is (listening|learning): with STP = yes", text), text
            assert "The pseudowire works: " in text and "not known yet" in text, text


def healthy(mesh):
    """Three checks of three: the blocked port is named at its end, both ends prove the pseudowire and its sizes."""
    site, port = mesh.settle()
    other = mesh.far_site(site, port)
    mesh.reach()
    for n in SITES:
        report, text = all_right(mesh, n)
        sessions = {s["name"]: s for s in report["sessions"]}
        held = {site: port, other: mesh.session_to(other, site)}.get(n)
        for name, session in sessions.items():
            assert session["largest_whole"] == session["computed"] > 1300, (name, text)
            assert session["largest_passing"] == 1500, (name, text)
            if name == held:
                assert session["far_end"]["received"] == session["far_end"]["sent"] == 10, text
                assert session["path_found"] and not session["station"], text
            else:
                assert session["echo"]["received"] == 20 and session["station"], text
        assert ("The spanning tree blocks port" in text) == (n == site), text
        if held:
            where = "here" if n == site else "there"
            assert f"The spanning tree {where} blocks it: frames to that site take another path" in text, text
    mesh.reach()  # the checks have taught no bridge anything wrong


def quiet(mesh):
    """A check through the blocked port changes nothing that the bridges know of our gateway."""
    site, port = mesh.settle()
    gateway = mesh.vpn[site - 1]
    target = f"10.0.2.{mesh.far_site(site, port)}1"
    pings = Pings(gateway, target)
    all_right(mesh, site)
    lost = pings.lost(40)
    assert not lost, lost


def mac_of(node, port):
    return bytes.fromhex(node.run("cat", f"/sys/class/net/{port}/address").out.strip().replace(":", ""))


def repeat(node, port, frame):
    """Send a frame by a port again and again. Return: what ends it."""
    out = node.call(lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW))
    node.call(lambda: out.bind((port, 0)))
    done = threading.Event()

    def send():
        while not done.wait(0.001):
            out.send(frame)
        out.close()

    thread = threading.Thread(target=send)
    thread.start()
    cleanup.callback(done.set)
    return lambda: (done.set(), thread.join())


def late_answer(mac, far_ip, ours):
    """What the far gateway answers to questions below its bridge."""
    arp = struct.pack("!HHBBH6s4s6s4s", 1, 0x0800, 6, 4, 2, mac, socket.inet_aton(far_ip), ours, bytes(4))
    return ours + mac + b"\x08\x06" + arp


def link_local(mac):
    return b"\xfe\x80" + bytes(6) + bytes([mac[0] ^ 2]) + mac[1:3] + b"\xff\xfe" + mac[3:]


def solicitation(mac, ours):
    """A neighbour solicitation (RFC 4861) of the host with `mac` for the link-local address of `ours`."""
    src, target = link_local(mac), link_local(ours)
    group = bytes.fromhex("ff0200000000000000000001ff") + target[13:]
    icmp = struct.pack("!BBHI16sBB6s", 135, 0, 0, 0, target, 1, 1, mac)
    total = sum(struct.unpack("!36H", src + group + struct.pack("!IHBB", len(icmp), 0, 0, 58) + icmp))
    total = (total & 0xFFFF) + (total >> 16)
    icmp = icmp[:2] + struct.pack("!H", 0xFFFF & ~(total + (total >> 16))) + icmp[4:]
    head = struct.pack("!IHBB16s16s", 6 << 28, len(icmp), 58, 255, src, group)
    return b"\x33\x33" + group[12:] + mac + b"\x86\xdd" + head + icmp


def late_answers(mesh):
    """Answers that come late to what was asked below the bridge are not taken for a far end in no bridge."""
    site, port = mesh.settle()
    other = mesh.far_site(site, port)
    ours = mac_of(mesh.vpn[site - 1], port)
    vpn, there = mesh.vpn[other - 1], mesh.session_to(other, site)
    stop = repeat(vpn, there, late_answer(mac_of(vpn, there), f"10.20.30.{other}", ours))
    try:
        _, text = all_right(mesh, site)
        assert "The spanning tree here blocks it: frames to that site take another path" in text, text
    finally:
        stop()


def asked_where_blocked(mesh):
    """The far bridge asks through the blocked port, too, who has our address. A check gives no answer by that port:
    the far bridge would send our frames there, where they are lost."""
    site, port = mesh.settle()
    other = mesh.far_site(site, port)
    here, there = mesh.vpn[site - 1], mesh.vpn[other - 1]
    ours, theirs = mac_of(here, "br-l2tp0"), mac_of(there, "br-l2tp0")
    seen = here.call(lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL)))
    here.call(lambda: seen.bind((port, ETH_P_ALL)))
    seen.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 8 << 20)
    seen.setblocking(False)
    stop = repeat(there, mesh.session_to(other, site), solicitation(theirs, ours))
    try:
        all_right(mesh, site)
        senders = set()  # (MAC address, direction)
        with seen, contextlib.suppress(BlockingIOError):
            while True:
                frame, (_, _, direction, *_) = seen.recvfrom(2048)
                senders.add((frame[6:12], direction))
        assert (theirs, PACKET_MULTICAST) in senders, "the solicitations have not come"
        assert (ours, PACKET_OUTGOING) not in senders, f"a frame of the bridge left by {port}, which is blocked"
    finally:
        stop()


def named_host(mesh):
    """A host that the user names is behind one session or the other, or behind none."""
    mesh.settle()
    for site, target in ((1, "10.0.2.22"), (2, "10.0.2.32"), (3, "10.0.2.12")):
        report, text = all_right(mesh, site, "--target", target)
        assert target in [s["station"] for s in report["sessions"]], text
    status, _, text = mesh.check(1, "--target", "10.0.2.99")
    assert status == 1 and "error target 10.0.2.99: 10.0.2.99 answers through no session" in text, text


def turned_off(mesh):
    """STP = yes, but the bridge does not run it: an error, as the next cable may close a loop."""
    site, port = mesh.settle()
    vpn = mesh.vpn[site - 1]
    gateway = mesh.gateway[site - 1]
    gateway.insist(f"ip link set {port} down", "down", port)  # else there is the loop
    gateway.insist("ip link set br-l2tp0 type bridge stp_state 0", "stp", "br-l2tp0")
    status, _, text = mesh.check(site)
    assert status == 1 and "error stp br-l2tp0: br-l2tp0 runs no spanning tree" in text, text
    hint = re.search(r"`(ip link set br-l2tp0 type bridge forward_delay 1500 stp_state 1)`", text).group(1)
    vpn.run(hint)
    vpn.run(f"ip link set br-l2tp0 type bridge {FAST}")
    vpn.run("ip", "link", "set", port, "up")
    mesh.settle()
    all_right(mesh, site)


def out_of_the_bridge(mesh):
    """A session whose far end is in no bridge is not taken for one that STP keeps in reserve."""
    site, port = mesh.settle()
    other = mesh.far_site(site, port)
    far_port = mesh.session_to(other, site)
    mesh.gateway[other - 1].insist(f"ip link set {far_port} nomaster", "port", far_port)
    try:
        wait_for(lambda: mesh.states()[site, port] == "forwarding", 60, 0.5, "the port to forward")
        status, _, text = mesh.check(site)
        assert status == 1 and re.search(f"error far_bridge {port}: .* a port of no bridge", text), text
    finally:
        mesh.vpn[other - 1].run("ip", "link", "set", far_port, "master", "br-l2tp0")


def started(mesh):
    """A gateway has just started, and its ports do not forward yet: a check elsewhere waits for them, or asks for another one."""
    mesh.settle()
    last = mesh.gateway[-1]
    last.down()
    for node in mesh.vpn[:-1]:
        node.settle()
    last.up()  # with the kernel's own forward delay, and so 15 s at least
    wait_for(lambda: mesh.vpn[0].ping("10.20.30.3", count=1).ok, 20, what="the tunnel")
    assert "listening" in [state for (n, _), state in mesh.states().items() if n == SITES[-1]], mesh.states()
    status, _, text = mesh.check(1)
    assert "known yet" not in text, text
    if status:  # its ports have not forwarded before the check's time was over
        assert re.search("error no_path .*check again", text), text
        assert "error" not in re.sub("error no_path", "", text), text
    mesh.settle()
    all_right(mesh, 1)
    mesh.reach()


def cut_off(mesh):
    """One direction of one session is broken, so that STP sees a path which carries nothing: no check is fooled."""
    site, port = mesh.settle()
    other = mesh.far_site(site, port)
    root = next(n for n in SITES if n not in (site, other))
    # What the site that blocks sends to the third is dropped there; what comes from there still arrives.
    name = f"Name = {mesh.session_to(site, root)}\n"
    mesh.replace(site, name, name + "Cookie = 01020304\n")
    wait_for(lambda: not mesh.member[site - 1].ping(f"10.0.2.{root}2", count=1, timeout=1).ok, what="the members to be cut off")
    assert mesh.states()[site, port] == "blocking", mesh.states()
    for n in SITES:
        status, _, text = mesh.check(n)
        assert status == 1, f"vpn0{n}: {text}"
        if n == root:
            assert re.search("error (cookie|sublayer) ", text), text
        else:
            assert re.search("error no_path .* no other path leads to that site", text), text


def copies(mesh, site):
    """Return: how many copies of one broadcast frame of a site's member each member receives."""
    frame = b"\xff" * 6 + mac_of(mesh.member[site - 1], "eth0") + b"\x88\xb5" + os.urandom(50)
    listeners = []
    for member in mesh.member:
        member.run("ip link set eth0 promisc on")
        listener = member.call(lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x88B5)))
        member.call(lambda: listener.bind(("eth0", 0x88B5)))
        listener.settimeout(1)
        listeners.append(listener)
    listeners[site - 1].send(frame)
    found = []
    for listener in listeners:
        n = 0
        try:
            while n < 100:
                n += listener.recv(2000) == frame
        except TimeoutError:
            pass
        found.append(n)
        listener.close()
    return found


def split_horizon():
    """As init --mesh writes it: members reach each other at once, each frame arrives once, and check agrees."""
    mesh = Mesh(stp=False)
    cleanup.callback(mesh.close)
    for gateway in mesh.gateway:
        gateway.up()
    for a in SITES:
        for b in SITES:
            result = mesh.member[a - 1].ping(f"10.0.2.{b}2", count=1, timeout=5)
            assert a == b or result.ok, f"member0{a} to member0{b} at once: {result.out}"
    for n in SITES:
        found = copies(mesh, n)
        assert [c for at, c in zip(SITES, found) if at != n] == [1, 1], found
        report, text = all_right(mesh, n)
        assert "STP" not in text and all(s["station"] for s in report["sessions"]), text
        status = mesh.gateway[n - 1].status()
        assert all(s["split_horizon"] for s in status["sessions"]), status["sessions"]
        ports = {m["name"]: m["isolated"] for m in status["bridges"][0]["members"]}
        assert ports == {"eth1": False, "l2tpeth0": True, "l2tpeth1": True}, ports
        assert "split horizon   on" in mesh.gateway[n - 1].run("status", mesh.gateway[n - 1].conf).out
    lost_wire(mesh)
    changed_to_star(mesh)


def lost_wire(mesh):
    """A wire fails: its two sites do not reach each other, all others do, and nothing circulates."""
    mesh.vpn[0].run("ip", "route", "add", "unreachable", "192.168.122.2")
    assert not mesh.member[0].ping("10.0.2.22", count=1, timeout=1).ok
    for a, b in ((1, 3), (2, 3)):
        assert mesh.member[a - 1].ping(f"10.0.2.{b}2").ok, (a, b)
    assert copies(mesh, 3)[:2] == [1, 1]
    mesh.vpn[0].run("ip", "route", "del", "unreachable", "192.168.122.2")


def changed_to_star(mesh):
    """A reload turns split horizon off and on: the port changes in place, and no frame is lost."""
    for site in (2, 3):  # no wire between them any more, so that there is no loop
        mesh.vpn[site - 1].run("ip", "link", "set", mesh.session_to(site, 5 - site), "down")
    pings = Pings(mesh.member[0], "10.0.2.22")
    gateway = mesh.gateway[0]
    with open(gateway.conf) as file:
        text = file.read()
    gateway.configure(text.replace("SplitHorizon = yes", "SplitHorizon = no"))
    gateway.run("reload", gateway.conf)
    wait_for(lambda: mesh.member[1].ping("10.0.2.32", count=1, timeout=1).ok, what="the hub to pass frames on")
    gateway.configure(text)
    gateway.run("reload", gateway.conf)
    assert not mesh.member[1].ping("10.0.2.32", count=1, timeout=1).ok
    lost = pings.lost(30)
    assert not lost, lost


CASES = {
    "a mesh that is just starting": starting,
    "a healthy mesh": healthy,
    "a check disturbs nothing": quiet,
    "answers that come late": late_answers,
    "a question that comes to a blocked port": asked_where_blocked,
    "a host by its name": named_host,
    "a spanning tree that was turned off": turned_off,
    "a far end that is in no bridge": out_of_the_bridge,
    "a gateway that has just started": started,
    "no path to a member": cut_off,
}


def main():
    suite = Suite("mesh")
    box = {}
    suite.run("split horizon", split_horizon)

    def ready():
        need_root()
        box["mesh"] = Mesh()
        box["mesh"].up()

    if not suite.setup("the mesh", ready):
        suite.finish()
    suite.diagnose_with(box["mesh"].diagnostics)
    for name, case in CASES.items():
        suite.run(name, case, box["mesh"])
    box["mesh"].close()
    with_ip6 = {}

    def inside_ip6():
        with_ip6["mesh"] = mesh = Mesh("--tunnel", "fd00:1::/64")
        cleanup.callback(mesh.close)
        mesh.up()
        healthy(mesh)

    suite.run("IPv6 inside the tunnels", inside_ip6)
    suite.finish()


if __name__ == "__main__":
    main()
