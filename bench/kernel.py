#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The kernel's modules and the engine in one guest whose clock counts instructions: bits of TCP payload for a thousand.

All four hosts of the reference network are namespaces of a guest with Debian's unmodified kernel and one CPU, emulated
with `-icount shift=0,sleep=off`: each instruction takes one nanosecond of the guest's time. So the rate of one TCP stream
is what the whole path costs, of members, iperf3 and both gateways together, and it does not depend on the host. Small
packets are UDP datagrams in frames of 64 bytes; a round trip is that of a ping. Time in which the CPU waits counts too;
the column "idle" shows how little that is with TCP.

A repeated instruction (`rep movsb`) counts once for each repetition, so a processor that copies bytes by it (ERMS) would
seem to need an instruction for each byte, though a real one copies 16 to 64 at a time. Therefore the guest's processor
has no ERMS, and its kernel copies 8 bytes at a time; --cpu max is the processor with it. The guest has libipsec-mb, as
gateways have with Debian's packages, if this host has it.

With --profile, perf in the guest samples by this clock, that is by instructions, and a second table has what each layer
needs. It needs perf on this host (Debian: linux-perf).
"""

import argparse
import json
import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from layers import LAYERS, layer_of
from segment import number, print_conditions, print_table

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests"))
from lib.node import WIRE_OFFLOADS, need_root
from lib.reference import PORT, Pseudowire, handmade_commands, handmade_removal, make_sites, wirespan_conf
from lib.runner import install_cleanup, wait_for
from lib.wirespan import find_binary
from vm.four_hosts import create_network, in_netns
from vm.guest import Guest

FITS = Pseudowire().largest_packet(1)
FULL = 1500
VXLAN_FITS = 1390  # WireGuard's 1440 less IP, UDP, VXLAN and Ethernet
HEADERS = 20 + 20 + 12  # of IPv4 and TCP, with its timestamps
SMALL = 22  # bytes of UDP payload: a frame of 64 bytes
SAMPLES = 9973  # a second: no multiple of the kernel's ticks
CPU = "max,-erms"
IPSEC_MB = "/usr/lib/x86_64-linux-gnu/libIPSec_MB.so.1"


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


class Vxlan(System):
    """The other Ethernet tunnel that people put into WireGuard. Members at 1500: the outer packets are fragmented."""

    name = "vxlan in wireguard, by hand"

    def up(self, guest, near, far):
        return f"""
ip link add wg0 type wireguard
wg set wg0 listen-port {PORT} private-key /tmp/{near.name}.key peer {far.public} allowed-ips {far.wg4}/32 \\
	endpoint {far.underlay}:{PORT}
