# SPDX-License-Identifier: MIT
"""wireguard-go, with the kernel's VXLAN inside. WIREGUARD_GO names a newer one, which is measured beside Debian's."""

import os
import shutil

from lib.wireguard_go import WireguardGo

from . import Tunnel


class WireguardVxlan(Tunnel):
    """wireguard-go with the kernel's VXLAN: 50 bytes of IP, UDP, VXLAN and Ethernet less than 1440."""

    name = "wireguard-go + VXLAN"
    program = "wireguard-go"
    remark = "Debian's is of 2022, before its offloads"
    mtu = 1390
    encrypts = True

    def __init__(self, net, program=None):
        super().__init__(net)
        if program:
            self.program, self.name, self.remark = program, "newer wireguard-go + VXLAN", program

    def up(self):
        ends = [WireguardGo(vpn, site, program=self.program) for vpn, site in zip(self.net.vpn, self.net.sites)]
        for near in (0, 1):
            site, far = self.net.sites[near], self.net.sites[1 - near]
            ends[near].peer(far)
            self.net.vpn[near].run(
                f"ip link add vxlan0 mtu {self.mtu} type vxlan id 1 dstport 4789"
                f" local {site.wg4} remote {far.wg4}"
            )
            self.net.vpn[near].bridge("br-bench", "vxlan0", "eth1")


def all_of(net):
    newer = os.environ.get("WIREGUARD_GO")
    return [WireguardVxlan(net)] + ([WireguardVxlan(net, newer)] if newer else [])
