# SPDX-License-Identifier: MIT
"""The forwarder without cryptography of this folder: what splitting, merging and the system calls cost alone."""

import os

from lib.reference import PORT
from lib.wirespan import find_binary

from . import Tunnel, wait_for_link


class Forwarder(Tunnel):
    """Frames in UDP: 42 bytes of IP, UDP and Ethernet less than the underlay."""

    name = "forwarder in clear"
    remark = "bench/forwarder.c"
    mtu = 1458
    encrypts = False

    def __init__(self, net):
        super().__init__(net)
        build = os.path.join(os.path.dirname(os.path.realpath(find_binary())), "..", "..")
        self.program = os.path.join(os.path.realpath(build), "bench", "forwarder")

    def up(self):
        for near in (0, 1):
            vpn = self.net.vpn[near]
            vpn.popen(self.program, "tap0", str(PORT), f"{self.net.sites[1 - near].underlay}:{PORT}")
            wait_for_link(vpn, "tap0")
            vpn.bridge("br-bench", "tap0", "eth1")


def all_of(net):
    return [Forwarder(net)]