ip addr add {near.wg4}/24 dev wg0
ip link set wg0 mtu 1440 up
ip link add vxlan0 mtu {self.mtu} type vxlan id 1 dstport 4789 local {near.wg4} remote {far.wg4} df unset
ip link add br-l2tp0 type bridge
for i in vxlan0 eth1; do ip link set $i master br-l2tp0 up; done
ip link set br-l2tp0 up
"""

    def down(self, near):
        return "ip link set eth1 nomaster\nfor i in br-l2tp0 vxlan0 wg0; do ip link del $i; done"


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
    Vxlan(VXLAN_FITS),
    Vxlan(FULL),
    Wirespan("kernel", FITS),
    Wirespan("kernel", FULL),
    Wirespan("userspace", FITS),
    Wirespan("userspace", FULL),
)
PROFILED = (Manual(), Vxlan(VXLAN_FITS), Wirespan("userspace", FITS))


class Load:
    """What one load has sent: its rate by iperf3, the packets that arrived, instructions, and percent of idle time."""

    def __init__(self, text):
        before, after, result = text.split("\n", 2)
        idle, total = (int(b) - int(a) for a, b in zip(before.split(), after.split()))
        self.idle = 100 * idle / max(1, total)
        self.end = json.loads(result)["end"]


def iperf(guest, target, words, profile=None):
    """Run iperf3 on member01. profile: a file of the guest for the samples. Return: a Load."""
    record = f"perf record -q -a -e cpu-clock -F {SAMPLES} -o {profile} " if profile else ""
    out = guest.sh(
        "idle() { awk '/^cpu / { print $5 + $6, $2 + $3 + $4 + $5 + $6 + $7 + $8 }' /proc/stat; }\n"
        "idle\n"
        f"{record}ip netns exec member01 iperf3 -c {target} {words} -i 0 --repeating-payload -J >/tmp/iperf.json\n"
        "idle\ncat /tmp/iperf.json",
        timeout=600,
    ).out
    return Load(out)


def tcp(guest, target, megabytes, words="", profile=None):
    """One TCP stream. Return: (bits for each thousand instructions, percent of idle time)."""
    load = iperf(guest, target, f"-n {megabytes}M {words}", profile)
    return load.end["sum_received"]["bits_per_second"] / 1e6, load.idle


def small_packets(guest, target, profile=None):
    """UDP datagrams for a second of the guest, as many as can be sent. Return: thousands that arrived."""
    total = iperf(guest, target, f"-u -b 0 -l {SMALL} -t 1", profile).end["sum"]
    return (total["packets"] - total["lost_packets"]) / total["seconds"] / 1e3


def round_trip(guest, target):
    """Return: the mean round trip of a ping in microseconds, which is thousands of instructions."""
    out = guest.sh(f"ip netns exec member01 ping -n -q -c 50 -i 0.002 {target}", timeout=60).out
    return 1000 * float(re.search(r"= [\d.]+/([\d.]+)/", out)[1])


class Connected:
    """Both gateways up with a system, and iperf3 on the second member. A context manager."""

    def __init__(self, guest, sites, system):
        self.guest, self.sites, self.system = guest, sites, system

    def __enter__(self):
        guest, sites = self.guest, self.sites
        for near, far in (sites, reversed(sites)):
            guest.sh(in_netns(near.name, self.system.up(guest, near, far)), timeout=120)
        for number_ in (1, 2):
            guest.sh(f"ip -n member0{number_} link set eth0 mtu {self.system.mtu}")
        target = sites[1].member4
        wait_for(lambda: guest.ping(target, netns="member01").ok, 600, what=f"members over {self.system.name}")
        guest.sh("ip netns exec member02 iperf3 -s -D -I /tmp/iperf.pid >/dev/null; sleep 0.5")
        tcp(guest, target, 2)  # caches, and the congestion window that routes remember
        return target

    def __exit__(self, *_):
        self.guest.sh("kill $(tr -d '\\0' </tmp/iperf.pid)")
        for site in self.sites:
            self.guest.sh(in_netns(site.name, self.system.down(site)), timeout=120)


def measure(guest, sites, system, megabytes):
    """Return: a row of the table without its ratio, and the bits for each thousand instructions."""
    with Connected(guest, sites, system) as target:
        results = [tcp(guest, target, megabytes, words) for words in ("", "-R")]
        kpps = small_packets(guest, target)
        rtt = round_trip(guest, target)
    rates = [rate for rate, _ in results]
    mean = 2 / sum(1 / rate for rate in rates)
    segment = 8000 * (system.packet - HEADERS) / mean
    idle = max(idle for _, idle in results)
    row = [system.name, str(system.mtu), *(number(rate, 1) for rate in rates), number(segment)]
    return row, [number(kpps, 1), number(rtt), number(idle, 1)], mean


def compare(guest, sites, systems, megabytes, mode):
    rows, base = [], None
    for system in systems:
        left, right, mean = measure(guest, sites, system, megabytes)
        base = base or mean
        rows.append([*left, number(mean / base, 2), *right])
        print("  " + "  ".join(rows[-1]), file=sys.stderr, flush=True)
    print(f"underlay: {mode}\n")
    head = ["", "MTU", "bits/1000 there", "back", "instr/segment", "× first", "64 B /10^6", "round trip", "idle %"]
    print_table(head, rows)
    print(flush=True)


def modules_of(guest):
    """Return: {function: [module]} of the guest's kernel, which perf cannot separate without the files of modules."""
    out = guest.sh("awk 'NF == 4 { print $3, $4 }' /proc/kallsyms").out
    return dict(line.split(" ", 1) for line in out.splitlines())


