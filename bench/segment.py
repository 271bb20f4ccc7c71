# SPDX-License-Identifier: MIT
"""Shared by the benches with traffic: one LAN segment over different tunnels, its loads, and medians.

The topology is the tests' reference network: two gateways, a member behind each, an underlay of MTU 1500
between them, all in namespaces of one host. Each Tunnel (tunnels/) connects the members differently, so that
measurements between the members are comparable.
"""

import json
import os
import platform
import statistics
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests"))
from lib.network import Reference
from lib.node import WIRE_OFFLOADS
from lib.runner import install_cleanup, wait_for

_TICKS = os.sysconf("SC_CLK_TCK")


class Segment:
    """The reference network with its loads."""

    def __init__(self):
        install_cleanup()
        self.net = Reference()
        self.servers = []
        for member in self.net.member:
            self.servers.append(member.popen("iperf3", "-s", stdout=subprocess.DEVNULL))

    def wire_like(self, on, gro=False):
        """Make the underlay behave like a wire, or pass trains of datagrams unsplit as veth does. gro: a wire whose
        receiver merges what arrives, as network cards' drivers do."""
        for vpn in self.net.vpn:
            vpn.offloads("eth0", not on, *WIRE_OFFLOADS)
            if gro:
                vpn.offloads("eth0", True, "generic-receive-offload")

    def join(self, tunnel, mtu=None):
        """Bring a tunnel up and wait until the members reach each other."""
        for member in self.net.member:
            member.run("ip", "link", "set", "eth0", "mtu", str(mtu or tunnel.mtu))
        tunnel.up()
        far = self.net.sites[1].member4
        wait_for(lambda: self.net.member[0].ping(far, count=1).ok, 20, what=f"the segment over {tunnel.name}")

    def cpu_seconds(self):
        """Return: CPU seconds used so far by the processes on the gateways."""
        total = 0
        for vpn in self.net.vpn:
            for pid in vpn.processes():
                with open(f"/proc/{vpn.pid}/root/proc/{pid}/stat") as file:
                    words = file.read().rpartition(")")[2].split()
                total += int(words[11]) + int(words[12])
        return total / _TICKS

    def resident_kib(self):
        """Return: the memory of the gateways' processes, KiB."""
        total = 0
        for vpn in self.net.vpn:
            for pid in vpn.processes():
                with open(f"/proc/{vpn.pid}/root/proc/{pid}/status") as file:
                    total += sum(int(line.split()[1]) for line in file if line.startswith("VmRSS"))
        return total

    def _underlay(self):
        counted = []
        for name in ("rx_bytes", "rx_packets"):
            with open(f"/proc/{self.net.vpn[1].pid}/root/sys/class/net/eth0/statistics/{name}") as file:
                counted.append(int(file.read()))
        return counted

    def iperf(self, *words, seconds):
        """Run iperf3 between the members. Its server resets a client while it still ends the one before: then again.
        Return: its report, with the gateways' CPU time and packet size."""
        for _ in range(3):
            try:
                return self._iperf(*words, seconds=seconds)
            except RuntimeError as problem:
                last = problem
                time.sleep(0.5)
        raise last

    def _iperf(self, *words, seconds):
        before, cpu = self._underlay(), self.cpu_seconds()
        command = ["iperf3", "-c", self.net.sites[1].member4, "-J", "-t", str(seconds), *words]
        result = self.net.member[0].run(*command, check=False, timeout=seconds + 20)
        _, brace, rest = result.out.partition("{")  # warnings may precede it
        report = json.loads(brace + rest) if brace else {"error": result.out.strip()}
        if "error" in report:
            raise RuntimeError(f"iperf3: {report['error']}")
        after = self._underlay()
        report["cpu"] = self.cpu_seconds() - cpu
        report["underlay"] = (after[0] - before[0]) / max(1, after[1] - before[1])
        return report["end"], report["cpu"], report["underlay"]

    def tcp(self, seconds, *words):
        """One TCP stream. Return: Mbit/s received, CPU seconds per gigabyte, bytes per underlay packet."""
        end, cpu, underlay = self.iperf("-C", "cubic", *words, seconds=seconds)
        received = end["sum_received"]
        return {
            "mbps": received["bits_per_second"] / 1e6,
            "cpu/GB": cpu / (received["bytes"] / 1e9),
            "underlay": underlay,
        }

    def udp(self, seconds, payload, rate="0"):
        """UDP datagrams of `payload` bytes, as fast as possible. Return: thousands received per second."""
        end, cpu, underlay = self.iperf("-u", "-b", rate, "-l", str(payload), seconds=seconds)
        total = end["sum"]
        arrived = total["packets"] - total["lost_packets"]
        return {
            "kpps": arrived / total["seconds"] / 1e3,
            "sent kpps": total["packets"] / total["seconds"] / 1e3,
            "cpu/M": cpu / max(1e-6, arrived / 1e6),
            "underlay": underlay,
        }


class Samples:
    """Results of interleaved runs, by name and key."""

    def __init__(self):
        self.of = {}

    def add(self, name, measured):
        for key, value in measured.items():
            self.of.setdefault((name, key), []).append(value)

    def median(self, name, key):
        """Return: the median, or None without values."""
        values = self.of.get((name, key))
        return statistics.median(values) if values else None

    def ratio(self, name, other, key):
        """Return: the median of the ratios of runs in the same round."""
        return statistics.median(a / b for a, b in zip(self.of[(name, key)], self.of[(other, key)]))

    def spread(self, name, key):
        """Return: the lowest and the highest value."""
        values = self.of[(name, key)]
        return min(values), max(values)


def number(value, digits=0):
    """Return: a number formatted for a table, `-` for None."""
    return "-" if value is None else f"{value:.{digits}f}"


def print_table(head, rows):
    """Print rows of text under a header; the first column left-aligned, the others right-aligned."""
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    for row in [head, ["-" * width for width in widths], *rows]:
        print("  ".join([row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:]))]))


def print_conditions():
    """Print the time, processor, kernel and load. Return: this line."""
    model = "unknown processor"
    with open("/proc/cpuinfo") as file:
        for line in file:
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
    cores = len(os.sched_getaffinity(0))
    load = " ".join(f"{value:.1f}" for value in os.getloadavg())
    line = f"{time.strftime('%Y-%m-%d %H:%M')}, {cores} × {model}, Linux {platform.release()}, load before: {load}"
    print(f"{line}\n")
    return line
