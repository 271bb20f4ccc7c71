#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The manually configured reference network, all four hosts in one guest with Debian's unmodified kernel.

Verifies the guest, and the manual commands on which the interoperability tests rely, and the values of the MTU
table on a real kernel.
"""

import os
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from lib.node import Node, need_root
from lib.reference import Pseudowire, handmade_commands, handmade_removal, make_sites, new_key, wirespan_conf
from lib.runner import Suite, cleanup, wait_for
from lib.wirespan import find_binary
from vm.four_hosts import create_network, in_netns
from vm.guest import Guest

CARD = """
ip link set eth0 name card
ip addr add 192.168.122.9/24 dev card
ip link set card up
"""


def build(guest, sites, wire):
    """Set up both gateways by manual commands, and read back that the kernel applied them."""
    one, two = sites
    for near, far in ((one, two), (two, one)):
        if wire.preshared:
            guest.write(f"/tmp/{near.name}.psk", wire.preshared)
        guest.sh(in_netns(near.name, handmade_removal(near) + handmade_commands(near, far, wire)))
        shown = guest.sh(in_netns(near.name, "ip l2tp show tunnel; ip l2tp show session")).out.lower()
        expected = [f"encap {wire.encap}", *(f"cookie {cookie}" for cookie in wire.cookies if cookie)]
        for text in expected:
            assert text in shown, f"{text!r} not in: {shown}"


def network_card(guest, host):
    """The guest's card and the tap in our namespace are connected."""
    assert guest.ping("192.168.122.8").ok and host.ping("192.168.122.9").ok
    assert host.ping("192.168.122.9", size=1472, dont_fragment=True).ok


def reference_network(guest, sites):
    one, two = sites
    wire = Pseudowire()
    build(guest, sites, wire)
    assert guest.ping(two.member4, netns="member01", count=3).ok, "member to member, IPv4"
    assert guest.ping(one.member6, netns="member02").ok, "member to member, IPv6"
    assert guest.ping(two.bridge4, netns="member01").ok, "member to far bridge"
    assert guest.ping(two.wg4, netns="vpn01").ok, "gateway to far wg0"


def bridge_ports(guest):
    """What the rules for members know of the kernel: a bond or a team can be a port of a bridge, a VRF cannot, and a part
    of any is taken out of it without a message, so that `validate` must refuse it."""
    guest.sh(
        "ip link add br9 type bridge\n"
        "for k in bond team vrf; do o=; [ $k != vrf ] || o='table 9'; ip link add a_$k type $k $o; done\n"
        "for k in bond team vrf; do ip link add of_$k type dummy; ip link set of_$k master a_$k; done"
    )
    for name, accepted in (("a_bond", 1), ("a_team", 1), ("a_vrf", 0), ("of_bond", 1), ("of_team", 1), ("of_vrf", 1)):
        result = guest.sh(f"ip link set {name} master br9 2>&1; ip -o link show {name}", check=False)
        assert (" master br9 " in result.out) == accepted, result.out
    guest.sh("for i in br9 of_bond of_team of_vrf a_bond a_team a_vrf; do ip link del $i; done")


def exact_size(guest, sites):
    """1386, as in the MTU table: the kernel sends 1386 whole and 1387 in fragments inside the tunnel."""
    _, two = sites
    wire = Pseudowire(session_mtu=1500)
    build(guest, sites, wire)
    largest = wire.largest_packet(1)
    assert largest == 1386, f"the table of WIRE.md: {largest}"

    def fragments_made():
        out = guest.sh("ip netns exec vpn01 awk '/^Ip: [0-9]/ { print $18 }' /proc/net/snmp").out
        return int(out.strip())

    assert guest.ping(two.member4, netns="member01", size=largest - 28, dont_fragment=True).ok
    assert fragments_made() == 0, "a packet of the computed size is not fragmented"
    assert guest.ping(two.member4, netns="member01", size=largest - 28 + 1, dont_fragment=True).ok
    assert fragments_made() > 0, "one byte more is fragmented, inside the tunnel"


