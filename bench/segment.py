# SPDX-License-Identifier: MIT
"""Shared by the benches with traffic: one LAN segment over different tunnels, its loads, and medians.

The topology is the tests' reference network: two gateways, a member behind each, an underlay of MTU 1500
between them, all in namespaces of one host. Each Tunnel connects the members differently, so that measurements
between the members are comparable.
"""

import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests"))
from lib.network import Reference
from lib.node import WIRE_OFFLOADS
from lib.reference import PORT, Pseudowire
from lib.runner import install_cleanup, wait_for
from lib.wireguard_go import WireguardGo
from lib.wirespan import scratch

_TICKS = os.sysconf("SC_CLK_TCK")


class Tunnel:
    """One method of connecting the members. `name` is for the table, `mtu` is the members' MTU."""

    name = "no tunnel"
    program = None  # required program
    mtu = 1500

    def __init__(self, net):
        self.net = net

    def available(self):
        return self.program is None or shutil.which(self.program) is not None

    def up(self):
        """Connect the members: here, the underlay itself is the LAN segment."""
        for vpn in self.net.vpn:
            vpn.bridge("br-bench", "eth0", "eth1")

    def down(self):
        for vpn in self.net.vpn:
            end_processes(vpn)
            vpn.sh("for i in br-bench vxlan0 wg0; do ip link del $i 2>/dev/null || true; done")


class Wirespan(Tunnel):
    """The binary under test, from the two files of the reference network."""

    name = "wirespan"
    mtu = Pseudowire().largest_packet(1)

    def __init__(self, net, options="", wire=Pseudowire(), extra="", mtu=None):
        super().__init__(net)
        self.options, self.wire, self.extra = options, wire, extra
        if options:
            self.name = f"wirespan, {options}"
        if mtu:
            self.mtu = mtu

    def up(self):
        for gateway in self.net.gateway:
            gateway.env = {"WIRESPAN_OPTIONS": self.options}
        self.net.up(self.wire, extra=self.extra)

    def down(self):
        self.net.stop()


class Fastd(Tunnel):
    """fastd in TAP mode with one of its methods; 1426 is the MTU its documentation gives for IPv4."""

    program = "fastd"
    mtu = 1426

    def __init__(self, net, method):
        super().__init__(net)
        self.method = method
        self.name = f"fastd {method}"

    def up(self):
        keys = [_fastd_keys() for _ in self.net.vpn]
        for near in (0, 1):
            vpn, far = self.net.vpn[near], 1 - near
            conf = os.path.join(scratch(), "fastd.conf")
            with open(conf, "w") as file:
                file.write(
                    f'interface "fastd0"; mode tap; mtu {self.mtu}; method "{self.method}"; log level error;\n'
                    f'bind {self.net.sites[near].underlay}:{PORT}; secret "{keys[near][0]}";\n'
                    f'peer "far" {{ key "{keys[far][1]}"; remote {self.net.sites[far].underlay}:{PORT}; }}\n'
                )
            vpn.popen("fastd", "-c", conf, stderr=subprocess.DEVNULL)
            wait_for(lambda: vpn.run("ip link show fastd0", check=False).ok, what="fastd0")
            vpn.bridge("br-bench", "fastd0", "eth1")


def _fastd_keys():
    def fastd(*words):
        return subprocess.run(
            ["fastd", "--machine-readable", *words], capture_output=True, text=True, check=True
        ).stdout.strip()

    secret = fastd("--generate-key")
    conf = os.path.join(scratch(), "key.conf")
    with open(os.open(conf, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
        file.write(f'secret "{secret}";\n')
    return secret, fastd("--config", conf, "--show-key")


class WireguardVxlan(Tunnel):
    """wireguard-go with the kernel's VXLAN: 50 bytes of IP, UDP, VXLAN and Ethernet less than 1440."""

    name = "wireguard-go + VXLAN"
    program = "wireguard-go"
    mtu = 1390

    def up(self):
        ends = [WireguardGo(vpn, site) for vpn, site in zip(self.net.vpn, self.net.sites)]
        for near in (0, 1):
            site, far = self.net.sites[near], self.net.sites[1 - near]
            ends[near].peer(far)
            self.net.vpn[near].run(
                f"ip link add vxlan0 mtu {self.mtu} type vxlan id 1 dstport 4789"
                f" local {site.wg4} remote {far.wg4}"
            )
            self.net.vpn[near].bridge("br-bench", "vxlan0", "eth1")


class Openvpn(Tunnel):
    """OpenVPN in TAP mode, AES-256-GCM: self-signed certificates, identified by their fingerprints."""

    name = "openvpn tap AES-256-GCM"
    program = "openvpn"
    mtu = 1408

    def up(self):
        folder = scratch()
        prints = []
        for name in ("vpn01", "vpn02"):
            key, cert = f"{folder}/{name}.key", f"{folder}/{name}.crt"
            subprocess.run(
                ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:secp384r1", "-nodes"]
                + ["-keyout", key, "-out", cert, "-days", "2", "-subj", f"/CN={name}"],
                capture_output=True,
                check=True,
            )
            line = ["openssl", "x509", "-in", cert, "-noout", "-fingerprint", "-sha256"]
            prints.append(subprocess.run(line, capture_output=True, text=True, check=True).stdout.split("=")[1].strip())
        for near, role in ((0, ["--tls-server", "--dh", "none"]), (1, ["--tls-client"])):
            site, far = self.net.sites[near], self.net.sites[1 - near]
            vpn = self.net.vpn[near]
            vpn.popen(
                *("openvpn", "--dev", "tap0", "--dev-type", "tap", "--proto", "udp", "--port", str(PORT)),
                *("--local", site.underlay, "--remote", far.underlay, str(PORT), *role, "--verb", "0"),
                *("--key", f"{folder}/{site.name}.key", "--cert", f"{folder}/{site.name}.crt"),
                *("--peer-fingerprint", prints[1 - near], "--data-ciphers", "AES-256-GCM", "--cipher", "AES-256-GCM"),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            wait_for(lambda: vpn.run("ip link show tap0", check=False).ok, what="tap0")
            vpn.bridge("br-bench", "tap0", "eth1")


def end_processes(node):
    """Kill all processes in a node and wait for them."""
    for pid in node.processes():
        node.run("kill", str(pid), check=False)
    wait_for(lambda: not node.processes(), 10, what=f"the processes of {node.name} to end")


class Segment:
    """The reference network with its loads."""

    def __init__(self):
        install_cleanup()
        self.net = Reference()
        self.servers = []
        for member in self.net.member:
            self.servers.append(member.popen("iperf3", "-s", stdout=subprocess.DEVNULL))

    def wire_like(self, on):
        """Make the underlay behave like a wire, or pass trains of datagrams unsplit as veth does."""
        for vpn in self.net.vpn:
            vpn.offloads("eth0", not on, *WIRE_OFFLOADS)

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
        """Run iperf3 between the members. Return: its report, with the gateways' CPU time and packet size."""
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
    """Print the time, processor, kernel and load."""
    model = "unknown processor"
    with open("/proc/cpuinfo") as file:
        for line in file:
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
    cores = len(os.sched_getaffinity(0))
    load = " ".join(f"{value:.1f}" for value in os.getloadavg())
    print(f"{time.strftime('%Y-%m-%d %H:%M')}, {cores} × {model}, Linux {platform.release()}, load before: {load}\n")
