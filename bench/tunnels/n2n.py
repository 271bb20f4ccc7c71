# SPDX-License-Identifier: MIT
"""n2n 1.3, Debian's."""

import subprocess

from lib.reference import PORT
from lib.wirespan import scratch

from . import Tunnel, wait_for_link


class N2n(Tunnel):
    """An edge carries frames of its own MAC address only: it gets that of the member, and tc passes frames on."""

    name = "n2n"
    program = "edge"
    remark = "Debian's 1.3, with Twofish; bridged by tc, as it carries one MAC address"
    mtu = 1400
    encrypts = True

    def up(self):
        first = self.net.sites[0]
        self.net.vpn[0].popen("supernode", "-l", str(PORT + 1), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for number, (vpn, member) in enumerate(zip(self.net.vpn, self.net.member), 1):
            mac = member.run("cat /sys/class/net/eth0/address").out.strip()
            vpn.popen(
                *("edge", "-d", "tap0", "-a", f"10.99.0.{number}", "-c", "bench", "-k", "secret", "-m", mac, "-r"),
                *("-l", f"{first.underlay}:{PORT + 1}", "-p", str(PORT), "-M", str(self.mtu)),
                *("-u", "0", "-g", "0"),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            wait_for_link(vpn, "tap0")
            vpn.sh(
                "ip link set tap0 up promisc on; ip link set eth1 up promisc on\n"
                "for i in tap0:eth1 eth1:tap0; do\n"
                "tc qdisc add dev ${i%:*} ingress\n"
                "tc filter add dev ${i%:*} ingress protocol all u32 match u32 0 0 action mirred egress redirect dev ${i#*:}\n"
                "done"
            )

    def down(self):
        super().down()
        for vpn in self.net.vpn:
            vpn.sh("tc qdisc del dev eth1 ingress 2>/dev/null || true; ip link set eth1 promisc off")


def all_of(net):
    return [N2n(net)]
