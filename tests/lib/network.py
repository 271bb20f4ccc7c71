# SPDX-License-Identifier: MIT
"""The reference network in namespaces: two gateways, a member behind each, an underlay like a wire."""

from .node import Node, veth
from .reference import Pseudowire, make_sites, wirespan_conf
from .wirespan import Gateway


class Reference:
    """Nodes vpn01, vpn02, member01, member02 with their links; wirespan at both ends, not yet up."""

    def __init__(self, private=("/run",)):
        self.sites = make_sites()
        self.vpn = [Node(site.name, private) for site in self.sites]
        self.member = [Node("member01"), Node("member02")]
        veth(self.vpn[0], "eth0", self.vpn[1], "eth0")
        for number, (site, vpn, member) in enumerate(zip(self.sites, self.vpn, self.member)):
            # Some kernels have br_netfilter built in: its bridges drop odd IP frames, an ordinary Debian's do not.
            vpn.sh("for f in /proc/sys/net/bridge/bridge-nf-call-*; do [ ! -e $f ] || echo 0 >$f; done")
            vpn.up("eth0", f"{site.underlay}/24")
            vpn.wire_like("eth0")
            veth(vpn, "eth1", member, "eth0")
            vpn.up("eth1")
            member.up("eth0", f"{site.member4}/24", f"{site.member6}/64")
        self.gateway = [Gateway(vpn, site.name) for vpn, site in zip(self.vpn, self.sites)]

    def close(self):
        for node in (*self.vpn, *self.member):
            node.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def configure(self, wire=Pseudowire(), **options):
        """Write both configuration files."""
        one, two = self.sites
        self.gateway[0].configure(wirespan_conf(one, two, wire, **options))
        self.gateway[1].configure(wirespan_conf(two, one, wire, **options))

    def up(self, wire=Pseudowire(), **options):
        """Configure both gateways and bring them up."""
        self.configure(wire, **options)
        for gateway in self.gateway:
            gateway.up()

    def stop(self):
        """End both gateways, whatever state they are in."""
        for gateway in self.gateway:
            gateway.signal("TERM")
        for gateway in self.gateway:
            gateway.wait_gone()

    def forget_neighbours(self):
        """Empty the members' neighbour tables, so that ARP and neighbour discovery have to work again."""
        for member in self.member:
            member.run("ip neigh flush all")

    def diagnostics(self):
        """Return: logs and the gateways' links, for a failed case."""
        parts = []
        for gateway in self.gateway:
            parts.append(f"--- {gateway.name}: log\n{gateway.log_text()}")
            parts.append(gateway.node.run("ip -s addr", check=False).out)
            parts.append(gateway.run("status", gateway.conf, check=False).out)
        return "\n".join(parts)
