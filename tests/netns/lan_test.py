#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What a LAN carries beside unicast: multicast with a querier at one site, and control frames of bridges."""

import json
import os
import shutil
import socket
import struct
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from lib import documents
from lib.frames import ip_bytes, ipv4, mac_bytes
from lib.network import Reference
from lib.node import Node, need_root, veth
from lib.runner import Skip, Suite, wait_for

ALL = 3  # ETH_P_ALL
LLDP, EAPOL, LACP, STP, PAUSE = 0x0E, 0x03, 0x02, 0x00, 0x01


class Port:
    """A packet socket on a member's interface, which takes every frame."""

    def __init__(self, node, ifname="eth0"):
        node.run("ip", "link", "set", ifname, "promisc", "on", "allmulticast", "on")
        self.mac = mac_bytes(node.mac(ifname))
        self.socket = node.call(lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ALL)))
        node.call(lambda: self.socket.bind((ifname, ALL)))

    def send(self, dst, ethertype, payload):
        """Send a frame. Return: the frame, padded to the shortest that Ethernet has."""
        frame = (dst + self.mac + struct.pack("!H", ethertype) + payload).ljust(60, b"\0")
        self.socket.send(frame)
        return frame

    def receives(self, frame, timeout):
        """Return: whether the frame comes in within `timeout` seconds."""
        self.socket.settimeout(timeout)
        try:
            while True:
                if self.socket.recv(4000) == frame:
                    return True
        except TimeoutError:
            return False

    def close(self):
        self.socket.close()


def crosses(sender, receiver, dst, ethertype, payload, tries=20):
    """Send a frame, up to `tries` times. Return: whether one arrives."""
    frame = sender.send(dst, ethertype, payload)
    for _ in range(tries):
        if receiver.receives(frame, 0.3):
            return True
        sender.send(dst, ethertype, payload)
    return False


def group(address):
    """Return: the Ethernet address of an IP multicast group."""
    raw = ip_bytes(address)
    return b"\x33\x33" + raw[-4:] if len(raw) == 16 else b"\x01\x00\x5e" + bytes([raw[1] & 0x7F]) + raw[2:]


def udp(src, dst):
    """Return: a UDP datagram in an IP packet; bridges look at its head, and no host has the port."""
    data = struct.pack("!HHHH", 5000, 5000, 28, 0) + os.urandom(20)
    if ":" in dst:
        return struct.pack("!IHBB", 6 << 28, len(data), 17, 64) + ip_bytes(src) + ip_bytes(dst) + data
    return ipv4(src, dst, 17, data)


def configure(net, extra):
    """Bring the network up with lines at the end of both files, which are of [Bridge]."""
    net.configure()
    for gateway in net.gateway:
        with open(gateway.conf) as file:
            text = file.read()
        gateway.configure(text + extra)


def reload(net, extra):
    configure(net, extra)
    for gateway in net.gateway:
        gateway.run("reload", gateway.conf)


def querier(net):
    """A router at site 1 asks who listens: here a bridge of the member's, as a switch would."""
    member = net.member[0]
    member.sh(
        """ip link add router type bridge mcast_snooping 1 mcast_querier 1 mcast_query_response_interval 50 \
              mcast_startup_query_interval 50 mcast_query_interval 200
           ip link set router up
           ip addr flush dev eth0
           ip link set eth0 master router up"""
    )
    for address in (net.sites[0].member4, net.sites[0].member6):
        member.run("ip", "addr", "add", f"{address}/{64 if ':' in address else 24}", "dev", "router")


GROUPS = [
    ("a router solicitation", "ff02::2"),
    ("neighbour discovery to a silent host", "ff02::1:ff00:99"),
    ("an unreported IPv6 group", "ff05::1234"),
    ("an unreported IPv4 group", "239.1.2.3"),
]


