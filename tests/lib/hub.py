# SPDX-License-Identifier: MIT
"""Sites around a hub: the nodes, and the parts of their configuration files."""

from .node import Node, veth
from .reference import PORT, new_site_keys
from .wirespan import Gateway


class Hub:
    """Gateways on one underlay bridge; vpn01 is the hub of a segment with a member at each site."""

    def __init__(self, count=3):
        self.keys = [new_site_keys() for _ in range(count)]
        self.lan = Node("lan")
        self.vpn = [Node(f"vpn0{n + 1}") for n in range(count)]
        self.member = [Node(f"member0{n + 1}") for n in range(count)]
        for number, vpn in enumerate(self.vpn, 1):
            veth(self.lan, f"port{number}", vpn, "eth0")
            vpn.up("eth0", f"192.168.122.{number}/24")
            vpn.wire_like("eth0")
            veth(vpn, "eth1", self.member[number - 1], "eth0")
            vpn.up("eth1")
            self.member[number - 1].up("eth0", f"10.0.2.{number}2/24", f"fd00:2::{number}2/64")
            vpn.sh("for f in /proc/sys/net/bridge/bridge-nf-call-*; do [ ! -e $f ] || echo 0 >$f; done")
        self.lan.bridge("wire", *[f"port{n + 1}" for n in range(count)])
        self.gateway = [Gateway(vpn, vpn.name) for vpn in self.vpn]

    def interface(self, number, addresses):
        lines = ["[Interface]", f"PrivateKey = {self.keys[number - 1][0]}", f"ListenPort = {PORT}"]
        return "\n".join(lines + [f"Address = {address}" for address in addresses]) + "\n"

    def peer(self, number, allowed):
        return (
            f"[Peer]\nPublicKey = {self.keys[number - 1][1]}\n"
            f"Endpoint = 192.168.122.{number}:{PORT}\nAllowedIPs = {allowed}\n"
        )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for node in (*self.vpn, *self.member, self.lan):
            node.close()

    def up(self, *texts):
        for gateway, text in zip(self.gateway, texts):
            gateway.configure(text)
            gateway.up()

    def diagnostics(self):
        return "\n".join(f"--- {gateway.name}\n{gateway.log_text()}" for gateway in self.gateway)


def tunnel(near, far, encap="udp", port=1701):
    """[L2TP] from site `near` to site `far`, whose numbers make the ids."""
    text = f"[L2TP]\nTunnelId = {near}{far}\nPeerTunnelId = {far}{near}\n"
    text += f"Local = 10.0.1.{near}\nRemote = 10.0.1.{far}\nEncapsulationType = {encap}\n"
    if encap == "udp":
        text += f"UDPSourcePort = {port}\nUDPDestinationPort = {port}\n"
    return text


def session(name, mine, theirs):
    return f"[L2TPSession]\nName = {name}\nSessionId = {mine}\nPeerSessionId = {theirs}\n"


BRIDGE = "[Bridge]\nName = br-l2tp0\nMember = eth1\n"
