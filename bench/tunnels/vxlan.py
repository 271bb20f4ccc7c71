# SPDX-License-Identifier: MIT
"""The kernel's VXLAN in clear: a yardstick."""

from . import Tunnel


class Vxlan(Tunnel):
    """50 bytes of IP, UDP, VXLAN and Ethernet less than the underlay."""

    name = "kernel VXLAN in clear"
    mtu = 1450
    encrypts = False

    def up(self):
        for near in (0, 1):
            site, far = self.net.sites[near], self.net.sites[1 - near]
            self.net.vpn[near].run(
                f"ip link add vxlan0 mtu {self.mtu} type vxlan id 1 dstport 4789"
                f" local {site.underlay} remote {far.underlay} dev eth0"
            )
            self.net.vpn[near].bridge("br-bench", "vxlan0", "eth1")


def all_of(net):
    return [Vxlan(net)]