def multicast(net):
    """With a querier at one site everything crosses: by default, and towards sessions with MulticastSnooping."""
    configure(net, "")
    for gateway in net.gateway:
        gateway.up()
    querier(net)
    near, far = Port(net.member[1]), Port(net.member[0])
    wait_for(lambda: net.member[1].ping(net.sites[0].member4, count=1, timeout=1).ok, what="the members to reach each other")

    def each(sender, receiver, srcs):
        for what, address in GROUPS:
            src = srcs[":" in address]
            kind = 0x86DD if ":" in address else 0x0800
            assert crosses(sender, receiver, group(address), kind, udp(src, address)), what

    ours = (net.sites[1].member4, "fe80::2"), (net.sites[0].member4, "fe80::1")
    querier_reaches(net)
    each(near, far, ours[0])
    each(far, near, ours[1])
    for gateway in net.gateway:
        bridge = gateway.status()["bridges"][0]
        assert bridge["multicast_snooping"] is False, bridge
    reload(net, "MulticastSnooping = yes\n")
    assert gateway.status()["bridges"][0]["multicast_snooping"] is True
    assert "multicast " in gateway.run("status", gateway.conf).out
    querier_reaches(net)
    each(near, far, ours[0])  # to the querier
    out = Port(net.vpn[0], "l2tpeth0")
    host(net)
    each(Port(net.member[0], "host0"), out, ours[1])  # from another port beside the querier's, to the session
    reload(net, "")
    each(far, near, ours[1])
    for port in (near, far, out):
        port.close()


def querier_reaches(net):
    """Wait until the querier has asked on both bridges, and hosts have had time to report."""
    port = Port(net.member[1])
    query = b"\x33\x33\x00\x00\x00\x01"

    def arrived():
        port.socket.settimeout(5)
        frame = port.socket.recv(4000)
        return frame[:6] == query and b"\x3a\x00\x05\x02" in frame

    wait_for(arrived, 30, 0, "an MLD query at the other site")
    wait_for(arrived, 30, 0, "a second one")
    port.close()


def host(net):
    """A second port of site 1's bridge, beside the querier's, with a host that sends."""
    veth(net.vpn[0], "eth2", net.member[0], "host0")
    net.vpn[0].run("ip link set eth2 master br-l2tp0 up")
    net.member[0].run("ip link set host0 up")


def control(number):
    return bytes.fromhex("0180c20000") + bytes([number])


def control_frames(net):
    """Each protocol crosses both ways if the file lists it, and not otherwise; a reload changes it in place."""
    configure(net, "")
    for gateway in net.gateway:
        gateway.up()
    assert net.member[0].ping(net.sites[1].member4).ok
    a, b = Port(net.member[0]), Port(net.member[1])
    words = {LLDP: "lldp", EAPOL: "eapol", LACP: "lacp"}
    try:
        for lines, expected in (
            ("", ()),
            ("ForwardControl = lldp\n", (LLDP,)),
            ("ForwardControl = lldp, eapol, lacp, stp\n", (LLDP, EAPOL, LACP)),
            ("ForwardControl = none\n", ()),
        ):
            reload(net, lines)
            before = control_drops(net)
            for number in words:
                for sender, receiver in ((a, b), (b, a)):
                    wanted = number in expected
                    found = crosses(sender, receiver, control(number), 0x88CC, os.urandom(50), 20 if wanted else 2)
                    assert found == wanted, (lines, words[number], found)
            assert (control_drops(net) == before) == bool(expected), (lines, before, control_drops(net))
            assert crosses(a, b, control(STP), 0x0026, os.urandom(50)), "BPDUs cross without STP"
            assert not crosses(a, b, control(PAUSE), 0x8808, os.urandom(50), 2), "pause frames never cross"
            shown = net.gateway[0].status()["bridges"][0]["forward_control"]
            assert shown == lines.partition(" = ")[2].strip().replace("none", ""), shown
    finally:
        a.close()
        b.close()


def control_drops(net):
    return net.gateway[0].status()["drops"]["bridge_control"]


