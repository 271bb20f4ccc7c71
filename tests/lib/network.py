# SPDX-License-Identifier: MIT
"""The reference network in namespaces: two gateways, a member behind each, an underlay like a wire."""

import dataclasses

from .node import Node, veth
from .reference import Pseudowire, make_sites, wirespan_conf
from .wirespan import Gateway


class Reference:
    """Nodes vpn01, vpn02, member01, member02 with their links; wirespan configured at both ends, not yet up."""

    def __init__(self, private=("/run",)):
        self.sites = self.make_sites()
        self.vpn = [Node(site.name, private) for site in self.sites]
        self.member = [Node("member01"), Node("member02")]
        self.connect()
        for number, (site, vpn, member) in enumerate(zip(self.sites, self.vpn, self.member)):
            # Some kernels have br_netfilter built in, whose bridges drop malformed IP frames; Debian's have not.
            vpn.sh("for f in /proc/sys/net/bridge/bridge-nf-call-*; do [ ! -e $f ] || echo 0 >$f; done")
            vpn.up("eth0", f"{site.underlay}/24", f"{site.underlay6}/64")
            vpn.wire_like("eth0")
            veth(vpn, "eth1", member, "eth0")
            vpn.up("eth1")
            member.up("eth0", f"{site.member4}/24", f"{site.member6}/64")
        self.underlay_family = 4
        self.gateway = [Gateway(vpn, site.name) for vpn, site in zip(self.vpn, self.sites)]

    def make_sites(self):
        return make_sites()

    def connect(self):
        """Create the underlay between the gateways."""
        veth(self.vpn[0], "eth0", self.vpn[1], "eth0")

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
        options.setdefault("underlay_family", self.underlay_family)
        self.gateway[0].configure(wirespan_conf(one, two, wire, **options))
        self.gateway[1].configure(wirespan_conf(two, one, wire, **options))

    def up(self, wire=Pseudowire(), **options):
        """Configure both gateways and bring them up."""
        self.configure(wire, **options)
        for gateway in self.gateway:
            gateway.up()

    def stop(self):
        """Stop both gateways, in any state."""
        for gateway in self.gateway:
            gateway.signal("TERM")
        for gateway in self.gateway:
            gateway.wait_gone()

    def forget_neighbours(self):
        """Clear the members' neighbour tables, so that ARP and neighbour discovery run again."""
        for member in self.member:
            member.run("ip neigh flush all")

    def diagnostics(self):
        """Return: logs and the gateways' links, printed for a failed case."""
        parts = []
        for gateway in self.gateway:
            parts.append(f"--- {gateway.name}: log\n{gateway.log_text()}")
            parts.append(gateway.node.run("ip -s addr", check=False).out)
            parts.append(gateway.run("status", gateway.conf, check=False).out)
        return "\n".join(parts)


class Routed(Reference):
    """As Reference, with a router between the gateways: eth1 faces vpn01, eth2 vpn02, networks .1 and .2."""

    def make_sites(self):
        sites = super().make_sites()
        return tuple(dataclasses.replace(site, underlay=f"192.168.{n}.24") for n, site in enumerate(sites, 1))

    def connect(self):
        self.router = Node("router")
        for number, vpn in enumerate(self.vpn, 1):
            veth(vpn, "eth0", self.router, f"eth{number}")
            self.router.up(f"eth{number}", f"192.168.{number}.1/24", f"fd00:{number}::1/64")
            self.router.wire_like(f"eth{number}")
        self.router.sh("sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1")

    def __init__(self, private=("/run",)):
        super().__init__(private)
        for number, vpn in enumerate(self.vpn, 1):
            vpn.run("ip", "route", "add", "default", "via", f"192.168.{number}.1")

    def path_mtu(self, mtu):
        """Limit the router's MTU to `mtu` in both directions; the gateways' own links keep theirs."""
        for number in (1, 2):
            self.router.run(
                *("ip", "route", "replace", f"192.168.{number}.0/24", "dev", f"eth{number}"),
                *("src", f"192.168.{number}.1", "proto", "kernel", "mtu", "lock", str(mtu)),
            )

    def icmp(self, passes):
        """Let the router's ICMP errors pass or drop them. Resets the count of fragments."""
        # ICMP and ICMPv6, by number: a minimal system has no /etc/protocols
        rule = "add rule inet router out meta l4proto { 1, 58 } drop"
        self.router.sh(
            f"""nft -f - <<'END'
flush ruleset
add table inet router
add chain inet router in {{ type filter hook prerouting priority -450; }}
add rule inet router in ip frag-off & 0x3fff != 0 counter
add chain inet router out {{ type filter hook output priority 0; }}
{'' if passes else rule}
END
"""
        )

    def fragments_seen(self):
        """Return: the number of IPv4 fragments that the router received."""
        rules = self.router.run("nft list chain inet router in").out
        return int(rules.split("packets ")[1].split()[0])

    def close(self):
        super().close()
        self.router.close()
