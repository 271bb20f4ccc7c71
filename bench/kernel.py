#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The kernel's modules and the engine in one guest whose clock counts instructions: bits of TCP payload for a thousand.

All four hosts of the reference network are namespaces of a guest with Debian's unmodified kernel and one CPU, emulated
with `-icount shift=0,sleep=off`: each instruction takes one nanosecond of the guest's time, so the rate of one TCP stream
is what the whole path costs, of members, iperf3 and both gateways together, and it does not depend on the host. The rows
add one layer after another. Time in which the CPU waits counts too; the column "idle" shows how little that is.
"""

import argparse
import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from segment import number, print_conditions, print_table

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests"))
from lib.node import WIRE_OFFLOADS, need_root
from lib.reference import Pseudowire, handmade_commands, handmade_removal, make_sites, wirespan_conf
from lib.runner import install_cleanup, wait_for
from lib.wirespan import find_binary
from vm.four_hosts import create_network, in_netns
from vm.guest import Guest

FITS = Pseudowire().largest_packet(1)
FULL = 1500
HEADERS = 20 + 20 + 12  # of IPv4 and TCP, with its timestamps


class System:
    """One method of connecting the members, whose MTU is `mtu`. Here: the underlay itself is the segment."""

    name = "no tunnel"

    def __init__(self, mtu=FITS):
        self.mtu = self.packet = mtu  # what the members may send, and do with TCP

    def up(self, guest, near, far):
        """The script of a gateway that brings it up."""
        ports = "for i in eth0 eth1; do ip link set $i master br-l2tp0; done"
        return f"ip link add br-l2tp0 type bridge\n{ports}\nip link set br-l2tp0 up"

    def down(self, near):
        return "ip link del br-l2tp0"


class L2tp(System):
    """L2TP by the kernel, on the underlay, without WireGuard."""

    name = "l2tp_eth alone"

    def up(self, guest, near, far):
        lines = handmade_commands(near, far).splitlines()
        lines = [line for line in lines if "wg0" not in line and not line.startswith("wg ")]
        return "\n".join(lines).replace(near.wg4, near.underlay).replace(far.wg4, far.underlay)

    def down(self, near):
        return handmade_removal(near)


class Manual(System):
    """What people build by hand."""

    name = "l2tp_eth in wireguard, by hand"

    def up(self, guest, near, far):
        wire = Pseudowire(session_mtu=FULL if self.mtu == FULL else None)
        return handmade_commands(near, far, wire)

    def down(self, near):
        return handmade_removal(near)


class Wirespan(System):
    """The program under test, with a back end."""

    def __init__(self, backend, mtu):
        super().__init__(mtu)
        self.packet = FITS  # the MSS is clamped
        self.backend = backend
        self.name = f"wirespan, Backend = {backend}"

    def up(self, guest, near, far):
        text = f"[Site]\nBackend = {self.backend}\n\n{wirespan_conf(near, far)}"
        guest.write(f"/tmp/{near.name}.conf", text)
        return f"wirespan up -d /tmp/{near.name}.conf"

    def down(self, near):
        return f"wirespan down /tmp/{near.name}.conf"


SYSTEMS = (
    System(),
    L2tp(),
    Manual(),
    Manual(FULL),
    Wirespan("kernel", FITS),
    Wirespan("kernel", FULL),
    Wirespan("userspace", FITS),
    Wirespan("userspace", FULL),
)


def transfer(guest, target, megabytes, reverse):
    """One TCP stream between the members. Return: (bits for each thousand instructions, percent of idle time)."""
    out = guest.sh(
        "idle() { awk '/^cpu / { print $5 + $6, $2 + $3 + $4 + $5 + $6 + $7 + $8 }' /proc/stat; }\n"
        "idle\n"
        f"ip netns exec member01 iperf3 -c {target} -n {megabytes}M -i 0 -J {'-R' if reverse else ''}"
        " >/tmp/iperf.json\n"
        "idle\ncat /tmp/iperf.json",
        timeout=600,
    ).out
    before, after, result = out.split("\n", 2)
    idle, total = (int(b) - int(a) for a, b in zip(before.split(), after.split()))
    received = json.loads(result)["end"]["sum_received"]
    return received["bits_per_second"] / 1e6, 100 * idle / max(1, total)


def connect(guest, sites, system):
    """Bring both gateways up, and the members to the system's MTU."""
    for near, far in (sites, reversed(sites)):
        guest.sh(in_netns(near.name, system.up(guest, near, far)), timeout=120)
    for number_ in (1, 2):
        guest.sh(f"ip -n member0{number_} link set eth0 mtu {system.mtu}")
    wait_for(lambda: guest.ping(sites[1].member4, netns="member01").ok, 600, what=f"members over {system.name}")


def measure(guest, sites, system, megabytes):
    """Return: a row of the table, and its bits for each thousand instructions."""
    connect(guest, sites, system)
    target = sites[1].member4
    guest.sh("ip netns exec member02 iperf3 -s -D -I /tmp/iperf.pid >/dev/null; sleep 0.5")
    transfer(guest, target, 2, False)  # caches, and the congestion window that routes remember
    results = [transfer(guest, target, megabytes, reverse) for reverse in (False, True)]
    guest.sh("kill $(tr -d '\\0' </tmp/iperf.pid)")
    for site in sites:
        guest.sh(in_netns(site.name, system.down(site)), timeout=120)
    rates = [rate for rate, _ in results]
    mean = 2 / sum(1 / rate for rate in rates)
    segment = 8000 * (system.packet - HEADERS)
    idle = max(idle for _, idle in results)
    return [system.name, str(system.mtu), *(number(rate, 1) for rate in rates), segment / mean, number(idle, 1)], mean


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--megabytes", type=int, default=20, help="payload of each TCP stream (20)")
    options.add_argument("--mode", choices=("wire", "veth"), default="wire", help="kind of underlay (wire)")
    options.add_argument("--only", help="systems whose name has this text only")
    options = options.parse_args()
    need_root()
    install_cleanup()
    print_conditions()
    sites = make_sites()
    with Guest(icount=True, memory=768, wirespan=find_binary()) as guest:
        print(f"guest: Linux {guest.release}, one CPU; underlay: {options.mode}", flush=True)
        create_network(guest, sites)
        if options.mode == "wire":
            for site in sites:
                flags = " ".join(f"{name} off" for name in WIRE_OFFLOADS)
                guest.sh(f"ip netns exec {site.name} ethtool -K eth0 {flags}")
        rows, base = [], None
        for system in SYSTEMS:
            if options.only and options.only not in system.name:
                continue
            row, mean = measure(guest, sites, system, options.megabytes)
            base = base or mean
            each = row[4]
            row[4:5] = [number(each), number(mean / base, 2)]
            print("  " + "  ".join(row), flush=True)
            rows.append(row)
    print()
    print_table(["", "MTU", "bits/1000 there", "back", "instructions/segment", "× first", "idle %"], rows)
    print("\nbits/1000: TCP payload for 1000 instructions, from the first member to the second and back.")


if __name__ == "__main__":
    main()