def large(net):
    """Frames larger than a session's MTU, which the bridge drops, are counted and named; superframes of TCP are not."""
    configure(net, "")
    vpn, member, gateway = net.vpn[0], net.member[0], net.gateway[0]
    for each in net.gateway:
        each.up()
    far = net.sites[1].member4
    reaches(net)

    def drops():
        return gateway.status()["drops"]["bridge_oversize"]

    def ping(size):
        return member.run(f"ping -n -c 3 -i 0.2 -W 1 -M do -s {size} {far}", check=False)

    vpn.run("ip link set eth1 mtu 9000")
    member.run("ip link set eth0 mtu 9000")
    wait_for(lambda: gateway.status()["bridges"][0]["members"][0]["mtu"] == 9000, what="the MTU of eth1")
    assert ping(1400).ok and drops() == 0, drops()
    member.run(f"ping -n -c 2 -s 4000 -W 1 {net.sites[0].bridge4}")  # to the gateway: not for a session
    assert drops() == 0, "frames to the bridge itself"
    Flow(net).run()
    assert drops() == 0, "GSO frames are forwarded"
    assert not ping(4000).ok
    wait_for(lambda: drops() >= 3, 10, what="the frames to be counted")
    log, text = gateway.log_text(0), gateway.run("status", gateway.conf).out
    assert log.count("eth1 receives frames that are larger than the MTU of a session") == 1, log
    assert "bridge_oversize" in text, text
    large_of_several(net, drops)
    vpn.run("ip link set eth1 mtu 1500")
    member.run("ip link set eth0 mtu 1500")


def large_of_several(net, drops):
    """The same with a second member: frames to that one are not counted, those of each to the far side are."""
    vpn, member, gateway = net.vpn[0], net.member[0], net.gateway[0]
    with open(gateway.conf) as file:
        text = file.read()
    with Node("member03") as third:
        veth(vpn, "eth2", third, "eth0")
        for node, name in ((vpn, "eth2"), (third, "eth0")):
            node.run(f"ip link set {name} mtu 9000")
        third.up("eth0", "10.0.2.13/24")
        gateway.configure(text.replace("Member = eth1", "Member = eth1, eth2"))
        gateway.run("reload", gateway.conf)
        wait_for(lambda: third.ping(net.sites[1].member4, count=1, timeout=1).ok, 10, what="the second member to reach the far one")
        before = drops()
        assert member.run("ping -n -c 3 -i 0.2 -W 1 -M do -s 4000 10.0.2.13").status == 0
        time.sleep(1.5)
        assert drops() == before, "frames to another member"
        for number, node in enumerate((third, member), 1):
            node.run(f"ping -n -c 3 -i 0.2 -W 1 -M do -s 4000 {net.sites[1].member4}", check=False)
            wait_for(lambda: drops() >= before + 3 * number, 10, what="the frames of each member to be counted")
        assert drops() == before + 6, drops()
        gateway.configure(text)
        gateway.run("reload", gateway.conf)


class Flow:
    """A TCP flow from the first member to the other, in superframes."""

    def __init__(self, net):
        self.net = net

    def run(self):
        one, two = self.net.member
        listener = two.call(socket.socket)
        listener.bind(("", 7000))
        listener.listen()
        sender = one.call(socket.socket)
        sender.settimeout(30)
        sender.connect((self.net.sites[1].member4, 7000))
        receiver = listener.accept()[0]
        receiver.settimeout(30)
        data, left = bytes(1 << 16), 4 << 20
        thread = threading.Thread(target=lambda: [sender.sendall(data) for _ in range(left >> 16)])
        thread.start()
        while left:
            left -= len(receiver.recv(1 << 20))
        thread.join()
        for each in (sender, receiver, listener):
            each.close()


def owned_bridge(vpn, *ports, mtu=1500):
    """Create a bridge as a hypervisor or a network manager does, with settings of its own."""
    vpn.run("ip link add vmbr0 type bridge stp_state 0 forward_delay 200 ageing_time 7000")
    for port in ports:
        vpn.run("ip", "link", "set", port, "mtu", str(mtu), "master", "vmbr0", "up")
    vpn.run("ip link set vmbr0 up")
    vpn.run("ip addr add 10.0.2.11/24 dev vmbr0")