def read_profile(guest, path, modules):
    """Return: {layer: share of the samples}. What is in none is printed on stderr."""
    out = guest.sh(f"perf report -i {path} --stdio -q -g none -s dso,sym 2>/dev/null", timeout=300).out
    shares = dict.fromkeys(LAYERS, 0.0)
    for percent, file, function in re.findall(r"^\s*([\d.]+)%\s+(\S+)\s+\[.\] (\S+)", out, re.M):
        file = modules.get(function, "[kernel]") if file.startswith("[kernel") else file
        layer = layer_of(file, function)
        shares[layer] += float(percent)
        if layer == "other" and float(percent) >= 0.2:
            print(f"in no layer: {percent} % {file} {function}", file=sys.stderr)
    return shares


def profile(guest, sites, systems, megabytes, mode):
    """Print what each layer needs: instructions for a TCP segment and for a small packet, of the whole path."""
    columns, modules = [], {}
    for system in systems:
        with Connected(guest, sites, system) as target:
            modules |= modules_of(guest)
            rate, _ = tcp(guest, target, megabytes, profile="/tmp/tcp.data")
            kpps = small_packets(guest, target, profile="/tmp/small.data")
            for path, each in (("/tmp/tcp.data", 8000 * (system.packet - HEADERS) / rate), ("/tmp/small.data", 1e6 / kpps)):
                shares = read_profile(guest, path, modules)
                columns.append({layer: share * each / sum(shares.values()) for layer, share in shares.items()})
    print(f"profile; underlay: {mode}\n")
    head = [""] + [f"{system.name.split()[0].rstrip(',')}: {what}" for system in systems for what in ("TCP", "64 B")]
    rows = [[layer, *(number(column[layer]) for column in columns)] for layer in LAYERS]
    rows.append(["together", *(number(sum(column.values())) for column in columns)])
    print_table(head, rows)
    print("\nInstructions for a TCP segment, and for a UDP datagram in a frame of 64 bytes that arrived.\n", flush=True)


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--megabytes", type=int, default=8, help="payload of each TCP stream (8)")
    options.add_argument("--mode", choices=("wire", "veth"), action="append", help="one kind of underlay only")
    options.add_argument("--only", help="systems whose name has this text only")
    options.add_argument("--cpu", default=CPU, help=f"the guest's processor, as qemu calls it ({CPU})")
    options.add_argument("--profile", action="store_true", help="profile by layer, instead of comparing")
    options = options.parse_args()
    need_root()
    install_cleanup()
    print_conditions()
    sites = make_sites()
    todo = [s for s in (PROFILED if options.profile else SYSTEMS) if not options.only or options.only in s.name]
    programs = ("perf",) if options.profile else ()
    files = [IPSEC_MB] if os.path.exists(IPSEC_MB) else []
    with Guest(
        icount=True, memory=1024, wirespan=find_binary(), files=files, programs=programs, cpu=options.cpu
    ) as guest:
        library = f"with{'' if files else 'out'} libipsec-mb"
        print(f"guest: Linux {guest.release}, one CPU ({options.cpu}), {library}", flush=True)
        create_network(guest, sites)
        for mode in options.mode or ("wire", "veth"):
            flags = " ".join(f"{name} {'off' if mode == 'wire' else 'on'}" for name in WIRE_OFFLOADS)
            for site in sites:
                guest.sh(f"ip netns exec {site.name} ethtool -K eth0 {flags}")
            (profile if options.profile else compare)(guest, sites, todo, options.megabytes, mode)
    if not options.profile:
        print("bits/1000: TCP payload for 1000 instructions, from the first member to the second and back.")
        print("64 B /10^6: frames of 64 bytes that arrive for a million instructions. Round trip: thousands of them.")


if __name__ == "__main__":
    main()