def variant(guest, sites, wire):
    build(guest, sites, wire)
    wait_for(lambda: guest.ping(sites[1].member4, netns="member01").ok, what="member to member")


def written_script(guest, sites, wire):
    """The output of `wirespan script` for both sites, unedited: up, exact size as computed, down."""
    folder = tempfile.mkdtemp(prefix="wirespan-script-")
    cleanup.callback(shutil.rmtree, folder, ignore_errors=True)
    for near, far in (sites, reversed(sites)):
        conf = os.path.join(folder, f"{near.name}.conf")
        text = wirespan_conf(near, far, wire)
        with open(os.open(conf, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
            file.write(text)
        words = [find_binary(), "script", "--underlay", "1500", conf]
        script = subprocess.run(words, capture_output=True, text=True, check=True, timeout=120).stdout
        assert near.private not in script
        # the script reads the key from the configuration's own path
        guest.sh(f"mkdir -p {folder}")
        guest.write(conf, text)
        guest.write(f"{folder}/{near.name}.sh", script)
        guest.sh(in_netns(near.name, handmade_removal(near)))
        guest.sh(in_netns(near.name, f"sh {folder}/{near.name}.sh up"))
    largest = wire.largest_packet(1)
    shown = guest.sh("ip -n vpn01 link show l2tpeth0").out
    assert f" mtu {largest} " in shown, shown
    assert guest.ping(sites[1].member4, netns="member01", size=largest - 28, dont_fragment=True).ok
    for near in sites:
        guest.sh(in_netns(near.name, f"sh {folder}/{near.name}.sh down"))
        left = guest.sh(in_netns(near.name, "ip -o link; ip l2tp show tunnel; ip l2tp show session")).out
        assert not [name for name in ("wg0", "l2tp", "br-l2tp0", "Tunnel") if name in left], left


VARIANTS = {
    "cookies of 4 bytes": Pseudowire(cookies=("01020304", "a1a2a3a4")),
    "cookies of 8 and 4 bytes": Pseudowire(cookies=("0102030405060708", "a1a2a3a4")),
    "sublayer none": Pseudowire(sublayer="none"),
    "sequence numbers both ways": Pseudowire(sequence="both"),
    "IPv6 inside": Pseudowire(family=6),
    "encapsulation ip": Pseudowire(encap="ip"),
    "preshared key": Pseudowire(preshared=new_key()),
}

SCRIPTS = {
    "plain": Pseudowire(),
    "IPv6 inside, ip, cookies, sequence numbers": Pseudowire(
        family=6, encap="ip", cookies=("0102030405060708", "a1a2a3a4"), sequence="both", preshared=new_key()
    ),
}


def main():
    suite = Suite("vm")
    box = {}
    sites = make_sites()

    def boot():
        need_root()
        box["host"] = host = Node("host")
        box["guest"] = Guest(nics=[(host, "eth0")])
        host.up("eth0", "192.168.122.8/24")
        print(f"  kernel {box['guest'].release}, ready after {box['guest'].boot_seconds:.1f} s")
        box["guest"].sh(CARD)
        create_network(box["guest"], sites)

    if not suite.setup("a stock kernel boots in qemu", boot):
        suite.finish()
    guest = box["guest"]
    suite.diagnose_with(guest.console_text)
    suite.run("the guest's network card", network_card, guest, box["host"])
    suite.run("ports of bridges", bridge_ports, guest)
    suite.run("kernel reference network", reference_network, guest, sites)
    suite.run("kernel reference network, exact size", exact_size, guest, sites)
    for name, wire in VARIANTS.items():
        suite.run(f"kernel with kernel, {name}", variant, guest, sites, wire)
    for name, wire in SCRIPTS.items():
        suite.run(f"wirespan script, {name}", written_script, guest, sites, wire)
    suite.finish()


if __name__ == "__main__":
    main()