def picture(vpn):
    """Return: everything about vmbr0 that its owner has set or seen, and its ports but for ours."""
    (link,) = json.loads(vpn.run("ip -d -j link show vmbr0").out)
    data = link["linkinfo"]["info_data"]
    lasting = ("stp_state", "forward_delay", "ageing_time", "mcast_snooping", "group_fwd_mask", "priority")
    facts = {key: data[key] for key in lasting}
    facts.update(mtu=link["mtu"], mac=link["address"], up="UP" in link["flags"], alias=link.get("ifalias"))
    facts["addresses"] = sorted(
        line.split()[3] for line in vpn.run("ip -o -4 addr show dev vmbr0").out.splitlines()
    )
    ports = {}
    for port in json.loads(vpn.run("ip -d -j link show master vmbr0").out):
        if not port["ifname"].startswith("l2tpeth"):
            slave = port["linkinfo"]["info_slave_data"]
            ports[port["ifname"]] = (port["mtu"], port["address"], "UP" in port["flags"], slave["group_fwd_mask"])
    facts["ports"] = ports
    return facts


def adopting(net, lines):
    """Write the first gateway's file with an adopted bridge instead of its own."""
    net.configure()
    with open(net.gateway[0].conf) as file:
        text = file.read()
    net.gateway[0].configure(text[: text.index("[Bridge]")] + "[Bridge]\nName = vmbr0\n" + lines)


def reaches(net):
    wait_for(
        lambda: net.member[0].ping(net.sites[1].member4, count=1, timeout=1).ok, what="the members to reach each other"
    )


def adopt(net):
    """A bridge of others is joined and left, and nothing of it changes: running, down, killed, without ports."""
    vpn, gateway = net.vpn[0], net.gateway[0]
    owned_bridge(vpn, "eth1", mtu=9000)
    before = picture(vpn)
    adopting(net, "Member = eth1\n")
    status, out = refused(gateway)
    assert status != 0 and "Adopt = yes" in out and "ip link del" not in out, out
    assert picture(vpn) == before
    adopting(net, "Adopt = yes\nMember = eth1\n")
    assert gateway.run("validate", gateway.conf).ok
    for each in net.gateway:
        each.up()
    reaches(net)
    assert picture(vpn) == before, (picture(vpn), before)
    bridge = gateway.status()["bridges"][0]
    assert bridge["adopted"] and {m["name"] for m in bridge["members"]} == {"eth1", "l2tpeth0"}, bridge
    assert "another program" in gateway.run("status", gateway.conf).out
    reload_adopted(net, before)
    made_again(net)
    gateway.down()
    assert picture(vpn) == before, (picture(vpn), before)
    killed(net, before)
    without_ports(net)
    gateway.up()  # for main()


def made_again(net):
    """The owner deletes the bridge, and makes it again: it is waited for, and joined again."""
    vpn, gateway = net.vpn[0], net.gateway[0]

    def differences():
        return [(d["kind"], d["name"], d["remedy"]) for d in gateway.status()["differences"]]

    vpn.run("ip link del vmbr0")
    wait_for(lambda: differences() == [("absent", "vmbr0", "wait")], what="the bridge to be missed")
    owned_bridge(vpn, "eth1", mtu=9000)
    before = picture(vpn)
    wait_for(lambda: "l2tpeth0" in vpn.run("ip -o link show master vmbr0").out, what="the session to join")
    reaches(net)
    assert not differences() and picture(vpn) == before, (differences(), picture(vpn), before)


def refused(gateway):
    result = gateway.run("up", gateway.conf, check=False)
    return result.status, result.out


