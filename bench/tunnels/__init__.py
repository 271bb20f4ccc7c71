# SPDX-License-Identifier: MIT
"""The tunnels that the benches compare. A file of this folder describes one program, with a function all_of(net) that
returns its tunnels over a network of lib/network.py. Adding a file adds them to bench/lan.py."""

import importlib
import os
import pkgutil
import shutil
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tests"))
from lib.runner import wait_for


class Tunnel:
    """One method of connecting the members. `name` is for the table, `mtu` is the members' MTU."""

    name = "no tunnel"
    program = None  # required program
    remark = ""  # for the table's legend
    mtu = 1500
    encrypts = False

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
            vpn.sh("for i in br-bench vxlan0 wg0 tap0; do ip link del $i 2>/dev/null || true; done")


def end_processes(node):
    """Kill all processes in a node and wait for them."""
    for pid in node.processes():
        node.run("kill", str(pid), check=False)
    wait_for(lambda: not node.processes(), 10, what=f"the processes of {node.name} to end")


def all_tunnels(net):
    """Return: the tunnels of every file, those without encryption first."""
    modules = [importlib.import_module(f"{__name__}.{module.name}") for module in pkgutil.iter_modules(__path__)]
    found = [tunnel for module in modules for tunnel in module.all_of(net)]
    return [Tunnel(net), *sorted(found, key=lambda tunnel: (tunnel.encrypts, tunnel.name != "wirespan"))]


def wait_for_link(vpn, name):
    """Wait until a program has made its interface."""
    wait_for(lambda: vpn.run(f"ip link show {name}", check=False).ok, what=f"{name} of {vpn.name}")
