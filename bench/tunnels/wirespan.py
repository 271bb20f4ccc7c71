# SPDX-License-Identifier: MIT
"""The binary under test."""

from lib.reference import Pseudowire

from . import Tunnel


class Wirespan(Tunnel):
    """The binary under test, from the two files of the reference network."""

    name = "wirespan"
    mtu = Pseudowire().largest_packet(1)
    encrypts = True

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


def all_of(net):
    return [Wirespan(net)]