def reload_adopted(net, before):
    """A member that the file adds joins, and leaves as it was; a control protocol counts for our ports only."""
    vpn, gateway = net.vpn[0], net.gateway[0]
    vpn.run("ip link add nic1 type veth peer name nic2")
    vpn.run("ip link set nic1 address 02:00:00:00:00:01")
    for lines, status, ports in (
        ("Member = eth1, nic1\n", 1, 1),  # its MTU would become the bridge's
        ("Member = eth1, nic1\nForwardControl = lldp\n", 0, 2),
        ("Member = eth1\n", 0, 1),
    ):
        adopting(net, "Adopt = yes\n" + lines)
        result = gateway.run("reload", gateway.conf, check=False)
        assert result.status == status, result.out
        after = picture(vpn)
        assert len(after["ports"]) == ports, after
        assert after["ports"].pop("nic1", (0, 0, 0, "0x4000"))[3] == "0x4000", after
        assert after == before, (after, before)
        vpn.run("ip link set nic1 mtu 9000")
    assert "state DOWN" in vpn.run("ip link show nic1").out
    vpn.run("ip link del nic1")


def killed(net, before):
    """After a crash, down finds the member that was added, and the bridge is as before."""
    vpn, gateway = net.vpn[0], net.gateway[0]
    vpn.run("ip link add nic1 mtu 9000 type veth peer name nic2")
    adopting(net, "Adopt = yes\nMember = nic1\n")
    gateway.up()
    assert "nic1" in picture(vpn)["ports"]
    gateway.signal("KILL")
    gateway.wait_gone()
    gateway.run("down", gateway.conf)
    assert picture(vpn) == before, (picture(vpn), before)
    vpn.run("ip link del nic1")


def without_ports(net):
    """The kernel gives a bridge the address and MTU of its first port, and none after its last one."""
    vpn, gateway = net.vpn[0], net.gateway[0]
    vpn.run("ip link del vmbr0")
    owned_bridge(vpn)
    before = picture(vpn)
    adopting(net, "Adopt = yes\n")
    gateway.up()
    assert picture(vpn) == before, (picture(vpn), before)
    gateway.down()
    assert picture(vpn) == before, (picture(vpn), before)


def site_dhcp(net):
    """A DHCP server at the far site answers, until the rules of the page are there; all else still crosses."""
    for program in ("nft", "busybox"):
        if not shutil.which(program, path="/usr/sbin:/usr/bin:/sbin:/bin"):
            raise Skip(f"{program} is not installed")
    client, server = net.member
    net.up()
    wait_for(lambda: client.ping(net.sites[1].member4, count=1, timeout=1).ok, what="the members")
    server.sh(
        "cat >/run/udhcpd.conf; touch /run/leases; busybox udhcpd -f -S /run/udhcpd.conf >/run/log 2>&1 &",
        stdin="start 10.0.2.100\nend 10.0.2.120\ninterface eth0\nlease_file /run/leases\npidfile /run/udhcpd.pid\n",
    )

    def lease(tries):
        words = ("busybox", "udhcpc", "-f", "-q", "-n", "-i", "eth0", "-s", "/bin/true", "-T", "1", "-t", str(tries))
        return client.run(*words, check=False, timeout=60)

    wait_for(lambda: "lease of 10.0.2.1" in lease(3).out, 20, what="an address from the far site")
    found = [b.text for b in documents.blocks("doc/howto/proxmox.md") if "site-dhcp" in b.text]
    net.vpn[0].sh("".join(found))
    result = lease(3)
    assert result.status and "no lease" in result.out, result.out
    ping = client.ping(net.sites[1].member4)
    assert ping.ok, ping.out
    gateway = net.gateway[0]
    result = gateway.run("check", gateway.conf, check=False, timeout=15)
    assert result.status == 0 and "all right" in result.out, result.out


def main():
    suite = Suite("lan")
    for name, case in (("multicast with a querier", multicast), ("control frames", control_frames), ("large frames", large), ("an adopted bridge", adopt), ("DHCP stays at its site", site_dhcp)):

        def run():
            need_root()
            with Reference() as net:
                suite.diagnose_with(net.diagnostics)
                case(net)
                for gateway in net.gateway:
                    gateway.down()

        suite.run(name, run)
    suite.finish()


if __name__ == "__main__":
    main()
